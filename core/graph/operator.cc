#include "core/graph/operator.h"

#include <utility>

namespace octavo {
namespace {

template <typename T>
const T* Get(const Node& node, const char* name) {
  const Attribute* attribute = node.FindAttribute(name);
  return attribute ? std::get_if<T>(&attribute->value) : nullptr;
}

template <typename T>
T GetOr(const Node& node, const char* name, T fallback) {
  const T* value = Get<T>(node, name);
  return value ? *value : std::move(fallback);
}

}  // namespace

int64_t NodeReader::Int(const char* name, int64_t fallback) const { return GetOr(node_, name, fallback); }
float NodeReader::Float(const char* name, float fallback) const { return GetOr(node_, name, fallback); }
std::string NodeReader::String(const char* name, const char* fallback) const {
  return GetOr(node_, name, std::string(fallback));
}
std::vector<int64_t> NodeReader::Ints(const char* name) const { return GetOr(node_, name, std::vector<int64_t>()); }
std::vector<float> NodeReader::Floats(const char* name) const { return GetOr(node_, name, std::vector<float>()); }
const Tensor* NodeReader::TensorAttribute(const char* name) const { return Get<Tensor>(node_, name); }

InferContext::InferContext(const Graph& graph, NodeId node, int64_t opset)
    : NodeReader(graph.nodes[node], opset), graph_(&graph), results_(node_.outputs.size()) {}

InferContext::InferContext(const Node& node, int64_t opset, std::span<const Tensor> inputs)
    : NodeReader(node, opset), tensors_(inputs), results_(node.outputs.size()) {}

DType InferContext::dtype(size_t i) const {
  if (!has_input(i)) return DType::kUndefined;
  return graph_ ? graph_->values[node_.inputs[i]].dtype : tensors_[i].dtype();
}

const Shape* InferContext::shape(size_t i) const {
  if (!has_input(i)) return nullptr;
  if (!graph_) return &tensors_[i].shape();
  const auto& shape = graph_->values[node_.inputs[i]].shape;
  return shape ? &*shape : nullptr;
}

const Tensor* InferContext::value(size_t i) const {
  if (!has_input(i)) return nullptr;
  if (!graph_) return &tensors_[i];
  const auto& constant = graph_->values[node_.inputs[i]].constant;
  return constant ? &*constant : nullptr;
}

void InferContext::SetOutput(size_t i, DType dtype, std::optional<Shape> shape) {
  if (i < results_.size()) results_[i] = {dtype, shape};
}

Result<std::optional<std::vector<int64_t>>> InferContext::Integers(size_t i) const {
  const Tensor* tensor = value(i);
  if (!tensor) return std::optional<std::vector<int64_t>>();
  size_t count = 0;
  OCTAVO_ASSIGN_OR_RETURN(auto values, SmallIntegers(*tensor, &count));
  return std::optional(std::vector<int64_t>(values.begin(), values.begin() + static_cast<ptrdiff_t>(count)));
}

Status EvalContext::Allocate(size_t i, DType dtype, const Shape& shape) {
  if (!has_output(i)) return Ok();
  OCTAVO_ASSIGN_OR_RETURN(outputs_[i], Tensor::Create(memory_, dtype, shape));
  return Ok();
}

Status EvaluateNode(const Node& node, int64_t opset, std::span<const Tensor> inputs, const MemoryPtr& memory,
                    std::vector<Tensor>* outputs) {
  InferContext infer(node, opset, inputs);
  OCTAVO_RETURN_IF_ERROR(node.op->infer(infer));
  outputs->assign(node.outputs.size(), Tensor());
  if (!node.op->data_dependent) {
    for (size_t i = 0; i < outputs->size(); ++i) {
      if (node.outputs[i] == kNoValue) continue;
      const InferContext::Output& result = infer.results()[i];
      if (!result.shape || !result.shape->IsKnown()) {
        return Error(Code::kInternal, "shape rule of %s left output %zu open", node.op->name, i);
      }
      OCTAVO_ASSIGN_OR_RETURN((*outputs)[i], Tensor::Create(memory, result.dtype, *result.shape));
    }
  }
  EvalContext eval(node, opset, inputs, *outputs, memory);
  return node.op->evaluate(eval);
}

}  // namespace octavo
