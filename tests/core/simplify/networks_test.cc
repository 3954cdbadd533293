// Each pass keeps every output of real networks. The networks run by the rows' own arithmetic, node after node, so that
// nothing but the graph decides what comes out.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>

#include "core/graph/operator.h"
#include "core/onnx/reader.h"
#include "core/simplify/simplify.h"
#include "tests/core/graph_builder.h"

namespace octavo {
namespace {

using test::TestMemory;

std::vector<Tensor> Interpret(const Graph& graph, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> values(graph.values.size());
  for (size_t v = 0; v < values.size(); ++v) {
    if (graph.values[v].constant) values[v] = *graph.values[v].constant;
  }
  size_t given = 0;
  for (ValueId v : graph.inputs) {
    if (!values[v].defined()) values[v] = inputs.at(given++);
  }
  const std::vector<std::vector<NodeId>> consumers = Consumers(graph);
  std::vector<size_t> reads(values.size());
  for (size_t v = 0; v < values.size(); ++v) reads[v] = consumers[v].size();
  for (ValueId v : graph.outputs) ++reads[v];
  for (const Node& node : graph.nodes) {
    std::vector<Tensor> arguments, results;
    for (ValueId v : node.inputs) arguments.push_back(v == kNoValue ? Tensor() : values[v]);
    const Status status = EvaluateNode(node, graph.opset(), arguments, TestMemory(), &results);
    EXPECT_TRUE(status.ok()) << node.name << ": " << status.message();
    if (!status.ok()) return {};
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) values[node.outputs[i]] = results[i];
    }
    for (ValueId v : node.inputs) {
      if (v != kNoValue && --reads[v] == 0) values[v] = Tensor();
    }
  }
  std::vector<Tensor> outputs;
  for (ValueId v : graph.outputs) outputs.push_back(values[v]);
  return outputs;
}

// One sample of noise for each input that must be given; empty if there is one that is not float.
std::vector<Tensor> Noise(const Graph& graph) {
  std::mt19937 random(1);
  std::vector<Tensor> inputs;
  for (ValueId v : graph.inputs) {
    const Value& value = graph.values[v];
    if (value.constant) continue;
    if (value.dtype != DType::kFloat || !value.shape) return {};
    Shape shape = *value.shape;
    for (int i = 0; i < shape.rank(); ++i) {
      if (shape[i] == Shape::kUnknown) shape[i] = 1;
    }
    std::vector<float> x(static_cast<size_t>(shape.Elements()));
    for (float& e : x) e = static_cast<float>(random()) / 4294967296.0f * 4 - 2;
    inputs.push_back(test::TensorOf<float>(shape, x));
  }
  return inputs;
}

std::vector<std::string> Networks() {
  namespace fs = std::filesystem;
  const fs::path source = OCTAVO_SOURCE_DIR;
  std::vector<std::string> found = {(source / "examples/demo/digits.onnx").string()};
  const char* shared = std::getenv("OCTAVO_SHARED");
  const fs::path models = (shared != nullptr ? fs::path(shared) : source / "../shared") / "models";
  for (const char* name : {"mlperf_tiny/ic_resnet8", "mlperf_tiny/kws_dscnn", "mlperf_tiny/vww_mobilenetv1",
                           "mlperf_tiny/ad_autoencoder", "resnet20_cifar10"}) {
    const fs::path path = models / (std::string(name) + ".onnx");
    if (fs::exists(path)) found.push_back(path.string());
  }
  if (const char* zoo = std::getenv("OCTAVO_ZOO")) {
    std::error_code none;
    for (const fs::directory_entry& entry : fs::directory_iterator(zoo, none)) {
      if (entry.path().extension() == ".onnx") found.push_back(entry.path().string());
    }
  }
  return found;
}

class SimplifyNetworks : public ::testing::TestWithParam<std::string> {};

TEST_P(SimplifyNetworks, EachPassKeepsOutputs) {
  auto graph = ReadOnnxFile(GetParam(), TestMemory());
  if (graph.status().code() == Code::kUnsupported) GTEST_SKIP() << graph.status().message();
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  const std::vector<Tensor> inputs = Noise(*graph);
  if (inputs.empty()) GTEST_SKIP() << "an input is not float";
  const std::vector<Tensor> expected = Interpret(*graph, inputs);
  ASSERT_EQ(expected.size(), graph->outputs.size());

  const SimplifyOptions none{
      .fold_constants = false, .fold_batch_norm = false, .fuse_activations = false, .remove_dead = false};
  std::map<std::string, SimplifyOptions> cases = {{"none", none}, {"all", SimplifyOptions{}}};
  (cases["fold_constants"] = none).fold_constants = true;
  (cases["fold_batch_norm"] = none).fold_batch_norm = true;
  (cases["fuse_activations"] = none).fuse_activations = true;
  (cases["remove_dead"] = none).remove_dead = true;
  (cases["all but fold_batch_norm"] = SimplifyOptions{}).fold_batch_norm = false;

  for (const auto& [name, options] : cases) {
    SCOPED_TRACE(name);
    auto simple = Simplify(*graph, options, TestMemory());
    ASSERT_TRUE(simple.ok()) << simple.status().message();
    EXPECT_LE(simple->nodes.size(), graph->nodes.size());
    const std::vector<Tensor> got = Interpret(*simple, inputs);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i].dtype(), expected[i].dtype());
      ASSERT_EQ(got[i].shape(), expected[i].shape());
      if (!options.fold_batch_norm) {
        EXPECT_EQ(std::memcmp(got[i].raw(), expected[i].raw(), got[i].bytes()), 0) << "output " << i;
        continue;
      }
      ASSERT_EQ(got[i].dtype(), DType::kFloat);
      float low = 0, high = 0, error = 0;
      for (size_t e = 0; e < got[i].data<float>().size(); ++e) {
        const float exact = expected[i].data<float>()[e];
        low = std::min(low, exact);
        high = std::max(high, exact);
        error = std::max(error, std::fabs(got[i].data<float>()[e] - exact));
      }
      EXPECT_LE(error, 1e-5f * (high - low)) << "output " << i;
    }
  }
}

// Left out under sanitizers and emulators, but for the first.
std::string TestName(const ::testing::TestParamInfo<std::string>& test) {
  std::string stem = std::filesystem::path(test.param).stem().string();
  for (char& c : stem) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return test.index == 0 ? stem : stem + "_Slow";
}

INSTANTIATE_TEST_SUITE_P(, SimplifyNetworks, ::testing::ValuesIn(Networks()), TestName);

}  // namespace
}  // namespace octavo
