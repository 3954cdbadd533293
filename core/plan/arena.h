// Offsets for blocks of memory that live for a while: blocks whose lives do not meet may share bytes.
#ifndef OCTAVO_CORE_PLAN_ARENA_H_
#define OCTAVO_CORE_PLAN_ARENA_H_

#include <cstdint>
#include <span>

#include "core/base/status.h"

namespace octavo {

struct Block {
  uint64_t bytes = 0;
  size_t first = 0, last = 0;  // steps, inclusive, during which the bytes must hold
  uint64_t offset = 0;         // the answer: a multiple of Memory::kAlignment
};

// Assigns every offset, taking blocks in the best of several orders, each at the tightest gap. Returns the bytes of the
// whole arena. Between neighbours lie Memory::kSlack bytes, so that kernels may read behind any block.
Result<uint64_t> AssignOffsets(std::span<Block> blocks);

// The bytes of blocks, each with its slack, that live at the busiest step: no arena is smaller.
uint64_t MostLiveBytes(std::span<const Block> blocks);

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_ARENA_H_
