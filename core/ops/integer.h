// The internal integer operators: where their inputs stand and what their attributes say. Made by
// core/plan/integerize.cc, defined by core/ops/integer.cc, lowered to kernels by core/plan.
//
// Activations are uint8 with a zero point; x below stands for the input less its zero point, so x is exact in int32.
//
//   QConv, QMatMul   sums = ConvInteger or MatMulInteger of the first four inputs + bias[c], exactly; then either
//                      uint8:   clamp(rne(float(sums) * multiplier[c]) + zero, lo, hi)
//                      float32: clamp(float(sums) * multiplier[c] + fbias[c], flo, fhi)
//                    With x_scale, multiplier[c] is x_scale * multiplier[c] of the inputs, rounded.
//                    With a residual, the uint8 result q and the residual r are added as QAdd does.
//   QConvTranspose   the same for a ConvTranspose of integers
//   QAdd             clamp(rne(float(a) * a_multiplier + float(b) * b_multiplier) + zero, lo, hi)
//   QMul             clamp(rne((float(a) * float(b)) * multiplier) + zero, lo, hi)
//   QAffine          clamp(rne(float(x) * multiplier[c] + addend[c]) + zero, lo, hi), c counts along `axis`; with a
//                    fourth input, negative[c], where x < 0 that one times x
//   QAveragePool     clamp(rne(float(sum of x) * (x_scale / (y_scale * n))) + zero, lo, hi), n as AveragePool counts
//   QReduceMean      the same over `axes`
//   Table            table[byte]
//
// c is the output channel: axis 1 of QConv and QConvTranspose, the last of QMatMul. Each float operation is rounded by
// itself.
#ifndef OCTAVO_CORE_OPS_INTEGER_H_
#define OCTAVO_CORE_OPS_INTEGER_H_

#include "core/graph/operator.h"
#include "core/kernels/kernels.h"

namespace octavo {

// Inputs of QConv, QConvTranspose and QMatMul. The first four are those of ConvInteger and MatMulInteger.
enum QProductInput : size_t {
  kProductX,
  kProductW,
  kProductXZero,
  kProductWZero,
  kProductBias,        // int32 [channels]; may be left out
  kProductMultiplier,  // float [channels], or one
  kProductFloatBias,   // float [channels]; only for float results, may be left out
  kProductXScale,      // float, one element; for activations quantized at run time
  kProductResidual,    // uint8, shape of the result
  kProductInputs
};

struct QProductAttributes {
  bool is_float = false;
  int32_t zero = 0;
  uint8_t lo = 0, hi = 255;
  float flo = kNoLow, fhi = kNoHigh;
  QAddArgs add;  // of a residual; operand a is the product's own result
};

// Attribute names are those of the structs' members; QAddArgs' of a product carry the prefix "add_".
QProductAttributes ReadQProduct(const NodeReader& node);
QAddArgs ReadQAdd(const NodeReader& node, const std::string& prefix = "");
QMulArgs ReadQMul(const NodeReader& node);

// QAffine, QAveragePool, QReduceMean: one input, requantized.
struct QUnaryAttributes {
  int32_t x_zero = 0;
  int32_t zero = 0;
  uint8_t lo = 0, hi = 255;
  float x_scale = 1.0f, y_scale = 1.0f;

  // Of a mean over n elements.
  float MeanMultiplier(int64_t n) const { return x_scale / (y_scale * static_cast<float>(n)); }
};
QUnaryAttributes ReadQUnary(const NodeReader& node);

std::vector<Attribute> AttributesOf(const QProductAttributes& product);
std::vector<Attribute> AttributesOf(const QAddArgs& add, const std::string& prefix = "");
std::vector<Attribute> AttributesOf(const QMulArgs& mul);
std::vector<Attribute> AttributesOf(const QUnaryAttributes& unary);

// How many elements AveragePool divides by at an output position of one axis: the product over axes is the count.
struct WindowAxis;
int64_t AveragePoolCount(const WindowAxis& axis, int64_t o, bool include_pad);

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_INTEGER_H_
