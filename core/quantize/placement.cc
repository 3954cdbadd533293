#include "core/quantize/placement.h"

#include <algorithm>
#include <numeric>

#include "core/quantize/cost.h"

namespace octavo {
namespace {

bool IsClamp(const Node& node) { return node.op_type == "Relu" || node.op_type == "Clip"; }

class Placer {
 public:
  Placer(const Graph& graph, const Recipe& recipe)
      : graph_(graph), recipe_(recipe), producers_(Producers(graph)), consumers_(Consumers(graph)) {
    is_output_.resize(graph.values.size(), false);
    for (ValueId v : graph.outputs) is_output_[v] = true;
    placement_.unit_of.assign(graph.nodes.size(), -1);
    placement_.quantized.assign(graph.values.size(), false);
  }

  Result<Placement> Run() {
    OCTAVO_RETURN_IF_ERROR(CheckRulesMatch());
    keep_float_.resize(graph_.nodes.size());
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      keep_float_[n] = RuleFor(recipe_, graph_.nodes[n]).keep_float.value_or(false);
    }
    FormWeightedUnits();
    FormTableUnits();
    FormOtherUnits();
    SortUnits();
    ChooseInt8();
    if (recipe_.scheme != Scheme::kWeightOnly) KeepFasterInFloat(graph_, recipe_, &placement_);
    ChooseQuantizedValues();
    ShareParams();
    Explain();
    return std::move(placement_);
  }

 private:
  Status CheckRulesMatch() const {
    for (size_t i = 0; i < recipe_.nodes.size(); ++i) {
      const NodeRule& rule = recipe_.nodes[i];
      const bool matched = std::any_of(graph_.nodes.begin(), graph_.nodes.end(),
                                       [&](const Node& node) { return rule.Matches(node.op_type, node.name); });
      if (matched) continue;
      return Error(Code::kInvalidData, "recipe: nodes[%zu] (op '%s', name '%s') matches none of the model's %zu nodes",
                   i, Printable(rule.match_op).c_str(), Printable(rule.match_name).c_str(), graph_.nodes.size());
    }
    return Ok();
  }

  const Node& node(NodeId n) const { return graph_.nodes[n]; }
  bool IsConstant(ValueId v) const { return v != kNoValue && graph_.values[v].constant.has_value(); }
  bool IsFloat(ValueId v) const { return v != kNoValue && graph_.values[v].dtype == DType::kFloat; }
  bool IsScalarConstant(ValueId v) const { return IsConstant(v) && graph_.values[v].constant->elements() == 1; }
  bool Taken(NodeId n) const { return placement_.unit_of[n] >= 0; }

  // The row's rule, but what resizes hands on its input's parameters: interpolation stays within the range of what it
  // reads, or overshoots a little, for which the common range of both sides has room.
  QuantRule RuleOf(NodeId n) const {
    return node(n).op->lowering == Lowering::kResize ? QuantRule::kMove : node(n).op->quant;
  }

  // The only reader of node n's only result, if that result is seen by nobody else.
  NodeId OnlyReader(NodeId n) const {
    const Node& from = node(n);
    if (from.outputs.size() != 1 || from.outputs[0] == kNoValue) return kNoNode;
    const ValueId v = from.outputs[0];
    return consumers_[v].size() == 1 && !is_output_[v] ? consumers_[v][0] : kNoNode;
  }

  // Clip with bounds that are not constant cannot be folded into a step.
  bool HasConstantParameters(NodeId n) const {
    const Node& node_n = node(n);
    for (size_t i = 1; i < node_n.inputs.size(); ++i) {
      if (node_n.inputs[i] != kNoValue && !IsConstant(node_n.inputs[i])) return false;
    }
    return true;
  }

  Unit& AddUnit(QuantRule rule, std::vector<NodeId> nodes, std::vector<ValueId> inputs) {
    Unit unit;
    unit.rule = rule;
    unit.output = node(nodes.back()).outputs[0];
    for (NodeId n : nodes) placement_.unit_of[n] = static_cast<int>(placement_.units.size());
    unit.nodes = std::move(nodes);
    unit.inputs = std::move(inputs);
    placement_.units.push_back(std::move(unit));
    return placement_.units.back();
  }

  void Refuse(Unit& unit, const char* reason, std::string sentence) {
    unit.reason = reason;
    unit.sentence = std::move(sentence);
  }

  // Appends the clamp that alone reads the last node, if there is one.
  void AppendClamp(std::vector<NodeId>& nodes) const {
    const NodeId next = OnlyReader(nodes.back());
    if (next == kNoNode || !IsClamp(node(next)) || Taken(next) || keep_float_[next]) return;
    if (node(next).inputs[0] == node(nodes.back()).outputs[0] && HasConstantParameters(next)) nodes.push_back(next);
  }

  // Appends an Add of a constant vector along the last axis: the bias of a MatMul.
  void AppendBias(std::vector<NodeId>& nodes) const {
    const Node& product = node(nodes.back());
    const NodeId next = OnlyReader(nodes.back());
    if (next == kNoNode || node(next).op_type != "Add" || Taken(next) || keep_float_[next]) return;
    const Node& add = node(next);
    const ValueId bias = add.inputs[0] == product.outputs[0] ? add.inputs[1] : add.inputs[0];
    const Shape& weights = *graph_.values[product.inputs[1]].shape;
    if (!IsConstant(bias)) return;
    const Shape& shape = graph_.values[bias].constant->shape();
    if (shape.rank() >= 1 && shape.Elements() == shape[shape.rank() - 1] &&
        shape.Elements() == weights[weights.rank() - 1]) {
      nodes.push_back(next);
    }
  }

  void FormWeightedUnits() {
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node_n = node(n);
      if (node_n.op->quant != QuantRule::kWeighted) continue;
      std::vector<NodeId> nodes = {n};
      const ValueId weights = node_n.inputs.size() > 1 ? node_n.inputs[1] : kNoValue;
      const bool constant_weights = IsConstant(weights) && IsFloat(weights);
      const bool constant_bias = !node_n.has_input(2) || IsConstant(node_n.inputs[2]);
      const bool matmul = node_n.op_type == "MatMul";
      if (matmul && constant_weights && graph_.values[weights].shape->rank() == 2) AppendBias(nodes);
      AppendClamp(nodes);
      Unit& unit = AddUnit(QuantRule::kWeighted, std::move(nodes), {node_n.inputs[0]});
      unit.int8 = false;
      if (!IsFloat(node_n.inputs[0]) || !IsFloat(node_n.outputs[0])) {
        Refuse(unit, "not_float32", "its activations are not float32");
      } else if (!constant_weights) {
        Refuse(unit, "weights_not_constant", "its second operand is computed, not a constant float32 weight");
      } else if (!constant_bias) {
        Refuse(unit, "bias_not_constant", "its bias is computed");
      } else if (matmul && graph_.values[weights].shape->rank() != 2) {
        Refuse(unit, "weight_rank",
               "its weights have rank " + std::to_string(graph_.values[weights].shape->rank()) +
                   "; batched weights are not quantized");
      } else if (IsConstant(node_n.inputs[0])) {
        Refuse(unit, "constant_input", "its input is a constant");
      } else {
        RefuseUnusualWeights(unit, node_n);
      }
    }
  }

  void RefuseUnusualWeights(Unit& unit, const Node& node_n) {
    const NodeReader reader(node_n, graph_.opset());
    const Tensor& weights = *graph_.values[node_n.inputs[1]].constant;
    const int axis = OutputChannelAxis(node_n);
    if (weights.elements() == 0) return Refuse(unit, "empty_weights", "its weights have no elements");
    const int64_t channels = axis < 0 ? 1 : weights.shape()[axis];
    // |bias| <= 2^29 (static_scheme.cc) and 255 * 127 * k must stay below 2^31 together.
    constexpr int64_t kMostSummed = ((int64_t{1} << 31) - (int64_t{1} << 29)) / (255 * 127);
    if (weights.elements() / channels > kMostSummed) {
      return Refuse(unit, "accumulator_overflow",
                    "it sums " + std::to_string(weights.elements() / channels) + " products; 32-bit sums hold " +
                        std::to_string(kMostSummed));
    }
    if (node_n.op_type != "Gemm") return;
    if (reader.Int("transA", 0) != 0) return Refuse(unit, "transposed_input", "transA is set");
    if (!node_n.has_input(2)) return;
    const Shape& bias = graph_.values[node_n.inputs[2]].constant->shape();
    const int64_t elements = bias.Elements();
    if (elements != 1 && (elements != channels || bias[bias.rank() - 1] != channels)) {
      Refuse(unit, "bias_shape", "its bias has shape " + bias.ToString() + ", which is not one value a column");
    }
  }

  // Whether node n computes each element of its result from the same element of exactly one non-constant value; that
  // value is stored in *operand. Binary operators count when the other operand is a scalar constant.
  bool IsUnaryFunction(NodeId n, ValueId* operand) const {
    const Node& node_n = node(n);
    if (node_n.outputs.size() != 1 || !IsFloat(node_n.outputs[0])) return false;
    if (node_n.op->quant == QuantRule::kTable && node_n.op->lowering == Lowering::kUnary) {
      *operand = node_n.inputs[0];
      return IsFloat(*operand) && !IsConstant(*operand) && HasConstantParameters(n);
    }
    if (node_n.op->lowering != Lowering::kBinary || node_n.inputs.size() != 2) return false;
    const ValueId a = node_n.inputs[0], b = node_n.inputs[1];
    if (!IsFloat(a) || !IsFloat(b) || IsConstant(a) == IsConstant(b)) return false;
    *operand = IsConstant(a) ? b : a;
    const ValueId constant = IsConstant(a) ? a : b;
    const auto& shape = graph_.values[*operand].shape;
    // A constant of higher rank would broadcast the operand.
    return IsScalarConstant(constant) &&
           graph_.values[constant].constant->shape().rank() <= (shape ? shape->rank() : 0);
  }

  // Whether each element of node n's result depends on one element of each of *operands, its non-constant inputs.
  bool IsElementwise(NodeId n, std::vector<ValueId>* operands) const {
    const Node& node_n = node(n);
    ValueId operand = kNoValue;
    if (IsUnaryFunction(n, &operand)) {
      *operands = {operand};
      return true;
    }
    const bool binary = node_n.op->lowering == Lowering::kBinary && node_n.inputs.size() == 2 &&
                        IsFloat(node_n.outputs[0]) &&
                        std::all_of(node_n.inputs.begin(), node_n.inputs.end(),
                                    [&](ValueId v) { return IsFloat(v) && !IsConstant(v); });
    if (binary) *operands = node_n.inputs;
    return binary;
  }

  // The largest set of nodes that ends in `last` and through which its result depends on a single value, *root: x *
  // f(x) and the like. Empty if there is none. Values inside must not be seen outside.
  std::vector<NodeId> TableNodes(NodeId last, ValueId* root) const {
    std::vector<ValueId> open, operands;  // open: what `nodes` read and no member makes
    if (!IsElementwise(last, &open)) return {};
    constexpr size_t kMostNodes = 16;
    std::vector<NodeId> nodes = {last}, found;
    const auto is_member = [&](NodeId n) { return std::find(nodes.begin(), nodes.end(), n) != nodes.end(); };
    for (bool grown = true; grown;) {
      std::sort(open.begin(), open.end());
      open.erase(std::unique(open.begin(), open.end()), open.end());
      if (open.size() == 1) found = nodes, *root = open[0];
      grown = false;
      for (size_t i = 0; i < open.size() && !grown; ++i) {
        const NodeId maker = producers_[open[i]];
        if (maker == kNoNode || Taken(maker) || keep_float_[maker] || is_output_[open[i]]) continue;
        if (nodes.size() == kMostNodes || !IsElementwise(maker, &operands)) continue;
        const auto& readers = consumers_[open[i]];
        if (!std::all_of(readers.begin(), readers.end(), is_member)) continue;
        nodes.push_back(maker);
        open.erase(open.begin() + static_cast<ptrdiff_t>(i));
        open.insert(open.end(), operands.begin(), operands.end());
        grown = true;
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  // A clamp right behind an operator with arithmetic of its own, which will take it into its step.
  bool IsClampOfArithmetic(NodeId n) const {
    if (!IsClamp(node(n)) || !HasConstantParameters(n)) return false;
    const NodeId maker = producers_[node(n).inputs[0]];
    return maker != kNoNode && node(maker).op->quant == QuantRule::kArithmetic && !Taken(maker) &&
           OnlyReader(maker) == n;
  }

  void FormTableUnits() {
    for (NodeId n = static_cast<NodeId>(graph_.nodes.size()); n-- > 0;) {  // last first: the largest groups
      if (Taken(n) || keep_float_[n]) continue;
      ValueId root = kNoValue;
      std::vector<NodeId> nodes = TableNodes(n, &root);
      if (nodes.empty() || (nodes.size() == 1 && IsClampOfArithmetic(n))) continue;
      AddUnit(QuantRule::kTable, std::move(nodes), {root});
    }
  }

  void FormOtherUnits() {
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node_n = node(n);
      const QuantRule rule = RuleOf(n);
      if (Taken(n) || rule == QuantRule::kNone || rule == QuantRule::kQuantized || rule == QuantRule::kTable ||
          node_n.outputs.empty() || !IsFloat(node_n.outputs[0])) {
        continue;
      }
      std::vector<ValueId> inputs;
      bool constant_parameters = true;
      for (size_t i = 0; i < node_n.inputs.size(); ++i) {
        const ValueId v = node_n.inputs[i];
        if (v == kNoValue) continue;
        // The first input carries the data, of joins and binary operators all do; the rest are parameters.
        const bool data = i == 0 || rule == QuantRule::kJoin || node_n.op->lowering == Lowering::kBinary;
        if (data) {
          if (std::find(inputs.begin(), inputs.end(), v) == inputs.end()) inputs.push_back(v);
        } else if (rule == QuantRule::kArithmetic) {
          constant_parameters &= IsConstant(v);
        }
      }
      std::vector<NodeId> nodes = {n};
      if (rule == QuantRule::kArithmetic) AppendClamp(nodes);
      const bool other_outputs = std::any_of(node_n.outputs.begin() + 1, node_n.outputs.end(), [&](ValueId v) {
        return v != kNoValue && (!consumers_[v].empty() || is_output_[v]);
      });
      const bool all_float = std::all_of(inputs.begin(), inputs.end(), [&](ValueId v) { return IsFloat(v); });
      const bool all_constant = std::all_of(inputs.begin(), inputs.end(), [&](ValueId v) { return IsConstant(v); });
      Unit& unit = AddUnit(rule, std::move(nodes), std::move(inputs));
      if (!all_float || all_constant) {
        Refuse(unit, "not_float32", "its inputs are not float32 activations");
      } else if (!constant_parameters) {
        Refuse(unit, "parameters_not_constant", "its parameters are computed");
      } else if (other_outputs && node_n.op_type != "Split") {
        Refuse(unit, "several_outputs", "a second output of it is used");
      }
    }
  }

  // Table units were found backwards; everything after relies on the graph's order.
  void SortUnits() {
    std::vector<Unit>& units = placement_.units;
    std::stable_sort(units.begin(), units.end(),
                     [](const Unit& a, const Unit& b) { return a.nodes.back() < b.nodes.back(); });
    for (size_t u = 0; u < units.size(); ++u) {
      for (NodeId n : units[u].nodes) placement_.unit_of[n] = static_cast<int>(u);
    }
  }

  // Every output of a unit; only Split has more than one.
  const std::vector<ValueId> Outputs(const Unit& unit) const {
    return unit.nodes.size() == 1 ? node(unit.nodes[0]).outputs : std::vector<ValueId>{unit.output};
  }

  bool Shrinks(const Unit& unit) const {
    const auto &from = graph_.values[unit.inputs[0]].shape, &to = graph_.values[unit.output].shape;
    return from && to && ElementsOf(*to) < ElementsOf(*from);
  }

  void ChooseInt8() {
    std::vector<Unit>& units = placement_.units;
    for (Unit& unit : units) {
      for (NodeId n : unit.nodes) {
        if (keep_float_[n]) Refuse(unit, "keep_float", "the recipe keeps it in float");
      }
    }
    // Backwards: does a weighted unit follow? Movement whose every reader is a weighted unit or such movement is worth
    // doing in 8 bit even before the first of them.
    std::vector<bool> feeds_weighted(units.size(), false), feeds_only_int8(units.size(), false);
    for (size_t u = units.size(); u-- > 0;) {
      bool any = false, only = true;
      for (ValueId v : Outputs(units[u])) {
        if (v == kNoValue) continue;
        only &= !is_output_[v];
        for (NodeId reader : consumers_[v]) {
          const int r = placement_.unit_of[reader];
          const bool candidate = r >= 0 && units[static_cast<size_t>(r)].reason.empty();
          any |= candidate &&
                 (units[static_cast<size_t>(r)].rule == QuantRule::kWeighted || feeds_weighted[static_cast<size_t>(r)]);
          only &= candidate && (units[static_cast<size_t>(r)].rule == QuantRule::kWeighted ||
                                feeds_only_int8[static_cast<size_t>(r)]);
        }
      }
      feeds_weighted[u] = any;
      feeds_only_int8[u] = any && only && units[u].rule == QuantRule::kMove;
    }
    // Forwards: 8-bit values begin at weighted units and flow on.
    std::vector<bool> eight_bit(graph_.values.size(), false);
    for (size_t u = 0; u < units.size(); ++u) {
      Unit& unit = units[u];
      if (!unit.reason.empty()) continue;
      const bool reached = std::all_of(unit.inputs.begin(), unit.inputs.end(), [&](ValueId v) {
        return eight_bit[v] || (IsConstant(v) && unit.rule != QuantRule::kMove);
      });
      const Lowering lowering = node(unit.nodes[0]).op->lowering;
      const bool elementwise =
          unit.rule == QuantRule::kTable || lowering == Lowering::kBinary || lowering == Lowering::kUnary;
      const bool moves =
          unit.rule == QuantRule::kMove && lowering != Lowering::kPool && lowering != Lowering::kGlobalPool;
      // What takes a part of a value does so before it is converted.
      const bool begins = feeds_only_int8[u] && !(moves && !reached && Shrinks(unit));
      if (unit.rule == QuantRule::kWeighted || (unit.rule == QuantRule::kMove && begins)) {
        unit.int8 = true;
      } else if (!reached) {
        Refuse(unit, "float_input", "it reads a value that is computed in float");
      } else if ((elementwise || moves || unit.rule == QuantRule::kJoin) && !feeds_weighted[u]) {
        Refuse(unit, "output_tail",
               "no weighted operator follows; in float it costs little and keeps the output's precision");
      } else {
        unit.int8 = true;
      }
      for (ValueId v : Outputs(unit)) {
        if (v != kNoValue && unit.int8) eight_bit[v] = true;
      }
    }
  }

  void ChooseQuantizedValues() {
    for (const Unit& unit : placement_.units) {
      if (!unit.int8) continue;
      for (ValueId v : unit.inputs) placement_.quantized[v] = true;
      if (unit.rule == QuantRule::kWeighted) continue;  // may hand on float: quantized only if an INT8 unit reads it
      for (ValueId v : Outputs(unit)) {
        if (v != kNoValue) placement_.quantized[v] = true;
      }
    }
  }

  ValueId Root(ValueId v) {
    std::vector<ValueId>& params = placement_.params_of;
    while (params[v] != v) v = params[v] = params[params[v]];
    return v;
  }

  void ShareParams() {
    placement_.params_of.resize(graph_.values.size());
    std::iota(placement_.params_of.begin(), placement_.params_of.end(), 0);
    for (const Unit& unit : placement_.units) {
      if (!unit.int8 || (unit.rule != QuantRule::kMove && unit.rule != QuantRule::kJoin)) continue;
      const ValueId root = Root(unit.inputs[0]);
      for (ValueId v : unit.inputs) placement_.params_of[Root(v)] = root;
      for (ValueId v : Outputs(unit)) {
        if (v != kNoValue) placement_.params_of[Root(v)] = root;
      }
    }
    for (ValueId v = 0; v < graph_.values.size(); ++v) placement_.params_of[v] = Root(v);
  }

  void Explain() {
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node_n = node(n);
      Decision decision{node_n.name, node_n.op_type, "", "", ""};
      const DType dtype = node_n.outputs.empty() || node_n.outputs[0] == kNoValue
                              ? DType::kUndefined
                              : graph_.values[node_n.outputs[0]].dtype;
      decision.precision = Name(dtype);
      if (Taken(n)) {
        const Unit& unit = placement_.units[static_cast<size_t>(placement_.unit_of[n])];
        if (unit.int8) decision.precision = "int8";
        decision.reason = unit.reason;
        decision.sentence = unit.sentence;
      } else if (node_n.op->quant == QuantRule::kQuantized) {
        decision.reason = "already_quantized";
        decision.sentence = "it already is an integer operator";
      } else if (dtype != DType::kFloat) {
        decision.reason = "not_float32";
        decision.sentence = "it does not compute float32 values";
      } else if (keep_float_[n]) {
        decision.reason = "keep_float";
        decision.sentence = "the recipe keeps it in float";
      } else {
        decision.reason = "no_integer_form";
        decision.sentence = node_n.op->why_float ? node_n.op->why_float : "it has no 8-bit form";
      }
      placement_.decisions.push_back(std::move(decision));
    }
  }

  const Graph& graph_;
  const Recipe& recipe_;
  const std::vector<NodeId> producers_;
  const std::vector<std::vector<NodeId>> consumers_;
  std::vector<bool> is_output_, keep_float_;
  Placement placement_;
};

}  // namespace

int OutputChannelAxis(const Node& node) {
  const NodeReader reader(node, 0);
  if (node.op_type == "Conv") return 0;
  if (node.op_type == "ConvTranspose") return reader.Int("group", 1) == 1 ? 1 : -1;
  if (node.op_type == "Gemm") return reader.Int("transB", 0) != 0 ? 0 : 1;
  return 1;  // MatMul
}

NodeRule RuleFor(const Recipe& recipe, const Node& node) {
  NodeRule result;
  for (const NodeRule& rule : recipe.nodes) {
    if (!rule.Matches(node.op_type, node.name)) continue;
    if (rule.keep_float) result.keep_float = rule.keep_float;
    if (rule.observer) result.observer = rule.observer;
    if (rule.per_channel) result.per_channel = rule.per_channel;
  }
  return result;
}

Result<Placement> Place(const Graph& graph, const Recipe& recipe) { return Placer(graph, recipe).Run(); }

}  // namespace octavo
