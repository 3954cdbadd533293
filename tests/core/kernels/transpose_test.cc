#include "tests/core/kernels/kernel_testing.h"

namespace octavo {
namespace {

template <typename T, typename Call>
void Check(unsigned seed, Call call) {
  Random random(seed);
  const size_t rows = seed % 4 == 0 ? random.Int(3, 4) : random.Int(1, 70);
  const size_t columns = random.Int(1, seed % 4 == 0 ? 400 : 70);
  const size_t x_stride = columns + random.Int(0, 5), y_stride = rows + (random.Coin() ? 0 : random.Int(0, 5));
  Buffer<T> x(rows * x_stride), want(columns * y_stride);
  random.Fill(reinterpret_cast<uint8_t*>(x.data()), x.size() * sizeof(T), 0, 255);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) want[c * y_stride + r] = x[r * x_stride + c];
  }
  ForEachTable([&](const KernelTable& table) {
    Buffer<T> got(want.size());
    call(table, x.data(), x_stride * sizeof(T), got.data(), y_stride * sizeof(T), rows, columns);
    ASSERT_EQ(got.Difference(want), "") << rows << " x " << columns;
  });
}

TEST(Transpose, Bytes) {
  for (unsigned seed = 0; seed < 300 && !HasFailure(); ++seed) {
    Check<uint8_t>(seed, [](const KernelTable& table, auto... arguments) { table.transpose_8(arguments...); });
  }
}

TEST(Transpose, Words) {
  for (unsigned seed = 0; seed < 300 && !HasFailure(); ++seed) {
    Check<uint32_t>(seed, [](const KernelTable& table, auto... arguments) { table.transpose_32(arguments...); });
  }
}

TEST(Transpose, QuantizesOnTheWay) {
  for (unsigned seed = 0; seed < 60 && !HasFailure(); ++seed) {
    Random random(seed);
    const size_t rows = random.Coin() ? 3 : random.Int(1, 40), columns = random.Int(1, 600);
    const size_t x_stride = columns + random.Int(0, 5), y_stride = rows + (random.Coin() ? 0 : random.Int(0, 5));
    const float scale = random.Float(0.01f, 0.3f);
    const int32_t zero = static_cast<int32_t>(random.Int(0, 255));
    Buffer<float> x(rows * x_stride);
    random.FillFloat(x.data(), x.size());
    Buffer<uint8_t> want(columns * y_stride);
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = 0; c < columns; ++c) {
        want[c * y_stride + r] = ReferenceRound(x[r * x_stride + c] / scale, zero, 0, 255);
      }
    }
    ForEachTable([&](const KernelTable& table) {
      Buffer<uint8_t> got(want.size());
      table.transpose_quantize_u8(x.data(), x_stride * sizeof(float), got.data(), y_stride, rows, columns, scale, zero);
      ASSERT_EQ(got.Difference(want), "") << rows << " x " << columns;
    });
  }
}

}  // namespace
}  // namespace octavo
