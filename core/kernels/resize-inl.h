// Interpolation over NHWC: channels are the vectors.
//
//    input lines  ==y.weight==>  one line of float sums  ==x.weight==>  output line
//    width x channels            width x channels                      out_width x channels
//
// The line between stays in the first level of cache. Products and sums are rounded each, never fused.
#if defined(OCTAVO_CORE_KERNELS_RESIZE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_RESIZE_INL_H_
#undef OCTAVO_CORE_KERNELS_RESIZE_INL_H_
#else
#define OCTAVO_CORE_KERNELS_RESIZE_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/kernels/dot-inl.h"
#include "core/kernels/float-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/requantize-inl.h"
#include "core/kernels/store-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE VF32 LoadFloats(const float* p) { return hn::LoadU(DF32(), p); }
HWY_INLINE VF32 LoadFloats(const uint8_t* p) { return hn::ConvertTo(DF32(), LoadWide(p)); }

// The taps of one output element whose inputs are `step` elements apart.
template <typename T>
struct TapsOf {
  const float* weight;
  const int64_t* index;
  const T* base;
  int64_t step;

  // 0 + weight * input + ..., of the vectors i elements behind each input.
  template <class Count>
  HWY_INLINE VF32 Sum(Count count, size_t i) const {
    const DF32 df32;
    VF32 sum = hn::Zero(df32);
    for (size_t t = 0; t < count; ++t) {
      sum = hn::Add(sum, hn::Mul(hn::Set(df32, weight[t]), LoadFloats(base + index[t] * step + i)));
    }
    return sum;
  }
};

// Calls f with the number of taps, as a constant where it is what most have.
template <class F>
HWY_INLINE void WithCount(size_t count, F f) {
  if (count == 2) {
    f(std::integral_constant<size_t, 2>());
  } else {
    f(count);
  }
}

// Output line y before its columns are resized.
template <typename T>
HWY_INLINE void ResizeToLine(const ResizeArgs& args, size_t y) {
  const DF32 df32;
  const size_t lanes = hn::Lanes(df32);
  const int64_t line_step = args.a.line_stride / static_cast<int64_t>(sizeof(T));
  const int64_t column_step = args.a.column_stride / static_cast<int64_t>(sizeof(T));
  const bool dense = column_step == static_cast<int64_t>(args.channels);
  const size_t runs = dense ? 1 : args.width, n = dense ? args.width * args.channels : args.channels;
  const size_t first = args.y.first[y];
  WithCount(args.y.first[y + 1] - first, [&](auto count) HWY_ATTR {
    TapsOf<T> taps{args.y.weight + first, args.y.index + first, static_cast<const T*>(args.a.base), line_step};
    float* to = args.line;
    // Whole vectors: what is too much is overwritten by the next run, or lands in the slack.
    for (size_t run = 0; run < runs; ++run, to += n, taps.base += column_step) {
      for (size_t i = 0; i < n; i += lanes) hn::StoreU(taps.Sum(count, i), df32, to + i);
    }
  });
}

// Calls pixel(taps, how many, address) for each of output line y.
template <class F>
HWY_INLINE void ForResizedPixels(const ResizeArgs& args, size_t y, F pixel) {
  const ResizeTaps x = args.x;
  uint8_t* c = static_cast<uint8_t*>(args.c.base) + static_cast<int64_t>(y) * args.c.line_stride;
  const int64_t c_step = args.c.column_stride, step = static_cast<int64_t>(args.channels);
  const float* line = args.line;
  const size_t width = args.out_width;
  for (size_t i = 0; i < width; ++i, c += c_step) {
    const size_t first = x.first[i];
    const TapsOf<float> taps{x.weight + first, x.index + first, line, step};
    WithCount(x.first[i + 1] - first, [&](auto count) HWY_ATTR { pixel(taps, count, c); });
  }
}

inline void FResize(const ResizeArgs& args, size_t y_begin, size_t y_end) {
  const DF32 df32;
  const size_t lanes = hn::Lanes(df32), channels = args.channels;
  for (size_t y = y_begin; y < y_end; ++y) {
    ResizeToLine<float>(args, y);
    ForResizedPixels(args, y, [&](const TapsOf<float>& taps, auto count, uint8_t* c) HWY_ATTR {
      for (size_t i = 0; i < channels; i += lanes) {
        StoreUpTo(OneNaN(taps.Sum(count, i)), df32, reinterpret_cast<float*>(c) + i, channels - i);
      }
    });
  }
}

inline void QResize(const ResizeArgs& args, size_t y_begin, size_t y_end) {
  const DU8 du8;
  const size_t lanes = hn::Lanes(DF32()), channels = args.channels;
  const ToU8 to_u8{0, 0, 255};
  for (size_t y = y_begin; y < y_end; ++y) {
    ResizeToLine<uint8_t>(args, y);
    ForResizedPixels(args, y, [&](const TapsOf<float>& taps, auto count, uint8_t* c) HWY_ATTR {
      const auto sum = [&](size_t i) HWY_ATTR { return RoundSaturate(taps.Sum(count, i)); };
      for (size_t i = 0; i < channels; i += 4 * lanes) {
        StoreUpTo(to_u8(sum(i), sum(i + lanes), sum(i + 2 * lanes), sum(i + 3 * lanes)), du8, c + i, channels - i);
      }
    });
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_RESIZE_INL_H_
