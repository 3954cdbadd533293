#include <limits>
#include <type_traits>

#include "tests/core/kernels/kernel_testing.h"

namespace octavo {
namespace {

// Taps of one axis, as many as come.
struct Axis {
  std::vector<uint32_t> first = {0};
  std::vector<int64_t> index;
  std::vector<float> weight;

  Axis(Random& random, size_t in, size_t out) {
    const int64_t most = random.Int(1, 5);
    for (size_t o = 0; o < out; ++o) {
      for (int64_t k = random.Coin() ? 2 : random.Int(0, most); k > 0; --k) {
        index.push_back(random.Int(0, static_cast<int64_t>(in) - 1));
        weight.push_back(random.Float(-0.3f, 1.0f));
      }
      first.push_back(static_cast<uint32_t>(index.size()));
    }
  }
  ResizeTaps pointers() const { return {first.data(), index.data(), weight.data()}; }

  // at(i): the input's element i.
  template <typename F>
  float Sum(size_t o, F at) const {
    float sum = 0;
    for (size_t t = first[o]; t < first[o + 1]; ++t) {
      const float product = weight[t] * at(static_cast<size_t>(index[t]));
      sum = sum + product;
    }
    return sum;
  }
};

template <typename T>
void CheckResize(void (*KernelTable::*kernel)(const ResizeArgs&, size_t, size_t), T (*round)(float)) {
  for (unsigned seed = 0; seed < 200 && !::testing::Test::HasFailure(); ++seed) {
    Random random(seed);
    const auto size = [&](int64_t most) { return static_cast<size_t>(random.Int(1, most)); };
    const size_t height = size(9), width = size(9), out_height = size(12), out_width = size(12), channels = size(150);
    const size_t a_column = channels + (random.Coin() ? 0 : size(5)), c_column = channels + size(6) - 1;
    const Axis y(random, height, out_height), x(random, width, out_width);
    Buffer<T> a(height * width * a_column), want(out_height * out_width * c_column);
    if constexpr (std::is_same_v<T, float>) {
      random.FillFloat(a.data(), a.size());
      for (size_t i = seed; i < a.size(); i += 50) a[i] = std::numeric_limits<float>::infinity();
      for (size_t i = seed; i < a.size(); i += 63) a[i] = std::numeric_limits<float>::quiet_NaN();
    } else {
      random.Fill(a.data(), a.size(), 0, 255);
    }
    for (size_t oy = 0; oy < out_height; ++oy) {
      for (size_t c = 0; c < channels; ++c) {
        std::vector<float> line;
        for (size_t i = 0; i < width; ++i) {
          line.push_back(y.Sum(oy, [&](size_t iy) { return static_cast<float>(a[(iy * width + i) * a_column + c]); }));
        }
        for (size_t ox = 0; ox < out_width; ++ox) {
          want[(oy * out_width + ox) * c_column + c] = round(x.Sum(ox, [&](size_t ix) { return line[ix]; }));
        }
      }
    }
    ResizeArgs args;
    args.a = {a.data(), static_cast<int64_t>(width * a_column * sizeof(T)), static_cast<int64_t>(a_column * sizeof(T))};
    args.width = width, args.channels = channels, args.out_width = out_width;
    args.y = y.pointers(), args.x = x.pointers();
    ForEachTable([&](const KernelTable& table) {
      Buffer<T> got(want.size());
      std::vector<float> line(width * channels + kResizeSlack);
      args.line = line.data();
      args.c = {got.data(), static_cast<int64_t>(out_width * c_column * sizeof(T)),
                static_cast<int64_t>(c_column * sizeof(T))};
      const auto split = static_cast<size_t>(random.Int(0, static_cast<int64_t>(out_height)));
      (table.*kernel)(args, 0, split);
      (table.*kernel)(args, split, out_height);
      ASSERT_EQ(got.Difference(want), "") << height << "x" << width << " channels " << channels;
    });
  }
}

TEST(ResizeKernels, Bytes) {
  CheckResize<uint8_t>(&KernelTable::qresize, [](float sum) { return ReferenceRound(sum, 0, 0, 255); });
}

TEST(ResizeKernels, Floats) {
  CheckResize<float>(&KernelTable::fresize,
                     [](float sum) { return std::isnan(sum) ? std::numeric_limits<float>::quiet_NaN() : sum; });
}

}  // namespace
}  // namespace octavo
