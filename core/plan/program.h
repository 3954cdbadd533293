// Program: a graph made ready to run on one SIMD target. Immutable, shared by sessions and threads.
//
// Graph -> (simplify) -> graph -> (integerize: Q/DQ patterns become exact integer operators) -> graph; for each set of
// concrete input shapes a Plan: steps, packed weights, arena offsets. Plans are cached and share packed weights.
#ifndef OCTAVO_CORE_PLAN_PROGRAM_H_
#define OCTAVO_CORE_PLAN_PROGRAM_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/memory.h"
#include "core/graph/graph.h"

namespace octavo {

struct ProgramOptions {
  std::string cpu_target;  // "" = best here; one of KernelTargets(); "reference" = the rows' scalar arithmetic
  // Every value of the graph that depends on an input stays visible to an observer: the graph runs as it is given,
  // quantized patterns literally, in float, and nothing is fused.
  bool observe = false;
};

// Why a node runs in float although the graph is quantized, or how it runs. For inspect, profile and report.
struct NodeDecision {
  std::string node;  // name in the graph given to Create
  std::string op;
  std::string precision;  // "int8", "float32", "int64", "mixed"...
  std::string reason;     // code, "" where precision is int8: "graph_boundary", "no_integer_form", ...
  std::string sentence;   // the reason in words
};

class Plan;

class Program {
 public:
  static Result<std::shared_ptr<const Program>> Create(const Graph& graph, const ProgramOptions& options,
                                                       const MemoryPtr& memory);
  virtual ~Program() = default;

  virtual const Graph& graph() const = 0;  // the integerized graph
  virtual const std::string& cpu_target() const = 0;
  virtual const MemoryPtr& memory() const = 0;
  virtual const std::vector<NodeDecision>& decisions() const = 0;
  // The plan for these input shapes, made now or remembered. Thread-safe.
  virtual Result<std::shared_ptr<const Plan>> PlanFor(std::span<const Shape> inputs) const = 0;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_PROGRAM_H_
