// Reductions, and what else looks along an axis: ArgMax, cumulative sums, TopK.
//
// Sums run in index order: of float types in double, rounded once at the end (but for ReduceMean); of integers modulo
// 2^bits.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include "core/ops/check.h"
#include "core/ops/elementwise.h"
#include "core/ops/families.h"
#include "core/ops/math.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;

Status CheckNumeric(const InferContext& context, size_t i, const char* name) {
  if (context.dtype(i) == DType::kBool) return Error(Code::kInvalidModel, "%s is bool; allowed: numbers", name);
  return CheckWholeBytes(context, i, name);
}

// ---------------------------------------------------------------------------------------------- which axes

// From which operator set on the axes are an input.
int64_t AxesInputSince(const NodeReader& node) { return node.node().op_type == "ReduceSum" ? 13 : 18; }

// One flag per axis. No axes mean all of them, or none with noop_with_empty_axes.
Result<std::vector<bool>> ReducedAxes(const NodeReader& node, const std::vector<int64_t>& axes, int rank) {
  const bool all = axes.empty() && node.Int("noop_with_empty_axes", 0) == 0;
  std::vector<bool> reduced(static_cast<size_t>(rank), all);
  for (int64_t axis : axes) {
    OCTAVO_ASSIGN_OR_RETURN(const int normal, NormalizeAxis(axis, rank));
    if (reduced[static_cast<size_t>(normal)]) return Error(Code::kInvalidModel, "axis %d stands twice in axes", normal);
    reduced[static_cast<size_t>(normal)] = true;
  }
  return reduced;
}

Status InferReduceOf(InferContext& context) {
  const bool input_form = context.opset() >= AxesInputSince(context);
  if (input_form ? context.has_attribute("axes") : context.has_input(1)) {
    return Error(Code::kInvalidModel, "axes are an attribute before operator set %lld and an input from then on",
                 LL(AxesInputSince(context)));
  }
  std::optional<std::vector<int64_t>> axes = context.Ints("axes");
  if (input_form && context.has_input(1)) {
    OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "axes", {DType::kInt64}));
    OCTAVO_ASSIGN_OR_RETURN(axes, context.Integers(1));
  }
  const bool keep = context.Int("keepdims", 1) != 0;
  const Shape* input = context.shape(0);
  std::optional<Shape> out;
  if (input && axes) {
    OCTAVO_ASSIGN_OR_RETURN(const auto reduced, ReducedAxes(context, *axes, input->rank()));
    out = Shape();
    for (int i = 0; i < input->rank(); ++i) {
      if (!reduced[static_cast<size_t>(i)]) {
        out->Append((*input)[i]);
      } else if (keep) {
        out->Append(1);
      }
    }
  } else if (input && keep) {
    out = Shape::OfRank(input->rank(), kUnknown);
  }
  context.SetOutput(0, context.dtype(0), out);
  return Ok();
}

Status InferReduce(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckNumeric(context, 0, "data"));
  return InferReduceOf(context);
}

Status InferReduceWithBool(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 0, "data"));
  return InferReduceOf(context);
}

Result<std::vector<bool>> ReducedAxes(const EvalContext& context) {
  std::vector<int64_t> axes = context.Ints("axes");
  if (context.has_input(1)) {
    size_t count = 0;
    OCTAVO_ASSIGN_OR_RETURN(const auto values, SmallIntegers(context.input(1), &count));
    axes.assign(values.begin(), values.begin() + static_cast<ptrdiff_t>(count));
  }
  return ReducedAxes(context, axes, context.input(0).shape().rank());
}

// ---------------------------------------------------------------------------------------------- reductions

// The elements that are reduced to one output element, in index order.
template <typename W>
class Group {
 public:
  Group(const Tensor& input, const std::vector<bool>& reduced) : input_(input) {
    const auto strides = DenseStrides(input.shape());
    for (int i = 0; i < input.shape().rank(); ++i) {
      if (!reduced[static_cast<size_t>(i)]) continue;
      walk_.AddDim(input.shape()[i], {strides[static_cast<size_t>(i)]});
      // Of an empty tensor the product of the other dimensions may overflow.
      count_ = input.elements() > 0 ? count_ * input.shape()[i] : std::min(count_, input.shape()[i]);
    }
  }

  DType dtype() const { return input_.dtype(); }
  int64_t count() const { return count_; }
  void MoveTo(int64_t first) { first_ = first; }

  template <typename F>
  void ForEach(F&& f) const {
    W values[kChunk];
    const int64_t stride = walk_.stride(0);
    walk_.ForEachRun([&](const int64_t* offsets, int64_t run) {
      for (int64_t done = 0; done < run; done += kChunk) {
        const int64_t n = std::min(run - done, kChunk);
        LoadElements(input_.dtype(), input_.raw(), first_ + offsets[0] + done * stride, stride, n, values);
        for (int64_t i = 0; i < n; ++i) f(values[i]);
      }
    });
  }

 private:
  const Tensor& input_;
  Walk walk_;
  int64_t first_ = 0, count_ = 1;
};

// output = reduce(group) for every output element. The result may be of type W or double.
template <typename W, typename F>
Status ReduceEach(EvalContext& context, const F& reduce) {
  const Tensor& input = context.input(0);
  Tensor& output = context.output(0);
  OCTAVO_ASSIGN_OR_RETURN(const auto reduced, ReducedAxes(context));
  Group<W> group(input, reduced);
  const auto strides = DenseStrides(input.shape());
  Walk kept;  // operand 0: the output, dense; operand 1: where the group begins
  int64_t stride = output.elements();
  for (int i = 0; i < input.shape().rank(); ++i) {
    if (reduced[static_cast<size_t>(i)] || output.elements() == 0) continue;
    stride /= input.shape()[i];
    kept.AddDim(input.shape()[i], {stride, strides[static_cast<size_t>(i)]});
  }
  if (output.elements() == 0) return Ok();
  kept.ForEachRun([&](const int64_t* offsets, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      group.MoveTo(offsets[1] + i * kept.stride(1));
      const auto result = reduce(group);
      StoreElements(output.dtype(), &result, 1, output.mutable_raw(), offsets[0] + i);
    }
  });
  return Ok();
}

// Sums of integers wrap, hence are computed unsigned.
template <typename W>
using SumOf = std::conditional_t<std::is_same_v<W, double>, double, uint64_t>;

template <typename W, typename F>
SumOf<W> SumOver(const Group<W>& group, const F& term) {
  SumOf<W> sum = 0;
  group.ForEach([&](W x) { sum += term(static_cast<SumOf<W>>(x)); });
  return sum;
}

template <typename W>
SumOf<W> Sum(const Group<W>& group) {
  return SumOver(group, [](auto x) { return x; });
}

template <typename W>
SumOf<W> SumSquare(const Group<W>& group) {
  return SumOver(group, [](auto x) { return x * x; });
}

struct ReduceSum {
  template <typename W>
  auto operator()(const Group<W>& group) const {
    return Sum(group);
  }
};

struct ReduceSumSquare {
  template <typename W>
  auto operator()(const Group<W>& group) const {
    return SumSquare(group);
  }
};

// Of float types but double: summed in float, as AveragePool does it, whose place this takes in many networks. Of
// integers: truncated; of none of them: 0.
struct ReduceMean {
  template <typename W>
  W operator()(const Group<W>& group) const {
    if constexpr (std::is_same_v<W, double>) {
      if (group.dtype() != DType::kDouble) {
        float sum = 0;
        group.ForEach([&](double x) { sum += static_cast<float>(x); });
        return static_cast<double>(sum / static_cast<float>(group.count()));
      }
    } else if (group.count() == 0) {
      return 0;
    }
    return static_cast<W>(Sum(group)) / static_cast<W>(group.count());
  }
};

struct ReduceL1 {
  template <typename W>
  auto operator()(const Group<W>& group) const {
    return SumOver(group, [](auto x) {
      if constexpr (std::is_same_v<W, double>) {
        return std::fabs(x);
      } else if constexpr (std::is_same_v<W, int64_t>) {
        return static_cast<int64_t>(x) < 0 ? 0 - x : x;
      } else {
        return x;
      }
    });
  }
};

struct ReduceL2 {
  template <typename W>
  double operator()(const Group<W>& group) const {
    return std::sqrt(static_cast<double>(SumSquare(group)));
  }
};

struct ReduceLogSum {
  template <typename W>
  double operator()(const Group<W>& group) const {
    return math::Log(static_cast<double>(static_cast<W>(Sum(group))));
  }
};

// max + log(sum of exp(x - max)), so that no power overflows.
struct ReduceLogSumExp {
  template <typename W>
  double operator()(const Group<W>& group) const {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    double greatest = -kInfinity;
    group.ForEach([&](W x) {
      const double value = static_cast<double>(x);
      if (value > greatest || value != value) greatest = value;
    });
    if (!(std::fabs(greatest) < kInfinity)) return greatest;
    double sum = 0;
    group.ForEach([&](W x) { sum += math::Exp(static_cast<double>(x) - greatest); });
    return greatest + math::Log(sum);
  }
};

struct ReduceProd {
  template <typename W>
  auto operator()(const Group<W>& group) const {
    SumOf<W> product = 1;
    group.ForEach([&](W x) { product *= static_cast<SumOf<W>>(x); });
    return product;
  }
};

template <typename Op>
Status EvaluateReduce(EvalContext& context) {
  return VisitWidened(context.input(0).dtype(), [&](auto zero) { return ReduceEach<decltype(zero)>(context, Op()); });
}

// Of none: the least value of the type for the maximum, the greatest one for the minimum. NaN if one is.
Status EvaluateExtreme(EvalContext& context, bool greatest) {
  const DType dtype = context.input(0).dtype();
  const double infinity = std::numeric_limits<double>::infinity();
  const double of_none = !greatest ? infinity : dtype == DType::kBool ? 0.0 : -infinity;
  return VisitWidened(dtype, [&](auto zero) {
    using W = decltype(zero);
    OCTAVO_ASSIGN_OR_RETURN(const auto reduced, ReducedAxes(context));
    if (Group<W>(context.input(0), reduced).count() == 0) {
      return ReduceEach<W>(context, [&](const Group<W>&) { return of_none; });
    }
    return ReduceEach<W>(context, [&](const Group<W>& group) {
      bool first = true;
      W best{};
      group.ForEach([&](W x) {
        if (first || (greatest ? best < x : x < best) || x != x) best = x;
        first = false;
      });
      return best;
    });
  });
}

Status EvaluateReduceMax(EvalContext& context) { return EvaluateExtreme(context, true); }
Status EvaluateReduceMin(EvalContext& context) { return EvaluateExtreme(context, false); }

// ---------------------------------------------------------------------------------------------- lanes along one axis

// A tensor seen as [outer, length, inner] around an axis.
struct Lanes {
  int64_t outer, length, inner;
};

Lanes LanesOf(const Shape& shape, int axis) {
  for (int64_t dim : shape.dims()) {
    if (dim == 0) return {0, shape[axis], 0};
  }
  return {shape.Elements(0, axis), shape[axis], shape.Elements(axis + 1, shape.rank())};
}

Status InferArg(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckNumeric(context, 0, "data"));
  const Shape* input = context.shape(0);
  std::optional<Shape> out;
  if (input) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 0), input->rank()));
    if ((*input)[axis] == 0) {
      return Error(Code::kInvalidModel, "axis %d of shape %s has no element to choose", axis,
                   input->ToString().c_str());
    }
    out = Shape();
    for (int i = 0; i < input->rank(); ++i) {
      if (i != axis) {
        out->Append((*input)[i]);
      } else if (context.Int("keepdims", 1) != 0) {
        out->Append(1);
      }
    }
  }
  context.SetOutput(0, DType::kInt64, out);
  return Ok();
}

// NaN is greater and smaller than everything: it is chosen.
Status EvaluateArg(EvalContext& context, bool greatest) {
  const Tensor& input = context.input(0);
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 0), input.shape().rank()));
  const Lanes lanes = LanesOf(input.shape(), axis);
  const bool last = context.Int("select_last_index", 0) != 0;
  auto to = context.output(0).mutable_data<int64_t>();
  return VisitWidened(input.dtype(), [&](auto zero) {
    using W = decltype(zero);
    W values[kChunk];
    for (int64_t lane = 0; lane < lanes.outer * lanes.inner; ++lane) {
      const int64_t base = lane / lanes.inner * lanes.length * lanes.inner + lane % lanes.inner;
      W best{};
      int64_t chosen = 0;
      for (int64_t first = 0; first < lanes.length; first += kChunk) {
        const int64_t n = std::min(lanes.length - first, kChunk);
        LoadElements(input.dtype(), input.raw(), base + first * lanes.inner, lanes.inner, n, values);
        for (int64_t i = 0; i < n; ++i) {
          const W x = values[i];
          const bool nan = x != x, best_nan = best != best;
          const bool better = best_nan ? false : nan || (greatest ? best < x : x < best);
          const bool equal = nan ? best_nan : x == best;
          if (first + i == 0 || better || (last && equal)) {
            best = x;
            chosen = first + i;
          }
        }
      }
      to[static_cast<size_t>(lane)] = chosen;
    }
    return Ok();
  });
}

Status EvaluateArgMax(EvalContext& context) { return EvaluateArg(context, true); }
Status EvaluateArgMin(EvalContext& context) { return EvaluateArg(context, false); }

// ---------------------------------------------------------------------------------------------- CumSum, CumProd

// The single integer of input i.
Result<int64_t> SingleInteger(const Tensor& tensor, const char* name) {
  size_t count = 0;
  OCTAVO_ASSIGN_OR_RETURN(const auto values, SmallIntegers(tensor, &count));
  if (count != 1) return Error(Code::kInvalidModel, "%s has %zu elements; allowed: one", name, count);
  return values[0];
}

Status InferCumulative(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckNumeric(context, 0, "x"));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "axis", {DType::kInt32, DType::kInt64}));
  const Shape* input = context.shape(0);
  if (const Tensor* axis = context.value(1); axis && input) {
    OCTAVO_ASSIGN_OR_RETURN(const int64_t value, SingleInteger(*axis, "axis"));
    OCTAVO_RETURN_IF_ERROR(NormalizeAxis(value, input->rank()).status());
  }
  context.SetOutput(0, context.dtype(0), input ? std::optional(*input) : std::nullopt);
  return Ok();
}

template <typename Combine>
Status EvaluateCumulative(EvalContext& context, int start, const Combine& combine) {
  const Tensor& input = context.input(0);
  Tensor& output = context.output(0);
  OCTAVO_ASSIGN_OR_RETURN(const int64_t given, SingleInteger(context.input(1), "axis"));
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(given, input.shape().rank()));
  const Lanes lanes = LanesOf(input.shape(), axis);
  const bool exclusive = context.Int("exclusive", 0) != 0, reverse = context.Int("reverse", 0) != 0;
  const auto evaluate = [&](auto zero) {
    using W = decltype(zero);
    W total[kChunk], values[kChunk];
    for (int64_t o = 0; o < lanes.outer; ++o) {
      for (int64_t first = 0; first < lanes.inner; first += kChunk) {
        const int64_t n = std::min(lanes.inner - first, kChunk);
        std::fill(total, total + n, static_cast<W>(start));
        for (int64_t step = 0; step < lanes.length; ++step) {
          const int64_t i = reverse ? lanes.length - 1 - step : step;
          const int64_t at = (o * lanes.length + i) * lanes.inner + first;
          LoadElements(input.dtype(), input.raw(), at, 1, n, values);
          if (exclusive) StoreElements(output.dtype(), total, n, output.mutable_raw(), at);
          for (int64_t j = 0; j < n; ++j) total[j] = combine(total[j], values[j]);
          if (!exclusive) StoreElements(output.dtype(), total, n, output.mutable_raw(), at);
        }
      }
    }
    return Ok();
  };
  return IsFloating(input.dtype()) ? evaluate(double{}) : evaluate(uint64_t{});
}

Status EvaluateCumSum(EvalContext& context) {
  return EvaluateCumulative(context, 0, [](auto total, auto x) { return total + x; });
}
Status EvaluateCumProd(EvalContext& context) {
  return EvaluateCumulative(context, 1, [](auto total, auto x) { return total * x; });
}

// ---------------------------------------------------------------------------------------------- TopK

Status InferTopK(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckNumeric(context, 0, "X"));
  std::optional<int64_t> k;
  if (context.opset() < 10) {
    if (!context.has_attribute("k") || context.inputs() > 1) {
      return Error(Code::kInvalidModel, "k is an attribute before operator set 10, and required");
    }
    k = context.Int("k", 0);
  } else {
    if (context.has_attribute("k")) return Error(Code::kInvalidModel, "K is an input since operator set 10");
    OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
    OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "K", {DType::kInt64}));
    OCTAVO_RETURN_IF_ERROR(CheckScalar(context, 1, "K"));
    if (const Tensor* value = context.value(1)) {
      OCTAVO_ASSIGN_OR_RETURN(k, SingleInteger(*value, "K"));
    }
  }
  if (k && *k < 0) return Error(Code::kInvalidModel, "K is %lld; allowed: 0 and above", LL(*k));
  std::optional<Shape> out;
  if (const Shape* input = context.shape(0)) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", -1), input->rank()));
    out = *input;
    if (k && (*input)[axis] != kUnknown && *k > (*input)[axis]) {
      return Error(Code::kInvalidModel, "K is %lld, but axis %d of shape %s has fewer elements", LL(*k), axis,
                   input->ToString().c_str());
    }
    (*out)[axis] = k.value_or(kUnknown);
  }
  context.SetOutput(0, context.dtype(0), out);
  context.SetOutput(1, DType::kInt64, out);
  return Ok();
}

// Always sorted; among equals the lower index comes first. NaN is greater than every number.
Status EvaluateTopK(EvalContext& context) {
  const Tensor& input = context.input(0);
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", -1), input.shape().rank()));
  const Lanes lanes = LanesOf(input.shape(), axis);
  const bool largest = context.Int("largest", 1) != 0;
  const int64_t k = [&] {
    for (size_t i = 0; i < 2; ++i) {
      if (context.has_output(i)) return context.output(i).shape()[axis];
    }
    return int64_t{0};
  }();
  if (lanes.outer == 0 || k == 0) return Ok();
  return VisitWidened(input.dtype(), [&](auto zero) {
    using W = decltype(zero);
    std::vector<W> values(static_cast<size_t>(lanes.length));
    std::vector<int64_t> order(values.size());
    const auto before = [&](int64_t a, int64_t b) {
      const W x = values[static_cast<size_t>(a)], y = values[static_cast<size_t>(b)];
      const bool x_nan = x != x, y_nan = y != y;
      if (x_nan != y_nan) return largest == x_nan;
      if (!x_nan && x != y) return largest ? x > y : x < y;
      return a < b;
    };
    for (int64_t lane = 0; lane < lanes.outer * lanes.inner; ++lane) {
      const int64_t outer = lane / lanes.inner, inner = lane % lanes.inner;
      LoadElements(input.dtype(), input.raw(), outer * lanes.length * lanes.inner + inner, lanes.inner, lanes.length,
                   values.data());
      for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
      std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(k), order.end(), before);
      for (int64_t i = 0; i < k; ++i) {
        const int64_t chosen = order[static_cast<size_t>(i)], at = (outer * k + i) * lanes.inner + inner;
        if (context.has_output(0)) {
          StoreElements(input.dtype(), &values[static_cast<size_t>(chosen)], 1, context.output(0).mutable_raw(), at);
        }
        if (context.has_output(1)) context.output(1).mutable_data<int64_t>()[static_cast<size_t>(at)] = chosen;
      }
    }
    return Ok();
  });
}

// ---------------------------------------------------------------------------------------------- rows

constexpr const char* kNotYet = "No 8-bit form of it is implemented.";
constexpr const char* kIndex = "Its results are indices, which rounding its input to 8 bits could change.";

constexpr AttributeSpec kReduce[] = {
    {"axes", AttributeType::kInts}, {"keepdims", AttributeType::kInt}, {"noop_with_empty_axes", AttributeType::kInt}};
constexpr AttributeSpec kArg[] = {
    {"axis", AttributeType::kInt}, {"keepdims", AttributeType::kInt}, {"select_last_index", AttributeType::kInt}};
constexpr AttributeSpec kCumulative[] = {{"exclusive", AttributeType::kInt}, {"reverse", AttributeType::kInt}};
constexpr AttributeSpec kTopK[] = {{"axis", AttributeType::kInt},
                                   {"k", AttributeType::kInt},
                                   {"largest", AttributeType::kInt},
                                   {"sorted", AttributeType::kInt}};

constexpr Operator Row(const char* name, int since, Status (*infer)(InferContext&), Status (*evaluate)(EvalContext&),
                       std::span<const AttributeSpec> attributes, const char* why_float) {
  Operator row;
  row.name = name;
  row.since = since;
  row.min_inputs = 1;
  row.max_inputs = 2;
  row.attributes = attributes;
  row.infer = infer;
  row.evaluate = evaluate;
  row.why_float = why_float;
  return row;
}

constexpr Operator Reduction(const char* name, Status (*evaluate)(EvalContext&)) {
  return Row(name, 7, InferReduce, evaluate, kReduce, kNotYet);
}

constexpr Operator MeanRow() {
  Operator row = Reduction("ReduceMean", EvaluateReduce<ReduceMean>);
  row.quant = QuantRule::kArithmetic;
  row.lowering = Lowering::kReduce;
  row.why_float = nullptr;
  return row;
}

constexpr Operator ArgRow(const char* name, Status (*evaluate)(EvalContext&)) {
  Operator row = Row(name, 7, InferArg, evaluate, kArg, kIndex);
  row.max_inputs = 1;
  return row;
}

constexpr Operator TopKRow() {
  Operator row = Row("TopK", 7, InferTopK, EvaluateTopK, kTopK, kIndex);
  row.max_outputs = 2;
  return row;
}

constexpr Operator kRows[] = {
    MeanRow(),
    Reduction("ReduceSum", EvaluateReduce<ReduceSum>),
    Row("ReduceMax", 7, InferReduceWithBool, EvaluateReduceMax, kReduce, kNotYet),
    Row("ReduceMin", 7, InferReduceWithBool, EvaluateReduceMin, kReduce, kNotYet),
    Reduction("ReduceProd", EvaluateReduce<ReduceProd>),
    Reduction("ReduceL1", EvaluateReduce<ReduceL1>),
    Reduction("ReduceL2", EvaluateReduce<ReduceL2>),
    Reduction("ReduceLogSum", EvaluateReduce<ReduceLogSum>),
    Reduction("ReduceLogSumExp", EvaluateReduce<ReduceLogSumExp>),
    Reduction("ReduceSumSquare", EvaluateReduce<ReduceSumSquare>),
    ArgRow("ArgMax", EvaluateArgMax),
    ArgRow("ArgMin", EvaluateArgMin),
    Row("CumSum", 11, InferCumulative, EvaluateCumSum, kCumulative, kNotYet),
    Row("CumProd", 26, InferCumulative, EvaluateCumProd, kCumulative, kNotYet),
    TopKRow(),
};

}  // namespace

std::span<const Operator> ReduceOperators() { return kRows; }

}  // namespace octavo
