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
// The packed matrix is a sequence of such tiles' columns, in each all k of all segments in order.
#if defined(OCTAVO_CORE_KERNELS_FGEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_FGEMM_INL_H_
#undef OCTAVO_CORE_KERNELS_FGEMM_INL_H_
#else
#define OCTAVO_CORE_KERNELS_FGEMM_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

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
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
inline constexpr size_t kFTileVectors = 2;
#else
inline constexpr size_t kFTileVectors = 4;
#endif

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

// Adds what is to be added, applies slope and bounds, and stores one row.
template <size_t kVectors>
HWY_INLINE void FinishFloatRow(const FGemmArgs& args, size_t m, size_t n, size_t columns, VF c0, VF c1, VF c2, VF c3) {
  const DF df;
  const size_t lanes = hn::Lanes(df);
  const VF lo = hn::Set(df, args.lo);
  const VF hi = hn::Set(df, args.hi);
  float* to = reinterpret_cast<float*>(RowAddress(args.c, m)) + n;
  const auto add = [&](const float* HWY_RESTRICT r) HWY_ATTR {
    c0 = hn::Add(c0, hn::LoadU(df, r));
    if constexpr (kVectors > 1) c1 = hn::Add(c1, hn::LoadU(df, r + lanes));
    if constexpr (kVectors > 2) c2 = hn::Add(c2, hn::LoadU(df, r + 2 * lanes));
    if constexpr (kVectors > 3) c3 = hn::Add(c3, hn::LoadU(df, r + 3 * lanes));
  };
  if (args.addend) add(args.addend + n);
  if (args.residual.base) add(reinterpret_cast<const float*>(RowAddress(args.residual, m)) + n);
  // All vectors but the last are whole.
  const auto put = [&](size_t v, VF value) HWY_ATTR {
    if (args.slope != 1) value = Leaky(value, hn::Set(df, args.slope));
    StoreUpTo(ClampedOrNaN(value, lo, hi), df, to + v * lanes, columns - v * lanes);
  };
  put(0, c0);
  if constexpr (kVectors > 1) put(1, c1);
  if constexpr (kVectors > 2) put(2, c2);
  if constexpr (kVectors > 3) put(3, c3);
}

template <size_t kRows, size_t kVectors>
HWY_NOINLINE void FGemmTile(const FGemmArgs& args, const float* HWY_RESTRICT b, size_t m, size_t n, size_t columns) {
  const DF df;
  const size_t lanes = hn::Lanes(df);
  const uint8_t* row0 = RowAddress(args.a, m);
  const uint8_t* row1 = kRows > 1 ? RowAddress(args.a, m + 1) : row0;
  const uint8_t* row2 = kRows > 2 ? RowAddress(args.a, m + 2) : row0;
  const uint8_t* row3 = kRows > 3 ? RowAddress(args.a, m + 3) : row0;
  const uint8_t* row4 = kRows > 4 ? RowAddress(args.a, m + 4) : row0;
  const uint8_t* row5 = kRows > 5 ? RowAddress(args.a, m + 5) : row0;

  VF c00 = hn::Zero(df), c01 = c00, c02 = c00, c03 = c00;
  if (args.bias) {
    c00 = hn::LoadU(df, args.bias + n);
    if constexpr (kVectors > 1) c01 = hn::LoadU(df, args.bias + n + lanes);
    if constexpr (kVectors > 2) c02 = hn::LoadU(df, args.bias + n + 2 * lanes);
    if constexpr (kVectors > 3) c03 = hn::LoadU(df, args.bias + n + 3 * lanes);
  }
  VF c10 = c00, c11 = c01, c12 = c02, c13 = c03;
  VF c20 = c00, c21 = c01, c22 = c02, c23 = c03;
  VF c30 = c00, c31 = c01, c32 = c02, c33 = c03;
  VF c40 = c00, c41 = c01, c42 = c02, c43 = c03;
  VF c50 = c00, c51 = c01, c52 = c02, c53 = c03;

  for (size_t s = 0; s < args.a.segments; ++s) {
    const int64_t offset = SegmentOffset(args.a, s);
    const float* a0 = reinterpret_cast<const float*>(row0 + offset);
    const float* a1 = reinterpret_cast<const float*>(row1 + offset);
    const float* a2 = reinterpret_cast<const float*>(row2 + offset);
    const float* a3 = reinterpret_cast<const float*>(row3 + offset);
    const float* a4 = reinterpret_cast<const float*>(row4 + offset);
    const float* a5 = reinterpret_cast<const float*>(row5 + offset);
    for (size_t k = 0; k < args.a.k; ++k, b += kVectors * lanes) {
      FmaRow<kVectors>(a0 + k, b, c00, c01, c02, c03);
      if constexpr (kRows > 1) FmaRow<kVectors>(a1 + k, b, c10, c11, c12, c13);
      if constexpr (kRows > 2) FmaRow<kVectors>(a2 + k, b, c20, c21, c22, c23);
      if constexpr (kRows > 3) FmaRow<kVectors>(a3 + k, b, c30, c31, c32, c33);
      if constexpr (kRows > 4) FmaRow<kVectors>(a4 + k, b, c40, c41, c42, c43);
      if constexpr (kRows > 5) FmaRow<kVectors>(a5 + k, b, c50, c51, c52, c53);
    }
  }

  FinishFloatRow<kVectors>(args, m, n, columns, c00, c01, c02, c03);
  if constexpr (kRows > 1) FinishFloatRow<kVectors>(args, m + 1, n, columns, c10, c11, c12, c13);
  if constexpr (kRows > 2) FinishFloatRow<kVectors>(args, m + 2, n, columns, c20, c21, c22, c23);
  if constexpr (kRows > 3) FinishFloatRow<kVectors>(args, m + 3, n, columns, c30, c31, c32, c33);
  if constexpr (kRows > 4) FinishFloatRow<kVectors>(args, m + 4, n, columns, c40, c41, c42, c43);
  if constexpr (kRows > 5) FinishFloatRow<kVectors>(args, m + 5, n, columns, c50, c51, c52, c53);
}

template <size_t kVectors>
void FGemmPanel(const FGemmArgs& args, const float* b, size_t m, size_t m_end, size_t n, size_t columns) {
  while (m < m_end) {
#if HWY_NATIVE_FMA
    const size_t rows = NextTile(m_end - m, kFTileRows);
#else
    const size_t rows = 1;  // the emulation has no registers to spare, so more rows would only be more code
#endif
    switch (rows) {
      case 1:
        FGemmTile<1, kVectors>(args, b, m, n, columns);
        break;
#if HWY_NATIVE_FMA
      case 2:
        FGemmTile<2, kVectors>(args, b, m, n, columns);
        break;
      case 3:
        FGemmTile<3, kVectors>(args, b, m, n, columns);
        break;
      case 4:
        FGemmTile<4, kVectors>(args, b, m, n, columns);
        break;
      case 5:
        FGemmTile<5, kVectors>(args, b, m, n, columns);
        break;
      default:
        FGemmTile<6, kVectors>(args, b, m, n, columns);
        break;
#endif
    }
    m += rows;
  }
}

inline void FGemm(const FGemmArgs& args, size_t m_begin, size_t m_end, size_t n_begin, size_t n_end) {
  const size_t lanes = hn::Lanes(DF());
  const size_t column = args.a.segments * args.a.k;
  const size_t row_bytes = std::max<size_t>(column * sizeof(float), 1);
  const size_t block = std::max<size_t>(256 * 1024 / row_bytes / kFTileRows, 8) * kFTileRows;

  for (size_t m = m_begin; m < m_end; m += block) {
    const size_t m_stop = std::min(m + block, m_end);
    for (size_t n = n_begin; n < n_end; n += FTileColumns()) {
      const float* b = static_cast<const float*>(args.packed) + n * column;
      const size_t columns = std::min(FTileColumns(), args.n - n);
      switch (DivideUp(columns, lanes)) {
        case 1:
          FGemmPanel<1>(args, b, m, m_stop, n, columns);
          break;
        case 2:
          FGemmPanel<2>(args, b, m, m_stop, n, columns);
          break;
#if !HWY_ARCH_X86 || HWY_TARGET <= HWY_AVX3
        case 3:
          FGemmPanel<3>(args, b, m, m_stop, n, columns);
          break;
        default:
          FGemmPanel<4>(args, b, m, m_stop, n, columns);
          break;
#endif
      }
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_FGEMM_INL_H_
