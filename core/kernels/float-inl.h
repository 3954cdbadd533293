// Float operations that Highway leaves to the target, made the same everywhere: clamping and the fused multiply-add;
// and the loop over a run of floats.
#if defined(OCTAVO_CORE_KERNELS_FLOAT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_FLOAT_INL_H_
#undef OCTAVO_CORE_KERNELS_FLOAT_INL_H_
#else
#define OCTAVO_CORE_KERNELS_FLOAT_INL_H_
#endif

#include <cstddef>
#include <limits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// lo < x ? x : lo and the like differ between machines in NaN and in the sign of zero. These are a < b ? a : b and a >
// b ? a : b: the second operand wins unless the first is strictly beyond it. That is what x86's instructions do.
template <class V>
HWY_INLINE V SecondUnlessLess(V a, V b) {
#if HWY_ARCH_X86
  return hn::Min(a, b);
#else
  return hn::IfThenElse(hn::Lt(a, b), a, b);
#endif
}

template <class V>
HWY_INLINE V SecondUnlessGreater(V a, V b) {
#if HWY_ARCH_X86
  return hn::Max(a, b);
#else
  return hn::IfThenElse(hn::Gt(a, b), a, b);
#endif
}

// x < lo ? lo : hi < x ? hi : x, for lo <= hi. NaN passes.
template <class V>
HWY_INLINE V ClampTo(V x, V lo, V hi) {
  return SecondUnlessLess(hi, SecondUnlessGreater(lo, x));
}

// The one positive quiet NaN in place of any: machines differ in the sign of those they make and in which operand's
// they hand on.
template <class V>
HWY_INLINE V OneNaN(V x) {
  const hn::DFromV<V> d;
  return hn::IfThenElse(hn::Eq(x, x), x, hn::Set(d, std::numeric_limits<float>::quiet_NaN()));
}

// What float arithmetic stores: x within its bounds, or the one NaN.
template <class V>
HWY_INLINE V ClampedOrNaN(V x, V lo, V hi) {
  return OneNaN(ClampTo(x, lo, hi));
}

// x < 0 ? slope * x : x
template <class V>
HWY_INLINE V Leaky(V x, V slope) {
  return hn::IfThenElse(hn::Lt(x, hn::Zero(hn::DFromV<V>())), hn::Mul(slope, x), x);
}

// Calls body(i, load, store) for whole vectors, then once for the rest with masked memory access.
template <class Body>
HWY_INLINE void ForFloats(size_t n, Body body) {
  const hn::ScalableTag<float> d;
  using V = hn::VFromD<hn::ScalableTag<float>>;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    body(
        i, [&](const float* p) HWY_ATTR { return hn::LoadU(d, p); },
        [&](V v, float* p) HWY_ATTR { hn::StoreU(v, d, p); });
  }
  if (i < n) {
    const size_t left = n - i;
    body(
        i, [&](const float* p) HWY_ATTR { return hn::LoadN(d, p, left); },
        [&](V v, float* p) HWY_ATTR { hn::StoreN(v, d, p, left); });
  }
}

#if !HWY_NATIVE_FMA
// One product and sum in double with the rounding of a float fused multiply-add. The product of floats is exact in
// double. The sum is rounded to odd (if inexact, to whichever neighbour has an odd last bit), which makes the second
// rounding, to float, as good as rounding the exact sum once: double has more than 24 + 2 bits.
template <class DD, class VD = hn::VFromD<DD>>
HWY_INLINE VD AddRoundToOdd(DD dd, VD a, VD b) {
  const hn::RebindToUnsigned<DD> du;
  const VD sum = hn::Add(a, b);
  const VD a_part = hn::Sub(sum, b);  // Knuth's TwoSum: error = (a + b) - sum, exactly
  const VD b_part = hn::Sub(sum, a_part);
  const VD error = hn::Add(hn::Sub(a, a_part), hn::Sub(b, b_part));
  const VD zero = hn::Zero(dd);
  // Neither greater nor less: exact, or (error is NaN) infinite or NaN already.
  const auto inexact = hn::Or(hn::Gt(error, zero), hn::Lt(error, zero));
  const auto bits = hn::BitCast(du, sum);
  const auto even = hn::Eq(hn::And(bits, hn::Set(du, 1)), hn::Zero(du));
  // Away from zero if error and sum agree in sign, else towards zero. The bits of a double count up with its magnitude.
  const auto toward =
      hn::Ne(hn::And(hn::Xor(hn::BitCast(du, error), bits), hn::Set(du, uint64_t{1} << 63)), hn::Zero(du));
  const auto step = hn::IfThenElse(toward, hn::Set(du, ~uint64_t{0}), hn::Set(du, 1));
  const auto odd = hn::Add(bits, step);
  return hn::IfThenElse(hn::And(inexact, hn::RebindMask(dd, even)), hn::BitCast(dd, odd), sum);
}
#endif

// a * b + c rounded once, on every machine.
template <class D, class V = hn::VFromD<D>>
HWY_INLINE V FusedMulAdd(D d, V a, V b, V c) {
#if HWY_NATIVE_FMA
  (void)d;
  return hn::MulAdd(a, b, c);
#else
  const hn::Half<D> dh;
  const hn::Rebind<double, hn::Half<D>> dd;
  const auto lower =
      AddRoundToOdd(dd, hn::Mul(hn::PromoteLowerTo(dd, a), hn::PromoteLowerTo(dd, b)), hn::PromoteLowerTo(dd, c));
  const auto upper =
      AddRoundToOdd(dd, hn::Mul(hn::PromoteUpperTo(dd, a), hn::PromoteUpperTo(dd, b)), hn::PromoteUpperTo(dd, c));
  return hn::Combine(d, hn::DemoteTo(dh, upper), hn::DemoteTo(dh, lower));
#endif
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_FLOAT_INL_H_
