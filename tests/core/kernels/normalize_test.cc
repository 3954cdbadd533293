// Softmax and normalization of rows by vectors against the operators' rows, bit by bit.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "core/graph/operator.h"
#include "core/kernels/kernels.h"
#include "core/ops/table.h"

namespace octavo {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kGuard = 12345.0f;

using Floats = std::vector<float>;

class Case {
 public:
  explicit Case(uint32_t seed) : random(seed) {
    rows = Below(4) + 1, n = Below(seed % 10 == 0 ? 800 : 70) + 1;
    x.resize(rows * n);
    for (float& v : x) v = Uniform(12);
    if (seed % 4 == 1) {
      for (float& v : x) v = std::ldexp(v, static_cast<int>(Below(40)) - 20);
    }
    if (seed % 4 == 2) {
      for (float special : {kInf, -kInf, kNan, -kNan, 0.0f, -0.0f, 1e-42f, -3e38f, -1e9f}) x[Below(x.size())] = special;
    }
    if (seed % 8 == 3) std::fill_n(x.begin(), n, seed % 16 == 3 ? -kInf : -0.0f);  // all masked
  }

  float Uniform(float most) { return std::uniform_real_distribution<float>(-most, most)(random); }
  size_t Below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random); }
  Floats Parameter() {
    Floats values(n);
    for (float& v : values) v = Uniform(3);
    return values;
  }

  // kernel(table, x, y) gives what `op` gives for x and the parameters, elsewhere and in place, and writes nothing
  // else.
  template <typename Kernel>
  void Check(const char* op, std::vector<Attribute> attributes, const std::vector<Floats>& parameters, Kernel kernel) {
    const Floats want = Reference(op, std::move(attributes), parameters);
    for (const char* target : KernelTargets()) {
      Floats y(x.size() + 64, kGuard), both = y;
      std::copy(x.begin(), x.end(), both.begin());
      kernel(*FindKernels(target), x.data(), y.data());
      kernel(*FindKernels(target), both.data(), both.data());
      for (const Floats& got : {y, both}) {
        for (size_t i = 0; i < got.size(); ++i) {
          const float w = i < want.size() ? want[i] : kGuard;
          ASSERT_EQ(std::memcmp(&got[i], &w, sizeof(w)), 0) << op << " on " << target << ", " << rows << " x " << n
                                                            << ", at " << i << ": " << got[i] << ", not " << w;
        }
      }
    }
  }

  std::mt19937 random;
  size_t rows, n;
  Floats x;

 private:
  Floats Reference(const char* op, std::vector<Attribute> attributes, const std::vector<Floats>& parameters) const {
    const auto memory = std::make_shared<Memory>();
    const auto length = static_cast<int64_t>(n);
    Node node;
    node.op_type = op;
    node.op = FindOperator("", op);
    node.attributes = std::move(attributes);
    std::vector<Tensor> inputs = {*Tensor::Of<float>(memory, Shape{static_cast<int64_t>(rows), length}, x)}, outputs;
    for (const Floats& p : parameters) inputs.push_back(*Tensor::Of<float>(memory, Shape{length}, p));
    for (size_t i = 0; i < inputs.size(); ++i) node.inputs.push_back(static_cast<ValueId>(i));
    node.outputs = {static_cast<ValueId>(inputs.size())};
    EXPECT_TRUE(EvaluateNode(node, kNewestOpset, inputs, memory, &outputs).ok());
    const auto values = outputs[0].data<float>();
    return Floats(values.begin(), values.end());
  }
};

TEST(Normalize, SoftmaxEqualsTheRow) {
  if (!FindKernels("")->fsoftmax) GTEST_SKIP() << "this machine has no vectors of doubles";
  for (uint32_t seed = 0; seed < 300 && !HasFailure(); ++seed) {
    Case c(seed);
    c.Check("Softmax", {}, {},
            [&](const KernelTable& table, const float* x, float* y) { table.fsoftmax(x, y, c.rows, c.n); });
  }
}

TEST(Normalize, LayerAndRmsEqualTheRows) {
  for (uint32_t seed = 0; seed < 300 && !HasFailure(); ++seed) {
    Case c(seed);
    const bool centred = c.Below(2) != 0;
    std::vector<Floats> parameters = {c.Parameter()};
    if (centred && c.Below(2)) parameters.push_back(c.Parameter());
    FLayerNormArgs args;
    args.rows = c.rows, args.n = c.n, args.centred = centred;
    args.scale = parameters[0].data();
    if (parameters.size() > 1) args.bias = parameters[1].data();
    args.epsilon = c.Below(2) ? 1e-5f : 1e-12f;
    c.Check(centred ? "LayerNormalization" : "RMSNormalization", {{"epsilon", args.epsilon}}, parameters,
            [&](const KernelTable& table, const float* x, float* y) {
              args.x = x, args.y = y;
              table.flayer_norm(args);
            });
  }
}

// Pixels with room between them and lines with room behind them, against planes.
TEST(Normalize, InstanceEqualsTheRow) {
  const auto memory = std::make_shared<Memory>();
  for (uint32_t seed = 0; seed < 200 && !HasFailure(); ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
    const size_t lines = 1 + below(9), columns = 1 + below(9), channels = 1 + below(70), plane = lines * columns;
    const size_t pixel = channels + below(3), line = columns * pixel + below(5);
    const auto values = [&](size_t n) {
      Floats v(n);
      for (float& x : v) x = std::uniform_real_distribution<float>(-3, 3)(random);
      return v;
    };
    Floats planes = values(channels * plane), scale = values(channels), bias = values(channels);
    if (seed % 7 == 0) planes[below(planes.size())] = std::nanf("");
    if (seed % 5 == 0) std::fill_n(planes.begin(), plane, 0.25f);  // no variance
    const float epsilon = seed % 5 == 1 ? 0.0f : 1e-5f;
    Node node;
    node.op_type = "InstanceNormalization";
    node.op = FindOperator("", node.op_type);
    node.attributes = {{"epsilon", epsilon}};
    node.inputs = {0, 1, 2}, node.outputs = {3};
    const auto count = [](size_t n) { return static_cast<int64_t>(n); };
    const std::vector<Tensor> inputs = {
        *Tensor::Of<float>(memory, Shape{1, count(channels), count(lines), count(columns)}, planes),
        *Tensor::Of<float>(memory, Shape{count(channels)}, scale),
        *Tensor::Of<float>(memory, Shape{count(channels)}, bias)};
    std::vector<Tensor> outputs;
    ASSERT_TRUE(EvaluateNode(node, kNewestOpset, inputs, memory, &outputs).ok());
    const auto at = [&](size_t c, size_t i) { return i / columns * line + i % columns * pixel + c; };
    Floats x(lines * line + 64, 7.0f), want(lines * line, 9.0f);
    for (size_t c = 0; c < channels; ++c) {
      for (size_t i = 0; i < plane; ++i) {
        x[at(c, i)] = planes[c * plane + i];
        want[at(c, i)] = outputs[0].data<float>()[c * plane + i];
      }
    }
    for (const char* target : KernelTargets()) {
      Floats y(lines * line, 9.0f);
      FInstanceNormArgs args;
      args.x = x.data(), args.y = y.data();
      args.x_line = args.y_line = count(line * sizeof(float));
      args.x_column = args.y_column = count(pixel * sizeof(float));
      args.lines = lines, args.columns = columns, args.channels = channels;
      args.scale = scale.data(), args.bias = bias.data(), args.epsilon = epsilon;
      const size_t cut = below(channels / 16 + 1) * 16;
      FindKernels(target)->finstance_norm(args, 0, cut);
      FindKernels(target)->finstance_norm(args, cut, channels);
      ASSERT_EQ(std::memcmp(y.data(), want.data(), want.size() * sizeof(float)), 0)
          << target << ": " << channels << " channels, " << lines << " x " << columns;
    }
  }
}

}  // namespace
}  // namespace octavo
