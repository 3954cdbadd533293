// Random networks, float and quantized: every instruction set and every number of threads gives the bytes that the
// rows' own scalar arithmetic gives.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <sstream>

#include "core/kernels/kernels.h"
#include "core/plan/plan.h"
#include "core/run/session.h"
#include "tests/core/plan/qdq_builder.h"

namespace octavo {
namespace {

using test::Attr;
using test::QdqBuilder;
using test::TestMemory;

// Grows a network of layers on a current value [N, C, H, W].
class RandomNetwork {
 public:
  RandomNetwork(uint32_t seed, bool quantized) : b_(seed), quantized_(quantized) {
    dtype_ = b_.Below(3) == 0 ? DType::kInt8 : DType::kUInt8;
    channels_ = b_.Between(1, 12);
    size_ = b_.Between(7, 19);
    input_ = Shape{Shape::kUnknown, channels_, size_, b_.Below(2) ? size_ : Shape::kUnknown};
    current_ = Quantize(b_.Input("x", DType::kFloat, input_), 2);
    const int layers = b_.Between(3, 9);
    for (int i = 0; i < layers && size_ > 1; ++i) AddLayer();
    if (b_.Below(2)) b_.Output(current_);
    Finish();
  }

  const Graph& graph() { return b_.graph(); }
  Tensor Input(int64_t batch) {
    Shape shape = input_;
    shape[0] = batch;
    if (shape[3] == Shape::kUnknown) shape[3] = shape[2] + 3;
    return b_.RandomTensor(shape, -2, 2);
  }

 private:
  ValueId Quantize(ValueId v, float range) { return quantized_ ? b_.RandomPair(v, range, dtype_) : v; }
  ValueId Weights(const Shape& shape, int axis) {
    const float scale = 4.0f / static_cast<float>(shape.Elements() / shape[axis]);
    return quantized_ ? b_.Weights(shape, axis, scale / 64) : b_.FloatConstant(shape, -scale, scale);
  }
  ValueId Activation(ValueId v, int channels) {
    switch (b_.Below(6)) {
      case 0:
        return b_.Node1("Relu", {v});
      case 1:
        return b_.Node1("Clip", {v, b_.Scalar(0.0f), b_.Scalar(1.5f)});
      case 2:
        return b_.Node1("PRelu", {v, b_.FloatConstant({channels, 1, 1}, -0.5f, 0.5f)});
      case 3:
        return b_.Node1("LeakyRelu", {v}, {Attr("alpha", 0.1f)});
      default:
        return v;
    }
  }

  ValueId Conv(ValueId v, int outputs, int kernel, int stride, int group, bool activation = true) {
    std::vector<ValueId> args = {v, Weights({outputs, channels_ / group, kernel, kernel}, 0)};
    if (b_.Below(4)) args.push_back(b_.FloatConstant({outputs}, -0.3f, 0.3f));
    const int pad = b_.Below(3) ? kernel / 2 : 0;
    std::vector<Attribute> attributes = {Attr("group", group), Attr("strides", {stride, stride})};
    if (b_.Below(5) == 0) {
      attributes.push_back(Attr("auto_pad", b_.Below(2) ? "SAME_UPPER" : "SAME_LOWER"));
    } else {
      attributes.push_back(Attr("pads", {pad, pad, pad, b_.Below(4) ? pad : 0}));
    }
    ValueId y = b_.Node1("Conv", args, attributes);
    if (activation) y = Activation(y, outputs);
    return Quantize(y, 1);
  }

  ValueId BatchNorm(ValueId v) {
    const Shape c{channels_};
    const ValueId scale = b_.FloatConstant(c, -1, 1), bias = b_.FloatConstant(c, -1, 1);
    const ValueId mean = b_.FloatConstant(c, -1, 1), variance = b_.FloatConstant(c, 0.3f, 2);
    return Activation(b_.Node1("BatchNormalization", {v, scale, bias, mean, variance}), channels_);
  }

  void AddLayer() {
    const ValueId x = current_;
    const int kernel = size_ >= 5 ? 2 * b_.Below(3) + 1 : 1;
    switch (b_.Below(12)) {
      case 0:
      case 1: {  // plain
        const int outputs = b_.Between(1, 70), stride = b_.Between(1, 2);
        current_ = Conv(x, outputs, kernel, stride, 1);
        channels_ = outputs;
        break;
      }
      case 2: {  // grouped
        const int group = b_.Between(2, 4);
        const int wide = group * b_.Between(1, 6);
        current_ = Conv(x, wide, 1, 1, 1);
        channels_ = wide;
        const int outputs = group * b_.Between(1, 6);
        current_ = Conv(current_, outputs, kernel, 1, group);
        channels_ = outputs;
        break;
      }
      case 3: {  // depthwise
        current_ = Conv(x, channels_, kernel, b_.Between(1, 2), channels_);
        break;
      }
      case 4: {  // residual
        const int before = channels_;
        const int outputs = b_.Between(1, 40);
        ValueId y = Conv(x, outputs, 1, 1, 1);
        channels_ = outputs;
        y = Conv(y, before, 1, 1, 1, false);
        channels_ = before;
        const bool swap = b_.Below(2) != 0;
        current_ = Quantize(Activation(b_.Node1("Add", swap ? std::vector{x, y} : std::vector{y, x}), channels_), 1.5f);
        break;
      }
      case 5: {  // branches joined, perhaps joined again
        const int a = b_.Between(1, 20), c = b_.Between(1, 20);
        const ValueId left = Conv(x, a, 1, 1, 1), right = Conv(x, c, 1, 1, 1);
        current_ = Quantize(b_.Node1("Concat", {left, right}, {Attr("axis", 1)}), 1);
        channels_ = a + c;
        if (b_.Below(2)) {
          current_ = Quantize(b_.Node1("Concat", {x, current_, left}, {Attr("axis", 1)}), 1);
          channels_ = static_cast<int>((*b_.value(x).shape)[1]) + 2 * a + c;
        }
        break;
      }
      case 6: {  // pools
        const char* op = b_.Below(2) ? "MaxPool" : "AveragePool";
        std::vector<Attribute> attributes = {Attr("kernel_shape", {2, 3}), Attr("strides", {b_.Between(1, 2), 1}),
                                             Attr("pads", {0, 1, b_.Below(2), 1})};
        if (size_ < 4) return;
        if (b_.Below(2)) attributes.push_back(Attr("ceil_mode", 1));
        current_ = Quantize(b_.Node1(op, {x}, attributes), 1.5f);
        break;
      }
      case 7: {  // squeeze and excite
        ValueId s = Quantize(b_.Node1("GlobalAveragePool", {x}), 1);
        s = Conv(s, channels_, 1, 1, 1);
        s = Quantize(b_.Node1("Sigmoid", {s}), 1);
        current_ = Quantize(b_.Node1("Mul", b_.Below(2) ? std::vector{x, s} : std::vector{s, x}), 1);
        break;
      }
      case 8: {  // a function
        ValueId y = b_.Below(2) ? b_.Node1("Mul", {x, b_.Node1("Sigmoid", {x})}) : b_.Node1("HardSwish", {x});
        current_ = Quantize(y, 1);
        break;
      }
      case 9: {  // shuffle
        if (channels_ % 2 != 0) return;
        const std::vector<ValueId> halves = b_.Nodes("Split", {x}, 2, {Attr("axis", 1), Attr("num_outputs", 2)});
        channels_ /= 2;
        const ValueId y = Conv(halves[1], channels_, 1, 1, 1);
        channels_ *= 2;
        current_ = Quantize(b_.Node1("Concat", {halves[0], y}, {Attr("axis", 1)}), 1);
        break;
      }
      case 10: {  // densely connected: each layer reads all before it
        std::vector<ValueId> parts = {x};
        int all = channels_;
        for (int i = b_.Between(2, 4); i > 0; --i) {
          ValueId y = Quantize(b_.Node1("Concat", parts, {Attr("axis", 1)}), 2);
          channels_ = all;
          if (b_.Below(3)) y = Quantize(BatchNorm(y), 2);
          const int more = b_.Between(1, 20);
          parts.push_back(Conv(y, more, 1, 1, 1));
          all += more;
        }
        if (b_.Below(3) == 0) std::swap(parts[0], parts[1]);
        current_ = Quantize(b_.Node1("Concat", parts, {Attr("axis", 1)}), 2);
        channels_ = all;
        break;
      }
      default: {
        current_ = Quantize(BatchNorm(x), 2);
      }
    }
    const Shape& shape = *b_.value(current_).shape;
    size_ = static_cast<int>(shape[3] == Shape::kUnknown ? shape[2] : std::min(shape[2], shape[3]));
  }

  void Finish() {
    ValueId y = current_;
    if (b_.Below(3) == 0) {
      y = Quantize(b_.Node1("ReduceMean", {y, b_.Ints({2, 3})}, {Attr("keepdims", 0)}), 1);
    } else {
      y = Quantize(b_.Node1("GlobalAveragePool", {y}), 1);
      y = b_.Node1("Flatten", {y});
    }
    const int classes = b_.Between(1, 80);
    y = b_.Node1("Gemm", {y, Weights({classes, channels_}, 0), b_.FloatConstant({classes}, -1, 1)},
                 {Attr("transB", 1)});
    if (b_.Below(2)) y = Quantize(y, 2);
    b_.Output(y);
    b_.Output(b_.Node1("Softmax", {y}));
  }

  QdqBuilder b_;
  const bool quantized_;
  DType dtype_;
  int channels_, size_;
  Shape input_;
  ValueId current_;
};

// Attention blocks on [N, T, D].
class RandomTransformer {
 public:
  RandomTransformer(uint32_t seed, bool quantized) : b_(seed + 1000), quantized_(quantized) {
    heads_ = b_.Between(1, 3);
    size_ = b_.Between(1, 20);
    tokens_ = b_.Between(1, 30);
    const int width = heads_ * size_;
    input_ = Shape{Shape::kUnknown, b_.Below(2) ? tokens_ : Shape::kUnknown, width};
    ValueId x = Quantize(b_.Input("x", DType::kFloat, input_), 2);
    for (int i = b_.Between(1, 2); i > 0; --i) x = FeedForward(Attention(x));
    b_.Output(x);
  }

  const Graph& graph() { return b_.graph(); }
  Tensor Input(int64_t batch) { return b_.RandomTensor({batch, tokens_, input_[2]}, -2, 2); }

 private:
  ValueId Quantize(ValueId v, float range) { return quantized_ ? b_.RandomPair(v, range) : v; }
  // Where this tool or that leaves floats between.
  ValueId Maybe(ValueId v, float range) { return b_.Below(2) ? Quantize(v, range) : v; }

  ValueId Linear(ValueId v, int from, int to) {
    const float scale = 3.0f / std::sqrt(static_cast<float>(from));
    const ValueId w = quantized_ ? b_.Weights({from, to}, 1, scale / 127) : b_.FloatConstant({from, to}, -scale, scale);
    ValueId y = b_.Node1("MatMul", {v, w});
    if (b_.Below(3)) y = b_.Node1("Add", {y, b_.FloatConstant({to}, -0.3f, 0.3f)});
    return y;
  }
  ValueId Heads(ValueId v) {
    const ValueId split = b_.Node1("Reshape", {v, b_.Ints({0, -1, heads_, size_})});
    return b_.Node1("Transpose", {split}, {Attr("perm", {0, 2, 1, 3})});
  }
  ValueId Normalize(ValueId v) {
    const int width = heads_ * size_;
    const ValueId scale = b_.FloatConstant({width}, 0.5f, 1.5f), bias = b_.FloatConstant({width}, -0.5f, 0.5f);
    if (b_.Below(2)) return b_.Node1("LayerNormalization", {v, scale, bias});
    const ValueId centred = b_.Node1("Sub", {v, b_.Node1("ReduceMean", {v, b_.Ints({-1})})});
    const ValueId squares = b_.Node1("Mul", {centred, centred});
    const ValueId variance = b_.Node1("ReduceMean", {squares, b_.Ints({-1})});
    const ValueId root = b_.Node1("Sqrt", {b_.Node1("Add", {variance, b_.Scalar(1e-5f)})});
    return b_.Node1("Add", {b_.Node1("Mul", {b_.Node1("Div", {centred, root}), scale}), bias});
  }
  ValueId Attention(ValueId x) {
    const int width = heads_ * size_;
    const ValueId q = Maybe(Heads(Maybe(Linear(x, width, width), 2)), 2);
    const ValueId k = Maybe(Linear(x, width, width), 2), v = Maybe(Linear(x, width, width), 2);
    const ValueId keys = b_.Node1("Reshape", {k, b_.Ints({0, -1, heads_, size_})});
    const ValueId turned = b_.Node1("Transpose", {keys}, {Attr("perm", {0, 2, 3, 1})});
    ValueId scores = Maybe(b_.Node1("MatMul", {q, Maybe(turned, 2)}), 4);
    scores = b_.Node1("Mul", {scores, b_.Scalar(0.3f)});
    const ValueId weights = Maybe(b_.Node1("Softmax", {scores}), 1);
    const ValueId mixed = Maybe(b_.Node1("MatMul", {weights, Heads(v)}), 2);
    const ValueId joined = b_.Node1("Transpose", {mixed}, {Attr("perm", {0, 2, 1, 3})});
    const ValueId flat = Maybe(b_.Node1("Reshape", {joined, b_.Ints({0, -1, width})}), 2);
    return Quantize(Normalize(b_.Node1("Add", {x, Maybe(Linear(flat, width, width), 2)})), 3);
  }
  ValueId Function(ValueId v) {
    const int kind = b_.Below(4);
    if (kind < 2) return b_.Node1(kind == 0 ? "Gelu" : "Tanh", {v});
    const ValueId erf = b_.Node1("Erf", {b_.Node1("Div", {v, b_.Scalar(1.41421354f)})});
    const ValueId gate = b_.Node1("Add", {erf, b_.Scalar(kind == 2 ? 1.0f : 1.5f)});
    const ValueId twice = b_.Node1("Mul", b_.Below(2) ? std::vector{v, gate} : std::vector{gate, v});
    return b_.Node1("Mul", {twice, b_.Scalar(0.5f)});
  }
  ValueId FeedForward(ValueId x) {
    const int width = heads_ * size_, wide = b_.Between(1, 40);
    ValueId y = Maybe(Linear(x, width, wide), 3);
    y = Maybe(Function(y), 3);
    y = Maybe(Linear(y, wide, width), 3);
    return Quantize(Normalize(b_.Node1("Add", {y, x})), 3);
  }

  QdqBuilder b_;
  const bool quantized_;
  int heads_, size_, tokens_;
  Shape input_;
};

std::vector<Tensor> RunOn(const Graph& graph, const std::string& target, size_t threads,
                          std::span<const Tensor> inputs) {
  std::vector<Tensor> all;
  auto program = Program::Create(graph, {.cpu_target = target, .observe = false}, TestMemory());
  EXPECT_TRUE(program.ok()) << program.status().message();
  if (!program.ok()) return all;
  SessionOptions options;
  options.threads = threads;
  auto session = Session::Create(*program, options);
  for (const Tensor& input : inputs) {
    std::vector<Tensor> outputs(graph.outputs.size());
    const Status status = (*session)->Run({&input, 1}, outputs, nullptr);
    EXPECT_TRUE(status.ok()) << status.message();
    if (!status.ok()) return all;
    for (const Tensor& output : outputs) {  // views of session memory
      Tensor copy = *Tensor::Create(TestMemory(), output.dtype(), output.shape());
      if (output.bytes() != 0) std::memcpy(copy.mutable_raw(), output.raw(), output.bytes());
      all.push_back(copy);
    }
  }
  return all;
}

std::string FirstDifference(const Tensor& want, const Tensor& got) {
  if (want.dtype() != DType::kFloat) return "";
  for (size_t i = 0; i < static_cast<size_t>(want.elements()); ++i) {
    const float w = want.data<float>()[i], g = got.data<float>()[i];
    if (std::memcmp(&w, &g, sizeof(w)) != 0) {
      std::ostringstream text;
      text << ", at " << i << " want " << std::hexfloat << w << ", got " << g;
      return text.str();
    }
  }
  return "";
}

void ExpectEqual(const std::vector<Tensor>& want, const std::vector<Tensor>& got, const std::string& what) {
  ASSERT_EQ(want.size(), got.size()) << what;
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_EQ(want[i].shape().ToString(), got[i].shape().ToString()) << what;
    ASSERT_EQ(std::memcmp(want[i].raw(), got[i].raw(), want[i].bytes()), 0)
        << what << ", output " << i << " " << want[i].shape().ToString() << FirstDifference(want[i], got[i]);
  }
}

// Where two targets part, all values being outputs. (That forbids some fusion, so it may be nowhere.)
std::string FirstDifference(const Graph& graph, const std::string& target, size_t threads,
                            std::span<const Tensor> inputs) {
  Graph all = graph;
  all.outputs.clear();
  for (const Node& node : graph.nodes) {
    for (ValueId v : node.outputs) all.outputs.push_back(v);
  }
  const std::vector<Tensor> want = RunOn(all, "reference", 1, inputs), got = RunOn(all, target, threads, inputs);
  for (size_t i = 0; i < want.size() && i < got.size(); ++i) {
    if (std::memcmp(want[i].raw(), got[i].raw(), want[i].bytes()) == 0) continue;
    return "\nfirst in " + graph.values[all.outputs[i % all.outputs.size()]].name + FirstDifference(want[i], got[i]);
  }
  return "";
}

class NetworksEqual : public ::testing::TestWithParam<bool> {};

// Overwrites one element in `every` by what arithmetic may choke on.
void Sprinkle(Tensor& x, uint32_t seed, int64_t every) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const float specials[] = {inf, -inf, nan, -nan, -0.0f, std::numeric_limits<float>::max(), 1e-40f};
  for (int64_t i = seed % every; i < x.elements(); i += every) {
    x.mutable_data<float>()[static_cast<size_t>(i)] = specials[(seed + static_cast<uint32_t>(i)) % std::size(specials)];
  }
}

template <typename Network>
void CompareTargets(bool quantized, bool specials = false) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    Network network(seed, quantized);
    if (::testing::Test::HasFailure()) FAIL() << "seed " << seed;
    Tensor inputs[] = {network.Input(1), network.Input(3), network.Input(1)};
    if (specials) {
      for (Tensor& input : inputs) Sprinkle(input, seed, 97);
    }
    const std::vector<Tensor> want = RunOn(network.graph(), "reference", 1, inputs);
    const auto targets = KernelTargets();
    for (size_t t = 0; t < targets.size(); ++t) {
      if (t != seed % targets.size() && t != 0) continue;  // the best one, and each of the others in turn
      const size_t threads[] = {1, 2, 3, 8};
      const size_t n = threads[(seed + t) % 4];
      ExpectEqual(want, RunOn(network.graph(), targets[t], n, inputs),
                  "seed " + std::to_string(seed) + ", " + targets[t] + ", threads " + std::to_string(n));
      if (::testing::Test::HasFatalFailure()) FAIL() << FirstDifference(network.graph(), targets[t], n, inputs);
    }
  }
}

TEST_P(NetworksEqual, Images) { CompareTargets<RandomNetwork>(GetParam()); }
TEST_P(NetworksEqual, Sequences) { CompareTargets<RandomTransformer>(GetParam()); }

TEST(NetworksEqualOnSpecials, Images) { CompareTargets<RandomNetwork>(false, true); }
TEST(NetworksEqualOnSpecials, QuantizedImages) { CompareTargets<RandomNetwork>(true, true); }
TEST(NetworksEqualOnSpecials, Sequences) { CompareTargets<RandomTransformer>(false, true); }

// A graph that reads images, any number at once.
class ImageNetwork {
 public:
  const Graph& graph() { return b_.graph(); }
  Tensor Input(int64_t batch) {
    Shape shape = input_;
    shape[0] = batch;
    return b_.RandomTensor(shape, least_, 2);
  }

 protected:
  explicit ImageNetwork(uint32_t seed, float least = -2) : b_(seed), least_(least) {}

  QdqBuilder b_;
  Shape input_;

 private:
  const float least_;  // of the images
};

// Convolutions whose padding is zero leave out the taps that meet it.
class PaddedNetwork : public ImageNetwork {
 public:
  explicit PaddedNetwork(uint32_t seed) : ImageNetwork(seed + 2000, 0) {
    const int group = b_.Below(4) ? 1 : 2;
    const int inputs = group * b_.Between(1, 9), outputs = group * b_.Between(1, 40);
    const int height = b_.Between(3, 12), width = b_.Between(3, 12);
    const int kh = b_.Between(1, 5), kw = b_.Between(1, 5), dilation = b_.Below(3) ? 1 : 2;
    input_ = Shape{Shape::kUnknown, inputs, height, width};
    const ValueId x = b_.Pair(b_.Input("x", DType::kFloat, input_), 0.01f, 0);
    const std::vector<Attribute> attributes = {
        Attr("group", group), Attr("strides", {b_.Between(1, 2), b_.Between(1, 2)}),
        Attr("dilations", {dilation, dilation}),
        Attr("pads", {b_.Between(1, kh) * dilation, b_.Between(1, kw) * dilation, b_.Between(1, kh) * dilation,
                      b_.Between(1, kw) * dilation})};
    const auto conv = [&] {
      const ValueId w = b_.Weights({outputs, inputs / group, kh, kw}, 0, 0.02f);
      return b_.Pair(b_.Node1("Conv", {x, w, b_.FloatConstant({outputs}, -1, 1)}, attributes), 0.03f, 90);
    };
    const ValueId y = conv();
    b_.Output(y);
    b_.Output(b_.Pair(b_.Node1("Add", {conv(), y}), 0.05f, 100));
  }
};

// Convolutions of few channels a group: float, and quantized with every kind of result.
class GroupedNetwork : public ImageNetwork {
 public:
  explicit GroupedNetwork(uint32_t seed) : ImageNetwork(seed + 3000) {
    const int widths[] = {1, 1, 1, 2, 3, 4, 8};
    const int group = b_.Between(2, 40), in = widths[b_.Below(7)], out = widths[b_.Below(7)];
    const int kh = b_.Between(1, 7), kw = b_.Between(1, 7), dilation = b_.Below(3) ? 1 : 2;
    inputs_ = group * in, outputs_ = group * out;
    w_shape_ = Shape{outputs_, in, kh, kw};
    const int height = b_.Between((kh - 1) * dilation + 1, 16), width = b_.Between((kw - 1) * dilation + 1, 16);
    input_ = Shape{Shape::kUnknown, inputs_, height, width};
    attributes_ = {Attr("group", group), Attr("strides", {b_.Between(1, 2), b_.Between(1, 2)}),
                   Attr("dilations", {dilation, dilation}),
                   Attr("pads", {b_.Below(kh + 1), b_.Below(kw + 1), b_.Below(kh + 1), b_.Below(kw + 1)})};
    const ValueId x = b_.Input("x", DType::kFloat, input_);
    const ValueId q = b_.Pair(x, 0.02f, b_.Below(2) ? 0 : 120);
    b_.Output(b_.Node1("Conv", {x, b_.FloatConstant(w_shape_, -0.2f, 0.2f), Bias()}, attributes_));
    const ValueId bytes = b_.Pair(Conv(q), 0.03f, 90);
    b_.Output(bytes);
    b_.Output(b_.Node1("Relu", {Conv(q)}));
    b_.Output(b_.Pair(b_.Node1("Add", {Conv(q), bytes}), 0.05f, 100));
    b_.Output(Dynamic(x));
  }

 private:
  ValueId Bias() { return b_.FloatConstant({outputs_}, -1, 1); }
  ValueId Conv(ValueId x) { return b_.Node1("Conv", {x, b_.Weights(w_shape_, 0, 0.02f), Bias()}, attributes_); }
  ValueId Dynamic(ValueId x) {
    const std::vector<ValueId> q = b_.Nodes("DynamicQuantizeLinear", {x}, 3);
    const auto size = static_cast<size_t>(w_shape_.Elements());
    const ValueId w = b_.Constant(test::TensorOf<int8_t>(w_shape_, b_.Integers<int8_t>(size, -127, 127)));
    const ValueId sums = b_.Node1("ConvInteger", {q[0], w, q[2]}, attributes_);
    const ValueId scale = b_.Node1("Mul", {q[1], b_.FloatConstant({outputs_, 1, 1}, 0.005f, 0.01f)});
    const ValueId y = b_.Node1("Mul", {b_.Node1("Cast", {sums}, {Attr("to", 1)}), scale});
    return b_.Node1("Add", {y, b_.FloatConstant({outputs_, 1, 1}, -1, 1)});
  }

  int inputs_, outputs_;
  Shape w_shape_;
  std::vector<Attribute> attributes_;
};

// Transposed convolutions of every geometry, float and quantized with both kinds of result.
class TransposedNetwork : public ImageNetwork {
 public:
  explicit TransposedNetwork(uint32_t seed) : ImageNetwork(seed + 4000) {
    const int group = b_.Below(3) ? 1 : b_.Between(2, 9), in = b_.Between(1, 9), out = b_.Between(1, 20);
    const bool plane = b_.Below(5) != 0;
    std::vector<int64_t> kernel, strides, dilations, pads, behind, padding, shape;
    for (int axis = 0; axis < (plane ? 2 : 1); ++axis) {
      kernel.push_back(b_.Between(1, 5));
      strides.push_back(b_.Below(3) ? std::min<int64_t>(kernel.back(), b_.Between(1, 3)) : b_.Between(1, 3));
      dilations.push_back(b_.Below(3) ? 1 : 2);
      const auto most = static_cast<int>(std::min<int64_t>((kernel.back() - 1) * dilations.back(), 3));
      pads.push_back(b_.Below(most + 1));
      behind.push_back(b_.Below(most + 1));
      padding.push_back(b_.Below(static_cast<int>(std::max(strides.back(), dilations.back()))));
      shape.push_back(b_.Between(3, 9));
    }
    pads.insert(pads.end(), behind.begin(), behind.end());
    std::vector<Attribute> attributes = {Attr("group", group), Attr("strides", strides), Attr("dilations", dilations),
                                         Attr("pads", pads), Attr("output_padding", padding)};
    input_ =
        plane ? Shape{Shape::kUnknown, group * in, shape[0], shape[1]} : Shape{Shape::kUnknown, group * in, shape[0]};
    const Shape w = plane ? Shape{group * in, out, kernel[0], kernel[1]} : Shape{group * in, out, kernel[0]};
    const ValueId x = b_.Input("x", DType::kFloat, input_);
    const ValueId q = b_.Pair(x, 0.02f, b_.Below(2) ? 0 : 120);
    const auto transposed = [&](ValueId v, ValueId weights) {
      std::vector<ValueId> inputs = {v, weights};
      if (b_.Below(3)) inputs.push_back(b_.FloatConstant({group * out}, -1, 1));
      return b_.Node1("ConvTranspose", inputs, attributes);
    };
    const auto weights = [&] { return b_.Weights(w, b_.Below(3) ? 1 : -1, 0.02f); };
    const ValueId y = transposed(x, b_.FloatConstant(w, -0.2f, 0.2f));
    b_.Output(y);
    b_.Output(b_.Node1("Relu", {b_.Node1("Add", {transposed(x, b_.FloatConstant(w, -0.2f, 0.2f)), y})}));
    const ValueId bytes = b_.Pair(b_.Node1("Relu", {transposed(q, weights())}), 0.03f, 0);
    b_.Output(bytes);
    b_.Output(b_.Node1("Tanh", {transposed(q, weights())}));
    if (plane) {
      const ValueId next = b_.Weights({4, group * out, 3, 3}, 0, 0.02f);
      b_.Output(b_.Pair(b_.Node1("Conv", {bytes, next}, {Attr("pads", {1, 1, 1, 1})}), 0.05f, 100));
    }
  }
};

// With every target and up to three threads.
template <typename Network>
void ExpectEqualOnTargets(uint32_t seeds) {
  for (uint32_t seed = 0; seed < seeds; ++seed) {
    Network network(seed);
    const Tensor inputs[] = {network.Input(1), network.Input(3)};
    const std::vector<Tensor> want = RunOn(network.graph(), "reference", 1, inputs);
    for (const char* target : KernelTargets()) {
      const size_t threads = 1 + seed % 3;
      ExpectEqual(want, RunOn(network.graph(), target, threads, inputs),
                  "seed " + std::to_string(seed) + ", " + target);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(PaddedConvolutionsEqual, Quantized) { ExpectEqualOnTargets<PaddedNetwork>(60); }
TEST(TransposedConvolutionsEqual, FloatAndQuantized) { ExpectEqualOnTargets<TransposedNetwork>(80); }
TEST(GroupedConvolutionsEqual, FloatAndQuantized) { ExpectEqualOnTargets<GroupedNetwork>(80); }

// One Resize of every kind, beside a branch of the same size and in front of a convolution that pads: read from where a
// Concat has put its input, written into a frame or a Concat.
class ResizedNetwork : public ImageNetwork {
 public:
  ResizedNetwork(uint32_t seed, bool quantized) : ImageNetwork(seed + 3000), quantized_(quantized) {
    channels_ = b_.Between(1, 40);
    input_ = Shape{Shape::kUnknown, channels_, b_.Between(1, 9), b_.Between(1, 9)};
    const ValueId x = Quantize(b_.Input("x", DType::kFloat, input_));
    const ValueId joined = Quantize(b_.Node1("Concat", {x, Conv(x, channels_)}, {Attr("axis", 1)}));
    const ValueId resized = Resize(b_.Below(2) ? x : joined);
    const int channels = static_cast<int>((*b_.value(resized).shape)[1]);
    b_.Output(b_.Below(2) ? Conv(resized, channels) : resized);
    b_.Output(Conv(Quantize(b_.Node1("Concat", {resized, Resize(x)}, {Attr("axis", 1)})), channels + channels_));
    b_.Output(joined);
  }

 private:
  ValueId Quantize(ValueId v) { return quantized_ ? b_.Pair(v, 0.017f, 120) : v; }
  ValueId Conv(ValueId v, int channels) {
    const Shape weights{b_.Between(1, 20), channels, 3, 3};
    const ValueId w = quantized_ ? b_.Weights(weights, 0, 0.002f) : b_.FloatConstant(weights, -0.2f, 0.2f);
    return Quantize(b_.Node1("Conv", {v, w}, {Attr("pads", {1, 1, 1, 1})}));
  }
  // To the same size each time, but in another way.
  ValueId Resize(ValueId v) {
    const char* coordinates[] = {"half_pixel",    "half_pixel_symmetric", "pytorch_half_pixel",
                                 "align_corners", "asymmetric",           "tf_half_pixel_for_nn"};
    const char* modes[] = {"nearest", "linear", "cubic"};
    const int mode = b_.Below(3);
    const int coordinate = b_.Below(mode == 0 ? 6 : 5);  // the last moves even axes that keep their size, but for floor
    std::vector<Attribute> attributes = {Attr("mode", modes[mode]),
                                         Attr("coordinate_transformation_mode", coordinates[coordinate])};
    if (mode == 0) {
      attributes.push_back(Attr("nearest_mode", coordinate == 5 || b_.Below(2) ? "floor" : "round_prefer_ceil"));
    }
    if (mode != 0 && b_.Below(3) == 0) attributes.push_back(Attr("antialias", 1));
    if (mode != 0 && b_.Below(3) == 0) attributes.push_back(Attr("exclude_outside", 1));
    if (height_ == 0) {
      height_ = b_.Below(4) ? b_.Between(1, 20) : static_cast<int>(input_[2]);
      width_ = b_.Below(4) ? b_.Between(1, 20) : static_cast<int>(input_[3]);
    }
    attributes.push_back(Attr("axes", {2, 3}));
    return Quantize(b_.Node1("Resize", {v, kNoValue, kNoValue, b_.Ints({height_, width_})}, attributes));
  }

  const bool quantized_;
  int channels_ = 0, height_ = 0, width_ = 0;
};

TEST_P(NetworksEqual, Resized) { CompareTargets<ResizedNetwork>(GetParam()); }
// All of them, or the comparison would be of the reference with itself.
TEST_P(NetworksEqual, ResizedByKernels) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    ResizedNetwork network(seed, GetParam());
    auto program = Program::Create(network.graph(), {}, TestMemory());
    ASSERT_TRUE(program.ok()) << program.status().message();
    const Shape shape = network.Input(2).shape();
    auto plan = (*program)->PlanFor({&shape, 1});
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    for (const auto& step : (*plan)->steps) {
      EXPECT_EQ(step->info.kernel.find("reference"), std::string::npos) << step->info.kernel << ", seed " << seed;
    }
  }
}
TEST(NetworksEqualOnSpecials, Resized) { CompareTargets<ResizedNetwork>(false, true); }

// Every order of dimensions that a view can have meets operands that stand still in some of them.
TEST(ElementwiseEqual, OnTransposedViews) {
  for (const Shape& shape : {Shape{1, 1, 6, 8}, Shape{2, 1, 6, 8}, Shape{1, 3, 6, 8}, Shape{2, 3, 5, 4}}) {
    std::vector<int64_t> perm = {0, 1, 2, 3};
    do {
      QdqBuilder b;
      const ValueId x = b.Input("x", DType::kFloat, shape);
      const ValueId turned = b.Node1("Transpose", {x}, {Attr("perm", perm)});
      ValueId y = b.Node1("Mul", {turned, b.Scalar(0.7f)});
      y = b.Node1("Add", {y, b.FloatConstant({shape[static_cast<int>(perm[2])], 1}, -1, 1)});
      y = b.Node1("Sub", {b.Node1("Sigmoid", {y}), turned});
      b.Output(b.Node1("Relu", {y}));
      b.Output(y);
      const Tensor inputs[] = {b.RandomTensor(shape, -2, 2)};
      const std::vector<Tensor> want = RunOn(b.graph(), "reference", 1, inputs);
      ExpectEqual(want, RunOn(b.graph(), "", 2, inputs), "perm " + Shape(perm).ToString() + " of " + shape.ToString());
    } while (std::next_permutation(perm.begin(), perm.end()));
  }
}

// DynamicQuantizeLinear in whatever layout its input has, with more and fewer elements than it has slices.
TEST(DynamicQuantizeEqual, OnTransposedViews) {
  for (const Shape& shape : {Shape{1, 1, 1, 7}, Shape{1, 1, 9, 70}, Shape{2, 3, 5, 4}, Shape{3, 40, 17, 33}}) {
    for (const std::vector<int64_t>& perm : {std::vector<int64_t>{0, 1, 2, 3}, {0, 2, 3, 1}, {3, 1, 0, 2}}) {
      for (const bool specials : {false, true}) {
        QdqBuilder b;
        const ValueId x = b.Input("x", DType::kFloat, shape);
        const ValueId turned = b.Node1("Transpose", {b.Node1("Relu", {x})}, {Attr("perm", perm)});
        for (const ValueId v : {x, turned}) {
          for (const ValueId made : b.Nodes("DynamicQuantizeLinear", {v}, 3)) b.Output(made);
        }
        Tensor inputs[] = {b.RandomTensor(shape, -3, 2)};
        if (specials) Sprinkle(inputs[0], static_cast<uint32_t>(perm[1]), 61);
        const std::vector<Tensor> want = RunOn(b.graph(), "reference", 1, inputs);
        for (const char* target : KernelTargets()) {
          for (const size_t threads : {1, 3}) {
            ExpectEqual(want, RunOn(b.graph(), target, threads, inputs), shape.ToString() + " on " + target);
          }
        }
      }
    }
  }
}

// Values lie almost as close as the busiest step allows: here and there a hole is left, not on the whole.
template <typename Network>
void CheckArenas(bool quantized) {
  double arenas = 0, live = 0;
  for (uint32_t seed = 0; seed < 100; ++seed) {
    Network network(seed, quantized);
    auto program = Program::Create(network.graph(), {}, TestMemory());
    ASSERT_TRUE(program.ok()) << program.status().message();
    for (const int64_t batch : {1, 3}) {
      const Shape shape = network.Input(batch).shape();
      auto plan = (*program)->PlanFor({&shape, 1});
      ASSERT_TRUE(plan.ok()) << plan.status().message();
      EXPECT_GE((*plan)->arena_bytes, (*plan)->live_bytes) << "seed " << seed << ", batch " << batch;
      arenas += static_cast<double>((*plan)->arena_bytes);
      live += static_cast<double>((*plan)->live_bytes);
    }
  }
  EXPECT_LE(arenas, 1.05 * live);
}

TEST_P(NetworksEqual, ImagesInSmallArenas) { CheckArenas<RandomNetwork>(GetParam()); }
TEST_P(NetworksEqual, SequencesInSmallArenas) { CheckArenas<RandomTransformer>(GetParam()); }

INSTANTIATE_TEST_SUITE_P(FloatAndQuantized, NetworksEqual, ::testing::Bool(),
                         [](const auto& network) { return network.param ? "Quantized" : "Float"; });

// A sum whose scale is so far below those of its operands that it leaves int32, in both directions.
TEST(NetworksEqualOnSpecials, SumsOfFarScales) {
  for (const float scale : {1e-3f, 1e-5f, 1e-7f, 1e-9f, 1e-15f}) {
    QdqBuilder b(7);
    const ValueId x = b.Pair(b.Input("x", DType::kFloat, {1, 20, 5, 5}), 0.02f, 128);
    const ValueId y = b.Pair(b.Node1("Conv", {x, b.Weights({20, 20, 1, 1}, 0)}), 0.05f, 100);
    b.Output(b.Pair(b.Node1("Add", {y, x}), scale, 128));
    const Tensor input = b.RandomTensor({1, 20, 5, 5}, -2, 2);
    const std::vector<Tensor> want = RunOn(b.graph(), "reference", 1, {&input, 1});
    for (const char* target : KernelTargets()) {
      ExpectEqual(want, RunOn(b.graph(), target, 1, {&input, 1}),
                  target + std::string(", scale ") + std::to_string(scale));
    }
  }
}

}  // namespace
}  // namespace octavo
