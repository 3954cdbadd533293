#include "core/plan/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/plan/arena.h"
#include "core/plan/specialize.h"

namespace octavo {
namespace {

TEST(Arena, BlocksThatLiveTogetherDoNotMeet) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<Block> blocks(1 + random() % 60);
    uint64_t sum = 0;
    for (Block& block : blocks) {
      block.bytes = random() % 3 ? random() % 100000 : 0;
      block.first = random() % 40;
      block.last = block.first + random() % 6;
      sum += block.bytes + Memory::kSlack + Memory::kAlignment;
    }
    const Result<uint64_t> end = AssignOffsets(blocks);
    ASSERT_TRUE(end.ok());
    EXPECT_LE(*end, sum);
    for (size_t i = 0; i < blocks.size(); ++i) {
      EXPECT_EQ(blocks[i].offset % Memory::kAlignment, 0u);
      EXPECT_LE(blocks[i].offset + blocks[i].bytes + Memory::kSlack, *end);
      for (size_t j = 0; j < i; ++j) {
        const bool together = blocks[i].first <= blocks[j].last && blocks[j].first <= blocks[i].last;
        const bool apart = blocks[i].offset + blocks[i].bytes + Memory::kSlack <= blocks[j].offset ||
                           blocks[j].offset + blocks[j].bytes + Memory::kSlack <= blocks[i].offset;
        EXPECT_TRUE(!together || apart);
      }
    }
  }
}

TEST(Arena, ChainNeedsItsTwoLargestNeighbours) {
  std::vector<Block> blocks(10);
  for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = {64 * 1024, i, i + 1, 0};
  const Result<uint64_t> end = AssignOffsets(blocks);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(*end, 2 * (64 * 1024 + Memory::kSlack));
  EXPECT_EQ(MostLiveBytes(blocks), *end);
}

TEST(Arena, MostLiveBytesAreThoseOfTheBusiestStep) {
  std::mt19937 random(8);
  for (int round = 0; round < 50; ++round) {
    std::vector<Block> blocks(random() % 30);
    std::vector<uint64_t> live(50, 0);
    for (Block& block : blocks) {
      block.bytes = random() % 1000 * Memory::kAlignment;
      block.first = random() % 40;
      block.last = block.first + random() % 10;
      for (size_t step = block.first; step <= block.last; ++step) live[step] += block.bytes + Memory::kSlack;
    }
    EXPECT_EQ(MostLiveBytes(blocks), *std::max_element(live.begin(), live.end()));
  }
}

TEST(Strides, DenseMeansRowMajorButForSingleElements) {
  const Shape shape{2, 3, 1, 5};
  Strides strides = DenseStrides(shape, DType::kFloat);
  EXPECT_EQ(strides[0], 60);
  EXPECT_EQ(strides[1], 20);
  EXPECT_EQ(strides[3], 4);
  EXPECT_TRUE(IsDense(shape, DType::kFloat, strides));
  strides[2] = 777;
  EXPECT_TRUE(IsDense(shape, DType::kFloat, strides));
  strides[1] = 24;
  EXPECT_FALSE(IsDense(shape, DType::kFloat, strides));
}

}  // namespace
}  // namespace octavo
