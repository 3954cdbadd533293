#include "core/kernels/kernels.h"

#include <gtest/gtest.h>

#include <string>

namespace octavo {
namespace {

TEST(Kernels, BestIsTheFirstTarget) {
  ASSERT_FALSE(KernelTargets().empty());
  const KernelTable* best = FindKernels("");
  ASSERT_NE(best, nullptr);
  EXPECT_STREQ(best->name, KernelTargets()[0]);
}

TEST(Kernels, EveryNameFindsItsOwnTable) {
  for (const char* name : KernelTargets()) {
    const KernelTable* table = FindKernels(name);
    ASSERT_NE(table, nullptr) << name;
    EXPECT_STREQ(table->name, name);
    EXPECT_GE(table->vector_bytes, 16u);
  }
}

TEST(Kernels, UnknownNamesFindNothing) {
  EXPECT_EQ(FindKernels("AVX2"), nullptr);
  EXPECT_EQ(FindKernels("abacus"), nullptr);
  EXPECT_EQ(FindKernels("avx"), nullptr);
}

// Every entry of every table is set: the structure is pointers from the first function to its end.
TEST(Kernels, TablesAreComplete) {
  for (const char* name : KernelTargets()) {
    const KernelTable* table = FindKernels(name);
    auto entry = reinterpret_cast<void* const*>(&table->qgemm_packed_bytes);
    auto end = reinterpret_cast<void* const*>(table + 1);
    for (size_t i = 0; entry + i < end; ++i) EXPECT_NE(entry[i], nullptr) << name << ", function " << i;
  }
}

}  // namespace
}  // namespace octavo
