// Softmax and normalization of rows by vectors against the operators' rows, bit by bit.
#include <limits>

#include "core/graph/operator.h"
#include "core/ops/table.h"
#include "tests/core/kernels/kernel_testing.h"

namespace octavo {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Result 0 of `op` on rows of n, which `x` holds, and parameters of n.
Buffer<float> ByTheRow(const char* op, std::vector<Attribute> attributes, const Buffer<float>& x, size_t n,
                       const std::vector<const Buffer<float>*>& parameters) {
  const auto memory = std::make_shared<Memory>();
  Node node;
  node.op_type = op;
  node.op = FindOperator("", op);
  node.attributes = std::move(attributes);
  const auto rows = static_cast<int64_t>(x.size() / n);
  std::vector<Tensor> inputs = {*Tensor::Of<float>(memory, Shape{rows, static_cast<int64_t>(n)},
                                                   std::vector<float>(x.data(), x.data() + x.size()))};
  for (const Buffer<float>* p : parameters) {
    inputs.push_back(
        *Tensor::Of<float>(memory, Shape{static_cast<int64_t>(n)}, std::vector<float>(p->data(), p->data() + n)));
  }
  for (size_t i = 0; i < inputs.size(); ++i) node.inputs.push_back(static_cast<ValueId>(i));
  node.outputs = {static_cast<ValueId>(inputs.size())};
  std::vector<Tensor> outputs;
  EXPECT_TRUE(EvaluateNode(node, kNewestOpset, inputs, memory, &outputs).ok());
  Buffer<float> result(x.size());
  std::memcpy(result.data(), outputs[0].raw(), x.size() * sizeof(float));
  return result;
}

// Rows of scores or activations; now and then with what is not a number, or masked as attention does.
Buffer<float> Rows(Random& random, size_t rows, size_t n, unsigned seed) {
  Buffer<float> x(rows * n);
  for (size_t i = 0; i < x.size(); ++i) x[i] = random.Float(-12, 12);
  if (seed % 4 == 1) random.FillFloat(x.data(), x.size(), 8);
  if (seed % 4 == 2) {
    for (const float special : {kInf, -kInf, kNan, -kNan, 0.0f, -0.0f, 1e-42f, -3e38f, -1e9f}) {
      x[random.Int(0, x.size() - 1)] = special;
    }
  }
  if (seed % 8 == 3) std::fill_n(x.data(), n, seed % 16 == 3 ? -kInf : -0.0f);
  return x;
}

TEST(Normalize, SoftmaxEqualsTheRow) {
  for (unsigned seed = 0; seed < 300 && !HasFailure(); ++seed) {
    Random random(seed);
    const size_t rows = random.Int(1, 4), n = random.Int(1, seed % 10 == 0 ? 800 : 70);
    const Buffer<float> x = Rows(random, rows, n, seed);
    const Buffer<float> want = ByTheRow("Softmax", {}, x, n, {});
    ForEachTable([&](const KernelTable& table) {
      if (!table.fsoftmax) return;
      Buffer<float> y(x.size()), both(x);
      table.fsoftmax(x.data(), y.data(), rows, n);
      EXPECT_EQ(y.Difference(want), "") << rows << " x " << n;
      table.fsoftmax(both.data(), both.data(), rows, n);
      EXPECT_EQ(both.Difference(want), "") << rows << " x " << n << " in place";
    });
  }
}

TEST(Normalize, LayerAndRmsEqualTheRows) {
  for (unsigned seed = 0; seed < 300 && !HasFailure(); ++seed) {
    Random random(seed);
    const size_t rows = random.Int(1, 4), n = random.Int(1, seed % 10 == 0 ? 800 : 70);
    const Buffer<float> x = Rows(random, rows, n, seed);
    Buffer<float> scale(n), bias(n);
    random.FillFloat(scale.data(), n, 2);
    random.FillFloat(bias.data(), n, 2);
    FLayerNormArgs args;
    args.rows = rows, args.n = n, args.scale = scale.data();
    args.epsilon = random.Coin() ? 1e-5f : 1e-12f;
    args.centred = random.Coin();
    if (args.centred && random.Coin()) args.bias = bias.data();
    std::vector<const Buffer<float>*> parameters = {&scale};
    if (args.bias) parameters.push_back(&bias);
    const Buffer<float> want = ByTheRow(args.centred ? "LayerNormalization" : "RMSNormalization",
                                        {{"epsilon", args.epsilon}}, x, n, parameters);
    ForEachTable([&](const KernelTable& table) {
      Buffer<float> y(x.size()), both(x);
      args.x = x.data(), args.y = y.data();
      table.flayer_norm(args);
      EXPECT_EQ(y.Difference(want), "") << rows << " x " << n;
      args.x = args.y = both.data();
      table.flayer_norm(args);
      EXPECT_EQ(both.Difference(want), "") << rows << " x " << n << " in place";
    });
  }
}

}  // namespace
}  // namespace octavo
