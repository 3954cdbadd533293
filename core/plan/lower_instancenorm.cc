// Instance normalization of pixels, with the clamp behind it: images by channels.
#include <algorithm>

#include "core/base/checked.h"
#include "core/plan/plan_builder.h"

namespace octavo {
namespace {

class InstanceNormStep : public Step {
 public:
  decltype(KernelTable::finstance_norm) kernel = nullptr;
  FInstanceNormArgs args;  // without addresses
  View x, y, scale, bias;
  int64_t images = 1;

  size_t max_parts() const override {
    const int64_t elements = images * static_cast<int64_t>(args.lines * args.columns * args.channels);
    return static_cast<size_t>(std::clamp<int64_t>(elements / kElementsWorthAThread, 1, images * Blocks()));
  }

  Status Run(RunState& state, size_t part, size_t parts) const override {
    FInstanceNormArgs call = args;
    call.scale = reinterpret_cast<const float*>(state.At(scale));
    call.bias = reinterpret_cast<const float*>(state.At(bias));
    const auto p = static_cast<int64_t>(part), all = static_cast<int64_t>(parts);
    for (int64_t unit = images * Blocks() * p / all; unit < images * Blocks() * (p + 1) / all; ++unit) {
      const int64_t image = unit / Blocks();
      const auto channel = static_cast<size_t>(unit % Blocks() * kBlock);
      call.x = state.At(x) + image * x.strides[0];
      call.y = state.At(y) + image * y.strides[0];
      kernel(call, channel, std::min(channel + kBlock, args.channels));
    }
    return Ok();
  }

 private:
  static constexpr int64_t kBlock = 16;
  int64_t Blocks() const { return CeilDiv(static_cast<int64_t>(args.channels), kBlock); }
};

}  // namespace

// core/ops/norm.cc says what this computes.
Result<bool> LowerInstanceNorm(PlanBuilder& b, NodeId n) {
  const Node& node = b.node(n);
  if (!node.domain.empty() || node.op_type != "InstanceNormalization") return false;
  const ValueId in = node.inputs[0];
  const Shape& shape = b.shape(in);
  if (b.IsConstant(in) || shape.rank() < 3 || shape.rank() > 4 || shape.Elements() == 0) return false;
  for (ValueId v : node.inputs) {
    if (b.value(v).dtype != DType::kFloat) return false;
  }
  ValueId out = node.outputs[0];
  if (!b.IsPixels(in) && !b.WantsPixels(out)) return false;

  auto step = std::make_unique<InstanceNormStep>();
  step->kernel = b.kernels().finstance_norm;
  step->args.epsilon = NodeReader(node, b.graph().opset()).Float("epsilon", 1e-5f);
  step->info.op = node.op_type;
  TakeClamp(b, &out, &step->args.lo, &step->args.hi, &step->info);
  OCTAVO_ASSIGN_OR_RETURN(const View x, b.ReadPixels(in, {}));
  OCTAVO_ASSIGN_OR_RETURN(step->scale, b.ReadDense(node.inputs[1]));
  OCTAVO_ASSIGN_OR_RETURN(step->bias, b.ReadDense(node.inputs[2]));
  OCTAVO_ASSIGN_OR_RETURN(const View y, b.MakePixels(out));
  step->x = x, step->y = y;
  step->images = shape[0];
  const auto last = static_cast<size_t>(shape.rank() - 1);
  const bool image = shape.rank() == 4;
  step->args.lines = static_cast<size_t>(image ? shape[2] : 1);
  step->args.columns = static_cast<size_t>(shape[static_cast<int>(last)]);
  step->args.channels = static_cast<size_t>(shape[1]);
  step->args.x_line = image ? x.strides[2] : 0, step->args.x_column = x.strides[last];
  step->args.y_line = image ? y.strides[2] : 0, step->args.y_column = y.strides[last];
  step->info.name = node.name;
  step->info.kernel = std::string("f32_instance_norm ") + b.kernels().name;
  step->info.precision = "float32";
  step->info.bytes = 2.0 * static_cast<double>(BytesFor(shape.Elements(), DType::kFloat));
  b.Emit(std::move(step), n, {x, step->scale, step->bias, y}, {out});
  return true;
}

}  // namespace octavo
