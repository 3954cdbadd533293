// Depthwise convolution of floats: per channel one chain of fused multiply-adds, ky and kx ascending.
//
// Four output pixels at a time share the weights they load, and pixels; channels are the vectors.
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
#include "core/kernels/store-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Channels of all pixels of a line before the next ones, so that their weights and pixels stay in L1.
inline constexpr size_t kFDepthwiseVectors = 4;

HWY_INLINE void FDepthwisePut(const FDepthwiseArgs& args, hn::VFromD<hn::ScalableTag<float>> value, uint8_t* c,
                              size_t channels) {
  const hn::ScalableTag<float> df;
  const auto clamped = ClampedOrNaN(value, hn::Set(df, args.lo), hn::Set(df, args.hi));
  StoreUpTo(clamped, df, reinterpret_cast<float*>(c), channels);
}

// Four output pixels, a_step and c_step apart (0: the same four times), of the vector of channels that begins here. kKw
// and kStride are the window's, and then neighbouring outputs share the pixels they load; or kKw is 0.
template <size_t kKw, size_t kStride>
HWY_INLINE void FDepthwiseFour(const FDepthwiseArgs& args, const uint8_t* a, int64_t a_step, uint8_t* c, int64_t c_step,
                               size_t channel) {
  const hn::ScalableTag<float> df;
  const Window& window = args.window;
  const size_t kw = kKw ? kKw : window.kw;
  const int64_t tap = args.a.column_stride * (kKw ? 1 : static_cast<int64_t>(window.dilation_w));
  const int64_t step = kKw ? static_cast<int64_t>(kStride) * tap : a_step;
  const int64_t line = static_cast<int64_t>(window.dilation_h) * args.a.line_stride;
  const float* HWY_RESTRICT w = args.weights + channel;
  const auto bias = args.bias ? hn::LoadU(df, args.bias + channel) : hn::Zero(df);
  auto c0 = bias, c1 = bias, c2 = bias, c3 = bias;
  for (size_t i = 0; i < window.kh; ++i, a += line) {
    for (size_t j = 0; j < kw; ++j, w += args.channels) {
      const uint8_t* HWY_RESTRICT at = a + static_cast<int64_t>(j) * tap;
      const auto weight = hn::LoadU(df, w);
      c0 = FusedMulAdd(df, hn::LoadU(df, reinterpret_cast<const float*>(at)), weight, c0);
      c1 = FusedMulAdd(df, hn::LoadU(df, reinterpret_cast<const float*>(at + step)), weight, c1);
      c2 = FusedMulAdd(df, hn::LoadU(df, reinterpret_cast<const float*>(at + 2 * step)), weight, c2);
      c3 = FusedMulAdd(df, hn::LoadU(df, reinterpret_cast<const float*>(at + 3 * step)), weight, c3);
    }
  }
  FDepthwisePut(args, c0, c, args.channels - channel);
  FDepthwisePut(args, c1, c + c_step, args.channels - channel);
  FDepthwisePut(args, c2, c + 2 * c_step, args.channels - channel);
  FDepthwisePut(args, c3, c + 3 * c_step, args.channels - channel);
}

// Channels [channel, end) of a line.
template <size_t kKw, size_t kStride>
HWY_NOINLINE void FDepthwiseLine(const FDepthwiseArgs& shared, const uint8_t* a_line, uint8_t* c_line, size_t channel,
                                 size_t end) {
  const FDepthwiseArgs args = shared;  // out of reach of stores
  const size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const int64_t a_step = static_cast<int64_t>(args.window.stride_w) * args.a.column_stride;
  const int64_t c_step = args.c.column_stride;
  const bool narrow = args.out_width < 4;
  for (size_t x = 0; x < args.out_width; x += narrow ? 1 : 4) {
    const int64_t column = static_cast<int64_t>(narrow ? x : std::min(x, args.out_width - 4));  // the last may overlap
    for (size_t i = channel; i < end; i += lanes) {
      const uint8_t* a = a_line + column * a_step + i * sizeof(float);
      uint8_t* c = c_line + column * c_step + i * sizeof(float);
      if constexpr (kKw == 0) {
        FDepthwiseFour<0, 1>(args, a, narrow ? 0 : a_step, c, narrow ? 0 : c_step, i);
      } else {
        FDepthwiseFour<kKw, kStride>(args, a, a_step, c, c_step, i);
      }
    }
  }
}

// The common windows have code of their own.
inline auto ChooseFDepthwiseLine(const Window& w, size_t out_width) {
  if (out_width >= 4 && w.dilation_w == 1) {
    if (w.kw == 3 && w.stride_w == 1) return FDepthwiseLine<3, 1>;
    if (w.kw == 3 && w.stride_w == 2) return FDepthwiseLine<3, 2>;
    if (w.kw == 5 && w.stride_w == 1) return FDepthwiseLine<5, 1>;
    if (w.kw == 5 && w.stride_w == 2) return FDepthwiseLine<5, 2>;
  }
  return FDepthwiseLine<0, 1>;
}

inline void FDepthwise(const FDepthwiseArgs& args, size_t y_begin, size_t y_end) {
  const auto line = ChooseFDepthwiseLine(args.window, args.out_width);
  const size_t channels = kFDepthwiseVectors * hn::Lanes(hn::ScalableTag<float>());
  for (size_t y = y_begin; y < y_end; ++y) {
    const uint8_t* a =
        static_cast<const uint8_t*>(args.a.base) + static_cast<int64_t>(y * args.window.stride_h) * args.a.line_stride;
    uint8_t* c = static_cast<uint8_t*>(args.c.base) + static_cast<int64_t>(y) * args.c.line_stride;
    for (size_t channel = 0; channel < args.channels; channel += channels) {
      line(args, a, c, channel, std::min(args.channels, channel + channels));
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_FDEPTHWISE_INL_H_
