#include "core/quantize/report.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/graph/operator.h"
#include "core/quantize/cost.h"
#include "core/quantize/describe.h"

namespace octavo {
namespace {

using Json = nlohmann::ordered_json;

Result<std::unique_ptr<Session>> MakeSession(const Graph& graph, SessionOptions options, const std::string& cpu_target,
                                             bool observe, const MemoryPtr& memory) {
  ProgramOptions program_options;
  program_options.cpu_target = cpu_target;
  program_options.observe = observe;
  options.profile = !observe;
  OCTAVO_ASSIGN_OR_RETURN(auto program, Program::Create(graph, program_options, memory));
  return Session::Create(std::move(program), options);
}

std::optional<double> SingleElement(const Graph& graph, ValueId v) {
  if (v == kNoValue || !graph.values[v].constant || graph.values[v].constant->elements() != 1) return {};
  const Tensor& tensor = *graph.values[v].constant;
  switch (tensor.dtype()) {
    case DType::kFloat:
      return tensor.data<float>()[0];
    case DType::kUInt8:
      return tensor.data<uint8_t>()[0];
    case DType::kInt8:
      return tensor.data<int8_t>()[0];
    default:
      return {};
  }
}

// Element by element; values that are not finite on either side are left out.
template <typename Get>
void Compare(std::span<const float> expected, Get&& actual, ErrorSums* sums) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const double x = expected[i], y = actual(i);
    if (!std::isfinite(x) || !std::isfinite(y)) continue;
    const double error = std::fabs(x - y);
    if (sums->count == 0) sums->min = sums->max = x;
    sums->min = std::min(sums->min, x);
    sums->max = std::max(sums->max, x);
    ++sums->count;
    sums->signal += x * x;
    sums->noise += error * error;
    sums->absolute += error;
    sums->max_error = std::max(sums->max_error, error);
  }
}

void Add(const ErrorSums& from, ErrorSums* to) {
  if (from.count == 0) return;
  to->min = to->count == 0 ? from.min : std::min(to->min, from.min);
  to->max = to->count == 0 ? from.max : std::max(to->max, from.max);
  to->count += from.count;
  to->signal += from.signal;
  to->noise += from.noise;
  to->absolute += from.absolute;
  to->max_error = std::max(to->max_error, from.max_error);
  to->clipped += from.clipped;
}

Result<Tensor> Copy(const Tensor& tensor, const MemoryPtr& memory) {
  OCTAVO_ASSIGN_OR_RETURN(Tensor copy, Tensor::Create(memory, tensor.dtype(), tensor.shape()));
  if (tensor.bytes() != 0) std::memcpy(copy.mutable_raw(), tensor.raw(), tensor.bytes());
  return copy;
}

double Share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

double ErrorSums::Sqnr() const {
  if (noise == 0) return std::numeric_limits<double>::infinity();
  if (signal == 0) return -std::numeric_limits<double>::infinity();
  return 10 * std::log10(signal / noise);
}

Result<std::unique_ptr<Report>> Report::Create(const Graph& float_graph, const Graph& simplified,
                                               const Graph& quantized, const SessionOptions& options,
                                               const std::string& cpu_target, const MemoryPtr& memory) {
  const auto names_differ = [](const Graph& a, const std::vector<ValueId>& x, const Graph& b,
                               const std::vector<ValueId>& y) {
    return !std::equal(x.begin(), x.end(), y.begin(), y.end(),
                       [&](ValueId u, ValueId v) { return a.values[u].name == b.values[v].name; });
  };
  if (IsQuantized(simplified)) return Error(Code::kInvalidArgument, "the first model is not a float model");
  if (names_differ(simplified, simplified.inputs, quantized, quantized.inputs) ||
      names_differ(simplified, simplified.outputs, quantized, quantized.outputs)) {
    return Error(Code::kInvalidArgument, "the models have different inputs or outputs: is one made of the other?");
  }
  std::unique_ptr<Report> report(new Report);
  report->memory_ = memory;
  report->model_name_ = float_graph.name;
  report->output_count_ = simplified.outputs.size();
  report->float_bytes_ = ModelBytes(float_graph);
  report->quantized_bytes_ = ModelBytes(quantized);
  OCTAVO_ASSIGN_OR_RETURN(report->float_observed_, MakeSession(simplified, options, cpu_target, true, memory));
  OCTAVO_ASSIGN_OR_RETURN(report->quantized_observed_, MakeSession(quantized, options, cpu_target, true, memory));
  OCTAVO_ASSIGN_OR_RETURN(report->float_timed_, MakeSession(simplified, options, cpu_target, false, memory));
  OCTAVO_ASSIGN_OR_RETURN(report->quantized_timed_, MakeSession(quantized, options, cpu_target, false, memory));

  OCTAVO_ASSIGN_OR_RETURN(const std::vector<Decision> decisions, NodeDecisions(quantized, quantized, memory));
  std::unordered_map<std::string, const Decision*> decision_of;
  for (const Decision& decision : decisions) decision_of.emplace(decision.node, &decision);
  for (const Node& node : simplified.nodes) {
    if (node.outputs.empty() || node.outputs[0] == kNoValue) continue;
    const Value& value = simplified.values[node.outputs[0]];
    if (value.dtype != DType::kFloat || value.constant) continue;
    Layer layer;
    layer.name = node.name.empty() ? value.name : node.name;
    layer.op = node.op_type;
    layer.value = value.name;
    layer.macs = NodeMacs(simplified, node);
    if (const auto found = decision_of.find(node.name); found != decision_of.end()) {
      layer.precision = found->second->precision;
      layer.reason = found->second->reason;
      layer.sentence = found->second->sentence;
    }
    report->layer_of_value_.emplace(value.name, report->layers_.size());
    report->layer_of_node_.emplace(layer.name, report->layers_.size());
    report->layers_.push_back(std::move(layer));
  }
  for (ValueId v : simplified.outputs) {
    Output output;
    output.name = simplified.values[v].name;
    report->outputs_.push_back(std::move(output));
  }
  report->bounds_.resize(report->layers_.size());
  report->FindStands(quantized);
  return report;
}

// Which values of the quantized program stand for those of the float one: the value of the same name, and what the
// QuantizeLinear -> DequantizeLinear behind it makes of it. What a program shows depends on how it was planned, so all
// of them are accepted and the last in that chain counts.
void Report::FindStands(const Graph& quantized) {
  std::vector<const Node*> producer(quantized.values.size(), nullptr);
  for (const Node& node : quantized.nodes) {
    for (ValueId v : node.outputs) {
      if (v != kNoValue) producer[v] = &node;
    }
  }
  const auto consumers = Consumers(quantized);
  // From the float value `v` through the pair behind it.
  const auto follow = [&](ValueId v, size_t layer) {
    for (NodeId q : consumers[v]) {
      const Node& quantize = quantized.nodes[q];
      if (quantize.op_type != "QuantizeLinear" || quantize.inputs[0] != v) continue;
      const auto scale = SingleElement(quantized, quantize.inputs[1]);
      const auto zero = quantize.has_input(2) ? SingleElement(quantized, quantize.inputs[2]) : std::optional(0.0);
      if (!scale || !zero) continue;
      const Value& integer = quantized.values[quantize.outputs[0]];
      stands_[integer.name] = {layer, 2, true, static_cast<float>(*scale), static_cast<int32_t>(*zero)};
      const double least = integer.dtype == DType::kInt8 ? -128 : 0;
      bounds_[layer] = {true, (least - *zero) * *scale, (least + 255 - *zero) * *scale};
      for (NodeId d : consumers[quantize.outputs[0]]) {
        const Node& dequantize = quantized.nodes[d];
        if (dequantize.op_type != "DequantizeLinear") continue;
        stands_[quantized.values[dequantize.outputs[0]].name] = {layer, 3, false, 1, 0};
      }
    }
  };
  for (ValueId v = 0; v < quantized.values.size(); ++v) {
    const auto found = layer_of_value_.find(quantized.values[v].name);
    if (found == layer_of_value_.end()) continue;
    // An output of the graph keeps its name behind the pair: go back to the start of the pair.
    const Node* dequantize = producer[v];
    if (dequantize && dequantize->op_type == "DequantizeLinear" && dequantize->inputs[0] != kNoValue) {
      const Node* quantize = producer[dequantize->inputs[0]];
      if (quantize && quantize->op_type == "QuantizeLinear" && quantize->inputs[0] != kNoValue) {
        follow(quantize->inputs[0], found->second);
      }
      stands_[found->first] = {found->second, 3, false, 1, 0};
    } else {
      follow(v, found->second);
      stands_[found->first] = {found->second, 1, false, 1, 0};
    }
  }
}

Status Report::RunObserved(std::span<const Tensor> inputs, const Cancel* cancel, std::vector<ErrorSums>* sums,
                           std::vector<bool>* compared) {
  std::vector<Tensor> expected(layers_.size());
  const ValueObserver keep = [&](const std::string& name, const Tensor& value) -> Status {
    const auto found = layer_of_value_.find(name);
    if (found == layer_of_value_.end() || value.dtype() != DType::kFloat) return Ok();
    OCTAVO_ASSIGN_OR_RETURN(expected[found->second], Copy(value, memory_));
    return Ok();
  };
  std::vector<Tensor> outputs(output_count_);
  OCTAVO_RETURN_IF_ERROR(float_observed_->Run(inputs, outputs, cancel, &keep));

  std::vector<int> best(layers_.size(), 0);
  const ValueObserver compare = [&](const std::string& name, const Tensor& value) -> Status {
    const auto found = stands_.find(name);
    if (found == stands_.end()) return Ok();
    const Stand& stand = found->second;
    const Tensor& reference = expected[stand.layer];
    if (!reference.defined() || stand.rank < best[stand.layer] || value.elements() != reference.elements()) return Ok();
    ErrorSums fresh;
    const auto x = reference.data<float>();
    const float scale = stand.scale;
    const int32_t zero = stand.zero_point;
    if (!stand.integer && value.dtype() == DType::kFloat) {
      const auto y = value.data<float>();
      Compare(
          x, [&](size_t i) { return double{y[i]}; }, &fresh);
    } else if (stand.integer && value.dtype() == DType::kUInt8) {
      const auto y = value.data<uint8_t>();
      Compare(
          x, [&](size_t i) { return double{static_cast<float>(y[i] - zero) * scale}; }, &fresh);
    } else if (stand.integer && value.dtype() == DType::kInt8) {
      const auto y = value.data<int8_t>();
      Compare(
          x, [&](size_t i) { return double{static_cast<float>(y[i] - zero) * scale}; }, &fresh);
    } else {
      return Ok();
    }
    if (const Bounds& bounds = bounds_[stand.layer]; bounds.known) {
      const double half_step = (bounds.high - bounds.low) / 510;
      for (float v : x) fresh.clipped += v < bounds.low - half_step || v > bounds.high + half_step;
    }
    best[stand.layer] = stand.rank;
    (*sums)[stand.layer] = fresh;
    (*compared)[stand.layer] = true;
    return Ok();
  };
  std::fill(outputs.begin(), outputs.end(), Tensor());
  return quantized_observed_->Run(inputs, outputs, cancel, &compare);
}

Status Report::RunOutputs(std::span<const Tensor> inputs, const Cancel* cancel, std::vector<Output>* results) {
  std::vector<Tensor> expected(output_count_), actual(output_count_);
  OCTAVO_RETURN_IF_ERROR(float_timed_->Run(inputs, expected, cancel));
  OCTAVO_RETURN_IF_ERROR(quantized_timed_->Run(inputs, actual, cancel));
  for (size_t o = 0; o < output_count_; ++o) {
    Output& output = (*results)[o];
    if (expected[o].dtype() != DType::kFloat || actual[o].dtype() != DType::kFloat ||
        !(expected[o].shape() == actual[o].shape())) {
      continue;
    }
    const auto x = expected[o].data<float>(), y = actual[o].data<float>();
    Compare(
        x, [&](size_t i) { return double{y[i]}; }, &output.error);
    const Shape& shape = expected[o].shape();
    const size_t columns = shape.rank() == 0 ? 1 : static_cast<size_t>(shape[shape.rank() - 1]);
    for (size_t begin = 0; columns > 1 && begin < x.size(); begin += columns) {
      const auto top = [&](std::span<const float> row) {
        return std::max_element(row.begin(), row.end()) - row.begin();
      };
      ++output.rows;
      output.same_top += top(x.subspan(begin, columns)) == top(y.subspan(begin, columns));
    }
  }
  return Ok();
}

Status Report::Collect(std::span<const Tensor> inputs, const Cancel* cancel) {
  std::vector<ErrorSums> sums(layers_.size());
  std::vector<bool> compared(layers_.size(), false);
  std::vector<Output> outputs(output_count_);
  OCTAVO_RETURN_IF_ERROR(RunObserved(inputs, cancel, &sums, &compared));
  OCTAVO_RETURN_IF_ERROR(RunOutputs(inputs, cancel, &outputs));
  OCTAVO_RETURN_IF_ERROR(Measure(inputs, cancel));
  for (size_t i = 0; i < layers_.size(); ++i) {
    layers_[i].compared = layers_[i].compared || compared[i];
    Add(sums[i], &layers_[i].error);
  }
  for (size_t o = 0; o < output_count_; ++o) {
    Add(outputs[o].error, &outputs_[o].error);
    outputs_[o].rows += outputs[o].rows;
    outputs_[o].same_top += outputs[o].same_top;
  }
  ++batches_;
  return Ok();
}

// Both models took their first run with these shapes already, which plans and touches memory.
Status Report::Measure(std::span<const Tensor> inputs, const Cancel* cancel) {
  std::vector<Shape> shapes;
  for (const Tensor& input : inputs) shapes.push_back(input.shape());
  if (timed_shapes_.empty()) timed_shapes_ = shapes;
  if (timed_shapes_ != shapes) return Ok();

  const auto measure = [&](Session& session, Timing* timing, double Layer::*seconds, double* total) -> Status {
    std::vector<StepProfile> before = session.Steps();
    for (int run = 0; run < 2; ++run) {
      std::vector<Tensor> outputs(output_count_);
      OCTAVO_RETURN_IF_ERROR(session.Run(inputs, outputs, cancel));
      const std::vector<StepProfile> after = session.Steps();
      timing->least.resize(after.size(), std::numeric_limits<double>::infinity());
      for (size_t i = 0; i < after.size(); ++i) {
        const double passed = after[i].seconds - (before.size() == after.size() ? before[i].seconds : 0.0);
        timing->least[i] = std::min(timing->least[i], passed);
      }
      before = after;
    }
    for (Layer& layer : layers_) layer.*seconds = 0;
    *total = 0;
    for (size_t i = 0; i < before.size(); ++i) {
      *total += timing->least[i];
      if (const size_t layer = LayerOfStep(before[i].name); layer != layers_.size()) {
        layers_[layer].*seconds += timing->least[i];
      }
    }
    return Ok();
  };
  OCTAVO_RETURN_IF_ERROR(measure(*float_timed_, &float_timing_, &Layer::float_seconds, &float_seconds_));
  return measure(*quantized_timed_, &quantized_timing_, &Layer::quantized_seconds, &quantized_seconds_);
}

// A step bears the name of a node, or of a value it prepares: "conv1_output_requantized".
size_t Report::LayerOfStep(const std::string& step) const {
  if (const auto found = layer_of_node_.find(step); found != layer_of_node_.end()) return found->second;
  for (const char* suffix :
       {"", "_quantized", "_requantized", "_dequantized", "_QuantizeLinear", "_DequantizeLinear"}) {
    const size_t length = std::strlen(suffix);
    if (step.size() <= length || step.compare(step.size() - length, length, suffix) != 0) continue;
    const auto found = layer_of_value_.find(step.substr(0, step.size() - length));
    if (found != layer_of_value_.end()) return found->second;
  }
  return layers_.size();
}

std::string Report::ToJson() const {
  const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); };
  const auto mean_error = [](const ErrorSums& e) {
    return e.count == 0 ? 0.0 : e.absolute / static_cast<double>(e.count);
  };
  Json outputs = Json::array(), layers = Json::array();
  for (const Output& output : outputs_) {
    outputs.push_back(
        {{"name", output.name},
         {"sqnr_db", number(output.error.Sqnr())},
         {"max_error", output.error.max_error},
         {"mean_error", mean_error(output.error)},
         {"top1_agreement", output.rows == 0 ? Json(nullptr) : Json(Share(output.same_top, output.rows))}});
  }
  for (const Layer& layer : layers_) {
    const ErrorSums& e = layer.error;
    const bool seen = layer.compared && e.count != 0;
    const auto if_seen = [&](double value) { return seen ? number(value) : Json(nullptr); };
    layers.push_back({{"name", layer.name},
                      {"op", layer.op},
                      {"value", layer.value},
                      {"precision", layer.precision},
                      {"reason", layer.reason.empty() ? Json(nullptr) : Json(layer.reason)},
                      {"sentence", layer.sentence.empty() ? Json(nullptr) : Json(layer.sentence)},
                      {"sqnr_db", if_seen(e.Sqnr())},
                      {"max_error", if_seen(e.max_error)},
                      {"mean_error", if_seen(mean_error(e))},
                      {"float_min", if_seen(e.min)},
                      {"float_max", if_seen(e.max)},
                      {"clipped", if_seen(Share(e.clipped, e.count))},
                      {"float_seconds", layer.float_seconds},
                      {"quantized_seconds", layer.quantized_seconds},
                      {"macs", layer.macs}});
  }
  const Json json = {{"model", model_name_},
                     {"batches", batches_},
                     {"float", {{"bytes", float_bytes_}, {"seconds", float_seconds_}}},
                     {"quantized", {{"bytes", quantized_bytes_}, {"seconds", quantized_seconds_}}},
                     {"outputs", std::move(outputs)},
                     {"layers", std::move(layers)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace octavo
