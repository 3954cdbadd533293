// The integer matrix product of qgemm-inl.h by tiles of AMX.
//
//            B0   B1      a step of 64 k: four loads for four products, which take twice as long. What multiplies works
//          +----+----+    on its own, so that between steps vectors are free: they requantize and store rows of the
//     A0   | C0 | C1 |    product before the last.
//     A1   | C2 | C3 |
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

// So many bytes stay in L2.
inline constexpr size_t kAmxCacheBytes = 1024 * 1024;

// What of each segment the panels multiply, in steps of at most 64 bytes: all or, with groups, those of all groups that
// have columns in a panel.
struct AmxWindows {
  AmxWindows(size_t n, size_t groups, size_t k) : n(n), columns(n / groups), group_k(k) {
    const size_t apart = std::gcd(columns, kAmxPanel);  // groups begin at multiples of it from a panel's beginning
    const size_t widest = std::min(groups, DivideUp(columns - apart + kAmxPanel, columns)) * k;
    steps = DivideUp(widest, kAmxDepth);
    if (groups > 1) depth = DivideUp(DivideUp(widest, steps), 4) * 4;
  }

  size_t begin(size_t panel) const { return panel / columns * group_k; }
  size_t end(size_t panel) const { return DivideUp(std::min(panel + kAmxPanel, n), columns) * group_k; }
  size_t step_bytes() const { return kAmxPanel * depth; }
  size_t panel_bytes(size_t segments) const { return segments * steps * step_bytes(); }

  size_t n, columns, group_k;
  size_t steps;              // of a segment, at most
  size_t depth = kAmxDepth;  // of each, in bytes
};

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

// Weights on their way into L2 while the panel before them multiplies: some lines after each of its steps.
class AmxAhead {
 public:
  AmxAhead() = default;
  AmxAhead(const uint8_t* from, size_t bytes, size_t steps)
      : at_(from), end_(from + bytes), lines_(DivideUp(DivideUp(bytes, 64), steps)) {}

  HWY_INLINE void Step() {
    for (size_t i = 0; i < lines_ && at_ < end_; ++i, at_ += 64) __builtin_prefetch(at_, 0, 2);
  }

 private:
  const uint8_t* at_ = nullptr;
  const uint8_t* end_ = nullptr;
  size_t lines_ = 0;
};

// kHigh x kWide tiles of accumulators for all of k.
template <size_t kHigh, size_t kWide>
HWY_NOINLINE void AmxProduct(const SegmentedRows& a, const AmxWindows& windows, size_t n, const AmxRows* rows,
                             const uint8_t* b, const int32_t* start, AmxFinisher& finisher, AmxAhead& ahead) {
  constexpr int64_t kStride = kAmxPanel * sizeof(int32_t);
  HWY_ALIGN uint8_t scratch[2 * kAmxBytes];
  AmxLoad<0>(start, 0);
  if constexpr (kWide > 1) AmxLoad<1>(start + kAmxColumns, 0);
  if constexpr (kHigh > 1) AmxLoad<2>(start, 0);
  if constexpr (kHigh > 1 && kWide > 1) AmxLoad<3>(start + kAmxColumns, 0);
  const auto begin = static_cast<int64_t>(windows.begin(n)), end = static_cast<int64_t>(windows.end(n));
  const auto depth = static_cast<int64_t>(windows.depth);
  for (size_t s = 0; s < a.segments; ++s) {
    const int64_t offset = SegmentOffset(a, s);
    for (int64_t at = offset + begin; at < offset + end; at += depth, b += windows.step_bytes()) {
      AmxLoad<6>(b, kAmxDepth);
      rows[0].Load<4>(at, scratch);
      AmxDot<0, 4, 6>();
      if constexpr (kWide > 1) {
        AmxLoad<7>(b + kAmxColumns * depth, kAmxDepth);
        AmxDot<1, 4, 7>();
      }
      if constexpr (kHigh > 1) {
        rows[1].Load<5>(at, scratch + kAmxBytes);
        AmxDot<2, 5, 6>();
        if constexpr (kWide > 1) AmxDot<3, 5, 7>();
      }
      finisher.Step();
      ahead.Step();
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
  const AmxWindows windows(args.n, args.groups, args.a.k);
  const size_t panel_bytes = windows.panel_bytes(args.a.segments);
  const AmxSpan span(args.a, m_begin, m_end);
  const AmxTiles tiles(windows.depth);
  AmxFinisher finisher(args, args.a.segments * windows.steps);
  alignas(64) static constexpr int32_t kNoBias[kAmxPanel] = {};
  // Of weights and A, the smaller is read again and again from L2. Weights come from further away: where they are the
  // larger, each panel comes while the one before it multiplies all rows. Else all panels multiply rows that are in L1.
  const size_t steps = args.a.segments * windows.steps, all = DivideUp(n_end - n_begin, kAmxPanel);
  const auto a_bytes = static_cast<size_t>(std::max<int64_t>(span.last - span.first, 0));
  const bool panelwise = a_bytes <= kAmxCacheBytes && a_bytes < all * panel_bytes;
  const size_t panels = panelwise ? 1 : std::max<size_t>(kAmxCacheBytes / (panel_bytes + 1), 1);
  for (size_t n0 = n_begin; n0 < n_end; n0 += panels * kAmxPanel) {
    const size_t n1 = std::min(n0 + panels * kAmxPanel, n_end);
    const uint8_t* packed = static_cast<const uint8_t*>(args.packed) + n0 / kAmxPanel * panel_bytes;
    AmxAhead ahead;
    if (n1 < n_end) {
      const size_t products = panels * DivideUp(m_end - m_begin, kAmxPanelRows);
      ahead = AmxAhead(packed + panels * panel_bytes, std::min(panels, DivideUp(n_end - n1, kAmxPanel)) * panel_bytes,
                       products * steps);
    }
    for (size_t m = m_begin; m < m_end;) {
      const AmxRows upper(args.a, span, m);
      const bool high = m + upper.count < m_end;
      const AmxRows rows[2] = {upper, high ? AmxRows(args.a, span, m + upper.count) : upper};
      for (size_t n = n0; n < n1; n += kAmxPanel) {
        const uint8_t* b = packed + (n - n0) / kAmxPanel * panel_bytes;
        const bool wide = args.n - n > kAmxColumns;
        const auto product =
            high ? (wide ? AmxProduct<2, 2> : AmxProduct<2, 1>) : (wide ? AmxProduct<1, 2> : AmxProduct<1, 1>);
        product(args.a, windows, n, rows, b, args.bias ? args.bias + n : kNoBias, finisher, ahead);
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
