#include "core/quantize/weights.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/quantize/range.h"

namespace octavo {
namespace {

// Calls f(channel, index of element) for every element, in memory order. axis < 0: channel 0 throughout.
template <typename F>
void ForEachElement(const Shape& shape, int axis, F&& f) {
  const int64_t channels = axis < 0 ? 1 : shape[axis];
  const int64_t inner = axis < 0 ? shape.Elements() : shape.Elements(axis + 1, shape.rank());
  const int64_t outer = axis < 0 ? 1 : shape.Elements(0, axis);
  size_t i = 0;
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t k = 0; k < inner; ++k) f(static_cast<size_t>(c), i++);
    }
  }
}

size_t Channels(const Shape& shape, int axis) { return axis < 0 ? 1 : static_cast<size_t>(shape[axis]); }

}  // namespace

Result<std::vector<float>> WeightScales(const Tensor& weights, int axis) {
  const auto values = weights.data<float>();
  std::vector<float> largest(Channels(weights.shape(), axis), 0.0f);
  bool finite = true;
  ForEachElement(weights.shape(), axis, [&](size_t channel, size_t i) {
    finite &= std::isfinite(values[i]);
    largest[channel] = std::max(largest[channel], std::fabs(values[i]));
  });
  if (!finite) return Error(Code::kInvalidData, "weights hold NaN or infinity");
  for (float& scale : largest) scale = scale == 0 ? 1.0f : std::clamp(scale / 127.0f, kSmallestScale, kLargestScale);
  return largest;
}

Result<Tensor> QuantizeWeights(const Tensor& weights, int axis, const std::vector<float>& scales,
                               const MemoryPtr& memory) {
  OCTAVO_ASSIGN_OR_RETURN(Tensor quantized, Tensor::Create(memory, DType::kInt8, weights.shape()));
  const auto from = weights.data<float>();
  const auto to = quantized.mutable_data<int8_t>();
  ForEachElement(weights.shape(), axis, [&](size_t channel, size_t i) {
    to[i] = static_cast<int8_t>(std::clamp(std::nearbyint(from[i] / scales[channel]), -127.0f, 127.0f));
  });
  return quantized;
}

void BalanceKernels(const Tensor& weights, int axis, const std::vector<float>& scales, Tensor* quantized) {
  const Shape& shape = weights.shape();
  const auto taps = static_cast<size_t>(shape.Elements(2, shape.rank()));
  if (taps < 2) return;
  const auto from = weights.data<float>();
  const auto to = quantized->mutable_data<int8_t>();
  std::vector<double> errors(taps);
  const auto balance = [&](size_t begin, double scale) {
    double sum = 0;
    for (size_t i = 0; i < taps; ++i) sum += errors[i] = double{from[begin + i]} / scale - to[begin + i];
    const int up = sum > 0 ? 1 : -1;
    for (double flips = std::nearbyint(std::fabs(sum)); flips > 0; --flips) {
      size_t best = taps;
      for (size_t i = 0; i < taps; ++i) {
        const bool can = errors[i] * up > 0 && std::abs(to[begin + i] + up) <= 127;
        if (can && (best == taps || errors[i] * up > errors[best] * up)) best = i;
      }
      if (best == taps) return;
      to[begin + best] = static_cast<int8_t>(to[begin + best] + up);
      errors[best] -= up;
    }
  };
  const auto columns = static_cast<size_t>(shape[1]);
  for (size_t kernel = 0; kernel < from.size() / taps; ++kernel) {
    const size_t channel = axis < 0 ? 0 : axis == 0 ? kernel / columns : kernel % columns;
    balance(kernel * taps, scales[channel]);
  }
}

}  // namespace octavo
