// Element-wise functions of one input. Float types are computed in double and rounded once.
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "core/ops/check.h"
#include "core/ops/elementwise.h"
#include "core/ops/families.h"
#include "core/ops/math.h"

namespace octavo {
namespace {

// ---------------------------------------------------------------------------------------------- shapes

Status InferSame(InferContext& context, DType dtype) {
  const Shape* shape = context.shape(0);
  context.SetOutput(0, dtype, shape ? std::optional(*shape) : std::nullopt);
  return Ok();
}

Status InferFloating(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "X"));
  return InferSame(context, context.dtype(0));
}

Status CheckNumeric(const InferContext& context, size_t i, const char* name) {
  const DType dtype = context.dtype(i);
  if (dtype == DType::kBool) return Error(Code::kInvalidModel, "%s is bool; allowed: numbers", name);
  return CheckWholeBytes(context, i, name);
}

Status InferNumeric(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckNumeric(context, 0, "X"));
  return InferSame(context, context.dtype(0));
}

Status InferInteger(InferContext& context) {
  const DType dtype = context.dtype(0);
  if (dtype != DType::kUndefined && !IsInteger(dtype)) {
    return Error(Code::kInvalidModel, "X is %s; allowed: integers", Name(dtype));
  }
  return InferNumeric(context);
}

Status InferLogical(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "X", {DType::kBool}));
  return InferSame(context, DType::kBool);
}

Status InferTest(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "X"));
  return InferSame(context, DType::kBool);
}

Status InferGelu(InferContext& context) {
  const std::string approximate = context.String("approximate", "none");
  if (approximate != "none" && approximate != "tanh") {
    return Error(Code::kInvalidModel, "approximate is \"%s\"; allowed: none, tanh", Printable(approximate).c_str());
  }
  return InferFloating(context);
}

Status InferClip(InferContext& context) {
  const bool attributes = context.has_attribute("min") || context.has_attribute("max");
  if (context.opset() >= 11 && attributes) {
    return Error(Code::kInvalidModel, "min and max are inputs since operator set 11, not attributes");
  }
  if (context.opset() < 11 && context.inputs() > 1) {
    return Error(Code::kInvalidModel, "min and max are attributes before operator set 11, not inputs");
  }
  for (size_t i = 1; i < context.inputs(); ++i) {
    OCTAVO_RETURN_IF_ERROR(CheckScalar(context, i, i == 1 ? "min" : "max"));
    OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "input", i, i == 1 ? "min" : "max"));
  }
  return InferNumeric(context);
}

// ---------------------------------------------------------------------------------------------- arithmetic

// Op is constructed from the node, for its attributes, and called with each element.
template <typename Op>
Status EvaluateFloating(EvalContext& context) {
  MapElements<double>(context.input(0), context.output(0), Op(context));
  return Ok();
}

// For operators on all numbers: Op's call is a template over double, int64_t and uint64_t.
template <typename Op>
Status EvaluateNumeric(EvalContext& context) {
  return VisitWidened(context.input(0).dtype(), [&](auto zero) {
    MapElements<decltype(zero)>(context.input(0), context.output(0), Op(context));
    return Ok();
  });
}

struct NoAttributes {
  explicit NoAttributes(const NodeReader&) {}
};

// A plain function of a double.
template <double (*F)(double)>
struct Plain : NoAttributes {
  using NoAttributes::NoAttributes;
  double operator()(double x) const { return F(x); }
};

// NaN passes through.
double Clamp(double x, double low, double high) { return x < low ? low : high < x ? high : x; }

struct Relu : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W x) const {
    return x < 0 ? W(0) : x;
  }
};

struct LeakyRelu {
  explicit LeakyRelu(const NodeReader& node) : alpha(node.Float("alpha", 0.01f)) {}
  double operator()(double x) const { return x < 0 ? alpha * x : x; }
  double alpha;
};

struct ThresholdedRelu {
  explicit ThresholdedRelu(const NodeReader& node) : alpha(node.Float("alpha", 1.0f)) {}
  double operator()(double x) const { return x <= alpha ? 0.0 : x; }
  double alpha;
};

struct Elu {
  explicit Elu(const NodeReader& node) : alpha(node.Float("alpha", 1.0f)) {}
  double operator()(double x) const { return x < 0 ? alpha * math::Expm1(x) : x; }
  double alpha;
};

struct Celu {
  explicit Celu(const NodeReader& node) : alpha(node.Float("alpha", 1.0f)) {}
  double operator()(double x) const {
    const double below = alpha * math::Expm1(x / alpha);
    return (x < 0 ? 0.0 : x) + (below > 0 ? 0.0 : below);
  }
  double alpha;
};

struct Selu {
  explicit Selu(const NodeReader& node)
      : alpha(node.Float("alpha", 1.67326319217681884765625f)),
        gamma(node.Float("gamma", 1.05070102214813232421875f)) {}
  double operator()(double x) const { return gamma * (x > 0 ? x : alpha * math::Expm1(x)); }
  double alpha, gamma;
};

struct HardSigmoid {
  explicit HardSigmoid(const NodeReader& node) : alpha(node.Float("alpha", 0.2f)), beta(node.Float("beta", 0.5f)) {}
  double operator()(double x) const { return Clamp(alpha * x + beta, 0.0, 1.0); }
  double alpha, beta;
};

double HardSwish(double x) { return x * Clamp(x / 6.0 + 0.5, 0.0, 1.0); }
double Mish(double x) { return x * math::Tanh(math::Softplus(x)); }
double Softsign(double x) { return x / (1.0 + std::fabs(x)); }
double Reciprocal(double x) { return 1.0 / x; }
double Sqrt(double x) { return std::sqrt(x); }
double Floor(double x) { return std::floor(x); }
double Ceil(double x) { return std::ceil(x); }

struct Swish {
  explicit Swish(const NodeReader& node) : alpha(node.Float("alpha", 1.0f)) {}
  double operator()(double x) const { return x * math::Sigmoid(alpha * x); }
  double alpha;
};

struct Gelu {
  explicit Gelu(const NodeReader& node) : tanh(node.String("approximate", "none") == "tanh") {}
  double operator()(double x) const {
    if (tanh) return 0.5 * x * (1.0 + math::Tanh(kSqrtTwoOverPi * (x + 0.044715 * x * x * x)));
    return 0.5 * x * math::Erfc(-x * kSqrtHalf);
  }
  static constexpr double kSqrtTwoOverPi = 0x1.9884533d43651p-1, kSqrtHalf = 0x1.6a09e667f3bcdp-1;
  bool tanh;
};

struct Shrink {
  explicit Shrink(const NodeReader& node) : bias(node.Float("bias", 0.0f)), lambda(node.Float("lambd", 0.5f)) {}
  double operator()(double x) const { return x < -lambda ? x + bias : x > lambda ? x - bias : x != x ? x : 0.0; }
  double bias, lambda;
};

// Integers wrap: the negative of the least one is itself.
struct Neg : NoAttributes {
  using NoAttributes::NoAttributes;
  double operator()(double x) const { return -x; }
  int64_t operator()(int64_t x) const { return static_cast<int64_t>(0 - static_cast<uint64_t>(x)); }
  uint64_t operator()(uint64_t x) const { return 0 - x; }
};

struct Abs : NoAttributes {
  using NoAttributes::NoAttributes;
  double operator()(double x) const { return std::fabs(x); }
  int64_t operator()(int64_t x) const { return x < 0 ? static_cast<int64_t>(0 - static_cast<uint64_t>(x)) : x; }
  uint64_t operator()(uint64_t x) const { return x; }
};

struct Sign : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W x) const {
    if (x != x) return x;
    return x > 0 ? W(1) : x < 0 ? W(-1) : W(0);
  }
};

struct IsNaN : NoAttributes {
  using NoAttributes::NoAttributes;
  double operator()(double x) const { return x != x; }
};

struct IsInf {
  explicit IsInf(const NodeReader& node)
      : negative(node.Int("detect_negative", 1) != 0), positive(node.Int("detect_positive", 1) != 0) {}
  double operator()(double x) const {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return (negative && x == -kInfinity) || (positive && x == kInfinity);
  }
  bool negative, positive;
};

struct Not : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W x) const {
    return x == 0;
  }
};

struct BitwiseNot : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W x) const {
    if constexpr (std::is_integral_v<W>) {
      return ~x;
    } else {
      return x;  // the shape rule refuses floats
    }
  }
};

template <typename W>
struct Clip {
  W operator()(W x) const {
    const W y = has_low && x < low ? low : x;  // where min > max, all become max
    return has_high && high < y ? high : y;
  }
  W low{}, high{};
  bool has_low = false, has_high = false;
};

Status EvaluateClip(EvalContext& context) {
  const Tensor& input = context.input(0);
  return VisitWidened(input.dtype(), [&](auto zero) {
    using W = decltype(zero);
    Clip<W> clip;
    if constexpr (std::is_same_v<W, double>) {
      if (context.opset() < 11) {
        clip.low = context.Float("min", std::numeric_limits<float>::lowest());
        clip.high = context.Float("max", std::numeric_limits<float>::max());
        clip.has_low = clip.has_high = true;
      }
    }
    if (context.has_input(1)) {
      LoadElements(input.dtype(), context.input(1).raw(), 0, 1, 1, &clip.low);
      clip.has_low = true;
    }
    if (context.has_input(2)) {
      LoadElements(input.dtype(), context.input(2).raw(), 0, 1, 1, &clip.high);
      clip.has_high = true;
    }
    MapElements<W>(input, context.output(0), clip);
    return Ok();
  });
}

// ---------------------------------------------------------------------------------------------- rows

constexpr const char* kUnbounded = "Its results span orders of magnitude, which 256 levels cannot hold.";
constexpr const char* kStep = "A step function: rounding its input to 8 bits would move results by whole steps.";
constexpr const char* kPeriodic = "Periodic: rounding a large input to 8 bits would move results by half a period.";
constexpr const char* kSteep = "Infinitely steep at the border of its domain, where rounding to 8 bits costs most.";
constexpr const char* kLogical = "Looks for values that 8-bit integers do not have.";
constexpr const char* kNotReal = "Defined on bits, not on real numbers.";

using AttributeSpecs = std::span<const AttributeSpec>;

constexpr Operator Row(const char* name, int since, Status (*infer)(InferContext&), Status (*evaluate)(EvalContext&),
                       AttributeSpecs attributes = {}) {
  Operator row;
  row.name = name;
  row.since = since;
  row.min_inputs = row.max_inputs = 1;
  row.attributes = attributes;
  row.infer = infer;
  row.evaluate = evaluate;
  return row;
}

// Becomes a table of 256 bytes.
constexpr Operator Table(Operator row) {
  row.quant = QuantRule::kTable;
  row.lowering = Lowering::kUnary;
  return row;
}

constexpr Operator StaysFloat(Operator row, const char* why) {
  row.quant = QuantRule::kNone;
  row.lowering = Lowering::kReference;
  row.why_float = why;
  return row;
}

template <double (*F)(double)>
constexpr Operator Function(const char* name, int since) {
  return Row(name, since, InferFloating, EvaluateFloating<Plain<F>>);
}

constexpr AttributeSpec kAlpha[] = {{"alpha", AttributeType::kFloat}};
constexpr AttributeSpec kAlphaBeta[] = {{"alpha", AttributeType::kFloat}, {"beta", AttributeType::kFloat}};
constexpr AttributeSpec kAlphaGamma[] = {{"alpha", AttributeType::kFloat}, {"gamma", AttributeType::kFloat}};
constexpr AttributeSpec kApproximate[] = {{"approximate", AttributeType::kString}};
constexpr AttributeSpec kShrink[] = {{"bias", AttributeType::kFloat}, {"lambd", AttributeType::kFloat}};
constexpr AttributeSpec kIsInf[] = {{"detect_negative", AttributeType::kInt}, {"detect_positive", AttributeType::kInt}};
constexpr AttributeSpec kMinMax[] = {{"min", AttributeType::kFloat}, {"max", AttributeType::kFloat}};

constexpr Operator ClipRow() {
  Operator row = Table(Row("Clip", 7, InferClip, EvaluateClip, kMinMax));
  row.max_inputs = 3;
  return row;
}

constexpr Operator ShrinkRow() {
  Operator row = Table(Row("Shrink", 9, InferFloating, EvaluateFloating<Shrink>, kShrink));
  row.coverage = "Float types only.";
  return row;
}

constexpr Operator kRows[] = {
    Table(Row("Relu", 7, InferNumeric, EvaluateNumeric<Relu>)),
    Table(Row("LeakyRelu", 7, InferFloating, EvaluateFloating<LeakyRelu>, kAlpha)),
    Table(Row("ThresholdedRelu", 10, InferFloating, EvaluateFloating<ThresholdedRelu>, kAlpha)),
    ClipRow(),
    Table(Row("Elu", 7, InferFloating, EvaluateFloating<Elu>, kAlpha)),
    Table(Row("Celu", 12, InferFloating, EvaluateFloating<Celu>, kAlpha)),
    Table(Row("Selu", 7, InferFloating, EvaluateFloating<Selu>, kAlphaGamma)),
    Table(Function<math::Sigmoid>("Sigmoid", 7)),
    Table(Row("HardSigmoid", 7, InferFloating, EvaluateFloating<HardSigmoid>, kAlphaBeta)),
    Table(Function<HardSwish>("HardSwish", 14)),
    Table(Row("Swish", 24, InferFloating, EvaluateFloating<Swish>, kAlpha)),
    Table(Function<Mish>("Mish", 18)),
    Table(Row("Gelu", 20, InferGelu, EvaluateFloating<Gelu>, kApproximate)),
    Table(Function<math::Tanh>("Tanh", 7)),
    Table(Function<math::Erf>("Erf", 9)),
    Table(Function<math::Softplus>("Softplus", 7)),
    Table(Function<Softsign>("Softsign", 7)),
    ShrinkRow(),
    Table(Row("Abs", 7, InferNumeric, EvaluateNumeric<Abs>)),
    Table(Row("Neg", 7, InferNumeric, EvaluateNumeric<Neg>)),
    StaysFloat(Function<math::Exp>("Exp", 7), kUnbounded),
    StaysFloat(Function<math::Log>("Log", 7), kUnbounded),
    StaysFloat(Function<Reciprocal>("Reciprocal", 7), kUnbounded),
    StaysFloat(Function<Sqrt>("Sqrt", 7), kSteep),
    StaysFloat(Function<Floor>("Floor", 7), kStep),
    StaysFloat(Function<Ceil>("Ceil", 7), kStep),
    StaysFloat(Function<math::RoundHalfEven>("Round", 11), kStep),
    StaysFloat(Row("Sign", 9, InferNumeric, EvaluateNumeric<Sign>), kStep),
    StaysFloat(Function<math::Sin>("Sin", 7), kPeriodic),
    StaysFloat(Function<math::Cos>("Cos", 7), kPeriodic),
    StaysFloat(Function<math::Tan>("Tan", 7), kPeriodic),
    StaysFloat(Function<math::Asin>("Asin", 7), kSteep),
    StaysFloat(Function<math::Acos>("Acos", 7), kSteep),
    Table(Function<math::Atan>("Atan", 7)),
    StaysFloat(Function<math::Sinh>("Sinh", 9), kUnbounded),
    StaysFloat(Function<math::Cosh>("Cosh", 9), kUnbounded),
    Table(Function<math::Asinh>("Asinh", 9)),
    StaysFloat(Function<math::Acosh>("Acosh", 9), kSteep),
    StaysFloat(Function<math::Atanh>("Atanh", 9), kSteep),
    StaysFloat(Row("IsNaN", 9, InferTest, EvaluateFloating<IsNaN>), kLogical),
    StaysFloat(Row("IsInf", 10, InferTest, EvaluateFloating<IsInf>, kIsInf), kLogical),
    StaysFloat(Row("Not", 7, InferLogical, EvaluateNumeric<Not>), kNotReal),
    StaysFloat(Row("BitwiseNot", 18, InferInteger, EvaluateNumeric<BitwiseNot>), kNotReal),
};

}  // namespace

std::span<const Operator> UnaryOperators() { return kRows; }

}  // namespace octavo
