#include "core/plan/build.h"

#include <algorithm>
#include <utility>

#include "core/base/checked.h"
#include "core/graph/operator.h"
#include "core/plan/arena.h"
#include "core/plan/reference_step.h"

namespace octavo {
namespace {

class Builder {
 public:
  Builder(Specialized specialized, const BuildOptions& options, const MemoryPtr& memory)
      : options_(options), memory_(memory), plan_(std::make_unique<Plan>()), g_(plan_->graph) {
    plan_->graph = std::move(specialized.graph);
    plan_->folded = std::move(specialized.folded);
    plan_->views.resize(g_.values.size());
    plan_->dynamic.resize(g_.values.size(), false);
  }

  Result<std::unique_ptr<Plan>> Build() {
    OCTAVO_RETURN_IF_ERROR(PlaceInputs());
    for (NodeId n = 0; n < g_.nodes.size(); ++n) OCTAVO_RETURN_IF_ERROR(Lower(n).Within(Label(g_, n)));
    OCTAVO_RETURN_IF_ERROR(DeliverOutputs());
    OCTAVO_RETURN_IF_ERROR(PlaceArena());
    ReleaseDynamic();
    return std::move(plan_);
  }

 private:
  Status PlaceInputs() {
    for (uint32_t i = 0; i < g_.inputs.size(); ++i) {
      Storage storage;
      storage.kind = Storage::Kind::kInput;
      storage.index = i;
      OCTAVO_RETURN_IF_ERROR(PlaceDense(g_.inputs[i], storage));
    }
    return Ok();
  }

  // Gives a value of known shape a dense view that fills the storage.
  Status PlaceDense(ValueId v, Storage storage) {
    const Value& value = g_.values[v];
    OCTAVO_ASSIGN_OR_RETURN(const int64_t elements, CheckedElements(*value.shape, value.dtype));
    storage.bytes = BytesFor(elements, value.dtype);
    plan_->views[v] = {AddStorage(storage), 0, DenseStrides(*value.shape, value.dtype)};
    return Ok();
  }

  StorageId AddStorage(const Storage& storage) {
    plan_->storages.push_back(storage);
    uses_.push_back({SIZE_MAX, 0});
    return static_cast<StorageId>(plan_->storages.size() - 1);
  }

  bool IsPlaced(ValueId v) const { return plan_->views[v].storage != kNoStorage; }

  // A view of what a step reads, noting that it does.
  View Read(ValueId v) {
    if (!IsPlaced(v)) {  // a constant nobody has read yet
      const Value& value = g_.values[v];
      Storage storage;
      storage.kind = Storage::Kind::kConstant;
      storage.bytes = value.constant->bytes();
      storage.constant = value.constant->raw();
      plan_->views[v] = {AddStorage(storage), 0, DenseStrides(*value.shape, value.dtype)};
    }
    Touch(plan_->views[v].storage);
    return plan_->views[v];
  }

  void Touch(StorageId storage) {
    Use& use = uses_[storage];
    use.first = std::min(use.first, plan_->steps.size());
    use.last = std::max(use.last, plan_->steps.size());
  }

  Status Lower(NodeId n) { return LowerReference(n); }

  Status LowerReference(NodeId n) {
    const Node& node = g_.nodes[n];
    std::vector<Operand> inputs(node.inputs.size()), outputs(node.outputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      const ValueId v = node.inputs[i];
      if (v == kNoValue) continue;
      if (plan_->dynamic[v]) {
        inputs[i] = {v, true, DType::kUndefined, {}, {}};
      } else {
        inputs[i] = {v, false, g_.values[v].dtype, *g_.values[v].shape, Read(v)};
      }
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      const ValueId v = node.outputs[i];
      if (v == kNoValue) continue;
      const Value& value = g_.values[v];
      // A known shape is no use where the row allocates by itself.
      if (node.op->data_dependent || value.dtype == DType::kUndefined || !value.shape || !value.shape->IsKnown()) {
        plan_->dynamic[v] = true;
        outputs[i] = {v, true, DType::kUndefined, {}, {}};
      } else {
        Storage storage;
        OCTAVO_RETURN_IF_ERROR(PlaceDense(v, storage));
        outputs[i] = {v, false, value.dtype, *value.shape, Read(v)};
      }
    }
    plan_->max_arguments = std::max(plan_->max_arguments, inputs.size() + outputs.size());
    auto step = std::make_unique<ReferenceStep>(node, g_.opset(), std::move(inputs), std::move(outputs));
    step->info.name = node.name;
    step->info.op = node.op_type;
    step->info.kernel = std::string("reference ") + node.op->name;
    Emit(std::move(step), node);
    return Ok();
  }

  void Emit(std::unique_ptr<Step> step, const Node& node) {
    for (ValueId v : node.outputs) {
      if (v != kNoValue) step->makes.push_back(v);
    }
    step_of_.push_back(plan_->steps.size());
    plan_->steps.push_back(std::move(step));
  }

  // Results that nobody wrote in place stay where they are until the end of the run.
  Status DeliverOutputs() {
    for (ValueId v : g_.outputs) {
      if (!plan_->dynamic[v]) Read(v);
    }
    return Ok();
  }

  Status PlaceArena() {
    std::vector<Block> blocks;
    std::vector<StorageId> owners;
    for (StorageId s = 0; s < plan_->storages.size(); ++s) {
      if (plan_->storages[s].kind != Storage::Kind::kArena || uses_[s].first == SIZE_MAX) continue;
      blocks.push_back({plan_->storages[s].bytes, uses_[s].first, uses_[s].last, 0});
      owners.push_back(s);
    }
    OCTAVO_ASSIGN_OR_RETURN(plan_->arena_bytes, AssignOffsets(blocks));
    for (size_t i = 0; i < blocks.size(); ++i) plan_->storages[owners[i]].offset = blocks[i].offset;
    return Ok();
  }

  void ReleaseDynamic() {
    std::vector<size_t> last(g_.values.size(), SIZE_MAX);
    for (size_t s = 0; s < g_.nodes.size(); ++s) {
      for (ValueId v : g_.nodes[s].inputs) {
        if (v != kNoValue && plan_->dynamic[v]) last[v] = s;
      }
    }
    for (ValueId v : g_.outputs) last[v] = SIZE_MAX;
    for (ValueId v = 0; v < last.size(); ++v) {
      if (last[v] != SIZE_MAX) plan_->steps[step_of_[last[v]]]->releases.push_back(v);
    }
  }

  struct Use {
    size_t first, last;
  };

  const BuildOptions& options_;
  const MemoryPtr& memory_;
  std::unique_ptr<Plan> plan_;
  Graph& g_;
  std::vector<Use> uses_;        // by storage
  std::vector<size_t> step_of_;  // by node: the step that completes it
};

}  // namespace

Result<std::unique_ptr<Plan>> BuildPlan(Specialized specialized, const BuildOptions& options, const MemoryPtr& memory) {
  return Builder(std::move(specialized), options, memory).Build();
}

}  // namespace octavo
