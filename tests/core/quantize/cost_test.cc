#include "core/quantize/cost.h"

#include "core/quantize/quantize.h"
#include "tests/core/quantize/nets.h"

namespace octavo {
namespace {

using test::NetBuilder;

// What the quantized model itself says of a node: "int8", or its reason.
std::string Verdict(const Graph& graph, const std::string& node, const std::string& recipe = "static") {
  for (const Decision& decision : Decisions(test::Quantized(graph, recipe))) {
    if (decision.node == node) return decision.precision == "int8" ? "int8" : decision.reason;
  }
  return "missing";
}

// x [1, 32, 8, 8] -> Conv_0, worth 288 multiply-accumulates an element -> Softmax_1 -> a 1x1 convolution of 32 to
// `last` channels, worth 32 * last / (32 + last).
Graph TwoIslands(int64_t last) {
  NetBuilder net;
  const ValueId a = net.Conv(net.Input("x", DType::kFloat, {1, 32, 8, 8}), 32, 3);
  net.Output(net.Conv(net.Node1("Softmax", {a}), last, 1), "y");
  return net.Resolved();
}

TEST(Cost, AnIslandThatDoesNotPayForItsBordersStaysFloat) {
  EXPECT_EQ(Verdict(TwoIslands(8), "Conv_0"), "int8");
  EXPECT_EQ(Verdict(TwoIslands(8), "Conv_2"), "slower_in_int8");
  for (const Decision& decision : Decisions(test::Quantized(TwoIslands(8)))) {
    if (decision.node != "Conv_2") continue;
    EXPECT_EQ(decision.precision, "float32");
    EXPECT_NE(decision.sentence.find("16384 multiply-accumulates for 2560 elements"), std::string::npos)
        << decision.sentence;
  }
}

// The same convolution behind one that hands it 8-bit values has only its results to convert.
TEST(Cost, IslandsAreJudgedAsAWhole) {
  NetBuilder net;
  const ValueId x = net.Input("x", DType::kFloat, {1, 32, 8, 8});
  net.Output(net.Conv(net.Relu(net.Conv(x, 32, 3)), 8, 1), "y");
  EXPECT_EQ(Verdict(net.Resolved(), "Conv_2"), "int8");
}

// Readers of one value share its conversion: alone, neither would be worth it.
TEST(Cost, ReadersShareAConversion) {
  const auto verdict = [](bool both) {
    NetBuilder net;
    const ValueId s = net.Node1("Softmax", {net.Conv(net.Input("x", DType::kFloat, {1, 64, 8, 8}), 64, 3)});
    net.Output(net.Conv(s, 40, 1), "y");             // 64 * 40 to 64 + 40 elements: 24.6 each
    if (both) net.Output(net.Conv(s, 200, 1), "z");  // with it 64 * 240 to 64 + 240: 50.5
    return Verdict(net.Resolved(), "Conv_2");
  };
  EXPECT_EQ(verdict(false), "slower_in_int8");
  EXPECT_EQ(verdict(true), "int8");
}

// Of the scheme dynamic every operator is an island, and a conversion costs more.
TEST(Cost, DynamicOperatorsStandAlone) {
  NetBuilder net;
  const ValueId a = net.Conv(net.Input("x", DType::kFloat, {1, 64, 8, 8}), 64, 3);
  net.Output(net.Conv(net.Relu(a), 100, 1), "y");  // 39 an element
  EXPECT_EQ(Verdict(net.Resolved(), "Conv_0", "dynamic"), "int8");
  EXPECT_EQ(Verdict(net.Resolved(), "Conv_2", "dynamic"), "slower_in_int8");
  EXPECT_EQ(Verdict(net.Resolved(), "Conv_2"), "int8");
}

TEST(Cost, ARuleOfTheRecipeForcesInt8) {
  const std::string rule = R"({"octavo": 1, "nodes": [{"match": {"name": "Conv_2"}, "keep_float": false}]})";
  EXPECT_EQ(Verdict(TwoIslands(8), "Conv_2", rule), "int8");
}

TEST(Cost, ANetworkIsNeverLeftFloatAsAWhole) {
  NetBuilder net;
  net.Output(net.Conv(net.Input("x", DType::kFloat, {1, 3, 8, 8}), 4, 1), "y");
  EXPECT_EQ(Verdict(net.Resolved(), "Conv_0"), "int8");
}

TEST(Cost, OpenDimensionsCountOnBothSides) {
  const auto verdict = [](int64_t columns) {
    NetBuilder net;
    const ValueId x = net.Input("x", DType::kFloat, {Shape::kUnknown, Shape::kUnknown, 128});
    const ValueId a = net.Node1("MatMul", {x, net.RandomConstant({128, 64}, "w")});
    const ValueId b = net.Node1("MatMul", {net.Node1("Softmax", {a}), net.RandomConstant({64, columns}, "v")});
    net.Output(b, "y");
    Graph graph = net.Resolved();
    auto placement = Place(graph, Recipe());
    return placement.ok() ? placement->decisions.back().reason : "error";
  };
  EXPECT_EQ(verdict(8), "slower_in_int8");
  EXPECT_EQ(verdict(512), "");
}

}  // namespace
}  // namespace octavo
