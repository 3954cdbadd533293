// ONNX files by hand, right ones and wrong ones: Proto().Int(1, 8).Sub(7, ...).
#ifndef OCTAVO_TESTS_CORE_PROTO_BUILDER_H_
#define OCTAVO_TESTS_CORE_PROTO_BUILDER_H_

#include <cstdint>
#include <cstring>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <vector>

#include "core/onnx/schema.h"

namespace octavo::test {

class Proto {
 public:
  Proto& Int(uint32_t tag, int64_t value) {
    protozero::pbf_writer(bytes).add_int64(tag, value);
    return *this;
  }
  Proto& Float(uint32_t tag, float value) {
    protozero::pbf_writer(bytes).add_float(tag, value);
    return *this;
  }
  Proto& Bytes(uint32_t tag, const std::string& value) {
    protozero::pbf_writer(bytes).add_bytes(tag, value);
    return *this;
  }
  Proto& Sub(uint32_t tag, const Proto& message) { return Bytes(tag, message.bytes); }
  // Little-endian numbers one after another: raw_data, packed floats.
  template <typename T>
  Proto& Raw(uint32_t tag, const std::vector<T>& values) {
    return Bytes(tag, std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
  }
  Proto& Packed(uint32_t tag, const std::vector<int64_t>& values) {
    protozero::pbf_writer(bytes).add_packed_int64(tag, values.begin(), values.end());
    return *this;
  }

  std::string bytes;
};

inline Proto ProtoTensor(const std::string& name, DType dtype, const std::vector<int64_t>& dims) {
  Proto tensor;
  for (int64_t dim : dims) tensor.Int(proto::Tensor::kDims, dim);
  tensor.Int(proto::Tensor::kDataType, static_cast<int64_t>(dtype));
  return tensor.Bytes(proto::Tensor::kTensorName, name);
}

// Dimensions below 0 stay open.
inline Proto ProtoValue(const std::string& name, DType dtype, const std::vector<int64_t>& dims) {
  Proto shape;
  for (int64_t dim : dims) {
    Proto dimension;
    if (dim >= 0) dimension.Int(proto::Dimension::kValue, dim);
    shape.Sub(proto::TensorShape::kDimension, dimension);
  }
  const Proto tensor =
      Proto().Int(proto::TensorType::kElementType, static_cast<int64_t>(dtype)).Sub(proto::TensorType::kShape, shape);
  return Proto()
      .Bytes(proto::ValueInfo::kValueName, name)
      .Sub(proto::ValueInfo::kType, Proto().Sub(proto::Type::kTensor, tensor));
}

inline Proto ProtoNode(const std::string& op, const std::vector<std::string>& inputs,
                       const std::vector<std::string>& outputs) {
  Proto node;
  for (const std::string& input : inputs) node.Bytes(proto::Node::kInput, input);
  for (const std::string& output : outputs) node.Bytes(proto::Node::kOutput, output);
  return node.Bytes(proto::Node::kOpType, op);
}

inline Proto ProtoModel(const Proto& graph, int64_t opset = 13, int64_t ir = 8) {
  return Proto()
      .Int(proto::Model::kIrVersion, ir)
      .Sub(proto::Model::kOpsetImport, Proto().Int(proto::OpsetId::kVersion, opset))
      .Sub(proto::Model::kGraph, graph);
}

// x [2] float32, added to the initializer: y.
inline Proto ProtoAdd(const Proto& initializer, const std::string& name = "w") {
  return Proto()
      .Sub(proto::Graph::kNode, ProtoNode("Add", {"x", name}, {"y"}))
      .Sub(proto::Graph::kInitializer, initializer)
      .Sub(proto::Graph::kInput, ProtoValue("x", DType::kFloat, {2}))
      .Sub(proto::Graph::kOutput, ProtoValue("y", DType::kFloat, {2}));
}

}  // namespace octavo::test

#endif  // OCTAVO_TESTS_CORE_PROTO_BUILDER_H_
