// Kernels for AMX, which is no target of Highway: a processor that has it runs those of AVX3_DL but for these.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/amx.cc"
// clang-format off: foreach_target.h comes first
#include "hwy/foreach_target.h"
// clang-format on

#include "core/kernels/amx-inl.h"
#include "core/kernels/dispatch.h"
#include "core/kernels/qamx-inl.h"
#include "core/kernels/qamx_grouped-inl.h"
#include "hwy/highway.h"

#if OCTAVO_AMX && HWY_TARGET == HWY_AVX3_DL
HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

double AmxDotChains(size_t rounds) {
  const AmxTiles tiles;
  for (size_t i = 0; i < rounds; ++i) {
    AmxDot<0, 4, 6>();
    AmxDot<1, 4, 7>();
    AmxDot<2, 5, 6>();
    AmxDot<3, 5, 7>();
  }
  return static_cast<double>(rounds) * static_cast<double>(4 * kAmxRows * kAmxColumns * kAmxDepth);
}

void FillTiles(KernelTable& table) {
  table.dot_chains = AmxDotChains;
  table.qtile_rows = kAmxPanelRows;
  table.parts = false;
  table.qgemm_packed_bytes = QAmxPackedBytes;
  table.qgemm_pack = QAmxPack;
  table.qgemm = QAmx;
  table.qgrouped_packed_bytes = QAmxGroupedPackedBytes;
  table.qgrouped_pack = QAmxGroupedPack;
  table.qgrouped = QAmxGrouped;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE

#if OCTAVO_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace octavo {

#if OCTAVO_AMX
void FillAmx(KernelTable& table) { N_AVX3_DL::FillTiles(table); }

bool UsableAmx() {
  constexpr unsigned kTile = 1u << 24, kInt8 = 1u << 25;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (kTile | kInt8)) != (kTile | kInt8)) return false;
  // A process asks Linux (since 5.16) for the 8 KB of tiles, once for all its threads; more often does no harm.
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#else
void FillAmx(KernelTable&) {}
bool UsableAmx() { return false; }
#endif

}  // namespace octavo
#endif
