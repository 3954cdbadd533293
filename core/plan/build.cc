#include "core/plan/build.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/base/checked.h"
#include "core/plan/arena.h"
#include "core/plan/plan_builder.h"
#include "core/plan/reference_step.h"
#include "core/plan/strided.h"

namespace octavo {
namespace {

size_t ElementBytes(DType dtype) { return BitsOf(dtype) / 8; }

class CopyStep : public Step {
 public:
  CopyStep(const Shape& shape, DType dtype, const View& from, const View& to, const KernelTable* kernels)
      : copy_(shape, ElementBytes(dtype), from.strides, to.strides), from_(from), to_(to), kernels_(kernels) {}
  size_t max_parts() const override { return copy_.max_parts(); }
  Status Run(RunState& state, size_t part, size_t parts) const override {
    copy_.Run(kernels_, state.At(from_), state.At(to_), part, parts);
    return Ok();
  }

 private:
  const StridedCopy copy_;
  const View from_, to_;
  const KernelTable* const kernels_;
};

// Fills the frame around each image of a pixel view.
class FrameStep : public Step {
 public:
  FrameStep(const Shape& shape, const View& view, const Frame& frame, const View& fill, size_t element)
      : view_(view), fill_(fill), frame_(frame), images_(shape[0]) {
    const int rank = shape.rank();
    height_ = rank == 4 ? shape[2] : 1;
    width_ = shape[rank - 1];
    pixel_ = shape[1] * static_cast<int64_t>(element);
    column_ = view.strides[static_cast<size_t>(rank - 1)];
    line_ = rank == 4 ? view.strides[2] : (width_ + frame.left + frame.right) * column_;
  }
  Status Run(RunState& state, size_t, size_t) const override {
    const int byte = fill_.storage == kNoStorage ? frame_.fill : static_cast<int>(*state.At(fill_));
    for (int64_t n = 0; n < images_; ++n) {
      std::byte* const image = state.At(view_) + n * view_.strides[0];
      std::byte* line = image - frame_.top * line_ - frame_.left * column_;
      const auto fill = [&](std::byte* at, int64_t pixels) {
        if (pixels > 0) std::memset(at, byte, static_cast<size_t>(pixels * pixel_));
      };
      const int64_t whole = frame_.left + width_ + frame_.right;
      for (int64_t y = -frame_.top; y < height_ + frame_.bottom; ++y, line += line_) {
        if (y < 0 || y >= height_) {
          fill(line, whole);
        } else {
          fill(line, frame_.left);
          fill(line + (frame_.left + width_) * column_, frame_.right);
        }
      }
    }
    return Ok();
  }

 private:
  const View view_, fill_;
  const Frame frame_;
  const int64_t images_;
  int64_t height_, width_, line_, column_, pixel_;
};

// Whether elements may be laid out as pixels without changing their order in memory: images, lines, columns, channels.
bool HasPixelOrder(const Shape& shape, const Strides& strides) {
  if (shape.rank() < 3 || shape.rank() > 4) return false;
  int64_t outer = INT64_MAX;
  for (int d : {0, 2, 3, 1}) {
    if (d >= shape.rank() || shape[d] == 1) continue;
    const int64_t stride = std::abs(strides[static_cast<size_t>(d)]);
    if (stride > outer) return false;
    outer = stride;
  }
  return true;
}

// Stands for a node that made no step, so that observers see its value.
class ShowStep : public Step {
 public:
  Status Run(RunState&, size_t, size_t) const override { return Ok(); }
};

}  // namespace

Frame Frame::Union(const Frame& other) const {
  if (empty()) return other;
  if (other.empty() || other.fill != fill || other.fill_from != fill_from) return *this;
  return {std::max(top, other.top),
          std::max(left, other.left),
          std::max(bottom, other.bottom),
          std::max(right, other.right),
          fill,
          fill_from};
}

PlanBuilder::PlanBuilder(Specialized specialized, const BuildOptions& options, const MemoryPtr& memory)
    : options_(options), memory_(memory), plan_(std::make_unique<Plan>()) {
  plan_->graph = std::move(specialized.graph);
  plan_->folded = std::move(specialized.folded);
  const size_t values = graph().values.size();
  plan_->views.resize(values);
  plan_->dynamic.resize(values, false);
  consumers_ = Consumers(graph());
  is_output_.resize(values, false);
  for (ValueId v : graph().outputs) is_output_[v] = true;
  done_.resize(graph().nodes.size(), false);
  step_of_.resize(graph().nodes.size(), 0);
  concat_of_.resize(values, kNoNode);
  wanted_frames_.resize(values);
  frames_.resize(values);
}

Result<std::unique_ptr<Plan>> PlanBuilder::Build() {
  OCTAVO_RETURN_IF_ERROR(PlaceInputs());
  if (options_.kernels) OCTAVO_RETURN_IF_ERROR(ChooseFrames());
  for (current_ = 0; current_ < graph().nodes.size(); ++current_) {
    if (!done_[current_]) OCTAVO_RETURN_IF_ERROR(Lower(current_).Within(Label(graph(), current_)));
  }
  OCTAVO_RETURN_IF_ERROR(DeliverOutputs());
  OCTAVO_RETURN_IF_ERROR(PlaceArena());
  ReleaseDynamic();
  return std::move(plan_);
}

bool PlanBuilder::IsConcrete(ValueId v) const {
  return value(v).dtype != DType::kUndefined && value(v).shape && value(v).shape->IsKnown();
}

NodeId PlanBuilder::OnlyReader(ValueId v) const {
  return !options_.observe && v != kNoValue && consumers_[v].size() == 1 && !is_output_[v] ? consumers_[v][0] : kNoNode;
}

Status PlanBuilder::ChooseFrames() {
  for (NodeId n = 0; n < graph().nodes.size(); ++n) {
    const Frame frame = WantedFrame(*this, n);
    if (frame.empty()) continue;
    Frame& wanted = wanted_frames_[node(n).inputs[0]];
    wanted = wanted.Union(frame);
  }
  return Ok();
}

Status PlanBuilder::PlaceInputs() {
  for (uint32_t i = 0; i < graph().inputs.size(); ++i) {
    const ValueId v = graph().inputs[i];
    Storage storage;
    storage.kind = Storage::Kind::kInput;
    storage.index = i;
    OCTAVO_ASSIGN_OR_RETURN(const int64_t elements, CheckedElements(shape(v), value(v).dtype));
    storage.bytes = BytesFor(elements, value(v).dtype);
    plan_->views[v] = {AddStorage(storage), 0, DenseStrides(shape(v), value(v).dtype)};
  }
  return Ok();
}

StorageId PlanBuilder::AddStorage(const Storage& storage) {
  plan_->storages.push_back(storage);
  uses_.emplace_back();
  return static_cast<StorageId>(plan_->storages.size() - 1);
}

// ------------------------------------------------------------------------------------------------ reading

View PlanBuilder::Read(ValueId v) {
  View& view = plan_->views[v];
  if (view.storage == kNoStorage) {  // a constant nobody has read yet
    Storage storage;
    storage.kind = Storage::Kind::kConstant;
    storage.bytes = value(v).constant->bytes();
    storage.constant = value(v).constant->raw();
    const StorageId id = AddStorage(storage);
    plan_->views[v] = {id, 0, DenseStrides(shape(v), value(v).dtype)};
  }
  return plan_->views[v];
}

Result<View> PlanBuilder::CopyTo(ValueId v, const View& to, NodeId n) {
  const View from = Read(v);
  auto step = std::make_unique<CopyStep>(shape(v), value(v).dtype, from, to, options_.kernels);
  step->info.name = Printable(value(v).name);
  step->info.op = "layout";
  step->info.kernel = "copy";
  step->info.precision = Name(value(v).dtype);
  step->info.bytes = 2.0 * static_cast<double>(BytesFor(shape(v).Elements(), value(v).dtype));
  Emit(std::move(step), n, {from, to}, {});
  return to;
}

Result<View> PlanBuilder::ReadDense(ValueId v) {
  const View view = Read(v);
  if (IsDense(shape(v), value(v).dtype, view.strides)) return view;
  const Strides dense = DenseStrides(shape(v), value(v).dtype);
  for (const Copy& copy : copies_[v]) {
    if (!copy.pixels && copy.view.strides == dense) return copy.view;
  }
  OCTAVO_ASSIGN_OR_RETURN(View to, MakeScratch(BytesFor(shape(v).Elements(), value(v).dtype)));
  to.strides = dense;
  copies_[v].push_back({to, {}, false});
  return CopyTo(v, to, current_);
}

Result<View> PlanBuilder::ReadRows(ValueId v) {
  OCTAVO_ASSIGN_OR_RETURN(const View view, ReadDense(v));
  if (MayOverread(view)) return view;
  for (const Copy& copy : copies_[v]) {
    if (!copy.pixels && copy.view.strides == view.strides) return copy.view;
  }
  OCTAVO_ASSIGN_OR_RETURN(View to, MakeScratch(BytesFor(shape(v).Elements(), value(v).dtype)));
  to.strides = view.strides;
  copies_[v].push_back({to, {}, false});
  return CopyTo(v, to, current_);
}

Result<View> PlanBuilder::ReadForKernel(ValueId v) {
  const View view = Read(v);
  return MayOverread(view) ? Result<View>(view) : ReadRows(v);
}

bool PlanBuilder::IsPixelView(ValueId v, const View& view) const {
  const Shape& s = shape(v);
  if (s.rank() < 3 || s.rank() > 4) return false;
  const auto element = static_cast<int64_t>(ElementBytes(value(v).dtype));
  const auto& strides = view.strides;
  const auto column = strides[static_cast<size_t>(s.rank() - 1)];
  if (s[1] != 1 && strides[1] != element) return false;
  // Lines and images may overlap nothing and run forwards.
  if (s[s.rank() - 1] > 1 && column < s[1] * element) return false;
  if (s.rank() == 4 && s[2] > 1 && strides[2] < s[3] * column && s[3] > 1) return false;
  return s.rank() == 3 || s[2] == 1 || strides[2] > 0;
}

bool PlanBuilder::IsPixels(ValueId v) const {
  return plan_->views[v].storage != kNoStorage && IsPixelView(v, plan_->views[v]);
}

bool PlanBuilder::MayOverread(const View& view) const {
  return plan_->storages[view.storage].kind == Storage::Kind::kArena;
}

Result<View> PlanBuilder::ReadPixels(ValueId v, const Frame& frame) {
  const View view = Read(v);
  if (IsPixelView(v, view) && MayOverread(view) && frames_[v].Covers(frame)) return view;
  for (const Copy& copy : copies_[v]) {
    if (copy.pixels && copy.frame.Covers(frame)) return copy.view;
  }
  OCTAVO_ASSIGN_OR_RETURN(const View to, PlacePixels(v, frame));
  OCTAVO_RETURN_IF_ERROR(FillFrame(v, to, frame));
  copies_[v].push_back({to, frame, true});
  return CopyTo(v, to, current_);
}

Result<View> PlanBuilder::ReadLike(ValueId v, const View& like) {
  const View view = Read(v);
  const Shape& s = shape(v);
  bool same = true;
  const auto order = DimsByStride(s, like.strides), own = DimsByStride(s, view.strides);
  for (int i = 0; i < s.rank(); ++i) same &= order[static_cast<size_t>(i)] == own[static_cast<size_t>(i)];
  if (same) return view;
  OCTAVO_ASSIGN_OR_RETURN(View to, MakeScratch(BytesFor(s.Elements(), value(v).dtype)));
  auto stride = static_cast<int64_t>(ElementBytes(value(v).dtype));
  for (int i = s.rank(); i-- > 0;) {
    const auto d = static_cast<size_t>(order[static_cast<size_t>(i)]);
    to.strides[d] = stride;
    stride *= s[static_cast<int>(d)];
  }
  return CopyTo(v, to, current_);
}

// ------------------------------------------------------------------------------------------------ writing

Result<View> PlanBuilder::MakeScratch(uint64_t bytes) {
  Storage storage;
  storage.bytes = bytes;
  View view;
  view.storage = AddStorage(storage);
  return view;
}

Result<View> PlanBuilder::MakeDense(ValueId v) {
  OCTAVO_ASSIGN_OR_RETURN(const int64_t elements, CheckedElements(shape(v), value(v).dtype));
  OCTAVO_ASSIGN_OR_RETURN(View view, MakeScratch(BytesFor(elements, value(v).dtype)));
  view.strides = DenseStrides(shape(v), value(v).dtype);
  return plan_->views[v] = view;
}

Result<View> PlanBuilder::PlacePixels(ValueId v, const Frame& frame) {
  const Shape& s = shape(v);
  const int rank = s.rank();
  const int64_t height = rank == 4 ? s[2] : 1, width = rank >= 3 ? s[rank - 1] : 1;
  int64_t column, line, image, all;
  const bool fits = CheckedMul(s[1], static_cast<int64_t>(ElementBytes(value(v).dtype)), &column) &&
                    CheckedMul(width + frame.left + frame.right, column, &line) &&
                    CheckedMul(height + frame.top + frame.bottom, line, &image) && CheckedMul(s[0], image, &all);
  if (!fits) return Error(Code::kLimit, "shape %s with its padding is too large", s.ToString().c_str());
  OCTAVO_ASSIGN_OR_RETURN(View view, MakeScratch(static_cast<uint64_t>(all)));
  view.offset = frame.top * line + frame.left * column;
  view.strides[0] = image;
  view.strides[1] = static_cast<int64_t>(ElementBytes(value(v).dtype));
  if (rank == 4) view.strides[2] = line;
  if (rank >= 3) view.strides[static_cast<size_t>(rank - 1)] = column;
  return view;
}

Status PlanBuilder::FillFrame(ValueId v, const View& view, const Frame& frame) {
  if (frame.empty()) return Ok();
  const View fill = frame.fill_from == kNoValue ? View() : Read(frame.fill_from);
  auto step = std::make_unique<FrameStep>(shape(v), view, frame, fill, ElementBytes(value(v).dtype));
  step->info.name = Printable(value(v).name);
  step->info.op = "padding";
  step->info.kernel = "fill";
  step->info.precision = Name(value(v).dtype);
  Emit(std::move(step), current_, {view, fill}, {});
  return Ok();
}

// The Concat along channels that may take v as it is made: images, each input once, no frame asked for. Of several the
// one with most inputs: in a densely connected block, where each Concat begins with the inputs of the one before, all
// the others then are views of the last.
NodeId PlanBuilder::ConcatFor(ValueId v) const {
  if (options_.observe || is_output_[v] || shape(v).rank() != 4 || !wanted_frames_[v].empty()) return kNoNode;
  NodeId best = kNoNode;
  for (NodeId reader : consumers_[v]) {
    const Node& concat = node(reader);
    if (concat.op_type != "Concat" || !concat.domain.empty() || !IsConcrete(concat.outputs[0])) continue;
    const auto axis = NormalizeAxis(NodeReader(concat, graph().opset()).Int("axis", 1), 4);
    if (!axis.ok() || *axis != 1 || std::count(concat.inputs.begin(), concat.inputs.end(), v) != 1) continue;
    if (best != kNoNode && concat.inputs.size() <= node(best).inputs.size()) continue;
    if (shape(concat.outputs[0]).Elements() > 0 && WantsPixels(concat.outputs[0])) best = reader;
  }
  return best;
}

Result<View> PlanBuilder::PlaceInConcat(ValueId v, NodeId n) {
  const ValueId whole = node(n).outputs[0];
  if (!IsPlaced(whole)) OCTAVO_RETURN_IF_ERROR(MakePixels(whole).status());
  View view = plan_->views[whole];
  for (ValueId before : node(n).inputs) {
    if (before == v) break;
    view.offset += shape(before)[1] * view.strides[1];
  }
  concat_of_[v] = n;
  return plan_->views[v] = view;
}

Result<View> PlanBuilder::MakePixels(ValueId v) {
  if (const NodeId concat = ConcatFor(v); concat != kNoNode) return PlaceInConcat(v, concat);
  const Frame frame = wanted_frames_[v];
  OCTAVO_ASSIGN_OR_RETURN(const View view, PlacePixels(v, frame));
  OCTAVO_RETURN_IF_ERROR(FillFrame(v, view, frame));
  frames_[v] = frame;
  return plan_->views[v] = view;
}

Result<View> PlanBuilder::MakeLike(ValueId v, const View& like) {
  const Shape& s = shape(v);
  if (HasPixelOrder(s, like.strides)) return MakePixels(v);
  OCTAVO_ASSIGN_OR_RETURN(const int64_t elements, CheckedElements(s, value(v).dtype));
  OCTAVO_ASSIGN_OR_RETURN(View view, MakeScratch(BytesFor(elements, value(v).dtype)));
  const auto order = DimsByStride(s, like.strides);
  auto stride = static_cast<int64_t>(ElementBytes(value(v).dtype));
  for (int i = s.rank(); i-- > 0;) {
    const int d = order[static_cast<size_t>(i)];
    view.strides[static_cast<size_t>(d)] = stride;
    stride *= s[d];
  }
  return plan_->views[v] = view;
}

void PlanBuilder::Alias(NodeId n, ValueId v, const View& view) {
  plan_->views[v] = view;
  if (options_.observe) Emit(std::make_unique<ShowStep>(), n, {view}, {v});
}

bool PlanBuilder::WantsPixels(ValueId v) const {
  if (!IsConcrete(v) || shape(v).rank() < 3 || shape(v).rank() > 4) return false;
  // A few element-wise nodes deep; not the whole graph behind every value.
  std::vector<ValueId> open = {v};
  for (size_t i = 0; i < open.size() && i < 8; ++i) {
    for (NodeId reader : consumers_[open[i]]) {
      const Operator& op = *node(reader).op;
      const std::string& type = node(reader).op_type;
      if (op.lowering == Lowering::kConv || op.lowering == Lowering::kPool || op.lowering == Lowering::kGlobalPool ||
          type == "QConv" || type == "QAveragePool" || type == "QAffine") {
        return true;
      }
      const bool elementwise = op.lowering == Lowering::kUnary || op.lowering == Lowering::kBinary ||
                               op.lowering == Lowering::kQuantize || op.lowering == Lowering::kDequantize ||
                               type == "Table" || type == "QAdd" || type == "QMul" || type == "BatchNormalization" ||
                               type == "InstanceNormalization";
      const ValueId out = node(reader).outputs[0];
      if (elementwise && IsConcrete(out) && shape(out) == shape(v)) open.push_back(out);
    }
  }
  return false;
}

void PlanBuilder::Emit(std::unique_ptr<Step> step, NodeId n, std::initializer_list<View> views,
                       std::vector<ValueId> made) {
  Emit(std::move(step), n, std::vector<View>(views), std::move(made));
}

void PlanBuilder::Emit(std::unique_ptr<Step> step, NodeId n, const std::vector<View>& views,
                       std::vector<ValueId> made) {
  for (const View& view : views) {
    if (view.storage == kNoStorage) continue;
    Use& use = uses_[view.storage];
    use.first = std::min(use.first, plan_->steps.size());
    use.last = std::max(use.last, plan_->steps.size());
  }
  step->makes = std::move(made);
  step_of_[n] = plan_->steps.size();
  plan_->steps.push_back(std::move(step));
}

// ------------------------------------------------------------------------------------------------ nodes

Status PlanBuilder::Lower(NodeId n) {
  bool concrete = options_.kernels != nullptr && !node(n).op->data_dependent;
  for (ValueId v : node(n).inputs) concrete &= v == kNoValue || IsStatic(v);
  for (ValueId v : node(n).outputs) concrete &= v == kNoValue || (IsConcrete(v) && shape(v).Elements() > 0);
  if (concrete) {
    for (const auto lower : {LowerMove, LowerProduct, LowerMatMul, LowerWindow, LowerResize, LowerBatchNorm,
                             LowerInstanceNorm, LowerAffine, LowerElementwise, LowerDynamicQuantize, LowerRows}) {
      OCTAVO_ASSIGN_OR_RETURN(const bool lowered, lower(*this, n));
      if (lowered) {
        done_[n] = true;
        return Ok();
      }
    }
  }
  return LowerReference(n);
}

Status PlanBuilder::LowerReference(NodeId n) {
  const Node& node_n = node(n);
  std::vector<Operand> inputs(node_n.inputs.size()), outputs(node_n.outputs.size());
  std::vector<View> views;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ValueId v = node_n.inputs[i];
    if (v == kNoValue) continue;
    if (plan_->dynamic[v]) {
      inputs[i] = {v, true, DType::kUndefined, {}, {}};
      continue;
    }
    OCTAVO_ASSIGN_OR_RETURN(const View view, ReadDense(v));
    inputs[i] = {v, false, value(v).dtype, shape(v), view};
    views.push_back(view);
  }
  std::vector<ValueId> made;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const ValueId v = node_n.outputs[i];
    if (v == kNoValue) continue;
    made.push_back(v);
    // A known shape is no use where the row allocates by itself.
    if (node_n.op->data_dependent || !IsConcrete(v)) {
      plan_->dynamic[v] = true;
      outputs[i] = {v, true, DType::kUndefined, {}, {}};
      continue;
    }
    OCTAVO_ASSIGN_OR_RETURN(const View view, MakeDense(v));
    outputs[i] = {v, false, value(v).dtype, shape(v), view};
    views.push_back(view);
  }
  plan_->max_arguments = std::max(plan_->max_arguments, inputs.size() + outputs.size());
  auto step = std::make_unique<ReferenceStep>(node_n, graph().opset(), std::move(inputs), std::move(outputs));
  step->info.name = node_n.name;
  step->info.op = node_n.op_type;
  step->info.kernel = std::string("reference ") + node_n.op->name;
  if (!made.empty()) step->info.precision = Name(value(made[0]).dtype);
  Emit(std::move(step), n, views, std::move(made));
  return Ok();
}

// Results are row-major, and stay where they are until the end of the run.
Status PlanBuilder::DeliverOutputs() {
  current_ = graph().nodes.empty() ? 0 : static_cast<NodeId>(graph().nodes.size() - 1);
  for (ValueId v : graph().outputs) {
    if (plan_->dynamic[v]) continue;
    OCTAVO_ASSIGN_OR_RETURN(const View view, ReadDense(v));
    plan_->views[v] = view;
    uses_[view.storage].first = std::min(uses_[view.storage].first, plan_->steps.size());
  }
  for (ValueId v : graph().outputs) {
    if (!plan_->dynamic[v]) uses_[plan_->views[v].storage].last = plan_->steps.size();
  }
  return Ok();
}

Status PlanBuilder::PlaceArena() {
  std::vector<Block> blocks;
  std::vector<StorageId> owners;
  for (StorageId s = 0; s < plan_->storages.size(); ++s) {
    if (plan_->storages[s].kind != Storage::Kind::kArena || uses_[s].first == SIZE_MAX) continue;
    blocks.push_back({plan_->storages[s].bytes, uses_[s].first, uses_[s].last, 0});
    owners.push_back(s);
  }
  OCTAVO_ASSIGN_OR_RETURN(plan_->arena_bytes, AssignOffsets(blocks));
  plan_->live_bytes = MostLiveBytes(blocks);
  for (size_t i = 0; i < blocks.size(); ++i) plan_->storages[owners[i]].offset = blocks[i].offset;
  return Ok();
}

void PlanBuilder::ReleaseDynamic() {
  std::vector<size_t> last(graph().values.size(), SIZE_MAX);
  for (size_t n = 0; n < graph().nodes.size(); ++n) {
    for (ValueId v : node(static_cast<NodeId>(n)).inputs) {
      if (v != kNoValue && plan_->dynamic[v]) last[v] = n;
    }
  }
  for (ValueId v : graph().outputs) last[v] = SIZE_MAX;
  for (ValueId v = 0; v < last.size(); ++v) {
    if (last[v] != SIZE_MAX) plan_->steps[step_of_[last[v]]]->releases.push_back(v);
  }
}

Result<std::unique_ptr<Plan>> BuildPlan(Specialized specialized, const BuildOptions& options, const MemoryPtr& memory) {
  return PlanBuilder(std::move(specialized), options, memory).Build();
}

}  // namespace octavo
