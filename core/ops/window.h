// Where the windows of convolutions and pools lie: attributes and automatic padding resolved to plain numbers.
#ifndef OCTAVO_CORE_OPS_WINDOW_H_
#define OCTAVO_CORE_OPS_WINDOW_H_

#include <array>
#include <span>

#include "core/graph/operator.h"

namespace octavo {

// One spatial axis. Sizes are Shape::kUnknown while not known; `pad` and `pad_end` too while they follow from such a
// size.
struct WindowAxis {
  int64_t in = 1, out = 1;
  int64_t kernel = 1, stride = 1, dilation = 1;
  int64_t pad = 0, pad_end = 0;

  // Taps [begin, end) of output element `o` that meet the input; the others meet padding.
  struct Taps {
    int64_t begin, end;
  };
  Taps ValidTaps(int64_t o) const;
  // Input element under tap k of output element o.
  int64_t At(int64_t o, int64_t k) const { return o * stride - pad + k * dilation; }
};

// Depth, height, width. Nodes with fewer spatial axes use the last ones; the others are a single tap over a single
// element.
struct Window3 {
  static constexpr int kAxes = 3;
  std::array<WindowAxis, kAxes> axes;
  int spatial = 0;  // axes the node has

  const WindowAxis& z() const { return axes[0]; }
  const WindowAxis& y() const { return axes[1]; }
  const WindowAxis& x() const { return axes[2]; }
  // Spatial axis i of the node.
  const WindowAxis& axis(int i) const { return axes[static_cast<size_t>(kAxes - spatial + i)]; }
  WindowAxis& axis(int i) { return axes[static_cast<size_t>(kAxes - spatial + i)]; }
  // Elements of one channel; all sizes must be known.
  int64_t InPlane() const { return Shape{z().in, y().in, x().in}.Elements(); }
  int64_t OutPlane() const { return Shape{z().out, y().out, x().out}.Elements(); }
  int64_t Taps() const { return z().kernel * y().kernel * x().kernel; }
};

// For each, `in` are the spatial sizes of the input (kUnknown where not known); they check all attributes.
// Conv: `kernel` are the spatial sizes of the weights; attribute kernel_shape must agree.
Result<Window3> ConvWindow(const NodeReader& node, std::span<const int64_t> in, std::span<const int64_t> kernel);
// ConvTranspose: `in` is the input, `out` the output. Tap k of input element i adds to output element i * stride - pad
// + k * dilation.
Result<Window3> ConvTransposeWindow(const NodeReader& node, std::span<const int64_t> in,
                                    std::span<const int64_t> kernel);
// Pools: attribute kernel_shape is required; ceil_mode.
Result<Window3> PoolWindow(const NodeReader& node, std::span<const int64_t> in);

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_WINDOW_H_
