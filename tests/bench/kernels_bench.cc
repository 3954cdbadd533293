// Speed of the kernels, as MAC/s and as a share of what this core can do at all: a loop that only multiplies registers,
// timed beside every benchmark because a shared machine changes its mind.
//
//   octavo_bench --benchmark_filter='qgemm/avx3_zen4'
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

// ----------------------------------------------------------------------------- the machine's own limit

#if defined(__x86_64__)
#define OCTAVO_TWELVE(op)                                                                         \
  op " %%zmm30,%%zmm31,%%zmm0\n" op " %%zmm30,%%zmm31,%%zmm1\n" op " %%zmm30,%%zmm31,%%zmm2\n" op \
     " %%zmm30,%%zmm31,%%zmm3\n" op " %%zmm30,%%zmm31,%%zmm4\n" op " %%zmm30,%%zmm31,%%zmm5\n" op \
     " %%zmm30,%%zmm31,%%zmm6\n" op " %%zmm30,%%zmm31,%%zmm7\n" op " %%zmm30,%%zmm31,%%zmm8\n" op \
     " %%zmm30,%%zmm31,%%zmm9\n" op " %%zmm30,%%zmm31,%%zmm10\n" op " %%zmm30,%%zmm31,%%zmm11\n"
#define OCTAVO_CLOBBERS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11"

bool HasPeak() { return __builtin_cpu_supports("avx512vnni"); }

void DotLoop(size_t n) {
  for (size_t i = 0; i < n; ++i) asm volatile(OCTAVO_TWELVE("vpdpbusd")::: OCTAVO_CLOBBERS);
}
void FmaLoop(size_t n) {
  for (size_t i = 0; i < n; ++i) asm volatile(OCTAVO_TWELVE("vfmadd231ps")::: OCTAVO_CLOBBERS);
}
#else
bool HasPeak() { return false; }
void DotLoop(size_t) {}
void FmaLoop(size_t) {}
#endif

// MAC/s of 12 independent instructions of `macs` multiplications each, over about 0.1 ms.
double Peak(void (*loop)(size_t), double macs) {
  constexpr size_t kIterations = 60000;
  const double begin = Seconds();
  loop(kIterations);
  return kIterations * 12 * macs / (Seconds() - begin);
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
    if (HasPeak()) shares.push_back(speeds.back() / Peak(floating ? FmaLoop : DotLoop, floating ? 16 : 64));
  }
  const auto median = [](std::vector<double>& v) {
    std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end());
    return v[v.size() / 2];
  };
  state.counters["GMAC/s"] = median(speeds) * 1e-9;
  if (!shares.empty()) state.counters["peak%"] = median(shares) * 100;
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

void Register() {
  struct Shape {
    size_t m, n, k, segments;
  };
  for (const char* name : KernelTargets()) {
    const KernelTable* t = FindKernels(name);
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
      const std::string label = "qgemm/" + std::string(name) + "/m" + std::to_string(s.m) + "/n" + std::to_string(s.n) +
                                "/k" + std::to_string(s.segments) + "x" + std::to_string(s.k);
      benchmark::RegisterBenchmark(label.c_str(),
                                   [=](benchmark::State& state) { QGemm(state, t, s.m, s.n, s.k, s.segments); })
          ->UseManualTime()
          ->Iterations(40)
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

const bool kRegistered = (Register(), true);

}  // namespace
}  // namespace octavo
