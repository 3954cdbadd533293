// ONNX models of a few nodes, written byte by byte: these tests see the C interface only.
#ifndef OCTAVO_TESTS_CAPI_TINY_MODEL_H_
#define OCTAVO_TESTS_CAPI_TINY_MODEL_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace tiny {

// Protobuf's wire format: enough of it to write.
class Message {
 public:
  Message& Int(int field, int64_t value) {
    Varint(static_cast<uint64_t>(field) << 3);
    Varint(static_cast<uint64_t>(value));
    return *this;
  }
  Message& Bytes(int field, const std::string& value) {
    Varint(static_cast<uint64_t>(field) << 3 | 2);
    Varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& Sub(int field, const Message& message) { return Bytes(field, message.bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  void Varint(uint64_t value) {
    for (; value >= 128; value >>= 7) bytes_ += static_cast<char>(value | 128);
    bytes_ += static_cast<char>(value);
  }
  std::string bytes_;
};

// Dimensions below 0 are open.
struct Port {
  std::string name;
  int dtype;
  std::vector<int64_t> dims;
};

class Model {
 public:
  Model& Input(const Port& port) { return Info(11, port); }
  Model& Output(const Port& port) { return Info(12, port); }
  Model& Node(const std::string& op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
              const std::vector<std::pair<std::string, int64_t>>& attributes = {}) {
    Message node;
    for (const auto& name : inputs) node.Bytes(1, name);
    for (const auto& name : outputs) node.Bytes(2, name);
    node.Bytes(3, "node_" + outputs[0]).Bytes(4, op);
    for (const auto& [name, value] : attributes) node.Sub(5, Message().Bytes(1, name).Int(3, value).Int(20, 2));
    graph_.Sub(1, node);
    return *this;
  }
  Model& Floats(const std::string& name, const std::vector<int64_t>& dims, const std::vector<float>& values) {
    std::string raw(values.size() * sizeof(float), '\0');
    std::memcpy(raw.data(), values.data(), raw.size());
    Message tensor;
    for (int64_t dim : dims) tensor.Int(1, dim);
    graph_.Sub(5, tensor.Int(2, 1).Bytes(8, name).Bytes(9, raw));
    return *this;
  }
  Model& Metadata(const std::string& key, const std::string& value) {
    metadata_.emplace_back(key, value);
    return *this;
  }
  std::string Bytes() const {
    Message model;
    model.Int(1, 10).Bytes(2, "tiny").Sub(7, Message(graph_).Bytes(2, "tiny"));
    model.Sub(8, Message().Bytes(1, "").Int(2, 21));
    for (const auto& [key, value] : metadata_) model.Sub(14, Message().Bytes(1, key).Bytes(2, value));
    return model.bytes();
  }

 private:
  Model& Info(int field, const Port& port) {
    Message shape;
    for (int64_t dim : port.dims) {
      shape.Sub(1, dim < 0 ? Message().Bytes(2, "n") : Message().Int(1, dim));
    }
    const Message type = Message().Int(1, port.dtype).Sub(2, shape);
    graph_.Sub(field, Message().Bytes(1, port.name).Sub(2, Message().Sub(1, type)));
    return *this;
  }
  Message graph_;
  std::vector<std::pair<std::string, std::string>> metadata_;
};

// y = relu(x * w + b): x [n, 4], y [n, 3].
inline std::string Dense() {
  return Model()
      .Input({"x", 1, {-1, 4}})
      .Output({"y", 1, {-1, 3}})
      .Floats("w", {4, 3}, {0.5f, -1, 2, 1, 0.25f, -0.5f, -2, 1, 0.75f, 0.125f, -0.25f, 1})
      .Floats("b", {3}, {0.5f, 1, -1})
      .Node("Gemm", {"x", "w", "b"}, {"h"})
      .Node("Relu", {"h"}, {"y"})
      .Metadata("purpose", "testing")
      .Bytes();
}

// sum = a + b, positions = NonZero(a): the shape of an output depends on what an input contains.
inline std::string TwoInTwoOut() {
  return Model()
      .Input({"a", 1, {2, 3}})
      .Input({"b", 1, {2, 3}})
      .Output({"sum", 1, {2, 3}})
      .Output({"positions", 7, {2, -1}})
      .Node("Add", {"a", "b"}, {"sum"})
      .Node("NonZero", {"a"}, {"positions"})
      .Bytes();
}

}  // namespace tiny

#endif  // OCTAVO_TESTS_CAPI_TINY_MODEL_H_
