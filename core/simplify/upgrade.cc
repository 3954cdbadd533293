#include "core/simplify/simplify.h"

namespace octavo {

Result<Graph> UpgradeOpset(Graph graph, int64_t target, const MemoryPtr&) {
  if (graph.opset() >= target) return graph;
  return Error(Code::kUnsupported, "cannot upgrade operator set %lld to %lld yet",
               static_cast<long long>(graph.opset()), static_cast<long long>(target));
}

}  // namespace octavo
