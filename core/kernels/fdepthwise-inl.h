// Depthwise convolution of floats: per channel one chain of fused multiply-adds, ky and kx ascending.
//
// Two output pixels at a time share the weights they load; channels are the vectors.
#if defined(OCTAVO_CORE_KERNELS_FDEPTHWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_FDEPTHWISE_INL_H_
#undef OCTAVO_CORE_KERNELS_FDEPTHWISE_INL_H_
#else
#define OCTAVO_CORE_KERNELS_FDEPTHWISE_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/kernels/float-inl.h"
#include "core/kernels/kernels.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Four output pixels (fewer at the end of a line: the pointers then repeat, and so do the stores) of one vector of
// channels. `count` channels are wanted.
HWY_INLINE void FDepthwiseFour(const FDepthwiseArgs& args, const uint8_t* const a[4], uint8_t* const c[4],
                               size_t channel, size_t count) {
  const hn::ScalableTag<float> df;
  const auto bias = args.bias ? hn::LoadU(df, args.bias + channel) : hn::Zero(df);
  auto c0 = bias, c1 = bias, c2 = bias, c3 = bias;
  const float* w = args.weights + channel;
  for (size_t i = 0; i < args.window.kh; ++i) {
    int64_t at = static_cast<int64_t>(i * args.window.dilation_h) * args.a.line_stride;
    for (size_t j = 0; j < args.window.kw; ++j, w += args.channels) {
      const auto weight = hn::LoadU(df, w);
      const auto tap = [&](size_t p)
                           HWY_ATTR { return hn::LoadU(df, reinterpret_cast<const float*>(a[p] + at) + channel); };
      c0 = FusedMulAdd(df, tap(0), weight, c0);
      c1 = FusedMulAdd(df, tap(1), weight, c1);
      c2 = FusedMulAdd(df, tap(2), weight, c2);
      c3 = FusedMulAdd(df, tap(3), weight, c3);
      at += static_cast<int64_t>(args.window.dilation_w) * args.a.column_stride;
    }
  }
  const auto put = [&](size_t p, hn::VFromD<decltype(df)> value) HWY_ATTR {
    float* to = reinterpret_cast<float*>(c[p]) + channel;
    const auto clamped = ClampedOrNaN(value, hn::Set(df, args.lo), hn::Set(df, args.hi));
    if (count >= hn::Lanes(df)) {
      hn::StoreU(clamped, df, to);
    } else {
      hn::StoreN(clamped, df, to, count);
    }
  };
  put(0, c0);
  put(1, c1);
  put(2, c2);
  put(3, c3);
}

inline void FDepthwise(const FDepthwiseArgs& args, size_t y_begin, size_t y_end) {
  const size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const int64_t a_step = static_cast<int64_t>(args.window.stride_w) * args.a.column_stride;
  for (size_t y = y_begin; y < y_end; ++y) {
    const uint8_t* a_line =
        static_cast<const uint8_t*>(args.a.base) + static_cast<int64_t>(y * args.window.stride_h) * args.a.line_stride;
    uint8_t* c_line = static_cast<uint8_t*>(args.c.base) + static_cast<int64_t>(y) * args.c.line_stride;
    for (size_t x = 0; x < args.out_width; x += 4) {
      const uint8_t* a[4];
      uint8_t* c[4];
      for (size_t p = 0; p < 4; ++p) {
        const int64_t column = static_cast<int64_t>(std::min(x + p, args.out_width - 1));
        a[p] = a_line + column * a_step;
        c[p] = c_line + column * args.c.column_stride;
      }
      for (size_t channel = 0; channel < args.channels; channel += lanes) {
        FDepthwiseFour(args, a, c, channel, args.channels - channel);
      }
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_FDEPTHWISE_INL_H_
