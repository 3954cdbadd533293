// Arithmetic on sizes that come from a file: either exact or refused. Raw `*` and `+` on such sizes are a bug.
#ifndef OCTAVO_CORE_BASE_CHECKED_H_
#define OCTAVO_CORE_BASE_CHECKED_H_

#include <cstddef>
#include <cstdint>

namespace octavo {

// Each returns false, leaving *out unspecified, if the exact result does not fit T.
template <typename T>
[[nodiscard]] inline bool CheckedAdd(T a, T b, T* out) {
  return !__builtin_add_overflow(a, b, out);
}
template <typename T>
[[nodiscard]] inline bool CheckedSub(T a, T b, T* out) {
  return !__builtin_sub_overflow(a, b, out);
}
template <typename T>
[[nodiscard]] inline bool CheckedMul(T a, T b, T* out) {
  return !__builtin_mul_overflow(a, b, out);
}

// Whether [offset, offset + size) lies inside [0, limit); written so that nothing can wrap.
inline bool RangeFits(uint64_t offset, uint64_t size, uint64_t limit) {
  return offset <= limit && size <= limit - offset;
}

// Division that rounds towards positive infinity; a >= 0, b > 0.
template <typename T>
constexpr T CeilDiv(T a, T b) {
  return a / b + (a % b != 0 ? 1 : 0);
}
template <typename T>
constexpr T RoundUp(T a, T multiple) {
  return CeilDiv(a, multiple) * multiple;
}

}  // namespace octavo

#endif  // OCTAVO_CORE_BASE_CHECKED_H_
