// Transposition of bytes and of 32-bit elements, and quantizing on the way: NCHW <-> NHWC.
#if defined(OCTAVO_CORE_KERNELS_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_TRANSPOSE_INL_H_
#undef OCTAVO_CORE_KERNELS_TRANSPOSE_INL_H_
#else
#define OCTAVO_CORE_KERNELS_TRANSPOSE_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/kernels/elementwise-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Any shape, one element at a time: what is left at the edges.
template <typename T>
HWY_INLINE void TransposePlain(const uint8_t* x, int64_t x_stride, uint8_t* y, int64_t y_stride, size_t rows,
                               size_t columns) {
  for (size_t c = 0; c < columns; ++c) {
    for (size_t r = 0; r < rows; ++r) {
      std::memcpy(y + static_cast<int64_t>(c) * y_stride + r * sizeof(T),
                  x + static_cast<int64_t>(r) * x_stride + c * sizeof(T), sizeof(T));
    }
  }
}

// A tile of 16 x 16 bytes. Interleaving row r with row r + 8 is a perfect shuffle of the whole tile: it moves one bit
// of the row number to the column number. Four of them have moved all.
HWY_INLINE void TransposeTile8(const uint8_t* x, int64_t x_stride, uint8_t* y, int64_t y_stride) {
  const hn::FixedTag<uint8_t, 16> d;
  HWY_ALIGN uint8_t a[256];
  HWY_ALIGN uint8_t b[256];
  const auto shuffle = [&](const uint8_t* from, uint8_t* to) HWY_ATTR {
    HWY_UNROLL(8)
    for (size_t r = 0; r < 8; ++r) {
      const auto upper = hn::Load(d, from + r * 16);
      const auto lower = hn::Load(d, from + r * 16 + 128);
      hn::Store(hn::InterleaveLower(d, upper, lower), d, to + r * 32);
      hn::Store(hn::InterleaveUpper(d, upper, lower), d, to + r * 32 + 16);
    }
  };
  HWY_UNROLL(8)
  for (int64_t r = 0; r < 8; ++r) {
    const auto upper = hn::LoadU(d, x + r * x_stride);
    const auto lower = hn::LoadU(d, x + (r + 8) * x_stride);
    hn::Store(hn::InterleaveLower(d, upper, lower), d, a + r * 32);
    hn::Store(hn::InterleaveUpper(d, upper, lower), d, a + r * 32 + 16);
  }
  shuffle(a, b);
  shuffle(b, a);
  HWY_UNROLL(8)
  for (int64_t r = 0; r < 8; ++r) {
    const auto upper = hn::Load(d, a + r * 16);
    const auto lower = hn::Load(d, a + r * 16 + 128);
    hn::StoreU(hn::InterleaveLower(d, upper, lower), d, y + 2 * r * y_stride);
    hn::StoreU(hn::InterleaveUpper(d, upper, lower), d, y + (2 * r + 1) * y_stride);
  }
}

// A tile of 4 x 4 elements, the same with two shuffles.
HWY_INLINE void TransposeTile32(const uint8_t* x, int64_t x_stride, uint8_t* y, int64_t y_stride) {
  const hn::FixedTag<uint32_t, 4> d;
  const auto load = [&](int64_t r)
                        HWY_ATTR { return hn::LoadU(d, reinterpret_cast<const uint32_t*>(x + r * x_stride)); };
  const auto store = [&](int64_t r, hn::VFromD<decltype(d)> v)
                         HWY_ATTR { hn::StoreU(v, d, reinterpret_cast<uint32_t*>(y + r * y_stride)); };
  const auto r0 = load(0), r1 = load(1), r2 = load(2), r3 = load(3);
  const auto a0 = hn::InterleaveLower(d, r0, r2), a1 = hn::InterleaveUpper(d, r0, r2);
  const auto a2 = hn::InterleaveLower(d, r1, r3), a3 = hn::InterleaveUpper(d, r1, r3);
  store(0, hn::InterleaveLower(d, a0, a2));
  store(1, hn::InterleaveUpper(d, a0, a2));
  store(2, hn::InterleaveLower(d, a1, a3));
  store(3, hn::InterleaveUpper(d, a1, a3));
}

template <typename T, size_t kTile, class Tile>
HWY_INLINE void TransposeTiled(const void* x_void, int64_t x_stride, void* y_void, int64_t y_stride, size_t rows,
                               size_t columns, Tile tile) {
  const uint8_t* x = static_cast<const uint8_t*>(x_void);
  uint8_t* y = static_cast<uint8_t*>(y_void);
  const size_t whole_rows = rows / kTile * kTile;
  const size_t whole_columns = columns / kTile * kTile;
  // Output lines are written a cache line at a time: all columns of a tile row of the output first.
  for (size_t c = 0; c < whole_columns; c += kTile) {
    for (size_t r = 0; r < whole_rows; r += kTile) {
      tile(x + static_cast<int64_t>(r) * x_stride + c * sizeof(T), x_stride,
           y + static_cast<int64_t>(c) * y_stride + r * sizeof(T), y_stride);
    }
  }
  TransposePlain<T>(x + static_cast<int64_t>(whole_rows) * x_stride, x_stride, y + whole_rows * sizeof(T), y_stride,
                    rows - whole_rows, columns);
  TransposePlain<T>(x + whole_columns * sizeof(T), x_stride, y + static_cast<int64_t>(whole_columns) * y_stride,
                    y_stride, whole_rows, columns - whole_columns);
}

inline void Transpose8(const void* x, int64_t x_stride, void* y, int64_t y_stride, size_t rows, size_t columns) {
  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d);
  const uint8_t* from = static_cast<const uint8_t*>(x);
  uint8_t* to = static_cast<uint8_t*>(y);
  size_t done = 0;
  if (rows == 3 && y_stride == 3) {  // planes of an image
    for (; done + lanes <= columns; done += lanes) {
      hn::StoreInterleaved3(hn::LoadU(d, from + done), hn::LoadU(d, from + x_stride + done),
                            hn::LoadU(d, from + 2 * x_stride + done), d, to + 3 * done);
    }
  } else if (rows == 4 && y_stride == 4) {
    for (; done + lanes <= columns; done += lanes) {
      hn::StoreInterleaved4(hn::LoadU(d, from + done), hn::LoadU(d, from + x_stride + done),
                            hn::LoadU(d, from + 2 * x_stride + done), hn::LoadU(d, from + 3 * x_stride + done), d,
                            to + 4 * done);
    }
  }
  TransposeTiled<uint8_t, 16>(from + done, x_stride, to + static_cast<int64_t>(done) * y_stride, y_stride, rows,
                              columns - done, TransposeTile8);
}

inline void Transpose32(const void* x, int64_t x_stride, void* y, int64_t y_stride, size_t rows, size_t columns) {
  TransposeTiled<uint32_t, 4>(x, x_stride, y, y_stride, rows, columns, TransposeTile32);
}

inline void TransposeQuantizeU8(const float* x, int64_t x_stride, uint8_t* y, int64_t y_stride, size_t rows,
                                size_t columns, float scale, int32_t zero) {
  constexpr size_t kRows = 16;
  constexpr size_t kColumns = 256;
  HWY_ALIGN uint8_t block[kRows * kColumns];
  for (size_t c = 0; c < columns; c += kColumns) {
    const size_t n = std::min(kColumns, columns - c);
    for (size_t r = 0; r < rows; r += kRows) {
      const size_t m = std::min(kRows, rows - r);
      for (size_t i = 0; i < m; ++i) {
        const uint8_t* row = reinterpret_cast<const uint8_t*>(x) + static_cast<int64_t>(r + i) * x_stride;
        QuantizeU8(reinterpret_cast<const float*>(row) + c, block + i * kColumns, n, scale, zero);
      }
      Transpose8(block, kColumns, y + static_cast<int64_t>(c) * y_stride + r, y_stride, m, n);
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_TRANSPOSE_INL_H_
