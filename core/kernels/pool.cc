// Pooling for every target.
#undef HWY_WANT_AVX3_DL  // code for AVX3 does as well
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/pool.cc"
// clang-format off: foreach_target.h comes first
#include "hwy/foreach_target.h"
// clang-format on

#include "core/kernels/dispatch.h"
#include "core/kernels/pool-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

void FillPool(KernelTable& table) {
  table.qmaxpool = QMaxPool;
  table.qavgpool = QAvgPool;
  table.fmaxpool = FMaxPool;
  table.favgpool = FAvgPool;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octavo {
OCTAVO_EXPORT_KERNELS(FillPool);
}  // namespace octavo
#endif
