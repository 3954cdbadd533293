#include <cmath>
#include <limits>

#include "tests/core/ops/op_testing.h"

namespace octavo::test {
namespace {

TEST(Softmax, OneAxisSinceVersion13AllFollowingBefore) {
  const Tensor x = TensorOf<float>({2, 2, 2}, {0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(Op("Softmax", 13).Run1({x}).data<float>()[0], 0.5f);
  EXPECT_EQ(Op("Softmax", 12).Run1({x}).data<float>()[0], 0.25f);
  EXPECT_EQ(Op("Softmax", 12).Set("axis", 0).Run1({x}).data<float>()[0], 0.125f);
  EXPECT_EQ(Op("Softmax", 12).Set("axis", -1).Run1({x}).data<float>()[0], 0.5f);
  // Along the first axis, every column for itself.
  const Tensor y = Op("Softmax").Set("axis", 0).Run1({TensorOf<float>({2, 2}, {0, 100, 0, 0})});
  EXPECT_EQ(y.data<float>()[0], 0.5f);
  EXPECT_EQ(y.data<float>()[1], 1.0f);
}

TEST(Softmax, LargeValuesDoNotOverflow) {
  const Tensor x = TensorOf<float>({1, 3}, {10000, 10001, -std::numeric_limits<float>::infinity()});
  const Tensor y = Op("Softmax").Run1({x});
  EXPECT_NEAR(y.data<float>()[0], 1 / (1 + std::exp(1.0)), 1e-7);
  EXPECT_EQ(y.data<float>()[2], 0);
  const Tensor z = Op("LogSoftmax").Run1({x});
  EXPECT_NEAR(z.data<float>()[0], -std::log(1 + std::exp(1.0)), 1e-6);
  EXPECT_TRUE(std::isnan(Op("Softmax").Run1({TensorOf<float>({2}, {NAN, 1})}).data<float>()[1]));
}

TEST(Softmax, HardmaxTakesTheFirstOfEquals) {
  EXPECT_EQ(Values<float>(Op("Hardmax").Run1({TensorOf<float>({2, 3}, {1, 3, 3, 2, 2, 2})})),
            (std::vector<float>{0, 1, 0, 1, 0, 0}));
}

TEST(Softmax, EmptyAndWrong) {
  EXPECT_EQ(Op("Softmax").Run1({TensorOf<float>({2, 0}, {})}).shape(), (Shape{2, 0}));
  EXPECT_EQ(Op("Softmax").Set("axis", 0).Run1({TensorOf<float>({0, 3}, {})}).shape(), (Shape{0, 3}));
  EXPECT_CONTAINS(Op("Softmax").Set("axis", 2).Error({TensorOf<float>({1, 1}, {1})}), "axis 2 is outside [-2, 2)");
  EXPECT_CONTAINS(Op("Softmax").Error({ScalarOf(1.0f)}), "axis -1 is outside");
  EXPECT_CONTAINS(Op("Softmax").Error({ScalarOf<int32_t>(1)}), "input is int32");
  EXPECT_EQ(Op("Softmax").InferShape({{DType::kFloat, Shape{-1, 3}}}), "[?, 3]");
}

}  // namespace
}  // namespace octavo::test
