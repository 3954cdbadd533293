#include "core/ops/integer.h"

#include <algorithm>

#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/families.h"
#include "core/ops/rounding.h"
#include "core/ops/table.h"
#include "core/ops/window.h"

namespace octavo {

// ------------------------------------------------------------------------------------------------ attributes

namespace {

Attribute Int(std::string name, int64_t value) { return {std::move(name), value}; }
Attribute Float(std::string name, float value) { return {std::move(name), value}; }

int32_t Int32(const NodeReader& node, const std::string& name, int32_t fallback) {
  return static_cast<int32_t>(node.Int(name.c_str(), fallback));
}
uint8_t Byte(const NodeReader& node, const std::string& name, uint8_t fallback) {
  return static_cast<uint8_t>(node.Int(name.c_str(), fallback));
}

}  // namespace

QAddArgs ReadQAdd(const NodeReader& node, const std::string& prefix) {
  QAddArgs add;
  add.a_zero = Int32(node, prefix + "a_zero", 0);
  add.b_zero = Int32(node, prefix + "b_zero", 0);
  add.zero = Int32(node, prefix + "zero", 0);
  add.a_multiplier = node.Float((prefix + "a_multiplier").c_str(), 1.0f);
  add.b_multiplier = node.Float((prefix + "b_multiplier").c_str(), 1.0f);
  add.lo = Byte(node, prefix + "lo", 0);
  add.hi = Byte(node, prefix + "hi", 255);
  return add;
}

std::vector<Attribute> AttributesOf(const QAddArgs& add, const std::string& prefix) {
  return {Int(prefix + "a_zero", add.a_zero),
          Int(prefix + "b_zero", add.b_zero),
          Int(prefix + "zero", add.zero),
          Float(prefix + "a_multiplier", add.a_multiplier),
          Float(prefix + "b_multiplier", add.b_multiplier),
          Int(prefix + "lo", add.lo),
          Int(prefix + "hi", add.hi)};
}

QMulArgs ReadQMul(const NodeReader& node) {
  QMulArgs mul;
  mul.a_zero = Int32(node, "a_zero", 0);
  mul.b_zero = Int32(node, "b_zero", 0);
  mul.zero = Int32(node, "zero", 0);
  mul.multiplier = node.Float("multiplier", 1.0f);
  mul.lo = Byte(node, "lo", 0);
  mul.hi = Byte(node, "hi", 255);
  return mul;
}

std::vector<Attribute> AttributesOf(const QMulArgs& mul) {
  return {Int("a_zero", mul.a_zero),           Int("b_zero", mul.b_zero), Int("zero", mul.zero),
          Float("multiplier", mul.multiplier), Int("lo", mul.lo),         Int("hi", mul.hi)};
}

QProductAttributes ReadQProduct(const NodeReader& node) {
  QProductAttributes product;
  product.is_float = node.Int("is_float", 0) != 0;
  product.zero = Int32(node, "zero", 0);
  product.lo = Byte(node, "lo", 0);
  product.hi = Byte(node, "hi", 255);
  product.flo = node.Float("flo", kNoLow);
  product.fhi = node.Float("fhi", kNoHigh);
  product.add = ReadQAdd(node, "add_");
  return product;
}

std::vector<Attribute> AttributesOf(const QProductAttributes& product) {
  if (product.is_float) return {Int("is_float", 1), Float("flo", product.flo), Float("fhi", product.fhi)};
  return {Int("zero", product.zero), Int("lo", product.lo), Int("hi", product.hi)};
}

QUnaryAttributes ReadQUnary(const NodeReader& node) {
  QUnaryAttributes unary;
  unary.x_zero = Int32(node, "x_zero", 0);
  unary.zero = Int32(node, "zero", 0);
  unary.lo = Byte(node, "lo", 0);
  unary.hi = Byte(node, "hi", 255);
  unary.x_scale = node.Float("x_scale", 1.0f);
  unary.y_scale = node.Float("y_scale", 1.0f);
  return unary;
}

std::vector<Attribute> AttributesOf(const QUnaryAttributes& unary) {
  return {Int("x_zero", unary.x_zero), Int("zero", unary.zero),         Int("lo", unary.lo),
          Int("hi", unary.hi),         Float("x_scale", unary.x_scale), Float("y_scale", unary.y_scale)};
}

int64_t AveragePoolCount(const WindowAxis& axis, int64_t o, bool include_pad) {
  if (include_pad) {
    const int64_t room = axis.in + axis.pad + axis.pad_end - o * axis.stride;
    return std::min(axis.kernel, CeilDiv(std::max<int64_t>(room, 0), axis.dilation));
  }
  const WindowAxis::Taps taps = axis.ValidTaps(o);
  return taps.end - taps.begin;
}

namespace {

constexpr int64_t kUnknown = Shape::kUnknown;

uint8_t Requantize(float value, int32_t zero, uint8_t lo, uint8_t hi) {
  return static_cast<uint8_t>(QuantizeValue(value, zero, IntegerRange{lo, hi}));
}

std::optional<Shape> ShapeOf(const InferContext& context, size_t i) {
  return context.shape(i) ? std::optional(*context.shape(i)) : std::nullopt;
}

// The error of a graph that no pass of ours makes.
Status Check(bool holds, const char* what) { return holds ? Ok() : Error(Code::kInternal, "%s", what); }

// ------------------------------------------------------------------------------------------------ QConv, QMatMul

struct Product {
  const char *domain, *integer;  // the operator that makes the sums
  bool channels_last;            // of the result

  const Operator& sums() const { return *FindOperator(domain, integer); }
};
constexpr Product kConv{"", "ConvInteger", false};
constexpr Product kConvTranspose{kInternalDomain, "ConvTransposeInteger", false};
constexpr Product kMatMul{"", "MatMulInteger", true};

template <const Product& kProduct>
Status InferProduct(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(kProduct.sums().infer(context));
  const std::optional<Shape> shape = context.results()[0].shape;
  if (shape && shape->rank() > 0) {
    const int64_t channels = (*shape)[kProduct.channels_last ? shape->rank() - 1 : 1];
    OCTAVO_RETURN_IF_ERROR(CheckVector(context, kProductBias, "bias", channels));
    OCTAVO_RETURN_IF_ERROR(CheckScalarOrVector(context, kProductMultiplier, "multiplier", channels));
    OCTAVO_RETURN_IF_ERROR(CheckVector(context, kProductFloatBias, "fbias", channels));
  }
  context.SetOutput(0, ReadQProduct(context).is_float ? DType::kFloat : DType::kUInt8, shape);
  return Ok();
}

template <const Product& kProduct>
Status EvaluateProduct(EvalContext& context) {
  Tensor& y = context.output(0);
  const Shape& shape = y.shape();
  OCTAVO_ASSIGN_OR_RETURN(Tensor sums, Tensor::Create(context.memory(), DType::kInt32, shape));
  {
    Tensor operands[kProductBias];
    for (size_t i = 0; i < kProductBias; ++i) {
      if (context.has_input(i)) operands[i] = context.input(i);
    }
    EvalContext integer(context.node(), context.opset(), operands, std::span(&sums, 1), context.memory());
    OCTAVO_RETURN_IF_ERROR(kProduct.sums().evaluate(integer));
  }
  const QProductAttributes product = ReadQProduct(context);
  const auto floats = [&](size_t i) {
    return context.has_input(i) ? context.input(i).data<float>() : std::span<const float>();
  };
  const std::span<const float> multipliers = floats(kProductMultiplier), fbias = floats(kProductFloatBias);
  const std::span<const float> x_scale = floats(kProductXScale);
  const int32_t* bias = context.has_input(kProductBias) ? context.input(kProductBias).data<int32_t>().data() : nullptr;
  const uint8_t* residual =
      context.has_input(kProductResidual) ? context.input(kProductResidual).data<uint8_t>().data() : nullptr;
  // A vector times a matrix, or a matrix times a vector, has no axis of columns: then all have one multiplier.
  const bool has_channels = shape.rank() > (kProduct.channels_last ? 0 : 1);
  const size_t channels = has_channels ? static_cast<size_t>(shape[kProduct.channels_last ? shape.rank() - 1 : 1]) : 1;
  const size_t inner = kProduct.channels_last ? 1 : static_cast<size_t>(shape.Elements(2, shape.rank()));
  for (size_t i = 0; i < static_cast<size_t>(y.elements()); ++i) {
    const size_t c = i / inner % channels;
    // Sums and biases fit int32 together: proven where the operator was made.
    const int32_t sum = static_cast<int32_t>(static_cast<uint32_t>(sums.data<int32_t>()[i]) +
                                             static_cast<uint32_t>(bias ? bias[c] : 0));
    float multiplier = multipliers[multipliers.size() > 1 ? c : 0];
    if (!x_scale.empty()) multiplier = x_scale[0] * multiplier;
    float value = static_cast<float>(sum) * multiplier;
    if (product.is_float) {
      if (!fbias.empty()) value = value + fbias[c];
      y.mutable_data<float>()[i] = value < product.flo ? product.flo : product.fhi < value ? product.fhi : value;
      continue;
    }
    uint8_t q = Requantize(value, product.zero, product.lo, product.hi);
    if (residual) {
      const float a = static_cast<float>(q - product.add.a_zero) * product.add.a_multiplier;
      const float b = static_cast<float>(residual[i] - product.add.b_zero) * product.add.b_multiplier;
      q = Requantize(a + b, product.add.zero, product.add.lo, product.add.hi);
    }
    y.mutable_data<uint8_t>()[i] = q;
  }
  return Ok();
}

// ------------------------------------------------------------------------------------------------ QAdd, QMul

Status InferBinary(InferContext& context) {
  const Shape *a = context.shape(0), *b = context.shape(1);
  if (!a || !b) {
    context.SetOutput(0, DType::kUInt8, std::nullopt);
    return Ok();
  }
  const int rank = std::max(a->rank(), b->rank());
  Shape y = Shape::OfRank(rank, 1);
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a->rank()), ib = i - (rank - b->rank());
    const int64_t da = ia < 0 ? 1 : (*a)[ia], db = ib < 0 ? 1 : (*b)[ib];
    if (da == 1 || da == db) {
      y[i] = db;
    } else if (db == 1 || db == kUnknown) {
      y[i] = da;
    } else if (da == kUnknown) {
      y[i] = db;
    } else {
      return Error(Code::kInvalidModel, "shapes %s and %s cannot be broadcast", a->ToString().c_str(),
                   b->ToString().c_str());
    }
  }
  context.SetOutput(0, DType::kUInt8, y);
  return Ok();
}

// For each element of the result in order: f(element of a, element of b), operands broadcast.
template <typename F>
void Broadcast(EvalContext& context, F&& f) {
  const Tensor &a = context.input(0), &b = context.input(1);
  Tensor& y = context.output(0);
  const Shape& shape = y.shape();
  std::array<int64_t, Shape::kMaxRank> a_stride{}, b_stride{}, index{};
  const auto strides = [&](const Shape& from, auto& to) {
    int64_t stride = 1;
    for (int i = from.rank() - 1; i >= 0; --i) {
      if (from[i] != 1) to[static_cast<size_t>(i + shape.rank() - from.rank())] = stride;
      stride *= from[i];
    }
  };
  strides(a.shape(), a_stride);
  strides(b.shape(), b_stride);
  const uint8_t *as = a.data<uint8_t>().data(), *bs = b.data<uint8_t>().data();
  uint8_t* ys = y.mutable_data<uint8_t>().data();
  int64_t ia = 0, ib = 0;
  for (int64_t i = 0; i < y.elements(); ++i) {
    ys[i] = f(as[ia], bs[ib]);
    for (int d = shape.rank() - 1; d >= 0; --d) {
      const size_t k = static_cast<size_t>(d);
      ia += a_stride[k];
      ib += b_stride[k];
      if (++index[k] < shape[d]) break;
      ia -= a_stride[k] * shape[d];
      ib -= b_stride[k] * shape[d];
      index[k] = 0;
    }
  }
}

Status EvaluateQAdd(EvalContext& context) {
  const QAddArgs add = ReadQAdd(context);
  Broadcast(context, [&](uint8_t a, uint8_t b) {
    const float fa = static_cast<float>(a - add.a_zero) * add.a_multiplier;
    const float fb = static_cast<float>(b - add.b_zero) * add.b_multiplier;
    return Requantize(fa + fb, add.zero, add.lo, add.hi);
  });
  return Ok();
}

Status EvaluateQMul(EvalContext& context) {
  const QMulArgs mul = ReadQMul(context);
  Broadcast(context, [&](uint8_t a, uint8_t b) {
    const float product = static_cast<float>(a - mul.a_zero) * static_cast<float>(b - mul.b_zero);
    return Requantize(product * mul.multiplier, mul.zero, mul.lo, mul.hi);
  });
  return Ok();
}

// ------------------------------------------------------------------------------------------------ QAffine

Status InferAffine(InferContext& context) {
  const std::optional<Shape> shape = ShapeOf(context, 0);
  if (shape) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 1), shape->rank()));
    OCTAVO_RETURN_IF_ERROR(CheckVector(context, 1, "multiplier", (*shape)[axis]));
    OCTAVO_RETURN_IF_ERROR(CheckVector(context, 2, "addend", (*shape)[axis]));
    OCTAVO_RETURN_IF_ERROR(CheckVector(context, 3, "negative", (*shape)[axis]));
  }
  context.SetOutput(0, DType::kUInt8, shape);
  return Ok();
}

Status EvaluateAffine(EvalContext& context) {
  const QUnaryAttributes q = ReadQUnary(context);
  const Shape& shape = context.input(0).shape();
  OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.Int("axis", 1), shape.rank()));
  const size_t inner = static_cast<size_t>(shape.Elements(axis + 1, shape.rank()));
  const size_t channels = static_cast<size_t>(shape[axis]);
  const auto x = context.input(0).data<uint8_t>();
  const auto multiplier = context.input(1).data<float>(), addend = context.input(2).data<float>();
  const auto negative = context.has_input(3) ? context.input(3).data<float>() : multiplier;
  const auto y = context.output(0).mutable_data<uint8_t>();
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = i / inner % channels;
    const int32_t value = x[i] - q.x_zero;
    const float product = static_cast<float>(value) * (value < 0 ? negative[c] : multiplier[c]);
    y[i] = Requantize(product + addend[c], q.zero, q.lo, q.hi);
  }
  return Ok();
}

// ------------------------------------------------------------------------------------------------ means

Status InferAveragePool(InferContext& context) {
  std::optional<Shape> y;
  if (const Shape* x = context.shape(0)) {
    OCTAVO_RETURN_IF_ERROR(Check(x->rank() > 2, "a pool without spatial axes"));
    OCTAVO_ASSIGN_OR_RETURN(const Window3 window, PoolWindow(context, x->dims().subspan(2)));
    y = Shape{(*x)[0], (*x)[1]};
    for (int i = 0; i < window.spatial; ++i) y->Append(window.axis(i).out);
  }
  context.SetOutput(0, DType::kUInt8, y);
  return Ok();
}

Status EvaluateAveragePool(EvalContext& context) {
  const QUnaryAttributes q = ReadQUnary(context);
  const bool include_pad = context.Int("count_include_pad", 0) != 0;
  const Shape& shape = context.input(0).shape();
  OCTAVO_ASSIGN_OR_RETURN(const Window3 window, PoolWindow(context, shape.dims().subspan(2)));
  const WindowAxis &z = window.z(), &h = window.y(), &w = window.x();
  const uint8_t* x = context.input(0).data<uint8_t>().data();
  uint8_t* y = context.output(0).mutable_data<uint8_t>().data();
  for (int64_t c = 0; c < shape.Elements(0, 2); ++c, x += window.InPlane()) {
    for (int64_t oz = 0; oz < z.out; ++oz) {
      for (int64_t oy = 0; oy < h.out; ++oy) {
        for (int64_t ox = 0; ox < w.out; ++ox) {
          const WindowAxis::Taps tz = z.ValidTaps(oz), ty = h.ValidTaps(oy), tx = w.ValidTaps(ox);
          int64_t sum = 0;
          for (int64_t kz = tz.begin; kz < tz.end; ++kz) {
            for (int64_t ky = ty.begin; ky < ty.end; ++ky) {
              for (int64_t kx = tx.begin; kx < tx.end; ++kx) {
                sum += x[(z.At(oz, kz) * h.in + h.At(oy, ky)) * w.in + w.At(ox, kx)] - q.x_zero;
              }
            }
          }
          const int64_t count = AveragePoolCount(z, oz, include_pad) * AveragePoolCount(h, oy, include_pad) *
                                AveragePoolCount(w, ox, include_pad);
          const float mean = static_cast<float>(sum) * q.MeanMultiplier(std::max<int64_t>(count, 1));
          *y++ = Requantize(mean, q.zero, q.lo, q.hi);
        }
      }
    }
  }
  return Ok();
}

// Whether each axis is averaged away.
Result<std::array<bool, Shape::kMaxRank>> ReducedAxes(const NodeReader& node, int rank) {
  std::array<bool, Shape::kMaxRank> reduced{};
  for (int64_t attribute : node.Ints("axes")) {
    OCTAVO_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(attribute, rank));
    reduced[static_cast<size_t>(axis)] = true;
  }
  return reduced;
}

Status InferReduceMean(InferContext& context) {
  std::optional<Shape> y;
  if (const Shape* x = context.shape(0)) {
    OCTAVO_ASSIGN_OR_RETURN(const auto reduced, ReducedAxes(context, x->rank()));
    y = Shape();
    for (int i = 0; i < x->rank(); ++i) {
      if (!reduced[static_cast<size_t>(i)]) {
        y->Append((*x)[i]);
      } else if (context.Int("keepdims", 1) != 0) {
        y->Append(1);
      }
    }
  }
  context.SetOutput(0, DType::kUInt8, y);
  return Ok();
}

Status EvaluateReduceMean(EvalContext& context) {
  const QUnaryAttributes q = ReadQUnary(context);
  const Shape& shape = context.input(0).shape();
  const int rank = shape.rank();
  OCTAVO_ASSIGN_OR_RETURN(const auto reduced, ReducedAxes(context, rank));
  Tensor& y = context.output(0);
  OCTAVO_ASSIGN_OR_RETURN(Tensor sums, Tensor::Create(context.memory(), DType::kInt64, y.shape()));
  const auto sum = sums.mutable_data<int64_t>();
  std::fill(sum.begin(), sum.end(), 0);
  std::array<int64_t, Shape::kMaxRank> stride{}, index{};  // stride of the result; 0 along reduced axes
  int64_t kept = 1, count = 1;
  for (int i = rank - 1; i >= 0; --i) {
    const size_t k = static_cast<size_t>(i);
    if (reduced[k]) {
      count *= shape[i];
    } else {
      stride[k] = kept;
      kept *= shape[i];
    }
  }
  int64_t to = 0;
  for (uint8_t x : context.input(0).data<uint8_t>()) {
    sum[static_cast<size_t>(to)] += x - q.x_zero;
    for (int d = rank - 1; d >= 0; --d) {
      const size_t k = static_cast<size_t>(d);
      to += stride[k];
      if (++index[k] < shape[d]) break;
      to -= stride[k] * shape[d];
      index[k] = 0;
    }
  }
  const float multiplier = q.MeanMultiplier(std::max<int64_t>(count, 1));
  for (size_t i = 0; i < sum.size(); ++i) {
    y.mutable_data<uint8_t>()[i] = Requantize(static_cast<float>(sum[i]) * multiplier, q.zero, q.lo, q.hi);
  }
  return Ok();
}

// ------------------------------------------------------------------------------------------------ Table

Status InferTable(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckVector(context, 1, "table", 256));
  context.SetOutput(0, context.dtype(1), ShapeOf(context, 0));
  return Ok();
}

Status EvaluateTable(EvalContext& context) {
  const uint8_t* x = static_cast<const uint8_t*>(context.input(0).raw());
  const uint8_t* table = static_cast<const uint8_t*>(context.input(1).raw());
  uint8_t* y = static_cast<uint8_t*>(context.output(0).mutable_raw());
  for (int64_t i = 0; i < context.input(0).elements(); ++i) y[i] = table[x[i]];
  return Ok();
}

// ------------------------------------------------------------------------------------------------ rows

Operator Row(const char* name, int min_inputs, int max_inputs, Status (*infer)(InferContext&),
             Status (*evaluate)(EvalContext&), Lowering lowering) {
  Operator row;
  row.name = name;
  row.domain = kInternalDomain;
  row.min_inputs = min_inputs;
  row.max_inputs = max_inputs;
  row.infer = infer;
  row.evaluate = evaluate;
  row.quant = QuantRule::kQuantized;
  row.lowering = lowering;
  row.coverage = "Internal: what plans of quantized models are made of.";
  return row;
}

}  // namespace

std::span<const Operator> IntegerOperators() {
  static const Operator rows[] = {
      Row("QConv", 6, kProductInputs, InferProduct<kConv>, EvaluateProduct<kConv>, Lowering::kConv),
      Row("QConvTranspose", 6, kProductInputs, InferProduct<kConvTranspose>, EvaluateProduct<kConvTranspose>,
          Lowering::kConv),
      ConvTransposeInteger(),
      Row("QMatMul", 6, kProductInputs, InferProduct<kMatMul>, EvaluateProduct<kMatMul>, Lowering::kMatMul),
      Row("QAdd", 2, 2, InferBinary, EvaluateQAdd, Lowering::kBinary),
      Row("QMul", 2, 2, InferBinary, EvaluateQMul, Lowering::kBinary),
      Row("QAffine", 3, 4, InferAffine, EvaluateAffine, Lowering::kUnary),
      Row("QAveragePool", 1, 1, InferAveragePool, EvaluateAveragePool, Lowering::kPool),
      Row("QReduceMean", 1, 1, InferReduceMean, EvaluateReduceMean, Lowering::kReduce),
      Row("Table", 2, 2, InferTable, EvaluateTable, Lowering::kUnary),
  };
  return rows;
}

}  // namespace octavo
