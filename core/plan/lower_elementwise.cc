// Element-wise nodes: arithmetic on two operands, clamps, tables, quantize and dequantize. They keep whatever layout
// their operand has.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "core/ops/integer.h"
#include "core/plan/plan_builder.h"
#include "core/plan/runs_step.h"

namespace octavo {
namespace {

template <typename Inner>
Result<bool> EmitUnary(PlanBuilder& b, NodeId n, ValueId out, const char* kernel, bool int8, Inner inner) {
  OCTAVO_ASSIGN_OR_RETURN(auto step, PlaceUnary<RunsStep<2>>(b, n, out));
  step->inner = [inner = std::move(inner), strides = step->row_strides](const auto& at, int64_t count, int64_t rows) {
    RunsStep<2>::EachRow(strides, at, count, rows, inner);
  };
  Describe(*step, b, n, kernel, int8);
  const std::array<View, 2> views = step->views;
  b.Emit(std::move(step), n, {views[0], views[1]}, {out});
  return true;
}

template <typename Inner>
Result<bool> EmitUnary(PlanBuilder& b, NodeId n, const char* kernel, bool int8, Inner inner) {
  return EmitUnary(b, n, b.node(n).outputs[0], kernel, int8, std::move(inner));
}

// ---- two operands

// Strides with which `operand` is walked over the result's shape: 0 where it is repeated.
Strides BroadcastStrides(const Shape& from, const Strides& strides, const Shape& to) {
  Strides result{};
  const int shift = to.rank() - from.rank();
  for (int i = 0; i < from.rank(); ++i) {
    if (from[i] != 1 || to[i + shift] == 1) result[static_cast<size_t>(i + shift)] = strides[static_cast<size_t>(i)];
  }
  return result;
}

using BinaryInner = std::function<void(const BinaryArgs&)>;

// Rows of one operand against one element each of the other, `which`: it is repeated in a buffer, for a piece of the
// row at a time.
template <typename T>
void RepeatElement(const BinaryArgs& args, size_t which, const BinaryInner& inner) {
  std::array<T, 256> repeated;
  const auto at = [](const void* base, size_t row, int64_t stride, size_t i) {
    return static_cast<const std::byte*>(base) + static_cast<int64_t>(row) * stride +
           static_cast<int64_t>(i * sizeof(T));
  };
  for (size_t row = 0; row < args.rows; ++row) {
    const std::byte* const single = which == 0 ? at(args.a, row, args.a_stride, 0) : at(args.b, row, args.b_stride, 0);
    repeated.fill(*reinterpret_cast<const T*>(single));
    for (size_t i = 0; i < args.n; i += repeated.size()) {
      BinaryArgs piece;
      piece.a = which == 0 ? static_cast<const void*>(repeated.data()) : at(args.a, row, args.a_stride, i);
      piece.b = which == 1 ? static_cast<const void*>(repeated.data()) : at(args.b, row, args.b_stride, i);
      piece.c = const_cast<std::byte*>(at(args.c, row, args.c_stride, i));
      piece.n = std::min(repeated.size(), args.n - i);
      inner(piece);
    }
  }
}

Result<bool> EmitBinary(PlanBuilder& b, NodeId n, const char* kernel, bool int8, ValueId out, BinaryInner inner) {
  const Node& node = b.node(n);
  const Shape& shape = b.shape(out);
  const auto element = static_cast<int64_t>(BitsOf(b.value(out).dtype) / 8);
  const std::array<ValueId, 2> in = {node.inputs[0], node.inputs[1]};
  const bool whole[2] = {b.shape(in[0]) == shape && !b.IsConstant(in[0]),
                         b.shape(in[1]) == shape && !b.IsConstant(in[1])};
  if (!whole[0] && !whole[1]) return false;
  // The layout of the first whole operand that is in pixels, else of the first whole one.
  const size_t lead = !whole[0] || (whole[1] && b.IsPlaced(in[1]) && b.IsPixels(in[1]) && !b.IsPixels(in[0])) ? 1 : 0;
  const View like = b.Read(in[lead]);
  std::array<View, 2> views;
  for (size_t o = 0; o < 2; ++o) {
    if (whole[o]) {
      OCTAVO_ASSIGN_OR_RETURN(views[o], b.ReadLike(in[o], like));
    } else {
      views[o] = b.Read(in[o]);
    }
  }
  // All that can fail is behind us once the runs are known to suit: find them on the operands first.
  LoopNest<2> probe;
  const auto order = DimsByStride(shape, like.strides);
  std::array<Strides, 2> strides;
  for (size_t o = 0; o < 2; ++o) strides[o] = BroadcastStrides(b.shape(in[o]), views[o].strides, shape);
  for (int i = 0; i < shape.rank(); ++i) {
    const auto d = static_cast<size_t>(order[static_cast<size_t>(i)]);
    probe.Append(shape[static_cast<int>(d)], {strides[0][d], strides[1][d]});
  }
  std::array<int64_t, 2> inner_strides;
  const int64_t run = probe.TakeInner(&inner_strides);
  size_t repeats = 2;  // the operand that stands still while the other moves on
  for (size_t o = 0; run > 1 && o < 2; ++o) {
    if (inner_strides[o] == 0 && inner_strides[1 - o] == element) {
      repeats = o;
    } else if (inner_strides[o] != element) {
      return false;
    }
  }

  OCTAVO_ASSIGN_OR_RETURN(const View c, b.MakeLike(out, like));
  auto step = std::make_unique<RunsStep<3>>();
  for (int i = 0; i < shape.rank(); ++i) {
    const auto d = static_cast<size_t>(order[static_cast<size_t>(i)]);
    step->nest.Append(shape[static_cast<int>(d)], {strides[0][d], strides[1][d], c.strides[d]});
  }
  std::array<int64_t, 3> taken;
  step->n = step->nest.TakeInner(&taken);
  step->rows = step->nest.TakeInner(&step->row_strides);
  step->views = {views[0], views[1], c};
  step->element = {repeats == 0 ? 0 : element, repeats == 1 ? 0 : element, element};
  step->inner = [inner = std::move(inner), row_strides = step->row_strides, repeats, element](
                    const std::array<std::byte*, 3>& at, int64_t count, int64_t rows) {
    BinaryArgs args;
    args.a = at[0], args.b = at[1], args.c = at[2];
    args.a_stride = row_strides[0], args.b_stride = row_strides[1], args.c_stride = row_strides[2];
    args.rows = static_cast<size_t>(rows);
    args.n = static_cast<size_t>(count);
    if (repeats == 2) return inner(args);
    element == 1 ? RepeatElement<uint8_t>(args, repeats, inner) : RepeatElement<float>(args, repeats, inner);
  };
  Describe(*step, b, n, kernel, int8);
  b.Emit(std::move(step), n, {views[0], views[1], c}, {out});
  return true;
}

Result<bool> LowerFloatBinary(PlanBuilder& b, NodeId n) {
  const Node& node = b.node(n);
  const KernelTable& k = b.kernels();
  const std::string& op = node.op_type;
  const auto kernel = op == "Add"     ? k.fadd
                      : op == "Sub"   ? k.fsub
                      : op == "Mul"   ? k.fmul
                      : op == "Div"   ? k.fdiv
                      : op == "PRelu" ? k.fprelu
                                      : nullptr;
  if (!kernel || node.inputs.size() != 2) return false;
  for (ValueId v : node.inputs) {
    if (b.value(v).dtype != DType::kFloat) return false;
  }
  float lo = kNoLow, hi = kNoHigh;
  ValueId out = node.outputs[0];
  const NodeId next = b.OnlyReader(out);
  const auto clamp = next == kNoNode ? std::nullopt : ReadClamp(b, next);
  if (clamp && b.node(next).inputs[0] == out) {
    lo = clamp->first, hi = clamp->second;
    out = b.node(next).outputs[0];
  }
  OCTAVO_ASSIGN_OR_RETURN(const bool done, EmitBinary(b, n, ("f32_" + op).c_str(), false, out,
                                                      [=](const BinaryArgs& args) { kernel(args, lo, hi); }));
  if (done && out != node.outputs[0]) b.SetDone(next);
  return done;
}

// A scalar constant of an 8-bit or float node, e.g. a scale.
template <typename T>
bool ReadScalar(const PlanBuilder& b, const Node& node, size_t i, T* out) {
  if (!node.has_input(i)) return false;
  const auto& constant = b.value(node.inputs[i]).constant;
  if (!constant || constant->dtype() != DTypeOf<T>::value || constant->elements() != 1) return false;
  *out = constant->data<T>()[0];
  return true;
}

Result<bool> LowerQuantize(PlanBuilder& b, NodeId n) {
  const Node& node = b.node(n);
  const bool quantize = node.op_type == "QuantizeLinear";
  if (node.inputs.size() < 2 || b.IsConstant(node.inputs[0])) return false;
  const ValueId wide = quantize ? node.inputs[0] : node.outputs[0],
                narrow = quantize ? node.outputs[0] : node.inputs[0];
  float scale;
  if (b.value(wide).dtype != DType::kFloat || !ReadScalar(b, node, 1, &scale)) return false;
  const KernelTable& k = b.kernels();
  if (b.value(narrow).dtype == DType::kUInt8) {
    uint8_t zero = 0;
    if (node.has_input(2) && !ReadScalar(b, node, 2, &zero)) return false;
    if (quantize) {
      return EmitUnary(b, n, "quantize_u8", true, [=, kernel = k.quantize_u8](const auto& at, int64_t count) {
        kernel(reinterpret_cast<const float*>(at[0]), reinterpret_cast<uint8_t*>(at[1]), static_cast<size_t>(count),
               scale, zero);
      });
    }
    return EmitUnary(b, n, "dequantize_u8", true, [=, kernel = k.dequantize_u8](const auto& at, int64_t count) {
      kernel(reinterpret_cast<const uint8_t*>(at[0]), reinterpret_cast<float*>(at[1]), static_cast<size_t>(count),
             scale, zero);
    });
  }
  if (b.value(narrow).dtype != DType::kInt8) return false;
  int8_t zero = 0;
  if (node.has_input(2) && !ReadScalar(b, node, 2, &zero)) return false;
  if (quantize) {
    return EmitUnary(b, n, "quantize_s8", true, [=, kernel = k.quantize_s8](const auto& at, int64_t count) {
      kernel(reinterpret_cast<const float*>(at[0]), reinterpret_cast<int8_t*>(at[1]), static_cast<size_t>(count), scale,
             zero);
    });
  }
  return EmitUnary(b, n, "dequantize_s8", true, [=, kernel = k.dequantize_s8](const auto& at, int64_t count) {
    kernel(reinterpret_cast<const int8_t*>(at[0]), reinterpret_cast<float*>(at[1]), static_cast<size_t>(count), scale,
           zero);
  });
}

struct Function {
  FloatFunction function;
  float alpha = 0, beta = 0;
};

// The kernel's name for a node, if it has one.
std::optional<Function> FunctionOf(const PlanBuilder& b, NodeId n) {
  const Node& node = b.node(n);
  const NodeReader reader(node, b.graph().opset());
  const std::string& op = node.op_type;
  if (op == "Exp") return Function{FloatFunction::kExp};
  if (op == "Sigmoid") return Function{FloatFunction::kSigmoid};
  if (op == "Tanh") return Function{FloatFunction::kTanh};
  if (op == "Softplus") return Function{FloatFunction::kSoftplus};
  if (op == "Mish") return Function{FloatFunction::kMish};
  if (op == "Elu") return Function{FloatFunction::kElu, reader.Float("alpha", 1.0f), 1.0f};
  if (op == "Selu") {
    const float alpha = reader.Float("alpha", 1.67326319217681884765625f);
    const float gamma = reader.Float("gamma", 1.05070102214813232421875f);
    if (alpha > 0) return Function{FloatFunction::kElu, alpha, gamma};
  }
  if (op == "Erf") return Function{FloatFunction::kErf};
  if (op == "LeakyRelu") return Function{FloatFunction::kLeakyRelu, reader.Float("alpha", 0.01f)};
  if (op == "Swish") return Function{FloatFunction::kSwish, reader.Float("alpha", 1.0f)};
  if (op == "HardSwish") return Function{FloatFunction::kHardSwish};
  if (op == "HardSigmoid") {
    return Function{FloatFunction::kHardSigmoid, reader.Float("alpha", 0.2f), reader.Float("beta", 0.5f)};
  }
  if (op == "Gelu") {
    const bool tanh = reader.String("approximate", "none") == "tanh";
    return Function{tanh ? FloatFunction::kGeluTanh : FloatFunction::kGelu};
  }
  return std::nullopt;
}

// A step `name` that gives `out` as the kernel's function of the one value that node n reads.
Result<bool> EmitFunction(PlanBuilder& b, NodeId n, ValueId out, const char* name, const Function& f) {
  return EmitUnary(b, n, out, name, false, [f, kernel = b.kernels().ffunction](const auto& at, int64_t count) {
    kernel(f.function, reinterpret_cast<const float*>(at[0]), reinterpret_cast<float*>(at[1]),
           static_cast<size_t>(count), f.alpha, f.beta);
  });
}

// A node of a chain, each of which reads the one before and perhaps another value.
struct Link {
  NodeId node = kNoNode;
  ValueId other = kNoValue;
};

// The node of type `op` that alone reads the result of `link`, if there is one.
Link NextOf(const PlanBuilder& b, const Link& link, const char* op) {
  if (link.node == kNoNode) return {};
  const ValueId out = b.node(link.node).outputs[0];
  const NodeId next = b.OnlyReader(out);
  if (next == kNoNode || b.node(next).op_type != op || !b.node(next).domain.empty()) return {};
  const std::vector<ValueId>& in = b.node(next).inputs;
  return {next, in.size() < 2 ? kNoValue : in[in[0] == out ? 1 : 0]};
}

// The Mul that multiplies the result of node n, which nobody else reads, by its input; kNoNode if there is none.
NodeId ProductWithInput(const PlanBuilder& b, NodeId n) {
  const Link product = NextOf(b, {n}, "Mul");
  return product.other == b.node(n).inputs[0] ? product.node : kNoNode;
}

bool IsScalar(const PlanBuilder& b, ValueId v, float number) {
  if (v == kNoValue || !b.IsConstant(v)) return false;
  const Tensor& tensor = *b.value(v).constant;
  return tensor.dtype() == DType::kFloat && tensor.elements() == 1 && tensor.data<float>()[0] == number;
}

// GELU as exporters write it: Div, Erf, Add of 1, Mul by the first one's input, Mul by 0.5. Node n is the Div.
Result<bool> LowerErfGelu(PlanBuilder& b, NodeId n) {
  Function gelu{FloatFunction::kErfGelu};
  const Node& node = b.node(n);
  if (!b.kernels().ffunction || node.op_type != "Div" || !ReadScalar(b, node, 1, &gelu.alpha)) return false;
  const Link erf = NextOf(b, {n}, "Erf"), sum = NextOf(b, erf, "Add"), product = NextOf(b, sum, "Mul"),
             half = NextOf(b, product, "Mul");
  if (half.node == kNoNode || !IsScalar(b, sum.other, 1) || product.other != node.inputs[0] ||
      !IsScalar(b, half.other, 0.5f)) {
    return false;
  }
  const ValueId out = b.node(half.node).outputs[0];
  if (b.shape(out) != b.shape(node.inputs[0])) return false;
  for (const Link& link : {erf, sum, product, half}) b.SetDone(link.node);
  return EmitFunction(b, n, out, "f32_erf_gelu", gelu);
}

// Any other function of one value: the row's own arithmetic on each run.
Result<bool> LowerOtherUnary(PlanBuilder& b, NodeId n) {
  const Node& node = b.node(n);
  if (b.value(node.inputs[0]).dtype != DType::kFloat || b.value(node.outputs[0]).dtype != DType::kFloat ||
      b.shape(node.inputs[0]) != b.shape(node.outputs[0]) || node.outputs.size() != 1) {
    return false;
  }
  if (auto function = FunctionOf(b, n); function && b.kernels().ffunction) {
    const NodeId product = function->function == FloatFunction::kSigmoid ? ProductWithInput(b, n) : kNoNode;
    if (product != kNoNode) {
      function->function = FloatFunction::kSigmoidMul;
      b.SetDone(product);
    }
    return EmitFunction(b, n, b.node(product == kNoNode ? n : product).outputs[0], "f32_function", *function);
  }
  std::vector<Tensor> parameters;
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    if (node.has_input(i) && !b.IsConstant(node.inputs[i])) return false;
    parameters.push_back(node.has_input(i) ? *b.value(node.inputs[i]).constant : Tensor());
  }
  return EmitUnary(b, n, "f32_unary", false,
                   [&node, parameters, opset = b.graph().opset(), memory = b.memory()](const auto& at, int64_t count) {
                     const Shape shape{count};
                     const auto bytes = static_cast<size_t>(count) * sizeof(float);
                     std::array<Tensor, 8> inputs;
                     auto x = Tensor::Wrap(DType::kFloat, shape, at[0], bytes, nullptr);
                     auto y = Tensor::Wrap(DType::kFloat, shape, at[1], bytes, nullptr);
                     if (!x.ok() || !y.ok()) return;
                     inputs[0] = std::move(*x);
                     for (size_t i = 0; i < parameters.size(); ++i) inputs[i + 1] = parameters[i];
                     EvalContext context(node, opset, std::span<const Tensor>(inputs).first(parameters.size() + 1),
                                         std::span<Tensor>(&*y, 1), memory);
                     (void)node.op->evaluate(context).ok();
                   });
}

}  // namespace

std::optional<std::pair<float, float>> ReadClamp(const PlanBuilder& b, NodeId n) {
  const Node& node = b.node(n);
  if (!node.domain.empty() || b.value(node.outputs[0]).dtype != DType::kFloat) return std::nullopt;
  if (node.op_type == "Relu") return std::pair(0.0f, kNoHigh);
  if (node.op_type != "Clip") return std::nullopt;
  const NodeReader reader(node, b.graph().opset());
  float lo = reader.Float("min", kNoLow), hi = reader.Float("max", kNoHigh);
  if (node.has_input(1) && !ReadScalar(b, node, 1, &lo)) return std::nullopt;
  if (node.has_input(2) && !ReadScalar(b, node, 2, &hi)) return std::nullopt;
  if (!(lo <= hi)) return std::nullopt;
  return std::pair(lo, hi);
}

void TakeClamp(PlanBuilder& b, ValueId* out, float* lo, float* hi, StepInfo* info) {
  const NodeId next = b.OnlyReader(*out);
  if (next == kNoNode || b.node(next).inputs[0] != *out) return;
  const auto clamp = ReadClamp(b, next);
  if (!clamp) return;
  *lo = clamp->first, *hi = clamp->second;
  info->op += "+" + b.node(next).op_type;
  b.SetDone(next);
  *out = b.node(next).outputs[0];
}

Result<bool> LowerElementwise(PlanBuilder& b, NodeId n) {
  const Node& node = b.node(n);
  const NodeReader reader(node, b.graph().opset());
  const KernelTable& k = b.kernels();
  if (node.inputs.empty() || node.inputs[0] == kNoValue) return false;
  if (node.domain == kInternalDomain) {
    if (node.op_type == "QAdd") {
      return EmitBinary(b, n, "u8_add", true, node.outputs[0],
                        [q = ReadQAdd(reader), kernel = k.qadd](const BinaryArgs& args) { kernel(args, q); });
    }
    if (node.op_type == "QMul") {
      return EmitBinary(b, n, "u8_mul", true, node.outputs[0],
                        [q = ReadQMul(reader), kernel = k.qmul](const BinaryArgs& args) { kernel(args, q); });
    }
    if (node.op_type == "Table" && b.IsConstant(node.inputs[1]) && b.value(node.inputs[1]).constant->bytes() == 256 &&
        b.value(node.inputs[0]).dtype == DType::kUInt8) {
      return EmitUnary(b, n, "u8_table", true,
                       [table = *b.value(node.inputs[1]).constant, kernel = k.lut_u8](const auto& at, int64_t count) {
                         kernel(static_cast<const uint8_t*>(table.raw()), reinterpret_cast<const uint8_t*>(at[0]),
                                reinterpret_cast<uint8_t*>(at[1]), static_cast<size_t>(count));
                       });
    }
    return false;
  }
  if (!node.domain.empty() || b.IsConstant(node.inputs[0])) {
    return node.domain.empty() && node.op->lowering == Lowering::kBinary ? LowerFloatBinary(b, n) : Result<bool>(false);
  }
  OCTAVO_ASSIGN_OR_RETURN(const bool gelu, LowerErfGelu(b, n));
  if (gelu) return true;
  if (node.op_type == "QuantizeLinear" || node.op_type == "DequantizeLinear") return LowerQuantize(b, n);
  if (const auto clamp = ReadClamp(b, n)) {
    return EmitUnary(b, n, "f32_clamp", false, [clamp, kernel = k.fclamp](const auto& at, int64_t count) {
      kernel(reinterpret_cast<const float*>(at[0]), reinterpret_cast<float*>(at[1]), static_cast<size_t>(count),
             clamp->first, clamp->second);
    });
  }
  if (node.op->lowering == Lowering::kBinary || node.op_type == "PRelu") return LowerFloatBinary(b, n);
  if (node.op->lowering == Lowering::kUnary) return LowerOtherUnary(b, n);
  return false;
}

}  // namespace octavo
