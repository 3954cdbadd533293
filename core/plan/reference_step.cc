#include "core/plan/reference_step.h"

#include <algorithm>

namespace octavo {
namespace {

Result<Tensor> Bind(const Operand& operand, const RunState& state) {
  if (operand.value == kNoValue) return Tensor();
  if (operand.dynamic) return state.dynamic[operand.value];
  const size_t bytes = BytesFor(operand.shape.Elements(), operand.dtype);
  return Tensor::Wrap(operand.dtype, operand.shape, state.At(operand.view), bytes, nullptr);
}

}  // namespace

Status ReferenceStep::Run(RunState& state, size_t, size_t) const {
  const std::span<Tensor> inputs = std::span(state.arguments).first(inputs_.size());
  const std::span<Tensor> outputs = std::span(state.arguments).subspan(inputs_.size(), outputs_.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    OCTAVO_ASSIGN_OR_RETURN(inputs[i], Bind(inputs_[i], state));
  }
  Status status;
  if (dynamic_) {
    std::vector<Tensor> made;
    status = EvaluateNode(node_, opset_, inputs, state.memory, &made);
    for (size_t i = 0; status.ok() && i < made.size(); ++i) {
      const Operand& output = outputs_[i];
      if (output.value == kNoValue) continue;
      if (output.dynamic) {
        state.dynamic[output.value] = std::move(made[i]);
      } else if (!(made[i].shape() == output.shape) || made[i].dtype() != output.dtype) {
        status = Error(Code::kInternal, "output %zu of %s has another shape than planned", i, node_.op->name);
      } else {
        std::copy_n(static_cast<const std::byte*>(made[i].raw()), made[i].bytes(), state.At(output.view));
      }
    }
  } else {
    for (size_t i = 0; i < outputs.size(); ++i) {
      OCTAVO_ASSIGN_OR_RETURN(outputs[i], Bind(outputs_[i], state));
    }
    EvalContext context(node_, opset_, inputs, outputs, state.memory);
    status = node_.op->evaluate(context);
  }
  std::fill(inputs.begin(), inputs.end(), Tensor());
  std::fill(outputs.begin(), outputs.end(), Tensor());
  return status;
}

}  // namespace octavo
