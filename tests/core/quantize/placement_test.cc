#include "core/quantize/placement.h"

#include "tests/core/quantize/nets.h"

namespace octavo {
namespace {

using test::Attr;
using test::NetBuilder;
using test::TensorOf;

// One line a unit: "Conv_0 Relu_1: x -> Relu_1_out", then " (reason)" where it stays float. Weighted units come with
// their first input only.
std::string Units(const Graph& graph, const Placement& placement) {
  std::string text;
  for (const Unit& unit : placement.units) {
    std::string line;
    for (NodeId n : unit.nodes) line += (line.empty() ? "" : " ") + graph.nodes[n].name;
    line += ":";
    for (ValueId v : unit.inputs) line += " " + graph.values[v].name;
    line += " -> " + graph.values[unit.output].name;
    if (!unit.int8) line += " (" + unit.reason + ")";
    text += line + "\n";
  }
  return text;
}

// "x Conv_0_out=x ...": the quantized values, with whose parameters they have if not their own.
std::string QuantizedValues(const Graph& graph, const Placement& placement) {
  std::string text;
  for (ValueId v = 0; v < graph.values.size(); ++v) {
    if (!placement.quantized[v]) continue;
    text += (text.empty() ? "" : " ") + graph.values[v].name;
    if (placement.params_of[v] != v) text += "=" + graph.values[placement.params_of[v]].name;
  }
  return text;
}

Placement Placed(const Graph& graph, const std::string& recipe = "static") {
  auto parsed = Recipe::Parse(recipe);
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  auto placement = Place(graph, *parsed);
  EXPECT_TRUE(placement.ok()) << placement.status().message();
  return placement.ok() ? *placement : Placement();
}

void ExpectPlaced(const Graph& graph, const std::string& units, const std::string& values,
                  const std::string& recipe = "static") {
  const Placement placement = Placed(graph, recipe);
  EXPECT_EQ(Units(graph, placement), units);
  EXPECT_EQ(QuantizedValues(graph, placement), values);
  EXPECT_EQ(placement.decisions.size(), graph.nodes.size());
}

TEST(Placement, ConvolutionTakesItsClamp) {
  NetBuilder net;
  const ValueId a = net.Relu(net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3));
  const ValueId b = net.Node1("Clip", {net.Conv(a, 4, 3), net.Scalar<float>(0), net.Scalar<float>(6)});
  net.Output(net.Conv(b, 2, 1), "y");
  ExpectPlaced(net.Resolved(),
               "Conv_0 Relu_1: x -> Relu_1_out\n"
               "Conv_2 Clip_3: Relu_1_out -> Clip_3_out\n"
               "Conv_4: Clip_3_out -> y\n",
               "x Relu_1_out Clip_3_out");  // y leaves in float
}

TEST(Placement, AClampThatOthersBypassStandsAlone) {
  NetBuilder net;
  const ValueId a = net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3);
  const ValueId b = net.Node1("Add", {net.Conv(net.Relu(a), 4, 3), a});
  net.Output(net.Conv(b, 2, 1), "y");
  ExpectPlaced(net.Resolved(),
               "Conv_0: x -> Conv_0_out\n"
               "Relu_1: Conv_0_out -> Relu_1_out\n"
               "Conv_2: Relu_1_out -> Conv_2_out\n"
               "Add_3: Conv_2_out Conv_0_out -> Add_3_out\n"
               "Conv_4: Add_3_out -> y\n",
               "x Conv_0_out Relu_1_out Conv_2_out Add_3_out");
}

TEST(Placement, ResidualAddTakesItsClampToo) {
  NetBuilder net;
  const ValueId a = net.Relu(net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3));
  const ValueId b = net.Relu(net.Node1("Add", {net.Conv(a, 4, 3), a}));
  net.Output(net.Conv(b, 2, 1), "y");
  ExpectPlaced(net.Resolved(),
               "Conv_0 Relu_1: x -> Relu_1_out\n"
               "Conv_2: Relu_1_out -> Conv_2_out\n"
               "Add_3 Relu_4: Conv_2_out Relu_1_out -> Relu_4_out\n"
               "Conv_5: Relu_4_out -> y\n",
               "x Relu_1_out Conv_2_out Relu_4_out");
}

TEST(Placement, MovementAndJoinsShareParameters) {
  NetBuilder net;
  const ValueId a = net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3);
  const ValueId pooled = net.Pool(a);
  const ValueId grown = net.Node1("Resize", {pooled, kNoValue, net.Constant(TensorOf<float>({4}, {1, 1, 2, 2}))},
                                  {Attr("mode", "nearest")});
  const ValueId joined = net.Node1("Concat", {grown, net.Conv(a, 2, 1)}, {Attr("axis", 1)});
  net.Output(net.Conv(joined, 2, 1), "y");
  ExpectPlaced(net.Resolved(),
               "Conv_0: x -> Conv_0_out\n"
               "MaxPool_1: Conv_0_out -> MaxPool_1_out\n"
               "Resize_2: MaxPool_1_out -> Resize_2_out\n"
               "Conv_3: Conv_0_out -> Conv_3_out\n"
               "Concat_4: Resize_2_out Conv_3_out -> Concat_4_out\n"
               "Conv_5: Concat_4_out -> y\n",
               "x Conv_0_out MaxPool_1_out=Conv_0_out Resize_2_out=Conv_0_out Conv_3_out=Conv_0_out "
               "Concat_4_out=Conv_0_out");
}

// As torch exports interpolate(a, size=x.shape[-2:]): the size is computed from a shape that is not yet known.
TEST(Placement, InterpolationSharesParametersWhateverItsSize) {
  NetBuilder net;
  const ValueId x = net.Input("x", DType::kFloat, {Shape::kUnknown, 3, 8, 8});
  const ValueId a = net.Conv(x, 4, 3);
  const ValueId size = net.Node1("Slice", {net.Node1("Shape", {x}), net.Ints({2}), net.Ints({4})});
  const auto resize = [&](ValueId v) {
    return net.Node1("Resize", {v, kNoValue, kNoValue, size},
                     {Attr("mode", "linear"), Attr("axes", std::vector<int64_t>{2, 3})});
  };
  const ValueId grown = resize(net.Pool(a));
  net.Output(resize(net.Conv(grown, 2, 1)), "y");
  const Graph graph = net.Resolved();
  ExpectPlaced(graph,
               "Conv_0: x -> Conv_0_out\n"
               "MaxPool_3: Conv_0_out -> MaxPool_3_out\n"
               "Resize_4: MaxPool_3_out -> Resize_4_out\n"
               "Conv_5: Resize_4_out -> Conv_5_out\n"
               "Resize_6: Conv_5_out -> y (output_tail)\n",
               "x Conv_0_out MaxPool_3_out=Conv_0_out Resize_4_out=Conv_0_out");
}

TEST(Placement, FunctionsOfOneValueAreOneTable) {
  NetBuilder net;
  const ValueId a = net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3);
  const ValueId sigmoid = net.Node1("Sigmoid", {a});
  const ValueId swish = net.Node1("Mul", {a, sigmoid});
  const ValueId b = net.Conv(swish, 4, 1);
  const ValueId clipped =
      net.Node1("Clip", {net.Node1("Add", {b, net.Scalar<float>(3)}), net.Scalar<float>(0), net.Scalar<float>(6)});
  const ValueId hard_swish = net.Node1("Div", {net.Node1("Mul", {b, clipped}), net.Scalar<float>(6)});
  net.Output(net.Conv(hard_swish, 2, 1), "y");
  ExpectPlaced(net.Resolved(),
               "Conv_0: x -> Conv_0_out\n"
               "Sigmoid_1 Mul_2: Conv_0_out -> Mul_2_out\n"
               "Conv_3: Mul_2_out -> Conv_3_out\n"
               "Add_4 Clip_5 Mul_6 Div_7: Conv_3_out -> Div_7_out\n"
               "Conv_8: Div_7_out -> y\n",
               "x Conv_0_out Mul_2_out Conv_3_out Div_7_out");
}

TEST(Placement, SlopesOfPReluAreParameters) {
  NetBuilder net;
  const ValueId a = net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3);
  const ValueId b = net.Node1("PRelu", {a, net.Constant(TensorOf<float>({4, 1, 1}, {0.1f, 0.2f, 0.3f, -1}))});
  const ValueId c = net.Conv(b, 4, 1);
  const ValueId slope = net.Conv(b, 4, 1);
  net.Output(net.Conv(net.Node1("PRelu", {c, slope}), 2, 1), "y");
  ExpectPlaced(net.Resolved(),
               "Conv_0: x -> Conv_0_out\n"
               "PRelu_1: Conv_0_out -> PRelu_1_out\n"
               "Conv_2: PRelu_1_out -> Conv_2_out\n"
               "Conv_3: PRelu_1_out -> Conv_3_out\n"
               "PRelu_4: Conv_2_out -> PRelu_4_out (parameters_not_constant)\n"
               "Conv_5: PRelu_4_out -> y\n",
               "x Conv_0_out PRelu_1_out PRelu_4_out");
}

TEST(Placement, SqueezeAndExcite) {
  NetBuilder net;
  const ValueId a = net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 8, 3);
  const ValueId squeezed = net.Relu(net.Conv(net.Node1("GlobalAveragePool", {a}), 2, 1));
  const ValueId gate = net.Node1("HardSigmoid", {net.Conv(squeezed, 8, 1)});
  net.Output(net.Conv(net.Node1("Mul", {a, gate}), 2, 1), "y");
  ExpectPlaced(net.Resolved(),
               "Conv_0: x -> Conv_0_out\n"
               "GlobalAveragePool_1: Conv_0_out -> GlobalAveragePool_1_out\n"
               "Conv_2 Relu_3: GlobalAveragePool_1_out -> Relu_3_out\n"
               "Conv_4: Relu_3_out -> Conv_4_out\n"
               "HardSigmoid_5: Conv_4_out -> HardSigmoid_5_out\n"
               "Mul_6: Conv_0_out HardSigmoid_5_out -> Mul_6_out\n"
               "Conv_7: Mul_6_out -> y\n",
               "x Conv_0_out GlobalAveragePool_1_out Relu_3_out Conv_4_out HardSigmoid_5_out Mul_6_out");
}

TEST(Placement, WhatFollowsTheLastWeightsStaysFloat) {
  NetBuilder net;
  const ValueId a = net.Relu(net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 8, 3));
  const ValueId pooled = net.Node1("Flatten", {net.Node1("GlobalAveragePool", {a})});
  const ValueId logits = net.Gemm(pooled, 5);
  net.Output(net.Node1("Softmax", {net.Node1("Mul", {logits, net.Scalar<float>(2)})}), "y");
  ExpectPlaced(net.Resolved(),
               "Conv_0 Relu_1: x -> Relu_1_out\n"
               "GlobalAveragePool_2: Relu_1_out -> GlobalAveragePool_2_out\n"
               "Flatten_3: GlobalAveragePool_2_out -> Flatten_3_out\n"
               "Gemm_4: Flatten_3_out -> Gemm_4_out\n"
               "Mul_5: Gemm_4_out -> Mul_5_out (output_tail)\n",
               "x Relu_1_out GlobalAveragePool_2_out Flatten_3_out=GlobalAveragePool_2_out");
  const std::vector<Decision> decisions = Placed(net.Resolved()).decisions;
  EXPECT_EQ(decisions[5].reason, "output_tail");
  EXPECT_EQ(decisions[6].op, "Softmax");
  EXPECT_EQ(decisions[6].precision, "float32");
  EXPECT_EQ(decisions[6].reason, "no_integer_form");
  EXPECT_EQ(decisions[1].precision, "int8");
  EXPECT_EQ(decisions[1].reason, "");
}

TEST(Placement, InputsAreMovedInEightBitBeforeTheFirstConvolution) {
  NetBuilder net;
  const ValueId x = net.Input("x", DType::kFloat, {1, 8, 8, 3});
  const ValueId nchw = net.Node1("Transpose", {x}, {Attr("perm", std::vector<int64_t>{0, 3, 1, 2})});
  net.Output(net.Conv(nchw, 4, 3), "y");
  ExpectPlaced(net.Resolved(),
               "Transpose_0: x -> Transpose_0_out\n"
               "Conv_1: Transpose_0_out -> y\n",
               "x Transpose_0_out=x");
}

TEST(Placement, WhatTakesAPartDoesSoBeforeTheConversion) {
  NetBuilder net;
  const ValueId x = net.Input("x", DType::kFloat, {1, 8, 64});
  const ValueId first = net.Node1("Gather", {x, net.Scalar<int64_t>(0)}, {Attr("axis", 1)});
  net.Output(net.Gemm(first, 8), "y");
  ExpectPlaced(net.Resolved(),
               "Gather_0: x -> Gather_0_out (float_input)\n"
               "Gemm_1: Gather_0_out -> y\n",
               "Gather_0_out");
}

TEST(Placement, KeptNodesSplitUnits) {
  NetBuilder net;
  const ValueId a = net.Relu(net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3));
  const ValueId b = net.Relu(net.Conv(a, 4, 3));
  net.Output(net.Conv(b, 2, 1), "y");
  const std::string rest =
      "Conv_2 Relu_3: Relu_1_out -> Relu_3_out\n"
      "Conv_4: Relu_3_out -> y\n";
  ExpectPlaced(net.Resolved(), "Conv_0 Relu_1: x -> Relu_1_out (keep_float)\n" + rest, "Relu_1_out Relu_3_out",
               R"({"nodes": [{"match": {"name": "Conv_0"}, "keep_float": true}]})");
  // A clamp kept in float leaves its convolution alone.
  const Placement placement =
      Placed(net.Resolved(), R"({"nodes": [{"match": {"name": "Relu_1"}, "keep_float": true}]})");
  EXPECT_EQ(Units(net.Resolved(), placement), "Conv_0: x -> Conv_0_out\n" + rest);
  EXPECT_EQ(placement.decisions[1].reason, "keep_float");
  // Later rules win.
  ExpectPlaced(net.Resolved(), "Conv_0 Relu_1: x -> Relu_1_out\n" + rest, "x Relu_1_out Relu_3_out",
               R"({"nodes": [{"match": {"op": "Conv"}, "keep_float": true},
                             {"match": {"op": "Co*"}, "keep_float": false}]})");
}

TEST(Placement, RulesThatMatchNothingAreErrors) {
  NetBuilder net;
  net.Output(net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3), "y");
  const auto recipe =
      Recipe::Parse(R"({"nodes": [{"match": {"op": "Conv"}}, {"match": {"op": "Gemm", "name": "h*"}}]})");
  const auto placement = Place(net.Resolved(), *recipe);
  EXPECT_EQ(placement.status().code(), Code::kInvalidData);
  EXPECT_EQ(placement.status().message(),
            "recipe: nodes[1] (op 'Gemm', name 'h*') matches none of the model's 1 nodes");
}

std::string OnlyReason(NetBuilder& net, ValueId v) {
  net.Output(v, "y");
  const Graph graph = net.Resolved();
  const Placement placement = Placed(graph);
  const Decision& decision = placement.decisions.back();
  EXPECT_EQ(decision.reason.empty(), decision.sentence.empty());
  EXPECT_EQ(decision.precision == "int8", decision.reason.empty());
  return decision.reason;
}

TEST(Placement, ReasonsOfWeightedNodes) {
  {
    NetBuilder net;
    EXPECT_EQ(OnlyReason(net, net.Node1("MatMul", {net.Input("a", DType::kFloat, {2, 3}),
                                                   net.Input("b", DType::kFloat, {3, 2})})),
              "weights_not_constant");
  }
  {
    NetBuilder net;
    EXPECT_EQ(OnlyReason(net, net.Node1("MatMul", {net.Input("a", DType::kFloat, {5, 2, 3}),
                                                   net.RandomConstant({5, 3, 2}, "w")})),
              "weight_rank");
  }
  {
    NetBuilder net;
    EXPECT_EQ(OnlyReason(net, net.Node1("MatMul", {net.RandomConstant({2, 3}, "c"), net.RandomConstant({3, 2}, "w")})),
              "constant_input");
  }
  {
    NetBuilder net;
    EXPECT_EQ(OnlyReason(net, net.Node1("MatMul", {net.Input("a", DType::kDouble, {2, 3}),
                                                   net.Constant(TensorOf<double>({3, 1}, {1, 2, 3}))})),
              "not_float32");
  }
  {
    NetBuilder net;
    EXPECT_EQ(OnlyReason(net, net.Node1("Gemm", {net.Input("a", DType::kFloat, {2, 3}), net.RandomConstant({3, 2}, "w"),
                                                 net.Input("c", DType::kFloat, {2})})),
              "bias_not_constant");
  }
  {
    NetBuilder net;
    EXPECT_EQ(OnlyReason(net, net.Node1("Gemm", {net.Input("a", DType::kFloat, {2, 3}), net.RandomConstant({3, 2}, "w"),
                                                 net.RandomConstant({2, 1}, "c")})),
              "bias_shape");
  }
  {
    NetBuilder net;
    EXPECT_EQ(
        OnlyReason(net, net.Node1("Gemm", {net.Input("a", DType::kFloat, {3, 2}), net.RandomConstant({3, 2}, "w")},
                                  {Attr("transA", 1)})),
        "transposed_input");
  }
  {
    NetBuilder net;
    EXPECT_EQ(OnlyReason(net, net.Node1("MatMul", {net.Input("a", DType::kFloat, {1, 50000}),
                                                   net.RandomConstant({50000, 1}, "w")})),
              "accumulator_overflow");
  }
  {
    NetBuilder net;
    EXPECT_EQ(OnlyReason(net, net.Node1("MatMul", {net.Input("a", DType::kFloat, {1, 49731}),
                                                   net.RandomConstant({49731, 1}, "w")})),
              "");
  }
  {
    NetBuilder net;
    EXPECT_EQ(OnlyReason(net, net.Node1("MatMul", {net.Input("a", DType::kFloat, {1, 0}),
                                                   net.Constant(TensorOf<float>({0, 1}, {}))})),
              "empty_weights");
  }
}

TEST(Placement, ReasonsOfOtherNodes) {
  {  // reads a value computed in float
    NetBuilder net;
    const ValueId x = net.Input("x", DType::kFloat, {1, 4, 4, 4});
    const ValueId a = net.Node1("Add", {net.Conv(x, 4, 1), net.Node1("Softmax", {x})});
    net.Output(net.Conv(a, 2, 1), "y");
    EXPECT_EQ(Placed(net.Resolved()).decisions[2].reason, "float_input");
  }
  {
    NetBuilder net;
    const ValueId x = net.Input("x", DType::kInt64, {4});
    EXPECT_EQ(OnlyReason(net, net.Node1("Add", {x, x})), "not_float32");
  }
  {
    NetBuilder net;
    EXPECT_EQ(OnlyReason(net, net.Node1("Shape", {net.Input("x", DType::kFloat, {4})})), "not_float32");
  }
  {
    NetBuilder net;
    const ValueId a = net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3);
    const auto outputs = net.Nodes("MaxPool", {a}, 2, {Attr("kernel_shape", std::vector<int64_t>{2, 2})});
    net.Output(net.Conv(outputs[0], 2, 1), "y");
    net.Output(outputs[1], "indices");
    EXPECT_EQ(Placed(net.Resolved()).decisions[1].reason, "several_outputs");
  }
  {
    NetBuilder net;
    const ValueId a = net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3);
    const ValueId low = net.Input("low", DType::kFloat, {});
    net.Output(net.Conv(net.Node1("Clip", {a, low}), 2, 1), "y");
    const Decision clip = Placed(net.Resolved()).decisions[1];
    EXPECT_NE(clip.precision, "int8") << "bounds that come at run time";
    EXPECT_NE(clip.reason, "");
  }
}

TEST(Placement, SplitSharesWithEveryPart) {
  NetBuilder net;
  const ValueId a = net.Relu(net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3));
  const auto parts = net.Nodes("Split", {a}, 2, {Attr("axis", 1), Attr("num_outputs", 2)});
  const ValueId joined = net.Node1("Concat", {parts[0], net.Relu(net.Conv(parts[1], 2, 3))}, {Attr("axis", 1)});
  net.Output(net.Conv(joined, 2, 1), "y");
  ExpectPlaced(net.Resolved(),
               "Conv_0 Relu_1: x -> Relu_1_out\n"
               "Split_2: Relu_1_out -> Split_2_out\n"
               "Conv_3 Relu_4: Split_2_out1 -> Relu_4_out\n"
               "Concat_5: Split_2_out Relu_4_out -> Concat_5_out\n"
               "Conv_6: Concat_5_out -> y\n",
               "x Relu_1_out Split_2_out=Relu_1_out Split_2_out1=Relu_1_out Relu_4_out=Relu_1_out "
               "Concat_5_out=Relu_1_out");
}

TEST(Placement, BatchNormalizationAloneIsArithmetic) {
  NetBuilder net;
  const ValueId a = net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3);
  const ValueId b = net.Relu(net.BatchNorm(net.Node1("Concat", {a, net.Conv(a, 2, 1)}, {Attr("axis", 1)})));
  net.Output(net.Conv(b, 2, 1), "y");
  ExpectPlaced(net.Resolved(),
               "Conv_0: x -> Conv_0_out\n"
               "Conv_1: Conv_0_out -> Conv_1_out\n"
               "Concat_2: Conv_0_out Conv_1_out -> Concat_2_out\n"
               "BatchNormalization_3 Relu_4: Concat_2_out -> Relu_4_out\n"
               "Conv_5: Relu_4_out -> y\n",
               "x Conv_0_out Conv_1_out=Conv_0_out Concat_2_out=Conv_0_out Relu_4_out");
}

TEST(Placement, AGraphOutputInsideIsQuantizedAsItsReadersWant) {
  NetBuilder net;
  const ValueId a = net.Relu(net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 3));
  net.Output(net.Conv(a, 2, 1), "y");
  net.Output(a, "features");
  ExpectPlaced(net.Resolved(),
               "Conv_0 Relu_1: x -> features\n"
               "Conv_2: features -> y\n",
               "x features");
}

}  // namespace
}  // namespace octavo
