// Session: scratch memory and threads to run one Program. One session per thread of the caller.
#ifndef OCTAVO_CORE_RUN_SESSION_H_
#define OCTAVO_CORE_RUN_SESSION_H_

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/cancel.h"
#include "core/base/thread_pool.h"
#include "core/graph/tensor.h"
#include "core/plan/program.h"
#include "core/run/profile.h"

namespace octavo {

struct SessionOptions {
  size_t threads = 1;  // counts the caller; 0 = AvailableProcessors()
  ParallelRunner runner;
  bool profile = false;  // keep per-step times
};

// Sees a value of the program's graph while it is alive: called between steps on the caller's thread.
using ValueObserver = std::function<Status(const std::string& name, const Tensor& value)>;

class Session {
 public:
  static Result<std::unique_ptr<Session>> Create(std::shared_ptr<const Program> program, const SessionOptions& options);
  virtual ~Session() = default;

  // inputs: one tensor per graph input (any alignment, row-major). outputs: one per graph output; a defined tensor
  // must have the right dtype and shape and receives the result in place (bytes are the caller's and writable), an
  // undefined one becomes a view of session memory, valid until the next Run. Bytes of results do not depend on
  // threads or target. No allocation when shapes equal those of the previous run and all steps are static.
  // `observer` needs a program with ProgramOptions::observe.
  virtual Status Run(std::span<const Tensor> inputs, std::span<Tensor> outputs, const Cancel* cancel,
                     const ValueObserver* observer = nullptr) = 0;

  virtual std::vector<StepProfile> Steps() const = 0;  // of what was run with the last input shapes, while profiling
  // What the session's threads can multiply at most, measured now. The session must not run meanwhile.
  virtual Peak MeasurePeak() = 0;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_RUN_SESSION_H_
