// A small fork-join pool: the caller is worker 0, the others spin briefly, then sleep.
#ifndef OCTAVO_CORE_BASE_THREAD_POOL_H_
#define OCTAVO_CORE_BASE_THREAD_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "core/base/status.h"

namespace octavo {

// A host's own parallel-for (C ABI): call body(body_opaque, i) for each i in [0, count), from any threads, and return
// when all are done.
struct ParallelRunner {
  void* opaque = nullptr;
  void (*run)(void* opaque, void (*body)(void* body_opaque, size_t index), void* body_opaque, size_t count) = nullptr;
};

class ThreadPool {
 public:
  // `threads` counts the caller; 1 starts none. If the system refuses threads, fewer are used: results never depend on
  // how many. A runner replaces own threads.
  static std::unique_ptr<ThreadPool> Create(size_t threads, const ParallelRunner* runner = nullptr);
  virtual ~ThreadPool() = default;

  size_t threads() const { return threads_; }

  // body(opaque, i) for each i in [0, count), count usually threads(); returns when all are done. Index i belongs to
  // thread i mod threads(), which finds its part of the data in its cache again. Called while it runs, from a body or
  // another thread, and in the child of a fork(), it does everything on the caller. Allocates nothing.
  virtual void Run(size_t count, void (*body)(void* opaque, size_t index), void* opaque) = 0;

  template <typename F>
  void Run(size_t count, F&& body) {
    Run(
        count, [](void* opaque, size_t index) { (*static_cast<std::remove_reference_t<F>*>(opaque))(index); },
        const_cast<void*>(static_cast<const void*>(&body)));
  }

 protected:
  size_t threads_ = 1;
};

// The processors this process may use (affinity and cgroup quota respected), at least 1.
size_t AvailableProcessors();

// The process this is: in the child of a fork() another one.
int64_t ProcessId();

}  // namespace octavo

#endif  // OCTAVO_CORE_BASE_THREAD_POOL_H_
