// Weights of grouped convolutions for the product of qamx-inl.h: a panel of columns meets the bytes of all its groups.
//
//     groups of 8            a panel of 32 columns       of 48
//
//     B0 |##      |          two tiles, each k x 16      #: weights of a group's channels for its columns
//        |  ##    |                                      blank: zeros, where a column meets another group's channels
//     B1 |    ##  |
//        |      ##|
//
// A product of tiles takes as long for a few k as for 64, so these zeros cost nothing but their bytes. Tiles are no
// deeper than the panels of a convolution need, and panels of two large groups take several steps. Groups of one quad,
// which fill vectors without any zeros, are left to those (qgrouped-inl.h).
#if defined(OCTAVO_CORE_KERNELS_QAMX_GROUPED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_QAMX_GROUPED_INL_H_
#undef OCTAVO_CORE_KERNELS_QAMX_GROUPED_INL_H_
#else
#define OCTAVO_CORE_KERNELS_QAMX_GROUPED_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/kernels/amx-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/qamx-inl.h"
#include "core/kernels/qgrouped-inl.h"
#include "core/kernels/rows.h"
#include "hwy/highway.h"

#if OCTAVO_AMX && HWY_TARGET == HWY_AVX3_DL
HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

HWY_INLINE bool FillVectors(size_t n, size_t groups, size_t k) { return GroupQuads(n / groups, groups, k) == 4; }

inline size_t QAmxGroupedPackedBytes(size_t n, size_t groups, size_t segments, size_t k) {
  if (FillVectors(n, groups, k)) return QGroupedPackedBytes(n, groups, segments, k);
  return DivideUp(n, kAmxPanel) * AmxWindows(n, groups, k).panel_bytes(segments);
}

inline void QAmxGroupedPack(const GemmWeights& w, size_t groups, void* packed) {
  if (FillVectors(w.n, groups, w.k)) return QGroupedPack(w, groups, packed);
  const AmxWindows windows(w.n, groups, w.k);
  const size_t panel_bytes = windows.panel_bytes(w.segments), depth = windows.depth;
  std::memset(packed, 0, DivideUp(w.n, kAmxPanel) * panel_bytes);
  for (size_t n = 0; n < w.n; ++n) {
    const size_t panel = n / kAmxPanel * kAmxPanel;
    const size_t begin = windows.begin(n) - windows.begin(panel);  // of the column's group
    const size_t steps = DivideUp(windows.end(panel) - windows.begin(panel), depth);
    const auto* from = static_cast<const int8_t*>(w.w) + static_cast<int64_t>(n) * w.n_stride;
    auto* to = static_cast<int8_t*>(packed) + n / kAmxPanel * panel_bytes +
               (n - panel) / kAmxColumns * kAmxColumns * depth + n % kAmxColumns * 4;
    for (size_t s = 0; s < w.segments; ++s, from += w.segment_stride, to += steps * windows.step_bytes()) {
      for (size_t k = 0; k < w.k; ++k) {
        const size_t step = (begin + k) / depth, at = (begin + k) % depth;
        to[step * windows.step_bytes() + at / 4 * 64 + at % 4] = from[static_cast<int64_t>(k) * w.k_stride];
      }
    }
  }
}

inline void QAmxGrouped(const QGemmArgs& args, size_t m_begin, size_t m_end, size_t n_begin, size_t n_end) {
  const auto kernel = FillVectors(args.n, args.groups, args.a.k) ? QGrouped : QAmx;
  kernel(args, m_begin, m_end, n_begin, n_end);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();
#endif  // OCTAVO_AMX

#endif  // OCTAVO_CORE_KERNELS_QAMX_GROUPED_INL_H_
