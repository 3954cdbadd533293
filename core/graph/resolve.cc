// Resolve: the gate between what a file claims and what every later stage relies on. All of it runs in time linear in
// the size of the graph (sorting, where a file needs it: n log n) and without recursion.
#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

#include "core/base/name_hash.h"
#include "core/graph/operator.h"

namespace octavo {
namespace {

const char* Name(AttributeType type) {
  switch (type) {
    case AttributeType::kInt:
      return "an int";
    case AttributeType::kFloat:
      return "a float";
    case AttributeType::kString:
      return "a string";
    case AttributeType::kTensor:
      return "a tensor";
    case AttributeType::kInts:
      return "a list of ints";
    case AttributeType::kFloats:
      return "a list of floats";
    case AttributeType::kStrings:
      return "a list of strings";
  }
  return "unknown";
}

// Attribute::value's alternatives stand in the order of AttributeType.
AttributeType TypeOf(const Attribute& attribute) { return static_cast<AttributeType>(attribute.value.index()); }

std::string Quoted(const std::string& name) { return "'" + Printable(name) + "'"; }

bool IsOnnxDomain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

Status CheckOpsets(const Graph& graph) {
  NameMap<int64_t> versions;
  for (const OpsetImport& import : graph.opsets) {
    const std::string_view domain = IsOnnxDomain(import.domain) ? std::string_view() : import.domain;
    const auto [found, added] = versions.emplace(domain, import.version);
    if (!added && found->second != import.version) {
      return Error(Code::kInvalidModel, "opset_import names domain %s twice, as %lld and as %lld",
                   Quoted(import.domain).c_str(), static_cast<long long>(found->second),
                   static_cast<long long>(import.version));
    }
  }
  if (!versions.count("")) {
    const auto foreign = [](const Node& node) { return !IsOnnxDomain(node.domain); };
    if (!graph.nodes.empty() && std::all_of(graph.nodes.begin(), graph.nodes.end(), foreign)) {
      return Error(Code::kUnsupported, "operators of domain %s are not supported",
                   Quoted(graph.nodes[0].domain).c_str());
    }
    return Error(Code::kInvalidModel, "opset_import does not name a version of ONNX's own operator set");
  }
  const int64_t opset = graph.opset();
  if (opset < 1) {
    return Error(Code::kInvalidModel, "opset_import names version %lld of ONNX's own operator set",
                 static_cast<long long>(opset));
  }
  if (opset < kOldestOpset || opset > kNewestOpset) {
    return Error(Code::kUnsupported, "operator set %lld is not supported, only %lld to %lld",
                 static_cast<long long>(opset), static_cast<long long>(kOldestOpset),
                 static_cast<long long>(kNewestOpset));
  }
  return Ok();
}

Status CheckLength(const std::string& text, const char* what, const Limits& limits) {
  if (text.size() <= limits.string_bytes) return Ok();
  return Error(Code::kLimit, "%s '%s' has %zu bytes, the limit is %llu", what, Printable(text).c_str(), text.size(),
               static_cast<unsigned long long>(limits.string_bytes));
}

// Ids are made by readers and passes, so a wrong one is a bug of ours, not of the file.
Status CheckIds(const Graph& graph) {
  const auto good = [&](const std::vector<ValueId>& ids, bool optional) {
    return std::all_of(ids.begin(), ids.end(),
                       [&](ValueId v) { return v < graph.values.size() || (optional && v == kNoValue); });
  };
  bool all = good(graph.inputs, false) && good(graph.outputs, false) && good(graph.initializers, false);
  for (const Node& node : graph.nodes) all = all && good(node.inputs, true) && good(node.outputs, true);
  return all ? Ok() : Error(Code::kInternal, "the graph refers to a value that does not exist");
}

// --- single nodes

Status AttachOperator(Node& node, int64_t opset, OperatorLookup lookup) {
  // Rows of plans trust whoever made the node, so a file must not.
  if (node.domain == kInternalDomain) {
    return Error(Code::kUnsupported, "domain %s is internal: it has no place in a file", Quoted(node.domain).c_str());
  }
  node.op = lookup(node.domain, node.op_type);
  const bool row = node.op != nullptr;
  if (row && opset >= node.op->since && opset <= node.op->until) return Ok();
  const std::string where = IsOnnxDomain(node.domain) ? "" : " of domain " + Quoted(node.domain);
  const std::string allowed =
      row ? ", only at " + std::to_string(node.op->since) + " to " + std::to_string(node.op->until) : "";
  return Error(Code::kUnsupported, "operator %s%s at opset %lld is not supported%s", Printable(node.op_type).c_str(),
               where.c_str(), static_cast<long long>(opset), allowed.c_str());
}

std::string Range(int low, int high) {
  if (high == kVariadic) return "at least " + std::to_string(low);
  if (low == high) return std::to_string(low);
  return std::to_string(low) + " to " + std::to_string(high);
}

Status CheckArity(const Node& node) {
  const Operator& op = *node.op;
  const auto present = [](const std::vector<ValueId>& ids) {  // trailing ones left out do not count
    size_t count = ids.size();
    while (count > 0 && ids[count - 1] == kNoValue) --count;
    return count;
  };
  const size_t inputs = present(node.inputs), outputs = present(node.outputs);
  if (inputs < static_cast<size_t>(op.min_inputs) || inputs > static_cast<size_t>(op.max_inputs)) {
    return Error(Code::kInvalidModel, "%zu inputs where %s are allowed", inputs,
                 Range(op.min_inputs, op.max_inputs).c_str());
  }
  for (size_t i = 0; i < inputs; ++i) {
    const bool required = i < static_cast<size_t>(op.min_inputs) || op.max_inputs == kVariadic;
    if (required && node.inputs[i] == kNoValue) {
      return Error(Code::kInvalidModel, "input %zu is left out but required", i);
    }
  }
  // An output that nobody wants may be left out wherever it stands, as long as one is wanted.
  if (node.outputs.size() < static_cast<size_t>(op.min_outputs) || outputs > static_cast<size_t>(op.max_outputs)) {
    return Error(Code::kInvalidModel, "%zu outputs where %s are allowed", node.outputs.size(),
                 Range(op.min_outputs, op.max_outputs).c_str());
  }
  if (outputs == 0) return Error(Code::kInvalidModel, "all outputs are left out");
  return Ok();
}

Status CheckAttributes(const Node& node) {
  const std::span<const AttributeSpec> specs = node.op->attributes;
  std::vector<bool> seen(specs.size(), false);
  for (const Attribute& attribute : node.attributes) {
    const auto spec =
        std::find_if(specs.begin(), specs.end(), [&](const AttributeSpec& s) { return attribute.name == s.name; });
    if (spec == specs.end()) {
      std::string allowed;
      for (const AttributeSpec& s : specs) allowed += (allowed.empty() ? "; it has " : ", ") + std::string(s.name);
      return Error(Code::kInvalidModel, "%s has no attribute %s%s", node.op->name, Quoted(attribute.name).c_str(),
                   allowed.c_str());
    }
    const size_t i = static_cast<size_t>(spec - specs.begin());
    if (seen[i]) return Error(Code::kInvalidModel, "attribute '%s' stands twice", spec->name);
    seen[i] = true;
    if (TypeOf(attribute) != spec->type) {
      return Error(Code::kInvalidModel, "attribute '%s' is %s, not %s", spec->name, Name(TypeOf(attribute)),
                   Name(spec->type));
    }
  }
  for (size_t i = 0; i < specs.size(); ++i) {
    if (specs[i].required && !seen[i]) {
      return Error(Code::kInvalidModel, "required attribute '%s' is missing", specs[i].name);
    }
  }
  return Ok();
}

Status CheckNode(Node& node, int64_t opset, OperatorLookup lookup, const Limits& limits) {
  OCTAVO_RETURN_IF_ERROR(CheckLength(node.name, "node name", limits));
  OCTAVO_RETURN_IF_ERROR(CheckLength(node.op_type, "operator type", limits));
  OCTAVO_RETURN_IF_ERROR(CheckLength(node.domain, "operator domain", limits));
  OCTAVO_RETURN_IF_ERROR(AttachOperator(node, opset, lookup));
  OCTAVO_RETURN_IF_ERROR(CheckArity(node));
  return CheckAttributes(node);
}

// --- how values and nodes hang together

Status CheckNames(const Graph& graph, const Limits& limits) {
  NameSet names;
  names.reserve(graph.values.size());
  for (const Value& value : graph.values) {
    if (value.name.empty()) return Error(Code::kInvalidModel, "a value has an empty name");
    OCTAVO_RETURN_IF_ERROR(CheckLength(value.name, "value name", limits));
    if (!names.insert(value.name).second) {
      return Error(Code::kInvalidModel, "two values are named %s", Quoted(value.name).c_str());
    }
  }
  return Ok();
}

// Gives each value its producer and makes sure that each has exactly one source: a node, the caller or a constant.
Status CheckSources(const Graph& graph, std::vector<NodeId>* producers) {
  std::vector<bool> is_input(graph.values.size(), false);
  for (ValueId v : graph.inputs) {
    if (is_input[v]) {
      return Error(Code::kInvalidModel, "graph input %s is listed twice", Quoted(graph.values[v].name).c_str());
    }
    if (graph.values[v].constant) {
      return Error(Code::kInternal, "graph input %s has contents", Quoted(graph.values[v].name).c_str());
    }
    is_input[v] = true;
  }
  for (ValueId v : graph.initializers) {
    if (!graph.values[v].constant) {
      return Error(Code::kInternal, "initializer %s has no contents", Quoted(graph.values[v].name).c_str());
    }
  }
  producers->assign(graph.values.size(), kNoNode);
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId v : graph.nodes[n].outputs) {
      if (v == kNoValue) continue;
      const Value& value = graph.values[v];
      NodeId& producer = (*producers)[v];
      if (producer != kNoNode) {
        return Error(Code::kInvalidModel, "%s: output %s is already made by %s", Label(graph, n).c_str(),
                     Quoted(value.name).c_str(), Label(graph, producer).c_str());
      }
      if (is_input[v] || value.constant) {
        return Error(Code::kInvalidModel, "%s: output %s is also a graph %s", Label(graph, n).c_str(),
                     Quoted(value.name).c_str(), is_input[v] ? "input" : "initializer");
      }
      producer = n;
    }
  }
  const auto has_source = [&](ValueId v) {
    return (*producers)[v] != kNoNode || is_input[v] || graph.values[v].constant;
  };
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId v : graph.nodes[n].inputs) {
      if (v != kNoValue && !has_source(v)) {
        return Error(Code::kInvalidModel, "%s: input %s is not made by any node, nor an input or initializer",
                     Label(graph, n).c_str(), Quoted(graph.values[v].name).c_str());
      }
    }
  }
  if (graph.outputs.empty()) return Error(Code::kInvalidModel, "the graph has no outputs");
  std::vector<bool> is_output(graph.values.size(), false);
  for (ValueId v : graph.outputs) {
    const std::string name = Quoted(graph.values[v].name);
    if (!has_source(v)) {
      return Error(Code::kInvalidModel, "graph output %s is not made by any node, nor an input or initializer",
                   name.c_str());
    }
    if (is_output[v]) return Error(Code::kInvalidModel, "graph output %s is listed twice", name.c_str());
    is_output[v] = true;
  }
  return Ok();
}

// Names the nodes of one cycle among those that could not be sorted.
Status DescribeCycle(const Graph& graph, const std::vector<NodeId>& producers, const std::vector<bool>& sorted) {
  // Each unsorted node reads an unsorted one, so walking up from any of them runs into a cycle.
  const auto above = [&](NodeId n) {
    for (ValueId v : graph.nodes[n].inputs) {
      if (v != kNoValue && producers[v] != kNoNode && !sorted[producers[v]]) return producers[v];
    }
    return kNoNode;
  };
  NodeId at = static_cast<NodeId>(std::find(sorted.begin(), sorted.end(), false) - sorted.begin());
  std::vector<bool> seen(graph.nodes.size(), false);
  while (!seen[at]) {
    seen[at] = true;
    at = above(at);
  }
  std::string path = Label(graph, at);
  size_t count = 0;
  for (NodeId n = at; count == 0 || n != at; ++count) {
    n = above(n);
    if (count < 3) path += " reads " + Label(graph, n);
  }
  if (count > 3) path += " reads ...";
  return Error(Code::kInvalidModel, "the graph has a cycle of %zu nodes: %s", count, path.c_str());
}

// Brings nodes behind their producers. Among nodes that are ready the one that stands first in the file goes first, so
// the result is the same everywhere and a sorted graph stays as it is.
Status SortNodes(Graph& graph, const std::vector<NodeId>& producers) {
  const size_t count = graph.nodes.size();
  std::vector<uint32_t> missing(count, 0);
  bool sorted = true;
  for (NodeId n = 0; n < count; ++n) {
    for (ValueId v : graph.nodes[n].inputs) {
      if (v == kNoValue || producers[v] == kNoNode) continue;
      ++missing[n];
      sorted = sorted && producers[v] < n;
    }
  }
  if (sorted) return Ok();

  const std::vector<std::vector<NodeId>> consumers = Consumers(graph);
  std::priority_queue<NodeId, std::vector<NodeId>, std::greater<NodeId>> ready;
  for (NodeId n = 0; n < count; ++n) {
    if (missing[n] == 0) ready.push(n);
  }
  std::vector<Node> nodes;
  nodes.reserve(count);
  std::vector<bool> placed(count, false);
  std::vector<NodeId> order;
  order.reserve(count);
  while (!ready.empty()) {
    const NodeId n = ready.top();
    ready.pop();
    order.push_back(n);
    placed[n] = true;
    for (ValueId v : graph.nodes[n].outputs) {
      if (v == kNoValue) continue;
      for (NodeId consumer : consumers[v]) {
        if (--missing[consumer] == 0) ready.push(consumer);
      }
    }
  }
  if (order.size() < count) return DescribeCycle(graph, producers, placed);
  for (NodeId n : order) nodes.push_back(std::move(graph.nodes[n]));
  graph.nodes = std::move(nodes);
  return Ok();
}

// --- inference

// Whether two statements about one value can both be true.
bool Agree(const Shape& a, const Shape& b) {
  if (a.rank() != b.rank()) return false;
  for (int i = 0; i < a.rank(); ++i) {
    if (a[i] != b[i] && a[i] != Shape::kUnknown && b[i] != Shape::kUnknown) return false;
  }
  return true;
}

Status Contradiction(const char* what, const Value& value, const Shape& found) {
  return Error(Code::kInvalidModel, "%s %s has shape %s, but the model states %s", what, Quoted(value.name).c_str(),
               found.ToString().c_str(), value.declared_shape->ToString().c_str());
}

// What the model feeds in: inputs and constants. `stated`: as in InferNode.
Status CheckGiven(Graph& graph, bool stated) {
  for (Value& value : graph.values) {
    if (!value.constant) continue;
    if (value.dtype != DType::kUndefined && value.dtype != value.constant->dtype()) {
      return Error(Code::kInvalidModel, "initializer %s is %s, but the model states %s", Quoted(value.name).c_str(),
                   octavo::Name(value.constant->dtype()), octavo::Name(value.dtype));
    }
    if (value.declared_shape && !Agree(*value.declared_shape, value.constant->shape())) {
      return Contradiction("initializer", value, value.constant->shape());
    }
    value.dtype = value.constant->dtype();
    value.shape = value.constant->shape();
  }
  for (ValueId v : graph.inputs) {
    Value& value = graph.values[v];
    if (!IsSupported(value.dtype)) {
      return Error(value.dtype == DType::kUndefined ? Code::kInvalidModel : Code::kUnsupported,
                   "graph input %s has element type %s", Quoted(value.name).c_str(), octavo::Name(value.dtype));
    }
    if (value.shape && value.shape->IsKnown()) {
      const Status size = CheckedElements(*value.shape, value.dtype).status();
      OCTAVO_RETURN_IF_ERROR(size.Within("graph input " + Quoted(value.name)));
    }
    if (value.shape && value.declared_shape && !Agree(*value.shape, *value.declared_shape)) {
      if (stated) return Contradiction("graph input", value, *value.shape);
      value.declared_shape.reset();
    }
  }
  return Ok();
}

// Runs the node's shape rule and takes over what it says. `stated`: what the values say already was read from a model
// and must agree; otherwise it is left over from earlier input shapes.
Status InferNode(Graph& graph, NodeId n, int64_t opset, bool stated) {
  const Node& node = graph.nodes[n];
  InferContext context(graph, n, opset);
  OCTAVO_RETURN_IF_ERROR(node.op->infer(context));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    Value& value = graph.values[node.outputs[i]];
    const InferContext::Output& result = context.results()[i];
    if (!IsSupported(result.dtype)) {
      return Error(Code::kInternal, "the shape rule of %s gives output %zu the type %s", node.op->name, i,
                   octavo::Name(result.dtype));
    }
    if (stated && value.dtype != DType::kUndefined && value.dtype != result.dtype) {
      return Error(Code::kInvalidModel, "output %s is %s, but the model states %s", Quoted(value.name).c_str(),
                   octavo::Name(result.dtype), octavo::Name(value.dtype));
    }
    if (result.shape && result.shape->IsKnown()) {
      OCTAVO_RETURN_IF_ERROR(CheckedElements(*result.shape, result.dtype).status());
    }
    if (result.shape && value.declared_shape && !Agree(*result.shape, *value.declared_shape)) {
      if (stated) return Contradiction("output", value, *result.shape);
      value.declared_shape.reset();
      value.dim_names.clear();
    }
    value.dtype = result.dtype;
    value.shape = result.shape;
  }
  return Ok();
}

Status InferAll(Graph& graph, bool stated) {
  const int64_t opset = graph.opset();
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    const Status status = InferNode(graph, n, opset, stated);
    if (!status.ok()) return status.Within(Label(graph, n));
  }
  return Ok();
}

}  // namespace

Status Resolve(Graph& graph, OperatorLookup lookup, const Limits& limits) {
  OCTAVO_RETURN_IF_ERROR(CheckOpsets(graph));
  if (graph.nodes.size() > limits.nodes) {
    return Error(Code::kLimit, "the graph has %zu nodes, the limit is %llu", graph.nodes.size(),
                 static_cast<unsigned long long>(limits.nodes));
  }
  OCTAVO_RETURN_IF_ERROR(CheckIds(graph));
  OCTAVO_RETURN_IF_ERROR(CheckNames(graph, limits));
  const int64_t opset = graph.opset();
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    const Status status = CheckNode(graph.nodes[n], opset, lookup, limits);
    if (!status.ok()) return status.Within(Label(graph, n));
  }
  std::vector<NodeId> producers;
  OCTAVO_RETURN_IF_ERROR(CheckSources(graph, &producers));
  OCTAVO_RETURN_IF_ERROR(SortNodes(graph, producers));
  OCTAVO_RETURN_IF_ERROR(CheckGiven(graph, true));
  return InferAll(graph, true);
}

Status InferGraph(Graph& graph) {
  OCTAVO_RETURN_IF_ERROR(CheckGiven(graph, false));
  return InferAll(graph, false);
}

}  // namespace octavo
