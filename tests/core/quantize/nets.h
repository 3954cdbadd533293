// Small networks with random weights, and what tests of quantization do with them.
#ifndef OCTAVO_TESTS_CORE_QUANTIZE_NETS_H_
#define OCTAVO_TESTS_CORE_QUANTIZE_NETS_H_

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "core/observe/calibrator.h"
#include "core/quantize/quantize.h"
#include "core/run/session.h"
#include "tests/core/graph_builder.h"

namespace octavo::test {

inline std::vector<float> Random(size_t n, unsigned seed, float low = -1, float high = 1) {
  std::mt19937 random(seed);
  std::vector<float> values(n);
  for (float& value : values) value = low + (high - low) * static_cast<float>(random() >> 8) * 0x1p-24f;
  return values;
}

inline Tensor RandomTensor(const Shape& shape, unsigned seed, float low = -1, float high = 1) {
  return TensorOf<float>(shape, Random(static_cast<size_t>(shape.Elements()), seed, low, high));
}

// GraphBuilder with layers: weights are named after their node, "Conv_3.w", biases "Conv_3.b".
class NetBuilder : public GraphBuilder {
 public:
  using GraphBuilder::GraphBuilder;

  ValueId RandomConstant(const Shape& shape, const std::string& name, float low = -1, float high = 1) {
    return Constant(RandomTensor(shape, ++seed_, low, high), name);
  }
  ValueId Conv(ValueId x, int64_t out, int64_t kernel, bool bias = true, int64_t group = 1, int64_t stride = 1) {
    const int64_t in = (*value(x).shape)[1], pad = kernel / 2;
    const std::string name = "Conv_" + std::to_string(graph().nodes.size());
    const float most = 2.0f / std::sqrt(static_cast<float>(in / group * kernel * kernel));
    std::vector<ValueId> inputs = {x, RandomConstant(Shape{out, in / group, kernel, kernel}, name + ".w", -most, most)};
    if (bias) inputs.push_back(RandomConstant(Shape{out}, name + ".b", -0.2f, 0.2f));
    return Node1("Conv", inputs,
                 {Attr("group", group), Attr("kernel_shape", std::vector<int64_t>{kernel, kernel}),
                  Attr("pads", std::vector<int64_t>{pad, pad, pad, pad}),
                  Attr("strides", std::vector<int64_t>{stride, stride})});
  }
  ValueId BatchNorm(ValueId x) {
    const Shape channels{(*value(x).shape)[1]};
    const std::string name = "BatchNormalization_" + std::to_string(graph().nodes.size());
    return Node1("BatchNormalization",
                 {x, RandomConstant(channels, name + ".scale", 0.5f, 1.5f), RandomConstant(channels, name + ".shift"),
                  RandomConstant(channels, name + ".mean"), RandomConstant(channels, name + ".variance", 0.5f, 2)});
  }
  ValueId Gemm(ValueId x, int64_t out, std::vector<Attribute> attributes = {}) {
    const int64_t in = (*value(x).shape)[1];
    const std::string name = "Gemm_" + std::to_string(graph().nodes.size());
    attributes.push_back(Attr("transB", 1));
    return Node1("Gemm", {x, RandomConstant(Shape{out, in}, name + ".w"), RandomConstant(Shape{out}, name + ".b")},
                 std::move(attributes));
  }
  ValueId Relu(ValueId x) { return Node1("Relu", {x}); }
  ValueId Pool(ValueId x) {
    return Node1("MaxPool", {x},
                 {Attr("kernel_shape", std::vector<int64_t>{2, 2}), Attr("strides", std::vector<int64_t>{2, 2})});
  }
  // The output under a name of its own.
  void Output(ValueId v, const std::string& name) {
    graph().values[v].name = name;
    GraphBuilder::Output(v);
  }

  Graph Resolved() {
    Graph resolved = graph();
    const Status status = Resolve(resolved, FindOperator, TestMemory()->limits());
    EXPECT_TRUE(status.ok()) << status.message();
    return resolved;
  }

 private:
  unsigned seed_ = 0;
};

inline std::vector<Tensor> Run(const Graph& graph, const std::vector<Tensor>& inputs) {
  auto program = Program::Create(graph, {}, TestMemory());
  EXPECT_TRUE(program.ok()) << program.status().message();
  if (!program.ok()) return {};
  auto session = Session::Create(*program, {});
  EXPECT_TRUE(session.ok()) << session.status().message();
  std::vector<Tensor> outputs(graph.outputs.size());
  const Status status = (*session)->Run(inputs, outputs, nullptr);
  EXPECT_TRUE(status.ok()) << status.message();
  return outputs;
}

inline std::vector<Tensor> RandomInputs(const Graph& graph, unsigned seed, int64_t batch = 4) {
  std::vector<Tensor> inputs;
  for (ValueId v : graph.inputs) {
    Shape shape = *graph.values[v].shape;
    if (shape.rank() > 0 && shape[0] == Shape::kUnknown) shape[0] = batch;
    inputs.push_back(RandomTensor(shape, seed + v, -1, 1));
  }
  return inputs;
}

inline Statistics Calibrated(const Graph& graph, const std::vector<Tensor>& inputs) {
  auto calibrator = Calibrator::Create(graph, {}, TestMemory());
  EXPECT_TRUE(calibrator.ok()) << calibrator.status().message();
  if (!calibrator.ok()) return {};
  const Status status = (*calibrator)->Collect(inputs, nullptr);
  EXPECT_TRUE(status.ok()) << status.message();
  auto statistics = (*calibrator)->Finish();
  EXPECT_TRUE(statistics.ok()) << statistics.status().message();
  return statistics.ok() ? *statistics : Statistics();
}

inline Graph Quantized(const Graph& graph, const std::string& recipe = "static") {
  auto parsed = Recipe::Parse(recipe);
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  if (!parsed.ok()) return {};
  Statistics statistics;
  if (parsed->scheme == Scheme::kStatic) statistics = Calibrated(graph, RandomInputs(graph, 100));
  auto result = Quantize(graph, *parsed, &statistics, TestMemory(), nullptr, nullptr);
  EXPECT_TRUE(result.ok()) << result.status().message();
  return result.ok() ? *result : Graph();
}

// Signal to noise in dB; 200 if equal.
inline double Sqnr(const Tensor& wanted, const Tensor& found) {
  EXPECT_EQ(wanted.shape(), found.shape());
  EXPECT_EQ(found.dtype(), DType::kFloat);
  double signal = 0, noise = 0;
  for (size_t i = 0; i < wanted.data<float>().size(); ++i) {
    const double x = wanted.data<float>()[i], d = found.data<float>()[i] - x;
    signal += x * x, noise += d * d;
  }
  return noise == 0 ? 200 : 10 * std::log10(signal / noise);
}

inline const Node* FindNode(const Graph& graph, const std::string& name) {
  for (const Node& node : graph.nodes) {
    if (node.name == name) return &node;
  }
  ADD_FAILURE() << "no node " << name;
  return nullptr;
}

inline ValueId FindValue(const Graph& graph, const std::string& name) {
  for (ValueId v = 0; v < graph.values.size(); ++v) {
    if (graph.values[v].name == name) return v;
  }
  ADD_FAILURE() << "no value " << name;
  return kNoValue;
}

inline const Tensor& ConstantOf(const Graph& graph, const std::string& name) {
  static const Tensor none;
  const ValueId v = FindValue(graph, name);
  if (v == kNoValue || !graph.values[v].constant) return none;
  return *graph.values[v].constant;
}

// The node that makes a value.
inline const Node* MakerOf(const Graph& graph, ValueId v) {
  const NodeId maker = v == kNoValue ? kNoNode : Producers(graph)[v];
  return maker == kNoNode ? nullptr : &graph.nodes[maker];
}

inline size_t Count(const Graph& graph, const std::string& op) {
  size_t count = 0;
  for (const Node& node : graph.nodes) count += node.op_type == op;
  return count;
}

}  // namespace octavo::test

#endif  // OCTAVO_TESTS_CORE_QUANTIZE_NETS_H_
