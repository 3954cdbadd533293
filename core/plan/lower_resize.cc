// Resize of images along their lines and columns: pixels are copied, or interpolated by kernels.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/ops/resize_axes.h"
#include "core/plan/lines_step.h"
#include "core/plan/plan_builder.h"

namespace octavo {
namespace {

// Bytes between lines and columns of an image's view.
int64_t LineStride(const Shape& shape, const View& view) { return shape.rank() == 4 ? view.strides[2] : 0; }
int64_t ColumnStride(const Shape& shape, const View& view) {
  return view.strides[static_cast<size_t>(shape.rank() - 1)];
}

class NearestStep : public LinesStep {
 public:
  std::vector<int64_t> y, x;  // offsets in the input
  int64_t line = 0, column = 0;
  size_t pixel = 0;  // bytes

  Status Run(RunState& state, size_t part, size_t parts) const override {
    ForLines(state, part, parts,
             [this](const std::byte* in, std::byte* out, int64_t first, int64_t last) { Copy(in, out, first, last); });
    return Ok();
  }

 private:
  void Copy(const std::byte* in, std::byte* out, int64_t first, int64_t last) const {
    const size_t whole = x.size() * pixel;
    const bool adjacent = column == static_cast<int64_t>(pixel);
    for (int64_t i = first; i < last; ++i) {
      const auto at = static_cast<size_t>(i);
      std::byte* to = out + i * line;
      if (adjacent && i > first && y[at] == y[at - 1]) {
        std::memcpy(to, to - line, whole);
        continue;
      }
      for (int64_t offset : x) {
        std::memcpy(to, in + y[at] + offset, pixel);
        to += column;
      }
    }
  }
};

struct Taps {
  std::vector<uint32_t> first = {0};
  std::vector<int64_t> index;
  std::vector<float> weight;

  ResizeTaps pointers() const { return {first.data(), index.data(), weight.data()}; }
};

class InterpolateStep : public LinesStep {
 public:
  static constexpr size_t kMostParts = 32;  // each has a line of scratch

  void (*kernel)(const ResizeArgs&, size_t, size_t) = nullptr;
  ResizeArgs args;
  Taps y, x;
  View scratch;
  size_t LineFloats() const { return args.width * args.channels + kResizeSlack; }

  size_t max_parts() const override { return std::min(LinesStep::max_parts(), kMostParts); }

  Status Run(RunState& state, size_t part, size_t parts) const override {
    ResizeArgs call = args;
    call.y = y.pointers(), call.x = x.pointers();
    call.line = reinterpret_cast<float*>(state.At(scratch)) + part * LineFloats();
    ForLines(state, part, parts, [&](const std::byte* in, std::byte* out, int64_t first, int64_t last) {
      call.a.base = in;
      call.c.base = out;
      kernel(call, static_cast<size_t>(first), static_cast<size_t>(last));
    });
    return Ok();
  }
};

class ResizeLowering {
 public:
  ResizeLowering(PlanBuilder& builder, NodeId n) : b_(builder), n_(n), node_(builder.node(n)) {}

  Result<bool> Run() {
    if (!node_.domain.empty() || (node_.op_type != "Resize" && node_.op_type != "Upsample")) return false;
    if (b_.IsConstant(in()) || b_.shape(in()).rank() < 3 || b_.shape(in()).rank() > 4) return false;
    for (size_t i = 1; i < node_.inputs.size(); ++i) {
      if (node_.has_input(i) && !b_.IsConstant(node_.inputs[i])) return false;
    }
    const auto parameter = [&](size_t i) {
      const Tensor* tensor = node_.has_input(i) ? &*b_.value(node_.inputs[i]).constant : nullptr;
      return tensor && tensor->elements() > 0 ? tensor : nullptr;
    };
    OCTAVO_ASSIGN_OR_RETURN(const Resizing resizing,
                            ReadResize(NodeReader(node_, b_.graph().opset()), b_.shape(in()), parameter));
    if (resizing.coordinates == CoordinateMode::kTfCropAndResize) return false;
    OCTAVO_ASSIGN_OR_RETURN(maps_, MapAxes(resizing, b_.memory()));
    if (!maps_[0].identity || !maps_[1].identity) return false;
    if (std::all_of(maps_.begin(), maps_.end(), [](const AxisMap& map) { return map.identity; })) {
      b_.Alias(n_, out(), b_.Read(in()));
      return true;
    }
    return resizing.mode == ResizeMode::kNearest ? Copy() : Interpolate();
  }

 private:
  ValueId in() const { return node_.inputs[0]; }
  ValueId out() const { return node_.outputs[0]; }
  const AxisMap* y() const { return maps_.size() == 4 ? &maps_[2] : nullptr; }
  const AxisMap& x() const { return maps_.back(); }

  Result<bool> Copy() {
    auto step = std::make_unique<NearestStep>();
    OCTAVO_RETURN_IF_ERROR(Place(step.get()));
    const auto offsets = [](const AxisMap& map, int64_t stride) {
      std::vector<int64_t> result;
      for (int64_t index : map.index.data<int64_t>()) result.push_back(index * stride);
      return result;
    };
    const Shape& shape = b_.shape(in());
    step->y = y() ? offsets(*y(), LineStride(shape, step->a)) : std::vector<int64_t>{0};
    step->x = offsets(x(), ColumnStride(shape, step->a));
    step->line = LineStride(shape, step->c), step->column = ColumnStride(shape, step->c);
    step->pixel = BytesFor(shape[1], b_.value(in()).dtype);
    step->info.kernel = "copy";
    const View a = step->a, c = step->c;
    b_.Emit(std::move(step), n_, {a, c}, {out()});
    return true;
  }

  Result<bool> Interpolate() {
    const DType dtype = b_.value(in()).dtype;
    if (dtype != DType::kFloat && dtype != DType::kUInt8) return false;
    auto step = std::make_unique<InterpolateStep>();
    if (!ReadTaps(y(), &step->y) || !ReadTaps(&x(), &step->x)) return false;
    OCTAVO_RETURN_IF_ERROR(Place(step.get()));
    const Shape& shape = b_.shape(in());
    const bool bytes = dtype == DType::kUInt8;
    step->kernel = bytes ? b_.kernels().qresize : b_.kernels().fresize;
    ResizeArgs& args = step->args;
    args.a.line_stride = LineStride(shape, step->a), args.a.column_stride = ColumnStride(shape, step->a);
    args.c.line_stride = LineStride(shape, step->c), args.c.column_stride = ColumnStride(shape, step->c);
    args.channels = static_cast<size_t>(shape[1]);
    args.width = static_cast<size_t>(shape[shape.rank() - 1]);
    args.out_width = step->x.first.size() - 1;
    OCTAVO_ASSIGN_OR_RETURN(step->scratch, b_.MakeScratch(step->max_parts() * step->LineFloats() * sizeof(float)));
    step->info.kernel = std::string(bytes ? "u8_resize " : "f32_resize ") + b_.kernels().name;
    const View a = step->a, c = step->c, scratch = step->scratch;
    b_.Emit(std::move(step), n_, {a, c, scratch}, {out()});
    return true;
  }

  // Those whose weight is not 0. An axis that stays, or is not there, passes sums on by weights of 1: nothing changes,
  // as sums that begin with 0 are never -0. False beyond what the kernels promise.
  static bool ReadTaps(const AxisMap* map, Taps* taps) {
    constexpr double kLargestWeight = 1 << 20;
    const int64_t out = map ? map->index.shape()[0] : 1;
    for (int64_t o = 0; o < out; ++o) {
      if (!map || map->identity) {
        taps->index.push_back(o);
        taps->weight.push_back(1);
      }
      for (int64_t k = 0; map && !map->identity && k < map->taps; ++k) {
        const auto at = static_cast<size_t>(o * map->taps + k);
        const double weight = map->weight.data<double>()[at];
        if (!(std::abs(weight) <= kLargestWeight) || taps->weight.size() == UINT32_MAX) return false;
        if (static_cast<float>(weight) == 0) continue;
        taps->index.push_back(map->index.data<int64_t>()[at]);
        taps->weight.push_back(static_cast<float>(weight));
      }
      taps->first.push_back(static_cast<uint32_t>(taps->weight.size()));
    }
    return true;
  }

  Status Place(LinesStep* step) {
    const Shape &x = b_.shape(in()), &y = b_.shape(out());
    OCTAVO_ASSIGN_OR_RETURN(step->a, b_.ReadPixels(in(), {}));
    OCTAVO_ASSIGN_OR_RETURN(step->c, b_.MakePixels(out()));
    step->images = y[0];
    step->lines = y.rank() == 4 ? y[2] : 1;
    const DType dtype = b_.value(in()).dtype;
    step->info.name = node_.name;
    step->info.op = node_.op_type;
    step->info.precision = dtype == DType::kUInt8 ? "int8" : Name(dtype);
    step->info.bytes = static_cast<double>(BytesFor(x.Elements() + y.Elements(), dtype));
    return Ok();
  }

  PlanBuilder& b_;
  const NodeId n_;
  const Node& node_;
  std::vector<AxisMap> maps_;
};

}  // namespace

Result<bool> LowerResize(PlanBuilder& builder, NodeId n) { return ResizeLowering(builder, n).Run(); }

}  // namespace octavo
