using Octavo.Interop;

namespace Octavo
{
    /// <summary>The arithmetic of quantized operators on single tensors, without a model.</summary>
    /// <remarks><para>The formulas are those of ONNX's QuantizeLinear and DequantizeLinear:
    /// q = saturate(round_half_even(x / scale) + zero_point), x = (q - zero_point) * scale.</para>
    /// <para>scale (Float32) and zeroPoint (dtype of the quantized tensor; null: 0) have one element, or one for each
    /// index of dimension axis of the tensor; axis may be negative, counting from the end. Results go to the caller's
    /// tensor, which must not overlap an operand. All may be called from any number of threads at once.</para></remarks>
    public static unsafe class Arithmetic
    {
        /// <summary>Chooses scale and zeroPoint for x by its least and greatest value, zero included, NaN and infinity
        /// passed over.</summary>
        /// <param name="x">Float32.</param>
        /// <param name="scale">Receives the scale: Float32, one element or as many as dimension axis of x.</param>
        /// <param name="zeroPoint">Receives the zero point, as many; UInt8 or Int8 says for which type.</param>
        /// <param name="axis">A dimension of x; not looked at where scale has one element.</param>
        /// <param name="symmetric">The zero point is 0 (128 for UInt8) and -128 is not used.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong dtype or shape.</exception>
        public static void ChooseScale(Tensor x, Tensor scale, Tensor zeroPoint, int axis = 0, bool symmetric = false)
        {
            Call((v, context) => Native.octavo_tensor_choose_scale(context, v[0], axis, symmetric ? 1 : 0, v[1], v[2]), 1,
                 x, scale, zeroPoint);
        }

        /// <summary>x quantized into y.</summary>
        /// <param name="x">Float32; NaN gives the zero point.</param>
        /// <param name="scale">Float32.</param>
        /// <param name="zeroPoint">y's dtype, or null.</param>
        /// <param name="y">Of x's shape: UInt8, Int8, UInt16, Int16, UInt4 or Int4.</param>
        /// <param name="axis">The dimension that scale follows.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong dtype or shape.</exception>
        public static void Quantize(Tensor x, Tensor scale, Tensor zeroPoint, Tensor y, int axis = 0)
        {
            Call((v, context) => Native.octavo_tensor_quantize(context, v[0], v[1], v[2], axis, v[3]), 3,
                 x, scale, zeroPoint, y);
        }

        /// <summary>x back in float into y.</summary>
        /// <param name="x">UInt8, Int8, UInt16, Int16, UInt4, Int4, or Int32 without zeroPoint.</param>
        /// <param name="scale">Float32.</param>
        /// <param name="zeroPoint">x's dtype, or null.</param>
        /// <param name="y">Float32 of x's shape.</param>
        /// <param name="axis">The dimension that scale follows.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong dtype or shape.</exception>
        public static void Dequantize(Tensor x, Tensor scale, Tensor zeroPoint, Tensor y, int axis = 0)
        {
            Call((v, context) => Native.octavo_tensor_dequantize(context, v[0], v[1], v[2], axis, v[3]), 3,
                 x, scale, zeroPoint, y);
        }

        /// <summary>Quantizes and dequantizes in one go: what training with quantization in mind sees.</summary>
        /// <param name="x">Float32.</param>
        /// <param name="scale">Float32.</param>
        /// <param name="zeroPoint">dtype, or null.</param>
        /// <param name="dtype">The type in between.</param>
        /// <param name="y">Float32 of x's shape.</param>
        /// <param name="axis">The dimension that scale follows.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong dtype or shape.</exception>
        public static void FakeQuantize(Tensor x, Tensor scale, Tensor zeroPoint, DType dtype, Tensor y, int axis = 0)
        {
            Call((v, context) => Native.octavo_tensor_fake_quantize(context, v[0], v[1], v[2], (int)dtype, axis, v[3]), 3,
                 x, scale, zeroPoint, y);
        }

        /// <summary>Product of quantized matrices with exact integer sums; operands as in ONNX's QLinearMatMul.</summary>
        /// <param name="a">[..., m, k], UInt8 or Int8.</param>
        /// <param name="aScale">One element; null where y is Int32.</param>
        /// <param name="aZeroPoint">a's dtype, or null.</param>
        /// <param name="b">[..., k, n], UInt8 or Int8; leading dimensions are broadcast.</param>
        /// <param name="bScale">One element, or one for each of the n columns; null where y is Int32.</param>
        /// <param name="bZeroPoint">b's dtype, or null.</param>
        /// <param name="yScale">For y of UInt8 or Int8: one element; else null.</param>
        /// <param name="yZeroPoint">y's dtype, or null.</param>
        /// <param name="y">Int32: the sums. Float32: the sums times aScale * bScale. UInt8, Int8: that, quantized.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong dtype or shape.</exception>
        public static void MatMul(Tensor a, Tensor aScale, Tensor aZeroPoint, Tensor b, Tensor bScale, Tensor bZeroPoint,
                                  Tensor yScale, Tensor yZeroPoint, Tensor y)
        {
            Call((v, context) => Native.octavo_tensor_matmul(context, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]),
                 8, a, aScale, aZeroPoint, b, bScale, bZeroPoint, yScale, yZeroPoint, y);
        }

        private delegate void Work(NativeView** v, ContextHandle context);

        /// <summary>Calls work with a view of each tensor, NULL for null; those from `outputs` on are results.</summary>
        private static void Call(Work work, int outputs, params Tensor[] tensors)
        {
            byte* stack = stackalloc byte[Views.StackBytes];
            using (var views = new Views(tensors.Length, stack))
            {
                NativeView** pointers = stackalloc NativeView*[tensors.Length];
                for (int i = 0; i < tensors.Length; i++)
                {
                    pointers[i] = null;
                    if (tensors[i] == null) continue;
                    if (i >= outputs && tensors[i].IsReadOnly)
                        throw OctavoException.Argument("the result " + tensors[i] + " is read-only");
                    views.Set(i, tensors[i], "");
                    pointers[i] = views.Address + i;
                }
                work(pointers, Context.Default.Handle);
            }
        }
    }
}
