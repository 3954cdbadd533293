#include "core/ops/elementwise.h"

#include <bit>
#include <limits>
#include <type_traits>

#include "core/ops/check.h"

namespace octavo {
namespace {

constexpr bool IsHalf(Half) { return true; }
constexpr bool IsHalf(BFloat16) { return true; }
template <typename T>
constexpr bool IsHalf(T) {
  return false;
}

// `value` as float with the last bit set whenever something was cut off, so that rounding the result once more, to a
// shorter type, gives the same as rounding `value` itself.
float RoundToOdd(double value) {
  const float nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value || value != value) return nearest;
  uint32_t bits = std::bit_cast<uint32_t>(nearest);
  const double magnitude = value < 0 ? -value : value;
  const float nearest_magnitude = std::bit_cast<float>(bits & 0x7fffffff);
  if (static_cast<double>(nearest_magnitude) > magnitude) bits -= 1;
  return std::bit_cast<float>(bits | 1);
}

// A bool as the host may have written it: any byte but 0 is true.
struct Truth {
  uint8_t byte;
};

template <typename W, typename T>
W Widen(T value) {
  if constexpr (std::is_same_v<T, Truth>) {
    return static_cast<W>(value.byte != 0);
  } else if constexpr (IsHalf(T{})) {
    return static_cast<W>(static_cast<float>(value));
  } else {
    return static_cast<W>(value);
  }
}

template <typename T, typename W>
T Narrow(W value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value != 0;
  } else if constexpr (!std::is_same_v<W, double>) {
    if constexpr (IsHalf(T{})) {
      return T(static_cast<float>(value));
    } else {
      return static_cast<T>(value);
    }
  } else if constexpr (std::is_integral_v<T>) {
    // The bounds as doubles: the lower one is exact, the upper one is that plus 1.
    constexpr double kLow = static_cast<double>(std::numeric_limits<T>::min());
    constexpr double kEnd = 2.0 * static_cast<double>(std::numeric_limits<T>::max() / 2 + 1);
    if (value != value) return 0;
    if (value <= kLow) return std::numeric_limits<T>::min();
    if (value >= kEnd) return std::numeric_limits<T>::max();
    return static_cast<T>(value);
  } else if constexpr (IsHalf(T{})) {
    if (value != value) return T(std::numeric_limits<float>::quiet_NaN());
    return T(RoundToOdd(value));
  } else {
    if (value != value) return std::numeric_limits<T>::quiet_NaN();
    return static_cast<T>(value);
  }
}

uint8_t NibbleAt(const void* base, int64_t i) {
  return static_cast<uint8_t>(static_cast<const uint8_t*>(base)[i / 2] >> (i % 2 * 4)) & 15;
}

}  // namespace

template <typename W>
void LoadElements(DType dtype, const void* base, int64_t first, int64_t stride, int64_t n, W* to) {
  if (dtype == DType::kUInt4) {
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<W>(NibbleAt(base, first + i));
  } else if (dtype == DType::kInt4) {
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<W>((NibbleAt(base, first + i) ^ 8) - 8);
  } else {
    VisitDType(
        dtype,
        [&](auto zero) {
          using T = std::conditional_t<std::is_same_v<decltype(zero), bool>, Truth, decltype(zero)>;
          const T* from = static_cast<const T*>(base) + first;
          if (stride == 1) {
            for (int64_t i = 0; i < n; ++i) to[i] = Widen<W>(from[i]);
          } else if (stride == 0) {
            const W value = Widen<W>(*from);
            for (int64_t i = 0; i < n; ++i) to[i] = value;
          } else {
            for (int64_t i = 0; i < n; ++i) to[i] = Widen<W>(from[i * stride]);
          }
          return 0;
        },
        0);
  }
}

template <typename W>
void StoreElements(DType dtype, const W* from, int64_t n, void* base, int64_t first) {
  if (dtype == DType::kUInt4 || dtype == DType::kInt4) {
    uint8_t* to = static_cast<uint8_t*>(base) + first / 2;
    const auto nibble = [&](W value) { return static_cast<uint8_t>(Narrow<int64_t>(value) & 15); };
    for (int64_t i = 0; i < n; i += 2) {
      to[i / 2] = static_cast<uint8_t>(nibble(from[i]) | (i + 1 < n ? nibble(from[i + 1]) << 4 : 0));
    }
    return;
  }
  VisitDType(
      dtype,
      [&](auto zero) {
        using T = decltype(zero);
        T* to = static_cast<T*>(base) + first;
        for (int64_t i = 0; i < n; ++i) to[i] = Narrow<T>(from[i]);
        return 0;
      },
      0);
}

template void LoadElements(DType, const void*, int64_t, int64_t, int64_t, double*);
template void LoadElements(DType, const void*, int64_t, int64_t, int64_t, int64_t*);
template void LoadElements(DType, const void*, int64_t, int64_t, int64_t, uint64_t*);
template void StoreElements(DType, const double*, int64_t, void*, int64_t);
template void StoreElements(DType, const int64_t*, int64_t, void*, int64_t);
template void StoreElements(DType, const uint64_t*, int64_t, void*, int64_t);

Result<Shape> BroadcastShapes(const Shape& a, const Shape& b) {
  const int rank = a.rank() > b.rank() ? a.rank() : b.rank();
  Shape out = Shape::OfRank(rank, 1);
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    const int64_t x = ia < 0 ? 1 : a[ia], y = ib < 0 ? 1 : b[ib];
    if (x == y || y == 1) {
      out[i] = x;
    } else if (x == 1) {
      out[i] = y;
    } else if (x == Shape::kUnknown || y == Shape::kUnknown) {
      out[i] = x == Shape::kUnknown ? y : x;  // the unknown one is 1 or the same
    } else {
      return Error(Code::kInvalidModel, "shapes %s and %s cannot be broadcast: %lld against %lld", a.ToString().c_str(),
                   b.ToString().c_str(), LL(x), LL(y));
    }
  }
  return out;
}

Status InferBroadcast(InferContext& context, DType dtype) {
  Shape out;
  bool known = true;
  for (size_t i = 0; i < context.inputs(); ++i) {
    const Shape* shape = context.shape(i);
    if (!shape) {
      known = false;
      continue;
    }
    OCTAVO_ASSIGN_OR_RETURN(out, BroadcastShapes(out, *shape));
  }
  context.SetOutput(0, dtype, known ? std::optional(out) : std::nullopt);
  return Ok();
}

Status CheckWholeBytes(const InferContext& context, size_t i, const char* name) {
  const DType dtype = context.dtype(i);
  if (dtype == DType::kUndefined || BitsOf(dtype) >= 8) return Ok();
  return Error(Code::kUnsupported, "%s is %s; %s does not handle it", name, Name(dtype),
               context.node().op_type.c_str());
}

}  // namespace octavo
