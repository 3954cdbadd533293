// Pad and CenterCropPad: rows stand in move.cc.
#ifndef OCTAVO_CORE_OPS_PAD_H_
#define OCTAVO_CORE_OPS_PAD_H_

#include "core/graph/operator.h"

namespace octavo {

Status InferPad(InferContext& context);
Status EvaluatePad(EvalContext& context);
Status InferCenterCropPad(InferContext& context);
Status EvaluateCenterCropPad(EvalContext& context);

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_PAD_H_
