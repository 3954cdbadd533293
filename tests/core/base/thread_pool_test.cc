#include "core/base/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace octavo {
namespace {

// Every index of [0, count) exactly once.
void ExpectEachOnce(ThreadPool& pool, size_t count) {
  std::vector<std::atomic<int>> seen(count);
  pool.Run(count, [&](size_t i) { ++seen[i]; });
  for (size_t i = 0; i < count; ++i) ASSERT_EQ(seen[i].load(), 1) << i << " of " << count;
}

TEST(ThreadPool, RunsEachIndexOnce) {
  for (size_t threads : {1, 2, 3, 8}) {
    const auto pool = ThreadPool::Create(threads);
    EXPECT_GE(pool->threads(), 1u);
    EXPECT_LE(pool->threads(), threads);
    for (size_t count = 0; count < 40; ++count) ExpectEachOnce(*pool, count);
    ExpectEachOnce(*pool, 10000);
  }
}

// Plain memory written by one job is read by the next, in quick succession and after sleep.
TEST(ThreadPool, JobsFollowEachOther) {
  const auto pool = ThreadPool::Create(4);
  std::vector<uint64_t> numbers(64, 1);
  for (int job = 0; job < 3000; ++job) {
    std::vector<uint64_t> next(numbers.size());
    pool->Run(numbers.size(), [&](size_t i) { next[i] = numbers[i] + numbers[(i + 1) % numbers.size()] % 7; });
    numbers.swap(next);
    if (job % 1000 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  std::vector<uint64_t> want(64, 1);
  for (int job = 0; job < 3000; ++job) {
    std::vector<uint64_t> next(want.size());
    for (size_t i = 0; i < want.size(); ++i) next[i] = want[i] + want[(i + 1) % want.size()] % 7;
    want.swap(next);
  }
  EXPECT_EQ(numbers, want);
}

TEST(ThreadPool, NestedCallsRunInline) {
  const auto pool = ThreadPool::Create(3);
  std::atomic<int> total{0};
  pool->Run(3, [&](size_t) { pool->Run(5, [&](size_t) { ++total; }); });
  EXPECT_EQ(total.load(), 15);
}

TEST(ThreadPool, ManyCallersShareIt) {
  const auto pool = ThreadPool::Create(3);
  std::atomic<int> total{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int job = 0; job < 500; ++job) pool->Run(4, [&](size_t) { ++total; });
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total.load(), 4 * 500 * 4);
}

TEST(ThreadPool, ComesAndGoes) {
  for (int i = 0; i < 50; ++i) {
    const auto pool = ThreadPool::Create(4);
    if (i % 2) ExpectEachOnce(*pool, 4);
  }
}

TEST(ThreadPool, UsesTheRunnerOfTheHost) {
  int calls = 0;
  ParallelRunner runner;
  runner.opaque = &calls;
  runner.run = [](void* opaque, void (*body)(void*, size_t), void* body_opaque, size_t count) {
    ++*static_cast<int*>(opaque);
    for (size_t i = count; i-- > 0;) body(body_opaque, i);
  };
  const auto pool = ThreadPool::Create(3, &runner);
  EXPECT_EQ(pool->threads(), 3u);
  ExpectEachOnce(*pool, 3);
  EXPECT_EQ(calls, 1);
}

TEST(ThreadPool, CountsProcessors) {
  EXPECT_GE(AvailableProcessors(), 1u);
  EXPECT_LE(AvailableProcessors(), std::max(1u, std::thread::hardware_concurrency()));
}

#if defined(__unix__) && !defined(__SANITIZE_THREAD__)
TEST(ThreadPool, WorksInTheChildOfAFork) {
  auto pool = ThreadPool::Create(3);
  ExpectEachOnce(*pool, 10);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int sum = 0;
    pool->Run(10, [&](size_t i) { sum += static_cast<int>(i); });
    pool.reset();
    _exit(sum == 45 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  ExpectEachOnce(*pool, 10);
}
#endif

}  // namespace
}  // namespace octavo
