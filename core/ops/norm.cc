// Normalizations. All sums but LRN's are LaneSums (core/ops/lane_sum.h); every operation is rounded by itself.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/ops/check.h"
#include "core/ops/families.h"
#include "core/ops/lane_sum.h"
#include "core/ops/math.h"
#include "core/ops/wide.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;

std::optional<Shape> ShapeOf(const InferContext& context, size_t i) {
  return context.shape(i) ? std::optional(*context.shape(i)) : std::nullopt;
}

// X has at least `rank` dimensions; dimension 1, the channels, is returned where known.
Result<int64_t> ReadChannels(const InferContext& context, int rank) {
  const Shape* x = context.shape(0);
  if (!x) return kUnknown;
  if (x->rank() < rank) {
    return Error(Code::kInvalidModel, "X has shape %s; it must have at least %d dimensions", x->ToString().c_str(),
                 rank);
  }
  return (*x)[1];
}

// ------------------------------------------------------------------------------------------------ BatchNormalization

Status InferBatchNormalization(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 5));
  constexpr const char* kNames[] = {"X", "scale", "B", "mean", "var"};
  for (size_t i = 0; i < 5; ++i) OCTAVO_RETURN_IF_ERROR(CheckFloating(context, i, kNames[i]));
  bool training = context.Int("training_mode", 0) != 0;
  for (size_t i = 1; i < context.outputs(); ++i) training |= context.has_output(i);
  if (training) return Error(Code::kUnsupported, "batch normalization in training mode; inference mode is computed");
  if (context.Int("spatial", 1) != 1) {
    return Error(Code::kUnsupported, "spatial is %lld; only 1 is computed", LL(context.Int("spatial", 1)));
  }
  int64_t channels = kUnknown;
  if (const Shape* x = context.shape(0)) {
    if (x->rank() == 0) return Error(Code::kInvalidModel, "X is a scalar; it must have at least 1 dimension");
    channels = x->rank() == 1 ? 1 : (*x)[1];
  }
  for (size_t i = 1; i < 5; ++i) OCTAVO_RETURN_IF_ERROR(CheckVector(context, i, kNames[i], channels));
  context.SetOutput(0, context.dtype(0), ShapeOf(context, 0));
  return Ok();
}

// y = (x - mean) * factor + B with factor = scale / sqrt(var + epsilon).
Status EvaluateBatchNormalization(EvalContext& context) {
  const DType wide = WideType(context);
  Tensor in[5];
  for (size_t i = 0; i < 5; ++i) {
    OCTAVO_ASSIGN_OR_RETURN(in[i], Widen(context.input(i), wide, context.memory()));
  }
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  const Shape& shape = in[0].shape();
  const int64_t channels = in[1].elements();
  const int64_t plane = shape.rank() > 2 ? shape.Elements(2, shape.rank()) : 1;
  VisitWide(wide, [&](auto zero) {
    using T = decltype(zero);
    const T epsilon = static_cast<T>(context.Float("epsilon", 1e-5f));
    const T* x = in[0].data<T>().data();
    T* to = y.mutable_data<T>().data();
    for (int64_t i = 0; i < y.elements(); i += plane) {
      const size_t c = static_cast<size_t>(i / plane % channels);
      const T variance = in[4].data<T>()[c] + epsilon;
      const T factor = in[1].data<T>()[c] / std::sqrt(variance);
      const T mean = in[3].data<T>()[c], bias = in[2].data<T>()[c];
      for (int64_t p = i; p < i + plane; ++p) to[p] = (x[p] - mean) * factor + bias;
    }
  });
  StoreWide(y, context, 0);
  return Ok();
}

// ------------------------------------------------------------------------------------------------
// InstanceNormalization, GroupNormalization

Status InferInstanceNormalization(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 3));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "input"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "input", 1, "scale"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "input", 2, "B"));
  OCTAVO_ASSIGN_OR_RETURN(const int64_t channels, ReadChannels(context, 3));
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 1, "scale", channels));
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 2, "B", channels));
  context.SetOutput(0, context.dtype(0), ShapeOf(context, 0));
  return Ok();
}

Status CheckStashType(const NodeReader& node) {
  const int64_t stash = node.Int("stash_type", 1);
  if (stash == static_cast<int64_t>(DType::kFloat) || stash == static_cast<int64_t>(DType::kBFloat16)) return Ok();
  return Error(Code::kUnsupported, "stash_type is %lld; computed are 1 (float32) and 16 (bfloat16)", LL(stash));
}

// Scale and bias have one element a group before version 21, one a channel since.
constexpr int64_t kScaledByChannelSince = 21;

Status InferGroupNormalization(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 3));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "X"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "X", 1, "scale"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "X", 2, "bias"));
  OCTAVO_RETURN_IF_ERROR(CheckStashType(context));
  const int64_t groups = context.Int("num_groups", 0);
  OCTAVO_RETURN_IF_ERROR(CheckRange("num_groups", groups, 1, INT32_MAX));
  OCTAVO_ASSIGN_OR_RETURN(const int64_t channels, ReadChannels(context, 2));
  if (channels != kUnknown && channels % groups != 0) {
    return Error(Code::kInvalidModel, "%lld channels cannot be split into %lld groups", LL(channels), LL(groups));
  }
  const int64_t scales = context.opset() >= kScaledByChannelSince ? channels : groups;
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 1, "scale", scales));
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 2, "bias", scales));
  context.SetOutput(0, context.dtype(0), ShapeOf(context, 0));
  return Ok();
}

// With mean and variance of each group of channels: y = ((x - mean) * (1 / sqrt(variance + epsilon))) * scale + bias.
Status EvaluateGroups(EvalContext& context, int64_t groups, bool scaled_by_channel) {
  const DType wide = WideType(context);
  Tensor in[3];
  for (size_t i = 0; i < 3; ++i) {
    OCTAVO_ASSIGN_OR_RETURN(in[i], Widen(context.input(i), wide, context.memory()));
  }
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  if (y.elements() > 0) {
    const Shape& shape = in[0].shape();
    const int64_t plane = shape.Elements(2, shape.rank()), channels = shape[1] / groups;
    VisitWide(wide, [&](auto zero) {
      using T = decltype(zero);
      const T epsilon = static_cast<T>(context.Float("epsilon", 1e-5f));
      const T *scale = in[1].data<T>().data(), *bias = in[2].data<T>().data();
      for (int64_t i = 0; i < shape[0] * groups; ++i) {
        const T* x = in[0].data<T>().data() + i * channels * plane;
        T* to = y.mutable_data<T>().data() + i * channels * plane;
        const auto [mean, variance] = MomentsOf(x, channels * plane);
        const T inverse = T(1) / std::sqrt(variance + epsilon);
        for (int64_t k = 0; k < channels * plane; ++k) {
          const int64_t s = scaled_by_channel ? i % groups * channels + k / plane : i % groups;
          to[k] = ((x[k] - mean) * inverse) * scale[s] + bias[s];
        }
      }
    });
  }
  StoreWide(y, context, 0);
  return Ok();
}

Status EvaluateInstanceNormalization(EvalContext& context) {
  return EvaluateGroups(context, std::max<int64_t>(context.input(0).shape()[1], 1), true);
}

Status EvaluateGroupNormalization(EvalContext& context) {
  return EvaluateGroups(context, context.Int("num_groups", 1), context.opset() >= kScaledByChannelSince);
}

// ------------------------------------------------------------------------------------------------ LayerNormalization,
// RMSNormalization

// The parameter can be broadcast to X, X keeping its shape.
Status CheckBroadcast(const InferContext& context, size_t i, const char* name) {
  const Shape *parameter = context.shape(i), *x = context.shape(0);
  if (!parameter || !x) return Ok();
  bool fits = parameter->rank() <= x->rank();
  for (int d = 1; fits && d <= parameter->rank(); ++d) {
    const int64_t have = (*parameter)[parameter->rank() - d], want = (*x)[x->rank() - d];
    fits = have == 1 || have == want || have == kUnknown || want == kUnknown;
  }
  if (fits) return Ok();
  return Error(Code::kInvalidModel, "%s has shape %s, which cannot be broadcast to X of shape %s", name,
               parameter->ToString().c_str(), x->ToString().c_str());
}

// The parameter broadcast to the axes of x from `axis` on, or to all of x if it varies along others: element i of x
// meets element i % elements().
Result<Tensor> Broadcast(const Tensor& parameter, const Shape& x, int axis, const MemoryPtr& memory) {
  const Shape& shape = parameter.shape();
  const int extra = x.rank() - shape.rank();
  for (int d = 0; d < shape.rank(); ++d) {
    if (shape[d] != 1) axis = std::min(axis, d + extra);
  }
  const Shape target(x.dims().subspan(static_cast<size_t>(axis)));
  OCTAVO_ASSIGN_OR_RETURN(Tensor result, Tensor::Create(memory, parameter.dtype(), target));
  VisitWide(parameter.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (int64_t i = 0; i < result.elements(); ++i) {
      int64_t rest = i, from = 0, stride = 1;
      for (int d = 1; d <= target.rank(); ++d) {
        const int64_t at = rest % target[target.rank() - d];
        rest /= target[target.rank() - d];
        if (d > shape.rank()) continue;
        if (shape[shape.rank() - d] != 1) from += at * stride;
        stride *= shape[shape.rank() - d];
      }
      result.mutable_data<T>()[static_cast<size_t>(i)] = parameter.data<T>()[static_cast<size_t>(from)];
    }
  });
  return result;
}

Status InferLayerNormalization(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "X"));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 1, "Scale"));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 2, "B"));
  OCTAVO_RETURN_IF_ERROR(CheckStashType(context));
  OCTAVO_RETURN_IF_ERROR(CheckBroadcast(context, 1, "Scale"));
  OCTAVO_RETURN_IF_ERROR(CheckBroadcast(context, 2, "B"));
  std::optional<Shape> moments;
  if (const Shape* x = context.shape(0)) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", -1), x->rank()));
    moments = *x;
    for (int i = axis; i < x->rank(); ++i) (*moments)[i] = 1;
  }
  const DType stash = static_cast<DType>(context.Int("stash_type", 1));
  context.SetOutput(0, context.dtype(0), ShapeOf(context, 0));
  context.SetOutput(1, stash, moments);
  context.SetOutput(2, stash, moments);
  return Ok();
}

// Over the axes from `axis` on: y = ((x - mean) * inverse) * Scale + B with inverse = 1 / sqrt(variance + epsilon).
// RMSNormalization has no mean, and the mean of the squares for variance. Computed in float32 (float64 for float64),
// whatever stash_type says; outputs are rounded to their types.
template <bool kCentred>
Status EvaluateLayer(EvalContext& context) {
  const DType wide = WideType(context);
  const MemoryPtr& memory = context.memory();
  OCTAVO_ASSIGN_OR_RETURN(const Tensor x, Widen(context.input(0), wide, memory));
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", -1), x.shape().rank()));
  OCTAVO_ASSIGN_OR_RETURN(Tensor scale, Widen(context.input(1), wide, memory));
  OCTAVO_ASSIGN_OR_RETURN(scale, Broadcast(scale, x.shape(), axis, memory));
  Tensor bias;
  if (context.has_input(2)) {
    OCTAVO_ASSIGN_OR_RETURN(bias, Widen(context.input(2), wide, memory));
    OCTAVO_ASSIGN_OR_RETURN(bias, Broadcast(bias, x.shape(), axis, memory));
  }
  const int64_t rows = x.shape().Elements(0, axis), n = x.shape().Elements(axis, x.shape().rank());
  OCTAVO_ASSIGN_OR_RETURN(Tensor means, Tensor::Create(memory, wide, Shape{rows}));
  OCTAVO_ASSIGN_OR_RETURN(Tensor inverses, Tensor::Create(memory, wide, Shape{rows}));
  Tensor y;
  if (context.has_output(0)) {
    OCTAVO_ASSIGN_OR_RETURN(y, WideOutput(context, 0, wide));
  }
  VisitWide(wide, [&](auto zero) {
    using T = decltype(zero);
    const T epsilon = static_cast<T>(context.Float("epsilon", 1e-5f));
    for (int64_t r = 0; r < rows; ++r) {
      const T* from = x.data<T>().data() + r * n;
      Moments<T> moments;
      if constexpr (kCentred) {
        moments = MomentsOf(from, n);
      } else {
        moments.variance =
            LaneSum<T>(n, [from](int64_t i) { return from[i] * from[i]; }) / static_cast<T>(std::max<int64_t>(n, 1));
      }
      const T inverse = T(1) / std::sqrt(moments.variance + epsilon);
      means.mutable_data<T>()[static_cast<size_t>(r)] = moments.mean;
      inverses.mutable_data<T>()[static_cast<size_t>(r)] = inverse;
      if (!y.defined() || n == 0) continue;
      T* to = y.mutable_data<T>().data() + r * n;
      const T* scales = scale.data<T>().data() + r * n % scale.elements();
      const T* biases = bias.defined() ? bias.data<T>().data() + r * n % bias.elements() : nullptr;
      for (int64_t i = 0; i < n; ++i) {
        const T normalized = kCentred ? (from[i] - moments.mean) * inverse : from[i] * inverse;
        to[i] = normalized * scales[i];
        if (biases) to[i] += biases[i];
      }
    }
  });
  if (context.has_output(0)) StoreWide(y, context, 0);
  if (context.has_output(1)) StoreWide(means, context, 1);
  if (context.has_output(2)) StoreWide(inverses, context, 2);
  return Ok();
}

Status InferRmsNormalization(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "X"));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 1, "scale"));
  OCTAVO_RETURN_IF_ERROR(CheckStashType(context));
  OCTAVO_RETURN_IF_ERROR(CheckBroadcast(context, 1, "scale"));
  if (const Shape* x = context.shape(0)) {
    OCTAVO_RETURN_IF_ERROR(NormalizeAxis(context.Int("axis", -1), x->rank()).status());
  }
  const DType dtype =
      context.dtype(1) != DType::kUndefined ? context.dtype(1) : context.dtype(0);  // Y is of scale's type
  context.SetOutput(0, dtype, ShapeOf(context, 0));
  return Ok();
}

// ------------------------------------------------------------------------------------------------ LRN

Status InferLrn(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 1));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "X"));
  OCTAVO_RETURN_IF_ERROR(CheckRange("size", context.Int("size", 0), 1, INT32_MAX));
  OCTAVO_RETURN_IF_ERROR(ReadChannels(context, 2).status());
  context.SetOutput(0, context.dtype(0), ShapeOf(context, 0));
  return Ok();
}

inline float Pow(float x, float y) { return PowF(x, y); }
inline double Pow(double x, double y) { return math::Pow(x, y); }

// y = x / pow(bias + (alpha / size) * sum, beta), the sum being that of the squares of channels c - (size - 1) / 2 to
// c + size / 2, ascending.
Status EvaluateLrn(EvalContext& context) {
  const DType wide = WideType(context);
  OCTAVO_ASSIGN_OR_RETURN(const Tensor x, Widen(context.input(0), wide, context.memory()));
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  const Shape& shape = x.shape();
  const int64_t channels = shape[1], size = context.Int("size", 1);
  if (y.elements() > 0) {
    const int64_t plane = shape.Elements(2, shape.rank());
    VisitWide(wide, [&](auto zero) {
      using T = decltype(zero);
      const T alpha = static_cast<T>(context.Float("alpha", 1e-4f)),
              beta = static_cast<T>(context.Float("beta", 0.75f)), bias = static_cast<T>(context.Float("bias", 1.0f));
      const T factor = alpha / static_cast<T>(size);
      const T* from = x.data<T>().data();
      T* to = y.mutable_data<T>().data();
      for (int64_t i = 0; i < x.elements(); ++i) {
        const int64_t c = i / plane % channels, image = i - c * plane;
        const int64_t begin = std::max<int64_t>(0, c - (size - 1) / 2), end = std::min(channels, c + size / 2 + 1);
        T sum = 0;
        for (int64_t k = begin; k < end; ++k) sum += from[image + k * plane] * from[image + k * plane];
        to[i] = from[i] / Pow(bias + factor * sum, beta);
      }
    });
  }
  StoreWide(y, context, 0);
  return Ok();
}

// ------------------------------------------------------------------------------------------------
// MeanVarianceNormalization, LpNormalization

// Which of x's axes are in the list; each must be valid.
Result<std::vector<bool>> ReadAxes(std::span<const int64_t> axes, int rank) {
  std::vector<bool> in(static_cast<size_t>(rank));
  for (int64_t a : axes) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(a, rank));
    in[static_cast<size_t>(axis)] = true;
  }
  return in;
}

std::vector<int64_t> MeanVarianceAxes(const NodeReader& node) {
  return node.has_attribute("axes") ? node.Ints("axes") : std::vector<int64_t>{0, 2, 3};
}

Status InferMeanVariance(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 1));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "X"));
  if (const Shape* x = context.shape(0)) {
    OCTAVO_RETURN_IF_ERROR(ReadAxes(MeanVarianceAxes(context), x->rank()).status());
  }
  context.SetOutput(0, context.dtype(0), ShapeOf(context, 0));
  return Ok();
}

Status InferLpNormalization(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 1));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "input"));
  OCTAVO_RETURN_IF_ERROR(CheckRange("p", context.Int("p", 2), 1, 2));
  if (const Shape* x = context.shape(0)) {
    OCTAVO_RETURN_IF_ERROR(NormalizeAxis(context.Int("axis", -1), x->rank()).status());
  }
  context.SetOutput(0, context.dtype(0), ShapeOf(context, 0));
  return Ok();
}

// row(values, n) replaces the values that differ only in their place along `axes`, in memory order.
template <typename Row>
Status EvaluateAlong(EvalContext& context, const std::vector<bool>& axes, Row&& row) {
  const DType wide = WideType(context);
  const MemoryPtr& memory = context.memory();
  OCTAVO_ASSIGN_OR_RETURN(const Tensor x, Widen(context.input(0), wide, memory));
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  const Shape& shape = x.shape();
  int64_t n = 1;
  for (int d = 0; d < shape.rank(); ++d) n *= axes[static_cast<size_t>(d)] ? shape[d] : 1;
  if (x.elements() > 0) {
    OCTAVO_ASSIGN_OR_RETURN(Tensor places, Tensor::Create(memory, DType::kInt64, shape));
    OCTAVO_ASSIGN_OR_RETURN(Tensor scratch, Tensor::Create(memory, wide, shape));
    // places[i]: where element i stands once the rows are laid one behind the other.
    int64_t* place = places.mutable_data<int64_t>().data();
    for (int64_t i = 0; i < x.elements(); ++i) {
      int64_t rest = i, at = 0, along = 1, across = n;
      for (int d = shape.rank() - 1; d >= 0; --d) {
        int64_t& stride = axes[static_cast<size_t>(d)] ? along : across;
        at += rest % shape[d] * stride;
        stride *= shape[d];
        rest /= shape[d];
      }
      place[i] = at;
    }
    VisitWide(wide, [&](auto zero) {
      using T = decltype(zero);
      T* values = scratch.mutable_data<T>().data();
      for (int64_t i = 0; i < x.elements(); ++i) values[place[i]] = x.data<T>()[static_cast<size_t>(i)];
      for (int64_t i = 0; i < x.elements(); i += n) row(values + i, n);
      for (int64_t i = 0; i < x.elements(); ++i) y.mutable_data<T>()[static_cast<size_t>(i)] = values[place[i]];
    });
  }
  StoreWide(y, context, 0);
  return Ok();
}

// y = (x - mean) / (sqrt(variance) + 1e-9).
Status EvaluateMeanVariance(EvalContext& context) {
  OCTAVO_ASSIGN_OR_RETURN(const auto axes, ReadAxes(MeanVarianceAxes(context), context.input(0).shape().rank()));
  return EvaluateAlong(context, axes, [](auto* x, int64_t n) {
    using T = std::remove_cvref_t<decltype(*x)>;
    const auto [mean, variance] = MomentsOf<T>(x, n);
    const T deviation = std::sqrt(variance) + static_cast<T>(1e-9f);
    for (int64_t i = 0; i < n; ++i) x[i] = (x[i] - mean) / deviation;
  });
}

// y = x / norm; 0 where the norm is 0.
Status EvaluateLpNormalization(EvalContext& context) {
  const int64_t axis[] = {context.Int("axis", -1)};
  const bool squares = context.Int("p", 2) == 2;
  OCTAVO_ASSIGN_OR_RETURN(const auto axes, ReadAxes(axis, context.input(0).shape().rank()));
  return EvaluateAlong(context, axes, [squares](auto* x, int64_t n) {
    using T = std::remove_cvref_t<decltype(*x)>;
    const T sum = LaneSum<T>(n, [x, squares](int64_t i) { return squares ? x[i] * x[i] : std::abs(x[i]); });
    const T norm = squares ? std::sqrt(sum) : sum;
    for (int64_t i = 0; i < n; ++i) x[i] = norm == 0 ? T(0) : x[i] / norm;
  });
}

// ------------------------------------------------------------------------------------------------ rows

constexpr AttributeSpec kBatchNormalizationAttributes[] = {
    {"epsilon", AttributeType::kFloat},
    {"momentum", AttributeType::kFloat},
    {"spatial", AttributeType::kInt},
    {"training_mode", AttributeType::kInt},
};
constexpr AttributeSpec kInstanceNormalizationAttributes[] = {{"epsilon", AttributeType::kFloat}};
constexpr AttributeSpec kLayerNormalizationAttributes[] = {
    {"axis", AttributeType::kInt}, {"epsilon", AttributeType::kFloat}, {"stash_type", AttributeType::kInt}};
constexpr AttributeSpec kGroupNormalizationAttributes[] = {
    {"epsilon", AttributeType::kFloat}, {"num_groups", AttributeType::kInt, true}, {"stash_type", AttributeType::kInt}};
constexpr AttributeSpec kLrnAttributes[] = {{"alpha", AttributeType::kFloat},
                                            {"beta", AttributeType::kFloat},
                                            {"bias", AttributeType::kFloat},
                                            {"size", AttributeType::kInt, true}};
constexpr AttributeSpec kMeanVarianceAttributes[] = {{"axes", AttributeType::kInts}};
constexpr AttributeSpec kLpNormalizationAttributes[] = {{"axis", AttributeType::kInt}, {"p", AttributeType::kInt}};

constexpr const char* kWhyFloat = "The divisor depends on the data, so no fixed 8-bit scale fits before it is known.";
constexpr const char* kStashCoverage = "stash_type float32 and bfloat16; either is computed in float32.";

const Operator kRows[] = {
    {.name = "BatchNormalization",
     .min_inputs = 5,
     .max_inputs = 5,
     .max_outputs = 5,
     .attributes = kBatchNormalizationAttributes,
     .infer = InferBatchNormalization,
     .evaluate = EvaluateBatchNormalization,
     .quant = QuantRule::kArithmetic,  // where no convolution before it could take it in: one multiply-add a channel
     .coverage = "Inference mode."},
    {.name = "InstanceNormalization",
     .min_inputs = 3,
     .max_inputs = 3,
     .attributes = kInstanceNormalizationAttributes,
     .infer = InferInstanceNormalization,
     .evaluate = EvaluateInstanceNormalization,
     .quant = QuantRule::kNone,
     .why_float = kWhyFloat},
    {.name = "GroupNormalization",
     .since = 18,
     .min_inputs = 3,
     .max_inputs = 3,
     .attributes = kGroupNormalizationAttributes,
     .infer = InferGroupNormalization,
     .evaluate = EvaluateGroupNormalization,
     .quant = QuantRule::kNone,
     .why_float = kWhyFloat,
     .coverage = kStashCoverage},
    {.name = "LayerNormalization",
     .since = 17,
     .min_inputs = 2,
     .max_inputs = 3,
     .max_outputs = 3,
     .attributes = kLayerNormalizationAttributes,
     .infer = InferLayerNormalization,
     .evaluate = EvaluateLayer<true>,
     .quant = QuantRule::kNone,
     .why_float = kWhyFloat,
     .coverage = kStashCoverage},
    {.name = "RMSNormalization",
     .since = 23,
     .min_inputs = 2,
     .max_inputs = 2,
     .attributes = kLayerNormalizationAttributes,
     .infer = InferRmsNormalization,
     .evaluate = EvaluateLayer<false>,
     .quant = QuantRule::kNone,
     .why_float = kWhyFloat,
     .coverage = kStashCoverage},
    {.name = "LRN",
     .min_inputs = 1,
     .max_inputs = 1,
     .attributes = kLrnAttributes,
     .infer = InferLrn,
     .evaluate = EvaluateLrn,
     .quant = QuantRule::kNone,
     .why_float = kWhyFloat},
    {.name = "MeanVarianceNormalization",
     .since = 9,
     .min_inputs = 1,
     .max_inputs = 1,
     .attributes = kMeanVarianceAttributes,
     .infer = InferMeanVariance,
     .evaluate = EvaluateMeanVariance,
     .quant = QuantRule::kNone,
     .why_float = kWhyFloat},
    {.name = "LpNormalization",
     .min_inputs = 1,
     .max_inputs = 1,
     .attributes = kLpNormalizationAttributes,
     .infer = InferLpNormalization,
     .evaluate = EvaluateLpNormalization,
     .quant = QuantRule::kNone,
     .why_float = kWhyFloat},
};

}  // namespace

std::span<const Operator> NormOperators() { return kRows; }

}  // namespace octavo
