// Graph: a network as ONNX states it, fully resolved. Passes take one and return another.
#ifndef OCTAVO_CORE_GRAPH_GRAPH_H_
#define OCTAVO_CORE_GRAPH_GRAPH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/graph/tensor.h"

namespace octavo {

struct Operator;  // core/graph/operator.h

// Index into Graph::values. kNoValue stands for an optional input or output that is left out ("" in ONNX).
using ValueId = uint32_t;
constexpr ValueId kNoValue = UINT32_MAX;
using NodeId = uint32_t;
constexpr NodeId kNoNode = UINT32_MAX;

struct Attribute {
  std::string name;
  std::variant<int64_t, float, std::string, Tensor, std::vector<int64_t>, std::vector<float>, std::vector<std::string>>
      value;
};

struct Node {
  std::string op_type;
  std::string domain;  // "" is ONNX's own
  std::string name;    // may be empty; Label() is for messages
  std::string doc;
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::vector<Attribute> attributes;
  std::vector<std::pair<std::string, std::string>> metadata;
  const Operator* op = nullptr;  // the row of the operator table; null only before Resolve()

  const Attribute* FindAttribute(const char* attribute_name) const;
  bool has_input(size_t i) const { return i < inputs.size() && inputs[i] != kNoValue; }
};

struct Value {
  std::string name;
  DType dtype = DType::kUndefined;
  // What inference knows; of a graph input, what the model states. Absent: rank unknown. Dimensions may be kUnknown.
  std::optional<Shape> shape;
  // What the file states of any other value: Resolve checks that it agrees, writers repeat it, nothing relies on it.
  std::optional<Shape> declared_shape;
  std::vector<std::string> dim_names;  // symbolic names of the stated dimensions, "" where none; empty if none at all
  std::optional<Tensor> constant;      // initializer, or folded
  std::string doc;
  bool declared = false;  // stood in value_info of the file
  // The file lists this initializer among the graph's inputs too, as those before IR version 4 had to. It is a default
  // that this library treats as fixed; writers list it again.
  bool default_input = false;
};

struct OpsetImport {
  std::string domain;
  int64_t version = 0;
};

struct Graph {
  std::string name, doc;
  int64_t ir_version = 8;
  std::vector<OpsetImport> opsets;
  std::string producer_name, producer_version, model_domain, model_doc;
  int64_t model_version = 0;
  std::vector<std::pair<std::string, std::string>> metadata;  // model metadata_props

  std::vector<Value> values;
  std::vector<Node> nodes;  // every node after the producers of its inputs
  std::vector<ValueId> inputs, outputs;
  std::vector<ValueId> initializers;  // file order; values with a constant that came as initializer

  // Version of ONNX's own operator set; 0 if not imported.
  int64_t opset() const;

  ValueId AddValue(std::string value_name, DType dtype = DType::kUndefined, std::optional<Shape> shape = {});
  // A constant that becomes an initializer.
  ValueId AddConstant(std::string value_name, Tensor tensor);
  // `base`, or `base` with the first suffix that no value has. For names that passes invent.
  std::string UniqueName(const std::string& base) const;
};

// "node 'conv1' (Conv)", or "node 12 (Conv)" where it has no name.
std::string Label(const Graph& graph, NodeId node);

// The first IR version whose readers know that version of ONNX's operator set.
int64_t OldestIrVersion(int64_t opset);

// For each value: the node that makes it (kNoNode for inputs and constants), and those that read it (once per use).
std::vector<NodeId> Producers(const Graph& graph);
std::vector<std::vector<NodeId>> Consumers(const Graph& graph);

// Removes values nobody refers to and renumbers; nodes keep their order.
Graph Compacted(Graph graph);

}  // namespace octavo

#endif  // OCTAVO_CORE_GRAPH_GRAPH_H_
