#include "core/quantize/describe.h"

#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "core/graph/operator.h"
#include "core/observe/digest.h"
#include "core/onnx/writer.h"
#include "core/plan/program.h"
#include "core/quantize/cost.h"

namespace octavo {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json ShapeJson(const std::optional<Shape>& shape) {
  if (!shape) return nullptr;
  Json dims = Json::array();
  for (int64_t dim : shape->dims()) dims.push_back(dim == Shape::kUnknown ? Json(nullptr) : Json(dim));
  return dims;
}

Json Ports(const Graph& graph, const std::vector<ValueId>& ids) {
  Json ports = Json::array();
  for (ValueId v : ids) {
    const Value& value = graph.values[v];
    ports.push_back({{"name", value.name}, {"dtype", Name(value.dtype)}, {"shape", ShapeJson(value.shape)}});
  }
  return ports;
}

const std::string* Metadata(const Graph& graph, const char* key) {
  for (const auto& [name, value] : graph.metadata) {
    if (name == key) return &value;
  }
  return nullptr;
}

// "static", "dynamic" or "weight-only"; null for a float model.
Json SchemeOf(const Graph& graph) {
  if (!IsQuantized(graph)) return nullptr;
  if (const std::string* recipe = Metadata(graph, "octavo.recipe")) {
    const Json json = Json::parse(*recipe, nullptr, /*allow_exceptions=*/false);
    if (json.is_object() && json.contains("scheme") && json["scheme"].is_string()) return json["scheme"];
  }
  bool dynamic = false, activations = false;
  for (const Node& node : graph.nodes) {
    dynamic = dynamic || node.op_type == "DynamicQuantizeLinear";
    activations = activations || (node.op->quant == QuantRule::kQuantized && node.op_type != "DequantizeLinear");
  }
  return dynamic ? "dynamic" : activations ? "static" : "weight-only";
}

bool IsParameter(const std::string& op) {
  return op == "QuantizeLinear" || op == "DequantizeLinear" || op == "DynamicQuantizeLinear";
}

}  // namespace

bool IsQuantized(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    if (node.op && node.op->quant == QuantRule::kQuantized) return true;
  }
  return false;
}

uint64_t ModelBytes(const Graph& graph) {
  uint64_t bytes = 0;
  const Status written = WriteOnnx(graph, [&](std::span<const std::byte> piece) {
    bytes += piece.size();
    return Ok();
  });
  if (written.ok()) return bytes;
  bytes = 0;
  for (const Value& value : graph.values) bytes += value.constant ? value.constant->bytes() : 0;
  return bytes;
}

Result<std::vector<Decision>> NodeDecisions(const Graph& graph, const Graph& simplified, const MemoryPtr& memory) {
  if (Metadata(graph, "octavo.decisions")) return Decisions(graph);
  if (!IsQuantized(graph)) return Decisions(simplified);
  OCTAVO_ASSIGN_OR_RETURN(const auto program, Program::Create(simplified, ProgramOptions(), memory));
  std::vector<Decision> decisions;
  for (const NodeDecision& d : program->decisions()) {
    if (!IsParameter(d.op)) decisions.push_back({d.node, d.op, d.precision, d.reason, d.sentence});
  }
  return decisions;
}

Result<std::string> DescribeModel(const Graph& graph, const Graph& simplified, const MemoryPtr& memory) {
  OCTAVO_ASSIGN_OR_RETURN(const std::vector<Decision> decisions, NodeDecisions(graph, simplified, memory));

  std::map<std::string, int64_t> operators;
  double macs = 0, parameters = 0, parameter_bytes = 0;
  for (const Node& node : graph.nodes) ++operators[node.op_type];
  for (const Value& value : graph.values) {
    if (!value.constant) continue;
    parameters += static_cast<double>(value.constant->elements());
    parameter_bytes += static_cast<double>(value.constant->bytes());
  }
  // Nodes of the graph that runs, for sizes; where it differs from the one decided on, names tell which is which.
  std::unordered_map<std::string, const Node*> by_name;
  for (const Node& node : simplified.nodes) {
    macs += NodeMacs(simplified, node);
    by_name.emplace(node.name, &node);
  }
  const bool same_nodes = decisions.size() == simplified.nodes.size() && !IsQuantized(graph);
  Json nodes = Json::array();
  int64_t int8_nodes = 0;
  for (size_t i = 0; i < decisions.size(); ++i) {
    const Decision& decision = decisions[i];
    const Node* node = nullptr;
    if (same_nodes) {
      node = &simplified.nodes[i];
    } else if (const auto found = by_name.find(decision.node); found != by_name.end()) {
      node = found->second;
    }
    int8_nodes += decision.precision == "int8";
    std::optional<Shape> shape;
    if (node && !node->outputs.empty() && node->outputs[0] != kNoValue) {
      shape = simplified.values[node->outputs[0]].shape;
    }
    nodes.push_back({{"name", decision.node},
                     {"op", decision.op},
                     {"precision", decision.precision},
                     {"reason", decision.reason.empty() ? Json(nullptr) : Json(decision.reason)},
                     {"sentence", decision.sentence.empty() ? Json(nullptr) : Json(decision.sentence)},
                     {"macs", node ? NodeMacs(simplified, *node) : 0.0},
                     {"shape", ShapeJson(shape)}});
  }

  Json metadata = Json::object();
  for (const auto& [key, value] : graph.metadata) metadata[key] = value;
  Json operators_json = Json::object();
  for (const auto& [op, count] : operators) operators_json[op] = count;
  const int64_t float_nodes = static_cast<int64_t>(decisions.size()) - int8_nodes;
  return Dump({{"name", graph.name},
               {"producer", graph.producer_name},
               {"ir_version", graph.ir_version},
               {"opset", graph.opset()},
               {"quantized", IsQuantized(graph)},
               {"scheme", SchemeOf(graph)},
               {"digest", GraphDigest(simplified)},
               {"bytes", ModelBytes(graph)},
               {"parameters", parameters},
               {"parameter_bytes", parameter_bytes},
               {"macs", macs},
               {"inputs", Ports(graph, graph.inputs)},
               {"outputs", Ports(graph, graph.outputs)},
               {"operators", std::move(operators_json)},
               {"int8_nodes", int8_nodes},
               {"float_nodes", float_nodes},
               {"nodes", std::move(nodes)},
               {"metadata", std::move(metadata)}});
}

std::string DescribeStatistics(const Statistics& statistics) {
  Json values = Json::object();
  for (const auto& [name, value] : statistics.values) {
    values[name] = {{"min", value.count ? Json(value.min) : Json(nullptr)},
                    {"max", value.count ? Json(value.max) : Json(nullptr)},
                    {"count", value.count},
                    {"zeros", value.zeros},
                    {"nan", value.nan},
                    {"inf", value.inf}};
  }
  return Dump({{"model", statistics.model_digest},
               {"digest", statistics.Digest()},
               {"samples", statistics.samples},
               {"values", std::move(values)}});
}

}  // namespace octavo
