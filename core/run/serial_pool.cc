// Stands in for core/base/thread_pool.cc until that exists, which replaces these weak symbols; then this file goes.
#include "core/base/thread_pool.h"

namespace octavo {
namespace {

class SerialPool : public ThreadPool {
 public:
  void Run(size_t count, void (*body)(void* opaque, size_t index), void* opaque) override {
    for (size_t i = 0; i < count; ++i) body(opaque, i);
  }
};

}  // namespace

__attribute__((weak)) std::unique_ptr<ThreadPool> ThreadPool::Create(size_t, const ParallelRunner*) {
  return std::make_unique<SerialPool>();
}
__attribute__((weak)) size_t AvailableProcessors() { return 1; }

}  // namespace octavo
