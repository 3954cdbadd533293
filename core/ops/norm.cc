// BatchNormalization and its kin.
#include <cmath>

#include "core/ops/check.h"
#include "core/ops/families.h"
#include "core/ops/wide.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;

// ------------------------------------------------------------------------------------------------ BatchNormalization

Status InferBatchNormalization(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 5));
  constexpr const char* kNames[] = {"X", "scale", "B", "mean", "var"};
  for (size_t i = 0; i < 5; ++i) OCTAVO_RETURN_IF_ERROR(CheckFloating(context, i, kNames[i]));
  bool training = context.Int("training_mode", 0) != 0;
  for (size_t i = 1; i < context.outputs(); ++i) training |= context.has_output(i);
  if (training) return Error(Code::kUnsupported, "BatchNormalization in training mode; inference mode is computed");
  if (context.Int("spatial", 1) != 1) {
    return Error(Code::kUnsupported, "spatial is %lld; only 1 is computed", LL(context.Int("spatial", 1)));
  }
  int64_t channels = kUnknown;
  std::optional<Shape> y;
  if (const Shape* x = context.shape(0)) {
    if (x->rank() == 0) return Error(Code::kInvalidModel, "X is a scalar; it must have at least 1 dimension");
    channels = x->rank() == 1 ? 1 : (*x)[1];
    y = *x;
  }
  for (size_t i = 1; i < 5; ++i) OCTAVO_RETURN_IF_ERROR(CheckVector(context, i, kNames[i], channels));
  context.SetOutput(0, context.dtype(0), y);
  return Ok();
}

// y = (x - mean) * factor + B with factor = scale / sqrt(var + epsilon), each operation rounded.
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

// ------------------------------------------------------------------------------------------------ rows

constexpr AttributeSpec kBatchNormalizationAttributes[] = {
    {"epsilon", AttributeType::kFloat},
    {"momentum", AttributeType::kFloat},
    {"spatial", AttributeType::kInt},
    {"training_mode", AttributeType::kInt},
};

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
};

}  // namespace

std::span<const Operator> NormOperators() { return kRows; }

}  // namespace octavo
