#include "core/base/region.h"

#include <algorithm>
#include <utility>

#include "core/base/checked.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

// Sanitizers watch the surroundings of single blocks.
#if defined(__SANITIZE_ADDRESS__)
#define OCTAVO_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OCTAVO_SANITIZER 1
#endif
#endif

#if defined(__linux__) && defined(MADV_HUGEPAGE) && !defined(OCTAVO_SANITIZER)
#define OCTAVO_LARGE_PAGES 1
#else
#define OCTAVO_LARGE_PAGES 0
#endif

namespace octavo {
namespace {

constexpr size_t kPage = size_t{2} << 20;
constexpr uint64_t kFewest = kPage / 2;  // bytes used of a page that is worth being a large one

}  // namespace

#if OCTAVO_LARGE_PAGES

// Takes address space: memory comes as it is written to. False where there is none.
bool Region::Map(size_t bytes) {
  const size_t size = RoundUp(bytes, kPage) + kPage;
  void* const data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) return false;
  auto* const begin = static_cast<std::byte*>(data);
  mappings_.push_back({begin, size});
  at_ = advised_ =
      begin + (RoundUp(reinterpret_cast<uintptr_t>(begin), uintptr_t{kPage}) - reinterpret_cast<uintptr_t>(begin));
  end_ = begin + size;
  return true;
}

// Asks for large pages up to at_, before anything is written there.
void Region::Advise() {
  const uint64_t to_come = expected_ > charged_ ? expected_ - charged_ : 0;
  for (; advised_ < at_; advised_ += kPage) {
    const uint64_t used = static_cast<uint64_t>(at_ - advised_) + to_come;
    if (used >= kFewest && advised_ + kPage <= end_) madvise(advised_, kPage, MADV_HUGEPAGE);  // may be refused
  }
}

Region::~Region() {
  for (const Mapping& mapping : mappings_) munmap(mapping.begin, mapping.bytes);
  memory_->Discharge(charged_);
}

#else

bool Region::Map(size_t) { return false; }
void Region::Advise() {}
Region::~Region() = default;

#endif

Result<std::span<std::byte>> Region::Allocate(uint64_t bytes) {
  if (expected_ >= kFewest && !memory_->has_hooks() && bytes <= PTRDIFF_MAX - 2 * kPage) {
    const auto size = static_cast<size_t>(bytes);
    const size_t total = RoundUp(size + Memory::kSlack, Memory::kAlignment);
    OCTAVO_RETURN_IF_ERROR(memory_->Charge(total));
    const auto all = static_cast<size_t>(std::min<uint64_t>(expected_, uint64_t{1} << 30));
    if (static_cast<size_t>(end_ - at_) >= total || Map(std::max(total, all))) {
      charged_ += total;
      const std::span<std::byte> block(at_, size);
      at_ += total;
      Advise();
      return block;
    }
    memory_->Discharge(total);
  }
  OCTAVO_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Create(memory_, bytes));
  buffers_.push_back(std::move(buffer));
  return std::span(static_cast<std::byte*>(buffers_.back().data()), buffers_.back().size());
}

}  // namespace octavo
