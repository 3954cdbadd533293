// Depthwise convolution of u8: dot products down the columns of the image.
//
// A dot product wants four numbers of one channel side by side, NHWC has four channels. So four lines are turned first:
//
//    line 0   c0 c1 c2 c3 ...                 c0 c0 c0 c0 | c1 c1 c1 c1 | ...
//    line 1   c0 c1 c2 c3 ...      ------>    four lines of a channel are a quad
//    line 2   c0 c1 c2 c3 ...    interleave
//    line 3   c0 c1 c2 c3 ...    bytes, pairs
//
// Interleaving and packing both work within blocks of 16 bytes and undo each other, so channels leave in order. With a
// stride of 1 a turned column serves two output lines, the lower one's weights being shifted by a line,
//
//    upper  w0 w1 w2  0
//    lower   0 w0 w1 w2        (kh = 3; larger windows take several quads)
//
// and also the output column to its left. Channels go in blocks of a vector's bytes. What is left over fills vectors
// with 2 or 4 neighbouring output pixels:
//
//    | pixel x, 16 channels | pixel x + 1, the same | pixel x + 2 | pixel x + 3 |
#if defined(OCTAVO_CORE_KERNELS_QDEPTHWISE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_QDEPTHWISE_INL_H_
#undef OCTAVO_CORE_KERNELS_QDEPTHWISE_INL_H_
#else
#define OCTAVO_CORE_KERNELS_QDEPTHWISE_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/kernels/dot-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/requantize-inl.h"
#include "core/kernels/rows.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// How a window is divided.
struct DepthwiseShape {
  size_t lines;  // output lines at once: 2 or 1
  size_t quads;  // quads of input lines they need

  explicit DepthwiseShape(const Window& w) {
    lines = w.stride_h == 1 && w.dilation_h == 1 ? 2 : 1;
    quads = DivideUp(w.kh + lines - 1, 4);
  }
};

HWY_INLINE size_t BlockChannels() { return hn::Lanes(DU8()); }

// Pixels in a vector for a block of so many channels.
HWY_INLINE size_t PixelsOfBlock(size_t channels) {
  const size_t n = BlockChannels();
  return n >= 64 && channels <= n / 4 ? 4 : n >= 32 && channels <= n / 2 ? 2 : 1;
}

// Of the weights of a block, and of its offsets (dot-inl.h) behind them.
HWY_INLINE size_t DepthwiseWeightBytes(const Window& w) {
  const DepthwiseShape shape(w);
  return w.kw * shape.quads * shape.lines * 4 * BlockChannels() * kWeightBytes;
}
HWY_INLINE size_t DepthwiseBlockBytes(const Window& w) {
  return DepthwiseWeightBytes(w) + (kDotOffset ? BlockChannels() * sizeof(int32_t) : 0);
}

inline size_t QDepthwisePackedBytes(size_t channels, const Window& w) {
  return DivideUp(DivideUp(channels, BlockChannels()) * DepthwiseBlockBytes(w), 64) * 64;
}

// Which channel of a block lane j of accumulator v belongs to. Interleaving puts channels 4 v ... 4 v + 3 of every 16
// into vector v; with several pixels in a vector, blocks of 16 repeat.
HWY_INLINE size_t ChannelOfLane(size_t v, size_t j, size_t pixels) {
  const size_t blocks = BlockChannels() / 16 / pixels;
  return j / 4 % blocks * 16 + v * 4 + j % 4;
}

// [block][half][quad][kx][line][2 vectors], a block's offsets at its end.
inline void QDepthwisePack(size_t channels, const Window& w, const int8_t* weights, void* packed) {
  uint8_t* to = static_cast<uint8_t*>(packed);
  const DepthwiseShape shape(w);
  const DI32 di32;
  const size_t lanes = hn::Lanes(di32);
  HWY_ALIGN uint8_t quads[64];
  int32_t* offsets = nullptr;
  const auto vector = [&](size_t block, size_t v, size_t q, size_t kx, size_t line) HWY_ATTR {
    const size_t pixels = PixelsOfBlock(channels - block);
    std::memset(quads, 0, sizeof(quads));
    for (size_t j = 0; j < lanes; ++j) {
      const size_t channel = block + ChannelOfLane(v, j, pixels);
      for (size_t i = 0; i < 4; ++i) {
        const size_t ky = q * 4 + i - line;  // wraps for the line above the window
        if (channel >= channels || ky >= w.kh) continue;
        quads[4 * j + i] = static_cast<uint8_t>(weights[(channel * w.kh + ky) * w.kw + kx]);
      }
    }
    PackQuads(hn::Load(DU8(), quads), to);
    if constexpr (kDotOffset) {  // the same for both lines
      int32_t* sum = offsets + v * lanes;
      if (line == 0) hn::Store(AddOffset(to, hn::Load(di32, sum)), di32, sum);
    }
    to += 4 * lanes * kWeightBytes;
  };
  for (size_t block = 0; block < channels; block += BlockChannels()) {
    if constexpr (kDotOffset) {
      offsets = reinterpret_cast<int32_t*>(to + DepthwiseWeightBytes(w));
      std::memset(offsets, 0, BlockChannels() * sizeof(int32_t));
    }
    for (size_t half = 0; half < 2; ++half) {
      for (size_t q = 0; q < shape.quads; ++q) {
        for (size_t kx = 0; kx < w.kw; ++kx) {
          for (size_t line = 0; line < shape.lines; ++line) {
            vector(block, 2 * half, q, kx, line);
            vector(block, 2 * half + 1, q, kx, line);
          }
        }
      }
    }
    if constexpr (kDotOffset) to += BlockChannels() * sizeof(int32_t);
  }
}

// The per-channel numbers of a block in the order of accumulators.
template <typename T>
HWY_INLINE void OrderChannels(const T* p, size_t pixels, T* to) {
  const size_t lanes = hn::Lanes(DI32());
  const hn::FixedTag<T, 4> d;
  for (size_t v = 0; v < 4; ++v) {
    for (size_t j = 0; j < lanes; j += 4) {
      hn::Store(hn::LoadU(d, p + ChannelOfLane(v, j, pixels)), d, to + v * lanes + j);
    }
  }
}

// A vector of kPixels pixels, each so many bytes after the one before.
template <size_t kPixels>
HWY_INLINE hn::VFromD<DU8> LoadPixels(const uint8_t* p, int64_t step) {
  const DU8 du8;
  if constexpr (kPixels == 1) {
    return hn::LoadU(du8, p);
  } else {
    if (step == static_cast<int64_t>(BlockChannels() / kPixels)) return hn::LoadU(du8, p);
    const hn::Half<DU8> dh;
    if constexpr (kPixels == 2) {
      return hn::Combine(du8, hn::LoadU(dh, p + step), hn::LoadU(dh, p));
    } else {
      const hn::Half<decltype(dh)> dq;
      return hn::Combine(du8, hn::Combine(dh, hn::LoadU(dq, p + 3 * step), hn::LoadU(dq, p + 2 * step)),
                         hn::Combine(dh, hn::LoadU(dq, p + step), hn::LoadU(dq, p)));
    }
  }
}

template <size_t kPixels>
HWY_INLINE void StorePixels(hn::VFromD<DU8> v, uint8_t* p, int64_t step, size_t channels) {
  const DU8 du8;
  if constexpr (kPixels == 1) {
    if (channels >= hn::Lanes(du8)) {
      hn::StoreU(v, du8, p);
    } else {
      hn::StoreN(v, du8, p, channels);
    }
  } else {
    const hn::Half<DU8> dh;
    if constexpr (kPixels == 2) {
      hn::StoreN(hn::LowerHalf(dh, v), dh, p, channels);
      hn::StoreN(hn::UpperHalf(dh, v), dh, p + step, channels);
    } else {
      const hn::Half<decltype(dh)> dq;
      hn::StoreN(hn::LowerHalf(dq, hn::LowerHalf(dh, v)), dq, p, channels);
      hn::StoreN(hn::UpperHalf(dq, hn::LowerHalf(dh, v)), dq, p + step, channels);
      hn::StoreN(hn::LowerHalf(dq, hn::UpperHalf(dh, v)), dq, p + 2 * step, channels);
      hn::StoreN(hn::UpperHalf(dq, hn::UpperHalf(dh, v)), dq, p + 3 * step, channels);
    }
  }
}

// Four lines of a vector of pixels -> quads of half of the channels: 8 kHalf ... 8 kHalf + 7 of every 16.
template <size_t kHalf, size_t kPixels>
HWY_INLINE void Turn(const uint8_t* const line[4], int64_t at, int64_t pixel_step, hn::VFromD<DU32>& t0,
                     hn::VFromD<DU32>& t1) {
  const DU8 du8;
  const DU32 du32;
  const hn::Repartition<uint16_t, DU8> du16;
  const auto v0 = LoadPixels<kPixels>(line[0] + at, pixel_step);
  const auto v1 = LoadPixels<kPixels>(line[1] + at, pixel_step);
  const auto v2 = LoadPixels<kPixels>(line[2] + at, pixel_step);
  const auto v3 = LoadPixels<kPixels>(line[3] + at, pixel_step);
  const auto v01 = hn::BitCast(du16, kHalf ? hn::InterleaveUpper(du8, v0, v1) : hn::InterleaveLower(du8, v0, v1));
  const auto v23 = hn::BitCast(du16, kHalf ? hn::InterleaveUpper(du8, v2, v3) : hn::InterleaveLower(du8, v2, v3));
  t0 = ToQuads(hn::BitCast(du32, hn::InterleaveLower(du16, v01, v23)));
  t1 = ToQuads(hn::BitCast(du32, hn::InterleaveUpper(du16, v01, v23)));
}

// Cells are the output pixels (vectors of them) whose accumulators are in registers together: cell i belongs to line
// i % kLines and column i / kLines.
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
inline constexpr size_t kCells = 2;
#else
inline constexpr size_t kCells = 4;
#endif

// What does not change between the cells of a block of channels.
struct DepthwiseBlock {
  const uint8_t* weights;
  const int32_t* bias;  // in the order of accumulators
  const float* multiplier;
  size_t channels;
  size_t kw, quads;
  int64_t line_step;  // from tap to tap in the input, bytes
  int64_t tap_step;
  size_t last_line;  // the last of an output line's pair that may be read
  ToU8 to_u8;
};

// Half of the channels of all cells, from input to int16. The column's first cell begins at a, the next column_step
// further. kKw and kQuads are the window's, or 0 if it is not worth code of its own.
template <size_t kHalf, size_t kLines, size_t kPixels, size_t kKw, size_t kQuads>
HWY_INLINE void DotHalf(const DepthwiseBlock& block, const uint8_t* a, int64_t column_step, int64_t pixel_step,
                        hn::VFromD<DI16>& h0, hn::VFromD<DI16>& h1, hn::VFromD<DI16>& h2, hn::VFromD<DI16>& h3) {
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

// All cells at one place.
template <size_t kLines, size_t kPixels, size_t kKw, size_t kQuads>
HWY_INLINE void DotCells(const DepthwiseBlock& block, const uint8_t* a, int64_t a_column, int64_t a_pixel, uint8_t* c0,
                         uint8_t* c1, int64_t c_column, int64_t c_pixel) {
  const DI16 di16;
  hn::VFromD<DI16> h00, h01, h10, h11;
  hn::VFromD<DI16> h20 = hn::Zero(di16), h21 = h20, h30 = h20, h31 = h20;
  DotHalf<0, kLines, kPixels, kKw, kQuads>(block, a, a_column, a_pixel, h00, h10, h20, h30);
  DotHalf<1, kLines, kPixels, kKw, kQuads>(block, a, a_column, a_pixel, h01, h11, h21, h31);
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

// The common windows have code of their own.
template <size_t kLines, size_t kPixels>
HWY_INLINE auto ChooseDepthwiseLines(const Window& w) {
  if (w.kw == w.kh && w.dilation_w == 1 && w.dilation_h == 1 && (kLines == 1 || w.stride_w == 1)) {
    if (w.kw == 3) return DepthwiseLines<kLines, kPixels, 3, 1>;
    if constexpr (kPixels == 1) {
      if (w.kw == 5) return DepthwiseLines<kLines, kPixels, 5, 2>;
    }
  }
  return DepthwiseLines<kLines, kPixels, 0, 0>;
}

// Lines [y_begin, y_end) of the block of channels that begins here.
template <size_t kPixels>
HWY_INLINE void QDepthwiseBlock(const QDepthwiseArgs& args, DepthwiseBlock& block, size_t channel, size_t y_begin,
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
    uint8_t* c = static_cast<uint8_t*>(args.c.base) + static_cast<int64_t>(channel) +
                 static_cast<int64_t>(y) * args.c.line_stride;
    lines(block, a, a_step, c, pair ? c + args.c.line_stride : nullptr, args.c.column_stride, args.out_width);
  }
}

inline void QDepthwise(const QDepthwiseArgs& args, size_t y_begin, size_t y_end) {
  const Window& w = args.window;
  const DepthwiseShape shape(w);
  HWY_ALIGN int32_t bias[64];
  HWY_ALIGN float multiplier[64];
  DepthwiseBlock block{};
  block.weights = static_cast<const uint8_t*>(args.packed);
  block.bias = bias;
  block.multiplier = multiplier;
  block.kw = w.kw;
  block.quads = shape.quads;
  block.line_step = static_cast<int64_t>(w.dilation_h) * args.a.line_stride;
  block.tap_step = static_cast<int64_t>(w.dilation_w) * args.a.column_stride;
  block.to_u8 = ToU8{static_cast<int16_t>(args.zero), args.lo, args.hi};

  for (size_t channel = 0; channel < args.channels; channel += BlockChannels()) {
    block.channels = args.channels - channel;
    const size_t pixels = PixelsOfBlock(block.channels);
    std::memset(bias, 0, sizeof(bias));
    if (args.bias) OrderChannels(args.bias + channel, pixels, bias);
    if constexpr (kDotOffset) {
      const auto* offsets = reinterpret_cast<const int32_t*>(block.weights + DepthwiseWeightBytes(w));
      const DI32 di32;
      for (size_t j = 0; j < BlockChannels(); j += hn::Lanes(di32)) {
        hn::Store(hn::Sub(hn::Load(di32, bias + j), hn::Load(di32, offsets + j)), di32, bias + j);
      }
    }
    OrderChannels(args.multiplier + channel, pixels, multiplier);
    if (pixels == 1) QDepthwiseBlock<1>(args, block, channel, y_begin, y_end);
    // Only vectors of several blocks of 16 bytes hold several pixels.
    if constexpr (HWY_MAX_LANES_D(DU8) >= 32) {
      if (pixels == 2) QDepthwiseBlock<2>(args, block, channel, y_begin, y_end);
    }
    if constexpr (HWY_MAX_LANES_D(DU8) >= 64) {
      if (pixels == 4) QDepthwiseBlock<4>(args, block, channel, y_begin, y_end);
    }
    block.weights += DepthwiseBlockBytes(w);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_QDEPTHWISE_INL_H_
