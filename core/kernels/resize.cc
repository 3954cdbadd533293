// Resizing for every target.
#undef HWY_WANT_AVX3_DL  // code for AVX3 does as well
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/resize.cc"
// clang-format off: foreach_target.h comes first
#include "hwy/foreach_target.h"
// clang-format on

#include "core/kernels/dispatch.h"
#include "core/kernels/resize-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

void FillResize(KernelTable& table) {
  table.qresize = QResize;
  table.fresize = FResize;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octavo {
OCTAVO_EXPORT_KERNELS(FillResize);
}  // namespace octavo
#endif
