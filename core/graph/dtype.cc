#include "core/graph/dtype.h"

#include <cstring>

namespace octavo {
namespace {

struct Entry {
  DType dtype;
  const char* name;
  size_t bits;
  char kind;  // 'f' floating, 'i' signed, 'u' unsigned, 'b' bool, 's' string
};

constexpr Entry kEntries[] = {
    {DType::kFloat, "float32", 32, 'f'},   {DType::kDouble, "float64", 64, 'f'},
    {DType::kFloat16, "float16", 16, 'f'}, {DType::kBFloat16, "bfloat16", 16, 'f'},
    {DType::kInt8, "int8", 8, 'i'},        {DType::kInt16, "int16", 16, 'i'},
    {DType::kInt32, "int32", 32, 'i'},     {DType::kInt64, "int64", 64, 'i'},
    {DType::kUInt8, "uint8", 8, 'u'},      {DType::kUInt16, "uint16", 16, 'u'},
    {DType::kUInt32, "uint32", 32, 'u'},   {DType::kUInt64, "uint64", 64, 'u'},
    {DType::kBool, "bool", 8, 'b'},        {DType::kInt4, "int4", 4, 'i'},
    {DType::kUInt4, "uint4", 4, 'u'},      {DType::kString, "string", 0, 's'},
};

const Entry* Find(DType dtype) {
  for (const Entry& entry : kEntries) {
    if (entry.dtype == dtype) return &entry;
  }
  return nullptr;
}

}  // namespace

const char* Name(DType dtype) {
  const Entry* entry = Find(dtype);
  return entry ? entry->name : "undefined";
}

DType DTypeFromName(const char* name) {
  for (const Entry& entry : kEntries) {
    if (std::strcmp(entry.name, name) == 0) return entry.dtype;
  }
  return DType::kUndefined;
}

size_t BitsOf(DType dtype) {
  const Entry* entry = Find(dtype);
  return entry ? entry->bits : 0;
}

bool IsFloating(DType dtype) {
  const Entry* entry = Find(dtype);
  return entry && entry->kind == 'f';
}

bool IsInteger(DType dtype) {
  const Entry* entry = Find(dtype);
  return entry && (entry->kind == 'i' || entry->kind == 'u');
}

bool IsSigned(DType dtype) {
  const Entry* entry = Find(dtype);
  return entry && (entry->kind == 'i' || entry->kind == 'f');
}

}  // namespace octavo
