// Elementwise arithmetic for every target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/elementwise.cc"
// clang-format off: foreach_target.h comes first
#include "hwy/foreach_target.h"
// clang-format on

#include "core/kernels/dispatch.h"
#include "core/kernels/elementwise-inl.h"
#include "core/kernels/qaffine-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

void FillElementwise(KernelTable& table) {
  table.qadd = QAdd;
  table.qmul = QMul;
  table.qaffine = QAffine;
  table.lut_u8 = LutU8;
  table.fadd = FAdd;
  table.fsub = FSub;
  table.fmul = FMul;
  table.fdiv = FDiv;
  table.fprelu = FPRelu;
  table.fbatchnorm = FBatchNorm;
  table.fclamp = FClamp;
  table.quantize_u8 = QuantizeU8;
  table.quantize_s8 = QuantizeS8;
  table.dequantize_u8 = DequantizeU8;
  table.dequantize_s8 = DequantizeS8;
  table.quantize_rows_u8 = QuantizeRowsU8;
  table.quantize_rows_s8 = QuantizeRowsS8;
  table.dequantize_rows_u8 = DequantizeRowsU8;
  table.dequantize_rows_s8 = DequantizeRowsS8;
  table.minmax = MinMax;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace octavo {
OCTAVO_EXPORT_KERNELS(FillElementwise);
}  // namespace octavo
#endif
