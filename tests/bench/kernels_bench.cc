// Speed of the kernels, as MAC/s and as a share of what this core can do at all: a loop that only multiplies registers,
// timed beside every benchmark because a shared machine changes its mind.
//
//   octavo_bench --benchmark_filter='qgemm/avx3_dl'
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/kernels/kernels.h"

namespace octavo {
namespace {

double Seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// MAC/s of this machine's best chains of multiplications over about 0.1 ms.
double Peak(bool floating) {
  const KernelTable& best = *FindKernels("");
  const double begin = Seconds();
  const double macs = (floating ? best.fma_chains : best.dot_chains)(60000);
  return macs / (Seconds() - begin);
}

// Times `body` in bursts of about a millisecond, each beside a burst of the peak loop. Reported are the medians of
// speed and of share.
template <typename F>
void Measure(benchmark::State& state, double macs, bool floating, F body) {
  double begin = Seconds();
  body();
  body();
  const size_t repeats = std::max<size_t>(1, static_cast<size_t>(2e-3 / (Seconds() - begin)));
  std::vector<double> speeds, shares;
  for (auto _ : state) {
    begin = Seconds();
    for (size_t i = 0; i < repeats; ++i) body();
    const double time = Seconds() - begin;
    state.SetIterationTime(time / repeats);
    speeds.push_back(macs * repeats / time);
    shares.push_back(speeds.back() / Peak(floating));
  }
  const auto median = [](std::vector<double>& v) {
    std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end());
    return v[v.size() / 2];
  };
  state.counters["GMAC/s"] = median(speeds) * 1e-9;
  state.counters["peak%"] = median(shares) * 100;
}

// ----------------------------------------------------------------------------- operands

template <typename T>
struct Buffer {
  explicit Buffer(size_t n) : data(static_cast<T*>(std::aligned_alloc(64, (n * sizeof(T) + 256 + 63) / 64 * 64))) {
    std::minstd_rand random(static_cast<unsigned>(n));
    for (size_t i = 0; i < n; ++i) {
      if constexpr (std::is_floating_point_v<T>) {
        data[i] = static_cast<T>(static_cast<int>(random() % 2001) - 1000) / 1000;
      } else {
        data[i] = static_cast<T>(random() >> 8);
      }
    }
  }
  ~Buffer() { std::free(data); }
  Buffer(const Buffer&) = delete;
  T* data;
};

void QGemm(benchmark::State& state, const KernelTable* t, size_t m, size_t n, size_t k, size_t segments) {
  Buffer<uint8_t> a(m * k * segments);
  Buffer<int8_t> w(n * k * segments);
  Buffer<uint8_t> c(m * n);
  Buffer<uint8_t> packed(t->qgemm_packed_bytes(n, segments, k));
  Buffer<int32_t> bias(n);
  Buffer<float> multiplier(n);
  for (size_t i = 0; i < n; ++i) bias.data[i] >>= 16, multiplier.data[i] = 0.001f;
  std::vector<int64_t> offsets(segments);
  for (size_t s = 0; s < segments; ++s) offsets[s] = s * k;
  GemmWeights weights;
  weights.w = w.data, weights.n = n, weights.segments = segments, weights.k = k;
  weights.n_stride = segments * k, weights.segment_stride = k;
  t->qgemm_pack(weights, packed.data, nullptr, 0, n);

  QGemmArgs args;
  args.a.base = a.data, args.a.row_stride = segments * k, args.a.segments = segments, args.a.k = k;
  args.a.segment_offset = offsets.data();
  args.packed = packed.data, args.n = n, args.bias = bias.data, args.multiplier = multiplier.data;
  args.c.base = c.data, args.c.row_stride = n, args.zero = 100;
  Measure(state, double(m) * n * k * segments, false, [&] { t->qgemm(args, 0, m, 0, n); });
}

// A 3x3 convolution of `groups` groups of `channels` in and out, on a map of size x size: side by side where that
// kernel takes such groups, else a product for each.
void QGrouped(benchmark::State& state, const KernelTable* t, size_t size, size_t groups, size_t channels) {
  const size_t m = size * size, all = groups * channels, framed = size + 2;
  Buffer<uint8_t> a(framed * framed * all), c(m * all);
  Buffer<int8_t> w(all * 9 * channels);
  const size_t together = t->qgrouped_packed_bytes(all, groups, 9, channels);
  const size_t bytes = t->qgemm_packed_bytes(channels, 9, channels);
  Buffer<uint8_t> packed(together ? together : groups * bytes);
  Buffer<int32_t> bias(all);
  Buffer<float> multiplier(all);
  for (size_t i = 0; i < all; ++i) bias.data[i] >>= 16, multiplier.data[i] = 0.001f;
  std::vector<int64_t> taps, rows;
  for (size_t tap = 0; tap < 9; ++tap) taps.push_back(((tap / 3) * framed + tap % 3) * all);
  for (size_t i = 0; i < m; ++i) rows.push_back(((i / size) * framed + i % size) * all);
  GemmWeights weights;
  weights.w = w.data, weights.n = together ? all : channels, weights.segments = 9, weights.k = channels;
  weights.n_stride = 9 * channels, weights.segment_stride = channels;

  QGemmArgs args;
  args.a.base = a.data, args.a.row_offset = rows.data();
  args.a.segments = 9, args.a.segment_offset = taps.data(), args.a.k = channels;
  args.packed = packed.data, args.n = weights.n, args.bias = bias.data, args.multiplier = multiplier.data;
  args.c.base = c.data, args.c.row_stride = all, args.zero = 100;
  const double macs = double(m) * all * 9 * channels;
  if (together) {
    args.groups = groups;
    t->qgrouped_pack(weights, groups, packed.data);
    return Measure(state, macs, false, [&] { t->qgrouped(args, 0, m, 0, all); });
  }
  for (size_t g = 0; g < groups; ++g) t->qgemm_pack(weights, packed.data + g * bytes, nullptr, 0, channels);
  Measure(state, macs, false, [&] {
    for (size_t g = 0; g < groups; ++g) {
      args.a.base = a.data + g * channels, args.c.base = c.data + g * channels, args.packed = packed.data + g * bytes;
      t->qgemm(args, 0, m, 0, channels);
    }
  });
}

void FGemm(benchmark::State& state, const KernelTable* t, size_t m, size_t n, size_t k) {
  Buffer<float> a(m * k), w(n * k), c(m * n), packed(t->fgemm_packed_bytes(n, 1, k) / sizeof(float)), bias(n);
  GemmWeights weights;
  weights.w = w.data, weights.n = n, weights.k = k;
  weights.n_stride = k * sizeof(float), weights.k_stride = sizeof(float);
  t->fgemm_pack(weights, packed.data, 0, n);
  FGemmArgs args;
  args.a.base = a.data, args.a.row_stride = k * sizeof(float), args.a.k = k;
  args.packed = packed.data, args.n = n, args.bias = bias.data;
  args.c.base = c.data, args.c.row_stride = n * sizeof(float);
  Measure(state, double(m) * n * k, true, [&] { t->fgemm(args, 0, m, 0, n); });
}

void QDepthwise(benchmark::State& state, const KernelTable* t, size_t size, size_t channels, size_t k, size_t stride) {
  const size_t in = (size - 1) * stride + k;
  Window window;
  window.kh = window.kw = k, window.stride_h = window.stride_w = stride;
  Buffer<uint8_t> a(in * in * channels), c(size * size * channels);
  Buffer<uint8_t> packed(t->qdepthwise_packed_bytes(channels, window));
  Buffer<int8_t> w(channels * k * k);
  Buffer<int32_t> bias(channels);
  Buffer<float> multiplier(channels);
  for (size_t i = 0; i < channels; ++i) bias.data[i] >>= 16, multiplier.data[i] = 0.001f;
  t->qdepthwise_pack(channels, window, w.data, packed.data);
  QDepthwiseArgs args;
  args.a.base = a.data, args.a.column_stride = channels, args.a.line_stride = in * channels;
  args.window = window, args.channels = channels, args.out_width = size;
  args.packed = packed.data, args.bias = bias.data, args.multiplier = multiplier.data, args.zero = 100;
  args.c.base = c.data, args.c.column_stride = channels, args.c.line_stride = size * channels;
  Measure(state, double(size) * size * channels * k * k, false, [&] { t->qdepthwise(args, 0, size); });
}

void FDepthwise(benchmark::State& state, const KernelTable* t, size_t size, size_t channels, size_t k, size_t stride) {
  const size_t in = (size - 1) * stride + k;
  Buffer<float> a(in * in * channels), c(size * size * channels), w(channels * k * k), bias(channels);
  FDepthwiseArgs args;
  args.a.base = a.data, args.a.column_stride = channels * 4, args.a.line_stride = in * channels * 4;
  args.window.kh = args.window.kw = k, args.window.stride_h = args.window.stride_w = stride;
  args.channels = channels, args.out_width = size, args.weights = w.data, args.bias = bias.data;
  args.c.base = c.data, args.c.column_stride = channels * 4, args.c.line_stride = size * channels * 4;
  Measure(state, double(size) * size * channels * k * k, true, [&] { t->fdepthwise(args, 0, size); });
}

// Everything whose work is bytes: `bytes` are those read and written.
template <typename F>
void MeasureBytes(benchmark::State& state, double bytes, F body) {
  body();
  double best = 1e9;
  for (auto _ : state) {
    const double begin = Seconds();
    for (int i = 0; i < 20; ++i) body();
    const double time = (Seconds() - begin) / 20;
    state.SetIterationTime(time);
    best = std::min(best, time);
  }
  state.counters["GB/s"] = bytes / best * 1e-9;
}

constexpr size_t kElements = 64 * 1024;

template <typename Add>
void Elementwise(Add add) {
  add("qadd", [](benchmark::State& state, const KernelTable* k) {
    Buffer<uint8_t> a(kElements), b(kElements), c(kElements);
    BinaryArgs args;
    args.a = a.data, args.b = b.data, args.c = c.data, args.n = kElements;
    QAddArgs q;
    q.a_zero = 3, q.b_zero = 5, q.a_multiplier = 0.3f, q.b_multiplier = 0.7f;
    MeasureBytes(state, 3.0 * kElements, [&] { k->qadd(args, q); });
  });
  add("qmul_channel", [](benchmark::State& state, const KernelTable* k) {
    Buffer<uint8_t> a(kElements), b(kElements), c(kElements);
    BinaryArgs args;
    args.a = a.data, args.b = b.data, args.c = c.data, args.n = 96, args.rows = kElements / 96;
    args.a_stride = args.c_stride = 96;
    QMulArgs q;
    q.a_zero = 3, q.b_zero = 5, q.multiplier = 0.01f;
    MeasureBytes(state, 2.0 * kElements, [&] { k->qmul(args, q); });
  });
  add("qaffine_96", [](benchmark::State& state, const KernelTable* k) {
    Buffer<uint8_t> a(kElements), c(kElements);
    Buffer<float> multiplier(96), addend(96);
    QAffineArgs args;
    args.a = a.data, args.c = c.data, args.a_stride = args.c_stride = args.channels = 96;
    args.multiplier = multiplier.data, args.addend = addend.data, args.a_zero = 3;
    MeasureBytes(state, 2.0 * kElements, [&] { k->qaffine(args, 0, kElements / 96); });
  });
  add("lut_u8", [](benchmark::State& state, const KernelTable* k) {
    Buffer<uint8_t> table(256), x(kElements), y(kElements);
    MeasureBytes(state, 2.0 * kElements, [&] { k->lut_u8(table.data, x.data, y.data, kElements); });
  });
  add("quantize_u8", [](benchmark::State& state, const KernelTable* k) {
    Buffer<float> x(kElements);
    Buffer<uint8_t> y(kElements);
    MeasureBytes(state, 5.0 * kElements, [&] { k->quantize_u8(x.data, y.data, kElements, 0.01f, 128); });
  });
  add("dequantize_u8", [](benchmark::State& state, const KernelTable* k) {
    Buffer<uint8_t> x(kElements);
    Buffer<float> y(kElements);
    MeasureBytes(state, 5.0 * kElements, [&] { k->dequantize_u8(x.data, y.data, kElements, 0.01f, 128); });
  });
  add("minmax", [](benchmark::State& state, const KernelTable* k) {
    Buffer<float> x(kElements);
    float result[2];
    MeasureBytes(state, 4.0 * kElements, [&] { k->minmax(x.data, kElements, result, result + 1); });
  });
  add("fadd", [](benchmark::State& state, const KernelTable* k) {
    Buffer<float> a(kElements), b(kElements), c(kElements);
    BinaryArgs args;
    args.a = a.data, args.b = b.data, args.c = c.data, args.n = kElements;
    MeasureBytes(state, 12.0 * kElements, [&] { k->fadd(args, kNoLow, kNoHigh); });
  });
  add("transpose_8_256x256", [](benchmark::State& state, const KernelTable* k) {
    Buffer<uint8_t> x(kElements), y(kElements);
    MeasureBytes(state, 2.0 * kElements, [&] { k->transpose_8(x.data, 256, y.data, 256, 256, 256); });
  });
  add("transpose_32_256x256", [](benchmark::State& state, const KernelTable* k) {
    Buffer<uint32_t> x(kElements), y(kElements);
    MeasureBytes(state, 8.0 * kElements, [&] { k->transpose_32(x.data, 1024, y.data, 1024, 256, 256); });
  });
  add("transpose_quantize_u8_rgb", [](benchmark::State& state, const KernelTable* k) {
    constexpr size_t kPixels = 224 * 224;
    Buffer<float> x(3 * kPixels);
    Buffer<uint8_t> y(3 * kPixels);
    MeasureBytes(state, 15.0 * kPixels,
                 [&] { k->transpose_quantize_u8(x.data, kPixels * 4, y.data, 3, 3, kPixels, 0.01f, 128); });
  });
  add("qmaxpool_3x3s2_56x56x64", [](benchmark::State& state, const KernelTable* k) {
    Buffer<uint8_t> a(112 * 112 * 64), c(56 * 56 * 64);
    PoolArgs args;
    args.a.base = a.data, args.a.column_stride = 64, args.a.line_stride = 112 * 64, args.height = args.width = 112;
    args.window.kh = args.window.kw = 3, args.window.stride_h = args.window.stride_w = 2;
    args.pad_top = args.pad_left = 1, args.channels = 64, args.out_width = 56;
    args.c.base = c.data, args.c.column_stride = 64, args.c.line_stride = 56 * 64;
    MeasureBytes(state, (112.0 * 112 + 56 * 56) * 64, [&] { k->qmaxpool(args, 0, 56); });
  });
  add("fmaxpool_3x3s2_56x56x64", [](benchmark::State& state, const KernelTable* k) {
    Buffer<float> a(112 * 112 * 64), c(56 * 56 * 64);
    PoolArgs args;
    args.a.base = a.data, args.a.column_stride = 64 * 4, args.a.line_stride = 112 * 64 * 4;
    args.height = args.width = 112, args.window.kh = args.window.kw = 3;
    args.window.stride_h = args.window.stride_w = 2, args.pad_top = args.pad_left = 1, args.channels = 64;
    args.out_width = 56, args.c.base = c.data, args.c.column_stride = 64 * 4, args.c.line_stride = 56 * 64 * 4;
    MeasureBytes(state, (112.0 * 112 + 56 * 56) * 64 * 4, [&] { k->fmaxpool(args, 0, 56); });
  });
  add("favgpool_global_7x7x1280", [](benchmark::State& state, const KernelTable* k) {
    Buffer<float> a(49 * 1280), c(1280);
    const float divisor = 49;
    FAvgPoolArgs args;
    args.a.base = a.data, args.a.column_stride = 1280 * 4, args.a.line_stride = 7 * 1280 * 4;
    args.height = args.width = 7, args.window.kh = args.window.kw = 7, args.channels = 1280, args.out_width = 1;
    args.c.base = c.data, args.divisor = &divisor;
    MeasureBytes(state, 49 * 1280 * 4, [&] { k->favgpool(args, 0, 1); });
  });
  add("qavgpool_global_7x7x1280", [](benchmark::State& state, const KernelTable* k) {
    Buffer<uint8_t> a(49 * 1280), c(1280);
    const float multiplier = 0.02f;
    QAvgPoolArgs args;
    args.a.base = a.data, args.a.column_stride = 1280, args.a.line_stride = 7 * 1280, args.height = args.width = 7;
    args.window.kh = args.window.kw = 7, args.channels = 1280, args.out_width = 1, args.c.base = c.data;
    args.multiplier = &multiplier;
    MeasureBytes(state, 49 * 1280, [&] { k->qavgpool(args, 0, 1); });
  });
}

struct Function {
  const char* name;
  FloatFunction function;
  float alpha, beta;
};
constexpr Function kFunctions[] = {
    {"exp", FloatFunction::kExp, 0, 0},
    {"sigmoid", FloatFunction::kSigmoid, 0, 0},
    {"sigmoid_mul", FloatFunction::kSigmoidMul, 0, 0},
    {"tanh", FloatFunction::kTanh, 0, 0},
    {"erf", FloatFunction::kErf, 0, 0},
    {"swish", FloatFunction::kSwish, 1, 0},
    {"hard_sigmoid", FloatFunction::kHardSigmoid, 1 / 6.0f, 0.5f},
    {"hard_swish", FloatFunction::kHardSwish, 0, 0},
    {"gelu", FloatFunction::kGelu, 0, 0},
    {"gelu_tanh", FloatFunction::kGeluTanh, 0, 0},
};

// What each target can do at most; its share is of the best target's.
void Chains(benchmark::State& state, double (*chains)(size_t), bool floating) {
  Measure(state, chains(1000), floating, [&] { chains(1000); });
}

void Register() {
  struct Shape {
    size_t m, n, k, segments;
  };
  for (const char* name : KernelTargets()) {
    const KernelTable* t = FindKernels(name);
    const auto add = [](const std::string& label, auto run) {
      benchmark::RegisterBenchmark(label.c_str(), run)->UseManualTime()->Iterations(40)->Unit(benchmark::kMicrosecond);
    };
    const std::string target = "/" + std::string(name) + "/";
    for (const Shape s : {Shape{3136, 256, 64, 1},
                          {3136, 64, 256, 1},
                          {784, 128, 384, 3},
                          {196, 1024, 256, 1},
                          {49, 512, 2048, 1},
                          {49, 512, 1536, 3},
                          {3136, 192, 24, 1},
                          {3136, 24, 144, 1},
                          {3136, 16, 96, 1},
                          {12544, 64, 21, 7},
                          {12544, 32, 9, 3},
                          {128, 768, 768, 1},
                          {1, 1000, 2048, 1}}) {
      add("qgemm" + target + "m" + std::to_string(s.m) + "/n" + std::to_string(s.n) + "/k" +
              std::to_string(s.segments) + "x" + std::to_string(s.k),
          [=](benchmark::State& state) { QGemm(state, t, s.m, s.n, s.k, s.segments); });
    }
    for (const Shape s : {Shape{3136, 256, 64, 1},
                          {3136, 64, 256, 1},
                          {784, 128, 1152, 1},
                          {128, 768, 768, 1},
                          {3136, 24, 144, 1},
                          {1, 1000, 2048, 1}}) {
      add("fgemm" + target + "m" + std::to_string(s.m) + "/n" + std::to_string(s.n) + "/k" + std::to_string(s.k),
          [=](benchmark::State& state) { FGemm(state, t, s.m, s.n, s.k); });
    }
    struct Grouped {
      size_t size, groups, channels;
    };
    for (const Grouped g : {Grouped{56, 32, 8}, {28, 32, 16}, {14, 32, 32}, {7, 32, 64}}) {
      add("qgrouped" + target + std::to_string(g.size) + "x" + std::to_string(g.size) + "/" + std::to_string(g.groups) +
              "x" + std::to_string(g.channels),
          [=](benchmark::State& state) { QGrouped(state, t, g.size, g.groups, g.channels); });
    }
    struct Dw {
      size_t size, channels, k, stride;
    };
    for (const Dw d : {Dw{112, 32, 3, 1},
                       {56, 96, 3, 2},
                       {56, 144, 3, 1},
                       {28, 192, 3, 1},
                       {14, 64, 3, 1},
                       {14, 384, 3, 1},
                       {14, 576, 3, 1},
                       {7, 960, 3, 1},
                       {7, 576, 3, 2},
                       {28, 128, 5, 1},
                       {14, 256, 5, 2}}) {
      const std::string label = std::to_string(d.size) + "x" + std::to_string(d.size) + "x" +
                                std::to_string(d.channels) + "/k" + std::to_string(d.k) + "s" +
                                std::to_string(d.stride);
      add("qdepthwise" + target + label,
          [=](benchmark::State& state) { QDepthwise(state, t, d.size, d.channels, d.k, d.stride); });
      add("fdepthwise" + target + label,
          [=](benchmark::State& state) { FDepthwise(state, t, d.size, d.channels, d.k, d.stride); });
    }
    for (const Function& f : kFunctions) {
      if (!t->ffunction) break;
      add("ffunction_" + std::string(f.name) + target.substr(0, target.size() - 1), [=](benchmark::State& state) {
        Buffer<float> x(kElements), y(kElements);
        MeasureBytes(state, 8.0 * kElements,
                     [&] { t->ffunction(f.function, x.data, y.data, kElements, f.alpha, f.beta); });
      });
    }
    add("peak_int8" + target.substr(0, target.size() - 1),
        [=](benchmark::State& state) { Chains(state, t->dot_chains, false); });
    add("peak_float" + target.substr(0, target.size() - 1),
        [=](benchmark::State& state) { Chains(state, t->fma_chains, true); });
    Elementwise([&](const char* label, void (*run)(benchmark::State&, const KernelTable*)) {
      add(label + target.substr(0, target.size() - 1), [=](benchmark::State& state) { run(state, t); });
    });
  }
}

const bool kRegistered = (Register(), true);

}  // namespace
}  // namespace octavo
