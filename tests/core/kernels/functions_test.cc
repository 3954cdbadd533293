// Elementary functions by vectors against the operators' rows, bit by bit.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "core/graph/operator.h"
#include "core/kernels/kernels.h"
#include "core/ops/math.h"
#include "core/ops/table.h"

namespace octavo {
namespace {

struct Case {
  FloatFunction function;
  const char* op;
  std::vector<Attribute> attributes;
  float alpha = 0, beta = 0;
};

std::vector<float> Inputs() {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  std::vector<float> x = {0.0f,   -0.0f, kInf,   -kInf,  std::nanf(""), -std::nanf(""), 0.5f,    -0.5f,  22.0f,
                          -22.0f, 88.7f, -88.7f, 104.0f, -104.0f,       745.0f,         -746.0f, 709.8f, 28.0f,
                          28.5f,  3e38f, -3e38f, 1e-45f, -1e-45f,       1e-38f,         -1e-20f, 0.35f,  0.175f};
  std::mt19937 random(5);
  for (uint32_t bits = 0; bits < 0x7f800000; bits += 99991) {  // every exponent, both signs
    x.push_back(std::bit_cast<float>(bits));
    x.push_back(-std::bit_cast<float>(bits));
  }
  for (int i = 0; i < 100000; ++i) x.push_back(std::uniform_real_distribution<float>(-30, 30)(random));
  return x;
}

// Some take a shorter way wherever that surely rounds to the same float. All floats would take minutes: `kStride` = 1
// compares them (done for avx3_dl).
void CompareTheShortWay(FloatFunction function, float (*want)(float), float alpha = 0, float beta = 0) {
  constexpr uint64_t kStride = 2039;
  constexpr size_t kBlock = 4096;
  std::vector<float> x(kBlock), y(kBlock);
  for (const char* target : KernelTargets()) {
    const KernelTable* table = FindKernels(target);
    if (!table->ffunction) continue;
    for (uint64_t bits = 0; bits >> 32 == 0;) {
      for (float& v : x) {
        v = std::bit_cast<float>(static_cast<uint32_t>(bits));
        bits += kStride;
      }
      table->ffunction(function, x.data(), y.data(), kBlock, alpha, beta);
      for (size_t i = 0; i < kBlock; ++i) {
        const float w = want(x[i]);
        const float one_nan = w == w ? w : std::numeric_limits<float>::quiet_NaN();
        ASSERT_EQ(std::bit_cast<uint32_t>(y[i]), std::bit_cast<uint32_t>(one_nan)) << x[i] << " on " << target;
      }
    }
  }
}

TEST(Functions, ExpIsTheSameByTheShortWay) { CompareTheShortWay(FloatFunction::kExp, ExpF); }
TEST(Functions, ErfIsTheSameByTheShortWay) { CompareTheShortWay(FloatFunction::kErf, ErfF); }
TEST(Functions, SigmoidIsTheSameByTheShortWay) { CompareTheShortWay(FloatFunction::kSigmoid, SigmoidF); }
TEST(Functions, TanhIsTheSameByTheShortWay) { CompareTheShortWay(FloatFunction::kTanh, TanhF); }
TEST(Functions, SoftplusIsTheSameByTheShortWay) { CompareTheShortWay(FloatFunction::kSoftplus, SoftplusF); }
TEST(Functions, EluIsTheSameByTheShortWay) {
  CompareTheShortWay(
      FloatFunction::kElu, [](float x) { return x < 0 ? Expm1F(x) : x; }, 1, 1);
}
TEST(Functions, MishIsTheSameByTheShortWay) {
  CompareTheShortWay(FloatFunction::kMish, [](float v) {
    const double x = v;
    return static_cast<float>(x * math::Tanh(math::Softplus(x)));
  });
}
TEST(Functions, GeluIsTheSameByTheShortWay) {
  CompareTheShortWay(FloatFunction::kGelu, [](float v) {
    const double x = v;
    return static_cast<float>(0.5 * x * math::Erfc(-x * 0x1.6a09e667f3bcdp-1));
  });
}
TEST(Functions, SigmoidMulIsTheSameByTheShortWay) {
  CompareTheShortWay(FloatFunction::kSigmoidMul, [](float x) { return x * SigmoidF(x); });
}

TEST(Functions, ErfGeluIsItsFiveNodes) {
  const std::vector<float> x = Inputs();
  for (const char* target : KernelTargets()) {
    const KernelTable* table = FindKernels(target);
    if (!table->ffunction) continue;
    std::vector<float> y = x;
    table->ffunction(FloatFunction::kErfGelu, y.data(), y.data(), y.size(), 1.41421354f, 0);
    for (size_t i = 0; i < x.size(); ++i) {
      const float divided = x[i] / 1.41421354f, gate = ErfF(divided) + 1, twice = x[i] * gate;
      const float want = twice == twice ? twice * 0.5f : std::numeric_limits<float>::quiet_NaN();
      ASSERT_EQ(std::bit_cast<uint32_t>(y[i]), std::bit_cast<uint32_t>(want)) << x[i] << " on " << target;
    }
  }
}

TEST(Functions, EqualTheRows) {
  const std::vector<Case> cases = {
      {FloatFunction::kExp, "Exp", {}},
      {FloatFunction::kSigmoid, "Sigmoid", {}},
      {FloatFunction::kTanh, "Tanh", {}},
      {FloatFunction::kErf, "Erf", {}},
      {FloatFunction::kSoftplus, "Softplus", {}},
      {FloatFunction::kMish, "Mish", {}},
      {FloatFunction::kElu, "Elu", {}, 1.0f, 1.0f},
      {FloatFunction::kElu, "Elu", {{"alpha", -0.3f}}, -0.3f, 1.0f},
      {FloatFunction::kElu, "Elu", {{"alpha", 0.0f}}, 0.0f, 1.0f},
      {FloatFunction::kElu, "Elu", {{"alpha", 1e-30f}}, 1e-30f, 1.0f},
      {FloatFunction::kElu, "Selu", {}, 1.67326319217681884765625f, 1.05070102214813232421875f},
      {FloatFunction::kLeakyRelu, "LeakyRelu", {}, 0.01f},
      {FloatFunction::kLeakyRelu, "LeakyRelu", {{"alpha", -1.7f}}, -1.7f},
      {FloatFunction::kSwish, "Swish", {{"alpha", 1.0f}}, 1.0f},
      {FloatFunction::kSwish, "Swish", {{"alpha", 1.702f}}, 1.702f},
      {FloatFunction::kHardSigmoid, "HardSigmoid", {}, 0.2f, 0.5f},
      {FloatFunction::kHardSigmoid, "HardSigmoid", {{"alpha", 1.0f / 6}, {"beta", 0.25f}}, 1.0f / 6, 0.25f},
      {FloatFunction::kHardSwish, "HardSwish", {}},
      {FloatFunction::kGelu, "Gelu", {}},
      {FloatFunction::kGeluTanh, "Gelu", {{"approximate", std::string("tanh")}}},
  };
  const auto memory = std::make_shared<Memory>();
  const std::vector<float> x = Inputs();
  const Tensor input = *Tensor::Of<float>(memory, Shape{static_cast<int64_t>(x.size())}, x);
  for (const Case& c : cases) {
    Node node;
    node.op_type = c.op;
    node.inputs = {0};
    node.outputs = {1};
    node.attributes = c.attributes;
    node.op = FindOperator("", c.op);
    ASSERT_NE(node.op, nullptr);
    std::vector<Tensor> want;
    ASSERT_TRUE(EvaluateNode(node, kNewestOpset, {&input, 1}, memory, &want).ok());
    for (const char* target : KernelTargets()) {
      const KernelTable* table = FindKernels(target);
      if (!table->ffunction) continue;
      std::vector<float> y(x.size());
      table->ffunction(c.function, x.data(), y.data(), x.size(), c.alpha, c.beta);
      for (size_t i = 0; i < x.size(); ++i) {
        const float w = want[0].data<float>()[i];
        ASSERT_EQ(std::bit_cast<uint32_t>(y[i]), std::bit_cast<uint32_t>(w))
            << c.op << " of " << x[i] << " on " << target << ": " << y[i] << ", not " << w;
      }
      for (size_t n = 0; n < 40; ++n) {  // rests, in place, and nothing behind them
        std::vector<float> z(x.begin() + 1000, x.begin() + 1000 + 48);
        table->ffunction(c.function, z.data(), z.data(), n, c.alpha, c.beta);
        ASSERT_EQ(std::memcmp(z.data(), want[0].data<float>().data() + 1000, n * sizeof(float)), 0);
        ASSERT_EQ(std::memcmp(z.data() + n, x.data() + 1000 + n, (48 - n) * sizeof(float)), 0);
      }
    }
  }
}

}  // namespace
}  // namespace octavo
