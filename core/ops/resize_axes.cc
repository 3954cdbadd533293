#include "core/ops/resize_axes.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/ops/check.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;
constexpr double kMostElements = 1e15;  // along an axis of the output: what double counts exactly

// ------------------------------------------------------------------------------------------------ attributes

template <typename E>
struct Choice {
  const char* name;
  E value;
};
constexpr Choice<ResizeMode> kModes[] = {
    {"nearest", ResizeMode::kNearest}, {"linear", ResizeMode::kLinear}, {"cubic", ResizeMode::kCubic}};
constexpr Choice<NearestMode> kNearestModes[] = {{"round_prefer_floor", NearestMode::kRoundPreferFloor},
                                                 {"round_prefer_ceil", NearestMode::kRoundPreferCeil},
                                                 {"floor", NearestMode::kFloor},
                                                 {"ceil", NearestMode::kCeil}};
constexpr Choice<CoordinateMode> kCoordinates[] = {{"half_pixel", CoordinateMode::kHalfPixel},
                                                   {"half_pixel_symmetric", CoordinateMode::kHalfPixelSymmetric},
                                                   {"pytorch_half_pixel", CoordinateMode::kPytorchHalfPixel},
                                                   {"align_corners", CoordinateMode::kAlignCorners},
                                                   {"asymmetric", CoordinateMode::kAsymmetric},
                                                   {"tf_half_pixel_for_nn", CoordinateMode::kTfHalfPixelForNn},
                                                   {"tf_crop_and_resize", CoordinateMode::kTfCropAndResize}};
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

// From before roi and sizes came to be inputs.
bool IsOldForm(const NodeReader& node) { return node.node().op_type == "Upsample" || node.opset() < 11; }

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
Status SetScale(double scale, ResizeAxis* axis, int index) {
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

Status SetSize(int64_t size, ResizeAxis* axis, int index) {
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
Status KeepAspect(Aspect aspect, std::span<const int> axes, std::span<const int64_t> sizes, Resizing* resizing) {
  const ResizeAxis* chosen = nullptr;
  for (size_t i = 0; i < axes.size(); ++i) {
    ResizeAxis& axis = resizing->axes[static_cast<size_t>(axes[i])];
    OCTAVO_RETURN_IF_ERROR(SetSize(sizes[i], &axis, axes[i]));
    if (axis.in == kUnknown) {
      for (int other : axes) resizing->axes[static_cast<size_t>(other)].out = kUnknown;
      return Ok();
    }
    const auto smaller = [](const ResizeAxis& a, const ResizeAxis& b) { return a.scale / a.per < b.scale / b.per; };
    if (!chosen || (aspect == Aspect::kNotLarger ? smaller(axis, *chosen) : smaller(*chosen, axis))) chosen = &axis;
  }
  if (!chosen) return Ok();
  const double scale = chosen->scale, per = chosen->per;
  for (int i : axes) {
    ResizeAxis& axis = resizing->axes[static_cast<size_t>(i)];
    axis.scale = scale;
    axis.per = per;
    axis.width = static_cast<double>(axis.in) * scale / per;
    if (axis.width > kMostElements) return Error(Code::kLimit, "axis %d would have %g elements", i, axis.width);
    axis.out = static_cast<int64_t>(std::floor(axis.width + 0.5));
  }
  return Ok();
}

// ------------------------------------------------------------------------------------------------ coordinates, weights

// Where output element `o` lies among the input's.
double Original(const Resizing& resizing, const ResizeAxis& axis, int64_t o) {
  const double x = static_cast<double>(o), in = static_cast<double>(axis.in);
  switch (resizing.coordinates) {
    case CoordinateMode::kHalfPixel:
      return (x + 0.5) * axis.per / axis.scale - 0.5;
    case CoordinateMode::kHalfPixelSymmetric: {
      const double offset = in / 2 * (1 - static_cast<double>(axis.out) / axis.width);
      return offset + (x + 0.5) * axis.per / axis.scale - 0.5;
    }
    case CoordinateMode::kPytorchHalfPixel:
      return axis.out > 1 ? (x + 0.5) * axis.per / axis.scale - 0.5 : 0;
    case CoordinateMode::kAlignCorners:
      return axis.width > 1 ? x * (in - 1) / (axis.width - 1) : 0;
    case CoordinateMode::kAsymmetric:
      return x * axis.per / axis.scale;
    case CoordinateMode::kTfHalfPixelForNn:
      return (x + 0.5) * axis.per / axis.scale;
    case CoordinateMode::kTfCropAndResize:
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
bool GoesUp(NearestMode mode, double ratio, bool shrinks) {
  switch (mode) {
    case NearestMode::kRoundPreferFloor:
      return ratio > 0.5;
    case NearestMode::kRoundPreferCeil:
      return ratio >= 0.5;
    case NearestMode::kFloor:
      return ratio == 1;
    case NearestMode::kCeil:
      return true;
    case NearestMode::kOutwards:
      return shrinks || ratio == 1;
  }
  return false;
}

Result<AxisMap> MapAxis(const Resizing& resizing, const ResizeAxis& axis, const MemoryPtr& memory) {
  AxisMap map;
  const bool nearest = resizing.mode == ResizeMode::kNearest;
  // The filter reaches 1 or 2 elements to either side; when shrinking with antialias, as many output elements.
  const double shrink = resizing.antialias ? std::min(axis.scale / axis.per, 1.0) : 1.0;
  const double reach = resizing.mode == ResizeMode::kCubic ? 2 : 1;
  const int64_t first = nearest ? 0 : static_cast<int64_t>(std::floor(-reach / shrink)) + 1;
  map.taps = nearest ? 1 : 2 - 2 * first;
  OCTAVO_ASSIGN_OR_RETURN(map.index, Tensor::Create(memory, DType::kInt64, Shape{axis.out, map.taps}));
  OCTAVO_ASSIGN_OR_RETURN(map.weight, Tensor::Create(memory, DType::kDouble, Shape{axis.out, map.taps}));
  const double last = static_cast<double>(axis.in - 1);
  for (int64_t o = 0; o < axis.out; ++o) {
    int64_t* index = map.index.mutable_data<int64_t>().data() + o * map.taps;
    double* weight = map.weight.mutable_data<double>().data() + o * map.taps;
    const double x = Original(resizing, axis, o);
    if (resizing.coordinates == CoordinateMode::kTfCropAndResize && !(x >= 0 && x <= last)) {
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
      const bool up = GoesUp(resizing.nearest, ratio, axis.scale < axis.per);
      index[0] = std::clamp<int64_t>(up ? base + 1 : base, 0, axis.in - 1);
      weight[0] = 1;
    } else {
      double sum = 0;
      for (int64_t k = 0; k < map.taps; ++k) {
        const double distance = (static_cast<double>(first + k) - ratio) * shrink;
        weight[k] =
            resizing.mode == ResizeMode::kCubic ? CubicWeight(distance, resizing.cubic_a) : LinearWeight(distance);
        const int64_t i = base + first + k;
        index[k] = std::clamp<int64_t>(i, 0, axis.in - 1);
        if (resizing.exclude_outside && i != index[k]) weight[k] = 0;
        sum += weight[k];
      }
      if ((resizing.antialias || resizing.exclude_outside) && sum != 0) {
        for (int64_t k = 0; k < map.taps; ++k) weight[k] /= sum;
      }
    }
    double own = 0, others = 0;  // beyond an edge, several taps meet the same element
    for (int64_t k = 0; k < map.taps; ++k) (index[k] == o ? own : others) += std::abs(weight[k]);
    map.identity &= own == 1 && others == 0;
  }
  map.identity &= axis.in == axis.out;
  return map;
}

}  // namespace

ResizeInputs ResizeInputsOf(const NodeReader& node) {
  return IsOldForm(node) ? ResizeInputs{SIZE_MAX, 1, SIZE_MAX} : ResizeInputs{1, 2, 3};
}

Status ReadResizeMethod(const NodeReader& node, Resizing* resizing) {
  OCTAVO_ASSIGN_OR_RETURN(resizing->mode, ReadChoice(node, "mode", kModes));
  if (IsOldForm(node)) {
    if (resizing->mode == ResizeMode::kCubic)
      return Error(Code::kInvalidModel, "mode is 'cubic'; allowed: nearest, linear");
    resizing->nearest = NearestMode::kOutwards;
    resizing->coordinates = CoordinateMode::kAsymmetric;
    return Ok();
  }
  OCTAVO_ASSIGN_OR_RETURN(resizing->nearest, ReadChoice(node, "nearest_mode", kNearestModes));
  OCTAVO_ASSIGN_OR_RETURN(resizing->coordinates, ReadChoice(node, "coordinate_transformation_mode", kCoordinates));
  OCTAVO_RETURN_IF_ERROR(CheckRange("antialias", node.Int("antialias", 0), 0, 1));
  OCTAVO_RETURN_IF_ERROR(CheckRange("exclude_outside", node.Int("exclude_outside", 0), 0, 1));
  resizing->antialias = node.Int("antialias", 0) != 0;
  resizing->exclude_outside = node.Int("exclude_outside", 0) != 0;
  resizing->cubic_a = node.Float("cubic_coeff_a", -0.75f);
  resizing->extrapolation = node.Float("extrapolation_value", 0);
  if (resizing->antialias && resizing->mode == ResizeMode::kNearest) {
    return Error(Code::kInvalidModel, "antialias is 1 with mode 'nearest'; it needs 'linear' or 'cubic'");
  }
  if (!std::isfinite(resizing->cubic_a)) return Error(Code::kInvalidModel, "cubic_coeff_a is not finite");
  return Ok();
}

Result<Resizing> ReadResize(const NodeReader& node, const Shape& x, const std::function<const Tensor*(size_t)>& input) {
  Resizing resizing;
  OCTAVO_RETURN_IF_ERROR(ReadResizeMethod(node, &resizing));
  const ResizeInputs at = ResizeInputsOf(node);
  const Tensor *const roi = input(at.roi), *const scales = input(at.scales), *const sizes = input(at.sizes);
  resizing.rank = x.rank();
  for (int i = 0; i < x.rank(); ++i) {
    ResizeAxis& axis = resizing.axes[static_cast<size_t>(i)];
    axis.in = axis.out = x[i];
    axis.width = static_cast<double>(x[i]);
  }
  OCTAVO_ASSIGN_OR_RETURN(const std::vector<int> axes, ReadAxes(node, x.rank()));
  const auto axis = [&](size_t i) { return &resizing.axes[static_cast<size_t>(axes[i])]; };
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
      OCTAVO_RETURN_IF_ERROR(KeepAspect(aspect, axes, std::span(values).first(count), &resizing));
    } else {
      for (size_t i = 0; i < axes.size(); ++i) OCTAVO_RETURN_IF_ERROR(SetSize(values[i], axis(i), axes[i]));
    }
  } else {
    for (int i : axes) resizing.axes[static_cast<size_t>(i)].out = kUnknown;
  }
  if (roi && resizing.coordinates == CoordinateMode::kTfCropAndResize) {
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
  return resizing;
}

Result<std::vector<AxisMap>> MapAxes(const Resizing& resizing, const MemoryPtr& memory) {
  std::vector<AxisMap> maps;
  for (int i = 0; i < resizing.rank; ++i) {
    OCTAVO_ASSIGN_OR_RETURN(AxisMap map, MapAxis(resizing, resizing.axes[static_cast<size_t>(i)], memory));
    maps.push_back(std::move(map));
  }
  return maps;
}

}  // namespace octavo
