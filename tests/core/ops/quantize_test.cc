#include <cmath>
#include <limits>

#include "core/ops/rounding.h"
#include "tests/core/ops/op_testing.h"

namespace octavo::test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

Tensor Floats(const std::vector<float>& values) {
  return TensorOf<float>({static_cast<int64_t>(values.size())}, values);
}

TEST(Rounding, HalvesGoToTheEvenNeighbour) {
  for (float x = -20; x <= 20; x += 0.125f) EXPECT_EQ(RoundHalfEven(x), std::nearbyint(x)) << x;
  for (float x : {0.49999997f, -0.49999997f, 0.50000006f, -0.50000006f, 8388607.5f, -8388607.5f, 8388609.0f, 1e30f,
                  1e-45f, 4194304.5f, 4194305.5f}) {
    EXPECT_EQ(RoundHalfEven(x), std::nearbyint(x)) << x;
  }
  EXPECT_EQ(RoundHalfEven(kInf), kInf);
  EXPECT_EQ(RoundHalfEven(-kInf), -kInf);
  EXPECT_TRUE(std::isnan(RoundHalfEven(NAN)));
  for (double x : {0.49999999999999994, -0.49999999999999994, 4503599627370497.5, 2.5, 3.5}) {
    EXPECT_EQ(RoundHalfEven(x), std::nearbyint(x)) << x;
  }
}

TEST(Rounding, QuantizedValuesSaturateAndNanIsTheZeroPoint) {
  const IntegerRange u8 = RangeOf(DType::kUInt8), s8 = RangeOf(DType::kInt8), s4 = RangeOf(DType::kInt4);
  EXPECT_EQ(s8.lo, -128);
  EXPECT_EQ(s8.hi, 127);
  EXPECT_EQ(s4.lo, -8);
  EXPECT_EQ(RangeOf(DType::kUInt16).hi, 65535);
  EXPECT_EQ(QuantizeValue(kInf, 3, u8), 255);
  EXPECT_EQ(QuantizeValue(-kInf, 3, u8), 0);
  EXPECT_EQ(QuantizeValue(float(NAN), 3, u8), 3);
  EXPECT_EQ(QuantizeValue(1e30f, -128, s8), 127);
  EXPECT_EQ(QuantizeValue(254.5f, 0, u8), 254);
  EXPECT_EQ(QuantizeValue(255.5f, 0, u8), 255);
  EXPECT_EQ(QuantizeValue(-0.5f, 0, u8), 0);
}

TEST(QuantizeLinear, RoundsTheTrueQuotient) {
  const Tensor x = Floats({0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 1000, -1000, NAN, kInf, -kInf});
  EXPECT_EQ(Values<uint8_t>(Op("QuantizeLinear").Run1({x, ScalarOf(1.0f), ScalarOf<uint8_t>(10)})),
            (std::vector<uint8_t>{10, 12, 12, 10, 8, 255, 0, 10, 255, 0}));
  EXPECT_EQ(Values<int8_t>(Op("QuantizeLinear").Run1({x, ScalarOf(1.0f), ScalarOf<int8_t>(-10)})),
            (std::vector<int8_t>{-10, -8, -8, -10, -12, 127, -128, -10, 127, -128}));
  // 0.35 / 0.1 is 3.4999998 in float, times 10 would be 3.5.
  EXPECT_EQ(Values<uint8_t>(Op("QuantizeLinear").Run1({Floats({0.35f}), ScalarOf(0.1f)})),
            (std::vector<uint8_t>{static_cast<uint8_t>(std::nearbyint(0.35f / 0.1f))}));
}

TEST(QuantizeLinear, PerAxis) {
  const Tensor x = TensorOf<float>({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor scale = Floats({1, 2, 0.5f}), zero = TensorOf<uint8_t>({3}, {0, 10, 20});
  EXPECT_EQ(Values<uint8_t>(Op("QuantizeLinear").Run1({x, scale, zero})), (std::vector<uint8_t>{1, 11, 26, 4, 12, 32}));
  EXPECT_EQ(Values<uint8_t>(Op("QuantizeLinear").Set("axis", -2).Run1({x, Floats({1, 2})})),
            (std::vector<uint8_t>{1, 2, 3, 2, 2, 3}));
  // A scale alone is for the whole tensor, whatever its rank and the axis.
  EXPECT_TRUE(Op("QuantizeLinear").Set("axis", 5).Run({x, Floats({1})}).ok());
}

TEST(QuantizeLinear, BlocksMayBeCutShort) {
  // Blocks of 2 along axis 1 of [2, 3]: scales [2, 2].
  const Tensor x = TensorOf<float>({2, 3}, {8, 8, 8, 8, 8, 8});
  const Tensor scale = TensorOf<float>({2, 2}, {1, 2, 4, 8}), zero = TensorOf<int8_t>({2, 2}, {0, 1, 2, 3});
  EXPECT_EQ(Values<int8_t>(Op("QuantizeLinear").Set("block_size", 2).Run1({x, scale, zero})),
            (std::vector<int8_t>{8, 8, 5, 4, 4, 4}));
  // Along axis 0: scales [1, 3].
  EXPECT_EQ(Values<uint8_t>(
                Op("QuantizeLinear").Set("block_size", 2).Set("axis", 0).Run1({x, TensorOf<float>({1, 3}, {1, 2, 4})})),
            (std::vector<uint8_t>{8, 4, 2, 8, 4, 2}));
}

TEST(QuantizeLinear, OtherTypes) {
  const Tensor x = Floats({-100000, -3, 0.5f, 3, 100000});
  EXPECT_EQ(Values<int16_t>(Op("QuantizeLinear").Run1({x, ScalarOf(1.0f), ScalarOf<int16_t>(0)})),
            (std::vector<int16_t>{-32768, -3, 0, 3, 32767}));
  EXPECT_EQ(Values<uint16_t>(Op("QuantizeLinear").Run1({x, ScalarOf(1.0f), ScalarOf<uint16_t>(5)})),
            (std::vector<uint16_t>{0, 2, 5, 8, 65535}));
  const Tensor y = Op("QuantizeLinear").Set("output_dtype", static_cast<int>(DType::kInt4)).Run1({x, ScalarOf(1.0f)});
  ASSERT_EQ(y.dtype(), DType::kInt4);
  const auto* bytes = static_cast<const uint8_t*>(y.raw());
  EXPECT_EQ(bytes[0], 0xd8);  // -8, -3: low nibble first
  EXPECT_EQ(bytes[1], 0x30);  // 0, 3
  EXPECT_EQ(bytes[2], 0x07);  // 7, nothing
  EXPECT_EQ(Values<float>(Op("DequantizeLinear").Run1({y, ScalarOf(0.5f)})),
            (std::vector<float>{-4, -1.5f, 0, 1.5f, 3.5f}));
  EXPECT_EQ(Values<uint8_t>(Op("QuantizeLinear").Run1({TensorOf<int32_t>({3}, {16777217, 3, 5}), ScalarOf(2.0f)})),
            (std::vector<uint8_t>{255, 2, 2}));
}

TEST(QuantizeLinear, PrecisionIsThatOfTheScale) {
  // 1000.5 / 1 is 1000.5 in float; float16 has no halves there and rounds it to 1000 first, or 1001.5 to 1002.
  const Tensor x = Floats({1001.5f}), zero = ScalarOf<int16_t>(0);
  EXPECT_EQ(Values<int16_t>(Op("QuantizeLinear", 23).Run1({x, ScalarOf(1.0f), zero})), (std::vector<int16_t>{1002}));
  const Tensor third = Floats({100.375f});  // over 0.1: 1003.75, in float16 (scale 0.09998) 1004
  const Tensor y =
      Op("QuantizeLinear", 23).Set("precision", static_cast<int>(DType::kFloat16)).Run1({third, ScalarOf(0.1f), zero});
  EXPECT_EQ(Values<int16_t>(y), (std::vector<int16_t>{1004}));
}

TEST(QuantizeLinear, SaysWhatIsWrong) {
  const Tensor x = TensorOf<float>({2, 3}, {1, 2, 3, 4, 5, 6}), one = ScalarOf(1.0f);
  for (float bad : {0.0f, -1.0f, NAN, kInf}) {
    EXPECT_CONTAINS(Op("QuantizeLinear").Error({x, ScalarOf(bad)}), "scales must be greater than 0 and finite");
    EXPECT_CONTAINS(Op("DequantizeLinear").Error({TensorOf<int8_t>({1}, {1}), ScalarOf(bad)}), "x_scale[0] is");
  }
  EXPECT_CONTAINS(Op("QuantizeLinear").Error({x, Floats({1, 2})}),
                  "y_scale has 2 elements; axis 1 of shape [2, 3] needs 3");
  EXPECT_CONTAINS(Op("QuantizeLinear").Set("axis", 2).Error({x, Floats({1, 2})}), "axis 2 is outside [-2, 2)");
  EXPECT_CONTAINS(Op("QuantizeLinear").Set("axis", INT64_MIN).Error({x, Floats({1, 2})}), "is outside [-2, 2)");
  EXPECT_CONTAINS(Op("QuantizeLinear").Error({x, Floats({1, 2, 3}), ScalarOf<uint8_t>(0)}), "they must be equal");
  EXPECT_CONTAINS(Op("QuantizeLinear").Error({x, TensorOf<float>({2, 3}, {1, 1, 1, 1, 1, 1})}), "without block_size");
  EXPECT_CONTAINS(Op("QuantizeLinear").Set("block_size", -1).Error({x, one}), "block_size is -1");
  EXPECT_CONTAINS(Op("QuantizeLinear").Set("block_size", 2).Error({x, TensorOf<float>({2, 3}, {1, 1, 1, 1, 1, 1})}),
                  "does not fit blocks of 2 along axis 1 of shape [2, 3]");
  EXPECT_CONTAINS(Op("QuantizeLinear").Error({x, one, ScalarOf(0.0f)}), "y_zero_point is float32");
  EXPECT_CONTAINS(Op("QuantizeLinear").Set("output_dtype", 3).Error({x, one, ScalarOf<uint8_t>(0)}),
                  "output_dtype is int8, y_zero_point uint8");
  EXPECT_CONTAINS(Op("QuantizeLinear").Set("output_dtype", 17).Error({x, one}, Code::kUnsupported),
                  "output_dtype is 17");
  EXPECT_CONTAINS(Op("DequantizeLinear").Error({TensorOf<int8_t>({1}, {1}), one, ScalarOf<uint8_t>(0)}), "same type");
  EXPECT_TRUE(Op("QuantizeLinear").Run({x, ScalarOf(1e-45f)}).ok());
  EXPECT_TRUE(Op("QuantizeLinear").Run({x, ScalarOf(std::numeric_limits<float>::max())}).ok());
}

TEST(DequantizeLinear, SubtractsExactly) {
  const Tensor x = TensorOf<int32_t>({2}, {INT32_MAX, INT32_MIN});
  EXPECT_EQ(Values<float>(Op("DequantizeLinear").Run1({x, ScalarOf(1.0f), ScalarOf<int32_t>(-1)})),
            (std::vector<float>{2147483648.0f, -2147483647.0f}));
  const Tensor y = Op("DequantizeLinear", 23)
                       .Set("output_dtype", static_cast<int>(DType::kBFloat16))
                       .Run1({TensorOf<uint8_t>({1}, {255}), ScalarOf(1.0f), ScalarOf<uint8_t>(0)});
  EXPECT_EQ(static_cast<float>(Values<BFloat16>(y)[0]), 255.0f);
}

TEST(DequantizeLinear, InfersWhatIsKnown) {
  EXPECT_EQ(Op("DequantizeLinear").InferShape({{DType::kInt8, Shape{-1, 3}}, {DType::kFloat, Shape{3}}}), "[?, 3]");
  EXPECT_EQ(Op("DequantizeLinear").InferShape({{DType::kInt8, std::nullopt}, {DType::kFloat, std::nullopt}}),
            "unranked");
  EXPECT_CONTAINS(Op("DequantizeLinear").InferShape({{DType::kInt8, Shape{-1, 3}}, {DType::kFloat, Shape{4}}}),
                  "needs 3");
}

TEST(DynamicQuantizeLinear, TakesTheRangeWithZero) {
  const auto run = [](const std::vector<float>& values) {
    const auto outputs = Op("DynamicQuantizeLinear").Outputs(3).Run({Floats(values)});
    EXPECT_TRUE(outputs.ok()) << outputs.status().message();
    return *outputs;
  };
  const auto positive = run({1, 2, 255});
  EXPECT_EQ(Values<uint8_t>(positive[0]), (std::vector<uint8_t>{1, 2, 255}));
  EXPECT_EQ(Values<float>(positive[1]), (std::vector<float>{1}));
  EXPECT_EQ(Values<uint8_t>(positive[2]), (std::vector<uint8_t>{0}));
  const auto negative = run({-255, 0});
  EXPECT_EQ(Values<uint8_t>(negative[0]), (std::vector<uint8_t>{0, 255}));
  EXPECT_EQ(Values<uint8_t>(negative[2]), (std::vector<uint8_t>{255}));
  EXPECT_EQ(Values<float>(run({0, 0})[1]), (std::vector<float>{1}));
  EXPECT_EQ(Values<float>(run({})[1]), (std::vector<float>{1}));
  EXPECT_EQ(Values<uint8_t>(run({NAN, 255})[0]), (std::vector<uint8_t>{0, 255}));
}

}  // namespace
}  // namespace octavo::test
