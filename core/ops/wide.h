// Half floats are computed with in float and rounded once, when the result is stored.
#ifndef OCTAVO_CORE_OPS_WIDE_H_
#define OCTAVO_CORE_OPS_WIDE_H_

#include "core/graph/operator.h"

namespace octavo {

// The type to compute in: float64 if any of the inputs is, else float32.
DType WideType(const EvalContext& context);
// The floating tensor as `wide` (float32 or float64): itself, or a converted copy.
Result<Tensor> Widen(const Tensor& tensor, DType wide, const MemoryPtr& memory);
// Output i itself if it is `wide`, else a tensor of its shape to compute into and to pass to StoreWide.
Result<Tensor> WideOutput(EvalContext& context, size_t i, DType wide);
// Rounds what WideOutput gave into output i, and makes each NaN the one positive quiet NaN.
void StoreWide(const Tensor& wide, EvalContext& context, size_t i);

// f(float{}) or f(double{}).
template <typename F>
auto VisitWide(DType wide, F&& f) {
  return wide == DType::kDouble ? f(double{}) : f(float{});
}

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_WIDE_H_
