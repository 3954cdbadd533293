#include "core/plan/program.h"

#include <list>
#include <mutex>
#include <utility>

#include "core/base/float_environment.h"
#include "core/kernels/kernels.h"
#include "core/plan/build.h"
#include "core/plan/fuse.h"
#include "core/plan/integerize.h"
#include "core/plan/plan.h"
#include "core/plan/specialize.h"
#include "core/simplify/simplify.h"

namespace octavo {
namespace {

// Plans kept for shapes seen before. Shapes beyond that are planned again.
constexpr size_t kRememberedPlans = 32;

constexpr const char* kReferenceTarget = "reference";

std::string TargetNames() {
  std::string names;
  for (const char* name : KernelTargets()) names += std::string(name) + ", ";
  return names + kReferenceTarget;
}

bool Same(std::span<const Shape> a, std::span<const Shape> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// Of what may be weights.
uint64_t ConstantBytes(const Graph& graph) {
  uint64_t bytes = 0;
  for (const Value& value : graph.values) {
    if (value.constant && value.constant->shape().rank() > 1) bytes += value.constant->bytes();
  }
  return bytes;
}

class ProgramImpl : public Program {
 public:
  ProgramImpl(Integerized integerized, std::string cpu_target, const BuildOptions& options, MemoryPtr memory)
      : graph_(std::move(integerized.graph)),
        decisions_(std::move(integerized.decisions)),
        cpu_target_(std::move(cpu_target)),
        options_(options),
        memory_(std::move(memory)),
        weights_(memory_, ConstantBytes(graph_)) {
    options_.weights = &weights_;
  }

  const Graph& graph() const override { return graph_; }
  const std::string& cpu_target() const override { return cpu_target_; }
  const MemoryPtr& memory() const override { return memory_; }
  const std::vector<NodeDecision>& decisions() const override { return decisions_; }

  Result<std::shared_ptr<const Plan>> PlanFor(std::span<const Shape> inputs) const override {
    const FloatEnvironment environment;
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = plans_.begin(); it != plans_.end(); ++it) {
      if (Same(it->first, inputs)) {
        plans_.splice(plans_.begin(), plans_, it);
        return plans_.front().second;
      }
    }
    OCTAVO_ASSIGN_OR_RETURN(Specialized specialized, Specialize(graph_, inputs, memory_));
    if (options_.kernels && !options_.observe) FuseResiduals(&specialized);
    OCTAVO_ASSIGN_OR_RETURN(std::shared_ptr<const Plan> plan, BuildPlan(std::move(specialized), options_, memory_));
    plans_.emplace_front(std::vector<Shape>(inputs.begin(), inputs.end()), plan);
    if (plans_.size() > kRememberedPlans) plans_.pop_back();
    return plan;
  }

 private:
  const Graph graph_;
  const std::vector<NodeDecision> decisions_;
  const std::string cpu_target_;
  BuildOptions options_;
  const MemoryPtr memory_;
  mutable std::mutex mutex_;  // guards all below
  mutable WeightCache weights_;
  mutable std::list<std::pair<std::vector<Shape>, std::shared_ptr<const Plan>>> plans_;  // latest use first
};

}  // namespace

Result<std::shared_ptr<const Program>> Program::Create(const Graph& graph, const ProgramOptions& options,
                                                       const MemoryPtr& memory) {
  const FloatEnvironment environment;  // folding computes
  BuildOptions build;
  build.observe = options.observe;
  std::string target = options.cpu_target;
  if (target != kReferenceTarget) {
    build.kernels = FindKernels(target);
    if (!build.kernels) {
      return Error(Code::kNotFound, "cpu target '%s' is unknown or not runnable here; there are: %s",
                   Printable(target).c_str(), TargetNames().c_str());
    }
    target = build.kernels->name;
  }
  Integerized integerized;
  if (options.observe) {
    integerized.graph = graph;
  } else {
    OCTAVO_ASSIGN_OR_RETURN(Graph simplified, Simplify(graph, SimplifyOptions(), memory));
    OCTAVO_ASSIGN_OR_RETURN(simplified, FoldConstants(std::move(simplified), false, memory));
    OCTAVO_ASSIGN_OR_RETURN(integerized, Integerize(simplified, memory));
  }
  OCTAVO_ASSIGN_OR_RETURN(integerized.graph, FoldConstants(std::move(integerized.graph), true, memory));
  return std::shared_ptr<const Program>(
      std::make_shared<ProgramImpl>(std::move(integerized), std::move(target), build, memory));
}

}  // namespace octavo
