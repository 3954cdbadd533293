#include "tests/core/kernels/kernel_testing.h"

namespace octavo {
namespace {

void Check(unsigned seed, size_t max_m, size_t max_n, size_t max_k) {
  Random random(seed);
  const size_t m = random.Int(1, max_m), n = random.Int(1, max_n), k = random.Int(1, max_k);
  const size_t segments = random.Int(1, k > 200 ? 2 : 4);
  const bool natural = random.Coin();
  Buffer<float> a((m + 2) * segments * k), w(n * segments * k), bias(n), addend(n), residual(m * n);
  // Magnitudes far apart make every rounding visible; enormous ones overflow, tiny ones are denormal.
  const int exponent = seed % 7 == 0 ? 70 : seed % 3 == 0 ? 20 : 3;
  random.FillFloat(a.data(), a.size(), exponent);
  random.FillFloat(w.data(), w.size(), exponent);
  random.FillFloat(bias.data(), n);
  random.FillFloat(addend.data(), n);
  random.FillFloat(residual.data(), m * n);

  GemmWeights weights;
  weights.w = w.data(), weights.n = n, weights.segments = segments, weights.k = k;
  weights.n_stride = (natural ? segments * k : 1) * sizeof(float);
  weights.k_stride = (natural ? 1 : n) * sizeof(float);
  weights.segment_stride = (natural ? k : k * n) * sizeof(float);
  FGemmArgs args;
  std::vector<int64_t> rows, offsets;
  for (size_t i = 0; i < m; ++i) rows.push_back(random.Int(0, m) * k * sizeof(float));
  for (size_t s = 0; s < segments; ++s) offsets.push_back(random.Int(0, segments) * k * sizeof(float));
  args.a.base = a.data(), args.a.segments = segments, args.a.k = k, args.a.segment_offset = offsets.data();
  args.a.row_stride = segments * k * sizeof(float);
  if (random.Coin()) args.a.row_offset = rows.data();
  args.n = n;
  if (random.Coin()) args.bias = bias.data();
  if (random.Coin()) args.addend = addend.data();
  if (random.Coin()) args.residual.base = residual.data(), args.residual.row_stride = n * sizeof(float);
  if (random.Coin()) args.slope = random.Float(-0.5f, 1.5f);
  if (random.Coin()) args.lo = 0, args.hi = 6;
  const size_t c_stride = n + random.Int(0, 5);
  args.c.row_stride = c_stride * sizeof(float);

  Buffer<float> want(m * c_stride);
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < n; ++j) {
      float acc = args.bias ? bias[j] : 0.0f;
      for (size_t s = 0; s < segments; ++s) {
        const int64_t at = ((args.a.row_offset ? rows[i] : i * args.a.row_stride) + offsets[s]) / sizeof(float);
        for (size_t p = 0; p < k; ++p) {
          const float weight = natural ? w[(j * segments + s) * k + p] : w[(s * k + p) * n + j];
          acc = std::fma(a[at + p], weight, acc);
        }
      }
      if (args.addend) acc += addend[j];
      if (args.residual.base) acc += residual[i * n + j];
      if (acc < 0) acc *= args.slope;
      acc = ReferenceClamp(acc, args.lo, args.hi);
      // The sign and payload of a NaN are the machine's.
      want[i * c_stride + j] = std::isnan(acc) ? 12345.0f : acc;
    }
  }
  ForEachTable([&](const KernelTable& table) {
    Buffer<float> packed(table.fgemm_packed_bytes(n, segments, k) / sizeof(float)), got(m * c_stride);
    const size_t n_split = random.Int(0, n / 64) * 64, m_split = random.Int(0, m);
    table.fgemm_pack(weights, packed.data(), n_split, n);
    table.fgemm_pack(weights, packed.data(), 0, n_split);
    args.packed = packed.data(), args.c.base = got.data();
    table.fgemm(args, 0, m_split, 0, n_split);
    table.fgemm(args, 0, m_split, n_split, n);
    table.fgemm(args, m_split, m, 0, n);
    for (size_t i = 0; i < got.size(); ++i) {
      if (std::isnan(got[i])) got[i] = 12345.0f;
    }
    ASSERT_EQ(got.Difference(want), "") << "m " << m << " n " << n << " k " << segments << "x" << k;
  });
}

TEST(FGemm, SmallShapes) {
  for (unsigned seed = 0; seed < 300 && !HasFailure(); ++seed) Check(seed, 20, 130, 40);
}

TEST(FGemm, LongSums) {
  for (unsigned seed = 1000; seed < 1010 && !HasFailure(); ++seed) Check(seed, 8, 70, 2000);
}

TEST(FGemm, ManyRows) {
  for (unsigned seed = 2000; seed < 2003 && !HasFailure(); ++seed) Check(seed, 600, 70, 300);
}

// 24929 * 673 = 2^24 + 1 is a tie of floats. What is added decides it, but is too small to survive in a double.
TEST(FGemm, RoundsOnce) {
  const float a = 24929.0f, b = 673.0f;
  const float tiny = std::ldexp(1.0f, -40);
  ASSERT_NE(std::fma(a, b, tiny), std::fma(a, b, -tiny));
  for (float c : {tiny, -tiny, 0.0f, std::ldexp(1.0f, -149), 1.0f + tiny, std::ldexp(1.0f, 50), -16777217.0f}) {
    for (float sign : {1.0f, -1.0f}) {
      Buffer<float> x(1), w(1), bias(1);
      x[0] = sign * a, w[0] = b, bias[0] = sign * c;
      const float want = std::fma(x[0], w[0], bias[0]);
      GemmWeights weights;
      weights.w = w.data(), weights.n = 1, weights.k = 1, weights.n_stride = weights.k_stride = sizeof(float);
      ForEachTable([&](const KernelTable& table) {
        Buffer<float> packed(table.fgemm_packed_bytes(1, 1, 1) / sizeof(float)), got(1);
        table.fgemm_pack(weights, packed.data(), 0, 1);
        FGemmArgs args;
        args.a.base = x.data(), args.a.k = 1, args.packed = packed.data(), args.n = 1, args.bias = bias.data();
        args.c.base = got.data();
        table.fgemm(args, 0, 1, 0, 1);
        EXPECT_EQ(got[0], want);
      });
    }
  }
}

}  // namespace
}  // namespace octavo
