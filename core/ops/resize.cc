// Resize and Upsample.
//
// Axes are resized one after the other in ascending order. Along one axis each output element is a weighted sum of
// input elements ("taps"), added up in ascending order beginning with 0, weights rounded from double to the type of the
// sum; taps of weight 0 are skipped, and those beyond an edge repeat the edge. Coordinates and weights are computed in
// double (resize_axes.h).
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>

#include "core/ops/check.h"
#include "core/ops/families.h"
#include "core/ops/resize_axes.h"
#include "core/ops/rounding.h"

namespace octavo {
namespace {

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
  const ResizeInputs at = ResizeInputsOf(context);
  const bool old_form = at.sizes == SIZE_MAX;
  OCTAVO_RETURN_IF_ERROR(CheckType(context, at.scales, "scales", {DType::kFloat}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, at.sizes, "sizes", {DType::kInt64}));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, at.roi, "roi"));
  const bool has_scales = MayHold(context, at.scales) || context.has_attribute("scales");
  if (MayHold(context, at.sizes) == has_scales && (has_scales || !old_form)) {
    return Error(Code::kInvalidModel, "%s of scales and sizes are given; exactly one of them must be",
                 has_scales ? "both" : "neither");
  }
  if (!has_scales && old_form) return Error(Code::kInvalidModel, "scales are missing");
  Resizing method;
  OCTAVO_RETURN_IF_ERROR(ReadResizeMethod(context, &method));
  const DType dtype = context.dtype(0);
  if (dtype != DType::kUndefined &&
      (BitsOf(dtype) < 8 || (dtype == DType::kBool && method.mode != ResizeMode::kNearest))) {
    return Error(Code::kUnsupported, "X is %s, which mode '%s' does not resize", Name(dtype),
                 context.String("mode", "nearest").c_str());
  }
  if (method.coordinates == CoordinateMode::kTfCropAndResize && !MayHold(context, at.roi)) {
    return Error(Code::kInvalidModel, "roi is missing; tf_crop_and_resize needs it");
  }
  const Shape* x = context.shape(0);
  if (!x) {
    context.SetOutput(0, dtype, std::nullopt);
    return Ok();
  }
  OCTAVO_ASSIGN_OR_RETURN(const Resizing resizing,
                          ReadResize(context, *x, [&](size_t i) { return ValueOf(context, i); }));
  context.SetOutput(0, dtype, resizing.Output());
  return Ok();
}

// ------------------------------------------------------------------------------------------------ arithmetic

// T from a float or a sum: integers rounded half to even and saturated, NaN 0; floats with the one positive NaN.
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
  } else if constexpr (std::is_floating_point_v<T>) {
    return std::isnan(value) ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(value);
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
Result<Tensor> ResizeAll(const std::vector<AxisMap>& maps, Tensor x, Along&& along) {
  for (size_t i = 0; i < maps.size(); ++i) {
    if (maps[i].identity) continue;
    OCTAVO_ASSIGN_OR_RETURN(x, along(x, static_cast<int>(i), maps[i]));
  }
  return x;
}

Status EvaluateResize(EvalContext& context) {
  const Tensor& x = context.input(0);
  Tensor& y = context.output(0);
  const MemoryPtr& memory = context.memory();
  OCTAVO_ASSIGN_OR_RETURN(const Resizing resizing,
                          ReadResize(context, x.shape(), [&](size_t i) { return TensorOrNull(context, i); }));
  if (y.elements() == 0) return Ok();
  OCTAVO_ASSIGN_OR_RETURN(const std::vector<AxisMap> maps, MapAxes(resizing, memory));
  if (std::all_of(maps.begin(), maps.end(), [](const AxisMap& map) { return map.identity; })) {
    std::memcpy(y.mutable_raw(), x.raw(), y.bytes());
    return Ok();
  }
  if (resizing.mode == ResizeMode::kNearest) {
    return VisitDType(
        x.dtype(),
        [&](auto zero) -> Status {
          OCTAVO_ASSIGN_OR_RETURN(const Tensor resized,
                                  ResizeAll(maps, x, [&](const Tensor& t, int axis, const AxisMap& map) {
                                    return SelectAlong<decltype(zero)>(t, axis, map, resizing.extrapolation, memory);
                                  }));
          std::memcpy(y.mutable_raw(), resized.raw(), y.bytes());
          return Ok();
        },
        Error(Code::kInternal, "Resize of %s", Name(x.dtype())));
  }
  const auto interpolate = [&](auto zero) -> Status {
    using T = decltype(zero);
    OCTAVO_ASSIGN_OR_RETURN(Tensor sums, ToSums<T>(x, memory));
    OCTAVO_ASSIGN_OR_RETURN(sums, ResizeAll(maps, sums, [&](const Tensor& t, int axis, const AxisMap& map) {
                              return InterpolateAlong<T>(t, axis, map, resizing.extrapolation, memory);
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
     .lowering = Lowering::kResize,
     .coverage = "INT8 where the result has its input's scale; tf_crop_and_resize in float."},
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
