// The chains that measure a machine's peak: they do what they say, and are not optimized away.
#include "core/run/peak.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "core/kernels/kernels.h"

namespace octavo {
namespace {

double SecondsOf(double (*chains)(size_t), size_t rounds) {
  double least = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    chains(rounds);
    least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return least;
}

TEST(Peak, ChainsTakeTimeInProportion) {
  for (const char* name : KernelTargets()) {
    const KernelTable* table = FindKernels(name);
    for (const auto chains : {table->dot_chains, table->fma_chains}) {
      EXPECT_EQ(10 * chains(100), chains(1000)) << name;
      EXPECT_EQ(0, chains(0)) << name;
      // 12 instructions a round, of which no machine starts more than 8 a cycle, at 8 GHz at most.
      EXPECT_GT(SecondsOf(chains, 20000), 20000 * 12 / 8 / 8e9) << name;
    }
  }
}

TEST(Peak, IsMeasuredWithAnyNumberOfThreads) {
  const auto pool = ThreadPool::Create(2);
  for (ThreadPool* threads : {static_cast<ThreadPool*>(nullptr), pool.get()}) {
    const Peak peak = MeasurePeak(threads);
    EXPECT_GT(peak.float32, 1e7);
    EXPECT_GT(peak.int8, peak.float32 / 2);
  }
}

}  // namespace
}  // namespace octavo
