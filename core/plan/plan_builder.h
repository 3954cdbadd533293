// PlanBuilder: what lowering needs to turn nodes into steps.
//
// A value is placed once, as a View with strides. Operators that only move elements mostly become another View of the
// same storage and no step at all. Image-like values [N, C, H, W] that a kernel makes are laid out with channels
// adjacent ("pixels"), with a frame of padding around each image where a convolution will read them.
#ifndef OCTAVO_CORE_PLAN_PLAN_BUILDER_H_
#define OCTAVO_CORE_PLAN_PLAN_BUILDER_H_

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/graph/operator.h"
#include "core/plan/build.h"
#include "core/plan/plan.h"
#include "core/plan/specialize.h"

namespace octavo {

// Lines above and below, pixels left and right of an image, all of the value `fill` (a byte of u8, or float 0), or of
// the one element of `fill_from`, known only when the plan runs.
struct Frame {
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  uint8_t fill = 0;
  ValueId fill_from = kNoValue;

  bool empty() const { return top == 0 && left == 0 && bottom == 0 && right == 0; }
  bool Covers(const Frame& other) const {
    return other.empty() || (top >= other.top && left >= other.left && bottom >= other.bottom && right >= other.right &&
                             fill == other.fill && fill_from == other.fill_from);
  }
  Frame Union(const Frame& other) const;
};

class PlanBuilder {
 public:
  PlanBuilder(Specialized specialized, const BuildOptions& options, const MemoryPtr& memory);

  Result<std::unique_ptr<Plan>> Build();

  // ---- the graph
  const Graph& graph() const { return plan_->graph; }
  const Node& node(NodeId n) const { return graph().nodes[n]; }
  const Value& value(ValueId v) const { return graph().values[v]; }
  const Shape& shape(ValueId v) const { return *value(v).shape; }
  bool IsConstant(ValueId v) const { return v != kNoValue && value(v).constant.has_value(); }
  // Static values have a view; the shapes of others are known only while the plan runs.
  bool IsStatic(ValueId v) const { return v != kNoValue && !plan_->dynamic[v] && IsConcrete(v); }
  bool IsConcrete(ValueId v) const;
  bool IsPlaced(ValueId v) const { return plan_->views[v].storage != kNoStorage; }
  const std::vector<NodeId>& Readers(ValueId v) const { return consumers_[v]; }
  // The only reader of a value that nobody else may see; kNoNode otherwise, and always while observing.
  NodeId OnlyReader(ValueId v) const;
  bool IsDone(NodeId n) const { return done_[n]; }
  void SetDone(NodeId n) { done_[n] = true; }

  const BuildOptions& options() const { return options_; }
  const KernelTable& kernels() const { return *options_.kernels; }
  const MemoryPtr& memory() const { return memory_; }

  // ---- reading: views as they are, or copied into another layout first (once)
  View Read(ValueId v);
  Result<View> ReadDense(ValueId v);                       // row-major
  Result<View> ReadPixels(ValueId v, const Frame& frame);  // channels adjacent, in memory that kernels may over-read
  Result<View> ReadRows(ValueId v);                        // row-major, in memory that kernels may over-read
  Result<View> ReadForKernel(ValueId v);                   // as it is, in memory that kernels may over-read
  // In the layout of `like`, a view of a value of the same shape.
  Result<View> ReadLike(ValueId v, const View& like);
  bool IsPixels(ValueId v) const;  // placed so
  bool WantsFrame(ValueId v) const { return !wanted_frames_[v].empty(); }

  // ---- writing: places a value for the step that is emitted next
  Result<View> MakeDense(ValueId v);
  Result<View> MakePixels(ValueId v);                  // with the frame its readers want
  Result<View> MakeLike(ValueId v, const View& like);  // the same order of dimensions
  void Alias(NodeId n, ValueId v, const View& view);
  // Copies value v to `to`, a place for elements of its shape.
  Result<View> CopyTo(ValueId v, const View& to, NodeId n);
  // Whether v was placed inside the result of the Concat n, so that nothing is left to copy.
  bool IsInPlace(ValueId v, NodeId n) const { return concat_of_[v] == n; }
  uint64_t StorageBytes(const View& view) const { return plan_->storages[view.storage].bytes; }
  Status RefillFrame(ValueId v) { return FillFrame(v, plan_->views[v], frames_[v]); }
  // Scratch of one step.
  Result<View> MakeScratch(uint64_t bytes);
  // Whether a reader of v, directly or through element-wise nodes, wants pixels.
  bool WantsPixels(ValueId v) const;

  // `views`: all that the step reads and writes. `made`: values it completes.
  void Emit(std::unique_ptr<Step> step, NodeId n, std::initializer_list<View> views, std::vector<ValueId> made);
  void Emit(std::unique_ptr<Step> step, NodeId n, const std::vector<View>& views, std::vector<ValueId> made);

  // Keeps what constant pointers of steps refer to.
  void Keep(std::shared_ptr<const void> object) { plan_->keep.push_back(std::move(object)); }

 private:
  struct Use {
    size_t first = SIZE_MAX, last = 0;
  };
  struct Copy {
    View view;
    Frame frame;
    bool pixels = false;
  };

  Status ChooseFrames();
  Status PlaceInputs();
  Status Lower(NodeId n);
  Status LowerReference(NodeId n);
  Status DeliverOutputs();
  Status PlaceArena();
  void ReleaseDynamic();

  StorageId AddStorage(const Storage& storage);
  Result<View> PlacePixels(ValueId v, const Frame& frame);
  NodeId ConcatFor(ValueId v) const;
  Result<View> PlaceInConcat(ValueId v, NodeId n);
  Status FillFrame(ValueId v, const View& view, const Frame& frame);
  bool IsPixelView(ValueId v, const View& view) const;
  bool MayOverread(const View& view) const;

  const BuildOptions& options_;
  const MemoryPtr& memory_;
  std::unique_ptr<Plan> plan_;
  std::vector<std::vector<NodeId>> consumers_;
  std::vector<bool> is_output_, done_;
  std::vector<NodeId> concat_of_;              // by value: the Concat that it lies in the result of
  std::vector<Frame> wanted_frames_, frames_;  // by value: what readers want, what was placed
  std::map<ValueId, std::vector<Copy>> copies_;
  std::vector<Use> uses_;        // by storage
  std::vector<size_t> step_of_;  // by node: the step that completes it
  NodeId current_ = 0;
};

// Each makes steps of node n if it knows a kernel for it; false leaves the node to its reference arithmetic.
Result<bool> LowerProduct(PlanBuilder& builder, NodeId n);
Result<bool> LowerMatMul(PlanBuilder& builder, NodeId n);  // of two computed operands
Result<bool> LowerWindow(PlanBuilder& builder, NodeId n);  // pools and means
Result<bool> LowerResize(PlanBuilder& builder, NodeId n);
Result<bool> LowerBatchNorm(PlanBuilder& builder, NodeId n);
Result<bool> LowerInstanceNorm(PlanBuilder& builder, NodeId n);
Result<bool> LowerAffine(PlanBuilder& builder, NodeId n);
Result<bool> LowerElementwise(PlanBuilder& builder, NodeId n);
Result<bool> LowerDynamicQuantize(PlanBuilder& builder, NodeId n);
Result<bool> LowerMove(PlanBuilder& builder, NodeId n);
Result<bool> LowerRows(PlanBuilder& builder, NodeId n);  // softmax, normalizations, reductions along the last axes

// The bounds of a Relu, or of a Clip with constant bounds, on float32; nullopt for any other node.
std::optional<std::pair<float, float>> ReadClamp(const PlanBuilder& builder, NodeId n);
// Takes into a step that makes *out the clamp that alone reads it, if there is one: its bounds, its output and its
// name.
void TakeClamp(PlanBuilder& builder, ValueId* out, float* lo, float* hi, StepInfo* info);

// The frame a convolution wants around its input; empty for other nodes and where it is not known to pad.
Frame WantedFrame(const PlanBuilder& builder, NodeId n);

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_PLAN_BUILDER_H_
