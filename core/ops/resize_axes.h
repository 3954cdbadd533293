// How Resize and Upsample sample an axis: attributes, scales and sizes resolved to indices and weights.
#ifndef OCTAVO_CORE_OPS_RESIZE_AXES_H_
#define OCTAVO_CORE_OPS_RESIZE_AXES_H_

#include <array>
#include <functional>
#include <vector>

#include "core/graph/operator.h"

namespace octavo {

enum class ResizeMode { kNearest, kLinear, kCubic };
enum class NearestMode {
  kRoundPreferFloor,
  kRoundPreferCeil,
  kFloor,
  kCeil,
  kOutwards,  // before version 11, never stated but tested: floor, or ceil where the axis shrinks
};
enum class CoordinateMode {
  kHalfPixel,
  kHalfPixelSymmetric,
  kPytorchHalfPixel,
  kAlignCorners,
  kAsymmetric,
  kTfHalfPixelForNn,
  kTfCropAndResize,
};

struct ResizeAxis {
  int64_t in = Shape::kUnknown, out = Shape::kUnknown;
  double scale = 1, per = 1;  // the scale is scale / per, so that ratios of integers stay exact
  double width = 0;           // in * scale / per, not rounded to `out`
  double start = 0, end = 1;  // region of interest, tf_crop_and_resize only
};

struct Resizing {
  ResizeMode mode = ResizeMode::kNearest;
  NearestMode nearest = NearestMode::kRoundPreferFloor;
  CoordinateMode coordinates = CoordinateMode::kHalfPixel;
  bool antialias = false, exclude_outside = false;
  double cubic_a = -0.75;
  float extrapolation = 0;
  std::array<ResizeAxis, Shape::kMaxRank> axes;
  int rank = 0;

  Shape Output() const {
    Shape shape;
    for (int i = 0; i < rank; ++i) shape.Append(axes[static_cast<size_t>(i)].out);
    return shape;
  }
};

// Where inputs stand; SIZE_MAX: the node's version has none such.
struct ResizeInputs {
  size_t roi, scales, sizes;
};
ResizeInputs ResizeInputsOf(const NodeReader& node);

// Attributes alone.
Status ReadResizeMethod(const NodeReader& node, Resizing* resizing);

// Of an input of shape x, partly unknown perhaps. input(i): contents of the node's input i; null where it is left out,
// empty or not known, or i is SIZE_MAX.
Result<Resizing> ReadResize(const NodeReader& node, const Shape& x, const std::function<const Tensor*(size_t)>& input);

// What one axis does: output element o is the sum of weight[k] * input[index[k]], k from o * taps on.
struct AxisMap {
  int64_t taps = 1;
  Tensor index;   // int64; -1 in the first tap: the extrapolation value
  Tensor weight;  // double
  bool identity = true;
};

// One for each axis; sizes must be known.
Result<std::vector<AxisMap>> MapAxes(const Resizing& resizing, const MemoryPtr& memory);

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_RESIZE_AXES_H_
