// Softmax, LogSoftmax, Hardmax.
#include <type_traits>

#include "core/ops/check.h"
#include "core/ops/families.h"
#include "core/ops/lane_sum.h"
#include "core/ops/math.h"
#include "core/ops/wide.h"

namespace octavo {
namespace {

// From version 13 on the operators work along one axis, by default the last; before, on all axes from `axis` on, by
// default 1, as one.
constexpr int64_t kOneAxisSince = 13;
int64_t DefaultAxis(const NodeReader& node) { return node.opset() >= kOneAxisSince ? -1 : 1; }

Status InferSoftmax(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 1));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "input"));
  std::optional<Shape> y;
  if (const Shape* x = context.shape(0)) {
    OCTAVO_RETURN_IF_ERROR(NormalizeAxis(context.Int("axis", DefaultAxis(context)), x->rank()).status());
    y = *x;
  }
  context.SetOutput(0, context.dtype(0), y);
  return Ok();
}

// row(values, n) replaces the n values of one row by their results.
template <typename Row>
Status EvaluateRows(EvalContext& context, Row&& row) {
  const DType wide = WideType(context);
  OCTAVO_ASSIGN_OR_RETURN(const Tensor x, Widen(context.input(0), wide, context.memory()));
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  const Shape& shape = x.shape();
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", DefaultAxis(context)), shape.rank()));
  const bool one_axis = context.opset() >= kOneAxisSince;
  if (x.elements() > 0) {
    const int64_t n = one_axis ? shape[axis] : shape.Elements(axis, shape.rank());
    const int64_t inner = one_axis ? shape.Elements(axis + 1, shape.rank()) : 1;
    OCTAVO_ASSIGN_OR_RETURN(Tensor scratch, Tensor::Create(context.memory(), wide, Shape{n}));
    VisitWide(wide, [&](auto zero) {
      using T = decltype(zero);
      const T* from = x.data<T>().data();
      T* to = y.mutable_data<T>().data();
      T* values = scratch.mutable_data<T>().data();
      for (int64_t i = 0; i < x.elements() / n; ++i) {
        const int64_t first = i / inner * n * inner + i % inner;
        for (int64_t k = 0; k < n; ++k) values[k] = from[first + k * inner];
        row(values, n);
        for (int64_t k = 0; k < n; ++k) to[first + k * inner] = values[k];
      }
    });
  }
  StoreWide(y, context, 0);
  return Ok();
}

inline float Exp(float x) { return ExpF(x); }
inline double Exp(double x) { return math::Exp(x); }
inline float Log(float x) { return LogF(x); }
inline double Log(double x) { return math::Log(x); }

template <typename T>
T Greatest(const T* x, int64_t n) {
  T greatest = x[0];
  for (int64_t i = 1; i < n; ++i) greatest = greatest < x[i] ? x[i] : greatest;
  return greatest;
}

// e = exp(x - max); y = e / sum(e), a LaneSum.
Status EvaluateSoftmax(EvalContext& context) {
  return EvaluateRows(context, [](auto* x, int64_t n) {
    using T = std::remove_cvref_t<decltype(*x)>;
    const T greatest = Greatest(x, n);
    for (int64_t i = 0; i < n; ++i) x[i] = Exp(x[i] - greatest);
    const T sum = LaneSum<T>(n, [x](int64_t i) { return x[i]; });
    for (int64_t i = 0; i < n; ++i) x[i] /= sum;
  });
}

// y = (x - max) - log(sum(exp(x - max))), a LaneSum.
Status EvaluateLogSoftmax(EvalContext& context) {
  return EvaluateRows(context, [](auto* x, int64_t n) {
    using T = std::remove_cvref_t<decltype(*x)>;
    const T greatest = Greatest(x, n);
    for (int64_t i = 0; i < n; ++i) x[i] -= greatest;
    const T log_sum = Log(LaneSum<T>(n, [x](int64_t i) { return Exp(x[i]); }));
    for (int64_t i = 0; i < n; ++i) x[i] -= log_sum;
  });
}

// 1 for the first of the greatest, 0 for the others.
Status EvaluateHardmax(EvalContext& context) {
  return EvaluateRows(context, [](auto* x, int64_t n) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; ++i) best = x[best] < x[i] ? i : best;
    for (int64_t i = 0; i < n; ++i) x[i] = i == best ? 1 : 0;
  });
}

constexpr AttributeSpec kAttributes[] = {{"axis", AttributeType::kInt}};
constexpr const char* kWhyFloat = "Exponentials span more than 8 bits hold, so softmax reads and writes float.";

const Operator kRows[] = {
    {.name = "Softmax",
     .min_inputs = 1,
     .max_inputs = 1,
     .attributes = kAttributes,
     .infer = InferSoftmax,
     .evaluate = EvaluateSoftmax,
     .quant = QuantRule::kNone,
     .lowering = Lowering::kSoftmax,
     .why_float = kWhyFloat},
    {.name = "LogSoftmax",
     .min_inputs = 1,
     .max_inputs = 1,
     .attributes = kAttributes,
     .infer = InferSoftmax,
     .evaluate = EvaluateLogSoftmax,
     .quant = QuantRule::kNone,
     .lowering = Lowering::kReference,
     .why_float = kWhyFloat},
    {.name = "Hardmax",
     .min_inputs = 1,
     .max_inputs = 1,
     .attributes = kAttributes,
     .infer = InferSoftmax,
     .evaluate = EvaluateHardmax,
     .quant = QuantRule::kNone,
     .lowering = Lowering::kReference,
     .why_float = "Its results are 0 and 1; nothing is gained by 8 bits."},
};

}  // namespace

std::span<const Operator> SoftmaxOperators() { return kRows; }

}  // namespace octavo
