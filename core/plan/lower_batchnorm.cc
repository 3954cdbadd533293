// Batch normalization that no convolution could take in, with the clamp behind it: one step over rows of channels.
#include <algorithm>
#include <cmath>

#include "core/plan/padded.h"
#include "core/plan/plan_builder.h"
#include "core/plan/strided.h"

namespace octavo {
namespace {

class BatchNormStep : public Step {
 public:
  void (*kernel)(const FBatchNormArgs&) = nullptr;
  FBatchNormArgs args;  // without addresses
  LoopNest<2> nest;     // outer loops
  View x, y;
  Padded<float> mean, factor, bias;

  size_t max_parts() const override {
    const int64_t elements = nest.Iterations() * static_cast<int64_t>(args.rows * args.n);
    return static_cast<size_t>(std::clamp<int64_t>(elements / kElementsWorthAThread, 1, Units()));
  }

  Status Run(RunState& state, size_t part, size_t parts) const override {
    FBatchNormArgs call = args;
    call.mean = mean.data(), call.factor = factor.data(), call.bias = bias.data();
    // Shares are rows of the only run, or runs.
    const auto p = static_cast<int64_t>(part), all = static_cast<int64_t>(parts);
    const int64_t begin = Units() * p / all, end = Units() * (p + 1) / all;
    const auto run = [&](int64_t x_offset, int64_t y_offset) {
      call.x = reinterpret_cast<const float*>(state.At(x) + x_offset);
      call.y = reinterpret_cast<float*>(state.At(y) + y_offset);
      kernel(call);
    };
    if (nest.rank == 0) {
      call.rows = static_cast<size_t>(end - begin);
      run(begin * args.x_stride, begin * args.y_stride);
    } else {
      nest.ForEach(begin, end, [&](const std::array<int64_t, 2>& offsets) { run(offsets[0], offsets[1]); });
    }
    return Ok();
  }

 private:
  int64_t Units() const { return nest.rank == 0 ? static_cast<int64_t>(args.rows) : nest.Iterations(); }
};

}  // namespace

// core/ops/norm.cc says what this computes.
Result<bool> LowerBatchNorm(PlanBuilder& b, NodeId n) {
  const Node& node = b.node(n);
  if (!node.domain.empty() || node.op_type != "BatchNormalization") return false;
  const ValueId in = node.inputs[0];
  if (b.IsConstant(in) || b.shape(in).rank() < 3 || b.shape(in).rank() > 4) return false;
  for (size_t i = 0; i < 5; ++i) {
    if (b.value(node.inputs[i]).dtype != DType::kFloat || (i > 0 && !b.IsConstant(node.inputs[i]))) return false;
  }
  ValueId out = node.outputs[0];
  if (!b.IsPixels(in) && !b.WantsPixels(out)) return false;

  auto step = std::make_unique<BatchNormStep>();
  step->kernel = b.kernels().fbatchnorm;
  const auto parameter = [&](size_t i) { return b.value(node.inputs[i]).constant->data<float>(); };
  const float epsilon = NodeReader(node, b.graph().opset()).Float("epsilon", 1e-5f);
  const int64_t channels = b.shape(in)[1];
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    step->factor.push_back(parameter(1)[c] / std::sqrt(parameter(4)[c] + epsilon));
    step->bias.push_back(parameter(2)[c]);
    step->mean.push_back(parameter(3)[c]);
  }
  step->info.op = node.op_type;
  TakeClamp(b, &out, &step->args.lo, &step->args.hi, &step->info);
  View x = b.Read(in);
  if (!b.IsPixels(in)) {
    OCTAVO_ASSIGN_OR_RETURN(x, b.ReadPixels(in, {}));
  }
  OCTAVO_ASSIGN_OR_RETURN(const View y, b.MakePixels(out));
  step->x = x, step->y = y;
  step->args.n = static_cast<size_t>(channels);
  const Shape& shape = b.shape(in);
  step->nest.Append(shape[0], {x.strides[0], y.strides[0]});
  for (int i = 2; i < shape.rank(); ++i) {
    step->nest.Append(shape[i], {x.strides[static_cast<size_t>(i)], y.strides[static_cast<size_t>(i)]});
  }
  std::array<int64_t, 2> rows{};
  step->args.rows = static_cast<size_t>(step->nest.TakeInner(&rows));
  step->args.x_stride = rows[0], step->args.y_stride = rows[1];
  step->info.name = node.name;
  step->info.kernel = std::string("f32_batchnorm ") + b.kernels().name;
  step->info.precision = "float32";
  step->info.bytes = 2.0 * static_cast<double>(BytesFor(shape.Elements(), DType::kFloat));
  b.Emit(std::move(step), n, {x, y}, {out});
  return true;
}

}  // namespace octavo
