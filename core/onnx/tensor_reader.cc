#include "core/onnx/tensor_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/checked.h"
#include "core/onnx/fields.h"
#include "core/onnx/schema.h"

namespace octavo {
namespace {

static_assert(std::endian::native == std::endian::little, "ONNX stores little-endian numbers and so do tensors here");

using Proto = proto::Tensor;

// ONNX's names of element types that this library knows only to refuse, from 14 and from 17 on.
constexpr const char* kRefused[] = {"complex64", "complex128"};
constexpr const char* kRefusedLater[] = {"float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz",
                                         "uint4",        "int4",           "float4e2m1", "float8e8m0",
                                         "uint2",        "int2",           "float6e2m3", "float6e3m2"};

struct TypedField {
  uint32_t tag;
  const char* name;
};
constexpr TypedField kTypedFields[] = {{Proto::kFloatData, "float_data"},   {Proto::kInt32Data, "int32_data"},
                                       {Proto::kInt64Data, "int64_data"},   {Proto::kDoubleData, "double_data"},
                                       {Proto::kUInt64Data, "uint64_data"}, {Proto::kStringData, "string_data"}};

uint32_t TypedFieldOf(DType dtype) {
  switch (dtype) {
    case DType::kFloat:
      return Proto::kFloatData;
    case DType::kDouble:
      return Proto::kDoubleData;
    case DType::kInt64:
      return Proto::kInt64Data;
    case DType::kUInt32:
    case DType::kUInt64:
      return Proto::kUInt64Data;
    default:
      return Proto::kInt32Data;  // 8 and 16 bit, bool, half floats as their bits, pairs of 4-bit numbers
  }
}

// Everything about a tensor but its elements.
struct Header {
  std::vector<int64_t> dims;
  int64_t data_type = 0;
  std::string_view name, doc, raw;
  bool has_raw = false, segmented = false;
  int64_t location = 0;
  uint64_t typed[16] = {};  // elements in each typed field, by tag
  std::vector<Entry> external;
};

Status ReadHeader(std::string_view message, const char* file, Header* header) {
  Fields fields(message, Proto::kName, file);
  while (fields.Next()) {
    const uint32_t tag = fields.tag();
    switch (tag) {
      case Proto::kDims:
        fields.Varints([&](int64_t dim) {
          // Never more than it takes to see that there are too many.
          if (header->dims.size() <= Shape::kMaxRank) header->dims.push_back(dim);
        });
        break;
      case Proto::kDataType:
        header->data_type = fields.Int();
        break;
      case Proto::kSegment:
        header->segmented = true;
        fields.Skip();
        break;
      case Proto::kFloatData:
        fields.Fixed<float>([&](const char*, size_t count) { header->typed[tag] += count; });
        break;
      case Proto::kDoubleData:
        fields.Fixed<double>([&](const char*, size_t count) { header->typed[tag] += count; });
        break;
      case Proto::kInt32Data:
      case Proto::kInt64Data:
      case Proto::kUInt64Data:
        fields.Varints([&](int64_t) { ++header->typed[tag]; });
        break;
      case Proto::kStringData:
        ++header->typed[tag];
        fields.Skip();
        break;
      case Proto::kTensorName:
        header->name = fields.Text();
        break;
      case Proto::kRawData:
        header->raw = fields.Bytes();
        header->has_raw = true;
        break;
      case Proto::kDoc:
        header->doc = fields.Text();
        break;
      case Proto::kExternalData:
        OCTAVO_RETURN_IF_ERROR(ReadEntry(fields.Bytes(), file, &header->external.emplace_back()));
        break;
      case Proto::kDataLocation:
        header->location = fields.Int();
        break;
      default:
        fields.Skip();
    }
  }
  return fields.status();
}

Status CheckBools(const std::byte* data, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    if (data[i] > std::byte{1}) {
      return Error(Code::kInvalidModel, "bool %zu is %d, not 0 or 1", i, static_cast<int>(data[i]));
    }
  }
  return Ok();
}

// Contents that stand as they are in a file: a view where their alignment allows it.
Result<Tensor> FromBytes(DType dtype, const Shape& shape, std::span<const std::byte> bytes,
                         const std::shared_ptr<const void>& owner, bool mapped, const MemoryPtr& memory) {
  if (dtype == DType::kBool) OCTAVO_RETURN_IF_ERROR(CheckBools(bytes.data(), bytes.size()));
  const size_t alignment = std::max<size_t>(1, BitsOf(dtype) / 8);
  if (owner && reinterpret_cast<uintptr_t>(bytes.data()) % alignment == 0) {
    return Tensor::Wrap(dtype, shape, bytes.data(), bytes.size(), owner, mapped);
  }
  OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(memory, dtype, shape));
  if (!bytes.empty()) std::memcpy(tensor.mutable_raw(), bytes.data(), bytes.size());
  return tensor;
}

// Decimal digits and nothing else.
std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  if (text.empty()) return std::nullopt;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (!CheckedMul(number, uint64_t{10}, &number) || !CheckedAdd(number, static_cast<uint64_t>(c - '0'), &number)) {
      return std::nullopt;
    }
  }
  return number;
}

Result<Tensor> FromExternal(const Header& header, DType dtype, const Shape& shape, size_t bytes, TensorSource& source) {
  std::optional<std::string> location;
  std::optional<uint64_t> offset, length;
  for (const auto& [key, value] : header.external) {
    const std::string quoted = "'" + Printable(std::string(value)) + "'";
    if (key == "location" && !location) {
      location = std::string(value);
    } else if (key == "offset" && !offset) {
      if (!(offset = ParseNumber(value))) {
        return Error(Code::kInvalidModel, "external data: offset %s is no number of bytes", quoted.c_str());
      }
    } else if (key == "length" && !length) {
      if (!(length = ParseNumber(value))) {
        return Error(Code::kInvalidModel, "external data: length %s is no number of bytes", quoted.c_str());
      }
    } else if (key != "checksum") {
      return Error(Code::kInvalidModel, "external data: key '%s' is unknown or stands twice",
                   Printable(std::string(key)).c_str());
    }
  }
  if (!location) return Error(Code::kInvalidModel, "external data: no location");
  if (!source.folder) {
    return Error(Code::kUnsupported, "its data lies in the file '%s', but a model in memory has no folder to look in",
                 Printable(*location).c_str());
  }
  if (length && *length != bytes) {
    return Error(Code::kInvalidModel, "external data: %llu bytes where a %s tensor of shape %s has %zu",
                 static_cast<unsigned long long>(*length), Name(dtype), shape.ToString().c_str(), bytes);
  }
  auto file = source.external.find(*location);
  if (file == source.external.end()) {
    OCTAVO_ASSIGN_OR_RETURN(auto opened,
                            MappedFile::OpenBeneath(*source.folder, *location, source.memory->limits().file_bytes));
    file = source.external.emplace(*location, std::move(opened)).first;
  }
  const std::span<const std::byte> contents = file->second->bytes();
  if (!RangeFits(offset.value_or(0), bytes, contents.size())) {
    return Error(Code::kInvalidModel, "external data: %zu bytes at offset %llu, but '%s' has %zu", bytes,
                 static_cast<unsigned long long>(offset.value_or(0)), Printable(*location).c_str(), contents.size());
  }
  return FromBytes(dtype, shape, contents.subspan(static_cast<size_t>(offset.value_or(0)), bytes), file->second, true,
                   source.memory);
}

// Stores the numbers of a varint field as T, each within [low, high]. They were counted before.
template <typename T>
Status StoreIntegers(Fields& fields, int64_t low, int64_t high, size_t* at, void* out) {
  constexpr bool kInt32Field = sizeof(T) < 8 && !std::is_same_v<T, uint32_t>;
  Status status;
  fields.Varints([&](int64_t number) {
    if (kInt32Field) number = static_cast<int32_t>(number);  // negative ones may come in 5 bytes or in 10
    if (number >= low && number <= high) {
      static_cast<T*>(out)[*at] = static_cast<T>(number);
    } else if (status.ok()) {
      status = Error(Code::kInvalidModel, "element %zu is %lld, outside [%lld, %lld]", *at,
                     static_cast<long long>(number), static_cast<long long>(low), static_cast<long long>(high));
    }
    ++*at;
  });
  return status;
}

template <typename T>
Status StoreIntegers(Fields& fields, size_t* at, void* out) {
  if constexpr (sizeof(T) == 8) return StoreIntegers<T>(fields, INT64_MIN, INT64_MAX, at, out);
  return StoreIntegers<T>(fields, std::numeric_limits<T>::min(), static_cast<int64_t>(std::numeric_limits<T>::max()),
                          at, out);
}

template <typename T>
Status StoreFixed(Fields& fields, size_t* at, void* out) {
  fields.Fixed<T>([&](const char* data, size_t count) {
    std::memcpy(static_cast<T*>(out) + *at, data, count * sizeof(T));
    *at += count;
  });
  return Ok();
}

Status StoreTyped(Fields& fields, DType dtype, size_t* at, void* out) {
  switch (dtype) {
    case DType::kFloat:
      return StoreFixed<float>(fields, at, out);
    case DType::kDouble:
      return StoreFixed<double>(fields, at, out);
    case DType::kInt64:
    case DType::kUInt64:
      return StoreIntegers<int64_t>(fields, at, out);
    case DType::kUInt32:
      return StoreIntegers<uint32_t>(fields, at, out);
    case DType::kInt32:
      return StoreIntegers<int32_t>(fields, at, out);
    case DType::kInt16:
      return StoreIntegers<int16_t>(fields, at, out);
    case DType::kInt8:
      return StoreIntegers<int8_t>(fields, at, out);
    case DType::kUInt16:
    case DType::kFloat16:
    case DType::kBFloat16:
      return StoreIntegers<uint16_t>(fields, at, out);
    case DType::kBool:
      return StoreIntegers<uint8_t>(fields, 0, 1, at, out);
    case DType::kUInt8:
    case DType::kUInt4:
    case DType::kInt4:
      return StoreIntegers<uint8_t>(fields, at, out);
    default:
      return Error(Code::kInternal, "no way to read elements of type %s", Name(dtype));
  }
}

Result<Tensor> FromTyped(std::string_view message, DType dtype, const Shape& shape, const TensorSource& source) {
  OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(source.memory, dtype, shape));
  Fields fields(message, Proto::kName, source.file);
  size_t at = 0;
  while (fields.Next()) {
    if (fields.tag() == TypedFieldOf(dtype)) {
      OCTAVO_RETURN_IF_ERROR(StoreTyped(fields, dtype, &at, tensor.mutable_raw()));
    } else {
      fields.Skip();
    }
  }
  OCTAVO_RETURN_IF_ERROR(fields.status());
  return tensor;
}

Result<Tensor> Contents(std::string_view message, const Header& header, TensorSource& source) {
  OCTAVO_ASSIGN_OR_RETURN(const DType dtype, CheckedDType(header.data_type, "it"));
  OCTAVO_ASSIGN_OR_RETURN(const Shape shape, Shape::FromSpan(header.dims));
  OCTAVO_ASSIGN_OR_RETURN(const int64_t elements, CheckedElements(shape, dtype));
  const size_t bytes = BytesFor(elements, dtype);
  if (header.segmented) return Error(Code::kUnsupported, "tensors in segments");

  const uint32_t wanted = TypedFieldOf(dtype);
  for (const TypedField& field : kTypedFields) {
    if (header.typed[field.tag] == 0) continue;
    if (field.tag != wanted) return Error(Code::kInvalidModel, "%s in a %s tensor", field.name, Name(dtype));
    if (header.has_raw) return Error(Code::kInvalidModel, "both raw_data and %s", field.name);
  }
  if (header.location == 1) {
    if (header.has_raw || header.typed[wanted] != 0) {
      return Error(Code::kInvalidModel, "both external data and data in the model");
    }
    return FromExternal(header, dtype, shape, bytes, source);
  }
  if (header.location != 0) {
    return Error(Code::kInvalidModel, "data_location %lld is neither 0 (here) nor 1 (external)",
                 static_cast<long long>(header.location));
  }
  if (header.has_raw) {
    if (header.raw.size() != bytes) {
      return Error(Code::kInvalidModel, "%zu bytes of raw_data where a %s tensor of shape %s has %zu",
                   header.raw.size(), Name(dtype), shape.ToString().c_str(), bytes);
    }
    return FromBytes(dtype, shape, std::as_bytes(std::span(header.raw)), source.owner, source.mapped, source.memory);
  }
  // Count before allocating, so that a tensor is never much larger than the file it came from.
  const uint64_t expected = BitsOf(dtype) < 8 ? bytes : static_cast<uint64_t>(elements);
  if (header.typed[wanted] != expected) {
    return Error(Code::kInvalidModel, "%llu numbers of data where a %s tensor of shape %s has %llu",
                 static_cast<unsigned long long>(header.typed[wanted]), Name(dtype), shape.ToString().c_str(),
                 static_cast<unsigned long long>(expected));
  }
  return FromTyped(message, dtype, shape, source);
}

}  // namespace

Result<DType> CheckedDType(int64_t data_type, const std::string& what) {
  const DType dtype = static_cast<DType>(data_type);
  if (data_type >= 0 && data_type <= INT32_MAX && IsSupported(dtype)) return dtype;
  const char* refused = dtype == DType::kString              ? "string"
                        : data_type == 14 || data_type == 15 ? kRefused[data_type - 14]
                        : data_type >= 17 && data_type <= 28 ? kRefusedLater[data_type - 17]
                                                             : nullptr;
  if (refused) {
    return Error(Code::kUnsupported, "%s has element type %s, which is not supported", what.c_str(), refused);
  }
  return Error(Code::kInvalidModel, "%s has element type %lld, which does not exist", what.c_str(),
               static_cast<long long>(data_type));
}

Result<NamedTensor> ReadTensor(std::string_view message, TensorSource& source) {
  Header header;
  OCTAVO_RETURN_IF_ERROR(ReadHeader(message, source.file, &header));
  Result<Tensor> contents = Contents(message, header, source);
  if (!contents.ok()) return contents.status().Within("tensor '" + Printable(std::string(header.name)) + "'");
  return NamedTensor{header.name, header.doc, std::move(*contents)};
}

}  // namespace octavo
