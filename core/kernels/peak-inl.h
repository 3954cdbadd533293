// The most that a target can multiply: chains of dot products, and of multiply-adds of floats, that read no memory.
#if defined(OCTAVO_CORE_KERNELS_PEAK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_PEAK_INL_H_
#undef OCTAVO_CORE_KERNELS_PEAK_INL_H_
#else
#define OCTAVO_CORE_KERNELS_PEAK_INL_H_
#endif

#include <cstddef>

#include "core/kernels/dot-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Chains that do not wait for each other: two units with 4 or 5 cycles of latency want 8 to 10.
inline constexpr size_t kChains = 12;

// A value that the compiler knows nothing about, lest it compute equal chains, or what repeats, only once.
template <class V>
HWY_INLINE void Renew(V& v) {
#if HWY_ARCH_X86
  asm volatile("" : "+v"(v.raw));
#elif HWY_TARGET_IS_SVE
  asm volatile("" : "+w"(v));
#elif HWY_ARCH_ARM_A64
  asm volatile("" : "+w"(v.raw));
#endif
}

// c += x * y on each chain, `rounds` times. Chains are variables, as vectors of SVE have no size for an array.
template <class V, class X, class Y, class MultiplyAdd>
HWY_INLINE void RunChains(size_t rounds, V c, X x, Y y, MultiplyAdd multiply_add) {
  V c0 = c, c1 = c, c2 = c, c3 = c, c4 = c, c5 = c, c6 = c, c7 = c, c8 = c, c9 = c, c10 = c, c11 = c;
  const auto one = [&](V& chain) HWY_ATTR {
    Renew(x);
    chain = multiply_add(x, y, chain);
  };
  for (; rounds != 0; --rounds) {
    one(c0), one(c1), one(c2), one(c3), one(c4), one(c5), one(c6), one(c7), one(c8), one(c9), one(c10), one(c11);
  }
  Renew(c0), Renew(c1), Renew(c2), Renew(c3), Renew(c4), Renew(c5);
  Renew(c6), Renew(c7), Renew(c8), Renew(c9), Renew(c10), Renew(c11);
}

inline double DotChains(size_t rounds) {
  const DI32 di32;
#if OCTAVO_DOT_BYTES || OCTAVO_DOT_SIGNS
  const DU8 du8;
#if OCTAVO_DOT_SIGNS
  const Weights weights{hn::Set(du8, 5), hn::Set(du8, 0x80)};
#else
  const Weights weights = hn::Set(du8, 5);
#endif
  RunChains(rounds, hn::Zero(di32), hn::Set(DU32(), 0x03030303u), weights,
            [](auto x, auto y, auto sum) HWY_ATTR { return Dot(x, y, sum); });
  constexpr size_t kMacsPerLane = 4;
#else
  const DI16 di16;
  RunChains(rounds, hn::Zero(di32), hn::Set(di16, 3), hn::Set(di16, 5),
            [](auto x, auto y, auto sum) HWY_ATTR { return hn::Add(sum, hn::WidenMulPairwiseAdd(DI32(), x, y)); });
  constexpr size_t kMacsPerLane = 2;
#endif
  return static_cast<double>(rounds) * static_cast<double>(kChains * kMacsPerLane * hn::Lanes(di32));
}

inline double FmaChains(size_t rounds) {
  const DF32 df32;
  RunChains(rounds, hn::Zero(df32), hn::Set(df32, 0.5f), hn::Set(df32, 0.25f),
            [](auto x, auto y, auto sum) HWY_ATTR { return hn::MulAdd(x, y, sum); });
  return static_cast<double>(rounds) * static_cast<double>(kChains * hn::Lanes(df32));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_PEAK_INL_H_
