#include <limits>

#include "tests/core/kernels/kernel_testing.h"

namespace octavo {
namespace {

// A pooling problem; T is the element.
template <typename T>
struct Pooling {
  Random random;
  PoolArgs args;
  size_t out_height;
  size_t a_column, c_column;
  Buffer<T> a;

  explicit Pooling(unsigned seed)
      : random(seed),
        args(MakeArgs(random)),
        out_height(random.Int(1, 6)),
        a_column(args.channels + random.Int(0, 5)),
        c_column(args.channels + random.Int(0, 5)),
        a(args.height * args.width * a_column) {
    args.a.base = a.data(), args.a.column_stride = a_column * sizeof(T);
    args.a.line_stride = args.width * a_column * sizeof(T);
    args.c.column_stride = c_column * sizeof(T), args.c.line_stride = args.out_width * c_column * sizeof(T);
  }

  static PoolArgs MakeArgs(Random& random) {
    PoolArgs args;
    args.height = random.Int(1, 12), args.width = random.Int(1, 12), args.channels = random.Int(1, 140);
    args.window.kh = random.Int(1, 8), args.window.kw = random.Int(1, 8);
    args.window.stride_h = random.Int(1, 3), args.window.stride_w = random.Int(1, 3);
    if (random.Int(0, 3) == 0) args.window.dilation_h = random.Int(1, 3), args.window.dilation_w = random.Int(1, 3);
    args.pad_top = random.Int(0, 4), args.pad_left = random.Int(0, 4);
    args.out_width = random.Int(1, 6);
    return args;
  }

  size_t pixels() const { return out_height * args.out_width; }

  // f(pixel, channel, valid taps in order) gives the expected element.
  template <typename F>
  Buffer<T> Expect(F f) const {
    Buffer<T> want(pixels() * c_column);
    const Window& w = args.window;
    for (size_t pixel = 0; pixel < pixels(); ++pixel) {
      for (size_t c = 0; c < args.channels; ++c) {
        std::vector<T> taps;
        for (size_t i = 0; i < w.kh; ++i) {
          for (size_t j = 0; j < w.kw; ++j) {
            const int64_t y =
                static_cast<int64_t>(pixel / args.out_width * w.stride_h + i * w.dilation_h) - args.pad_top;
            const int64_t x =
                static_cast<int64_t>(pixel % args.out_width * w.stride_w + j * w.dilation_w) - args.pad_left;
            if (0 <= y && y < static_cast<int64_t>(args.height) && 0 <= x && x < static_cast<int64_t>(args.width)) {
              taps.push_back(a[(y * args.width + x) * a_column + c]);
            }
          }
        }
        want[pixel * c_column + c] = f(pixel, c, taps);
      }
    }
    return want;
  }

  template <typename Args, typename Call>
  void Check(Args call_args, const Buffer<T>& want, Call call) {
    ForEachTable([&](const KernelTable& table) {
      Buffer<T> got(want.size());
      call_args.c.base = got.data();
      const size_t split = random.Int(0, out_height);
      call(table, call_args, 0, split);
      call(table, call_args, split, out_height);
      ASSERT_EQ(got.Difference(want), "") << args.window.kh << "x" << args.window.kw << " channels " << args.channels;
    });
  }
};

TEST(Pool, MaximumOfBytes) {
  for (unsigned seed = 0; seed < 200 && !HasFailure(); ++seed) {
    Pooling<uint8_t> p(seed);
    p.random.Fill(p.a.data(), p.a.size(), 0, 255);
    const auto want = p.Expect([](size_t, size_t, const std::vector<uint8_t>& taps) {
      uint8_t best = 0;
      for (uint8_t t : taps) best = std::max(best, t);
      return best;
    });
    p.Check(p.args, want,
            [](const KernelTable& t, const PoolArgs& args, size_t y, size_t y_end) { t.qmaxpool(args, y, y_end); });
  }
}

TEST(Pool, MaximumOfFloats) {
  for (unsigned seed = 0; seed < 200 && !HasFailure(); ++seed) {
    Pooling<float> p(seed);
    p.random.FillFloat(p.a.data(), p.a.size());
    for (size_t i = 0; i < p.a.size(); ++i) {
      if (p.random.Int(0, 9) == 0) p.a[i] = p.random.Coin() ? 0.0f : -0.0f;
      if (p.random.Int(0, 19) == 0) p.a[i] = std::numeric_limits<float>::quiet_NaN();
    }
    const auto want = p.Expect([](size_t, size_t, const std::vector<float>& taps) {
      float best = -std::numeric_limits<float>::infinity();
      for (float t : taps) best = best < t ? t : best;
      return best;
    });
    p.Check(p.args, want,
            [](const KernelTable& t, const PoolArgs& args, size_t y, size_t y_end) { t.fmaxpool(args, y, y_end); });
  }
}

TEST(Pool, AverageOfBytes) {
  for (unsigned seed = 0; seed < 200 && !HasFailure(); ++seed) {
    Pooling<uint8_t> p(seed);
    p.random.Fill(p.a.data(), p.a.size(), 0, 255);
    Buffer<float> multiplier(p.pixels());
    for (size_t i = 0; i < p.pixels(); ++i) multiplier[i] = p.random.Float(0.01f, 1.0f);
    QAvgPoolArgs args;
    static_cast<PoolArgs&>(args) = p.args;
    args.multiplier = multiplier.data();
    args.a_zero = static_cast<int32_t>(p.random.Int(0, 255)), args.zero = static_cast<int32_t>(p.random.Int(0, 255));
    if (p.random.Coin()) args.lo = 10, args.hi = 240;
    const auto want = p.Expect([&](size_t pixel, size_t, const std::vector<uint8_t>& taps) {
      int32_t sum = 0;
      for (uint8_t t : taps) sum += t - args.a_zero;
      return ReferenceRequantize(sum, multiplier[pixel], args.zero, args.lo, args.hi);
    });
    p.Check(args, want,
            [](const KernelTable& t, const QAvgPoolArgs& call, size_t y, size_t y_end) { t.qavgpool(call, y, y_end); });
  }
}

// More taps than u16 holds the sum of.
TEST(Pool, AverageOfManyBytes) {
  constexpr size_t kSize = 40, kChannels = 70;
  Buffer<uint8_t> a(kSize * kSize * kChannels), want(kChannels);
  Random random(1);
  random.Fill(a.data(), a.size(), 200, 255);
  const float multiplier = 1.0f / (kSize * kSize);
  for (size_t c = 0; c < kChannels; ++c) {
    int32_t sum = 0;
    for (size_t i = 0; i < kSize * kSize; ++i) sum += a[i * kChannels + c] - 3;
    want[c] = ReferenceRequantize(sum, multiplier, 7, 0, 255);
  }
  QAvgPoolArgs args;
  args.a.base = a.data(), args.a.column_stride = kChannels, args.a.line_stride = kSize * kChannels;
  args.height = args.width = args.window.kh = args.window.kw = kSize;
  args.channels = kChannels, args.out_width = 1, args.multiplier = &multiplier, args.a_zero = 3, args.zero = 7;
  ForEachTable([&](const KernelTable& table) {
    Buffer<uint8_t> got(kChannels);
    args.c.base = got.data();
    table.qavgpool(args, 0, 1);
    ASSERT_EQ(got.Difference(want), "");
  });
}

TEST(Pool, AverageOfFloats) {
  for (unsigned seed = 0; seed < 200 && !HasFailure(); ++seed) {
    Pooling<float> p(seed);
    p.random.FillFloat(p.a.data(), p.a.size());
    Buffer<float> divisor(p.pixels());
    for (size_t i = 0; i < p.pixels(); ++i) divisor[i] = static_cast<float>(p.random.Int(1, 64));
    FAvgPoolArgs args;
    static_cast<PoolArgs&>(args) = p.args;
    args.divisor = divisor.data();
    const auto want = p.Expect([&](size_t pixel, size_t, const std::vector<float>& taps) {
      float sum = 0;
      for (float t : taps) sum += t;
      return sum / divisor[pixel];
    });
    p.Check(args, want,
            [](const KernelTable& t, const FAvgPoolArgs& call, size_t y, size_t y_end) { t.favgpool(call, y, y_end); });
  }
}

}  // namespace
}  // namespace octavo
