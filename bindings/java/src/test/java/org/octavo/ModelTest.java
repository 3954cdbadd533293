package org.octavo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What each part of the library does when it is used as meant. */
class ModelTest {
  @TempDir Path folder;

  @Test
  void versionAndMachine() throws Exception {
    assertEquals(Files.readString(Digits.ROOT.resolve("VERSION")).trim(), Octavo.versionString());
    assertEquals(0, Octavo.abiVersion());
    List<String> targets = Octavo.cpuTargets();
    assertEquals(Octavo.cpuTarget(), targets.get(0));
    assertEquals("reference", targets.get(targets.size() - 1));
  }

  @Test
  void dtypesAreThoseOfC() {
    assertEquals("float32", DType.FLOAT32.toString());
    assertEquals("bfloat16", DType.BFLOAT16.toString());
    assertEquals(4, DType.INT4.bits());
    for (DType dtype : DType.values()) {
      assertEquals(dtype.name().toLowerCase(java.util.Locale.ROOT), dtype.toString());
      assertEquals(dtype, DType.of(dtype.code));
    }
  }

  @Test
  void aModelTellsItsStory() {
    try (Model model = Digits.load()) {
      assertEquals(1, model.inputs().size());
      TensorInfo input = model.inputs().get(0);
      assertEquals(DType.FLOAT32, input.dtype());
      assertArrayEquals(new long[] {-1, 1, 16, 16}, input.shape());
      assertEquals("image: float32[-1, 1, 16, 16]", input.toString());
      assertArrayEquals(new long[] {-1, 10}, model.outputs().get(0).shape());
      assertFalse(model.isQuantized());
      assertTrue(model.describeJson().contains("\"operators\""));
    }
  }

  @Test
  void quantizedModelsKeepWhatMadeThem() {
    try (Model int8 = Digits.int8()) {
      assertTrue(int8.isQuantized());
      Map<String, String> metadata = int8.metadata();
      assertTrue(metadata.containsKey("octavo.recipe"), metadata.keySet().toString());
      assertEquals(Optional.of(metadata.get("octavo.recipe")), int8.metadata("octavo.recipe"));
      assertEquals(Optional.empty(), int8.metadata("no such key"));
      assertTrue(int8.describeJson().contains("\"quantized\":true") || int8.describeJson().contains("\"quantized\": true"));
    }
  }

  @Test
  void savedModelsAreTheSameAgain() throws Exception {
    Path file = folder.resolve("Zahlen \u00e4\u00f6\u00fc \u6570\u5b57 \ud83d\ude00.onnx");
    try (Model int8 = Digits.int8()) {
      int8.save(file);
      byte[] bytes = int8.toBytes();
      assertArrayEquals(Files.readAllBytes(file), bytes);
      try (Model fromFile = Model.load(file); Model fromBytes = Model.load(bytes);
          Session a = int8.session(); Session b = fromFile.session(); Session c = fromBytes.session()) {
        float[] scores = Digits.scores(a, 100, 5);
        assertArrayEquals(scores, Digits.scores(b, 100, 5));
        assertArrayEquals(scores, Digits.scores(c, 100, 5));
      }
      Path apart = folder.resolve("apart.onnx");
      int8.save(apart, new SaveOptions().externalData(true));
      assertTrue(Files.exists(folder.resolve("apart.onnx.data")));
      try (Model again = Model.load(apart)) {
        assertArrayEquals(bytes, again.toBytes());
      }
    }
  }

  @Test
  void borrowedBytesAreUsedWhereTheyLie() throws Exception {
    byte[] bytes = Files.readAllBytes(Digits.MODEL);
    ByteBuffer memory = ByteBuffer.allocateDirect(bytes.length + 7).position(7).put(bytes).position(7);
    Session session;
    try (Context own = new Context(); Model model = Model.load(memory, new LoadOptions().borrow(true).context(own))) {
      assertEquals(7, memory.position());
      session = model.session();
    }
    memory = null;
    collectGarbage();
    try (Model copied = Digits.load(); Session reference = copied.session()) {
      assertArrayEquals(Digits.scores(reference, 100, 3), Digits.scores(session, 100, 3));
    }
    session.close();
  }

  @Test
  void shapesCanBeFixedWhenLoading() {
    try (Model model = Model.load(Digits.MODEL, new LoadOptions().inputShape(null, 4, 1, 16, 16))) {
      assertArrayEquals(new long[] {4, 10}, model.outputs().get(0).shape());
    }
  }

  @Test
  void contextsHaveLimitsMemoryAndALog() {
    List<String> told = Collections.synchronizedList(new ArrayList<>());
    ContextOptions options = new ContextOptions().threads(1).memoryLimit(1 << 30).fileLimit(1 << 30).foldLimit(1 << 20)
        .nodeLimit(1000).stringLimit(1000).log(LogLevel.DEBUG, (level, message) -> told.add(level + " " + message));
    Context own = new Context(options);
    try (Model model = Model.load(Digits.MODEL, new LoadOptions().context(own))) {
      own.close(); // what was made in it stays usable, its log too
      try (Statistics statistics = Digits.calibrate(model, 0, 10); Model int8 = model.quantize(statistics)) {
        assertTrue(int8.isQuantized());
      }
    }
    assertTrue(told.get(0).startsWith("INFO loaded digits.onnx"), told.toString());
    assertTrue(told.get(told.size() - 1).startsWith("INFO quantized"), told.toString());

    try (Context other = new Context(); Model model = Model.load(Digits.MODEL, new LoadOptions().context(other))) {
      assertTrue(model.inputs().size() == 1 && other.peakMemory() >= other.liveMemory() && other.peakMemory() > 0);
    }
    Context.shared().close();
    Digits.load().close();
  }

  @Test
  void sessionsDeliverAsAsked() {
    try (Model int8 = Digits.int8(); Session session = int8.session(new SessionOptions().threads(1).profile(true))) {
      Tensor x = Digits.images(100, 2);
      float[] expected = session.run(x).toFloatArray();
      assertArrayEquals(new long[] {2, 10}, session.outputShape(0));
      assertArrayEquals(new long[][] {{2, 10}}, session.outputShapes(x));
      assertArrayEquals(expected, session.runAll(x)[0].toFloatArray());
      String input = int8.inputs().get(0).name();
      String output = int8.outputs().get(0).name();
      assertArrayEquals(expected, session.run(Map.of(input, x)).get(output).toFloatArray());
      // The caller's memory, in and out.
      ByteBuffer in = ByteBuffer.allocateDirect(4 * 2 * 256).order(java.nio.ByteOrder.nativeOrder());
      in.asFloatBuffer().put(Digits.pixels(100, 2));
      java.nio.FloatBuffer out =
          ByteBuffer.allocateDirect(4 * 25).order(java.nio.ByteOrder.nativeOrder()).asFloatBuffer().position(5);
      session.run(new Tensor[] {Tensor.wrap(in, DType.FLOAT32, 2, 1, 16, 16)}, new Tensor[] {Tensor.wrap(out, 2, 10)}, null);
      float[] found = new float[20];
      out.get(found);
      assertArrayEquals(expected, found);
      assertEquals(Octavo.cpuTarget(), session.cpuTarget());
      assertTrue(session.profileJson().contains("\"kernel\""));
      assertTrue(session.profileHtml().startsWith("<!DOCTYPE html>"));
      // Other shapes meanwhile, then the first again.
      assertArrayEquals(new long[] {1, 10}, session.run(Digits.images(0, 1)).shape());
      assertArrayEquals(expected, session.run(x).toFloatArray());
    }
  }

  @Test
  void integersAreTheSameOnEveryInstructionSet() {
    try (Model int8 = Digits.int8()) {
      float[] expected = null;
      for (String target : Octavo.cpuTargets()) {
        try (Session session = int8.session(new SessionOptions().cpuTarget(target).threads(2))) {
          assertEquals(target, session.cpuTarget());
          float[] found = session.run(Digits.images(100, 4)).toFloatArray();
          if (expected == null) expected = found;
          assertArrayEquals(expected, found, target);
        }
      }
    }
  }

  @Test
  void statisticsAreAValue() throws Exception {
    try (Model model = Digits.load(); Statistics whole = Digits.calibrate(model, 0, 40);
        Statistics half = Digits.calibrate(model, 0, 20); Statistics other = Digits.calibrate(model, 20, 20)) {
      half.merge(other);
      assertEquals(40, half.samples());
      assertArrayEquals(whole.toBytes(), half.toBytes());
      Path file = folder.resolve("net.stats");
      whole.save(file);
      assertArrayEquals(whole.toBytes(), Files.readAllBytes(file));
      try (Statistics loaded = Statistics.load(file); Statistics read = Statistics.load(whole.toBytes());
          Model a = model.quantize(whole); Model b = model.quantize(loaded)) {
        assertEquals(whole.toJson(), read.toJson());
        assertArrayEquals(a.toBytes(), b.toBytes());
      }
    }
  }

  @Test
  void recipesDecide() {
    try (Model model = Digits.load(); Statistics statistics = Digits.calibrate(model, 0, 50);
        Recipe recipe = Recipe.staticInt8().observer(Observer.percentile(99.9)).perChannel(false).keepFloat("Gemm", null)
            .observe("Conv", null, Observer.MIN_MAX);
        Recipe same = Recipe.parse(recipe.toJson());
        Model int8 = model.quantize(statistics, recipe); Model again = model.quantize(statistics, same);
        Model dynamic = model.quantize(Recipe.dynamicInt8());
        Model blocks = model.quantize(Recipe.weightOnly().weightBlocks(4, 32));
        Model usual = model.quantize(statistics)) {
      assertEquals(recipe.toJson(), same.toJson());
      assertArrayEquals(int8.toBytes(), again.toBytes());
      assertNotEquals(usual.toBytes().length, int8.toBytes().length);
      assertTrue(dynamic.isQuantized() && blocks.isQuantized());
      try (Model operators = usual.convert(new ConvertOptions().form("qoperator")); Model back = usual.convert();
          Session a = usual.session(); Session b = operators.session(); Session c = back.session()) {
        float[] expected = Digits.scores(a, 100, 2);
        assertArrayEquals(expected, Digits.scores(b, 100, 2));
        assertArrayEquals(expected, Digits.scores(c, 100, 2));
      }
    }
  }

  @Test
  void progressIsTold() {
    List<Double> told = new ArrayList<>();
    try (Model model = Digits.load(); Statistics statistics = Digits.calibrate(model, 0, 20);
        Model plain = model.quantize(statistics);
        Model int8 = model.quantize(statistics, null, new QuantizeOptions().progress((fraction, what) -> {
          assertFalse(what.isEmpty());
          return told.add(fraction);
        }))) {
      assertArrayEquals(plain.toBytes(), int8.toBytes());
    }
    assertTrue(told.size() > 1 && told.get(told.size() - 1) <= 1, told.toString());
    for (int i = 1; i < told.size(); i++) assertTrue(told.get(i) >= told.get(i - 1), told.toString());
  }

  @Test
  void anObserverOfOnesOwnChoosesRanges() {
    try (Model model = Digits.load(); Statistics statistics = Digits.calibrate(model, 0, 50);
        Model expected = model.quantize(statistics, Recipe.staticInt8().observer(Observer.MIN_MAX));
        Model found = model.quantize(statistics, null, new QuantizeOptions().observer(counts -> {
          long sum = 0;
          for (int bin = 0; bin < counts.bins(); bin++) {
            assertTrue(counts.low(bin) <= counts.high(bin) && counts.count(bin) > 0);
            sum += counts.count(bin);
          }
          assertEquals(counts.count(), sum);
          assertFalse(counts.name().isEmpty());
          return new double[] {counts.min(), counts.max()};
        }));
        Session a = expected.session(); Session b = found.session()) {
      assertArrayEquals(Digits.scores(a, 100, 5), Digits.scores(b, 100, 5));
      assertTrue(found.metadata("octavo.recipe").get().contains("custom"));
    }
  }

  @Test
  void reportsCompare() {
    try (Model model = Digits.load(); Model int8 = Digits.int8();
        Report report = model.report(int8, new ReportOptions().threads(1).cpuTarget(Octavo.cpuTarget()))) {
      report.collect(Digits.images(100, 20));
      report.collect(Digits.images(120, 20));
      assertTrue(report.toJson().contains("\"sqnr_db\""));
      assertTrue(report.toHtml().startsWith("<!") && report.toHtml().contains("</html>"));
    }
  }

  @Test
  void calibratorsTakeOptions() {
    try (Model model = Digits.load();
        Calibrator calibrator = model.calibrator(new CalibratorOptions().threads(1).cpuTarget("reference")
            .observer(Observer.MOVING_AVERAGE))) {
      calibrator.collect(new Tensor[] {Digits.images(0, 2)}, null);
      try (Statistics first = calibrator.finish()) {
        calibrator.collect(Digits.images(2, 2));
        try (Statistics second = calibrator.finish()) {
          assertEquals(2, first.samples());
          assertEquals(4, second.samples());
        }
      }
    }
  }

  /** Until it has run: what is unreachable before is collected then. */
  static void collectGarbage() throws InterruptedException {
    java.lang.ref.WeakReference<Object> witness = new java.lang.ref.WeakReference<>(new Object());
    for (int i = 0; i < 100 && witness.get() != null; i++) {
      System.gc();
      Thread.sleep(5);
    }
  }
}
