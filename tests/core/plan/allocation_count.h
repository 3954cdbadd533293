// Counts what goes through operator new, which these tests replace for the whole program.
#ifndef OCTAVO_TESTS_CORE_PLAN_ALLOCATION_COUNT_H_
#define OCTAVO_TESTS_CORE_PLAN_ALLOCATION_COUNT_H_

#include <cstddef>

namespace octavo::test {

size_t AllocationCount();

}  // namespace octavo::test

#endif  // OCTAVO_TESTS_CORE_PLAN_ALLOCATION_COUNT_H_
