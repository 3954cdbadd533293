// Where tensors and scratch come from: the host's allocator or the C library's, under one budget.
//
// Bookkeeping (names, node lists) uses operator new; std::bad_alloc is caught at the C boundary. Everything whose
// size a model or an input decides goes through Memory, so that a 152-byte file cannot ask for 100 PB.
#ifndef OCTAVO_CORE_BASE_MEMORY_H_
#define OCTAVO_CORE_BASE_MEMORY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/base/status.h"

namespace octavo {

// Quotas of one context. Exceeding one is Code::kLimit with a message that names it.
struct Limits {
  uint64_t memory_bytes = UINT64_MAX;        // live bytes of all tensors and arenas of the context
  uint64_t file_bytes = uint64_t{1} << 40;   // model file and each external data file
  uint64_t fold_bytes = uint64_t{64} << 20;  // all constants made by constant folding together
  uint64_t nodes = 1000000;
  uint64_t string_bytes = 65536;  // names, operator types; not doc strings or metadata
};

// Host allocation hooks, both set or both null. Alignment is a power of two.
struct AllocatorHooks {
  void* opaque = nullptr;
  void* (*allocate)(void* opaque, size_t bytes, size_t alignment) = nullptr;
  void (*release)(void* opaque, void* pointer) = nullptr;
};

class Memory {
 public:
  static constexpr size_t kAlignment = 64;
  // Readable and writable bytes behind every buffer, so that kernels may load and store whole vectors.
  static constexpr size_t kSlack = 256;

  explicit Memory(Limits limits = {}, AllocatorHooks hooks = {}) : limits_(limits), hooks_(hooks) {}
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  const Limits& limits() const { return limits_; }
  uint64_t live_bytes() const { return live_.load(std::memory_order_relaxed); }
  uint64_t peak_bytes() const { return peak_.load(std::memory_order_relaxed); }
  bool has_hooks() const { return hooks_.allocate != nullptr; }

 private:
  friend class Buffer;
  friend class Region;
  // Counts bytes that are had elsewhere.
  Status Charge(size_t bytes);
  void Discharge(size_t bytes) { live_.fetch_sub(bytes, std::memory_order_relaxed); }
  Status Acquire(size_t bytes, void** out);
  void Release(void* pointer, size_t bytes);

  const Limits limits_;
  const AllocatorHooks hooks_;
  std::atomic<uint64_t> live_{0}, peak_{0};
};

using MemoryPtr = std::shared_ptr<Memory>;

// An owned, 64-byte aligned block with Memory::kSlack bytes behind it. Contents start uninitialised, slack zero.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { Reset(); }

  static Result<Buffer> Create(const MemoryPtr& memory, uint64_t bytes);

  void Reset();
  void* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  MemoryPtr memory_;
  void* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_BASE_MEMORY_H_
