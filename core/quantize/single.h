// The operators' arithmetic on single tensors, without a model: quantize, dequantize, fake-quantize, multiply.
//
// `y` is the caller's tensor: its dtype and shape say what is wanted and are checked. Zero points may be null: 0.
// Mistakes of any operand are kInvalidArgument.
#ifndef OCTAVO_CORE_QUANTIZE_SINGLE_H_
#define OCTAVO_CORE_QUANTIZE_SINGLE_H_

#include "core/graph/tensor.h"

namespace octavo {

// scale and zero_point (uint8 or int8) of x by its least and greatest value, NaN and infinity passed over.
Status ChooseScale(const Tensor& x, int64_t axis, bool symmetric, Tensor* scale, Tensor* zero_point);

Status QuantizeTensor(const Tensor& x, const Tensor& scale, const Tensor* zero_point, int64_t axis,
                      const MemoryPtr& memory, Tensor* y);

Status DequantizeTensor(const Tensor& x, const Tensor& scale, const Tensor* zero_point, int64_t axis,
                        const MemoryPtr& memory, Tensor* y);

// Through `dtype` and back.
Status FakeQuantizeTensor(const Tensor& x, const Tensor& scale, const Tensor* zero_point, DType dtype, int64_t axis,
                          const MemoryPtr& memory, Tensor* y);

struct MatMulOperand {
  const Tensor* values = nullptr;
  const Tensor* scale = nullptr;       // not needed for int32 results
  const Tensor* zero_point = nullptr;  // may be null
};

// Exact integer sums, delivered as y's dtype says: int32 the sums, float32 times both scales, uint8 and int8 quantized
// again with y_scale and y_zero_point.
Status MultiplyTensors(const MatMulOperand& a, const MatMulOperand& b, const Tensor* y_scale,
                       const Tensor* y_zero_point, const MemoryPtr& memory, Tensor* y);

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_SINGLE_H_
