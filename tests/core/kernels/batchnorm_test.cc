#include "tests/core/kernels/kernel_testing.h"

namespace octavo {
namespace {

TEST(BatchNorm, EqualsScalarArithmetic) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const size_t rows = random.Int(0, 5), n = random.Int(1, 70);
    const size_t x_row = n + random.Int(0, 5), y_row = n + random.Int(0, 5);
    Buffer<float> x(rows * x_row + 1), want(rows * y_row + 1);
    Buffer<float> mean(n), factor(n), bias(n);
    random.FillFloat(x.data(), x.size(), seed % 3 == 0 ? 120 : 10);
    if (random.Coin()) x[0] = std::nanf("");
    if (random.Coin()) x[0] = std::numeric_limits<float>::infinity();
    for (size_t c = 0; c < n; ++c) {
      mean[c] = random.Float(-2, 2);
      factor[c] = random.Float(-2, 2) / 3;
      bias[c] = random.Float(-2, 2);
    }
    FBatchNormArgs args;
    args.x = x.data(), args.x_stride = static_cast<int64_t>(x_row * sizeof(float));
    args.y_stride = static_cast<int64_t>(y_row * sizeof(float));
    args.rows = rows, args.n = n;
    args.mean = mean.data(), args.factor = factor.data(), args.bias = bias.data();
    if (random.Coin()) args.lo = 0, args.hi = random.Coin() ? 6 : kNoHigh;
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < n; ++c) {
        const float y = (x[r * x_row + c] - mean[c]) * factor[c] + bias[c];
        const float clamped = ReferenceClamp(y, args.lo, args.hi);
        want[r * y_row + c] = clamped == clamped ? clamped : std::numeric_limits<float>::quiet_NaN();
      }
    }
    ForEachTable([&](const KernelTable& table) {
      Buffer<float> got(rows * y_row + 1);
      args.y = got.data();
      table.fbatchnorm(args);
      EXPECT_EQ(got.Difference(want), "") << rows << " x " << n;
    });
  }
}

}  // namespace
}  // namespace octavo
