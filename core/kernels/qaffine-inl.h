// A factor and an addend for each channel of u8 pixels: a batch normalization that no convolution took in. With another
// factor for negative values: PRelu.
//
//    c[pixel][i] = clamp(rne(float(a[pixel][i] - a_zero) * multiplier[i] + addend[i]) + zero, lo, hi)
#if defined(OCTAVO_CORE_KERNELS_QAFFINE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_QAFFINE_INL_H_
#undef OCTAVO_CORE_KERNELS_QAFFINE_INL_H_
#else
#define OCTAVO_CORE_KERNELS_QAFFINE_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/kernels/dot-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/requantize-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Channels [i, i + n) of all pixels, n up to four vectors, whose factors stay in registers.
template <bool kNegative, class Store>
HWY_INLINE void AffineBlock(const QAffineArgs& args, size_t begin, size_t end, size_t i, Store store) {
  const DI32 di32;
  const DF32 df32;
  const size_t lanes = hn::Lanes(di32);
  const VI32 a_zero = hn::Set(di32, args.a_zero);
  const ToU8 to_u8{static_cast<int16_t>(args.zero), args.lo, args.hi};
  const float* m = args.multiplier + i;
  const float* d = args.addend + i;
  const VF32 m0 = hn::LoadU(df32, m), m1 = hn::LoadU(df32, m + lanes);
  const VF32 m2 = hn::LoadU(df32, m + 2 * lanes), m3 = hn::LoadU(df32, m + 3 * lanes);
  const VF32 d0 = hn::LoadU(df32, d), d1 = hn::LoadU(df32, d + lanes);
  const VF32 d2 = hn::LoadU(df32, d + 2 * lanes), d3 = hn::LoadU(df32, d + 3 * lanes);
  const float* s = kNegative ? args.negative + i : m;
  const VF32 s0 = hn::LoadU(df32, s), s1 = hn::LoadU(df32, s + lanes);
  const VF32 s2 = hn::LoadU(df32, s + 2 * lanes), s3 = hn::LoadU(df32, s + 3 * lanes);
  const auto one = [&](const uint8_t* a, VF32 factor, VF32 negative, VF32 addend) HWY_ATTR {
    const VF32 x = hn::ConvertTo(df32, hn::Sub(LoadWide(a), a_zero));
    if constexpr (kNegative) factor = hn::IfNegativeThenElse(x, negative, factor);
    return RoundSaturate(hn::Add(hn::Mul(x, factor), addend));
  };
  for (size_t pixel = begin; pixel < end; ++pixel) {
    const auto offset = static_cast<int64_t>(pixel);
    const uint8_t* HWY_RESTRICT a = static_cast<const uint8_t*>(args.a) + offset * args.a_stride + i;
    uint8_t* HWY_RESTRICT c = static_cast<uint8_t*>(args.c) + offset * args.c_stride + i;
    store(to_u8(one(a, m0, s0, d0), one(a + lanes, m1, s1, d1), one(a + 2 * lanes, m2, s2, d2),
                one(a + 3 * lanes, m3, s3, d3)),
          c);
  }
}

template <bool kNegative>
HWY_INLINE void AffineBlocks(const QAffineArgs& args, size_t begin, size_t end) {
  const DU8 du8;
  const size_t block = hn::Lanes(du8);
  const auto whole = [&](hn::VFromD<DU8> q, uint8_t* c) HWY_ATTR { hn::StoreU(q, du8, c); };
  if (args.channels < block) {
    const size_t n = args.channels;
    AffineBlock<kNegative>(args, begin, end, 0,
                           [&](hn::VFromD<DU8> q, uint8_t* c) HWY_ATTR { hn::StoreN(q, du8, c, n); });
    return;
  }
  // The last block overlaps the one before it: some results twice cost less than a partial store.
  for (size_t i = 0; i < args.channels; i += block) {
    AffineBlock<kNegative>(args, begin, end, std::min(i, args.channels - block), whole);
  }
}

inline void QAffine(const QAffineArgs& args, size_t begin, size_t end) {
  args.negative ? AffineBlocks<true>(args, begin, end) : AffineBlocks<false>(args, begin, end);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_QAFFINE_INL_H_
