// Operators that treat each row by itself, a row being what lies along the last axes: softmax, normalizations,
// reductions. Softmax and normalizations have kernels; the others' own arithmetic runs on many rows at once.
#include <algorithm>
#include <array>
#include <functional>

#include "core/plan/plan_builder.h"

namespace octavo {
namespace {

size_t PartsFor(int64_t rows, int64_t elements) {
  return static_cast<size_t>(std::clamp<int64_t>(elements / kElementsWorthAThread, 1, std::max<int64_t>(rows, 1)));
}

// kernel(x, y, rows) on each share of contiguous rows.
class RowsStep : public Step {
 public:
  using Kernel = std::function<void(const RunState& state, const float* x, float* y, size_t rows)>;

  View x, y;
  int64_t rows = 0, n = 0;
  Kernel kernel;

  size_t max_parts() const override { return PartsFor(rows, rows * n); }

  Status Run(RunState& state, size_t part, size_t parts) const override {
    const auto p = static_cast<int64_t>(part), all = static_cast<int64_t>(parts);
    const int64_t begin = rows * p / all, end = rows * (p + 1) / all;
    kernel(state, reinterpret_cast<const float*>(state.At(x)) + begin * n,
           reinterpret_cast<float*>(state.At(y)) + begin * n, static_cast<size_t>(end - begin));
    return Ok();
  }
};

// A row of the operator table on slices of its first input and outputs: the leading dimensions become one, of which
// each share takes a part.
class SlicedStep : public Step {
 public:
  static constexpr size_t kMost = 4;
  struct Slice {
    View view;
    DType dtype;
    Shape shape;    // with the number of rows first
    int64_t bytes;  // of one row
  };

  SlicedStep(const Node& node, int64_t opset) : node_(node), opset_(opset) {}

  int64_t rows = 0, elements = 0;
  std::vector<Slice> inputs, outputs;  // inputs[0] and all outputs are cut
  std::vector<bool> present;           // by input

  size_t max_parts() const override { return PartsFor(rows, elements); }

  Status Run(RunState& state, size_t part, size_t parts) const override {
    const auto p = static_cast<int64_t>(part), all = static_cast<int64_t>(parts);
    const int64_t begin = rows * p / all, end = rows * (p + 1) / all;
    if (begin >= end) return Ok();
    std::array<Tensor, kMost> in, out;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!present[i]) continue;
      OCTAVO_ASSIGN_OR_RETURN(in[i], i == 0 ? Cut(state, inputs[i], begin, end) : Whole(state, inputs[i]));
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      OCTAVO_ASSIGN_OR_RETURN(out[i], Cut(state, outputs[i], begin, end));
    }
    EvalContext context(node_, opset_, std::span<const Tensor>(in).first(inputs.size()),
                        std::span<Tensor>(out).first(outputs.size()), state.memory);
    return node_.op->evaluate(context);
  }

 private:
  static Result<Tensor> Cut(const RunState& state, const Slice& slice, int64_t begin, int64_t end) {
    Shape shape = slice.shape;
    if (shape.rank() > 0) shape[0] = end - begin;
    return Tensor::Wrap(slice.dtype, shape, state.At(slice.view) + begin * slice.bytes,
                        static_cast<size_t>((end - begin) * slice.bytes), nullptr);
  }
  static Result<Tensor> Whole(const RunState& state, const Slice& slice) {
    return Tensor::Wrap(slice.dtype, slice.shape, state.At(slice.view), BytesFor(slice.shape.Elements(), slice.dtype),
                        nullptr);
  }

  const Node& node_;  // of the plan's graph
  const int64_t opset_;
};

class RowsLowering {
 public:
  RowsLowering(PlanBuilder& builder, NodeId n)
      : b_(builder), n_(n), node_(builder.node(n)), reader_(node_, builder.graph().opset()) {}

  Result<bool> Run() {
    if (!node_.domain.empty() || node_.inputs.empty() || b_.IsConstant(node_.inputs[0])) return false;
    if (b_.value(node_.inputs[0]).dtype != DType::kFloat || node_.inputs.size() > SlicedStep::kMost) return false;
    const int leading = LeadingAxes();
    if (leading <= 0 || x().Elements() == 0) return false;
    if (node_.op_type == "Softmax" && b_.kernels().fsoftmax) return Softmax(leading);
    if (IsLayerNorm(leading)) return LayerNorm(leading);
    return Slices(leading);
  }

 private:
  const Shape& x() const { return b_.shape(node_.inputs[0]); }

  // How many leading dimensions count rows; 0 if the operator is none of these.
  int LeadingAxes() const {
    const std::string& op = node_.op_type;
    const int rank = x().rank();
    if (op == "Softmax" || op == "LogSoftmax") {
      const bool one_axis = reader_.opset() >= 13;
      const auto axis = NormalizeAxis(reader_.Int("axis", one_axis ? -1 : 1), rank);
      if (!axis.ok()) return 0;
      return one_axis && *axis != rank - 1 ? 0 : *axis;
    }
    if (op == "LayerNormalization" || op == "RMSNormalization") {
      const auto axis = NormalizeAxis(reader_.Int("axis", -1), rank);
      if (!axis.ok()) return 0;
      for (size_t i = 1; i < node_.inputs.size(); ++i) {  // must not differ from row to row
        if (!node_.has_input(i)) continue;
        const Shape& shape = b_.shape(node_.inputs[i]);
        if (shape.Elements(0, std::max(0, shape.rank() - (rank - *axis))) != 1) return 0;
      }
      return *axis;
    }
    if (op.rfind("Reduce", 0) != 0) return 0;
    std::vector<int64_t> axes = reader_.Ints("axes");
    if (node_.has_input(1)) {
      if (!b_.IsConstant(node_.inputs[1]) || b_.value(node_.inputs[1]).dtype != DType::kInt64) return 0;
      const auto values = b_.value(node_.inputs[1]).constant->data<int64_t>();
      axes.assign(values.begin(), values.end());
    }
    std::vector<bool> reduced(static_cast<size_t>(rank), false);
    for (int64_t axis : axes) {
      const auto normal = NormalizeAxis(axis, rank);
      if (!normal.ok()) return 0;
      reduced[static_cast<size_t>(*normal)] = true;
    }
    return static_cast<int>(std::find(reduced.begin(), reduced.end(), true) - reduced.begin()) % rank;
  }

  void Describe(Step& step, const std::string& kernel) const {
    step.info.name = node_.name;
    step.info.op = node_.op_type;
    step.info.kernel = kernel;
    step.info.precision = "float32";
    step.info.bytes = static_cast<double>(BytesFor(x().Elements(), DType::kFloat));
    for (ValueId v : node_.outputs) {
      if (v != kNoValue) step.info.bytes += static_cast<double>(BytesFor(b_.shape(v).Elements(), b_.value(v).dtype));
    }
  }

  // Emits a step of `kernel`, which also reads `parameters`.
  Result<bool> Rows(int leading, const char* name, std::vector<View> parameters, RowsStep::Kernel kernel) {
    auto step = std::make_unique<RowsStep>();
    step->rows = x().Elements(0, leading);
    step->n = x().Elements(leading, x().rank());
    step->kernel = std::move(kernel);
    OCTAVO_ASSIGN_OR_RETURN(step->x, b_.ReadDense(node_.inputs[0]));
    OCTAVO_ASSIGN_OR_RETURN(step->y, b_.MakeDense(node_.outputs[0]));
    Describe(*step, std::string(name) + " " + b_.kernels().name);
    parameters.push_back(step->x);
    parameters.push_back(step->y);
    b_.Emit(std::move(step), n_, std::move(parameters), {node_.outputs[0]});
    return true;
  }

  Result<bool> Softmax(int leading) {
    const auto n = static_cast<size_t>(x().Elements(leading, x().rank()));
    return Rows(leading, "f32_softmax", {},
                [n, kernel = b_.kernels().fsoftmax](const RunState&, const float* from, float* to, size_t rows) {
                  kernel(from, to, rows, n);
                });
  }

  // Whether there is a kernel: all is float, each parameter as long as a row, and nobody wants the moments.
  bool IsLayerNorm(int leading) const {
    if (node_.op_type != "LayerNormalization" && node_.op_type != "RMSNormalization") return false;
    const int64_t n = x().Elements(leading, x().rank());
    for (size_t i = 1; i < node_.inputs.size(); ++i) {
      const ValueId v = node_.inputs[i];
      if (v != kNoValue && (b_.value(v).dtype != DType::kFloat || b_.shape(v).Elements() != n)) return false;
    }
    for (size_t i = 1; i < node_.outputs.size(); ++i) {
      if (node_.outputs[i] != kNoValue) return false;
    }
    return b_.value(node_.outputs[0]).dtype == DType::kFloat && n > 0;
  }

  Result<bool> LayerNorm(int leading) {
    FLayerNormArgs args;
    args.n = static_cast<size_t>(x().Elements(leading, x().rank()));
    args.epsilon = reader_.Float("epsilon", 1e-5f);
    args.centred = node_.op_type == "LayerNormalization";
    std::vector<View> parameters;
    for (size_t i = 1; i < node_.inputs.size(); ++i) {
      if (!node_.has_input(i)) continue;
      OCTAVO_ASSIGN_OR_RETURN(const View view, b_.ReadDense(node_.inputs[i]));
      parameters.push_back(view);
    }
    return Rows(leading, "f32_layer_norm", parameters,
                [args, parameters, kernel = b_.kernels().flayer_norm](const RunState& state, const float* from,
                                                                      float* to, size_t rows) {
                  FLayerNormArgs all = args;
                  all.x = from, all.y = to, all.rows = rows;
                  all.scale = reinterpret_cast<const float*>(state.At(parameters[0]));
                  if (parameters.size() > 1) all.bias = reinterpret_cast<const float*>(state.At(parameters[1]));
                  kernel(all);
                });
  }

  // The leading dimensions as one; the others of them become 1.
  static Shape Folded(Shape shape, int leading, int64_t rows) {
    for (int i = 0; i < std::min(leading, shape.rank()); ++i) shape[i] = i == 0 ? rows : 1;
    return shape;
  }

  Result<bool> Slices(int leading) {
    auto step = std::make_unique<SlicedStep>(node_, b_.graph().opset());
    step->rows = x().Elements(0, leading);
    step->elements = x().Elements();
    std::vector<View> views;
    for (size_t i = 0; i < node_.inputs.size(); ++i) {
      const ValueId v = node_.inputs[i];
      step->present.push_back(v != kNoValue);
      SlicedStep::Slice slice{};
      if (v != kNoValue) {
        OCTAVO_ASSIGN_OR_RETURN(slice.view, b_.ReadDense(v));
        views.push_back(slice.view);
        slice.dtype = b_.value(v).dtype;
        slice.shape = i == 0 ? Folded(b_.shape(v), leading, step->rows) : b_.shape(v);
        slice.bytes = static_cast<int64_t>(BytesFor(b_.shape(v).Elements(), slice.dtype)) / step->rows;
      }
      step->inputs.push_back(std::move(slice));
    }
    std::vector<ValueId> made;
    for (ValueId v : node_.outputs) {
      if (v == kNoValue || b_.shape(v).Elements(0, leading) != step->rows) return false;
    }
    for (ValueId v : node_.outputs) {
      SlicedStep::Slice slice;
      OCTAVO_ASSIGN_OR_RETURN(slice.view, b_.MakeDense(v));
      views.push_back(slice.view);
      slice.dtype = b_.value(v).dtype;
      slice.shape = Folded(b_.shape(v), leading, step->rows);
      slice.bytes = static_cast<int64_t>(BytesFor(b_.shape(v).Elements(), slice.dtype)) / step->rows;
      step->outputs.push_back(std::move(slice));
      made.push_back(v);
    }
    Describe(*step, std::string("reference ") + node_.op->name);
    b_.Emit(std::move(step), n_, views, std::move(made));
    return true;
  }

  PlanBuilder& b_;
  const NodeId n_;
  const Node& node_;
  const NodeReader reader_;
};

}  // namespace

Result<bool> LowerRows(PlanBuilder& builder, NodeId n) { return RowsLowering(builder, n).Run(); }

}  // namespace octavo
