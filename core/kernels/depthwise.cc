// Depthwise convolution for every target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/depthwise.cc"
// clang-format off: foreach_target.h comes first
#include "hwy/foreach_target.h"
// clang-format on

#include "core/kernels/dispatch.h"
#include "core/kernels/fdepthwise-inl.h"
#include "core/kernels/qdepthwise-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

void FillDepthwise(KernelTable& table) {
  table.qdepthwise_packed_bytes = QDepthwisePackedBytes;
  table.qdepthwise_pack = QDepthwisePack;
  table.qdepthwise = QDepthwise;
  table.fdepthwise = FDepthwise;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octavo {
OCTAVO_EXPORT_KERNELS(FillDepthwise);
}  // namespace octavo
#endif
