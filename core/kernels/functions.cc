// Elementary functions for every target that has vectors of doubles, and what is made of them row by row.
#undef HWY_WANT_AVX3_DL  // code for AVX3 does as well
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/functions.cc"
// clang-format off: foreach_target.h comes first
#include "hwy/foreach_target.h"
// clang-format on

#include "core/kernels/dispatch.h"
#include "core/kernels/functions-inl.h"
#include "core/kernels/normalize-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

void FillFunctions(KernelTable& table) {
#if HWY_HAVE_FLOAT64
  table.ffunction = FFunction;
  table.fsoftmax = FSoftmax;
#else
  table.ffunction = nullptr;
  table.fsoftmax = nullptr;
#endif
  table.flayer_norm = FLayerNorm;
  table.finstance_norm = FInstanceNorm;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octavo {
OCTAVO_EXPORT_KERNELS(FillFunctions);
}  // namespace octavo
#endif
