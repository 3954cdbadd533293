#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "core/graph/operator.h"

namespace octavo {
namespace {

// A table of its own, so that these tests say what Resolve does and not what the operators do.
Status InferSame(InferContext& context) {
  for (size_t i = 0; i < context.outputs(); ++i) {
    const Shape* shape = context.shape(0);
    context.SetOutput(i, context.dtype(0), shape ? std::optional(*shape) : std::nullopt);
  }
  return Ok();
}
Status InferFails(InferContext&) { return Error(Code::kInvalidModel, "stride 0"); }
Status InferOpen(InferContext& context) {
  context.SetOutput(0, context.dtype(0), std::nullopt);
  return Ok();
}

constexpr AttributeSpec kAttributes[] = {{"axis", AttributeType::kInt, true}, {"perm", AttributeType::kInts, false}};

const Operator* Lookup(const std::string& domain, const std::string& name) {
  static const Operator rows[] = {
      {.name = "Same", .max_inputs = 2, .min_outputs = 1, .max_outputs = 3, .infer = InferSame},
      {.name = "Two", .min_inputs = 2, .max_inputs = 3, .infer = InferSame},
      {.name = "Many", .min_inputs = 1, .max_inputs = kVariadic, .infer = InferSame},
      {.name = "Axis", .min_inputs = 1, .max_inputs = 1, .attributes = kAttributes, .infer = InferSame},
      {.name = "New", .since = 14, .min_inputs = 1, .max_inputs = 1, .infer = InferSame},
      {.name = "Bad", .min_inputs = 1, .max_inputs = 1, .infer = InferFails},
      {.name = "Open", .min_inputs = 1, .max_inputs = 1, .infer = InferOpen},
  };
  for (const Operator& row : rows) {
    if (domain == row.domain && name == row.name) return &row;
  }
  return nullptr;
}

Graph Empty(int64_t opset = 13) {
  Graph graph;
  graph.opsets = {{"", opset}};
  graph.inputs = {graph.AddValue("x", DType::kFloat, Shape({1, Shape::kUnknown, 3}))};
  return graph;
}

NodeId AddNode(Graph& graph, const char* op, std::vector<ValueId> inputs, std::vector<ValueId> outputs) {
  Node node;
  node.op_type = op;
  node.name = "n" + std::to_string(graph.nodes.size());
  node.inputs = std::move(inputs);
  node.outputs = std::move(outputs);
  graph.nodes.push_back(std::move(node));
  return static_cast<NodeId>(graph.nodes.size() - 1);
}

// x -> op -> y
Graph Chain(const char* op, int64_t opset = 13) {
  Graph graph = Empty(opset);
  graph.outputs = {graph.AddValue("y")};
  AddNode(graph, op, {0}, {1});
  return graph;
}

void ExpectError(Graph graph, Code code, const std::string& fragment, const Limits& limits = {}) {
  const Status status = Resolve(graph, Lookup, limits);
  EXPECT_EQ(status.code(), code) << status.message();
  EXPECT_NE(status.message().find(fragment), std::string::npos) << status.message();
}

Tensor Floats(const Shape& shape) {
  return *Tensor::Of<float>(std::make_shared<Memory>(), shape,
                            std::vector<float>(static_cast<size_t>(shape.Elements()), 1.0f));
}

TEST(ResolveTest, InfersEveryValue) {
  Graph graph = Chain("Same");
  ASSERT_TRUE(Resolve(graph, Lookup, {}).ok());
  EXPECT_NE(graph.nodes[0].op, nullptr);
  EXPECT_EQ(graph.values[1].dtype, DType::kFloat);
  EXPECT_EQ(graph.values[1].shape, Shape({1, Shape::kUnknown, 3}));
}

TEST(ResolveTest, OpsetMustBeNamedOnceAndInRange) {
  for (int64_t opset : {7, 28}) {
    Graph graph = Chain("Same", opset);
    EXPECT_TRUE(Resolve(graph, Lookup, {}).ok());
  }
  ExpectError(Chain("Same", 6), Code::kUnsupported, "operator set 6 is not supported, only 7 to 28");
  ExpectError(Chain("Same", 9999), Code::kUnsupported, "operator set 9999");
  ExpectError(Chain("Same", 0), Code::kInvalidModel, "version 0");
  ExpectError(Chain("Same", INT64_MIN), Code::kInvalidModel, "version -9223372036854775808");
  Graph graph = Chain("Same");
  graph.opsets = {};
  ExpectError(graph, Code::kInvalidModel, "opset_import does not name");
  graph.opsets = {{"ai.onnx.ml", 3}};
  ExpectError(graph, Code::kInvalidModel, "opset_import does not name");
  graph.nodes[0].domain = "ai.onnx.ml";
  ExpectError(graph, Code::kUnsupported, "operators of domain 'ai.onnx.ml' are not supported");
  graph.nodes[0].domain = "";
  graph.opsets = {{"", 13}, {"ai.onnx", 14}};
  ExpectError(graph, Code::kInvalidModel, "twice, as 13 and as 14");
  graph.opsets = {{"", 13}, {"ai.onnx", 13}, {"com.example", 1}};
  EXPECT_TRUE(Resolve(graph, Lookup, {}).ok());
}

TEST(ResolveTest, UnknownOperatorsAreNamed) {
  ExpectError(Chain("Nope"), Code::kUnsupported, "node 'n0' (Nope): operator Nope at opset 13 is not supported");
  ExpectError(Chain("New"), Code::kUnsupported, "operator New at opset 13 is not supported, only at 14 to 28");
  Graph graph = Chain("Same");
  graph.nodes[0].domain = "com.example";
  ExpectError(graph, Code::kUnsupported, "operator Same of domain 'com.example' at opset 13");
}

TEST(ResolveTest, Arity) {
  ExpectError(Chain("Two"), Code::kInvalidModel, "1 inputs where 2 to 3 are allowed");
  Graph graph = Chain("Two");
  graph.nodes[0].inputs = {0, kNoValue, 0};
  ExpectError(graph, Code::kInvalidModel, "input 1 is left out but required");
  graph.nodes[0].inputs = {0, 0, kNoValue, kNoValue, kNoValue};  // left-out ones at the end do not count
  EXPECT_TRUE(Resolve(graph, Lookup, {}).ok());
  graph.nodes[0].inputs = {0, 0, 0, 0};
  ExpectError(graph, Code::kInvalidModel, "4 inputs where 2 to 3");
  graph = Chain("Many");
  graph.nodes[0].inputs = {};
  ExpectError(graph, Code::kInvalidModel, "0 inputs where at least 1 are allowed");
  graph.nodes[0].inputs = {0, kNoValue, 0};
  ExpectError(graph, Code::kInvalidModel, "input 1 is left out");
  graph = Chain("Same");
  graph.nodes[0].outputs = {};
  ExpectError(graph, Code::kInvalidModel, "0 outputs where 1 to 3 are allowed");
  graph.nodes[0].outputs = {kNoValue, kNoValue};
  ExpectError(graph, Code::kInvalidModel, "all outputs are left out");
  graph.nodes[0].outputs = {kNoValue, 1, kNoValue};
  EXPECT_TRUE(Resolve(graph, Lookup, {}).ok());
}

TEST(ResolveTest, Attributes) {
  ExpectError(Chain("Axis"), Code::kInvalidModel, "required attribute 'axis' is missing");
  Graph graph = Chain("Axis");
  graph.nodes[0].attributes = {{"axis", int64_t{1}}};
  EXPECT_TRUE(Resolve(graph, Lookup, {}).ok());
  graph.nodes[0].attributes = {{"axis", int64_t{1}}, {"axes", int64_t{1}}};
  ExpectError(graph, Code::kInvalidModel, "Axis has no attribute 'axes'; it has axis, perm");
  graph.nodes[0].attributes = {{"axis", int64_t{1}}, {"axis", int64_t{2}}};
  ExpectError(graph, Code::kInvalidModel, "attribute 'axis' stands twice");
  graph.nodes[0].attributes = {{"axis", 1.0f}};
  ExpectError(graph, Code::kInvalidModel, "attribute 'axis' is a float, not an int");
  graph.nodes[0].attributes = {{"axis", int64_t{1}}, {"perm", std::vector<float>{1}}};
  ExpectError(graph, Code::kInvalidModel, "'perm' is a list of floats, not a list of ints");
  graph = Chain("Same");
  graph.nodes[0].attributes = {{"\x1b[31m%n", int64_t{1}}};
  ExpectError(graph, Code::kInvalidModel, "Same has no attribute '\\x1b[31m%n'");
}

TEST(ResolveTest, EveryValueHasOneSource) {
  Graph graph = Chain("Same");
  AddNode(graph, "Same", {0}, {1});
  ExpectError(graph, Code::kInvalidModel, "node 'n1' (Same): output 'y' is already made by node 'n0' (Same)");

  graph = Chain("Same");
  graph.nodes[0].inputs = {graph.AddValue("ghost")};
  ExpectError(graph, Code::kInvalidModel, "input 'ghost' is not made by any node");

  graph = Chain("Same");
  graph.outputs.push_back(graph.AddValue("ghost"));
  ExpectError(graph, Code::kInvalidModel, "graph output 'ghost' is not made");

  graph = Chain("Same");
  graph.inputs.push_back(1);
  graph.values[1].dtype = DType::kFloat;
  ExpectError(graph, Code::kInvalidModel, "output 'y' is also a graph input");

  graph = Chain("Same");
  graph.values[1].constant = Floats({1});
  ExpectError(graph, Code::kInvalidModel, "output 'y' is also a graph initializer");

  graph = Chain("Same");
  graph.inputs.push_back(0);
  ExpectError(graph, Code::kInvalidModel, "graph input 'x' is listed twice");

  graph = Chain("Same");
  graph.outputs.push_back(1);
  ExpectError(graph, Code::kInvalidModel, "graph output 'y' is listed twice");

  graph = Chain("Same");
  graph.outputs = {};
  ExpectError(graph, Code::kInvalidModel, "no outputs");

  graph = Chain("Same");
  graph.AddValue("y");
  ExpectError(graph, Code::kInvalidModel, "two values are named 'y'");

  graph = Chain("Same");
  graph.values[1].name = "";
  ExpectError(graph, Code::kInvalidModel, "empty name");

  graph = Chain("Same");
  graph.nodes[0].inputs = {77};
  ExpectError(graph, Code::kInternal, "does not exist");

  graph = Empty();  // an input may be an output
  graph.outputs = graph.inputs;
  EXPECT_TRUE(Resolve(graph, Lookup, {}).ok());
}

TEST(ResolveTest, SortsStably) {
  Graph graph = Empty();
  const ValueId a = graph.AddValue("a"), b = graph.AddValue("b"), c = graph.AddValue("c"), d = graph.AddValue("d");
  AddNode(graph, "Two", {c, b}, {d});  // n0 reads n1 and n2
  AddNode(graph, "Same", {a}, {c});    // n1 reads n3
  AddNode(graph, "Same", {0}, {b});    // n2
  AddNode(graph, "Same", {0}, {a});    // n3
  graph.outputs = {d};
  ASSERT_TRUE(Resolve(graph, Lookup, {}).ok());
  std::string order;
  for (const Node& node : graph.nodes) order += node.name;
  EXPECT_EQ(order, "n2n3n1n0");
}

TEST(ResolveTest, CyclesAreNamed) {
  Graph graph = Empty();
  const ValueId a = graph.AddValue("a"), b = graph.AddValue("b"), c = graph.AddValue("c");
  AddNode(graph, "Two", {0, b}, {a});
  AddNode(graph, "Same", {a}, {b});
  AddNode(graph, "Same", {b}, {c});
  graph.outputs = {c};
  ExpectError(graph, Code::kInvalidModel,
              "cycle of 2 nodes: node 'n0' (Two) reads node 'n1' (Same) reads node 'n0' (Two)");
  graph = Chain("Same");
  graph.nodes[0].inputs = {1};
  ExpectError(graph, Code::kInvalidModel, "cycle of 1 nodes: node 'n0' (Same) reads node 'n0' (Same)");
}

TEST(ResolveTest, StatementsMustAgreeWithInference) {
  Graph graph = Chain("Same");
  graph.values[1].declared_shape = Shape({Shape::kUnknown, 7, 3});
  ASSERT_TRUE(Resolve(graph, Lookup, {}).ok());
  EXPECT_EQ(graph.values[1].shape, Shape({1, Shape::kUnknown, 3}));  // what is stated is not relied upon
  graph.values[1].declared_shape = Shape({2, 7, 3});
  ExpectError(graph, Code::kInvalidModel,
              "node 'n0' (Same): output 'y' has shape [1, ?, 3], but the model states [2, 7, 3]");
  graph.values[1].declared_shape = Shape({1, 7});
  ExpectError(graph, Code::kInvalidModel, "but the model states [1, 7]");
  graph.values[1].declared_shape.reset();
  graph.values[1].dtype = DType::kInt8;
  ExpectError(graph, Code::kInvalidModel, "output 'y' is float32, but the model states int8");

  graph = Chain("Two");
  graph.nodes[0].inputs.push_back(graph.AddConstant("w", Floats({2, 2})));
  EXPECT_TRUE(Resolve(graph, Lookup, {}).ok());
  graph.values[2].declared_shape = Shape({2, 3});
  ExpectError(graph, Code::kInvalidModel, "initializer 'w' has shape [2, 2], but the model states [2, 3]");
  graph.values[2].declared_shape.reset();
  graph.values[2].dtype = DType::kInt8;
  ExpectError(graph, Code::kInvalidModel, "initializer 'w' is float32, but the model states int8");
}

TEST(ResolveTest, InputsNeedATypeAndASaneShape) {
  Graph graph = Chain("Same");
  graph.values[0].dtype = DType::kUndefined;
  ExpectError(graph, Code::kInvalidModel, "graph input 'x' has element type undefined");
  graph.values[0].dtype = DType::kString;
  ExpectError(graph, Code::kUnsupported, "graph input 'x' has element type string");
  graph.values[0].dtype = DType::kFloat;
  graph.values[0].shape = Shape({INT64_MAX, 2});
  ExpectError(graph, Code::kLimit, "graph input 'x'");
}

TEST(ResolveTest, ShapeRulesSpeakForTheirNode) {
  ExpectError(Chain("Bad"), Code::kInvalidModel, "node 'n0' (Bad): stride 0");
  Graph graph = Chain("Open");
  ASSERT_TRUE(Resolve(graph, Lookup, {}).ok());
  EXPECT_FALSE(graph.values[1].shape.has_value());
}

TEST(ResolveTest, InferGraphFollowsNewInputShapes) {
  Graph graph = Chain("Same");
  graph.values[1].declared_shape = Shape({1, Shape::kUnknown, 3});
  graph.values[1].dim_names = {"", "n", ""};
  ASSERT_TRUE(Resolve(graph, Lookup, {}).ok());
  graph.values[0].shape = Shape({1, 5, 3});
  ASSERT_TRUE(InferGraph(graph).ok());
  EXPECT_EQ(graph.values[1].shape, Shape({1, 5, 3}));
  EXPECT_TRUE(graph.values[1].declared_shape.has_value());
  graph.values[0].shape = Shape({4, 5, 3});
  ASSERT_TRUE(InferGraph(graph).ok());
  EXPECT_EQ(graph.values[1].shape, Shape({4, 5, 3}));
  EXPECT_FALSE(graph.values[1].declared_shape.has_value());  // was about the old input
}

TEST(ResolveTest, Limits) {
  octavo::Limits limits;
  limits.nodes = 0;
  ExpectError(Chain("Same"), Code::kLimit, "1 nodes, the limit is 0", limits);
  limits = {};
  limits.string_bytes = 10;
  Graph graph = Chain("Same");
  graph.values[1].name = std::string(11, 'y');
  ExpectError(graph, Code::kLimit, "has 11 bytes, the limit is 10", limits);
}

// Names that share a long prefix, and a file order that is exactly wrong: nothing may become quadratic.
TEST(ResolveTest, AMillionNodesInLinearTime) {
  constexpr uint32_t kNodes = 1000000;
  Graph graph = Empty();
  graph.values.reserve(kNodes + 1);
  const std::string prefix(64, 'p');
  for (uint32_t i = 0; i < kNodes; ++i) graph.AddValue(prefix + std::to_string(i));
  graph.nodes.reserve(kNodes);
  for (uint32_t i = kNodes; i > 0; --i) AddNode(graph, "Same", {i - 1}, {i});
  graph.outputs = {kNodes};
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(Resolve(graph, Lookup, {}).ok());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_EQ(graph.nodes.back().name, "n0");
  RecordProperty("seconds", std::to_string(seconds));
  EXPECT_LT(seconds, 20) << "2 s on an idle machine";
}

}  // namespace
}  // namespace octavo
