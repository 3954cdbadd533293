#include "core/base/memory.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/base/checked.h"

namespace octavo {

Status Memory::Charge(size_t bytes) {
  const uint64_t live = live_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (live > limits_.memory_bytes || live < bytes) {
    Discharge(bytes);
    return Error(Code::kLimit, "%zu more bytes would exceed the memory limit of %llu bytes", bytes,
                 static_cast<unsigned long long>(limits_.memory_bytes));
  }
  uint64_t peak = peak_.load(std::memory_order_relaxed);
  while (peak < live && !peak_.compare_exchange_weak(peak, live, std::memory_order_relaxed)) {
  }
  return Ok();
}

Status Memory::Acquire(size_t bytes, void** out) {
  OCTAVO_RETURN_IF_ERROR(Charge(bytes));
  *out = hooks_.allocate ? hooks_.allocate(hooks_.opaque, bytes, kAlignment) : std::aligned_alloc(kAlignment, bytes);
  if (*out) return Ok();
  Discharge(bytes);
  return Error(Code::kOutOfMemory, "cannot allocate %zu bytes", bytes);
}

void Memory::Release(void* pointer, size_t bytes) {
  if (hooks_.release) {
    hooks_.release(hooks_.opaque, pointer);
  } else {
    std::free(pointer);
  }
  Discharge(bytes);
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    Reset();
    memory_ = std::move(other.memory_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Result<Buffer> Buffer::Create(const MemoryPtr& memory, uint64_t bytes) {
  if (bytes > PTRDIFF_MAX - Memory::kSlack - Memory::kAlignment) {
    return Error(Code::kLimit, "%llu bytes are more than the address space holds",
                 static_cast<unsigned long long>(bytes));
  }
  const size_t size = static_cast<size_t>(bytes);
  const size_t total = RoundUp(size + Memory::kSlack, Memory::kAlignment);
  Buffer buffer;
  OCTAVO_RETURN_IF_ERROR(memory->Acquire(total, &buffer.data_));
  buffer.memory_ = memory;
  buffer.size_ = size;
  std::memset(static_cast<char*>(buffer.data_) + size, 0, total - size);
  return buffer;
}

void Buffer::Reset() {
  if (data_) memory_->Release(data_, RoundUp(size_ + Memory::kSlack, Memory::kAlignment));
  data_ = nullptr;
  size_ = 0;
  memory_.reset();
}

}  // namespace octavo
