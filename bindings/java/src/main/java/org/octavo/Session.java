package org.octavo;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs one model: its scratch memory and threads. One session for each thread; sessions of one model share its weights. A
 * session used by two threads at once throws {@link OctavoException} with {@link OctavoException#INVALID_STATE}. It stays
 * usable after any error.
 *
 * <p>Inputs are read where they lie. Results of {@link #run(Tensor...)} are tensors of their own; {@link #run(Tensor[],
 * Tensor[], Cancel)} writes them where the caller says, the way that makes no garbage.
 */
public final class Session extends NativeObject {
  private final List<TensorInfo> inputInfos;
  private final List<TensorInfo> outputInfos;
  private final Views inputs;
  private final Views outputs;
  /** The inputs' shapes that the next fields hold for; null before the first run. */
  private long[][] preparedFor;
  private final DType[] outputTypes;
  /** An output's shape; null where it depends on what the inputs contain. */
  private final long[][] outputShapes;

  Session(List<TensorInfo> inputs, List<TensorInfo> outputs, long address, Object... keep) {
    super("session", address, C::octavo_session_destroy, keep);
    inputInfos = inputs;
    outputInfos = outputs;
    this.inputs = new Views(inputs.size());
    this.outputs = new Views(outputs.size());
    outputTypes = new DType[outputs.size()];
    outputShapes = new long[outputs.size()][];
  }

  /**
   * Runs a model of one output.
   *
   * @param inputs one for each input of the model, in its order; shapes may differ from run to run where it leaves them open
   * @return the output, in memory of its own
   * @throws OctavoException INVALID_ARGUMENT for a wrong count, dtype or shape (names which), or a model of more outputs
   */
  public Tensor run(Tensor... inputs) {
    if (outputs.count != 1) {
      throw OctavoException.argument("the model has " + outputs.count + " outputs: use runAll");
    }
    return runAll(inputs, null)[0];
  }

  /**
   * Runs the model by names.
   *
   * @param inputs a tensor for each name of the model's inputs
   * @return the outputs by name, in the model's order
   * @throws OctavoException NOT_FOUND for a name that is no input's; INVALID_ARGUMENT for a missing one, a dtype or a shape
   */
  public Map<String, Tensor> run(Map<String, Tensor> inputs) {
    if (inputs == null) throw OctavoException.argument("inputs is null");
    Tensor[] ordered = new Tensor[inputInfos.size()];
    int found = 0;
    for (int i = 0; i < ordered.length; i++) {
      ordered[i] = inputs.get(inputInfos.get(i).name());
      if (ordered[i] == null) throw OctavoException.argument("input '" + inputInfos.get(i).name() + "' is missing");
      found++;
    }
    if (inputs.size() != found) {
      throw OctavoException.of(OctavoException.NOT_FOUND, "inputs " + inputs.keySet() + ", the model takes " + inputInfos);
    }
    Tensor[] results = runAll(ordered, null);
    Map<String, Tensor> named = new LinkedHashMap<>();
    for (int i = 0; i < results.length; i++) named.put(outputInfos.get(i).name(), results[i]);
    return named;
  }

  /**
   * Runs the model.
   *
   * @param inputs one for each input of the model, in its order
   * @return the outputs in the model's order, each in memory of its own
   * @throws OctavoException INVALID_ARGUMENT for a wrong count, dtype or shape (names which)
   */
  public Tensor[] runAll(Tensor... inputs) {
    return runAll(inputs, null);
  }

  /**
   * The same, to be stopped by another thread.
   *
   * @param inputs one for each input of the model, in its order
   * @param cancel may be null
   * @return the outputs in the model's order, each in memory of its own
   * @throws OctavoException INVALID_ARGUMENT for a wrong count, dtype or shape (names which); CANCELLED
   */
  public Tensor[] runAll(Tensor[] inputs, Cancel cancel) {
    checkCount("inputs", inputs, this.inputs);
    try (Handle self = handle.alone(); Handle stop = share(cancel); Views in = this.inputs; Views out = outputs) {
      in.setAll(inputs, "inputs");
      prepare(self, inputs);
      Tensor[] results = new Tensor[out.count];
      for (int i = 0; i < results.length; i++) {
        if (outputShapes[i] == null) {
          out.ask(i);
        } else {
          results[i] = Tensor.allocate(outputTypes[i], outputShapes[i]);
          out.set(i, results[i]);
        }
      }
      C.octavo_session_run(self.address(), in.address, in.count, out.address, out.count, stop.address());
      for (int i = 0; i < results.length; i++) {
        if (results[i] == null) results[i] = out.copy(i);
      }
      return results;
    }
  }

  /**
   * Runs the model into the caller's memory: nothing is copied, and nothing allocated when shapes are those of the run
   * before.
   *
   * @param inputs one for each input of the model, in its order
   * @param outputs one for each output, of its dtype and shape, writable and dense; see {@link #outputShapes}
   * @param cancel may be null
   * @throws OctavoException INVALID_ARGUMENT for a wrong count, dtype or shape, or an output that cannot be written (names
   *     which); CANCELLED
   */
  public void run(Tensor[] inputs, Tensor[] outputs, Cancel cancel) {
    checkCount("inputs", inputs, this.inputs);
    checkCount("outputs", outputs, this.outputs);
    try (Handle self = handle.alone(); Handle stop = share(cancel); Views in = this.inputs; Views out = this.outputs) {
      in.setAll(inputs, "inputs");
      out.setAll(outputs, "outputs");
      for (int i = 0; i < outputs.length; i++) outputs[i].checkWritable("outputs[" + i + "]");
      C.octavo_session_run(self.address(), in.address, in.count, out.address, out.count, stop.address());
    }
  }

  /**
   * The shapes that outputs would have for such inputs; gets ready for them without running. What the inputs contain is not
   * looked at.
   *
   * @param inputs one for each input of the model, in its order
   * @return a shape for each output, for {@link Tensor#allocate}; null for one that depends on what the inputs contain
   * @throws OctavoException INVALID_ARGUMENT for a wrong count, dtype or shape (names which)
   */
  public long[][] outputShapes(Tensor... inputs) {
    checkCount("inputs", inputs, this.inputs);
    try (Handle self = handle.alone(); Views in = this.inputs) {
      in.setAll(inputs, "inputs");
      prepare(self, inputs);
      long[][] shapes = new long[outputShapes.length][];
      for (int i = 0; i < shapes.length; i++) shapes[i] = outputShapes[i] == null ? null : outputShapes[i].clone();
      return shapes;
    }
  }

  /**
   * The shape of an output as of the last run.
   *
   * @param index of the output
   * @return its dimensions
   * @throws OctavoException INVALID_STATE before the first run; INVALID_ARGUMENT for an index out of range
   */
  public long[] outputShape(int index) {
    long[] dims = new long[java_constants.JAVA_MAX_RANK];
    try (Handle self = handle.alone()) {
      return Arrays.copyOf(dims, (int) C.octavo_session_output_shape(self.address(), index, dims));
    }
  }

  /**
   * The instruction set in use.
   *
   * @return one of {@link Octavo#cpuTargets()}
   */
  public String cpuTarget() {
    try (Handle self = handle.alone()) {
      return Text.at(C.octavo_session_cpu_target(self.address()));
    }
  }

  /**
   * What each step took, all runs so far: kernel, precision, reason, seconds, share of the peak; octavo.h lists all keys.
   *
   * @return one JSON object
   * @throws OctavoException INVALID_STATE without {@link SessionOptions#profile}
   */
  public String profileJson() {
    try (Handle self = handle.alone()) {
      return Text.text(C.octavo_session_profile_json(self.address()));
    }
  }

  /**
   * The same as one web page with a timeline.
   *
   * @return HTML that needs no other file
   * @throws OctavoException INVALID_STATE without {@link SessionOptions#profile}
   */
  public String profileHtml() {
    try (Handle self = handle.alone()) {
      return Text.text(C.octavo_session_profile_html(self.address()));
    }
  }

  private static void checkCount(String argument, Tensor[] tensors, Views views) {
    if (tensors == null) throw OctavoException.argument(argument + " is null");
    if (tensors.length != views.count) {
      throw OctavoException.argument(tensors.length + " " + argument + " were given, the model has " + views.count);
    }
  }

  /** Fills outputTypes and outputShapes, unless they hold for these shapes already. */
  private void prepare(Handle self, Tensor[] tensors) {
    boolean same = preparedFor != null;
    for (int i = 0; same && i < tensors.length; i++) same = Arrays.equals(preparedFor[i], tensors[i].shape);
    if (same) return;
    preparedFor = null;
    for (int i = 0; i < outputs.count; i++) outputs.ask(i);
    C.octavo_session_prepare(self.address(), inputs.address, inputs.count, outputs.address, outputs.count);
    for (int i = 0; i < outputs.count; i++) {
      outputTypes[i] = outputs.dtype(i);
      long[] shape = outputs.shape(i);
      outputShapes[i] = Arrays.stream(shape).anyMatch(dimension -> dimension < 0) ? null : shape;
    }
    preparedFor = new long[tensors.length][];
    for (int i = 0; i < tensors.length; i++) preparedFor[i] = tensors[i].shape;
  }
}
