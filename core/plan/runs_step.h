// Steps that go element by element, in runs of adjacent elements.
#ifndef OCTAVO_CORE_PLAN_RUNS_STEP_H_
#define OCTAVO_CORE_PLAN_RUNS_STEP_H_

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/plan/plan_builder.h"
#include "core/plan/strided.h"

namespace octavo {

// Runs `inner(addresses, n, rows)` over the innermost run of a nest, as many rows at once as the loop around it has or
// a share takes; shares are rows, or pieces of a single run.
template <size_t kOperands>
class RunsStep : public Step {
 public:
  using Addresses = std::array<std::byte*, kOperands>;
  using Inner = std::function<void(const Addresses&, int64_t n, int64_t rows)>;

  LoopNest<kOperands> nest;  // loops around the rows
  int64_t rows = 1;
  std::array<int64_t, kOperands> row_strides{};
  int64_t n = 1;  // elements of a run
  std::array<View, kOperands> views;
  std::array<int64_t, kOperands> element{};  // bytes to the next element of a run; 0 for one that stands still
  Inner inner;

  size_t max_parts() const override {
    const int64_t all = nest.Iterations() * rows, bytes = all * n * element.back();
    return static_cast<size_t>(
        std::clamp<int64_t>(std::min(bytes / kBytesWorthAThread, all == 1 ? n / 64 : all), 1, INT32_MAX));
  }

  Status Run(RunState& state, size_t part, size_t parts) const override {
    Walk(state, part, parts, inner);
    return Ok();
  }

  // Chooses nest, rows and n for operands of one shape, of which views and element are set.
  void Arrange(const Shape& shape) {
    const auto order = DimsByStride(shape, views.back().strides);
    for (int i = 0; i < shape.rank(); ++i) {
      const auto d = static_cast<size_t>(order[static_cast<size_t>(i)]);
      std::array<int64_t, kOperands> strides;
      for (size_t o = 0; o < kOperands; ++o) strides[o] = views[o].strides[d];
      nest.Append(shape[static_cast<int>(d)], strides);
    }
    // The innermost loop is the run, if all are adjacent there.
    std::array<int64_t, kOperands> strides{};
    LoopNest<kOperands> outer = nest;
    const int64_t run = outer.TakeInner(&strides);
    if (run == 1 || strides == element) {
      nest = outer;
      n = run;
    }
    rows = nest.TakeInner(&row_strides);
  }

  // f(addresses, n) for each of `count` rows.
  template <typename F>
  static void EachRow(const std::array<int64_t, kOperands>& row_strides, Addresses at, int64_t n, int64_t count,
                      F&& f) {
    for (int64_t row = 0; row < count; ++row) {
      f(at, n);
      for (size_t o = 0; o < kOperands; ++o) at[o] += row_strides[o];
    }
  }

 protected:
  // f(addresses, n, rows) for one share.
  template <typename F>
  void Walk(RunState& state, size_t part, size_t parts, F&& f) const {
    Addresses bases;
    for (size_t o = 0; o < kOperands; ++o) bases[o] = state.At(views[o]);
    const auto p = static_cast<int64_t>(part), all = static_cast<int64_t>(parts);
    const int64_t total = nest.Iterations() * rows;
    if (total == 1) {
      const int64_t begin = n * p / all / 64 * 64, end = p + 1 == all ? n : n * (p + 1) / all / 64 * 64;
      for (size_t o = 0; o < kOperands; ++o) bases[o] += begin * element[o];
      if (begin < end) f(bases, end - begin, 1);
      return;
    }
    int64_t row = total * p / all;
    const int64_t end = total * (p + 1) / all;
    if (row == end) return;
    nest.ForEach(row / rows, (end - 1) / rows + 1, [&](const std::array<int64_t, kOperands>& offsets) {
      const int64_t first = row % rows, count = std::min(rows - first, end - row);
      Addresses at;
      for (size_t o = 0; o < kOperands; ++o) at[o] = bases[o] + offsets[o] + first * row_strides[o];
      f(at, n, count);
      row += count;
    });
  }
};

inline void Describe(Step& step, const PlanBuilder& b, NodeId n, const char* kernel, bool int8) {
  const Node& node = b.node(n);
  step.info.name = node.name;
  step.info.op = node.op_type;
  step.info.kernel = std::string(kernel) + " " + b.kernels().name;
  step.info.precision = int8 ? "int8" : "float32";
  for (ValueId v : node.inputs) {
    if (v != kNoValue && !b.IsConstant(v)) {
      step.info.bytes += static_cast<double>(BytesFor(b.shape(v).Elements(), b.value(v).dtype));
    }
  }
  step.info.bytes += static_cast<double>(BytesFor(b.shape(node.outputs[0]).Elements(), b.value(node.outputs[0]).dtype));
}

// A step with one operand, the first of node n, and one result of the same shape: node n's own, or that of a later node
// which it takes in.
template <typename UnaryStep>
Result<std::unique_ptr<UnaryStep>> PlaceUnary(PlanBuilder& b, NodeId n, ValueId out) {
  const ValueId in = b.node(n).inputs[0];
  View a = b.Read(in);
  // Where pixels are wanted, this is the place to turn planes into pixels: the fewest bytes pass here.
  if (b.WantsPixels(out) && !b.IsPixels(in) && BitsOf(b.value(in).dtype) <= BitsOf(b.value(out).dtype)) {
    OCTAVO_ASSIGN_OR_RETURN(a, b.ReadPixels(in, {}));
  }
  OCTAVO_ASSIGN_OR_RETURN(const View c, b.MakeLike(out, a));
  auto step = std::make_unique<UnaryStep>();
  step->views = {a, c};
  step->element = {static_cast<int64_t>(BitsOf(b.value(in).dtype) / 8),
                   static_cast<int64_t>(BitsOf(b.value(out).dtype) / 8)};
  step->Arrange(b.shape(in));
  return step;
}

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_RUNS_STEP_H_
