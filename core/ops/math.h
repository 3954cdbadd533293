// Elementary functions that give the same bits on every machine. A libm's last bit differs from libm to libm; these
// use only what IEEE 754 defines exactly: + - * / and square root of doubles, comparisons, bit patterns. No fused
// multiply-add: the build compiles with -ffp-contract=off.
//
// The float forms are within 1 ulp of the true value (nearly always the nearest float) for every input; the double
// forms, which they round, within a few ulp of double. Where libm's C functions define a special case (NaN, infinities,
// signed zeros, poles), these give the same.
#ifndef OCTAVO_CORE_OPS_MATH_H_
#define OCTAVO_CORE_OPS_MATH_H_

namespace octavo {
namespace math {

double Exp(double x);
double Expm1(double x);
double Log(double x);
double Log1p(double x);
// Few ulp for integral |y| <= 64 (by multiplication); otherwise relative error up to 2e-13, nothing after rounding to
// float.
double Pow(double x, double y);

double Sigmoid(double x);   // 1 / (1 + e^-x)
double Softplus(double x);  // ln(1 + e^x)
double Erf(double x);
double Erfc(double x);  // 1 - erf(x), without the cancellation

double Sin(double x);
double Cos(double x);
double Tan(double x);
double Asin(double x);
double Acos(double x);
double Atan(double x);

double Sinh(double x);
double Cosh(double x);
double Tanh(double x);
double Asinh(double x);
double Acosh(double x);
double Atanh(double x);

// To the nearest integer, ties to even.
double RoundHalfEven(double x);

}  // namespace math

inline float ExpF(float x) { return static_cast<float>(math::Exp(static_cast<double>(x))); }
inline float Expm1F(float x) { return static_cast<float>(math::Expm1(static_cast<double>(x))); }
inline float LogF(float x) { return static_cast<float>(math::Log(static_cast<double>(x))); }
inline float Log1pF(float x) { return static_cast<float>(math::Log1p(static_cast<double>(x))); }
inline float PowF(float x, float y) {
  return static_cast<float>(math::Pow(static_cast<double>(x), static_cast<double>(y)));
}
inline float SigmoidF(float x) { return static_cast<float>(math::Sigmoid(static_cast<double>(x))); }
inline float SoftplusF(float x) { return static_cast<float>(math::Softplus(static_cast<double>(x))); }
inline float ErfF(float x) { return static_cast<float>(math::Erf(static_cast<double>(x))); }
inline float SinF(float x) { return static_cast<float>(math::Sin(static_cast<double>(x))); }
inline float CosF(float x) { return static_cast<float>(math::Cos(static_cast<double>(x))); }
inline float TanhF(float x) { return static_cast<float>(math::Tanh(static_cast<double>(x))); }

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_MATH_H_
