#include <gtest/gtest.h>

#include <cstring>

#include "core/run/session.h"
#include "tests/core/graph_builder.h"

namespace octavo {
namespace {

using test::GraphBuilder;
using test::TensorOf;
using test::TestMemory;

// y = 2 x, and the entries of x that are positive: one operator of each kind.
Status InferTwice(InferContext& context) {
  context.SetOutput(0, context.dtype(0), context.shape(0) ? std::optional(*context.shape(0)) : std::nullopt);
  return Ok();
}
Status EvaluateTwice(EvalContext& context) {
  const auto x = context.input(0).data<float>();
  const auto y = context.output(0).mutable_data<float>();
  for (size_t i = 0; i < x.size(); ++i) y[i] = 2 * x[i];
  return Ok();
}
Status InferPositive(InferContext& context) {
  context.SetOutput(0, DType::kFloat, Shape{Shape::kUnknown});
  return Ok();
}
Status EvaluatePositive(EvalContext& context) {
  std::vector<float> found;
  for (float x : context.input(0).data<float>()) {
    if (x > 0) found.push_back(x);
  }
  OCTAVO_RETURN_IF_ERROR(context.Allocate(0, DType::kFloat, Shape{static_cast<int64_t>(found.size())}));
  std::copy(found.begin(), found.end(), context.output(0).mutable_data<float>().begin());
  return Ok();
}

Operator Row(const char* name, Status (*infer)(InferContext&), Status (*evaluate)(EvalContext&)) {
  Operator row;
  row.name = name;
  row.max_inputs = 1;
  row.infer = infer;
  row.evaluate = evaluate;
  return row;
}

std::unique_ptr<Session> SessionOf(const Graph& graph, const ProgramOptions& options = {},
                                   const SessionOptions& session_options = {}) {
  auto program = Program::Create(graph, options, TestMemory());
  EXPECT_TRUE(program.ok()) << program.status().message();
  if (!program.ok()) return nullptr;
  auto session = Session::Create(*program, session_options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  return session.ok() ? std::move(*session) : nullptr;
}

std::vector<float> Floats(const Tensor& tensor) {
  const auto data = tensor.data<float>();
  return {data.begin(), data.end()};
}

class RunTest : public ::testing::Test {
 protected:
  RunTest() {
    positive_.data_dependent = true;
    builder_.AddOperator(&twice_);
    builder_.AddOperator(&positive_);
  }
  Operator twice_ = Row("Twice", InferTwice, EvaluateTwice);
  Operator positive_ = Row("Positive", InferPositive, EvaluatePositive);
  GraphBuilder builder_;
};

TEST_F(RunTest, StaticChain) {
  const ValueId x = builder_.Input("x", DType::kFloat, {Shape::kUnknown, 2});
  builder_.Output(builder_.Node1("Twice", {builder_.Node1("Twice", {x})}));
  auto session = SessionOf(builder_.graph());
  for (int64_t batch : {1, 3, 1}) {
    std::vector<float> values(static_cast<size_t>(batch) * 2), expected;
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) - 1;
    for (float v : values) expected.push_back(4 * v);
    const Tensor in = TensorOf<float>({batch, 2}, values);
    Tensor out[1];
    ASSERT_TRUE(session->Run({&in, 1}, out, nullptr).ok());
    EXPECT_EQ(Floats(out[0]), expected);
    EXPECT_EQ(out[0].shape(), Shape({batch, 2}));
    Tensor mine[1] = {TensorOf<float>({batch, 2}, std::vector<float>(values.size()))};
    ASSERT_TRUE(session->Run({&in, 1}, mine, nullptr).ok());
    EXPECT_EQ(Floats(mine[0]), expected);
  }
}

TEST_F(RunTest, ShapesKnownOnlyWhileRunning) {
  const ValueId x = builder_.Input("x", DType::kFloat, {4});
  const ValueId positive = builder_.Node1("Positive", {builder_.Node1("Twice", {x})});
  builder_.Output(builder_.Node1("Twice", {positive}));
  builder_.Output(positive);
  auto session = SessionOf(builder_.graph());
  for (const std::vector<float>& values : {std::vector<float>{1, -1, 2, -2}, {-1, -1, -1, -1}, {1, 2, 3, 4}}) {
    const Tensor in = TensorOf<float>({4}, values);
    std::vector<float> expected;
    for (float v : values) {
      if (v > 0) expected.push_back(4 * v);
    }
    Tensor out[2];
    ASSERT_TRUE(session->Run({&in, 1}, out, nullptr).ok());
    EXPECT_EQ(Floats(out[0]), expected);
    EXPECT_EQ(out[1].elements(), static_cast<int64_t>(expected.size()));
  }
}

TEST_F(RunTest, InputAndConstantAsOutputs) {
  const ValueId x = builder_.Input("x", DType::kFloat, {2});
  builder_.Output(x);
  builder_.Output(builder_.Constant(TensorOf<float>({1}, {7})));
  builder_.Output(x);
  auto session = SessionOf(builder_.graph());
  const Tensor in = TensorOf<float>({2}, {1, 2});
  Tensor out[3];
  ASSERT_TRUE(session->Run({&in, 1}, out, nullptr).ok());
  EXPECT_EQ(Floats(out[0]), Floats(in));
  EXPECT_EQ(Floats(out[1]), std::vector<float>{7});
  EXPECT_EQ(Floats(out[2]), Floats(in));
}

TEST_F(RunTest, UnalignedInput) {
  const ValueId x = builder_.Input("x", DType::kFloat, {3});
  builder_.Output(builder_.Node1("Twice", {x}));
  auto session = SessionOf(builder_.graph());
  const float values[3] = {1, 2, 3};
  std::vector<char> bytes(sizeof(values) + 1);
  std::memcpy(bytes.data() + 1, values, sizeof(values));
  const Tensor in = *Tensor::Wrap(DType::kFloat, {3}, bytes.data() + 1, sizeof(values), nullptr);
  Tensor out[1];
  ASSERT_TRUE(session->Run({&in, 1}, out, nullptr).ok());
  EXPECT_EQ(Floats(out[0]), (std::vector<float>{2, 4, 6}));
}

TEST_F(RunTest, WrongArgumentsAreNamed) {
  const ValueId x = builder_.Input("image", DType::kFloat, {Shape::kUnknown, 2});
  builder_.Output(builder_.Node1("Twice", {x}));
  auto session = SessionOf(builder_.graph());
  Tensor out[1];
  const auto message = [&](const Tensor& in) {
    const Status status = session->Run({&in, 1}, out, nullptr);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    return status.message();
  };
  EXPECT_EQ(message(TensorOf<int32_t>({1, 2}, {1, 2})), "input 0 ('image'): expected float32, found int32");
  EXPECT_EQ(message(TensorOf<float>({1, 3}, {1, 2, 3})), "input 0 ('image'): expected shape [?, 2], found [1, 3]");
  EXPECT_EQ(message(TensorOf<float>({2}, {1, 2})), "input 0 ('image'): expected shape [?, 2], found [2]");
  EXPECT_EQ(message(Tensor()), "input 0 ('image') is missing");
  EXPECT_EQ(session->Run({}, out, nullptr).message(), "0 inputs given, the model has 1");
  const Tensor in = TensorOf<float>({1, 2}, {1, 2});
  EXPECT_EQ(session->Run({&in, 1}, {}, nullptr).message(), "0 outputs given, the model has 1");
  out[0] = TensorOf<float>({2}, {0, 0});
  EXPECT_EQ(session->Run({&in, 1}, out, nullptr).message(),
            "output 0 ('Twice_0_out') has shape [1, 2], the tensor given for it [2]");
}

TEST_F(RunTest, ObserverSeesEveryValue) {
  const ValueId x = builder_.Input("x", DType::kFloat, {2});
  const ValueId y = builder_.Node1("Twice", {x});
  builder_.Output(builder_.Node1("Twice", {y}));
  auto session = SessionOf(builder_.graph(), {.cpu_target = "", .observe = true});
  const Tensor in = TensorOf<float>({2}, {1, 2});
  std::map<std::string, std::vector<float>> seen;
  const ValueObserver observer = [&](const std::string& name, const Tensor& value) {
    seen[name] = Floats(value);
    return Ok();
  };
  Tensor out[1];
  ASSERT_TRUE(session->Run({&in, 1}, out, nullptr, &observer).ok());
  const std::map<std::string, std::vector<float>> expected = {
      {"x", {1, 2}}, {"Twice_0_out", {2, 4}}, {"Twice_1_out", {4, 8}}};
  EXPECT_EQ(seen, expected);
}

TEST_F(RunTest, Cancelled) {
  const ValueId x = builder_.Input("x", DType::kFloat, {2});
  builder_.Output(builder_.Node1("Twice", {x}));
  auto session = SessionOf(builder_.graph());
  const Tensor in = TensorOf<float>({2}, {1, 2});
  Tensor out[1];
  Cancel cancel;
  cancel.Request();
  EXPECT_EQ(session->Run({&in, 1}, out, &cancel).code(), Code::kCancelled);
  cancel.Reset();
  EXPECT_TRUE(session->Run({&in, 1}, out, &cancel).ok());
}

}  // namespace
}  // namespace octavo
