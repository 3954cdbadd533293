// What a fork and join costs: with workers still spinning, and after they fell asleep.
#include <benchmark/benchmark.h>

#include <chrono>
#include <thread>

#include "core/base/thread_pool.h"

namespace octavo {
namespace {

void ForkJoin(benchmark::State& state) {
  const auto pool = ThreadPool::Create(static_cast<size_t>(state.range(0)));
  for (auto _ : state) pool->Run(pool->threads(), [](size_t i) { benchmark::DoNotOptimize(i); });
}
BENCHMARK(ForkJoin)->Name("thread_pool/spinning")->Arg(1)->Arg(2)->UseRealTime();

void ForkJoinAsleep(benchmark::State& state) {
  const auto pool = ThreadPool::Create(2);
  for (auto _ : state) {
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    const auto begin = std::chrono::steady_clock::now();
    pool->Run(2, [](size_t i) { benchmark::DoNotOptimize(i); });
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
}
BENCHMARK(ForkJoinAsleep)->Name("thread_pool/asleep")->UseManualTime();

}  // namespace
}  // namespace octavo
