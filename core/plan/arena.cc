#include "core/plan/arena.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/base/checked.h"
#include "core/base/memory.h"

namespace octavo {
namespace {

// Comparisons spent on packing tightly; a graph made to exhaust them gets a larger arena instead of a slow plan.
constexpr uint64_t kMaxWork = uint64_t{1} << 28;

}  // namespace

Result<uint64_t> AssignOffsets(std::span<Block> blocks) {
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });

  uint64_t end = 0, work = 0;
  std::vector<size_t> placed;  // by offset
  for (size_t i : order) {
    Block& block = blocks[i];
    uint64_t size;
    if (!CheckedAdd(block.bytes, static_cast<uint64_t>(Memory::kSlack + Memory::kAlignment), &size)) {
      return Error(Code::kLimit, "a value of %llu bytes", static_cast<unsigned long long>(block.bytes));
    }
    size = (size - 1) / Memory::kAlignment * Memory::kAlignment;
    uint64_t best = end, best_gap = UINT64_MAX, low = 0;
    if (work < kMaxWork) {
      work += placed.size();
      bool open_end = true;
      for (size_t p : placed) {
        const Block& other = blocks[p];
        if (other.last < block.first || block.last < other.first) continue;
        if (other.offset > low && other.offset - low >= size && other.offset - low < best_gap) {
          best = low;
          best_gap = other.offset - low;
          open_end = false;
        }
        low = std::max(low, other.offset + RoundUp(other.bytes + Memory::kSlack, uint64_t{Memory::kAlignment}));
      }
      if (open_end) best = low;
    }
    block.offset = best;
    uint64_t block_end;
    if (!CheckedAdd(best, size, &block_end)) return Error(Code::kLimit, "values larger than the address space");
    end = std::max(end, block_end);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), best,
                                   [&](uint64_t offset, size_t p) { return offset < blocks[p].offset; }),
                  i);
  }
  return end;
}

}  // namespace octavo
