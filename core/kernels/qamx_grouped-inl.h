// Weights of grouped convolutions for the product of qamx-inl.h: a panel of columns meets the bytes of all its groups.
//
//     groups of 8            a panel of 32 columns       of 48
//
//     B0 |##      |          two tiles, each k x 16      #: weights of a group's channels for its columns
//        |  ##    |                                      blank: zeros, where a column meets another group's channels
//     B1 |    ##  |
//        |      ##|
//
// A product of tiles takes as long for a few k as for 64, so zeros that do not make more steps cost nothing.
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
#include "core/kernels/rows.h"
#include "hwy/highway.h"

#if OCTAVO_AMX && HWY_TARGET == HWY_AVX3_DL
HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

inline size_t QAmxGroupedPackedBytes(size_t n, size_t groups, size_t segments, size_t k) {
  return DivideUp(n, kAmxPanel) * segments * AmxSteps(n, groups, k) * kAmxStepBytes;
}

inline void QAmxGroupedPack(const GemmWeights& w, size_t groups, void* packed) {
  const size_t columns = w.n / groups, panel_bytes = w.segments * AmxSteps(w.n, groups, w.k) * kAmxStepBytes;
  std::memset(packed, 0, DivideUp(w.n, kAmxPanel) * panel_bytes);
  for (size_t n = 0; n < w.n; ++n) {
    const AmxWindow window(w.n, groups, w.k, n / kAmxPanel * kAmxPanel);
    const size_t first = n / columns * w.k - window.begin;  // of the window, where the column's group begins
    const auto* from = static_cast<const int8_t*>(w.w) + static_cast<int64_t>(n) * w.n_stride;
    auto* to = static_cast<int8_t*>(packed) + n / kAmxPanel * panel_bytes + n % kAmxPanel / kAmxColumns * kAmxBytes +
               n % kAmxColumns * 4;
    for (size_t s = 0; s < w.segments; ++s, from += w.segment_stride, to += window.steps() * kAmxStepBytes) {
      for (size_t k = 0; k < w.k; ++k) {
        const size_t at = first + k;
        to[at / kAmxDepth * kAmxStepBytes + at % kAmxDepth / 4 * 64 + at % 4] =
            from[static_cast<int64_t>(k) * w.k_stride];
      }
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();
#endif  // OCTAVO_AMX

#endif  // OCTAVO_CORE_KERNELS_QAMX_GROUPED_INL_H_
