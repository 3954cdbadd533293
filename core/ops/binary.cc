// Element-wise functions of several broadcast inputs: arithmetic, comparison, logic, selection.
//
// Integers wrap modulo 2^bits. What would trap is defined: x / 0 = 0, x mod 0 = 0, and the least integer divided by -1
// is itself.
#include <cmath>
#include <cstring>
#include <string>
#include <type_traits>

#include "core/ops/check.h"
#include "core/ops/elementwise.h"
#include "core/ops/families.h"
#include "core/ops/math.h"

namespace octavo {
namespace {

// ---------------------------------------------------------------------------------------------- shapes

Status CheckAllSameType(const InferContext& context) {
  for (size_t i = 1; i < context.inputs(); ++i) {
    const DType a = context.dtype(0), b = context.dtype(i);
    if (a != DType::kUndefined && b != DType::kUndefined && a != b) {
      return Error(Code::kInvalidModel, "input 0 is %s, input %zu is %s; they must be of the same type", Name(a), i,
                   Name(b));
    }
  }
  return Ok();
}

// The type of whichever input is known.
DType AnyType(const InferContext& context) {
  for (size_t i = 0; i < context.inputs(); ++i) {
    if (context.dtype(i) != DType::kUndefined) return context.dtype(i);
  }
  return DType::kUndefined;
}

Status CheckOperands(const InferContext& context, const char* what, bool (*allowed)(DType)) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, context.inputs()));
  for (size_t i = 0; i < context.inputs(); ++i) {
    const DType dtype = context.dtype(i);
    if (dtype != DType::kUndefined && !allowed(dtype)) {
      return Error(BitsOf(dtype) < 8 ? Code::kUnsupported : Code::kInvalidModel, "input %zu is %s; allowed: %s", i,
                   Name(dtype), what);
    }
  }
  return Ok();
}

bool IsNumber(DType dtype) { return BitsOf(dtype) >= 8 && dtype != DType::kBool; }
bool IsWholeInteger(DType dtype) { return IsNumber(dtype) && IsInteger(dtype); }
bool IsAnything(DType dtype) { return BitsOf(dtype) >= 8; }
bool IsBool(DType dtype) { return dtype == DType::kBool; }

Status InferArithmetic(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckOperands(context, "numbers", IsNumber));
  OCTAVO_RETURN_IF_ERROR(CheckAllSameType(context));
  return InferBroadcast(context, AnyType(context));
}

Status InferMean(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckOperands(context, "float types", IsFloating));
  return InferArithmetic(context);
}

Status InferBits(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckOperands(context, "integers", IsWholeInteger));
  return InferArithmetic(context);
}

Status InferComparison(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckOperands(context, "numbers", IsNumber));
  OCTAVO_RETURN_IF_ERROR(CheckAllSameType(context));
  return InferBroadcast(context, DType::kBool);
}

Status InferEqual(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckOperands(context, "numbers, bool", IsAnything));
  OCTAVO_RETURN_IF_ERROR(CheckAllSameType(context));
  return InferBroadcast(context, DType::kBool);
}

Status InferLogic(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckOperands(context, "bool", IsBool));
  return InferBroadcast(context, DType::kBool);
}

// Base and exponent may differ in type; the result has the base's.
Status InferPow(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckOperands(context, "numbers", IsNumber));
  if (context.opset() < 12) OCTAVO_RETURN_IF_ERROR(CheckAllSameType(context));
  return InferBroadcast(context, context.dtype(0));
}

Status InferMod(InferContext& context) {
  const int64_t fmod = context.Int("fmod", 0);
  OCTAVO_RETURN_IF_ERROR(CheckRange("fmod", fmod, 0, 1));
  if (fmod == 0 && context.opset() < 28 && IsFloating(AnyType(context))) {
    return Error(Code::kInvalidModel, "fmod must be 1 for %s before operator set 28", Name(AnyType(context)));
  }
  return InferArithmetic(context);
}

Status InferBitShift(InferContext& context) {
  const std::string direction = context.String("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") {
    return Error(Code::kInvalidModel, "direction is \"%s\"; allowed: LEFT, RIGHT", Printable(direction).c_str());
  }
  return InferBits(context);
}

// The slope broadcasts to X, not the other way round.
Status InferPRelu(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(InferArithmetic(context));
  const Shape *x = context.shape(0), *slope = context.shape(1);
  if (!x) return Ok();
  if (slope) {
    OCTAVO_ASSIGN_OR_RETURN(const Shape both, BroadcastShapes(*x, *slope));
    bool fits = both.rank() == x->rank();
    for (int i = 0; fits && i < x->rank(); ++i) fits = (*x)[i] == Shape::kUnknown || both[i] == (*x)[i];
    if (!fits) {
      return Error(Code::kInvalidModel, "slope of shape %s does not broadcast to X of shape %s",
                   slope->ToString().c_str(), x->ToString().c_str());
    }
  }
  context.SetOutput(0, AnyType(context), *x);
  return Ok();
}

Status InferWhere(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 3));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "condition", {DType::kBool}));
  OCTAVO_RETURN_IF_ERROR(CheckWholeBytes(context, 1, "X"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 1, "X", 2, "Y"));
  return InferBroadcast(context, context.dtype(1) == DType::kUndefined ? context.dtype(2) : context.dtype(1));
}

// ---------------------------------------------------------------------------------------------- arithmetic

// Op's call is defined for those of double, int64_t and uint64_t that the shape rule lets through.
template <typename Op>
Status Evaluate(EvalContext& context) {
  return VisitWidened(context.input(0).dtype(), [&](auto zero) {
    using W = decltype(zero);
    MapElements<W>(context.input(0), context.input(1), context.output(0), Op(context));
    return Ok();
  });
}

// Any number of inputs: ((a op b) op c) op ..., each result rounded to the element type.
template <typename Op>
Status EvaluateVariadic(EvalContext& context) {
  return VisitWidened(context.input(0).dtype(), [&](auto zero) {
    using W = decltype(zero);
    Tensor& output = context.output(0);
    const Op op(context);
    if (context.inputs() == 1) {
      std::memcpy(output.mutable_raw(), context.input(0).raw(), output.bytes());
      return Ok();
    }
    MapElements<W>(context.input(0), context.input(1), output, op);
    for (size_t i = 2; i < context.inputs(); ++i) MapElements<W>(output, context.input(i), output, op);
    return Ok();
  });
}

struct NoAttributes {
  NoAttributes() = default;
  explicit NoAttributes(const NodeReader&) {}
};

struct Add : NoAttributes {
  using NoAttributes::NoAttributes;
  double operator()(double a, double b) const { return a + b; }
  uint64_t operator()(uint64_t a, uint64_t b) const { return a + b; }
  int64_t operator()(int64_t a, int64_t b) const {
    return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
  }
};

struct Sub : NoAttributes {
  using NoAttributes::NoAttributes;
  double operator()(double a, double b) const { return a - b; }
  uint64_t operator()(uint64_t a, uint64_t b) const { return a - b; }
  int64_t operator()(int64_t a, int64_t b) const {
    return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
  }
};

struct Mul : NoAttributes {
  using NoAttributes::NoAttributes;
  double operator()(double a, double b) const { return a * b; }
  uint64_t operator()(uint64_t a, uint64_t b) const { return a * b; }
  int64_t operator()(int64_t a, int64_t b) const {
    return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
  }
};

struct Div : NoAttributes {
  using NoAttributes::NoAttributes;
  double operator()(double a, double b) const { return a / b; }
  uint64_t operator()(uint64_t a, uint64_t b) const { return b == 0 ? 0 : a / b; }
  int64_t operator()(int64_t a, int64_t b) const {
    if (b == 0) return 0;
    if (b == -1) return static_cast<int64_t>(0 - static_cast<uint64_t>(a));
    return a / b;
  }
};

struct Mod {
  explicit Mod(const NodeReader& node) : truncate(node.Int("fmod", 0) != 0) {}
  double operator()(double a, double b) const {
    double rest = std::fmod(a, b);  // exact, whichever libm computes it
    if (truncate) return rest;
    if (rest == 0) return std::copysign(rest, b);
    if ((rest < 0) != (b < 0)) rest += b;
    return rest;
  }
  uint64_t operator()(uint64_t a, uint64_t b) const { return b == 0 ? 0 : a % b; }
  int64_t operator()(int64_t a, int64_t b) const {
    if (b == 0 || b == -1) return 0;
    const int64_t rest = a % b;
    return !truncate && rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  bool truncate;
};

// A NaN in either gives NaN.
struct Min : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W a, W b) const {
    return b < a || b != b ? b : a;
  }
};

struct Max : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W a, W b) const {
    return a < b || b != b ? b : a;
  }
};

struct PRelu : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W x, W slope) const {
    return x < 0 ? Mul()(x, slope) : x;
  }
};

struct Equal : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W a, W b) const {
    return a == b;
  }
};

struct Less : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W a, W b) const {
    return a < b;
  }
};

struct LessOrEqual : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W a, W b) const {
    return a <= b;
  }
};

struct Greater : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W a, W b) const {
    return a > b;
  }
};

struct GreaterOrEqual : NoAttributes {
  using NoAttributes::NoAttributes;
  template <typename W>
  W operator()(W a, W b) const {
    return a >= b;
  }
};

// On bits; bool is 0 or 1. The shape rules let no floats through, for which these are never called.
struct And : NoAttributes {
  using NoAttributes::NoAttributes;
  uint64_t operator()(uint64_t a, uint64_t b) const { return a & b; }
};

struct Or : NoAttributes {
  using NoAttributes::NoAttributes;
  uint64_t operator()(uint64_t a, uint64_t b) const { return a | b; }
};

struct Xor : NoAttributes {
  using NoAttributes::NoAttributes;
  uint64_t operator()(uint64_t a, uint64_t b) const { return a ^ b; }
};

template <typename Op>
Status EvaluateBits(EvalContext& context) {
  MapElements<uint64_t>(context.input(0), context.input(1), context.output(0), Op(context));
  return Ok();
}

// By too many bits, or a negative number of them: all bits become the sign's when shifting right, else 0.
Status EvaluateBitShift(EvalContext& context) {
  const DType dtype = context.input(0).dtype();
  const uint64_t bits = BitsOf(dtype);
  const bool left = context.String("direction", "") == "LEFT";
  if (left || !IsSigned(dtype)) {
    MapElements<uint64_t>(context.input(0), context.input(1), context.output(0), [&](uint64_t x, uint64_t n) {
      return n >= bits ? uint64_t{0} : left ? x << n : x >> n;
    });
  } else {
    MapElements<int64_t>(context.input(0), context.input(1), context.output(0), [&](int64_t x, int64_t n) {
      return x >> (n < 0 || static_cast<uint64_t>(n) >= bits ? 63 : n);
    });
  }
  return Ok();
}

// base^exponent modulo 2^64. A negative exponent gives the integer part of the result; 0 for a base of 0.
uint64_t IntegerPower(uint64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    if (base == UINT64_MAX) return exponent % 2 == 0 ? 1 : UINT64_MAX;  // -1
    return 0;
  }
  uint64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return result;
}

Status EvaluatePow(EvalContext& context) {
  const Tensor &base = context.input(0), &exponent = context.input(1);
  Tensor& output = context.output(0);
  if (IsFloating(base.dtype()) || IsFloating(exponent.dtype())) {
    MapElements<double>(base, exponent, output, math::Pow);
  } else {
    MapElements<uint64_t>(base, exponent, output,
                          [](uint64_t x, uint64_t n) { return IntegerPower(x, static_cast<int64_t>(n)); });
  }
  return Ok();
}

Status EvaluateMean(EvalContext& context) {
  OCTAVO_RETURN_IF_ERROR(EvaluateVariadic<Add>(context));
  const double count = static_cast<double>(context.inputs());
  const Tensor sum = context.output(0);
  MapElements<double>(sum, context.output(0), [&](double x) { return x / count; });
  return Ok();
}

template <typename T>
void Select(const Walk& walk, const Tensor& condition, const Tensor& x, const Tensor& y, Tensor& output) {
  const uint8_t* choose = static_cast<const uint8_t*>(condition.raw());
  const T* if_true = static_cast<const T*>(x.raw());
  const T* if_false = static_cast<const T*>(y.raw());
  T* to = static_cast<T*>(output.mutable_raw());
  walk.ForEachRun([&](const int64_t* offsets, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      to[offsets[0] + i] = choose[offsets[1] + i * walk.stride(1)] ? if_true[offsets[2] + i * walk.stride(2)]
                                                                   : if_false[offsets[3] + i * walk.stride(3)];
    }
  });
}

Status EvaluateWhere(EvalContext& context) {
  const Tensor &condition = context.input(0), &x = context.input(1), &y = context.input(2);
  Tensor& output = context.output(0);
  const Walk walk = Walk::Broadcast(output.shape(), {&condition.shape(), &x.shape(), &y.shape()});
  switch (BitsOf(output.dtype())) {
    case 8:
      Select<uint8_t>(walk, condition, x, y, output);
      break;
    case 16:
      Select<uint16_t>(walk, condition, x, y, output);
      break;
    case 32:
      Select<uint32_t>(walk, condition, x, y, output);
      break;
    default:
      Select<uint64_t>(walk, condition, x, y, output);
  }
  return Ok();
}

// ---------------------------------------------------------------------------------------------- rows

constexpr const char* kUnboundedQuotient = "A quotient has no bounds that 256 levels could cover.";
constexpr const char* kPower = "Powers span orders of magnitude, which 256 levels cannot hold.";
constexpr const char* kNotYet = "No 8-bit form of it is implemented.";
constexpr const char* kRemainder = "Jumps by a whole divisor where rounding an input to 8 bits moves it across.";
constexpr const char* kLogical = "Its results are truth values, which rounding its inputs to 8 bits could flip.";
constexpr const char* kNotReal = "Defined on bits, not on real numbers.";

using InferRule = Status (*)(InferContext&);
using EvaluateRule = Status (*)(EvalContext&);

constexpr Operator Row(const char* name, int since, int inputs, InferRule infer, EvaluateRule evaluate,
                       const char* why_float, std::span<const AttributeSpec> attributes = {}) {
  Operator row;
  row.name = name;
  row.since = since;
  row.min_inputs = inputs == kVariadic ? 1 : inputs;
  row.max_inputs = inputs;
  row.attributes = attributes;
  row.infer = infer;
  row.evaluate = evaluate;
  row.why_float = why_float;
  return row;
}

constexpr Operator Arithmetic(const char* name, EvaluateRule evaluate) {
  Operator row = Row(name, 7, 2, InferArithmetic, evaluate, nullptr);
  row.quant = QuantRule::kArithmetic;
  row.lowering = Lowering::kBinary;
  return row;
}

constexpr Operator DivRow() {
  Operator row = Row("Div", 7, 2, InferArithmetic, Evaluate<Div>, kUnboundedQuotient);
  row.lowering = Lowering::kBinary;
  return row;
}

// One value in, its slopes are parameters.
constexpr Operator PReluRow() {
  Operator row = Row("PRelu", 7, 2, InferPRelu, Evaluate<PRelu>, nullptr);
  row.quant = QuantRule::kArithmetic;
  row.lowering = Lowering::kUnary;
  return row;
}

constexpr Operator EqualRow() {
  Operator row = Row("Equal", 7, 2, InferEqual, Evaluate<Equal>, kLogical);
  row.coverage = "No strings.";
  return row;
}

constexpr AttributeSpec kFmod[] = {{"fmod", AttributeType::kInt}};
constexpr AttributeSpec kDirection[] = {{"direction", AttributeType::kString, true}};

constexpr Operator kRows[] = {
    Arithmetic("Add", Evaluate<Add>),
    Arithmetic("Sub", Evaluate<Sub>),
    Arithmetic("Mul", Evaluate<Mul>),
    DivRow(),
    Row("Pow", 7, 2, InferPow, EvaluatePow, kPower),
    Row("Mod", 10, 2, InferMod, Evaluate<Mod>, kRemainder, kFmod),
    Row("Min", 7, kVariadic, InferArithmetic, EvaluateVariadic<Min>, kNotYet),
    Row("Max", 7, kVariadic, InferArithmetic, EvaluateVariadic<Max>, kNotYet),
    Row("Sum", 7, kVariadic, InferArithmetic, EvaluateVariadic<Add>, kNotYet),
    Row("Mean", 7, kVariadic, InferMean, EvaluateMean, kNotYet),
    PReluRow(),
    EqualRow(),
    Row("Less", 7, 2, InferComparison, Evaluate<Less>, kLogical),
    Row("LessOrEqual", 12, 2, InferComparison, Evaluate<LessOrEqual>, kLogical),
    Row("Greater", 7, 2, InferComparison, Evaluate<Greater>, kLogical),
    Row("GreaterOrEqual", 12, 2, InferComparison, Evaluate<GreaterOrEqual>, kLogical),
    Row("And", 7, 2, InferLogic, EvaluateBits<And>, kLogical),
    Row("Or", 7, 2, InferLogic, EvaluateBits<Or>, kLogical),
    Row("Xor", 7, 2, InferLogic, EvaluateBits<Xor>, kLogical),
    Row("BitwiseAnd", 18, 2, InferBits, EvaluateBits<And>, kNotReal),
    Row("BitwiseOr", 18, 2, InferBits, EvaluateBits<Or>, kNotReal),
    Row("BitwiseXor", 18, 2, InferBits, EvaluateBits<Xor>, kNotReal),
    Row("BitShift", 11, 2, InferBitShift, EvaluateBitShift, kNotReal, kDirection),
    Row("Where", 9, 3, InferWhere, EvaluateWhere, kNotYet),
};

}  // namespace

std::span<const Operator> BinaryOperators() { return kRows; }

}  // namespace octavo
