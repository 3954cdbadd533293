#include "core/run/peak.h"

#include <algorithm>
#include <chrono>

#include "core/kernels/kernels.h"

namespace octavo {
namespace {

// A burst is long beside a fork and join (about a microsecond), and short beside what a neighbour takes away.
constexpr double kBurstSeconds = 4e-4;
constexpr int kBursts = 12;

double Fastest(double (*chains)(size_t rounds), ThreadPool* pool) {
  using Clock = std::chrono::steady_clock;
  const size_t threads = pool ? pool->threads() : 1;
  size_t rounds = 1000;
  double best = 0;
  for (int burst = 0; burst < kBursts; ++burst) {
    const Clock::time_point begin = Clock::now();
    double macs = 0;
    if (threads == 1) {
      macs = chains(rounds);
    } else {
      pool->Run(threads, [&](size_t thread) {
        const double own = chains(rounds);
        if (thread == 0) macs = own * static_cast<double>(threads);
      });
    }
    const double seconds = std::max(std::chrono::duration<double>(Clock::now() - begin).count(), 1e-9);
    best = std::max(best, macs / seconds);
    rounds = static_cast<size_t>(std::clamp(static_cast<double>(rounds) * kBurstSeconds / seconds, 100.0, 1e7));
  }
  return best;
}

}  // namespace

Peak MeasurePeak(ThreadPool* pool) {
  const KernelTable& best = *FindKernels("");
  return {Fastest(best.dot_chains, pool), Fastest(best.fma_chains, pool)};
}

}  // namespace octavo
