// The integer matrix product for every target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/qgemm.cc"
// clang-format off: foreach_target.h comes first
#include "hwy/foreach_target.h"
// clang-format on

#include "core/kernels/dispatch.h"
#include "core/kernels/qgemm-inl.h"
#include "core/kernels/qpack-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

void FillQGemm(KernelTable& table) {
  table.qtile_rows = kTileRows;
  table.parts = true;
  table.qgemm_packed_bytes = QGemmPackedBytes;
  table.qgemm_pack = QGemmPack;
  table.qgemm = QGemm;
  table.row_sums = RowSums;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octavo {
OCTAVO_EXPORT_KERNELS(FillQGemm);
}  // namespace octavo
#endif
