// Convert: other tools' quantized graphs -> the form that Quantize gives.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

#include "core/ops/table.h"
#include "core/quantize/placement.h"
#include "core/quantize/qoperator.h"
#include "core/quantize/rewriter.h"
#include "core/quantize/weights.h"
#include "core/simplify/simplify.h"

namespace octavo {
namespace {

// One walk over the nodes. What the walk has emitted is in final form, so each rule looks at the nodes before only.
class ToQdq {
 public:
  ToQdq(const Graph& graph, const MemoryPtr& memory)
      : source_(graph), rewriter_(graph, memory), is_output_(graph.values.size(), false) {
    for (ValueId v : graph.outputs) is_output_[v] = true;
  }

  Result<Graph> Run() {
    for (NodeId n = 0; n < source_.nodes.size(); ++n) {
      Node node = source_.nodes[n];
      for (ValueId& v : node.inputs) v = Renamed(v);
      OCTAVO_RETURN_IF_ERROR(Take(std::move(node)).Within(Label(source_, n)));
    }
    DropUnread(rewriter_.graph());
    return rewriter_.Finish();
  }

 private:
  Graph& g() { return rewriter_.graph(); }
  const Value& value(ValueId v) { return g().values[v]; }
  const Tensor* Constant(ValueId v) { return v != kNoValue && value(v).constant ? &*value(v).constant : nullptr; }
  bool IsOutput(ValueId v) const { return v < is_output_.size() && is_output_[v]; }

  ValueId Renamed(ValueId v) const {
    const auto found = renamed_.find(v);
    return found == renamed_.end() ? v : found->second;
  }

  const Node* Maker(ValueId v) {
    const auto found = makers_.find(v);
    return found == makers_.end() ? nullptr : &g().nodes[found->second];
  }
  const Node* MakerDequantize(ValueId v) {
    const Node* maker = Maker(v);
    return maker && maker->op_type == "DequantizeLinear" && maker->domain.empty() ? maker : nullptr;
  }

  void Emit(Node node) {
    for (ValueId v : node.outputs) {
      if (v != kNoValue) makers_[v] = g().nodes.size();
    }
    rewriter_.Emit(std::move(node));
  }
  Status Emit(std::string op_type, const std::string& name, std::vector<ValueId> inputs, ValueId output,
              std::vector<Attribute> attributes = {}) {
    Node node;
    node.op_type = std::move(op_type);
    node.name = name;
    node.op = FindOperator("", node.op_type);
    node.inputs = std::move(inputs);
    node.outputs = {output};
    node.attributes = std::move(attributes);
    return Take(std::move(node));
  }

  Status Take(Node node) {
    if (!node.domain.empty()) {
      Emit(std::move(node));
      return Ok();
    }
    if (node.op_type == "QLinearConv") return TakeQLinearConv(std::move(node));
    if (node.op_type == "QLinearMatMul") return TakeQLinearMatMul(std::move(node));
    if (node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear") return TakePair(std::move(node));
    if (node.op_type == "Clip" && IsConstantInteger(node)) return Fold(std::move(node));
    if (node.op->quant == QuantRule::kMove) return TakeMove(std::move(node));
    if (node.op->quant == QuantRule::kWeighted) OCTAVO_RETURN_IF_ERROR(QuantizeBias(node));
    Emit(std::move(node));
    return Ok();
  }

  // ---------------------------------------------------------------------------------------------- Q and DQ

  // Quantized constants are computed now. Of several nodes that do the same, one stays. A value that is dequantized
  // and quantized again with the same parameters is itself.
  Status TakePair(Node node) {
    const bool quantize = node.op_type == "QuantizeLinear";
    const ValueId to = node.outputs[0];
    if (quantize && HasConstantInputs(node)) return Fold(std::move(node));
    if (IsOutput(to)) {
      Emit(std::move(node));
      return Ok();
    }
    if (quantize) {
      const Node* dequantize = MakerDequantize(node.inputs[0]);
      if (dequantize && SameParameters(*dequantize, node)) {
        renamed_[to] = dequantize->inputs[0];
        return Ok();
      }
    }
    for (size_t earlier : readers_[node.inputs[0]]) {
      const Node& other = g().nodes[earlier];
      if (other.op_type == node.op_type && SameParameters(other, node)) {
        renamed_[to] = other.outputs[0];
        return Ok();
      }
    }
    readers_[node.inputs[0]].push_back(g().nodes.size());
    Emit(std::move(node));
    return Ok();
  }

  bool HasConstantInputs(const Node& node) {
    return std::all_of(node.inputs.begin(), node.inputs.end(),
                       [&](ValueId v) { return v == kNoValue || Constant(v) != nullptr; });
  }
  // Quantized weights may pass a Clip to [-127, 127].
  bool IsConstantInteger(const Node& node) {
    return HasConstantInputs(node) && BitsOf(Constant(node.inputs[0])->dtype()) == 8;
  }

  // The node's result becomes a constant, unless the graph must compute it because it is an output.
  Status Fold(Node node) {
    const ValueId to = node.outputs[0];
    if (IsOutput(to)) {
      Emit(std::move(node));
      return Ok();
    }
    OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Evaluate(node));
    Value& made = g().values[to];
    made.dtype = tensor.dtype();
    made.shape = tensor.shape();
    made.constant = std::move(tensor);
    g().initializers.push_back(to);
    return Ok();
  }

  Result<Tensor> Evaluate(const Node& node) {
    std::vector<Tensor> inputs, outputs;
    for (ValueId v : node.inputs) inputs.push_back(v == kNoValue ? Tensor() : *Constant(v));
    OCTAVO_RETURN_IF_ERROR(EvaluateNode(node, g().opset(), inputs, rewriter_.memory(), &outputs));
    return outputs[0];
  }

  bool SameConstants(ValueId a, ValueId b) {
    if (a == b) return true;
    const Tensor *x = Constant(a), *y = Constant(b);
    return x && y && x->dtype() == y->dtype() && x->elements() == y->elements() &&
           std::memcmp(x->raw(), y->raw(), x->bytes()) == 0;
  }

  // Of two Q/DQ nodes: the same scales, zero points, integer and float types, axis and blocks.
  bool SameParameters(const Node& a, const Node& b) {
    const ValueId zero_a = a.has_input(2) ? a.inputs[2] : kNoValue, zero_b = b.has_input(2) ? b.inputs[2] : kNoValue;
    if (!SameConstants(a.inputs[1], b.inputs[1]) || !SameConstants(zero_a, zero_b)) return false;
    const NodeReader ra(a, g().opset()), rb(b, g().opset());
    for (const char* name : {"block_size", "output_dtype", "precision"}) {
      if (ra.Int(name, 0) != rb.Int(name, 0)) return false;
    }
    const Tensor* scales = Constant(a.inputs[1]);
    return (scales && scales->elements() == 1) || ra.Int("axis", 1) == rb.Int("axis", 1);
  }

  // ---------------------------------------------------------------------------------------------- moved weights

  // Some exporters transpose or reshape weights behind the DequantizeLinear. The integers can be moved instead.
  Status TakeMove(Node node) {
    const Node* dequantize = node.inputs.empty() ? nullptr : MakerDequantize(node.inputs[0]);
    const Tensor* scales = dequantize ? Constant(dequantize->inputs[1]) : nullptr;
    const Tensor* integers = dequantize ? Constant(dequantize->inputs[0]) : nullptr;
    bool foldable = integers && BitsOf(integers->dtype()) >= 8 && scales && node.outputs.size() == 1 &&
                    NodeReader(*dequantize, g().opset()).Int("block_size", 0) == 0;
    for (size_t i = 1; foldable && i < node.inputs.size(); ++i) {
      foldable = node.inputs[i] == kNoValue || Constant(node.inputs[i]) != nullptr;
    }
    std::vector<Attribute> attributes;
    if (foldable && scales->elements() > 1) {
      foldable = node.op_type == "Transpose";
      if (foldable) attributes = {{"axis", MovedAxis(node, *dequantize)}};
    }
    // Padding and the like bring in a zero that is not the zero point.
    constexpr const char* kPure[] = {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten"};
    foldable =
        foldable && std::any_of(std::begin(kPure), std::end(kPure), [&](const char* op) { return node.op_type == op; });
    if (!foldable) {
      Emit(std::move(node));
      return Ok();
    }
    std::vector<ValueId> inputs = dequantize->inputs;
    const std::string name = dequantize->name;
    Node integer = node;
    integer.inputs[0] = inputs[0];
    OCTAVO_ASSIGN_OR_RETURN(Tensor moved, Evaluate(integer));
    inputs[0] = rewriter_.NewConstant(value(inputs[0]).name + "_" + node.op_type, std::move(moved));
    return Emit("DequantizeLinear", name + "_" + node.op_type, std::move(inputs), node.outputs[0],
                std::move(attributes));
  }

  int64_t MovedAxis(const Node& transpose, const Node& dequantize) {
    const int rank = Constant(dequantize.inputs[0])->shape().rank();
    int64_t axis = NodeReader(dequantize, g().opset()).Int("axis", 1);
    if (axis < 0) axis += rank;
    const std::vector<int64_t> perm = NodeReader(transpose, g().opset()).Ints("perm");
    for (size_t i = 0; i < perm.size(); ++i) {
      if (perm[i] == axis) return static_cast<int64_t>(i);
    }
    return rank - 1 - axis;  // without perm all axes are reversed
  }

  // ---------------------------------------------------------------------------------------------- biases

  // The scale of a per-tensor DequantizeLinear, 0 if it is anything else.
  float InputScale(ValueId v) {
    const Node* dequantize = MakerDequantize(v);
    const Tensor* scale = dequantize ? Constant(dequantize->inputs[1]) : nullptr;
    return scale && scale->elements() == 1 && scale->dtype() == DType::kFloat ? scale->data<float>()[0] : 0.0f;
  }

  // A float bias between quantized input and weights becomes int32 with the product of their scales: what training
  // with fake-quant leaves in float is an integer at run time.
  Status QuantizeBias(Node& node) {
    const Tensor* bias = node.has_input(2) ? Constant(node.inputs[2]) : nullptr;
    const Node* weights = MakerDequantize(node.inputs[1]);
    const Tensor* integers = weights ? Constant(weights->inputs[0]) : nullptr;
    const Tensor* scales = weights ? Constant(weights->inputs[1]) : nullptr;
    const float input_scale = InputScale(node.inputs[0]);
    const NodeReader reader(node, g().opset());
    const bool fits = bias && bias->dtype() == DType::kFloat && bias->shape().rank() == 1 && integers && scales &&
                      BitsOf(integers->dtype()) == 8 && scales->dtype() == DType::kFloat && input_scale > 0 &&
                      reader.Float("alpha", 1) == 1 && reader.Float("beta", 1) == 1;
    if (!fits) return Ok();
    const int axis = OutputChannelAxis(node);
    if (scales->elements() > 1) {
      int64_t found = NodeReader(*weights, g().opset()).Int("axis", 1);
      if (found < 0) found += integers->shape().rank();
      if (found != axis || scales->elements() != bias->elements() ||
          NodeReader(*weights, g().opset()).Int("block_size", 0) != 0) {
        return Ok();
      }
    }
    std::vector<float> products;
    for (float scale : scales->data<float>()) products.push_back(input_scale * scale);
    const auto from = bias->data<float>();
    std::vector<int32_t> to(from.size());
    for (size_t c = 0; c < from.size(); ++c) {
      const double q = std::nearbyint(double{from[c]} / products[products.size() == 1 ? 0 : c]);
      if (!(std::fabs(q) <= kLargestBias)) return Ok();  // stays float, so that sums stay in int32
      to[c] = static_cast<int32_t>(q);
    }
    const std::string name = value(node.inputs[2]).name;
    OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Of<int32_t>(rewriter_.memory(), bias->shape(), to));
    const ValueId q = rewriter_.NewConstant(name + "_quantized", std::move(tensor));
    OCTAVO_ASSIGN_OR_RETURN(node.inputs[2], DequantizedBias(q, products, name));
    return Ok();
  }

  Result<ValueId> DequantizedBias(ValueId q, std::span<const float> scales, const std::string& name) {
    const std::vector<int32_t> zeros(scales.size(), 0);
    OCTAVO_ASSIGN_OR_RETURN(const ValueId s, rewriter_.NewConstant<float>(name + "_scale", scales));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId z, rewriter_.NewConstant<int32_t>(name + "_zero_point", zeros));
    return Dequantized(q, s, z, 0, name);
  }

  // ---------------------------------------------------------------------------------------------- QOperators

  // `axis` counts only if there are several scales.
  Result<ValueId> Dequantized(ValueId q, ValueId scale, ValueId zero, int axis, const std::string& name) {
    const ValueId to = rewriter_.NewValue(name + "_dequantized", DType::kFloat);
    std::vector<Attribute> attributes;
    if (Constant(scale) && Constant(scale)->elements() > 1) attributes = {{"axis", int64_t{axis}}};
    OCTAVO_RETURN_IF_ERROR(
        Emit("DequantizeLinear", name + "_DequantizeLinear", {q, scale, zero}, to, std::move(attributes)));
    return Renamed(to);
  }
  Result<ValueId> Dequantized(ValueId q, ValueId scale, ValueId zero, int axis = 0) {
    return Dequantized(q, scale, zero, axis, value(q).name);
  }

  // A float32 scale of one element, or of one axis. -1: neither, or not known.
  int64_t ScaleCount(ValueId scale) {
    const Tensor* tensor = Constant(scale);
    if (!tensor || tensor->dtype() != DType::kFloat) return -1;
    return tensor->elements() == 1 ? 1 : tensor->shape().rank() == 1 ? tensor->elements() : -1;
  }

  // A zero point that serves all scales of a vector becomes one of their shape, as DequantizeLinear wants it. false:
  // not possible.
  Result<bool> MatchZeroPoint(ValueId scale, ValueId& zero) {
    const int64_t scales = Constant(scale)->elements();
    if (zero == kNoValue || (Constant(zero) && Constant(zero)->elements() == scales)) return true;
    const Tensor* tensor = Constant(zero);
    if (!tensor || tensor->elements() != 1) return false;
    OCTAVO_ASSIGN_OR_RETURN(Tensor many, Tensor::Create(rewriter_.memory(), tensor->dtype(), Shape{scales}));
    std::memset(many.mutable_raw(), *static_cast<const uint8_t*>(tensor->raw()), many.bytes());
    zero = rewriter_.NewConstant(value(zero).name + "_channels", std::move(many));
    return true;
  }

  Status TakeQLinearConv(Node node) {
    std::vector<ValueId> in = node.inputs;
    in.resize(9, kNoValue);
    const bool bias = in[8] != kNoValue;
    const bool known = ScaleCount(in[1]) == 1 && ScaleCount(in[4]) > 0 && ScaleCount(in[6]) == 1;
    bool fits = known;
    if (known) {
      OCTAVO_ASSIGN_OR_RETURN(fits, MatchZeroPoint(in[4], in[5]));
    }
    if (!fits) {
      Emit(std::move(node));
      return Ok();
    }
    const std::string out = value(node.outputs[0]).name;
    std::vector<ValueId> inputs(bias ? 3 : 2);
    OCTAVO_ASSIGN_OR_RETURN(inputs[0], Dequantized(in[0], in[1], in[2]));
    OCTAVO_ASSIGN_OR_RETURN(inputs[1], Dequantized(in[3], in[4], in[5]));
    if (bias) {
      std::vector<float> scales;
      for (float scale : Constant(in[4])->data<float>()) scales.push_back(Constant(in[1])->data<float>()[0] * scale);
      OCTAVO_ASSIGN_OR_RETURN(inputs[2], DequantizedBias(in[8], scales, value(in[8]).name));
    }
    const ValueId result = rewriter_.NewValue(out + "_raw", DType::kFloat);
    OCTAVO_RETURN_IF_ERROR(Emit("Conv", node.name, std::move(inputs), result, std::move(node.attributes)));
    return Emit("QuantizeLinear", out + "_QuantizeLinear", {result, in[6], in[7]}, node.outputs[0]);
  }

  Status TakeQLinearMatMul(Node node) {
    const std::vector<ValueId> in = node.inputs;
    std::vector<ValueId> zeros = {in[2], in[5]};
    const std::optional<Shape> a_shape = value(in[0]).shape, b_shape = value(in[3]).shape;
    bool fits = ScaleCount(in[1]) > 0 && ScaleCount(in[4]) > 0 && ScaleCount(in[6]) == 1 &&
                (ScaleCount(in[1]) == 1 || (a_shape && a_shape->rank() >= 2)) &&
                (ScaleCount(in[4]) == 1 || (b_shape && b_shape->rank() >= 2));
    if (fits) {
      OCTAVO_ASSIGN_OR_RETURN(const bool a, MatchZeroPoint(in[1], zeros[0]));
      OCTAVO_ASSIGN_OR_RETURN(const bool b, MatchZeroPoint(in[4], zeros[1]));
      fits = a && b;
    }
    if (!fits) {
      Emit(std::move(node));
      return Ok();
    }
    const std::string out = value(node.outputs[0]).name;
    const int a_axis = a_shape ? a_shape->rank() - 2 : 0, b_axis = b_shape ? b_shape->rank() - 1 : 0;
    OCTAVO_ASSIGN_OR_RETURN(const ValueId a, Dequantized(in[0], in[1], zeros[0], a_axis));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId b, Dequantized(in[3], in[4], zeros[1], b_axis));
    const ValueId result = rewriter_.NewValue(out + "_raw", DType::kFloat);
    OCTAVO_RETURN_IF_ERROR(Emit("MatMul", node.name, {a, b}, result));
    return Emit("QuantizeLinear", out + "_QuantizeLinear", {result, in[6], in[7]}, node.outputs[0]);
  }

  const Graph& source_;
  Rewriter rewriter_;
  std::vector<bool> is_output_;
  std::map<ValueId, ValueId> renamed_;              // values that another one replaces
  std::map<ValueId, size_t> makers_;                // index of the emitted node that makes a value
  std::map<ValueId, std::vector<size_t>> readers_;  // emitted Q/DQ nodes, by what they read
};

}  // namespace

Result<Graph> Convert(const Graph& graph, const std::string& form, const MemoryPtr& memory) {
  if (form != "qdq" && form != "qoperator") {
    return Error(Code::kInvalidArgument, "form '%s' is unknown; allowed: qdq, qoperator", Printable(form).c_str());
  }
  constexpr int64_t kPerChannelOpset = 13;
  Graph upgraded = graph;
  if (graph.opset() < kPerChannelOpset) {
    OCTAVO_ASSIGN_OR_RETURN(upgraded, UpgradeOpset(graph, kPerChannelOpset, memory));
  }
  OCTAVO_ASSIGN_OR_RETURN(Graph qdq, ToQdq(upgraded, memory).Run());
  if (form == "qdq") return qdq;
  return ToQOperator(qdq, memory);
}

}  // namespace octavo
