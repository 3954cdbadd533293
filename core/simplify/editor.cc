#include "core/simplify/editor.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/ops/table.h"

namespace octavo {

bool Is(const Node& node, const char* op_type) {
  return node.op_type == op_type && (node.domain.empty() || node.domain == "ai.onnx");
}

Editor::Editor(Graph graph, MemoryPtr memory)
    : graph_(std::move(graph)),
      memory_(std::move(memory)),
      opset_(graph_.opset()),
      alive_(graph_.nodes.size(), true),
      place_(graph_.nodes.size()),
      producers_(Producers(graph_)),
      uses_(graph_.values.size()),
      readers_(Consumers(graph_)),
      stale_(graph_.values.size(), true),
      is_output_(graph_.values.size(), false) {
  std::iota(place_.begin(), place_.end(), 0);
  for (size_t v = 0; v < uses_.size(); ++v) uses_[v] = static_cast<uint32_t>(readers_[v].size());
  for (ValueId v : graph_.outputs) is_output_[v] = true;
}

const Node* Editor::Maker(ValueId v, const char* op_type) const {
  const NodeId n = Producer(v);
  return n != kNoNode && Is(graph_.nodes[n], op_type) ? &graph_.nodes[n] : nullptr;
}

const std::vector<NodeId>& Editor::Readers(ValueId v) {
  std::vector<NodeId>& readers = readers_[v];
  if (stale_[v]) {
    std::sort(readers.begin(), readers.end());
    readers.erase(std::unique(readers.begin(), readers.end()), readers.end());
    std::erase_if(readers, [&](NodeId n) {
      const std::vector<ValueId>& inputs = graph_.nodes[n].inputs;
      return std::find(inputs.begin(), inputs.end(), v) == inputs.end();
    });
    stale_[v] = false;
  }
  return readers;
}

const Tensor* Editor::Constant(ValueId v) const {
  return v != kNoValue && graph_.values[v].constant ? &*graph_.values[v].constant : nullptr;
}

const Shape* Editor::KnownShape(ValueId v) const {
  const std::optional<Shape>& shape = graph_.values[v].shape;
  return shape && shape->IsKnown() ? &*shape : nullptr;
}

bool Editor::Has(const char* op_type) const {
  const Operator* row = FindOperator("", op_type);
  return row && opset_ >= row->since && opset_ <= row->until;
}

std::string Editor::Unique(const std::string& name) {
  if (names_.empty()) {
    for (const Value& value : graph_.values) names_.insert(value.name);
  }
  std::string unique = name;
  for (size_t i = 1; !names_.insert(unique).second; ++i) unique = name + "_" + std::to_string(i);
  return unique;
}

ValueId Editor::AddValue(const std::string& name) {
  producers_.push_back(kNoNode);
  uses_.push_back(0);
  readers_.emplace_back();
  stale_.push_back(false);
  is_output_.push_back(false);
  return graph_.AddValue(Unique(name));
}

ValueId Editor::AddConstant(const std::string& name, Tensor tensor) {
  const ValueId v = AddValue(name);
  BecomeConstant(v, std::move(tensor));
  return v;
}

void Editor::SetConstant(ValueId v, Tensor tensor) {
  Value& value = graph_.values[v];
  value.dtype = tensor.dtype();
  value.shape = tensor.shape();
  value.constant = std::move(tensor);
  changed_ = true;
}

void Editor::BecomeConstant(ValueId v, Tensor tensor) {
  producers_[v] = kNoNode;
  graph_.values[v].declared = false;
  graph_.initializers.push_back(v);
  SetConstant(v, std::move(tensor));
}

void Editor::Attach(NodeId n) {
  for (ValueId v : graph_.nodes[n].inputs) {
    if (v == kNoValue) continue;
    ++uses_[v];
    readers_[v].push_back(n);
    stale_[v] = true;
  }
  for (ValueId v : graph_.nodes[n].outputs) {
    if (v != kNoValue) producers_[v] = n;
  }
}

void Editor::Detach(NodeId n) {
  for (ValueId v : graph_.nodes[n].inputs) {
    if (v == kNoValue) continue;
    --uses_[v];
    stale_[v] = true;
  }
}

std::vector<ValueId> Editor::Drop(NodeId n) {
  Node& node = graph_.nodes[n];
  Detach(n);
  for (ValueId v : node.outputs) {
    if (v != kNoValue && producers_[v] == n) producers_[v] = kNoNode;
  }
  node.outputs.clear();
  alive_[n] = false;
  changed_ = true;
  return std::exchange(node.inputs, {});
}

void Editor::Release(std::vector<ValueId> values) {
  while (!values.empty()) {
    const NodeId n = Producer(values.back());
    values.pop_back();
    if (n == kNoNode) continue;
    const std::vector<ValueId>& outputs = graph_.nodes[n].outputs;
    if (!std::all_of(outputs.begin(), outputs.end(), [&](ValueId v) { return v == kNoValue || Unused(v); })) continue;
    const std::vector<ValueId> inputs = Drop(n);
    values.insert(values.end(), inputs.begin(), inputs.end());
  }
}

void Editor::SetInput(NodeId n, size_t i, ValueId v) {
  Detach(n);
  const ValueId old = std::exchange(graph_.nodes[n].inputs[i], v);
  Attach(n);
  Release({old});
  changed_ = true;
}

void Editor::AppendInput(NodeId n, ValueId v) {
  Detach(n);
  graph_.nodes[n].inputs.push_back(v);
  Attach(n);
  changed_ = true;
}

void Editor::SetAttribute(NodeId n, const char* name, decltype(Attribute::value) value) {
  RemoveAttribute(n, name);
  graph_.nodes[n].attributes.push_back({name, std::move(value)});
  changed_ = true;
}

void Editor::RemoveAttribute(NodeId n, const char* name) {
  const size_t erased = std::erase_if(graph_.nodes[n].attributes, [&](const Attribute& a) { return a.name == name; });
  changed_ = changed_ || erased != 0;
}

void Editor::Replace(NodeId n, const char* op_type, std::vector<ValueId> inputs, std::vector<Attribute> attributes) {
  Detach(n);
  Node& node = graph_.nodes[n];
  node.op_type = op_type;
  node.domain.clear();
  node.op = FindOperator("", op_type);
  std::vector<ValueId> old = std::exchange(node.inputs, std::move(inputs));
  node.attributes = std::move(attributes);
  Attach(n);
  Release(std::move(old));
  changed_ = true;
}

void Editor::InsertBefore(NodeId n, Node node) {
  node.op = FindOperator(node.domain, node.op_type);
  graph_.nodes.push_back(std::move(node));
  alive_.push_back(true);
  place_.push_back(n);
  Attach(static_cast<NodeId>(graph_.nodes.size() - 1));
  changed_ = true;
}

void Editor::TakeOver(NodeId n, NodeId after) {
  const ValueId v = graph_.nodes[after].outputs[0];
  std::vector<ValueId> inputs = Drop(after);
  producers_[graph_.nodes[n].outputs[0]] = kNoNode;
  graph_.nodes[n].outputs[0] = v;
  producers_[v] = n;
  Release(std::move(inputs));
}

void Editor::Remove(NodeId n) { Release(Drop(n)); }

void Editor::KeepOutputs(NodeId n, size_t count) {
  std::vector<ValueId>& outputs = graph_.nodes[n].outputs;
  for (size_t i = count; i < outputs.size(); ++i) {
    if (outputs[i] != kNoValue) producers_[outputs[i]] = kNoNode;
  }
  if (outputs.size() > count) outputs.resize(count);
  changed_ = true;
}

void Editor::ReplaceReads(ValueId from, ValueId to) {
  for (NodeId reader : Readers(from)) {
    for (ValueId& input : graph_.nodes[reader].inputs) {
      if (input != from) continue;
      input = to;
      ++uses_[to];
    }
    readers_[to].push_back(reader);
    stale_[to] = true;
  }
  uses_[from] = 0;
  readers_[from].clear();
}

bool Editor::Bypass(NodeId n, size_t i) {
  const ValueId in = graph_.nodes[n].inputs[i], out = graph_.nodes[n].outputs[0];
  if (!is_output_[out]) {
    ReplaceReads(out, in);
    Remove(n);
    return true;
  }
  // The name of a graph output stays, so the node above has to make it.
  const NodeId above = Producer(in);
  if (above == kNoNode || is_output_[in]) return false;
  std::vector<ValueId> inputs = Drop(n);
  ReplaceReads(in, out);
  std::vector<ValueId>& outputs = graph_.nodes[above].outputs;
  std::replace(outputs.begin(), outputs.end(), in, out);
  producers_[in] = kNoNode;
  producers_[out] = above;
  Release(std::move(inputs));
  return true;
}

void Editor::SetShape(ValueId v, DType dtype, std::optional<Shape> shape) {
  graph_.values[v].dtype = dtype;
  graph_.values[v].shape = shape;
}

void Editor::SetOpset(int64_t version) {
  for (OpsetImport& import : graph_.opsets) {
    if (import.domain.empty() || import.domain == "ai.onnx") import.version = version;
  }
  opset_ = version;
  changed_ = true;
}

void Editor::RemoveDead() {
  for (NodeId n = static_cast<NodeId>(graph_.nodes.size()); n-- > 0;) {
    if (!alive_[n]) continue;
    const std::vector<ValueId>& outputs = graph_.nodes[n].outputs;
    if (std::all_of(outputs.begin(), outputs.end(), [&](ValueId v) { return v == kNoValue || Unused(v); })) Remove(n);
  }
}

Result<Graph> Editor::Finish() {
  if (!changed_) return std::move(graph_);
  std::vector<NodeId> order;
  for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
    if (alive_[n]) order.push_back(n);
  }
  // A node of the source comes behind those that were inserted before it, and those in the order of insertion.
  std::stable_sort(order.begin(), order.end(), [&](NodeId a, NodeId b) {
    if (place_[a] != place_[b]) return place_[a] < place_[b];
    return (place_[a] != a) > (place_[b] != b);
  });
  std::vector<Node> nodes;
  nodes.reserve(order.size());
  for (NodeId n : order) nodes.push_back(std::move(graph_.nodes[n]));
  graph_.nodes = std::move(nodes);
  Graph graph = Compacted(std::move(graph_));
  OCTAVO_RETURN_IF_ERROR(Resolve(graph, FindOperator, memory_->limits()));
  return graph;
}

}  // namespace octavo
