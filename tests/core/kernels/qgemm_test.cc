#include "tests/core/kernels/kernel_testing.h"

namespace octavo {
namespace {

// A random product and everything its arguments point to.
struct Problem {
  Random random;
  size_t m, n, k, segments;
  bool natural;  // weights as [n][segments][k], else [segments][k][n]
  Buffer<uint8_t> a;
  Buffer<int8_t> w;
  std::vector<int64_t> row_offset, segment_offset;
  Buffer<int32_t> bias, row_bias;
  Buffer<float> multiplier, fbias;
  Buffer<uint8_t> residual;
  GemmWeights weights;
  QGemmArgs args;
  size_t c_stride;  // elements

  Problem(unsigned seed, size_t max_m, size_t max_n, size_t max_k)
      : random(seed),
        m(random.Int(1, max_m)),
        n(random.Int(1, max_n)),
        k(random.Int(1, max_k)),
        segments(random.Int(1, k > 200 ? 2 : 5)),
        natural(random.Coin()),
        a((m + 3) * (k + 7) * segments),
        w(n * segments * k),
        bias(n),
        row_bias(m),
        multiplier(n),
        fbias(n),
        residual(m * (n + 9)) {
    random.Fill(a.data(), a.size(), 0, 255);
    random.Fill(w.data(), w.size(), -128, 127);
    weights.w = w.data(), weights.n = n, weights.segments = segments, weights.k = k;
    weights.n_stride = natural ? segments * k : 1;
    weights.k_stride = natural ? 1 : n;
    weights.segment_stride = natural ? k : k * n;
    weights.flip = random.Int(0, 3) == 0;

    args.a.base = a.data(), args.a.segments = segments, args.a.k = k;
    args.a.row_stride = k * segments + random.Int(0, 7);
    if (random.Coin()) {
      for (size_t i = 0; i < m; ++i) row_offset.push_back(random.Int(0, m) * k);
      args.a.row_offset = row_offset.data();
    }
    if (segments > 1) {
      for (size_t s = 0; s < segments; ++s) segment_offset.push_back(random.Int(0, segments) * k);
      args.a.segment_offset = segment_offset.data();
    }

    // Multipliers that spread the results over the bytes and beyond, sometimes far beyond.
    random.Fill(bias.data(), n, -100000, 100000);
    random.Fill(row_bias.data(), m, -100000, 100000);
    const float spread = 200.0f / (70.0f * 128.0f * std::sqrt(static_cast<float>(k * segments)));
    for (size_t i = 0; i < n; ++i) {
      multiplier[i] = spread * random.Float(0.1f, 4.0f) * (random.Int(0, 20) == 0 ? 1e6f : 1.0f);
      fbias[i] = random.Float(-3, 3);
    }
    args.n = n, args.multiplier = multiplier.data();
    if (random.Int(0, 3)) args.bias = bias.data();
    if (random.Coin()) args.row_bias = row_bias.data();
    if (random.Coin()) args.fbias = fbias.data();
    args.zero = static_cast<int32_t>(random.Int(0, 255));
    if (random.Coin())
      args.lo = static_cast<uint8_t>(random.Int(0, 128)), args.hi = static_cast<uint8_t>(random.Int(128, 255));
    if (random.Coin()) args.flo = -2, args.fhi = 6;
    c_stride = n + random.Int(0, 9);

    random.Fill(residual.data(), residual.size(), 0, 255);
    args.residual.row_stride = n + 9;
    args.add.a_zero = static_cast<int32_t>(random.Int(0, 255)),
    args.add.b_zero = static_cast<int32_t>(random.Int(0, 255));
    args.add.zero = static_cast<int32_t>(random.Int(0, 255));
    args.add.a_multiplier = random.Float(0.1f, 2), args.add.b_multiplier = random.Float(0.1f, 2);
    if (random.Coin()) args.add.lo = 30, args.add.hi = 200;
  }

  // Puts rows where those of a convolution lie: `width` pixels `step` rows apart, `gap` rows from line to line, as many
  // as `a` has room for.
  void InLines(size_t width, size_t step, size_t gap) {
    row_offset.clear();
    const size_t room = a.size() - k * segments;
    for (size_t i = 0; i < m; ++i) {
      const size_t offset = (i / width * ((width - 1) * step + gap) + i % width * step) * k;
      if (offset + k * segments > room) break;
      row_offset.push_back(static_cast<int64_t>(offset));
    }
    m = row_offset.size();
    args.a.row_offset = row_offset.data();
  }

  int32_t Accumulate(size_t row, size_t column) const {
    uint32_t acc = args.bias ? bias[column] : 0;
    if (args.row_bias) acc += row_bias[row];
    for (size_t s = 0; s < segments; ++s) {
      const uint8_t* from = a.data() + (args.a.row_offset ? row_offset[row] : row * args.a.row_stride) +
                            (args.a.segment_offset ? segment_offset[s] : 0);
      for (size_t i = 0; i < k; ++i) acc += from[i] * Weight(column, s, i);
    }
    return static_cast<int32_t>(acc);
  }

  int Weight(size_t column, size_t s, size_t i) const {
    const int8_t value = w[column * weights.n_stride + s * weights.segment_stride + i * weights.k_stride];
    return weights.flip ? static_cast<uint8_t>(value) - 128 : value;
  }

  // `want` is filled by value(row, column); each table's result, computed in random pieces, must be the same memory.
  template <typename T, typename F>
  void Check(F value) {
    Buffer<T> want(m * c_stride);
    for (size_t i = 0; i < m; ++i) {
      for (size_t j = 0; j < n; ++j) want[i * c_stride + j] = value(i, j);
    }
    ForEachTable([&](const KernelTable& table) {
      Buffer<uint8_t> packed(table.qgemm_packed_bytes(n, segments, k));
      Buffer<int32_t> sums(n);
      const size_t n_split = random.Int(0, n / 64) * 64;
      table.qgemm_pack(weights, packed.data(), sums.data(), n_split, n);
      table.qgemm_pack(weights, packed.data(), sums.data(), 0, n_split);
      for (size_t j = 0; j < n; ++j) {
        int32_t sum = 0;
        for (size_t s = 0; s < segments; ++s) {
          for (size_t i = 0; i < k; ++i) sum += Weight(j, s, i);
        }
        ASSERT_EQ(sums[j], sum);
      }

      Buffer<T> got(m * c_stride);
      QGemmArgs call = args;
      call.packed = packed.data();
      call.c.base = got.data(), call.c.row_stride = c_stride * sizeof(T);
      const size_t m_split = random.Int(0, m);
      table.qgemm(call, 0, m_split, 0, n_split);
      table.qgemm(call, 0, m_split, n_split, n);
      table.qgemm(call, m_split, m, 0, n);
      ASSERT_EQ(got.Difference(want), "") << "m " << m << " n " << n << " k " << segments << "x" << k;
    });
  }

  void CheckAll() {
    args.output = GemmOutput::kS32;
    Check<int32_t>([&](size_t i, size_t j) { return Accumulate(i, j); });
    args.output = GemmOutput::kF32;
    Check<float>([&](size_t i, size_t j) {
      float f = static_cast<float>(Accumulate(i, j)) * multiplier[j];
      if (args.fbias) f = f + fbias[j];
      return ReferenceClamp(f, args.flo, args.fhi);
    });
    args.output = GemmOutput::kU8;
    const auto requantize = [&](size_t i, size_t j) {
      return ReferenceRequantize(Accumulate(i, j), multiplier[j], args.zero, args.lo, args.hi);
    };
    Check<uint8_t>(requantize);
    args.residual.base = residual.data();
    Check<uint8_t>(
        [&](size_t i, size_t j) { return ReferenceAdd(requantize(i, j), residual[i * (n + 9) + j], args.add); });
  }
};

TEST(QGemm, SmallShapes) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    Problem(seed, 20, 130, 70).CheckAll();
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

TEST(QGemm, LongSums) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    Problem(1000 + seed, 7, 70, 5000).CheckAll();
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

TEST(QGemm, ManyRows) {  // more than one block of A
  for (unsigned seed = 0; seed < 4; ++seed) {
    Problem(2000 + seed, 1500, 140, 700).CheckAll();
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

TEST(QGemm, LinesOfPixels) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    Problem p(3000 + seed, 200, 130, 150);
    const size_t step = p.random.Int(1, 2), width = p.random.Int(1, 40);
    p.InLines(width, step, p.random.Int(1, 5) * (p.random.Coin() ? step : 1));
    p.CheckAll();
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

// No sum of pairs may saturate: 255 * -127 twice does not fit int16, 5000 of them overflow nothing. Where signs move
// from weights to a, 0 is as extreme as 255.
TEST(QGemm, NothingSaturates) {
  const size_t k = 5000, n = 65;
  Buffer<uint8_t> a(k);
  Buffer<int8_t> w(n * k);
  GemmWeights weights;
  weights.w = w.data(), weights.n = n, weights.k = k, weights.n_stride = k;
  for (const int activation : {0, 1, 127, 128, 255}) {
    for (const int weight : {-128, -127, -1, 127}) {
      std::fill_n(a.data(), k, static_cast<uint8_t>(activation));
      std::fill_n(w.data(), n * k, static_cast<int8_t>(weight));
      ForEachTable([&](const KernelTable& table) {
        Buffer<uint8_t> packed(table.qgemm_packed_bytes(n, 1, k));
        table.qgemm_pack(weights, packed.data(), nullptr, 0, n);
        Buffer<int32_t> c(n);
        QGemmArgs args;
        args.a.base = a.data(), args.a.k = k, args.packed = packed.data(), args.n = n;
        args.output = GemmOutput::kS32, args.c.base = c.data();
        table.qgemm(args, 0, 1, 0, n);
        for (size_t j = 0; j < n; ++j) ASSERT_EQ(c[j], activation * weight * static_cast<int>(k));
      });
    }
  }
}

TEST(QGemm, RowOffsetsOfOutput) {
  Problem p(7, 20, 100, 50);
  std::vector<int64_t> offsets;
  for (size_t i = 0; i < p.m; ++i) offsets.push_back((p.m - 1 - i) * (p.n + 5));
  p.args.output = GemmOutput::kU8;
  Buffer<uint8_t> want(p.m * (p.n + 5));
  for (size_t i = 0; i < p.m; ++i) {
    for (size_t j = 0; j < p.n; ++j) {
      want[offsets[i] + j] =
          ReferenceRequantize(p.Accumulate(i, j), p.multiplier[j], p.args.zero, p.args.lo, p.args.hi);
    }
  }
  ForEachTable([&](const KernelTable& table) {
    Buffer<uint8_t> packed(table.qgemm_packed_bytes(p.n, p.segments, p.k));
    table.qgemm_pack(p.weights, packed.data(), nullptr, 0, p.n);
    Buffer<uint8_t> got(want.size());
    QGemmArgs args = p.args;
    args.packed = packed.data(), args.c.base = got.data(), args.c.row_offset = offsets.data();
    table.qgemm(args, 0, p.m, 0, p.n);
    ASSERT_EQ(got.Difference(want), "");
  });
}

// A product by some of the segments that were packed, each from some quad on.
TEST(QGemm, PartsOfPackedWeights) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    Problem p(4000 + seed, 20, 130, 200);
    const size_t quads = (p.k + 3) / 4;
    std::vector<size_t> first, from;  // by segment: its first quad of all, and of its own
    const size_t skip = p.random.Int(0, quads - 1), k = p.random.Coin() ? p.k - 4 * skip : 4;
    std::vector<int64_t> offsets;
    for (size_t s = 0; s < p.segments; ++s) {
      if (p.random.Coin()) continue;
      first.push_back(s * quads + skip);
      from.push_back(s);
      offsets.push_back(p.random.Int(0, p.segments - 1) * p.k);
    }
    p.args.output = GemmOutput::kS32;
    p.args.a.segments = first.size(), p.args.a.k = std::min(k, p.k - 4 * skip),
    p.args.a.segment_offset = offsets.data();
    p.args.quads = p.segments * quads, p.args.segment_quad = first.data();
    Buffer<int32_t> want(p.m * p.n);
    for (size_t i = 0; i < p.m; ++i) {
      for (size_t j = 0; j < p.n; ++j) {
        uint32_t acc = (p.args.bias ? p.bias[j] : 0) + (p.args.row_bias ? p.row_bias[i] : 0);
        for (size_t s = 0; s < first.size(); ++s) {
          const uint8_t* a =
              p.a.data() + (p.args.a.row_offset ? p.row_offset[i] : i * p.args.a.row_stride) + offsets[s];
          for (size_t x = 0; x < p.args.a.k; ++x) acc += a[x] * p.Weight(j, from[s], 4 * skip + x);
        }
        want[i * p.n + j] = static_cast<int32_t>(acc);
      }
    }
    ForEachTable([&](const KernelTable& table) {
      if (!table.parts) return;
      Buffer<uint8_t> packed(table.qgemm_packed_bytes(p.n, p.segments, p.k));
      table.qgemm_pack(p.weights, packed.data(), nullptr, 0, p.n);
      Buffer<int32_t> got(want.size());
      QGemmArgs args = p.args;
      args.packed = packed.data(), args.c.base = got.data(), args.c.row_stride = p.n * sizeof(int32_t);
      table.qgemm(args, 0, p.m, 0, p.n);
      ASSERT_EQ(got.Difference(want), "") << "seed " << seed;
    });
  }
}

TEST(RowSums, EqualTheSums) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    Problem p(3000 + seed, 10, 1, 300);
    ForEachTable([&](const KernelTable& table) {
      Buffer<int32_t> got(p.m), want(p.m);
      for (size_t i = 0; i < p.m; ++i) {
        want[i] = 0;
        for (size_t s = 0; s < p.segments; ++s) {
          const uint8_t* from = p.a.data() + (p.args.a.row_offset ? p.row_offset[i] : i * p.args.a.row_stride) +
                                (p.args.a.segment_offset ? p.segment_offset[s] : 0);
          for (size_t j = 0; j < p.k; ++j) want[i] += from[j];
        }
      }
      table.row_sums(p.args.a, got.data(), 0, p.m);
      ASSERT_EQ(got.Difference(want), "");
    });
  }
}

}  // namespace
}  // namespace octavo
