// Resize and Upsample.
//
// Axes are resized one after the other in ascending order. Along one axis each output element is a weighted sum of
// input elements ("taps"), added up in ascending order beginning with 0, weights rounded from double to the type of the
// sum; taps of weight 0 are skipped, and those beyond an edge repeat the edge. Coordinates and weights are computed in
// double.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>

#include "core/ops/check.h"
#include "core/ops/families.h"
#include "core/ops/rounding.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;
constexpr double kMostElements = 1e15;  // along an axis of the output: what double counts exactly

// ------------------------------------------------------------------------------------------------ attributes

enum class Mode { kNearest, kLinear, kCubic };
enum class Nearest {
  kRoundPreferFloor,
  kRoundPreferCeil,
  kFloor,
  kCeil,
  kOutwards,  // before version 11, never stated but tested: floor, or ceil where the axis shrinks
};
enum class Coordinates {
  kHalfPixel,
  kHalfPixelSymmetric,
  kPytorchHalfPixel,
  kAlignCorners,
  kAsymmetric,
  kTfHalfPixelForNn,
  kTfCropAndResize,
};

template <typename E>
struct Choice {
  const char* name;
  E value;
};
constexpr Choice<Mode> kModes[] = {{"nearest", Mode::kNearest}, {"linear", Mode::kLinear}, {"cubic", Mode::kCubic}};
constexpr Choice<Nearest> kNearestModes[] = {{"round_prefer_floor", Nearest::kRoundPreferFloor},
                                             {"round_prefer_ceil", Nearest::kRoundPreferCeil},
                                             {"floor", Nearest::kFloor},
                                             {"ceil", Nearest::kCeil}};
constexpr Choice<Coordinates> kCoordinates[] = {{"half_pixel", Coordinates::kHalfPixel},
                                                {"half_pixel_symmetric", Coordinates::kHalfPixelSymmetric},
                                                {"pytorch_half_pixel", Coordinates::kPytorchHalfPixel},
                                                {"align_corners", Coordinates::kAlignCorners},
                                                {"asymmetric", Coordinates::kAsymmetric},
                                                {"tf_half_pixel_for_nn", Coordinates::kTfHalfPixelForNn},
                                                {"tf_crop_and_resize", Coordinates::kTfCropAndResize}};
enum class Aspect { kStretch, kNotLarger, kNotSmaller };
constexpr Choice<Aspect> kAspects[] = {
    {"stretch", Aspect::kStretch}, {"not_larger", Aspect::kNotLarger}, {"not_smaller", Aspect::kNotSmaller}};

// The attribute's value among the choices; the first one if absent.
template <typename E, size_t kCount>
Result<E> ReadChoice(const NodeReader& node, const char* name, const Choice<E> (&choices)[kCount]) {
  const std::string text = node.String(name, choices[0].name);
  std::string names;
  for (const Choice<E>& choice : choices) {
    if (text == choice.name) return choice.value;
    names += (names.empty() ? "" : ", ") + std::string(choice.name);
  }
  return Error(Code::kInvalidModel, "%s is '%s'; allowed: %s", name, Printable(text).c_str(), names.c_str());
}

struct Axis {
  int64_t in = kUnknown, out = kUnknown;
  double scale = 1, per = 1;  // the scale is scale / per, so that ratios of integers stay exact
  double width = 0;           // in * scale / per, not rounded to `out`
  double start = 0, end = 1;  // region of interest, tf_crop_and_resize only
};

struct ResizePlan {
  Mode mode = Mode::kNearest;
  Nearest nearest = Nearest::kRoundPreferFloor;
  Coordinates coordinates = Coordinates::kHalfPixel;
  bool antialias = false, exclude_outside = false;
  double cubic_a = -0.75;
  float extrapolation = 0;
  std::array<Axis, Shape::kMaxRank> axes;
  int rank = 0;

  Shape Output() const {
    Shape shape;
    for (int i = 0; i < rank; ++i) shape.Append(axes[static_cast<size_t>(i)].out);
    return shape;
  }
};

bool IsUpsample(const NodeReader& node) { return node.node().op_type == "Upsample"; }
// Where scales stand before roi and sizes came to be inputs.
bool IsOldForm(const NodeReader& node) { return IsUpsample(node) || node.opset() < 11; }

Status ReadMethod(const NodeReader& node, ResizePlan* plan) {
  OCTAVO_ASSIGN_OR_RETURN(plan->mode, ReadChoice(node, "mode", kModes));
  if (IsOldForm(node)) {
    if (plan->mode == Mode::kCubic) return Error(Code::kInvalidModel, "mode is 'cubic'; allowed: nearest, linear");
    plan->nearest = Nearest::kOutwards;
    plan->coordinates = Coordinates::kAsymmetric;
    return Ok();
  }
  OCTAVO_ASSIGN_OR_RETURN(plan->nearest, ReadChoice(node, "nearest_mode", kNearestModes));
  OCTAVO_ASSIGN_OR_RETURN(plan->coordinates, ReadChoice(node, "coordinate_transformation_mode", kCoordinates));
  OCTAVO_RETURN_IF_ERROR(CheckRange("antialias", node.Int("antialias", 0), 0, 1));
  OCTAVO_RETURN_IF_ERROR(CheckRange("exclude_outside", node.Int("exclude_outside", 0), 0, 1));
  plan->antialias = node.Int("antialias", 0) != 0;
  plan->exclude_outside = node.Int("exclude_outside", 0) != 0;
  plan->cubic_a = node.Float("cubic_coeff_a", -0.75f);
  plan->extrapolation = node.Float("extrapolation_value", 0);
  if (plan->antialias && plan->mode == Mode::kNearest) {
    return Error(Code::kInvalidModel, "antialias is 1 with mode 'nearest'; it needs 'linear' or 'cubic'");
  }
  if (!std::isfinite(plan->cubic_a)) return Error(Code::kInvalidModel, "cubic_coeff_a is not finite");
  return Ok();
}

// The axes that roi, scales and sizes speak of, each once.
Result<std::vector<int>> ReadAxes(const NodeReader& node, int rank) {
  std::vector<int> axes;
  std::array<bool, Shape::kMaxRank> seen{};
  if (!node.has_attribute("axes")) {
    for (int i = 0; i < rank; ++i) axes.push_back(i);
    return axes;
  }
  for (int64_t attribute : node.Ints("axes")) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(attribute, rank));
    if (seen[static_cast<size_t>(axis)]) return Error(Code::kInvalidModel, "axis %d stands in axes twice", axis);
    seen[static_cast<size_t>(axis)] = true;
    axes.push_back(axis);
  }
  return axes;
}

Status CheckCount(const char* name, int64_t found, size_t wanted) {
  if (found == static_cast<int64_t>(wanted)) return Ok();
  return Error(Code::kInvalidModel, "%s has %lld values where %zu are needed", name, LL(found), wanted);
}

// floor(in * scale). The product is rounded to float32, as in the runtimes that the scales of existing models were made
// for; and a scale that is the float32 nearest to out / in stands for that ratio itself.
Status SetScale(double scale, Axis* axis, int index) {
  if (!(scale > 0) || std::isinf(scale)) {
    return Error(Code::kInvalidModel, "the scale of axis %d is %g; it must be greater than 0 and finite", index, scale);
  }
  axis->scale = scale;
  if (axis->in == kUnknown) return Ok();
  const double in = static_cast<double>(axis->in);
  axis->width = in * scale;
  if (axis->in < (1 << 24)) axis->width = static_cast<float>(axis->width);
  if (axis->width > kMostElements) {
    return Error(Code::kLimit, "axis %d would have %g elements", index, axis->width);
  }
  const double out = std::floor(axis->width);
  axis->out = static_cast<int64_t>(out);
  if (axis->out > 0 && static_cast<float>(out / in) == static_cast<float>(scale)) {
    axis->scale = axis->width = out;
    axis->per = in;
  }
  return Ok();
}

Status SetSize(int64_t size, Axis* axis, int index) {
  if (size < 0)
    return Error(Code::kInvalidModel, "the size of axis %d is %lld; it must not be negative", index, LL(size));
  axis->out = size;
  if (axis->in == kUnknown) return Ok();
  if (axis->in == 0 && size != 0) {
    return Error(Code::kInvalidModel, "axis %d is empty and cannot be resized to %lld", index, LL(size));
  }
  axis->width = axis->scale = static_cast<double>(size);
  axis->per = static_cast<double>(axis->in);
  if (axis->in == 0) axis->scale = axis->per = 1;
  return Ok();
}

// All of `axes` by one scale, so that none becomes larger (smaller) than its size.
Status KeepAspect(Aspect aspect, std::span<const int> axes, std::span<const int64_t> sizes, ResizePlan* plan) {
  const Axis* chosen = nullptr;
  for (size_t i = 0; i < axes.size(); ++i) {
    Axis& axis = plan->axes[static_cast<size_t>(axes[i])];
    OCTAVO_RETURN_IF_ERROR(SetSize(sizes[i], &axis, axes[i]));
    if (axis.in == kUnknown) {
      for (int other : axes) plan->axes[static_cast<size_t>(other)].out = kUnknown;
      return Ok();
    }
    const auto smaller = [](const Axis& a, const Axis& b) { return a.scale / a.per < b.scale / b.per; };
    if (!chosen || (aspect == Aspect::kNotLarger ? smaller(axis, *chosen) : smaller(*chosen, axis))) chosen = &axis;
  }
  if (!chosen) return Ok();
  const double scale = chosen->scale, per = chosen->per;
  for (int i : axes) {
    Axis& axis = plan->axes[static_cast<size_t>(i)];
    axis.scale = scale;
    axis.per = per;
    axis.width = static_cast<double>(axis.in) * scale / per;
    if (axis.width > kMostElements) return Error(Code::kLimit, "axis %d would have %g elements", i, axis.width);
    axis.out = static_cast<int64_t>(std::floor(axis.width + 0.5));
  }
  return Ok();
}

// The tensors are null where left out or empty.
Result<ResizePlan> ReadResize(const NodeReader& node, const Shape& x, const Tensor* roi, const Tensor* scales,
                              const Tensor* sizes) {
  ResizePlan plan;
  OCTAVO_RETURN_IF_ERROR(ReadMethod(node, &plan));
  plan.rank = x.rank();
  for (int i = 0; i < x.rank(); ++i) {
    Axis& axis = plan.axes[static_cast<size_t>(i)];
    axis.in = axis.out = x[i];
    axis.width = static_cast<double>(x[i]);
  }
  OCTAVO_ASSIGN_OR_RETURN(const std::vector<int> axes, ReadAxes(node, x.rank()));
  const auto axis = [&](size_t i) { return &plan.axes[static_cast<size_t>(axes[i])]; };
  if (scales) {
    OCTAVO_RETURN_IF_ERROR(CheckCount("scales", scales->elements(), axes.size()));
    for (size_t i = 0; i < axes.size(); ++i) {
      OCTAVO_RETURN_IF_ERROR(SetScale(FloatAt(*scales, static_cast<int64_t>(i)), axis(i), axes[i]));
    }
  } else if (node.has_attribute("scales")) {
    const std::vector<float> values = node.Floats("scales");
    OCTAVO_RETURN_IF_ERROR(CheckCount("scales", static_cast<int64_t>(values.size()), axes.size()));
    for (size_t i = 0; i < axes.size(); ++i) OCTAVO_RETURN_IF_ERROR(SetScale(values[i], axis(i), axes[i]));
  } else if (sizes) {
    OCTAVO_RETURN_IF_ERROR(CheckCount("sizes", sizes->elements(), axes.size()));
    size_t count = 0;
    OCTAVO_ASSIGN_OR_RETURN(const auto values, SmallIntegers(*sizes, &count));
    OCTAVO_ASSIGN_OR_RETURN(const Aspect aspect, ReadChoice(node, "keep_aspect_ratio_policy", kAspects));
    if (aspect != Aspect::kStretch) {
      OCTAVO_RETURN_IF_ERROR(KeepAspect(aspect, axes, std::span(values).first(count), &plan));
    } else {
      for (size_t i = 0; i < axes.size(); ++i) OCTAVO_RETURN_IF_ERROR(SetSize(values[i], axis(i), axes[i]));
    }
  } else {
    for (int i : axes) plan.axes[static_cast<size_t>(i)].out = kUnknown;
  }
  if (roi && plan.coordinates == Coordinates::kTfCropAndResize) {
    OCTAVO_RETURN_IF_ERROR(CheckCount("roi", roi->elements(), 2 * axes.size()));
    for (size_t i = 0; i < axes.size(); ++i) {
      axis(i)->start = FloatAt(*roi, static_cast<int64_t>(i));
      axis(i)->end = FloatAt(*roi, static_cast<int64_t>(axes.size() + i));
      if (!std::isfinite(axis(i)->start) || !std::isfinite(axis(i)->end)) {
        return Error(Code::kInvalidModel, "roi of axis %d is [%g, %g]; it must be finite", axes[i], axis(i)->start,
                     axis(i)->end);
      }
    }
  }
  return plan;
}

// ------------------------------------------------------------------------------------------------ shapes

// Whether the input is there and may hold something. Exporters leave inputs out by giving an empty tensor, too.
bool MayHold(const InferContext& context, size_t i) {
  const Shape* shape = context.shape(i);
  return context.has_input(i) && !(shape && shape->rank() == 1 && (*shape)[0] == 0);
}

const Tensor* ValueOf(const InferContext& context, size_t i) {
  return MayHold(context, i) ? context.value(i) : nullptr;
}

Status InferResize(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 1));
  const bool old_form = IsOldForm(context);
  const size_t scales_at = old_form ? 1 : 2, sizes_at = old_form ? SIZE_MAX : 3, roi_at = old_form ? SIZE_MAX : 1;
  OCTAVO_RETURN_IF_ERROR(CheckType(context, scales_at, "scales", {DType::kFloat}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, sizes_at, "sizes", {DType::kInt64}));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, roi_at, "roi"));
  const bool has_scales = MayHold(context, scales_at) || context.has_attribute("scales");
  if (MayHold(context, sizes_at) == has_scales && (has_scales || !old_form)) {
    return Error(Code::kInvalidModel, "%s of scales and sizes are given; exactly one of them must be",
                 has_scales ? "both" : "neither");
  }
  if (!has_scales && old_form) return Error(Code::kInvalidModel, "scales are missing");
  ResizePlan method;
  OCTAVO_RETURN_IF_ERROR(ReadMethod(context, &method));
  const DType dtype = context.dtype(0);
  if (dtype != DType::kUndefined && (BitsOf(dtype) < 8 || (dtype == DType::kBool && method.mode != Mode::kNearest))) {
    return Error(Code::kUnsupported, "X is %s, which mode '%s' does not resize", Name(dtype),
                 context.String("mode", "nearest").c_str());
  }
  if (method.coordinates == Coordinates::kTfCropAndResize && !MayHold(context, roi_at)) {
    return Error(Code::kInvalidModel, "roi is missing; tf_crop_and_resize needs it");
  }
  const Shape* x = context.shape(0);
  if (!x) {
    context.SetOutput(0, dtype, std::nullopt);
    return Ok();
  }
  OCTAVO_ASSIGN_OR_RETURN(const ResizePlan plan, ReadResize(context, *x, ValueOf(context, roi_at),
                                                            ValueOf(context, scales_at), ValueOf(context, sizes_at)));
  context.SetOutput(0, dtype, plan.Output());
  return Ok();
}

// ------------------------------------------------------------------------------------------------ coordinates and
// weights

// Where output element `o` lies among the input's.
double Original(const ResizePlan& plan, const Axis& axis, int64_t o) {
  const double x = static_cast<double>(o), in = static_cast<double>(axis.in);
  switch (plan.coordinates) {
    case Coordinates::kHalfPixel:
      return (x + 0.5) * axis.per / axis.scale - 0.5;
    case Coordinates::kHalfPixelSymmetric: {
      const double offset = in / 2 * (1 - static_cast<double>(axis.out) / axis.width);
      return offset + (x + 0.5) * axis.per / axis.scale - 0.5;
    }
    case Coordinates::kPytorchHalfPixel:
      return axis.out > 1 ? (x + 0.5) * axis.per / axis.scale - 0.5 : 0;
    case Coordinates::kAlignCorners:
      return axis.width > 1 ? x * (in - 1) / (axis.width - 1) : 0;
    case Coordinates::kAsymmetric:
      return x * axis.per / axis.scale;
    case Coordinates::kTfHalfPixelForNn:
      return (x + 0.5) * axis.per / axis.scale;
    case Coordinates::kTfCropAndResize:
      return axis.width > 1 ? axis.start * (in - 1) + x * (axis.end - axis.start) * (in - 1) / (axis.width - 1)
                            : 0.5 * (axis.start + axis.end) * (in - 1);
  }
  return 0;
}

double LinearWeight(double distance) { return std::max(1 - std::abs(distance), 0.0); }

double CubicWeight(double distance, double a) {
  const double x = std::abs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// Whether a place between two elements, `ratio` in (0, 1] behind the first, belongs to the second.
bool GoesUp(Nearest mode, double ratio, bool shrinks) {
  switch (mode) {
    case Nearest::kRoundPreferFloor:
      return ratio > 0.5;
    case Nearest::kRoundPreferCeil:
      return ratio >= 0.5;
    case Nearest::kFloor:
      return ratio == 1;
    case Nearest::kCeil:
      return true;
    case Nearest::kOutwards:
      return shrinks || ratio == 1;
  }
  return false;
}

// What one axis does: output element o is the sum of weight[k] * input[index[k]], k from o * taps on.
struct AxisMap {
  int64_t taps = 1;
  Tensor index;   // int64; -1 in the first tap: the extrapolation value
  Tensor weight;  // double
  bool identity = true;
};

Result<AxisMap> MapAxis(const ResizePlan& plan, const Axis& axis, const MemoryPtr& memory) {
  AxisMap map;
  const bool nearest = plan.mode == Mode::kNearest;
  // The filter reaches 1 or 2 elements to either side; when shrinking with antialias, as many output elements.
  const double shrink = plan.antialias ? std::min(axis.scale / axis.per, 1.0) : 1.0;
  const double reach = plan.mode == Mode::kCubic ? 2 : 1;
  const int64_t first = nearest ? 0 : static_cast<int64_t>(std::floor(-reach / shrink)) + 1;
  map.taps = nearest ? 1 : 2 - 2 * first;
  OCTAVO_ASSIGN_OR_RETURN(map.index, Tensor::Create(memory, DType::kInt64, Shape{axis.out, map.taps}));
  OCTAVO_ASSIGN_OR_RETURN(map.weight, Tensor::Create(memory, DType::kDouble, Shape{axis.out, map.taps}));
  const double last = static_cast<double>(axis.in - 1);
  for (int64_t o = 0; o < axis.out; ++o) {
    int64_t* index = map.index.mutable_data<int64_t>().data() + o * map.taps;
    double* weight = map.weight.mutable_data<double>().data() + o * map.taps;
    const double x = Original(plan, axis, o);
    if (plan.coordinates == Coordinates::kTfCropAndResize && !(x >= 0 && x <= last)) {
      std::fill(index, index + map.taps, -1);
      std::fill(weight, weight + map.taps, 0);
      continue;
    }
    // Far outside all taps repeat the edge; coming closer keeps the numbers small.
    const double at = std::clamp(x, -static_cast<double>(map.taps), last + static_cast<double>(map.taps));
    // at = base + ratio with ratio in (0, 1]
    const int64_t base = static_cast<int64_t>(std::ceil(at)) - 1;
    const double ratio = at - static_cast<double>(base);
    if (nearest) {
      const bool up = GoesUp(plan.nearest, ratio, axis.scale < axis.per);
      index[0] = std::clamp<int64_t>(up ? base + 1 : base, 0, axis.in - 1);
      weight[0] = 1;
    } else {
      double sum = 0;
      for (int64_t k = 0; k < map.taps; ++k) {
        const double distance = (static_cast<double>(first + k) - ratio) * shrink;
        weight[k] = plan.mode == Mode::kCubic ? CubicWeight(distance, plan.cubic_a) : LinearWeight(distance);
        const int64_t i = base + first + k;
        index[k] = std::clamp<int64_t>(i, 0, axis.in - 1);
        if (plan.exclude_outside && i != index[k]) weight[k] = 0;
        sum += weight[k];
      }
      if ((plan.antialias || plan.exclude_outside) && sum != 0) {
        for (int64_t k = 0; k < map.taps; ++k) weight[k] /= sum;
      }
    }
    for (int64_t k = 0; k < map.taps; ++k) map.identity &= weight[k] == (index[k] == o ? 1 : 0);
  }
  map.identity &= axis.in == axis.out;
  return map;
}

// ------------------------------------------------------------------------------------------------ arithmetic

// T from a float or a sum: integers rounded half to even and saturated, NaN 0.
template <typename T, typename From>
T Rounded(From value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value != 0;
  } else if constexpr (std::is_integral_v<T>) {
    const double rounded = RoundHalfEven(static_cast<double>(value));
    // 2^63 and 2^64 are doubles, the maxima of 64-bit integers are not.
    if (!(rounded > static_cast<double>(std::numeric_limits<T>::lowest()))) {
      return std::isnan(rounded) ? T(0) : std::numeric_limits<T>::lowest();
    }
    if (rounded >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    return static_cast<T>(rounded);
  } else if constexpr (std::is_same_v<T, double>) {
    return static_cast<double>(value);
  } else {
    return T(static_cast<float>(value));
  }
}

// The tensor with one axis resized. element(to, from, weights) makes one run of `inner` elements; fill(to) an
// extrapolated one.
template <typename T, typename Run, typename Fill>
Result<Tensor> ResizeAxis(const Tensor& x, int axis, const AxisMap& map, const MemoryPtr& memory, Run&& run,
                          Fill&& fill) {
  Shape shape = x.shape();
  const int64_t in = shape[axis], out = map.index.shape()[0];
  shape[axis] = out;
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, Tensor::Create(memory, x.dtype(), shape));
  const int64_t inner = shape.Elements(axis + 1, shape.rank());
  const int64_t outer = y.elements() == 0 ? 0 : shape.Elements(0, axis);
  for (int64_t i = 0; i < outer; ++i) {
    const T* from = x.data<T>().data() + i * in * inner;
    for (int64_t o = 0; o < out; ++o) {
      T* to = y.mutable_data<T>().data() + (i * out + o) * inner;
      const int64_t* index = map.index.data<int64_t>().data() + o * map.taps;
      if (index[0] < 0) {
        fill(to, inner);
      } else {
        run(to, from, index, map.weight.data<double>().data() + o * map.taps, inner);
      }
    }
  }
  return y;
}

template <typename T>
Result<Tensor> SelectAlong(const Tensor& x, int axis, const AxisMap& map, float extrapolation,
                           const MemoryPtr& memory) {
  return ResizeAxis<T>(
      x, axis, map, memory,
      [](T* to, const T* from, const int64_t* index, const double*, int64_t inner) {
        std::copy_n(from + index[0] * inner, inner, to);
      },
      [extrapolation](T* to, int64_t inner) { std::fill_n(to, inner, Rounded<T>(extrapolation)); });
}

template <typename T>
Result<Tensor> InterpolateAlong(const Tensor& x, int axis, const AxisMap& map, float extrapolation,
                                const MemoryPtr& memory) {
  return ResizeAxis<T>(
      x, axis, map, memory,
      [taps = map.taps](T* to, const T* from, const int64_t* index, const double* weight, int64_t inner) {
        std::fill_n(to, inner, T(0));
        for (int64_t k = 0; k < taps; ++k) {
          const T w = static_cast<T>(weight[k]);
          const T* tap = from + index[k] * inner;
          if (w == 0) continue;
          for (int64_t j = 0; j < inner; ++j) to[j] += w * tap[j];
        }
      },
      [extrapolation](T* to, int64_t inner) { std::fill_n(to, inner, static_cast<T>(extrapolation)); });
}

// Sums of 32- and 64-bit integers and of float64 are kept in double, all others in float.
DType SumType(DType dtype) {
  return dtype == DType::kDouble || (IsInteger(dtype) && BitsOf(dtype) >= 32) ? DType::kDouble : DType::kFloat;
}

template <typename From, typename To>
To Plain(From value) {
  if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return static_cast<To>(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

// x as T, and back.
template <typename T>
Result<Tensor> ToSums(const Tensor& x, const MemoryPtr& memory) {
  if (x.dtype() == DTypeOf<T>::value) return x;
  OCTAVO_ASSIGN_OR_RETURN(Tensor sums, Tensor::Create(memory, DTypeOf<T>::value, x.shape()));
  VisitDType(
      x.dtype(),
      [&](auto zero) {
        using From = decltype(zero);
        std::transform(x.data<From>().begin(), x.data<From>().end(), sums.mutable_data<T>().begin(),
                       [](From value) { return Plain<From, T>(value); });
        return true;
      },
      false);
  return sums;
}

template <typename T>
void FromSums(const Tensor& sums, Tensor* y) {
  VisitDType(
      y->dtype(),
      [&](auto zero) {
        using To = decltype(zero);
        std::transform(sums.data<T>().begin(), sums.data<T>().end(), y->mutable_data<To>().begin(),
                       [](T value) { return Rounded<To>(value); });
        return true;
      },
      false);
}

const Tensor* TensorOrNull(const EvalContext& context, size_t i) {
  return context.has_input(i) && context.input(i).elements() > 0 ? &context.input(i) : nullptr;
}

// along(x, axis, map): the tensor with that axis resized.
template <typename Along>
Result<Tensor> ResizeAll(const ResizePlan& plan, Tensor x, const MemoryPtr& memory, Along&& along) {
  for (int i = 0; i < plan.rank; ++i) {
    OCTAVO_ASSIGN_OR_RETURN(const AxisMap map, MapAxis(plan, plan.axes[static_cast<size_t>(i)], memory));
    if (map.identity) continue;
    OCTAVO_ASSIGN_OR_RETURN(x, along(x, i, map));
  }
  return x;
}

Status EvaluateResize(EvalContext& context) {
  const Tensor& x = context.input(0);
  Tensor& y = context.output(0);
  const MemoryPtr& memory = context.memory();
  const bool old_form = IsOldForm(context);
  OCTAVO_ASSIGN_OR_RETURN(
      const ResizePlan plan,
      ReadResize(context, x.shape(), old_form ? nullptr : TensorOrNull(context, 1),
                 TensorOrNull(context, old_form ? 1 : 2), old_form ? nullptr : TensorOrNull(context, 3)));
  if (y.elements() == 0) return Ok();
  if (plan.mode == Mode::kNearest) {
    return VisitDType(
        x.dtype(),
        [&](auto zero) -> Status {
          OCTAVO_ASSIGN_OR_RETURN(const Tensor resized,
                                  ResizeAll(plan, x, memory, [&](const Tensor& t, int axis, const AxisMap& map) {
                                    return SelectAlong<decltype(zero)>(t, axis, map, plan.extrapolation, memory);
                                  }));
          std::memcpy(y.mutable_raw(), resized.raw(), y.bytes());
          return Ok();
        },
        Error(Code::kInternal, "Resize of %s", Name(x.dtype())));
  }
  const auto interpolate = [&](auto zero) -> Status {
    using T = decltype(zero);
    OCTAVO_ASSIGN_OR_RETURN(Tensor sums, ToSums<T>(x, memory));
    OCTAVO_ASSIGN_OR_RETURN(sums, ResizeAll(plan, sums, memory, [&](const Tensor& t, int axis, const AxisMap& map) {
                              return InterpolateAlong<T>(t, axis, map, plan.extrapolation, memory);
                            }));
    FromSums<T>(sums, &y);
    return Ok();
  };
  return SumType(x.dtype()) == DType::kDouble ? interpolate(double{}) : interpolate(float{});
}

// ------------------------------------------------------------------------------------------------ rows

constexpr AttributeSpec kResizeAttributes[] = {
    {"antialias", AttributeType::kInt},
    {"axes", AttributeType::kInts},
    {"coordinate_transformation_mode", AttributeType::kString},
    {"cubic_coeff_a", AttributeType::kFloat},
    {"exclude_outside", AttributeType::kInt},
    {"extrapolation_value", AttributeType::kFloat},
    {"keep_aspect_ratio_policy", AttributeType::kString},
    {"mode", AttributeType::kString},
    {"nearest_mode", AttributeType::kString},
};
constexpr AttributeSpec kUpsampleAttributes[] = {{"mode", AttributeType::kString}, {"scales", AttributeType::kFloats}};

const Operator kRows[] = {
    {.name = "Resize",
     .since = 10,
     .min_inputs = 1,
     .max_inputs = 4,
     .attributes = kResizeAttributes,
     .infer = InferResize,
     .evaluate = EvaluateResize,
     .quant = QuantRule::kArithmetic,
     .lowering = Lowering::kResize},
    {.name = "Upsample",
     .until = 9,
     .min_inputs = 1,
     .max_inputs = 2,
     .attributes = kUpsampleAttributes,
     .infer = InferResize,
     .evaluate = EvaluateResize,
     .quant = QuantRule::kArithmetic,
     .lowering = Lowering::kResize},
};

}  // namespace

std::span<const Operator> ResizeOperators() { return kRows; }

}  // namespace octavo
