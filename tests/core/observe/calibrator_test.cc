#include "core/observe/calibrator.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/observe/digest.h"
#include "tests/core/graph_builder.h"

namespace octavo {
namespace {

using test::GraphBuilder;
using test::TensorOf;
using test::TestMemory;

// y = 1 / x: finite inputs can give infinite results.
Status InferInverse(InferContext& context) {
  context.SetOutput(0, context.dtype(0), context.shape(0) ? std::optional(*context.shape(0)) : std::nullopt);
  return Ok();
}
Status EvaluateInverse(EvalContext& context) {
  const auto x = context.input(0).data<float>();
  const auto y = context.output(0).mutable_data<float>();
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] == 99) return Error(Code::kInvalidModel, "99 cannot be inverted");
    y[i] = 1 / x[i];
  }
  return Ok();
}

const Operator& InverseRow() {
  static const Operator row = [] {
    Operator made;
    made.name = "Inverse";
    made.max_inputs = 1;
    made.infer = InferInverse;
    made.evaluate = EvaluateInverse;
    return made;
  }();
  return row;
}

// x -> Inverse -> Inverse -> y
Graph TwoInverses() {
  GraphBuilder builder;
  builder.AddOperator(&InverseRow());
  const ValueId x = builder.Input("x", DType::kFloat, Shape{Shape::kUnknown, 2});
  builder.Output(builder.Node1("Inverse", {builder.Node1("Inverse", {x})}));
  return builder.graph();
}

std::unique_ptr<Calibrator> CalibratorOf(const Graph& graph, const CalibratorOptions& options = {}) {
  auto calibrator = Calibrator::Create(graph, options, TestMemory());
  EXPECT_TRUE(calibrator.ok()) << calibrator.status().message();
  return calibrator.ok() ? std::move(*calibrator) : nullptr;
}

Status Collect(Calibrator& calibrator, const std::vector<float>& values, const Cancel* cancel = nullptr) {
  const Tensor input = TensorOf<float>(Shape{static_cast<int64_t>(values.size()) / 2, 2}, values);
  return calibrator.Collect({&input, 1}, cancel);
}

TEST(Calibrator, SeesInputsAndEveryResult) {
  const Graph graph = TwoInverses();
  auto calibrator = CalibratorOf(graph);
  ASSERT_TRUE(Collect(*calibrator, {1, 2, 4, -8}).ok());
  ASSERT_TRUE(Collect(*calibrator, {0.5f, 16}).ok());
  const auto statistics = calibrator->Finish();
  ASSERT_TRUE(statistics.ok()) << statistics.status().message();
  EXPECT_EQ(statistics->samples, 3u);
  EXPECT_EQ(statistics->model_digest, GraphDigest(graph));
  ASSERT_EQ(statistics->values.size(), 3u);
  ValueStatistics x, middle;
  x.Collect(std::vector<float>{1, 2, 4, -8, 0.5f, 16});
  middle.Collect(std::vector<float>{1, 0.5f, 0.25f, -0.125f, 2, 0.0625f});
  EXPECT_EQ(statistics->values.at("x"), x);
  EXPECT_EQ(statistics->values.at("Inverse_0_out"), middle);
  EXPECT_EQ(statistics->values.at("Inverse_1_out"), x);
}

TEST(Calibrator, HalvesMergeToTheWhole) {
  const Graph graph = TwoInverses();
  auto whole = CalibratorOf(graph), first = CalibratorOf(graph), second = CalibratorOf(graph);
  ASSERT_TRUE(Collect(*whole, {1, 2, 3, 4}).ok());
  ASSERT_TRUE(Collect(*whole, {5, 6}).ok());
  ASSERT_TRUE(Collect(*second, {1, 2, 3, 4}).ok());
  ASSERT_TRUE(Collect(*first, {5, 6}).ok());
  Statistics merged = first->statistics();
  ASSERT_TRUE(merged.Merge(second->statistics()).ok());
  EXPECT_EQ(merged.Save(), whole->statistics().Save());
}

TEST(Calibrator, FailedAndCancelledBatchesDoNotCount) {
  auto calibrator = CalibratorOf(TwoInverses());
  ASSERT_TRUE(Collect(*calibrator, {1, 2}).ok());
  const Statistics before = calibrator->statistics();
  EXPECT_FALSE(Collect(*calibrator, {7, 99}).ok());
  Cancel cancel;
  cancel.Request();
  EXPECT_EQ(Collect(*calibrator, {7, 8}, &cancel).code(), Code::kCancelled);
  const Tensor wrong = TensorOf<float>(Shape{1, 3}, {1, 2, 3});
  EXPECT_EQ(calibrator->Collect({&wrong, 1}, nullptr).code(), Code::kInvalidArgument);
  EXPECT_EQ(calibrator->statistics(), before);
  EXPECT_TRUE(Collect(*calibrator, {3, 4}).ok());
}

TEST(Calibrator, NothingCollectedIsAnError) {
  const auto statistics = CalibratorOf(TwoInverses())->Finish();
  EXPECT_EQ(statistics.status().code(), Code::kInvalidState);
}

TEST(Calibrator, ValueThatWasNeverFiniteIsNamed) {
  auto calibrator = CalibratorOf(TwoInverses());
  ASSERT_TRUE(Collect(*calibrator, {0, 0}).ok());
  const auto statistics = calibrator->Finish();
  EXPECT_EQ(statistics.status().code(), Code::kInvalidData);
  EXPECT_NE(statistics.status().message().find("'Inverse_0_out'"), std::string::npos) << statistics.status().message();
  EXPECT_NE(statistics.status().message().find("2 Inf"), std::string::npos) << statistics.status().message();
  ASSERT_TRUE(Collect(*calibrator, {1, 2}).ok());
  EXPECT_TRUE(calibrator->Finish().ok());
}

TEST(Calibrator, MovingAveragesOnlyWhenAskedFor) {
  auto plain = CalibratorOf(TwoInverses());
  ASSERT_TRUE(Collect(*plain, {1, 2}).ok());
  EXPECT_EQ(plain->statistics().values.at("x").averaged_batches, 0u);
  CalibratorOptions options;
  options.moving_average = true;
  auto averaging = CalibratorOf(TwoInverses(), options);
  ASSERT_TRUE(Collect(*averaging, {1, 2}).ok());
  ASSERT_TRUE(Collect(*averaging, {1, 4}).ok());
  const ValueStatistics& x = averaging->statistics().values.at("x");
  EXPECT_EQ(x.averaged_batches, 2u);
  EXPECT_DOUBLE_EQ(x.average_max, 2 + 0.01 * 2);
}

TEST(GraphDigest, CountsWhatComputes) {
  const Graph graph = TwoInverses();
  Graph same = graph;
  same.doc = "other words";
  same.name = "another name";
  same.metadata.emplace_back("key", "value");
  same.nodes[0].doc = "other words";
  EXPECT_EQ(GraphDigest(same), GraphDigest(graph));
  Graph renamed = graph;
  renamed.values[renamed.nodes[0].outputs[0]].name = "renamed";
  EXPECT_NE(GraphDigest(renamed), GraphDigest(graph));
  Graph attributed = graph;
  attributed.nodes[0].attributes.push_back(test::Attr("axis", 1));
  EXPECT_NE(GraphDigest(attributed), GraphDigest(graph));
  Graph rewired = graph;
  rewired.nodes[1].inputs[0] = rewired.inputs[0];
  EXPECT_NE(GraphDigest(rewired), GraphDigest(graph));
  Graph constant = graph;
  constant.AddConstant("w", TensorOf<float>(Shape{1}, {1}));
  Graph other_constant = graph;
  other_constant.AddConstant("w", TensorOf<float>(Shape{1}, {2}));
  EXPECT_NE(GraphDigest(constant), GraphDigest(other_constant));
}

}  // namespace
}  // namespace octavo
