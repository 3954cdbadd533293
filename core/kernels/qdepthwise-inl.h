// Depthwise convolution of u8: dot products down the columns of the image, for any window.
//
// Several output pixels' accumulators are in registers together. With a stride of 1 a turned column serves not only two
// output lines but also the output column to its left.
#if defined(OCTAVO_CORE_KERNELS_QDEPTHWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_QDEPTHWISE_INL_H_
#undef OCTAVO_CORE_KERNELS_QDEPTHWISE_INL_H_
#else
#define OCTAVO_CORE_KERNELS_QDEPTHWISE_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/kernels/dot-inl.h"
#include "core/kernels/float-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/qdepthwise-block-inl.h"
#include "core/kernels/qrolling-inl.h"
#include "core/kernels/requantize-inl.h"
#include "core/kernels/rows.h"
#include "core/kernels/store-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Cells are the output pixels (vectors of them) whose accumulators are in registers together: cell i belongs to line
// i % kLines and column i / kLines.
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
inline constexpr size_t kCells = 2;
#else
inline constexpr size_t kCells = 4;
#endif

// Vectors 2 kHalf and 2 kHalf + 1 of a cell's accumulators as float results in memory.
template <size_t kHalf>
HWY_INLINE void StoreFloats(const DepthwiseBlock& block, VI32 c0, VI32 c1, float* to) {
  const DF32 df32;
  const VF32 lo = hn::Set(df32, block.flo), hi = hn::Set(df32, block.fhi);
  for (size_t at = 2 * kHalf * hn::Lanes(df32); at < (2 * kHalf + 2) * hn::Lanes(df32);
       at += hn::Lanes(df32), c0 = c1) {
    VF32 f = hn::Mul(hn::ConvertTo(df32, c0), hn::Load(df32, block.multiplier + at));
    if (block.fbias) f = hn::Add(f, hn::Load(df32, block.fbias + at));
    hn::Store(ClampTo(f, lo, hi), df32, to + at);
  }
}

// Half of the channels of all cells, from input to int16; or, unless `floats` is null, to floats in that memory, cell
// after cell in the order of accumulators. The column's first cell begins at a, the next column_step further. kKw and
// kQuads are the window's, or 0 if it is not worth code of its own.
template <size_t kHalf, size_t kLines, size_t kPixels, size_t kKw, size_t kQuads>
HWY_INLINE void DotHalf(const DepthwiseBlock& block, const uint8_t* a, int64_t column_step, int64_t pixel_step,
                        float* floats, hn::VFromD<DI16>& h0, hn::VFromD<DI16>& h1, hn::VFromD<DI16>& h2,
                        hn::VFromD<DI16>& h3) {
  const DI32 di32;
  const DF32 df32;
  const size_t lanes = hn::Lanes(di32);
  const size_t vector = BlockChannels() * kWeightBytes;
  // With a stride of 1, a tap of the next column is the next tap of this column.
  constexpr bool kShared = kLines == 2 && kPixels == 1 && kKw != 0 && kCells == 4;
  const size_t kw = kKw ? kKw : block.kw;
  const size_t quads = kQuads ? kQuads : block.quads;
  const uint8_t* HWY_RESTRICT w = block.weights + kHalf * quads * kw * kLines * 2 * vector;

  const VI32 bias0 = hn::Load(di32, block.bias + 2 * kHalf * lanes);
  const VI32 bias1 = hn::Load(di32, block.bias + (2 * kHalf + 1) * lanes);
  VI32 c00 = bias0, c01 = bias1, c10 = bias0, c11 = bias1;
  VI32 c20 = bias0, c21 = bias1, c30 = bias0, c31 = bias1;

  for (size_t q = 0; q < quads; ++q) {
    // Lines below the last one needed meet weights of zero or belong to no output: any readable line will do.
    const uint8_t* line[4];
    for (size_t i = 0; i < 4; ++i) {
      line[i] = a + static_cast<int64_t>(std::min(q * 4 + i, block.last_line)) * block.line_step;
    }
    hn::VFromD<DU32> t0, t1, next0, next1;
    if constexpr (kShared) Turn<kHalf, kPixels>(line, 0, pixel_step, next0, next1);
    int64_t at = 0;
    for (size_t kx = 0; kx < kw; ++kx, at += block.tap_step, w += kLines * 2 * vector) {
      const auto w00 = LoadWeights(w), w01 = LoadWeights(w + vector);
      if constexpr (kLines == 2) {
        const auto w10 = LoadWeights(w + 2 * vector), w11 = LoadWeights(w + 3 * vector);
        if constexpr (kShared) {
          t0 = next0;
          t1 = next1;
        } else {
          Turn<kHalf, kPixels>(line, at, pixel_step, t0, t1);
        }
        c00 = Dot(t0, w00, c00);
        c01 = Dot(t1, w01, c01);
        c10 = Dot(t0, w10, c10);
        c11 = Dot(t1, w11, c11);
        if constexpr (kCells == 4) {
          Turn<kHalf, kPixels>(line, at + column_step, pixel_step, next0, next1);
          c20 = Dot(next0, w00, c20);
          c21 = Dot(next1, w01, c21);
          c30 = Dot(next0, w10, c30);
          c31 = Dot(next1, w11, c31);
        }
      } else {
        Turn<kHalf, kPixels>(line, at, pixel_step, t0, t1);
        c00 = Dot(t0, w00, c00);
        c01 = Dot(t1, w01, c01);
        Turn<kHalf, kPixels>(line, at + column_step, pixel_step, t0, t1);
        c10 = Dot(t0, w00, c10);
        c11 = Dot(t1, w01, c11);
        if constexpr (kCells == 4) {
          Turn<kHalf, kPixels>(line, at + 2 * column_step, pixel_step, t0, t1);
          c20 = Dot(t0, w00, c20);
          c21 = Dot(t1, w01, c21);
          Turn<kHalf, kPixels>(line, at + 3 * column_step, pixel_step, t0, t1);
          c30 = Dot(t0, w00, c30);
          c31 = Dot(t1, w01, c31);
        }
      }
    }
  }

  if (HWY_UNLIKELY(floats)) {
    StoreFloats<kHalf>(block, c00, c01, floats);
    StoreFloats<kHalf>(block, c10, c11, floats + BlockChannels());
    if constexpr (kCells == 4) {
      StoreFloats<kHalf>(block, c20, c21, floats + 2 * BlockChannels());
      StoreFloats<kHalf>(block, c30, c31, floats + 3 * BlockChannels());
    }
    return;
  }
  const VF32 m0 = hn::Load(df32, block.multiplier + 2 * kHalf * lanes);
  const VF32 m1 = hn::Load(df32, block.multiplier + (2 * kHalf + 1) * lanes);
  h0 = block.to_u8.Half(Scale(c00, m0), Scale(c01, m1));
  h1 = block.to_u8.Half(Scale(c10, m0), Scale(c11, m1));
  if constexpr (kCells == 4) {
    h2 = block.to_u8.Half(Scale(c20, m0), Scale(c21, m1));
    h3 = block.to_u8.Half(Scale(c30, m0), Scale(c31, m1));
  }
}

template <size_t kPixels>
HWY_INLINE void StoreCell(const DepthwiseBlock& block, hn::VFromD<DI16> h0, hn::VFromD<DI16> h1, uint8_t* c,
                          int64_t pixel_step) {
  StorePixels<kPixels>(block.to_u8.Join(h0, h1), c, pixel_step, block.channels);
}

// The same for what StoreFloats has left. Floats are rare: not worth a place inside every window's code.
template <size_t kPixels>
HWY_NOINLINE void CopyCell(const DepthwiseBlock& block, const float* HWY_RESTRICT floats, uint8_t* c,
                           int64_t pixel_step) {
  const hn::FixedTag<float, 4> d;
  const size_t lanes = hn::Lanes(DF32()), channels = BlockChannels() / kPixels;
  for (size_t pixel = 0; pixel < kPixels; ++pixel, c += pixel_step, floats += lanes / kPixels) {
    float* to = reinterpret_cast<float*>(c);
    for (size_t channel = 0; channel < std::min(channels, block.channels); channel += 4) {
      const auto four = hn::Load(d, floats + channel % 16 / 4 * lanes + channel / 16 * 4);
      StoreUpTo(four, d, to + channel, block.channels - channel);
    }
  }
}

// All cells at one place.
template <size_t kLines, size_t kPixels, size_t kKw, size_t kQuads>
HWY_INLINE void DotCells(const DepthwiseBlock& block, const uint8_t* a, int64_t a_column, int64_t a_pixel, uint8_t* c0,
                         uint8_t* c1, int64_t c_column, int64_t c_pixel) {
  const DI16 di16;
  hn::VFromD<DI16> h00 = hn::Zero(di16), h01 = h00, h10 = h00, h11 = h00, h20 = h00, h21 = h00, h30 = h00, h31 = h00;
  HWY_ALIGN float results[kCells * 64];
  float* floats = block.is_float ? results : nullptr;
  DotHalf<0, kLines, kPixels, kKw, kQuads>(block, a, a_column, a_pixel, floats, h00, h10, h20, h30);
  DotHalf<1, kLines, kPixels, kKw, kQuads>(block, a, a_column, a_pixel, floats, h01, h11, h21, h31);
  if (HWY_UNLIKELY(floats)) {
    for (size_t cell = 0; cell < kCells; ++cell, floats += BlockChannels()) {
      uint8_t* c = kLines == 2 && cell % 2 == 1 ? c1 : c0;
      if (c) CopyCell<kPixels>(block, floats, c + static_cast<int64_t>(cell / kLines) * c_column, c_pixel);
    }
    return;
  }
  StoreCell<kPixels>(block, h00, h01, c0, c_pixel);
  if constexpr (kLines == 2) {
    if (c1) StoreCell<kPixels>(block, h10, h11, c1, c_pixel);
    if constexpr (kCells == 4) {
      StoreCell<kPixels>(block, h20, h21, c0 + c_column, c_pixel);
      if (c1) StoreCell<kPixels>(block, h30, h31, c1 + c_column, c_pixel);
    }
  } else {
    StoreCell<kPixels>(block, h10, h11, c0 + c_column, c_pixel);
    if constexpr (kCells == 4) {
      StoreCell<kPixels>(block, h20, h21, c0 + 2 * c_column, c_pixel);
      StoreCell<kPixels>(block, h30, h31, c0 + 3 * c_column, c_pixel);
    }
  }
}

// kLines output lines of a block of channels: c0 and, unless null, c1.
template <size_t kLines, size_t kPixels, size_t kKw, size_t kQuads>
HWY_NOINLINE void DepthwiseLines(const DepthwiseBlock& shared, const uint8_t* a, int64_t a_step, uint8_t* c0,
                                 uint8_t* c1, int64_t c_step, size_t width) {
  const DepthwiseBlock block = shared;  // out of reach of stores
  constexpr size_t kColumns = kCells / kLines * kPixels;
  if (width < kColumns) {
    if constexpr (kPixels == 1 && kKw == 0) {  // one column at a time, several times over
      for (size_t x = 0; x < width; ++x) {
        DotCells<kLines, 1, 0, 0>(block, a, 0, 0, c0, c1, 0, 0);
        a += a_step;
        c0 += c_step;
        if (c1) c1 += c_step;
      }
    } else {
      DepthwiseLines<kLines, 1, 0, 0>(shared, a, a_step, c0, c1, c_step, width);
    }
    return;
  }
  for (size_t x = 0; x < width; x += kColumns) {
    const int64_t at = static_cast<int64_t>(std::min(x, width - kColumns));  // the last cells may overlap
    DotCells<kLines, kPixels, kKw, kQuads>(block, a + at * a_step, kPixels * a_step, a_step, c0 + at * c_step,
                                           c1 ? c1 + at * c_step : nullptr, kPixels * c_step, c_step);
  }
}

// Common windows have code of their own, but for processors of the years before AVX2.
template <size_t kLines, size_t kPixels>
HWY_INLINE auto ChooseDepthwiseLines(const Window& w) {
  if constexpr (kPixels == 1 && (!HWY_ARCH_X86 || HWY_TARGET <= HWY_AVX2)) {
    const bool dense = w.dilation_w == 1 && w.dilation_h == 1 && (kLines == 1 || w.stride_w == 1);
    if (w.kw == 3 && w.kh == 3 && dense) return DepthwiseLines<kLines, kPixels, 3, 1>;
    if (w.kw == 5 && w.kh == 5 && dense) return DepthwiseLines<kLines, kPixels, 5, 2>;
    if (w.kw == 7 && w.kh == 7 && dense) return DepthwiseLines<kLines, kPixels, 7, 2>;
  }
  return DepthwiseLines<kLines, kPixels, 0, 0>;
}

// What the numbers of a block allow.
struct DepthwiseBounds {
  bool below_one;  // no multiplier is 1 or more
  bool positive;   // and ScalePositive will do

  DepthwiseBounds(const int32_t* bias, const float* multiplier, int32_t zero, size_t taps) {
    const DI32 di32;
    const DF32 df32;
    auto least = hn::Zero(df32), most = hn::Zero(df32), sum = hn::Zero(df32);
    for (size_t i = 0; i < BlockChannels(); i += hn::Lanes(df32)) {
      const auto m = hn::Load(df32, multiplier + i);
      least = hn::Min(least, m);
      most = hn::Max(most, m);
      sum = hn::Max(sum, hn::Abs(hn::ConvertTo(df32, hn::Load(di32, bias + i))));
    }
    below_one = -1.0f < hn::ReduceMin(df32, least) && hn::ReduceMax(df32, most) < 1.0f;
    positive = below_one && hn::ReduceMin(df32, least) == 0 && zero == 0 &&
               hn::ReduceMax(df32, sum) + 255.0f * 128.0f * static_cast<float>(taps) < 8388608.0f;
  }
};

// Lines [y_begin, y_end) of the block of channels that begins here.
template <size_t kPixels>
HWY_INLINE void DotBlock(const QDepthwiseArgs& args, DepthwiseBlock& block, size_t channel, size_t y_begin,
                         size_t y_end) {
  const Window& w = args.window;
  const DepthwiseShape shape(w);
  const auto lines = shape.lines == 2 ? ChooseDepthwiseLines<2, kPixels>(w) : ChooseDepthwiseLines<1, kPixels>(w);
  const int64_t a_step = static_cast<int64_t>(w.stride_w) * args.a.column_stride;
  for (size_t y = y_begin; y < y_end; y += shape.lines) {
    const bool pair = shape.lines == 2 && y + 1 < y_end;
    block.last_line = w.kh - 1 + pair;
    const uint8_t* a = static_cast<const uint8_t*>(args.a.base) + static_cast<int64_t>(channel) +
                       static_cast<int64_t>(y * w.stride_h) * args.a.line_stride;
    uint8_t* c = static_cast<uint8_t*>(args.c.base) + static_cast<int64_t>(channel * (block.is_float ? 4 : 1)) +
                 static_cast<int64_t>(y) * args.c.line_stride;
    lines(block, a, a_step, c, pair ? c + args.c.line_stride : nullptr, args.c.column_stride, args.out_width);
  }
}

template <size_t kPixels>
HWY_INLINE void QDepthwiseBlock(const QDepthwiseArgs& args, DepthwiseBlock& block, size_t channel, size_t y_begin,
                                size_t y_end) {
  // Vectors reach beyond the last channel, the arrays of its numbers do not.
  const size_t n = std::min(block.channels, BlockChannels());
  HWY_ALIGN int32_t bias[64] = {}, ordered_bias[64];
  HWY_ALIGN float multiplier[64] = {}, ordered_multiplier[64];
  HWY_ALIGN float fbias[64] = {}, ordered_fbias[64];
  if (args.bias) std::copy_n(args.bias + channel, n, bias);
  std::copy_n(args.multiplier + channel, n, multiplier);
  const Window& w = args.window;
  const DepthwiseBounds bounds(bias, multiplier, args.zero, w.kh * w.kw);
  const bool rolls = bounds.below_one && Rolls(w) && !block.is_float;
  if (rolls && bounds.positive) {
    for (int32_t& b : bias) b += kFloatBias;
  }
  OrderChannels(bias, kPixels, ordered_bias);
  OrderChannels(multiplier, kPixels, ordered_multiplier);
  if constexpr (kDotOffset) {
    const DI32 di32;
    const auto* offsets = reinterpret_cast<const int32_t*>(block.weights + DepthwiseWeightBytes(w));
    for (size_t j = 0; j < BlockChannels(); j += hn::Lanes(di32)) {
      const auto sum = hn::Sub(hn::Load(di32, ordered_bias + j), hn::Load(di32, offsets + j));
      hn::Store(sum, di32, ordered_bias + j);
    }
  }
  block.bias = ordered_bias;
  block.multiplier = ordered_multiplier;
  block.fbias = nullptr;
  if (args.fbias) {
    std::copy_n(args.fbias + channel, n, fbias);
    OrderChannels(fbias, kPixels, ordered_fbias);
    block.fbias = ordered_fbias;
  }
  if (rolls) {
    ChooseRollBlock<kPixels>(w, bounds.positive)(args, block, channel, y_begin, y_end);
  } else {
    DotBlock<kPixels>(args, block, channel, y_begin, y_end);
  }
}

inline void QDepthwise(const QDepthwiseArgs& args, size_t y_begin, size_t y_end) {
  const Window& w = args.window;
  const DepthwiseShape shape(w);
  DepthwiseBlock block{};
  block.flo = args.flo, block.fhi = args.fhi;
  block.is_float = args.output == GemmOutput::kF32;
  block.kw = w.kw;
  block.quads = shape.quads;
  block.line_step = static_cast<int64_t>(w.dilation_h) * args.a.line_stride;
  block.tap_step = static_cast<int64_t>(w.dilation_w) * args.a.column_stride;
  block.to_u8 = ToU8{static_cast<int16_t>(args.zero), args.lo, args.hi};

  // All channels of some lines before the next lines, so that a block finds in the cache what the one before fetched.
  constexpr size_t kCached = 128 * 1024;
  const size_t line = static_cast<size_t>(std::abs(args.a.line_stride)) * w.stride_h + 1;
  const size_t strip = std::max<size_t>(2, kCached / line / 2 * 2);
  for (size_t y = y_begin; y < y_end; y += strip) {
    const size_t end = std::min(y + strip, y_end);
    block.weights = static_cast<const uint8_t*>(args.packed);
    for (size_t channel = 0; channel < args.channels; channel += BlockChannels()) {
      block.channels = args.channels - channel;
      const size_t pixels = PixelsOfBlock(block.channels);
      if (pixels == 1) QDepthwiseBlock<1>(args, block, channel, y, end);
      // Only vectors of several blocks of 16 bytes hold several pixels.
      if constexpr (HWY_MAX_LANES_D(DU8) >= 32) {
        if (pixels == 2) QDepthwiseBlock<2>(args, block, channel, y, end);
      }
      if constexpr (HWY_MAX_LANES_D(DU8) >= 64) {
        if (pixels == 4) QDepthwiseBlock<4>(args, block, channel, y, end);
      }
      block.weights += DepthwiseBlockBytes(w);
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_QDEPTHWISE_INL_H_
