// Rounding to integers, by arithmetic that does not depend on the host's rounding mode.
#ifndef OCTAVO_CORE_OPS_ROUNDING_H_
#define OCTAVO_CORE_OPS_ROUNDING_H_

#include <cmath>
#include <cstdint>

#include "core/graph/dtype.h"

namespace octavo {

// The nearest integer, halves to the even one. NaN and infinities stay.
template <typename T>
inline T RoundHalfEven(T x) {
  const T down = std::floor(x);
  const T above = x - down;  // exact, in [0, 1)
  if (above < T(0.5)) return down;
  if (above > T(0.5)) return down + 1;
  if (!(above == T(0.5))) return x;  // NaN, or infinite
  return down == 2 * std::floor(down / 2) ? down : down + 1;
}

struct IntegerRange {
  int32_t lo = 0, hi = 0;
};

// The range of a quantized type of at most 16 bits.
inline IntegerRange RangeOf(DType dtype) {
  const int32_t values = int32_t{1} << BitsOf(dtype);
  return IsSigned(dtype) ? IntegerRange{-values / 2, values / 2 - 1} : IntegerRange{0, values - 1};
}

// saturate(rne(x) + zero): how every quantized value is made. NaN gives the zero point.
template <typename T>
inline int32_t QuantizeValue(T x, int32_t zero, IntegerRange range) {
  if (std::isnan(x)) return zero;
  const T lo = static_cast<T>(range.lo - zero), hi = static_cast<T>(range.hi - zero);
  const T clamped = x < lo ? lo : x > hi ? hi : x;
  return static_cast<int32_t>(RoundHalfEven(clamped)) + zero;
}

// What DynamicQuantizeLinear chooses for values within [min, max], which holds 0: scale = (max - min) / 255, or 1 if
// that is 0; zero point = saturate(rne(0 - min / scale)).
struct DynamicParams {
  float scale = 1;
  int32_t zero = 0;
};
inline DynamicParams ChooseDynamicParams(float min, float max) {
  DynamicParams params;
  params.scale = (max - min) / 255.0f;
  if (params.scale == 0) params.scale = 1;
  params.zero = QuantizeValue(0.0f - min / params.scale, 0, IntegerRange{0, 255});
  return params;
}

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_ROUNDING_H_
