#include "core/onnx/reader.h"

#include <string_view>
#include <utility>
#include <vector>

#include "core/base/file.h"
#include "core/base/name_hash.h"
#include "core/graph/operator.h"
#include "core/onnx/fields.h"
#include "core/onnx/microsoft.h"
#include "core/onnx/schema.h"
#include "core/onnx/tensor_reader.h"
#include "core/ops/table.h"

namespace octavo {
namespace {

// Older ones lack opset_import, and with it any meaning of an operator.
constexpr int64_t kOldestIr = 3;
// Not the newest that exists: a version that only adds fields shall not lock anyone out, and what this library cannot
// do shows in the operator set, element types and operators. This only tells a version from noise.
constexpr int64_t kNewestIr = 255;
constexpr uint64_t kMaxMessage = INT32_MAX;  // protobuf's own bound

// Messages of one kind, to be read when everything they refer to is known.
using Messages = std::vector<std::string_view>;

class Reader {
 public:
  Reader(std::string_view bytes, TensorSource source) : bytes_(bytes), source_(std::move(source)) {
    source_.file = bytes.data();
  }

  Result<Graph> Read();

 private:
  Fields FieldsOf(std::string_view message, const char* type) const { return {message, type, bytes_.data()}; }

  Status ReadModel();
  Status ReadOpset(std::string_view message);
  Status ReadGraph(std::string_view message);
  Status ReadInitializer(std::string_view message);
  enum class Role { kInput, kOutput, kInner };
  Status ReadValueInfo(std::string_view message, Role role);
  Status ReadType(std::string_view message, const std::string& what, Role role, Value* value);
  Status ReadShape(std::string_view message, const std::string& what, Shape* shape, std::vector<std::string>* names);
  Status ReadNode(std::string_view message);
  Status ReadAttribute(std::string_view message, Node* node);

  // The value of that name, made if there is none; kNoValue for "".
  ValueId Find(std::string_view name);

  const std::string_view bytes_;
  TensorSource source_;
  Graph graph_;
  NameMap<ValueId> ids_;  // keys are views of bytes_
};

ValueId Reader::Find(std::string_view name) {
  if (name.empty()) return kNoValue;
  const auto [found, added] = ids_.emplace(name, static_cast<ValueId>(graph_.values.size()));
  if (added) graph_.AddValue(std::string(name));
  return found->second;
}

// --- tensors and types

Status Reader::ReadInitializer(std::string_view message) {
  OCTAVO_ASSIGN_OR_RETURN(NamedTensor named, ReadTensor(message, source_));
  if (named.name.empty()) return Error(Code::kInvalidModel, "an initializer has no name");
  const ValueId id = Find(named.name);
  Value& value = graph_.values[id];
  if (value.constant) {
    return Error(Code::kInvalidModel, "two initializers are named '%s'", Printable(value.name).c_str());
  }
  value.constant = std::move(named.tensor);
  value.doc = std::string(named.doc);
  graph_.initializers.push_back(id);
  return Ok();
}

Status Reader::ReadShape(std::string_view message, const std::string& what, Shape* shape,
                         std::vector<std::string>* names) {
  Fields fields = FieldsOf(message, proto::TensorShape::kName);
  bool named = false;
  while (fields.Next()) {
    if (fields.tag() != proto::TensorShape::kDimension) {
      fields.Skip();
      continue;
    }
    if (shape->rank() == Shape::kMaxRank) {
      return Error(Code::kLimit, "%s has more than %d dimensions", what.c_str(), Shape::kMaxRank);
    }
    int64_t size = Shape::kUnknown;
    std::string name;
    Fields dimension = FieldsOf(fields.Bytes(), proto::Dimension::kName);
    while (dimension.Next()) {
      if (dimension.tag() == proto::Dimension::kValue) {
        size = dimension.Int();
      } else if (dimension.tag() == proto::Dimension::kParameter) {
        name = dimension.String();
      } else {
        dimension.Skip();
      }
    }
    OCTAVO_RETURN_IF_ERROR(dimension.status());
    // Some exporters write -1 for a dimension that is free.
    if (size < Shape::kUnknown) {
      return Error(Code::kInvalidModel, "%s has the dimension %lld", what.c_str(), static_cast<long long>(size));
    }
    shape->Append(size);
    named = named || !name.empty();
    names->push_back(std::move(name));
  }
  if (!named) names->clear();
  return fields.status();
}

Status Reader::ReadType(std::string_view message, const std::string& what, Role role, Value* value) {
  Fields fields = FieldsOf(message, proto::Type::kName);
  bool seen = false;
  while (fields.Next()) {
    const char* kind = nullptr;
    switch (fields.tag()) {
      case proto::Type::kTensor: {
        bool has_shape = false;
        Fields tensor = FieldsOf(fields.Once(&seen), proto::TensorType::kName);
        while (tensor.Next()) {
          if (tensor.tag() == proto::TensorType::kElementType) {
            const int64_t type = tensor.Int();
            if (type == 0) continue;  // not stated
            OCTAVO_ASSIGN_OR_RETURN(const DType dtype, CheckedDType(type, what));
            if (value->dtype != DType::kUndefined && value->dtype != dtype) {
              return Error(Code::kInvalidModel, "%s is stated to be %s and %s", what.c_str(), Name(value->dtype),
                           Name(dtype));
            }
            value->dtype = dtype;
          } else if (tensor.tag() == proto::TensorType::kShape) {
            Shape shape;
            value->dim_names.clear();
            OCTAVO_RETURN_IF_ERROR(ReadShape(tensor.Once(&has_shape), what, &shape, &value->dim_names));
            (role == Role::kInput ? value->shape : value->declared_shape) = shape;
          } else {
            tensor.Skip();
          }
        }
        OCTAVO_RETURN_IF_ERROR(tensor.status());
        break;
      }
      case proto::Type::kSequence:
        kind = "a sequence";
        break;
      case proto::Type::kMap:
        kind = "a map";
        break;
      case proto::Type::kOpaque:
        kind = "opaque";
        break;
      case proto::Type::kSparseTensor:
        kind = "a sparse tensor";
        break;
      case proto::Type::kOptional:
        kind = "optional";
        break;
      default:
        fields.Skip();
    }
    if (kind) return Error(Code::kUnsupported, "%s is %s; only tensors are supported", what.c_str(), kind);
  }
  return fields.status();
}

Status Reader::ReadValueInfo(std::string_view message, Role role) {
  Fields fields = FieldsOf(message, proto::ValueInfo::kName);
  std::string_view name, type, doc;
  bool typed = false;
  while (fields.Next()) {
    switch (fields.tag()) {
      case proto::ValueInfo::kValueName:
        name = fields.Text();
        break;
      case proto::ValueInfo::kType:
        type = fields.Once(&typed);
        break;
      case proto::ValueInfo::kDoc:
        doc = fields.Text();
        break;
      default:
        fields.Skip();
    }
  }
  OCTAVO_RETURN_IF_ERROR(fields.status());
  const char* kind = role == Role::kInput ? "graph input" : role == Role::kOutput ? "graph output" : "value";
  if (name.empty()) return Error(Code::kInvalidModel, "a %s has no name", kind);
  // Types of inner values are kept if the graph has such a value; exporters leave some behind.
  if (role == Role::kInner && !ids_.count(name)) return Ok();
  const ValueId id = Find(name);
  Value& value = graph_.values[id];
  if (!doc.empty()) value.doc = std::string(doc);
  OCTAVO_RETURN_IF_ERROR(ReadType(type, std::string(kind) + " '" + Printable(std::string(name)) + "'", role, &value));
  if (role == Role::kInput) graph_.inputs.push_back(id);
  if (role == Role::kOutput) graph_.outputs.push_back(id);
  if (role == Role::kInner) value.declared = true;
  return Ok();
}

// --- nodes

Status Reader::ReadAttribute(std::string_view message, Node* node) {
  using A = proto::Attribute;
  Attribute attribute;
  int64_t type = 0, integer = 0;
  float number = 0;
  std::string_view text, tensor;
  std::vector<int64_t> integers;
  std::vector<float> numbers;
  std::vector<std::string> texts;
  bool has_tensor = false, reference = false;
  uint32_t kinds = 0;  // bit t: content of the AttributeType t is there

  Fields fields = FieldsOf(message, A::kName);
  while (fields.Next()) {
    switch (fields.tag()) {
      case A::kAttributeName:
        attribute.name = fields.String();
        break;
      case A::kType:
        type = fields.Int();
        break;
      case A::kFloat:
        number = fields.Float();
        kinds |= 1u << A::kTypeFloat;
        break;
      case A::kInt:
        integer = fields.Int();
        kinds |= 1u << A::kTypeInt;
        break;
      case A::kString:
        text = fields.Bytes();
        kinds |= 1u << A::kTypeString;
        break;
      case A::kTensor:
        tensor = fields.Once(&has_tensor);
        kinds |= 1u << A::kTypeTensor;
        break;
      case A::kFloats:
        fields.Fixed<float>([&](const char* data, size_t count) {
          const size_t old = numbers.size();
          numbers.resize(old + count);
          std::memcpy(numbers.data() + old, data, count * sizeof(float));
        });
        kinds |= 1u << A::kTypeFloats;
        break;
      case A::kInts:
        fields.Varints([&](int64_t value) { integers.push_back(value); });
        kinds |= 1u << A::kTypeInts;
        break;
      case A::kStrings:
        texts.emplace_back(fields.Bytes());
        kinds |= 1u << A::kTypeStrings;
        break;
      case A::kRefAttribute:
        reference = reference || !fields.Bytes().empty();
        break;
      case A::kGraph:
      case A::kGraphs:
        kinds |= 1u << A::kTypeGraph;
        fields.Skip();
        break;
      default:
        fields.Skip();
    }
  }
  OCTAVO_RETURN_IF_ERROR(fields.status());
  const std::string where = "attribute '" + Printable(attribute.name) + "'";
  if (reference) return Error(Code::kInvalidModel, "%s refers to a function's, outside of any", where.c_str());
  if (type == A::kTypeGraph || type == A::kTypeGraphs || (kinds & 1u << A::kTypeGraph)) {
    return Error(Code::kUnsupported, "%s is a graph; control flow (If, Loop, Scan) is not supported", where.c_str());
  }
  switch (type) {
    case A::kTypeFloat:
      attribute.value = number;
      break;
    case A::kTypeInt:
      attribute.value = integer;
      break;
    case A::kTypeString:
      attribute.value = std::string(text);
      break;
    case A::kTypeTensor: {
      OCTAVO_ASSIGN_OR_RETURN(NamedTensor named, ReadTensor(tensor, source_));
      attribute.value = std::move(named.tensor);
      break;
    }
    case A::kTypeFloats:
      attribute.value = std::move(numbers);
      break;
    case A::kTypeInts:
      attribute.value = std::move(integers);
      break;
    case A::kTypeStrings:
      attribute.value = std::move(texts);
      break;
    case 0:
      return Error(Code::kInvalidModel, "%s does not state its type", where.c_str());
    default:
      return Error(type > 0 && type <= 14 ? Code::kUnsupported : Code::kInvalidModel,
                   "%s has type %lld; int, float, string, tensor and lists of the first three are supported",
                   where.c_str(), static_cast<long long>(type));
  }
  if (kinds & ~(1u << type)) {
    return Error(Code::kInvalidModel, "%s holds something else than its type states", where.c_str());
  }
  node->attributes.push_back(std::move(attribute));
  return Ok();
}

Status Reader::ReadNode(std::string_view message) {
  Node& node = graph_.nodes.emplace_back();
  Fields fields = FieldsOf(message, proto::Node::kName);
  Messages attributes;
  std::string_view overload;
  while (fields.Next()) {
    switch (fields.tag()) {
      case proto::Node::kInput:
        node.inputs.push_back(Find(fields.Text()));
        break;
      case proto::Node::kOutput:
        node.outputs.push_back(Find(fields.Text()));
        break;
      case proto::Node::kNodeName:
        node.name = fields.String();
        break;
      case proto::Node::kOpType:
        node.op_type = fields.String();
        break;
      case proto::Node::kAttribute:
        attributes.push_back(fields.Bytes());
        break;
      case proto::Node::kDoc:
        node.doc = fields.String();
        break;
      case proto::Node::kDomain:
        node.domain = fields.String();
        break;
      case proto::Node::kOverload:
        overload = fields.Text();
        break;
      case proto::Node::kMetadata: {
        Entry entry;
        OCTAVO_RETURN_IF_ERROR(ReadEntry(fields.Bytes(), bytes_.data(), &entry));
        node.metadata.emplace_back(entry);
        break;
      }
      default:
        fields.Skip();
    }
  }
  OCTAVO_RETURN_IF_ERROR(fields.status());
  const auto label = [&] { return Label(graph_, static_cast<NodeId>(graph_.nodes.size() - 1)); };
  if (!overload.empty()) return Error(Code::kUnsupported, "it calls a model-local function").Within(label());
  if (node.domain == kInternalDomain) {  // those rely on what only this library's own passes make sure of
    return Error(Code::kUnsupported, "operators of domain '%s' cannot come from a file", kInternalDomain)
        .Within(label());
  }
  for (std::string_view attribute : attributes) {
    const Status status = ReadAttribute(attribute, &node);
    if (!status.ok()) return status.Within(label());
  }
  return Ok();
}

// --- graph and model

Status Reader::ReadGraph(std::string_view message) {
  Messages nodes, initializers, inputs, outputs, infos;
  Fields fields = FieldsOf(message, proto::Graph::kName);
  while (fields.Next()) {
    switch (fields.tag()) {
      case proto::Graph::kNode:
        nodes.push_back(fields.Bytes());
        break;
      case proto::Graph::kGraphName:
        graph_.name = fields.String();
        break;
      case proto::Graph::kInitializer:
        initializers.push_back(fields.Bytes());
        break;
      case proto::Graph::kDoc:
        graph_.doc = fields.String();
        break;
      case proto::Graph::kInput:
        inputs.push_back(fields.Bytes());
        break;
      case proto::Graph::kOutput:
        outputs.push_back(fields.Bytes());
        break;
      case proto::Graph::kValueInfo:
        infos.push_back(fields.Bytes());
        break;
      case proto::Graph::kSparseInitializer:
        return Error(Code::kUnsupported, "sparse initializers are not supported");
      default:
        fields.Skip();
    }
  }
  OCTAVO_RETURN_IF_ERROR(fields.status());
  const uint64_t limit = source_.memory->limits().nodes;
  if (nodes.size() > limit) {
    return Error(Code::kLimit, "the graph has %zu nodes, the limit is %llu", nodes.size(),
                 static_cast<unsigned long long>(limit));
  }
  graph_.nodes.reserve(nodes.size());
  for (std::string_view input : inputs) OCTAVO_RETURN_IF_ERROR(ReadValueInfo(input, Role::kInput));
  for (std::string_view tensor : initializers) OCTAVO_RETURN_IF_ERROR(ReadInitializer(tensor));
  for (std::string_view node : nodes) OCTAVO_RETURN_IF_ERROR(ReadNode(node));
  for (std::string_view output : outputs) OCTAVO_RETURN_IF_ERROR(ReadValueInfo(output, Role::kOutput));
  for (std::string_view info : infos) OCTAVO_RETURN_IF_ERROR(ReadValueInfo(info, Role::kInner));
  for (ValueId v : graph_.inputs) {
    Value& value = graph_.values[v];
    value.default_input = value.constant.has_value();
    if (value.default_input) value.declared_shape = std::exchange(value.shape, std::nullopt);
  }
  std::erase_if(graph_.inputs, [&](ValueId v) { return graph_.values[v].default_input; });
  return Ok();
}

Status Reader::ReadOpset(std::string_view message) {
  OpsetImport& import = graph_.opsets.emplace_back();
  Fields fields = FieldsOf(message, proto::OpsetId::kName);
  while (fields.Next()) {
    if (fields.tag() == proto::OpsetId::kDomain) {
      import.domain = fields.String();
    } else if (fields.tag() == proto::OpsetId::kVersion) {
      import.version = fields.Int();
    } else {
      fields.Skip();
    }
  }
  return fields.status();
}

Status Reader::ReadModel() {
  using M = proto::Model;
  std::string_view graph;
  bool has_graph = false;
  graph_.ir_version = 0;
  Fields fields = FieldsOf(bytes_, M::kName);
  while (fields.Next()) {
    switch (fields.tag()) {
      case M::kIrVersion:
        graph_.ir_version = fields.Int();
        break;
      case M::kProducerName:
        graph_.producer_name = fields.String();
        break;
      case M::kProducerVersion:
        graph_.producer_version = fields.String();
        break;
      case M::kDomain:
        graph_.model_domain = fields.String();
        break;
      case M::kModelVersion:
        graph_.model_version = fields.Int();
        break;
      case M::kDoc:
        graph_.model_doc = fields.String();
        break;
      case M::kGraph:
        graph = fields.Once(&has_graph);
        break;
      case M::kOpsetImport:
        OCTAVO_RETURN_IF_ERROR(ReadOpset(fields.Bytes()));
        break;
      case M::kMetadata: {
        Entry entry;
        OCTAVO_RETURN_IF_ERROR(ReadEntry(fields.Bytes(), bytes_.data(), &entry));
        graph_.metadata.emplace_back(entry);
        break;
      }
      case M::kTrainingInfo:
        return Error(Code::kUnsupported, "the model carries training_info, which is not supported");
      case M::kFunctions:
        return Error(Code::kUnsupported, "the model defines functions, which are not supported; inline them first");
      default:
        fields.Skip();
    }
  }
  OCTAVO_RETURN_IF_ERROR(fields.status());
  if (!has_graph) return Error(Code::kInvalidModel, "the model has no graph");
  if (graph_.ir_version < 1) {
    return Error(Code::kInvalidModel, "ir_version is %s", graph_.ir_version == 0 ? "missing" : "negative");
  }
  if (graph_.ir_version < kOldestIr || graph_.ir_version > kNewestIr) {
    return Error(Code::kUnsupported, "ir_version %lld is not supported, only %lld and newer",
                 static_cast<long long>(graph_.ir_version), static_cast<long long>(kOldestIr));
  }
  return ReadGraph(graph);
}

// What people load by mistake, by its first bytes.
const char* Mistaken(std::string_view bytes) {
  const auto starts = [&](std::string_view magic) { return bytes.substr(0, magic.size()) == magic; };
  if (bytes.empty()) return "the file is empty";
  if (starts("version https://git-lfs")) return "this is a Git LFS pointer, not the model: run 'git lfs pull'";
  if (starts("\x89PNG")) return "this is a PNG image";
  if (starts("PK\x03\x04")) return "this is a ZIP archive (a PyTorch checkpoint is one), not an ONNX model";
  if (starts("\x1f\x8b")) return "this is gzip data: unpack it first";
  if (starts("\x89HDF")) return "this is an HDF5 file, not an ONNX model";
  if (bytes.size() >= 8 && bytes.substr(4, 4) == "TFL3") return "this is a TensorFlow Lite model, not an ONNX model";
  if (starts("ir_version:")) return "this is an ONNX model as text; only the binary form is read";
  return nullptr;
}

Result<Graph> Reader::Read() {
  if (bytes_.size() > kMaxMessage) {
    return Error(Code::kLimit, "the model has %zu bytes, but protobuf ends at 2 GiB; store weights as external data",
                 bytes_.size());
  }
  const char* mistaken = Mistaken(bytes_);
  if (mistaken) return Error(Code::kInvalidModel, "%s", mistaken);
  OCTAVO_RETURN_IF_ERROR(ReadModel());
  OCTAVO_RETURN_IF_ERROR(SpellOutMicrosoft(graph_, source_.memory));
  OCTAVO_RETURN_IF_ERROR(Resolve(graph_, FindOperator, source_.memory->limits()));
  return std::move(graph_);
}

std::string_view View(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Result<Graph> ReadOnnxFile(const std::string& path, const MemoryPtr& memory) {
  OCTAVO_ASSIGN_OR_RETURN(const auto file, MappedFile::Open(path, memory->limits().file_bytes));
  TensorSource source{.memory = memory, .owner = file, .mapped = true, .folder = path.substr(0, path.rfind('/') + 1)};
  Result<Graph> graph = Reader(View(file->bytes()), std::move(source)).Read();
  if (!graph.ok()) return graph.status().Within("'" + Printable(path) + "'");
  return graph;
}

Result<Graph> ReadOnnxBytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                            const MemoryPtr& memory) {
  return Reader(View(bytes), TensorSource{.memory = memory, .owner = std::move(owner)}).Read();
}

Result<Tensor> ReadOnnxTensor(std::span<const std::byte> bytes, const MemoryPtr& memory) {
  TensorSource source{.memory = memory, .file = View(bytes).data()};
  OCTAVO_ASSIGN_OR_RETURN(NamedTensor named, ReadTensor(View(bytes), source));
  return std::move(named.tensor);
}

}  // namespace octavo
