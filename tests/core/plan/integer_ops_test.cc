// What integerization makes of quantized graphs: which operators, and that their results are those of the graph
// evaluated literally, in float, but for the rounding of sums: one step at most.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/plan/integerize.h"
#include "core/run/session.h"
#include "tests/core/plan/qdq_builder.h"

namespace octavo {
namespace {

using test::Attr;
using test::QdqBuilder;
using test::TensorOf;
using test::TestMemory;

struct Ran {
  std::vector<Tensor> outputs;
  std::vector<std::string> ops;  // of the program's graph
  std::vector<NodeDecision> decisions;
};

Ran RunGraph(const Graph& graph, const std::vector<Tensor>& inputs, const ProgramOptions& options) {
  Ran ran;
  auto program = Program::Create(graph, options, TestMemory());
  EXPECT_TRUE(program.ok()) << program.status().message();
  if (!program.ok()) return ran;
  for (const Node& node : (*program)->graph().nodes) ran.ops.push_back(node.op_type);
  ran.decisions = (*program)->decisions();
  auto session = Session::Create(*program, {});
  ran.outputs.resize(graph.outputs.size());
  const Status status = (*session)->Run(inputs, ran.outputs, nullptr);
  EXPECT_TRUE(status.ok()) << status.message();
  for (Tensor& output : ran.outputs) {  // views of session memory
    Tensor copy = *Tensor::Create(TestMemory(), output.dtype(), output.shape());
    if (output.bytes() != 0) std::memcpy(copy.mutable_raw(), output.raw(), output.bytes());
    output = copy;
  }
  return ran;
}

// Runs the graph as integers and literally, and checks that results differ by at most `tolerance`.
Ran Compare(const Graph& graph, const std::vector<Tensor>& inputs, float tolerance) {
  const Ran integer = RunGraph(graph, inputs, {.cpu_target = "reference", .observe = false});
  const Ran literal = RunGraph(graph, inputs, {.cpu_target = "reference", .observe = true});
  for (size_t i = 0; i < integer.outputs.size() && i < literal.outputs.size(); ++i) {
    const Tensor &a = integer.outputs[i], &b = literal.outputs[i];
    EXPECT_EQ(a.dtype(), b.dtype());
    EXPECT_EQ(a.shape().ToString(), b.shape().ToString());
    if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) continue;
    float worst = 0;
    for (size_t k = 0; k < static_cast<size_t>(a.elements()); ++k) {
      float difference = 0;
      if (a.dtype() == DType::kFloat) {
        difference = std::fabs(a.data<float>()[k] - b.data<float>()[k]);
      } else {
        difference = static_cast<float>(
            std::abs(static_cast<const uint8_t*>(a.raw())[k] - static_cast<const uint8_t*>(b.raw())[k]));
      }
      worst = std::max(worst, difference);
    }
    EXPECT_LE(worst, tolerance) << "output " << i;
  }
  return integer;
}

size_t Count(const Ran& ran, const std::string& op) {
  return static_cast<size_t>(std::count(ran.ops.begin(), ran.ops.end(), op));
}

// How many steps of `scale` count as one, float noise included.
constexpr float kOneStep = 1.001f;

TEST(Integerize, ConvolutionsOfAllKinds) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    QdqBuilder b(seed);
    const DType dtype = b.Below(3) == 0 ? DType::kInt8 : DType::kUInt8;
    const int group = b.Below(3) == 0 ? b.Between(2, 4) : 1;
    const int inputs = group * b.Between(1, 5), outputs = group * b.Between(1, 5);
    const int kernel = b.Between(1, 3), stride = b.Between(1, 2), dilation = b.Between(1, 2);
    const Shape in{b.Between(1, 2), inputs, b.Between(6, 10), b.Between(6, 10)};
    const ValueId x = b.RandomPair(b.Input("x", DType::kFloat, in), 1, dtype);
    std::vector<ValueId> args = {x, b.Weights({outputs, inputs / group, kernel, kernel}, b.Below(2) ? 0 : -1)};
    if (b.Below(3) != 0) args.push_back(b.FloatConstant({outputs}, -0.5f, 0.5f));
    std::vector<Attribute> attributes = {Attr("group", group), Attr("strides", {stride, stride}),
                                         Attr("dilations", {dilation, dilation})};
    if (b.Below(2)) attributes.push_back(Attr("pads", {b.Below(3), b.Below(3), b.Below(3), b.Below(3)}));
    ValueId y = b.Node1("Conv", args, attributes);
    if (b.Below(3) == 0) y = b.Node1("Relu", {y});
    if (b.Below(3) == 0) y = b.Node1("Clip", {y, b.Scalar(-0.25f), b.Scalar(0.75f)});
    const float scale = 0.02f;
    const bool to_float = b.Below(4) == 0;
    if (!to_float) y = b.Pair(y, scale, b.Between(50, 200), dtype);
    b.Output(y);
    const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, to_float ? 1e-4f + 0.005f : kOneStep * scale);
    EXPECT_EQ(Count(ran, "QConv"), 1u) << seed;
    EXPECT_EQ(Count(ran, "Conv") + Count(ran, "Relu") + Count(ran, "Clip"), 0u) << seed;
  }
}

TEST(Integerize, TransposedConvolutions) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    QdqBuilder b(seed);
    const int group = b.Below(3) == 0 ? b.Between(2, 3) : 1, inputs = group * b.Between(1, 5),
              outputs = b.Between(1, 5);
    const int kernel = b.Between(1, 4), stride = b.Between(1, 3);
    const Shape in{b.Between(1, 2), inputs, b.Between(3, 6), b.Between(3, 6)};
    const ValueId x = b.RandomPair(b.Input("x", DType::kFloat, in), 1);
    std::vector<ValueId> args = {x, b.Weights({inputs, outputs, kernel, kernel}, b.Below(3) ? 1 : -1)};
    if (b.Below(3) != 0) args.push_back(b.FloatConstant({group * outputs}, -0.5f, 0.5f));
    ValueId y = b.Node1("ConvTranspose", args,
                        {Attr("group", group), Attr("strides", {stride, stride}),
                         Attr("pads", {b.Below(kernel), b.Below(kernel), 0, 0}),
                         Attr("output_padding", {b.Below(stride), b.Below(stride)})});
    if (b.Below(3) == 0) y = b.Node1("Relu", {y});
    const float scale = 0.02f;
    const bool to_float = b.Below(4) == 0;
    if (!to_float) y = b.Pair(y, scale, b.Between(50, 200));
    b.Output(y);
    const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, to_float ? 1e-4f + 0.005f : kOneStep * scale);
    EXPECT_EQ(Count(ran, "QConvTranspose"), 1u) << seed;
    EXPECT_EQ(Count(ran, "ConvTranspose") + Count(ran, "Relu"), 0u) << seed;
  }
}

TEST(Integerize, IntegerBiasIsTakenAsItIs) {
  QdqBuilder b(5);
  const Shape in{1, 3, 5, 5};
  const float x_scale = 0.011f, w_scale = 0.007f;
  const ValueId x = b.Pair(b.Input("x", DType::kFloat, in), x_scale, 120);
  const ValueId w =
      b.Node1("DequantizeLinear", {b.Constant(TensorOf<int8_t>({4, 3, 1, 1}, b.Integers<int8_t>(12, -127, 127))),
                                   b.Scalar(w_scale), b.Scalar(int8_t{0})});
  const std::vector<int32_t> values = {-1000, 17, 100000, 3};
  const ValueId bias = b.Node1("DequantizeLinear", {b.Constant(TensorOf<int32_t>({4}, values)),
                                                    b.Scalar(x_scale * w_scale), b.Scalar(int32_t{0})});
  b.Output(b.Pair(b.Node1("Conv", {x, w, bias}), 0.05f, 100));
  auto integerized = Integerize(b.graph(), TestMemory());
  ASSERT_TRUE(integerized.ok()) << integerized.status().message();
  bool found = false;
  for (const Value& value : integerized->graph.values) {
    if (!value.constant || value.dtype != DType::kInt32 || value.constant->elements() != 4) continue;
    const auto data = value.constant->data<int32_t>();
    found |= std::equal(data.begin(), data.end(), values.begin());
  }
  EXPECT_TRUE(found);
  Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, kOneStep * 0.05f);
}

TEST(Integerize, Products) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    QdqBuilder b(seed);
    const int m = b.Between(1, 5), k = b.Between(1, 40), n = b.Between(1, 20);
    const int kind = static_cast<int>(seed % 3);
    const DType dtype = b.Below(3) == 0 ? DType::kInt8 : DType::kUInt8;
    const Shape in = kind == 2 ? Shape{2, m, k} : Shape{m, k};
    const ValueId x = b.RandomPair(b.Input("x", DType::kFloat, in), 1, dtype);
    ValueId y;
    if (kind == 0) {
      const bool transposed = b.Below(2) != 0;
      const ValueId w = b.Weights(transposed ? Shape{n, k} : Shape{k, n}, transposed ? 0 : 1);
      y = b.Node1("Gemm", {x, w, b.FloatConstant({n}, -1, 1)}, {Attr("transB", transposed ? 1 : 0)});
    } else {
      y = b.Node1("MatMul", {x, b.Weights({k, n}, b.Below(2) ? 1 : -1)});
      if (b.Below(2)) y = b.Node1("Add", {b.FloatConstant({n}, -1, 1), y});
    }
    if (b.Below(2)) y = b.Node1("Relu", {y});
    const float scale = 0.02f;
    b.Output(b.Pair(y, scale, 100, dtype));
    const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, kOneStep * scale);
    EXPECT_EQ(Count(ran, "QMatMul"), 1u) << seed;
    EXPECT_EQ(Count(ran, "Gemm") + Count(ran, "MatMul") + Count(ran, "Add") + Count(ran, "Relu"), 0u) << seed;
  }
}

TEST(Integerize, ProductOfActivations) {
  QdqBuilder b(3);
  const Shape in{2, 3, 4, 8};
  const ValueId x = b.Pair(b.Input("x", DType::kFloat, in), 0.008f, 120);
  const ValueId y = b.Pair(b.Input("y", DType::kFloat, in), 0.009f, 90, DType::kInt8);
  const ValueId turned = b.Node1("Transpose", {y}, {Attr("perm", {0, 1, 3, 2})});
  b.Output(b.Pair(b.Node1("MatMul", {x, turned}), 0.03f, 128));
  const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1), b.RandomTensor(in, -1, 1)}, kOneStep * 0.03f);
  EXPECT_EQ(Count(ran, "QMatMul"), 1u);
  EXPECT_EQ(Count(ran, "DequantizeLinear"), 1u);  // of the result
}

TEST(Integerize, AsymmetricAndUnsignedWeights) {
  for (int kind = 0; kind < 3; ++kind) {
    QdqBuilder b(static_cast<uint32_t>(kind));
    const Shape in{1, 4, 6, 6};
    const ValueId x = b.Pair(b.Input("x", DType::kFloat, in), 0.008f, 120);
    ValueId w;
    if (kind == 0) {  // uint8, zero point 128: int8 in disguise
      w = b.Node1("DequantizeLinear", {b.Constant(TensorOf<uint8_t>({5, 4, 3, 3}, b.Integers<uint8_t>(180, 0, 255))),
                                       b.Scalar(0.01f), b.Scalar(uint8_t{128})});
    } else if (kind == 1) {  // a zero point that cannot be subtracted
      w = b.Node1("DequantizeLinear", {b.Constant(TensorOf<uint8_t>({5, 4, 3, 3}, b.Integers<uint8_t>(180, 0, 255))),
                                       b.Scalar(0.01f), b.Scalar(uint8_t{90})});
    } else {  // several of them
      w = b.Node1("DequantizeLinear",
                  {b.Constant(TensorOf<int8_t>({5, 4, 3, 3}, b.Integers<int8_t>(180, -128, 127))),
                   b.Constant(TensorOf<float>({5}, b.Floats(5, 0.005f, 0.01f))),
                   b.Constant(TensorOf<int8_t>({5}, {0, 3, -7, 0, 100}))},
                  {Attr("axis", 0)});
    }
    b.Output(b.Pair(b.Node1("Conv", {x, w}, {Attr("pads", {1, 1, 1, 1})}), 0.05f, 120));
    const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, kOneStep * 0.05f);
    EXPECT_EQ(Count(ran, "QConv"), 1u);
  }
}

TEST(Integerize, QLinearOperatorsKeepTheirBits) {
  for (const DType dtype : {DType::kUInt8, DType::kInt8}) {
    QdqBuilder b(9);
    const Shape in{1, 3, 6, 6};
    const ValueId x = b.Q(b.Input("x", DType::kFloat, in), 0.008f, 120, dtype);
    const ValueId w = b.Constant(TensorOf<int8_t>({8, 3, 3, 3}, b.Integers<int8_t>(216, -127, 127)));
    const ValueId zeros = b.Constant(TensorOf<int8_t>({8}, std::vector<int8_t>(8, 0)));
    const ValueId scales = b.Constant(TensorOf<float>({8}, b.Floats(8, 0.005f, 0.01f)));
    const ValueId bias = b.Constant(TensorOf<int32_t>({8}, b.Integers<int32_t>(8, -3000, 3000)));
    const ValueId conv = b.Node1("QLinearConv", {x, b.Scalar(0.008f), b.ZeroPoint(120, dtype), w, scales, zeros,
                                                 b.Scalar(0.02f), b.ZeroPoint(70, dtype), bias});
    const ValueId pool = b.Node1("MaxPool", {conv}, {Attr("kernel_shape", {2, 2}), Attr("strides", {2, 2})});
    const ValueId flat = b.Node1("Reshape", {pool, b.Ints({1, -1})});
    const ValueId w2 = b.Constant(TensorOf<int8_t>({32, 4}, b.Integers<int8_t>(128, -127, 127)));
    const ValueId product =
        b.Node1("QLinearMatMul", {flat, b.Scalar(0.02f), b.ZeroPoint(70, dtype), w2, b.Scalar(0.01f),
                                  b.Scalar(int8_t{0}), b.Scalar(0.1f), b.ZeroPoint(128, dtype)});
    b.Output(product);
    b.Output(pool);
    const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, 0);
    EXPECT_EQ(Count(ran, "QConv"), 1u);
    EXPECT_EQ(Count(ran, "QMatMul"), 1u);
    EXPECT_EQ(Count(ran, "Table"), dtype == DType::kInt8 ? 2u : 0u);  // int8 results only
  }
}

TEST(Integerize, DynamicQuantization) {
  for (const bool conv : {false, true}) {
    QdqBuilder b(11);
    const Shape in = conv ? Shape{2, 3, 5, 5} : Shape{2, 6, 16};
    const ValueId x = b.Input("x", DType::kFloat, in);
    const std::vector<ValueId> q = b.Nodes("DynamicQuantizeLinear", {x}, 3);
    const Shape w_shape = conv ? Shape{7, 3, 3, 3} : Shape{16, 7};
    const Shape along = conv ? Shape{7, 1, 1} : Shape{7};
    const ValueId w =
        b.Constant(TensorOf<int8_t>(w_shape, b.Integers<int8_t>(static_cast<size_t>(w_shape.Elements()), -127, 127)));
    const ValueId sums = b.Node1(conv ? "ConvInteger" : "MatMulInteger", {q[0], w, q[2]});
    const ValueId scale = b.Node1("Mul", {q[1], b.FloatConstant(along, 0.005f, 0.01f)});
    const ValueId cast = b.Node1("Cast", {sums}, {Attr("to", 1)});
    ValueId y = b.Node1("Mul", {cast, scale});
    y = b.Node1("Relu", {b.Node1("Add", {y, b.FloatConstant(along, -1, 1)})});
    b.Output(y);
    const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -2, 1)}, 0);
    EXPECT_EQ(ran.ops.size(), 2u);  // and not one step of rounding apart
    EXPECT_EQ(Count(ran, conv ? "QConv" : "QMatMul"), 1u);
  }
}

TEST(Integerize, AddSubMul) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    QdqBuilder b(seed);
    const char* op = seed % 3 == 0 ? "Add" : seed % 3 == 1 ? "Sub" : "Mul";
    const Shape in{2, 5, 4, 3};
    const Shape other = b.Below(2) ? in : b.Below(2) ? Shape{2, 5, 1, 1} : Shape{4, 1};
    const ValueId x = b.RandomPair(b.Input("x", DType::kFloat, in), 1);
    const ValueId y = b.RandomPair(b.Input("y", DType::kFloat, other), 2, b.Below(2) ? DType::kInt8 : DType::kUInt8);
    ValueId z = b.Node1(op, {x, y});
    if (b.Below(2)) z = b.Node1("Relu", {z});
    b.Output(b.Pair(z, 0.02f, b.Between(0, 200)));
    const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1), b.RandomTensor(other, -2, 2)}, kOneStep * 0.02f);
    EXPECT_EQ(Count(ran, seed % 3 == 2 ? "QMul" : "QAdd"), 1u);
    EXPECT_EQ(ran.ops.size(), 4u);  // two Q, one DQ
  }
}

TEST(Integerize, ConstantsAlongOneAxis) {
  for (const char* op : {"Add", "Sub", "Mul"}) {
    for (const bool first : {false, true}) {
      QdqBuilder b(1);
      const Shape in{2, 5, 3, 3};
      const ValueId x = b.RandomPair(b.Input("x", DType::kFloat, in), 1);
      const ValueId c = b.FloatConstant({5, 1, 1}, -2, 2);
      b.Output(b.Pair(b.Node1(op, first ? std::vector{c, x} : std::vector{x, c}), 0.03f, 128));
      const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, kOneStep * 0.03f);
      EXPECT_EQ(Count(ran, "QAffine"), 1u);
    }
  }
}

TEST(Integerize, PRelu) {
  for (const int64_t channels : {int64_t{5}, int64_t{1}}) {
    QdqBuilder b(static_cast<uint32_t>(channels));
    const Shape in{2, 5, 3, 4};
    const ValueId x = b.RandomPair(b.Input("x", DType::kFloat, in), 1);
    const ValueId y = b.Node1("PRelu", {x, b.FloatConstant({channels, 1, 1}, -2, 2)});
    b.Output(b.Pair(y, 0.02f, 100));
    const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, kOneStep * 0.02f);
    EXPECT_EQ(Count(ran, channels > 1 ? "QAffine" : "Table"), 1u);
  }
}

TEST(Integerize, BatchNormalization) {
  QdqBuilder b(2);
  const Shape in{2, 6, 3, 3};
  const ValueId x = b.RandomPair(b.Input("x", DType::kFloat, in), 1);
  ValueId y = b.Node1("BatchNormalization", {x, b.FloatConstant({6}, -1, 1), b.FloatConstant({6}, -1, 1),
                                             b.FloatConstant({6}, -1, 1), b.FloatConstant({6}, 0.2f, 2)});
  b.Output(b.Pair(b.Node1("Relu", {y}), 0.02f, 10));
  const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, kOneStep * 0.02f);
  EXPECT_EQ(Count(ran, "QAffine"), 1u);
  EXPECT_EQ(ran.ops.size(), 3u);
}

TEST(Integerize, Means) {
  const std::vector<std::vector<Attribute>> pools = {
      {Attr("kernel_shape", {2, 2}), Attr("strides", {2, 2})},
      {Attr("kernel_shape", {3, 3}), Attr("pads", {1, 1, 1, 1})},
      {Attr("kernel_shape", {3, 3}), Attr("pads", {1, 1, 1, 1}), Attr("count_include_pad", 1)},
      {Attr("kernel_shape", {3, 3}), Attr("strides", {2, 2}), Attr("ceil_mode", 1)},
  };
  for (size_t i = 0; i < pools.size() + 3; ++i) {
    QdqBuilder b(static_cast<uint32_t>(i));
    const Shape in{2, 5, 7, 6};
    const ValueId x = b.RandomPair(b.Input("x", DType::kFloat, in), 1);
    ValueId y;
    if (i < pools.size()) {
      y = b.Node1("AveragePool", {x}, pools[i]);
    } else if (i == pools.size()) {
      y = b.Node1("GlobalAveragePool", {x});
    } else {
      y = b.Node1("ReduceMean", {x, b.Ints({2, -1})}, {Attr("keepdims", i == pools.size() + 1 ? 1 : 0)});
    }
    b.Output(b.Pair(y, 0.006f, 128));
    const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, kOneStep * 0.006f);
    EXPECT_EQ(Count(ran, i < pools.size() ? "QAveragePool" : "QReduceMean"), 1u);
    EXPECT_EQ(ran.ops.size(), 3u);
  }
}

TEST(Integerize, FunctionsOfOneByteAreTables) {
  QdqBuilder b(2);
  const Shape in{2, 6, 3, 3};
  const ValueId x = b.RandomPair(b.Input("x", DType::kFloat, in), 4);
  const ValueId swish = b.Pair(b.Node1("Mul", {x, b.Node1("Sigmoid", {x})}), 0.02f, 20);
  const ValueId shifted = b.Node1("Clip", {b.Node1("Add", {swish, b.Scalar(3.0f)}), b.Scalar(0.0f), b.Scalar(6.0f)});
  const ValueId hard =
      b.Pair(b.Node1("Div", {b.Node1("Mul", {swish, shifted}), b.Scalar(6.0f)}), 0.02f, 20, DType::kInt8);
  const ValueId again = b.Pair(hard, 0.03f, 100);
  b.Output(b.Pair(b.Node1("HardSwish", {again}), 0.03f, 30));
  const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -4, 4)}, 0);
  EXPECT_EQ(Count(ran, "Table"), 4u);
  EXPECT_EQ(ran.ops.size(), 6u);
  for (const NodeDecision& decision : ran.decisions) EXPECT_EQ(decision.precision, "int8") << decision.node;
}

TEST(Integerize, MovesAndJoinsStayBytes) {
  for (const DType dtype : {DType::kUInt8, DType::kInt8}) {
    QdqBuilder b(2);
    const Shape in{1, 8, 4, 4};
    const ValueId x = b.RandomPair(b.Input("x", DType::kFloat, in), 1, dtype);
    const ValueId split0 = b.Node1("Reshape", {x, b.Ints({1, 2, 4, 4, 4})});
    const ValueId turned = b.Node1("Transpose", {split0}, {Attr("perm", {0, 2, 1, 3, 4})});
    const ValueId shuffled = b.Node1("Reshape", {turned, b.Ints({1, 8, 4, 4})});
    const std::vector<ValueId> halves = b.Nodes("Split", {shuffled}, 2, {Attr("axis", 1), Attr("num_outputs", 2)});
    const ValueId pooled = b.Node1("MaxPool", {halves[0]}, {Attr("kernel_shape", {3, 3}), Attr("pads", {1, 1, 1, 1})});
    const ValueId padded = b.Node1("Pad", {pooled, b.Ints({0, 0, 1, 0, 0, 0, 0, 1})});
    const ValueId padded2 = b.Node1("Pad", {halves[1], b.Ints({0, 0, 1, 0, 0, 0, 0, 1})});
    const ValueId joined = b.Node1("Concat", {padded, padded2}, {Attr("axis", 1)});
    const ValueId up = b.Node1("Resize", {joined, kNoValue, b.Constant(TensorOf<float>({4}, {1, 1, 2, 2}))},
                               {Attr("mode", "nearest")});
    b.Output(up);
    const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, 0);
    EXPECT_EQ(ran.ops.back(), "DequantizeLinear");
    EXPECT_EQ(Count(ran, "DequantizeLinear"), 1u);
    EXPECT_EQ(Count(ran, "Table"), 0u);
  }
}

TEST(Integerize, InterpolationOfBytes) {
  const Shape in{1, 5, 6, 7};
  struct Case {
    std::vector<Attribute> attributes;
    float scale;  // of the result; that of the input is 0.008
    bool integer;
  };
  const std::vector<Case> cases = {
      {{Attr("mode", "linear")}, 0.008f, true},
      {{Attr("mode", "linear"), Attr("coordinate_transformation_mode", "align_corners")}, 0.008f, true},
      {{Attr("mode", "linear"), Attr("antialias", 1)}, 0.008f, true},
      {{Attr("mode", "cubic")}, 0.008f, true},
      {{Attr("mode", "linear")}, 0.009f, false},
      {{Attr("mode", "cubic"), Attr("exclude_outside", 1)}, 0.008f, false},
      {{Attr("mode", "linear"), Attr("coordinate_transformation_mode", "tf_crop_and_resize")}, 0.008f, false},
  };
  for (const DType dtype : {DType::kUInt8, DType::kInt8}) {
    for (const Case& c : cases) {
      QdqBuilder b(2);
      const ValueId x = b.Pair(b.Input("x", DType::kFloat, in), 0.008f, 120, dtype);
      const ValueId roi = b.Constant(TensorOf<float>({8}, {0, 0, 0, 0.5f, 1, 1, 1, 1}));
      b.Output(b.Pair(b.Node1("Resize", {x, roi, kNoValue, b.Ints({1, 5, 9, 4})}, c.attributes), c.scale, 120, dtype));
      const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, kOneStep * c.scale);
      EXPECT_EQ(ran.ops.back(), "DequantizeLinear");
      EXPECT_EQ(Count(ran, "DequantizeLinear"), c.integer ? 1u : 2u);
      for (const NodeDecision& decision : ran.decisions) EXPECT_EQ(decision.reason.empty(), c.integer);
    }
  }
}

TEST(Integerize, JoinRequantizesWhatDiffers) {
  QdqBuilder b(2);
  const Shape in{1, 4, 3, 3};
  const ValueId x = b.Pair(b.Input("x", DType::kFloat, in), 0.01f, 100);
  const ValueId y = b.Pair(b.Input("y", DType::kFloat, in), 0.02f, 128);
  b.Output(b.Pair(b.Node1("Concat", {x, y}, {Attr("axis", 1)}), 0.02f, 128));
  const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1), b.RandomTensor(in, -1, 1)}, 0);
  EXPECT_EQ(Count(ran, "Table"), 1u);
  EXPECT_EQ(Count(ran, "Concat"), 1u);
  EXPECT_EQ(ran.ops.size(), 5u);
}

TEST(Integerize, ReasonsOfWhatStaysFloat) {
  QdqBuilder b(2);
  const Shape in{1, 4, 3, 3};
  const ValueId x = b.Input("x", DType::kFloat, in);
  const ValueId q = b.RandomPair(x, 1);
  const ValueId plain = b.Node1("Conv", {x, b.FloatConstant({4, 4, 1, 1}, -1, 1)});
  const ValueId mixed = b.Node1("Conv", {q, b.FloatConstant({4, 4, 1, 1}, -1, 1)});
  const ValueId softmax = b.Node1("Softmax", {q});
  const ValueId sum = b.Node1("Add", {q, b.RandomPair(mixed, 1)});
  const ValueId huge =
      b.Pair(b.Node1("Conv", {q, b.Weights({4, 4, 1, 1}, 0), b.FloatConstant({4}, 1e6f, 2e6f)}), 1e6f, 0);
  for (ValueId v : {plain, softmax, sum, huge}) b.Output(v);
  const Ran ran = Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, 1e6f);
  std::map<std::string, std::string> reasons;
  for (const NodeDecision& decision : ran.decisions) {
    reasons[decision.node] = decision.reason;
    EXPECT_EQ(decision.reason.empty(), decision.precision == "int8");
    EXPECT_EQ(decision.reason.empty(), decision.sentence.empty());
  }
  EXPECT_EQ(reasons["Conv_2"], "not_quantized");
  EXPECT_EQ(reasons["Conv_3"], "weights_not_quantized");
  EXPECT_EQ(reasons["Softmax_4"], "no_integer_form");
  EXPECT_EQ(reasons["Add_7"], "graph_boundary");
  EXPECT_EQ(reasons["Conv_9"], "accumulator_overflow");
}

TEST(Integerize, QuantizedValuesAreOutputsToo) {
  for (const DType dtype : {DType::kUInt8, DType::kInt8}) {
    QdqBuilder b(2);
    const Shape in{1, 4, 3, 3};
    const ValueId x = b.Q(b.Input("x", DType::kFloat, in), 0.01f, 128, dtype);
    const ValueId dq = b.DQ(x, 0.01f, 128, dtype);
    const ValueId y = b.Q(b.Node1("Conv", {dq, b.Weights({4, 4, 1, 1}, 0)}), 0.02f, 100, dtype);
    for (ValueId v : {x, dq, y, y}) b.Output(v);
    Compare(b.graph(), {b.RandomTensor(in, -1, 1)}, 1);
  }
}

}  // namespace
}  // namespace octavo
