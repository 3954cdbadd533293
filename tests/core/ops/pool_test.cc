#include <cmath>
#include <limits>

#include "tests/core/ops/op_testing.h"

namespace octavo::test {
namespace {

using Ints = std::vector<int64_t>;
constexpr float kInf = std::numeric_limits<float>::infinity();

Tensor Line(const std::vector<float>& values) {
  return TensorOf<float>({1, 1, static_cast<int64_t>(values.size())}, values);
}

TEST(MaxPool, CeilModeAddsAWindowThatBeginsInside) {
  const Tensor x = Line({1, 2, 3, 4, 5});
  const auto run = [&](Ints pads, int64_t kernel, int64_t stride, int64_t ceil) {
    return Values<float>(Op("MaxPool")
                             .Set("kernel_shape", Ints{kernel})
                             .Set("strides", Ints{stride})
                             .Set("pads", pads)
                             .Set("ceil_mode", ceil)
                             .Run1({x}));
  };
  EXPECT_EQ(run({0, 0}, 2, 2, 0), (std::vector<float>{2, 4}));
  EXPECT_EQ(run({0, 0}, 2, 2, 1), (std::vector<float>{2, 4, 5}));
  // A third window would begin at 6, beyond the input: it is not added.
  EXPECT_EQ(run({0, 1}, 1, 3, 1), (std::vector<float>{1, 4}));
  EXPECT_EQ(run({1, 1}, 3, 4, 1), (std::vector<float>{2, 5}));
}

TEST(MaxPool, IndicesInBothStorageOrders) {
  const Tensor x = TensorOf<float>({1, 2, 2, 3}, {1, 5, 2, 3, 4, 9, 7, 7, 7, 7, 7, 7});
  const auto run = [&](int64_t order) {
    const auto outputs = Op("MaxPool").Set("kernel_shape", Ints{2, 2}).Set("storage_order", order).Outputs(2).Run({x});
    EXPECT_TRUE(outputs.ok());
    return *outputs;
  };
  EXPECT_EQ(Values<float>(run(0)[0]), (std::vector<float>{5, 9, 7, 7}));
  EXPECT_EQ(Values<int64_t>(run(0)[1]), (std::vector<int64_t>{1, 5, 6, 7}));  // the first of equals
  EXPECT_EQ(Values<int64_t>(run(1)[1]), (std::vector<int64_t>{2, 5, 6, 8}));  // row + column * 2
}

TEST(MaxPool, NanIsPassedOverAndDilationSkips) {
  EXPECT_EQ(Values<float>(Op("MaxPool").Set("kernel_shape", Ints{2}).Run1({Line({NAN, 1, NAN, NAN, -kInf})})),
            (std::vector<float>{1, 1, -kInf, -kInf}));
  EXPECT_EQ(
      Values<float>(Op("MaxPool").Set("kernel_shape", Ints{2}).Set("dilations", Ints{3}).Run1({Line({1, 9, 2, 3, 4})})),
      (std::vector<float>{3, 9}));
}

TEST(MaxPool, IntegersAndHalfFloats) {
  EXPECT_EQ(Values<int8_t>(Op("MaxPool")
                               .Set("kernel_shape", Ints{2})
                               .Set("pads", Ints{1, 1})
                               .Run1({TensorOf<int8_t>({1, 1, 2}, {-128, -7})})),
            (std::vector<int8_t>{-128, -7, -7}));
  const Tensor y =
      Op("MaxPool").Set("kernel_shape", Ints{2}).Run1({TensorOf<Half>({1, 1, 2}, {Half(-2.0f), Half(-1.0f)})});
  EXPECT_EQ(static_cast<float>(y.data<Half>()[0]), -1.0f);  // whose bits are the smaller number
}

TEST(MaxPool, SaysWhatIsWrong) {
  const Tensor x = Line({1, 2, 3});
  EXPECT_CONTAINS(Op("MaxPool").Set("kernel_shape", Ints{0}).Error({x}), "kernel_shape[0] is 0");
  EXPECT_CONTAINS(Op("MaxPool").Set("kernel_shape", Ints{2, 2}).Error({x}), "kernel_shape has 2 values where 1");
  EXPECT_CONTAINS(Op("MaxPool").Set("kernel_shape", Ints{4}).Error({x}), "the window covers 4 elements");
  EXPECT_CONTAINS(Op("MaxPool").Set("kernel_shape", Ints{1}).Set("ceil_mode", 2).Error({x}), "ceil_mode is 2");
  EXPECT_CONTAINS(Op("MaxPool").Set("kernel_shape", Ints{1}).Set("storage_order", -1).Error({x}),
                  "storage_order is -1");
  EXPECT_CONTAINS(Op("MaxPool").Set("kernel_shape", Ints{1}).Error({TensorOf<int32_t>({1, 1, 1}, {1})}), "X is int32");
  EXPECT_EQ(Op("MaxPool").Set("kernel_shape", Ints{3, 3}).InferShape({{DType::kFloat, std::nullopt}}), "[?, ?, ?, ?]");
  EXPECT_EQ(Op("MaxPool").Set("kernel_shape", Ints{3, 3}).InferShape({{DType::kFloat, Shape{-1, 3, 8, -1}}}),
            "[?, 3, 6, ?]");
}

TEST(AveragePool, CountsWhatItIsTold) {
  const Tensor x = Line({2, 4, 6, 8});
  const auto run = [&](int64_t include, int64_t ceil) {
    return Values<float>(Op("AveragePool")
                             .Set("kernel_shape", Ints{3})
                             .Set("strides", Ints{2})
                             .Set("pads", Ints{1, 0})
                             .Set("count_include_pad", include)
                             .Set("ceil_mode", ceil)
                             .Run1({x}));
  };
  EXPECT_EQ(run(0, 0), (std::vector<float>{3, 6}));
  EXPECT_EQ(run(1, 0), (std::vector<float>{2, 6}));
  // The third window holds 8 and lies otherwise beyond the padding, which is never counted.
  EXPECT_EQ(run(1, 1), (std::vector<float>{2, 6}));
  const Tensor y = Op("AveragePool")
                       .Set("kernel_shape", Ints{2})
                       .Set("strides", Ints{3})
                       .Set("ceil_mode", 1)
                       .Set("count_include_pad", 1)
                       .Run1({x});
  EXPECT_EQ(Values<float>(y), (std::vector<float>{3, 8}));
}

TEST(AveragePool, AWindowOfPaddingOnlyIsZero) {
  EXPECT_EQ(Values<float>(Op("AveragePool").Set("kernel_shape", Ints{2}).Set("pads", Ints{2, 0}).Run1({Line({4, 6})})),
            (std::vector<float>{0, 4, 5}));
}

TEST(AveragePool, SumsInOrderAndDividesOnce) {
  // 2^24 + 1 is 2^24 in float; in the other order the ones would count.
  const Tensor x = TensorOf<float>({1, 1, 2, 2}, {0x1p24f, 1, 1, 0});
  EXPECT_EQ(Values<float>(Op("AveragePool").Set("kernel_shape", Ints{2, 2}).Run1({x})), (std::vector<float>{0x1p22f}));
  EXPECT_EQ(Values<float>(Op("GlobalAveragePool").Run1({x})), (std::vector<float>{0x1p22f}));
}

TEST(GlobalPool, ReducesEveryChannel) {
  const Tensor x = TensorOf<float>({1, 2, 2, 2}, {1, 2, 3, 6, -4, -3, -2, -3});
  EXPECT_EQ(Op("GlobalAveragePool").Run1({x}).shape(), (Shape{1, 2, 1, 1}));
  EXPECT_EQ(Values<float>(Op("GlobalAveragePool").Run1({x})), (std::vector<float>{3, -3}));
  EXPECT_EQ(Values<float>(Op("GlobalMaxPool").Run1({x})), (std::vector<float>{6, -2}));
  EXPECT_EQ(Values<float>(Op("GlobalLpPool").Set("p", 1).Run1({x})), (std::vector<float>{12, 12}));
  EXPECT_EQ(Values<float>(Op("GlobalAveragePool").Run1({TensorOf<float>({1, 1, 0}, {})})), (std::vector<float>{0}));
  EXPECT_EQ(Op("GlobalAveragePool").InferShape({{DType::kFloat, Shape{-1, 3, -1, -1}}}), "[?, 3, 1, 1]");
  EXPECT_CONTAINS(Op("GlobalMaxPool").Error({TensorOf<float>({1, 1}, {1})}), "at least 3 dimensions");
}

TEST(LpPool, PowersAndRoots) {
  const Tensor x = Line({-3, 4, 0});
  EXPECT_EQ(Values<float>(Op("LpPool").Set("kernel_shape", Ints{2}).Run1({x})), (std::vector<float>{5, 4}));
  EXPECT_EQ(Values<float>(Op("LpPool").Set("kernel_shape", Ints{2}).Set("p", 1).Run1({x})), (std::vector<float>{7, 4}));
  const Tensor y = Op("LpPool").Set("kernel_shape", Ints{2}).Set("p", 3).Run1({x});
  EXPECT_NEAR(y.data<float>()[0], std::cbrt(91.0), 1e-6);
  EXPECT_CONTAINS(Op("LpPool").Set("kernel_shape", Ints{2}).Set("p", 0).Error({x}), "p is 0");
}

}  // namespace
}  // namespace octavo::test
