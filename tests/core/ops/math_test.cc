// The elementary functions against the C library's long double ones, which are good to far more than a float's last
// bit.
#include "core/ops/math.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>

namespace octavo::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Function {
  const char* name;
  double (*ours)(double);
  long double (*exact)(long double);
};

long double ExactSigmoid(long double x) { return 1 / (1 + std::exp(-x)); }
long double ExactSoftplus(long double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

#define OCTAVO_EXACT(function) [](long double x) { return std::function(x); }
const Function kFunctions[] = {
    {"Exp", math::Exp, OCTAVO_EXACT(exp)},       {"Expm1", math::Expm1, OCTAVO_EXACT(expm1)},
    {"Log", math::Log, OCTAVO_EXACT(log)},       {"Log1p", math::Log1p, OCTAVO_EXACT(log1p)},
    {"Sigmoid", math::Sigmoid, ExactSigmoid},    {"Softplus", math::Softplus, ExactSoftplus},
    {"Erf", math::Erf, OCTAVO_EXACT(erf)},       {"Erfc", math::Erfc, OCTAVO_EXACT(erfc)},
    {"Sin", math::Sin, OCTAVO_EXACT(sin)},       {"Cos", math::Cos, OCTAVO_EXACT(cos)},
    {"Tan", math::Tan, OCTAVO_EXACT(tan)},       {"Asin", math::Asin, OCTAVO_EXACT(asin)},
    {"Acos", math::Acos, OCTAVO_EXACT(acos)},    {"Atan", math::Atan, OCTAVO_EXACT(atan)},
    {"Sinh", math::Sinh, OCTAVO_EXACT(sinh)},    {"Cosh", math::Cosh, OCTAVO_EXACT(cosh)},
    {"Tanh", math::Tanh, OCTAVO_EXACT(tanh)},    {"Asinh", math::Asinh, OCTAVO_EXACT(asinh)},
    {"Acosh", math::Acosh, OCTAVO_EXACT(acosh)}, {"Atanh", math::Atanh, OCTAVO_EXACT(atanh)},
};
#undef OCTAVO_EXACT

// In units of the last place of T at the exact value.
template <typename T>
double ErrorOf(T found, long double exact) {
  const T nearest = static_cast<T>(exact);
  if (found == nearest || (std::isnan(found) && std::isnan(nearest))) return 0;
  if (std::isnan(found) || std::isnan(nearest) || std::isinf(found) != std::isinf(nearest)) return 1e9;
  const T magnitude = std::fabs(nearest);
  const T step = std::nextafter(magnitude, std::numeric_limits<T>::infinity()) - magnitude;
  return static_cast<double>(std::fabs(static_cast<long double>(found) - exact) / static_cast<long double>(step));
}

// Every `step`-th of all floats, NaN and infinities included.
void Sweep(uint32_t step) {
  for (const Function& function : kFunctions) {
    double worst_float = 0, worst_double = 0;
    float at = 0;
    for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += step) {
      const float x = std::bit_cast<float>(static_cast<uint32_t>(bits));
      const double y = function.ours(static_cast<double>(x));
      const long double exact = function.exact(static_cast<long double>(x));
      const double error = ErrorOf(static_cast<float>(y), exact);
      if (error > worst_float) {
        worst_float = error;
        at = x;
      }
      if (std::numeric_limits<long double>::digits > 53) worst_double = std::max(worst_double, ErrorOf(y, exact));
    }
    EXPECT_LT(worst_float, 1.0) << function.name << " at " << at;
    EXPECT_LT(worst_double, 8.0) << function.name;
  }
}

TEST(Math, IsWithinOneUnitInTheLastPlace) { Sweep(400009); }
TEST(Math, IsWithinOneUnitInTheLastPlaceExhaustive) { Sweep(20011); }

TEST(Math, SpecialValues) {
  for (const Function& function : kFunctions) {
    EXPECT_TRUE(std::isnan(function.ours(static_cast<double>(kNaN)))) << function.name;
    for (const float x : {0.0f, -0.0f, 1.0f, -1.0f, kInfinity, -kInfinity, 1e-45f, -1e-45f, 3.4028235e38f}) {
      const double y = function.ours(static_cast<double>(x));
      const double exact = static_cast<double>(function.exact(static_cast<long double>(x)));
      if (std::isnan(exact)) {
        EXPECT_TRUE(std::isnan(y)) << function.name << "(" << x << ")";
      } else {
        EXPECT_FLOAT_EQ(static_cast<float>(y), static_cast<float>(exact)) << function.name << "(" << x << ")";
        EXPECT_TRUE(exact != 0 || std::signbit(y) == std::signbit(exact)) << function.name << "(" << x << ")";
      }
    }
  }
}

TEST(Math, NeverTurnsBackWhereTheFunctionDoesNot) {
  uint32_t state = 1;
  for (const auto function : {ExpF, TanhF, SigmoidF, ErfF, SoftplusF}) {
    for (int window = 0; window < 4000; ++window) {
      state = state * 1664525u + 1013904223u;
      // |x| from 2^-20 to 2^7, where these functions move.
      const uint32_t start = 0x35800000u + state % (0x43000000u - 0x35800000u);
      for (const float sign : {1.0f, -1.0f}) {
        float last = function(sign * std::bit_cast<float>(start));
        for (uint32_t bits = start + 1; bits < start + 48; ++bits) {
          const float y = function(sign * std::bit_cast<float>(bits));
          if (sign > 0) {
            ASSERT_LE(last, y) << std::bit_cast<float>(bits);
          } else {
            ASSERT_GE(last, y) << -std::bit_cast<float>(bits);
          }
          last = y;
        }
      }
    }
  }
}

TEST(Math, PowAgreesWithTheLibrary) {
  uint64_t state = 1;
  const auto next = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state >> 33);
  };
  for (int i = 0; i < 100000; ++i) {
    float x = std::bit_cast<float>(0x3f800000u + next() % 0x4000000u - 0x2000000u);
    float y = static_cast<float>(static_cast<int>(next() % (1u << 24)) - (1 << 23)) / static_cast<float>(1 << 18);
    if (i % 3 == 0) y = std::round(y);
    if (i % 5 == 0) x = -x;
    EXPECT_LT(ErrorOf(PowF(x, y), std::pow(static_cast<long double>(x), static_cast<long double>(y))), 1.0)
        << x << " ^ " << y;
  }
  const float special[] = {0.0f, -0.0f, 1.0f,      -1.0f,      2.0f, -2.0f, 0.5f,   -0.5f,
                           3.0f, -3.0f, kInfinity, -kInfinity, kNaN, 1e30f, -1e30f, 1e-40f};
  for (const float x : special) {
    for (const float y : special) {
      const float found = PowF(x, y);
      const float exact = static_cast<float>(std::pow(static_cast<double>(x), static_cast<double>(y)));
      EXPECT_TRUE(std::bit_cast<uint32_t>(found) == std::bit_cast<uint32_t>(exact) ||
                  (std::isnan(found) && std::isnan(exact)))
          << x << " ^ " << y << " = " << found << ", not " << exact;
    }
  }
}

TEST(Math, SmallIntegralPowersAreExact) {
  EXPECT_EQ(math::Pow(3.0, 2.0), 9.0);
  EXPECT_EQ(math::Pow(-7.0, 3.0), -343.0);
  EXPECT_EQ(math::Pow(2.0, -10.0), 0x1p-10);
  EXPECT_EQ(math::Pow(10.0, 15.0), 1e15);
}

TEST(Math, RoundsHalvesToEven) {
  for (const auto& [x, y] : {std::pair{0.5, 0.0},
                             {1.5, 2.0},
                             {2.5, 2.0},
                             {-0.5, -0.0},
                             {-1.5, -2.0},
                             {0.49999999999999994, 0.0},
                             {4503599627370495.5, 4503599627370496.0},
                             {-2.3, -2.0},
                             {1e300, 1e300}}) {
    EXPECT_EQ(std::bit_cast<uint64_t>(math::RoundHalfEven(x)), std::bit_cast<uint64_t>(y)) << x;
  }
}

// A digest of the bits of many results: whatever machine runs this has to find the same one.
TEST(Math, GivesTheseBitsOnEveryMachine) {
  uint64_t digest = 14695981039346656037u;
  const auto add = [&](double y) {
    // Machines differ in the sign of the NaN they make.
    digest = (digest ^ (y != y ? uint64_t{1} : std::bit_cast<uint64_t>(y))) * 1099511628211u;
  };
  for (const Function& function : kFunctions) {
    for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += 1000003) {
      add(function.ours(static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(bits)))));
    }
  }
  for (int i = 1; i < 2000; ++i) add(math::Pow(0.01 * i, 0.37 * (i % 50) - 7));
  EXPECT_EQ(digest, 3064800290096207513u);
}

}  // namespace
}  // namespace octavo::test
