// Weights to int8: symmetric, [-127, 127], per output channel or per tensor or per block.
#ifndef OCTAVO_CORE_QUANTIZE_WEIGHTS_H_
#define OCTAVO_CORE_QUANTIZE_WEIGHTS_H_

#include <vector>

#include "core/graph/tensor.h"

namespace octavo {

// Biases are kept at or below this, so that bias and products together stay in int32 (placement.cc bounds the
// products).
constexpr double kLargestBias = 0x1p29;

// The scale of each channel along `axis` (axis < 0: one for all): max|w| / 127, at least 2^-100; 1 for all zeros.
// Non-finite weights: kInvalidData.
Result<std::vector<float>> WeightScales(const Tensor& weights, int axis);

// q = clamp(rne(w / scale), -127, 127).
Result<Tensor> QuantizeWeights(const Tensor& weights, int axis, const std::vector<float>& scales,
                               const MemoryPtr& memory);

// Sum over each channel of |q|, for the accumulator's bound.
std::vector<int64_t> AbsoluteSums(const Tensor& quantized, int axis);

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_WEIGHTS_H_
