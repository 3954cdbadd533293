// Runs single operators by their rows, and asks their shape rules about what is only partly known.
#ifndef OCTAVO_TESTS_CORE_OPS_OP_TESTING_H_
#define OCTAVO_TESTS_CORE_OPS_OP_TESTING_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/graph/operator.h"
#include "core/ops/table.h"
#include "tests/core/graph_builder.h"

namespace octavo::test {

// An input of which only some things are known. No dtype: left out.
struct Known {
  DType dtype = DType::kUndefined;
  std::optional<Shape> shape;
  Tensor value;  // undefined: unknown

  Known() = default;
  Known(DType d, std::optional<Shape> s) : dtype(d), shape(std::move(s)) {}
  Known(Tensor tensor) : dtype(tensor.dtype()), shape(tensor.shape()), value(tensor) {}  // NOLINT: implicit by design
};

class Op {
 public:
  explicit Op(std::string type, int64_t opset = 21) : opset_(opset) { node_.op_type = std::move(type); }

  template <typename T>
  Op& Set(std::string name, T value) {
    node_.attributes.push_back(Attr(std::move(name), std::move(value)));
    return *this;
  }
  Op& Set(std::string name, std::vector<float> value) {
    node_.attributes.push_back({std::move(name), std::move(value)});
    return *this;
  }
  Op& Outputs(size_t count) {
    outputs_ = count;
    return *this;
  }

  // Undefined tensors are left out.
  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& inputs) {
    OCTAVO_RETURN_IF_ERROR(Prepare());
    for (size_t i = 0; i < inputs.size(); ++i) {
      node_.inputs.push_back(inputs[i].defined() ? static_cast<ValueId>(i) : kNoValue);
    }
    std::vector<Tensor> outputs;
    OCTAVO_RETURN_IF_ERROR(EvaluateNode(node_, opset_, inputs, TestMemory(), &outputs));
    return outputs;
  }
  // The first output; a failure of the test if there is none.
  Tensor Run1(const std::vector<Tensor>& inputs) {
    const auto outputs = Run(inputs);
    EXPECT_TRUE(outputs.ok()) << node_.op_type << ": " << outputs.status().message();
    return outputs.ok() ? (*outputs)[0] : Tensor();
  }
  // The message of the error that running must give.
  std::string Error(const std::vector<Tensor>& inputs, Code code = Code::kInvalidModel) {
    const auto outputs = Run(inputs);
    EXPECT_EQ(outputs.status().code(), code) << outputs.status().message();
    return outputs.status().message();
  }

  Result<std::vector<InferContext::Output>> Infer(const std::vector<Known>& inputs) {
    OCTAVO_RETURN_IF_ERROR(Prepare());
    Graph graph;
    graph.opsets.push_back({"", opset_});
    for (const Known& known : inputs) {
      if (known.dtype == DType::kUndefined && !known.shape) {
        node_.inputs.push_back(kNoValue);
        continue;
      }
      node_.inputs.push_back(graph.AddValue("in" + std::to_string(node_.inputs.size()), known.dtype, known.shape));
      if (known.value.defined()) graph.values.back().constant = known.value;
    }
    graph.nodes.push_back(node_);
    InferContext context(graph, 0, opset_);
    OCTAVO_RETURN_IF_ERROR(node_.op->infer(context));
    return context.results();
  }
  // Output 0's shape as text, "unranked", or the error.
  std::string InferShape(const std::vector<Known>& inputs) {
    const auto results = Infer(inputs);
    if (!results.ok()) return results.status().message();
    return (*results)[0].shape ? (*results)[0].shape->ToString() : "unranked";
  }

 private:
  Status Prepare() {
    node_.inputs.clear();
    node_.outputs.clear();
    for (size_t i = 0; i < outputs_; ++i) node_.outputs.push_back(static_cast<ValueId>(100 + i));
    node_.op = FindOperator("", node_.op_type);
    if (!node_.op) return octavo::Error(Code::kInternal, "no operator %s", node_.op_type.c_str());
    for (const Attribute& attribute : node_.attributes) {
      const auto known = [&](const AttributeSpec& spec) { return spec.name == attribute.name; };
      if (std::none_of(node_.op->attributes.begin(), node_.op->attributes.end(), known)) {
        return octavo::Error(Code::kInternal, "%s has no attribute %s", node_.op_type.c_str(), attribute.name.c_str());
      }
    }
    return Ok();
  }

  Node node_;
  int64_t opset_;
  size_t outputs_ = 1;
};

template <typename T>
std::vector<T> Values(const Tensor& tensor) {
  EXPECT_EQ(tensor.dtype(), DTypeOf<T>::value);
  if (tensor.dtype() != DTypeOf<T>::value) return {};
  return {tensor.data<T>().begin(), tensor.data<T>().end()};
}

// Small numbers, the same everywhere.
class Random {
 public:
  explicit Random(uint32_t seed = 1) : state_(seed * 2654435761u + 12345u) {}
  uint32_t Next() {
    state_ = state_ * 1664525u + 1013904223u;
    return state_ >> 8;
  }
  int Int(int low, int high) { return low + static_cast<int>(Next() % static_cast<uint32_t>(high - low + 1)); }
  float Float() { return static_cast<float>(Int(-1000, 1000)) / 256.0f; }

  Tensor Floats(const Shape& shape) {
    std::vector<float> values(static_cast<size_t>(shape.Elements()));
    for (float& value : values) value = Float();
    return TensorOf<float>(shape, values);
  }
  template <typename T>
  Tensor Integers(const Shape& shape, int low, int high) {
    std::vector<T> values(static_cast<size_t>(shape.Elements()));
    for (T& value : values) value = static_cast<T>(Int(low, high));
    return TensorOf<T>(shape, values);
  }

 private:
  uint32_t state_;
};

// Equal bits, NaN included.
inline void ExpectSame(const Tensor& found, const Tensor& expected) {
  ASSERT_EQ(found.dtype(), expected.dtype());
  ASSERT_EQ(found.shape().ToString(), expected.shape().ToString());
  const auto* a = static_cast<const uint8_t*>(found.raw());
  const auto* b = static_cast<const uint8_t*>(expected.raw());
  for (size_t i = 0; i < found.bytes(); ++i) ASSERT_EQ(a[i], b[i]) << "byte " << i;
}

inline bool Contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
#define EXPECT_CONTAINS(text, part) EXPECT_PRED2(::octavo::test::Contains, text, part)

}  // namespace octavo::test

#endif  // OCTAVO_TESTS_CORE_OPS_OP_TESTING_H_
