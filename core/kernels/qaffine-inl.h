// A factor and an addend for each channel of u8 pixels: a batch normalization that no convolution took in.
//
//    c[pixel][i] = clamp(rne(float(a[pixel][i] - a_zero) * multiplier[i] + addend[i]) + zero, lo, hi)
#if defined(OCTAVO_CORE_KERNELS_QAFFINE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_QAFFINE_INL_H_
#undef OCTAVO_CORE_KERNELS_QAFFINE_INL_H_
#else
#define OCTAVO_CORE_KERNELS_QAFFINE_INL_H_
#endif

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

inline void QAffine(const QAffineArgs& args, size_t begin, size_t end) {
  const DI32 di32;
  const DF32 df32;
  const DU8 du8;
  const size_t lanes = hn::Lanes(di32);
  const VI32 a_zero = hn::Set(di32, args.a_zero);
  const ToU8 to_u8{static_cast<int16_t>(args.zero), args.lo, args.hi};
  for (size_t pixel = begin; pixel < end; ++pixel) {
    const auto offset = static_cast<int64_t>(pixel);
    const uint8_t* HWY_RESTRICT a = static_cast<const uint8_t*>(args.a) + offset * args.a_stride;
    uint8_t* HWY_RESTRICT c = static_cast<uint8_t*>(args.c) + offset * args.c_stride;
    for (size_t i = 0; i < args.channels; i += 4 * lanes) {
      const auto one = [&](size_t at) HWY_ATTR {
        const VF32 x = hn::ConvertTo(df32, hn::Sub(LoadWide(a + at), a_zero));
        const VF32 product = hn::Mul(x, hn::LoadU(df32, args.multiplier + at));
        return RoundSaturate(hn::Add(product, hn::LoadU(df32, args.addend + at)));
      };
      const auto q = to_u8(one(i), one(i + lanes), one(i + 2 * lanes), one(i + 3 * lanes));
      if (args.channels - i >= 4 * lanes) {
        hn::StoreU(q, du8, c + i);
      } else {
        hn::StoreN(q, du8, c + i, args.channels - i);
      }
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_QAFFINE_INL_H_
