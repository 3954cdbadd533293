#include <cmath>

#include "core/ops/lane_sum.h"
#include "tests/core/ops/op_testing.h"

namespace octavo::test {
namespace {

TEST(LaneSum, IsTheSumOfSixteenLanes) {
  for (int64_t n : {0, 1, 15, 16, 17, 100}) {
    const auto term = [](int64_t i) { return 1.0f / static_cast<float>(i + 1); };
    float lanes[16] = {};
    for (int64_t i = 0; i < n; ++i) lanes[i % 16] += term(i);
    for (int half = 8; half > 0; half /= 2) {
      for (int k = 0; k < half; ++k) lanes[k] += lanes[k + half];
    }
    EXPECT_EQ(LaneSum<float>(n, term), lanes[0]);
  }
}

Tensor Vector(const std::vector<float>& values) {
  return TensorOf<float>({static_cast<int64_t>(values.size())}, values);
}

TEST(BatchNormalization, FollowsItsFormula) {
  const Tensor x = TensorOf<float>({1, 2, 2}, {1, 2, 3, 4});
  const std::vector<Tensor> inputs = {x, Vector({2, 3}), Vector({0.5f, -1}), Vector({1, 3}), Vector({0.25f, 4})};
  const Tensor y = Op("BatchNormalization").Set("epsilon", 0.0f).Run1(inputs);
  EXPECT_EQ(Values<float>(y), (std::vector<float>{0.5f, 4.5f, -1, 0.5f}));
  // A vector is a batch of one channel.
  EXPECT_EQ(Values<float>(Op("BatchNormalization")
                              .Set("epsilon", 0.0f)
                              .Run1({Vector({1, 2}), Vector({2}), Vector({1}), Vector({0}), Vector({4})})),
            (std::vector<float>{2, 3}));
  EXPECT_CONTAINS(Op("BatchNormalization").Set("training_mode", 1).Error(inputs, Code::kUnsupported), "training mode");
  EXPECT_CONTAINS(Op("BatchNormalization", 7).Outputs(5).Error(inputs, Code::kUnsupported), "training mode");
  EXPECT_CONTAINS(Op("BatchNormalization", 7).Set("spatial", 0).Error(inputs, Code::kUnsupported), "spatial is 0");
  EXPECT_CONTAINS(Op("BatchNormalization").Error({x, Vector({2}), inputs[2], inputs[3], inputs[4]}),
                  "scale has 1 elements where 2 are needed");
  EXPECT_EQ(Op("BatchNormalization")
                .Run1({TensorOf<float>({0, 1}, {}), Vector({1}), Vector({1}), Vector({1}), Vector({1})})
                .shape(),
            (Shape{0, 1}));
}

// (x - mean) / sqrt(variance + epsilon) of one group, in double.
std::vector<double> Normalized(const std::vector<float>& x, double epsilon) {
  double mean = 0, variance = 0;
  for (float v : x) mean += static_cast<double>(v) / static_cast<double>(x.size());
  for (float v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  std::vector<double> y;
  for (float v : x) y.push_back((v - mean) / std::sqrt(variance + epsilon));
  return y;
}

TEST(LayerNormalization, HasThreeOutputs) {
  Random random;
  const Tensor x = random.Floats({2, 3, 7}), scale = random.Floats({7}), bias = random.Floats({3, 7});
  const auto outputs = Op("LayerNormalization").Outputs(3).Run({x, scale, bias});
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  EXPECT_EQ((*outputs)[1].shape(), (Shape{2, 3, 1}));
  EXPECT_EQ((*outputs)[2].shape(), (Shape{2, 3, 1}));
  const std::vector<float> xs = Values<float>(x);
  for (size_t r = 0; r < 6; ++r) {
    const std::vector<double> y =
        Normalized({xs.begin() + static_cast<ptrdiff_t>(r * 7), xs.begin() + static_cast<ptrdiff_t>(r * 7 + 7)}, 1e-5);
    for (size_t i = 0; i < 7; ++i) {
      const double expected = y[i] * scale.data<float>()[i] + bias.data<float>()[r % 3 * 7 + i];
      EXPECT_NEAR((*outputs)[0].data<float>()[r * 7 + i], expected, 1e-4);
    }
  }
  // Scale may vary along axes that are not normalized, too.
  const Tensor by_row = random.Floats({2, 1, 1});
  const Tensor y = Op("LayerNormalization").Run1({x, by_row});
  const Tensor plain = Op("LayerNormalization").Run1({x, TensorOf<float>({1}, {1})});
  for (size_t i = 0; i < 42; ++i) {
    EXPECT_EQ(y.data<float>()[i], plain.data<float>()[i] * by_row.data<float>()[i / 21]);
  }
  EXPECT_CONTAINS(Op("LayerNormalization").Error({x, random.Floats({6})}),
                  "Scale has shape [6], which cannot be broadcast");
  EXPECT_CONTAINS(Op("LayerNormalization").Error({x, random.Floats({1, 2, 3, 7})}), "cannot be broadcast");
  EXPECT_CONTAINS(Op("LayerNormalization").Set("axis", 3).Error({x, scale}), "axis 3 is outside [-3, 3)");
  EXPECT_CONTAINS(Op("LayerNormalization").Set("stash_type", 11).Error({x, scale}, Code::kUnsupported),
                  "stash_type is 11");
  EXPECT_EQ(Op("LayerNormalization").Run1({TensorOf<float>({2, 0}, {}), TensorOf<float>({0}, {})}).shape(),
            (Shape{2, 0}));
}

TEST(RMSNormalization, DividesByTheRoot) {
  const Tensor x = TensorOf<float>({1, 2}, {3, 4});
  const Tensor y = Op("RMSNormalization", 23).Set("epsilon", 0.0f).Run1({x, Vector({1, 2})});
  EXPECT_NEAR(y.data<float>()[0], 3 / std::sqrt(12.5), 1e-6);
  EXPECT_NEAR(y.data<float>()[1], 8 / std::sqrt(12.5), 1e-6);
}

TEST(GroupNormalization, ScalesByGroupBefore21AndByChannelSince) {
  const Tensor x = TensorOf<float>({1, 4, 1}, {1, 3, 10, 30});  // groups normalize to -1, 1
  const Tensor by_group = Vector({2, 3}), zero2 = Vector({0, 0});
  const Tensor by_channel = Vector({1, 2, 3, 4}), zero4 = Vector({0, 0, 0, 0});
  const auto run = [&](int64_t opset, const Tensor& scale, const Tensor& bias) {
    return Op("GroupNormalization", opset).Set("num_groups", 2).Set("epsilon", 0.0f).Run1({x, scale, bias});
  };
  EXPECT_EQ(Values<float>(run(18, by_group, zero2)), (std::vector<float>{-2, 2, -3, 3}));
  EXPECT_EQ(Values<float>(run(21, by_channel, zero4)), (std::vector<float>{-1, 2, -3, 4}));
  EXPECT_CONTAINS(Op("GroupNormalization").Set("num_groups", 2).Error({x, by_group, zero2}), "4 are needed");
  EXPECT_CONTAINS(Op("GroupNormalization").Set("num_groups", 3).Error({x, by_channel, zero4}), "into 3 groups");
  EXPECT_CONTAINS(Op("GroupNormalization").Set("num_groups", 0).Error({x, by_channel, zero4}), "num_groups is 0");
}

TEST(InstanceNormalization, IsGroupNormalizationByChannel) {
  Random random;
  const Tensor x = random.Floats({2, 3, 4, 5}), scale = random.Floats({3}), bias = random.Floats({3});
  ExpectSame(Op("InstanceNormalization").Run1({x, scale, bias}),
             Op("GroupNormalization").Set("num_groups", 3).Run1({x, scale, bias}));
}

TEST(LRN, SumsOverNeighbouringChannels) {
  const Tensor x = TensorOf<float>({1, 4, 1}, {1, 2, 3, 4});
  const auto run = [&](int64_t size) {
    return Values<float>(Op("LRN")
                             .Set("size", size)
                             .Set("alpha", static_cast<float>(size))
                             .Set("beta", 1.0f)
                             .Set("bias", 0.0f)
                             .Run1({x}));
  };
  EXPECT_EQ(run(1), (std::vector<float>{1, 0.5f, 3.0f / 9, 0.25f}));
  EXPECT_EQ(run(2), (std::vector<float>{1.0f / 5, 2.0f / 13, 3.0f / 25, 4.0f / 16}));  // itself and the next
  EXPECT_EQ(run(3), (std::vector<float>{1.0f / 5, 2.0f / 14, 3.0f / 29, 4.0f / 25}));
  EXPECT_CONTAINS(Op("LRN").Set("size", 0).Error({x}), "size is 0");
}

TEST(MeanVarianceNormalization, NormalizesAlongAnyAxes) {
  const Tensor x = TensorOf<float>({2, 2}, {1, 10, 3, 30});
  EXPECT_EQ(Values<float>(Op("MeanVarianceNormalization").Set("axes", std::vector<int64_t>{0}).Run1({x})),
            (std::vector<float>{-1, -1, 1, 1}));
  EXPECT_CONTAINS(Op("MeanVarianceNormalization").Error({x}), "axis 2 is outside");
}

TEST(LpNormalization, OfZeroIsZero) {
  const Tensor x = TensorOf<float>({2, 2}, {3, 0, -4, 0});
  EXPECT_EQ(Values<float>(Op("LpNormalization").Set("axis", 0).Run1({x})), (std::vector<float>{0.6f, 0, -0.8f, 0}));
  EXPECT_EQ(Values<float>(Op("LpNormalization").Set("p", 1).Run1({x})), (std::vector<float>{1, 0, -1, 0}));
  EXPECT_CONTAINS(Op("LpNormalization").Set("p", 3).Error({x}), "p is 3; allowed: 1 to 2");
}

}  // namespace
}  // namespace octavo::test
