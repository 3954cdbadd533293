// Depthwise convolution of u8 by windows three taps wide: accumulators that roll along the line.
//
// Each turned column is used up at once, by the three outputs that it is a tap of:
//
//    column      0   1   2   3   4
//    output 0    w0  w1  w2                    complete with column 2
//    output 1        w0  w1  w2
//    output 2            w0  w1  w2
//
// With a stride of 2 half of the columns serve one output each, the others two.
//
// Where a turned column serves two lines, 12 vectors of weights and two outputs' accumulators of both lines fit 32
// registers for half of the channels. So one half of a pass is kept as int16 until the other half comes along. Of a
// single line all channels fit. Where pixels share a vector they are a part of the line apart.
#if defined(OCTAVO_CORE_KERNELS_QROLLING_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_QROLLING_INL_H_
#undef OCTAVO_CORE_KERNELS_QROLLING_INL_H_
#else
#define OCTAVO_CORE_KERNELS_QROLLING_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/kernels/dot-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/qdepthwise-block-inl.h"
#include "core/kernels/requantize-inl.h"
#include "core/kernels/rows.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// What a pass over some columns of some output lines needs.
struct RollingPass {
  const uint8_t* line[4];  // the first output's first taps
  int64_t a_column, a_pixel, a_line;
  uint8_t* c;
  int64_t c_column, c_pixel, c_line;
  size_t columns, lines;
  size_t tap;  // from a tap's weights to the next one's, bytes
};

// A turned column, of one vector of channels, meets the outputs whose last, middle and first column it is (with a
// stride of 2 the last and the first). The first of these is complete then.
template <size_t kStride>
HWY_INLINE VI32 Roll(hn::VFromD<DU32> t, Weights w0, Weights w1, Weights w2, VI32 bias, VI32& older, VI32& newer) {
  const VI32 complete = Dot(t, w2, older);
  if constexpr (kStride == 1) {
    older = Dot(t, w1, newer);
    newer = Dot(t, w0, bias);
  } else {
    older = Dot(t, w0, bias);
  }
  return complete;
}

// Two vectors of accumulators -> int16.
template <bool kPositive>
HWY_INLINE hn::VFromD<DI16> HalfOf(const ToU8& to_u8, VI32 acc0, VI32 acc1, VF32 m0, VF32 m1, VF32 offset0,
                                   VF32 offset1) {
  if constexpr (kPositive) {
    return to_u8.HalfOfZero(ScalePositive(acc0, m0, offset0), ScalePositive(acc1, m1, offset1));
  } else {
    return to_u8.Half(ScaleBelowOne(acc0, m0), ScaleBelowOne(acc1, m1));
  }
}

// Keeps the first half of an output's channels, joins the second with it.
template <size_t kHalf, size_t kPixels>
HWY_INLINE void PutHalf(const DepthwiseBlock& block, hn::VFromD<DI16> h, int16_t* first, uint8_t* c, int64_t c_pixel) {
  const DI16 di16;
  if constexpr (kHalf == 0) {
    hn::Store(h, di16, first);
  } else {
    StorePixels<kPixels>(block.to_u8.Join(hn::Load(di16, first), h), c, c_pixel, block.channels);
  }
}

// Half of the channels of pairs of lines, stride 1.
template <size_t kHalf, size_t kPixels, bool kPositive>
HWY_NOINLINE void RollPairs(const DepthwiseBlock& shared, const RollingPass& pass, int16_t* HWY_RESTRICT half) {
  const DI32 di32;
  const DF32 df32;
  const size_t lanes = hn::Lanes(di32);
  const size_t vector = BlockChannels() * kWeightBytes;
  const DepthwiseBlock block = shared;  // out of reach of stores
  const uint8_t* line[4] = {pass.line[0], pass.line[1], pass.line[2], pass.line[3]};
  const int64_t a_column = pass.a_column, a_pixel = pass.a_pixel, c_column = pass.c_column, c_pixel = pass.c_pixel;
  const size_t columns = pass.columns, tap = pass.tap;

  const uint8_t* HWY_RESTRICT w = block.weights + kHalf * 3 * tap;
  const auto w00 = LoadWeights(w), w01 = LoadWeights(w + tap), w02 = LoadWeights(w + 2 * tap);
  w += vector;
  const auto w10 = LoadWeights(w), w11 = LoadWeights(w + tap), w12 = LoadWeights(w + 2 * tap);
  w += vector;  // the lower line's
  const auto w20 = LoadWeights(w), w21 = LoadWeights(w + tap), w22 = LoadWeights(w + 2 * tap);
  w += vector;
  const auto w30 = LoadWeights(w), w31 = LoadWeights(w + tap), w32 = LoadWeights(w + 2 * tap);
  const VI32 bias0 = hn::Load(di32, block.bias + 2 * kHalf * lanes);
  const VI32 bias1 = hn::Load(di32, block.bias + (2 * kHalf + 1) * lanes);
  const VF32 m0 = hn::Load(df32, block.multiplier + 2 * kHalf * lanes);
  const VF32 m1 = hn::Load(df32, block.multiplier + (2 * kHalf + 1) * lanes);
  const VF32 offset0 = hn::Mul(m0, hn::Set(df32, kFloatOffset)), offset1 = hn::Mul(m1, hn::Set(df32, kFloatOffset));

  for (size_t y = 0; y < pass.lines; y += 2) {
    VI32 older0 = bias0, older1 = bias1, older2 = bias0, older3 = bias1;
    VI32 newer0 = bias0, newer1 = bias1, newer2 = bias0, newer3 = bias1;
    hn::VFromD<DU32> t0, t1;
    int64_t at = static_cast<int64_t>(y) * pass.a_line;
    uint8_t* c0 = pass.c + static_cast<int64_t>(y) * pass.c_line;
    uint8_t* c1 = c0 + pass.c_line;
    for (size_t lead = 0; lead < 2; ++lead) {  // columns that complete nothing yet
      Turn<kHalf, kPixels>(line, at, a_pixel, t0, t1);
      at += a_column;
      Roll<1>(t0, w00, w01, w02, bias0, older0, newer0);
      Roll<1>(t1, w10, w11, w12, bias1, older1, newer1);
      Roll<1>(t0, w20, w21, w22, bias0, older2, newer2);
      Roll<1>(t1, w30, w31, w32, bias1, older3, newer3);
    }
    for (size_t x = 0; x < columns; ++x, half += 4 * lanes, c0 += c_column, c1 += c_column) {
      Turn<kHalf, kPixels>(line, at, a_pixel, t0, t1);
      at += a_column;
      const VI32 acc0 = Roll<1>(t0, w00, w01, w02, bias0, older0, newer0);
      const VI32 acc1 = Roll<1>(t1, w10, w11, w12, bias1, older1, newer1);
      const VI32 acc2 = Roll<1>(t0, w20, w21, w22, bias0, older2, newer2);
      const VI32 acc3 = Roll<1>(t1, w30, w31, w32, bias1, older3, newer3);
      const auto upper = HalfOf<kPositive>(block.to_u8, acc0, acc1, m0, m1, offset0, offset1);
      const auto lower = HalfOf<kPositive>(block.to_u8, acc2, acc3, m0, m1, offset0, offset1);
      PutHalf<kHalf, kPixels>(block, upper, half, c0, c_pixel);
      PutHalf<kHalf, kPixels>(block, lower, half + 2 * lanes, c1, c_pixel);
    }
  }
}

// All channels of single lines.
template <size_t kStride, size_t kPixels, bool kPositive>
HWY_NOINLINE void RollLines(const DepthwiseBlock& shared, const RollingPass& pass) {
  const DI32 di32;
  const DF32 df32;
  const size_t lanes = hn::Lanes(di32);
  const size_t vector = BlockChannels() * kWeightBytes;
  const DepthwiseBlock block = shared;  // out of reach of stores
  const uint8_t* line[4] = {pass.line[0], pass.line[1], pass.line[2], pass.line[3]};
  const int64_t a_column = pass.a_column, a_pixel = pass.a_pixel, c_column = pass.c_column, c_pixel = pass.c_pixel;
  const size_t columns = pass.columns, tap = pass.tap;

  const uint8_t* HWY_RESTRICT w = block.weights;
  const auto w00 = LoadWeights(w), w01 = LoadWeights(w + tap), w02 = LoadWeights(w + 2 * tap);
  w += vector;
  const auto w10 = LoadWeights(w), w11 = LoadWeights(w + tap), w12 = LoadWeights(w + 2 * tap);
  w = block.weights + 3 * tap;  // the other half of the channels
  const auto w20 = LoadWeights(w), w21 = LoadWeights(w + tap), w22 = LoadWeights(w + 2 * tap);
  w += vector;
  const auto w30 = LoadWeights(w), w31 = LoadWeights(w + tap), w32 = LoadWeights(w + 2 * tap);
  const VI32 bias0 = hn::Load(di32, block.bias), bias1 = hn::Load(di32, block.bias + lanes);
  const VI32 bias2 = hn::Load(di32, block.bias + 2 * lanes), bias3 = hn::Load(di32, block.bias + 3 * lanes);
  const VF32 m0 = hn::Load(df32, block.multiplier), m1 = hn::Load(df32, block.multiplier + lanes);
  const VF32 m2 = hn::Load(df32, block.multiplier + 2 * lanes), m3 = hn::Load(df32, block.multiplier + 3 * lanes);
  const VF32 offset0 = hn::Mul(m0, hn::Set(df32, kFloatOffset)), offset1 = hn::Mul(m1, hn::Set(df32, kFloatOffset));
  const VF32 offset2 = hn::Mul(m2, hn::Set(df32, kFloatOffset)), offset3 = hn::Mul(m3, hn::Set(df32, kFloatOffset));

  for (size_t y = 0; y < pass.lines; ++y) {
    VI32 older0 = bias0, older1 = bias1, older2 = bias2, older3 = bias3;
    VI32 newer0 = bias0, newer1 = bias1, newer2 = bias2, newer3 = bias3;
    hn::VFromD<DU32> t0, t1, t2, t3;
    int64_t at = static_cast<int64_t>(y) * pass.a_line;
    uint8_t* c = pass.c + static_cast<int64_t>(y) * pass.c_line;
    for (size_t lead = kStride; lead < 3; ++lead) {  // columns that complete nothing yet
      TurnAll<kPixels>(line, at, a_pixel, t0, t1, t2, t3);
      at += a_column;
      Roll<kStride>(t0, w00, w01, w02, bias0, older0, newer0);
      Roll<kStride>(t1, w10, w11, w12, bias1, older1, newer1);
      Roll<kStride>(t2, w20, w21, w22, bias2, older2, newer2);
      Roll<kStride>(t3, w30, w31, w32, bias3, older3, newer3);
    }
    for (size_t x = 0; x < columns; ++x, c += c_column) {
      if constexpr (kStride == 2) {
        TurnAll<kPixels>(line, at, a_pixel, t0, t1, t2, t3);
        at += a_column;
        older0 = Dot(t0, w01, older0), older1 = Dot(t1, w11, older1);
        older2 = Dot(t2, w21, older2), older3 = Dot(t3, w31, older3);
      }
      TurnAll<kPixels>(line, at, a_pixel, t0, t1, t2, t3);
      at += a_column;
      const VI32 acc0 = Roll<kStride>(t0, w00, w01, w02, bias0, older0, newer0);
      const VI32 acc1 = Roll<kStride>(t1, w10, w11, w12, bias1, older1, newer1);
      const VI32 acc2 = Roll<kStride>(t2, w20, w21, w22, bias2, older2, newer2);
      const VI32 acc3 = Roll<kStride>(t3, w30, w31, w32, bias3, older3, newer3);
      const auto h0 = HalfOf<kPositive>(block.to_u8, acc0, acc1, m0, m1, offset0, offset1);
      const auto h1 = HalfOf<kPositive>(block.to_u8, acc2, acc3, m2, m3, offset2, offset3);
      StorePixels<kPixels>(block.to_u8.Join(h0, h1), c, c_pixel, block.channels);
    }
  }
}

// Lines [y_begin, y_end) of a block of channels.
template <size_t kStride, size_t kPixels, bool kPositive>
void RollBlock(const QDepthwiseArgs& args, const DepthwiseBlock& block, size_t channel, size_t y_begin, size_t y_end) {
  constexpr size_t kMost = 32;  // columns of a pass over pairs of lines
  HWY_ALIGN int16_t half[kMost * 2 * HWY_MAX_LANES_D(DI16)];
  const Window& w = args.window;
  // Pixels that share a vector are that far apart; each has as many columns.
  const size_t pixel = args.out_width / kPixels;
  const size_t columns = args.out_width - (kPixels - 1) * pixel;
  RollingPass pass;
  pass.a_column = args.a.column_stride;
  pass.a_pixel = static_cast<int64_t>(pixel * kStride) * args.a.column_stride;
  pass.a_line = static_cast<int64_t>(w.stride_h) * args.a.line_stride;
  pass.c_column = args.c.column_stride;
  pass.c_pixel = static_cast<int64_t>(pixel) * args.c.column_stride;
  pass.c_line = args.c.line_stride;
  pass.tap = 2 * DepthwiseShape(w).lines * BlockChannels() * kWeightBytes;
  for (size_t y = y_begin; y < y_end; y += pass.lines) {
    const bool pairs = kStride == 1 && y + 1 < y_end;
    pass.lines = pairs ? std::min((y_end - y) / 2, std::max<size_t>(1, kMost / columns)) * 2 : y_end - y;
    const size_t last = w.kh - 1 + pairs;  // what is below meets weights of zero: any readable line will do
    for (size_t x = 0; x < columns; x += pass.columns) {
      pass.columns = pairs ? NextTile(columns - x, kMost) : columns;
      for (size_t i = 0; i < 4; ++i) {
        pass.line[i] = static_cast<const uint8_t*>(args.a.base) + static_cast<int64_t>(channel) +
                       static_cast<int64_t>(y) * pass.a_line +
                       static_cast<int64_t>(std::min(i, last)) * block.line_step +
                       static_cast<int64_t>(x * kStride) * pass.a_column;
      }
      pass.c = static_cast<uint8_t*>(args.c.base) + static_cast<int64_t>(channel) +
               static_cast<int64_t>(y) * pass.c_line + static_cast<int64_t>(x) * pass.c_column;
      if (pairs) {
        RollPairs<0, kPixels, kPositive>(block, pass, half);
        RollPairs<1, kPixels, kPositive>(block, pass, half);
      } else {
        RollLines<kStride, kPixels, kPositive>(block, pass);
      }
    }
  }
}

inline bool Rolls(const Window& w) {
  return w.kw == 3 && w.kh <= 3 && w.dilation_w == 1 && w.stride_w == (DepthwiseShape(w).lines == 2 ? 1 : 2);
}

template <size_t kPixels>
HWY_INLINE auto ChooseRollBlock(const Window& w, bool positive) {
  if (w.stride_w == 1) return positive ? RollBlock<1, kPixels, true> : RollBlock<1, kPixels, false>;
  return positive ? RollBlock<2, kPixels, true> : RollBlock<2, kPixels, false>;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_QROLLING_INL_H_
