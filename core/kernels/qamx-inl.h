// The integer matrix product of qgemm-inl.h by tiles of AMX.
//
//            B0   B1      a step of 64 k: four loads for four products, which take twice as long. What multiplies works
//          +----+----+    on its own, so that between steps the rows of the block before are requantized and stored.
//     A0   | C0 | C1 |
//     A1   | C2 | C3 |    Two such, side by side, make a block of 32 rows and 64 columns.
//          +----+----+
//
// Packed weights are panels of 32 columns: for each step a tile of 16 columns, then the next. Segments begin with a
// step; weights of zero meet what is read beyond their end.
#if defined(OCTAVO_CORE_KERNELS_QAMX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_QAMX_INL_H_
#undef OCTAVO_CORE_KERNELS_QAMX_INL_H_
#else
#define OCTAVO_CORE_KERNELS_QAMX_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>

#include "core/kernels/amx-inl.h"
#include "core/kernels/dot-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/qgemm-inl.h"
#include "core/kernels/qpack-inl.h"
#include "core/kernels/rows.h"
#include "hwy/highway.h"

#if OCTAVO_AMX && HWY_TARGET == HWY_AVX3_DL
HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline constexpr size_t kAmxPanel = 2 * kAmxColumns;
inline constexpr size_t kAmxStepBytes = 2 * kAmxBytes;  // of a panel
inline constexpr size_t kAmxPanelRows = 2 * kAmxRows;

// Weights of so many bytes stay in L2.
inline constexpr size_t kAmxWeightBytes = 1024 * 1024;

// The bytes of a segment that the panel from column n on meets: those of all groups that have columns in it.
struct AmxWindow {
  AmxWindow(size_t all, size_t groups, size_t group_k, size_t n) {
    const size_t columns = all / groups;
    const size_t first = n / columns * group_k, end = DivideUp(std::min(n + kAmxPanel, all), columns) * group_k;
    const size_t line = first / kAmxDepth * kAmxDepth;  // where a load of each row is of one cache line, if that does
    begin = DivideUp(end - line, kAmxDepth) == DivideUp(end - first, kAmxDepth) ? line : first;
    k = end - begin;
  }
  size_t steps() const { return DivideUp(k, kAmxDepth); }

  size_t begin, k;
};

// Steps of a segment, at most: groups begin at multiples of `apart` columns from a panel's beginning.
inline size_t AmxSteps(size_t all, size_t groups, size_t group_k) {
  const size_t columns = all / groups, apart = std::gcd(columns, kAmxPanel);
  return DivideUp(std::min(groups, DivideUp(columns - apart + kAmxPanel, columns)) * group_k, kAmxDepth);
}

inline size_t QAmxPackedBytes(size_t n, size_t segments, size_t k) {
  return DivideUp(n, kAmxPanel) * segments * DivideUp(k, kAmxDepth) * kAmxStepBytes;
}

inline void QAmxPack(const GemmWeights& w, void* packed, int32_t* column_sums, size_t n_begin, size_t n_end) {
  const DU8 du8;
  const DI32 di32;
  const uint8_t flip = w.flip ? 0x80 : 0;
  const auto flips = hn::Set(du8, flip);
  const auto ones = hn::Set(DU32(), 0x01010101u);
  const size_t steps = w.segments * DivideUp(w.k, kAmxDepth);
  HWY_ALIGN uint8_t block[kAmxBytes];
  for (size_t n = n_begin; n < DivideUp(n_end, kAmxPanel) * kAmxPanel; n += kAmxColumns) {
    const size_t real = n < w.n ? std::min(kAmxColumns, w.n - n) : 0;
    const uint8_t* corner = static_cast<const uint8_t*>(w.w) + static_cast<int64_t>(n) * w.n_stride;
    uint8_t* to = static_cast<uint8_t*>(packed) + n / kAmxPanel * steps * kAmxStepBytes + n % kAmxPanel * kAmxDepth;
    auto sum = hn::Zero(di32);
    for (size_t s = 0; s < w.segments; ++s, corner += w.segment_stride) {
      for (size_t k = 0; k < w.k; k += kAmxDepth, to += kAmxStepBytes) {
        const size_t depth = std::min(kAmxDepth, w.k - k);
        if (real < kAmxColumns || depth < kAmxDepth) std::memset(block, flip, kAmxBytes);  // 0 once flipped
        if (real > 0) OrderQuads(w, corner + static_cast<int64_t>(k) * w.k_stride, depth, real, kAmxColumns, block);
        for (size_t i = 0; i < kAmxBytes; i += hn::Lanes(du8)) {
          const auto quads = hn::Xor(hn::Load(du8, block + i), flips);
          sum = Dot(ones, quads, sum);
          hn::Store(quads, du8, to + i);
        }
      }
    }
    if (column_sums && real > 0) hn::StoreN(sum, di32, column_sums + n, real);
  }
}

// How rows [m_begin, m_end) of A lie in memory: first and last, and the distance of neighbours, such as pixels. That of
// two lines of pixels is greater, so three rows tell.
struct AmxSpan {
  AmxSpan(const SegmentedRows& a, size_t m_begin, size_t m_end)
      : end(m_end), first(RowAddress(a, m_begin)), last(RowAddress(a, m_end - 1)) {
    if (m_end - m_begin > 1) stride = RowAddress(a, m_begin + 1) - first;
    if (m_end - m_begin > 2) {
      stride = std::min<int64_t>(stride, RowAddress(a, m_begin + 2) - RowAddress(a, m_begin + 1));
    }
  }

  size_t end;
  const uint8_t* first;
  const uint8_t* last;
  int64_t stride = 0;
};

// Some rows of A in a tile, whose own rows are equally far apart. Where theirs are not, the tile has others between
// them that count for nothing: between the ends of two lines of pixels, those of a convolution's frame.
struct AmxRows {
  // As many rows from m on as fit.
  AmxRows(const SegmentedRows& a, const AmxSpan& span, size_t m) : base(RowAddress(a, m)) {
    const uint8_t* const first = base;
    const auto reach = static_cast<int64_t>(kAmxRows - 1) * span.stride;
    const int64_t beyond = first + reach - span.last;  // bytes by which a tile from here on would leave the span
    if (span.stride > 0) {
      const int64_t back = beyond > 0 ? DivideUp(static_cast<size_t>(beyond), static_cast<size_t>(span.stride)) : 0;
      base = first - back * span.stride;
      if (base >= span.first && back < static_cast<int64_t>(kAmxRows)) stride = span.stride;
    }
    if (stride == 0) Gather(a, span, m);
    int64_t next = first - base;
    size_t p = static_cast<size_t>(stride == 0 ? 0 : next / stride);
    for (; stride != 0 && m + count < span.end; ++count, ++p, next += stride) {
      const int64_t at = RowAddress(a, m + count) - base;
      if (at != next) {
        if (at < next || at % stride != 0) break;
        p = static_cast<size_t>(at / stride), next = at;
      }
      if (next > reach) break;
      place[count] = static_cast<uint8_t>(p);
    }
  }

  // Bytes [offset, offset + 64) of each.
  template <int kTile>
  HWY_INLINE void Load(int64_t offset, uint8_t* HWY_RESTRICT scratch) const {
    if (HWY_LIKELY(!gathered)) return AmxLoad<kTile>(base + offset, stride);
    const DU8 du8;
    for (size_t i = 0; i < kAmxRows; ++i) hn::Store(hn::LoadU(du8, row[i] + offset), du8, scratch + i * kAmxDepth);
    AmxLoad<kTile>(scratch, kAmxDepth);
  }

  const uint8_t* base;
  int64_t stride = 0;
  size_t count = 0;
  uint8_t place[kAmxRows];       // of each row in the tile, ascending
  bool gathered = false;         // they are brought together to be loaded, one after the other:
  const uint8_t* row[kAmxRows];  // those beyond the last repeat it

 private:
  // For few rows, and those in no order.
  void Gather(const SegmentedRows& a, const AmxSpan& span, size_t m) {
    count = std::min(kAmxRows, span.end - m);
    base = RowAddress(a, m);
    gathered = count > 1;  // a tile can repeat one row by itself
    for (size_t i = 0; i < kAmxRows; ++i) {
      row[i] = RowAddress(a, m + std::min(i, count - 1));
      place[i] = static_cast<uint8_t>(i);
    }
  }
};

// One product's accumulators and where its results go.
struct AmxSlot {
  HWY_ALIGN int32_t accumulators[kAmxPanelRows * kAmxPanel];
  size_t m, n, columns;
  size_t next = 0, count = 0;    // rows, of those from m on: to be finished next, and all
  uint8_t place[kAmxPanelRows];  // of each row among the accumulators
  void (*finish)(const QGemmArgs&, const AmxSlot&, size_t rows);

  const int32_t* row(size_t i) const { return accumulators + place[i] * kAmxPanel; }
};

// Where two rows of results go, which make a vector of bytes.
class AmxPair {
 public:
  AmxPair(const OutputRows& c, const AmxSlot& slot) : c_(c), slot_(slot), columns_(slot.columns) {}

  HWY_INLINE void Store(size_t i, size_t j, hn::VFromD<DU8> q) const {
    const hn::Half<DU8> half;
    uint8_t* to0 = RowAddress(c_, slot_.m + i) + slot_.n;
    uint8_t* to1 = RowAddress(c_, slot_.m + j) + slot_.n;
    if (HWY_LIKELY(columns_ == kAmxPanel)) {
      hn::StoreU(hn::LowerHalf(half, q), half, to0);
      hn::StoreU(hn::UpperHalf(half, q), half, to1);
    } else {
      hn::StoreN(hn::LowerHalf(half, q), half, to0, columns_);
      hn::StoreN(hn::UpperHalf(half, q), half, to1, columns_);
    }
  }

 private:
  const OutputRows c_;  // copies: for all the compiler knows, results may be written over the arguments
  const AmxSlot& slot_;
  const size_t columns_;
};

// Finish `rows` more rows of a product: bytes, sums with a residual, and what is rarer. An odd last row goes twice.
template <bool kBelowOne>
void AmxFinishBytes(const QGemmArgs& args, const AmxSlot& slot, size_t rows) {
  const DI32 di32;
  const DF32 df32;
  const VF32 m0 = hn::LoadU(df32, args.multiplier + slot.n);
  const VF32 m1 = hn::LoadU(df32, args.multiplier + slot.n + kAmxColumns);
  const ToU8 to_u8{static_cast<int16_t>(args.zero), args.lo, args.hi};
  const AmxPair pair(args.c, slot);
  const auto scale = [&](const int32_t* acc, VF32 m) HWY_ATTR {
    const VI32 c = hn::Load(di32, acc);
    return kBelowOne ? ScaleBelowOne(c, m) : Scale(c, m);
  };
  const size_t end = slot.next + rows;
  for (size_t i = slot.next; i < end; i += 2) {
    const size_t j = std::min(i + 1, end - 1);
    const int32_t *a0 = slot.row(i), *a1 = slot.row(j);
    pair.Store(i, j, to_u8(scale(a0, m0), scale(a0 + kAmxColumns, m1), scale(a1, m0), scale(a1 + kAmxColumns, m1)));
  }
}

inline void AmxFinishSums(const QGemmArgs& args, const AmxSlot& slot, size_t rows) {
  const DI32 di32;
  const Summer sum(args);
  const AmxPair pair(args.c, slot);
  const OutputRows residual = args.residual;
  const float* const multiplier = args.multiplier + slot.n;
  const size_t end = slot.next + rows, m = slot.m, n = slot.n;
  const auto half = [&](const int32_t* acc, const uint8_t* r, size_t column)
                        HWY_ATTR { return sum(hn::Load(di32, acc + column), multiplier + column, r + column); };
  for (size_t i = slot.next; i < end; i += 2) {
    const size_t j = std::min(i + 1, end - 1);
    const int32_t *a0 = slot.row(i), *a1 = slot.row(j);
    const uint8_t *r0 = RowAddress(residual, m + i) + n, *r1 = RowAddress(residual, m + j) + n;
    pair.Store(i, j,
               sum.add.to_u8(half(a0, r0, 0), half(a0, r0, kAmxColumns), half(a1, r1, 0), half(a1, r1, kAmxColumns)));
  }
}

inline void AmxFinishOthers(const QGemmArgs& args, const AmxSlot& slot, size_t rows) {
  for (size_t i = slot.next; i < slot.next + rows; ++i) {
    FinishStored<2>(args, slot.row(i), slot.m + i, 1, slot.n, slot.columns);
  }
}

// Products on their way to memory. While one is computed, a few rows of the one before the last are finished after each
// step: the last one's may not have arrived in the cache yet.
class AmxFinisher {
 public:
  // `steps`: of a product.
  AmxFinisher(const QGemmArgs& args, size_t steps) : args_(args), steps_(steps) {}

  // Where the next product's accumulators go, kAmxPanel to a row.
  int32_t* Next() { return slots_[next_].accumulators; }

  // They are complete: columns from n on of the rows from m on that lie in `tiles` tiles.
  void Begin(size_t m, const AmxRows* rows, size_t tiles, size_t n) {
    AmxSlot& slot = slots_[next_];
    slot.m = m, slot.n = n, slot.columns = std::min(kAmxPanel, args_.n - n);
    slot.next = slot.count = 0;
    for (size_t t = 0; t < tiles; ++t) {
      for (size_t i = 0; i < rows[t].count; ++i) {
        slot.place[slot.count++] = static_cast<uint8_t>(t * kAmxRows + rows[t].place[i]);
      }
    }
    if (args_.output != GemmOutput::kU8 || args_.row_bias) {
      slot.finish = AmxFinishOthers;
    } else if (args_.residual.base) {
      slot.finish = AmxFinishSums;
    } else {
      slot.finish = BelowOne(n) ? AmxFinishBytes<true> : AmxFinishBytes<false>;
    }
    Finish(slots_[finishing_], kAmxPanelRows);
    finishing_ = (next_ + kSlots - 1) % kSlots;
    next_ = (next_ + 1) % kSlots;
    at_once_ = std::max(DivideUp(slots_[finishing_].count, steps_), kFewest);
    at_once_ += at_once_ % 2;
  }

  HWY_INLINE void Step() {
    AmxSlot& slot = slots_[finishing_];
    if (slot.next != slot.count) Finish(slot, at_once_);
  }

  // Finishes all.
  void Flush() {
    for (size_t i = 0; i < kSlots; ++i) Finish(slots_[(finishing_ + i) % kSlots], kAmxPanelRows);
  }

 private:
  static constexpr size_t kSlots = 3;
  static constexpr size_t kFewest = 4;  // rows

  void Finish(AmxSlot& slot, size_t most) {
    const size_t rows = std::min(slot.count - slot.next, most);
    if (rows == 0) return;
    slot.finish(args_, slot, rows);
    slot.next += rows;
  }

  // Whether no multiplier of the panel takes sums out of int32.
  bool BelowOne(size_t n) const {
    const DF32 df32;
    const auto below = [&](size_t i) HWY_ATTR {
      return hn::AllTrue(df32, hn::Lt(hn::Abs(hn::LoadU(df32, args_.multiplier + i)), hn::Set(df32, 1.0f)));
    };
    return below(n) && below(n + kAmxColumns);
  }

  AmxSlot slots_[kSlots];
  const QGemmArgs& args_;
  const size_t steps_;
  size_t next_ = 0, finishing_ = 1;  // slots
  size_t at_once_ = 0;               // rows to finish after a step
};

// kHigh x kWide tiles of accumulators for all of k.
template <size_t kHigh, size_t kWide>
HWY_NOINLINE void AmxProduct(const SegmentedRows& a, const AmxWindow& window, const AmxRows* rows, const uint8_t* b,
                             const int32_t* start, AmxFinisher& finisher) {
  constexpr int64_t kStride = kAmxPanel * sizeof(int32_t);
  HWY_ALIGN uint8_t scratch[2 * kAmxBytes];
  AmxLoad<0>(start, 0);
  if constexpr (kWide > 1) AmxLoad<1>(start + kAmxColumns, 0);
  if constexpr (kHigh > 1) AmxLoad<2>(start, 0);
  if constexpr (kHigh > 1 && kWide > 1) AmxLoad<3>(start + kAmxColumns, 0);
  for (size_t s = 0; s < a.segments; ++s) {
    const int64_t begin = SegmentOffset(a, s) + static_cast<int64_t>(window.begin);
    const int64_t end = begin + static_cast<int64_t>(window.k);
    for (int64_t at = begin; at < end; at += kAmxDepth, b += kAmxStepBytes) {
      AmxLoad<6>(b, kAmxDepth);
      rows[0].Load<4>(at, scratch);
      AmxDot<0, 4, 6>();
      if constexpr (kWide > 1) {
        AmxLoad<7>(b + kAmxBytes, kAmxDepth);
        AmxDot<1, 4, 7>();
      }
      if constexpr (kHigh > 1) {
        rows[1].Load<5>(at, scratch + kAmxBytes);
        AmxDot<2, 5, 6>();
        if constexpr (kWide > 1) AmxDot<3, 5, 7>();
      }
      finisher.Step();
    }
  }
  int32_t* acc = finisher.Next();
  AmxStore<0>(acc, kStride);
  if constexpr (kWide > 1) AmxStore<1>(acc + kAmxColumns, kStride);
  if constexpr (kHigh > 1) AmxStore<2>(acc + kAmxRows * kAmxPanel, kStride);
  if constexpr (kHigh > 1 && kWide > 1) AmxStore<3>(acc + kAmxRows * kAmxPanel + kAmxColumns, kStride);
}

inline void QAmx(const QGemmArgs& args, size_t m_begin, size_t m_end, size_t n_begin, size_t n_end) {
  if (m_begin == m_end) return;
  const size_t steps = args.a.segments * AmxSteps(args.n, args.groups, args.a.k);
  const AmxSpan span(args.a, m_begin, m_end);
  const AmxTiles tiles;
  AmxFinisher finisher(args, steps);
  alignas(64) static constexpr int32_t kNoBias[kAmxPanel] = {};
  // Rows of A are in L1 while panels pass, and panels in L2 while rows do.
  const size_t panels = std::max<size_t>(kAmxWeightBytes / (steps * kAmxStepBytes + 1), 1);
  for (size_t n0 = n_begin; n0 < n_end; n0 += panels * kAmxPanel) {
    const size_t n1 = std::min(n0 + panels * kAmxPanel, n_end);
    for (size_t m = m_begin; m < m_end;) {
      const AmxRows upper(args.a, span, m);
      const bool high = m + upper.count < m_end;
      const AmxRows rows[2] = {upper, high ? AmxRows(args.a, span, m + upper.count) : upper};
      for (size_t n = n0; n < n1; n += kAmxPanel) {
        const uint8_t* b = static_cast<const uint8_t*>(args.packed) + n / kAmxPanel * steps * kAmxStepBytes;
        const bool wide = args.n - n > kAmxColumns;
        const auto product =
            high ? (wide ? AmxProduct<2, 2> : AmxProduct<2, 1>) : (wide ? AmxProduct<1, 2> : AmxProduct<1, 1>);
        const AmxWindow window(args.n, args.groups, args.a.k, n);
        product(args.a, window, rows, b, args.bias ? args.bias + n : kNoBias, finisher);
        finisher.Begin(m, rows, high ? 2 : 1, n);
      }
      m += upper.count + (high ? rows[1].count : 0);
    }
  }
  finisher.Flush();
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();
#endif  // OCTAVO_AMX

#endif  // OCTAVO_CORE_KERNELS_QAMX_INL_H_
