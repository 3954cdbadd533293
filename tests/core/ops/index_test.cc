// Corner cases of reductions and of rows that take indices.
#include <cmath>
#include <limits>

#include "tests/core/ops/op_testing.h"

namespace octavo::test {
namespace {

using Ints = std::vector<int64_t>;
constexpr DType kF = DType::kFloat;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Tensor Int64s(const Ints& values) { return TensorOf<int64_t>({static_cast<int64_t>(values.size())}, values); }
Tensor Floats(const std::vector<float>& values) {
  return TensorOf<float>({static_cast<int64_t>(values.size())}, values);
}

TEST(Reduce, OfNothing) {
  const Tensor none = TensorOf<float>({2, 0}, {});
  const auto reduce = [&](const char* op) { return Values<float>(Op(op).Run1({none, Int64s({1})}))[0]; };
  EXPECT_EQ(reduce("ReduceSum"), 0.0f);
  EXPECT_EQ(reduce("ReduceProd"), 1.0f);
  EXPECT_EQ(reduce("ReduceMax"), -kInfinity);
  EXPECT_EQ(reduce("ReduceMin"), kInfinity);
  EXPECT_EQ(reduce("ReduceLogSum"), -kInfinity);
  EXPECT_EQ(reduce("ReduceLogSumExp"), -kInfinity);
  EXPECT_EQ(reduce("ReduceL2"), 0.0f);
  EXPECT_TRUE(std::isnan(reduce("ReduceMean")));
  const Tensor no_ints = TensorOf<int32_t>({0}, {});
  EXPECT_EQ(Values<int32_t>(Op("ReduceMax").Run1({no_ints}))[0], INT32_MIN);
  EXPECT_EQ(Values<int32_t>(Op("ReduceMin").Run1({no_ints}))[0], INT32_MAX);
  EXPECT_EQ(Values<int32_t>(Op("ReduceMean").Run1({no_ints}))[0], 0);
  EXPECT_EQ(Op("ReduceSum").Run1({TensorOf<float>({0, 3}, {}), Int64s({1})}).shape().ToString(), "[0, 1]");
}

TEST(Reduce, AxesByOperatorSet) {
  const Tensor x = TensorOf<float>({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(Values<float>(Op("ReduceSum", 12).Set("axes", Ints{-1}).Run1({x})), (std::vector<float>{3, 7}));
  EXPECT_CONTAINS(Op("ReduceSum", 13).Set("axes", Ints{0}).Error({x}), "before operator set 13");
  EXPECT_CONTAINS(Op("ReduceMax", 17).Error({x, Int64s({0})}), "before operator set 18");
  EXPECT_CONTAINS(Op("ReduceMax").Error({x, Int64s({0, -2})}), "axis 0 stands twice");
  EXPECT_CONTAINS(Op("ReduceMax").Error({x, Int64s({2})}), "axis 2 is outside [-2, 2)");
  EXPECT_EQ(Values<float>(Op("ReduceSumSquare").Set("noop_with_empty_axes", 1).Run1({x})),
            (std::vector<float>{1, 4, 9, 16}));
  EXPECT_EQ(Op("ReduceSum").Set("keepdims", 0).Run1({x}).shape().ToString(), "[]");
}

TEST(Reduce, NonAdjacentAxesAndLongRows) {
  std::vector<float> values(2 * 3 * 1000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 7);
  const Tensor x = TensorOf<float>({2, 3, 1000}, values);
  const auto y = Values<float>(Op("ReduceSum").Set("keepdims", 0).Run1({x, Int64s({0, 2})}));
  for (size_t row = 0; row < 3; ++row) {
    double sum = 0;
    for (size_t i = 0; i < 1000; ++i) sum += values[row * 1000 + i] + values[(3 + row) * 1000 + i];
    EXPECT_EQ(y[row], static_cast<float>(sum));
  }
}

TEST(Reduce, SumsAreRoundedOnce) {
  // In float, 2^24 + 1 + 1 loses both ones.
  EXPECT_EQ(Values<float>(Op("ReduceSum").Run1({Floats({0x1p24f, 1, 1})}))[0], 0x1p24f + 2);
  EXPECT_EQ(Values<int32_t>(Op("ReduceMean").Run1({TensorOf<int32_t>({2}, {-3, 0})}))[0], -1);
  EXPECT_EQ(Values<float>(Op("ReduceLogSumExp").Run1({Floats({1000, 1000})}))[0], 1000 + std::log(2.0f));
  EXPECT_TRUE(std::isnan(Values<float>(Op("ReduceMax").Run1({Floats({1, kNaN, 2})}))[0]));
}

TEST(Reduce, InfersWhatIsKnown) {
  EXPECT_EQ(Op("ReduceMean").InferShape({{kF, Shape{-1, 3, 4}}, Int64s({1})}), "[?, 1, 4]");
  EXPECT_EQ(Op("ReduceMean").InferShape({{kF, Shape{-1, 3, 4}}, {DType::kInt64, Shape{1}}}), "[?, ?, ?]");
  EXPECT_EQ(Op("ReduceMean").Set("keepdims", 0).InferShape({{kF, Shape{2, 3}}, {DType::kInt64, Shape{1}}}), "unranked");
}

TEST(ArgMax, TiesAndNaN) {
  const Tensor x = Floats({1, 3, 3, 0});
  EXPECT_EQ(Values<int64_t>(Op("ArgMax").Run1({x}))[0], 1);
  EXPECT_EQ(Values<int64_t>(Op("ArgMax").Set("select_last_index", 1).Run1({x}))[0], 2);
  EXPECT_EQ(Values<int64_t>(Op("ArgMax").Run1({Floats({1, kNaN, 3, kNaN})}))[0], 1);
  EXPECT_EQ(Values<int64_t>(Op("ArgMin").Set("select_last_index", 1).Run1({Floats({1, kNaN, 0, kNaN})}))[0], 3);
  EXPECT_CONTAINS(Op("ArgMax").Error({TensorOf<float>({0}, {})}), "has no element to choose");
  EXPECT_CONTAINS(Op("ArgMax").Error({ScalarOf(1.0f)}), "axis 0 is outside [0, 0)");
}

TEST(CumSum, OfIntegersWraps) {
  const Tensor x = TensorOf<int32_t>({2}, {INT32_MAX, 1});
  EXPECT_EQ(Values<int32_t>(Op("CumSum").Run1({x, ScalarOf<int32_t>(0)})),
            (std::vector<int32_t>{INT32_MAX, INT32_MIN}));
  EXPECT_CONTAINS(Op("CumSum").Error({x, ScalarOf<int32_t>(1)}), "axis 1 is outside [-1, 1)");
}

TEST(TopK, OrdersTiesAndNaN) {
  const Tensor x = Floats({2, kNaN, 5, 5, 1});
  auto both = Op("TopK").Outputs(2).Run({x, Int64s({3})});
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(Values<int64_t>((*both)[1]), (Ints{1, 2, 3}));
  both = Op("TopK").Set("largest", 0).Outputs(2).Run({x, Int64s({2})});
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(Values<int64_t>((*both)[1]), (Ints{4, 0}));
  EXPECT_CONTAINS(Op("TopK").Outputs(2).Error({x, Int64s({6})}), "K is 6, but axis 0 of shape [5] has fewer");
  EXPECT_CONTAINS(Op("TopK").Outputs(2).Error({x, Int64s({-1})}), "K is -1");
  EXPECT_EQ(Op("TopK").InferShape({{kF, Shape{2, -1}}, Int64s({7})}), "[2, 7]");
}

TEST(Gather, ChecksIndices) {
  const Tensor x = TensorOf<float>({2, 3}, {0, 1, 2, 3, 4, 5});
  EXPECT_EQ(Values<float>(Op("Gather").Set("axis", 1).Run1({x, Int64s({-1, 0})})), (std::vector<float>{2, 0, 5, 3}));
  EXPECT_EQ(Values<float>(Op("Gather").Run1({x, ScalarOf<int64_t>(1)})), (std::vector<float>{3, 4, 5}));
  EXPECT_CONTAINS(Op("Gather").Error({x, Int64s({0, 2})}, Code::kInvalidArgument),
                  "indices[1] is 2, which is outside [-2, 2)");
  EXPECT_CONTAINS(Op("Gather").Error({x, Int64s({INT64_MIN})}, Code::kInvalidArgument), "is outside");
  EXPECT_CONTAINS(Op("Gather").Error({ScalarOf(1.0f), Int64s({0})}), "axis 0 is outside [0, 0)");
  EXPECT_EQ(Op("Gather").Run1({x, TensorOf<int64_t>({0}, {})}).shape().ToString(), "[0, 3]");
  EXPECT_CONTAINS(Op("Gather").Error({TensorOf<float>({0, 3}, {}), Int64s({0})}, Code::kInvalidArgument), "[0, 0)");
  EXPECT_EQ(Op("Gather").InferShape({{kF, Shape{-1, 3}}, {DType::kInt64, Shape{2, -1}}}), "[2, ?, 3]");
}

TEST(GatherElements, ChecksShapesAndIndices) {
  const Tensor x = TensorOf<float>({2, 2}, {1, 2, 3, 4});
  EXPECT_CONTAINS(Op("GatherElements").Error({x, TensorOf<int64_t>({1, 3}, {0, 0, 0})}),
                  "do not fit data of shape [2, 2]");
  EXPECT_CONTAINS(Op("GatherElements").Error({x, TensorOf<int64_t>({1, 2}, {0, 5})}, Code::kInvalidArgument),
                  "indices[1] is 5");
}

TEST(GatherND, ChecksShapesAndIndices) {
  const Tensor x = TensorOf<float>({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(Values<float>(Op("GatherND").Run1({x, TensorOf<int64_t>({1, 2}, {-1, 0})})), (std::vector<float>{3}));
  EXPECT_CONTAINS(Op("GatherND").Error({x, TensorOf<int64_t>({1, 3}, {0, 0, 0})}), "3 components; allowed: 1 to 2");
  EXPECT_CONTAINS(Op("GatherND").Error({x, TensorOf<int64_t>({1, 2}, {0, 2})}, Code::kInvalidArgument),
                  "indices[1] is 2");
  EXPECT_CONTAINS(Op("GatherND").Set("batch_dims", 2).Error({x, TensorOf<int64_t>({1, 2}, {0, 0})}), "batch_dims is 2");
  EXPECT_CONTAINS(Op("GatherND").Set("batch_dims", 1).Error({x, TensorOf<int64_t>({1, 1}, {0})}),
                  "batch dimension 0 is 2 in data, 1 in indices");
  EXPECT_CONTAINS(
      Op("GatherND").Error({TensorOf<float>({0, 2}, {}), TensorOf<int64_t>({1, 1}, {0})}, Code::kInvalidArgument),
      "outside [0, 0)");
}

TEST(Scatter, AppliesUpdatesInOrder) {
  const Tensor x = Floats({1, 2, 3});
  EXPECT_EQ(Values<float>(Op("ScatterElements").Set("reduction", "add").Run1({x, Int64s({1, 1}), Floats({10, 20})})),
            (std::vector<float>{1, 32, 3}));
  EXPECT_EQ(Values<float>(Op("ScatterElements").Run1({x, Int64s({-1, -1}), Floats({10, 20})})),
            (std::vector<float>{1, 2, 20}));
  EXPECT_CONTAINS(Op("ScatterElements").Error({x, Int64s({3}), Floats({1})}, Code::kInvalidArgument),
                  "indices[0] is 3");
  EXPECT_CONTAINS(Op("ScatterElements").Error({x, Int64s({0}), Floats({1, 2})}), "updates [2]; they must be the same");
  EXPECT_CONTAINS(Op("ScatterElements", 16).Set("reduction", "max").Error({x, Int64s({0}), Floats({1})}),
                  "reduction is \"max\"; allowed: none, add, mul");
  EXPECT_CONTAINS(Op("ScatterND").Error({x, TensorOf<int64_t>({1, 1}, {-4}), Floats({1})}, Code::kInvalidArgument),
                  "indices[0] is -4");
  EXPECT_CONTAINS(Op("ScatterND").Error({x, TensorOf<int64_t>({1, 1}, {0}), Floats({1, 2})}), "updates have shape [2]");
  const Tensor ints = TensorOf<int8_t>({1}, {100});
  EXPECT_EQ(Values<int8_t>(Op("ScatterND")
                               .Set("reduction", "add")
                               .Run1({ints, TensorOf<int64_t>({1, 1}, {0}), TensorOf<int8_t>({1}, {100})}))[0],
            -56);
}

TEST(OneHot, IndicesOutsideAreAllOff) {
  const Tensor values = Floats({2, 5});
  EXPECT_EQ(Values<float>(Op("OneHot").Run1({Int64s({0, -1, 3, INT64_MIN}), ScalarOf<int64_t>(3), values})),
            (std::vector<float>{5, 2, 2, 2, 2, 5, 2, 2, 2, 2, 2, 2}));
  EXPECT_CONTAINS(Op("OneHot").Error({Int64s({0}), ScalarOf<int64_t>(-3), values}), "depth is -3");
  EXPECT_CONTAINS(Op("OneHot").Error({Int64s({0}), ScalarOf<int64_t>(3), Floats({1})}), "values has 1 elements");
  EXPECT_EQ(Op("OneHot").Set("axis", 0).InferShape({{DType::kInt64, Shape{-1}}, {kF, Shape{}}, {kF, Shape{2}}}),
            "[?, ?]");
}

TEST(NonZero, Shapes) {
  EXPECT_EQ(Op("NonZero").Run1({TensorOf<float>({2, 2}, {0, 0, 0, 0})}).shape().ToString(), "[2, 0]");
  EXPECT_EQ(Values<int64_t>(Op("NonZero").Run1({TensorOf<float>({2, 2}, {0, kNaN, 1, 0})})), (Ints{0, 1, 1, 0}));
  EXPECT_EQ(Op("NonZero").InferShape({{kF, Shape{-1, 4}}}), "[2, ?]");
}

TEST(Compress, ChecksTheCondition) {
  const Tensor yes = Op("Cast").Set("to", 9).Run1({TensorOf<uint8_t>({3}, {1, 0, 1})});
  EXPECT_EQ(Values<float>(Op("Compress").Run1({TensorOf<float>({2, 2}, {1, 2, 3, 4}), yes})),
            (std::vector<float>{1, 3}));
  EXPECT_CONTAINS(
      Op("Compress").Set("axis", 0).Error({TensorOf<float>({2, 2}, {1, 2, 3, 4}), yes}, Code::kInvalidArgument),
      "condition has 3 elements, the axis 2");
}

TEST(Unique, OfNothingAndOfNaN) {
  auto all = Op("Unique").Outputs(4).Run({TensorOf<float>({0}, {})});
  ASSERT_TRUE(all.ok());
  for (const Tensor& tensor : *all) EXPECT_EQ(tensor.shape().ToString(), "[0]");
  all = Op("Unique").Outputs(4).Run({Floats({kNaN, 1, kNaN, 1})});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(Values<int64_t>((*all)[1]), (Ints{1, 0}));
  EXPECT_EQ(Values<int64_t>((*all)[2]), (Ints{1, 0, 1, 0}));
  EXPECT_EQ(Values<int64_t>((*all)[3]), (Ints{2, 2}));
}

TEST(NonMaxSuppression, Defaults) {
  const Tensor boxes = TensorOf<float>({1, 3, 4}, {0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3});
  const Tensor scores = TensorOf<float>({1, 1, 3}, {0.9f, kNaN, 0.8f});
  EXPECT_EQ(Op("NonMaxSuppression").Run1({boxes, scores}).shape().ToString(), "[0, 3]");
  EXPECT_EQ(Values<int64_t>(Op("NonMaxSuppression").Run1({boxes, scores, ScalarOf<int64_t>(9)})),
            (Ints{0, 0, 0, 0, 0, 2}));
  EXPECT_CONTAINS(Op("NonMaxSuppression").Error({boxes, TensorOf<float>({1, 1, 2}, {1, 1})}),
                  "allowed: [batch, count, 4] and [batch, classes, count]");
}

}  // namespace
}  // namespace octavo::test
