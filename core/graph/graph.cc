#include "core/graph/graph.h"

#include <unordered_set>

namespace octavo {

const Attribute* Node::FindAttribute(const char* attribute_name) const {
  for (const Attribute& attribute : attributes) {
    if (attribute.name == attribute_name) return &attribute;
  }
  return nullptr;
}

int64_t Graph::opset() const {
  for (const OpsetImport& import : opsets) {
    if (import.domain.empty() || import.domain == "ai.onnx") return import.version;
  }
  return 0;
}

ValueId Graph::AddValue(std::string value_name, DType dtype, std::optional<Shape> shape) {
  Value value;
  value.name = std::move(value_name);
  value.dtype = dtype;
  value.shape = shape;
  values.push_back(std::move(value));
  return static_cast<ValueId>(values.size() - 1);
}

ValueId Graph::AddConstant(std::string value_name, Tensor tensor) {
  const ValueId id = AddValue(std::move(value_name), tensor.dtype(), tensor.shape());
  values[id].constant = std::move(tensor);
  initializers.push_back(id);
  return id;
}

std::string Graph::UniqueName(const std::string& base) const {
  std::unordered_set<std::string> taken;
  for (const Value& value : values) {
    if (value.name.compare(0, base.size(), base) == 0) taken.insert(value.name);
  }
  if (!taken.count(base)) return base;
  for (size_t i = 1;; ++i) {
    std::string candidate = base + "_" + std::to_string(i);
    if (!taken.count(candidate)) return candidate;
  }
}

std::string Label(const Graph& graph, NodeId node) {
  const Node& n = graph.nodes[node];
  if (n.name.empty()) return "node " + std::to_string(node) + " (" + Printable(n.op_type) + ")";
  return "node '" + Printable(n.name) + "' (" + Printable(n.op_type) + ")";
}

int64_t OldestIrVersion(int64_t opset) {
  constexpr struct {
    int64_t opset, ir_version;
  } kFirst[] = {{9, 4}, {10, 5}, {11, 6}, {12, 7}, {15, 8}, {19, 9}, {21, 10}, {23, 11}, {24, 12}, {25, 13}, {28, 14}};
  int64_t version = 3;
  for (const auto& first : kFirst) {
    if (opset >= first.opset) version = first.ir_version;
  }
  return version;
}

std::vector<NodeId> Producers(const Graph& graph) {
  std::vector<NodeId> producers(graph.values.size(), kNoNode);
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId v : graph.nodes[n].outputs) {
      if (v != kNoValue) producers[v] = n;
    }
  }
  return producers;
}

std::vector<std::vector<NodeId>> Consumers(const Graph& graph) {
  std::vector<std::vector<NodeId>> consumers(graph.values.size());
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId v : graph.nodes[n].inputs) {
      if (v != kNoValue) consumers[v].push_back(n);
    }
  }
  return consumers;
}

Graph Compacted(Graph graph) {
  std::vector<bool> used(graph.values.size(), false);
  const auto mark = [&](const std::vector<ValueId>& ids) {
    for (ValueId v : ids) {
      if (v != kNoValue) used[v] = true;
    }
  };
  mark(graph.inputs);
  mark(graph.outputs);
  for (const Node& node : graph.nodes) {
    mark(node.inputs);
    mark(node.outputs);
  }
  std::vector<ValueId> renumbered(graph.values.size(), kNoValue);
  std::vector<Value> values;
  for (ValueId v = 0; v < graph.values.size(); ++v) {
    if (!used[v]) continue;
    renumbered[v] = static_cast<ValueId>(values.size());
    values.push_back(std::move(graph.values[v]));
  }
  graph.values = std::move(values);
  const auto renumber = [&](std::vector<ValueId>& ids) {
    for (ValueId& v : ids) {
      if (v != kNoValue) v = renumbered[v];
    }
  };
  renumber(graph.inputs);
  renumber(graph.outputs);
  renumber(graph.initializers);
  std::erase(graph.initializers, kNoValue);
  for (Node& node : graph.nodes) {
    renumber(node.inputs);
    renumber(node.outputs);
  }
  return graph;
}

}  // namespace octavo
