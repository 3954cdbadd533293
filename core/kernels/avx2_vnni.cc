// Kernels for AVX2 and AVX-VNNI, which is no target of Highway: a processor that has them but no AVX-512 runs the
// kernels of AVX2, and these that multiply bytes.
//
// They are the same text as those of AVX2 but for one instruction, hence another namespace, lest the linker take one
// for the other.
#define OCTAVO_IN_AVX2_VNNI
#define N_AVX2 N_AVX2_VNNI

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/avx2_vnni.cc"
// clang-format off: foreach_target.h comes first
#include "hwy/foreach_target.h"
// clang-format on

#include "core/kernels/dispatch.h"
#include "core/kernels/peak-inl.h"
#include "core/kernels/qdepthwise-inl.h"
#include "core/kernels/qgemm-inl.h"
#include "core/kernels/qgrouped-inl.h"
#include "core/kernels/qpack-inl.h"
#include "hwy/highway.h"

#if OCTAVO_AVX2_VNNI && HWY_TARGET == HWY_AVX2
HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

void FillDots(KernelTable& table) {
  table.dot = true;
  table.dot_chains = DotChains;
  table.qtile_rows = kTileRows;
  table.qgemm_packed_bytes = QGemmPackedBytes;
  table.qgemm_pack = QGemmPack;
  table.qgemm = QGemm;
  table.qgrouped_packed_bytes = QGroupedPackedBytes;
  table.qgrouped_pack = QGroupedPack;
  table.qgrouped = QGrouped;
  table.qdepthwise_packed_bytes = QDepthwisePackedBytes;
  table.qdepthwise_pack = QDepthwisePack;
  table.qdepthwise = QDepthwise;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE

#if OCTAVO_AVX2_VNNI
#include <cpuid.h>
#endif

namespace octavo {

#if OCTAVO_AVX2_VNNI
void FillAvx2Vnni(KernelTable& table) { N_AVX2_VNNI::FillDots(table); }

bool UsableAvx2Vnni() {
  constexpr unsigned kAvxVnni = 1u << 4;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & kAvxVnni) != 0;
}
#else
void FillAvx2Vnni(KernelTable&) {}
bool UsableAvx2Vnni() { return false; }
#endif

}  // namespace octavo
#endif
