// Grouped convolution of u8: the columns of one small group in a vector or two.
//
//             b0 [b1]      one quad (4 k) of a group's columns
//           +---+---+
//   row 0   |c00|c01|      a quad of each row, broadcast by its load, times b
//   ...     |   |   |
//   row 7   |c70|c71|
//           +---+---+
//
// Columns that fill half of a vector fill all of it with two sums each, of even and of odd quads, added in the end: two
// quads are broadcast as one element of 8 bytes. Columns that fill a quarter have vectors no wider than they are; but
// four such groups of one quad fill a vector, of which block i has column i of each group: their quads are adjacent,
// and broadcast as one block.
//
// On the way out, four full vectors of results, of as many rows as that takes, are packed together.
#if defined(OCTAVO_CORE_KERNELS_QGROUPED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_QGROUPED_INL_H_
#undef OCTAVO_CORE_KERNELS_QGROUPED_INL_H_
#else
#define OCTAVO_CORE_KERNELS_QGROUPED_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/kernels/dot-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/requantize-inl.h"
#include "core/kernels/rows.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr size_t kGroupedRows = 8;
#if !HWY_ARCH_X86 || HWY_TARGET <= HWY_AVX3
inline constexpr size_t kMostGroupedVectors = 2;  // machines with 32 registers
#else
inline constexpr size_t kMostGroupedVectors = 1;
#endif
// Vectors of 16 columns can be cut where weights are bytes; pairs of int16 are packed for whole vectors.
#undef OCTAVO_NARROW_GROUPS
#if HWY_ARCH_X86 && OCTAVO_DOT_BYTES
#define OCTAVO_NARROW_GROUPS 1
#else
#define OCTAVO_NARROW_GROUPS 0
#endif

// Whether groups of so many columns fill vectors.
HWY_INLINE bool IsGroupWidth(size_t columns) {
  const size_t lanes = hn::Lanes(DI32());
  for (size_t width = kMostGroupedVectors * lanes; width >= (OCTAVO_NARROW_GROUPS ? 4 : lanes); width /= 2) {
    if (columns == width) return true;
  }
  return false;
}

// Quads side by side in a vector: two of a column, or one of each of four groups.
HWY_INLINE size_t GroupQuads(size_t columns, size_t groups, size_t k) {
  const size_t lanes = hn::Lanes(DI32());
  if (OCTAVO_NARROW_GROUPS && columns == lanes / 2) return 2;
  if (OCTAVO_NARROW_GROUPS && columns == lanes / 4 && k == 4 && groups % 4 == 0) return 4;
  return 1;
}

// k of a column side by side.
HWY_INLINE size_t GroupDepth(size_t quads) { return quads == 2 ? 8 : 4; }

// Of the weights of a group, and of its offsets (dot-inl.h) behind them.
HWY_INLINE size_t GroupWeightBytes(size_t columns, size_t segments, size_t k, size_t quads) {
  return columns * segments * DivideUp(k, GroupDepth(quads)) * GroupDepth(quads) * kWeightBytes;
}
HWY_INLINE size_t GroupBytes(size_t columns, size_t segments, size_t k, size_t quads) {
  return GroupWeightBytes(columns, segments, k, quads) + (kDotOffset ? columns * sizeof(int32_t) : 0);
}

inline size_t QGroupedPackedBytes(size_t n, size_t groups, size_t segments, size_t k) {
  const size_t columns = n / groups;
  if (!IsGroupWidth(columns)) return 0;
  return DivideUp(groups * GroupBytes(columns, segments, k, GroupQuads(columns, groups, k)), 64) * 64;
}

// [group, or four][segment][quad, or two][vector], a group's offsets at its end.
inline void QGroupedPack(const GemmWeights& w, size_t groups, void* packed) {
  const DU8 du8;
  const DI32 di32;
  const size_t quads = GroupQuads(w.n / groups, groups, w.k), depth = GroupDepth(quads);
  const size_t together = quads == 4 ? 4 : 1, columns = w.n / groups * together;
  const auto* base = static_cast<const int8_t*>(w.w);
  uint8_t* to = static_cast<uint8_t*>(packed);
  HWY_ALIGN uint8_t vectors[kMostGroupedVectors * 64];
  for (size_t group = 0; group < w.n; group += columns) {
    auto* offsets = reinterpret_cast<int32_t*>(to + GroupWeightBytes(columns, w.segments, w.k, quads));
    if constexpr (kDotOffset) std::memset(offsets, 0, columns * sizeof(int32_t));
    for (size_t s = 0; s < w.segments; ++s) {
      for (size_t k = 0; k < w.k; k += depth) {
        std::memset(vectors, 0, sizeof(vectors));
        for (size_t j = 0; j < columns; ++j) {
          const int8_t* from = base + static_cast<int64_t>(group + j) * w.n_stride +
                               static_cast<int64_t>(s) * w.segment_stride + static_cast<int64_t>(k) * w.k_stride;
          const size_t place = together == 4 ? j % 4 * 4 + j / 4 : j;
          for (size_t i = 0; i < std::min(depth, w.k - k); ++i, from += w.k_stride) {
            vectors[depth * place + i] = static_cast<uint8_t>(*from);
          }
        }
#if OCTAVO_NARROW_GROUPS
        std::memcpy(to, vectors, columns * depth);
        to += columns * depth;
#else
        for (size_t j = 0; j < columns; j += hn::Lanes(di32), to += hn::Lanes(du8) * kWeightBytes) {
          PackQuads(hn::Load(du8, vectors + 4 * j), to);
          if constexpr (kDotOffset) hn::Store(AddOffset(to, hn::Load(di32, offsets + j)), di32, offsets + j);
        }
#endif
      }
    }
    if constexpr (kDotOffset) to += columns * sizeof(int32_t);
  }
}

// Dot for vectors of D, which may be narrower than DI32, and kQuads of A side by side.
template <size_t kQuads, class D>
HWY_INLINE hn::VFromD<D> DotGroup(D d, const uint8_t* HWY_RESTRICT a, const uint8_t* HWY_RESTRICT b,
                                  hn::VFromD<D> acc) {
  if constexpr (kQuads == 2) {
    uint64_t quads;
    std::memcpy(&quads, a, sizeof(quads));
    return Dot(hn::BitCast(DU32(), hn::Set(hn::Repartition<uint64_t, DU32>(), quads)), LoadWeights(b), acc);
  } else if constexpr (kQuads == 4) {
    return Dot(hn::BitCast(DU32(), hn::LoadDup128(DU8(), a)), LoadWeights(b), acc);
  } else if constexpr (HWY_MAX_LANES_D(D) == HWY_MAX_LANES_D(DI32)) {
    return Dot(LoadQuad(a), LoadWeights(b), acc);
  } else {
    const hn::Repartition<uint8_t, D> du8;
    uint32_t quad;
    std::memcpy(&quad, a, sizeof(quad));
    return hn::SumOfMulQuadAccumulate(d, hn::BitCast(du8, hn::Set(hn::RebindToUnsigned<D>(), quad)),
                                      hn::BitCast(hn::RebindToSigned<decltype(du8)>(), hn::Load(du8, b)), acc);
  }
}

// Two rows of sums of even and odd quads -> the columns of one row, then of the other.
HWY_INLINE VI32 AddQuads(VI32 c0, VI32 c1) {
  return hn::Add(hn::ConcatEven(DI32(), c1, c0), hn::ConcatOdd(DI32(), c1, c0));
}

#if OCTAVO_NARROW_GROUPS
// Columns of four groups, from group after group to column after column or back.
alignas(64) inline constexpr uint8_t kFourGroups[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
template <class V>
HWY_INLINE V ByColumn(V v) {
  return hn::TableLookupLanes(v, hn::IndicesFromVec(hn::DFromV<V>(), LoadWide(kFourGroups)));
}
HWY_INLINE hn::VFromD<DU8> ByGroup(hn::VFromD<DU8> rows) {
  return hn::TableLookupBytes(rows, hn::LoadDup128(DU8(), kFourGroups));
}
#endif

// Rows of a tile and of its results, from the first group on. Rows beyond the last repeat it: they store the same
// again.
struct GroupedRows {
  const uint8_t* a[kGroupedRows];
  uint8_t* c[kGroupedRows];
};

// Four vectors of results to the rows that they hold, at most kGroupedRows.
template <size_t kColumns, size_t kQuads = 1>
HWY_INLINE void StoreGroups(const ToU8& to_u8, VI32 r0, VI32 r1, VI32 r2, VI32 r3, uint8_t* const* c, size_t n) {
  constexpr size_t kRows = std::min(HWY_MAX_LANES_D(DU8) / kColumns, kGroupedRows);
  HWY_ALIGN uint8_t bytes[HWY_MAX_LANES_D(DU8)];
  auto q = to_u8(r0, r1, r2, r3);
#if OCTAVO_NARROW_GROUPS
  if constexpr (kQuads == 4) q = ByGroup(q);
#endif
  hn::Store(q, DU8(), bytes);
  for (size_t row = 0; row < kRows; ++row) std::memcpy(c[row] + n, bytes + row * kColumns, kColumns);
}

// kGroupedRows rows of the group whose columns begin at n and whose bytes begin at `at`.
template <class D, size_t kVectors, size_t kQuads = 1>
HWY_NOINLINE void GroupedTile(const QGemmArgs& args, const GroupedRows& rows, const uint8_t* HWY_RESTRICT b, size_t at,
                              size_t n) {
  const D d;
  using V = hn::VFromD<D>;
  constexpr size_t kLanes = HWY_MAX_LANES_D(D);
  constexpr size_t kStep = 4 * kLanes * kWeightBytes;
  const uint8_t *a0 = rows.a[0], *a1 = rows.a[1], *a2 = rows.a[2], *a3 = rows.a[3];
  const uint8_t *a4 = rows.a[4], *a5 = rows.a[5], *a6 = rows.a[6], *a7 = rows.a[7];

  V c00 = hn::Zero(d), c01 = c00;
  if (args.bias) {
    if constexpr (kQuads == 2) {
      const hn::Repartition<uint64_t, D> du64;
      const hn::Rebind<uint32_t, decltype(du64)> half;
      c00 = hn::BitCast(d, hn::PromoteTo(du64, hn::LoadU(half, reinterpret_cast<const uint32_t*>(args.bias + n))));
    } else {
      c00 = hn::LoadU(d, args.bias + n);
    }
#if OCTAVO_NARROW_GROUPS
    if constexpr (kQuads == 4) c00 = ByColumn(c00);
#endif
    if constexpr (kVectors > 1) c01 = hn::LoadU(d, args.bias + n + kLanes);
  }
  if constexpr (kDotOffset) {
    const auto* offsets =
        reinterpret_cast<const int32_t*>(b + GroupWeightBytes(kVectors * kLanes, args.a.segments, args.a.k, kQuads));
    c00 = hn::Sub(c00, hn::Load(d, offsets));
    if constexpr (kVectors > 1) c01 = hn::Sub(c01, hn::Load(d, offsets + kLanes));
  }
  V c10 = c00, c11 = c01, c20 = c00, c21 = c01, c30 = c00, c31 = c01;
  V c40 = c00, c41 = c01, c50 = c00, c51 = c01, c60 = c00, c61 = c01, c70 = c00, c71 = c01;

  for (size_t s = 0; s < args.a.segments; ++s) {
    const int64_t begin = static_cast<int64_t>(at) + SegmentOffset(args.a, s);
    const int64_t end = begin + static_cast<int64_t>(args.a.k);
    for (int64_t k = begin; k < end; k += 4 * kQuads, b += kVectors * kStep) {
      const auto row = [&](const uint8_t* a, V& c0, V& c1) HWY_ATTR {
        c0 = DotGroup<kQuads>(d, a + k, b, c0);
        if constexpr (kVectors > 1) c1 = DotGroup<kQuads>(d, a + k, b + kStep, c1);
      };
      row(a0, c00, c01);
      row(a1, c10, c11);
      row(a2, c20, c21);
      row(a3, c30, c31);
      row(a4, c40, c41);
      row(a5, c50, c51);
      row(a6, c60, c61);
      row(a7, c70, c71);
    }
  }

  const DF32 df32;
  const float* HWY_RESTRICT multiplier = args.multiplier + n;
  const ToU8 to_u8{static_cast<int16_t>(args.zero), args.lo, args.hi};
  constexpr size_t kColumns = kVectors * kLanes / (kQuads == 2 ? 2 : 1);
  if constexpr (kQuads == 2) {
    const VF32 m = hn::ConcatLowerLower(df32, hn::LoadU(df32, multiplier), hn::LoadU(df32, multiplier));
    StoreGroups<kColumns>(to_u8, Scale(AddQuads(c00, c10), m), Scale(AddQuads(c20, c30), m),
                          Scale(AddQuads(c40, c50), m), Scale(AddQuads(c60, c70), m), rows.c, n);
  } else if constexpr (kVectors == 2) {
    const VF32 m0 = hn::LoadU(df32, multiplier), m1 = hn::LoadU(df32, multiplier + kLanes);
    StoreGroups<kColumns>(to_u8, Scale(c00, m0), Scale(c01, m1), Scale(c10, m0), Scale(c11, m1), rows.c, n);
    StoreGroups<kColumns>(to_u8, Scale(c20, m0), Scale(c21, m1), Scale(c30, m0), Scale(c31, m1), rows.c + 2, n);
    StoreGroups<kColumns>(to_u8, Scale(c40, m0), Scale(c41, m1), Scale(c50, m0), Scale(c51, m1), rows.c + 4, n);
    StoreGroups<kColumns>(to_u8, Scale(c60, m0), Scale(c61, m1), Scale(c70, m0), Scale(c71, m1), rows.c + 6, n);
  } else if constexpr (kLanes == HWY_MAX_LANES_D(DI32)) {
    VF32 m = hn::LoadU(df32, multiplier);
#if OCTAVO_NARROW_GROUPS
    if constexpr (kQuads == 4) m = ByColumn(m);
#endif
    StoreGroups<kColumns, kQuads>(to_u8, Scale(c00, m), Scale(c10, m), Scale(c20, m), Scale(c30, m), rows.c, n);
    StoreGroups<kColumns, kQuads>(to_u8, Scale(c40, m), Scale(c50, m), Scale(c60, m), Scale(c70, m), rows.c + 4, n);
  } else {
    const hn::Twice<D> d2;
    const DI32 d4;
    const V m = hn::BitCast(d, hn::LoadU(hn::RebindToFloat<D>(), multiplier));
    const auto c0 = hn::Combine(d2, c10, c00), c2 = hn::Combine(d2, c30, c20), m2 = hn::Combine(d2, m, m);
    const auto c4 = hn::Combine(d2, c50, c40), c6 = hn::Combine(d2, c70, c60);
    const VF32 mm = hn::BitCast(df32, hn::Combine(d4, m2, m2));
    const VI32 upper = Scale(hn::Combine(d4, c2, c0), mm), lower = Scale(hn::Combine(d4, c6, c4), mm);
    StoreGroups<kColumns>(to_u8, upper, lower, upper, lower, rows.c, n);
  }
}

// 64 columns at a time, group after group on the same rows: they read the same cache lines.
inline void QGrouped(const QGemmArgs& args, size_t m_begin, size_t m_end, size_t n_begin, size_t n_end) {
  [[maybe_unused]] const size_t lanes = hn::Lanes(DI32());
  const size_t columns = args.n / args.groups, quads = GroupQuads(columns, args.groups, args.a.k);
  const size_t step = quads == 4 ? 4 * columns : columns;  // of a tile
  auto tile = GroupedTile<DI32, 1>;
#if !HWY_ARCH_X86 || HWY_TARGET <= HWY_AVX3
  if (columns > lanes) tile = GroupedTile<DI32, 2>;
#endif
#if OCTAVO_NARROW_GROUPS
  if (quads == 2) tile = GroupedTile<DI32, 1, 2>;
#if HWY_TARGET <= HWY_AVX3
  if (quads == 4) tile = GroupedTile<DI32, 1, 4>;
  if (quads == 1 && columns == lanes / 4) tile = GroupedTile<hn::Half<hn::Half<DI32>>, 1>;
#endif
#endif
  const size_t group_bytes = GroupBytes(columns, args.a.segments, args.a.k, quads);
  for (size_t panel = n_begin; panel < n_end; panel += 64) {
    for (size_t m = m_begin; m < m_end; m += kGroupedRows) {
      GroupedRows rows;
      for (size_t i = 0; i < kGroupedRows; ++i) {
        rows.a[i] = RowAddress(args.a, std::min(m + i, m_end - 1));
        rows.c[i] = RowAddress(args.c, std::min(m + i, m_end - 1));
      }
      for (size_t n = panel; n < std::min(panel + 64, n_end); n += step) {
        const size_t group = n / columns;
        tile(args, rows, static_cast<const uint8_t*>(args.packed) + group * group_bytes, group * args.a.k, n);
      }
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_QGROUPED_INL_H_
