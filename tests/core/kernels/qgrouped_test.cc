#include "tests/core/kernels/kernel_testing.h"

namespace octavo {
namespace {

// Random groups of so many bytes and columns: every table's result, computed in random pieces, is the reference's
// memory. False where a table leaves such groups to qgemm.
void CheckGroups(unsigned seed, size_t k, size_t group_columns, std::vector<std::string>* taken) {
  Random random(seed);
  const size_t groups = random.Int(1, 40), n = groups * group_columns, m = random.Int(1, 40);
  const size_t segments = random.Int(1, 9), channels = groups * k, pixels = m + 10;
  const int64_t column = channels + random.Int(0, 9);
  Buffer<uint8_t> a(pixels * column);
  Buffer<int8_t> w(n * segments * k);
  random.Fill(a.data(), a.size(), 0, 255);
  random.Fill(w.data(), w.size(), -128, 127);
  GemmWeights weights;
  weights.w = w.data(), weights.n = n, weights.segments = segments, weights.k = k;
  const bool taps_last = random.Coin();
  weights.n_stride = segments * k;
  weights.segment_stride = taps_last ? 1 : k;
  weights.k_stride = taps_last ? segments : 1;

  QGemmArgs args;
  args.a.base = a.data(), args.a.segments = segments, args.a.k = k, args.a.row_stride = column;
  std::vector<int64_t> row_offset, segment_offset;
  if (random.Coin()) {
    for (size_t i = 0; i < m; ++i) row_offset.push_back(random.Int(0, m - 1) * column);
    args.a.row_offset = row_offset.data();
  }
  for (size_t s = 0; s < segments; ++s) segment_offset.push_back(random.Int(0, 10) * column);
  args.a.segment_offset = segment_offset.data();
  args.n = n, args.groups = groups;
  Buffer<int32_t> bias(n);
  Buffer<float> multiplier(n);
  random.Fill(bias.data(), n, -100000, 100000);
  const float spread = 200.0f / (70.0f * 128.0f * std::sqrt(static_cast<float>(k * segments)));
  for (size_t i = 0; i < n; ++i) multiplier[i] = spread * random.Float(0.1f, 4.0f) * (random.Coin() ? 1.0f : 1e6f);
  args.multiplier = multiplier.data();
  if (random.Int(0, 3)) args.bias = bias.data();
  args.zero = static_cast<int32_t>(random.Int(0, 255));
  if (random.Coin()) args.lo = 20, args.hi = 200;
  args.c.row_stride = static_cast<int64_t>(n) + random.Int(0, 9);

  Buffer<uint8_t> want(m * args.c.row_stride);
  for (size_t i = 0; i < m; ++i) {
    for (size_t j = 0; j < n; ++j) {
      uint32_t acc = args.bias ? bias[j] : 0;
      for (size_t s = 0; s < segments; ++s) {
        const uint8_t* from = a.data() + (args.a.row_offset ? row_offset[i] : i * column) + segment_offset[s];
        for (size_t x = 0; x < k; ++x) {
          acc += from[j / group_columns * k + x] *
                 w[j * weights.n_stride + s * weights.segment_stride + x * weights.k_stride];
        }
      }
      want[i * args.c.row_stride + j] =
          ReferenceRequantize(static_cast<int32_t>(acc), multiplier[j], args.zero, args.lo, args.hi);
    }
  }
  ForEachTable([&](const KernelTable& table) {
    const size_t bytes = table.qgrouped_packed_bytes(n, groups, segments, k);
    if (bytes == 0) return;
    taken->push_back(table.name);
    Buffer<uint8_t> packed(bytes), got(want.size());
    Buffer<uint8_t> untouched = packed;
    table.qgrouped_pack(weights, groups, packed.data());
    std::memcpy(untouched.data(), packed.data(), bytes);
    ASSERT_EQ(packed.Difference(untouched), "");
    QGemmArgs call = args;
    call.packed = packed.data(), call.c.base = got.data();
    const size_t m_split = random.Int(0, m), n_split = random.Int(0, n / 64) * 64;
    table.qgrouped(call, 0, m_split, 0, n_split);
    table.qgrouped(call, 0, m_split, n_split, n);
    table.qgrouped(call, m_split, m, 0, n);
    ASSERT_EQ(got.Difference(want), "") << "m " << m << " groups " << groups << " of " << group_columns << ", k "
                                        << segments << "x" << k;
  });
}

TEST(QGrouped, EqualsTheReference) {
  std::vector<std::string> taken;
  for (unsigned seed = 0; seed < 12; ++seed) {
    for (const size_t k : {3, 4, 8, 16, 24, 32, 50, 64}) {
      for (const size_t group_columns : {2, 4, 8, 16, 24, 32, 40, 64})
        CheckGroups(seed * 1000 + k * group_columns, k, group_columns, &taken);
    }
    if (HasFailure()) FAIL() << "seed " << seed;
  }
  for (const char* name : KernelTargets()) EXPECT_NE(std::find(taken.begin(), taken.end(), name), taken.end()) << name;
}

}  // namespace
}  // namespace octavo
