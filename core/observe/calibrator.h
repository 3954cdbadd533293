// Calibrator: runs a float model on representative inputs and collects Statistics of every float value.
#ifndef OCTAVO_CORE_OBSERVE_CALIBRATOR_H_
#define OCTAVO_CORE_OBSERVE_CALIBRATOR_H_

#include <map>
#include <memory>
#include <span>
#include <string>

#include "core/base/cancel.h"
#include "core/graph/graph.h"
#include "core/observe/statistics.h"
#include "core/run/session.h"

namespace octavo {

struct CalibratorOptions {
  SessionOptions session;
  std::string cpu_target;
  // Also keep moving averages, which the observer moving_average needs.
  bool moving_average = false;
};

class Calibrator {
 public:
  // `graph`: simplified, float. Memory does not grow with the number of samples.
  static Result<std::unique_ptr<Calibrator>> Create(const Graph& graph, const CalibratorOptions& options,
                                                    const MemoryPtr& memory);

  // One batch: one tensor per graph input. On error or cancellation nothing of this batch is counted.
  Status Collect(std::span<const Tensor> inputs, const Cancel* cancel);

  const Statistics& statistics() const { return statistics_; }
  // Fails if no batch was collected, or if a value saw nothing but NaN and Inf (names it).
  Result<Statistics> Finish() const;

 private:
  Calibrator() = default;
  std::unique_ptr<Session> session_;
  size_t outputs_ = 0;
  std::map<std::string, int> channel_axes_;  // of the values that constant weights multiply; -1: the last axis
  bool moving_average_ = false;
  Statistics statistics_;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_OBSERVE_CALIBRATOR_H_
