// Editor: a graph under change. Knows who makes and who reads each value while nodes come and go.
#ifndef OCTAVO_CORE_SIMPLIFY_EDITOR_H_
#define OCTAVO_CORE_SIMPLIFY_EDITOR_H_

#include <string>
#include <unordered_set>
#include <vector>

#include "core/base/name_hash.h"
#include "core/graph/operator.h"

namespace octavo {

// Whether the operator is ONNX's own of that name.
bool Is(const Node& node, const char* op_type);

class Editor {
 public:
  Editor(Graph graph, MemoryPtr memory);

  // The graph as it is in between: removed nodes are still there, without inputs and outputs (see alive()); added ones
  // stand at the end.
  const Graph& graph() const { return graph_; }
  const Node& node(NodeId n) const { return graph_.nodes[n]; }
  const Value& value(ValueId v) const { return graph_.values[v]; }
  size_t nodes() const { return graph_.nodes.size(); }
  int64_t opset() const { return opset_; }
  const MemoryPtr& memory() const { return memory_; }
  bool alive(NodeId n) const { return alive_[n]; }
  bool changed() const { return changed_; }

  NodeId Producer(ValueId v) const { return v == kNoValue ? kNoNode : producers_[v]; }
  // The node of that type that makes v, else null.
  const Node* Maker(ValueId v, const char* op_type) const;
  // The nodes that read v, each once.
  const std::vector<NodeId>& Readers(ValueId v);
  bool IsOutput(ValueId v) const { return is_output_[v]; }
  // Read exactly once, by a node.
  bool ReadOnce(ValueId v) const { return uses_[v] == 1 && !is_output_[v]; }
  bool Unused(ValueId v) const { return uses_[v] == 0 && !is_output_[v]; }
  // The contents of input i, null unless constant.
  const Tensor* Constant(ValueId v) const;
  // The dimensions of v where all are known, else null.
  const Shape* KnownShape(ValueId v) const;
  // Whether the graph's operator set has that operator.
  bool Has(const char* op_type) const;

  ValueId AddConstant(const std::string& name, Tensor tensor);
  template <typename T>
  Result<ValueId> AddConstant(const std::string& name, const Shape& shape, std::span<const T> values) {
    OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Of(memory_, shape, values));
    return AddConstant(name, std::move(tensor));
  }
  ValueId AddValue(const std::string& name);
  // Other contents for a constant; keeps its name.
  void SetConstant(ValueId v, Tensor tensor);
  // A value that a node made becomes a constant; it keeps its name.
  void BecomeConstant(ValueId v, Tensor tensor);

  // What these make superfluous goes, with everything above that served nothing else.
  void SetInput(NodeId n, size_t i, ValueId v);
  void AppendInput(NodeId n, ValueId v);
  void SetAttribute(NodeId n, const char* name, decltype(Attribute::value) value);
  void RemoveAttribute(NodeId n, const char* name);
  // Node n becomes another operator; name and outputs stay.
  void Replace(NodeId n, const char* op_type, std::vector<ValueId> inputs, std::vector<Attribute> attributes);
  // A new node just before node n.
  void InsertBefore(NodeId n, Node node);
  // Node n makes output 0 of its reader `after` in place of its own; `after` goes.
  void TakeOver(NodeId n, NodeId after);
  void Remove(NodeId n);
  // Drops all outputs but the first `count`.
  void KeepOutputs(NodeId n, size_t count);
  // Drops a node that passes input i on as output 0. False, and nothing done, if both names must stay.
  bool Bypass(NodeId n, size_t i);
  // All that read `from` read `to`.
  void ReplaceReads(ValueId from, ValueId to);
  void SetShape(ValueId v, DType dtype, std::optional<Shape> shape);
  void SetOpset(int64_t version);

  // Drops nodes that no output needs.
  void RemoveDead();

  // The graph, compacted and resolved.
  Result<Graph> Finish();

 private:
  std::string Unique(const std::string& name);
  void Attach(NodeId n);
  void Detach(NodeId n);
  // Takes the node away and nothing else; returns what it read.
  std::vector<ValueId> Drop(NodeId n);
  // These may have lost their last reader: what made them for nothing goes, and so on upwards.
  void Release(std::vector<ValueId> values);

  Graph graph_;
  MemoryPtr memory_;
  int64_t opset_;
  bool changed_ = false;
  std::vector<bool> alive_;
  std::vector<NodeId> place_;  // by node: the one it stands in front of; itself for those of the source
  std::vector<NodeId> producers_;
  std::vector<uint32_t> uses_;  // by value: how often nodes read it
  // By value: every node that reads it, and others that once did. Taking those out one by one would make many changes
  // around one value quadratic; Readers() does it at once.
  std::vector<std::vector<NodeId>> readers_;
  std::vector<bool> stale_;  // by value: whether readers_ needs that
  std::vector<bool> is_output_;
  std::unordered_set<std::string, NameHash> names_;  // filled when the first name is asked for
};

}  // namespace octavo

#endif  // OCTAVO_CORE_SIMPLIFY_EDITOR_H_
