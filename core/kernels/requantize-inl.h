// From int32 accumulators back to u8: q = clamp(rne(float(acc) * m) + zero, lo, hi), and the 8-bit addition.
#if defined(OCTAVO_CORE_KERNELS_REQUANTIZE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_REQUANTIZE_INL_H_
#undef OCTAVO_CORE_KERNELS_REQUANTIZE_INL_H_
#else
#define OCTAVO_CORE_KERNELS_REQUANTIZE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "core/kernels/dot-inl.h"
#include "core/kernels/kernels.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rounds to nearest even. Exact below 2^30; beyond, something that the packing below saturates to the right end. x86
// converts everything out of range to INT_MIN, so only the high end needs care: one minimum instead of NearestInt's
// compare and blend, and of integers, since positive floats are ordered like their bits and conversions already keep
// the units busy that compare floats. No NaN gets here.
HWY_INLINE VI32 RoundSaturate(VF32 v) {
#if HWY_ARCH_X86
  const DI32 di32;
  const DF32 df32;
#if HWY_TARGET <= HWY_SSE4
  const VI32 bound = hn::BitCast(di32, hn::Set(df32, 1073741824.0f));
  return hn::NearestIntInRange(di32, hn::BitCast(df32, hn::Min(hn::BitCast(di32, v), bound)));
#else
  return hn::NearestIntInRange(di32, hn::Min(v, hn::Set(df32, 1073741824.0f)));
#endif
#else
  return hn::NearestInt(v);
#endif
}

HWY_INLINE VI32 Scale(VI32 acc, VF32 multiplier) {
  return RoundSaturate(hn::Mul(hn::ConvertTo(DF32(), acc), multiplier));
}

// The same for what int32 can hold anyway, such as any int32 times less than 1.
HWY_INLINE VI32 RoundInRange(VF32 v) {
#if HWY_ARCH_X86
  return hn::NearestIntInRange(DI32(), v);
#else
  return hn::NearestInt(v);
#endif
}
HWY_INLINE VI32 ScaleBelowOne(VI32 acc, VF32 multiplier) {
  return RoundInRange(hn::Mul(hn::ConvertTo(DF32(), acc), multiplier));
}

// The same where 0 <= m < 1 and any acc < 0 may give any number <= 0; for acc < 2^23. Takes acc + kFloatBias: the bits
// of the float 2^23 + acc, or if acc < 0 of some positive float below 2^23. As 2^23 m is a float, one fused operation
// rounds (2^23 + acc) m - 2^23 m once, like a conversion and a product.
inline constexpr int32_t kFloatBias = 0x4B000000;
inline constexpr float kFloatOffset = 8388608.0f;
HWY_INLINE VI32 ScalePositive(VI32 biased, VF32 multiplier, VF32 offset /* 2^23 m */) {
  const VF32 v = hn::BitCast(DF32(), biased);
#if HWY_NATIVE_FMA
  return RoundInRange(hn::MulSub(v, multiplier, offset));
#else
  (void)offset;
  return RoundInRange(hn::Mul(hn::Sub(v, hn::Set(DF32(), kFloatOffset)), multiplier));
#endif
}

// Zero point and bounds of an 8-bit result. Adding the zero point between the two packings, with int16 saturation, is
// exact: a value that saturates there is beyond the bounds anyway, as |zero| <= 255.
struct ToU8 {
  int16_t zero;
  uint8_t lo, hi;

  // Two vectors of rounded results -> int16, the zero point added; two of those -> bytes. Within each block of 16 bytes
  // the four vectors' parts of that block follow each other. This inverts interleaving bytes into quads.
  HWY_INLINE hn::VFromD<DI16> Half(VI32 r0, VI32 r1) const {
    return hn::SaturatedAdd(HalfOfZero(r0, r1), hn::Set(DI16(), zero));
  }
  // The same for a zero point of 0.
  HWY_INLINE hn::VFromD<DI16> HalfOfZero(VI32 r0, VI32 r1) const {
#if HWY_ARCH_X86
    return hn::ReorderDemote2To(DI16(), r0, r1);
#else
    return hn::OrderedDemote2To(DI16(), r0, r1);
#endif
  }
  HWY_INLINE hn::VFromD<DU8> Join(hn::VFromD<DI16> h0, hn::VFromD<DI16> h1) const {
    const DU8 du8;
#if HWY_ARCH_X86
    const auto q = hn::ReorderDemote2To(du8, h0, h1);
#else
    const auto q = hn::OrderedDemote2To(du8, h0, h1);
#endif
    if (HWY_LIKELY(lo == 0 && hi == 255)) return q;  // as the packing has done it
    return hn::Min(hn::Max(q, hn::Set(du8, lo)), hn::Set(du8, hi));
  }

  // All four with the results in order: all of r0, then r1, r2, r3.
  HWY_INLINE hn::VFromD<DU8> operator()(VI32 r0, VI32 r1, VI32 r2, VI32 r3) const {
    const auto q = Join(Half(r0, r1), Half(r2, r3));
#if HWY_ARCH_X86
    if constexpr (HWY_MAX_LANES_D(DI32) == 8) {
      alignas(64) static constexpr uint32_t kOrder[8] = {0, 4, 1, 5, 2, 6, 3, 7};
      return hn::BitCast(DU8(), hn::TableLookupLanes(hn::BitCast(DU32(), q), hn::SetTableIndices(DU32(), kOrder)));
    } else if constexpr (HWY_MAX_LANES_D(DI32) == 16) {
      alignas(64) static constexpr uint32_t kOrder[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
      return hn::BitCast(DU8(), hn::TableLookupLanes(hn::BitCast(DU32(), q), hn::SetTableIndices(DU32(), kOrder)));
    }
#endif
    return q;
  }
};

// Integers of at most 2^22 are floats that lie 1 apart once this is added: adding it, and taking it away again, rounds
// to nearest even.
inline constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23

// QAddArgs on one vector: a is a value whose zero point is already gone, int32 or the same as float.
struct Adder {
  explicit Adder(const QAddArgs& q)
      : b_zero(q.b_zero), ma(q.a_multiplier), mb(q.b_multiplier), to_u8{static_cast<int16_t>(q.zero), q.lo, q.hi} {}

  HWY_INLINE VF32 Sum(VF32 a, VI32 b) const {
    const DF32 df32;
    const auto fa = hn::Mul(a, hn::Set(df32, ma));
    const auto fb = hn::Mul(hn::ConvertTo(df32, hn::Sub(b, hn::Set(DI32(), b_zero))), hn::Set(df32, mb));
    return hn::Add(fa, fb);
  }
  HWY_INLINE VI32 operator()(VI32 a, VI32 b) const { return RoundSaturate(Sum(hn::ConvertTo(DF32(), a), b)); }

  int32_t b_zero;
  float ma, mb;
  ToU8 to_u8;
};

// u8 in memory -> int32 lanes.
HWY_INLINE VI32 LoadWide(const uint8_t* p) { return hn::PromoteTo(DI32(), hn::LoadU(hn::Rebind<uint8_t, DI32>(), p)); }

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_REQUANTIZE_INL_H_
