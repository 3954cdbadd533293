// Element types; the numbers are ONNX's TensorProto.DataType.
#ifndef OCTAVO_CORE_GRAPH_DTYPE_H_
#define OCTAVO_CORE_GRAPH_DTYPE_H_

#include <cstddef>
#include <cstdint>

#include "core/base/float16.h"

namespace octavo {

enum class DType : int32_t {
  kUndefined = 0,
  kFloat = 1,
  kUInt8 = 2,
  kInt8 = 3,
  kUInt16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,  // known so that it can be refused by name
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUInt32 = 12,
  kUInt64 = 13,
  kBFloat16 = 16,
  kUInt4 = 21,  // two a byte, low nibble first
  kInt4 = 22,
};

// "float32", "uint8", ...; "undefined" for anything else.
const char* Name(DType dtype);
// The inverse; kUndefined if unknown.
DType DTypeFromName(const char* name);

// Bits of one element; 0 for types this library does not compute with.
size_t BitsOf(DType dtype);
inline bool IsSupported(DType dtype) { return BitsOf(dtype) != 0; }
bool IsFloating(DType dtype);
bool IsInteger(DType dtype);  // signed and unsigned, bool excluded
bool IsSigned(DType dtype);

template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::kFloat;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::kDouble;
};
template <>
struct DTypeOf<Half> {
  static constexpr DType value = DType::kFloat16;
};
template <>
struct DTypeOf<BFloat16> {
  static constexpr DType value = DType::kBFloat16;
};
template <>
struct DTypeOf<int8_t> {
  static constexpr DType value = DType::kInt8;
};
template <>
struct DTypeOf<int16_t> {
  static constexpr DType value = DType::kInt16;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::kInt32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::kInt64;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::kUInt8;
};
template <>
struct DTypeOf<uint16_t> {
  static constexpr DType value = DType::kUInt16;
};
template <>
struct DTypeOf<uint32_t> {
  static constexpr DType value = DType::kUInt32;
};
template <>
struct DTypeOf<uint64_t> {
  static constexpr DType value = DType::kUInt64;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::kBool;
};

// Calls f(T{}) with the C++ type of `dtype`, for every whole-byte type (bool is `bool`, half floats are Half and
// BFloat16); returns fallback for the others. f must return the same type for all.
template <typename R, typename F>
R VisitDType(DType dtype, F&& f, R fallback) {
  switch (dtype) {
    case DType::kFloat:
      return f(float{});
    case DType::kDouble:
      return f(double{});
    case DType::kFloat16:
      return f(Half{});
    case DType::kBFloat16:
      return f(BFloat16{});
    case DType::kInt8:
      return f(int8_t{});
    case DType::kInt16:
      return f(int16_t{});
    case DType::kInt32:
      return f(int32_t{});
    case DType::kInt64:
      return f(int64_t{});
    case DType::kUInt8:
      return f(uint8_t{});
    case DType::kUInt16:
      return f(uint16_t{});
    case DType::kUInt32:
      return f(uint32_t{});
    case DType::kUInt64:
      return f(uint64_t{});
    case DType::kBool:
      return f(bool{});
    default:
      return fallback;
  }
}

}  // namespace octavo

#endif  // OCTAVO_CORE_GRAPH_DTYPE_H_
