// Elementwise arithmetic on u8 and float: addition, multiplication, tables, quantization, clamping, extremes.
//
// These functions read and write nothing beyond their operands: what is left behind the last whole vector goes through
// masked loads and stores.
#if defined(OCTAVO_CORE_KERNELS_ELEMENTWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_ELEMENTWISE_INL_H_
#undef OCTAVO_CORE_KERNELS_ELEMENTWISE_INL_H_
#else
#define OCTAVO_CORE_KERNELS_ELEMENTWISE_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

#include "core/kernels/dot-inl.h"
#include "core/kernels/float-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/requantize-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// ------------------------------------------------------------------------------------------- rows

// Calls row(a, b, c, n) for every row; a contiguous tensor becomes one long row.
template <typename T, class Row>
HWY_INLINE void ForRows(const BinaryArgs& args, Row row) {
  const int64_t bytes = static_cast<int64_t>(args.n * sizeof(T));
  const bool whole = args.a_stride == bytes && args.b_stride == bytes && args.c_stride == bytes;
  const size_t rows = whole ? 1 : args.rows;
  const size_t n = whole ? args.rows * args.n : args.n;
  const uint8_t* a = static_cast<const uint8_t*>(args.a);
  const uint8_t* b = static_cast<const uint8_t*>(args.b);
  uint8_t* c = static_cast<uint8_t*>(args.c);
  for (size_t r = 0; r < rows; ++r, a += args.a_stride, b += args.b_stride, c += args.c_stride) {
    row(reinterpret_cast<const T*>(a), reinterpret_cast<const T*>(b), reinterpret_cast<T*>(c), n);
  }
}

// ------------------------------------------------------------------------------------------- u8 op u8

// An operand's next vector: bytes, or floats made of bytes before.
HWY_INLINE VI32 LoadOperand(const uint8_t* p) { return LoadWide(p); }
HWY_INLINE VF32 LoadOperand(const float* p) { return hn::LoadU(DF32(), p); }

// Four vectors of `op` at a time, as many as packing takes. c = to_u8(op(a, b)). Floats b are readable to the end of
// the last four.
template <typename B, class Op>
HWY_INLINE void BinaryRowU8(const uint8_t* a, const B* b, uint8_t* c, size_t n, const Op& op, const ToU8& to_u8) {
  const DU8 du8;
  const size_t lanes = hn::Lanes(DI32());
  const size_t step = 4 * lanes;
  const auto four = [&](const uint8_t* pa, const B* pb) HWY_ATTR {
    return to_u8(op(LoadWide(pa), LoadOperand(pb)), op(LoadWide(pa + lanes), LoadOperand(pb + lanes)),
                 op(LoadWide(pa + 2 * lanes), LoadOperand(pb + 2 * lanes)),
                 op(LoadWide(pa + 3 * lanes), LoadOperand(pb + 3 * lanes)));
  };
  size_t i = 0;
  for (; i + step <= n; i += step) hn::StoreU(four(a + i, b + i), du8, c + i);
  if (i < n) {
    alignas(64) uint8_t a_rest[64];
    hn::Store(hn::LoadN(du8, a + i, n - i), du8, a_rest);
    if constexpr (std::is_same_v<B, uint8_t>) {
      alignas(64) uint8_t b_rest[64];
      hn::Store(hn::LoadN(du8, b + i, n - i), du8, b_rest);
      hn::StoreN(four(a_rest, b_rest), du8, c + i, n - i);
    } else {
      hn::StoreN(four(a_rest, b + i), du8, c + i, n - i);
    }
  }
}

inline void QAdd(const BinaryArgs& args, const QAddArgs& q) {
  const Adder add(q);
  const auto op = [&](VI32 a, VI32 b) HWY_ATTR { return add(hn::Sub(a, hn::Set(DI32(), q.a_zero)), b); };
  ForRows<uint8_t>(args, [&](const uint8_t* a, const uint8_t* b, uint8_t* c, size_t n)
                             HWY_ATTR { BinaryRowU8(a, b, c, n, op, add.to_u8); });
}

// The longest row that QMulRepeated lays out, in elements.
inline constexpr size_t kRepeatedRow = 4096;

// Contiguous rows a times the one row b (the gate of a squeeze-and-excite block). b becomes floats once, and side by
// side as often as it takes to end with a vector, so that no row but the last has a rest:
//
//    a   | pixel 0        | pixel 1        | pixel 2 ...      rows of 96 bytes
//    b   | 96 floats      | the same       |                  3 x 64
inline void QMulRepeated(const uint8_t* a, const uint8_t* b, uint8_t* c, size_t rows, size_t n, size_t copies,
                         const QMulArgs& q) {
  const DF32 df32;
  const hn::Rebind<uint8_t, DI32> narrow;
  const size_t lanes = hn::Lanes(df32);
  HWY_ALIGN float factors[kRepeatedRow + 64];
  for (size_t i = 0; i < n; i += lanes) {
    const VI32 wide = hn::PromoteTo(DI32(), hn::LoadN(narrow, b + i, std::min(lanes, n - i)));
    hn::StoreU(hn::ConvertTo(df32, hn::Sub(wide, hn::Set(DI32(), q.b_zero))), df32, factors + i);
  }
  for (size_t i = 1; i < copies; ++i) std::copy_n(factors, n, factors + i * n);

  const ToU8 to_u8{static_cast<int16_t>(q.zero), q.lo, q.hi};
  const auto op = [&](VI32 x, VF32 factor) HWY_ATTR {
    const auto fx = hn::ConvertTo(df32, hn::Sub(x, hn::Set(DI32(), q.a_zero)));
    return RoundSaturate(hn::Mul(hn::Mul(fx, factor), hn::Set(df32, q.multiplier)));
  };
  for (size_t r = 0; r < rows; r += copies) {
    BinaryRowU8(a + r * n, factors, c + r * n, std::min(copies, rows - r) * n, op, to_u8);
  }
}

inline void QMul(const BinaryArgs& args, const QMulArgs& q) {
  const auto bytes = static_cast<int64_t>(args.n);
  if (args.rows > 1 && args.c_stride == bytes && args.a_stride + args.b_stride == bytes &&
      (args.a_stride == 0 || args.b_stride == 0)) {
    const size_t step = 4 * hn::Lanes(DI32());
    const size_t copies = std::min(args.rows, step / std::gcd(args.n, step));
    if (args.n * copies <= kRepeatedRow) {
      const uint8_t* a = static_cast<const uint8_t*>(args.a);
      const uint8_t* b = static_cast<const uint8_t*>(args.b);
      QMulArgs numbers = q;
      if (args.a_stride == 0) {
        std::swap(a, b);
        std::swap(numbers.a_zero, numbers.b_zero);
      }
      return QMulRepeated(a, b, static_cast<uint8_t*>(args.c), args.rows, args.n, copies, numbers);
    }
  }
  const ToU8 to_u8{static_cast<int16_t>(q.zero), q.lo, q.hi};
  const auto op = [&](VI32 a, VI32 b) HWY_ATTR {
    const DF32 df32;
    const auto fa = hn::ConvertTo(df32, hn::Sub(a, hn::Set(DI32(), q.a_zero)));
    const auto fb = hn::ConvertTo(df32, hn::Sub(b, hn::Set(DI32(), q.b_zero)));
    return RoundSaturate(hn::Mul(hn::Mul(fa, fb), hn::Set(df32, q.multiplier)));
  };
  ForRows<uint8_t>(args, [&](const uint8_t* a, const uint8_t* b, uint8_t* c, size_t n)
                             HWY_ATTR { BinaryRowU8(a, b, c, n, op, to_u8); });
}

// ------------------------------------------------------------------------------------------- tables

#if HWY_TARGET <= HWY_AVX3_DL && HWY_ARCH_X86
// One instruction looks up 128 bytes; the top bit of the index chooses between two of them.
inline void LutU8(const uint8_t* table, const uint8_t* x, uint8_t* y, size_t n) {
  const hn::FixedTag<uint8_t, 64> du8;
  const auto t0 = hn::LoadU(du8, table);
  const auto t1 = hn::LoadU(du8, table + 64);
  const auto t2 = hn::LoadU(du8, table + 128);
  const auto t3 = hn::LoadU(du8, table + 192);
  const auto lookup = [&](hn::VFromD<decltype(du8)> v) HWY_ATTR {
    const auto index = hn::IndicesFromVec(du8, hn::And(v, hn::Set(du8, 127)));
    const auto lower = hn::TwoTablesLookupLanes(du8, t0, t1, index);
    const auto upper = hn::TwoTablesLookupLanes(du8, t2, t3, index);
    return hn::IfThenElse(hn::Ge(v, hn::Set(du8, 128)), upper, lower);
  };
  size_t i = 0;
  for (; i + 64 <= n; i += 64) hn::StoreU(lookup(hn::LoadU(du8, x + i)), du8, y + i);
  if (i < n) hn::StoreN(lookup(hn::LoadN(du8, x + i, n - i)), du8, y + i, n - i);
}
#elif HWY_TARGET == HWY_SSE2
// No byte shuffle: plain loads.
inline void LutU8(const uint8_t* table, const uint8_t* x, uint8_t* y, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = table[x[i]];
}
#else
// Sixteen tables of 16 bytes. For the t-th, x - 16 t is below 16 where it applies; adding 112 with saturation then
// leaves bit 7 clear there and sets it elsewhere, which makes the lookup give 0. x86 looks at bit 7 and the low four
// only; elsewhere the bits between must be clear.
inline void LutU8(const uint8_t* table, const uint8_t* x, uint8_t* y, size_t n) {
  const hn::ScalableTag<uint8_t> du8;
  const size_t lanes = hn::Lanes(du8);
  const auto lookup = [&](hn::VFromD<decltype(du8)> v) HWY_ATTR {
    auto result = hn::Zero(du8);
    for (size_t t = 0; t < 256; t += 16) {
      auto index = hn::SaturatedAdd(v, hn::Set(du8, 112));
      if constexpr (!HWY_ARCH_X86) index = hn::And(index, hn::Set(du8, 0x8F));
      result = hn::Or(result, hn::TableLookupBytesOr0(hn::LoadDup128(du8, table + t), index));
      v = hn::Sub(v, hn::Set(du8, 16));
    }
    return result;
  };
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(lookup(hn::LoadU(du8, x + i)), du8, y + i);
  if (i < n) hn::StoreN(lookup(hn::LoadN(du8, x + i, n - i)), du8, y + i, n - i);
}
#endif

// ------------------------------------------------------------------------------------------- float op float

template <class Op>
HWY_INLINE void BinaryF32(const BinaryArgs& args, float lo, float hi, const Op& op) {
  const DF32 df32;
  ForRows<float>(args, [&](const float* a, const float* b, float* c, size_t n) HWY_ATTR {
    ForFloats(n, [&](size_t i, auto load, auto store) HWY_ATTR {
      store(ClampedOrNaN(op(load(a + i), load(b + i)), hn::Set(df32, lo), hn::Set(df32, hi)), c + i);
    });
  });
}

inline void FAdd(const BinaryArgs& args, float lo, float hi) {
  BinaryF32(args, lo, hi, [](VF32 a, VF32 b) HWY_ATTR { return hn::Add(a, b); });
}
inline void FSub(const BinaryArgs& args, float lo, float hi) {
  BinaryF32(args, lo, hi, [](VF32 a, VF32 b) HWY_ATTR { return hn::Sub(a, b); });
}
inline void FMul(const BinaryArgs& args, float lo, float hi) {
  BinaryF32(args, lo, hi, [](VF32 a, VF32 b) HWY_ATTR { return hn::Mul(a, b); });
}
inline void FDiv(const BinaryArgs& args, float lo, float hi) {
  BinaryF32(args, lo, hi, [](VF32 a, VF32 b) HWY_ATTR { return hn::Div(a, b); });
}

// a where it is not negative, else a * b.
inline void FPRelu(const BinaryArgs& args, float lo, float hi) {
  BinaryF32(args, lo, hi, [](VF32 a, VF32 b) HWY_ATTR { return Leaky(a, b); });
}

inline void FBatchNorm(const FBatchNormArgs& args) {
  const DF32 df32;
  const VF32 lo = hn::Set(df32, args.lo), hi = hn::Set(df32, args.hi);
  for (size_t r = 0; r < args.rows; ++r) {
    const auto row = static_cast<int64_t>(r);
    const float* x = reinterpret_cast<const float*>(reinterpret_cast<const uint8_t*>(args.x) + row * args.x_stride);
    float* y = reinterpret_cast<float*>(reinterpret_cast<uint8_t*>(args.y) + row * args.y_stride);
    ForFloats(args.n, [&](size_t c, auto load, auto store) HWY_ATTR {
      const VF32 scaled = hn::Mul(hn::Sub(load(x + c), load(args.mean + c)), load(args.factor + c));
      store(ClampedOrNaN(hn::Add(scaled, load(args.bias + c)), lo, hi), y + c);
    });
  }
}

inline void FClamp(const float* x, float* y, size_t n, float lo, float hi) {
  const DF32 df32;
  ForFloats(n, [&](size_t i, auto load, auto store)
                   HWY_ATTR { store(ClampedOrNaN(load(x + i), hn::Set(df32, lo), hn::Set(df32, hi)), y + i); });
}

inline size_t MinMax(const float* x, size_t n, float* min, float* max) {
  const DF32 df32;
  const size_t lanes = hn::Lanes(df32);
  const VF32 inf = hn::Inf(df32);
  VF32 least = inf;
  VF32 most = hn::Neg(inf);
  size_t numbers = 0;
  const auto take = [&](VF32 v) HWY_ATTR {
    const auto number = hn::Eq(v, v);
    numbers += hn::CountTrue(df32, number);
    least = hn::Min(least, hn::IfThenElse(number, v, inf));
    most = hn::Max(most, hn::IfThenElse(number, v, hn::Neg(inf)));
  };
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) take(hn::LoadU(df32, x + i));
  if (i < n) take(hn::LoadNOr(hn::NaN(df32), df32, x + i, n - i));
  *min = hn::ReduceMin(df32, least) + 0.0f;  // -0 becomes +0
  *max = hn::ReduceMax(df32, most) + 0.0f;
  return n - numbers;
}

// ------------------------------------------------------------------------------------------- float <-> 8 bits

// rne(x / scale) within [-512, 512], which is more than any zero point brings back into 8 bits. NaN gives 0.
HWY_INLINE VI32 QuantizeLanes(VF32 x, VF32 scale) {
  const DF32 df32;
  VF32 v = hn::Div(x, scale);
  v = hn::IfThenElseZero(hn::Eq(v, v), v);
  return hn::NearestInt(hn::Min(hn::Max(v, hn::Set(df32, -512.0f)), hn::Set(df32, 512.0f)));
}

// Rows of n elements, contiguous. kChannels: scale and zero are arrays over the row; otherwise each is one number. With
// flip, 128 is added inside and the top bit inverted outside, which is s8.
template <bool kChannels>
HWY_INLINE void QuantizeRow(const float* x, uint8_t* y, size_t n, const float* scale, const int32_t* zero, bool flip) {
  const DI32 di32;
  const DF32 df32;
  const DU8 du8;
  const size_t lanes = hn::Lanes(di32);
  const size_t step = 4 * lanes;
  const int32_t shift = flip ? 128 : 0;
  const ToU8 to_u8{static_cast<int16_t>(kChannels ? shift : *zero + shift), 0, 255};
  const auto top = hn::Set(du8, flip ? 0x80 : 0);
  const VF32 one_scale = hn::Set(df32, *scale);

  const auto four = [&](const float* px, const float* ps, const int32_t* pz) HWY_ATTR {
    const auto one = [&](size_t v) HWY_ATTR {
      if constexpr (kChannels) {
        const VI32 r = QuantizeLanes(hn::LoadU(df32, px + v * lanes), hn::LoadU(df32, ps + v * lanes));
        return pz ? hn::Add(r, hn::LoadU(di32, pz + v * lanes)) : r;
      } else {
        return QuantizeLanes(hn::LoadU(df32, px + v * lanes), one_scale);
      }
    };
    return hn::Xor(to_u8(one(0), one(1), one(2), one(3)), top);
  };

  size_t i = 0;
  for (; i + step <= n; i += step) hn::StoreU(four(x + i, scale + i, zero ? zero + i : zero), du8, y + i);
  if (i < n) {
    float x_rest[64] = {};
    float scale_rest[64] = {};
    int32_t zero_rest[64] = {};
    std::copy(x + i, x + n, x_rest);
    if constexpr (kChannels) {
      std::copy(scale + i, scale + n, scale_rest);
      if (zero) std::copy(zero + i, zero + n, zero_rest);
    }
    hn::StoreN(four(x_rest, scale_rest, zero_rest), du8, y + i, n - i);
  }
}

inline void QuantizeU8(const float* x, uint8_t* y, size_t n, float scale, int32_t zero) {
  QuantizeRow<false>(x, y, n, &scale, &zero, false);
}
inline void QuantizeS8(const float* x, int8_t* y, size_t n, float scale, int32_t zero) {
  QuantizeRow<false>(x, reinterpret_cast<uint8_t*>(y), n, &scale, &zero, true);
}
inline void QuantizeRowsU8(const float* x, uint8_t* y, size_t rows, size_t n, const float* scale, const int32_t* zero) {
  for (size_t r = 0; r < rows; ++r) QuantizeRow<true>(x + r * n, y + r * n, n, scale, zero, false);
}
inline void QuantizeRowsS8(const float* x, int8_t* y, size_t rows, size_t n, const float* scale, const int32_t* zero) {
  uint8_t* bytes = reinterpret_cast<uint8_t*>(y);
  for (size_t r = 0; r < rows; ++r) QuantizeRow<true>(x + r * n, bytes + r * n, n, scale, zero, true);
}

template <bool kChannels, typename T>
HWY_INLINE void DequantizeRow(const T* x, float* y, size_t n, const float* scale, const int32_t* zero) {
  const DI32 di32;
  const DF32 df32;
  const hn::Rebind<T, DI32> dt;
  const size_t lanes = hn::Lanes(di32);
  const VI32 one_zero = hn::Set(di32, zero ? *zero : 0);
  const VF32 one_scale = hn::Set(df32, *scale);
  const auto multiply = [&](VI32 q, VI32 z, VF32 s) HWY_ATTR { return hn::Mul(hn::ConvertTo(df32, hn::Sub(q, z)), s); };
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const VI32 q = hn::PromoteTo(di32, hn::LoadU(dt, x + i));
    if constexpr (kChannels) {
      const VI32 z = zero ? hn::LoadU(di32, zero + i) : one_zero;
      hn::StoreU(multiply(q, z, hn::LoadU(df32, scale + i)), df32, y + i);
    } else {
      hn::StoreU(multiply(q, one_zero, one_scale), df32, y + i);
    }
  }
  if (i < n) {
    const size_t left = n - i;
    const VI32 q = hn::PromoteTo(di32, hn::LoadN(dt, x + i, left));
    const VI32 z = kChannels && zero ? hn::LoadN(di32, zero + i, left) : one_zero;
    const VF32 s = kChannels ? hn::LoadN(df32, scale + i, left) : one_scale;
    hn::StoreN(multiply(q, z, s), df32, y + i, left);
  }
}

inline void DequantizeU8(const uint8_t* x, float* y, size_t n, float scale, int32_t zero) {
  DequantizeRow<false>(x, y, n, &scale, &zero);
}
inline void DequantizeS8(const int8_t* x, float* y, size_t n, float scale, int32_t zero) {
  DequantizeRow<false>(x, y, n, &scale, &zero);
}
inline void DequantizeRowsU8(const uint8_t* x, float* y, size_t rows, size_t n, const float* scale,
                             const int32_t* zero) {
  for (size_t r = 0; r < rows; ++r) DequantizeRow<true>(x + r * n, y + r * n, n, scale, zero);
}
inline void DequantizeRowsS8(const int8_t* x, float* y, size_t rows, size_t n, const float* scale,
                             const int32_t* zero) {
  for (size_t r = 0; r < rows; ++r) DequantizeRow<true>(x + r * n, y + r * n, n, scale, zero);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_ELEMENTWISE_INL_H_
