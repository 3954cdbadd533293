// Pooling over NHWC: channels are the vectors, each output pixel walks its valid taps.
#if defined(OCTAVO_CORE_KERNELS_POOL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_POOL_INL_H_
#undef OCTAVO_CORE_KERNELS_POOL_INL_H_
#else
#define OCTAVO_CORE_KERNELS_POOL_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/kernels/dot-inl.h"
#include "core/kernels/float-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/requantize-inl.h"
#include "core/kernels/store-inl.h"
#include "core/kernels/taps-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline void QMaxPool(const PoolArgs& args, size_t y_begin, size_t y_end) {
  const hn::ScalableTag<uint8_t> du8;
  const size_t lanes = hn::Lanes(du8), channels = args.channels;
  ForPixels(args, y_begin, y_end, [&](const Taps& taps, uint8_t* c, size_t) HWY_ATTR {
    for (size_t channel = 0; channel < channels; channel += lanes) {
      auto best = hn::Zero(du8);
      taps.ForEach([&](const uint8_t* a) HWY_ATTR { best = hn::Max(best, hn::LoadU(du8, a + channel)); });
      StoreUpTo(best, du8, c + channel, channels - channel);
    }
  });
}

inline void FMaxPool(const PoolArgs& args, size_t y_begin, size_t y_end) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  ForPixels(args, y_begin, y_end, [&](const Taps& taps, uint8_t* c, size_t) HWY_ATTR {
    for (size_t channel = 0; channel < args.channels; channel += lanes) {
      auto best = hn::Neg(hn::Inf(df));
      taps.ForEach([&](const uint8_t* a) HWY_ATTR {
        best = SecondUnlessGreater(hn::LoadU(df, reinterpret_cast<const float*>(a) + channel), best);
      });
      StoreUpTo(best, df, reinterpret_cast<float*>(c) + channel, args.channels - channel);
    }
  });
}

// Bytes are added up as u16, which holds the sum of 257 of them. Widening by interleaving with zeros, twice, is undone
// by the packing of the results.
inline void QAvgPool(const QAvgPoolArgs& args, size_t y_begin, size_t y_end) {
  constexpr size_t kMost = 257;
  const DI32 di32;
  const DF32 df32;
  const DU8 du8;
  const hn::Repartition<uint16_t, DU8> du16;
  const ToU8 to_u8{static_cast<int16_t>(args.zero), args.lo, args.hi};
  const size_t channels = args.channels;
  const int64_t a_zero = args.a_zero;
  const float* multipliers = args.multiplier;
  ForPixels(args, y_begin, y_end, [&](const Taps& taps, uint8_t* c, size_t pixel) HWY_ATTR {
    const VI32 start = hn::Set(di32, static_cast<int32_t>(-static_cast<int64_t>(taps.count()) * a_zero));
    const VF32 multiplier = hn::Set(df32, multipliers[pixel]);
    for (size_t channel = 0; channel < channels; channel += hn::Lanes(du8)) {
      VI32 sum0 = start, sum1 = start, sum2 = start, sum3 = start;
      auto lower = hn::Zero(du16), upper = lower;
      const auto widen = [&]() HWY_ATTR {
        const auto zero = hn::Zero(du16);
        sum0 = hn::Add(sum0, hn::BitCast(di32, hn::InterleaveLower(du16, lower, zero)));
        sum1 = hn::Add(sum1, hn::BitCast(di32, hn::InterleaveUpper(du16, lower, zero)));
        sum2 = hn::Add(sum2, hn::BitCast(di32, hn::InterleaveLower(du16, upper, zero)));
        sum3 = hn::Add(sum3, hn::BitCast(di32, hn::InterleaveUpper(du16, upper, zero)));
      };
      size_t left = kMost;
      taps.ForEach([&](const uint8_t* a) HWY_ATTR {
        if (HWY_UNLIKELY(left == 0)) {
          widen();
          lower = upper = hn::Zero(du16);
          left = kMost;
        }
        --left;
        const auto bytes = hn::LoadU(du8, a + channel);
        lower = hn::Add(lower, hn::BitCast(du16, hn::InterleaveLower(du8, bytes, hn::Zero(du8))));
        upper = hn::Add(upper, hn::BitCast(du16, hn::InterleaveUpper(du8, bytes, hn::Zero(du8))));
      });
      widen();
      const auto q = to_u8.Join(to_u8.Half(Scale(sum0, multiplier), Scale(sum1, multiplier)),
                                to_u8.Half(Scale(sum2, multiplier), Scale(sum3, multiplier)));
      StoreUpTo(q, du8, c + channel, channels - channel);
    }
  });
}

inline void FAvgPool(const FAvgPoolArgs& args, size_t y_begin, size_t y_end) {
  const hn::ScalableTag<float> df;
  const size_t lanes = hn::Lanes(df);
  ForPixels(args, y_begin, y_end, [&](const Taps& taps, uint8_t* c, size_t pixel) HWY_ATTR {
    const auto divisor = hn::Set(df, args.divisor[pixel]);
    for (size_t channel = 0; channel < args.channels; channel += 2 * lanes) {
      auto sum0 = hn::Zero(df);
      auto sum1 = hn::Zero(df);
      taps.ForEach([&](const uint8_t* a) HWY_ATTR {
        const float* p = reinterpret_cast<const float*>(a) + channel;
        sum0 = hn::Add(sum0, hn::LoadU(df, p));
        sum1 = hn::Add(sum1, hn::LoadU(df, p + lanes));
      });
      float* to = reinterpret_cast<float*>(c) + channel;
      const size_t left = args.channels - channel;
      StoreUpTo(OneNaN(hn::Div(sum0, divisor)), df, to, left);
      if (left > lanes) StoreUpTo(OneNaN(hn::Div(sum1, divisor)), df, to + lanes, left - lanes);
    }
  });
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_POOL_INL_H_
