// Specialized graph -> specialized graph: integer operators that one kernel computes at once. Bits stay.
#ifndef OCTAVO_CORE_PLAN_FUSE_H_
#define OCTAVO_CORE_PLAN_FUSE_H_

#include "core/plan/specialize.h"

namespace octavo {

// QConv -> QAdd: the other operand becomes the convolution's residual. The value between them disappears.
void FuseResiduals(Specialized* specialized);

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_FUSE_H_
