#include "core/plan/rewrite.h"

#include <algorithm>
#include <utility>

#include "core/ops/table.h"

namespace octavo {
namespace {

bool IsByte(DType dtype) { return dtype == DType::kUInt8 || dtype == DType::kInt8; }

// int8 to the uint8 that stands for it, and back.
const Rewrite::ByteTable& ShiftTable() {
  static const Rewrite::ByteTable table = [] {
    Rewrite::ByteTable shifted;
    for (size_t i = 0; i < 256; ++i) shifted[i] = static_cast<uint8_t>(i ^ 128);
    return shifted;
  }();
  return table;
}

}  // namespace

Rewrite::Rewrite(const Graph& source, const MemoryPtr& memory)
    : index_(source),
      memory_(memory),
      graph_(source),
      states_(source.values.size()),
      taken_(source.nodes.size(), false),
      decisions_(source.nodes.size()) {
  graph_.nodes.clear();
  for (ValueId v = 0; v < source.values.size(); ++v) {
    names_.insert(source.values[v].name);
    states_[v].emitted = index_.producers[v] == kNoNode;
  }
}

// ------------------------------------------------------------------------------------------------ the result

ValueId Rewrite::NewValue(const std::string& base, DType type) {
  std::string unique = base;
  for (size_t i = 1; !names_.insert(unique).second; ++i) unique = base + "_" + std::to_string(i);
  states_.emplace_back().emitted = true;
  return graph_.AddValue(std::move(unique), type);
}

ValueId Rewrite::NewConstant(const std::string& base, Tensor tensor) {
  const ValueId v = NewValue(base, tensor.dtype());
  graph_.values[v].shape = tensor.shape();
  graph_.values[v].constant = std::move(tensor);
  return v;
}

void Rewrite::Emit(std::string op, std::string node_name, std::vector<ValueId> inputs, std::vector<ValueId> outputs,
                   std::vector<Attribute> attributes) {
  Node node;
  node.op_type = std::move(op);
  node.name = std::move(node_name);
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  node.attributes = std::move(attributes);
  node.op = FindOperator("", node.op_type);
  graph_.nodes.push_back(std::move(node));
}

void Rewrite::EmitInternal(std::string op, std::string node_name, std::vector<ValueId> inputs, ValueId output,
                           std::vector<Attribute> attributes) {
  Emit(std::move(op), std::move(node_name), std::move(inputs), {output}, std::move(attributes));
  Node& node = graph_.nodes.back();
  node.domain = kInternalDomain;
  node.op = FindOperator(node.domain, node.op_type);
}

void Rewrite::EmitAs(NodeId n, std::vector<ValueId> inputs, std::vector<ValueId> outputs) {
  Node copy = node(n);
  copy.inputs = std::move(inputs);
  copy.outputs = std::move(outputs);
  graph_.nodes.push_back(std::move(copy));
}

Result<ValueId> Rewrite::EmitTable(const std::string& base, ValueId from, const ByteTable& table) {
  OCTAVO_ASSIGN_OR_RETURN(const ValueId constant,
                          NewVector<uint8_t>(base + "_table", std::vector<uint8_t>(table.begin(), table.end())));
  const ValueId to = NewValue(base, DType::kUInt8);
  EmitInternal("Table", base, {from, constant}, to, {});
  return to;
}

Status Rewrite::Keep(NodeId n) {
  const Refusal refusal = std::exchange(refusal_, {});  // what is needed first has reasons of its own
  for (ValueId v : node(n).inputs) {
    if (v != kNoValue) OCTAVO_RETURN_IF_ERROR(Need(v));
  }
  refusal_ = refusal;
  EmitKept(n);
  refusal_ = {};
  return Ok();
}

void Rewrite::Defer(NodeId n) {
  for (ValueId v : node(n).outputs) {
    if (v != kNoValue) states_[v].deferred = n;
  }
}

bool Rewrite::Refuse(const char* reason, std::string sentence) {
  if (refusal_.reason.empty()) refusal_ = {reason, std::move(sentence)};
  return false;
}

void Rewrite::EmitKept(NodeId n) {
  const Node& kept = node(n);
  for (ValueId v : kept.outputs) {
    if (v != kNoValue) states_[v].emitted = true;
  }
  graph_.nodes.push_back(kept);
  NodeDecision& decision = decisions_[n];
  const ValueId out = kept.outputs.empty() ? kNoValue : kept.outputs[0];
  const DType type = out == kNoValue ? DType::kUndefined : dtype(out);
  if (IsByte(type) || kept.op->quant == QuantRule::kQuantized) return;
  decision.precision = Name(type);
  const Refusal why = WhyKept(n);
  decision.reason = why.reason;
  decision.sentence = why.sentence;
}

Rewrite::Refusal Rewrite::WhyKept(NodeId n) const {
  const Node& kept = node(n);
  const Operator& op = *kept.op;
  if (kept.outputs.empty() || kept.outputs[0] == kNoValue || !IsFloating(dtype(kept.outputs[0]))) {
    return {"not_float", "it computes shapes, indices or conditions, nothing that has an 8-bit form"};
  }
  if (!refusal_.reason.empty()) return refusal_;
  if (op.quant == QuantRule::kNone) {
    return {"no_integer_form", op.why_float ? op.why_float : "this operator has no integer form"};
  }
  for (ValueId v : kept.inputs) {
    if (v != kNoValue && !IsConstant(v) && IsFloating(dtype(v)) && !Argument(v)) {
      return {"not_quantized", "not all of its inputs are 8-bit values behind a DequantizeLinear"};
    }
  }
  for (ValueId v : kept.outputs) {
    if (v != kNoValue && index_.is_output[v]) {
      return {"graph_boundary", "its result leaves the network in float"};
    }
  }
  return {"output_not_quantized", "its result goes on in float: no QuantizeLinear reads it"};
}

Result<Graph> Rewrite::Finish() {
  for (ValueId v : graph_.outputs) OCTAVO_RETURN_IF_ERROR(Need(v));
  std::vector<bool> used(graph_.values.size(), false);
  for (ValueId v : graph_.outputs) used[v] = true;
  std::vector<Node> kept;
  for (size_t i = graph_.nodes.size(); i-- > 0;) {
    Node& candidate = graph_.nodes[i];
    const bool wanted = std::any_of(candidate.outputs.begin(), candidate.outputs.end(),
                                    [&](ValueId v) { return v != kNoValue && used[v]; });
    if (!wanted) continue;
    for (ValueId v : candidate.inputs) {
      if (v != kNoValue) used[v] = true;
    }
    kept.push_back(std::move(candidate));
  }
  std::reverse(kept.begin(), kept.end());
  graph_.nodes = std::move(kept);
  return Compacted(std::move(graph_));
}

std::vector<NodeDecision> Rewrite::Decisions() const {
  std::vector<NodeDecision> decisions;
  for (NodeId n = 0; n < decisions_.size(); ++n) {
    if (IsQuantizeLinear(node(n)) || IsDequantizeLinear(node(n))) continue;
    NodeDecision decision = decisions_[n];
    decision.node = node(n).name;
    decision.op = node(n).op_type;
    if (decision.precision.empty()) decision.precision = "int8";
    decisions.push_back(std::move(decision));
  }
  return decisions;
}

// ------------------------------------------------------------------------------------------------ values

Status Rewrite::Need(ValueId wanted) {
  std::vector<ValueId> stack = {wanted};  // a file decides the depth, so no recursion
  while (!stack.empty()) {
    const ValueId v = stack.back();
    if (states_[v].emitted) {
      stack.pop_back();
      continue;
    }
    if (states_[v].bytes != kNoValue) {
      states_[v].emitted = true;
      if (dtype(v) == DType::kUInt8) {
        Emit("Identity", name(v), {states_[v].bytes}, {v});
      } else {
        const ByteTable& shift = ShiftTable();
        OCTAVO_ASSIGN_OR_RETURN(const ValueId table,
                                NewVector<int8_t>(name(v) + "_table", std::vector<int8_t>(shift.begin(), shift.end())));
        EmitInternal("Table", name(v), {states_[v].bytes, table}, v, {});
      }
      continue;
    }
    const NodeId n = states_[v].deferred;
    if (states_[v].quantized && (n == kNoNode || !IsConstant(states_[v].quantized->raw))) {
      const Quantized q = *states_[v].quantized;
      if (states_[q.raw].bytes == kNoValue && !states_[q.raw].emitted) {
        stack.push_back(q.raw);
        continue;
      }
      OCTAVO_ASSIGN_OR_RETURN(const ValueId bytes, Bytes(q.raw));
      OCTAVO_ASSIGN_OR_RETURN(const ValueId scale, NewScalar(name(v) + "_scale", q.params.scale));
      OCTAVO_ASSIGN_OR_RETURN(const ValueId zero,
                              NewScalar(name(v) + "_zero_point", static_cast<uint8_t>(q.params.zero)));
      states_[v].emitted = true;
      Emit("DequantizeLinear", name(v) + "_DequantizeLinear", {bytes, scale, zero}, {v});
      continue;
    }
    if (n == kNoNode) {
      return Error(Code::kInternal, "value '%s' was taken over but is needed", Printable(name(v)).c_str());
    }
    const size_t depth = stack.size();
    for (ValueId input : node(n).inputs) {
      if (input != kNoValue && !states_[input].emitted) stack.push_back(input);
    }
    if (stack.size() == depth) EmitKept(n);
  }
  return Ok();
}

Result<ValueId> Rewrite::Bytes(ValueId raw) {
  if (states_[raw].bytes != kNoValue) return states_[raw].bytes;
  ValueId bytes = raw;
  if (dtype(raw) == DType::kUInt8) {
    OCTAVO_RETURN_IF_ERROR(Need(raw));
  } else if (IsConstant(raw)) {
    OCTAVO_ASSIGN_OR_RETURN(Tensor shifted, Tensor::Create(memory_, DType::kUInt8, constant(raw).shape()));
    const auto from = constant(raw).data<int8_t>();
    for (size_t i = 0; i < from.size(); ++i) {
      shifted.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(from[i] + 128);
    }
    bytes = NewConstant(name(raw) + "_uint8", std::move(shifted));
  } else {
    OCTAVO_RETURN_IF_ERROR(Need(raw));
    OCTAVO_ASSIGN_OR_RETURN(bytes, EmitTable(name(raw) + "_uint8", raw, ShiftTable()));
  }
  states_[raw].bytes = bytes;
  return bytes;
}

ValueId Rewrite::Deliver(ValueId raw) {
  if (dtype(raw) == DType::kUInt8) {
    states_[raw].emitted = true;
    return states_[raw].bytes = raw;
  }
  const ValueId bytes = NewValue(name(raw) + "_uint8", DType::kUInt8);
  return states_[raw].bytes = bytes;
}

ValueId Rewrite::Deliver(const Tail& tail) {
  for (NodeId n : tail.nodes) Take(n);
  for (NodeId n : tail.quantizers) Take(n);
  const ValueId bytes = Deliver(node(tail.quantizers[0]).outputs[0]);
  for (NodeId n : tail.quantizers) states_[node(n).outputs[0]].bytes = bytes;
  return bytes;
}

void Rewrite::SetQuantized(ValueId v, ValueId raw, const QParams& params) { states_[v].quantized = {raw, params}; }

void Rewrite::SetQuantizedNew(ValueId v, ValueId bytes, const QParams& params) {
  states_[bytes].bytes = bytes;
  SetQuantized(v, bytes, params);
}

const Rewrite::Quantized* Rewrite::Argument(ValueId v) const {
  const State& state = states_[v];
  return state.argument ? &*state.argument : state.quantized ? &*state.quantized : nullptr;
}

Result<Tensor> Rewrite::FunctionOf(ValueId v) {
  if (states_[v].argument) return states_[v].function;
  OCTAVO_ASSIGN_OR_RETURN(Tensor identity, Tensor::Create(memory_, DType::kFloat, Shape{256}));
  for (int32_t i = 0; i < 256; ++i) {
    identity.mutable_data<float>()[static_cast<size_t>(i)] = DequantizeByte(i, states_[v].quantized->params);
  }
  return identity;
}

void Rewrite::SetFunction(NodeId n, const Quantized& argument, Tensor function) {
  State& state = states_[node(n).outputs[0]];
  state.argument = argument;
  state.function = std::move(function);
  state.deferred = n;
}

Rewrite::ByteTable Rewrite::QuantizeFunction(const Tensor& function, const QParams& params) {
  ByteTable table;
  for (size_t i = 0; i < table.size(); ++i) table[i] = QuantizeByte(function.data<float>()[i], params);
  return table;
}

Result<std::optional<Rewrite::Quantized>> Rewrite::AsQuantized(ValueId v) {
  if (states_[v].quantized || !states_[v].argument) return states_[v].quantized;
  const Quantized argument = *states_[v].argument;
  const ByteTable table = QuantizeFunction(states_[v].function, argument.params);
  for (size_t i = 0; i < table.size(); ++i) {
    if (DequantizeByte(table[i], argument.params) != states_[v].function.data<float>()[i]) {
      return std::optional<Quantized>();
    }
  }
  OCTAVO_ASSIGN_OR_RETURN(const ValueId from, Bytes(argument.raw));
  OCTAVO_ASSIGN_OR_RETURN(const ValueId to, EmitTable(name(v) + "_quantized", from, table));
  SetQuantizedNew(v, to, argument.params);
  return states_[v].quantized;
}

Result<ValueId> Rewrite::BytesUnder(ValueId v, const QParams& params) {
  if (states_[v].quantized && states_[v].quantized->params == params) return Bytes(states_[v].quantized->raw);
  const Quantized argument = *Argument(v);
  OCTAVO_ASSIGN_OR_RETURN(const Tensor function, FunctionOf(v));
  OCTAVO_ASSIGN_OR_RETURN(const ValueId from, Bytes(argument.raw));
  return EmitTable(name(v) + "_requantized", from, QuantizeFunction(function, params));
}

}  // namespace octavo
