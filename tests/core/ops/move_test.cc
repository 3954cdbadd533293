// Corner cases of rows that move elements or deal in shapes.
#include <numeric>

#include "core/ops/walk.h"
#include "tests/core/ops/op_testing.h"

namespace octavo::test {
namespace {

using Ints = std::vector<int64_t>;
constexpr DType kF = DType::kFloat;

Tensor Int64s(const Ints& values) { return TensorOf<int64_t>({static_cast<int64_t>(values.size())}, values); }

// 0, 1, 2, ...
Tensor Counting(const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.Elements()));
  std::iota(values.begin(), values.end(), 0.0f);
  return TensorOf<float>(shape, values);
}

std::vector<float> Floats(const Tensor& tensor) { return Values<float>(tensor); }

TEST(Walk, MergesDimensionsThatContinue) {
  Walk walk;
  walk.AddDim(2, {12, 12});
  walk.AddDim(3, {4, 4});
  walk.AddDim(4, {1, 1});
  int runs = 0;
  walk.ForEachRun([&](const int64_t*, int64_t n) {
    EXPECT_EQ(n, 24);
    ++runs;
  });
  EXPECT_EQ(runs, 1);
}

TEST(Walk, VisitsNothingOfAnEmptySpaceAndOneScalar) {
  int runs = 0;
  Walk empty;
  empty.AddDim(5, {0});
  empty.AddDim(0, {1});
  empty.ForEachRun([&](const int64_t*, int64_t) { ++runs; });
  EXPECT_EQ(runs, 0);
  Walk().ForEachRun([&](const int64_t*, int64_t n) { runs += static_cast<int>(n); });
  EXPECT_EQ(runs, 1);
}

TEST(Reshape, ZeroCopiesAndMinusOneIsWhatIsLeft) {
  const Tensor x = Counting({2, 3, 4});
  EXPECT_EQ(Op("Reshape").Run1({x, Int64s({0, -1})}).shape().ToString(), "[2, 12]");
  EXPECT_EQ(Op("Reshape").Run1({x, Int64s({-1})}).shape().ToString(), "[24]");
  EXPECT_EQ(Op("Reshape").Run1({ScalarOf(1.0f), Int64s({})}).shape().ToString(), "[]");
  // A copied dimension of 0 does not make -1 ambiguous.
  EXPECT_EQ(Op("Reshape").Run1({Counting({0, 3, 4}), Int64s({0, -1})}).shape().ToString(), "[0, 12]");
  EXPECT_EQ(Op("Reshape").Set("allowzero", 1).Run1({Counting({0, 3}), Int64s({3, 0})}).shape().ToString(), "[3, 0]");
}

TEST(Reshape, Refuses) {
  const Tensor x = Counting({2, 3});
  EXPECT_CONTAINS(Op("Reshape").Error({x, Int64s({-1, -1})}), "more than one -1");
  EXPECT_CONTAINS(Op("Reshape").Error({x, Int64s({2, 3, 0})}), "dimension 2 is 0, but the input [2, 3]");
  EXPECT_CONTAINS(Op("Reshape").Error({x, Int64s({4, -1})}), "[2, 3] cannot be reshaped to [4, ?]");
  EXPECT_CONTAINS(Op("Reshape").Error({x, Int64s({7})}), "cannot be reshaped to [7]");
  EXPECT_CONTAINS(Op("Reshape").Error({x, Int64s({-2, 3})}), "dimension -2; allowed: -1 and above");
  EXPECT_CONTAINS(Op("Reshape").Set("allowzero", 1).Error({x, Int64s({0, -1})}), "both -1 and 0");
  EXPECT_CONTAINS(Op("Reshape").Error({x, Int64s({1, 1, 1, 1, 1, 1, 1, 2, 3})}, Code::kLimit), "rank 9");
  EXPECT_CONTAINS(Op("Reshape").Error({x, Int64s({INT64_MAX, INT64_MAX})}, Code::kLimit), "more than 2^63");
  EXPECT_CONTAINS(Op("Reshape").Error({x, TensorOf<float>({1}, {6})}), "shape is float32; allowed: int64");
}

TEST(Reshape, InfersThroughAnUnknownBatch) {
  EXPECT_EQ(Op("Reshape").InferShape({{kF, Shape{-1, 3, 4}}, Int64s({0, -1})}), "[?, 12]");
  EXPECT_EQ(Op("Reshape").InferShape({{kF, Shape{-1, 3, 4}}, Int64s({-1, 12})}), "[?, 12]");
  EXPECT_EQ(Op("Reshape").InferShape({{kF, std::nullopt}, Int64s({0, -1, 5})}), "[?, ?, 5]");
  EXPECT_EQ(Op("Reshape").InferShape({{kF, Shape{6}}, {DType::kInt64, Shape{3}}}), "[?, ?, ?]");
  EXPECT_EQ(Op("Reshape").InferShape({{kF, Shape{6}}, {DType::kInt64, Shape{-1}}}), "unranked");
}

TEST(Squeeze, Refuses) {
  const Tensor x = Counting({1, 3});
  EXPECT_CONTAINS(Op("Squeeze").Error({x, Int64s({1})}), "axis 1 of shape [1, 3] is not 1");
  EXPECT_CONTAINS(Op("Squeeze").Error({x, Int64s({0, -2})}), "axis 0 stands twice");
  EXPECT_CONTAINS(Op("Squeeze").Error({x, Int64s({2})}), "axis 2 is outside [-2, 2)");
  EXPECT_CONTAINS(Op("Squeeze").Set("axes", Ints{0}).Error({x}), "an input since operator set 13");
  EXPECT_EQ(Op("Squeeze", 11).Set("axes", Ints{0}).Run1({x}).shape().ToString(), "[3]");
  EXPECT_EQ(Op("Squeeze").InferShape({{kF, Shape{-1, 3}}}), "unranked");
}

TEST(Unsqueeze, Refuses) {
  const Tensor x = Counting({3});
  EXPECT_CONTAINS(Op("Unsqueeze").Error({x}), "axes are missing");
  EXPECT_CONTAINS(Op("Unsqueeze").Error({x, Int64s({0, 0})}), "axis 0 stands twice");
  EXPECT_CONTAINS(Op("Unsqueeze").Error({x, Int64s({3})}), "axis 3 is outside [-2, 2)");
  EXPECT_CONTAINS(Op("Unsqueeze").Error({x, Int64s({0, 1, 2, 3, 4, 5, 6, 7})}, Code::kLimit), "rank 9");
}

TEST(Flatten, AxisAtBothEnds) {
  EXPECT_EQ(Op("Flatten").Set("axis", 0).Run1({Counting({2, 3})}).shape().ToString(), "[1, 6]");
  EXPECT_EQ(Op("Flatten").Set("axis", 2).Run1({Counting({2, 3})}).shape().ToString(), "[6, 1]");
  EXPECT_EQ(Op("Flatten").InferShape({{kF, Shape{-1, 3, 4}}}), "[?, 12]");
  EXPECT_EQ(Op("Flatten").InferShape({{kF, std::nullopt}}), "[?, ?]");
  EXPECT_CONTAINS(Op("Flatten").Set("axis", 3).Error({Counting({2, 3})}), "axis 3 is outside [-2, 2]");
  EXPECT_CONTAINS(Op("Flatten", 9).Set("axis", -1).Error({Counting({2, 3})}), "axis -1 is outside [0, 2]");
}

TEST(Slice, NegativeStepsAndBoundsFarOutside) {
  const Tensor x = Counting({5});
  const auto slice = [&](int64_t start, int64_t end, int64_t step) {
    return Floats(Op("Slice").Run1({x, Int64s({start}), Int64s({end}), Int64s({0}), Int64s({step})}));
  };
  EXPECT_EQ(slice(-1, INT64_MIN, -1), (std::vector<float>{4, 3, 2, 1, 0}));
  EXPECT_EQ(slice(INT64_MAX, INT64_MIN, -2), (std::vector<float>{4, 2, 0}));
  EXPECT_EQ(slice(INT64_MIN, INT64_MAX, INT64_MAX), (std::vector<float>{0}));
  EXPECT_EQ(slice(INT64_MAX, INT64_MIN, INT64_MIN), (std::vector<float>{4}));
  EXPECT_EQ(slice(3, 1, 1), (std::vector<float>{}));
  EXPECT_EQ(slice(-100, 2, 1), (std::vector<float>{0, 1}));
  EXPECT_EQ(Op("Slice").Run1({Counting({0, 2}), Int64s({0}), Int64s({5}), Int64s({0}), Int64s({-1})}).elements(), 0);
}

TEST(Slice, AttributeForm) {
  const Tensor y =
      Op("Slice", 9).Set("starts", Ints{1, 0}).Set("ends", Ints{2, 2}).Set("axes", Ints{1, 0}).Run1({Counting({2, 3})});
  EXPECT_EQ(Floats(y), (std::vector<float>{1, 4}));
  EXPECT_CONTAINS(Op("Slice", 9).Error({Counting({2})}), "required");
  EXPECT_CONTAINS(Op("Slice").Set("starts", Ints{0}).Error({Counting({2}), Int64s({0}), Int64s({1})}),
                  "starts is an input since operator set 10");
}

TEST(Slice, Refuses) {
  const Tensor x = Counting({2, 3});
  EXPECT_CONTAINS(Op("Slice").Error({x, Int64s({0}), Int64s({1}), Int64s({0}), Int64s({0})}), "a step is 0");
  EXPECT_CONTAINS(Op("Slice").Error({x, Int64s({0}), Int64s({1, 2})}), "differ in length: 1 and 2");
  EXPECT_CONTAINS(Op("Slice").Error({x, Int64s({0, 0}), Int64s({1, 1}), Int64s({1, -1})}), "axis 1 stands twice");
  EXPECT_CONTAINS(Op("Slice").Error({x, Int64s({0}), Int64s({1}), Int64s({INT64_MIN})}), "is outside [-2, 2)");
  EXPECT_CONTAINS(Op("Slice").Error({x, Int64s({0, 0, 0}), Int64s({1, 1, 1})}), "axis 2 is outside");
}

TEST(Slice, InfersWhatIsKnown) {
  const Known one{DType::kInt64, Shape{1}};
  EXPECT_EQ(Op("Slice").InferShape({{kF, Shape{4, 5}}, one, one, Int64s({1})}), "[4, ?]");
  EXPECT_EQ(Op("Slice").InferShape({{kF, Shape{4, 5}}, one, one, one}), "[?, ?]");
  EXPECT_EQ(Op("Slice").InferShape({{kF, Shape{-1, 5}}, Int64s({1}), Int64s({3}), Int64s({1})}), "[?, 2]");
  EXPECT_EQ(Op("Slice").InferShape({{kF, std::nullopt}, one, one}), "unranked");
}

TEST(Split, Forms) {
  const Tensor x = Counting({5});
  const auto parts = Op("Split").Set("num_outputs", 2).Outputs(2).Run({x});
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ(Floats((*parts)[0]), (std::vector<float>{0, 1, 2}));
  EXPECT_EQ(Floats((*parts)[1]), (std::vector<float>{3, 4}));
  const auto empty = Op("Split").Outputs(2).Run({x, Int64s({5, 0})});
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ((*empty)[1].elements(), 0);
  EXPECT_CONTAINS(Op("Split").Outputs(2).Error({x, Int64s({2, 2})}), "sum to 4, the axis has 5");
  EXPECT_CONTAINS(Op("Split").Outputs(2).Error({x, Int64s({6, -1})}), "length -1");
  EXPECT_CONTAINS(Op("Split").Outputs(2).Error({x, Int64s({5})}), "1 lengths for 2 outputs");
  EXPECT_CONTAINS(Op("Split").Outputs(2).Error({x, Int64s({INT64_MAX, INT64_MAX})}), "overflow");
  EXPECT_CONTAINS(Op("Split", 13).Outputs(2).Error({x}), "cannot be split into 2 equal parts");
  EXPECT_CONTAINS(Op("Split").Set("num_outputs", 3).Outputs(2).Error({x}), "num_outputs is 3");
}

TEST(Concat, ChecksShapes) {
  const Tensor a = Counting({2, 1}), b = Counting({2, 2});
  EXPECT_EQ(Floats(Op("Concat").Set("axis", -1).Run1({a, b})), (std::vector<float>{0, 0, 1, 1, 2, 3}));
  EXPECT_EQ(Floats(Op("Concat").Set("axis", 1).Run1({a, Counting({2, 0})})), (std::vector<float>{0, 1}));
  EXPECT_CONTAINS(Op("Concat").Set("axis", 0).Error({a, b}),
                  "input 1 has shape [2, 2], which does not continue [2, 1]");
  EXPECT_CONTAINS(Op("Concat").Set("axis", 2).Error({a, b}), "axis 2 is outside [-2, 2)");
  EXPECT_EQ(Op("Concat").Set("axis", 1).InferShape({{kF, Shape{-1, 3}}, {kF, Shape{2, -1}}}), "[2, ?]");
  EXPECT_EQ(Op("Concat").Set("axis", 1).InferShape({{kF, std::nullopt}, {kF, Shape{2, 1}}}), "[2, ?]");
}

TEST(Transpose, ChecksThePermutation) {
  const Tensor x = Counting({2, 3});
  EXPECT_EQ(Floats(Op("Transpose").Run1({x})), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_CONTAINS(Op("Transpose").Set("perm", Ints{0, 0}).Error({x}), "stands twice");
  EXPECT_CONTAINS(Op("Transpose").Set("perm", Ints{0}).Error({x}), "perm has 1 axes, the input 2");
  EXPECT_CONTAINS(Op("Transpose").Set("perm", Ints{0, -1}).Error({x}), "axis -1 in perm");
  EXPECT_EQ(Op("Transpose").InferShape({{kF, Shape{-1, 3}}}), "[3, ?]");
}

TEST(Amplification, IsALimitAndNotAnAllocation) {
  const int64_t huge = int64_t{1} << 40;
  EXPECT_CONTAINS(Op("Tile").Error({Counting({2}), Int64s({INT64_MAX})}, Code::kLimit), "too many");
  EXPECT_CONTAINS(Op("Pad").Error({Counting({2}), Int64s({INT64_MAX, 0})}, Code::kLimit), "too much");
  EXPECT_CONTAINS(Op("ConstantOfShape").Error({Int64s({huge, huge})}, Code::kLimit), "more than 2^63 elements");
  const Memory small{Limits{.memory_bytes = 1 << 20}};
  const auto memory = std::make_shared<Memory>(Limits{.memory_bytes = 1 << 20});
  const auto run = [&](const char* type, const std::vector<Tensor>& inputs) {
    Node node;
    node.op_type = type;
    node.op = FindOperator("", type);
    for (size_t i = 0; i < inputs.size(); ++i) node.inputs.push_back(static_cast<ValueId>(i));
    node.outputs = {100};
    std::vector<Tensor> outputs;
    return EvaluateNode(node, 21, inputs, memory, &outputs).code();
  };
  EXPECT_EQ(run("ConstantOfShape", {Int64s({huge})}), Code::kLimit);
  EXPECT_EQ(run("Expand", {Counting({1}), Int64s({huge})}), Code::kLimit);
  EXPECT_EQ(run("Tile", {Counting({2}), Int64s({huge})}), Code::kLimit);
  EXPECT_EQ(run("Pad", {Counting({2}), Int64s({huge, huge})}), Code::kLimit);
  EXPECT_EQ(run("Range", {ScalarOf<int64_t>(0), ScalarOf(huge), ScalarOf<int64_t>(1)}), Code::kLimit);
  EXPECT_EQ(run("OneHot", {Int64s({0}), ScalarOf(huge), Counting({2})}), Code::kLimit);
}

TEST(Pad, Modes) {
  const Tensor x = Counting({3});
  const auto pad = [&](const char* mode, int64_t begin, int64_t end) {
    return Floats(Op("Pad").Set("mode", mode).Run1({x, Int64s({begin, end})}));
  };
  EXPECT_EQ(pad("reflect", 5, 1), (std::vector<float>{1, 0, 1, 2, 1, 0, 1, 2, 1}));
  EXPECT_EQ(pad("edge", 2, 1), (std::vector<float>{0, 0, 0, 1, 2, 2}));
  EXPECT_EQ(pad("wrap", 4, 1), (std::vector<float>{2, 0, 1, 2, 0, 1, 2, 0}));
  EXPECT_EQ(pad("constant", -1, 2), (std::vector<float>{1, 2, 0, 0}));
  EXPECT_EQ(pad("edge", -2, 2), (std::vector<float>{2, 2, 2}));
  EXPECT_EQ(Floats(Op("Pad", 7).Set("pads", Ints{1, 0}).Set("value", 9.0f).Run1({x})),
            (std::vector<float>{9, 0, 1, 2}));
  // Cropped beyond its end, then padded.
  EXPECT_EQ(pad("constant", -4, 3), (std::vector<float>{0, 0}));
}

TEST(Pad, Refuses) {
  const Tensor x = Counting({3});
  EXPECT_CONTAINS(Op("Pad").Error({x, Int64s({-4, 0})}), "dimension 3 cannot be padded by -4 and 0");
  EXPECT_CONTAINS(Op("Pad").Error({x, Int64s({1})}), "pads has 1 elements; allowed: two for each of 1 axes");
  EXPECT_CONTAINS(Op("Pad").Set("mode", "mirror").Error({x, Int64s({1, 1})}), "mode is \"mirror\"");
  EXPECT_CONTAINS(Op("Pad", 18).Set("mode", "wrap").Error({x, Int64s({1, 1})}), "mode is \"wrap\"");
  EXPECT_CONTAINS(Op("Pad").Set("mode", "edge").Error({Counting({0}), Int64s({1, 1})}), "has nothing to repeat");
  EXPECT_CONTAINS(Op("Pad").Error({x, Int64s({1, 1}), Counting({2})}), "constant_value has shape [2]");
  EXPECT_CONTAINS(Op("Pad").Error({x, Int64s({1, 1, 1, 1}), Tensor(), Int64s({0, 0})}), "axis 0 stands twice");
}

TEST(Blocks, RefuseSizesThatDoNotFit) {
  const Tensor x = Counting({1, 4, 2, 2});
  EXPECT_CONTAINS(Op("DepthToSpace").Set("blocksize", 0).Error({x}), "blocksize is 0");
  EXPECT_CONTAINS(Op("DepthToSpace").Set("blocksize", 65536).Error({x}), "depth 4 is not a multiple of 4294967296");
  EXPECT_CONTAINS(Op("DepthToSpace").Set("blocksize", int64_t{1} << 32).Error({x}), "allowed: 1 to 2^31");
  EXPECT_CONTAINS(Op("SpaceToDepth").Set("blocksize", 3).Error({x}), "height 2 is not a multiple of 3");
  EXPECT_CONTAINS(Op("SpaceToDepth").Set("blocksize", 2).Error({Counting({2, 2})}), "rank must be 4");
  EXPECT_CONTAINS(Op("DepthToSpace").Set("blocksize", 2).Set("mode", "RCD").Error({x}), "allowed: DCR, CRD");
  for (const char* mode : {"DCR", "CRD"}) {
    const Tensor y = Op("DepthToSpace").Set("blocksize", 2).Set("mode", mode).Run1({x});
    EXPECT_EQ(y.shape().ToString(), "[1, 1, 4, 4]");
    ExpectSame(Op("SpaceToDepth", 28).Set("blocksize", 2).Set("mode", mode).Run1({y}), x);
  }
}

TEST(Tile, RepeatsOfZeroAndEmptyInput) {
  EXPECT_EQ(Op("Tile").Run1({Counting({2, 3}), Int64s({0, 2})}).shape().ToString(), "[0, 6]");
  EXPECT_EQ(Op("Tile").Run1({Counting({0, 3}), Int64s({2, 2})}).shape().ToString(), "[0, 6]");
  EXPECT_CONTAINS(Op("Tile").Error({Counting({2}), Int64s({-1})}), "repeats has -1");
  EXPECT_CONTAINS(Op("Tile").Error({Counting({2}), Int64s({1, 1})}), "repeats has 2 elements where 1 are needed");
  EXPECT_EQ(Op("Tile").InferShape({{kF, Shape{-1, 3}}, Int64s({2, 2})}), "[?, 6]");
}

TEST(Expand, Broadcasts) {
  EXPECT_EQ(Floats(Op("Expand").Run1({Counting({2, 1}), Int64s({2})})), (std::vector<float>{0, 0, 1, 1}));
  EXPECT_CONTAINS(Op("Expand").Error({Counting({2}), Int64s({3})}), "2 against 3");
  EXPECT_CONTAINS(Op("Expand").Error({Counting({2}), Int64s({-1})}), "dimension -1; allowed: 0 and above");
  EXPECT_EQ(Op("Expand").InferShape({{kF, Shape{3, 1}}, {DType::kInt64, Shape{3}}}), "[?, 3, ?]");
}

TEST(Range, Lengths) {
  EXPECT_EQ(Values<int64_t>(Op("Range").Run1({ScalarOf<int64_t>(5), ScalarOf<int64_t>(0), ScalarOf<int64_t>(-2)})),
            (Ints{5, 3, 1}));
  EXPECT_EQ(Values<int64_t>(Op("Range").Run1(
                {ScalarOf<int64_t>(INT64_MIN), ScalarOf<int64_t>(INT64_MAX), ScalarOf<int64_t>(int64_t{1} << 62)})),
            (Ints{INT64_MIN, INT64_MIN / 2, 0, int64_t{1} << 62}));
  EXPECT_EQ(Floats(Op("Range").Run1({ScalarOf(1.0f), ScalarOf(0.0f), ScalarOf(0.5f)})), (std::vector<float>{}));
  EXPECT_CONTAINS(Op("Range").Error({ScalarOf<int64_t>(0), ScalarOf<int64_t>(1), ScalarOf<int64_t>(0)}), "delta is 0");
  EXPECT_CONTAINS(Op("Range").Error({ScalarOf(0.0f), ScalarOf(1.0f), ScalarOf(0.0f)}), "has no length");
  EXPECT_CONTAINS(Op("Range").Error({ScalarOf(0.0f), ScalarOf(1e30f), ScalarOf(1e-30f)}, Code::kLimit), "too long");
  EXPECT_CONTAINS(Op("Range").Error({ScalarOf(0.0f), ScalarOf<int64_t>(1), ScalarOf(1.0f)}),
                  "must be of the same type");
}

TEST(Cast, SaturatesAndTruncates) {
  const Tensor x = TensorOf<float>({6}, {-1e20f, 1e20f, 2.9f, -2.9f, NAN, 255.5f});
  EXPECT_EQ(Values<uint8_t>(Op("Cast").Set("to", 2).Run1({x})), (std::vector<uint8_t>{0, 255, 2, 0, 0, 255}));
  EXPECT_EQ(Values<int64_t>(Op("Cast").Set("to", 7).Run1({x})), (Ints{INT64_MIN, INT64_MAX, 2, -2, 0, 255}));
  EXPECT_EQ(Values<uint64_t>(Op("Cast").Set("to", 13).Run1({x}))[1], UINT64_MAX);
  const Tensor big = TensorOf<int64_t>({1}, {(int64_t{1} << 53) + 1});
  EXPECT_EQ(Values<float>(Op("Cast").Set("to", 1).Run1({big}))[0], 0x1p53f);
  EXPECT_EQ(Values<int8_t>(Op("Cast").Set("to", 3).Run1({TensorOf<int16_t>({1}, {200})}))[0], -56);
  EXPECT_CONTAINS(Op("Cast").Set("to", 17).Error({x}, Code::kUnsupported), "element type 17");
  EXPECT_CONTAINS(Op("Cast").Set("to", 8).Error({x}, Code::kUnsupported), "string");
  EXPECT_CONTAINS(Op("Cast").Set("to", -3).Error({x}), "element type -3");
}

TEST(Cast, FourBits) {
  const Tensor packed = Op("Cast").Set("to", 22).Run1({TensorOf<int32_t>({3}, {-8, 7, 3})});
  EXPECT_EQ(packed.bytes(), 2u);
  EXPECT_EQ(Values<int32_t>(Op("Cast").Set("to", 6).Run1({packed})), (std::vector<int32_t>{-8, 7, 3}));
  EXPECT_CONTAINS(Op("Transpose").Error({packed}, Code::kUnsupported), "data is int4; Transpose does not handle it");
  EXPECT_EQ(Op("Reshape").Run1({packed, Int64s({1, 3})}).shape().ToString(), "[1, 3]");
}

TEST(Dropout, OnlyInference) {
  const Tensor x = Counting({2});
  const Tensor on = Op("Cast").Set("to", 9).Run1({TensorOf<uint8_t>({}, {1})});
  EXPECT_CONTAINS(Op("Dropout").Error({x, ScalarOf(0.5f), on}, Code::kUnsupported), "training mode");
  const auto both = Op("Dropout").Outputs(2).Run({x, ScalarOf(0.0f), on});
  ASSERT_TRUE(both.ok());
  ExpectSame((*both)[0], x);
  EXPECT_EQ((*both)[1].dtype(), DType::kBool);
}

TEST(Constant, Forms) {
  EXPECT_EQ(Values<float>(Op("Constant").Set("value_floats", std::vector<float>{1, 2}).Run1({})),
            (std::vector<float>{1, 2}));
  EXPECT_EQ(Op("Constant").Set("value_ints", Ints{}).Run1({}).shape().ToString(), "[0]");
  EXPECT_EQ(Values<int64_t>(Op("Constant").Set("value_int", 7).Run1({}))[0], 7);
  EXPECT_CONTAINS(Op("Constant").Error({}), "0 attributes hold a value");
  EXPECT_CONTAINS(Op("Constant").Set("value_string", "x").Error({}, Code::kUnsupported), "strings");
}

TEST(ShapeOf, StartAndEndAreClamped) {
  const Tensor x = Counting({2, 3, 4});
  EXPECT_EQ(Values<int64_t>(Op("Shape").Set("start", -100).Set("end", 100).Run1({x})), (Ints{2, 3, 4}));
  EXPECT_EQ(Values<int64_t>(Op("Shape").Set("start", 2).Set("end", 1).Run1({x})), (Ints{}));
  EXPECT_EQ(Op("Shape").Set("start", -1).InferShape({{kF, Shape{-1, -1}}}), "[1]");
  EXPECT_EQ(Op("Shape").InferShape({{kF, std::nullopt}}), "[?]");
}

TEST(ReverseSequence, ChecksLengths) {
  const Tensor x = Counting({3, 2});
  EXPECT_EQ(Floats(Op("ReverseSequence").Run1({x, Int64s({3, 2})})), (std::vector<float>{4, 3, 2, 1, 0, 5}));
  EXPECT_CONTAINS(Op("ReverseSequence").Error({x, Int64s({4, 0})}, Code::kInvalidArgument),
                  "sequence_lens[0] is 4; allowed: 0 to 3");
  EXPECT_CONTAINS(Op("ReverseSequence").Set("batch_axis", 0).Error({x, Int64s({1, 1, 1})}), "one is 0, the other 1");
}

TEST(Trilu, DiagonalsFarOutside) {
  const Tensor x = Counting({2, 2});
  EXPECT_EQ(Floats(Op("Trilu").Run1({x, ScalarOf<int64_t>(INT64_MAX)})), (std::vector<float>{0, 0, 0, 0}));
  EXPECT_EQ(Floats(Op("Trilu").Run1({x, ScalarOf<int64_t>(INT64_MIN)})), (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(Floats(Op("Trilu").Set("upper", 0).Run1({x, ScalarOf<int64_t>(INT64_MIN)})),
            (std::vector<float>{0, 0, 0, 0}));
  EXPECT_CONTAINS(Op("Trilu").Error({Counting({2})}), "rank must be 2 or more");
}

}  // namespace
}  // namespace octavo::test
