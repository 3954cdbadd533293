#include "core/base/region.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace octavo {
namespace {

constexpr uint64_t kMegabyte = uint64_t{1} << 20;

TEST(Region, BlocksAreAlignedApartAndFollowedByZeros) {
  for (const uint64_t expected : {uint64_t{0}, kMegabyte, 20 * kMegabyte}) {
    const auto memory = std::make_shared<Memory>();
    {
      Region region(memory, expected);
      std::vector<std::span<std::byte>> blocks;
      for (const uint64_t bytes :
           {uint64_t{1}, uint64_t{64}, 3 * kMegabyte + 1, uint64_t{0}, 40 * kMegabyte, uint64_t{100}}) {
        auto block = region.Allocate(bytes);
        ASSERT_TRUE(block.ok());
        EXPECT_EQ(block->size(), bytes);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(block->data()) % Memory::kAlignment, 0u);
        const auto* slack = reinterpret_cast<const uint8_t*>(block->data()) + bytes;
        EXPECT_TRUE(std::all_of(slack, slack + Memory::kSlack, [](uint8_t b) { return b == 0; }));
        std::memset(block->data(), static_cast<int>(blocks.size()) + 1, bytes);
        blocks.push_back(*block);
      }
      for (size_t i = 0; i < blocks.size(); ++i) {
        const auto* data = reinterpret_cast<const uint8_t*>(blocks[i].data());
        EXPECT_TRUE(std::all_of(data, data + blocks[i].size(), [&](uint8_t b) { return b == i + 1; })) << i;
      }
      EXPECT_GE(memory->live_bytes(), 43 * kMegabyte);
      EXPECT_LT(memory->live_bytes(), 44 * kMegabyte);  // what was asked for, not the address space
    }
    EXPECT_EQ(memory->live_bytes(), 0u);
  }
}

TEST(Region, KeepsToTheQuota) {
  Limits limits;
  limits.memory_bytes = 4 * kMegabyte;
  const auto memory = std::make_shared<Memory>(limits);
  Region region(memory, 3 * kMegabyte);
  ASSERT_TRUE(region.Allocate(3 * kMegabyte).ok());
  const auto refused = region.Allocate(2 * kMegabyte);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), Code::kLimit);
  EXPECT_FALSE(region.Allocate(UINT64_MAX).ok());
  EXPECT_TRUE(region.Allocate(kMegabyte / 2).ok());  // it stays usable
}

TEST(Region, UsesTheHostsAllocator) {
  struct Host {
    size_t blocks = 0;
    static void* Allocate(void* opaque, size_t bytes, size_t alignment) {
      ++static_cast<Host*>(opaque)->blocks;
      return std::aligned_alloc(alignment, bytes);
    }
    static void Release(void* opaque, void* pointer) {
      --static_cast<Host*>(opaque)->blocks;
      std::free(pointer);
    }
  } host;
  {
    Region region(std::make_shared<Memory>(Limits(), AllocatorHooks{&host, Host::Allocate, Host::Release}), kMegabyte);
    ASSERT_TRUE(region.Allocate(kMegabyte).ok());
    ASSERT_TRUE(region.Allocate(1).ok());
    EXPECT_EQ(host.blocks, 2u);
  }
  EXPECT_EQ(host.blocks, 0u);
}

}  // namespace
}  // namespace octavo
