#include "core/observe/calibrator.h"

#include <utility>

#include "core/graph/operator.h"
#include "core/observe/digest.h"

namespace octavo {

Result<std::unique_ptr<Calibrator>> Calibrator::Create(const Graph& graph, const CalibratorOptions& options,
                                                       const MemoryPtr& memory) {
  ProgramOptions program_options;
  program_options.cpu_target = options.cpu_target;
  program_options.observe = true;
  OCTAVO_ASSIGN_OR_RETURN(auto program, Program::Create(graph, program_options, memory));
  std::unique_ptr<Calibrator> calibrator(new Calibrator);
  OCTAVO_ASSIGN_OR_RETURN(calibrator->session_, Session::Create(std::move(program), options.session));
  for (const Node& node : graph.nodes) {
    if (node.op->quant != QuantRule::kWeighted || !graph.values[node.inputs[1]].constant) continue;
    const bool product = node.op_type == "Gemm" || node.op_type == "MatMul";
    calibrator->channel_axes_.emplace(graph.values[node.inputs[0]].name, product ? -1 : 1);
  }
  calibrator->outputs_ = graph.outputs.size();
  calibrator->moving_average_ = options.moving_average;
  calibrator->statistics_.model_digest = GraphDigest(graph);
  return calibrator;
}

Status Calibrator::Collect(std::span<const Tensor> inputs, const Cancel* cancel) {
  Statistics batch;  // merged only when the whole batch went through
  const auto collect = [&](const std::string& name, const Tensor& value) {
    if (value.dtype() != DType::kFloat) return Ok();
    ValueStatistics& record = batch.values[name];
    record.Collect(value.data<float>());
    const auto found = channel_axes_.find(name);
    if (found == channel_axes_.end()) return Ok();
    const int axis = found->second < 0 ? value.shape().rank() - 1 : found->second;
    if (axis >= 0 && axis < value.shape().rank()) record.CollectChannels(value.data<float>(), value.shape(), axis);
    return Ok();
  };
  const ValueObserver observer = collect;
  std::vector<Tensor> outputs(outputs_);
  OCTAVO_RETURN_IF_ERROR(session_->Run(inputs, outputs, cancel, &observer));
  const bool has_samples = !inputs.empty() && inputs[0].shape().rank() > 0;
  statistics_.samples += has_samples ? static_cast<uint64_t>(inputs[0].shape()[0]) : 1;
  for (const auto& [name, value] : batch.values) {
    ValueStatistics& total = statistics_.values[name];
    total.Merge(value);
    if (moving_average_ && value.count != 0) total.Average(value.min, value.max);
  }
  return Ok();
}

Result<Statistics> Calibrator::Finish() const {
  if (statistics_.samples == 0) {
    return Error(Code::kInvalidState, "no calibration batch was collected; at least one is needed");
  }
  for (const auto& [name, value] : statistics_.values) {
    if (value.count == 0 && value.nan + value.inf != 0) {
      return Error(Code::kInvalidData, "value '%s' was never finite in calibration: %llu NaN, %llu Inf",
                   Printable(name).c_str(), static_cast<unsigned long long>(value.nan),
                   static_cast<unsigned long long>(value.inf));
    }
  }
  return statistics_;
}

}  // namespace octavo
