#include <utility>
#include <vector>

#include "core/base/checked.h"
#include "core/simplify/passes.h"

namespace octavo {
namespace {

// Above this, a result that is larger than what it is made of stays computed: files shall not grow by simplifying.
constexpr uint64_t kLargeBytes = uint64_t{1} << 20;

class Folder {
 public:
  Folder(Editor& editor, uint64_t* folded) : editor_(editor), folded_(folded) {}

  Status Visit(NodeId n) {
    OCTAVO_RETURN_IF_ERROR(Infer(n));
    const Node& node = editor_.node(n);
    if (!MayFold(node)) return Ok();
    // What a Constant node carries need not be copied.
    if (const Attribute* value = Is(node, "Constant") ? node.FindAttribute("value") : nullptr) {
      editor_.BecomeConstant(node.outputs[0], std::get<Tensor>(value->value));
      editor_.Remove(n);
      return Ok();
    }
    return Fold(n);
  }

 private:
  // Constants that this pass made may tell more about shapes than was known.
  Status Infer(NodeId n) {
    InferContext context(editor_.graph(), n, editor_.opset());
    OCTAVO_RETURN_IF_ERROR(editor_.node(n).op->infer(context));
    for (size_t i = 0; i < context.outputs(); ++i) {
      if (!context.has_output(i)) continue;
      editor_.SetShape(editor_.node(n).outputs[i], context.results()[i].dtype, context.results()[i].shape);
    }
    return Ok();
  }

  bool ReadsShapeOnly(const Node& node) const {
    return (Is(node, "Shape") || Is(node, "Size")) && editor_.KnownShape(node.inputs[0]);
  }

  bool MayFold(const Node& node) const {
    // Quantized weights stay quantized, and what a quantizer placed stays in place.
    if (node.op->quant == QuantRule::kQuantized) return false;
    for (ValueId v : node.outputs) {
      if (v != kNoValue && editor_.IsOutput(v)) return false;  // an output is made by a node
    }
    if (ReadsShapeOnly(node)) return true;
    uint64_t bytes = 0;
    for (ValueId v : node.inputs) {
      if (v == kNoValue) continue;
      const Tensor* constant = editor_.Constant(v);
      if (!constant) return false;
      bytes += constant->bytes();
    }
    // Where work is not proportional to data, only a little of it: this is the scalar reference.
    const Lowering kind = node.op->lowering;
    const bool products = kind == Lowering::kConv || kind == Lowering::kGemm || kind == Lowering::kMatMul;
    return bytes <= kLargeBytes || !(products || node.op->data_dependent);
  }

  // Adds up what the node reads and makes; false where that is not known or too much.
  bool Afford(const Node& node) {
    uint64_t read = 0, made = 0;
    for (ValueId v : node.inputs) {
      if (const Tensor* constant = editor_.Constant(v)) read += constant->bytes();
    }
    for (ValueId v : node.outputs) {
      if (v == kNoValue || node.op->data_dependent) continue;
      const Shape* shape = editor_.KnownShape(v);
      if (!shape) return false;
      const DType dtype = editor_.value(v).dtype;
      const Result<int64_t> elements = CheckedElements(*shape, dtype);
      if (!elements.ok() || !CheckedAdd(made, uint64_t{BytesFor(*elements, dtype)}, &made)) return false;
    }
    const uint64_t limit = editor_.memory()->limits().fold_bytes;
    if (made > limit || *folded_ > limit - made) return false;
    if (made > kLargeBytes && made / 2 > read) return false;
    *folded_ += made;
    return true;
  }

  Status Fold(NodeId n) {
    const Node& node = editor_.node(n);
    if (!Afford(node)) return Ok();
    std::vector<Tensor> inputs(node.inputs.size()), outputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const ValueId v = node.inputs[i];
      if (v == kNoValue) continue;
      if (const Tensor* constant = editor_.Constant(v)) {
        inputs[i] = *constant;
      } else {  // Shape and Size look at no contents
        const Shape& shape = *editor_.KnownShape(v);
        const DType dtype = editor_.value(v).dtype;
        OCTAVO_ASSIGN_OR_RETURN(inputs[i],
                                Tensor::Wrap(dtype, shape, nullptr, BytesFor(shape.Elements(), dtype), nullptr));
      }
    }
    const Status status = EvaluateNode(node, editor_.opset(), inputs, editor_.memory(), &outputs);
    if (status.code() == Code::kLimit) return Ok();  // then it stays to be computed, if there is room when it is
    // To a row wrong contents are the caller's mistake; these came with the model.
    if (status.code() == Code::kInvalidArgument) return Status(Code::kInvalidModel, status.message());
    OCTAVO_RETURN_IF_ERROR(status);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) editor_.BecomeConstant(node.outputs[i], std::move(outputs[i]));
    }
    editor_.Remove(n);
    return Ok();
  }

  Editor& editor_;
  uint64_t* folded_;
};

}  // namespace

Status FoldConstants(Editor& editor, uint64_t* folded) {
  Folder folder(editor, folded);
  for (NodeId n = 0; n < editor.nodes(); ++n) {
    if (!editor.alive(n)) continue;
    const Status status = folder.Visit(n);
    if (!status.ok()) return status.Within(Label(editor.graph(), n));
  }
  return Ok();
}

}  // namespace octavo
