// The integer matrix product: u8 rows times packed s8 columns, requantized on the way out.
//
//             b0  b1  b2  b3     one quad (4 k) of 4 vectors of columns: 64 columns with 512 bits
//           +---+---+---+---+
//   row 0   |c00|c01|c02|c03|    a quad of each row, broadcast, times all of b. 24 accumulators stay in registers for
//   ...     |   |   |   |   |    the whole of k; a step is 24 dots for 10 loads.
//   row 5   |c50|c51|c52|c53|
//           +---+---+---+---+
//
// The packed matrix is a sequence of such tiles, in each all quads of all segments in order. Machines with 16 registers
// use 2 vectors of columns, those that need two registers for each vector of weights 4 rows. Accumulators have names
// rather than indices because SVE vectors cannot form arrays.
#if defined(OCTAVO_CORE_KERNELS_QGEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_QGEMM_INL_H_
#undef OCTAVO_CORE_KERNELS_QGEMM_INL_H_
#else
#define OCTAVO_CORE_KERNELS_QGEMM_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/kernels/dot-inl.h"
#include "core/kernels/float-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/requantize-inl.h"
#include "core/kernels/rows.h"
#include "core/kernels/store-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_ARCH_X86 && !OCTAVO_DOT_BYTES
inline constexpr size_t kTileRows = 4;
#else
inline constexpr size_t kTileRows = 6;
#endif
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
inline constexpr size_t kTileVectors = 2;
#else
inline constexpr size_t kTileVectors = 4;
#endif

// A block of A beyond this many bytes is taken in pieces, each multiplied with all panels while it lies in L2.
inline constexpr size_t kBlockBytes = 256 * 1024;

HWY_INLINE size_t TileColumns() { return kTileVectors * hn::Lanes(DI32()); }

// With a tile go its offsets (dot-inl.h), where there are any: of as many vectors as it has columns, vector i that of
// the first (i + 1) * kOffsetQuads quads, the last that of all. A product by a part of the quads needs differences.
inline constexpr size_t kOffsetQuads = 16;

// Bytes of one column of packed weights.
HWY_INLINE size_t ColumnBytes(size_t quads) {
  return quads * 4 * kWeightBytes + (kDotOffset ? DivideUp(quads, kOffsetQuads) * sizeof(int32_t) : 0);
}

// Columns as packed: the last tile is as many whole vectors as it needs.
HWY_INLINE size_t PackedColumns(size_t n) { return DivideUp(n, hn::Lanes(DI32())) * hn::Lanes(DI32()); }

inline size_t QGemmPackedBytes(size_t n, size_t segments, size_t k) {
  return DivideUp(PackedColumns(n) * ColumnBytes(segments * DivideUp(k, 4)), 64) * 64;
}

// One row of a tile: c0..c3 += quad * columns at b.
template <size_t kVectors>
HWY_INLINE void DotRow(const uint8_t* HWY_RESTRICT a, const uint8_t* HWY_RESTRICT b, VI32& c0, VI32& c1, VI32& c2,
                       VI32& c3) {
  const size_t step = hn::Lanes(DI32()) * 4 * kWeightBytes;
  const auto quad = LoadQuad(a);
  c0 = Dot(quad, LoadWeights(b), c0);
  if constexpr (kVectors > 1) c1 = Dot(quad, LoadWeights(b + step), c1);
  if constexpr (kVectors > 2) c2 = Dot(quad, LoadWeights(b + 2 * step), c2);
  if constexpr (kVectors > 3) c3 = Dot(quad, LoadWeights(b + 3 * step), c3);
}

// The offset of the first `quads` of all quads of a tile, for the vector that begins at column j of `columns`.
HWY_INLINE VI32 Offset(const uint8_t* tile, size_t columns, size_t all, size_t quads, size_t j) {
  const DI32 di32;
  const size_t quad_bytes = columns * 4 * kWeightBytes;
  const size_t stored = quads == all ? DivideUp(quads, kOffsetQuads) : quads / kOffsetQuads;
  VI32 sum = hn::Zero(di32);
  if (stored > 0) {
    const auto* offsets = reinterpret_cast<const int32_t*>(tile + all * quad_bytes);
    sum = hn::Load(di32, offsets + (stored - 1) * columns + j);
  }
  for (size_t q = stored * kOffsetQuads; q < quads; ++q) {
    sum = AddOffset(tile + q * quad_bytes + j * 4 * kWeightBytes, sum);
  }
  return sum;
}

// What accumulators of a tile begin with: the bias, less the offset.
template <size_t kVectors>
HWY_NOINLINE void StartTile(const QGemmArgs& args, const uint8_t* tile, size_t n, int32_t* HWY_RESTRICT start) {
  const DI32 di32;
  const size_t lanes = hn::Lanes(di32), columns = kVectors * lanes;
  for (size_t j = 0; j < columns; j += lanes) {
    VI32 sum = args.bias ? hn::LoadU(di32, args.bias + n + j) : hn::Zero(di32);
    if constexpr (kDotOffset) {
      const size_t quads = DivideUp(args.a.k, 4), used = args.a.segments * quads;
      const size_t all = args.quads ? args.quads : used;
      if (!args.segment_quad) sum = hn::Sub(sum, Offset(tile, columns, all, used, j));
      for (size_t s = 0; args.segment_quad && s < args.a.segments; ++s) {
        const size_t first = args.segment_quad[s];
        sum = hn::Add(sum, Offset(tile, columns, all, first, j));
        sum = hn::Sub(sum, Offset(tile, columns, all, first + quads, j));
      }
    }
    hn::Store(sum, di32, start + j);
  }
}

// Stores `columns` bytes of one row of results.
HWY_INLINE void StoreBytes(const QGemmArgs& args, size_t m, size_t n, size_t columns, hn::VFromD<DU8> q) {
  const DU8 du8;
  uint8_t* to = RowAddress(args.c, m) + n;
  const hn::Half<DU8> half;
  if (HWY_LIKELY(columns == hn::Lanes(du8))) {
    hn::StoreU(q, du8, to);
  } else if (columns == hn::Lanes(half)) {  // every whole tile of machines with 16 registers
    hn::StoreU(hn::LowerHalf(half, q), half, to);
  } else {
    hn::StoreN(q, du8, to, columns);
  }
}

// Requantizes one row of accumulators and stores `columns` bytes.
template <size_t kVectors>
HWY_INLINE void FinishBytes(const QGemmArgs& args, size_t m, size_t n, size_t columns, VI32 c0, VI32 c1, VI32 c2,
                            VI32 c3) {
  const DF32 df32;
  const size_t lanes = hn::Lanes(df32);
  const float* HWY_RESTRICT multiplier = args.multiplier + n;
  c0 = Scale(c0, hn::LoadU(df32, multiplier));
  if constexpr (kVectors > 1) c1 = Scale(c1, hn::LoadU(df32, multiplier + lanes));
  if constexpr (kVectors > 2) c2 = Scale(c2, hn::LoadU(df32, multiplier + 2 * lanes));
  if constexpr (kVectors > 3) c3 = Scale(c3, hn::LoadU(df32, multiplier + 3 * lanes));
  const ToU8 to_u8{static_cast<int16_t>(args.zero), args.lo, args.hi};
  StoreBytes(args, m, n, columns, to_u8(c0, c1, c2, c3));
}

// The fused addition of a residual. The first of its operands, clamp(rne(acc * m) + zero, lo, hi) - a_zero, is a small
// integer: float holds it exactly, so it need not become an integer first. Rounding comes after the bounds, which are
// integers, too.
struct Summer {
  explicit Summer(const QGemmArgs& args)
      : lo(static_cast<float>(args.lo - args.zero)),
        hi(static_cast<float>(args.hi - args.zero)),
        down(kRounder - static_cast<float>(args.zero - args.add.a_zero)),
        add(args.add) {}

  HWY_INLINE VI32 operator()(VI32 acc, const float* HWY_RESTRICT multiplier,
                             const uint8_t* HWY_RESTRICT residual) const {
    const DF32 df32;
    const VF32 scaled = hn::Mul(hn::ConvertTo(df32, acc), hn::LoadU(df32, multiplier));
    const VF32 clamped = hn::Min(hn::Max(scaled, hn::Set(df32, lo)), hn::Set(df32, hi));
    const VF32 rounded = hn::Sub(hn::Add(clamped, hn::Set(df32, kRounder)), hn::Set(df32, down));
    return RoundInRange(add.Sum(rounded, LoadWide(residual)));
  }

  float lo, hi, down;  // not vectors: those of SVE cannot be members
  Adder add;
};

// Turns rows of accumulators in memory into the kinds of output that are rarer, or take more registers, than bytes at
// once: not worth a place inside every tile, where they would make the compiler spill its accumulators.
template <size_t kVectors>
HWY_NOINLINE void FinishSums(const QGemmArgs& args, const int32_t* HWY_RESTRICT acc, size_t m, size_t rows, size_t n,
                             size_t columns) {
  const DI32 di32;
  const size_t lanes = hn::Lanes(di32);
  const Summer sum(args);
  const float* HWY_RESTRICT multiplier = args.multiplier + n;
  for (size_t row = m; row < m + rows; ++row, acc += kVectors * lanes) {
    const VI32 row_bias = hn::Set(di32, args.row_bias ? args.row_bias[row] : 0);
    const uint8_t* HWY_RESTRICT r = RowAddress(args.residual, row) + n;
    const auto at = [&](size_t j)
                        HWY_ATTR { return sum(hn::Add(hn::Load(di32, acc + j), row_bias), multiplier + j, r + j); };
    VI32 c0 = at(0), c1 = c0, c2 = c0, c3 = c0;
    if constexpr (kVectors > 1) c1 = at(lanes);
    if constexpr (kVectors > 2) c2 = at(2 * lanes);
    if constexpr (kVectors > 3) c3 = at(3 * lanes);
    StoreBytes(args, row, n, columns, sum.add.to_u8(c0, c1, c2, c3));
  }
}

template <size_t kVectors>
HWY_NOINLINE void FinishBiased(const QGemmArgs& args, const int32_t* HWY_RESTRICT acc, size_t m, size_t rows, size_t n,
                               size_t columns) {
  const DI32 di32;
  const size_t lanes = hn::Lanes(di32);
  for (size_t row = m; row < m + rows; ++row, acc += kVectors * lanes) {
    const VI32 row_bias = hn::Set(di32, args.row_bias[row]);
    VI32 c0 = hn::Add(hn::Load(di32, acc), row_bias), c1 = c0, c2 = c0, c3 = c0;
    if constexpr (kVectors > 1) c1 = hn::Add(hn::Load(di32, acc + lanes), row_bias);
    if constexpr (kVectors > 2) c2 = hn::Add(hn::Load(di32, acc + 2 * lanes), row_bias);
    if constexpr (kVectors > 3) c3 = hn::Add(hn::Load(di32, acc + 3 * lanes), row_bias);
    FinishBytes<kVectors>(args, row, n, columns, c0, c1, c2, c3);
  }
}

template <size_t kVectors>
HWY_NOINLINE void FinishWords(const QGemmArgs& args, const int32_t* HWY_RESTRICT acc, size_t m, size_t rows, size_t n,
                              size_t columns) {
  const DI32 di32;
  const DF32 df32;
  const size_t lanes = hn::Lanes(di32);
  const VF32 lo = hn::Set(df32, args.flo);
  const VF32 hi = hn::Set(df32, args.fhi);
  for (size_t row = m; row < m + rows; ++row, acc += kVectors * lanes) {
    const VI32 row_bias = hn::Set(di32, args.row_bias ? args.row_bias[row] : 0);
    int32_t* to = reinterpret_cast<int32_t*>(RowAddress(args.c, row)) + n;
    for (size_t j = 0; j < columns; j += lanes) {
      VI32 c = hn::Add(hn::Load(di32, acc + j), row_bias);
      if (args.output == GemmOutput::kF32) {
        VF32 f = hn::Mul(hn::ConvertTo(df32, c), hn::LoadU(df32, args.multiplier + n + j));
        if (args.fbias) f = hn::Add(f, hn::LoadU(df32, args.fbias + n + j));
        c = hn::BitCast(di32, ClampTo(f, lo, hi));
      }
      StoreUpTo(c, di32, to + j, columns - j);
    }
  }
}

template <size_t kVectors>
HWY_INLINE void FinishStored(const QGemmArgs& args, const int32_t* HWY_RESTRICT acc, size_t m, size_t rows, size_t n,
                             size_t columns) {
  if (args.output != GemmOutput::kU8) return FinishWords<kVectors>(args, acc, m, rows, n, columns);
  if (args.residual.base) return FinishSums<kVectors>(args, acc, m, rows, n, columns);
  FinishBiased<kVectors>(args, acc, m, rows, n, columns);
}

template <size_t kVectors>
HWY_INLINE void StoreRow(int32_t* HWY_RESTRICT acc, VI32 c0, VI32 c1, VI32 c2, VI32 c3) {
  const DI32 di32;
  const size_t lanes = hn::Lanes(di32);
  hn::Store(c0, di32, acc);
  if constexpr (kVectors > 1) hn::Store(c1, di32, acc + lanes);
  if constexpr (kVectors > 2) hn::Store(c2, di32, acc + 2 * lanes);
  if constexpr (kVectors > 3) hn::Store(c3, di32, acc + 3 * lanes);
}

template <size_t kRows, size_t kVectors>
HWY_NOINLINE void QGemmTile(const QGemmArgs& args, const uint8_t* tile, const int32_t* start, size_t m, size_t n,
                            size_t columns) {
  const DI32 di32;
  const size_t lanes = hn::Lanes(di32);
  const size_t quad_bytes = kVectors * lanes * 4 * kWeightBytes;
  const uint8_t* row0 = RowAddress(args.a, m);
  const uint8_t* row1 = kRows > 1 ? RowAddress(args.a, m + 1) : row0;
  const uint8_t* row2 = kRows > 2 ? RowAddress(args.a, m + 2) : row0;
  const uint8_t* row3 = kRows > 3 ? RowAddress(args.a, m + 3) : row0;
  const uint8_t* row4 = kRows > 4 ? RowAddress(args.a, m + 4) : row0;
  const uint8_t* row5 = kRows > 5 ? RowAddress(args.a, m + 5) : row0;

  VI32 c00 = hn::Load(di32, start), c01 = c00, c02 = c00, c03 = c00;
  if constexpr (kVectors > 1) c01 = hn::Load(di32, start + lanes);
  if constexpr (kVectors > 2) c02 = hn::Load(di32, start + 2 * lanes);
  if constexpr (kVectors > 3) c03 = hn::Load(di32, start + 3 * lanes);
  VI32 c10 = c00, c11 = c01, c12 = c02, c13 = c03;
  VI32 c20 = c00, c21 = c01, c22 = c02, c23 = c03;
  VI32 c30 = c00, c31 = c01, c32 = c02, c33 = c03;
  VI32 c40 = c00, c41 = c01, c42 = c02, c43 = c03;
  VI32 c50 = c00, c51 = c01, c52 = c02, c53 = c03;

  const uint8_t* HWY_RESTRICT b = tile;
  for (size_t s = 0; s < args.a.segments; ++s) {
    const int64_t offset = SegmentOffset(args.a, s);
    if (args.segment_quad) b = tile + args.segment_quad[s] * quad_bytes;
    const uint8_t* a0 = row0 + offset;
    const uint8_t* a1 = row1 + offset;
    const uint8_t* a2 = row2 + offset;
    const uint8_t* a3 = row3 + offset;
    const uint8_t* a4 = row4 + offset;
    const uint8_t* a5 = row5 + offset;
    for (size_t k = 0; k < args.a.k; k += 4) {
      DotRow<kVectors>(a0 + k, b, c00, c01, c02, c03);
      if constexpr (kRows > 1) DotRow<kVectors>(a1 + k, b, c10, c11, c12, c13);
      if constexpr (kRows > 2) DotRow<kVectors>(a2 + k, b, c20, c21, c22, c23);
      if constexpr (kRows > 3) DotRow<kVectors>(a3 + k, b, c30, c31, c32, c33);
      if constexpr (kRows > 4) DotRow<kVectors>(a4 + k, b, c40, c41, c42, c43);
      if constexpr (kRows > 5) DotRow<kVectors>(a5 + k, b, c50, c51, c52, c53);
      b += quad_bytes;
    }
  }

  if (HWY_LIKELY(args.output == GemmOutput::kU8 && !args.residual.base && !args.row_bias)) {
    FinishBytes<kVectors>(args, m, n, columns, c00, c01, c02, c03);
    if constexpr (kRows > 1) FinishBytes<kVectors>(args, m + 1, n, columns, c10, c11, c12, c13);
    if constexpr (kRows > 2) FinishBytes<kVectors>(args, m + 2, n, columns, c20, c21, c22, c23);
    if constexpr (kRows > 3) FinishBytes<kVectors>(args, m + 3, n, columns, c30, c31, c32, c33);
    if constexpr (kRows > 4) FinishBytes<kVectors>(args, m + 4, n, columns, c40, c41, c42, c43);
    if constexpr (kRows > 5) FinishBytes<kVectors>(args, m + 5, n, columns, c50, c51, c52, c53);
    return;
  }
  HWY_ALIGN int32_t acc[kTileRows * 64];
  const size_t step = kVectors * lanes;
  StoreRow<kVectors>(acc, c00, c01, c02, c03);
  if constexpr (kRows > 1) StoreRow<kVectors>(acc + step, c10, c11, c12, c13);
  if constexpr (kRows > 2) StoreRow<kVectors>(acc + 2 * step, c20, c21, c22, c23);
  if constexpr (kRows > 3) StoreRow<kVectors>(acc + 3 * step, c30, c31, c32, c33);
  if constexpr (kRows > 4) StoreRow<kVectors>(acc + 4 * step, c40, c41, c42, c43);
  if constexpr (kRows > 5) StoreRow<kVectors>(acc + 5 * step, c50, c51, c52, c53);
  FinishStored<kVectors>(args, acc, m, kRows, n, columns);
}

// Rows [m, m_end) of one tile's columns.
template <size_t kVectors>
void QGemmPanel(const QGemmArgs& args, const uint8_t* b, size_t m, size_t m_end, size_t n, size_t columns) {
  HWY_ALIGN int32_t start[64];
  StartTile<kVectors>(args, b, n, start);
  while (m < m_end) {
    const size_t rows = NextTile(m_end - m, kTileRows);
    switch (rows) {
      case 1:
        QGemmTile<1, kVectors>(args, b, start, m, n, columns);
        break;
      case 2:
        QGemmTile<2, kVectors>(args, b, start, m, n, columns);
        break;
      case 3:
        QGemmTile<3, kVectors>(args, b, start, m, n, columns);
        break;
      case 4:
        QGemmTile<4, kVectors>(args, b, start, m, n, columns);
        break;
      case 5:
        QGemmTile<std::min<size_t>(5, kTileRows), kVectors>(args, b, start, m, n, columns);
        break;
      default:
        QGemmTile<kTileRows, kVectors>(args, b, start, m, n, columns);
        break;
    }
    m += rows;
  }
}

inline void QGemm(const QGemmArgs& args, size_t m_begin, size_t m_end, size_t n_begin, size_t n_end) {
  const size_t lanes = hn::Lanes(DI32());
  const size_t column_bytes = ColumnBytes(args.quads ? args.quads : args.a.segments * DivideUp(args.a.k, 4));
  const size_t row_bytes = std::max<size_t>(args.a.segments * args.a.k, 1);
  const size_t block = std::max<size_t>(kBlockBytes / row_bytes / kTileRows, 8) * kTileRows;

  for (size_t m = m_begin; m < m_end; m += block) {
    const size_t m_stop = std::min(m + block, m_end);
    for (size_t n = n_begin; n < n_end; n += TileColumns()) {
      const uint8_t* b = static_cast<const uint8_t*>(args.packed) + n * column_bytes;
      const size_t columns = std::min(TileColumns(), args.n - n);
      switch (DivideUp(columns, lanes)) {
        case 1:
          QGemmPanel<1>(args, b, m, m_stop, n, columns);
          break;
        case 2:
          QGemmPanel<2>(args, b, m, m_stop, n, columns);
          break;
#if !HWY_ARCH_X86 || HWY_TARGET <= HWY_AVX3
        case 3:
          QGemmPanel<3>(args, b, m, m_stop, n, columns);
          break;
        default:
          QGemmPanel<4>(args, b, m, m_stop, n, columns);
          break;
#endif
      }
    }
  }
}

inline void RowSums(const SegmentedRows& a, int32_t* sums, size_t m_begin, size_t m_end) {
  const hn::ScalableTag<uint8_t> du8;
  const hn::Repartition<uint64_t, decltype(du8)> du64;
  const size_t lanes = hn::Lanes(du8);
  for (size_t m = m_begin; m < m_end; ++m) {
    auto sum = hn::Zero(du64);
    for (size_t s = 0; s < a.segments; ++s) {
      const uint8_t* row = RowAddress(a, m) + SegmentOffset(a, s);
      size_t k = 0;
      for (; k + lanes <= a.k; k += lanes) sum = hn::Add(sum, hn::SumsOf8(hn::LoadU(du8, row + k)));
      if (k < a.k) sum = hn::Add(sum, hn::SumsOf8(hn::LoadN(du8, row + k, a.k - k)));
    }
    sums[m] = static_cast<int32_t>(hn::ReduceSum(du64, sum));
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_QGEMM_INL_H_
