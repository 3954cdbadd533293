#include <cmath>
#include <limits>

#include "tests/core/ops/op_testing.h"

namespace octavo::test {
namespace {

using Ints = std::vector<int64_t>;

Tensor Line(const std::vector<float>& values) { return TensorOf<float>({static_cast<int64_t>(values.size())}, values); }
Tensor Sizes(const Ints& values) { return TensorOf<int64_t>({static_cast<int64_t>(values.size())}, values); }

std::vector<float> Nearest(const char* nearest, const char* coordinates, int64_t size) {
  return Values<float>(Op("Resize")
                           .Set("nearest_mode", nearest)
                           .Set("coordinate_transformation_mode", coordinates)
                           .Run1({Line({1, 2, 3, 4}), Tensor(), Tensor(), Sizes({size})}));
}

TEST(Resize, NearestModesDifferInTheMiddle) {
  // half_pixel to 2: 0.5 and 2.5.
  EXPECT_EQ(Nearest("round_prefer_floor", "half_pixel", 2), (std::vector<float>{1, 3}));
  EXPECT_EQ(Nearest("round_prefer_ceil", "half_pixel", 2), (std::vector<float>{2, 4}));
  EXPECT_EQ(Nearest("floor", "half_pixel", 2), (std::vector<float>{1, 3}));
  EXPECT_EQ(Nearest("ceil", "half_pixel", 2), (std::vector<float>{2, 4}));
  // Exact hits are hits.
  for (const char* mode : {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}) {
    EXPECT_EQ(Nearest(mode, "align_corners", 2), (std::vector<float>{1, 4}));
    EXPECT_EQ(Nearest(mode, "asymmetric", 4), (std::vector<float>{1, 2, 3, 4}));
  }
  EXPECT_EQ(Nearest("floor", "asymmetric", 8), (std::vector<float>{1, 1, 2, 2, 3, 3, 4, 4}));
  EXPECT_EQ(Nearest("floor", "tf_half_pixel_for_nn", 2), (std::vector<float>{2, 4}));
}

TEST(Resize, LinearInEveryCoordinateMode) {
  const auto run = [](const char* coordinates, int64_t size) {
    return Values<float>(Op("Resize")
                             .Set("mode", "linear")
                             .Set("coordinate_transformation_mode", coordinates)
                             .Run1({Line({0, 4, 8}), Tensor(), Tensor(), Sizes({size})}));
  };
  EXPECT_EQ(run("half_pixel", 6), (std::vector<float>{0, 1, 3, 5, 7, 8}));
  EXPECT_EQ(run("asymmetric", 6), (std::vector<float>{0, 2, 4, 6, 8, 8}));
  EXPECT_EQ(run("align_corners", 5), (std::vector<float>{0, 2, 4, 6, 8}));
  EXPECT_EQ(run("align_corners", 1), (std::vector<float>{0}));
  EXPECT_EQ(run("half_pixel", 1), (std::vector<float>{4}));
  EXPECT_EQ(run("pytorch_half_pixel", 1), (std::vector<float>{0}));
  EXPECT_EQ(run("half_pixel_symmetric", 6), run("half_pixel", 6));
}

TEST(Resize, CropTakesARegionAndExtrapolates) {
  const Tensor roi = Line({0.5f, 1.5f});
  const Tensor y = Op("Resize")
                       .Set("mode", "linear")
                       .Set("coordinate_transformation_mode", "tf_crop_and_resize")
                       .Set("extrapolation_value", -7.0f)
                       .Run1({Line({0, 4, 8}), roi, Tensor(), Sizes({3})});
  EXPECT_EQ(Values<float>(y), (std::vector<float>{4, 8, -7}));
  EXPECT_CONTAINS(Op("Resize")
                      .Set("coordinate_transformation_mode", "tf_crop_and_resize")
                      .Error({Line({0, 4, 8}), Tensor(), Tensor(), Sizes({3})}),
                  "roi is missing");
}

TEST(Resize, CubicReproducesStraightLinesInside) {
  std::vector<float> values;
  for (int i = 0; i < 10; ++i) values.push_back(static_cast<float>(i));
  const Tensor y = Op("Resize")
                       .Set("mode", "cubic")
                       .Set("cubic_coeff_a", -0.5f)
                       .Run1({Line(values), Tensor(), Tensor(), Sizes({20})});
  for (size_t i = 5; i < 15; ++i) EXPECT_NEAR(y.data<float>()[i], (static_cast<double>(i) + 0.5) / 2 - 0.5, 1e-5);
}

TEST(Resize, AntialiasTakesInEverything) {
  // Shrinking 8 ones and a peak to 2: plain linear misses the peak, the stretched filter does not.
  const Tensor x = Line({0, 0, 0, 0, 0, 0, 0, 8});
  const auto run = [&](int64_t antialias) {
    return Values<float>(
        Op("Resize").Set("mode", "linear").Set("antialias", antialias).Run1({x, Tensor(), Tensor(), Sizes({2})}));
  };
  EXPECT_EQ(run(0)[1], 0);
  EXPECT_GT(run(1)[1], 0);
  // Weights are those of a probability: a constant stays.
  for (float v : Values<float>(Op("Resize")
                                   .Set("mode", "cubic")
                                   .Set("antialias", 1)
                                   .Run1({Line(std::vector<float>(9, 5.0f)), Tensor(), Tensor(), Sizes({4})}))) {
    EXPECT_NEAR(v, 5, 1e-5);
  }
}

TEST(Resize, ExcludeOutsideRenormalizes) {
  const Tensor y =
      Op("Resize").Set("mode", "cubic").Set("exclude_outside", 1).Run1({Line({1, 1, 1}), Tensor(), Line({2.0f})});
  for (float v : Values<float>(y)) EXPECT_NEAR(v, 1, 1e-6);
}

TEST(Resize, OtherElementTypes) {
  const Tensor bytes = TensorOf<uint8_t>({2}, {0, 255});
  EXPECT_EQ(Values<uint8_t>(Op("Resize").Set("mode", "linear").Run1({bytes, Tensor(), Tensor(), Sizes({4})})),
            (std::vector<uint8_t>{0, 64, 191, 255}));  // 63.75, 191.25
  // Cubic overshoots; bytes saturate.
  EXPECT_EQ(Values<uint8_t>(Op("Resize")
                                .Set("mode", "cubic")
                                .Run1({TensorOf<uint8_t>({4}, {0, 0, 255, 255}), Tensor(), Tensor(), Sizes({8})}))[7],
            255);
  const Tensor big = TensorOf<int64_t>({2}, {INT64_MAX, INT64_MIN});
  EXPECT_EQ(Values<int64_t>(Op("Resize").Run1({big, Tensor(), Tensor(), Sizes({4})})),
            (Ints{INT64_MAX, INT64_MAX, INT64_MIN, INT64_MIN}));
  EXPECT_EQ(Values<int64_t>(Op("Resize").Set("mode", "linear").Run1({big, Tensor(), Tensor(), Sizes({3})}))[0],
            INT64_MAX);
  const Tensor half = TensorOf<Half>({2}, {Half(1.0f), Half(2.0f)});
  EXPECT_EQ(static_cast<float>(
                Values<Half>(Op("Resize").Set("mode", "linear").Run1({half, Tensor(), Tensor(), Sizes({4})}))[1]),
            1.25f);
}

TEST(Resize, OldFormsUseFloorAndNoOffset) {
  const Tensor x = Line({1, 2, 3});
  EXPECT_EQ(Values<float>(Op("Upsample", 7).Set("scales", std::vector<float>{2}).Run1({x})),
            (std::vector<float>{1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(Values<float>(Op("Upsample", 9).Set("mode", "linear").Run1({x, Line({2})})),
            (std::vector<float>{1, 1.5f, 2, 2.5f, 3, 3}));
  EXPECT_EQ(Values<float>(Op("Resize", 10).Run1({x, Line({1.5f})})), (std::vector<float>{1, 1, 2, 3}));
  // Shrinking takes the element behind.
  EXPECT_EQ(Values<float>(Op("Resize", 10).Run1({Line({1, 2, 3, 4}), Line({0.6f})})), (std::vector<float>{1, 3}));
  EXPECT_EQ(Values<float>(Op("Resize", 11).Run1({x, Line({}), Line({}), Sizes({1})})), (std::vector<float>{2}));
}

TEST(Resize, AxesAndAspectRatio) {
  Random random;
  const Tensor x = random.Floats({2, 10, 20});
  const auto shape = [&](const char* policy, const Ints& sizes) {
    return Op("Resize", 18)
        .Set("axes", Ints{2, 1})
        .Set("keep_aspect_ratio_policy", policy)
        .Run1({x, Tensor(), Tensor(), Sizes(sizes)})
        .shape()
        .ToString();
  };
  EXPECT_EQ(shape("stretch", {7, 8}), "[2, 8, 7]");
  EXPECT_EQ(shape("not_larger", {7, 8}), "[2, 4, 7]");  // 10 * 0.35 = 3.5, halves up
  EXPECT_EQ(shape("not_smaller", {7, 8}), "[2, 8, 16]");
}

TEST(Resize, ScalesMadeForFloatArithmeticGiveTheSizeMeant) {
  // 13 * float(25 / 13) is 24.9999993 exactly, 25 in float.
  EXPECT_EQ(Op("Resize").Run1({Line(std::vector<float>(13, 1.0f)), Tensor(), Line({25.0f / 13.0f})}).shape(),
            (Shape{25}));
}

TEST(Resize, ScalesThatStandForRatiosAreExact) {
  // float(16 / 6) is a little more than 16 / 6, yet the ninth element lies exactly on the fourth.
  const Tensor x = Line({0, 1, 2, 3, 4, 5});
  EXPECT_EQ(Op("Upsample", 9).Run1({x, Line({16.0f / 6.0f})}).data<float>()[8], 3);
  // (4 + 0.5) * 20 / 6 - 0.5 is 14.5: a tie, whatever float makes of it.
  std::vector<float> twenty;
  for (int i = 0; i < 20; ++i) twenty.push_back(static_cast<float>(i));
  const Tensor y =
      Op("Resize").Set("nearest_mode", "round_prefer_ceil").Run1({Line(twenty), Tensor(), Tensor(), Sizes({6})});
  EXPECT_EQ(y.data<float>()[4], 15);
}

TEST(Resize, SaysWhatIsWrong) {
  const Tensor x = Line({1, 2, 3});
  for (float bad : {0.0f, -1.0f, NAN, std::numeric_limits<float>::infinity()}) {
    EXPECT_CONTAINS(Op("Resize").Error({x, Tensor(), Line({bad})}), "it must be greater than 0 and finite");
  }
  EXPECT_CONTAINS(Op("Resize").Error({x, Tensor(), Line({1e30f})}, Code::kLimit), "axis 0 would have");
  EXPECT_CONTAINS(Op("Resize").Error({x}), "neither of scales and sizes");
  EXPECT_CONTAINS(Op("Resize").Error({x, Tensor(), Line({1}), Sizes({1})}), "both of scales and sizes");
  EXPECT_CONTAINS(Op("Resize").Error({x, Tensor(), Line({1, 1})}), "scales has 2 values where 1 are needed");
  EXPECT_CONTAINS(Op("Resize").Error({x, Tensor(), Tensor(), Sizes({-1})}), "the size of axis 0 is -1");
  EXPECT_CONTAINS(Op("Resize").Error({Line({}), Tensor(), Tensor(), Sizes({2})}), "axis 0 is empty");
  EXPECT_CONTAINS(Op("Resize").Set("mode", "area").Error({x, Tensor(), Line({1})}),
                  "mode is 'area'; allowed: nearest, linear, cubic");
  EXPECT_CONTAINS(Op("Resize").Set("axes", Ints{0, 0}).Error({x, Tensor(), Line({1, 1})}), "twice");
  EXPECT_CONTAINS(Op("Resize").Set("axes", Ints{1}).Error({x, Tensor(), Line({1})}), "axis 1 is outside");
  EXPECT_CONTAINS(Op("Upsample", 9).Error({x}), "scales are missing");
  EXPECT_CONTAINS(Op("Resize").Set("antialias", 1).Error({x, Tensor(), Line({1})}), "antialias is 1");
}

TEST(Resize, InfersWhatIsKnown) {
  const Tensor scales = TensorOf<float>({4}, {1, 1, 2, 2});
  EXPECT_EQ(Op("Resize").InferShape({{DType::kFloat, Shape{-1, 3, 4, -1}}, {}, scales}), "[?, 3, 8, ?]");
  EXPECT_EQ(Op("Resize").InferShape({{DType::kFloat, Shape{-1, 3, 4, -1}}, {}, {}, Sizes({1, 3, 9, 9})}),
            "[1, 3, 9, 9]");
  EXPECT_EQ(Op("Resize").InferShape({{DType::kFloat, Shape{1, 3, 4, 4}}, {}, {}, {DType::kInt64, Shape{4}}}),
            "[?, ?, ?, ?]");
  EXPECT_EQ(Op("Resize", 18)
                .Set("axes", Ints{2, 3})
                .InferShape({{DType::kFloat, Shape{1, 3, 4, 4}}, {}, {}, {DType::kInt64, Shape{2}}}),
            "[1, 3, ?, ?]");
  EXPECT_EQ(Op("Resize").InferShape({{DType::kFloat, std::nullopt}, {}, scales}), "unranked");
  // Empty: the same through every form.
  EXPECT_EQ(Op("Resize").Run1({TensorOf<float>({0, 2}, {}), Tensor(), Line({2, 2})}).shape(), (Shape{0, 4}));
}

}  // namespace
}  // namespace octavo::test
