#include <limits>

#include "tests/core/kernels/kernel_testing.h"

namespace octavo {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Rows of two operands in one of the forms BinaryArgs has: contiguous, padded, or one operand repeated.
template <typename T>
struct Rows {
  Random random;
  size_t rows, n;
  int64_t a_stride, b_stride, c_stride;  // elements
  Buffer<T> a, b;
  BinaryArgs args;

  explicit Rows(unsigned seed)
      : random(seed),
        rows(random.Int(1, 5)),
        n(random.Int(1, 130)),
        a_stride(n + (seed % 3 == 0 ? 0 : random.Int(0, 5))),
        b_stride(seed % 3 == 1 ? 0 : a_stride),
        c_stride(seed % 3 == 0 ? n : n + random.Int(0, 5)),
        a(rows * a_stride),
        b(rows * a_stride) {
    args.a = a.data(), args.b = b.data(), args.rows = rows, args.n = n;
    args.a_stride = a_stride * sizeof(T), args.b_stride = b_stride * sizeof(T), args.c_stride = c_stride * sizeof(T);
  }

  template <typename Reference, typename Call>
  void Check(Reference reference, Call call) {
    Buffer<T> want(rows * c_stride);
    for (size_t r = 0; r < rows; ++r) {
      for (size_t i = 0; i < n; ++i) want[r * c_stride + i] = reference(a[r * a_stride + i], b[r * b_stride + i]);
    }
    ForEachTable([&](const KernelTable& table) {
      Buffer<T> got(rows * c_stride);
      args.c = got.data();
      call(table, args);
      EXPECT_EQ(got.Difference(want), "") << rows << " x " << n;

      if (a_stride == c_stride) {  // and in place
        Buffer<T> both(a);
        BinaryArgs in_place = args;
        in_place.a = in_place.c = both.data();
        call(table, in_place);
        for (size_t r = 0; r < rows; ++r) {
          EXPECT_EQ(std::memcmp(&both[r * a_stride], &want[r * c_stride], n * sizeof(T)), 0);
        }
      }
    });
  }
};

TEST(Elementwise, AddsBytes) {
  for (unsigned seed = 0; seed < 200 && !HasFailure(); ++seed) {
    Rows<uint8_t> rows(seed);
    rows.random.Fill(rows.a.data(), rows.a.size(), 0, 255);
    rows.random.Fill(rows.b.data(), rows.b.size(), 0, 255);
    QAddArgs q;
    q.a_zero = static_cast<int32_t>(rows.random.Int(0, 255)), q.b_zero = static_cast<int32_t>(rows.random.Int(0, 255));
    q.zero = static_cast<int32_t>(rows.random.Int(0, 255));
    q.a_multiplier = rows.random.Float(0.01f, 3), q.b_multiplier = rows.random.Float(0.01f, 3);
    if (seed % 5 == 0) q.a_multiplier = 0.5f, q.b_multiplier = 0.5f;  // ties
    if (seed % 7 == 0) q.a_multiplier = 1e30f;
    if (rows.random.Coin()) q.lo = 20, q.hi = 230;
    rows.Check([&](uint8_t a, uint8_t b) { return ReferenceAdd(a, b, q); },
               [&](const KernelTable& table, const BinaryArgs& args) { table.qadd(args, q); });
  }
}

TEST(Elementwise, MultipliesBytes) {
  for (unsigned seed = 0; seed < 200 && !HasFailure(); ++seed) {
    Rows<uint8_t> rows(seed);
    rows.random.Fill(rows.a.data(), rows.a.size(), 0, 255);
    rows.random.Fill(rows.b.data(), rows.b.size(), 0, 255);
    QMulArgs q;
    q.a_zero = static_cast<int32_t>(rows.random.Int(0, 255)), q.b_zero = static_cast<int32_t>(rows.random.Int(0, 255));
    q.zero = static_cast<int32_t>(rows.random.Int(0, 255));
    q.multiplier = seed % 5 == 0 ? 0.5f : rows.random.Float(0.0001f, 0.1f);
    if (rows.random.Coin()) q.lo = 20, q.hi = 230;
    rows.Check(
        [&](uint8_t a, uint8_t b) {
          const float product = static_cast<float>(a - q.a_zero) * static_cast<float>(b - q.b_zero);
          return ReferenceRound(product * q.multiplier, q.zero, q.lo, q.hi);
        },
        [&](const KernelTable& table, const BinaryArgs& args) { table.qmul(args, q); });
  }
}

// One row times many contiguous ones, from either side, also where the result takes the rows' place.
TEST(Elementwise, MultipliesByOneRow) {
  for (unsigned seed = 0; seed < 150 && !HasFailure(); ++seed) {
    Random random(seed);
    const auto rows = static_cast<size_t>(random.Int(2, 70));
    const auto n = static_cast<size_t>(seed % 10 == 0 ? random.Int(1000, 5000)
                                       : seed % 2     ? 8 * random.Int(1, 40)
                                                      : random.Int(1, 300));
    Buffer<uint8_t> many(rows * n), one(n);
    random.Fill(many.data(), rows * n, 0, 255);
    random.Fill(one.data(), n, 0, 255);
    QMulArgs q;
    q.a_zero = static_cast<int32_t>(random.Int(0, 255)), q.b_zero = static_cast<int32_t>(random.Int(0, 255));
    q.zero = static_cast<int32_t>(random.Int(0, 255));
    q.multiplier = seed % 5 == 0 ? 0.5f : seed % 7 == 0 ? 1e30f : random.Float(0.0001f, 0.1f);
    if (random.Coin()) q.lo = 20, q.hi = 230;
    const bool first = random.Coin();  // operand a is the one row
    Buffer<uint8_t> want(rows * n);
    for (size_t i = 0; i < rows * n; ++i) {
      const uint8_t a = first ? one[i % n] : many[i], b = first ? many[i] : one[i % n];
      const float product = static_cast<float>(a - q.a_zero) * static_cast<float>(b - q.b_zero);
      want[i] = ReferenceRound(product * q.multiplier, q.zero, q.lo, q.hi);
    }
    ForEachTable([&](const KernelTable& table) {
      Buffer<uint8_t> got(many);
      BinaryArgs args;
      args.a = first ? one.data() : got.data(), args.b = first ? got.data() : one.data(), args.c = got.data();
      args.a_stride = first ? 0 : static_cast<int64_t>(n), args.b_stride = first ? static_cast<int64_t>(n) : 0;
      args.c_stride = static_cast<int64_t>(n), args.rows = rows, args.n = n;
      table.qmul(args, q);
      EXPECT_EQ(got.Difference(want), "") << rows << " x " << n;
    });
  }
}

TEST(Elementwise, ScalesChannels) {
  for (unsigned seed = 0; seed < 200 && !HasFailure(); ++seed) {
    Random random(seed);
    const auto pixels = static_cast<size_t>(random.Int(1, 5)), channels = static_cast<size_t>(random.Int(1, 200));
    const auto begin = static_cast<size_t>(random.Int(0, static_cast<int64_t>(pixels) - 1));
    const size_t a_stride = channels + static_cast<size_t>(random.Int(0, 5));
    const size_t c_stride = channels + static_cast<size_t>(random.Int(0, 5));
    Buffer<uint8_t> a(pixels * a_stride);
    Buffer<float> multiplier(channels), addend(channels), negative(channels);
    random.Fill(a.data(), a.size(), 0, 255);
    for (size_t i = 0; i < channels; ++i) {
      multiplier[i] = seed % 5 == 0 ? 0.5f : random.Float(-2, 2);  // halves: ties
      negative[i] = random.Float(-1, 1);
      addend[i] = seed % 5 == 0 ? 1.0f : random.Float(-100, 100);
      if (seed % 7 == 0 && random.Coin()) multiplier[i] = random.Coin() ? 1e37f : -1e37f;
      if (seed % 7 == 0 && random.Coin()) addend[i] = random.Coin() ? 3e38f : -3e38f;
    }
    QAffineArgs args;
    args.a = a.data(), args.a_stride = static_cast<int64_t>(a_stride), args.c_stride = static_cast<int64_t>(c_stride);
    args.channels = channels, args.multiplier = multiplier.data(), args.addend = addend.data();
    if (random.Coin()) args.negative = negative.data();
    args.a_zero = static_cast<int32_t>(random.Int(0, 255)), args.zero = static_cast<int32_t>(random.Int(0, 255));
    if (random.Coin()) args.lo = 20, args.hi = 230;
    Buffer<uint8_t> want(pixels * c_stride);
    for (size_t p = begin; p < pixels; ++p) {
      for (size_t i = 0; i < channels; ++i) {
        const int32_t x = a[p * a_stride + i] - args.a_zero;
        const float product = static_cast<float>(x) * (x < 0 && args.negative ? negative[i] : multiplier[i]);
        want[p * c_stride + i] = ReferenceRound(product + addend[i], args.zero, args.lo, args.hi);
      }
    }
    ForEachTable([&](const KernelTable& table) {
      Buffer<uint8_t> got(pixels * c_stride);
      args.c = got.data();
      table.qaffine(args, begin, pixels);
      EXPECT_EQ(got.Difference(want), "") << pixels << " x " << channels;
    });
  }
}

TEST(Elementwise, LooksBytesUp) {
  Random random(1);
  Buffer<uint8_t> table_bytes(256), x(1000);
  random.Fill(table_bytes.data(), 256, 0, 255);
  for (size_t i = 0; i < 1000; ++i) x[i] = static_cast<uint8_t>(i);
  for (size_t n = 0; n < 1000; n += n < 140 ? 1 : 77) {
    Buffer<uint8_t> want(n);
    for (size_t i = 0; i < n; ++i) want[i] = table_bytes[x[i]];
    ForEachTable([&](const KernelTable& table) {
      Buffer<uint8_t> got(n);
      table.lut_u8(table_bytes.data(), x.data(), got.data(), n);
      ASSERT_EQ(got.Difference(want), "") << n;
      std::memcpy(got.data(), x.data(), n);
      table.lut_u8(table_bytes.data(), got.data(), got.data(), n);
      ASSERT_EQ(got.Difference(want), "") << n << " in place";
    });
  }
}

// Ordinary numbers and everything else a float can be.
void FillSpecial(Random& random, float* to, size_t n) {
  const float special[] = {0.0f, -0.0f, kInf, -kInf, 1e-42f, -1e-42f, 3e38f, -3e38f, 0.5f, 1.5f, 2.5f, -0.5f, 255.5f};
  random.FillFloat(to, n);
  for (size_t i = 0; i < n; ++i) {
    if (random.Int(0, 3) == 0) to[i] = special[random.Int(0, std::size(special) - 1)];
  }
}

TEST(Elementwise, FloatOperations) {
  for (unsigned seed = 0; seed < 300 && !HasFailure(); ++seed) {
    Rows<float> rows(seed);
    FillSpecial(rows.random, rows.a.data(), rows.a.size());
    FillSpecial(rows.random, rows.b.data(), rows.b.size());
    const bool bounded = rows.random.Coin();
    const float lo = bounded ? 0.0f : kNoLow, hi = bounded ? 6.0f : kNoHigh;
    // Which NaN an operation gives is the machine's affair, so operands that make one are replaced.
    const auto repair = [&](auto op) {
      for (size_t r = 0; r < rows.rows; ++r) {
        for (size_t i = 0; i < rows.n; ++i) {
          float& a = rows.a[r * rows.a_stride + i];
          if (std::isnan(op(a, rows.b[r * rows.b_stride + i]))) a = 1;
          if (std::isnan(op(a, rows.b[r * rows.b_stride + i]))) rows.b[r * rows.b_stride + i] = 1;
        }
      }
    };
    const auto check = [&](auto op, auto member) {
      repair(op);
      repair(op);
      rows.Check([&](float a, float b) { return ReferenceClamp(op(a, b), lo, hi); },
                 [&](const KernelTable& table, const BinaryArgs& args) { (table.*member)(args, lo, hi); });
    };
    check([](float a, float b) { return a + b; }, &KernelTable::fadd);
    check([](float a, float b) { return a - b; }, &KernelTable::fsub);
    check([](float a, float b) { return a * b; }, &KernelTable::fmul);
    check([](float a, float b) { return a / b; }, &KernelTable::fdiv);
    check([](float a, float b) { return a < 0 ? a * b : a; }, &KernelTable::fprelu);
  }
}

TEST(Elementwise, ClampPassesNan) {
  Random random(3);
  for (size_t n = 0; n < 130; ++n) {
    Buffer<float> x(n), want(n);
    FillSpecial(random, x.data(), n);
    for (size_t i = 0; i < n; ++i) {
      if (random.Int(0, 9) == 0) x[i] = kNan;
      want[i] = ReferenceClamp(x[i], 0.0f, 6.0f);
    }
    ForEachTable([&](const KernelTable& table) {
      Buffer<float> got(n);
      table.fclamp(x.data(), got.data(), n, 0.0f, 6.0f);
      ASSERT_EQ(got.Difference(want), "");
    });
  }
}

template <typename T>
T ReferenceQuantize(float x, float scale, int32_t zero) {
  const float v = x / scale;
  if (std::isnan(v)) return static_cast<T>(zero);
  const double q = static_cast<double>(std::nearbyintf(v)) + zero;
  return static_cast<T>(std::clamp<double>(q, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

TEST(Elementwise, QuantizesAndDequantizes) {
  Random random(4);
  for (size_t n = 1; n < 200 && !HasFailure(); ++n) {
    const float scale = n % 3 == 0 ? 0.25f : random.Float(0.001f, 2);
    const int32_t zero_u8 = static_cast<int32_t>(random.Int(0, 255));
    const int32_t zero_s8 = static_cast<int32_t>(random.Int(-128, 127));
    Buffer<float> x(n);
    FillSpecial(random, x.data(), n);
    for (size_t i = 0; i < n; ++i) {
      if (random.Int(0, 9) == 0) x[i] = kNan;
      if (random.Coin()) x[i] *= 40;
    }
    Buffer<uint8_t> want_u8(n);
    Buffer<int8_t> want_s8(n);
    Buffer<float> back_u8(n), back_s8(n);
    for (size_t i = 0; i < n; ++i) {
      want_u8[i] = ReferenceQuantize<uint8_t>(x[i], scale, zero_u8);
      want_s8[i] = ReferenceQuantize<int8_t>(x[i], scale, zero_s8);
      back_u8[i] = static_cast<float>(want_u8[i] - zero_u8) * scale;
      back_s8[i] = static_cast<float>(want_s8[i] - zero_s8) * scale;
    }
    ForEachTable([&](const KernelTable& table) {
      Buffer<uint8_t> got_u8(n);
      Buffer<int8_t> got_s8(n);
      Buffer<float> float_u8(n), float_s8(n);
      table.quantize_u8(x.data(), got_u8.data(), n, scale, zero_u8);
      table.quantize_s8(x.data(), got_s8.data(), n, scale, zero_s8);
      table.dequantize_u8(want_u8.data(), float_u8.data(), n, scale, zero_u8);
      table.dequantize_s8(want_s8.data(), float_s8.data(), n, scale, zero_s8);
      ASSERT_EQ(got_u8.Difference(want_u8), "");
      ASSERT_EQ(got_s8.Difference(want_s8), "");
      ASSERT_EQ(float_u8.Difference(back_u8), "");
      ASSERT_EQ(float_s8.Difference(back_s8), "");
    });
  }
}

TEST(Elementwise, QuantizesChannels) {
  Random random(5);
  for (size_t n = 1; n < 140 && !HasFailure(); ++n) {
    const size_t rows = random.Int(1, 4);
    Buffer<float> x(rows * n), scale(n);
    Buffer<int32_t> zero_u8(n), zero_s8(n);
    FillSpecial(random, x.data(), rows * n);
    for (size_t i = 0; i < n; ++i) scale[i] = random.Float(0.001f, 2);
    random.Fill(zero_u8.data(), n, 0, 255);
    random.Fill(zero_s8.data(), n, -128, 127);
    const bool with_zero = n % 4 != 0;
    Buffer<uint8_t> want_u8(rows * n);
    Buffer<int8_t> want_s8(rows * n);
    Buffer<float> back_u8(rows * n), back_s8(rows * n);
    for (size_t i = 0; i < rows * n; ++i) {
      const int32_t zu = with_zero ? zero_u8[i % n] : 0, zs = with_zero ? zero_s8[i % n] : 0;
      want_u8[i] = ReferenceQuantize<uint8_t>(x[i], scale[i % n], zu);
      want_s8[i] = ReferenceQuantize<int8_t>(x[i], scale[i % n], zs);
      back_u8[i] = static_cast<float>(want_u8[i] - zu) * scale[i % n];
      back_s8[i] = static_cast<float>(want_s8[i] - zs) * scale[i % n];
    }
    const int32_t* zu = with_zero ? zero_u8.data() : nullptr;
    const int32_t* zs = with_zero ? zero_s8.data() : nullptr;
    ForEachTable([&](const KernelTable& table) {
      Buffer<uint8_t> got_u8(rows * n);
      Buffer<int8_t> got_s8(rows * n);
      Buffer<float> float_u8(rows * n), float_s8(rows * n);
      table.quantize_rows_u8(x.data(), got_u8.data(), rows, n, scale.data(), zu);
      table.quantize_rows_s8(x.data(), got_s8.data(), rows, n, scale.data(), zs);
      table.dequantize_rows_u8(want_u8.data(), float_u8.data(), rows, n, scale.data(), zu);
      table.dequantize_rows_s8(want_s8.data(), float_s8.data(), rows, n, scale.data(), zs);
      ASSERT_EQ(got_u8.Difference(want_u8), "");
      ASSERT_EQ(got_s8.Difference(want_s8), "");
      ASSERT_EQ(float_u8.Difference(back_u8), "");
      ASSERT_EQ(float_s8.Difference(back_s8), "");
    });
  }
}

TEST(Elementwise, FindsExtremes) {
  Random random(6);
  for (size_t n = 0; n < 200; ++n) {
    Buffer<float> x(n);
    random.FillFloat(x.data(), n);
    if (n % 5 == 1) std::fill_n(x.data(), n, -0.0f);
    size_t nans = 0;
    float least = kInf, most = -kInf;
    for (size_t i = 0; i < n; ++i) {
      if (random.Int(0, 4) == 0 || n % 7 == 6) x[i] = kNan;
      if (std::isnan(x[i])) {
        ++nans;
      } else {
        least = std::min(least, x[i] + 0.0f), most = std::max(most, x[i] + 0.0f);
      }
    }
    ForEachTable([&](const KernelTable& table) {
      float got[2];
      ASSERT_EQ(table.minmax(x.data(), n, &got[0], &got[1]), nans);
      const float want[2] = {least, most};
      ASSERT_EQ(std::memcmp(got, want, sizeof(want)), 0) << n << ": " << got[0] << " " << got[1];
    });
  }
}

}  // namespace
}  // namespace octavo
