#include "core/plan/integerize.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/ops/integer.h"
#include "core/ops/resize_axes.h"
#include "core/plan/products.h"
#include "core/plan/qdq.h"
#include "core/plan/rewrite.h"

namespace octavo {
namespace {

bool IsByte(DType dtype) { return dtype == DType::kUInt8 || dtype == DType::kInt8; }

// Walks the source graph once, in order. Each Convert answers whether the node's work is done.
class Integerizer {
 public:
  Integerizer(const Graph& source, const MemoryPtr& memory) : r_(source, memory), products_(r_) {}

  Result<Integerized> Run() {
    for (NodeId n = 0; n < r_.source().nodes.size(); ++n) {
      if (r_.IsTaken(n)) continue;
      r_.ForgetRefusal();
      OCTAVO_ASSIGN_OR_RETURN(const bool done, Convert(n));
      if (!done) OCTAVO_RETURN_IF_ERROR(r_.Keep(n));
    }
    Integerized result;
    OCTAVO_ASSIGN_OR_RETURN(result.graph, r_.Finish());
    result.decisions = r_.Decisions();
    return result;
  }

 private:
  Result<bool> Convert(NodeId n) {
    const Node& node = r_.node(n);
    if (!node.domain.empty()) return false;
    if (IsQuantizeLinear(node)) return ConvertQuantize(n);
    if (IsDequantizeLinear(node)) return ConvertDequantize(n);
    if (products_.HasPending(n)) return products_.EmitPending(n);
    if (node.op_type == "QLinearConv" || node.op_type == "QLinearMatMul") return products_.ConvertQLinear(n);
    if (node.op_type == "ConvInteger" || node.op_type == "MatMulInteger") return products_.ConvertDynamic(n);
    OCTAVO_ASSIGN_OR_RETURN(const bool function, ConvertFunction(n));
    if (function) return true;
    switch (node.op->quant) {
      case QuantRule::kWeighted:
        return products_.Convert(n);
      case QuantRule::kMove:
        return ConvertMove(n);
      case QuantRule::kJoin:
        return ConvertJoin(n);
      case QuantRule::kArithmetic:
        return node.op->lowering == Lowering::kResize ? ConvertResize(n) : ConvertArithmetic(n);
      default:
        return false;
    }
  }

  // ---------------------------------------------------------------------------------------------- Q and DQ

  Result<bool> ConvertQuantize(NodeId n) {
    const std::optional<QParams> params = QuantizerParams(r_.source(), n);
    if (!params) return false;
    const Node& node = r_.node(n);
    const ValueId x = node.inputs[0], y = node.outputs[0];
    if (r_.Argument(x)) {
      OCTAVO_ASSIGN_OR_RETURN(const ValueId bytes, r_.BytesUnder(x, *params));
      r_.SetBytes(y, bytes);
      return true;
    }
    OCTAVO_RETURN_IF_ERROR(r_.Need(x));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId scale, r_.NewScalar(r_.name(y) + "_scale", params->scale));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId zero,
                            r_.NewScalar(r_.name(y) + "_zero_point", static_cast<uint8_t>(params->zero)));
    r_.Emit("QuantizeLinear", node.name, {x, scale, zero}, {r_.Deliver(y)});
    return true;
  }

  Result<bool> ConvertDequantize(NodeId n) {
    const Node& node = r_.node(n);
    const ValueId x = node.inputs[0], y = node.outputs[0];
    r_.Defer(n);
    if (r_.dtype(y) != DType::kFloat || !IsByte(r_.dtype(x))) return true;
    const std::optional<QParams> params = ReadQParams(r_.source(), node, 1, 2, r_.dtype(x));
    if (params) r_.SetQuantized(y, x, *params);
    return true;
  }

  // ---------------------------------------------------------------------------------------------- functions of a byte

  // An elementwise node all of whose inputs are functions of the same bytes, or single constants, is such a function.
  Result<bool> ConvertFunction(NodeId n) {
    const Node& node = r_.node(n);
    if (node.outputs.size() != 1 || r_.dtype(node.outputs[0]) != DType::kFloat) return false;
    if (node.op->lowering != Lowering::kUnary && node.op->lowering != Lowering::kBinary) return false;
    const Rewrite::Quantized* argument = nullptr;
    for (ValueId v : node.inputs) {
      if (v == kNoValue || r_.IsConstant(v)) continue;
      const Rewrite::Quantized* found = r_.Argument(v);
      if (!found || r_.IsConstant(found->raw)) return false;
      if (argument && (argument->raw != found->raw || !(argument->params == found->params))) return false;
      argument = found;
    }
    if (!argument) return false;
    // Constants of a higher rank than the bytes would give the result that rank.
    const bool in_source = argument->raw < r_.source().values.size();
    const auto& shape = r_.source().values[in_source ? argument->raw : node.outputs[0]].shape;
    std::vector<Tensor> inputs(node.inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      const ValueId v = node.inputs[i];
      if (v == kNoValue) continue;
      if (!r_.IsConstant(v)) {
        OCTAVO_ASSIGN_OR_RETURN(inputs[i], r_.FunctionOf(v));
        continue;
      }
      const Tensor& constant = r_.constant(v);
      if (constant.elements() != 1) return false;
      if (constant.shape().rank() > 0 && (!shape || shape->rank() < constant.shape().rank())) return false;
      inputs[i] = constant.Reshaped(Shape());
    }
    std::vector<Tensor> outputs;
    OCTAVO_RETURN_IF_ERROR(
        EvaluateNode(node, r_.source().opset(), inputs, r_.memory(), &outputs).Within(Label(r_.source(), n)));
    if (!(outputs[0].shape() == Shape{256})) return false;
    r_.SetFunction(n, *argument, std::move(outputs[0]));
    return true;
  }

  // ---------------------------------------------------------------------------------------------- moves and joins

  // What only moves values moves bytes just as well, and its result has the same parameters.
  Result<bool> ConvertMove(NodeId n) {
    const Node& node = r_.node(n);
    const ValueId x = node.inputs[0];
    const bool bytes_already = IsByte(r_.dtype(x));
    if (bytes_already && r_.dtype(x) == DType::kUInt8) return false;  // moves bytes as it stands
    if (!bytes_already && r_.dtype(x) != DType::kFloat) return false;
    std::optional<Rewrite::Quantized> quantized;
    if (!bytes_already) {
      OCTAVO_ASSIGN_OR_RETURN(quantized, r_.AsQuantized(x));
      if (!quantized) return false;
    }
    std::vector<ValueId> inputs = node.inputs;
    if (node.op_type == "Pad") {
      OCTAVO_ASSIGN_OR_RETURN(const bool fits, SetPadValue(node, bytes_already ? nullptr : &*quantized, &inputs));
      if (!fits) return false;
    }
    for (size_t i = 1; i < node.inputs.size(); ++i) {
      if (inputs[i] == node.inputs[i] && inputs[i] != kNoValue) OCTAVO_RETURN_IF_ERROR(r_.Need(inputs[i]));
    }
    OCTAVO_ASSIGN_OR_RETURN(inputs[0], r_.Bytes(bytes_already ? x : quantized->raw));
    std::vector<ValueId> outputs = node.outputs;
    for (ValueId& v : outputs) {
      if (v == kNoValue) continue;
      if (r_.dtype(v) != r_.dtype(x)) {  // indices
        r_.SetEmitted(v);
        continue;
      }
      const ValueId bytes = r_.NewBytes(v);
      if (bytes_already) {
        r_.SetBytes(v, bytes);
      } else {
        r_.SetQuantizedNew(v, bytes, quantized->params);
      }
      v = bytes;
    }
    r_.EmitAs(n, std::move(inputs), std::move(outputs));
    return true;
  }

  // Nearest elements are moved. Interpolation has weights of sum 1, so it does to bytes what it does to that which they
  // stand for, and its rounding is the quantizer's behind it.
  Result<bool> ConvertResize(NodeId n) {
    const Node& node = r_.node(n);
    Resizing method;
    OCTAVO_RETURN_IF_ERROR(ReadResizeMethod(NodeReader(node, r_.source().opset()), &method));
    if (method.coordinates == CoordinateMode::kTfCropAndResize) {
      return r_.Refuse("no_integer_form", "tf_crop_and_resize brings in values of its own");
    }
    if (method.mode == ResizeMode::kNearest) return ConvertMove(n);
    const ValueId x = node.inputs[0], y = node.outputs[0];
    if (r_.dtype(y) != DType::kFloat) return false;
    if (method.exclude_outside) return r_.Refuse("no_integer_form", "with exclude_outside, weights may sum to 0");
    const Tail tail = FollowTail(r_.index(), y);
    if (!tail.quantized()) return false;
    OCTAVO_ASSIGN_OR_RETURN(const std::optional<Rewrite::Quantized> quantized, r_.AsQuantized(x));
    if (!quantized) return false;
    if (!tail.nodes.empty() || !(quantized->params == tail.params)) {
      return r_.Refuse("no_integer_form", "it interpolates bytes only where its result has its input's scale");
    }
    std::vector<ValueId> inputs = node.inputs;
    for (size_t i = 1; i < inputs.size(); ++i) {
      if (inputs[i] != kNoValue) OCTAVO_RETURN_IF_ERROR(r_.Need(inputs[i]));
    }
    OCTAVO_ASSIGN_OR_RETURN(inputs[0], r_.Bytes(quantized->raw));
    r_.EmitAs(n, std::move(inputs), {r_.Deliver(tail)});
    return true;
  }

  // The constant that Pad fills with, as a byte. Without parameters the bytes are int8, shifted.
  Result<bool> SetPadValue(const Node& node, const Rewrite::Quantized* quantized, std::vector<ValueId>* inputs) {
    const NodeReader reader(node, r_.source().opset());
    if (reader.String("mode", "constant") != "constant") return true;
    if (inputs->size() < 2) return r_.Refuse("no_integer_form", "pads given as attributes have no integer form");
    const Tensor* value = r_.ConstantInput(node, 2);
    if (node.has_input(2) && !value) return r_.Refuse("no_integer_form", "the value it fills with is computed");
    uint8_t fill;
    if (quantized) {
      fill = QuantizeByte(value ? value->data<float>()[0] : 0.0f, quantized->params);
    } else {
      fill = static_cast<uint8_t>((value ? value->data<int8_t>()[0] : 0) + 128);
    }
    if (inputs->size() < 3) inputs->resize(3, kNoValue);
    OCTAVO_ASSIGN_OR_RETURN((*inputs)[2], r_.NewScalar(node.name + "_fill", fill));
    return true;
  }

  Result<bool> ConvertJoin(NodeId n) {
    const Node& node = r_.node(n);
    const ValueId y = node.outputs[0];
    if (r_.dtype(y) == DType::kInt8) return ConvertByteJoin(n);
    if (r_.dtype(y) != DType::kFloat) return false;
    const auto is_float_constant = [&](ValueId v) { return r_.IsConstant(v); };
    bool alike = true;
    const Rewrite::Quantized* first = nullptr;
    for (ValueId v : node.inputs) {
      const Rewrite::Quantized* argument = r_.Argument(v);
      if (!argument && !is_float_constant(v)) return false;
      if (argument && !first) first = argument;
      alike &= argument && argument->params == first->params;
    }
    if (!first) return false;
    const Tail tail = FollowTail(r_.index(), y);
    const bool plain = tail.nodes.empty();  // no bounds between
    if (!(tail.quantized() && plain) && !alike) return false;
    const QParams params = tail.quantized() && plain ? tail.params : first->params;
    std::vector<ValueId> inputs;
    for (ValueId v : node.inputs) {
      if (!(tail.quantized() && plain)) {
        OCTAVO_ASSIGN_OR_RETURN(const std::optional<Rewrite::Quantized> quantized, r_.AsQuantized(v));
        if (!quantized) return false;
      }
      if (!r_.Argument(v)) {
        OCTAVO_ASSIGN_OR_RETURN(const ValueId bytes, QuantizeConstant(v, params));
        inputs.push_back(bytes);
        continue;
      }
      OCTAVO_ASSIGN_OR_RETURN(const ValueId bytes, r_.BytesUnder(v, params));
      inputs.push_back(bytes);
    }
    if (tail.quantized() && plain) {
      r_.EmitAs(n, std::move(inputs), {r_.Deliver(tail)});
    } else {
      const ValueId bytes = r_.NewBytes(y);
      r_.SetQuantizedNew(y, bytes, params);
      r_.EmitAs(n, std::move(inputs), {bytes});
    }
    return true;
  }

  // A join of int8 values joins what stands for them.
  Result<bool> ConvertByteJoin(NodeId n) {
    std::vector<ValueId> inputs;
    for (ValueId v : r_.node(n).inputs) {
      OCTAVO_ASSIGN_OR_RETURN(const ValueId bytes, r_.Bytes(v));
      inputs.push_back(bytes);
    }
    r_.EmitAs(n, std::move(inputs), {r_.Deliver(r_.node(n).outputs[0])});
    return true;
  }

  Result<ValueId> QuantizeConstant(ValueId v, const QParams& params) {
    const Tensor& from = r_.constant(v);
    OCTAVO_ASSIGN_OR_RETURN(Tensor to, Tensor::Create(r_.memory(), DType::kUInt8, from.shape()));
    for (size_t i = 0; i < from.data<float>().size(); ++i) {
      to.mutable_data<uint8_t>()[i] = QuantizeByte(from.data<float>()[i], params);
    }
    return r_.NewConstant(r_.name(v) + "_quantized", std::move(to));
  }

  // ---------------------------------------------------------------------------------------------- arithmetic

  Result<bool> ConvertArithmetic(NodeId n) {
    const Node& node = r_.node(n);
    const ValueId y = node.outputs[0];
    if (r_.dtype(y) != DType::kFloat) return false;
    const std::string& op = node.op_type;
    const bool affine = op == "BatchNormalization";
    const bool binary = op == "Add" || op == "Sub" || op == "Mul";
    const bool mean = op == "AveragePool" || op == "GlobalAveragePool" || op == "ReduceMean";
    const bool prelu = op == "PRelu";
    if (!affine && !binary && !mean && !prelu) return r_.Refuse("no_integer_form", op + " has no integer form yet");
    const Tail tail = FollowTail(r_.index(), y);
    if (!tail.quantized()) return false;  // Rewrite knows how to say this
    if (binary) return ConvertBinary(n, tail);
    OCTAVO_ASSIGN_OR_RETURN(const std::optional<Rewrite::Quantized> x, r_.AsQuantized(node.inputs[0]));
    if (!x) return false;
    if (prelu) return ConvertConstantBinary(n, 1, *x, tail);
    return affine ? ConvertBatchNorm(n, *x, tail) : ConvertMean(n, *x, tail);
  }

  Result<bool> ConvertBinary(NodeId n, const Tail& tail) {
    const Node& node = r_.node(n);
    std::optional<Rewrite::Quantized> operands[2];
    for (size_t i = 0; i < 2; ++i) {
      OCTAVO_ASSIGN_OR_RETURN(operands[i], r_.AsQuantized(node.inputs[i]));
    }
    if (!operands[0] || !operands[1]) {
      const size_t constant_at = operands[0] ? 1 : 0;
      if (!operands[1 - constant_at] || !r_.IsConstant(node.inputs[constant_at])) return false;
      return ConvertConstantBinary(n, constant_at, *operands[1 - constant_at], tail);
    }
    const QParams &a = operands[0]->params, &b = operands[1]->params, &c = tail.params;
    std::vector<Attribute> attributes;
    bool sane = true;
    if (node.op_type == "Mul") {
      QMulArgs mul;
      mul.a_zero = a.zero;
      mul.b_zero = b.zero;
      mul.zero = c.zero;
      const float scale = a.scale * b.scale;
      mul.multiplier = scale / c.scale;
      sane = IsSane(mul.multiplier);
      tail.Bounds(&mul.lo, &mul.hi);
      attributes = AttributesOf(mul);
    } else {
      QAddArgs add;
      add.a_zero = a.zero;
      add.b_zero = b.zero;
      add.zero = c.zero;
      add.a_multiplier = a.scale / c.scale;
      add.b_multiplier = b.scale / c.scale;
      sane = IsSane(add.a_multiplier) && IsSane(add.b_multiplier);
      if (node.op_type == "Sub") add.b_multiplier = -add.b_multiplier;
      tail.Bounds(&add.lo, &add.hi);
      attributes = AttributesOf(add);
    }
    if (!sane) return r_.Refuse("scale_range", "the ratio of its scales is beyond what a float holds");
    OCTAVO_ASSIGN_OR_RETURN(const ValueId a_bytes, r_.Bytes(operands[0]->raw));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId b_bytes, r_.Bytes(operands[1]->raw));
    r_.EmitInternal(node.op_type == "Mul" ? "QMul" : "QAdd", node.name, {a_bytes, b_bytes}, r_.Deliver(tail),
                    std::move(attributes));
    return true;
  }

  // x + c, x - c, c - x, x * c, PRelu(x, c) with a float constant that differs along one axis only.
  Result<bool> ConvertConstantBinary(NodeId n, size_t constant_at, const Rewrite::Quantized& x, const Tail& tail) {
    const Node& node = r_.node(n);
    if (!r_.IsConstant(node.inputs[constant_at])) return false;
    const Tensor& constant = r_.constant(node.inputs[constant_at]);
    const auto& shape = r_.source().values[node.inputs[1 - constant_at]].shape;
    if (!shape || constant.dtype() != DType::kFloat || constant.shape().rank() > shape->rank()) return false;
    int axis = -1;
    for (int i = 0; i < constant.shape().rank(); ++i) {
      if (constant.shape()[i] == 1) continue;
      if (axis >= 0) return r_.Refuse("constant_shape", "its constant differs along more than one axis");
      axis = i + shape->rank() - constant.shape().rank();
    }
    if (axis < 0) axis = shape->rank() - 1;  // one value: any axis of known size will do
    const int64_t channels = (*shape)[axis];
    if (channels == Shape::kUnknown || (constant.elements() != 1 && constant.elements() != channels)) return false;
    std::vector<double> factor(static_cast<size_t>(channels), 1), addend(static_cast<size_t>(channels), 0), negative;
    for (size_t c = 0; c < factor.size(); ++c) {
      const double value = constant.data<float>()[constant.elements() == 1 ? 0 : c];
      if (node.op_type == "PRelu") {
        negative.push_back(value);
      } else if (node.op_type == "Mul") {
        factor[c] = value;
      } else {
        addend[c] = node.op_type == "Sub" && constant_at == 1 ? -value : value;
        if (node.op_type == "Sub" && constant_at == 0) factor[c] = -1;
      }
    }
    return EmitAffine(n, axis, factor, addend, negative, x, tail);
  }

  Result<bool> ConvertBatchNorm(NodeId n, const Rewrite::Quantized& x, const Tail& tail) {
    const Node& node = r_.node(n);
    const Tensor* constants[4];  // scale, bias, mean, variance
    for (size_t i = 0; i < 4; ++i) {
      constants[i] = r_.ConstantInput(node, i + 1);
      if (!constants[i] || constants[i]->dtype() != DType::kFloat) {
        return r_.Refuse("parameters_not_constant", "its parameters are computed");
      }
    }
    const auto& shape = r_.source().values[node.inputs[0]].shape;
    if (!shape || shape->rank() < 2) return false;
    const double epsilon = NodeReader(node, r_.source().opset()).Float("epsilon", 1e-5f);
    std::vector<double> factor, addend;
    for (size_t c = 0; c < static_cast<size_t>(constants[0]->elements()); ++c) {
      const auto at = [&](size_t i) { return double{constants[i]->data<float>()[c]}; };
      factor.push_back(at(0) / std::sqrt(at(3) + epsilon));
      addend.push_back(at(1) - at(2) * factor.back());
    }
    return EmitAffine(n, 1, factor, addend, {}, x, tail);
  }

  // x * factor[c] + addend[c]; if there are any, x * negative[c] + addend[c] where x < 0
  Result<bool> EmitAffine(NodeId n, int axis, const std::vector<double>& factor, const std::vector<double>& addend,
                          const std::vector<double>& negative, const Rewrite::Quantized& x, const Tail& tail) {
    const double ratio = double{x.params.scale} / double{tail.params.scale};
    std::vector<float> multipliers, addends, negatives;
    for (size_t c = 0; c < factor.size(); ++c) {
      multipliers.push_back(static_cast<float>(factor[c] * ratio));
      addends.push_back(static_cast<float>(addend[c] / double{tail.params.scale}));
      negatives.push_back(static_cast<float>((negative.empty() ? factor[c] : negative[c]) * ratio));
      if (!IsSane(multipliers.back()) || !IsSane(addends.back()) || !IsSane(negatives.back())) {
        return r_.Refuse("scale_range", "the ratio of its scales is beyond what a float holds");
      }
    }
    QUnaryAttributes unary;
    unary.x_zero = x.params.zero;
    unary.zero = tail.params.zero;
    tail.Bounds(&unary.lo, &unary.hi);
    std::vector<Attribute> attributes = AttributesOf(unary);
    attributes.push_back({"axis", int64_t{axis}});
    const std::string& name = r_.node(n).name;
    OCTAVO_ASSIGN_OR_RETURN(const ValueId bytes, r_.Bytes(x.raw));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId multiplier, r_.NewVector(name + "_multiplier", multipliers));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId added, r_.NewVector(name + "_addend", addends));
    std::vector<ValueId> inputs = {bytes, multiplier, added};
    if (!negative.empty()) {
      OCTAVO_ASSIGN_OR_RETURN(const ValueId slope, r_.NewVector(name + "_negative", negatives));
      inputs.push_back(slope);
    }
    r_.EmitInternal("QAffine", name, std::move(inputs), r_.Deliver(tail), std::move(attributes));
    return true;
  }

  Result<bool> ConvertMean(NodeId n, const Rewrite::Quantized& x, const Tail& tail) {
    const Node& node = r_.node(n);
    const NodeReader reader(node, r_.source().opset());
    QUnaryAttributes unary;
    unary.x_zero = x.params.zero;
    unary.zero = tail.params.zero;
    unary.x_scale = x.params.scale;
    unary.y_scale = tail.params.scale;
    if (!IsSane(unary.MeanMultiplier(1))) {
      return r_.Refuse("scale_range", "the ratio of its scales is beyond what a float holds");
    }
    tail.Bounds(&unary.lo, &unary.hi);
    std::vector<Attribute> attributes = AttributesOf(unary);
    const bool pool = node.op_type == "AveragePool";
    if (pool) {
      attributes.insert(attributes.end(), node.attributes.begin(), node.attributes.end());
    } else {
      std::vector<int64_t> axes;
      const auto& shape = r_.source().values[node.inputs[0]].shape;
      if (!shape) return false;
      if (node.op_type == "GlobalAveragePool") {
        for (int i = 2; i < shape->rank(); ++i) axes.push_back(i);
      } else {
        axes = reader.Ints("axes");
        if (node.has_input(1)) {
          const Tensor* given = r_.ConstantInput(node, 1);
          if (!given || given->dtype() != DType::kInt64) {
            return r_.Refuse("parameters_not_constant", "its axes are computed");
          }
          axes.assign(given->data<int64_t>().begin(), given->data<int64_t>().end());
        }
        if (axes.empty()) {
          if (reader.Int("noop_with_empty_axes", 0) != 0) return false;
          for (int i = 0; i < shape->rank(); ++i) axes.push_back(i);
        }
        attributes.push_back({"keepdims", reader.Int("keepdims", 1)});
      }
      attributes.push_back({"axes", std::move(axes)});
    }
    OCTAVO_ASSIGN_OR_RETURN(const ValueId bytes, r_.Bytes(x.raw));
    r_.EmitInternal(pool ? "QAveragePool" : "QReduceMean", node.name, {bytes}, r_.Deliver(tail), std::move(attributes));
    return true;
  }

  Rewrite r_;
  Products products_;
};

}  // namespace

Result<Integerized> Integerize(const Graph& graph, const MemoryPtr& memory) { return Integerizer(graph, memory).Run(); }

}  // namespace octavo
