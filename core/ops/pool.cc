// MaxPool, AveragePool, LpPool over windows of one to three spatial axes, and their global forms.
//
// The taps of a window are visited in (z, y, x) order; those that meet padding are skipped.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/families.h"
#include "core/ops/math.h"
#include "core/ops/wide.h"
#include "core/ops/window.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;

// ------------------------------------------------------------------------------------------------ shapes

Status InferPool(InferContext& context, std::optional<Shape>* y) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 1));
  Shape x;
  if (context.shape(0)) {
    x = *context.shape(0);
    if (x.rank() < 3) {
      return Error(Code::kInvalidModel, "X has shape %s; it must have at least 3 dimensions", x.ToString().c_str());
    }
  } else {  // the rank follows from the kernel
    const size_t spatial = std::min<size_t>(context.Ints("kernel_shape").size(), Window3::kAxes + 1);
    x = Shape::OfRank(2 + static_cast<int>(spatial), kUnknown);
  }
  OCTAVO_ASSIGN_OR_RETURN(const Window3 window, PoolWindow(context, x.dims().subspan(2)));
  *y = Shape{x[0], x[1]};
  for (int i = 0; i < window.spatial; ++i) (*y)->Append(window.axis(i).out);
  return Ok();
}

Status InferMaxPool(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(
      CheckType(context, 0, "X",
                {DType::kFloat, DType::kFloat16, DType::kBFloat16, DType::kDouble, DType::kInt8, DType::kUInt8}));
  OCTAVO_RETURN_IF_ERROR(CheckRange("storage_order", context.Int("storage_order", 0), 0, 1));
  std::optional<Shape> y;
  OCTAVO_RETURN_IF_ERROR(InferPool(context, &y));
  context.SetOutput(0, context.dtype(0), y);
  context.SetOutput(1, DType::kInt64, y);
  return Ok();
}

Status InferAveragePool(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "X"));
  OCTAVO_RETURN_IF_ERROR(CheckRange("count_include_pad", context.Int("count_include_pad", 0), 0, 1));
  std::optional<Shape> y;
  OCTAVO_RETURN_IF_ERROR(InferPool(context, &y));
  context.SetOutput(0, context.dtype(0), y);
  return Ok();
}

Status CheckPower(const NodeReader& node) { return CheckRange("p", node.Int("p", 2), 1, INT32_MAX); }

Status InferLpPool(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "X"));
  OCTAVO_RETURN_IF_ERROR(CheckPower(context));
  std::optional<Shape> y;
  OCTAVO_RETURN_IF_ERROR(InferPool(context, &y));
  context.SetOutput(0, context.dtype(0), y);
  return Ok();
}

Status InferGlobalPool(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 1));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "X"));
  std::optional<Shape> y;
  if (const Shape* x = context.shape(0)) {
    if (x->rank() < 3) {
      return Error(Code::kInvalidModel, "X has shape %s; it must have at least 3 dimensions", x->ToString().c_str());
    }
    y = Shape::OfRank(x->rank(), 1);
    (*y)[0] = (*x)[0];
    (*y)[1] = (*x)[1];
  }
  context.SetOutput(0, context.dtype(0), y);
  return Ok();
}

Status InferGlobalLpPool(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPower(context));
  return InferGlobalPool(context);
}

// ------------------------------------------------------------------------------------------------ arithmetic

Result<Window3> WindowOf(const EvalContext& context) {
  return PoolWindow(context, context.input(0).shape().dims().subspan(2));
}

// f(output element, z, y, x of the window, first input element of the channel), channel by channel.
template <typename F>
void ForEachWindow(const Window3& window, int64_t channels, F&& f) {
  int64_t at = 0;
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t oz = 0; oz < window.z().out; ++oz) {
      for (int64_t oy = 0; oy < window.y().out; ++oy) {
        for (int64_t ox = 0; ox < window.x().out; ++ox) f(at++, oz, oy, ox, c * window.InPlane());
      }
    }
  }
}

// f(iz, iy, ix) for every tap inside the input.
template <typename F>
void ForEachTap(const Window3& window, int64_t oz, int64_t oy, int64_t ox, F&& f) {
  const WindowAxis::Taps tz = window.z().ValidTaps(oz), ty = window.y().ValidTaps(oy), tx = window.x().ValidTaps(ox);
  for (int64_t kz = tz.begin; kz < tz.end; ++kz) {
    for (int64_t ky = ty.begin; ky < ty.end; ++ky) {
      for (int64_t kx = tx.begin; kx < tx.end; ++kx) {
        f(window.z().At(oz, kz), window.y().At(oy, ky), window.x().At(ox, kx));
      }
    }
  }
}

template <typename T>
auto Comparable(T value) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
    return static_cast<float>(value);
  } else {
    return value;
  }
}

template <typename T>
T Lowest() {
  if constexpr (std::is_integral_v<T>) {
    return std::numeric_limits<T>::lowest();
  } else {
    return T(-std::numeric_limits<float>::infinity());
  }
}

// best = best < x ? x : best, beginning with -infinity (integers: the least value), so NaN is passed over and the first
// of equal maxima gives the index. A window without any greater element has the index of its first tap, without taps
// -1.
template <typename T>
void MaxPoolOf(const Window3& window, const Tensor& x, Tensor* y, int64_t* indices, bool column_major) {
  const T* xs = x.data<T>().data();
  T* ys = y->mutable_data<T>().data();
  const int64_t channels = x.shape().Elements(0, 2);
  const WindowAxis &z = window.z(), &h = window.y(), &w = window.x();
  ForEachWindow(window, channels, [&](int64_t at, int64_t oz, int64_t oy, int64_t ox, int64_t first) {
    T best = Lowest<T>();
    int64_t index = -1;
    ForEachTap(window, oz, oy, ox, [&](int64_t iz, int64_t iy, int64_t ix) {
      const T value = xs[first + (iz * h.in + iy) * w.in + ix];
      const bool greater = Comparable(best) < Comparable(value);
      if (greater) best = value;
      if (greater || index < 0) {
        index = first + (column_major ? (ix * h.in + iy) * z.in + iz : (iz * h.in + iy) * w.in + ix);
      }
    });
    ys[at] = best;
    if (indices) indices[at] = index;
  });
}

Status EvaluateMaxPool(EvalContext& context) {
  OCTAVO_ASSIGN_OR_RETURN(const Window3 window, WindowOf(context));
  int64_t* indices = context.has_output(1) ? context.output(1).mutable_data<int64_t>().data() : nullptr;
  const bool column_major = context.Int("storage_order", 0) != 0;
  return VisitDType(
      context.input(0).dtype(),
      [&](auto zero) {
        MaxPoolOf<decltype(zero)>(window, context.input(0), &context.output(0), indices, column_major);
        return Ok();
      },
      Error(Code::kInternal, "MaxPool of %s", Name(context.input(0).dtype())));
}

// Taps of output element `o` inside the input and its padding.
int64_t PaddedTaps(const WindowAxis& axis, int64_t o) {
  const int64_t room = axis.in + axis.pad + axis.pad_end - o * axis.stride;
  return std::min(axis.kernel, CeilDiv(std::max<int64_t>(room, 0), axis.dilation));
}

// (0 + taps) / count, where count is that of the taps inside the input, or with count_include_pad inside the padded
// input (what ceil_mode adds beyond is not counted). A window without any tap inside is 0.
Status EvaluateAveragePool(EvalContext& context) {
  OCTAVO_ASSIGN_OR_RETURN(const Window3 window, WindowOf(context));
  const DType wide = WideType(context);
  OCTAVO_ASSIGN_OR_RETURN(const Tensor x, Widen(context.input(0), wide, context.memory()));
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  const bool include_pad = context.Int("count_include_pad", 0) != 0;
  VisitWide(wide, [&](auto zero) {
    using T = decltype(zero);
    const T* xs = x.data<T>().data();
    T* ys = y.mutable_data<T>().data();
    ForEachWindow(window, x.shape().Elements(0, 2), [&](int64_t at, int64_t oz, int64_t oy, int64_t ox, int64_t first) {
      T sum = 0;
      int64_t count = 0;
      ForEachTap(window, oz, oy, ox, [&](int64_t iz, int64_t iy, int64_t ix) {
        sum += xs[first + (iz * window.y().in + iy) * window.x().in + ix];
        ++count;
      });
      if (include_pad) {
        count = PaddedTaps(window.z(), oz) * PaddedTaps(window.y(), oy) * PaddedTaps(window.x(), ox);
      }
      ys[at] = sum / static_cast<T>(std::max<int64_t>(count, 1));
    });
  });
  StoreWide(y, context, 0);
  return Ok();
}

inline float Pow(float x, float y) { return PowF(x, y); }
inline double Pow(double x, double y) { return math::Pow(x, y); }

// One term of the sum of an Lp norm, and the norm from the sum.
template <typename T>
T PowerTerm(T x, int64_t p) {
  return p == 1 ? std::abs(x) : p == 2 ? x * x : Pow(std::abs(x), static_cast<T>(p));
}
template <typename T>
T NormOfSum(T sum, int64_t p) {
  return p == 1 ? sum : p == 2 ? std::sqrt(sum) : Pow(sum, T(1) / static_cast<T>(p));
}

// (sum of |x|^p)^(1/p).
Status EvaluateLpPool(EvalContext& context) {
  OCTAVO_ASSIGN_OR_RETURN(const Window3 window, WindowOf(context));
  const DType wide = WideType(context);
  OCTAVO_ASSIGN_OR_RETURN(const Tensor x, Widen(context.input(0), wide, context.memory()));
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  const int64_t p = context.Int("p", 2);
  VisitWide(wide, [&](auto zero) {
    using T = decltype(zero);
    const T* xs = x.data<T>().data();
    T* ys = y.mutable_data<T>().data();
    ForEachWindow(window, x.shape().Elements(0, 2), [&](int64_t at, int64_t oz, int64_t oy, int64_t ox, int64_t first) {
      T sum = 0;
      ForEachTap(window, oz, oy, ox, [&](int64_t iz, int64_t iy, int64_t ix) {
        sum += PowerTerm(xs[first + (iz * window.y().in + iy) * window.x().in + ix], p);
      });
      ys[at] = NormOfSum(sum, p);
    });
  });
  StoreWide(y, context, 0);
  return Ok();
}

// reduce(first element of the channel, count) for each channel.
template <typename Reduce>
Status EvaluateGlobal(EvalContext& context, Reduce&& reduce) {
  const DType wide = WideType(context);
  OCTAVO_ASSIGN_OR_RETURN(const Tensor x, Widen(context.input(0), wide, context.memory()));
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  const int64_t plane = y.elements() > 0 ? x.elements() / y.elements() : 0;
  VisitWide(wide, [&](auto zero) {
    using T = decltype(zero);
    for (int64_t c = 0; c < y.elements(); ++c) {
      y.mutable_data<T>()[static_cast<size_t>(c)] = reduce(x.data<T>().data() + c * plane, plane);
    }
  });
  StoreWide(y, context, 0);
  return Ok();
}

// The sum in memory order, divided by the count; of nothing 0.
Status EvaluateGlobalAveragePool(EvalContext& context) {
  return EvaluateGlobal(context, [](const auto* x, int64_t count) {
    std::remove_cvref_t<decltype(*x)> sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += x[i];
    return sum / static_cast<decltype(sum)>(std::max<int64_t>(count, 1));
  });
}

// As MaxPool.
Status EvaluateGlobalMaxPool(EvalContext& context) {
  return EvaluateGlobal(context, [](const auto* x, int64_t count) {
    using T = std::remove_cvref_t<decltype(*x)>;
    T best = -std::numeric_limits<T>::infinity();
    for (int64_t i = 0; i < count; ++i) best = best < x[i] ? x[i] : best;
    return best;
  });
}

Status EvaluateGlobalLpPool(EvalContext& context) {
  const int64_t p = context.Int("p", 2);
  return EvaluateGlobal(context, [p](const auto* x, int64_t count) {
    std::remove_cvref_t<decltype(*x)> sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += PowerTerm(x[i], p);
    return NormOfSum(sum, p);
  });
}

// ------------------------------------------------------------------------------------------------ rows

constexpr AttributeSpec kMaxPoolAttributes[] = {
    {"auto_pad", AttributeType::kString}, {"ceil_mode", AttributeType::kInt},
    {"dilations", AttributeType::kInts},  {"kernel_shape", AttributeType::kInts, true},
    {"pads", AttributeType::kInts},       {"storage_order", AttributeType::kInt},
    {"strides", AttributeType::kInts},
};
constexpr AttributeSpec kAveragePoolAttributes[] = {
    {"auto_pad", AttributeType::kString},
    {"ceil_mode", AttributeType::kInt},
    {"count_include_pad", AttributeType::kInt},
    {"dilations", AttributeType::kInts},
    {"kernel_shape", AttributeType::kInts, true},
    {"pads", AttributeType::kInts},
    {"strides", AttributeType::kInts},
};
constexpr AttributeSpec kLpPoolAttributes[] = {
    {"auto_pad", AttributeType::kString}, {"ceil_mode", AttributeType::kInt},
    {"dilations", AttributeType::kInts},  {"kernel_shape", AttributeType::kInts, true},
    {"p", AttributeType::kInt},           {"pads", AttributeType::kInts},
    {"strides", AttributeType::kInts},
};
constexpr AttributeSpec kGlobalLpPoolAttributes[] = {{"p", AttributeType::kInt}};
constexpr const char* kLpWhyFloat = "A norm is a root of a sum of powers; too rare for integers.";
constexpr const char* kCoverage = "One to three spatial axes.";

const Operator kRows[] = {
    {.name = "MaxPool",
     .min_inputs = 1,
     .max_inputs = 1,
     .max_outputs = 2,
     .attributes = kMaxPoolAttributes,
     .infer = InferMaxPool,
     .evaluate = EvaluateMaxPool,
     .quant = QuantRule::kMove,
     .lowering = Lowering::kPool,
     .coverage = kCoverage},
    {.name = "AveragePool",
     .min_inputs = 1,
     .max_inputs = 1,
     .attributes = kAveragePoolAttributes,
     .infer = InferAveragePool,
     .evaluate = EvaluateAveragePool,
     .quant = QuantRule::kArithmetic,
     .lowering = Lowering::kPool,
     .coverage = kCoverage},
    {.name = "GlobalAveragePool",
     .min_inputs = 1,
     .max_inputs = 1,
     .attributes = {},
     .infer = InferGlobalPool,
     .evaluate = EvaluateGlobalAveragePool,
     .quant = QuantRule::kArithmetic,
     .lowering = Lowering::kGlobalPool},
    {.name = "GlobalMaxPool",
     .min_inputs = 1,
     .max_inputs = 1,
     .attributes = {},
     .infer = InferGlobalPool,
     .evaluate = EvaluateGlobalMaxPool,
     .quant = QuantRule::kMove,
     .lowering = Lowering::kGlobalPool},
    {.name = "LpPool",
     .min_inputs = 1,
     .max_inputs = 1,
     .attributes = kLpPoolAttributes,
     .infer = InferLpPool,
     .evaluate = EvaluateLpPool,
     .quant = QuantRule::kNone,
     .why_float = kLpWhyFloat,
     .coverage = kCoverage},
    {.name = "GlobalLpPool",
     .min_inputs = 1,
     .max_inputs = 1,
     .attributes = kGlobalLpPoolAttributes,
     .infer = InferGlobalLpPool,
     .evaluate = EvaluateGlobalLpPool,
     .quant = QuantRule::kNone,
     .why_float = kLpWhyFloat},
};

}  // namespace

std::span<const Operator> PoolOperators() { return kRows; }

}  // namespace octavo
