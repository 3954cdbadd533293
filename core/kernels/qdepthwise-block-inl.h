// What depthwise convolutions of u8 share: packed weights, and pixels on their way into and out of vectors.
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
// Channels go in blocks of a vector's bytes. What is left over fills vectors with 2 or 4 output pixels:
//
//    | a pixel, 16 channels | another, the same | a third | a fourth |
#if defined(OCTAVO_CORE_KERNELS_QDEPTHWISE_BLOCK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_QDEPTHWISE_BLOCK_INL_H_
#undef OCTAVO_CORE_KERNELS_QDEPTHWISE_BLOCK_INL_H_
#else
#define OCTAVO_CORE_KERNELS_QDEPTHWISE_BLOCK_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/kernels/dot-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/requantize-inl.h"
#include "core/kernels/rows.h"
#include "core/kernels/store-inl.h"
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

// The first `channels` of each pixel.
template <size_t kPixels>
HWY_INLINE void StorePixels(hn::VFromD<DU8> v, uint8_t* p, int64_t step, size_t channels) {
  const DU8 du8;
  if constexpr (kPixels == 1) {
    StoreUpTo(v, du8, p, channels);
  } else {
    const hn::Half<DU8> dh;
    if constexpr (kPixels == 2) {
      StoreUpTo(hn::LowerHalf(dh, v), dh, p, channels);
      StoreUpTo(hn::UpperHalf(dh, v), dh, p + step, channels);
    } else {
      const hn::Half<decltype(dh)> dq;
      StoreUpTo(hn::LowerHalf(dq, hn::LowerHalf(dh, v)), dq, p, channels);
      StoreUpTo(hn::UpperHalf(dq, hn::LowerHalf(dh, v)), dq, p + step, channels);
      StoreUpTo(hn::LowerHalf(dq, hn::UpperHalf(dh, v)), dq, p + 2 * step, channels);
      StoreUpTo(hn::UpperHalf(dq, hn::UpperHalf(dh, v)), dq, p + 3 * step, channels);
    }
  }
}

// Four lines of a vector of pixels -> quads of half of the channels: 8 kHalf ... 8 kHalf + 7 of every 16.
template <size_t kHalf, class V>
HWY_INLINE void TurnLines(V v0, V v1, V v2, V v3, hn::VFromD<DU32>& t0, hn::VFromD<DU32>& t1) {
  const DU8 du8;
  const DU32 du32;
  const hn::Repartition<uint16_t, DU8> du16;
  const auto v01 = hn::BitCast(du16, kHalf ? hn::InterleaveUpper(du8, v0, v1) : hn::InterleaveLower(du8, v0, v1));
  const auto v23 = hn::BitCast(du16, kHalf ? hn::InterleaveUpper(du8, v2, v3) : hn::InterleaveLower(du8, v2, v3));
  t0 = ToQuads(hn::BitCast(du32, hn::InterleaveLower(du16, v01, v23)));
  t1 = ToQuads(hn::BitCast(du32, hn::InterleaveUpper(du16, v01, v23)));
}

// The same from memory.
template <size_t kHalf, size_t kPixels>
HWY_INLINE void Turn(const uint8_t* const line[4], int64_t at, int64_t pixel_step, hn::VFromD<DU32>& t0,
                     hn::VFromD<DU32>& t1) {
  TurnLines<kHalf>(LoadPixels<kPixels>(line[0] + at, pixel_step), LoadPixels<kPixels>(line[1] + at, pixel_step),
                   LoadPixels<kPixels>(line[2] + at, pixel_step), LoadPixels<kPixels>(line[3] + at, pixel_step), t0,
                   t1);
}

// And all channels, each vector loaded once.
template <size_t kPixels>
HWY_INLINE void TurnAll(const uint8_t* const line[4], int64_t at, int64_t pixel_step, hn::VFromD<DU32>& t0,
                        hn::VFromD<DU32>& t1, hn::VFromD<DU32>& t2, hn::VFromD<DU32>& t3) {
  const auto v0 = InRegister(LoadPixels<kPixels>(line[0] + at, pixel_step));
  const auto v1 = InRegister(LoadPixels<kPixels>(line[1] + at, pixel_step));
  const auto v2 = InRegister(LoadPixels<kPixels>(line[2] + at, pixel_step));
  const auto v3 = InRegister(LoadPixels<kPixels>(line[3] + at, pixel_step));
  TurnLines<0>(v0, v1, v2, v3, t0, t1);
  TurnLines<1>(v0, v1, v2, v3, t2, t3);
}

// What does not change between the cells of a block of channels.
struct DepthwiseBlock {
  const uint8_t* weights;
  const int32_t* bias;  // in the order of accumulators
  const float* multiplier;
  const float* fbias;
  float flo, fhi;
  size_t channels;  // that are left, this block's and later ones'
  size_t kw, quads;
  int64_t line_step;  // from tap to tap in the input, bytes
  int64_t tap_step;
  size_t last_line;  // the last of an output line's pair that may be read
  bool is_float;     // results are
  ToU8 to_u8;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_QDEPTHWISE_BLOCK_INL_H_
