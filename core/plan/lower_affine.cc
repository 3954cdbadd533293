// A factor and an addend for each channel of 8-bit values, channels innermost.
#include "core/ops/integer.h"
#include "core/plan/lines_step.h"
#include "core/plan/padded.h"
#include "core/plan/plan_builder.h"

namespace octavo {
namespace {

class AffineStep : public LinesStep {
 public:
  decltype(KernelTable::qaffine) kernel = nullptr;
  QAffineArgs args;  // without addresses
  Padded<float> multiplier, addend, negative;
  int64_t columns = 1;  // pixels of a line
  int64_t a_line = 0, c_line = 0;

  Status Run(RunState& state, size_t part, size_t parts) const override {
    QAffineArgs call = args;
    call.multiplier = multiplier.data();
    call.addend = addend.data();
    if (negative.size() > 0) call.negative = negative.data();
    ForLines(state, part, parts, [&](const std::byte* in, std::byte* out, int64_t first, int64_t last) {
      for (int64_t y = first; y < last; ++y) {
        call.a = in + y * a_line;
        call.c = out + y * c_line;
        kernel(call, 0, static_cast<size_t>(columns));
      }
    });
    return Ok();
  }
};

}  // namespace

Result<bool> LowerAffine(PlanBuilder& b, NodeId n) {
  const Node& node = b.node(n);
  if (node.domain != kInternalDomain || node.op_type != "QAffine" || b.IsConstant(node.inputs[0])) return false;
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    if (!b.IsConstant(node.inputs[i])) return false;
  }
  const NodeReader reader(node, b.graph().opset());
  const ValueId in = node.inputs[0], out = node.outputs[0];
  const Shape& shape = b.shape(in);
  const int64_t axis = reader.Int("axis", 1);
  const bool image = axis == 1 && (shape.rank() == 3 || shape.rank() == 4);
  if (!image && axis != shape.rank() - 1) return false;

  auto step = std::make_unique<AffineStep>();
  OCTAVO_ASSIGN_OR_RETURN(step->a, image ? b.ReadPixels(in, {}) : b.ReadRows(in));
  OCTAVO_ASSIGN_OR_RETURN(step->c, image ? b.MakePixels(out) : b.MakeDense(out));
  const auto multiplier = b.value(node.inputs[1]).constant->data<float>();
  const auto addend = b.value(node.inputs[2]).constant->data<float>();
  step->multiplier.assign(multiplier.begin(), multiplier.end());
  step->addend.assign(addend.begin(), addend.end());
  if (node.has_input(3)) {
    const auto negative = b.value(node.inputs[3]).constant->data<float>();
    step->negative.assign(negative.begin(), negative.end());
  }
  const QUnaryAttributes q = ReadQUnary(reader);
  step->kernel = b.kernels().qaffine;
  step->args.channels = multiplier.size();
  step->args.a_zero = q.x_zero, step->args.zero = q.zero;
  step->args.lo = q.lo, step->args.hi = q.hi;
  if (image) {
    const auto last = static_cast<size_t>(shape.rank() - 1);
    step->images = shape[0];
    if (shape.rank() == 4) step->lines = shape[2], step->a_line = step->a.strides[2], step->c_line = step->c.strides[2];
    step->columns = shape[shape.rank() - 1];
    step->args.a_stride = step->a.strides[last], step->args.c_stride = step->c.strides[last];
  } else {  // rows are lines of one pixel
    step->lines = shape.Elements() / shape[shape.rank() - 1];
    step->args.a_stride = step->args.c_stride = step->a_line = step->c_line = shape[shape.rank() - 1];
  }
  step->info.name = node.name;
  step->info.op = node.op_type;
  step->info.kernel = std::string("u8_affine ") + b.kernels().name;
  step->info.precision = "int8";
  step->info.bytes = 2.0 * static_cast<double>(shape.Elements());
  const std::vector<View> views = {step->a, step->c};
  b.Emit(std::move(step), n, views, {out});
  return true;
}

}  // namespace octavo
