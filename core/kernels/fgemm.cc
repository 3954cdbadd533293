// The float matrix product for every target.
#undef HWY_WANT_AVX3_DL  // code for AVX3 does as well
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/fgemm.cc"
// clang-format off: foreach_target.h comes first
#include "hwy/foreach_target.h"
// clang-format on

#include "core/kernels/dispatch.h"
#include "core/kernels/fgemm-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

void FillFGemm(KernelTable& table) {
  table.ftile_rows = kFTileRows;
  table.fgemm_packed_bytes = FGemmPackedBytes;
  table.fgemm_pack = FGemmPack;
  table.fgemm = FGemm;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octavo {
OCTAVO_EXPORT_KERNELS(FillFGemm);
}  // namespace octavo
#endif
