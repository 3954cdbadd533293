// Softmax and normalization of rows of floats, as core/ops/softmax.cc and core/ops/norm.cc define them.
#if defined(OCTAVO_CORE_KERNELS_NORMALIZE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_NORMALIZE_INL_H_
#undef OCTAVO_CORE_KERNELS_NORMALIZE_INL_H_
#else
#define OCTAVO_CORE_KERNELS_NORMALIZE_INL_H_
#endif

#include <cmath>
#include <cstddef>

#include "core/kernels/float-inl.h"
#include "core/kernels/functions-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/store-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Vectors that add up to the 16 lanes of a LaneSum (core/ops/lane_sum.h).
#if HWY_HAVE_SCALABLE
using DLanes = hn::FixedTag<float, 4>;
#else
using DLanes = hn::CappedTag<float, 16>;
#endif

// LaneSum of f(i, x[i]), f taking and giving vectors. What f gives for places behind the last is left out.
template <class F>
HWY_INLINE float LaneSumOf(const float* x, size_t n, F f) {
  const DLanes d;
  constexpr size_t kLanes = hn::MaxLanes(DLanes()), kVectors = 16 / kLanes;
  using V = hn::VFromD<DLanes>;
  V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    s0 = hn::Add(s0, f(hn::LoadU(d, x + i)));
    if constexpr (kVectors > 1) s1 = hn::Add(s1, f(hn::LoadU(d, x + i + kLanes)));
    if constexpr (kVectors > 2) s2 = hn::Add(s2, f(hn::LoadU(d, x + i + 2 * kLanes)));
    if constexpr (kVectors > 2) s3 = hn::Add(s3, f(hn::LoadU(d, x + i + 3 * kLanes)));
  }
  // A lane is never -0, so adding 0 changes none.
  const auto some = [&](size_t v) HWY_ATTR {
    const size_t first = i + v * kLanes, left = first < n ? n - first : 0;
    return hn::IfThenElseZero(hn::FirstN(d, left), f(hn::LoadN(d, x + (left ? first : 0), left)));
  };
  if (i < n) {
    s0 = hn::Add(s0, some(0));
    if constexpr (kVectors > 1) s1 = hn::Add(s1, some(1));
    if constexpr (kVectors > 2) s2 = hn::Add(s2, some(2));
    if constexpr (kVectors > 2) s3 = hn::Add(s3, some(3));
  }
  HWY_ALIGN float lanes[16];
  hn::StoreU(s0, d, lanes);
  if constexpr (kVectors > 1) hn::StoreU(s1, d, lanes + kLanes);
  if constexpr (kVectors > 2) hn::StoreU(s2, d, lanes + 2 * kLanes);
  if constexpr (kVectors > 2) hn::StoreU(s3, d, lanes + 3 * kLanes);
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t k = 0; k < half; ++k) lanes[k] += lanes[k + half];
  }
  return lanes[0];
}

inline void FLayerNorm(const FLayerNormArgs& args) {
  const hn::ScalableTag<float> d;
  const auto count = static_cast<float>(args.n);
  for (size_t r = 0; r < args.rows; ++r) {
    const float* x = args.x + r * args.n;
    float* y = args.y + r * args.n;
    const float mean = args.centred ? LaneSumOf(x, args.n, [](auto v) HWY_ATTR { return v; }) / count : 0;
    const float squares = LaneSumOf(x, args.n, [mean](auto v) HWY_ATTR {
      const auto deviation = hn::Sub(v, hn::Set(DLanes(), mean));
      return hn::Mul(deviation, deviation);
    });
    const float inverse = 1 / std::sqrt(squares / count + args.epsilon);
    ForFloats(args.n, [&](size_t i, auto load, auto store) HWY_ATTR {
      const auto normalized = hn::Mul(hn::Sub(load(x + i), hn::Set(d, mean)), hn::Set(d, inverse));
      auto scaled = hn::Mul(normalized, load(args.scale + i));
      if (args.bias) scaled = hn::Add(scaled, load(args.bias + i));
      store(OneNaN(scaled), y + i);
    });
  }
}

// LaneSums (core/ops/lane_sum.h) of f(x) over the pixels x of an image, one for each channel of a vector.
template <class F>
HWY_INLINE auto PixelSums(const FInstanceNormArgs& args, size_t channel, F f) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  HWY_ALIGN float sums[16 * hn::MaxLanes(hn::ScalableTag<float>())] = {};
  size_t i = 0;
  for (size_t line = 0; line < args.lines; ++line) {
    const uint8_t* x = static_cast<const uint8_t*>(args.x) + static_cast<int64_t>(line) * args.x_line;
    for (size_t column = 0; column < args.columns; ++column, ++i, x += args.x_column) {
      float* sum = sums + i % 16 * lanes;
      hn::Store(hn::Add(hn::Load(d, sum), f(hn::LoadU(d, reinterpret_cast<const float*>(x) + channel))), d, sum);
    }
  }
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t k = 0; k < half * lanes; k += lanes) {
      hn::Store(hn::Add(hn::Load(d, sums + k), hn::Load(d, sums + k + half * lanes)), d, sums + k);
    }
  }
  return hn::Load(d, sums);
}

inline void FInstanceNorm(const FInstanceNormArgs& shared, size_t begin, size_t end) {
  const FInstanceNormArgs args = shared;  // out of reach of stores
  const hn::ScalableTag<float> d;
  const auto count = hn::Set(d, static_cast<float>(args.lines * args.columns));
  const auto lo = hn::Set(d, args.lo), hi = hn::Set(d, args.hi);
  for (size_t channel = begin; channel < end; channel += hn::Lanes(d)) {
    const size_t left = end - channel;
    const auto mean = hn::Div(PixelSums(args, channel, [](auto v) HWY_ATTR { return v; }), count);
    const auto squares = PixelSums(args, channel, [&](auto v) HWY_ATTR {
      const auto deviation = hn::Sub(v, mean);
      return hn::Mul(deviation, deviation);
    });
    const auto variance = hn::Div(squares, count);
    const auto inverse = hn::Div(hn::Set(d, 1.0f), hn::Sqrt(hn::Add(variance, hn::Set(d, args.epsilon))));
    const auto scale = hn::LoadN(d, args.scale + channel, left), bias = hn::LoadN(d, args.bias + channel, left);
    for (size_t line = 0; line < args.lines; ++line) {
      const uint8_t* x = static_cast<const uint8_t*>(args.x) + static_cast<int64_t>(line) * args.x_line;
      uint8_t* y = static_cast<uint8_t*>(args.y) + static_cast<int64_t>(line) * args.y_line;
      for (size_t column = 0; column < args.columns; ++column, x += args.x_column, y += args.y_column) {
        const auto value = hn::LoadU(d, reinterpret_cast<const float*>(x) + channel);
        const auto normalized = hn::Mul(hn::Sub(value, mean), inverse);
        const auto result = ClampedOrNaN(hn::Add(hn::Mul(normalized, scale), bias), lo, hi);
        StoreUpTo(result, d, reinterpret_cast<float*>(y) + channel, left);
      }
    }
  }
}

#if HWY_HAVE_FLOAT64

// The first if it is NaN, else the greatest of those that are numbers.
HWY_INLINE float Greatest(const float* x, size_t n) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  if (x[0] != x[0]) return x[0];
  const auto least = hn::Set(d, x[0]);
  auto most = least;  // SecondUnlessGreater passes over NaN in its first operand
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) most = SecondUnlessGreater(hn::LoadU(d, x + i), most);
  if (i < n) most = SecondUnlessGreater(hn::LoadNOr(least, d, x + i, n - i), most);
  return hn::ReduceMax(d, most);
}

// y = e / sum(e), a LaneSum, e = exp(x - max); y may be x.
inline void FSoftmax(const float* x, float* y, size_t rows, size_t n) {
  const hn::ScalableTag<float> d;
  for (size_t r = 0; r < rows; ++r, x += n, y += n) {
    const auto greatest = hn::Set(d, Greatest(x, n));
    ForFloats(n, [&](size_t i, auto load, auto store) HWY_ATTR { store(hn::Sub(load(x + i), greatest), y + i); });
    Exp(y, y, n);
    const auto sum = hn::Set(d, LaneSumOf(y, n, [](auto v) HWY_ATTR { return v; }));
    ForFloats(n, [&](size_t i, auto load, auto store) HWY_ATTR { store(OneNaN(hn::Div(load(y + i), sum)), y + i); });
  }
}

#endif  // HWY_HAVE_FLOAT64

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_NORMALIZE_INL_H_
