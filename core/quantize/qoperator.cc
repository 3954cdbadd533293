#include "core/quantize/qoperator.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/ops/rounding.h"
#include "core/quantize/placement.h"
#include "core/quantize/rewriter.h"

namespace octavo {
namespace {

// A value as a QOperator takes it.
struct Quantized {
  ValueId q = kNoValue, scale = kNoValue, zero = kNoValue;
  int64_t axis = -1;  // of several scales; -1: one for all
};

class Contractor {
 public:
  Contractor(const Graph& graph, const MemoryPtr& memory)
      : graph_(graph), producers_(Producers(graph)), consumers_(Consumers(graph)), rewriter_(graph, memory) {
    is_output_.resize(graph.values.size(), false);
    for (ValueId v : graph.outputs) is_output_[v] = true;
  }

  Result<Graph> Run() {
    // A QOperator stands where its QuantizeLinear stood.
    std::vector<std::optional<Node>> replaced(graph_.nodes.size());
    std::vector<bool> dropped(graph_.nodes.size(), false);
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      std::vector<NodeId> chain;
      auto contracted = Contract(n, &chain);
      if (!contracted.ok()) return contracted.status().Within(Label(graph_, n));
      if (!*contracted) continue;
      for (NodeId member : chain) dropped[member] = true;
      replaced[chain.back()] = std::move(*contracted);
    }
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      if (replaced[n]) {
        rewriter_.Emit(std::move(*replaced[n]));
      } else if (!dropped[n]) {
        rewriter_.Emit(graph_.nodes[n]);
      }
    }
    DropUnread(rewriter_.graph());
    return rewriter_.Finish();
  }

 private:
  const Tensor* Constant(ValueId v) const {
    return v != kNoValue && graph_.values[v].constant ? &*graph_.values[v].constant : nullptr;
  }
  static bool Is(const Node& node, const char* op) { return node.op_type == op && node.domain.empty(); }
  static bool Is8Bit(DType dtype) { return dtype == DType::kUInt8 || dtype == DType::kInt8; }

  // The scale and zero point of a Q or DQ node, if both are constants that a QOperator takes.
  std::optional<Quantized> Parameters(const Node& node) const {
    const Tensor* scale = Constant(node.inputs[1]);
    if (!scale || scale->dtype() != DType::kFloat || scale->shape().rank() > 1) return std::nullopt;
    if (node.has_input(2) && !Constant(node.inputs[2])) return std::nullopt;
    const NodeReader reader(node, graph_.opset());
    if (reader.Int("block_size", 0) != 0) return std::nullopt;
    Quantized result;
    result.q = node.inputs[0];
    result.scale = node.inputs[1];
    result.zero = node.has_input(2) ? node.inputs[2] : kNoValue;
    if (scale->elements() > 1) result.axis = reader.Int("axis", 1);
    return result;
  }

  std::optional<Quantized> Dequantized(ValueId v) const {
    const NodeId maker = v == kNoValue ? kNoNode : producers_[v];
    if (maker == kNoNode || !Is(graph_.nodes[maker], "DequantizeLinear")) return std::nullopt;
    std::optional<Quantized> result = Parameters(graph_.nodes[maker]);
    if (!result || graph_.values[v].dtype != DType::kFloat) return std::nullopt;
    const Value& q = graph_.values[result->q];
    if (result->axis < 0 && result->axis != -1) return std::nullopt;
    if (result->axis != -1 && (!q.shape || result->axis >= q.shape->rank())) return std::nullopt;
    return result;
  }

  // QOperators take zero points always.
  Result<ValueId> ZeroPoint(const Quantized& of, DType dtype) {
    if (of.zero != kNoValue) return of.zero;
    OCTAVO_ASSIGN_OR_RETURN(Tensor zero,
                            Tensor::Create(rewriter_.memory(), dtype, graph_.values[of.scale].constant->shape()));
    std::fill_n(static_cast<uint8_t*>(zero.mutable_raw()), zero.bytes(), uint8_t{0});
    return rewriter_.NewConstant(graph_.values[of.scale].name + "_zero_point", std::move(zero));
  }

  NodeId OnlyReader(NodeId n) const {
    const ValueId v = graph_.nodes[n].outputs[0];
    return consumers_[v].size() == 1 && !is_output_[v] ? consumers_[v][0] : kNoNode;
  }

  // Whether the integers' own range already clamps as a Relu or Clip before the QuantizeLinear does.
  bool IsClampedByRange(const Node& clamp, const Quantized& to, DType dtype) const {
    const IntegerRange range = RangeOf(dtype);
    const float scale = Constant(to.scale)->data<float>()[0];
    const Tensor* zero_tensor = Constant(to.zero);
    const int32_t zero = !zero_tensor             ? 0
                         : dtype == DType::kUInt8 ? zero_tensor->data<uint8_t>()[0]
                                                  : zero_tensor->data<int8_t>()[0];
    if (Is(clamp, "Relu")) return zero == range.lo;
    if (!Is(clamp, "Clip")) return false;
    for (size_t i : {size_t{1}, size_t{2}}) {
      if (!clamp.has_input(i)) continue;
      const Tensor* bound = Constant(clamp.inputs[i]);
      if (!bound || bound->dtype() != DType::kFloat || bound->elements() != 1) return false;
      const int32_t q = QuantizeValue(bound->data<float>()[0] / scale, zero, range);
      if (q != (i == 1 ? range.lo : range.hi)) return false;
    }
    return true;
  }

  // The QuantizeLinear that alone takes the result of node n, perhaps through a clamp without effect. *chain: the nodes
  // from n to it.
  std::optional<Quantized> QuantizedResult(NodeId n, std::vector<NodeId>* chain) const {
    *chain = {n};
    for (int i = 0; i < 2; ++i) {
      const NodeId next = OnlyReader(chain->back());
      if (next == kNoNode) return std::nullopt;
      const Node& reader = graph_.nodes[next];
      if (reader.inputs[0] != graph_.nodes[chain->back()].outputs[0]) return std::nullopt;
      chain->push_back(next);
      if (!Is(reader, "QuantizeLinear")) continue;
      std::optional<Quantized> to = Parameters(reader);
      const DType dtype = graph_.values[reader.outputs[0]].dtype;
      if (!to || to->axis != -1 || !Is8Bit(dtype)) return std::nullopt;
      if (i == 1 && !IsClampedByRange(graph_.nodes[(*chain)[1]], *to, dtype)) return std::nullopt;
      return to;
    }
    return std::nullopt;
  }

  Result<std::optional<Node>> Contract(NodeId n, std::vector<NodeId>* chain) {
    const Node& node = graph_.nodes[n];
    const bool conv = Is(node, "Conv"), matmul = Is(node, "MatMul"), gemm = Is(node, "Gemm");
    if (!conv && !matmul && !gemm) return std::optional<Node>();
    const std::optional<Quantized> a = Dequantized(node.inputs[0]);
    std::optional<Quantized> b = Dequantized(node.inputs[1]);
    if (!a || !b || a->axis != -1) return std::optional<Node>();
    const DType a_dtype = graph_.values[a->q].dtype, b_dtype = graph_.values[b->q].dtype;
    const std::optional<Quantized> to = QuantizedResult(n, chain);
    if (!to || !Is8Bit(a_dtype) || !Is8Bit(b_dtype)) return std::optional<Node>();
    const auto& b_shape = graph_.values[b->q].shape;
    ValueId bias = kNoValue;
    if (conv) {
      if (b->axis != -1 && b->axis != 0) return std::optional<Node>();
      if (node.has_input(2)) {
        const std::optional<Quantized> c = Dequantized(node.inputs[2]);
        if (!c || !IsProductBias(*c, *a, *b)) return std::optional<Node>();
        bias = c->q;
      }
    } else {
      if (gemm && !IsPlainGemm(node)) return std::optional<Node>();
      const bool transposed = gemm && NodeReader(node, graph_.opset()).Int("transB", 0) != 0;
      if (b->axis != -1 && (!b_shape || b->axis != (transposed ? 0 : b_shape->rank() - 1))) {
        return std::optional<Node>();
      }
      if (transposed) {
        if (!Constant(b->q)) return std::optional<Node>();
        OCTAVO_ASSIGN_OR_RETURN(b->q, Transposed(b->q));
      }
    }

    Node made;
    made.op_type = conv ? "QLinearConv" : "QLinearMatMul";
    made.name = node.name;
    made.doc = node.doc;
    made.metadata = node.metadata;
    if (conv) made.attributes = node.attributes;
    OCTAVO_ASSIGN_OR_RETURN(const ValueId a_zero, ZeroPoint(*a, a_dtype));
    OCTAVO_ASSIGN_OR_RETURN(const ValueId b_zero, ZeroPoint(*b, b_dtype));
    const ValueId y = graph_.nodes[chain->back()].outputs[0];
    OCTAVO_ASSIGN_OR_RETURN(const ValueId y_zero, ZeroPoint(*to, graph_.values[y].dtype));
    made.inputs = {a->q, a->scale, a_zero, b->q, b->scale, b_zero, to->scale, y_zero};
    if (bias != kNoValue) made.inputs.push_back(bias);
    made.outputs = {y};
    return std::optional<Node>(std::move(made));
  }

  // A Gemm that is a matrix product and nothing else.
  bool IsPlainGemm(const Node& node) const {
    const NodeReader reader(node, graph_.opset());
    return !node.has_input(2) && reader.Int("transA", 0) == 0 && reader.Float("alpha", 1) == 1;
  }

  // QLinearConv has no scale for its int32 bias: it must be the product of the other two.
  bool IsProductBias(const Quantized& bias, const Quantized& a, const Quantized& b) const {
    const Tensor *values = Constant(bias.q), *scales = Constant(bias.scale), *zeros = Constant(bias.zero);
    if (!values || values->dtype() != DType::kInt32) return false;
    if (zeros) {
      const auto data = zeros->data<int32_t>();
      if (std::any_of(data.begin(), data.end(), [](int32_t zero) { return zero != 0; })) return false;
    }
    const auto weight_scales = Constant(b.scale)->data<float>();
    if (scales->elements() != 1 && scales->elements() != static_cast<int64_t>(weight_scales.size())) return false;
    for (size_t c = 0; c < weight_scales.size(); ++c) {
      const float product = Constant(a.scale)->data<float>()[0] * weight_scales[c];
      const float found = scales->data<float>()[scales->elements() == 1 ? 0 : c];
      if (!(std::fabs(found - product) <= 1e-6f * product)) return false;
    }
    return true;
  }

  // A constant matrix of bytes.
  Result<ValueId> Transposed(ValueId v) {
    const Tensor& from = *Constant(v);
    const int64_t rows = from.shape()[0], columns = from.shape()[1];
    OCTAVO_ASSIGN_OR_RETURN(Tensor to, Tensor::Create(rewriter_.memory(), from.dtype(), Shape{columns, rows}));
    const auto* bytes = static_cast<const uint8_t*>(from.raw());
    auto* moved = static_cast<uint8_t*>(to.mutable_raw());
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) moved[c * rows + r] = bytes[r * columns + c];
    }
    return rewriter_.NewConstant(graph_.values[v].name + "_transposed", std::move(to));
  }

  const Graph& graph_;
  const std::vector<NodeId> producers_;
  const std::vector<std::vector<NodeId>> consumers_;
  Rewriter rewriter_;
  std::vector<bool> is_output_;
};

}  // namespace

Result<Graph> ToQOperator(const Graph& graph, const MemoryPtr& memory) { return Contractor(graph, memory).Run(); }

void DropUnread(Graph& graph) {
  std::vector<bool> read(graph.values.size(), false), kept(graph.nodes.size(), false);
  for (ValueId v : graph.outputs) read[v] = true;
  for (size_t n = graph.nodes.size(); n-- > 0;) {
    const Node& node = graph.nodes[n];
    kept[n] =
        std::any_of(node.outputs.begin(), node.outputs.end(), [&](ValueId v) { return v != kNoValue && read[v]; });
    if (!kept[n]) continue;
    for (ValueId v : node.inputs) {
      if (v != kNoValue) read[v] = true;
    }
  }
  std::vector<Node> nodes;
  for (size_t n = 0; n < kept.size(); ++n) {
    if (kept[n]) nodes.push_back(std::move(graph.nodes[n]));
  }
  graph.nodes = std::move(nodes);
}

}  // namespace octavo
