#include "core/plan/phases.h"

#include <numeric>

#include "core/base/checked.h"

namespace octavo {

std::vector<Phase> PhasesOf(const WindowAxis& axis) {
  std::vector<Phase> phases;
  const int64_t stride = axis.stride;
  if (axis.kernel < stride || std::gcd(stride, axis.dilation) != 1) return phases;
  for (int64_t tap = 0; tap < stride; ++tap) {
    // Tap k of input i adds to output i * stride - pad + k * dilation.
    const int64_t first = tap * axis.dilation - axis.pad;  // of input 0
    const int64_t out = (first % stride + stride) % stride;
    phases.push_back({.tap = tap,
                      .taps = CeilDiv(axis.kernel - tap, stride),
                      .out = out,
                      .outs = out < axis.out ? CeilDiv(axis.out - out, stride) : 0,
                      .in = (out - first) / stride});
  }
  return phases;
}

}  // namespace octavo
