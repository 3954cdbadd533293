// Depthwise convolution of u8: dot products down the columns of the image.
//
// A dot product wants four numbers of one channel side by side, NHWC has four channels. So a strip of lines is first
// turned:
//
//    line 0   c0 c1 c2 c3 ...                 c0 c0 c0 c0 | c1 c1 c1 c1 | ...
//    line 1   c0 c1 c2 c3 ...      ------>    four lines of a channel are a quad
//    line 2   c0 c1 c2 c3 ...    interleave
//    line 3   c0 c1 c2 c3 ...    bytes, pairs
//
// Interleaving and packing both work within blocks of 16 bytes and undo each other, so channels leave in order. A
// turned column serves every tap of its column and, with stride 1, two output lines: the lower one's weights are
// shifted by a line,
//
//    upper  w0 w1 w2  0
//    lower   0 w0 w1 w2        (kh = 3; larger windows take several quads)
//
// Strips are cut to a few columns, which stay in L1 between turning and use. A block is as many channels as a vector
// has bytes.
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

inline constexpr size_t kStripBytes = 24 * 1024;

HWY_INLINE size_t BlockChannels() { return hn::Lanes(DU8()); }
// A column of the strip: per quad four vectors.
HWY_INLINE size_t StripColumnBytes(const DepthwiseShape& shape) { return shape.quads * 4 * BlockChannels(); }
HWY_INLINE size_t SpanOfWindow(const Window& w) { return (w.kw - 1) * w.dilation_w + 1; }
// Windows of which not even one fits into a strip are rare enough for plain loops.
HWY_INLINE bool FitsStrip(const Window& w) {
  return SpanOfWindow(w) * StripColumnBytes(DepthwiseShape(w)) <= kStripBytes;
}
HWY_INLINE size_t DepthwiseBlockBytes(const Window& w) {
  const DepthwiseShape shape(w);
  return w.kw * shape.quads * shape.lines * 4 * BlockChannels() * kWeightBytes;
}

inline size_t QDepthwisePackedBytes(size_t channels, const Window& w) {
  const size_t blocks = DivideUp(channels, BlockChannels());
  return DivideUp(std::max(blocks * DepthwiseBlockBytes(w), channels * w.kh * w.kw), 64) * 64;
}

// [block][kx][quad][line][4 vectors], or for plain loops as given.
inline void QDepthwisePack(size_t channels, const Window& w, const int8_t* weights, void* packed) {
  uint8_t* to = static_cast<uint8_t*>(packed);
  if (!FitsStrip(w)) {
    std::copy_n(weights, channels * w.kh * w.kw, static_cast<int8_t*>(packed));
    return;
  }
  const DepthwiseShape shape(w);
  const size_t lanes = hn::Lanes(DI32());
  for (size_t block = 0; block < channels; block += BlockChannels()) {
    for (size_t kx = 0; kx < w.kw; ++kx) {
      for (size_t q = 0; q < shape.quads; ++q) {
        for (size_t line = 0; line < shape.lines; ++line) {
          for (size_t v = 0; v < 4; ++v, to += 4 * lanes * kWeightBytes) {
            for (size_t j = 0; j < lanes; ++j) {
              // Interleaving puts channels 4 v ... 4 v + 3 of every 16 into vector v.
              const size_t channel = block + j / 4 * 16 + v * 4 + j % 4;
              int8_t quad[4] = {0, 0, 0, 0};
              for (size_t i = 0; i < 4; ++i) {
                const size_t ky = q * 4 + i - line;  // wraps for lines above the window
                if (channel < channels && ky < w.kh) quad[i] = weights[(channel * w.kh + ky) * w.kw + kx];
              }
              PackQuad(quad, j, to);
            }
          }
        }
      }
    }
  }
}

// p[0 .. 4 * Lanes) in the order of accumulators: vector v gets numbers 4 v ... 4 v + 3 of every 16.
template <typename T>
HWY_INLINE void OrderByBlocks(const T* p, T* to) {
  const hn::FixedTag<T, 4> d;
  const size_t lanes = hn::Lanes(DI32());
  for (size_t v = 0; v < 4; ++v) {
    for (size_t j = 0; j < lanes; j += 4) hn::StoreU(hn::LoadU(d, p + j * 4 + v * 4), d, to + v * lanes + j);
  }
}

// Turns one column of four lines.
HWY_INLINE void TurnColumn(const uint8_t* l0, const uint8_t* l1, const uint8_t* l2, const uint8_t* l3, uint8_t* strip) {
  const DU8 du8;
  const hn::Repartition<uint16_t, DU8> du16;
  const size_t n = hn::Lanes(du8);
  const auto v0 = hn::LoadU(du8, l0);
  const auto v1 = hn::LoadU(du8, l1);
  const auto v2 = hn::LoadU(du8, l2);
  const auto v3 = hn::LoadU(du8, l3);
  const auto lower01 = hn::BitCast(du16, hn::InterleaveLower(du8, v0, v1));
  const auto lower23 = hn::BitCast(du16, hn::InterleaveLower(du8, v2, v3));
  const auto upper01 = hn::BitCast(du16, hn::InterleaveUpper(du8, v0, v1));
  const auto upper23 = hn::BitCast(du16, hn::InterleaveUpper(du8, v2, v3));
  hn::Store(hn::BitCast(du8, hn::InterleaveLower(du16, lower01, lower23)), du8, strip);
  hn::Store(hn::BitCast(du8, hn::InterleaveUpper(du16, lower01, lower23)), du8, strip + n);
  hn::Store(hn::BitCast(du8, hn::InterleaveLower(du16, upper01, upper23)), du8, strip + 2 * n);
  hn::Store(hn::BitCast(du8, hn::InterleaveUpper(du16, upper01, upper23)), du8, strip + 3 * n);
}

// One output pixel's quads times one tap's weights.
HWY_INLINE void DotColumn(const uint8_t* HWY_RESTRICT strip, const uint8_t* HWY_RESTRICT w, VI32& c0, VI32& c1,
                          VI32& c2, VI32& c3) {
  const DU32 du32;
  const DU8 du8;
  const size_t n = hn::Lanes(du8);
  const size_t step = n * kWeightBytes;
  c0 = Dot(hn::BitCast(du32, hn::Load(du8, strip)), w, c0);
  c1 = Dot(hn::BitCast(du32, hn::Load(du8, strip + n)), w + step, c1);
  c2 = Dot(hn::BitCast(du32, hn::Load(du8, strip + 2 * n)), w + 2 * step, c2);
  c3 = Dot(hn::BitCast(du32, hn::Load(du8, strip + 3 * n)), w + 3 * step, c3);
}

// Output pixels whose accumulators are in registers together, four vectors each.
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
inline constexpr size_t kPixels = 2;
#else
inline constexpr size_t kPixels = 4;
#endif

// One block of channels of kLines output lines, columns [x_begin, x_end), from a turned strip that begins with the
// first column of x_begin's window. c[line] is the output line, already moved to the block.
template <size_t kLines>
HWY_INLINE void DotStrip(const QDepthwiseArgs& args, const uint8_t* HWY_RESTRICT strip, const uint8_t* HWY_RESTRICT w,
                         const int32_t* HWY_RESTRICT bias, const float* HWY_RESTRICT multiplier, uint8_t* const* c,
                         size_t lines, size_t x_begin, size_t x_end, size_t channels) {
  const DI32 di32;
  const DF32 df32;
  const DU8 du8;
  const size_t lanes = hn::Lanes(di32);
  const DepthwiseShape shape(args.window);
  const ToU8 to_u8{static_cast<int16_t>(args.zero), args.lo, args.hi};
  const size_t column_bytes = StripColumnBytes(shape);
  const size_t quad_bytes = 4 * BlockChannels();
  const size_t weight_bytes = quad_bytes * kWeightBytes;
  const size_t tap_step = args.window.dilation_w * column_bytes;
  const size_t pixel_step = args.window.stride_w * column_bytes;
  constexpr size_t kColumns = kPixels / kLines;

  for (size_t x = x_begin; x < x_end; x += kColumns) {
    // Beyond the end the last column is computed again.
    const size_t x1 = std::min(x + 1 / kLines, x_end - 1);
    const size_t x2 = std::min(x + 2 / kLines, x_end - 1);
    const size_t x3 = std::min(x + 3 / kLines, x_end - 1);
    const uint8_t* s0 = strip + (x - x_begin) * pixel_step;
    const uint8_t* s1 = strip + (x1 - x_begin) * pixel_step;
    const uint8_t* s2 = strip + (x2 - x_begin) * pixel_step;
    const uint8_t* s3 = strip + (x3 - x_begin) * pixel_step;

    VI32 c00 = hn::Load(di32, bias), c01 = hn::Load(di32, bias + lanes);
    VI32 c02 = hn::Load(di32, bias + 2 * lanes), c03 = hn::Load(di32, bias + 3 * lanes);
    VI32 c10 = c00, c11 = c01, c12 = c02, c13 = c03;
    VI32 c20 = c00, c21 = c01, c22 = c02, c23 = c03;
    VI32 c30 = c00, c31 = c01, c32 = c02, c33 = c03;

    const uint8_t* weights = w;
    size_t tap = 0;
    for (size_t kx = 0; kx < args.window.kw; ++kx, tap += tap_step) {
      for (size_t q = 0; q < shape.quads; ++q, weights += kLines * weight_bytes) {
        const size_t at = tap + q * quad_bytes;
        DotColumn(s0 + at, weights, c00, c01, c02, c03);
        DotColumn(s1 + at, weights + 1 % kLines * weight_bytes, c10, c11, c12, c13);
        if constexpr (kPixels == 4) {
          DotColumn(s2 + at, weights + 2 % kLines * weight_bytes, c20, c21, c22, c23);
          DotColumn(s3 + at, weights + 3 % kLines * weight_bytes, c30, c31, c32, c33);
        }
      }
    }

    const VF32 m0 = hn::Load(df32, multiplier), m1 = hn::Load(df32, multiplier + lanes);
    const VF32 m2 = hn::Load(df32, multiplier + 2 * lanes), m3 = hn::Load(df32, multiplier + 3 * lanes);
    const auto put = [&](size_t line, size_t column, VI32 v0, VI32 v1, VI32 v2, VI32 v3) HWY_ATTR {
      if (line >= lines) return;
      const auto q = to_u8.ByBlocks(Scale(v0, m0), Scale(v1, m1), Scale(v2, m2), Scale(v3, m3));
      uint8_t* to = c[line] + static_cast<int64_t>(column) * args.c.column_stride;
      if (channels >= 4 * lanes) {
        hn::StoreU(q, du8, to);
      } else {
        hn::StoreN(q, du8, to, channels);
      }
    };
    put(0, x, c00, c01, c02, c03);
    put(1 % kLines, x1, c10, c11, c12, c13);
    if constexpr (kPixels == 4) {
      put(2 % kLines, x2, c20, c21, c22, c23);
      put(3 % kLines, x3, c30, c31, c32, c33);
    }
  }
}

// The definition, for windows too large for a strip.
inline void QDepthwisePlain(const QDepthwiseArgs& args, size_t y_begin, size_t y_end) {
  const Window& w = args.window;
  for (size_t y = y_begin; y < y_end; ++y) {
    for (size_t x = 0; x < args.out_width; ++x) {
      const uint8_t* a = static_cast<const uint8_t*>(args.a.base) +
                         static_cast<int64_t>(y * w.stride_h) * args.a.line_stride +
                         static_cast<int64_t>(x * w.stride_w) * args.a.column_stride;
      uint8_t* c = static_cast<uint8_t*>(args.c.base) + static_cast<int64_t>(y) * args.c.line_stride +
                   static_cast<int64_t>(x) * args.c.column_stride;
      const int8_t* weight = static_cast<const int8_t*>(args.packed);
      for (size_t channel = 0; channel < args.channels; ++channel) {
        int32_t acc = args.bias ? args.bias[channel] : 0;
        for (size_t i = 0; i < w.kh; ++i) {
          const uint8_t* tap = a + static_cast<int64_t>(i * w.dilation_h) * args.a.line_stride + channel;
          for (size_t j = 0; j < w.kw; ++j, tap += static_cast<int64_t>(w.dilation_w) * args.a.column_stride) {
            acc += *tap * *weight++;
          }
        }
        const float lo = static_cast<float>(args.lo - args.zero);
        const float hi = static_cast<float>(args.hi - args.zero);
        const float scaled = std::min(std::max(static_cast<float>(acc) * args.multiplier[channel], lo), hi);
        c[channel] = static_cast<uint8_t>(static_cast<int32_t>(std::nearbyintf(scaled)) + args.zero);
      }
    }
  }
}

inline void QDepthwise(const QDepthwiseArgs& args, size_t y_begin, size_t y_end) {
  const Window& w = args.window;
  if (!FitsStrip(w)) return QDepthwisePlain(args, y_begin, y_end);

  const DepthwiseShape shape(w);
  const size_t block_channels = BlockChannels();
  const size_t block_bytes = DepthwiseBlockBytes(w);
  const size_t column_bytes = StripColumnBytes(shape);
  // Output columns of a strip: their windows together must fit.
  const size_t strip_columns = (kStripBytes / column_bytes - SpanOfWindow(w)) / w.stride_w + 1;
  HWY_ALIGN uint8_t strip[kStripBytes];
  HWY_ALIGN int32_t bias[64] = {};
  HWY_ALIGN float multiplier[64];

  for (size_t block = 0; block < args.channels; block += block_channels) {
    const uint8_t* weights = static_cast<const uint8_t*>(args.packed) + block / block_channels * block_bytes;
    if (args.bias) OrderByBlocks(args.bias + block, bias);
    OrderByBlocks(args.multiplier + block, multiplier);
    for (size_t y = y_begin; y < y_end; y += shape.lines) {
      const size_t lines = std::min(shape.lines, y_end - y);
      // Lines below the last one needed meet weights of zero or belong to no output: any readable line will do.
      const size_t last_tap = (lines - 1) * w.stride_h + (w.kh - 1) * w.dilation_h;
      const uint8_t* corner = static_cast<const uint8_t*>(args.a.base) +
                              static_cast<int64_t>(y * w.stride_h) * args.a.line_stride + static_cast<int64_t>(block);
      uint8_t* c[2];
      for (size_t i = 0; i < 2; ++i) {
        c[i] = static_cast<uint8_t*>(args.c.base) + static_cast<int64_t>(y + i) * args.c.line_stride + block;
      }

      for (size_t x = 0; x < args.out_width; x += strip_columns) {
        const size_t x_end = std::min(x + strip_columns, args.out_width);
        const size_t columns = (x_end - x - 1) * w.stride_w + SpanOfWindow(w);
        const uint8_t* first = corner + static_cast<int64_t>(x * w.stride_w) * args.a.column_stride;
        for (size_t q = 0; q < shape.quads; ++q) {
          const auto line = [&](size_t i) {
            return first + static_cast<int64_t>(std::min((q * 4 + i) * w.dilation_h, last_tap)) * args.a.line_stride;
          };
          const uint8_t *l0 = line(0), *l1 = line(1), *l2 = line(2), *l3 = line(3);
          uint8_t* to = strip + q * 4 * block_channels;
          for (size_t column = 0; column < columns; ++column, to += column_bytes) {
            const int64_t at = static_cast<int64_t>(column) * args.a.column_stride;
            TurnColumn(l0 + at, l1 + at, l2 + at, l3 + at, to);
          }
        }
        if (shape.lines == 2) {
          DotStrip<2>(args, strip, weights, bias, multiplier, c, lines, x, x_end, args.channels - block);
        } else {
          DotStrip<1>(args, strip, weights, bias, multiplier, c, lines, x, x_end, args.channels - block);
        }
      }
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_QDEPTHWISE_INL_H_
