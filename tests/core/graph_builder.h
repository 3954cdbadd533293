// Builds small graphs in tests, one call a node.
#ifndef OCTAVO_TESTS_CORE_GRAPH_BUILDER_H_
#define OCTAVO_TESTS_CORE_GRAPH_BUILDER_H_

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/graph/graph.h"
#include "core/graph/operator.h"
#include "core/ops/table.h"

namespace octavo::test {

inline MemoryPtr TestMemory() {
  static const MemoryPtr memory = std::make_shared<Memory>();
  return memory;
}

template <typename T>
Tensor TensorOf(const Shape& shape, const std::vector<T>& values) {
  Result<Tensor> tensor = Tensor::Of<T>(TestMemory(), shape, std::span<const T>(values));
  EXPECT_TRUE(tensor.ok()) << tensor.status().message();
  return tensor.ok() ? *tensor : Tensor();
}

template <typename T>
Tensor ScalarOf(T value) {
  return TensorOf<T>(Shape(), {value});
}

inline Attribute Attr(std::string name, int64_t value) { return {std::move(name), value}; }
inline Attribute Attr(std::string name, int value) { return {std::move(name), int64_t{value}}; }
inline Attribute Attr(std::string name, float value) { return {std::move(name), value}; }
inline Attribute Attr(std::string name, const char* value) { return {std::move(name), std::string(value)}; }
inline Attribute Attr(std::string name, std::vector<int64_t> value) { return {std::move(name), std::move(value)}; }

// The names of values are "" for what is left out.
class GraphBuilder {
 public:
  explicit GraphBuilder(int64_t opset = 21) { graph_.opsets.push_back({"", opset}); }

  // Rows that exist in one test only.
  void AddOperator(const Operator* row) { own_[row->name] = row; }

  ValueId Input(const std::string& name, DType dtype, const Shape& shape) {
    const ValueId v = graph_.AddValue(name, dtype, shape);
    graph_.inputs.push_back(v);
    return v;
  }
  ValueId Constant(const Tensor& tensor, const std::string& name = "") {
    return graph_.AddConstant(name.empty() ? "c" + std::to_string(graph_.values.size()) : name, tensor);
  }
  template <typename T>
  ValueId Scalar(T value) {
    return Constant(ScalarOf<T>(value));
  }
  ValueId Ints(const std::vector<int64_t>& values) {
    return Constant(TensorOf<int64_t>(Shape({static_cast<int64_t>(values.size())}), values));
  }

  std::vector<ValueId> Nodes(const std::string& op, const std::vector<ValueId>& inputs, size_t outputs,
                             std::vector<Attribute> attributes = {}, const std::string& domain = "") {
    Node node;
    node.op_type = op;
    node.domain = domain;
    node.name = op + "_" + std::to_string(graph_.nodes.size());
    node.inputs = inputs;
    node.attributes = std::move(attributes);
    const auto own = own_.find(op);
    node.op = own != own_.end() ? own->second : FindOperator(domain, op);
    for (size_t i = 0; i < outputs; ++i) {
      node.outputs.push_back(graph_.AddValue(node.name + "_out" + (i ? std::to_string(i) : "")));
    }
    graph_.nodes.push_back(node);
    if (!node.op) {
      ADD_FAILURE() << "no operator " << op;
      return node.outputs;
    }
    InferContext context(graph_, static_cast<NodeId>(graph_.nodes.size() - 1), graph_.opset());
    const Status status = node.op->infer(context);
    EXPECT_TRUE(status.ok()) << op << ": " << status.message();
    for (size_t i = 0; i < outputs; ++i) {
      graph_.values[node.outputs[i]].dtype = context.results()[i].dtype;
      graph_.values[node.outputs[i]].shape = context.results()[i].shape;
    }
    return node.outputs;
  }
  ValueId Node1(const std::string& op, const std::vector<ValueId>& inputs, std::vector<Attribute> attributes = {},
                const std::string& domain = "") {
    return Nodes(op, inputs, 1, std::move(attributes), domain)[0];
  }
  void Output(ValueId v) { graph_.outputs.push_back(v); }

  Graph& graph() { return graph_; }
  const Value& value(ValueId v) const { return graph_.values[v]; }

 private:
  Graph graph_;
  std::map<std::string, const Operator*> own_;
};

}  // namespace octavo::test

#endif  // OCTAVO_TESTS_CORE_GRAPH_BUILDER_H_
