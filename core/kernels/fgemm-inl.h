// The float matrix product. Every output element is one chain of fused multiply-adds, k ascending, so its bits depend
// on neither the tile, the vector length nor the number of threads.
//
//             b0  b1  b2  b3     one k of 4 vectors of columns: 64 columns with 512 bits
//           +---+---+---+---+
//   row 0   |c00|c01|c02|c03|    one element of each row, broadcast, times all of b
//   ...     |   |   |   |   |
//   row 5   |c50|c51|c52|c53|
//           +---+---+---+---+
//
// The packed matrix is a sequence of panels of such tiles' columns, in each all k of all segments in order. A slice of
// k of one panel stays in the second level of cache while a block of rows multiplies it, and meanwhile the next one is
// fetched: deep layers of few pixels multiply each weight too rarely to wait for it. Between slices sums lie in C.
#if defined(OCTAVO_CORE_KERNELS_FGEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_FGEMM_INL_H_
#undef OCTAVO_CORE_KERNELS_FGEMM_INL_H_
#else
#define OCTAVO_CORE_KERNELS_FGEMM_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/kernels/float-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/rows.h"
#include "core/kernels/store-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::CappedTag<float, 16>;
using VF = hn::VFromD<DF>;

inline constexpr size_t kFTileRows = 6;
inline constexpr size_t kCacheLine = 64;  // bytes
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
inline constexpr size_t kFTileVectors = 2;
#else
inline constexpr size_t kFTileVectors = 4;
#endif

// Rows whose part of A has this size stay in a second level of 1 MB, beside two slices (of 128 KB with 64 columns).
inline constexpr size_t kFBlockBytes = 512 * 1024;
inline constexpr size_t kFSliceK = 512;

// A panel's columns, and where a slice stands in their sums: unless it begins them, they lie in C, and unless it ends
// them, it leaves them there.
struct FSlice {
  size_t columns;
  bool begins, ends;
};

HWY_INLINE size_t FTileColumns() { return kFTileVectors * hn::Lanes(DF()); }

HWY_INLINE size_t FPackedColumns(size_t n) { return DivideUp(n, hn::Lanes(DF())) * hn::Lanes(DF()); }

inline size_t FGemmPackedBytes(size_t n, size_t segments, size_t k) {
  return DivideUp(FPackedColumns(n) * segments * k * sizeof(float), 64) * 64;
}

inline void FGemmPack(const GemmWeights& w, void* packed, size_t n_begin, size_t n_end) {
  for (size_t tile = n_begin; tile < n_end; tile += FTileColumns()) {
    float* to = static_cast<float*>(packed) + tile * w.segments * w.k;
    const size_t columns = std::min(FTileColumns(), FPackedColumns(w.n) - tile);
    const size_t real = std::min(columns, w.n - tile);
    const uint8_t* corner = static_cast<const uint8_t*>(w.w) + static_cast<int64_t>(tile) * w.n_stride;
    for (size_t s = 0; s < w.segments; ++s) {
      for (size_t k = 0; k < w.k; ++k, to += columns) {
        const uint8_t* from =
            corner + static_cast<int64_t>(s) * w.segment_stride + static_cast<int64_t>(k) * w.k_stride;
        for (size_t j = 0; j < real; ++j, from += w.n_stride) to[j] = *reinterpret_cast<const float*>(from);
        std::fill(to + real, to + columns, 0.0f);
      }
    }
  }
}

template <size_t kVectors>
HWY_INLINE void FmaRow(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, VF& c0, VF& c1, VF& c2, VF& c3) {
  const DF df;
  const size_t lanes = hn::Lanes(df);
  const VF x = hn::Set(df, *a);
  c0 = FusedMulAdd(df, x, hn::Load(df, b), c0);
  if constexpr (kVectors > 1) c1 = FusedMulAdd(df, x, hn::Load(df, b + lanes), c1);
  if constexpr (kVectors > 2) c2 = FusedMulAdd(df, x, hn::Load(df, b + 2 * lanes), c2);
  if constexpr (kVectors > 3) c3 = FusedMulAdd(df, x, hn::Load(df, b + 3 * lanes), c3);
}

// Adds what is to be added to a tile's sums, applies slope and bounds, and stores the rows; unless the slice ends the
// sums, stores these. One function for all tiles: inside each it would be most of their code.
HWY_NOINLINE inline void FinishTile(const FGemmArgs& args, const float* HWY_RESTRICT sums, size_t m, size_t rows,
                                    size_t n, FSlice slice) {
  const DF df;
  const size_t lanes = hn::Lanes(df);
  const VF lo = hn::Set(df, args.lo), hi = hn::Set(df, args.hi), slope = hn::Set(df, args.slope);
  const bool leaky = args.slope != 1;
  const float* addend = args.addend ? args.addend + n : nullptr;
  for (size_t row = m; row < m + rows; ++row) {
    float* HWY_RESTRICT to = reinterpret_cast<float*>(RowAddress(args.c, row)) + n;
    const float* residual =
        args.residual.base ? reinterpret_cast<const float*>(RowAddress(args.residual, row)) + n : nullptr;
    for (size_t j = 0; j < slice.columns; j += lanes, sums += lanes) {
      VF c = hn::Load(df, sums);
      if (slice.ends) {
        if (addend) c = hn::Add(c, hn::LoadU(df, addend + j));
        if (residual) c = hn::Add(c, hn::LoadU(df, residual + j));
        if (leaky) c = Leaky(c, slope);
        c = ClampedOrNaN(c, lo, hi);
      }
      StoreUpTo(c, df, to + j, slice.columns - j);
    }
  }
}

template <size_t kVectors>
HWY_INLINE void LoadSums(const float* from, VF& c0, VF& c1, VF& c2, VF& c3) {
  const DF df;
  const size_t lanes = hn::Lanes(df);
  c0 = hn::LoadU(df, from);
  if constexpr (kVectors > 1) c1 = hn::LoadU(df, from + lanes);
  if constexpr (kVectors > 2) c2 = hn::LoadU(df, from + 2 * lanes);
  if constexpr (kVectors > 3) c3 = hn::LoadU(df, from + 3 * lanes);
}

template <size_t kVectors>
HWY_INLINE void StoreSums(VF c0, VF c1, VF c2, VF c3, float* to) {
  const DF df;
  const size_t lanes = hn::Lanes(df);
  hn::Store(c0, df, to);
  if constexpr (kVectors > 1) hn::Store(c1, df, to + lanes);
  if constexpr (kVectors > 2) hn::Store(c2, df, to + 2 * lanes);
  if constexpr (kVectors > 3) hn::Store(c3, df, to + 3 * lanes);
}

// `ahead`: null, or from where on to fetch a line of cache with each k. Only panels of whole tiles are cut into slices.
template <size_t kRows, size_t kVectors>
HWY_NOINLINE void FGemmTile(const FGemmArgs& args, const float* HWY_RESTRICT b, size_t m, size_t n, FSlice slice,
                            const uint8_t* HWY_RESTRICT ahead) {
  const DF df;
  const size_t lanes = hn::Lanes(df);
  const uint8_t* row0 = RowAddress(args.a, m);
  const uint8_t* row1 = kRows > 1 ? RowAddress(args.a, m + 1) : row0;
  const uint8_t* row2 = kRows > 2 ? RowAddress(args.a, m + 2) : row0;
  const uint8_t* row3 = kRows > 3 ? RowAddress(args.a, m + 3) : row0;
  const uint8_t* row4 = kRows > 4 ? RowAddress(args.a, m + 4) : row0;
  const uint8_t* row5 = kRows > 5 ? RowAddress(args.a, m + 5) : row0;

  VF c00 = hn::Zero(df), c01 = c00, c02 = c00, c03 = c00;
  if (args.bias) LoadSums<kVectors>(args.bias + n, c00, c01, c02, c03);
  VF c10 = c00, c11 = c01, c12 = c02, c13 = c03;
  VF c20 = c00, c21 = c01, c22 = c02, c23 = c03;
  VF c30 = c00, c31 = c01, c32 = c02, c33 = c03;
  VF c40 = c00, c41 = c01, c42 = c02, c43 = c03;
  VF c50 = c00, c51 = c01, c52 = c02, c53 = c03;
  const auto so_far = [&](size_t row) { return reinterpret_cast<float*>(RowAddress(args.c, m + row)) + n; };
  if (kVectors == kFTileVectors && !slice.begins) {
    LoadSums<kVectors>(so_far(0), c00, c01, c02, c03);
    if constexpr (kRows > 1) LoadSums<kVectors>(so_far(1), c10, c11, c12, c13);
    if constexpr (kRows > 2) LoadSums<kVectors>(so_far(2), c20, c21, c22, c23);
    if constexpr (kRows > 3) LoadSums<kVectors>(so_far(3), c30, c31, c32, c33);
    if constexpr (kRows > 4) LoadSums<kVectors>(so_far(4), c40, c41, c42, c43);
    if constexpr (kRows > 5) LoadSums<kVectors>(so_far(5), c50, c51, c52, c53);
  }

  for (size_t s = 0; s < args.a.segments; ++s) {
    const int64_t offset = SegmentOffset(args.a, s);
    const float* a0 = reinterpret_cast<const float*>(row0 + offset);
    const float* a1 = reinterpret_cast<const float*>(row1 + offset);
    const float* a2 = reinterpret_cast<const float*>(row2 + offset);
    const float* a3 = reinterpret_cast<const float*>(row3 + offset);
    const float* a4 = reinterpret_cast<const float*>(row4 + offset);
    const float* a5 = reinterpret_cast<const float*>(row5 + offset);
    for (size_t k = 0; k < args.a.k; ++k, b += kVectors * lanes) {
      if (ahead) {
        __builtin_prefetch(ahead, 0, 2);
        ahead += kCacheLine;
      }
      FmaRow<kVectors>(a0 + k, b, c00, c01, c02, c03);
      if constexpr (kRows > 1) FmaRow<kVectors>(a1 + k, b, c10, c11, c12, c13);
      if constexpr (kRows > 2) FmaRow<kVectors>(a2 + k, b, c20, c21, c22, c23);
      if constexpr (kRows > 3) FmaRow<kVectors>(a3 + k, b, c30, c31, c32, c33);
      if constexpr (kRows > 4) FmaRow<kVectors>(a4 + k, b, c40, c41, c42, c43);
      if constexpr (kRows > 5) FmaRow<kVectors>(a5 + k, b, c50, c51, c52, c53);
    }
  }

  HWY_ALIGN float sums[kRows * kVectors * hn::MaxLanes(DF())];
  const size_t step = kVectors * lanes;
  StoreSums<kVectors>(c00, c01, c02, c03, sums);
  if constexpr (kRows > 1) StoreSums<kVectors>(c10, c11, c12, c13, sums + step);
  if constexpr (kRows > 2) StoreSums<kVectors>(c20, c21, c22, c23, sums + 2 * step);
  if constexpr (kRows > 3) StoreSums<kVectors>(c30, c31, c32, c33, sums + 3 * step);
  if constexpr (kRows > 4) StoreSums<kVectors>(c40, c41, c42, c43, sums + 4 * step);
  if constexpr (kRows > 5) StoreSums<kVectors>(c50, c51, c52, c53, sums + 5 * step);
  FinishTile(args, sums, m, kRows, n, slice);
}

template <size_t kVectors>
void FGemmPanel(const FGemmArgs& args, const float* b, size_t m, size_t m_end, size_t n, FSlice slice) {
  // Tiles take turns in fetching the slice that follows.
  const size_t k = args.a.segments * args.a.k;
  const size_t bytes = kVectors * hn::Lanes(DF()) * sizeof(float);
  const size_t turns = DivideUp(bytes, kCacheLine), tiles = DivideUp(m_end - m, kFTileRows);
  const uint8_t* ahead = reinterpret_cast<const uint8_t*>(b) + k * bytes;
  for (size_t tile = 0; m < m_end; ++tile) {
    const uint8_t* fetch = nullptr;
    if ((tile + 1) * turns / tiles > tile * turns / tiles) {
      fetch = ahead;
      ahead += k * kCacheLine;
    }
#if HWY_NATIVE_FMA
    const size_t rows = NextTile(m_end - m, kFTileRows);
#else
    const size_t rows = 1;  // the emulation has no registers to spare, so more rows would only be more code
#endif
    switch (rows) {
      case 1:
        FGemmTile<1, kVectors>(args, b, m, n, slice, fetch);
        break;
#if HWY_NATIVE_FMA
      case 2:
        FGemmTile<2, kVectors>(args, b, m, n, slice, fetch);
        break;
      case 3:
        FGemmTile<3, kVectors>(args, b, m, n, slice, fetch);
        break;
      case 4:
        FGemmTile<4, kVectors>(args, b, m, n, slice, fetch);
        break;
      case 5:
        FGemmTile<5, kVectors>(args, b, m, n, slice, fetch);
        break;
      default:
        FGemmTile<6, kVectors>(args, b, m, n, slice, fetch);
        break;
#endif
    }
    m += rows;
  }
}

inline void FGemmColumns(const FGemmArgs& args, const float* b, size_t m, size_t m_end, size_t n, FSlice slice) {
  switch (DivideUp(slice.columns, hn::Lanes(DF()))) {
    case 1:
      FGemmPanel<1>(args, b, m, m_end, n, slice);
      break;
    case 2:
      FGemmPanel<2>(args, b, m, m_end, n, slice);
      break;
#if !HWY_ARCH_X86 || HWY_TARGET <= HWY_AVX3
    case 3:
      FGemmPanel<3>(args, b, m, m_end, n, slice);
      break;
    default:
      FGemmPanel<4>(args, b, m, m_end, n, slice);
      break;
#endif
  }
}

// How many bytes of A the rows read: less than all their products where windows overlap.
inline size_t FRowBytes(const SegmentedRows& a, size_t m_begin, size_t m_end) {
  const int64_t rows = RowAddress(a, m_end - 1) - RowAddress(a, m_begin);
  const int64_t segments = SegmentOffset(a, a.segments - 1) - SegmentOffset(a, 0);
  const size_t span = static_cast<size_t>(std::abs(rows) + std::abs(segments)) + a.k * sizeof(float);
  return std::min(span, (m_end - m_begin) * a.segments * a.k * sizeof(float));
}

inline void FGemm(const FGemmArgs& args, size_t m_begin, size_t m_end, size_t n_begin, size_t n_end) {
  if (m_begin >= m_end) return;
  const SegmentedRows& a = args.a;
  const size_t blocks = std::max<size_t>(DivideUp(FRowBytes(a, m_begin, m_end), kFBlockBytes), 1);
  const size_t block = DivideUp(m_end - m_begin, blocks * kFTileRows) * kFTileRows;
  const size_t depth = std::max<size_t>(a.k, 1);
  FGemmArgs part = args;
  for (size_t m = m_begin; m < m_end; m += block) {
    const size_t m_stop = std::min(m + block, m_end);
    for (size_t n = n_begin; n < n_end; n += FTileColumns()) {
      const float* b = static_cast<const float*>(args.packed) + n * a.segments * a.k;
      const size_t columns = std::min(FTileColumns(), args.n - n);
      const bool whole = columns == FTileColumns();
      // Several segments, or a part of one.
      const size_t segments = whole ? std::max<size_t>(kFSliceK / depth, 1) : a.segments;
      const size_t k_step = whole ? DivideUp(depth, DivideUp(depth, kFSliceK)) : depth;
      for (size_t s = 0; s < a.segments; s += segments) {
        part.a.segments = std::min(segments, a.segments - s);
        if (a.segment_offset) part.a.segment_offset = a.segment_offset + s;
        for (size_t k = 0; k < depth; k += k_step) {
          part.a.base = static_cast<const uint8_t*>(a.base) + k * sizeof(float);
          part.a.k = std::min(k_step, a.k - k);
          const bool ends = s + segments >= a.segments && k + k_step >= depth;
          FGemmColumns(part, b, m, m_stop, n, {columns, s == 0 && k == 0, ends});
          b += part.a.segments * part.a.k * FPackedColumns(columns);
        }
      }
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_FGEMM_INL_H_
