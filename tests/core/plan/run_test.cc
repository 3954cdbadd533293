#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <map>
#include <thread>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif
#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "core/run/session.h"
#include "tests/core/plan/allocation_count.h"
#include "tests/core/plan/qdq_builder.h"

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

// A small quantized network with a bit of everything that has kernels.
Graph ConvNet() {
  test::QdqBuilder b(3);
  const ValueId x = b.Pair(b.Input("x", DType::kFloat, {Shape::kUnknown, 3, 20, 20}), 0.01f, 128);
  ValueId y = b.Node1("Conv", {x, b.Weights({16, 3, 3, 3}, 0)},
                      {test::Attr("pads", {1, 1, 1, 1}), test::Attr("strides", {2, 2})});
  const ValueId stem = b.Pair(b.Node1("Relu", {y}), 0.01f, 0);
  y = b.Pair(
      b.Node1("Conv", {stem, b.Weights({16, 1, 3, 3}, 0)}, {test::Attr("pads", {1, 1, 1, 1}), test::Attr("group", 16)}),
      0.02f, 100);
  y = b.Pair(b.Node1("Conv", {y, b.Weights({16, 16, 1, 1}, 0)}), 0.02f, 100);
  y = b.Pair(b.Node1("Add", {y, stem}), 0.03f, 90);
  y = b.Pair(b.Node1("HardSwish", {y}), 0.03f, 20);
  y = b.Pair(b.Node1("MaxPool", {y}, {test::Attr("kernel_shape", {2, 2}), test::Attr("strides", {2, 2})}), 0.03f, 20);
  const ValueId scales = b.Constant(TensorOf<float>({4}, {1, 1, 2, 2}));
  y = b.Pair(b.Node1("Resize", {y, kNoValue, scales}, {test::Attr("mode", "linear")}), 0.03f, 20);
  y = b.Pair(b.Node1("GlobalAveragePool", {y}), 0.02f, 20);
  y = b.Node1("Gemm", {b.Node1("Flatten", {y}), b.Weights({16, 10}, 1)});
  b.Output(y);
  return b.graph();
}

Tensor ConvNetInput(int64_t batch) { return test::QdqBuilder(9).RandomTensor({batch, 3, 20, 20}, -1, 1); }

TEST(Session, AllocatesNothingOnceShapesAreKnown) {
  for (const size_t threads : {1, 2}) {
    auto session = SessionOf(ConvNet(), {}, {.threads = threads, .runner = {}, .profile = true});
    const Tensor in = ConvNetInput(2);
    Tensor out[1] = {TensorOf<float>({2, 10}, std::vector<float>(20))};
    ASSERT_TRUE(session->Run({&in, 1}, out, nullptr).ok());
    const uint64_t bytes = TestMemory()->live_bytes();
    const size_t allocations = test::AllocationCount();
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(session->Run({&in, 1}, out, nullptr).ok());
    EXPECT_EQ(test::AllocationCount(), allocations);
    EXPECT_EQ(TestMemory()->live_bytes(), bytes);
    Tensor view[1];  // of session memory: nothing to allocate either
    ASSERT_TRUE(session->Run({&in, 1}, view, nullptr).ok());
    EXPECT_EQ(test::AllocationCount(), allocations);
    EXPECT_EQ(Floats(view[0]), Floats(out[0]));
  }
}

TEST(Session, PlansAreRemembered) {
  auto program = *Program::Create(ConvNet(), {}, TestMemory());
  const Shape one = ConvNetInput(1).shape(), two = ConvNetInput(2).shape();
  const auto first = *program->PlanFor({&one, 1}), second = *program->PlanFor({&two, 1});
  EXPECT_NE(first, second);
  EXPECT_EQ(*program->PlanFor({&one, 1}), first);
  EXPECT_EQ(*program->PlanFor({&two, 1}), second);
}

TEST(Session, PlansShareWeightsAndArenasGoOn) {
  auto session = SessionOf(ConvNet());
  Tensor out[1];
  Tensor in = ConvNetInput(4);
  ASSERT_TRUE(session->Run({&in, 1}, out, nullptr).ok());
  const uint64_t bytes = TestMemory()->live_bytes();
  for (int64_t batch : {3, 2, 1}) {
    out[0] = Tensor();
    in = Tensor();
    const Tensor smaller = ConvNetInput(batch);
    ASSERT_TRUE(session->Run({&smaller, 1}, out, nullptr).ok());
    EXPECT_LE(TestMemory()->live_bytes(), bytes + smaller.bytes() + 8192);
  }
}

TEST(Session, ProfileSaysWhatRan) {
  auto session = SessionOf(ConvNet(), {}, {.threads = 1, .runner = {}, .profile = true});
  const Tensor in = ConvNetInput(1);
  Tensor out[1];
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(session->Run({&in, 1}, out, nullptr).ok());
  double macs = 0;
  for (const StepProfile& step : session->Steps()) {
    EXPECT_EQ(step.runs, 3u) << step.name;
    EXPECT_FALSE(step.name.empty());
    EXPECT_FALSE(step.op.empty()) << step.name;
    EXPECT_FALSE(step.kernel.empty()) << step.name;
    EXPECT_FALSE(step.precision.empty()) << step.name;
    macs += step.macs;
  }
  EXPECT_EQ(macs, 16 * 100 * 27 + 16 * 100 * 9 + 16 * 100 * 16 + 160);
}

#if defined(__SSE2__)
TEST(Session, HostsFloatModesNeitherMatterNorChange) {
  for (const bool quantized : {true, false}) {
    Graph graph = ConvNet();
    if (!quantized) {
      test::QdqBuilder b(4);
      const ValueId x = b.Input("x", DType::kFloat, {Shape::kUnknown, 3, 20, 20});
      const ValueId y = b.Node1("Conv", {x, b.FloatConstant({8, 3, 3, 3}, -1e-20f, 1e-20f)});
      b.Output(b.Node1("Sigmoid", {b.Node1("Mul", {y, b.Scalar(1e-22f)})}));
      b.Output(b.Node1("Mul", {y, b.Scalar(1e-22f)}));  // denormal
      graph = b.graph();
    }
    const Tensor in = ConvNetInput(1);
    for (const size_t threads : {1, 3}) {
      auto session = SessionOf(graph, {}, {.threads = threads, .runner = {}, .profile = false});
      std::vector<Tensor> outputs(graph.outputs.size());
      ASSERT_TRUE(session->Run({&in, 1}, outputs, nullptr).ok());
      std::vector<std::vector<float>> want;
      for (const Tensor& output : outputs) want.push_back(Floats(output));
      const uint32_t saved = _mm_getcsr();
      const uint32_t strange =
          0x1f80 | 0x8040 | 0x4000 | 0x21;  // flush, denormals are zero, round up, two sticky flags
      _mm_setcsr(strange);
      auto other = SessionOf(graph, {}, {.threads = threads, .runner = {}, .profile = false});
      const bool kept_by_create = _mm_getcsr() == strange;
      const Status status = other->Run({&in, 1}, outputs, nullptr);
      const bool kept_by_run = _mm_getcsr() == strange;
      _mm_setcsr(saved);
      EXPECT_TRUE(kept_by_create);
      EXPECT_TRUE(kept_by_run);
      ASSERT_TRUE(status.ok());
      for (size_t i = 0; i < want.size(); ++i) {
        const std::vector<float> got = Floats(outputs[i]);
        EXPECT_EQ(std::memcmp(got.data(), want[i].data(), got.size() * sizeof(float)), 0);
      }
    }
  }
}
#endif

#if defined(__unix__) && !defined(__SANITIZE_THREAD__)
TEST(Session, ForkedSessionsSaySo) {
  const Graph graph = ConvNet();
  auto program = Program::Create(graph, {}, TestMemory());
  auto session = Session::Create(*program, {.threads = 2, .runner = {}, .profile = false});
  const Tensor in = ConvNetInput(1);
  Tensor out[1];
  ASSERT_TRUE((*session)->Run({&in, 1}, out, nullptr).ok());
  const std::vector<float> want = Floats(out[0]);
  const pid_t child = fork();
  if (child == 0) {
    int failures = (*session)->Run({&in, 1}, out, nullptr).code() == Code::kForked ? 0 : 1;
    session->reset();  // quietly
    auto fresh = Session::Create(*program, {.threads = 2, .runner = {}, .profile = false});
    if (!fresh.ok() || !(*fresh)->Run({&in, 1}, out, nullptr).ok() || Floats(out[0]) != want) failures += 2;
    _exit(failures);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ASSERT_TRUE((*session)->Run({&in, 1}, out, nullptr).ok());
  EXPECT_EQ(Floats(out[0]), want);
}
#endif

TEST(Session, RunsOnTheHostsThreads) {
  const Graph graph = ConvNet();
  const Tensor in = ConvNetInput(3);
  Tensor out[1];
  auto alone = SessionOf(graph);
  ASSERT_TRUE(alone->Run({&in, 1}, out, nullptr).ok());
  const std::vector<float> want = Floats(out[0]);
  int forks = 0;
  ParallelRunner runner;
  runner.opaque = &forks;
  runner.run = [](void* opaque, void (*body)(void*, size_t), void* body_opaque, size_t count) {
    ++*static_cast<int*>(opaque);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < count; ++i) threads.emplace_back(body, body_opaque, i);
    for (std::thread& thread : threads) thread.join();
  };
  auto session = SessionOf(graph, {}, {.threads = 3, .runner = runner, .profile = false});
  ASSERT_TRUE(session->Run({&in, 1}, out, nullptr).ok());
  EXPECT_EQ(Floats(out[0]), want);
  EXPECT_GT(forks, 0);
}

TEST(Session, UnknownTargetsAreRefusedByName) {
  auto program = Program::Create(ConvNet(), {.cpu_target = "abacus", .observe = false}, TestMemory());
  EXPECT_EQ(program.status().code(), Code::kNotFound);
  EXPECT_NE(program.status().message().find("abacus"), std::string::npos);
  EXPECT_NE(program.status().message().find("reference"), std::string::npos);
}

TEST(Session, ManyThreadsShareOneProgram) {
  auto program = Program::Create(ConvNet(), {}, TestMemory());
  std::vector<std::vector<float>> want;
  for (int64_t batch = 1; batch <= 3; ++batch) {
    auto session = Session::Create(*program, {});
    const Tensor in = ConvNetInput(batch);
    Tensor out[1];
    ASSERT_TRUE((*session)->Run({&in, 1}, out, nullptr).ok());
    want.push_back(Floats(out[0]));
  }
  auto fresh = Program::Create(ConvNet(), {}, TestMemory());  // its plans are made by whoever comes first
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      auto session =
          Session::Create(*fresh, {.threads = static_cast<size_t>(1 + t % 2), .runner = {}, .profile = false});
      for (int i = 0; i < 20; ++i) {
        const size_t batch = static_cast<size_t>((i + t) % 3);
        const Tensor in = ConvNetInput(static_cast<int64_t>(batch) + 1);
        Tensor out[1];
        if (!(*session)->Run({&in, 1}, out, nullptr).ok() || Floats(out[0]) != want[batch]) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Session, ObserverSeesWhatKernelsMake) {
  const Graph graph = ConvNet();
  const Tensor in = ConvNetInput(2);
  std::map<std::string, std::vector<std::byte>> seen[2];
  for (int i = 0; i < 2; ++i) {
    auto session = SessionOf(graph, {.cpu_target = i == 0 ? "reference" : "", .observe = true});
    const ValueObserver observer = [&](const std::string& name, const Tensor& value) {
      const std::byte* bytes = static_cast<const std::byte*>(value.raw());
      EXPECT_TRUE(seen[i].emplace(name, std::vector<std::byte>(bytes, bytes + value.bytes())).second) << name;
      return Ok();
    };
    Tensor out[1];
    ASSERT_TRUE(session->Run({&in, 1}, out, nullptr, &observer).ok());
  }
  for (const Node& node : graph.nodes) {
    if (graph.values[node.inputs[0]].constant) continue;  // weights behind DequantizeLinear
    for (ValueId v : node.outputs) EXPECT_TRUE(seen[0].count(graph.values[v].name)) << graph.values[v].name;
  }
  EXPECT_TRUE(seen[0] == seen[1]);
}

}  // namespace
}  // namespace octavo
