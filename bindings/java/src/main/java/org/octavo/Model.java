package org.octavo;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A network, float or INT8, checked whole when it was loaded. Immutable, for any number of threads. */
public final class Model extends NativeObject {
  private Model(long address, Object... keep) {
    super("model", address, C::octavo_model_destroy, keep);
  }

  /**
   * Reads an ONNX file and the external data files it names, which must lie beneath its folder. Weights are mapped, not
   * copied: the files may be replaced (renamed over) meanwhile, but not be written to or cut short.
   *
   * @param path the file
   * @return the model, in the shared context
   * @throws OctavoException IO, INVALID_MODEL, UNSUPPORTED, LIMIT
   */
  public static Model load(Path path) {
    return load(path, null);
  }

  /**
   * The same with options.
   *
   * @param path the file
   * @param options null: defaults
   * @return the model
   * @throws OctavoException IO, INVALID_MODEL, UNSUPPORTED, LIMIT; INVALID_ARGUMENT for options that do not fit
   */
  public static Model load(Path path, LoadOptions options) {
    byte[] text = Text.path(path);
    try (Handle in = context(options).handle.share(); NativeOptions o = LoadOptions.open(options)) {
      return new Model(C.octavo_model_load(in.address(), text, o.address), (Object) in.keep);
    }
  }

  /**
   * Reads an ONNX file's bytes. External data is refused.
   *
   * @param bytes copied
   * @return the model, in the shared context
   * @throws OctavoException INVALID_MODEL, UNSUPPORTED, LIMIT
   */
  public static Model load(byte[] bytes) {
    if (bytes == null) throw OctavoException.argument("bytes is null");
    return load(ByteBuffer.wrap(bytes), null);
  }

  /**
   * Reads an ONNX file's bytes from a buffer's position to its limit, which are left as they are. External data is refused.
   *
   * @param bytes copied, unless direct and {@link LoadOptions#borrow} says otherwise
   * @param options null: defaults
   * @return the model
   * @throws OctavoException INVALID_MODEL, UNSUPPORTED, LIMIT; INVALID_ARGUMENT for options that do not fit
   */
  public static Model load(ByteBuffer bytes, LoadOptions options) {
    if (bytes == null) throw OctavoException.argument("bytes is null");
    boolean borrow = options != null && options.borrow;
    if (borrow && !bytes.isDirect()) throw OctavoException.argument("bytes are on the Java heap: only a direct buffer can be borrowed");
    try (Handle in = context(options).handle.share(); NativeOptions o = LoadOptions.open(options);
        Native data = Native.of(bytes)) {
      return new Model(C.octavo_model_load_memory(in.address(), data.address, data.bytes, o.address), in.keep,
          borrow ? bytes : null);
    }
  }

  private static Context context(LoadOptions options) {
    return options == null ? Context.shared() : options.context;
  }

  /**
   * Writes the model as ONNX. The file is replaced whole or not at all; saving over the file the model was loaded from is
   * fine.
   *
   * @param path the file
   * @throws OctavoException IO
   */
  public void save(Path path) {
    save(path, null);
  }

  /**
   * The same with options.
   *
   * @param path the file
   * @param options null: defaults
   * @throws OctavoException IO
   */
  public void save(Path path, SaveOptions options) {
    byte[] text = Text.path(path);
    try (Handle self = handle.share(); NativeOptions o = SaveOptions.open(options)) {
      C.octavo_model_save(self.address(), text, o.address);
    }
  }

  /**
   * What {@link #save} writes.
   *
   * @return the ONNX file's bytes
   * @throws OctavoException LIMIT if it would pass 2 GiB
   */
  public byte[] toBytes() {
    try (Handle self = handle.share()) {
      return Text.bytes(C.octavo_model_save_memory(self.address(), 0));
    }
  }

  /**
   * The inputs a caller gives.
   *
   * @return in the order that sessions and calibrators take them
   */
  public List<TensorInfo> inputs() {
    try (Handle self = handle.share()) {
      long model = self.address();
      List<TensorInfo> infos = new ArrayList<>();
      long count = C.octavo_model_input_count(model);
      for (long i = 0; i < count; i++) {
        long[] dims = new long[java_constants.JAVA_MAX_RANK];
        long rank = C.octavo_model_input_shape(model, i, dims);
        infos.add(info(C.octavo_model_input_name(model, i), C.octavo_model_input_dtype(model, i), dims, rank));
      }
      return List.copyOf(infos);
    }
  }

  /**
   * The outputs.
   *
   * @return in the order that sessions deliver them
   */
  public List<TensorInfo> outputs() {
    try (Handle self = handle.share()) {
      long model = self.address();
      List<TensorInfo> infos = new ArrayList<>();
      long count = C.octavo_model_output_count(model);
      for (long i = 0; i < count; i++) {
        long[] dims = new long[java_constants.JAVA_MAX_RANK];
        long rank = C.octavo_model_output_shape(model, i, dims);
        infos.add(info(C.octavo_model_output_name(model, i), C.octavo_model_output_dtype(model, i), dims, rank));
      }
      return List.copyOf(infos);
    }
  }

  private static TensorInfo info(long name, long dtype, long[] dims, long rank) {
    return new TensorInfo(Text.at(name), DType.of((int) dtype), rank < 0 ? null : Arrays.copyOf(dims, (int) rank));
  }

  /**
   * Whether the model carries quantization of any kind: Q/DQ, QOperator, dynamic, weight-only.
   *
   * @return false for a float model
   */
  public boolean isQuantized() {
    try (Handle self = handle.share()) {
      return C.octavo_model_is_quantized(self.address()) != 0;
    }
  }

  /**
   * The model's own key-value pairs (ONNX metadata_props).
   *
   * @return in file order, unmodifiable
   */
  public Map<String, String> metadata() {
    try (Handle self = handle.share()) {
      Map<String, String> pairs = new LinkedHashMap<>();
      long count = C.octavo_model_metadata_count(self.address());
      long[] keyAndValue = new long[2];
      for (long i = 0; i < count; i++) {
        C.octavo_model_metadata_at(self.address(), i, keyAndValue);
        pairs.put(Text.at(keyAndValue[0]), Text.at(keyAndValue[1]));
      }
      return Collections.unmodifiableMap(pairs);
    }
  }

  /**
   * One of these values. {@code "octavo.recipe"}, {@code "octavo.statistics"} (digest) and {@code "octavo.decisions"} (JSON)
   * are those of quantizing.
   *
   * @param key the key
   * @return empty if there is no such key
   */
  public Optional<String> metadata(String key) {
    byte[] text = Text.utf8(key, "key");
    try (Handle self = handle.share()) {
      return Optional.of(Text.at(C.octavo_model_metadata_get(self.address(), text)));
    } catch (OctavoException e) {
      if (e.code() == OctavoException.NOT_FOUND) return Optional.empty();
      throw e;
    }
  }

  /**
   * Everything worth knowing: inputs, outputs, operators, and for every node its precision and the reason if it stays
   * float; octavo.h lists all keys.
   *
   * @return one JSON object
   */
  public String describeJson() {
    try (Handle self = handle.share()) {
      return Text.text(C.octavo_model_describe_json(self.address()));
    }
  }

  /**
   * What counts values of this model.
   *
   * @return a calibrator
   * @throws OctavoException INVALID_STATE if the model is quantized already
   */
  public Calibrator calibrator() {
    return calibrator(null);
  }

  /**
   * The same with options.
   *
   * @param options null: defaults
   * @return a calibrator
   * @throws OctavoException INVALID_STATE if the model is quantized already; NOT_FOUND for an unknown instruction set
   */
  public Calibrator calibrator(CalibratorOptions options) {
    try (Handle self = handle.share(); NativeOptions o = CalibratorOptions.open(options)) {
      return new Calibrator(C.octavo_calibrator_create(self.address(), o.address), (Object) self.keep);
    }
  }

  /**
   * Static INT8.
   *
   * @param statistics of this model
   * @return an INT8 model in ONNX's own operators, which other runtimes run, too
   * @throws OctavoException INVALID_ARGUMENT, INVALID_STATE, as the four-argument form
   */
  public Model quantize(Statistics statistics) {
    return quantize(statistics, null);
  }

  /**
   * Dynamic INT8 or weight-only, which need no statistics.
   *
   * @param recipe of such a scheme
   * @return an INT8 model in ONNX's own operators
   * @throws OctavoException INVALID_ARGUMENT if the recipe needs statistics
   */
  public Model quantize(Recipe recipe) {
    return quantize(null, recipe);
  }

  /**
   * As the recipe says. Nothing is skipped silently: each node that stays float has its reason in {@link #describeJson}.
   *
   * @param statistics of this model; null if the recipe needs none
   * @param recipe null: {@link Recipe#staticInt8()}
   * @return an INT8 model in ONNX's own operators; this one is not changed
   * @throws OctavoException INVALID_ARGUMENT if the statistics are of another model or missing; INVALID_STATE if the model is
   *     quantized already; INVALID_DATA if a rule of the recipe matches nothing
   */
  public Model quantize(Statistics statistics, Recipe recipe) {
    try (Handle self = handle.share(); Handle counts = share(statistics); Handle how = share(recipe)) {
      return new Model(C.octavo_model_quantize(self.address(), counts.address(), how.address()), (Object) self.keep);
    }
  }

  /**
   * The same for work that takes long, or with an observer of your own. An exception that a callback throws ends the work
   * and comes out of this call.
   *
   * @param statistics of this model; null if the recipe needs none
   * @param recipe null: {@link Recipe#staticInt8()}
   * @param options null: nobody is called
   * @return an INT8 model in ONNX's own operators; this one is not changed
   * @throws OctavoException as {@link #quantize(Statistics, Recipe)}; CANCELLED; INVALID_ARGUMENT for an observer's bounds
   *     that are no range, for an observer that the recipe does not name and for a named one that is not given
   */
  public Model quantize(Statistics statistics, Recipe recipe, QuantizeOptions options) {
    if (options == null) return quantize(statistics, recipe);
    long progress = Callbacks.add(options.progress);
    long observer = Callbacks.add(options.observer);
    try (Handle self = handle.share(); Handle counts = share(statistics); Handle how = share(recipe);
        Handle stop = share(options.cancel);
        NativeOptions o = QuantizeOptions.open(options, progress, observer, stop.address())) {
      return new Model(
          C.octavo_model_quantize_with(self.address(), counts.address(), how.address(), o.address), (Object) self.keep);
    } finally {
      Callbacks.remove(progress);
      Callbacks.remove(observer);
    }
  }

  /**
   * A model that was quantized elsewhere (fake-quant of training, another tool's Q/DQ or QOperator form) in the form this
   * library runs and exports.
   *
   * @return a model; this one is not changed
   * @throws OctavoException UNSUPPORTED
   */
  public Model convert() {
    return convert(null);
  }

  /**
   * The same with options.
   *
   * @param options null: defaults
   * @return a model; this one is not changed
   * @throws OctavoException UNSUPPORTED; INVALID_ARGUMENT for an unknown form
   */
  public Model convert(ConvertOptions options) {
    try (Handle self = handle.share(); NativeOptions o = ConvertOptions.open(options)) {
      return new Model(C.octavo_model_convert(self.address(), o.address), (Object) self.keep);
    }
  }

  /**
   * What runs the model.
   *
   * @return a session: one for each thread
   */
  public Session session() {
    return session(null);
  }

  /**
   * The same with options.
   *
   * @param options null: defaults
   * @return a session: one for each thread
   * @throws OctavoException NOT_FOUND for an unknown instruction set; INVALID_ARGUMENT for a number of threads out of range
   */
  public Session session(SessionOptions options) {
    List<TensorInfo> inputs = inputs();
    List<TensorInfo> outputs = outputs();
    try (Handle self = handle.share(); NativeOptions o = SessionOptions.open(options)) {
      return new Session(inputs, outputs, C.octavo_session_create(self.address(), o.address), (Object) self.keep);
    }
  }

  /**
   * What compares this float model with its quantized form.
   *
   * @param quantized with the same inputs and outputs
   * @return a report without figures yet
   * @throws OctavoException INVALID_ARGUMENT if they do not belong together
   */
  public Report report(Model quantized) {
    return report(quantized, null);
  }

  /**
   * The same with options.
   *
   * @param quantized with the same inputs and outputs
   * @param options null: defaults
   * @return a report without figures yet
   * @throws OctavoException INVALID_ARGUMENT if they do not belong together; NOT_FOUND for an unknown instruction set
   */
  public Report report(Model quantized, ReportOptions options) {
    try (Handle self = handle.share(); Handle other = share(quantized); NativeOptions o = ReportOptions.open(options)) {
      return new Report(C.octavo_report_create(self.address(), other.address(), o.address), self.keep, other.keep);
    }
  }
}
