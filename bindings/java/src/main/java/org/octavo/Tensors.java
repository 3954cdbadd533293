package org.octavo;

/**
 * The arithmetic of the quantized operators on single tensors, without a model. The formulas are those of ONNX's
 * QuantizeLinear and DequantizeLinear (docs/numerics.md):
 *
 * <pre>
 *   q = saturate(round_half_even(x / scale) + zeroPoint)        x = (q - zeroPoint) * scale
 * </pre>
 *
 * <p>Scale (FLOAT32) and zero point (the dtype of the quantized tensor; null: 0) have one element, or one for each index of
 * dimension {@code axis} of the tensor; axis may be negative, counting from the end, and is not looked at in the first case.
 * Results go to tensors of the caller, {@link Tensor#allocate} makes them, which must not overlap an operand. All methods
 * throw {@link OctavoException} with {@link OctavoException#INVALID_ARGUMENT} for a dtype or shape that does not fit, and may
 * be called from any number of threads at once.
 */
public final class Tensors {
  private Tensors() {}

  /** One call's operands and results as views. */
  private static final class Call implements AutoCloseable {
    private final Tensor[] tensors;
    private final Views views;
    private final Handle context = Context.shared().handle.share();

    /** The last {@code results} tensors are written to. */
    Call(int results, Tensor... tensors) {
      this.tensors = tensors;
      views = new Views(tensors.length);
      try {
        for (int i = 0; i < tensors.length; i++) {
          if (tensors[i] == null) continue;
          views.set(i, tensors[i]);
          if (i >= tensors.length - results) tensors[i].checkWritable("result");
        }
      } catch (Throwable e) {
        close();
        throw e;
      }
    }

    long context() {
      return context.address();
    }

    /** The address of a view; 0 for null. */
    long at(int i) {
      return tensors[i] == null ? 0 : views.viewAddress(i);
    }

    @Override
    public void close() {
      views.close();
      context.close();
    }
  }

  /**
   * Chooses scale and zero point for x by its least and greatest value, zero included, NaN and infinity passed over.
   *
   * @param x FLOAT32
   * @param axis which dimension scale and zeroPoint run along, if they have more than one element
   * @param symmetric true: the zero point is 0 (128 for UINT8) and -128 is not used
   * @param scale FLOAT32 result, one element or as many as dimension axis of x
   * @param zeroPoint UINT8 or INT8 result, as many
   */
  public static void chooseScale(Tensor x, int axis, boolean symmetric, Tensor scale, Tensor zeroPoint) {
    try (Call call = new Call(2, x, scale, zeroPoint)) {
      C.octavo_tensor_choose_scale(call.context(), call.at(0), axis, symmetric ? 1 : 0, call.at(1), call.at(2));
    }
  }

  /**
   * Quantizes. NaN gives the zero point.
   *
   * @param x FLOAT32
   * @param scale FLOAT32
   * @param zeroPoint of y's dtype; null: 0
   * @param axis as above
   * @param y result of x's shape: UINT8, INT8, UINT16, INT16, UINT4 or INT4
   */
  public static void quantize(Tensor x, Tensor scale, Tensor zeroPoint, int axis, Tensor y) {
    try (Call call = new Call(1, x, scale, zeroPoint, y)) {
      C.octavo_tensor_quantize(call.context(), call.at(0), call.at(1), call.at(2), axis, call.at(3));
    }
  }

  /**
   * Dequantizes.
   *
   * @param x UINT8, INT8, UINT16, INT16, UINT4, INT4, or INT32 without zero point
   * @param scale FLOAT32
   * @param zeroPoint of x's dtype; null: 0
   * @param axis as above
   * @param y FLOAT32 result of x's shape
   */
  public static void dequantize(Tensor x, Tensor scale, Tensor zeroPoint, int axis, Tensor y) {
    try (Call call = new Call(1, x, scale, zeroPoint, y)) {
      C.octavo_tensor_dequantize(call.context(), call.at(0), call.at(1), call.at(2), axis, call.at(3));
    }
  }

  /**
   * Quantizes and dequantizes in one go: what training with quantization in mind sees.
   *
   * @param x FLOAT32
   * @param scale FLOAT32
   * @param zeroPoint of dtype; null: 0
   * @param dtype the type in between
   * @param axis as above
   * @param y FLOAT32 result of x's shape
   */
  public static void fakeQuantize(Tensor x, Tensor scale, Tensor zeroPoint, DType dtype, int axis, Tensor y) {
    if (dtype == null) throw OctavoException.argument("dtype is null");
    try (Call call = new Call(1, x, scale, zeroPoint, y)) {
      C.octavo_tensor_fake_quantize(call.context(), call.at(0), call.at(1), call.at(2), dtype.code, axis, call.at(3));
    }
  }

  /**
   * Product of quantized matrices with exact integer sums; operands as in ONNX's QLinearMatMul. y's dtype decides what is
   * delivered: INT32 the sums (scales are not looked at and may be null), FLOAT32 the sums times aScale * bScale, UINT8 or
   * INT8 that, quantized with yScale and yZeroPoint, which the others do not look at.
   *
   * @param a UINT8 or INT8 [..., m, k]
   * @param aScale one element
   * @param aZeroPoint likewise; null: 0
   * @param b UINT8 or INT8 [..., k, n]; leading dimensions are broadcast
   * @param bScale one element, or one for each of the n columns
   * @param bZeroPoint likewise; null: 0
   * @param yScale one element
   * @param yZeroPoint likewise; null: 0
   * @param y result [..., m, n]
   */
  public static void matmul(Tensor a, Tensor aScale, Tensor aZeroPoint, Tensor b, Tensor bScale, Tensor bZeroPoint,
      Tensor yScale, Tensor yZeroPoint, Tensor y) {
    try (Call call = new Call(1, a, aScale, aZeroPoint, b, bScale, bZeroPoint, yScale, yZeroPoint, y)) {
      C.octavo_tensor_matmul(call.context(), call.at(0), call.at(1), call.at(2), call.at(3), call.at(4), call.at(5),
          call.at(6), call.at(7), call.at(8));
    }
  }
}
