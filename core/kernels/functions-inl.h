// Elementary functions on float: computed in double by the very operations of core/ops/math.cc, in their order, none
// fused, and rounded once, or by fewer where that provably rounds to the same float. Changing one of the two means
// changing the other; tests/core/kernels/functions_test.cc compares them.
#if defined(OCTAVO_CORE_KERNELS_FUNCTIONS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_FUNCTIONS_INL_H_
#undef OCTAVO_CORE_KERNELS_FUNCTIONS_INL_H_
#else
#define OCTAVO_CORE_KERNELS_FUNCTIONS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "core/kernels/float-inl.h"
#include "core/kernels/kernels.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_HAVE_FLOAT64

using DF64 = hn::ScalableTag<double>;
using VF64 = hn::VFromD<DF64>;

HWY_INLINE VF64 Number(double x) { return hn::Set(DF64(), x); }

template <size_t N>
HWY_INLINE VF64 Polynomial(const double (&c)[N], VF64 x) {
  VF64 sum = Number(c[N - 1]);
  for (size_t i = N - 1; i-- > 0;) sum = hn::Add(hn::Mul(sum, x), Number(c[i]));
  return sum;
}

// The same in two chains that run side by side, even and odd powers, fused where the machine can: for values that are
// checked.
template <size_t N>
HWY_INLINE VF64 PolynomialNear(const double (&c)[N], VF64 x) {
  const VF64 square = hn::Mul(x, x);
  VF64 even = Number(c[(N - 1) / 2 * 2]), odd = Number(c[N / 2 * 2 - 1]);
  for (size_t i = (N - 1) / 2; i-- > 0;) even = hn::MulAdd(even, square, Number(c[2 * i]));
  for (size_t i = N / 2 - 1; i-- > 0;) odd = hn::MulAdd(odd, square, Number(c[2 * i + 1]));
  return hn::MulAdd(odd, x, even);
}

HWY_INLINE VF64 ExpTail(VF64 r) {
  static constexpr double kCoefficients[] = {1.0 / 2,
                                             1.0 / 6,
                                             1.0 / 24,
                                             1.0 / 120,
                                             1.0 / 720,
                                             1.0 / 5040,
                                             1.0 / 40320,
                                             1.0 / 362880,
                                             1.0 / 3628800,
                                             1.0 / 39916800.0,
                                             1.0 / 479001600.0,
                                             1.0 / 6227020800.0,
                                             1.0 / 87178291200.0};
  return Polynomial(kCoefficients, r);
}

// 2^k for a whole k, |k| <= 1022: the low bits of k + 2^52 + 1023 are the exponent.
HWY_INLINE VF64 PowerOfTwo(VF64 k) {
  const hn::RebindToUnsigned<DF64> du;
  return hn::BitCast(DF64(), hn::ShiftLeft<52>(hn::BitCast(du, hn::Add(k, Number(0x1p52 + 1023)))));
}

HWY_INLINE VF64 ExpOf(VF64 x) {
  const auto over = hn::Gt(x, Number(709.79)), under = hn::Lt(x, Number(-745.14));
  const VF64 safe = hn::IfThenZeroElse(hn::Or(over, under), x);
  const VF64 scaled = hn::Mul(safe, Number(0x1.71547652b82fep+0));
  const VF64 shift = Number(0x1p52);
  const VF64 n = hn::CopySign(hn::Sub(hn::Add(hn::Abs(scaled), shift), shift), scaled);
  const VF64 r = hn::Sub(hn::Sub(safe, hn::Mul(n, Number(0x1.62e42feep-1))), hn::Mul(n, Number(0x1.a39ef35793c76p-33)));
  const VF64 value = hn::Add(Number(1.0), hn::Add(r, hn::Mul(hn::Mul(r, r), ExpTail(r))));
  const VF64 half = hn::Trunc(hn::Mul(n, Number(0.5)));
  VF64 result = hn::Mul(hn::Mul(value, PowerOfTwo(half)), PowerOfTwo(hn::Sub(n, half)));
  result = hn::IfThenElse(over, Number(std::numeric_limits<double>::infinity()), result);
  return hn::IfThenZeroElse(under, result);
}

HWY_INLINE VF64 Expm1Of(VF64 x) {
  const VF64 small = hn::Add(x, hn::Mul(hn::Mul(x, x), ExpTail(x)));
  const VF64 result = hn::IfThenElse(hn::Lt(hn::Abs(x), Number(0.35)), small, hn::Sub(ExpOf(x), Number(1.0)));
  return hn::IfThenElse(hn::Eq(x, Number(0)), x, result);
}

// ln x for 1 <= x <= 2.
HWY_INLINE VF64 LogOf(VF64 x) {
  static constexpr double kCoefficients[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11,
                                             2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21};
  const VF64 one = Number(1.0);
  const auto halved = hn::Ge(x, Number(0x1.6a09e667f3bcdp+0));
  const VF64 m = hn::IfThenElse(halved, hn::Mul(x, Number(0.5)), x), n = hn::IfThenElseZero(halved, one);
  const VF64 f = hn::Div(hn::Sub(m, one), hn::Add(m, one)), square = hn::Mul(f, f);
  const VF64 log_m = hn::Add(hn::Mul(Number(2.0), f), hn::Mul(hn::Mul(f, square), Polynomial(kCoefficients, square)));
  return hn::Add(hn::Mul(n, Number(0x1.62e42feep-1)), hn::Add(log_m, hn::Mul(n, Number(0x1.a39ef35793c76p-33))));
}

HWY_INLINE VF64 SoftplusOf(VF64 x) {
  const VF64 one = Number(1.0);
  const VF64 t = ExpOf(hn::Neg(hn::Abs(x)));
  const VF64 u = hn::Add(one, t);
  const VF64 log = hn::Mul(LogOf(u), hn::Div(t, hn::Sub(u, one)));
  const VF64 log1p = hn::IfThenElse(hn::Eq(u, one), t, log);
  return hn::IfThenElse(hn::Gt(x, Number(0)), hn::Add(x, log1p), log1p);
}

HWY_INLINE VF64 EluOf(VF64 x, double alpha, double gamma) {
  return hn::Mul(Number(gamma), hn::IfThenElse(hn::Lt(x, Number(0)), hn::Mul(Number(alpha), Expm1Of(x)), x));
}

HWY_INLINE VF64 SigmoidOf(VF64 x) {
  const auto positive = hn::Ge(x, Number(0));
  const VF64 e = ExpOf(hn::IfThenElse(positive, hn::Neg(x), x));
  return hn::Div(hn::IfThenElse(positive, Number(1.0), e), hn::Add(Number(1.0), e));
}

HWY_INLINE VF64 TanhOf(VF64 x) {
  const VF64 magnitude = hn::Abs(x);
  const auto large = hn::Gt(magnitude, Number(22));
  const VF64 e = Expm1Of(hn::Mul(Number(2.0), hn::IfThenZeroElse(large, magnitude)));
  const VF64 quotient = hn::Div(e, hn::Add(e, Number(2.0)));
  return hn::CopySign(hn::IfThenElse(large, Number(1.0), quotient), x);
}

// |x| < 0.5
HWY_INLINE VF64 ErfSmall(VF64 x) {
  static constexpr double kCoefficients[] = {
      -1.0 / 3,     1.0 / 10,     -1.0 / 42,        1.0 / 216,        -1.0 / 1320,        1.0 / 9360,
      -1.0 / 75600, 1.0 / 685440, -1.0 / 6894720.0, 1.0 / 76204800.0, -1.0 / 918086400.0, 1.0 / 11975040000.0};
  const VF64 square = hn::Mul(x, x);
  const VF64 result =
      hn::Mul(Number(0x1.20dd750429b6dp+0), hn::Add(x, hn::Mul(hn::Mul(x, square), Polynomial(kCoefficients, square))));
  return hn::IfThenElse(hn::Eq(x, Number(0)), x, result);
}

// x >= 0.5
HWY_INLINE VF64 ErfcLarge(VF64 x) {
  static constexpr double kCoefficients[] = {
      1.1775789345674017,     -0.0045900545806464776,  -0.084249133366517917,   0.059209939998191893,
      -0.026658668435305753,  0.0090749976707052652,   -0.0024131635404176081,  0.00049077583652580863,
      -6.916973302501207e-05, 4.1390279860730102e-06,  7.7403830661984903e-07,  -2.1886401049234397e-07,
      1.076499946567091e-08,  4.5219598112182866e-09,  -7.7544002088313509e-10, -6.3180883408866841e-11,
      2.8687950109306699e-11, 1.9455868545777347e-13,  -9.6546967484334393e-13, 3.2525481481487401e-14,
      3.3478119482868056e-14, -1.864562880419313e-15,  -1.2507950530688648e-15, 7.4182352566240441e-17,
      5.068148904796111e-17,  -2.2370566594359995e-18, -2.1873429443030178e-18};
  constexpr size_t kLast = sizeof(kCoefficients) / sizeof(kCoefficients[0]) - 1;
  const hn::RebindToUnsigned<DF64> du;
  const VF64 t = hn::Div(hn::Sub(x, Number(3.75)), hn::Add(x, Number(3.75)));
  const VF64 twice = hn::Mul(Number(2.0), t);
  VF64 b1 = Number(0), b2 = Number(0);
  for (size_t i = kLast; i > 0; --i) {
    const VF64 b = hn::Add(hn::Sub(hn::Mul(twice, b1), b2), Number(kCoefficients[i]));
    b2 = b1;
    b1 = b;
  }
  const VF64 series = hn::Add(hn::Sub(hn::Mul(t, b1), b2), Number(kCoefficients[0]));
  const VF64 high = hn::BitCast(DF64(), hn::AndNot(hn::Set(du, (uint64_t{1} << 27) - 1), hn::BitCast(du, x)));
  const VF64 low = hn::Mul(hn::Sub(x, high), hn::Add(x, high));
  const VF64 result = hn::Div(hn::Mul(hn::Mul(ExpOf(hn::Mul(hn::Neg(high), high)), ExpOf(hn::Neg(low))), series),
                              hn::Add(Number(1.0), hn::Mul(Number(2.0), x)));
  return hn::IfThenZeroElse(hn::Gt(x, Number(28)), result);
}

HWY_INLINE VF64 ErfOf(VF64 x) {
  const VF64 magnitude = hn::Abs(x);
  const VF64 large = hn::CopySign(hn::Sub(Number(1.0), ErfcLarge(magnitude)), x);
  return hn::IfThenElse(hn::Lt(magnitude, Number(0.5)), ErfSmall(x), large);
}

HWY_INLINE VF64 ErfcOf(VF64 x) {
  const VF64 magnitude = hn::Abs(x), one = Number(1.0);
  const VF64 tail = ErfcLarge(magnitude);
  const VF64 large = hn::IfThenElse(hn::Gt(x, Number(0)), tail, hn::Sub(Number(2.0), tail));
  return hn::IfThenElse(hn::Lt(magnitude, Number(0.5)), hn::Sub(one, ErfSmall(x)), large);
}

// x < low ? low : high < x ? high : x
HWY_INLINE VF64 ClampOf(VF64 x, double low, double high) {
  const VF64 l = Number(low), h = Number(high);
  return hn::IfThenElse(hn::Lt(x, l), l, hn::IfThenElse(hn::Lt(h, x), h, x));
}

// y[i] = float(f(double(x[i]))). NaN stays NaN through all of the above; it is stored as the one positive quiet NaN.
template <class F>
HWY_INLINE void ForDoubles(const float* x, float* y, size_t n, F f) {
  const DF64 d;
  const hn::Rebind<float, DF64> df;
  const size_t lanes = hn::Lanes(d);
  const VF64 nan = Number(std::numeric_limits<double>::quiet_NaN());
  const auto rounded = [&](VF64 v) HWY_ATTR { return hn::DemoteTo(df, hn::IfThenElse(hn::Eq(v, v), v, nan)); };
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    const VF64 y0 = f(hn::PromoteTo(d, hn::LoadU(df, x + i)));
    const VF64 y1 = f(hn::PromoteTo(d, hn::LoadU(df, x + i + lanes)));
    hn::StoreU(rounded(y0), df, y + i);
    hn::StoreU(rounded(y1), df, y + i + lanes);
  }
  for (; i < n; i += lanes) {
    const size_t rest = n - i < lanes ? n - i : lanes;
    hn::StoreN(rounded(f(hn::PromoteTo(d, hn::LoadN(df, x + i, rest)))), df, y + i, rest);
  }
}

// ---- the same by fewer operations: most of the above goes into digits that rounding drops
//
// A shorter way gives v' with |v' - v| <= 2^-41 v, v being the double that the above gives. Both round to the same
// float unless a point halfway between two floats lies between them: where v' is not farther than 2^-40 v' from one,
// which is one value in 2^15, v is computed after all. tests/core/kernels/functions_test.cc compares all floats.

// e^-x to 2^-45 of it, for |x| < 700: 2^n p(-x - n ln 2), p being the polynomial of least relative error, 2^-46.06.
HWY_INLINE VF64 ExpOfMinusNear(VF64 x) {
  static constexpr double kCoefficients[] = {
      0x1.000000000003ap+0, 0x1.ffffffffffc39p-1,  0x1.ffffffffe8248p-2,  0x1.55555555bb799p-3,  0x1.55555587a3555p-5,
      0x1.1111105b41f5ep-7, 0x1.6c162d8368a29p-10, 0x1.a01bc29e96e0cp-13, 0x1.a17c14695b820p-16, 0x1.70dc06220bce1p-19};
  const hn::RebindToUnsigned<DF64> du;
  const VF64 shift = Number(0x1.8p52);  // in whose sum with n the low bits are n
  const VF64 shifted = hn::NegMulAdd(x, Number(0x1.71547652b82fep+0), shift);
  const VF64 r = hn::NegMulSub(hn::Sub(shifted, shift), Number(0x1.62e42fefa39efp-1), x);
  const VF64 p = PolynomialNear(kCoefficients, r);
  return hn::BitCast(DF64(), hn::Add(hn::BitCast(du, p), hn::ShiftLeft<52>(hn::BitCast(du, shifted))));
}

// 1 / x to 2^-41.9 of it.
HWY_INLINE VF64 ReciprocalNear(VF64 x) {
  const VF64 one = Number(1.0);
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  // start * (1 + e + e^2), e = 1 - x * start, |e| < 2^-14
  const VF64 start = hn::ApproximateReciprocal(x);
  const VF64 e = hn::NegMulAdd(x, start, one);
  return hn::MulAdd(start, hn::MulAdd(e, e, e), start);
#else
  return hn::Div(one, x);
#endif
}

// From 40 on the result is 1.
HWY_INLINE VF64 SigmoidNear(VF64 x) {
  return ReciprocalNear(hn::Add(Number(1.0), ExpOfMinusNear(hn::Min(x, Number(40.0)))));
}

// e^x - 1 to 2^-45 of it, for |x| < 700: 2^n (e^r - 1) + (2^n - 1), (e^r - 1) / r being the polynomial of least
// relative error, 2^-49.4.
HWY_INLINE VF64 Expm1Near(VF64 x) {
  static constexpr double kCoefficients[] = {0x1.0000000000005p+0,  0x1.fffffffffffafp-2,  0x1.5555555550deap-3,
                                             0x1.5555555565bb2p-5,  0x1.11111123af9b3p-7,  0x1.6c16c1357a407p-10,
                                             0x1.a01994fa3d036p-13, 0x1.a01a7338ec647p-16, 0x1.72e0d574faf7dp-19,
                                             0x1.27e547e105362p-22};
  const hn::RebindToUnsigned<DF64> du;
  const VF64 shift = Number(0x1.8p52);
  const VF64 shifted = hn::MulAdd(x, Number(0x1.71547652b82fep+0), shift);
  const VF64 r = hn::NegMulAdd(hn::Sub(shifted, shift), Number(0x1.62e42fefa39efp-1), x);
  const VF64 power =
      hn::BitCast(DF64(), hn::Add(hn::BitCast(du, Number(1.0)), hn::ShiftLeft<52>(hn::BitCast(du, shifted))));
  return hn::MulAdd(hn::Mul(power, r), PolynomialNear(kCoefficients, r), hn::Sub(power, Number(1.0)));
}

// From 22 on the result is 1.
HWY_INLINE VF64 TanhNear(VF64 x) {
  const VF64 e = Expm1Near(hn::Mul(Number(2.0), hn::Min(hn::Abs(x), Number(22.0))));
  return hn::CopySign(hn::Mul(e, ReciprocalNear(hn::Add(e, Number(2.0)))), x);
}

// Below -60 the result is that of -60.
HWY_INLINE VF64 EluNear(VF64 x, double alpha, double gamma) {
  const VF64 below = hn::Mul(Number(alpha), Expm1Near(hn::Max(hn::Min(x, Number(0)), Number(-60.0))));
  return hn::Mul(Number(gamma), hn::IfThenElse(hn::Lt(x, Number(0)), below, x));
}

// max(x, 0) + ln(1 + t), t = e^-|x|, as s p(s^2), s = t / (2 + t), p being the polynomial of least relative error for
// s <= 1/3, 2^-49. From 100 on the result is x.
HWY_INLINE VF64 SoftplusNear(VF64 x) {
  static constexpr double kCoefficients[] = {0x1.0000000000008p+1, 0x1.555555554a654p-1, 0x1.999999adee6dfp-2,
                                             0x1.249241e1c4f8fp-2, 0x1.c71f08d96c3cap-3, 0x1.741afb62ce11cp-3,
                                             0x1.3eea5804e390ep-3, 0x1.e0c55c8db0bbfp-4, 0x1.808196168c345p-3};
  const VF64 t = ExpOfMinusNear(hn::Min(hn::Abs(x), Number(100.0)));
  const VF64 s = hn::Mul(t, ReciprocalNear(hn::Add(t, Number(2.0))));
  return hn::MulAdd(s, PolynomialNear(kCoefficients, hn::Mul(s, s)), hn::Max(x, Number(0)));
}

// x tanh(ln(1 + e)) = x n / (n + 2), e = e^x, n = e (e + 2). From 40 on the result is x.
HWY_INLINE VF64 MishNear(VF64 x) {
  const VF64 e = ExpOfMinusNear(hn::Max(hn::Neg(x), Number(-40.0)));
  const VF64 n = hn::Mul(e, hn::Add(e, Number(2.0)));
  return hn::Mul(hn::Mul(x, n), ReciprocalNear(hn::Add(n, Number(2.0))));
}

// x times the normal distribution up to x: e^(-x^2 / 2) p(t) up to -|x|, t = (|x| - 6) / (|x| + 6), p being the
// polynomial of least relative error for |x| < 12.6, 2^-46.9. From 12 on the result is x.
HWY_INLINE VF64 GeluNear(VF64 x) {
  static constexpr double kCoefficients[] = {0x1.095608c7b15dcp-4,   -0x1.f89d2352c061ep-4, 0x1.b17c5d341dadap-4,
                                             -0x1.4f7cb5246b780p-4,  0x1.d17ec9c5add5fp-5,  -0x1.1f2ab2cd78a8bp-5,
                                             0x1.3718194dd2724p-6,   -0x1.21e1453095a25p-7, 0x1.bffe964db2e1ap-9,
                                             -0x1.09acc9614a1e5p-10, 0x1.7a3e76bf7286cp-13, 0x1.a204fd5b3e0e9p-17,
                                             -0x1.5539022adf634p-16, 0x1.6de718039db82p-18, 0x1.cee800a82b41cp-30,
                                             -0x1.6deb70135f6d3p-20, -0x1.1750916da3ed1p-22};
  const VF64 u = hn::Min(hn::Abs(x), Number(12.0));
  const VF64 t = hn::NegMulAdd(Number(12.0), ReciprocalNear(hn::Add(u, Number(6.0))), Number(1.0));
  const VF64 tail = hn::Mul(ExpOfMinusNear(hn::Mul(hn::Mul(u, u), Number(0.5))), PolynomialNear(kCoefficients, t));
  return hn::Mul(x, hn::IfThenElse(hn::Lt(x, Number(0)), tail, hn::Sub(Number(1.0), tail)));
}

// erf(x) = x p(x^2 - 7.75), p being the polynomial of least relative error for x^2 < 15.5, 2^-42.6. There the result is
// 1 already.
HWY_INLINE VF64 ErfNear(VF64 x) {
  static constexpr double kCoefficients[] = {
      0x1.6fcd22af733e4p-2,  -0x1.7b26f08ca5e56p-6,  0x1.237b691506cecp-9,  -0x1.ea83a91f57446p-13,
      0x1.a51fecea800b2p-16, -0x1.642a6bc36f6eep-19, 0x1.2240da324854dp-22, -0x1.c18aa8b8df388p-26,
      0x1.482704a9e4f5cp-29, -0x1.c1d1d0b3069b6p-33, 0x1.21169b094dce7p-36, -0x1.5c8947e70246bp-40,
      0x1.8ad9192f9a509p-44, -0x1.a5771020d38ebp-48, 0x1.a75d61cf4ddddp-52, -0x1.8eac0b5485e3ap-56,
      0x1.69ab8a53174b7p-60, -0x1.48264235bf4ccp-64, 0x1.03055e8284122p-68, -0x1.1fffb979f0d73p-73,
      0x1.e7944a0431c96p-78, -0x1.73b7188073585p-81, 0x1.ca6cc5cfb631fp-86};
  const VF64 bounded = hn::Max(hn::Min(x, Number(0x1.f7p+1)), Number(-0x1.f7p+1));
  return hn::Mul(bounded, PolynomialNear(kCoefficients, hn::MulSub(bounded, bounded, Number(7.75))));
}

// Whether everything within 2^-40 of the (normal) v rounds to the same float: the 29 bits that are dropped are not
// within 2^12 of their middle.
HWY_INLINE hn::MFromD<DF64> RoundsSurely(VF64 v) {
  const hn::RebindToSigned<DF64> di;
  constexpr int64_t kMiddle = int64_t{1} << 28, kReach = int64_t{1} << 12;
  const auto above = hn::And(hn::Sub(hn::BitCast(di, v), hn::Set(di, kMiddle - kReach)), hn::Set(di, 2 * kMiddle - 1));
  return hn::RebindMask(DF64(), hn::Gt(above, hn::Set(di, 2 * kReach)));
}

// y[i] = float(exact(double(x[i]))), mostly by `near`, which holds for those x of which holds(x) is true: no NaN, and
// the result is a normal float or 0.
template <class Near, class Holds, class Exact>
HWY_INLINE void ForDoublesNear(const float* x, float* y, size_t n, Near near, Holds holds, Exact exact) {
  const DF64 d;
  const hn::Rebind<float, DF64> df;
  const size_t lanes = hn::Lanes(d);
  const auto sure = [&](VF64 from, VF64 to) HWY_ATTR { return hn::And(holds(from), RoundsSurely(to)); };
  const auto four = [&](const float* from, float* to) HWY_ATTR {
    const VF64 x0 = hn::PromoteTo(d, hn::LoadU(df, from));
    const VF64 x1 = hn::PromoteTo(d, hn::LoadU(df, from + lanes));
    const VF64 x2 = hn::PromoteTo(d, hn::LoadU(df, from + 2 * lanes));
    const VF64 x3 = hn::PromoteTo(d, hn::LoadU(df, from + 3 * lanes));
    const VF64 y0 = near(x0), y1 = near(x1), y2 = near(x2), y3 = near(x3);
    const auto all = hn::And(hn::And(sure(x0, y0), sure(x1, y1)), hn::And(sure(x2, y2), sure(x3, y3)));
    if (HWY_UNLIKELY(!hn::AllTrue(d, all))) return ForDoubles(from, to, 4 * lanes, exact);
    hn::StoreU(hn::DemoteTo(df, y0), df, to);
    hn::StoreU(hn::DemoteTo(df, y1), df, to + lanes);
    hn::StoreU(hn::DemoteTo(df, y2), df, to + 2 * lanes);
    hn::StoreU(hn::DemoteTo(df, y3), df, to + 3 * lanes);
  };
  size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) four(x + i, y + i);
  if (i < n) {
    HWY_ALIGN float rest[4 * hn::MaxLanes(DF64())] = {};
    std::copy(x + i, x + n, rest);
    four(rest, rest);
    std::copy(rest, rest + (n - i), y + i);
  }
}

// y[i] = float(Sigmoid(x[i])); y may be x. Below -87 results are no longer normal.
inline void Sigmoid(const float* x, float* y, size_t n) {
  ForDoublesNear(
      x, y, n, [](VF64 v) HWY_ATTR { return SigmoidNear(v); }, [](VF64 v) HWY_ATTR { return hn::Ge(v, Number(-87.0)); },
      [](VF64 v) HWY_ATTR { return SigmoidOf(v); });
}

// Below -110 the result is 0, as that of -110 is; above -87 it is normal or infinite.
inline void Exp(const float* x, float* y, size_t n) {
  ForDoublesNear(
      x, y, n,
      [](VF64 v) HWY_ATTR { return ExpOfMinusNear(hn::Neg(hn::Max(hn::Min(v, Number(100.0)), Number(-110.0)))); },
      [](VF64 v) HWY_ATTR { return hn::Or(hn::Ge(v, Number(-87.0)), hn::Le(v, Number(-110.0))); },
      [](VF64 v) HWY_ATTR { return ExpOf(v); });
}

inline void Tanh(const float* x, float* y, size_t n) {
  ForDoublesNear(
      x, y, n, [](VF64 v) HWY_ATTR { return TanhNear(v); },
      [](VF64 v) HWY_ATTR { return hn::Or(hn::Ge(hn::Abs(v), Number(0x1p-126)), hn::Eq(v, Number(0))); },
      [](VF64 v) HWY_ATTR { return TanhOf(v); });
}

inline void Softplus(const float* x, float* y, size_t n) {
  ForDoublesNear(
      x, y, n, [](VF64 v) HWY_ATTR { return SoftplusNear(v); },
      [](VF64 v) HWY_ATTR { return hn::Ge(v, Number(-87.0)); }, [](VF64 v) HWY_ATTR { return SoftplusOf(v); });
}

inline void Mish(const float* x, float* y, size_t n) {
  ForDoublesNear(
      x, y, n, [](VF64 v) HWY_ATTR { return MishNear(v); },
      [](VF64 v) HWY_ATTR { return hn::And(hn::Ge(v, Number(-80.0)), hn::Ge(hn::Abs(v), Number(0x1p-120))); },
      [](VF64 v) HWY_ATTR { return hn::Mul(v, TanhOf(SoftplusOf(v))); });
}

// y = gamma * (x < 0 ? alpha * (e^x - 1) : x)
inline void Elu(const float* x, float* y, size_t n, double alpha, double gamma) {
  ForDoublesNear(
      x, y, n, [=](VF64 v) HWY_ATTR { return EluNear(v, alpha, gamma); },
      [=](VF64 v) HWY_ATTR {
        const VF64 below = hn::Mul(Number(alpha * gamma), v);
        return hn::Or(hn::Ge(v, Number(0)), hn::Ge(hn::Abs(below), Number(0x1p-120)));
      },
      [=](VF64 v) HWY_ATTR { return EluOf(v, alpha, gamma); });
}

inline void Gelu(const float* x, float* y, size_t n) {
  ForDoublesNear(
      x, y, n, [](VF64 v) HWY_ATTR { return GeluNear(v); },
      [](VF64 v) HWY_ATTR { return hn::And(hn::Ge(v, Number(-12.0)), hn::Ge(hn::Abs(v), Number(0x1p-120))); },
      [](VF64 v) HWY_ATTR {
        return hn::Mul(hn::Mul(Number(0.5), v), ErfcOf(hn::Mul(hn::Neg(v), Number(0x1.6a09e667f3bcdp-1))));
      });
}

inline void Erf(const float* x, float* y, size_t n) {
  ForDoublesNear(
      x, y, n, [](VF64 v) HWY_ATTR { return ErfNear(v); },
      [](VF64 v) HWY_ATTR { return hn::Or(hn::Ge(hn::Abs(v), Number(0x1p-126)), hn::Eq(v, Number(0))); },
      [](VF64 v) HWY_ATTR { return ErfOf(v); });
}

// y[i] = x[i] * float(Sigmoid(x[i])), a float product; y may be x.
inline void SigmoidMul(const float* x, float* y, size_t n) {
  HWY_ALIGN float sigmoid[1024];
  for (size_t left = n; left > 0;) {
    const size_t some = std::min<size_t>(left, 1024);
    Sigmoid(x, sigmoid, some);
    ForFloats(some, [&](size_t i, auto load, auto store)
                        HWY_ATTR { store(OneNaN(hn::Mul(load(x + i), load(sigmoid + i))), y + i); });
    x += some, y += some, left -= some;
  }
}

// y[i] = x[i] * (Erf(x[i] / divisor) + 1) * 0.5, each operation one of floats; y may be x.
inline void ErfGelu(const float* x, float* y, size_t n, float divisor) {
  const hn::ScalableTag<float> d;
  HWY_ALIGN float erf[1024];
  for (size_t left = n; left > 0;) {
    const size_t some = std::min<size_t>(left, 1024);
    ForFloats(some, [&](size_t i, auto load, auto store)
                        HWY_ATTR { store(hn::Div(load(x + i), hn::Set(d, divisor)), erf + i); });
    Erf(erf, erf, some);
    ForFloats(some, [&](size_t i, auto load, auto store) HWY_ATTR {
      const auto twice = hn::Mul(load(x + i), hn::Add(load(erf + i), hn::Set(d, 1.0f)));
      store(OneNaN(hn::Mul(twice, hn::Set(d, 0.5f))), y + i);
    });
    x += some, y += some, left -= some;
  }
}

// alpha * x is exact in double, so the definition, too, rounds once.
inline void LeakyRelu(const float* x, float* y, size_t n, float alpha) {
  const hn::ScalableTag<float> d;
  ForFloats(n, [&](size_t i, auto load, auto store)
                   HWY_ATTR { store(OneNaN(Leaky(load(x + i), hn::Set(d, alpha))), y + i); });
}

inline void FFunction(FloatFunction function, const float* x, float* y, size_t n, float alpha, float beta) {
  const double a = alpha, b = beta;
  switch (function) {
    case FloatFunction::kExp:
      return Exp(x, y, n);
    case FloatFunction::kSigmoid:
      return Sigmoid(x, y, n);
    case FloatFunction::kSigmoidMul:
      return SigmoidMul(x, y, n);
    case FloatFunction::kTanh:
      return Tanh(x, y, n);
    case FloatFunction::kSoftplus:
      return Softplus(x, y, n);
    case FloatFunction::kMish:
      return Mish(x, y, n);
    case FloatFunction::kElu:
      return Elu(x, y, n, a, b);
    case FloatFunction::kErf:
      return Erf(x, y, n);
    case FloatFunction::kErfGelu:
      return ErfGelu(x, y, n, alpha);
    case FloatFunction::kLeakyRelu:
      return LeakyRelu(x, y, n, alpha);
    case FloatFunction::kSwish:
      return ForDoubles(x, y, n, [a](VF64 v) HWY_ATTR { return hn::Mul(v, SigmoidOf(hn::Mul(Number(a), v))); });
    case FloatFunction::kHardSigmoid:
      return ForDoubles(
          x, y, n, [a, b](VF64 v) HWY_ATTR { return ClampOf(hn::Add(hn::Mul(Number(a), v), Number(b)), 0.0, 1.0); });
    case FloatFunction::kHardSwish:
      return ForDoubles(x, y, n, [](VF64 v) HWY_ATTR {
        return hn::Mul(v, ClampOf(hn::Add(hn::Div(v, Number(6.0)), Number(0.5)), 0.0, 1.0));
      });
    case FloatFunction::kGelu:
      return Gelu(x, y, n);
    case FloatFunction::kGeluTanh:
      return ForDoubles(x, y, n, [](VF64 v) HWY_ATTR {
        const VF64 cube = hn::Mul(hn::Mul(hn::Mul(Number(0.044715), v), v), v);
        const VF64 tanh = TanhOf(hn::Mul(Number(0x1.9884533d43651p-1), hn::Add(v, cube)));
        return hn::Mul(hn::Mul(Number(0.5), v), hn::Add(Number(1.0), tanh));
      });
  }
}

#endif  // HWY_HAVE_FLOAT64

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_FUNCTIONS_INL_H_
