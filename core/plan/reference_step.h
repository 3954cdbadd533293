// Steps that run an operator's own arithmetic on row-major tensors.
#ifndef OCTAVO_CORE_PLAN_REFERENCE_STEP_H_
#define OCTAVO_CORE_PLAN_REFERENCE_STEP_H_

#include <vector>

#include "core/graph/operator.h"
#include "core/plan/plan.h"

namespace octavo {

// One tensor of a reference step.
struct Operand {
  ValueId value = kNoValue;  // kNoValue: left out
  bool dynamic = false;
  DType dtype = DType::kUndefined;  // of static ones
  Shape shape;
  View view;  // dense
};

class ReferenceStep : public Step {
 public:
  ReferenceStep(const Node& node, int64_t opset, std::vector<Operand> inputs, std::vector<Operand> outputs)
      : node_(node), opset_(opset), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {
    for (const Operand& input : inputs_) dynamic_ |= input.dynamic;
    for (const Operand& output : outputs_) dynamic_ |= output.dynamic;
  }

  Status Run(RunState& state, size_t part, size_t parts) const override;

 private:
  const Node& node_;  // of the plan's graph
  const int64_t opset_;
  const std::vector<Operand> inputs_, outputs_;
  // Some shape is known only at run time: the shape rule has to see it first, even if the output's is settled.
  bool dynamic_ = false;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_REFERENCE_STEP_H_
