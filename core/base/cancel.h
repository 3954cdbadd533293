// A flag that one thread raises and long work on another looks at.
#ifndef OCTAVO_CORE_BASE_CANCEL_H_
#define OCTAVO_CORE_BASE_CANCEL_H_

#include <atomic>

#include "core/base/status.h"

namespace octavo {

class Cancel {
 public:
  void Request() { requested_.store(true, std::memory_order_relaxed); }
  void Reset() { requested_.store(false, std::memory_order_relaxed); }
  bool requested() const { return requested_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> requested_{false};
};

// `cancel` may be null: then nothing cancels.
inline Status CheckCancel(const Cancel* cancel) {
  return cancel && cancel->requested() ? Status(Code::kCancelled, "cancelled by the caller") : Ok();
}

}  // namespace octavo

#endif  // OCTAVO_CORE_BASE_CANCEL_H_
