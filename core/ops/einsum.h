// Einsum's two rules; its row stands in matmul.cc.
#ifndef OCTAVO_CORE_OPS_EINSUM_H_
#define OCTAVO_CORE_OPS_EINSUM_H_

#include "core/graph/operator.h"

namespace octavo {

Status InferEinsum(InferContext& context);

// Each output element has one accumulator, 0 at first. The labels that the output lacks are summed over in the order of
// their first appearance, the last one fastest. One operand is added; two are taken in by one fused multiply-add; the
// product of more is formed from left to right, each factor rounded, and added. Integers wrap.
Status EvaluateEinsum(EvalContext& context);

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_EINSUM_H_
