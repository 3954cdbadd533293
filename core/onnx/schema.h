// Field numbers of onnx.proto, as far as this library reads or writes them.
#ifndef OCTAVO_CORE_ONNX_SCHEMA_H_
#define OCTAVO_CORE_ONNX_SCHEMA_H_

#include <cstdint>

namespace octavo::proto {

struct Model {
  static constexpr const char* kName = "ModelProto";
  enum : uint32_t {
    kIrVersion = 1,
    kProducerName = 2,
    kProducerVersion = 3,
    kDomain = 4,
    kModelVersion = 5,
    kDoc = 6,
    kGraph = 7,
    kOpsetImport = 8,
    kMetadata = 14,
    kTrainingInfo = 20,
    kFunctions = 25,
  };
};

struct OpsetId {
  static constexpr const char* kName = "OperatorSetIdProto";
  enum : uint32_t { kDomain = 1, kVersion = 2 };
};

struct Entry {
  static constexpr const char* kName = "StringStringEntryProto";
  enum : uint32_t { kKey = 1, kValue = 2 };
};

struct Graph {
  static constexpr const char* kName = "GraphProto";
  enum : uint32_t {
    kNode = 1,
    kGraphName = 2,
    kInitializer = 5,
    kDoc = 10,
    kInput = 11,
    kOutput = 12,
    kValueInfo = 13,
    kSparseInitializer = 15,
  };
};

struct Node {
  static constexpr const char* kName = "NodeProto";
  enum : uint32_t {
    kInput = 1,
    kOutput = 2,
    kNodeName = 3,
    kOpType = 4,
    kAttribute = 5,
    kDoc = 6,
    kDomain = 7,
    kOverload = 8,
    kMetadata = 9,
  };
};

struct Attribute {
  static constexpr const char* kName = "AttributeProto";
  enum : uint32_t {
    kAttributeName = 1,
    kFloat = 2,
    kInt = 3,
    kString = 4,
    kTensor = 5,
    kGraph = 6,
    kFloats = 7,
    kInts = 8,
    kStrings = 9,
    kTensors = 10,
    kGraphs = 11,
    kTypeProto = 14,
    kTypeProtos = 15,
    kType = 20,
    kRefAttribute = 21,
    kSparseTensor = 22,
    kSparseTensors = 23,
  };
  // AttributeProto.AttributeType
  enum Type : int64_t {
    kTypeFloat = 1,
    kTypeInt = 2,
    kTypeString = 3,
    kTypeTensor = 4,
    kTypeGraph = 5,
    kTypeFloats = 6,
    kTypeInts = 7,
    kTypeStrings = 8,
    kTypeGraphs = 10,
  };
};

struct ValueInfo {
  static constexpr const char* kName = "ValueInfoProto";
  enum : uint32_t { kValueName = 1, kType = 2, kDoc = 3 };
};

struct Type {
  static constexpr const char* kName = "TypeProto";
  enum : uint32_t { kTensor = 1, kSequence = 4, kMap = 5, kOpaque = 7, kSparseTensor = 8, kOptional = 9 };
};

struct TensorType {
  static constexpr const char* kName = "TypeProto.Tensor";
  enum : uint32_t { kElementType = 1, kShape = 2 };
};

struct TensorShape {
  static constexpr const char* kName = "TensorShapeProto";
  enum : uint32_t { kDimension = 1 };
};

struct Dimension {
  static constexpr const char* kName = "TensorShapeProto.Dimension";
  enum : uint32_t { kValue = 1, kParameter = 2 };
};

struct Tensor {
  static constexpr const char* kName = "TensorProto";
  enum : uint32_t {
    kDims = 1,
    kDataType = 2,
    kSegment = 3,
    kFloatData = 4,
    kInt32Data = 5,
    kStringData = 6,
    kInt64Data = 7,
    kTensorName = 8,
    kRawData = 9,
    kDoubleData = 10,
    kUInt64Data = 11,
    kDoc = 12,
    kExternalData = 13,
    kDataLocation = 14,
  };
};

}  // namespace octavo::proto

#endif  // OCTAVO_CORE_ONNX_SCHEMA_H_
