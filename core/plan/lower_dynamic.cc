// DynamicQuantizeLinear in three steps: the bounds of each slice, scale and zero point from them, then the values.
#include <algorithm>

#include "core/ops/rounding.h"
#include "core/plan/plan_builder.h"
#include "core/plan/runs_step.h"

namespace octavo {
namespace {

constexpr size_t kSlices = 32;  // as many threads can share the first step

struct Bounds {
  float min, max;
};

class BoundsStep : public RunsStep<1> {
 public:
  decltype(KernelTable::minmax) kernel = nullptr;
  View bounds;  // by slice

  size_t max_parts() const override { return std::min(kSlices, RunsStep::max_parts()); }

  Status Run(RunState& state, size_t part, size_t parts) const override {
    auto* const to = reinterpret_cast<Bounds*>(state.At(bounds));
    for (size_t slice = kSlices * part / parts; slice < kSlices * (part + 1) / parts; ++slice) {
      Bounds all = {0, 0};  // the range holds 0
      Walk(state, slice, kSlices, [&](const Addresses& rows_at, int64_t length, int64_t count) {
        EachRow(row_strides, rows_at, length, count, [&](const Addresses& at, int64_t elements) {
          Bounds row;
          kernel(reinterpret_cast<const float*>(at[0]), static_cast<size_t>(elements), &row.min, &row.max);
          all = {std::min(all.min, row.min), std::max(all.max, row.max)};
        });
      });
      to[slice] = all;
    }
    return Ok();
  }
};

class DynamicParamsStep : public Step {
 public:
  View bounds, scale, zero;

  Status Run(RunState& state, size_t, size_t) const override {
    const auto* const of = reinterpret_cast<const Bounds*>(state.At(bounds));
    Bounds all = {0, 0};
    for (size_t i = 0; i < kSlices; ++i) all = {std::min(all.min, of[i].min), std::max(all.max, of[i].max)};
    const DynamicParams params = ChooseDynamicParams(all.min, all.max);
    *reinterpret_cast<float*>(state.At(scale)) = params.scale;
    *reinterpret_cast<uint8_t*>(state.At(zero)) = static_cast<uint8_t>(params.zero);
    return Ok();
  }
};

class DynamicQuantizeStep : public RunsStep<2> {
 public:
  decltype(KernelTable::quantize_u8) kernel = nullptr;
  View scale, zero;

  Status Run(RunState& state, size_t part, size_t parts) const override {
    const float s = *reinterpret_cast<const float*>(state.At(scale));
    const auto z = static_cast<int32_t>(*reinterpret_cast<const uint8_t*>(state.At(zero)));
    Walk(state, part, parts, [&](const Addresses& rows_at, int64_t length, int64_t count) {
      EachRow(row_strides, rows_at, length, count, [&](const Addresses& at, int64_t elements) {
        kernel(reinterpret_cast<const float*>(at[0]), reinterpret_cast<uint8_t*>(at[1]), static_cast<size_t>(elements),
               s, z);
      });
    });
    return Ok();
  }
};

}  // namespace

Result<bool> LowerDynamicQuantize(PlanBuilder& b, NodeId n) {
  const Node& node = b.node(n);
  if (!node.domain.empty() || node.op_type != "DynamicQuantizeLinear" || b.IsConstant(node.inputs[0])) return false;
  if (std::count(node.outputs.begin(), node.outputs.end(), kNoValue) != 0) return false;
  auto range = std::make_unique<BoundsStep>();
  const View x = b.Read(node.inputs[0]);
  range->views = {x};
  range->element = {sizeof(float)};
  range->Arrange(b.shape(node.inputs[0]));
  range->kernel = b.kernels().minmax;
  OCTAVO_ASSIGN_OR_RETURN(const View bounds, b.MakeScratch(kSlices * sizeof(Bounds)));
  range->bounds = bounds;
  Describe(*range, b, n, "minmax", true);
  b.Emit(std::move(range), n, {x, bounds}, {});

  auto params = std::make_unique<DynamicParamsStep>();
  params->bounds = bounds;
  OCTAVO_ASSIGN_OR_RETURN(const View scale, b.MakeDense(node.outputs[1]));
  OCTAVO_ASSIGN_OR_RETURN(const View zero, b.MakeDense(node.outputs[2]));
  params->scale = scale, params->zero = zero;
  params->info.name = node.name;
  params->info.op = "parameters";
  params->info.kernel = "dynamic";
  b.Emit(std::move(params), n, {bounds, scale, zero}, {node.outputs[1], node.outputs[2]});

  OCTAVO_ASSIGN_OR_RETURN(auto quantize, PlaceUnary<DynamicQuantizeStep>(b, n, node.outputs[0]));
  quantize->kernel = b.kernels().quantize_u8;
  quantize->scale = scale, quantize->zero = zero;
  Describe(*quantize, b, n, "quantize_u8", true);
  const std::array<View, 2> views = quantize->views;
  b.Emit(std::move(quantize), n, {views[0], views[1], scale, zero}, {node.outputs[0]});
  return true;
}

}  // namespace octavo
