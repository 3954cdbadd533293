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
inline constexpr size_t kAmxBlockRows = 2 * kAmxRows, kAmxBlockColumns = 2 * kAmxPanel;

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

// Rows of A that fill a tile.
struct AmxRows {
  // The `count` (at most 16) rows from m on.
  AmxRows(const SegmentedRows& a, size_t m, size_t count) : base(RowAddress(a, m)) {
    for (size_t i = 0; i < kAmxRows; ++i) row[i] = RowAddress(a, m + std::min(i, count - 1));
    stride = row[1] - row[0];
    for (size_t i = 2; i < kAmxRows; ++i) {
      if (row[i] - row[i - 1] != stride) stride = 0;
    }
  }

  // Bytes [offset, offset + 64) of each. A tile's rows are equally far apart in memory, so others are brought together.
  template <int kTile>
  HWY_INLINE void Load(int64_t offset, uint8_t* HWY_RESTRICT scratch) const {
    if (HWY_LIKELY(stride != 0)) return AmxLoad<kTile>(base + offset, stride);
    const DU8 du8;
    for (size_t i = 0; i < kAmxRows; ++i) hn::Store(hn::LoadU(du8, row[i] + offset), du8, scratch + i * kAmxDepth);
    AmxLoad<kTile>(scratch, kAmxDepth);
  }

  const uint8_t* base;
  const uint8_t* row[kAmxRows];  // those beyond the last repeat it
  int64_t stride;                // 0: they are not equally far apart
};

// Blocks of accumulators on their way to memory: one is finished, a few rows after each step, while the next is
// multiplied.
class AmxFinisher {
 public:
  explicit AmxFinisher(const QGemmArgs& args)
      : args_(args), plain_(args.output == GemmOutput::kU8 && !args.residual.base && !args.row_bias) {}

  // Where the next block's accumulators go, kAmxBlockColumns to a row. Finishes what is left of the one before the
  // last.
  int32_t* Next() { return accumulators_[current_ ^ 1]; }

  // They are complete; the `steps` to come are those of another.
  void Begin(size_t m, size_t rows, size_t n, size_t steps) {
    Flush();
    current_ ^= 1;
    m_ = m, left_ = rows, n_ = n, columns_ = std::min(kAmxBlockColumns, args_.n - n);
    acc_ = accumulators_[current_];
    steps_ = steps, credit_ = 0, pieces_ = DivideUp(rows, kPiece);
    constexpr void (AmxFinisher::*kFinish[])(size_t) = {&AmxFinisher::Finish<1>, &AmxFinisher::Finish<2>,
                                                        &AmxFinisher::Finish<3>, &AmxFinisher::Finish<4>};
    finish_ = kFinish[DivideUp(columns_, kAmxColumns) - 1];
  }

  HWY_INLINE void Step() {
    for (credit_ += pieces_; credit_ >= steps_ && left_ != 0; credit_ -= steps_) Piece();
  }

  void Flush() {
    while (left_ != 0) Piece();
  }

 private:
  static constexpr size_t kPiece = 4;  // rows

  void Piece() {
    const size_t rows = std::min(left_, kPiece);
    (this->*finish_)(rows);
    acc_ += rows * kAmxBlockColumns;
    m_ += rows, left_ -= rows;
  }

  template <size_t kVectors>
  HWY_NOINLINE void Finish(size_t rows) {
    if (HWY_UNLIKELY(!plain_)) return FinishStored<kVectors>(args_, acc_, kAmxBlockColumns, m_, rows, n_, columns_);
    const DI32 di32;
    const size_t lanes = hn::Lanes(di32);
    for (size_t i = 0; i < rows; ++i) {
      const int32_t* acc = acc_ + i * kAmxBlockColumns;
      const VI32 c0 = hn::Load(di32, acc), c1 = kVectors > 1 ? hn::Load(di32, acc + lanes) : c0;
      const VI32 c2 = kVectors > 2 ? hn::Load(di32, acc + 2 * lanes) : c0;
      const VI32 c3 = kVectors > 3 ? hn::Load(di32, acc + 3 * lanes) : c0;
      FinishBytes<kVectors>(args_, m_ + i, n_, columns_, c0, c1, c2, c3);
    }
  }

  HWY_ALIGN int32_t accumulators_[2][kAmxBlockRows * kAmxBlockColumns];
  const QGemmArgs& args_;
  const bool plain_;
  size_t current_ = 0;
  const int32_t* acc_ = nullptr;
  size_t m_ = 0, left_ = 0, n_ = 0, columns_ = 0;
  void (AmxFinisher::*finish_)(size_t) = nullptr;
  size_t steps_ = 1, credit_ = 0, pieces_ = 0;
};

// kHigh x kWide tiles of accumulators for all of k.
template <size_t kHigh, size_t kWide>
HWY_NOINLINE void AmxProduct(const QGemmArgs& args, const AmxRows* rows, const uint8_t* b, const int32_t* start,
                             int32_t* acc, AmxFinisher& finisher) {
  constexpr int64_t kAccStride = kAmxBlockColumns * sizeof(int32_t);
  HWY_ALIGN uint8_t scratch[8 * kAmxBytes];  // more than one, lest a load wait for the one before
  size_t turn = 0;
  AmxLoad<0>(start, 0);
  if constexpr (kWide > 1) AmxLoad<1>(start + kAmxColumns, 0);
  if constexpr (kHigh > 1) AmxLoad<2>(start, 0);
  if constexpr (kHigh > 1 && kWide > 1) AmxLoad<3>(start + kAmxColumns, 0);
  for (size_t s = 0; s < args.a.segments; ++s) {
    const int64_t begin = SegmentOffset(args.a, s), end = begin + static_cast<int64_t>(args.a.k);
    for (int64_t at = begin; at < end; at += kAmxDepth, b += kAmxStepBytes) {
      AmxLoad<6>(b, kAmxDepth);
      rows[0].Load<4>(at, scratch + turn);
      AmxDot<0, 4, 6>();
      if constexpr (kWide > 1) {
        AmxLoad<7>(b + kAmxBytes, kAmxDepth);
        AmxDot<1, 4, 7>();
      }
      if constexpr (kHigh > 1) {
        rows[1].Load<5>(at, scratch + turn + kAmxBytes);
        AmxDot<2, 5, 6>();
        if constexpr (kWide > 1) AmxDot<3, 5, 7>();
      }
      turn = (turn + 2 * kAmxBytes) % sizeof(scratch);
      finisher.Step();
    }
  }
  AmxStore<0>(acc, kAccStride);
  if constexpr (kWide > 1) AmxStore<1>(acc + kAmxColumns, kAccStride);
  if constexpr (kHigh > 1) AmxStore<2>(acc + kAmxRows * kAmxBlockColumns, kAccStride);
  if constexpr (kHigh > 1 && kWide > 1) AmxStore<3>(acc + kAmxRows * kAmxBlockColumns + kAmxColumns, kAccStride);
}

inline void QAmx(const QGemmArgs& args, size_t m_begin, size_t m_end, size_t n_begin, size_t n_end) {
  const size_t steps = args.a.segments * DivideUp(args.a.k, kAmxDepth);
  const size_t row_bytes = std::max<size_t>(args.a.segments * args.a.k, 1);
  const size_t most = std::max<size_t>(kBlockBytes / row_bytes / kAmxBlockRows, 2) * kAmxBlockRows;
  const AmxTiles tiles;
  AmxFinisher finisher(args);
  HWY_ALIGN int32_t start[kAmxBlockColumns] = {};
  for (size_t m_first = m_begin; m_first < m_end; m_first += most) {
    const size_t m_stop = std::min(m_first + most, m_end);
    for (size_t n = n_begin; n < n_end; n += kAmxBlockColumns) {
      if (args.bias) std::memcpy(start, args.bias + n, sizeof(start));
      const size_t panels = DivideUp(std::min(kAmxBlockColumns, args.n - n), kAmxPanel);
      for (size_t m = m_first; m < m_stop; m += kAmxBlockRows) {
        const size_t count = std::min(kAmxBlockRows, m_stop - m);
        const bool high = count > kAmxRows;
        const AmxRows upper(args.a, m, std::min(kAmxRows, count));
        const AmxRows rows[2] = {upper, high ? AmxRows(args.a, m + kAmxRows, count - kAmxRows) : upper};
        int32_t* acc = finisher.Next();
        for (size_t p = 0; p < panels; ++p) {
          const uint8_t* b = static_cast<const uint8_t*>(args.packed) + (n / kAmxPanel + p) * steps * kAmxStepBytes;
          const bool wide = args.n - n - p * kAmxPanel > kAmxColumns;
          const auto product =
              high ? (wide ? AmxProduct<2, 2> : AmxProduct<2, 1>) : (wide ? AmxProduct<1, 2> : AmxProduct<1, 1>);
          product(args, rows, b, start + p * kAmxPanel, acc + p * kAmxPanel, finisher);
        }
        finisher.Begin(m, count, n, panels * steps);
      }
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
