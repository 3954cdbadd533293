// Specialized graph -> Plan.
#ifndef OCTAVO_CORE_PLAN_BUILD_H_
#define OCTAVO_CORE_PLAN_BUILD_H_

#include <memory>

#include "core/kernels/kernels.h"
#include "core/plan/plan.h"
#include "core/plan/specialize.h"
#include "core/plan/weight_cache.h"

namespace octavo {

struct BuildOptions {
  const KernelTable* kernels = nullptr;  // null: every step is the row's own arithmetic
  bool observe = false;
  WeightCache* weights = nullptr;  // shared by the plans of a program; needed with kernels
};

Result<std::unique_ptr<Plan>> BuildPlan(Specialized specialized, const BuildOptions& options, const MemoryPtr& memory);

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_BUILD_H_
