// Weights to int8: symmetric, [-127, 127], per output channel or per tensor or per block.
#ifndef OCTAVO_CORE_QUANTIZE_WEIGHTS_H_
#define OCTAVO_CORE_QUANTIZE_WEIGHTS_H_

#include <vector>

#include "core/graph/tensor.h"

namespace octavo {

// Biases are kept at or below this, so that bias and products together stay in int32 (placement.cc bounds the
// products).
constexpr double kLargestBias = 0x1p29;

// The scale of each channel along `axis` (axis < 0: one for all): max|w| / 127 within the bounds of range.h; 1 for all
// zeros. Non-finite weights: kInvalidData.
Result<std::vector<float>> WeightScales(const Tensor& weights, int axis);

// q = clamp(rne(w / scale), -127, 127).
Result<Tensor> QuantizeWeights(const Tensor& weights, int axis, const std::vector<float>& scales,
                               const MemoryPtr& memory);

// Weights of a convolution, [a, b, taps...]: rounds some taps of each kernel the other way, those nearest to the middle
// between two integers, until the kernel's errors sum to at most half a step. Neighbouring pixels are alike, so what
// reaches the result is the kernel's sum of errors more than each (C. Guo et al., "SQuant", ICLR 2022).
void BalanceKernels(const Tensor& weights, int axis, const std::vector<float>& scales, Tensor* quantized);

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_WEIGHTS_H_
