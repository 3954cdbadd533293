// What the machine can multiply at most: the yardstick of profiles and benchmarks.
#ifndef OCTAVO_CORE_RUN_PEAK_H_
#define OCTAVO_CORE_RUN_PEAK_H_

#include "core/base/thread_pool.h"

namespace octavo {

// Multiply-accumulates a second, all threads together.
struct Peak {
  double int8 = 0, float32 = 0;
};

// The fastest of some bursts of KernelTable::dot_chains and fma_chains of this machine's best target, on all threads of
// the pool at once (null: the caller alone). Takes about 10 ms.
Peak MeasurePeak(ThreadPool* pool);

}  // namespace octavo

#endif  // OCTAVO_CORE_RUN_PEAK_H_
