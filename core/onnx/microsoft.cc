#include "core/onnx/microsoft.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace octavo {
namespace {

constexpr const char* kDomain = "com.microsoft";

// Per-axis scales of Q and DQ.
constexpr int64_t kPerAxisOpset = 13;

// A quantized value among a node's inputs: itself, its scale, its zero point, one after the other.
struct Triple {
  ValueId q = kNoValue, scale = kNoValue, zero = kNoValue;
};

class Speller {
 public:
  Speller(Graph& graph, const MemoryPtr& memory) : graph_(graph), memory_(memory) {
    for (const Value& value : graph.values) names_.insert(value.name);
  }

  Status Run() {
    std::vector<Node> source = std::exchange(graph_.nodes, {});
    for (Node& node : source) {
      if (node.domain != kDomain) {
        graph_.nodes.push_back(std::move(node));
        continue;
      }
      OCTAVO_ASSIGN_OR_RETURN(const bool spelled, Spell(node));
      if (!spelled) graph_.nodes.push_back(std::move(node));
    }
    const bool left =
        std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [](const Node& node) { return node.domain == kDomain; });
    if (!left) std::erase_if(graph_.opsets, [](const OpsetImport& import) { return import.domain == kDomain; });
    return Ok();
  }

 private:
  // Input positions are those of the operators' schemas in ONNX Runtime's docs/ContribOperators.md.
  Result<bool> Spell(Node& node) {
    const std::string& op = node.op_type;
    if (node.outputs.size() != 1 || node.outputs[0] == kNoValue) return false;
    if (op == "QuantizeLinear" || op == "DequantizeLinear") {
      node.domain.clear();
      graph_.nodes.push_back(std::move(node));
      return true;
    }
    if (IntOr(node, "channels_last", 0) == 1) return false;
    if (op == "QLinearAdd") return Binary(node, "Add");
    if (op == "QLinearMul") return Binary(node, "Mul");
    if (op == "QLinearAveragePool") return Unary(node, "AveragePool");
    if (op == "QLinearGlobalAveragePool") return Unary(node, "GlobalAveragePool");
    if (op == "QLinearLeakyRelu") return Unary(node, "LeakyRelu");
    if (op == "QLinearSigmoid") return Unary(node, "Sigmoid");
    if (op == "QLinearSoftmax") return Unary(node, "Softmax");
    if (op == "QLinearConcat") return Concat(node);
    if (op == "QLinearWhere") return Where(node);
    if (op == "QGemm") return Gemm(node);
    return false;
  }

  // NodeReader's Int, of attributes whose types nobody has checked yet.
  static int64_t IntOr(const Node& node, const char* name, int64_t fallback) {
    const Attribute* attribute = node.FindAttribute(name);
    return attribute && std::holds_alternative<int64_t>(attribute->value) ? std::get<int64_t>(attribute->value)
                                                                          : fallback;
  }

  // Input i as a triple; nullopt unless all three are there.
  static std::optional<Triple> TripleAt(const Node& node, size_t i) {
    if (!node.has_input(i) || !node.has_input(i + 1) || !node.has_input(i + 2)) return std::nullopt;
    return Triple{node.inputs[i], node.inputs[i + 1], node.inputs[i + 2]};
  }

  // Graph::UniqueName with the names at hand.
  std::string Unique(const std::string& base) {
    std::string name = base;
    for (int i = 1; !names_.insert(name).second; ++i) name = base + "_" + std::to_string(i);
    return name;
  }
  ValueId NewValue(const std::string& base) { return graph_.AddValue(Unique(base)); }

  void Emit(const char* op, const std::string& name, std::vector<ValueId> inputs, ValueId output,
            std::vector<Attribute> attributes = {}) {
    Node node;
    node.op_type = op;
    node.name = name;
    node.inputs = std::move(inputs);
    node.outputs = {output};
    node.attributes = std::move(attributes);
    graph_.nodes.push_back(std::move(node));
  }

  ValueId Dequantize(const Node& node, const Triple& from, std::vector<Attribute> attributes = {}) {
    const std::string& name = graph_.values[from.q].name;
    const ValueId to = NewValue(name + "_dequantized");
    Emit("DequantizeLinear", Prefix(node) + name + "_DequantizeLinear", {from.q, from.scale, from.zero}, to,
         std::move(attributes));
    return to;
  }
  static std::string Prefix(const Node& node) { return node.name.empty() ? "" : node.name + "_"; }

  // op(inputs) -> QuantizeLinear -> the node's own output.
  void Finish(const Node& node, const char* op, std::vector<ValueId> inputs, ValueId scale, ValueId zero,
              std::vector<Attribute> attributes) {
    const ValueId y = node.outputs[0];
    const ValueId result = NewValue(graph_.values[y].name + "_float");
    Emit(op, node.name, std::move(inputs), result, std::move(attributes));
    Emit("QuantizeLinear", Prefix(node) + "QuantizeLinear", {result, scale, zero}, y);
  }

  static std::vector<Attribute> AttributesBut(const Node& node, std::initializer_list<const char*> left_out) {
    std::vector<Attribute> kept;
    for (const Attribute& attribute : node.attributes) {
      if (std::none_of(left_out.begin(), left_out.end(), [&](const char* name) { return attribute.name == name; })) {
        kept.push_back(attribute);
      }
    }
    return kept;
  }

  // A, its scale and zero point; the result's scale and zero point.
  Result<bool> Unary(const Node& node, const char* op) {
    const auto x = TripleAt(node, 0);
    if (!x || !node.has_input(3) || !node.has_input(4)) return false;
    const ValueId in = Dequantize(node, *x);
    Finish(node, op, {in}, node.inputs[3], node.inputs[4], AttributesBut(node, {"channels_last", "opset"}));
    return true;
  }

  Result<bool> Binary(const Node& node, const char* op) {
    const auto a = TripleAt(node, 0), b = TripleAt(node, 3);
    if (!a || !b || !node.has_input(6) || !node.has_input(7)) return false;
    const ValueId left = Dequantize(node, *a), right = Dequantize(node, *b);
    Finish(node, op, {left, right}, node.inputs[6], node.inputs[7], {});
    return true;
  }

  // The result's scale and zero point, then triples.
  Result<bool> Concat(const Node& node) {
    if (!node.has_input(0) || !node.has_input(1) || node.inputs.size() < 5 || (node.inputs.size() - 2) % 3 != 0) {
      return false;
    }
    std::vector<Triple> parts;
    for (size_t i = 2; i < node.inputs.size(); i += 3) {
      const auto part = TripleAt(node, i);
      if (!part) return false;
      parts.push_back(*part);
    }
    std::vector<ValueId> inputs;
    for (const Triple& part : parts) inputs.push_back(Dequantize(node, part));
    Finish(node, "Concat", std::move(inputs), node.inputs[0], node.inputs[1], node.attributes);
    return true;
  }

  // condition, two triples, the result's scale and zero point.
  Result<bool> Where(const Node& node) {
    const auto x = TripleAt(node, 1), y = TripleAt(node, 4);
    if (!node.has_input(0) || !x || !y || !node.has_input(7) || !node.has_input(8)) return false;
    const ValueId left = Dequantize(node, *x), right = Dequantize(node, *y);
    Finish(node, "Where", {node.inputs[0], left, right}, node.inputs[7], node.inputs[8], {});
    return true;
  }

  // A, B, an int32 C of scale alpha * a_scale * b_scale; the result's scale and zero point, without which it is float.
  Result<bool> Gemm(const Node& node) {
    const auto a = TripleAt(node, 0), b = TripleAt(node, 3);
    if (!a || !b) return false;
    const bool has_scale = node.has_input(7), has_zero = node.has_input(8);
    if (has_scale != has_zero) return false;
    const auto& b_scale = graph_.values[b->scale].constant;
    std::vector<Attribute> b_axis;
    if (b_scale && b_scale->elements() > 1) {
      if (graph_.opset() < kPerAxisOpset) return false;
      b_axis.push_back({"axis", IntOr(node, "transB", 0) != 0 ? int64_t{0} : int64_t{1}});
    }
    std::optional<ValueId> c_scale;
    if (node.has_input(6)) {
      OCTAVO_ASSIGN_OR_RETURN(c_scale, ProductScale(node, *a, *b));
      if (!c_scale) return false;
    }
    std::vector<ValueId> inputs = {Dequantize(node, *a), Dequantize(node, *b, b_axis)};
    if (c_scale) {
      const ValueId c = node.inputs[6], bias = NewValue(graph_.values[c].name + "_dequantized");
      std::vector<Attribute> axis;
      if (graph_.values[*c_scale].constant->elements() > 1) axis.push_back({"axis", int64_t{0}});
      Emit("DequantizeLinear", Prefix(node) + "bias_DequantizeLinear", {c, *c_scale}, bias, std::move(axis));
      inputs.push_back(bias);
    }
    if (has_scale) {
      Finish(node, "Gemm", std::move(inputs), node.inputs[7], node.inputs[8], node.attributes);
    } else {
      Emit("Gemm", node.name, std::move(inputs), node.outputs[0], node.attributes);
    }
    return true;
  }

  // A constant alpha * a_scale * b_scale, one for each of b's; nullopt where those are not constant.
  Result<std::optional<ValueId>> ProductScale(const Node& node, const Triple& a, const Triple& b) {
    const auto &sa = graph_.values[a.scale].constant, &sb = graph_.values[b.scale].constant;
    if (!sa || !sb || sa->dtype() != DType::kFloat || sb->dtype() != DType::kFloat || sa->elements() != 1) {
      return std::optional<ValueId>();
    }
    const Attribute* alpha = node.FindAttribute("alpha");
    const float factor = alpha && std::holds_alternative<float>(alpha->value) ? std::get<float>(alpha->value) : 1.0f;
    std::vector<float> scales;
    for (float scale : sb->data<float>()) scales.push_back(factor * sa->data<float>()[0] * scale);
    const Shape shape = scales.size() == 1 ? Shape() : Shape{static_cast<int64_t>(scales.size())};
    OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Of<float>(memory_, shape, scales));
    return std::optional(graph_.AddConstant(Unique(graph_.values[node.inputs[6]].name + "_scale"), std::move(tensor)));
  }

  Graph& graph_;
  const MemoryPtr& memory_;
  std::unordered_set<std::string> names_;
};

}  // namespace

Status SpellOutMicrosoft(Graph& graph, const MemoryPtr& memory) {
  const bool any =
      std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) { return node.domain == kDomain; });
  return any ? Speller(graph, memory).Run() : Ok();
}

}  // namespace octavo
