// Grouped convolution for every target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/qgrouped.cc"
// clang-format off: foreach_target.h comes first
#include "hwy/foreach_target.h"
// clang-format on

#include "core/kernels/dispatch.h"
#include "core/kernels/qgrouped-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

void FillQGrouped(KernelTable& table) {
  table.qgrouped_packed_bytes = QGroupedPackedBytes;
  table.qgrouped_pack = QGroupedPack;
  table.qgrouped = QGrouped;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octavo {
OCTAVO_EXPORT_KERNELS(FillQGrouped);
}  // namespace octavo
#endif
