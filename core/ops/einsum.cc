#include "core/ops/einsum.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include "core/ops/check.h"
#include "core/ops/wide.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;

// ------------------------------------------------------------------------------------------------ the equation

// One operand or the result: letters, and kEllipsis for "...".
constexpr char kEllipsis = '.';
using Term = std::string;

struct Equation {
  std::vector<Term> inputs;
  Term output;
};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

Result<Term> ParseTerm(const std::string& text) {
  Term term;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsLetter(text[i])) {
      term += text[i];
    } else if (text.compare(i, 3, "...") == 0 && term.find(kEllipsis) == Term::npos) {
      term += kEllipsis;
      i += 2;
    } else {
      return Error(Code::kInvalidModel, "the term '%s' of equation has '%c' where a letter or one '...' may stand",
                   Printable(text).c_str(), text[i] > ' ' && text[i] < 127 ? text[i] : '?');
    }
  }
  return term;
}

// Without "->": the ellipsis, then every letter that appears once, sorted.
Term ImplicitOutput(const std::vector<Term>& inputs) {
  const std::string all = [&] {
    std::string joined;
    for (const Term& term : inputs) joined += term;
    return joined;
  }();
  Term output;
  if (all.find(kEllipsis) != Term::npos) output += kEllipsis;
  for (int c = 'A'; c <= 'z'; ++c) {
    if (IsLetter(static_cast<char>(c)) && std::count(all.begin(), all.end(), static_cast<char>(c)) == 1) {
      output += static_cast<char>(c);
    }
  }
  return output;
}

Result<Equation> ParseEquation(const NodeReader& node) {
  std::string text = node.String("equation", "");
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  Equation equation;
  const size_t arrow = text.find("->");
  const std::string left = text.substr(0, arrow);
  for (size_t begin = 0;;) {
    const size_t comma = left.find(',', begin);
    OCTAVO_ASSIGN_OR_RETURN(Term term, ParseTerm(left.substr(begin, comma - begin)));
    equation.inputs.push_back(std::move(term));
    if (comma == std::string::npos) break;
    begin = comma + 1;
  }
  if (equation.inputs.size() != node.node().inputs.size()) {
    return Error(Code::kInvalidModel, "equation has %zu terms for %zu inputs", equation.inputs.size(),
                 node.node().inputs.size());
  }
  if (arrow == std::string::npos) {
    equation.output = ImplicitOutput(equation.inputs);
    return equation;
  }
  OCTAVO_ASSIGN_OR_RETURN(equation.output, ParseTerm(text.substr(arrow + 2)));
  bool ellipsis = false;
  for (const Term& term : equation.inputs) ellipsis |= term.find(kEllipsis) != Term::npos;
  if (ellipsis && equation.output.find(kEllipsis) == Term::npos) {
    return Error(Code::kInvalidModel, "the result of equation lacks the '...' that its operands have");
  }
  for (char c : equation.output) {
    if (std::count(equation.output.begin(), equation.output.end(), c) > 1) {
      return Error(Code::kInvalidModel, "the result of equation has '%c' twice", c);
    }
    const auto has = [c](const Term& term) { return term.find(c) != Term::npos; };
    if (c != kEllipsis && std::none_of(equation.inputs.begin(), equation.inputs.end(), has)) {
      return Error(Code::kInvalidModel, "the result of equation has '%c', which no operand has", c);
    }
  }
  return equation;
}

// ------------------------------------------------------------------------------------------------ labels

// A dimension of the iteration: a letter, or one of the dimensions of the ellipsis.
struct Label {
  char letter = 0;   // kEllipsis for those
  int ellipsis = 0;  // which one, counted from the last
  int64_t size = 1;
  std::vector<int64_t> strides;  // one an operand, 0 where it does not vary
};

// The labels of the output in its order, then those summed over by first appearance.
struct Iteration {
  std::vector<Label> labels;
  size_t outputs = 0;

  Label* Find(char letter, int ellipsis) {
    for (Label& label : labels) {
      if (label.letter == letter && label.ellipsis == ellipsis) return &label;
    }
    return nullptr;
  }
};

// How many dimensions the ellipsis of a term stands for.
Result<int> EllipsisRank(const Term& term, const Shape& shape, size_t operand) {
  const bool ellipsis = term.find(kEllipsis) != Term::npos;
  const int letters = static_cast<int>(term.size()) - (ellipsis ? 1 : 0);
  if (ellipsis ? shape.rank() >= letters : shape.rank() == letters) return shape.rank() - letters;
  return Error(Code::kInvalidModel, "input %zu has shape %s; its term of equation has %d letters", operand,
               shape.ToString().c_str(), letters);
}

Result<Iteration> MakeIteration(const Equation& equation, std::span<const Shape> shapes) {
  Iteration iteration;
  int most = 0;  // dimensions of the ellipsis
  for (size_t k = 0; k < shapes.size(); ++k) {
    OCTAVO_ASSIGN_OR_RETURN(const int rank, EllipsisRank(equation.inputs[k], shapes[k], k));
    most = std::max(most, rank);
  }
  const auto add = [&](const Term& term) {
    for (char c : term) {
      for (int e = c == kEllipsis ? most : 1; e > 0; --e) {
        const int ellipsis = c == kEllipsis ? e : 0;
        if (!iteration.Find(c, ellipsis)) {
          iteration.labels.push_back({c, ellipsis, 1, std::vector<int64_t>(shapes.size(), 0)});
        }
      }
    }
  };
  add(equation.output);
  iteration.outputs = iteration.labels.size();
  for (const Term& term : equation.inputs) add(term);

  for (Label& label : iteration.labels) label.size = label.letter == kEllipsis ? 1 : kUnknown;
  for (size_t k = 0; k < shapes.size(); ++k) {
    const Term& term = equation.inputs[k];
    const Shape& shape = shapes[k];
    int d = shape.rank();
    int64_t stride = 1;
    for (size_t t = term.size(); t-- > 0;) {
      const bool broadcast = term[t] == kEllipsis;  // a 1 there goes with any size
      const int dims = broadcast ? shape.rank() - (static_cast<int>(term.size()) - 1) : 1;
      for (int e = 1; e <= dims; ++e) {
        const int64_t size = shape[--d];
        Label& label = *iteration.Find(term[t], broadcast ? e : 0);
        const bool fixed = broadcast && size == 1;
        if (label.size == kUnknown || (broadcast && label.size == 1)) {
          if (!fixed) label.size = size;
        } else if (size != label.size && size != kUnknown && !fixed) {
          return Error(Code::kInvalidModel, "input %zu has shape %s; equation needs %lld in dimension %d", k,
                       shape.ToString().c_str(), LL(label.size), d);
        }
        if (!fixed) label.strides[k] += stride;
        // Sizes that no tensor has yet may overflow; those of tensors cannot.
        if (size != kUnknown)
          stride = static_cast<int64_t>(static_cast<uint64_t>(stride) * static_cast<uint64_t>(size));
      }
    }
  }
  return iteration;
}

}  // namespace

Status InferEinsum(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, context.inputs()));
  for (size_t i = 0; i < context.inputs(); ++i) {
    const std::string name = "input " + std::to_string(i);
    const DType dtype = context.dtype(i);
    if (dtype != DType::kUndefined && (BitsOf(dtype) < 8 || dtype == DType::kBool)) {
      return Error(Code::kInvalidModel, "%s is %s; allowed are integers and floating numbers", name.c_str(),
                   Name(dtype));
    }
    OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "input 0", i, name.c_str()));
  }
  OCTAVO_ASSIGN_OR_RETURN(const Equation equation, ParseEquation(context));
  std::vector<Shape> shapes;
  for (size_t i = 0; i < context.inputs(); ++i) {
    if (context.shape(i)) shapes.push_back(*context.shape(i));
  }
  if (shapes.size() < context.inputs()) {
    std::optional<Shape> y;
    if (equation.output.find(kEllipsis) == Term::npos && equation.output.size() <= Shape::kMaxRank) {
      y = Shape::OfRank(static_cast<int>(equation.output.size()), kUnknown);
    }
    context.SetOutput(0, context.dtype(0), y);
    return Ok();
  }
  OCTAVO_ASSIGN_OR_RETURN(const Iteration iteration, MakeIteration(equation, shapes));
  std::vector<int64_t> dims;
  for (size_t i = 0; i < iteration.outputs; ++i) dims.push_back(iteration.labels[i].size);
  OCTAVO_ASSIGN_OR_RETURN(const Shape y, Shape::FromSpan(dims));
  context.SetOutput(0, context.dtype(0), y);
  return Ok();
}

namespace {

// Sums over labels [from, ...) at the operands' given places.
template <typename T>
void SumOver(const std::vector<Label>& labels, size_t from, std::vector<const T*>& places, T* acc) {
  const size_t operands = places.size();
  if (from == labels.size()) {
    if (operands == 1) {
      *acc += *places[0];
    } else if (operands == 2) {
      if constexpr (std::is_floating_point_v<T>) {
        *acc = std::fma(*places[0], *places[1], *acc);
      } else {
        *acc += *places[0] * *places[1];
      }
    } else {
      T product = *places[0];
      for (size_t k = 1; k < operands; ++k) product *= *places[k];
      *acc += product;
    }
    return;
  }
  const Label& label = labels[from];
  for (int64_t i = 0; i < label.size; ++i) {
    SumOver(labels, from + 1, places, acc);
    for (size_t k = 0; k < operands; ++k) places[k] += label.strides[k];
  }
  for (size_t k = 0; k < operands; ++k) places[k] -= label.size * label.strides[k];
}

// Goes through the output's labels in order, writing one element each.
template <typename T>
void FillFrom(const Iteration& iteration, size_t from, std::vector<const T*>& places, T** y) {
  if (from == iteration.outputs) {
    T acc = 0;
    SumOver(iteration.labels, from, places, &acc);
    *(*y)++ = acc;
    return;
  }
  const Label& label = iteration.labels[from];
  for (int64_t i = 0; i < label.size; ++i) {
    FillFrom(iteration, from + 1, places, y);
    for (size_t k = 0; k < places.size(); ++k) places[k] += label.strides[k];
  }
  for (size_t k = 0; k < places.size(); ++k) places[k] -= label.size * label.strides[k];
}

template <typename T>
void Fill(const Iteration& iteration, const std::vector<Tensor>& inputs, Tensor* y) {
  std::vector<const T*> places;
  for (const Tensor& input : inputs) places.push_back(input.data<T>().data());
  T* to = y->mutable_data<T>().data();
  FillFrom(iteration, 0, places, &to);
}

// Integers modulo 2^64; the low bits of the result are those of any narrower type.
Result<Tensor> Wrapped(const Tensor& x, const MemoryPtr& memory) {
  OCTAVO_ASSIGN_OR_RETURN(Tensor wrapped, Tensor::Create(memory, DType::kUInt64, x.shape()));
  VisitDType(
      x.dtype(),
      [&](auto zero) {
        using From = decltype(zero);
        if constexpr (std::is_integral_v<From>) {
          std::copy(x.data<From>().begin(), x.data<From>().end(), wrapped.mutable_data<uint64_t>().begin());
        }
        return true;
      },
      false);
  return wrapped;
}

}  // namespace

Status EvaluateEinsum(EvalContext& context) {
  OCTAVO_ASSIGN_OR_RETURN(const Equation equation, ParseEquation(context));
  std::vector<Shape> shapes;
  std::vector<Tensor> inputs;
  const bool integers = IsInteger(context.input(0).dtype());
  const DType wide = integers ? DType::kUInt64 : WideType(context);
  for (size_t i = 0; i < context.inputs(); ++i) {
    shapes.push_back(context.input(i).shape());
    OCTAVO_ASSIGN_OR_RETURN(Tensor input, integers ? Wrapped(context.input(i), context.memory())
                                                   : Widen(context.input(i), wide, context.memory()));
    inputs.push_back(std::move(input));
  }
  OCTAVO_ASSIGN_OR_RETURN(const Iteration iteration, MakeIteration(equation, shapes));
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  if (!integers) {
    VisitWide(wide, [&](auto zero) { Fill<decltype(zero)>(iteration, inputs, &y); });
    StoreWide(y, context, 0);
    return Ok();
  }
  Fill<uint64_t>(iteration, inputs, &y);
  VisitDType(
      context.output(0).dtype(),
      [&](auto zero) {
        using To = decltype(zero);
        if constexpr (std::is_integral_v<To>) {
          std::transform(y.data<uint64_t>().begin(), y.data<uint64_t>().end(),
                         context.output(0).mutable_data<To>().begin(),
                         [](uint64_t value) { return static_cast<To>(value); });
        }
        return true;
      },
      false);
  return Ok();
}

}  // namespace octavo
