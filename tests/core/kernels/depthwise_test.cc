#include "tests/core/kernels/kernel_testing.h"

namespace octavo {
namespace {

// A window over an image that includes its frame, as both depthwise convolutions see it.
struct Shape {
  Window window;
  size_t channels, out_height, out_width, height, width;
  size_t a_column, c_column;  // elements from pixel to pixel

  Shape(Random& random, size_t max_window) {
    window.kh = random.Int(1, max_window), window.kw = random.Int(1, max_window);
    if (random.Coin()) window.kh = window.kw = random.Coin() ? 3 : 5;
    window.stride_h = random.Int(1, 3), window.stride_w = random.Int(1, 3);
    if (random.Coin()) window.stride_h = window.stride_w = random.Int(1, 2);
    if (random.Int(0, 3) == 0) window.dilation_h = random.Int(1, 3), window.dilation_w = random.Int(1, 3);
    channels = random.Int(1, 150);
    out_height = random.Int(1, 7), out_width = random.Int(1, max_window > 9 ? 3 : 40);
    if (max_window < 9 && random.Int(0, 30) == 0) out_width = 300;  // lines of which the cache holds few
    height = (out_height - 1) * window.stride_h + (window.kh - 1) * window.dilation_h + 1;
    width = (out_width - 1) * window.stride_w + (window.kw - 1) * window.dilation_w + 1;
    a_column = channels + random.Int(0, 5), c_column = channels + random.Int(0, 5);
  }
  size_t Tap(size_t y, size_t x, size_t i, size_t j) const {
    return ((y * window.stride_h + i * window.dilation_h) * width + x * window.stride_w + j * window.dilation_w) *
           a_column;
  }
};

// T: of results.
template <typename T>
void CheckQ(unsigned seed, size_t max_window) {
  constexpr bool kFloat = std::is_same_v<T, float>;
  Random random(seed);
  const Shape s(random, max_window);
  const Window& window = s.window;
  Buffer<uint8_t> a(s.height * s.width * s.a_column);
  Buffer<int8_t> w(s.channels * window.kh * window.kw);
  Buffer<int32_t> bias(s.channels);
  Buffer<float> multiplier(s.channels), fbias(s.channels);
  random.Fill(a.data(), a.size(), 0, 255);
  random.Fill(w.data(), w.size(), -128, 127);
  random.Fill(bias.data(), s.channels, -20000, 20000);
  const float most = random.Int(0, 3) ? 0.01f : 2.0f;  // 1 and more are rounded with care
  for (size_t c = 0; c < s.channels; ++c) multiplier[c] = random.Float(0.0005f, most);
  if (random.Int(0, 3) == 0) {  // rare numbers
    const size_t c = random.Int(0, s.channels - 1);
    multiplier[c] = -multiplier[c];
    bias[random.Int(0, s.channels - 1)] = random.Coin() ? 8300000 : -1000000000;
  }
  random.FillFloat(fbias.data(), s.channels);

  QDepthwiseArgs args;
  args.a.base = a.data(), args.a.column_stride = s.a_column, args.a.line_stride = s.width * s.a_column;
  args.window = window, args.channels = s.channels, args.out_width = s.out_width;
  if (random.Coin()) args.bias = bias.data();
  args.multiplier = multiplier.data();
  args.zero = random.Coin() ? 0 : static_cast<int32_t>(random.Int(0, 255));
  if (random.Coin()) args.lo = 20, args.hi = 200;
  args.output = kFloat ? GemmOutput::kF32 : GemmOutput::kU8;
  if (random.Coin()) args.fbias = fbias.data();
  if (random.Coin()) args.flo = 0, args.fhi = 6;
  args.c.column_stride = s.c_column * sizeof(T), args.c.line_stride = s.out_width * s.c_column * sizeof(T);

  Buffer<T> want(s.out_height * s.out_width * s.c_column);
  for (size_t y = 0; y < s.out_height; ++y) {
    for (size_t x = 0; x < s.out_width; ++x) {
      for (size_t c = 0; c < s.channels; ++c) {
        int32_t acc = args.bias ? bias[c] : 0;
        for (size_t i = 0; i < window.kh; ++i) {
          for (size_t j = 0; j < window.kw; ++j) {
            acc += a[s.Tap(y, x, i, j) + c] * w[(c * window.kh + i) * window.kw + j];
          }
        }
        T& to = want[(y * s.out_width + x) * s.c_column + c];
        if constexpr (kFloat) {
          const float value = static_cast<float>(acc) * multiplier[c];
          to = ReferenceClamp(args.fbias ? value + fbias[c] : value, args.flo, args.fhi);
        } else {
          to = ReferenceRequantize(acc, multiplier[c], args.zero, args.lo, args.hi);
        }
      }
    }
  }
  ForEachTable([&](const KernelTable& table) {
    Buffer<uint8_t> packed(table.qdepthwise_packed_bytes(s.channels, window));
    Buffer<T> got(want.size());
    table.qdepthwise_pack(s.channels, window, w.data(), packed.data());
    args.packed = packed.data(), args.c.base = got.data();
    const size_t split = random.Int(0, s.out_height);
    table.qdepthwise(args, 0, split);
    table.qdepthwise(args, split, s.out_height);
    ASSERT_EQ(got.Difference(want), "") << "seed " << seed << ": " << window.kh << "x" << window.kw << " stride "
                                        << window.stride_h << " " << window.stride_w << " channels " << s.channels
                                        << " out " << s.out_height << "x" << s.out_width;
  });
}

TEST(QDepthwise, CommonWindows) {
  for (unsigned seed = 0; seed < 400 && !HasFailure(); ++seed) CheckQ<uint8_t>(seed, 7);
}

TEST(QDepthwise, FloatResults) {
  for (unsigned seed = 500; seed < 700 && !HasFailure(); ++seed) CheckQ<float>(seed, 7);
}

TEST(QDepthwise, HugeWindows) {  // some too large for a strip
  for (unsigned seed = 1000; seed < 1040 && !HasFailure(); ++seed) CheckQ<uint8_t>(seed, 70);
}

void CheckF(unsigned seed) {
  Random random(seed);
  const Shape s(random, 5);
  const Window& window = s.window;
  Buffer<float> a(s.height * s.width * s.a_column), w(window.kh * window.kw * s.channels), bias(s.channels);
  random.FillFloat(a.data(), a.size());
  random.FillFloat(w.data(), w.size());
  random.FillFloat(bias.data(), s.channels);

  FDepthwiseArgs args;
  args.a.base = a.data(), args.a.column_stride = s.a_column * sizeof(float);
  args.a.line_stride = s.width * s.a_column * sizeof(float);
  args.window = window, args.channels = s.channels, args.out_width = s.out_width, args.weights = w.data();
  if (random.Coin()) args.bias = bias.data();
  if (random.Coin()) args.lo = 0, args.hi = 6;
  args.c.column_stride = s.c_column * sizeof(float), args.c.line_stride = s.out_width * s.c_column * sizeof(float);

  Buffer<float> want(s.out_height * s.out_width * s.c_column);
  for (size_t y = 0; y < s.out_height; ++y) {
    for (size_t x = 0; x < s.out_width; ++x) {
      for (size_t c = 0; c < s.channels; ++c) {
        float acc = args.bias ? bias[c] : 0.0f;
        for (size_t i = 0; i < window.kh; ++i) {
          for (size_t j = 0; j < window.kw; ++j) {
            acc = std::fma(a[s.Tap(y, x, i, j) + c], w[(i * window.kw + j) * s.channels + c], acc);
          }
        }
        want[(y * s.out_width + x) * s.c_column + c] = ReferenceClamp(acc, args.lo, args.hi);
      }
    }
  }
  ForEachTable([&](const KernelTable& table) {
    Buffer<float> got(want.size());
    args.c.base = got.data();
    const size_t split = random.Int(0, s.out_height);
    table.fdepthwise(args, 0, split);
    table.fdepthwise(args, split, s.out_height);
    ASSERT_EQ(got.Difference(want), "") << "seed " << seed;
  });
}

TEST(FDepthwise, Windows) {
  for (unsigned seed = 0; seed < 150 && !HasFailure(); ++seed) CheckF(seed);
}

}  // namespace
}  // namespace octavo
