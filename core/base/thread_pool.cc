#include "core/base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

namespace octavo {
namespace {

void RunInline(size_t count, void (*body)(void* opaque, size_t index), void* opaque) {
  for (size_t i = 0; i < count; ++i) body(opaque, i);
}

// ------------------------------------------------------------------------------------------- waiting

void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  asm volatile("yield");
#endif
}

// More helps nobody and costs memory before the system says no.
constexpr size_t kMaxThreads = 1024;

// Longer than the pause between two layers of a network, shorter than anybody minds.
constexpr std::chrono::microseconds kSpin(40);

// Waits until `value` is no longer `old`: first spinning, then asleep.
void WaitWhile(const std::atomic<uint32_t>& value, uint32_t old) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point end;  // looking at the clock takes as long as a good fork and join: not in the first round
  for (bool first = true;; first = false) {
    for (int i = 0; i < 32; ++i) {
      if (value.load(std::memory_order_acquire) != old) return;
      Pause();
    }
    const Clock::time_point now = Clock::now();
    if (first) {
      end = now + kSpin;
    } else if (now >= end) {
      break;
    }
  }
  value.wait(old, std::memory_order_acquire);  // returns only once the value has changed
}

// ------------------------------------------------------------------------------------------- processes and threads

#if defined(__unix__) || defined(__APPLE__)
// Threads that are created while one of these lives receive no signals: handlers are the host's and run on its threads.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};
#else
struct BlockSignals {};
#endif

// ------------------------------------------------------------------------------------------- the pools

class CallerOnly : public ThreadPool {
 public:
  void Run(size_t count, void (*body)(void* opaque, size_t index), void* opaque) override {
    RunInline(count, body, opaque);
  }
};

class HostPool : public ThreadPool {
 public:
  HostPool(size_t threads, const ParallelRunner& runner) : runner_(runner) { threads_ = threads; }

  void Run(size_t count, void (*body)(void* opaque, size_t index), void* opaque) override {
    if (count <= 1) return RunInline(count, body, opaque);
    runner_.run(runner_.opaque, body, opaque, count);
  }

 private:
  const ParallelRunner runner_;
};

// Worker w of T runs indices w, w + T, w + 2 T, ...: the same share each time, so that what a layer wrote is still in
// the cache of whoever reads it in the next. A share is open until somebody takes it; usually its worker, else (the
// worker is asleep, or the processor busy with something else) the caller once it is done with its own. For the same
// reason a pool inherited through fork() works: its workers are gone, so the caller takes every share.
class OwnPool : public ThreadPool {
 public:
  explicit OwnPool(size_t threads) : process_(ProcessId()), shares_(new Share[threads]) {
    [[maybe_unused]] const BlockSignals block;
    try {
      workers_.reserve(threads - 1);
      for (size_t w = 1; w < threads; ++w) workers_.emplace_back([this, w] { Work(w); });
    } catch (const std::system_error&) {  // the system refuses another thread
    }
    threads_ = workers_.size() + 1;
  }

  ~OwnPool() override {
    if (ProcessId() != process_) {
      // Forked: the threads stayed behind, only their handles are here. They can be neither joined nor detached (that
      // throws), so they are left where no destructor finds them.
      new std::vector<std::thread>(std::move(workers_));
      return;
    }
    stop_ = true;
    for (size_t w = 1; w < threads_; ++w) Open(w);
    for (std::thread& worker : workers_) worker.join();
  }

  void Run(size_t count, void (*body)(void* opaque, size_t index), void* opaque) override {
    if (count <= 1 || workers_.empty() ||
        busy_.exchange(true, std::memory_order_acquire)) {  // nested, or a second caller
      return RunInline(count, body, opaque);
    }
    const size_t shares = std::min(count, threads_);
    body_ = body;
    opaque_ = opaque;
    count_ = count;
    left_.store(static_cast<uint32_t>(shares - 1), std::memory_order_relaxed);
    for (size_t w = 1; w < shares; ++w) Open(w);

    RunShare(0);
    for (size_t w = 1; w < shares; ++w) {
      if (Take(w)) FinishShare(w);
    }
    for (uint32_t left = left_.load(std::memory_order_acquire); left != 0;
         left = left_.load(std::memory_order_acquire)) {
      WaitWhile(left_, left);
    }
    busy_.store(false, std::memory_order_release);
  }

 private:
  struct alignas(64) Share {
    std::atomic<uint32_t> open{0};
  };

  // Publishes body_, opaque_, count_ and wakes the worker if it sleeps, which costs no system call if it does not. The
  // full fence of the store keeps the look at who sleeps behind it.
  void Open(size_t w) {
    shares_[w].open.store(1, std::memory_order_seq_cst);
    shares_[w].open.notify_one();
  }

  // True for exactly one of those who try.
  bool Take(size_t w) { return shares_[w].open.exchange(0, std::memory_order_acq_rel) == 1; }

  void RunShare(size_t w) {
    for (size_t i = w; i < count_; i += threads_) body_(opaque_, i);
  }

  void FinishShare(size_t w) {
    RunShare(w);
    if (left_.fetch_sub(1, std::memory_order_seq_cst) == 1) left_.notify_one();
  }

  void Work(size_t w) {
    std::fesetenv(FE_DFL_ENV);  // whatever rounding the creating thread had
    for (;;) {
      WaitWhile(shares_[w].open, 0);
      if (!Take(w)) continue;
      if (stop_) return;
      FinishShare(w);
    }
  }

  // The job. Plain memory: written while no share is open, read by who has taken one.
  void (*body_)(void* opaque, size_t index) = nullptr;
  void* opaque_ = nullptr;
  size_t count_ = 0;
  bool stop_ = false;

  alignas(64) std::atomic<uint32_t> left_{0};  // shares of workers that are not finished
  alignas(64) std::atomic<bool> busy_{false};
  const int64_t process_;
  std::unique_ptr<Share[]> shares_;
  std::vector<std::thread> workers_;
};

// ------------------------------------------------------------------------------------------- counting processors

#if defined(__linux__)
bool ReadLine(const std::string& path, char* line, size_t size) {
  FILE* file = std::fopen(path.c_str(), "re");
  if (!file) return false;
  const bool ok = std::fgets(line, static_cast<int>(size), file) != nullptr;
  std::fclose(file);
  return ok;
}

// Whole processors that the control groups of this process grant, or `limit`.
size_t QuotaOfControlGroups(size_t limit) {
  FILE* file = std::fopen("/proc/self/cgroup", "re");
  if (!file) return limit;
  char line[4096];
  const auto apply = [&](double quota, double period) {
    if (quota > 0 && period > 0) {
      limit = std::min(limit, std::max<size_t>(1, static_cast<size_t>((quota + period - 1) / period)));
    }
  };
  while (std::fgets(line, sizeof(line), file)) {
    line[std::strcspn(line, "\n")] = '\0';
    const char* controllers = std::strchr(line, ':');
    const char* path = controllers ? std::strchr(controllers + 1, ':') : nullptr;
    if (!path) continue;
    const std::string names(controllers + 1, path);
    const bool second = names.empty();
    if (!second && ("," + names + ",").find(",cpu,") == std::string::npos) continue;
    // Every group above has a say. A container may see its own group as the root.
    for (std::string group = path + 1;; group.resize(group.rfind('/'))) {
      char value[64];
      double quota = 0, period = 0;
      if (second) {
        if (ReadLine("/sys/fs/cgroup" + group + "/cpu.max", value, sizeof(value)) &&
            std::sscanf(value, "%lf %lf", &quota, &period) == 2) {
          apply(quota, period);
        }
      } else if (ReadLine("/sys/fs/cgroup/cpu" + group + "/cpu.cfs_quota_us", value, sizeof(value)) &&
                 std::sscanf(value, "%lf", &quota) == 1 &&
                 ReadLine("/sys/fs/cgroup/cpu" + group + "/cpu.cfs_period_us", value, sizeof(value)) &&
                 std::sscanf(value, "%lf", &period) == 1) {
        apply(quota, period);
      }
      if (group.rfind('/') == std::string::npos) break;
    }
  }
  std::fclose(file);
  return limit;
}

size_t ProcessorsOfAffinity() {
  for (size_t processors = 1024; processors <= 1024 * 1024; processors *= 4) {
    cpu_set_t* set = CPU_ALLOC(processors);
    if (!set) return 0;
    const size_t bytes = CPU_ALLOC_SIZE(processors);
    const bool ok = sched_getaffinity(0, bytes, set) == 0;  // fails if the machine has more processors
    const int count = ok ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (ok) return static_cast<size_t>(std::max(count, 0));
  }
  return 0;
}
#endif

}  // namespace

std::unique_ptr<ThreadPool> ThreadPool::Create(size_t threads, const ParallelRunner* runner) {
  threads = std::clamp<size_t>(threads, 1, kMaxThreads);
  if (runner && runner->run) return std::make_unique<HostPool>(threads, *runner);
  if (threads == 1) return std::make_unique<CallerOnly>();
  return std::make_unique<OwnPool>(threads);
}

int64_t ProcessId() {
#if defined(__unix__) || defined(__APPLE__)
  return getpid();
#else
  return 0;
#endif
}

size_t AvailableProcessors() {
  size_t processors = 0;
#if defined(__linux__)
  processors = ProcessorsOfAffinity();
#endif
  if (processors == 0) processors = std::max(1u, std::thread::hardware_concurrency());
#if defined(__linux__)
  processors = QuotaOfControlGroups(processors);
#endif
  return processors;
}

}  // namespace octavo
