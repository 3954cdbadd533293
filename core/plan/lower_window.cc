// Pools and spatial means, float and 8-bit, as pool kernels.
#include <algorithm>
#include <optional>

#include "core/ops/integer.h"
#include "core/ops/window.h"
#include "core/plan/lines_step.h"
#include "core/plan/plan_builder.h"

namespace octavo {
namespace {

template <typename Args>
class PoolStep : public LinesStep {
 public:
  using Kernel = void (*)(const Args&, size_t, size_t);

  Kernel kernel = nullptr;
  Args args;
  std::vector<float> factors;  // multiplier or divisor of each output pixel

  Status Run(RunState& state, size_t part, size_t parts) const override {
    Args call = args;
    if constexpr (requires { call.multiplier; }) call.multiplier = factors.data();
    if constexpr (requires { call.divisor; }) call.divisor = factors.data();
    ForLines(state, part, parts, [&](const std::byte* in, std::byte* out, int64_t first, int64_t last) {
      call.a.base = in;
      call.c.base = out;
      kernel(call, static_cast<size_t>(first), static_cast<size_t>(last));
    });
    return Ok();
  }
};

enum class PoolKind { kMax, kAverage };

class WindowLowering {
 public:
  WindowLowering(PlanBuilder& builder, NodeId n)
      : b_(builder), n_(n), node_(builder.node(n)), reader_(builder.node(n), builder.graph().opset()) {}

  Result<bool> Run() {
    if (!Accepts()) return false;
    const bool bytes = b_.value(node_.inputs[0]).dtype == DType::kUInt8;
    if (kind_ == PoolKind::kMax) {
      return bytes ? Emit<PoolArgs>(b_.kernels().qmaxpool, "u8_maxpool")
                   : Emit<PoolArgs>(b_.kernels().fmaxpool, "f32_maxpool");
    }
    return bytes ? Emit<QAvgPoolArgs>(b_.kernels().qavgpool, "u8_avgpool")
                 : Emit<FAvgPoolArgs>(b_.kernels().favgpool, "f32_avgpool");
  }

 private:
  bool Accepts() {
    if (node_.inputs.empty() || b_.IsConstant(node_.inputs[0])) return false;
    const Shape& x = b_.shape(node_.inputs[0]);
    const DType dtype = b_.value(node_.inputs[0]).dtype;
    if (x.rank() < 3 || x.rank() > 4 || x.Elements() == 0) return false;
    for (size_t i = 1; i < node_.outputs.size(); ++i) {
      if (node_.outputs[i] != kNoValue) return false;
    }
    const std::string& op = node_.op_type;
    if (node_.domain == kInternalDomain) {
      if (dtype != DType::kUInt8) return false;
      kind_ = PoolKind::kAverage;
      unary_ = ReadQUnary(reader_);
      if (op == "QAveragePool") return ReadPool(x);
      return op == "QReduceMean" && ReadSpatialAxes(x);
    }
    if (!node_.domain.empty()) return false;
    if (op == "MaxPool") return (dtype == DType::kFloat || dtype == DType::kUInt8) && ReadPool(x);
    if (op == "GlobalMaxPool") return (dtype == DType::kFloat || dtype == DType::kUInt8) && ReadWhole(x);
    if (dtype != DType::kFloat) return false;
    kind_ = PoolKind::kAverage;
    if (op == "AveragePool") return ReadPool(x);
    if (op == "GlobalAveragePool") return ReadWhole(x);
    return op == "ReduceMean" && ReadSpatialAxes(x);
  }

  bool ReadPool(const Shape& x) {
    if (!reader_.has_attribute("kernel_shape")) return ReadWhole(x);
    auto window = PoolWindow(reader_, x.dims().subspan(2));
    if (!window.ok()) return false;
    window_ = *window;
    include_pad_ = reader_.Int("count_include_pad", 0) != 0;
    return true;
  }

  bool ReadWhole(const Shape& x) {
    window_ = Window3();
    window_.spatial = x.rank() - 2;
    for (int i = 0; i < window_.spatial; ++i) window_.axis(i).in = window_.axis(i).kernel = x[i + 2];
    return true;
  }

  // Reductions over exactly the spatial axes of an image.
  bool ReadSpatialAxes(const Shape& x) {
    std::vector<int64_t> axes = reader_.Ints("axes");
    if (axes.empty() && node_.has_input(1)) {
      if (!b_.IsConstant(node_.inputs[1]) || b_.value(node_.inputs[1]).constant->dtype() != DType::kInt64) return false;
      const auto values = b_.value(node_.inputs[1]).constant->data<int64_t>();
      axes.assign(values.begin(), values.end());
    }
    for (int64_t& axis : axes) axis += axis < 0 ? x.rank() : 0;
    std::sort(axes.begin(), axes.end());
    if (axes.size() != static_cast<size_t>(x.rank() - 2)) return false;
    for (size_t i = 0; i < axes.size(); ++i) {
      if (axes[i] != static_cast<int64_t>(i) + 2) return false;
    }
    return ReadWhole(x);
  }

  template <typename Args>
  Result<bool> Emit(typename PoolStep<Args>::Kernel kernel, const char* name) {
    const ValueId in = node_.inputs[0], out = node_.outputs[0];
    const Shape &x = b_.shape(in), &y = b_.shape(out);
    auto step = std::make_unique<PoolStep<Args>>();
    OCTAVO_ASSIGN_OR_RETURN(const View a, b_.ReadPixels(in, {}));
    OCTAVO_ASSIGN_OR_RETURN(const View c, y.rank() == x.rank() ? b_.MakePixels(out) : b_.MakeDense(out));
    step->kernel = kernel;
    step->a = a, step->c = c;
    step->images = x[0];
    step->lines = window_.y().out;
    Args& args = step->args;
    args.a.line_stride = x.rank() == 4 ? a.strides[2] : 0;
    args.a.column_stride = a.strides[static_cast<size_t>(x.rank() - 1)];
    args.height = static_cast<size_t>(window_.y().in), args.width = static_cast<size_t>(window_.x().in);
    args.window.kh = static_cast<size_t>(window_.y().kernel), args.window.kw = static_cast<size_t>(window_.x().kernel);
    args.window.stride_h = static_cast<size_t>(window_.y().stride);
    args.window.stride_w = static_cast<size_t>(window_.x().stride);
    args.window.dilation_h = static_cast<size_t>(window_.y().dilation);
    args.window.dilation_w = static_cast<size_t>(window_.x().dilation);
    args.pad_top = window_.y().pad, args.pad_left = window_.x().pad;
    args.channels = static_cast<size_t>(x[1]);
    args.out_width = static_cast<size_t>(window_.x().out);
    if (y.rank() == x.rank()) {
      args.c.line_stride = y.rank() == 4 ? c.strides[2] : 0;
      args.c.column_stride = c.strides[static_cast<size_t>(y.rank() - 1)];
    }
    for (int64_t oy = 0; kind_ == PoolKind::kAverage && oy < window_.y().out; ++oy) {
      for (int64_t ox = 0; ox < window_.x().out; ++ox) {
        const int64_t count =
            AveragePoolCount(window_.y(), oy, include_pad_) * AveragePoolCount(window_.x(), ox, include_pad_);
        const bool bytes = std::is_same_v<Args, QAvgPoolArgs>;
        step->factors.push_back(bytes ? unary_.MeanMultiplier(count) : static_cast<float>(count));
      }
    }
    if constexpr (std::is_same_v<Args, QAvgPoolArgs>) {
      args.a_zero = unary_.x_zero, args.zero = unary_.zero;
      args.lo = unary_.lo, args.hi = unary_.hi;
    }
    step->info.name = node_.name;
    step->info.op = node_.op_type;
    step->info.kernel = std::string(name) + " " + b_.kernels().name;
    step->info.precision = b_.value(in).dtype == DType::kUInt8 ? "int8" : "float32";
    step->info.bytes = static_cast<double>(BytesFor(x.Elements() + y.Elements(), b_.value(in).dtype));
    b_.Emit(std::move(step), n_, {a, c}, {out});
    return true;
  }

  PlanBuilder& b_;
  const NodeId n_;
  const Node& node_;
  const NodeReader reader_;
  PoolKind kind_ = PoolKind::kMax;
  Window3 window_;
  bool include_pad_ = false;
  QUnaryAttributes unary_;
};

}  // namespace

Result<bool> LowerWindow(PlanBuilder& builder, NodeId n) { return WindowLowering(builder, n).Run(); }

}  // namespace octavo
