#include "core/ops/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>

#ifdef __FAST_MATH__
#error "the promise of equal bytes needs IEEE arithmetic: do not compile with -ffast-math"
#endif

namespace octavo {
namespace math {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kHalfPi = 0x1.921fb54442d18p+0;
constexpr double kPi = 0x1.921fb54442d18p+1;
// ln 2 in two parts; the first has 32 significant bits, so that its product with an exponent is exact.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kLn2 = 0x1.62e42fefa39efp-1;

double Abs(double x) { return std::bit_cast<double>(std::bit_cast<uint64_t>(x) & ~(uint64_t{1} << 63)); }
double WithSignOf(double magnitude, double sign) {
  return std::bit_cast<double>((std::bit_cast<uint64_t>(magnitude) & ~(uint64_t{1} << 63)) |
                               (std::bit_cast<uint64_t>(sign) & (uint64_t{1} << 63)));
}
bool IsNegative(double x) { return std::bit_cast<uint64_t>(x) >> 63; }

// 2^n for -1022 <= n <= 1023.
double PowerOfTwo(int n) { return std::bit_cast<double>(static_cast<uint64_t>(n + 1023) << 52); }

// c[0] + c[1] x + c[2] x^2 + ..., Horner's scheme.
template <size_t N>
double Polynomial(const double (&c)[N], double x) {
  double sum = c[N - 1];
  for (size_t i = N - 1; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

// (e^r - 1 - r) / r^2 for |r| < 0.36: Taylor's series.
double ExpTail(double r) {
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

// sin and cos for |r| <= pi/4: Taylor's series.
double SinKernel(double r) {
  if (r == 0) return r;  // keeps the sign of -0, here and below
  static constexpr double kCoefficients[] = {-1.0 / 6,
                                             1.0 / 120,
                                             -1.0 / 5040,
                                             1.0 / 362880,
                                             -1.0 / 39916800.0,
                                             1.0 / 6227020800.0,
                                             -1.0 / 1307674368000.0,
                                             1.0 / 355687428096000.0};
  const double square = r * r;
  return r + r * square * Polynomial(kCoefficients, square);
}
double CosKernel(double r) {
  static constexpr double kCoefficients[] = {1.0 / 24,
                                             -1.0 / 720,
                                             1.0 / 40320,
                                             -1.0 / 3628800,
                                             1.0 / 479001600.0,
                                             -1.0 / 87178291200.0,
                                             1.0 / 20922789888000.0,
                                             -1.0 / 6402373705728000.0};
  const double square = r * r;
  return 1.0 - 0.5 * square + square * square * Polynomial(kCoefficients, square);
}

// The low and high word of a * b + carry.
void MultiplyAdd(uint64_t a, uint64_t b, uint64_t carry, uint64_t* low, uint64_t* high) {
  const uint64_t a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
  const uint64_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  const uint64_t middle = (p00 >> 32) + (p01 & 0xffffffff) + (p10 & 0xffffffff);
  const uint64_t product = (middle << 32) | (p00 & 0xffffffff);
  *low = product + carry;
  *high = p11 + (p01 >> 32) + (p10 >> 32) + (middle >> 32) + (*low < carry ? 1 : 0);
}

// The first bits of 2/pi behind the binary point, after 64 bits of zero.
constexpr uint64_t kTwoOverPi[] = {0,
                                   0xa2f9836e4e441529,
                                   0xfc2757d1f534ddc0,
                                   0xdb6295993c439041,
                                   0xfe5163abdebbc561,
                                   0xb7246e3a424dd2e0,
                                   0x06492eea09d1921c,
                                   0xfe1deb1cb129a73e,
                                   0xe88235f52ebb4484,
                                   0xe99c7026b45f7e41,
                                   0x3991d639835339f4,
                                   0x9c845f8bbdf9283b,
                                   0x1ff897ffde05980f,
                                   0xef2f118b5a0a6d1f,
                                   0x6d367ecf27cb09b7,
                                   0x4f463f669e5fea2d,
                                   0x7527bac7ebe5f17b,
                                   0x3d0739f78a5292ea,
                                   0x6bfb5fb11f8d5d08,
                                   0x56033046fc7b6bab,
                                   0xf0cfbc209af4361d};

// Finite x, |x| >= pi/4: x = quadrant * pi/2 + r with |r| <= pi/4; returns r, quadrant modulo 4. Payne and Hanek's way:
// of x * 2/pi only the bits that matter modulo 4 are computed, in integers, hence exactly.
double ReduceAngle(double x, int* quadrant) {
  const uint64_t bits = std::bit_cast<uint64_t>(Abs(x));
  const uint64_t mantissa = (bits & ((uint64_t{1} << 52) - 1)) | (uint64_t{1} << 52);
  const int exponent = static_cast<int>(bits >> 52) - 1075;  // |x| = mantissa * 2^exponent
  // Bits of 2/pi with weight 2^-k, k < exponent - 1, contribute multiples of 4 only. Take the 192 bits after them.
  const int first = exponent - 1 + 63;  // index into kTwoOverPi's bits; 2^-1 has index 64
  uint64_t window[3];
  for (int i = 0; i < 3; ++i) {
    const int word = first / 64 + i, shift = first % 64;
    window[i] = kTwoOverPi[word] << shift;
    if (shift) window[i] |= kTwoOverPi[word + 1] >> (64 - shift);
  }
  uint64_t low, middle, high, carry;
  MultiplyAdd(mantissa, window[2], 0, &low, &carry);
  MultiplyAdd(mantissa, window[1], carry, &middle, &carry);
  high = mantissa * window[0] + carry;
  // high:middle:low is x * 2/pi modulo 4, with 190 bits behind the binary point, the last 53 of them inexact.
  int q = static_cast<int>(high >> 62);
  high = (high << 2) | (middle >> 62);
  middle = (middle << 2) | (low >> 62);
  bool negative = false;
  if (high >> 63) {  // round to the nearest quadrant
    q += 1;
    negative = true;
    middle = ~middle;
    high = ~high;
  }
  // Normalise: the leading 64 significant bits, then to double.
  int zeros = 0;
  if (high == 0) {
    high = middle;
    middle = 0;
    zeros = 64;
  }
  if (high != 0) {
    const int shift = std::countl_zero(high);
    if (shift) high = (high << shift) | (middle >> (64 - shift));
    zeros += shift;
  }
  const double fraction = static_cast<double>(high >> 11) * PowerOfTwo(-53 - zeros);
  double r = fraction * kHalfPi;
  if (negative) r = -r;
  if (IsNegative(x)) {
    r = -r;
    q = -q;
  }
  *quadrant = q & 3;
  return r;
}

constexpr double kQuarterPi = 0x1.921fb54442d18p-1;

}  // namespace

double RoundHalfEven(double x) {
  constexpr double kShift = 0x1p52;  // from here on every double is an integer
  const double magnitude = Abs(x);
  if (!(magnitude < kShift)) return x;
  return WithSignOf((magnitude + kShift) - kShift, x);
}

double Exp(double x) {
  if (x != x) return x;
  if (x > 709.79) return kInfinity;
  if (x < -745.14) return 0.0;
  const double n = RoundHalfEven(x * 0x1.71547652b82fep+0);
  const double r = (x - n * kLn2High) - n * kLn2Low;
  const double value = 1.0 + (r + r * r * ExpTail(r));
  const int power = static_cast<int>(n), half = power / 2;
  return value * PowerOfTwo(half) * PowerOfTwo(power - half);
}

double Expm1(double x) {
  if (x == 0) return x;
  if (Abs(x) < 0.35) return x + x * x * ExpTail(x);
  return Exp(x) - 1.0;
}

double Log(double x) {
  if (x != x) return x;
  if (x < 0) return kNaN;
  if (x == 0) return -kInfinity;
  if (x == kInfinity) return x;
  int exponent = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    exponent = -54;
  }
  // x = m * 2^exponent with m in [sqrt(1/2), sqrt(2)).
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  exponent += static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & ((uint64_t{1} << 52) - 1)) | (uint64_t{1023} << 52));
  if (m >= 0x1.6a09e667f3bcdp+0) {
    m *= 0.5;
    exponent += 1;
  }
  // ln m = 2 atanh(f) = 2 (f + f^3 / 3 + f^5 / 5 + ...), |f| < 0.172.
  static constexpr double kCoefficients[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11,
                                             2.0 / 13, 2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21};
  const double f = (m - 1.0) / (m + 1.0), square = f * f;
  const double log_m = 2.0 * f + f * square * Polynomial(kCoefficients, square);
  const double n = exponent;
  return n * kLn2High + (log_m + n * kLn2Low);
}

double Log1p(double x) {
  const double u = 1.0 + x;
  if (u == 1.0 || u == kInfinity) return x;
  if (!(u > 0)) return Log(u);
  return Log(u) * (x / (u - 1.0));  // Kahan: the rounding of u cancels
}

double Pow(double x, double y) {
  if (y == 0 || x == 1) return 1.0;
  if (x != x || y != y) return kNaN;
  const bool integral = Abs(y) >= 0x1p53 || RoundHalfEven(y) == y;
  const bool odd = integral && Abs(y) < 0x1p53 && RoundHalfEven(y * 0.5) != y * 0.5;
  const double magnitude = Abs(x);
  double result;
  if (magnitude == 0 || magnitude == kInfinity) {
    result = (magnitude == 0) == (y > 0) ? 0.0 : kInfinity;
  } else if (Abs(y) == kInfinity) {
    result = magnitude == 1 ? 1.0 : (magnitude > 1) == (y > 0) ? kInfinity : 0.0;
  } else if (x < 0 && !integral) {
    return kNaN;
  } else if (integral && Abs(y) <= 64) {
    double power = magnitude;
    result = 1.0;
    for (int n = static_cast<int>(Abs(y)); n > 0; n >>= 1) {
      if (n & 1) result *= power;
      power *= power;
    }
    if (y < 0) {
      // 1/x^n could pass through infinity where x^-n is still a number.
      result = result == kInfinity ? Exp(y * Log(magnitude)) : 1.0 / result;
    }
  } else if (y == 0.5) {
    result = std::sqrt(magnitude);
  } else {
    result = Exp(y * Log(magnitude));
  }
  return IsNegative(x) && odd ? -result : result;
}

double Sigmoid(double x) {
  if (x >= 0) return 1.0 / (1.0 + Exp(-x));
  const double e = Exp(x);
  return e / (1.0 + e);
}

double Softplus(double x) { return x > 0 ? x + Log1p(Exp(-x)) : Log1p(Exp(x)); }

namespace {

// erf(x) for |x| < 0.5: Taylor's series, 2 / sqrt(pi) * sum of (-1)^n x^(2n+1) / (n! (2n+1)).
double ErfKernel(double x) {
  if (x == 0) return x;
  static constexpr double kCoefficients[] = {
      -1.0 / 3,     1.0 / 10,     -1.0 / 42,        1.0 / 216,        -1.0 / 1320,        1.0 / 9360,
      -1.0 / 75600, 1.0 / 685440, -1.0 / 6894720.0, 1.0 / 76204800.0, -1.0 / 918086400.0, 1.0 / 11975040000.0};
  const double square = x * x;
  return 0x1.20dd750429b6dp+0 * (x + x * square * Polynomial(kCoefficients, square));
}

// erfc(x) for x >= 0.5 as e^(-x^2) / (1 + 2x) times a Chebyshev series in t = (x - 3.75) / (x + 3.75).
double ErfcKernel(double x) {
  if (x > 28) return 0.0;
  static constexpr double kCoefficients[] = {
      1.1775789345674017,     -0.0045900545806464776,  -0.084249133366517917,   0.059209939998191893,
      -0.026658668435305753,  0.0090749976707052652,   -0.0024131635404176081,  0.00049077583652580863,
      -6.916973302501207e-05, 4.1390279860730102e-06,  7.7403830661984903e-07,  -2.1886401049234397e-07,
      1.076499946567091e-08,  4.5219598112182866e-09,  -7.7544002088313509e-10, -6.3180883408866841e-11,
      2.8687950109306699e-11, 1.9455868545777347e-13,  -9.6546967484334393e-13, 3.2525481481487401e-14,
      3.3478119482868056e-14, -1.864562880419313e-15,  -1.2507950530688648e-15, 7.4182352566240441e-17,
      5.068148904796111e-17,  -2.2370566594359995e-18, -2.1873429443030178e-18};
  const double t = (x - 3.75) / (x + 3.75);
  double b1 = 0, b2 = 0;  // Clenshaw
  for (size_t i = std::size(kCoefficients) - 1; i > 0; --i) {
    const double b = 2.0 * t * b1 - b2 + kCoefficients[i];
    b2 = b1;
    b1 = b;
  }
  const double series = t * b1 - b2 + kCoefficients[0];
  // x^2 in two parts, high exact: the square's rounding would be amplified 2 x^2 times.
  const double high = std::bit_cast<double>(std::bit_cast<uint64_t>(x) & ~((uint64_t{1} << 27) - 1));
  const double low = (x - high) * (x + high);
  return Exp(-high * high) * Exp(-low) * series / (1.0 + 2.0 * x);
}

}  // namespace

double Erf(double x) {
  if (x != x) return x;
  const double magnitude = Abs(x);
  if (magnitude < 0.5) return ErfKernel(x);
  return WithSignOf(1.0 - ErfcKernel(magnitude), x);
}

double Erfc(double x) {
  if (x != x) return x;
  if (Abs(x) < 0.5) return 1.0 - ErfKernel(x);
  return x > 0 ? ErfcKernel(x) : 2.0 - ErfcKernel(-x);
}

double Sin(double x) {
  if (!(Abs(x) < kInfinity)) return kNaN;
  if (Abs(x) <= kQuarterPi) return SinKernel(x);
  int quadrant;
  const double r = ReduceAngle(x, &quadrant);
  const double value = quadrant & 1 ? CosKernel(r) : SinKernel(r);
  return quadrant & 2 ? -value : value;
}

double Cos(double x) {
  if (!(Abs(x) < kInfinity)) return kNaN;
  if (Abs(x) <= kQuarterPi) return CosKernel(x);
  int quadrant;
  const double r = ReduceAngle(x, &quadrant);
  const double value = quadrant & 1 ? SinKernel(r) : CosKernel(r);
  return quadrant == 1 || quadrant == 2 ? -value : value;
}

double Tan(double x) {
  if (!(Abs(x) < kInfinity)) return kNaN;
  int quadrant = 0;
  const double r = Abs(x) <= kQuarterPi ? x : ReduceAngle(x, &quadrant);
  return quadrant & 1 ? -(CosKernel(r) / SinKernel(r)) : SinKernel(r) / CosKernel(r);
}

double Atan(double x) {
  if (x != x) return x;
  // atan(k/4) for k = 0..4; the rest, t, is at most about 1/8.
  static constexpr double kTable[] = {0.0, 0x1.f5b75f92c80ddp-3, 0x1.dac670561bb4fp-2, 0x1.4978fa3269ee1p-1,
                                      0x1.921fb54442d18p-1};
  static constexpr double kCoefficients[] = {-1.0 / 3, 1.0 / 5,   -1.0 / 7, 1.0 / 9,  -1.0 / 11,
                                             1.0 / 13, -1.0 / 15, 1.0 / 17, -1.0 / 19};
  const double magnitude = Abs(x);
  const double reduced = magnitude > 1 ? 1.0 / magnitude : magnitude;
  const double k = RoundHalfEven(reduced * 4.0), c = k * 0.25;
  const double t = (reduced - c) / (1.0 + reduced * c), square = t * t;
  const double angle = kTable[static_cast<int>(k)] + (t + t * square * Polynomial(kCoefficients, square));
  return WithSignOf(magnitude > 1 ? kHalfPi - angle : angle, x);
}

double Asin(double x) {
  if (!(Abs(x) <= 1)) return kNaN;
  if (Abs(x) == 1) return WithSignOf(kHalfPi, x);
  return Atan(x / std::sqrt((1.0 - x) * (1.0 + x)));
}

double Acos(double x) {
  if (!(Abs(x) <= 1)) return kNaN;
  if (x == -1) return kPi;
  return 2.0 * Atan(std::sqrt((1.0 - x) / (1.0 + x)));
}

double Sinh(double x) {
  const double magnitude = Abs(x);
  double value;
  if (magnitude < 22) {
    const double e = Expm1(magnitude);
    value = 0.5 * (e + e / (e + 1.0));
  } else {  // in two factors: e^x may overflow where e^x / 2 does not
    const double root = Exp(0.5 * magnitude);
    value = 0.5 * root * root;
  }
  return WithSignOf(value, x);
}

double Cosh(double x) {
  const double root = Exp(0.5 * Abs(x));
  if (Abs(x) < 22) {
    const double e = Exp(Abs(x));
    return 0.5 * (e + 1.0 / e);
  }
  return 0.5 * root * root;
}

double Tanh(double x) {
  if (x != x) return x;
  const double magnitude = Abs(x);
  if (magnitude > 22) return WithSignOf(1.0, x);
  const double e = Expm1(2.0 * magnitude);
  return WithSignOf(e / (e + 2.0), x);
}

double Asinh(double x) {
  const double magnitude = Abs(x);
  if (!(magnitude < kInfinity)) return x;
  double value;
  if (magnitude > 0x1p28) {
    value = Log(magnitude) + kLn2;
  } else {
    const double square = magnitude * magnitude;
    value = Log1p(magnitude + square / (1.0 + std::sqrt(1.0 + square)));
  }
  return WithSignOf(value, x);
}

double Acosh(double x) {
  if (!(x >= 1)) return kNaN;
  if (x > 0x1p28) return Log(x) + kLn2;
  const double t = x - 1.0;
  return Log1p(t + std::sqrt(2.0 * t + t * t));
}

double Atanh(double x) {
  const double magnitude = Abs(x);
  if (!(magnitude <= 1)) return kNaN;
  if (magnitude == 1) return WithSignOf(kInfinity, x);
  return WithSignOf(0.5 * Log1p(2.0 * magnitude / (1.0 - magnitude)), x);
}

}  // namespace math
}  // namespace octavo
