// Blocks that live as long as their region and are read again and again, side by side in pages of 2 MB where the system
// has such: packed weights, arenas.
//
// With pages of 4 KB a network of 25 MB needs more translations than a core keeps, and what fetches memory ahead stops
// at the end of each page. Linux gives larger ones to whoever asks (madvise), if the machine's owner allows it.
#ifndef OCTAVO_CORE_BASE_REGION_H_
#define OCTAVO_CORE_BASE_REGION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/base/memory.h"

namespace octavo {

// Not thread-safe.
class Region {
 public:
  // `expected`: bytes of all its blocks together, a guess. It decides whether large pages would be filled.
  Region(MemoryPtr memory, uint64_t expected) : memory_(std::move(memory)), expected_(expected) {}
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region();

  // As a Buffer: 64-byte aligned, Memory::kSlack bytes behind it, contents uninitialised, slack zero.
  Result<std::span<std::byte>> Allocate(uint64_t bytes);

 private:
  struct Mapping {
    std::byte* begin;
    size_t bytes;
  };
  bool Map(size_t bytes);
  void Advise();

  MemoryPtr memory_;
  uint64_t expected_;
  std::vector<Mapping> mappings_;
  std::byte *at_ = nullptr, *end_ = nullptr;  // of the last mapping: where the next block begins, and where it ends
  [[maybe_unused]] std::byte* advised_ = nullptr;  // from here on, the system was told nothing
  uint64_t charged_ = 0;
  std::vector<Buffer> buffers_;  // blocks of a host's allocator, and where mapping fails
};

}  // namespace octavo

#endif  // OCTAVO_CORE_BASE_REGION_H_
