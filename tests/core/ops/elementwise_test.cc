// Corner cases of element-wise rows that ONNX's own tests do not reach.
#include <bit>
#include <cmath>
#include <limits>

#include "tests/core/ops/op_testing.h"

namespace octavo::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Tensor Bools(const std::vector<uint8_t>& values) {
  return Op("Cast").Set("to", 9).Run1({TensorOf<uint8_t>({static_cast<int64_t>(values.size())}, values)});
}

TEST(Unary, NaNPassesThrough) {
  const Tensor x = TensorOf<float>({1}, {kNaN});
  for (const char* op :
       {"Relu",     "LeakyRelu", "ThresholdedRelu", "Elu",  "Selu", "Sigmoid", "HardSigmoid", "Tanh",       "Erf",
        "Softplus", "Softsign",  "Shrink",          "Abs",  "Neg",  "Exp",     "Log",         "Reciprocal", "Sqrt",
        "Floor",    "Ceil",      "Round",           "Sign", "Sin",  "Cos",     "HardSwish",   "Mish",       "Gelu",
        "Celu"}) {
    EXPECT_TRUE(std::isnan(Values<float>(Op(op).Run1({x}))[0])) << op;
  }
}

TEST(Unary, NaNHasTheSameBitsOnEveryMachine) {
  const Tensor minus = TensorOf<float>({1}, {-1.0f});
  for (const char* op : {"Sqrt", "Log"}) {
    EXPECT_EQ(std::bit_cast<uint32_t>(Values<float>(Op(op).Run1({minus}))[0]), 0x7fc00000u) << op;
  }
}

TEST(Unary, IntegersWrap) {
  const Tensor x = TensorOf<int8_t>({3}, {-128, -1, 127});
  EXPECT_EQ(Values<int8_t>(Op("Neg").Run1({x})), (std::vector<int8_t>{-128, 1, -127}));
  EXPECT_EQ(Values<int8_t>(Op("Abs").Run1({x})), (std::vector<int8_t>{-128, 1, 127}));
  EXPECT_EQ(Values<int8_t>(Op("Relu").Run1({x})), (std::vector<int8_t>{0, 0, 127}));
  const Tensor least = TensorOf<int64_t>({1}, {INT64_MIN});
  EXPECT_EQ(Values<int64_t>(Op("Neg").Run1({least}))[0], INT64_MIN);
  EXPECT_EQ(Values<int64_t>(Op("Abs").Run1({least}))[0], INT64_MIN);
  EXPECT_EQ(Values<uint8_t>(Op("BitwiseNot").Run1({TensorOf<uint8_t>({1}, {0x0f})}))[0], 0xf0);
}

TEST(Unary, EmptyTensorsAndScalars) {
  EXPECT_EQ(Op("Exp").Run1({TensorOf<float>({2, 0, 3}, {})}).shape().ToString(), "[2, 0, 3]");
  EXPECT_EQ(Values<float>(Op("Exp").Run1({ScalarOf(0.0f)}))[0], 1.0f);
}

TEST(Unary, HalfIsRoundedOnce) {
  // 1 + 2^-11 + 2^-26 in double would first round to 1 + 2^-11 in float and then, a tie, to 1.
  const Tensor x = TensorOf<double>({1}, {1.0 + 0x1p-11 + 0x1p-40});
  const Tensor y = Op("Cast").Set("to", 10).Run1({x});
  EXPECT_EQ(Values<Half>(y)[0].bits, 0x3c01);
  const Tensor z = Op("Cast").Set("to", 16).Run1({TensorOf<double>({1}, {1.0 + 0x1p-8 + 0x1p-40})});
  EXPECT_EQ(Values<BFloat16>(z)[0].bits, 0x3f81);
}

TEST(Unary, RefusesWrongTypesByName) {
  EXPECT_CONTAINS(Op("Exp").Error({TensorOf<int32_t>({1}, {1})}), "X is int32; allowed: float32");
  EXPECT_CONTAINS(Op("Relu").Error({Bools({1})}), "X is bool");
  EXPECT_CONTAINS(Op("BitwiseNot").Error({ScalarOf(1.0f)}), "X is float32; allowed: integers");
  EXPECT_CONTAINS(Op("Gelu").Set("approximate", "sigmoid").Error({ScalarOf(1.0f)}), "allowed: none, tanh");
}

TEST(Unary, GeluIsAccurateFarBelowZero) {
  // x Phi(x); the naive 1 + erf has lost every digit here.
  EXPECT_FLOAT_EQ(Values<float>(Op("Gelu").Run1({ScalarOf(-8.0f)}))[0], -4.9767685e-15f);
}

TEST(Clip, FormsBeforeAndAfterOperatorSet11) {
  const Tensor x = TensorOf<float>({4}, {-2, 0.5f, 9, kNaN});
  auto y = Values<float>(Op("Clip", 7).Set("min", -1.0f).Set("max", 1.0f).Run1({x}));
  EXPECT_EQ(y[0], -1.0f);
  EXPECT_EQ(y[1], 0.5f);
  EXPECT_EQ(y[2], 1.0f);
  EXPECT_TRUE(std::isnan(y[3]));
  y = Values<float>(Op("Clip").Run1({x, Tensor(), ScalarOf(1.0f)}));
  EXPECT_EQ(y[0], -2.0f);
  EXPECT_EQ(y[2], 1.0f);
  // min above max: everything becomes max.
  EXPECT_EQ(Values<float>(Op("Clip").Run1({x, ScalarOf(5.0f), ScalarOf(1.0f)}))[1], 1.0f);
  EXPECT_CONTAINS(Op("Clip").Set("min", 0.0f).Error({x}), "inputs since operator set 11");
  EXPECT_CONTAINS(Op("Clip", 7).Error({x, ScalarOf(0.0f)}), "attributes before operator set 11");
  EXPECT_CONTAINS(Op("Clip").Error({x, x}), "must be a single element");
}

TEST(Binary, IntegerDivisionNeverTraps) {
  const Tensor a = TensorOf<int32_t>({4}, {INT32_MIN, 7, -7, 0}), b = TensorOf<int32_t>({4}, {-1, 0, 2, 0});
  EXPECT_EQ(Values<int32_t>(Op("Div").Run1({a, b})), (std::vector<int32_t>{INT32_MIN, 0, -3, 0}));
  EXPECT_EQ(Values<int32_t>(Op("Mod").Run1({a, b})), (std::vector<int32_t>{0, 0, 1, 0}));
  EXPECT_EQ(Values<int32_t>(Op("Mod").Set("fmod", 1).Run1({a, b})), (std::vector<int32_t>{0, 0, -1, 0}));
  const Tensor least = ScalarOf<int64_t>(INT64_MIN), minus = ScalarOf<int64_t>(-1);
  EXPECT_EQ(Values<int64_t>(Op("Div").Run1({least, minus}))[0], INT64_MIN);
  EXPECT_EQ(Values<int64_t>(Op("Mod").Run1({least, minus}))[0], 0);
  EXPECT_EQ(Values<uint8_t>(Op("Div").Run1({ScalarOf<uint8_t>(200), ScalarOf<uint8_t>(3)}))[0], 66);
}

TEST(Binary, IntegersWrap) {
  const Tensor a = ScalarOf<int64_t>(INT64_MAX), one = ScalarOf<int64_t>(1), two = ScalarOf<int64_t>(2);
  EXPECT_EQ(Values<int64_t>(Op("Add").Run1({a, one}))[0], INT64_MIN);
  EXPECT_EQ(Values<int64_t>(Op("Mul").Run1({a, two}))[0], -2);
  EXPECT_EQ(Values<uint8_t>(Op("Sub").Run1({ScalarOf<uint8_t>(1), ScalarOf<uint8_t>(2)}))[0], 255);
}

TEST(Binary, PowersOfIntegers) {
  const Tensor x = TensorOf<int32_t>({6}, {2, -1, -1, 1, 0, 3}), n = TensorOf<int32_t>({6}, {10, -3, -2, -5, -1, -1});
  EXPECT_EQ(Values<int32_t>(Op("Pow").Run1({x, n})), (std::vector<int32_t>{1024, -1, 1, 1, 0, 0}));
  // An integer base and a float exponent: truncated, saturated.
  EXPECT_EQ(Values<int32_t>(Op("Pow").Run1({ScalarOf<int32_t>(10), ScalarOf(30.0f)}))[0], INT32_MAX);
}

TEST(Binary, ModuloOfFloatsBySignOfTheDivisor) {
  const Tensor a = TensorOf<float>({4}, {-5.5f, 5.5f, -0.0f, -1.0f}), b = TensorOf<float>({4}, {3, -3, 2, kInfinity});
  const auto y = Values<float>(Op("Mod", 28).Run1({a, b}));
  EXPECT_EQ(y, (std::vector<float>{0.5f, -0.5f, 0.0f, kInfinity}));
  EXPECT_FALSE(std::signbit(y[2]));
  EXPECT_CONTAINS(Op("Mod", 13).Error({a, b}), "fmod must be 1 for float32 before operator set 28");
}

TEST(Binary, ShiftsByTooMuch) {
  const Tensor x = TensorOf<uint8_t>({3}, {0x81, 0x81, 0x81}), n = TensorOf<uint8_t>({3}, {1, 8, 200});
  EXPECT_EQ(Values<uint8_t>(Op("BitShift").Set("direction", "LEFT").Run1({x, n})), (std::vector<uint8_t>{2, 0, 0}));
  EXPECT_EQ(Values<uint8_t>(Op("BitShift").Set("direction", "RIGHT").Run1({x, n})), (std::vector<uint8_t>{0x40, 0, 0}));
  const Tensor s = TensorOf<int8_t>({3}, {-128, -128, 64}), m = TensorOf<int8_t>({3}, {1, -1, 100});
  EXPECT_EQ(Values<int8_t>(Op("BitShift", 28).Set("direction", "RIGHT").Run1({s, m})),
            (std::vector<int8_t>{-64, -1, 0}));
  EXPECT_EQ(Values<int8_t>(Op("BitShift", 28).Set("direction", "LEFT").Run1({s, m})), (std::vector<int8_t>{0, 0, 0}));
  EXPECT_CONTAINS(Op("BitShift").Set("direction", "UP").Error({x, n}), "direction is \"UP\"");
}

TEST(Binary, MinimumAndMaximumKeepNaN) {
  const Tensor a = TensorOf<float>({3}, {kNaN, 1, 2}), b = TensorOf<float>({3}, {0, kNaN, 3});
  for (const char* op : {"Min", "Max"}) {
    const auto y = Values<float>(Op(op).Run1({a, b}));
    EXPECT_TRUE(std::isnan(y[0])) << op;
    EXPECT_TRUE(std::isnan(y[1])) << op;
    EXPECT_EQ(y[2], op[1] == 'i' ? 2.0f : 3.0f);
  }
}

TEST(Binary, BroadcastsInAllDirections) {
  const Tensor a = TensorOf<int32_t>({2, 1, 2}, {1, 2, 3, 4}), b = TensorOf<int32_t>({3, 1}, {10, 20, 30});
  EXPECT_EQ(Values<int32_t>(Op("Add").Run1({a, b})),
            (std::vector<int32_t>{11, 12, 21, 22, 31, 32, 13, 14, 23, 24, 33, 34}));
  // Three inputs of different ranks.
  EXPECT_EQ(
      Values<float>(Op("Sum").Run1({ScalarOf(1.0f), TensorOf<float>({2}, {1, 2}), TensorOf<float>({2, 1}, {10, 20})})),
      (std::vector<float>{12, 13, 22, 23}));
  EXPECT_EQ(Values<float>(Op("Mean").Run1({TensorOf<float>({2}, {1, 2})})), (std::vector<float>{1, 2}));
}

TEST(Binary, BroadcastsEmptyDimensions) {
  EXPECT_EQ(Op("Add").Run1({TensorOf<float>({2, 0}, {}), ScalarOf(1.0f)}).shape().ToString(), "[2, 0]");
  EXPECT_EQ(Op("Add").Run1({TensorOf<float>({0, 3}, {}), TensorOf<float>({1, 3}, {1, 2, 3})}).shape().ToString(),
            "[0, 3]");
  EXPECT_CONTAINS(Op("Add").Error({TensorOf<float>({0}, {}), TensorOf<float>({3}, {1, 2, 3})}), "0 against 3");
}

TEST(Binary, InfersWhatIsKnown) {
  const DType f = DType::kFloat;
  EXPECT_EQ(Op("Add").InferShape({{f, Shape{-1, 3}}, {f, Shape{4, 1}}}), "[4, 3]");
  EXPECT_EQ(Op("Add").InferShape({{f, Shape{-1, 3}}, {f, Shape{1}}}), "[?, 3]");
  EXPECT_EQ(Op("Add").InferShape({{f, std::nullopt}, {f, Shape{4, 1}}}), "unranked");
  EXPECT_CONTAINS(Op("Add").InferShape({{f, Shape{2, -1}}, {f, Shape{3, 1}}}), "cannot be broadcast");
  EXPECT_CONTAINS(Op("Add").InferShape({{f, Shape{2}}, {DType::kInt8, Shape{2}}}), "must be of the same type");
  EXPECT_EQ(Op("PRelu").InferShape({{f, Shape{2, -1, 4}}, {f, Shape{3, 1}}}), "[2, ?, 4]");
  EXPECT_CONTAINS(Op("PRelu").InferShape({{f, Shape{3}}, {f, Shape{2, 3}}}), "does not broadcast to X");
  EXPECT_EQ(Op("Where").InferShape({{DType::kBool, Shape{2, 1}}, {f, Shape{3}}, {f, Shape{}}}), "[2, 3]");
}

TEST(Binary, RefusesLeftOutOperands) {
  EXPECT_CONTAINS(Op("Add").Error({ScalarOf(1.0f), Tensor()}), "input 1 is left out");
  EXPECT_CONTAINS(Op("And").Error({ScalarOf(1.0f), ScalarOf(1.0f)}), "allowed: bool");
  EXPECT_CONTAINS(Op("Less").Error({Bools({1}), Bools({1})}), "input 0 is bool; allowed: numbers");
}

}  // namespace
}  // namespace octavo::test
