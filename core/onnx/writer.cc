#include "core/onnx/writer.h"

#include <protozero/pbf_writer.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/checked.h"
#include "core/graph/operator.h"
#include "core/onnx/fields.h"
#include "core/onnx/schema.h"

namespace octavo {
namespace {

constexpr uint64_t kMaxMessage = INT32_MAX;  // protobuf's own bound
constexpr size_t kExternalBytes = 1024;      // smaller tensors stay in the model
constexpr uint64_t kExternalAlignment = 64;  // so that a reader can use a mapped file as it is

// A message in pieces: text made here, and the bytes of tensors where they lie. Knows its size before anything is
// written, which the length in front of every message asks for.
class Message {
 public:
  uint64_t size() const { return size_; }

  void Int(uint32_t tag, int64_t value) {
    Owned([&](protozero::pbf_writer& writer) { writer.add_int64(tag, value); });
  }
  void Float(uint32_t tag, float value) {
    Owned([&](protozero::pbf_writer& writer) { writer.add_float(tag, value); });
  }
  void Bytes(uint32_t tag, std::string_view value) {
    Owned([&](protozero::pbf_writer& writer) { writer.add_bytes(tag, value.data(), value.size()); });
  }
  // Absent and "" are the same for every text of ONNX.
  void Text(uint32_t tag, std::string_view value) {
    if (!value.empty()) Bytes(tag, value);
  }
  void Sub(uint32_t tag, Message message) {
    Prefix(tag, message.size_);
    for (Piece& piece : message.pieces_) {
      Last() += piece.owned;
      pieces_.back().borrowed = piece.borrowed;
    }
    size_ += message.size_;
  }
  // Bytes that are not copied: they have to stay until Write.
  void Borrowed(uint32_t tag, std::span<const std::byte> bytes) {
    Prefix(tag, bytes.size());
    pieces_.back().borrowed = bytes;
    size_ += bytes.size();
  }

  Status Write(const ByteSink& sink) const {
    std::string gathered;  // small pieces go out together
    const auto flush = [&] {
      const Status status = gathered.empty() ? Ok() : sink(std::as_bytes(std::span(gathered)));
      gathered.clear();
      return status;
    };
    for (const Piece& piece : pieces_) {
      gathered += piece.owned;
      if (gathered.size() >= kFlush || piece.borrowed.size() >= kFlush) OCTAVO_RETURN_IF_ERROR(flush());
      if (piece.borrowed.size() >= kFlush) {
        OCTAVO_RETURN_IF_ERROR(sink(piece.borrowed));
      } else {
        gathered.append(reinterpret_cast<const char*>(piece.borrowed.data()), piece.borrowed.size());
      }
    }
    return flush();
  }

 private:
  static constexpr size_t kFlush = 65536;
  struct Piece {
    std::string owned;
    std::span<const std::byte> borrowed;  // comes behind `owned`
  };

  std::string& Last() {
    if (pieces_.empty() || !pieces_.back().borrowed.empty()) pieces_.emplace_back();
    return pieces_.back().owned;
  }
  template <typename F>
  void Owned(F&& add) {
    std::string& text = Last();
    const size_t old = text.size();
    protozero::pbf_writer writer(text);
    add(writer);
    size_ += text.size() - old;
  }
  // Tag and length of something of `size` bytes. Sizes that a length cannot hold are refused before writing.
  void Prefix(uint32_t tag, uint64_t size) {
    char bytes[2 * protozero::max_varint_length];
    int length = protozero::write_varint(bytes, tag << 3 | 2);
    length += protozero::write_varint(bytes + length, size);
    Last().append(bytes, static_cast<size_t>(length));
    size_ += static_cast<uint64_t>(length);
  }

  std::vector<Piece> pieces_;
  uint64_t size_ = 0;
};

// The file beside the model: which tensors it holds, in order, each at a multiple of kExternalAlignment.
struct ExternalFile {
  std::string location;  // its name as the model gives it
  std::vector<std::span<const std::byte>> tensors;
  uint64_t size = 0;
};

std::span<const std::byte> BytesOf(const Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.raw()), tensor.bytes()};
}

Message MetadataEntry(std::string_view key, std::string_view value) {
  Message message;
  message.Bytes(proto::Entry::kKey, key);
  message.Bytes(proto::Entry::kValue, value);
  return message;
}

Message TensorMessage(const Tensor& tensor, std::string_view name, std::string_view doc, ExternalFile* external) {
  using T = proto::Tensor;
  Message message;
  for (int64_t dim : tensor.shape().dims()) message.Int(T::kDims, dim);
  message.Int(T::kDataType, static_cast<int64_t>(tensor.dtype()));
  message.Text(T::kTensorName, name);
  const bool outside = external && tensor.bytes() >= kExternalBytes;
  if (!outside) message.Borrowed(T::kRawData, BytesOf(tensor));
  message.Text(T::kDoc, doc);
  if (outside) {
    external->size = RoundUp(external->size, kExternalAlignment);
    message.Sub(T::kExternalData, MetadataEntry("location", external->location));
    message.Sub(T::kExternalData, MetadataEntry("offset", std::to_string(external->size)));
    message.Sub(T::kExternalData, MetadataEntry("length", std::to_string(tensor.bytes())));
    message.Int(T::kDataLocation, 1);
    external->tensors.push_back(BytesOf(tensor));
    external->size += tensor.bytes();
  }
  return message;
}

Message AttributeMessage(const Attribute& attribute) {
  using A = proto::Attribute;
  struct Visitor {
    Message& message;
    A::Type operator()(int64_t value) {
      message.Int(A::kInt, value);
      return A::kTypeInt;
    }
    A::Type operator()(float value) {
      message.Float(A::kFloat, value);
      return A::kTypeFloat;
    }
    A::Type operator()(const std::string& value) {
      message.Bytes(A::kString, value);
      return A::kTypeString;
    }
    A::Type operator()(const Tensor& value) {
      message.Sub(A::kTensor, TensorMessage(value, "", "", nullptr));
      return A::kTypeTensor;
    }
    A::Type operator()(const std::vector<int64_t>& values) {
      for (int64_t value : values) message.Int(A::kInts, value);
      return A::kTypeInts;
    }
    A::Type operator()(const std::vector<float>& values) {
      for (float value : values) message.Float(A::kFloats, value);
      return A::kTypeFloats;
    }
    A::Type operator()(const std::vector<std::string>& values) {
      for (const std::string& value : values) message.Bytes(A::kStrings, value);
      return A::kTypeStrings;
    }
  };
  Message message;
  message.Text(A::kAttributeName, attribute.name);
  const A::Type type = std::visit(Visitor{message}, attribute.value);
  message.Int(A::kType, type);
  return message;
}

Message NodeMessage(const Graph& graph, const Node& node) {
  using N = proto::Node;
  const auto name = [&](ValueId v) { return v == kNoValue ? std::string_view() : graph.values[v].name; };
  Message message;
  for (ValueId v : node.inputs) message.Bytes(N::kInput, name(v));
  for (ValueId v : node.outputs) message.Bytes(N::kOutput, name(v));
  message.Text(N::kNodeName, node.name);
  message.Text(N::kOpType, node.op_type);
  for (const Attribute& attribute : node.attributes) message.Sub(N::kAttribute, AttributeMessage(attribute));
  message.Text(N::kDoc, node.doc);
  message.Text(N::kDomain, node.domain);
  for (const auto& [key, value] : node.metadata) message.Sub(N::kMetadata, MetadataEntry(key, value));
  return message;
}

// What a file stated of a value that is no input, else what is known.
const std::optional<Shape>& Stated(const Value& value) {
  return value.declared_shape ? value.declared_shape : value.shape;
}

Message ValueMessage(const Value& value, const std::optional<Shape>& stated) {
  Message tensor;
  tensor.Int(proto::TensorType::kElementType, static_cast<int64_t>(value.dtype));
  if (stated) {
    Message shape;
    const bool named = value.dim_names.size() == static_cast<size_t>(stated->rank());
    for (int i = 0; i < stated->rank(); ++i) {
      Message dimension;
      if ((*stated)[i] != Shape::kUnknown) {
        dimension.Int(proto::Dimension::kValue, (*stated)[i]);
      } else if (named) {
        dimension.Text(proto::Dimension::kParameter, value.dim_names[static_cast<size_t>(i)]);
      }
      shape.Sub(proto::TensorShape::kDimension, std::move(dimension));
    }
    tensor.Sub(proto::TensorType::kShape, std::move(shape));
  }
  Message type;
  type.Sub(proto::Type::kTensor, std::move(tensor));
  Message message;
  message.Text(proto::ValueInfo::kValueName, value.name);
  message.Sub(proto::ValueInfo::kType, std::move(type));
  if (!value.constant) message.Text(proto::ValueInfo::kDoc, value.doc);  // else the initializer has it
  return message;
}

Message GraphMessage(const Graph& graph, ExternalFile* external) {
  using G = proto::Graph;
  Message message;
  for (const Node& node : graph.nodes) message.Sub(G::kNode, NodeMessage(graph, node));
  message.Text(G::kGraphName, graph.name);
  for (ValueId v : graph.initializers) {
    const Value& value = graph.values[v];
    message.Sub(G::kInitializer, TensorMessage(*value.constant, value.name, value.doc, external));
  }
  message.Text(G::kDoc, graph.doc);
  for (ValueId v : graph.inputs) message.Sub(G::kInput, ValueMessage(graph.values[v], graph.values[v].shape));
  for (ValueId v : graph.initializers) {
    if (graph.values[v].default_input) message.Sub(G::kInput, ValueMessage(graph.values[v], Stated(graph.values[v])));
  }
  for (ValueId v : graph.outputs) message.Sub(G::kOutput, ValueMessage(graph.values[v], Stated(graph.values[v])));
  for (const Value& value : graph.values) {
    if (value.declared) message.Sub(G::kValueInfo, ValueMessage(value, Stated(value)));
  }
  return message;
}

Result<Message> ModelMessage(const Graph& graph, ExternalFile* external) {
  using M = proto::Model;
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].domain == kInternalDomain) {
      return Error(Code::kInternal, "%s is internal and not to be written", Label(graph, n).c_str());
    }
  }
  Message message;
  message.Int(M::kIrVersion, graph.ir_version);
  message.Text(M::kProducerName, graph.producer_name);
  message.Text(M::kProducerVersion, graph.producer_version);
  message.Text(M::kDomain, graph.model_domain);
  if (graph.model_version != 0) message.Int(M::kModelVersion, graph.model_version);
  message.Text(M::kDoc, graph.model_doc);
  message.Sub(M::kGraph, GraphMessage(graph, external));
  for (const OpsetImport& import : graph.opsets) {
    Message opset;
    opset.Bytes(proto::OpsetId::kDomain, import.domain);
    opset.Int(proto::OpsetId::kVersion, import.version);
    message.Sub(M::kOpsetImport, std::move(opset));
  }
  for (const auto& [key, value] : graph.metadata) message.Sub(M::kMetadata, MetadataEntry(key, value));
  return message;
}

Status CheckSize(const Message& message) {
  if (message.size() <= kMaxMessage) return Ok();
  return Error(Code::kLimit, "the model has %llu bytes, but protobuf ends at 2 GiB; store weights as external data",
               static_cast<unsigned long long>(message.size()));
}

Status WriteTensors(const ExternalFile& external, const ByteSink& sink) {
  static constexpr std::byte kPadding[kExternalAlignment] = {};
  uint64_t at = 0;
  for (std::span<const std::byte> tensor : external.tensors) {
    const uint64_t start = RoundUp(at, kExternalAlignment);
    if (start != at) OCTAVO_RETURN_IF_ERROR(sink(std::span(kPadding, static_cast<size_t>(start - at))));
    OCTAVO_RETURN_IF_ERROR(sink(tensor));
    at = start + tensor.size();
  }
  return Ok();
}

}  // namespace

Status WriteOnnx(const Graph& graph, const ByteSink& sink) {
  OCTAVO_ASSIGN_OR_RETURN(const Message message, ModelMessage(graph, nullptr));
  OCTAVO_RETURN_IF_ERROR(CheckSize(message));
  return message.Write(sink);
}

Status WriteOnnxFile(const Graph& graph, const std::string& path, bool external_data) {
  const auto write = [&](const Message& message) {
    return AtomicWriteFile(path, [&](const ByteSink& sink) { return message.Write(sink); });
  };
  if (!external_data) {
    OCTAVO_ASSIGN_OR_RETURN(const Message message, ModelMessage(graph, nullptr));
    if (CheckSize(message).ok()) return write(message);
  }
  ExternalFile external;
  external.location = path.substr(path.rfind('/') + 1) + ".data";
  // What readers refuse as a location shall not be written as one.
  if (!IsText(external.location) || external.location.find('\\') != std::string::npos || external.location[1] == ':') {
    return Error(Code::kInvalidArgument, "'%s' cannot name a file with external data", Printable(path).c_str());
  }
  OCTAVO_ASSIGN_OR_RETURN(const Message message, ModelMessage(graph, &external));
  OCTAVO_RETURN_IF_ERROR(CheckSize(message));
  if (!external.tensors.empty()) {
    OCTAVO_RETURN_IF_ERROR(
        AtomicWriteFile(path + ".data", [&](const ByteSink& sink) { return WriteTensors(external, sink); }));
  }
  return write(message);
}

}  // namespace octavo
