#include "core/simplify/simplify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <string>

#include "core/onnx/writer.h"
#include "tests/core/graph_builder.h"

namespace octavo {
namespace {

using test::Attr;
using test::GraphBuilder;
using test::ScalarOf;
using test::TensorOf;
using test::TestMemory;

constexpr int64_t kOpen = Shape::kUnknown;

Tensor Random(const Shape& shape, uint32_t seed = 1, float low = -2, float high = 2) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> distribution(low, high);
  std::vector<float> values(static_cast<size_t>(shape.Elements()));
  for (float& value : values) value = distribution(random);
  return TensorOf<float>(shape, values);
}

Graph Resolved(GraphBuilder& b) {
  Graph graph = b.graph();
  const Status status = Resolve(graph, FindOperator, {});
  EXPECT_TRUE(status.ok()) << status.message();
  return graph;
}

// By the rows' reference arithmetic.
std::vector<Tensor> Run(const Graph& graph, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> values(graph.values.size());
  for (ValueId v = 0; v < values.size(); ++v) {
    if (graph.values[v].constant) values[v] = *graph.values[v].constant;
  }
  for (size_t i = 0; i < graph.inputs.size(); ++i) values[graph.inputs[i]] = inputs.at(i);
  for (NodeId n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    std::vector<Tensor> in, out;
    for (ValueId v : node.inputs) in.push_back(v == kNoValue ? Tensor() : values[v]);
    const Status status = EvaluateNode(node, graph.opset(), in, TestMemory(), &out);
    EXPECT_TRUE(status.ok()) << Label(graph, n) << ": " << status.message();
    if (!status.ok()) return {};
    for (size_t i = 0; i < out.size(); ++i) {
      if (node.outputs[i] != kNoValue) values[node.outputs[i]] = out[i];
    }
  }
  std::vector<Tensor> outputs;
  for (ValueId v : graph.outputs) outputs.push_back(values[v]);
  return outputs;
}

// `tolerance` is relative to the largest element; 0: the same bytes.
void ExpectSame(const std::vector<Tensor>& a, const std::vector<Tensor>& b, double tolerance = 0) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].dtype(), b[i].dtype());
    ASSERT_EQ(a[i].shape(), b[i].shape()) << a[i].shape().ToString() << b[i].shape().ToString();
    if (tolerance == 0 || a[i].dtype() != DType::kFloat) {
      EXPECT_EQ(std::memcmp(a[i].raw(), b[i].raw(), a[i].bytes()), 0);
      continue;
    }
    double largest = 0, worst = 0;
    for (size_t k = 0; k < a[i].data<float>().size(); ++k) {
      largest = std::max(largest, std::abs(double{a[i].data<float>()[k]}));
      worst = std::max(worst, std::abs(double{a[i].data<float>()[k]} - b[i].data<float>()[k]));
    }
    EXPECT_LE(worst, tolerance * largest);
  }
}

std::map<std::string, int> Count(const Graph& graph) {
  std::map<std::string, int> count;
  for (const Node& node : graph.nodes) ++count[node.op_type];
  return count;
}
using Ops = std::map<std::string, int>;

std::string Bytes(const Graph& graph) {
  std::string bytes;
  EXPECT_TRUE(WriteOnnx(graph, [&](std::span<const std::byte> piece) {
                bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
                return Ok();
              }).ok());
  return bytes;
}

// Simplifies, and makes sure of what always holds: the same outputs under the same names, and nothing left to do.
Graph Simple(const Graph& graph, const std::vector<Tensor>& inputs, double tolerance = 0,
             const SimplifyOptions& options = {}) {
  const Result<Graph> simple = Simplify(graph, options, TestMemory());
  EXPECT_TRUE(simple.ok()) << simple.status().message();
  if (!simple.ok()) return Graph();
  ExpectSame(Run(graph, inputs), Run(*simple, inputs), tolerance);
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    EXPECT_EQ(graph.values[graph.outputs[i]].name, simple->values[simple->outputs[i]].name);
  }
  const Result<Graph> again = Simplify(*simple, options, TestMemory());
  EXPECT_TRUE(again.ok() && Bytes(*again) == Bytes(*simple)) << "not idempotent";
  const Result<Graph> other = Simplify(graph, options, TestMemory());
  EXPECT_TRUE(other.ok() && Bytes(*other) == Bytes(*simple)) << "not deterministic";
  return *simple;
}

// --- no-ops

TEST(NoOpsTest, Identities) {
  GraphBuilder b(13);
  const Shape shape({2, 3, 4});
  ValueId v = b.Input("x", DType::kFloat, shape);
  v = b.Node1("Identity", {v});
  v = b.Node1("Dropout", {v, b.Scalar(0.5f)});
  v = b.Node1("Cast", {v}, {Attr("to", 1)});
  v = b.Node1("Reshape", {v, b.Ints({2, 3, -1})});
  v = b.Node1("Expand", {v, b.Ints({3, 1})});
  v = b.Node1("Slice", {v, b.Ints({0}), b.Ints({100}), b.Ints({1})});
  v = b.Node1("Pad", {v, b.Ints({0, 0, 0, 0, 0, 0})});
  v = b.Node1("Transpose", {v}, {Attr("perm", std::vector<int64_t>{0, 1, 2})});
  v = b.Node1("Concat", {v}, {Attr("axis", 1)});
  v = b.Node1("Mul", {b.Scalar(1.0f), v});
  v = b.Node1("Div", {v, b.Scalar(1.0f)});
  v = b.Node1("Sub", {v, b.Scalar(0.0f)});
  v = b.Node1("Relu", {v});
  b.Output(v);
  EXPECT_EQ(Count(Simple(Resolved(b), {Random(shape)})), (Ops{{"Relu", 1}}));
}

TEST(NoOpsTest, WhatDoesSomethingStays) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({2, 3}));
  b.Output(b.Node1("Slice", {x, b.Ints({-1}), b.Ints({-100}), b.Ints({1}), b.Ints({-1})}));  // reversed
  b.Output(b.Node1("Pad", {x, b.Ints({0, 1, 0, -1})}));                                      // moved
  b.Output(b.Node1("Mul", {x, b.Constant(TensorOf<float>({1, 1, 1}, {1}))}));                // one more axis
  b.Output(b.Node1("Add", {x, b.Scalar(0.0f)}));                                             // -0 becomes 0
  b.Output(b.Node1("Transpose", {x}));
  b.Output(b.Node1("Expand", {x, b.Ints({4, 1, 1})}));
  const auto count = Count(Simple(Resolved(b), {Random({2, 3})}));
  EXPECT_EQ(count, (Ops{{"Slice", 1}, {"Pad", 1}, {"Mul", 1}, {"Add", 1}, {"Transpose", 1}, {"Expand", 1}}));
}

// The names of inputs and outputs are the model's interface.
TEST(NoOpsTest, NamesOfTheInterfaceStay) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({2}));
  const ValueId y = b.Node1("Relu", {x}), z = b.Node1("Identity", {y}), w = b.Node1("Identity", {z});
  b.Output(z);                                                             // Relu can make it
  b.Output(b.Node1("Identity", {x}));                                      // has to stay: an input under another name
  b.Output(w);                                                             // the same as z
  b.Output(b.Node1("Identity", {b.Constant(TensorOf<float>({1}, {3}))}));  // a constant, made by a node
  const Graph graph = Simple(Resolved(b), {Random({2})});
  EXPECT_EQ(Count(graph), (Ops{{"Relu", 1}, {"Identity", 3}}));
}

TEST(NoOpsTest, DropoutWithMaskStays) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({2}));
  const auto dropout = b.Nodes("Dropout", {x}, 2);
  b.Output(b.Node1("Relu", {dropout[0]}));
  b.Output(dropout[1]);
  EXPECT_EQ(Count(Simple(Resolved(b), {Random({2})})), (Ops{{"Relu", 1}, {"Dropout", 1}}));
}

TEST(NoOpsTest, TransposesAndReshapesJoin) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({2, 3, 4, 5}));
  const auto transpose = [&](ValueId v, std::vector<int64_t> perm) {
    return b.Node1("Transpose", {v}, {Attr("perm", std::move(perm))});
  };
  b.Output(b.Node1("Relu", {transpose(transpose(x, {0, 2, 3, 1}), {0, 3, 1, 2})}));  // there and back
  b.Output(transpose(transpose(x, {0, 2, 3, 1}), {0, 2, 3, 1}));                     // one in place of two
  b.Output(b.Node1("Reshape", {b.Node1("Flatten", {x}), b.Ints({4, -1})}));
  b.Output(b.Node1("Relu", {b.Node1("Squeeze", {b.Node1("Unsqueeze", {x, b.Ints({0, 5})}), b.Ints({0, 5})})}));
  const auto count = Count(Simple(Resolved(b), {Random({2, 3, 4, 5})}));
  EXPECT_EQ(count, (Ops{{"Relu", 2}, {"Transpose", 1}, {"Reshape", 1}}));
}

// Global pooling in an exporter's favourite layout: the transposition moves axes of size 1 only.
TEST(NoOpsTest, TransposeOfVectorsBeforeReshape) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({kOpen, 6, 3, 3}));
  const ValueId pooled = b.Node1("GlobalAveragePool", {x});
  const ValueId moved = b.Node1("Transpose", {pooled}, {Attr("perm", std::vector<int64_t>{0, 2, 3, 1})});
  b.Output(b.Node1("Reshape", {moved, b.Ints({-1, 6})}));
  EXPECT_EQ(Count(Simple(Resolved(b), {Random({2, 6, 3, 3})})), (Ops{{"GlobalAveragePool", 1}, {"Reshape", 1}}));
}

TEST(NoOpsTest, DeadNodesAndInitializers) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({2}));
  b.graph().values[b.Constant(Random({2}), "default")].default_input = true;
  b.Node1("Neg", {b.Node1("Exp", {x})});
  b.Output(b.Node1("Relu", {x}));
  const Graph graph = Simple(Resolved(b), {Random({2})});
  EXPECT_EQ(Count(graph), (Ops{{"Relu", 1}}));
  EXPECT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.values.size(), 2u);
}

// --- constants and shapes

TEST(FoldConstantsTest, WhateverDependsOnConstantsOnly) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({2, 3}));
  const ValueId c = b.Node1("Constant", {}, {{"value", TensorOf<float>({3}, {1, 2, 3})}});
  const ValueId d = b.Node1("Exp", {b.Node1("Mul", {c, b.Scalar(0.5f)})});
  const std::string name = b.value(d).name;
  const ValueId s = b.Node1("Cast", {b.Node1("Shape", {x})}, {Attr("to", 1)});
  b.Output(b.Node1("Add", {b.Node1("Add", {x, d}), b.Node1("ReduceSum", {s}, {Attr("keepdims", 0)})}));
  const Graph graph = Simple(Resolved(b), {Random({2, 3})});
  EXPECT_EQ(Count(graph), (Ops{{"Add", 2}}));
  EXPECT_EQ(graph.values[graph.nodes[0].inputs[1]].name, name);  // a folded value keeps its name
}

TEST(FoldConstantsTest, QuantizedWeightsStay) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({1, 4}));
  const ValueId w = b.Constant(TensorOf<int8_t>({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  const ValueId dq = b.Node1("DequantizeLinear", {w, b.Scalar(0.5f), b.Scalar(int8_t{0})});
  const ValueId q =
      b.Node1("QuantizeLinear", {b.Constant(TensorOf<float>({1}, {3})), b.Scalar(0.5f), b.Scalar(uint8_t{0})});
  b.Output(b.Node1("MatMul", {x, b.Node1("Neg", {dq})}));
  b.Output(b.Node1("Cast", {q}, {Attr("to", 1)}));
  const auto count = Count(Simple(Resolved(b), {Random({1, 4})}));
  EXPECT_EQ(count, (Ops{{"DequantizeLinear", 1}, {"Neg", 1}, {"MatMul", 1}, {"QuantizeLinear", 1}, {"Cast", 1}}));
}

// A few bytes must not become gigabytes, nor a small file a large one.
TEST(FoldConstantsTest, Amplification) {
  for (const std::vector<int64_t>& dims :
       {std::vector<int64_t>{1 << 10, 1 << 10}, {1 << 15, 1 << 15}, {1 << 20, 1 << 20}}) {
    GraphBuilder b(13);
    const ValueId x = b.Input("x", DType::kFloat, Shape({1}));
    const ValueId filled = b.Node1("ConstantOfShape", {b.Ints(dims)});
    b.Output(b.Node1("Add", {x, filled}));
    const Result<Graph> graph = Simplify(Resolved(b), {}, TestMemory());
    ASSERT_TRUE(graph.ok()) << graph.status().message();
    EXPECT_EQ(Count(*graph)["ConstantOfShape"], 1);
    EXPECT_LT(TestMemory()->live_bytes(), uint64_t{100} << 20);
  }
  Limits limits;
  limits.fold_bytes = 100;
  GraphBuilder b(13);
  ValueId v = b.Input("x", DType::kFloat, Shape({16}));
  for (int i = 0; i < 3; ++i) v = b.Node1("Add", {v, b.Node1("Neg", {b.Constant(Random({16}))})});
  b.Output(v);
  const Result<Graph> graph = Simplify(Resolved(b), {}, std::make_shared<Memory>(limits));
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  EXPECT_EQ(Count(*graph)["Neg"], 2);  // one of 64 bytes fits the quota
}

TEST(FoldConstantsTest, WhatCannotBeEvaluatedSaysWhy) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({2}));
  const ValueId picked = b.Node1("Gather", {b.Constant(Random({3})), b.Ints({7})});
  b.Output(b.Node1("Add", {x, picked}));
  const Result<Graph> graph = Simplify(Resolved(b), {}, TestMemory());
  ASSERT_FALSE(graph.ok());
  EXPECT_NE(graph.status().message().find("(Gather): "), std::string::npos) << graph.status().message();
}

TEST(FoldShapesTest, ChannelShuffleOfAnOpenBatch) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({kOpen, 6, 4, 5}));
  const ValueId y = b.Node1("Relu", {x});
  const auto dim = [&](ValueId v, int64_t i) { return b.Node1("Gather", {b.Node1("Shape", {v}), b.Scalar(i)}); };
  const auto list = [&](std::vector<ValueId> parts) {
    for (ValueId& part : parts) part = b.Node1("Unsqueeze", {part, b.Ints({0})});
    return b.Node1("Concat", parts, {Attr("axis", 0)});
  };
  const ValueId half = b.Node1("Div", {dim(y, 1), b.Scalar(int64_t{2})});
  const ValueId split = b.Node1("Reshape", {y, list({dim(y, 0), b.Scalar(int64_t{2}), half, dim(y, 2), dim(y, 3)})});
  const ValueId mixed = b.Node1("Transpose", {split}, {Attr("perm", std::vector<int64_t>{0, 2, 1, 3, 4})});
  b.Output(b.Node1("Reshape", {mixed, list({dim(y, 0), b.Scalar(int64_t{-1}), dim(y, 2), dim(y, 3)})}));
  const Graph graph = Resolved(b);
  const Graph simple = Simple(graph, {Random({3, 6, 4, 5})});
  EXPECT_EQ(Count(simple), (Ops{{"Relu", 1}, {"Reshape", 2}, {"Transpose", 1}}));
  EXPECT_EQ(simple.values[simple.outputs[0]].shape, Shape({kOpen, 6, 4, 5}));
}

TEST(FoldShapesTest, AttentionOfOpenBatchAndLength) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({kOpen, kOpen, 8}));
  const ValueId y = b.Node1("MatMul", {x, b.Constant(Random({8, 8}))});
  const auto dim = [&](ValueId v, int64_t i) {
    return b.Node1("Slice", {b.Node1("Shape", {v}), b.Ints({i}), b.Ints({i + 1}), b.Ints({0})});
  };
  const ValueId heads =
      b.Node1("Reshape", {y, b.Node1("Concat", {dim(y, 0), dim(y, 1), b.Ints({2}), b.Ints({4})}, {Attr("axis", 0)})});
  const ValueId moved = b.Node1("Transpose", {heads}, {Attr("perm", std::vector<int64_t>{0, 2, 1, 3})});
  const ValueId soft = b.Node1("Softmax", {moved});
  const ValueId back = b.Node1("Transpose", {soft}, {Attr("perm", std::vector<int64_t>{0, 2, 1, 3})});
  const ValueId whole = b.Node1("Mul", {dim(heads, 2), dim(heads, 3)});
  b.Output(b.Node1("Reshape", {back, b.Node1("Concat", {dim(x, 0), dim(x, 1), whole}, {Attr("axis", 0)})}));
  const auto count = Count(Simple(Resolved(b), {Random({2, 3, 8})}));
  EXPECT_EQ(count, (Ops{{"MatMul", 1}, {"Reshape", 2}, {"Transpose", 2}, {"Softmax", 1}}));
}

// Two dimensions that only happen to be equal: nothing may be claimed.
TEST(FoldShapesTest, DifferentDimensionsStayComputed) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({kOpen, kOpen}));
  const ValueId y = b.Input("y", DType::kFloat, Shape({kOpen, kOpen}));
  b.Output(b.Node1("Reshape", {x, b.Node1("Shape", {y})}));
  const Graph graph = Resolved(b);
  const Graph simple = Simple(graph, {Random({2, 6}), Random({3, 4})});
  EXPECT_EQ(Count(simple), (Ops{{"Reshape", 1}, {"Shape", 1}}));
}

// --- affine steps into weights

constexpr double kRounding = 2e-6;

TEST(FoldAffineTest, BatchNormalization) {
  const auto norm = [](GraphBuilder& b, ValueId v, int64_t channels) {
    return b.Node1("BatchNormalization",
                   {v, b.Constant(Random({channels}, 2)), b.Constant(Random({channels}, 3)),
                    b.Constant(Random({channels}, 4)), b.Constant(Random({channels}, 5, 0.5f, 2))},
                   {Attr("epsilon", 0.01f)});
  };
  {
    GraphBuilder b(13);
    const ValueId x = b.Input("x", DType::kFloat, Shape({2, 4, 5, 5}));
    ValueId v = b.Node1("Conv", {x, b.Constant(Random({6, 2, 3, 3}))}, {Attr("group", 2)});
    v = norm(b, v, 6);
    const std::string name = b.value(v).name;
    b.Output(b.Node1("Relu", {v}));
    const Graph simple = Simple(Resolved(b), {Random({2, 4, 5, 5})}, kRounding);
    EXPECT_EQ(Count(simple), (Ops{{"Conv", 1}, {"Relu", 1}}));
    EXPECT_EQ(simple.values[simple.nodes[0].outputs[0]].name, name);
  }
  {
    GraphBuilder b(13);
    const ValueId x = b.Input("x", DType::kFloat, Shape({2, 4, 5}));
    ValueId v =
        b.Node1("ConvTranspose", {x, b.Constant(Random({4, 3, 3})), b.Constant(Random({6}))}, {Attr("group", 2)});
    b.Output(norm(b, v, 6));
    EXPECT_EQ(Count(Simple(Resolved(b), {Random({2, 4, 5})}, kRounding)), (Ops{{"ConvTranspose", 1}}));
  }
  for (int transposed : {0, 1}) {
    GraphBuilder b(13);
    const ValueId x = b.Input("x", DType::kFloat, Shape({2, 4}));
    const Shape shape = transposed ? Shape({6, 4}) : Shape({4, 6});
    ValueId v = b.Node1("Gemm", {x, b.Constant(Random(shape)), b.Constant(Random({1, 6}))},
                        {Attr("transB", transposed), Attr("alpha", 0.5f), Attr("beta", 3.0f)});
    b.Output(norm(b, v, 6));
    EXPECT_EQ(Count(Simple(Resolved(b), {Random({2, 4})}, kRounding)), (Ops{{"Gemm", 1}}));
  }
}

TEST(FoldAffineTest, WhatIsReadTwiceStays) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({1, 3, 4, 4}));
  const ValueId v = b.Node1("Conv", {x, b.Constant(Random({2, 3, 1, 1}))});
  const ValueId c = b.Constant(Random({2}, 7, 0.5f, 1));
  b.Output(b.Node1("BatchNormalization", {v, c, c, c, c}));
  b.Output(v);
  EXPECT_EQ(Count(Simple(Resolved(b), {Random({1, 3, 4, 4})})), (Ops{{"Conv", 1}, {"BatchNormalization", 1}}));
}

TEST(FoldAffineTest, Arithmetic) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({1, 3, 4, 4}));
  const ValueId weights = b.Constant(Random({5, 3, 1, 1}), "weights");
  ValueId v = b.Node1("Conv", {x, weights});
  v = b.Node1("Mul", {v, b.Constant(Random({5, 1, 1}, 2))});
  v = b.Node1("Add", {b.Constant(Random({1, 5, 1, 1}, 3)), v});
  v = b.Node1("Div", {v, b.Scalar(3.0f)});
  v = b.Node1("Sub", {b.Scalar(1.0f), v});
  v = b.Node1("Sub", {v, b.Constant(Random({1, 5, 1, 1}, 4))});
  b.Output(v);
  const Graph simple = Simple(Resolved(b), {Random({1, 3, 4, 4})}, kRounding);
  EXPECT_EQ(Count(simple), (Ops{{"Conv", 1}}));
  EXPECT_EQ(simple.values[simple.nodes[0].inputs[1]].name, "weights");
}

TEST(FoldAffineTest, WhatIsNotPerChannelStays) {
  const std::vector<Shape> shapes = {Shape({4}), Shape({4, 4}), Shape({2, 5, 1, 1}), Shape({1, 1, 5, 1, 1})};
  for (const Shape& shape : shapes) {
    GraphBuilder b(13);
    const ValueId x = b.Input("x", DType::kFloat, Shape({1, 3, 4, 4}));
    const ValueId v = b.Node1("Conv", {x, b.Constant(Random({5, 3, 1, 1}))});
    b.Output(b.Node1("Add", {v, b.Constant(Random(shape))}));
    EXPECT_EQ(Count(Simple(Resolved(b), {Random({1, 3, 4, 4})})).size(), 2u) << shape.ToString();
  }
  GraphBuilder b(13);  // by zero, or constant / x
  const ValueId x = b.Input("x", DType::kFloat, Shape({1, 3, 4, 4}));
  ValueId v = b.Node1("Conv", {x, b.Constant(Random({5, 3, 1, 1}))});
  b.Output(b.Node1("Div", {v, b.Scalar(0.0f)}));
  v = b.Node1("Conv", {x, b.Constant(Random({5, 3, 1, 1}))});
  b.Output(b.Node1("Div", {b.Scalar(2.0f), v}));
  EXPECT_EQ(Count(Simple(Resolved(b), {Random({1, 3, 4, 4})})), (Ops{{"Conv", 2}, {"Div", 2}}));
}

TEST(FoldAffineTest, SharedWeightsAreNotChangedForTheOther) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({1, 3, 4, 4}));
  const ValueId w = b.Constant(Random({5, 3, 1, 1}));
  b.Output(b.Node1("Mul", {b.Node1("Conv", {x, w}), b.Scalar(3.0f)}));
  b.Output(b.Node1("Conv", {x, w}));
  EXPECT_EQ(Count(Simple(Resolved(b), {Random({1, 3, 4, 4})}, kRounding)), (Ops{{"Conv", 2}}));
}

TEST(FoldAffineTest, NotByOption) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({1, 3, 4, 4}));
  b.Output(b.Node1("Mul", {b.Node1("Conv", {x, b.Constant(Random({5, 3, 1, 1}))}), b.Scalar(3.0f)}));
  SimplifyOptions options;
  options.fold_batch_norm = false;
  EXPECT_EQ(Count(Simple(Resolved(b), {Random({1, 3, 4, 4})}, 0, options)), (Ops{{"Conv", 1}, {"Mul", 1}}));
}

TEST(FoldPadsTest, IntoConvAndAverage) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({1, 2, 5, 6}));
  const ValueId padded = b.Node1("Pad", {x, b.Ints({0, 0, 1, 0, 0, 0, 2, 1}), b.Scalar(0.0f)});
  b.Output(
      b.Node1("Conv", {padded, b.Constant(Random({2, 2, 3, 3}))}, {Attr("pads", std::vector<int64_t>{0, 1, 0, 0})}));
  b.Output(b.Node1("AveragePool", {padded}, {Attr("kernel_shape", std::vector<int64_t>{3, 3})}));
  b.Output(b.Node1("Conv", {padded, b.Constant(Random({2, 2, 3, 3}))}, {Attr("auto_pad", "VALID")}));
  const Graph simple = Simple(Resolved(b), {Random({1, 2, 5, 6})});
  EXPECT_EQ(Count(simple), (Ops{{"Conv", 2}, {"AveragePool", 1}}));
}

TEST(FoldPadsTest, OtherPaddingStays) {
  GraphBuilder b(13);
  const ValueId x = b.Input("x", DType::kFloat, Shape({1, 2, 5, 6}));
  const auto pad = [&](std::vector<int64_t> pads, float value, const char* mode) {
    return b.Node1("Pad", {x, b.Ints(pads), b.Scalar(value)}, {Attr("mode", mode)});
  };
  const Attribute kernel = Attr("kernel_shape", std::vector<int64_t>{2, 2});
  const ValueId w = b.Constant(Random({2, 2, 3, 3}));
  b.Output(b.Node1("Conv", {pad({0, 0, 1, 1, 0, 0, 1, 1}, 1, "constant"), w}));
  b.Output(b.Node1("Conv", {pad({0, 0, 1, 1, 0, 0, 1, 1}, 0, "reflect"), w}));
  b.Output(b.Node1("Conv", {pad({0, 0, -1, 1, 0, 0, 1, 1}, 0, "constant"), w}));
  b.Output(b.Node1("Conv", {pad({1, 0, 0, 0, 0, 0, 0, 0}, 0, "constant"), w}));
  b.Output(b.Node1("Conv", {pad({0, 0, 1, 1, 0, 0, 1, 1}, 0, "constant"), w}, {Attr("auto_pad", "SAME_UPPER")}));
  b.Output(b.Node1("MaxPool", {pad({0, 0, 1, 1, 0, 0, 1, 1}, 0, "constant")}, {kernel}));
  b.Output(b.Node1("AveragePool", {pad({0, 0, 1, 1, 0, 0, 1, 1}, 0, "constant")},
                   {kernel, Attr("pads", std::vector<int64_t>{1, 1, 1, 1})}));
  EXPECT_EQ(Count(Simple(Resolved(b), {Random({1, 2, 5, 6})}))["Pad"], 7);
}

// --- activations

// The graph of f at this opset becomes exactly these operators.
void ExpectFused(int64_t opset, const Ops& expected, const std::function<ValueId(GraphBuilder&, ValueId)>& f,
                 double tolerance = kRounding) {
  GraphBuilder b(opset);
  const ValueId x = b.Input("x", DType::kFloat, Shape({2, 6, 3, 4}));
  b.Output(f(b, x));
  const Graph simple = Simple(Resolved(b), {Random({2, 6, 3, 4}, 1, -8, 8)}, tolerance);
  EXPECT_EQ(Count(simple), expected);
}

TEST(FuseTest, Clip) {
  ExpectFused(
      13, {{"Relu", 1}},
      [](GraphBuilder& b, ValueId x) {
        return b.Node1("Max", {x, b.Scalar(0.0f)});
      },
      0);
  ExpectFused(
      13, {{"Clip", 1}},
      [](GraphBuilder& b, ValueId x) {
        return b.Node1("Min", {b.Scalar(6.0f), x});
      },
      0);
  ExpectFused(
      13, {{"Clip", 1}},
      [](GraphBuilder& b, ValueId x) {
        return b.Node1("Min", {b.Node1("Relu", {x}), b.Scalar(6.0f)});
      },
      0);
  ExpectFused(
      7, {{"Clip", 1}},
      [](GraphBuilder& b, ValueId x) {
        return b.Node1("Min", {b.Node1("Relu", {x}), b.Scalar(6.0f)});
      },
      0);
  ExpectFused(
      7, {{"Relu", 1}}, [](GraphBuilder& b, ValueId x) { return b.Node1("Clip", {x}, {Attr("min", 0.0f)}); }, 0);
  ExpectFused(
      13, {{"Relu", 1}},
      [](GraphBuilder& b, ValueId x) {
        return b.Node1("Clip", {b.Node1("Relu", {b.Node1("Relu", {x})}), b.Scalar(-3.0f), b.Scalar(HUGE_VALF)});
      },
      0);
  ExpectFused(
      13, {{"Clip", 1}},
      [](GraphBuilder& b, ValueId x) {
        const ValueId inner = b.Node1("Clip", {x, b.Scalar(-7.0f), b.Scalar(3.0f)});
        return b.Node1("Clip", {inner, b.Scalar(-5.0f), b.Scalar(5.0f)});
      },
      0);
  // A constant that adds an axis is no bound.
  ExpectFused(13, {{"Max", 1}}, [](GraphBuilder& b, ValueId x) {
    return b.Node1("Max", {x, b.Constant(TensorOf<float>({1, 1, 1, 1, 1}, {0}))});
  });
}

ValueId Relu6(GraphBuilder& b, ValueId x) {
  return b.Node1("Clip", {b.Node1("Add", {x, b.Scalar(3.0f)}), b.Scalar(0.0f), b.Scalar(6.0f)});
}

TEST(FuseTest, HardForms) {
  const auto sigmoid = [](GraphBuilder& b, ValueId x) { return b.Node1("Div", {Relu6(b, x), b.Scalar(6.0f)}); };
  const auto first = [](GraphBuilder& b, ValueId x) {
    return b.Node1("Mul", {x, b.Node1("Div", {Relu6(b, x), b.Scalar(6.0f)})});
  };
  const auto last = [](GraphBuilder& b, ValueId x) {
    return b.Node1("Mul", {b.Node1("Mul", {Relu6(b, x), x}), b.Scalar(1.0f / 6)});
  };
  ExpectFused(13, {{"HardSigmoid", 1}}, sigmoid);
  ExpectFused(13, {{"HardSigmoid", 1}, {"Mul", 1}}, first);
  ExpectFused(14, {{"HardSwish", 1}}, first);
  ExpectFused(14, {{"HardSwish", 1}}, last);
  ExpectFused(14, {{"HardSigmoid", 1}, {"Mul", 1}}, [](GraphBuilder& b, ValueId x) {  // another slope
    return b.Node1("Mul", {x, b.Node1("HardSigmoid", {x})});
  });
}

TEST(FuseTest, SmoothForms) {
  const auto swish = [](GraphBuilder& b, ValueId x) { return b.Node1("Mul", {b.Node1("Sigmoid", {x}), x}); };
  ExpectFused(23, {{"Sigmoid", 1}, {"Mul", 1}}, swish);
  ExpectFused(24, {{"Swish", 1}}, swish);
  ExpectFused(18, {{"Mish", 1}}, [](GraphBuilder& b, ValueId x) {
    return b.Node1("Mul", {x, b.Node1("Tanh", {b.Node1("Softplus", {x})})});
  });
}

TEST(FuseTest, Gelu) {
  const auto erf = [](GraphBuilder& b, ValueId x) {
    const ValueId e = b.Node1("Erf", {b.Node1("Div", {x, b.Scalar(1.4142135f)})});
    return b.Node1("Add", {e, b.Scalar(1.0f)});
  };
  const auto tanh = [](GraphBuilder& b, ValueId x) {
    const ValueId cube = b.Node1("Pow", {x, b.Scalar(3.0f)});
    const ValueId sum = b.Node1("Add", {x, b.Node1("Mul", {cube, b.Scalar(0.044715f)})});
    const ValueId t = b.Node1("Tanh", {b.Node1("Mul", {sum, b.Scalar(0.7978845608f)})});
    return b.Node1("Add", {b.Scalar(1.0f), t});
  };
  for (int kind = 0; kind < 2; ++kind) {
    const auto factor = [&](GraphBuilder& b, ValueId x) { return kind ? tanh(b, x) : erf(b, x); };
    const std::function<ValueId(GraphBuilder&, ValueId)> orders[] = {
        [&](GraphBuilder& b, ValueId x) {
          return b.Node1("Mul", {b.Node1("Mul", {x, factor(b, x)}), b.Scalar(0.5f)});
        },
        [&](GraphBuilder& b, ValueId x) {
          return b.Node1("Mul", {b.Node1("Mul", {x, b.Scalar(0.5f)}), factor(b, x)});
        },
        [&](GraphBuilder& b, ValueId x) {
          return b.Node1("Mul", {x, b.Node1("Mul", {b.Scalar(0.5f), factor(b, x)})});
        },
    };
    for (const auto& order : orders) ExpectFused(20, {{"Gelu", 1}}, order, 1e-5);
  }
  // Not of the same x.
  ExpectFused(20, {{"Mul", 2}, {"Add", 1}, {"Erf", 1}, {"Div", 1}, {"Neg", 1}}, [&](GraphBuilder& b, ValueId x) {
    return b.Node1("Mul", {b.Node1("Mul", {b.Node1("Neg", {x}), erf(b, x)}), b.Scalar(0.5f)});
  });
}

TEST(FuseTest, OtherSpellings) {
  ExpectFused(
      13, {{"LeakyRelu", 1}},
      [](GraphBuilder& b, ValueId x) {
        return b.Node1("PRelu", {x, b.Scalar(0.25f)});
      },
      0);
  ExpectFused(13, {{"Mul", 1}}, [](GraphBuilder& b, ValueId x) { return b.Node1("Pow", {x, b.Scalar(2.0f)}); });
  ExpectFused(
      13, {{"Mul", 1}},
      [](GraphBuilder& b, ValueId x) {
        return b.Node1("Div", {x, b.Scalar(8.0f)});
      },
      0);
  ExpectFused(
      13, {{"Div", 1}},
      [](GraphBuilder& b, ValueId x) {
        return b.Node1("Div", {x, b.Scalar(7.0f)});
      },
      0);
  ExpectFused(13, {{"GlobalAveragePool", 1}}, [](GraphBuilder& b, ValueId x) {
    return b.Node1("ReduceMean", {x}, {Attr("axes", std::vector<int64_t>{-1, 2})});
  });
  ExpectFused(18, {{"GlobalAveragePool", 1}}, [](GraphBuilder& b, ValueId x) {
    return b.Node1("ReduceMean", {x, b.Ints({2, 3})});
  });
  ExpectFused(13, {{"ReduceMean", 1}}, [](GraphBuilder& b, ValueId x) {
    return b.Node1("ReduceMean", {x}, {Attr("axes", std::vector<int64_t>{1, 2})});
  });
}

TEST(FuseTest, LayerNormalization) {
  const auto norm = [](bool bias, bool twice) {
    return [=](GraphBuilder& b, ValueId x) {
      const auto mean = [&](ValueId v) { return b.Node1("ReduceMean", {v}, {Attr("axes", std::vector<int64_t>{-1})}); };
      const ValueId centered = b.Node1("Sub", {x, mean(x)});
      const ValueId again = twice ? b.Node1("Sub", {x, mean(x)}) : centered;
      const ValueId variance = mean(b.Node1("Pow", {again, b.Scalar(2.0f)}));
      const ValueId deviation = b.Node1("Sqrt", {b.Node1("Add", {variance, b.Scalar(1e-5f)})});
      const ValueId scaled = b.Node1("Mul", {b.Node1("Div", {centered, deviation}), b.Constant(Random({4}))});
      return bias ? b.Node1("Add", {scaled, b.Constant(Random({4}, 2))}) : scaled;
    };
  };
  for (bool bias : {false, true}) {
    for (bool twice : {false, true}) ExpectFused(17, {{"LayerNormalization", 1}}, norm(bias, twice), 1e-5);
  }
}

TEST(FuseTest, NotByOption) {
  GraphBuilder b(14);
  const ValueId x = b.Input("x", DType::kFloat, Shape({2}));
  b.Output(b.Node1("Max", {x, b.Scalar(0.0f)}));
  SimplifyOptions options;
  options.fuse_activations = false;
  EXPECT_EQ(Count(Simple(Resolved(b), {Random({2})}, 0, options)), (Ops{{"Max", 1}}));
}

// --- whole graphs

TEST(SimplifyTest, OldIrVersionMovesOn) {
  GraphBuilder b(8);
  b.graph().ir_version = 3;
  const ValueId x = b.Input("x", DType::kFloat, Shape({2}));
  const ValueId w = b.Constant(Random({2}), "w");
  b.graph().values[w].default_input = true;
  b.Output(b.Node1("Add", {b.Node1("Add", {x, w}), b.Node1("Neg", {w})}));
  const Graph simple = Simple(Resolved(b), {Random({2})});
  EXPECT_EQ(simple.ir_version, 4);
  for (const Value& value : simple.values) EXPECT_FALSE(value.default_input);
  EXPECT_EQ(Count(simple), (Ops{{"Add", 2}}));
}

// Chains, trees and shared values of all kinds of steps: whatever the passes make of them computes the same.
TEST(SimplifyTest, RandomGraphsKeepTheirOutputs) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    GraphBuilder b(random() % 2 ? 13 : 21);
    const Shape shape({2, 4, 4, 4});
    std::vector<ValueId> values = {b.Input("x", DType::kFloat, shape)};
    const auto any = [&] { return values[values.size() - 1 - random() % std::min<size_t>(values.size(), 3)]; };
    const auto channel = [&] { return b.Constant(Random({1, 4, 1, 1}, static_cast<uint32_t>(random()), 0.5f, 1.5f)); };
    const auto transposed = [&](ValueId v, std::vector<int64_t> perm) {
      return b.Node1("Transpose", {v}, {Attr("perm", std::move(perm))});
    };
    for (int step = 0; step < 12; ++step) {
      const ValueId v = any();
      switch (random() % 14) {
        case 0:
          values.push_back(
              b.Node1("Conv", {v, b.Constant(Random({4, 4, 1, 1}, static_cast<uint32_t>(random()), -0.5f, 0.5f))}));
          break;
        case 1:
          values.push_back(b.Node1("Mul", {v, channel()}));
          break;
        case 2:
          values.push_back(b.Node1("Add", {channel(), v}));
          break;
        case 3:
          values.push_back(b.Node1("Relu", {v}));
          break;
        case 4:
          values.push_back(b.Node1("Min", {v, b.Scalar(6.0f)}));
          break;
        case 5:
          values.push_back(b.Node1("Identity", {v}));
          break;
        case 6:
          values.push_back(transposed(v, {0, 2, 3, 1}));
          break;
        case 7:
          values.push_back(transposed(v, {0, 3, 1, 2}));
          break;
        case 8:
          values.push_back(b.Node1("Reshape", {b.Node1("Flatten", {v}), b.Ints({2, 4, 4, 4})}));
          break;
        case 9:
          values.push_back(b.Node1("Add", {v, any()}));
          break;
        case 10:
          values.push_back(
              b.Node1("BatchNormalization", {v, b.Constant(Random({4}, 2)), b.Constant(Random({4}, 3)),
                                             b.Constant(Random({4}, 4)), b.Constant(Random({4}, 5, 0.5f, 2))}));
          break;
        case 11:
          values.push_back(b.Node1("Mul", {v, b.Node1("Div", {Relu6(b, v), b.Scalar(6.0f)})}));
          break;
        case 12:
          values.push_back(b.Node1("Dropout", {v}));
          break;
        default:
          values.push_back(b.Node1("Reshape", {v, b.Node1("Shape", {any()})}));
      }
    }
    b.Output(values.back());
    const ValueId other = any();
    if (other != values.back() && other != values[0]) b.Output(other);
    Simple(Resolved(b), {Random(shape, seed)}, 1e-4);
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

TEST(SimplifyTest, LongChainsTakeLinearTime) {
  GraphBuilder b(13);
  ValueId v = b.Input("x", DType::kFloat, Shape({2, 3}));
  Graph& graph = b.graph();
  for (int i = 0; i < 100000; ++i) {  // by hand: the builder looks for free names
    Node node;
    node.op_type = i % 3 == 0 ? "Identity" : i % 3 == 1 ? "Transpose" : "Relu";
    node.inputs = {v};
    node.outputs = {v = graph.AddValue("v" + std::to_string(i))};
    graph.nodes.push_back(std::move(node));
  }
  b.Output(v);
  const Result<Graph> simple = Simplify(Resolved(b), {}, TestMemory());
  ASSERT_TRUE(simple.ok()) << simple.status().message();
  EXPECT_LT(simple->nodes.size(), 70000u);
}

// --- upgrading

// The same bytes at every version from which the form changed, up to the newest.
Graph ExpectUpgrades(GraphBuilder& b, const std::vector<Tensor>& inputs, const char* op, int64_t last = kNewestOpset) {
  const Graph graph = Resolved(b);
  const std::vector<Tensor> expected = Run(graph, inputs);
  Graph result;
  for (int64_t target = 13; target <= last; ++target) {
    const Result<Graph> upgraded = UpgradeOpset(graph, target, TestMemory());
    EXPECT_TRUE(upgraded.ok()) << op << " to " << target << ": " << upgraded.status().message();
    if (!upgraded.ok()) return Graph();
    EXPECT_EQ(upgraded->opset(), std::max(target, graph.opset()));
    ExpectSame(expected, Run(*upgraded, inputs));
    result = *upgraded;
  }
  return result;
}

TEST(UpgradeTest, EveryFormThatChanged) {
  using Make = std::function<ValueId(GraphBuilder&, ValueId)>;
  const auto ints = [](const char* name, std::vector<int64_t> values) { return Attr(name, std::move(values)); };
  const struct {
    int64_t opset;
    const char* op;
    Make make;
  } cases[] = {
      {7, "Squeeze",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("Squeeze", {x}, {ints("axes", {0, 3})});
       }},
      {11, "Squeeze", [&](GraphBuilder& b, ValueId x) { return b.Node1("Squeeze", {x}); }},
      {7, "Unsqueeze",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("Unsqueeze", {x}, {ints("axes", {0, 2})});
       }},
      {7, "ReduceSum", [&](GraphBuilder& b, ValueId x) { return b.Node1("ReduceSum", {x}, {ints("axes", {1})}); }},
      {7, "ReduceSum", [&](GraphBuilder& b, ValueId x) { return b.Node1("ReduceSum", {x}, {Attr("keepdims", 0)}); }},
      {7, "ReduceMax",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("ReduceMax", {x}, {ints("axes", {1, 2})});
       }},
      {13, "ReduceMean", [&](GraphBuilder& b, ValueId x) { return b.Node1("ReduceMean", {x}, {ints("axes", {-2})}); }},
      {7, "ReduceL2", [&](GraphBuilder& b, ValueId x) { return b.Node1("ReduceL2", {x}); }},
      {7, "Clip", [&](GraphBuilder& b, ValueId x) { return b.Node1("Clip", {x}, {Attr("max", 1.0f)}); }},
      {7, "Clip",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("Clip", {x}, {Attr("min", -1.0f), Attr("max", 1.0f)});
       }},
      {7, "Clip", [&](GraphBuilder& b, ValueId x) { return b.Node1("Clip", {x}); }},
      {7, "Pad",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("Pad", {x}, {ints("pads", {0, 0, 1, 0, 0, 1, 0, 0}), Attr("value", 3.0f)});
       }},
      {7, "Pad",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("Pad", {x}, {ints("pads", {0, 0, 1, 0, 0, 1, 0, 0}), Attr("mode", "edge")});
       }},
      {7, "Slice",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("Slice", {x}, {ints("starts", {1, 0}), ints("ends", {3, -1}), ints("axes", {1, 2})});
       }},
      {7, "Slice",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("Slice", {x}, {ints("starts", {0, 1}), ints("ends", {1, 9})});
       }},
      {7, "TopK",
       [&](GraphBuilder& b, ValueId x) {
         return b.Nodes("TopK", {x}, 2, {Attr("k", 2), Attr("axis", 1)})[0];
       }},
      {7, "Dropout", [&](GraphBuilder& b, ValueId x) { return b.Node1("Dropout", {x}, {Attr("ratio", 0.25f)}); }},
      {7, "Split",
       [&](GraphBuilder& b, ValueId x) {
         return b.Nodes("Split", {x}, 2, {Attr("axis", 1), ints("split", {1, 3})})[1];
       }},
      {7, "Split", [&](GraphBuilder& b, ValueId x) { return b.Nodes("Split", {x}, 2, {Attr("axis", 1)})[1]; }},
      {7, "Upsample",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("Upsample", {x}, {{"scales", std::vector<float>{1, 1, 2, 2.5f}}});
       }},
      {9, "Upsample",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("Upsample", {x, b.Constant(TensorOf<float>({4}, {1, 1, 2, 2}))}, {Attr("mode", "linear")});
       }},
      {10, "Resize",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("Resize", {x, b.Constant(TensorOf<float>({4}, {1, 1, 1.5f, 2}))});
       }},
      {10, "Resize",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1("Resize", {x, b.Constant(TensorOf<float>({4}, {1, 1, 0.5f, 2}))}, {Attr("mode", "linear")});
       }},
      {11, "Resize",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1(
             "Resize", {x, b.Constant(TensorOf<float>({0}, {})), b.Constant(TensorOf<float>({4}, {1, 1, 1.6f, 3}))},
             {Attr("coordinate_transformation_mode", "tf_half_pixel_for_nn"), Attr("nearest_mode", "floor")});
       }},
      {11, "Resize",
       [&](GraphBuilder& b, ValueId x) {
         return b.Node1(
             "Resize",
             {x, b.Constant(TensorOf<float>({0}, {})), b.Constant(TensorOf<float>({0}, {})), b.Ints({1, 4, 5, 3})},
             {Attr("mode", "linear")});
       }},
      {7, "Softmax", [&](GraphBuilder& b, ValueId x) { return b.Node1("Softmax", {x}); }},
      {7, "Softmax", [&](GraphBuilder& b, ValueId x) { return b.Node1("Softmax", {x}, {Attr("axis", 2)}); }},
      {11, "Softmax", [&](GraphBuilder& b, ValueId x) { return b.Node1("Softmax", {x}, {Attr("axis", -1)}); }},
      {11, "LogSoftmax", [&](GraphBuilder& b, ValueId x) { return b.Node1("LogSoftmax", {x}, {Attr("axis", 0)}); }},
      {7, "Hardmax", [&](GraphBuilder& b, ValueId x) { return b.Node1("Hardmax", {x}); }},
      {7, "BatchNormalization",
       [&](GraphBuilder& b, ValueId x) {
         const ValueId c = b.Constant(Random({4}, 3, 0.5f, 1));
         return b.Node1("BatchNormalization", {x, c, c, c, c}, {Attr("spatial", 1)});
       }},
      {7, "BatchNormalization",
       [&](GraphBuilder& b, ValueId x) {
         const ValueId c = b.Constant(Random({4}, 3, 0.5f, 1));
         return b.Node1("BatchNormalization", {x, c, c, c, c}, {Attr("momentum", 0.5f)});
       }},
      {18, "GroupNormalization",
       [&](GraphBuilder& b, ValueId x) {
         const ValueId c = b.Constant(Random({2}, 3, 0.5f, 1));
         return b.Node1("GroupNormalization", {x, c, c}, {Attr("num_groups", 2)});
       }},
  };
  for (const auto& c : cases) {
    GraphBuilder b(c.opset);
    const Shape shape({1, 4, 3, 1});
    b.Output(c.make(b, b.Input("x", DType::kFloat, shape)));
    ExpectUpgrades(b, {Random(shape)}, c.op);
    if (HasFailure()) FAIL() << c.op << " from " << c.opset;
  }
}

TEST(UpgradeTest, CoercedSoftmaxOfOpenShapes) {
  for (const Shape& declared : {Shape({kOpen, 4, 3}), Shape({kOpen, 4, kOpen}), Shape({kOpen, 4, 1})}) {
    GraphBuilder b(11);
    b.Output(b.Node1("Softmax", {b.Input("x", DType::kFloat, declared)}));
    ExpectUpgrades(b, {Random({2, 4, declared[2] == 1 ? 1 : 3})}, "Softmax");
  }
}

TEST(UpgradeTest, OnlyUpwardsAndOnlyToWhatExists) {
  GraphBuilder b(15);
  b.Output(b.Node1("Relu", {b.Input("x", DType::kFloat, Shape({2}))}));
  const Graph graph = Resolved(b);
  EXPECT_EQ(UpgradeOpset(graph, 12, TestMemory()).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(UpgradeOpset(graph, 29, TestMemory()).status().code(), Code::kInvalidArgument);
  const Result<Graph> same = UpgradeOpset(graph, 13, TestMemory());
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(same->opset(), 15);
  const Result<Graph> newer = UpgradeOpset(graph, 21, TestMemory());
  ASSERT_TRUE(newer.ok());
  EXPECT_EQ(newer->ir_version, 10);
}

TEST(UpgradeTest, WhatHasNoNewerFormIsRefused) {
  GraphBuilder b(11);
  const ValueId x = b.Input("x", DType::kFloat, Shape({1, 1, 4, 4}));
  b.Output(b.Node1("Resize", {x, b.Constant(TensorOf<float>({0}, {})), b.Constant(TensorOf<float>({4}, {1, 1, 2, 2}))},
                   {Attr("coordinate_transformation_mode", "tf_half_pixel_for_nn"), Attr("mode", "linear")}));
  const Result<Graph> graph = UpgradeOpset(Resolved(b), 13, TestMemory());
  EXPECT_EQ(graph.status().code(), Code::kUnsupported);
  EXPECT_NE(graph.status().message().find("tf_half_pixel_for_nn"), std::string::npos) << graph.status().message();
}

}  // namespace
}  // namespace octavo
