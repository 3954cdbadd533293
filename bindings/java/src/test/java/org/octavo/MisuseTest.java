package org.octavo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What a caller can get wrong: each time an exception with code and message, never the end of the process. */
class MisuseTest {
  @TempDir static Path folder;
  private static Model model;
  private static Model int8;
  private static Statistics statistics;
  private static Session session;
  private static Tensor image;

  private final List<DynamicTest> cases = new ArrayList<>();

  @BeforeAll
  static void makeObjects() {
    model = Digits.load();
    statistics = Digits.calibrate(model, 0, 20);
    int8 = model.quantize(statistics);
    session = int8.session();
    image = Digits.images(100, 1);
  }

  @AfterAll
  static void stillWorks() {
    assertEquals(10, session.run(image).toFloatArray().length);
    for (NativeObject object : new NativeObject[] {session, int8, statistics, model}) object.close();
  }

  private void add(String name, int code, String message, Executable misuse) {
    cases.add(DynamicTest.dynamicTest(name, () -> {
      OctavoException e = assertThrows(OctavoException.class, misuse);
      assertEquals(code, e.code(), e.codeName() + ": " + e.getMessage());
      assertTrue(e.getMessage().contains(message), e.getMessage());
      assertFalse(e.codeName().equals("OCTAVO_UNKNOWN"));
      Class<?> kind = code < 64 ? OctavoException.Misuse.class : code < 128 ? OctavoException.BadData.class
          : code < 192 ? OctavoException.Failure.class : OctavoException.Cancelled.class;
      assertSame(kind, e.getClass());
    }));
  }

  private void argument(String name, String message, Executable misuse) {
    add(name, OctavoException.INVALID_ARGUMENT, message, misuse);
  }

  private void state(String name, String message, Executable misuse) {
    add(name, OctavoException.INVALID_STATE, message, misuse);
  }

  private static Tensor floats(long... shape) {
    return Tensor.allocate(DType.FLOAT32, shape);
  }

  private static Tensor[] list(Tensor... tensors) {
    return tensors;
  }

  private static <T extends AutoCloseable> T closed(T object) {
    try {
      object.close();
      object.close(); // a second time does nothing
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    return object;
  }

  @TestFactory
  Stream<DynamicTest> inputs() {
    argument("input of another dtype", "float32", () -> session.run(Tensor.allocate(DType.FLOAT64, 1, 1, 16, 16)));
    argument("input of another rank", "image", () -> session.run(floats(1, 256)));
    argument("input of another size", "image", () -> session.run(floats(1, 1, 16, 17)));
    argument("no input", "0 inputs", () -> session.run());
    argument("too many inputs", "2 inputs", () -> session.run(image, image));
    argument("null input", "inputs[0] is null", () -> session.run((Tensor) null));
    argument("null inputs", "inputs is null", () -> session.run((Tensor[]) null));
    argument("null map", "inputs is null", () -> session.run((Map<String, Tensor>) null));
    argument("missing name", "'image' is missing", () -> session.run(Map.of("picture", image)));
    add("unknown name", OctavoException.NOT_FOUND, "picture", () -> {
      Map<String, Tensor> named = new HashMap<>(Map.of("picture", image));
      named.put("image", image);
      session.run(named);
    });
    state("closed input", "tensor is closed", () -> session.run(closed(Digits.images(0, 1))));
    argument("batch of nothing into calibration", "", () -> {
      try (Calibrator calibrator = model.calibrator()) {
        calibrator.collect(floats(1, 1, 16, 15));
      }
    });
    argument("calibrate: null inputs", "inputs is null", () -> {
      try (Calibrator calibrator = model.calibrator()) {
        calibrator.collect((Tensor[]) null);
      }
    });
    argument("calibrate: too many inputs", "2 inputs", () -> {
      try (Calibrator calibrator = model.calibrator()) {
        calibrator.collect(image, image);
      }
    });
    return cases.stream();
  }

  @TestFactory
  Stream<DynamicTest> outputs() {
    argument("output of another dtype", "", () -> session.run(list(image), list(Tensor.allocate(DType.INT32, 1, 10)), null));
    argument("output of another shape", "", () -> session.run(list(image), list(floats(10, 1)), null));
    argument("output too small", "", () -> session.run(list(image), list(floats(1, 9)), null));
    argument("no output", "0 outputs", () -> session.run(list(image), list(), null));
    argument("null output", "outputs[0] is null", () -> session.run(list(image), list((Tensor) null), null));
    argument("null outputs", "outputs is null", () -> session.run(list(image), null, null));
    argument("read-only output", "read-only", () -> session.run(list(image),
        list(Tensor.wrap(ByteBuffer.allocateDirect(40).asReadOnlyBuffer(), DType.FLOAT32, 1, 10)), null));
    argument("strided output", "strides", () -> session.run(list(image), list(Tensor.strided(ByteBuffer.allocateDirect(80),
        DType.FLOAT32, new long[] {1, 10}, new long[] {20, 2}, 0)), null));
    state("closed output", "tensor is closed", () -> session.run(list(image), list(closed(floats(1, 10))), null));
    argument("index of an output", "index", () -> {
      session.run(image);
      session.outputShape(1);
    });
    argument("negative index", "index", () -> session.outputShape(-1));
    state("shape before the first run", "run", () -> {
      try (Session fresh = int8.session()) {
        fresh.outputShape(0);
      }
    });
    state("profile that was not asked for", "profile", () -> session.profileJson());
    return cases.stream();
  }

  @TestFactory
  Stream<DynamicTest> tensors() {
    ByteBuffer direct = ByteBuffer.allocateDirect(64);
    argument("array of another size", "were given", () -> Tensor.of(new float[10], 1, 3, 32, 32));
    argument("bytes of another size", "were given", () -> Tensor.of(DType.UINT8, new byte[3], 4));
    argument("odd count of 4-bit elements", "were given", () -> Tensor.of(DType.INT4, new byte[1], 3));
    argument("buffer of another size", "64 were given", () -> Tensor.wrap(direct, DType.FLOAT32, 15));
    argument("null array", "values is null", () -> Tensor.of((float[]) null, 1));
    argument("null bytes", "values is null", () -> Tensor.of(DType.UINT8, null, 1));
    argument("null dtype", "dtype is null", () -> Tensor.allocate(null, 1));
    argument("null memory", "memory is null", () -> Tensor.wrap((ByteBuffer) null, DType.INT8, 1));
    argument("null floats", "memory is null", () -> Tensor.wrap((FloatBuffer) null, 1));
    argument("heap buffer", "heap", () -> Tensor.wrap(ByteBuffer.allocate(64), DType.FLOAT32, 16));
    argument("heap floats", "heap", () -> Tensor.wrap(FloatBuffer.allocate(16), 16));
    ByteOrder foreign = ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
    argument("foreign byte order", "order", () -> Tensor.wrap(direct.duplicate().order(foreign).asFloatBuffer(), 16));
    argument("negative dimension", "-2", () -> floats(3, -2));
    argument("nine dimensions", "at most 8", () -> floats(1, 1, 1, 1, 1, 1, 1, 1, 1));
    argument("more than a buffer", "more than a Java buffer", () -> floats(1 << 20, 1 << 20));
    argument("product past 64 bits", "more than a Java buffer", () -> floats(Long.MAX_VALUE, Long.MAX_VALUE, 4));
    add("more than the machine gives", OctavoException.OUT_OF_MEMORY, "bytes for", () -> {
      List<Tensor> many = new ArrayList<>();
      for (int i = 0; i < 64; i++) many.add(floats(500_000_000));
    });
    argument("another type read", "float32, not int32", () -> image.toIntArray());
    argument("another type read: long", "not int64", () -> image.toLongArray());
    argument("another type read: double", "not float64", () -> image.toDoubleArray());
    argument("floats of integers", "int8, not float32", () -> Tensor.allocate(DType.INT8, 4).floatBuffer());
    state("closed tensor read", "tensor is closed", () -> closed(floats(3)).toFloatArray());
    state("closed tensor's buffer", "tensor is closed", () -> closed(floats(3)).buffer());
    state("bytes of a float buffer", "floatBuffer()", () -> Tensor.wrap(
        direct.duplicate().order(ByteOrder.nativeOrder()).asFloatBuffer(), 16).buffer());
    argument("strides that leave the memory", "reach", () -> Tensor.strided(direct, DType.FLOAT32, new long[] {4, 4},
        new long[] {4, 2}, 0));
    argument("strides that begin before it", "reach", () -> Tensor.strided(direct, DType.FLOAT32, new long[] {4, 4},
        new long[] {-4, 1}, 0));
    argument("strides past 64 bits", "out of range", () -> Tensor.strided(direct, DType.FLOAT32, new long[] {4, 4},
        new long[] {Long.MAX_VALUE, 1}, 0));
    argument("offset past 64 bits", "out of range", () -> Tensor.strided(direct, DType.FLOAT32, new long[] {4, 4},
        new long[] {4, 1}, Long.MAX_VALUE));
    argument("strides of another count", "strides", () -> Tensor.strided(direct, DType.FLOAT32, new long[] {4, 4},
        new long[] {4}, 0));
    argument("null strides", "strides", () -> Tensor.strided(direct, DType.FLOAT32, new long[] {4}, null, 0));
    argument("strides of 4-bit elements", "int4", () -> Tensor.strided(direct, DType.INT4, new long[] {4}, new long[] {2}, 0));
    argument("strided read out", "strides", () -> Tensor.strided(direct, DType.FLOAT32, new long[] {4, 4},
        new long[] {1, 4}, 0).toFloatArray());
    return cases.stream();
  }

  @TestFactory
  Stream<DynamicTest> closedObjects() {
    state("closed model", "model is closed", () -> closed(Digits.load()).session());
    state("closed model described", "model is closed", () -> closed(Digits.load()).describeJson());
    state("closed model saved", "model is closed", () -> closed(Digits.load()).save(folder.resolve("x.onnx")));
    state("closed session", "session is closed", () -> closed(int8.session()).run(image));
    state("closed calibrator", "calibrator is closed", () -> closed(model.calibrator()).collect(image));
    state("closed statistics", "statistics is closed", () -> model.quantize(closed(Digits.calibrate(model, 0, 1))));
    state("closed recipe", "recipe is closed", () -> model.quantize(statistics, closed(Recipe.staticInt8())));
    state("closed recipe changed", "recipe is closed", () -> closed(Recipe.staticInt8()).keepFloat("Gemm", null));
    state("closed report", "report is closed", () -> closed(model.report(int8)).collect(image));
    state("closed context", "context is closed", () -> Model.load(Digits.MODEL,
        new LoadOptions().context(closed(new Context()))));
    state("closed cancel", "cancel is closed", () -> closed(new Cancel()).request());
    state("closed cancel given", "cancel is closed", () -> session.runAll(list(image), closed(new Cancel())));
    return cases.stream();
  }

  @TestFactory
  Stream<DynamicTest> nulls() {
    argument("null path", "path is NULL", () -> Model.load((Path) null));
    argument("null path saved to", "path is NULL", () -> int8.save(null));
    argument("null bytes", "bytes is null", () -> Model.load((byte[]) null));
    argument("null buffer", "bytes is null", () -> Model.load((ByteBuffer) null, null));
    argument("null key", "key is NULL", () -> int8.metadata(null));
    argument("null JSON", "json is NULL", () -> Recipe.parse(null));
    argument("null observer", "observer is NULL", () -> Recipe.staticInt8().observer(null));
    argument("null statistics merged", "from is NULL", () -> Digits.calibrate(model, 0, 1).merge(null));
    argument("null statistics loaded", "bytes is null", () -> Statistics.load((byte[]) null));
    argument("null context", "context is NULL", () -> Statistics.load(null, folder));
    argument("null quantized model", "quantized_model is NULL", () -> model.report(null));
    argument("static without statistics", "statistics", () -> model.quantize((Statistics) null));
    argument("null operand", "x is NULL", () -> Tensors.quantize(null, floats(1), null, 0, Tensor.allocate(DType.INT8, 1)));
    argument("null result", "y is NULL", () -> Tensors.quantize(floats(1), floats(1), null, 0, null));
    argument("null level", "level is null", () -> new ContextOptions().log(null, (level, message) -> {}));
    return cases.stream();
  }

  @TestFactory
  Stream<DynamicTest> filesAndData() throws IOException {
    add("no such file", OctavoException.IO, "missing-\\xc3\\xa9\\xe6\\x95\\xb0.onnx", () -> Model.load(folder.resolve("missing-\u00e9\u6570.onnx")));
    add("a folder", OctavoException.IO, "", () -> Model.load(folder));
    add("a folder that is not there", OctavoException.IO, "", () -> int8.save(folder.resolve("no/such/x.onnx")));
    add("no model", OctavoException.INVALID_MODEL, "", () -> Model.load(new byte[] {1, 2, 3}));
    add("nothing", OctavoException.INVALID_MODEL, "", () -> Model.load(new byte[0]));
    add("half a model", OctavoException.INVALID_MODEL, "",
        () -> Model.load(java.util.Arrays.copyOf(Files.readAllBytes(Digits.MODEL), 5000)));
    add("no statistics", OctavoException.INVALID_DATA, "", () -> Statistics.load(new byte[] {1, 2, 3}));
    add("statistics that are not there", OctavoException.IO, "x.stats", () -> Statistics.load(folder.resolve("x.stats")));
    add("unknown key", OctavoException.INVALID_DATA, "shceme", () -> Recipe.parse("{\"octavo\": 1, \"shceme\": \"static\"}"));
    add("no JSON", OctavoException.INVALID_DATA, "", () -> Recipe.parse("{"));
    argument("half a surrogate pair", "surrogate", () -> Recipe.parse("{\"\ud83d\": 1}"));
    argument("zero character", "zero character", () -> int8.metadata("octavo.recipe\0"));
    argument("borrowed heap memory", "direct", () -> Model.load(ByteBuffer.allocate(10), new LoadOptions().borrow(true)));
    argument("shape of a fixed dimension", "", () -> Model.load(Digits.MODEL, new LoadOptions().inputShape("image", 1, 2, 16, 16)));
    add("shape of an unknown input", OctavoException.NOT_FOUND, "picture",
        () -> Model.load(Digits.MODEL, new LoadOptions().inputShape("picture", 1, 1, 16, 16)));
    Path zip = folder.resolve("a.zip");
    argument("path in a zip", "default file system", () -> {
      try (FileSystem inside = FileSystems.newFileSystem(URI.create("jar:" + zip.toUri()), Map.of("create", "true"))) {
        Model.load(inside.getPath("net.onnx"));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    });
    add("file limit", OctavoException.LIMIT, "", () -> Model.load(Digits.MODEL,
        new LoadOptions().context(new Context(new ContextOptions().fileLimit(1000)))));
    add("memory limit", OctavoException.LIMIT, "", () -> {
      Model small = Model.load(Digits.MODEL, new LoadOptions().context(new Context(new ContextOptions().memoryLimit(1_200_000))));
      small.session().run(Digits.images(0, 200));
    });
    return cases.stream();
  }

  @TestFactory
  Stream<DynamicTest> values() {
    argument("threads", "threads", () -> int8.session(new SessionOptions().threads(-5)));
    argument("threads of a context", "threads", () -> new Context(new ContextOptions().threads(1 << 20)));
    argument("limit of nothing", "", () -> new Context(new ContextOptions().memoryLimit(0)));
    argument("limit below nothing", "", () -> new Context(new ContextOptions().nodeLimit(Long.MIN_VALUE)));
    add("unknown instruction set", OctavoException.NOT_FOUND, "avx9", () -> int8.session(new SessionOptions().cpuTarget("avx9")));
    add("unknown instruction set: calibrator", OctavoException.NOT_FOUND, "avx9",
        () -> model.calibrator(new CalibratorOptions().cpuTarget("avx9")));
    add("unknown instruction set: report", OctavoException.NOT_FOUND, "avx9",
        () -> model.report(int8, new ReportOptions().cpuTarget("avx9")));
    argument("percentile", "percentile", () -> Recipe.staticInt8().observer(Observer.percentile(101)));
    argument("percentile that is no number", "percentile", () -> Recipe.staticInt8().observer(Observer.percentile(Double.NaN)));
    argument("bits", "bits", () -> Recipe.weightOnly().weightBlocks(5, 32));
    argument("block size", "block", () -> Recipe.weightOnly().weightBlocks(4, -1));
    argument("form", "", () -> int8.convert(new ConvertOptions().form("protobuf")));
    add("rule that matches nothing", OctavoException.INVALID_DATA, "NoSuchOp",
        () -> model.quantize(statistics, Recipe.staticInt8().keepFloat("NoSuchOp", null)));
    argument("dtype of a result", "", () -> Tensors.quantize(floats(1), floats(1), null, 0, Tensor.allocate(DType.INT64, 1)));
    argument("shape of a result", "", () -> Tensors.quantize(floats(2), floats(1), null, 0, Tensor.allocate(DType.INT8, 3)));
    argument("axis", "axis", () -> Tensors.quantize(floats(2, 3), Tensor.of(new float[] {1, 1, 1}, 3), null, 5,
        Tensor.allocate(DType.INT8, 2, 3)));
    argument("read-only result", "read-only", () -> Tensors.quantize(floats(1), floats(1), null, 0,
        Tensor.wrap(ByteBuffer.allocateDirect(1).asReadOnlyBuffer(), DType.INT8, 1)));
    argument("matrices that do not fit", "", () -> Tensors.matmul(Tensor.allocate(DType.INT8, 2, 3), null, null,
        Tensor.allocate(DType.INT8, 4, 2), null, null, null, null, Tensor.allocate(DType.INT32, 2, 2)));
    argument("null dtype", "dtype is null", () -> Tensors.fakeQuantize(floats(1), floats(1), null, null, 0, floats(1)));
    return cases.stream();
  }

  @TestFactory
  Stream<DynamicTest> order() {
    state("quantized twice", "quantized", () -> int8.quantize(statistics));
    state("calibrating an INT8 model", "quantized", () -> int8.calibrator());
    state("finished before collecting", "collect", () -> model.calibrator().finish());
    argument("merged into itself", "merged", () -> statistics.merge(statistics));
    argument("float models compared", "", () -> int8.report(model));
    add("cancelled run", OctavoException.CANCELLED, "", () -> {
      try (Cancel cancel = new Cancel()) {
        cancel.request();
        assertTrue(cancel.requested());
        session.runAll(list(image), cancel);
      }
    });
    add("cancelled calibration", OctavoException.CANCELLED, "", () -> {
      try (Cancel cancel = new Cancel(); Calibrator calibrator = model.calibrator()) {
        cancel.request();
        calibrator.collect(list(image), cancel);
      }
    });
    add("cancelled report", OctavoException.CANCELLED, "", () -> {
      try (Cancel cancel = new Cancel(); Report report = model.report(int8)) {
        cancel.request();
        report.collect(list(image), cancel);
      }
    });
    add("cancelled quantizing", OctavoException.CANCELLED, "", () -> {
      try (Cancel cancel = new Cancel()) {
        cancel.request();
        model.quantize(statistics, null, new QuantizeOptions().cancel(cancel));
      }
    });
    add("stopped by progress", OctavoException.CANCELLED, "",
        () -> model.quantize(statistics, null, new QuantizeOptions().progress((fraction, what) -> false)));
    add("stopped by the observer", OctavoException.CANCELLED, "",
        () -> model.quantize(statistics, null, new QuantizeOptions().observer(counts -> null)));
    argument("observer's bounds that are no range", "", () -> model.quantize(statistics, null,
        new QuantizeOptions().observer(counts -> new double[] {1, -1})));
    argument("observer's bounds that are no numbers", "", () -> model.quantize(statistics, null,
        new QuantizeOptions().observer(counts -> new double[] {Double.NaN, 1})));
    argument("observer's three bounds", "3 numbers", () -> model.quantize(statistics, null,
        new QuantizeOptions().observer(counts -> new double[3])));
    argument("custom observer that is not given", "custom",
        () -> model.quantize(statistics, Recipe.staticInt8().observer(Observer.CUSTOM)));
    argument("observer that the recipe does not name", "custom", () -> model.quantize(statistics, Recipe.staticInt8(),
        new QuantizeOptions().observer(counts -> new double[] {counts.min(), counts.max()})));
    return cases.stream();
  }

  @TestFactory
  Stream<DynamicTest> exceptionsInCallbacks() {
    thrown("progress", e -> model.quantize(statistics, null, new QuantizeOptions().progress((fraction, what) -> {
      throw e;
    })));
    thrown("observer", e -> model.quantize(statistics, null, new QuantizeOptions().observer(counts -> {
      throw e;
    })));
    thrown("log while loading", e -> Model.load(Digits.MODEL, new LoadOptions().context(logging(e))));
    thrown("log while quantizing", e -> {
      boolean[] armed = {false};
      Context context = new Context(new ContextOptions().log(LogLevel.DEBUG, (level, message) -> {
        if (armed[0]) throw e;
      }));
      Model own = Model.load(Digits.MODEL, new LoadOptions().context(context));
      Statistics counts = Digits.calibrate(own, 0, 1);
      armed[0] = true;
      own.quantize(counts);
    });
    thrown("quantizing from inside progress", e -> model.quantize(statistics, null,
        new QuantizeOptions().progress((fraction, what) -> {
          model.quantize(statistics, null, new QuantizeOptions().observer(counts -> {
            throw e;
          }));
          return true;
        })));
    state("recipe changed from inside progress", "in use", () -> {
      Recipe recipe = Recipe.staticInt8();
      model.quantize(statistics, recipe, new QuantizeOptions().progress((fraction, what) -> recipe.keepFloat("Conv", null) != null));
    });
    return cases.stream();
  }

  private static Context logging(RuntimeException e) {
    return new Context(new ContextOptions().log(LogLevel.DEBUG, (level, message) -> {
      throw e;
    }));
  }

  private interface Throwing {
    void call(RuntimeException e);
  }

  /** The very exception comes out of the call that called back. */
  private void thrown(String name, Throwing call) {
    cases.add(DynamicTest.dynamicTest("exception in " + name, () -> {
      RuntimeException mine = new RuntimeException("mine");
      assertSame(mine, assertThrows(RuntimeException.class, () -> call.call(mine)));
    }));
  }
}
