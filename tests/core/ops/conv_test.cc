#include <cmath>

#include "core/ops/window.h"
#include "tests/core/ops/op_testing.h"

namespace octavo::test {
namespace {

// ------------------------------------------------------------------------------------------------ an oracle

// A 2-D convolution as the formula of the documentation states it, over an input copied into its padding, skipping what
// is padding: one accumulator an output, bias first, then (ky, kx, c).
struct Conv2d {
  int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  int64_t group = 1;

  Tensor Run(const Tensor& x, const Tensor& w, const Tensor* bias) const {
    const int64_t n = x.shape()[0], c = x.shape()[1], h = x.shape()[2], width = x.shape()[3];
    const int64_t m = w.shape()[0], cg = w.shape()[1], kh = w.shape()[2], kw = w.shape()[3];
    const int64_t oh = (h + top + bottom - (kh - 1) * dilation_h - 1) / stride_h + 1;
    const int64_t ow = (width + left + right - (kw - 1) * dilation_w - 1) / stride_w + 1;
    std::vector<float> y;
    const auto xs = x.data<float>(), ws = w.data<float>();
    for (int64_t b = 0; b < n; ++b) {
      for (int64_t o = 0; o < m; ++o) {
        for (int64_t i = 0; i < oh; ++i) {
          for (int64_t j = 0; j < ow; ++j) {
            float acc = bias ? bias->data<float>()[static_cast<size_t>(o)] : 0;
            for (int64_t ky = 0; ky < kh; ++ky) {
              for (int64_t kx = 0; kx < kw; ++kx) {
                const int64_t r = i * stride_h - top + ky * dilation_h, s = j * stride_w - left + kx * dilation_w;
                if (r < 0 || r >= h || s < 0 || s >= width) continue;
                for (int64_t k = 0; k < cg; ++k) {
                  const int64_t channel = o / (m / group) * cg + k;
                  acc = std::fma(xs[static_cast<size_t>(((b * c + channel) * h + r) * width + s)],
                                 ws[static_cast<size_t>(((o * cg + k) * kh + ky) * kw + kx)], acc);
                }
              }
            }
            y.push_back(acc);
          }
        }
      }
    }
    return TensorOf<float>({n, m, oh, ow}, y);
  }

  Op Node() const {
    Op op("Conv");
    op.Set("strides", std::vector<int64_t>{stride_h, stride_w});
    op.Set("dilations", std::vector<int64_t>{dilation_h, dilation_w});
    op.Set("pads", std::vector<int64_t>{top, left, bottom, right});
    op.Set("group", group);
    return op;
  }
};

TEST(Conv, KeepsTheOrderOfItsDefinitionBitForBit) {
  Random random;
  struct Case {
    Shape x, w;
    Conv2d conv;
  };
  const Case cases[] = {
      {{2, 3, 7, 6}, {5, 3, 3, 2}, {}},
      {{1, 4, 9, 8}, {40, 4, 3, 3}, {2, 1, 1, 2, 1, 2, 0, 1, 1}},
      {{1, 6, 5, 5}, {6, 1, 3, 3}, {1, 1, 1, 1, 1, 1, 1, 1, 6}},   // depthwise
      {{2, 6, 5, 7}, {12, 1, 3, 3}, {2, 2, 1, 1, 1, 1, 1, 1, 6}},  // with a multiplier of 2
      {{1, 8, 6, 5}, {70, 4, 2, 3}, {1, 2, 2, 1, 0, 3, 2, 1, 2}},  // grouped, wider than a row of sums
      {{1, 2, 3, 3}, {3, 2, 1, 1}, {3, 2, 5, 4, 4, 0, 0, 4, 1}},   // whole windows in the padding
  };
  for (const Case& c : cases) {
    const Tensor x = random.Floats(c.x), w = random.Floats(c.w), b = random.Floats(Shape{c.w[0]});
    ExpectSame(c.conv.Node().Run1({x, w, b}), c.conv.Run(x, w, &b));
    ExpectSame(c.conv.Node().Run1({x, w}), c.conv.Run(x, w, nullptr));
  }
}

TEST(Conv, OneAndThreeAxes) {
  const Tensor line = TensorOf<float>({1, 1, 5}, {1, 2, 3, 4, 5});
  const Tensor pair = TensorOf<float>({1, 1, 2}, {10, 1});
  EXPECT_EQ(Values<float>(Op("Conv").Set("strides", std::vector<int64_t>{2}).Run1({line, pair})),
            (std::vector<float>{12, 34}));
  // A cube of ones under a cube of ones: counts.
  const Tensor cube = TensorOf<float>({1, 1, 2, 2, 2}, std::vector<float>(8, 1));
  const Tensor y = Op("Conv").Set("pads", std::vector<int64_t>{1, 0, 0, 0, 0, 0}).Run1({cube, cube});
  EXPECT_EQ(y.shape(), (Shape{1, 1, 2, 1, 1}));
  EXPECT_EQ(Values<float>(y), (std::vector<float>{4, 8}));
  const Tensor four = TensorOf<float>({1, 1, 1, 1, 1, 1}, {1});
  EXPECT_CONTAINS(Op("Conv").Error({four, four}, Code::kUnsupported), "4 spatial axes; at most 3");
}

TEST(Conv, AutomaticPadding) {
  const Tensor x = TensorOf<float>({1, 1, 5}, {1, 2, 3, 4, 5});
  const Tensor w = TensorOf<float>({1, 1, 4}, {1, 1, 1, 1});
  const auto run = [&](const char* pad, int64_t stride) {
    return Values<float>(Op("Conv").Set("auto_pad", pad).Set("strides", std::vector<int64_t>{stride}).Run1({x, w}));
  };
  EXPECT_EQ(run("SAME_UPPER", 1), (std::vector<float>{6, 10, 14, 12, 9}));  // 1 before, 2 behind
  EXPECT_EQ(run("SAME_LOWER", 1), (std::vector<float>{3, 6, 10, 14, 12}));  // 2 before, 1 behind
  EXPECT_EQ(run("SAME_UPPER", 2), (std::vector<float>{6, 14, 9}));          // 3 in all
  EXPECT_EQ(run("VALID", 1), (std::vector<float>{10, 14}));
  EXPECT_CONTAINS(Op("Conv").Set("auto_pad", "SAME").Error({x, w}),
                  "auto_pad is 'SAME'; allowed: NOTSET, VALID, SAME_UPPER, SAME_LOWER");
}

TEST(Conv, EmptyTensors) {
  const Tensor w = TensorOf<float>({2, 1, 3}, std::vector<float>(6, 1));
  EXPECT_EQ(Op("Conv").Run1({TensorOf<float>({0, 1, 4}, {}), w}).shape(), (Shape{0, 2, 2}));
  EXPECT_EQ(Op("Conv").Run1({TensorOf<float>({1, 1, 0}, {}), w}).shape(), (Shape{1, 2, 0}));
  // No input channels: only the bias is left.
  const Tensor bias = TensorOf<float>({2}, {3, 4});
  EXPECT_EQ(Values<float>(Op("Conv").Run1({TensorOf<float>({1, 0, 3}, {}), TensorOf<float>({2, 0, 3}, {}), bias})),
            (std::vector<float>{3, 4}));
  EXPECT_EQ(Op("Conv").Run1({TensorOf<float>({1, 1, 4}, {1, 2, 3, 4}), TensorOf<float>({0, 1, 3}, {})}).shape(),
            (Shape{1, 0, 2}));
}

TEST(Conv, HalfFloatsAreRoundedOnce) {
  // 2048 + 1 + 1 is 2050 in float; rounding each sum to float16 would stay at 2048.
  std::vector<Half> x = {Half(2048.0f), Half(1.0f), Half(1.0f)}, w(3, Half(1.0f));
  const Tensor y = Op("Conv").Run1({TensorOf<Half>({1, 1, 3}, x), TensorOf<Half>({1, 1, 3}, w)});
  EXPECT_EQ(static_cast<float>(y.data<Half>()[0]), 2050.0f);
}

TEST(Conv, SaysWhatIsWrong) {
  Random random;
  const Tensor x = random.Floats({1, 4, 5, 5}), w = random.Floats({6, 4, 3, 3});
  const auto error = [&](const char* name, auto value) { return Op("Conv").Set(name, value).Error({x, w}); };
  using Ints = std::vector<int64_t>;
  EXPECT_CONTAINS(error("strides", Ints{0, 1}), "strides[0] is 0; allowed: 1 to 2147483647");
  EXPECT_CONTAINS(error("strides", Ints{1, -1}), "strides[1] is -1");
  EXPECT_CONTAINS(error("strides", Ints{1, int64_t{1} << 62}), "strides[1] is 4611686018427387904");
  EXPECT_CONTAINS(error("strides", Ints{1}), "strides has 1 values where 2 are needed");
  EXPECT_CONTAINS(error("dilations", Ints{0, 1}), "dilations[0] is 0");
  EXPECT_CONTAINS(error("pads", Ints{0, 0, -1, 0}), "pads[2] is -1; allowed: 0");
  EXPECT_CONTAINS(error("pads", Ints{0, 0}), "pads has 2 values where 4 are needed");
  EXPECT_CONTAINS(error("kernel_shape", Ints{3, 5}), "is 5 in kernel_shape, 3 in the weights");
  EXPECT_CONTAINS(error("group", int64_t{0}), "group is 0; allowed: 1");
  EXPECT_CONTAINS(error("group", int64_t{4}), "cannot be split into 4 groups");
  EXPECT_CONTAINS(error("group", int64_t{2}), "X has 4 channels; W of shape [6, 4, 3, 3] in 2 groups needs 8");
  EXPECT_CONTAINS(error("dilations", Ints{3, 1}),
                  "the window covers 7 elements, the input with its padding has only 5");
  EXPECT_CONTAINS(Op("Conv").Error({x, random.Floats({6, 4, 3})}), "their ranks must be equal");
  EXPECT_CONTAINS(Op("Conv").Error({random.Floats({4, 5}), random.Floats({6, 4})}), "at least 3 dimensions");
  EXPECT_CONTAINS(Op("Conv").Error({x, w, random.Floats({5})}), "B has 5 elements where 6 are needed");
  EXPECT_CONTAINS(Op("Conv").Error({x, w, random.Floats({6, 1})}), "B has shape [6, 1]; its rank must be 1");
  EXPECT_CONTAINS(Op("Conv").Error({x, Tensor()}), "input 1 is left out");
  EXPECT_CONTAINS(Op("Conv").Error({random.Integers<int32_t>({1, 1, 3}, 0, 1), w}), "X is int32; allowed: float32");
}

TEST(Conv, InfersWhatIsKnown) {
  const Known w{DType::kFloat, Shape{8, 3, 3, 3}};
  EXPECT_EQ(Op("Conv").InferShape({{DType::kFloat, Shape{-1, 3, -1, 9}}, w}), "[?, 8, ?, 7]");
  EXPECT_EQ(Op("Conv").InferShape({{DType::kFloat, std::nullopt}, w}), "[?, 8, ?, ?]");
  EXPECT_EQ(Op("Conv").InferShape({{DType::kFloat, Shape{1, 3, 9, 9}}, {DType::kFloat, std::nullopt}}), "[1, ?, ?, ?]");
  EXPECT_EQ(Op("Conv")
                .Set("kernel_shape", std::vector<int64_t>{3, 3})
                .InferShape({{DType::kFloat, Shape{1, 3, 9, 9}}, {DType::kFloat, std::nullopt}}),
            "[1, ?, 7, 7]");
  EXPECT_EQ(Op("Conv").InferShape({{DType::kFloat, std::nullopt}, {DType::kFloat, std::nullopt}}), "unranked");
  EXPECT_EQ(Op("Conv").Set("auto_pad", "SAME_UPPER").InferShape({{DType::kFloat, Shape{1, 3, 9, -1}}, w}),
            "[1, 8, 9, ?]");
  EXPECT_CONTAINS(Op("Conv").InferShape({{DType::kFloat, Shape{-1, 4, -1, -1}}, w}), "X has 4 channels");
}

TEST(Conv, PaddingMayBeFarLargerThanTheKernel) {
  // The window skips from tap to tap inside the input only; a loop over all of the padding would never end.
  WindowAxis axis;
  axis.in = 4;
  axis.kernel = INT32_MAX;
  axis.dilation = 1;
  axis.pad = INT32_MAX - 2;
  const WindowAxis::Taps taps = axis.ValidTaps(0);
  EXPECT_EQ(taps.begin, INT32_MAX - 2);
  EXPECT_EQ(taps.end, INT32_MAX);
}

// ------------------------------------------------------------------------------------------------ ConvTranspose

// By scattering, the way the documentation explains it; in double, since the order differs.
std::vector<double> Scatter(const Tensor& x, const Tensor& w, int64_t group, int64_t stride, int64_t dilation,
                            int64_t pad, int64_t out) {
  const int64_t c = x.shape()[1], in = x.shape()[2], mg = w.shape()[1], k = w.shape()[2];
  std::vector<double> y(static_cast<size_t>(mg * group * out));
  for (int64_t ci = 0; ci < c; ++ci) {
    for (int64_t m = 0; m < mg; ++m) {
      for (int64_t i = 0; i < in; ++i) {
        for (int64_t t = 0; t < k; ++t) {
          const int64_t o = i * stride - pad + t * dilation;
          if (o < 0 || o >= out) continue;
          y[static_cast<size_t>((ci / (c / group) * mg + m) * out + o)] +=
              static_cast<double>(x.data<float>()[static_cast<size_t>(ci * in + i)]) *
              static_cast<double>(w.data<float>()[static_cast<size_t>((ci * mg + m) * k + t)]);
        }
      }
    }
  }
  return y;
}

TEST(ConvTranspose, AgreesWithScattering) {
  Random random;
  struct Case {
    int64_t group, stride, dilation, pad, pad_end, output_padding;
  };
  for (const Case& c :
       {Case{1, 1, 1, 0, 0, 0}, Case{1, 2, 1, 1, 0, 1}, Case{2, 3, 2, 2, 1, 2}, Case{4, 2, 1, 1, 1, 0}}) {
    const Tensor x = random.Floats({1, 4, 5}), w = random.Floats({4, 3, 3});
    const Tensor y = Op("ConvTranspose")
                         .Set("group", c.group)
                         .Set("strides", std::vector<int64_t>{c.stride})
                         .Set("dilations", std::vector<int64_t>{c.dilation})
                         .Set("pads", std::vector<int64_t>{c.pad, c.pad_end})
                         .Set("output_padding", std::vector<int64_t>{c.output_padding})
                         .Run1({x, w});
    const int64_t out = 4 * c.stride + c.output_padding + 2 * c.dilation + 1 - c.pad - c.pad_end;
    ASSERT_EQ(y.shape(), (Shape{1, 3 * c.group, out}));
    const std::vector<double> expected = Scatter(x, w, c.group, c.stride, c.dilation, c.pad, out);
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(y.data<float>()[i], expected[i], 1e-4);
  }
}

TEST(ConvTranspose, OutputShapeAndAutomaticPadding) {
  const Tensor x = TensorOf<float>({1, 1, 3}, {1, 2, 3}), w = TensorOf<float>({1, 1, 3}, {1, 1, 1});
  const auto run = [&](const char* pad, std::vector<int64_t> shape) {
    Op op("ConvTranspose");
    op.Set("strides", std::vector<int64_t>{2}).Set("auto_pad", pad);
    if (!shape.empty()) op.Set("output_shape", shape);
    return Values<float>(op.Run1({x, w}));
  };
  // Without padding: 1 1 3 2 5 3 3.
  EXPECT_EQ(run("SAME_UPPER", {}), (std::vector<float>{1, 1, 3, 2, 5, 3}));
  EXPECT_EQ(run("SAME_LOWER", {}), (std::vector<float>{1, 3, 2, 5, 3, 3}));
  EXPECT_EQ(run("NOTSET", {5}), (std::vector<float>{1, 3, 2, 5, 3}));
  EXPECT_EQ(run("NOTSET", {9}), (std::vector<float>{1, 1, 3, 2, 5, 3, 3, 0, 0}));
  // A kernel smaller than the stride leaves less than stride * size.
  EXPECT_EQ(Op("ConvTranspose")
                .Set("strides", std::vector<int64_t>{3})
                .Set("auto_pad", "SAME_UPPER")
                .Run1({x, TensorOf<float>({1, 1, 1}, {1})})
                .shape(),
            (Shape{1, 1, 7}));
  EXPECT_CONTAINS(Op("ConvTranspose").Set("output_padding", std::vector<int64_t>{1}).Error({x, w}),
                  "output_padding[0] is 1; it must be less than stride 1 or dilation 1");
  EXPECT_CONTAINS(Op("ConvTranspose").Set("pads", std::vector<int64_t>{9, 0}).Error({x, w}),
                  "more than the 5 elements");
}

// ------------------------------------------------------------------------------------------------ integers

TEST(ConvInteger, SubtractsZeroPointsAndPadsWithThem) {
  const Tensor x = TensorOf<uint8_t>({1, 1, 3}, {10, 11, 12});
  const Tensor w = TensorOf<int8_t>({2, 1, 2}, {1, 2, -3, 5});
  const Tensor x_zero = ScalarOf<uint8_t>(10), w_zero = TensorOf<int8_t>({2}, {1, -1});
  const Tensor y = Op("ConvInteger").Set("pads", std::vector<int64_t>{1, 0}).Run1({x, w, x_zero, w_zero});
  // x - 10: 0 1 2; w: (0, 1) and (-2, 6)
  EXPECT_EQ(Values<int32_t>(y), (std::vector<int32_t>{0, 1, 2, 0, 6, 10}));
  EXPECT_CONTAINS(Op("ConvInteger").Error({x, w, ScalarOf<int8_t>(0)}), "must be of the same type");
  EXPECT_CONTAINS(Op("ConvInteger").Error({x, w, Tensor(), TensorOf<int8_t>({3}, {0, 0, 0})}),
                  "must be a single element or [2]");
}

TEST(QLinearConv, RoundsHalfToEvenAndSaturates) {
  // Multiplier 0.5: sums 1, 3, 5, -1 become 0.5, 1.5, 2.5, -0.5, thus 0, 2, 2, 0.
  const auto run = [](const std::vector<uint8_t>& xs, float scale, uint8_t zero, int32_t bias) {
    return Values<uint8_t>(
        Op("QLinearConv")
            .Run1({TensorOf<uint8_t>({1, 1, static_cast<int64_t>(xs.size())}, xs), ScalarOf(scale),
                   ScalarOf<uint8_t>(10), TensorOf<int8_t>({1, 1, 1}, {1}), ScalarOf(1.0f), ScalarOf<int8_t>(0),
                   ScalarOf(1.0f), ScalarOf<uint8_t>(zero), TensorOf<int32_t>({1}, {bias})}));
  };
  EXPECT_EQ(run({11, 13, 15, 9}, 0.5f, 100, 0), (std::vector<uint8_t>{100, 102, 102, 100}));
  EXPECT_EQ(run({11, 13, 15, 9}, 0.5f, 100, 1000000), (std::vector<uint8_t>{255, 255, 255, 255}));
  EXPECT_EQ(run({11, 13, 15, 9}, 0.5f, 100, -1000000), (std::vector<uint8_t>{0, 0, 0, 0}));
  EXPECT_EQ(run({11}, 3e38f, 100, 5), (std::vector<uint8_t>{255}));  // infinite
}

TEST(QLinearConv, MultiplierIsComputedInFloatInThisOrder) {
  Random random(7);
  const Tensor x = random.Integers<int8_t>({1, 3, 4, 4}, -128, 127), w = random.Integers<uint8_t>({4, 3, 3, 3}, 0, 255);
  const Tensor w_scale = TensorOf<float>({4}, {0.01f, 0.003f, 0.0007f, 0.02f});
  const Tensor w_zero = TensorOf<uint8_t>({4}, {128, 100, 0, 255});
  const Tensor y =
      Op("QLinearConv")
          .Set("pads", std::vector<int64_t>{1, 1, 1, 1})
          .Run1({x, ScalarOf(0.1f), ScalarOf<int8_t>(-5), w, w_scale, w_zero, ScalarOf(0.3f), ScalarOf<int8_t>(3)});
  for (int64_t m = 0; m < 4; ++m) {
    for (int64_t r = 0; r < 4; ++r) {
      for (int64_t c = 0; c < 4; ++c) {
        int64_t acc = 0;
        for (int64_t k = 0; k < 27; ++k) {
          const int64_t i = r - 1 + k / 3 % 3, j = c - 1 + k % 3;
          if (i < 0 || i > 3 || j < 0 || j > 3) continue;
          acc += (x.data<int8_t>()[static_cast<size_t>(k / 9 * 16 + i * 4 + j)] + 5) *
                 (w.data<uint8_t>()[static_cast<size_t>(m * 27 + k)] - w_zero.data<uint8_t>()[static_cast<size_t>(m)]);
        }
        const float scale = 0.1f * w_scale.data<float>()[static_cast<size_t>(m)];
        const float multiplier = scale / 0.3f;
        const float value = std::nearbyint(static_cast<float>(acc) * multiplier) + 3;
        EXPECT_EQ(y.data<int8_t>()[static_cast<size_t>(m * 16 + r * 4 + c)], std::clamp(value, -128.0f, 127.0f));
      }
    }
  }
}

TEST(QLinearConv, RefusesBadParameters) {
  const Tensor x = TensorOf<uint8_t>({1, 1, 1}, {1}), w = TensorOf<int8_t>({2, 1, 1}, {1, 1});
  const Tensor u8 = ScalarOf<uint8_t>(0), s8 = ScalarOf<int8_t>(0), one = ScalarOf(1.0f);
  const auto error = [&](const Tensor& scale) { return Op("QLinearConv").Error({x, scale, u8, w, one, s8, one, u8}); };
  for (float bad : {0.0f, -1.0f, NAN, INFINITY}) {
    EXPECT_CONTAINS(error(ScalarOf(bad)), "scales must be greater than 0 and finite");
  }
  EXPECT_CONTAINS(error(TensorOf<float>({2}, {1, 1})), "x_scale has shape [2]; it must be a single element");
  EXPECT_CONTAINS(Op("QLinearConv").Error({x, one, u8, w, TensorOf<float>({3}, {1, 1, 1}), s8, one, u8}),
                  "w_scale has shape [3]; it must be a single element or [2]");
  EXPECT_CONTAINS(Op("QLinearConv").Error({x, one, s8, w, one, s8, one, u8}), "must be of the same type");
  EXPECT_TRUE(Op("QLinearConv").Run({x, ScalarOf(1e-45f), u8, w, one, s8, one, u8}).ok());
}

}  // namespace
}  // namespace octavo::test
