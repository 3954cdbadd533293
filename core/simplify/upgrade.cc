// What changed in ONNX's operators between versions 7 and 28, as far as an old form is no longer valid or means
// something else. Whatever is not named here is the same node in any version.
#include <algorithm>
#include <utility>
#include <vector>

#include "core/simplify/match.h"
#include "core/simplify/passes.h"
#include "core/simplify/simplify.h"

namespace octavo {
namespace {

class Upgrader {
 public:
  Upgrader(Editor& editor, int64_t target) : editor_(editor), from_(editor.opset()), to_(target) {}

  Status Visit(NodeId n);

 private:
  // Whether the upgrade passes that version.
  bool Passes(int64_t version) const { return from_ < version && version <= to_; }
  const Node& node(NodeId n) const { return editor_.node(n); }
  NodeReader Reader(NodeId n) const { return NodeReader(node(n), from_); }
  std::string NameFor(NodeId n, const char* what) const { return editor_.value(node(n).outputs[0]).name + "_" + what; }
  Result<ValueId> Integers(NodeId n, const char* what, const std::vector<int64_t>& values) {
    return editor_.AddConstant<int64_t>(NameFor(n, what), Shape({static_cast<int64_t>(values.size())}), values);
  }
  // A number of the type of the node's input 0.
  Result<ValueId> Number(NodeId n, const char* what, float number);
  // Input i, the ones before it that are missing left out.
  void SetInput(NodeId n, size_t i, ValueId v);
  // A list attribute becomes input i.
  Status ListToInput(NodeId n, const char* attribute, size_t i);
  Status NumberToInput(NodeId n, const char* attribute, size_t i);

  Status Pad(NodeId n);
  Status Slice(NodeId n);
  Status TopK(NodeId n);
  Status Split(NodeId n);
  Status BatchNormalization(NodeId n);
  Status GroupNormalization(NodeId n);
  Status Upsample(NodeId n);
  Status Resize(NodeId n);
  Status Coerced(NodeId n);

  Editor& editor_;
  const int64_t from_, to_;
};

Result<ValueId> Upgrader::Number(NodeId n, const char* what, float number) {
  const std::string name = NameFor(n, what);
  switch (editor_.value(node(n).inputs[0]).dtype) {
    case DType::kDouble: {
      const double wide = number;
      return editor_.AddConstant<double>(name, Shape(), std::span(&wide, 1));
    }
    case DType::kFloat16: {
      const Half half(number);
      return editor_.AddConstant<Half>(name, Shape(), std::span(&half, 1));
    }
    default:
      return editor_.AddConstant<float>(name, Shape(), std::span(&number, 1));
  }
}

void Upgrader::SetInput(NodeId n, size_t i, ValueId v) {
  while (node(n).inputs.size() <= i) editor_.AppendInput(n, kNoValue);
  editor_.SetInput(n, i, v);
}

Status Upgrader::ListToInput(NodeId n, const char* attribute, size_t i) {
  if (!Reader(n).has_attribute(attribute)) return Ok();
  OCTAVO_ASSIGN_OR_RETURN(const ValueId v, Integers(n, attribute, Reader(n).Ints(attribute)));
  editor_.RemoveAttribute(n, attribute);
  SetInput(n, i, v);
  return Ok();
}

Status Upgrader::NumberToInput(NodeId n, const char* attribute, size_t i) {
  if (!Reader(n).has_attribute(attribute)) return Ok();
  OCTAVO_ASSIGN_OR_RETURN(const ValueId v, Number(n, attribute, Reader(n).Float(attribute, 0)));
  editor_.RemoveAttribute(n, attribute);
  SetInput(n, i, v);
  return Ok();
}

Status Upgrader::Pad(NodeId n) {
  const bool constant = Reader(n).String("mode", "constant") == "constant" && Reader(n).Float("value", 0) != 0;
  OCTAVO_RETURN_IF_ERROR(ListToInput(n, "pads", 1));
  if (constant) return NumberToInput(n, "value", 2);
  editor_.RemoveAttribute(n, "value");
  return Ok();
}

Status Upgrader::Slice(NodeId n) {
  OCTAVO_RETURN_IF_ERROR(ListToInput(n, "starts", 1));
  OCTAVO_RETURN_IF_ERROR(ListToInput(n, "ends", 2));
  return ListToInput(n, "axes", 3);
}

Status Upgrader::TopK(NodeId n) {
  OCTAVO_ASSIGN_OR_RETURN(const ValueId v, Integers(n, "k", {Reader(n).Int("k", 0)}));
  editor_.RemoveAttribute(n, "k");
  SetInput(n, 1, v);
  return Ok();
}

Status Upgrader::Split(NodeId n) {
  if (Passes(13)) OCTAVO_RETURN_IF_ERROR(ListToInput(n, "split", 1));
  if (Passes(18) && !node(n).has_input(1)) {
    editor_.SetAttribute(n, "num_outputs", static_cast<int64_t>(node(n).outputs.size()));
  }
  return Ok();
}

Status Upgrader::BatchNormalization(NodeId n) {
  if (Passes(9)) {
    if (Reader(n).Int("spatial", 1) != 1) return Error(Code::kUnsupported, "spatial = 0 has no newer form");
    editor_.RemoveAttribute(n, "spatial");
  }
  if (Passes(14)) {
    for (size_t i = 1; i < node(n).outputs.size(); ++i) {
      if (node(n).outputs[i] != kNoValue && !editor_.Unused(node(n).outputs[i])) {
        return Error(Code::kUnsupported, "output %zu is used, as in training, and has no newer form", i);
      }
    }
    editor_.KeepOutputs(n, 1);
  }
  return Ok();
}

// Scale and bias were given by group, and are by channel since 21.
Status Upgrader::GroupNormalization(NodeId n) {
  const auto& shape = editor_.value(node(n).inputs[0]).shape;
  const int64_t channels = shape && shape->rank() > 1 ? (*shape)[1] : Shape::kUnknown;
  const int64_t groups = Reader(n).Int("num_groups", 1);
  for (size_t i : {size_t{1}, size_t{2}}) {
    const Tensor* constant = editor_.Constant(node(n).inputs[i]);
    if (!constant || constant->dtype() != DType::kFloat || channels <= 0 || channels % groups != 0) {
      return Error(Code::kUnsupported, "GroupNormalization can be upgraded with constant float parameters only");
    }
    const Tensor by_group = *constant;
    std::vector<float> values;
    for (int64_t c = 0; c < channels; ++c) {
      values.push_back(by_group.data<float>()[static_cast<size_t>(c / (channels / groups))]);
    }
    OCTAVO_ASSIGN_OR_RETURN(
        const ValueId v, editor_.AddConstant<float>(NameFor(n, i == 1 ? "scale" : "bias"), Shape({channels}), values));
    editor_.SetInput(n, i, v);
  }
  return Ok();
}

// Upsample, and Resize of version 10, are what is now one of many ways to resize.
Status Upgrader::Upsample(NodeId n) {
  ValueId scales = node(n).has_input(1) ? node(n).inputs[1] : kNoValue;
  if (scales == kNoValue) {
    const std::vector<float> values = Reader(n).Floats("scales");
    const Shape shape({static_cast<int64_t>(values.size())});
    OCTAVO_ASSIGN_OR_RETURN(scales, editor_.AddConstant<float>(NameFor(n, "scales"), shape, values));
  }
  const std::string mode = Reader(n).String("mode", "nearest");
  editor_.Replace(n, "Resize", {node(n).inputs[0], kNoValue, scales},
                  {{"coordinate_transformation_mode", std::string("asymmetric")},
                   {"mode", mode},
                   {"nearest_mode", std::string("floor")}});
  return Ok();
}

Status Upgrader::Resize(NodeId n) {
  if (from_ == 10) return Upsample(n);
  const char* const kMode = "coordinate_transformation_mode";
  if (!Passes(13) || Reader(n).String(kMode, "half_pixel") != "tf_half_pixel_for_nn") return Ok();
  const NodeReader reader = Reader(n);
  if (reader.String("mode", "nearest") != "nearest" || reader.String("nearest_mode", "round_prefer_floor") != "floor") {
    return Error(Code::kUnsupported,
                 "tf_half_pixel_for_nn has a newer form only with mode nearest, nearest_mode floor");
  }
  // floor((x + 0.5) / scale), said otherwise
  editor_.SetAttribute(n, kMode, std::string("half_pixel"));
  editor_.SetAttribute(n, "nearest_mode", std::string("round_prefer_ceil"));
  return Ok();
}

// Softmax and its kin went over all axes from `axis` on, taken together; since 13 they go over one.
Status Upgrader::Coerced(NodeId n) {
  const ValueId x = node(n).inputs[0];
  const std::optional<Shape> shape = editor_.value(x).shape;
  int64_t axis = Reader(n).Int("axis", 1);
  if (shape) {
    if (axis < 0) axis += shape->rank();
    std::vector<int64_t> wide;  // axes that matter
    for (int i = static_cast<int>(axis); i < shape->rank(); ++i) {
      if ((*shape)[i] != 1) wide.push_back(i);
    }
    if (wide.size() <= 1) {
      editor_.SetAttribute(n, "axis", wide.empty() ? axis : wide[0]);
      return Ok();
    }
  }
  // As a matrix, and back.
  const auto step = [&](const char* op_type, std::vector<ValueId> inputs, const char* what,
                        std::vector<Attribute> attributes) {
    Node made;
    made.op_type = op_type;
    made.name = node(n).name.empty() ? "" : node(n).name + "_" + what;
    made.inputs = std::move(inputs);
    const ValueId v = editor_.AddValue(NameFor(n, what));
    made.outputs = {v};
    made.attributes = std::move(attributes);
    editor_.InsertBefore(n, std::move(made));
    return v;
  };
  const std::string op_type = node(n).op_type;
  const ValueId matrix = step("Flatten", {x}, "matrix", {{"axis", axis}});
  const ValueId rows = step(op_type.c_str(), {matrix}, "rows", {{"axis", int64_t{1}}});
  ValueId dims;
  if (shape && std::count(shape->dims().begin(), shape->dims().end(), Shape::kUnknown) <= 1) {
    const std::vector<int64_t> target(shape->dims().begin(), shape->dims().end());  // an open one is -1 in both worlds
    OCTAVO_ASSIGN_OR_RETURN(dims, Integers(n, "shape", target));
  } else {
    dims = step("Shape", {x}, "shape", {});
  }
  editor_.Replace(n, "Reshape", {rows, dims}, {});
  return Ok();
}

Status Upgrader::Visit(NodeId n) {
  const Node& node = editor_.node(n);
  if (!node.domain.empty() && node.domain != "ai.onnx") return Ok();
  const std::string op = node.op_type;
  if (op == "Squeeze" || op == "Unsqueeze" || op == "ReduceSum") return Passes(13) ? ListToInput(n, "axes", 1) : Ok();
  if (op.compare(0, 6, "Reduce") == 0) return Passes(18) ? ListToInput(n, "axes", 1) : Ok();
  if (op == "Split") return Split(n);
  if (op == "Clip" && Passes(11)) {
    OCTAVO_RETURN_IF_ERROR(NumberToInput(n, "min", 1));
    return NumberToInput(n, "max", 2);
  }
  if (op == "Pad" && Passes(11)) return Pad(n);
  if (op == "Slice" && Passes(10)) return Slice(n);
  if (op == "TopK" && Passes(10)) return TopK(n);
  if (op == "Dropout" && Passes(12)) return NumberToInput(n, "ratio", 1);
  if (op == "Upsample") return Upsample(n);
  if (op == "Resize") return Resize(n);
  if (op == "BatchNormalization") return BatchNormalization(n);
  if (op == "GroupNormalization" && Passes(21)) return GroupNormalization(n);
  if ((op == "Softmax" || op == "LogSoftmax" || op == "Hardmax") && Passes(13)) return Coerced(n);
  return Ok();
}

}  // namespace

void LeaveOldIr(Graph& graph, int64_t version) {
  for (Value& value : graph.values) value.default_input = value.default_input && graph.ir_version >= 4;
  graph.ir_version = std::max(graph.ir_version, version);
}

Result<Graph> UpgradeOpset(Graph graph, int64_t target, const MemoryPtr& memory) {
  if (target < 13 || target > kNewestOpset) {
    return Error(Code::kInvalidArgument, "cannot upgrade to operator set %lld, only to 13 to %lld",
                 static_cast<long long>(target), static_cast<long long>(kNewestOpset));
  }
  if (graph.opset() >= target) return graph;
  LeaveOldIr(graph, OldestIrVersion(target));
  Editor editor(std::move(graph), memory);
  Upgrader upgrader(editor, target);
  const NodeId nodes = static_cast<NodeId>(editor.nodes());
  for (NodeId n = 0; n < nodes; ++n) {
    const Status status = upgrader.Visit(n);
    if (!status.ok()) return status.Within(Label(editor.graph(), n));
  }
  editor.SetOpset(target);
  return editor.Finish();
}

}  // namespace octavo
