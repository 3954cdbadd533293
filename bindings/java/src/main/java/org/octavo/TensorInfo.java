package org.octavo;

import java.util.Arrays;

/** What a model says of one input or output. */
public final class TensorInfo {
  private final String name;
  private final DType dtype;
  private final long[] shape;

  TensorInfo(String name, DType dtype, long[] shape) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
  }

  /**
   * The name in the model.
   *
   * @return never null
   */
  public String name() {
    return name;
  }

  /**
   * The element type.
   *
   * @return never null
   */
  public DType dtype() {
    return dtype;
  }

  /**
   * The dimensions as far as they are known before a run.
   *
   * @return a copy, -1 for a dimension that is open; null if not even their number is known
   */
  public long[] shape() {
    return shape == null ? null : shape.clone();
  }

  @Override
  public String toString() {
    return name + ": " + dtype + (shape == null ? "" : Arrays.toString(shape));
  }
}
