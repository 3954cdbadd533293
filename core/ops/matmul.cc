// Gemm, MatMul, MatMulInteger, QLinearMatMul; Einsum's row.
//
// Each output element has one accumulator that takes in a * b for k = 0, 1, ...: floating by one fused multiply-add,
// integers exactly (QLinearMatMul) or modulo 2^32 or 2^64.
#include <algorithm>
#include <vector>

#include "core/base/checked.h"
#include "core/ops/check.h"
#include "core/ops/dot.h"
#include "core/ops/einsum.h"
#include "core/ops/families.h"
#include "core/ops/rounding.h"
#include "core/ops/wide.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;

constexpr std::initializer_list<DType> kMatrixTypes = {DType::kFloat,  DType::kFloat16, DType::kBFloat16,
                                                       DType::kDouble, DType::kInt32,   DType::kInt64,
                                                       DType::kUInt32, DType::kUInt64};

DType FirstKnown(const InferContext& context, size_t i, size_t j) {
  return context.dtype(i) != DType::kUndefined ? context.dtype(i) : context.dtype(j);
}

// One element of an integer tensor of 32 or 64 bits, modulo 2^64.
uint64_t WrappedAt(const Tensor& tensor, int64_t i) {
  const size_t k = static_cast<size_t>(i);
  switch (tensor.dtype()) {
    case DType::kInt32:
      return static_cast<uint64_t>(int64_t{tensor.data<int32_t>()[k]});
    case DType::kUInt32:
      return tensor.data<uint32_t>()[k];
    case DType::kInt64:
      return static_cast<uint64_t>(tensor.data<int64_t>()[k]);
    default:
      return tensor.data<uint64_t>()[k];
  }
}

void StoreWrapped(uint64_t value, int64_t i, Tensor* to) {
  if (BitsOf(to->dtype()) == 32) {
    static_cast<uint32_t*>(to->mutable_raw())[i] = static_cast<uint32_t>(value);
  } else {
    static_cast<uint64_t*>(to->mutable_raw())[i] = value;
  }
}

// An integer tensor of 32 or 64 bits as uint64.
Result<Tensor> Wrapped(const Tensor& tensor, const MemoryPtr& memory) {
  OCTAVO_ASSIGN_OR_RETURN(Tensor copy, Tensor::Create(memory, DType::kUInt64, tensor.shape()));
  for (int64_t i = 0; i < tensor.elements(); ++i) StoreWrapped(WrappedAt(tensor, i), i, &copy);
  return copy;
}

// The transpose of a matrix.
template <typename T>
Result<Tensor> Transposed(const Tensor& matrix, const MemoryPtr& memory) {
  const int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
  OCTAVO_ASSIGN_OR_RETURN(Tensor copy, Tensor::Create(memory, matrix.dtype(), Shape{columns, rows}));
  const T* from = matrix.data<T>().data();
  T* to = copy.mutable_data<T>().data();
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
  return copy;
}

// ------------------------------------------------------------------------------------------------ Gemm

Status InferGemm(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "A", kMatrixTypes));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "A", 1, "B"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "A", 2, "C"));
  OCTAVO_RETURN_IF_ERROR(CheckRank(context, 0, "A", 2));
  OCTAVO_RETURN_IF_ERROR(CheckRank(context, 1, "B", 2));
  const DType dtype = FirstKnown(context, 0, 1);
  if (IsInteger(dtype) && (context.Float("alpha", 1) != 1 || context.Float("beta", 1) != 1)) {
    return Error(Code::kUnsupported, "alpha %g and beta %g with %s matrices; only 1 and 1 are computed",
                 context.Float("alpha", 1), context.Float("beta", 1), Name(dtype));
  }
  const Shape unknown{kUnknown, kUnknown};
  const Shape& a = context.shape(0) ? *context.shape(0) : unknown;
  const Shape& b = context.shape(1) ? *context.shape(1) : unknown;
  const bool trans_a = context.Int("transA", 0) != 0, trans_b = context.Int("transB", 0) != 0;
  OCTAVO_RETURN_IF_ERROR(
      MergeDims(a[trans_a ? 0 : 1], b[trans_b ? 1 : 0], "K", trans_a ? "A'" : "A", trans_b ? "B'" : "B").status());
  const Shape y{a[trans_a ? 1 : 0], b[trans_b ? 0 : 1]};
  if (const Shape* c = context.shape(2)) {
    bool fits = c->rank() <= 2;
    for (int i = 0; fits && i < c->rank(); ++i) {
      const int64_t have = (*c)[i], want = y[2 - c->rank() + i];
      fits = have == 1 || have == kUnknown || want == kUnknown || have == want;
    }
    if (!fits) {
      return Error(Code::kInvalidModel, "C has shape %s, which cannot be broadcast to %s", c->ToString().c_str(),
                   y.ToString().c_str());
    }
  }
  context.SetOutput(0, dtype, y);
  return Ok();
}

// C at row m, column n, for a C broadcast to the result.
struct Addend {
  int64_t row_stride = 0, column_stride = 0;
  explicit Addend(const Shape& c) {
    const int rank = c.rank();
    if (rank >= 1 && c[rank - 1] != 1) column_stride = 1;
    if (rank == 2 && c[0] != 1) row_stride = c[1];
  }
  int64_t At(int64_t m, int64_t n) const { return m * row_stride + n * column_stride; }
};

// a [M, K], b [K, N]; begin(m, n) starts an accumulator, finish(m, n, acc) takes it.
template <typename T, typename Begin, typename Finish>
Status Product(const Tensor& a, const Tensor& b, const MemoryPtr& memory, Begin&& begin, Finish&& finish) {
  const int64_t rows = a.shape()[0], k = a.shape()[1], columns = b.shape()[1];
  OCTAVO_ASSIGN_OR_RETURN(Tensor sums, Tensor::Create(memory, DTypeOf<T>::value, Shape{columns}));
  T* acc = sums.mutable_data<T>().data();
  for (int64_t m = 0; m < rows; ++m) {
    for (int64_t n = 0; n < columns; ++n) acc[n] = begin(m, n);
    MultiplyAddRows(a.data<T>().data() + m * k, static_cast<size_t>(k), b.data<T>().data(),
                    static_cast<size_t>(columns), acc, static_cast<size_t>(columns));
    for (int64_t n = 0; n < columns; ++n) finish(m, n, acc[n]);
  }
  return Ok();
}

template <typename T>
Status GemmOf(const NodeReader& node, Tensor a, Tensor b, const Tensor* c, Tensor* y, const MemoryPtr& memory) {
  if (node.Int("transA", 0) != 0) {
    OCTAVO_ASSIGN_OR_RETURN(a, Transposed<T>(a, memory));
  }
  if (node.Int("transB", 0) != 0) {
    OCTAVO_ASSIGN_OR_RETURN(b, Transposed<T>(b, memory));
  }
  const float alpha = node.Float("alpha", 1), beta = node.Float("beta", 1);
  const T* cs = c && beta != 0 ? c->data<T>().data() : nullptr;  // beta = 0 leaves C unread, NaN or not
  const Addend addend(c ? c->shape() : Shape());
  T* ys = y->mutable_data<T>().data();
  const int64_t columns = y->shape()[1];
  // With alpha = beta = 1 the sums begin with C; otherwise the result is alpha * sum + beta * C, each operation
  // rounded.
  const bool plain = alpha == 1 && (!cs || beta == 1);
  return Product<T>(
      a, b, memory, [&](int64_t m, int64_t n) { return plain && cs ? cs[addend.At(m, n)] : T(0); },
      [&](int64_t m, int64_t n, T acc) {
        if (!plain) {
          acc = static_cast<T>(alpha) * acc;
          if (cs) acc = acc + static_cast<T>(beta) * cs[addend.At(m, n)];
        }
        ys[m * columns + n] = acc;
      });
}

Status EvaluateGemm(EvalContext& context) {
  const MemoryPtr& memory = context.memory();
  Tensor c;
  if (IsInteger(context.input(0).dtype())) {
    OCTAVO_ASSIGN_OR_RETURN(const Tensor a, Wrapped(context.input(0), memory));
    OCTAVO_ASSIGN_OR_RETURN(const Tensor b, Wrapped(context.input(1), memory));
    if (context.has_input(2)) {
      OCTAVO_ASSIGN_OR_RETURN(c, Wrapped(context.input(2), memory));
    }
    OCTAVO_ASSIGN_OR_RETURN(Tensor y, Tensor::Create(memory, DType::kUInt64, context.output(0).shape()));
    OCTAVO_RETURN_IF_ERROR(GemmOf<uint64_t>(context, a, b, c.defined() ? &c : nullptr, &y, memory));
    for (int64_t i = 0; i < y.elements(); ++i) StoreWrapped(WrappedAt(y, i), i, &context.output(0));
    return Ok();
  }
  const DType wide = WideType(context);
  OCTAVO_ASSIGN_OR_RETURN(const Tensor a, Widen(context.input(0), wide, memory));
  OCTAVO_ASSIGN_OR_RETURN(const Tensor b, Widen(context.input(1), wide, memory));
  if (context.has_input(2)) {
    OCTAVO_ASSIGN_OR_RETURN(c, Widen(context.input(2), wide, memory));
  }
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  OCTAVO_RETURN_IF_ERROR(VisitWide(
      wide, [&](auto zero) { return GemmOf<decltype(zero)>(context, a, b, c.defined() ? &c : nullptr, &y, memory); }));
  StoreWide(y, context, 0);
  return Ok();
}

// ------------------------------------------------------------------------------------------------ MatMul

// numpy.matmul: a stack of matrices times a stack of matrices, batch dimensions broadcast; vectors stand for a row (A)
// or a column (B) whose dimension the result does not have.
struct MatMulShape {
  Shape batch;             // broadcast batch dimensions
  Shape a_batch, b_batch;  // the operands' own, aligned right with `batch`
  int64_t m = 1, k = 1, n = 1;
  bool vector_a = false, vector_b = false;

  Shape Output() const {
    Shape y = batch;
    if (!vector_a) y.Append(m);
    if (!vector_b) y.Append(n);
    return y;
  }
};

Result<MatMulShape> ReadMatMulShape(const Shape& a, const Shape& b) {
  if (a.rank() == 0 || b.rank() == 0) {
    return Error(Code::kInvalidModel, "A has shape %s, B %s; scalars cannot be multiplied as matrices",
                 a.ToString().c_str(), b.ToString().c_str());
  }
  MatMulShape shape;
  shape.vector_a = a.rank() == 1;
  shape.vector_b = b.rank() == 1;
  if (!shape.vector_a) shape.m = a[a.rank() - 2];
  if (!shape.vector_b) shape.n = b[b.rank() - 1];
  OCTAVO_ASSIGN_OR_RETURN(shape.k, MergeDims(a[a.rank() - 1], b[shape.vector_b ? 0 : b.rank() - 2], "K", "A", "B"));
  shape.a_batch = Shape(a.dims().first(static_cast<size_t>(std::max(a.rank() - 2, 0))));
  shape.b_batch = Shape(b.dims().first(static_cast<size_t>(std::max(b.rank() - 2, 0))));
  const int rank = std::max(shape.a_batch.rank(), shape.b_batch.rank());
  shape.batch = Shape::OfRank(rank, 1);
  for (int i = 0; i < rank; ++i) {
    const int ia = i - rank + shape.a_batch.rank(), ib = i - rank + shape.b_batch.rank();
    const int64_t da = ia >= 0 ? shape.a_batch[ia] : 1, db = ib >= 0 ? shape.b_batch[ib] : 1;
    if (da != 1 && db != 1 && da != db && da != kUnknown && db != kUnknown) {
      return Error(Code::kInvalidModel, "the batch dimensions of A %s and B %s cannot be broadcast",
                   a.ToString().c_str(), b.ToString().c_str());
    }
    // Unknown against more than 1 can only be 1 or that.
    shape.batch[i] = da == 1 ? db : db == 1 ? da : da == kUnknown ? db : da;
  }
  return shape;
}

Status InferMatMulLike(InferContext& context, size_t a, size_t b, DType dtype) {
  if (!context.shape(a) || !context.shape(b)) {
    context.SetOutput(0, dtype, std::nullopt);
    return Ok();
  }
  OCTAVO_ASSIGN_OR_RETURN(const MatMulShape shape, ReadMatMulShape(*context.shape(a), *context.shape(b)));
  context.SetOutput(0, dtype, shape.Output());
  return Ok();
}

Status InferMatMul(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "A", kMatrixTypes));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "A", 1, "B"));
  return InferMatMulLike(context, 0, 1, FirstKnown(context, 0, 1));
}

// Which matrix of an operand's own batch the broadcast batch element `index` uses.
int64_t OwnBatch(const Shape& batch, const Shape& own, int64_t index) {
  int64_t result = 0, stride = 1;
  for (int i = batch.rank() - 1; i >= 0; --i) {
    const int64_t at = index % batch[i];
    index /= batch[i];
    const int j = i - batch.rank() + own.rank();
    if (j < 0) continue;
    if (own[j] != 1) result += at * stride;
    stride *= own[j];
  }
  return result;
}

// a and b as T; store(index in Y, index of A's row among all of A's, of B's matrix, n, acc).
template <typename T, typename Acc, typename Store>
Status Multiply(const MatMulShape& shape, const T* a, const T* b, const MemoryPtr& memory, Store&& store) {
  OCTAVO_ASSIGN_OR_RETURN(Tensor sums, Tensor::Create(memory, DTypeOf<Acc>::value, Shape{shape.n}));
  Acc* acc = sums.mutable_data<Acc>().data();
  const size_t k = static_cast<size_t>(shape.k), n = static_cast<size_t>(shape.n);
  const int64_t batches = shape.Output().Elements() == 0 ? 0 : shape.batch.Elements();
  int64_t y = 0;
  for (int64_t i = 0; i < batches; ++i) {
    const int64_t ia = OwnBatch(shape.batch, shape.a_batch, i), ib = OwnBatch(shape.batch, shape.b_batch, i);
    for (int64_t m = 0; m < shape.m; ++m) {
      const int64_t row = ia * shape.m + m;
      std::fill(acc, acc + n, Acc(0));
      MultiplyAddRows(a + row * shape.k, k, b + ib * shape.k * shape.n, n, acc, n);
      for (int64_t j = 0; j < shape.n; ++j) store(y++, row, ib, j, acc[j]);
    }
  }
  return Ok();
}

Status EvaluateMatMul(EvalContext& context) {
  const MemoryPtr& memory = context.memory();
  OCTAVO_ASSIGN_OR_RETURN(const MatMulShape shape, ReadMatMulShape(context.input(0).shape(), context.input(1).shape()));
  if (IsInteger(context.input(0).dtype())) {
    OCTAVO_ASSIGN_OR_RETURN(const Tensor a, Wrapped(context.input(0), memory));
    OCTAVO_ASSIGN_OR_RETURN(const Tensor b, Wrapped(context.input(1), memory));
    return Multiply<uint64_t, uint64_t>(
        shape, a.data<uint64_t>().data(), b.data<uint64_t>().data(), memory,
        [&](int64_t at, int64_t, int64_t, int64_t, uint64_t acc) { StoreWrapped(acc, at, &context.output(0)); });
  }
  const DType wide = WideType(context);
  OCTAVO_ASSIGN_OR_RETURN(const Tensor a, Widen(context.input(0), wide, memory));
  OCTAVO_ASSIGN_OR_RETURN(const Tensor b, Widen(context.input(1), wide, memory));
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  OCTAVO_RETURN_IF_ERROR(VisitWide(wide, [&](auto zero) {
    using T = decltype(zero);
    T* ys = y.mutable_data<T>().data();
    return Multiply<T, T>(shape, a.data<T>().data(), b.data<T>().data(), memory,
                          [&](int64_t at, int64_t, int64_t, int64_t, T acc) { ys[at] = acc; });
  }));
  StoreWide(y, context, 0);
  return Ok();
}

// ------------------------------------------------------------------------------------------------ integer products

// A scale or zero point of A ("per row") or B ("per column"): one element; a vector, for matrices; or the operand's own
// shape with the summed dimension (axis from the end: 1 in A, 2 in B) made 1.
Status CheckParameter(const InferContext& context, size_t i, const char* name, size_t operand, int summed) {
  const Shape* found = context.shape(i);
  const Shape* of = context.shape(operand);
  if (!found || !of || CheckScalar(context, i, name).ok()) return Ok();
  const int kept = of->rank() - (3 - summed);  // the axis of rows or columns
  bool fits = false;
  if (of->rank() >= 2 && found->rank() == 1) {
    fits = (*found)[0] == kUnknown || (*of)[kept] == kUnknown || (*found)[0] == (*of)[kept];
  } else if (of->rank() >= 2 && found->rank() == of->rank()) {
    fits = true;
    for (int d = 0; d < of->rank(); ++d) {
      const int64_t want = d == of->rank() - summed ? 1 : (*of)[d];
      fits = fits && ((*found)[d] == want || (*found)[d] == kUnknown || want == kUnknown);
    }
  }
  if (fits) return Ok();
  return Error(Code::kInvalidModel,
               "%s has shape %s; for an operand of shape %s it must be a single element, or one per %s", name,
               found->ToString().c_str(), of->ToString().c_str(), summed == 1 ? "row" : "column");
}

// The parameter's element for matrix `batch` and its row or column `at`, of `count`.
int64_t ParameterAt(const Tensor& parameter, int64_t batch, int64_t at, int64_t count) {
  if (parameter.elements() == 1) return 0;
  return parameter.shape().rank() == 1 ? at : batch * count + at;
}

Status InferMatMulInteger(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "A", {DType::kUInt8, DType::kInt8}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "B", {DType::kUInt8, DType::kInt8}));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "A", 2, "a_zero_point"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 1, "B", 3, "b_zero_point"));
  OCTAVO_RETURN_IF_ERROR(CheckParameter(context, 2, "a_zero_point", 0, 1));
  OCTAVO_RETURN_IF_ERROR(CheckParameter(context, 3, "b_zero_point", 1, 2));
  return InferMatMulLike(context, 0, 1, DType::kInt32);
}

Status InferQLinearMatMul(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 8));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "a", {DType::kUInt8, DType::kInt8}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 3, "b", {DType::kUInt8, DType::kInt8}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 7, "y_zero_point", {DType::kUInt8, DType::kInt8}));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "a", 2, "a_zero_point"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 3, "b", 5, "b_zero_point"));
  OCTAVO_RETURN_IF_ERROR(CheckParameter(context, 1, "a_scale", 0, 1));
  OCTAVO_RETURN_IF_ERROR(CheckParameter(context, 2, "a_zero_point", 0, 1));
  OCTAVO_RETURN_IF_ERROR(CheckParameter(context, 4, "b_scale", 3, 2));
  OCTAVO_RETURN_IF_ERROR(CheckParameter(context, 5, "b_zero_point", 3, 2));
  OCTAVO_RETURN_IF_ERROR(CheckScalar(context, 6, "y_scale"));
  OCTAVO_RETURN_IF_ERROR(CheckScalar(context, 7, "y_zero_point"));
  constexpr struct {
    size_t i;
    const char* name;
  } kScales[] = {{1, "a_scale"}, {4, "b_scale"}, {6, "y_scale"}};
  for (const auto& scale : kScales) {
    OCTAVO_RETURN_IF_ERROR(CheckType(context, scale.i, scale.name, {DType::kFloat, DType::kFloat16, DType::kBFloat16}));
    OCTAVO_RETURN_IF_ERROR(CheckScaleValues(context, scale.i, scale.name));
  }
  return InferMatMulLike(context, 0, 3, context.dtype(7));
}

// An 8-bit operand as int32, less its zero point. `summed` as in CheckParameter.
Result<Tensor> Centred(const Tensor& x, const Tensor* zero, int summed, const MemoryPtr& memory) {
  OCTAVO_ASSIGN_OR_RETURN(Tensor centred, Tensor::Create(memory, DType::kInt32, x.shape()));
  int32_t* to = centred.mutable_data<int32_t>().data();
  const int rank = x.shape().rank();
  const int64_t columns = x.shape()[rank - 1], rows = rank > 1 ? x.shape()[rank - 2] : 1;
  for (int64_t i = 0; i < x.elements(); ++i) {
    const int64_t column = i % columns, row = i / columns % rows, batch = i / columns / rows;
    const int64_t at = !zero         ? 0
                       : summed == 1 ? ParameterAt(*zero, batch, row, rows)
                                     : ParameterAt(*zero, batch, column, columns);
    to[i] = static_cast<int32_t>(IntegerAt(x, i) - (zero ? IntegerAt(*zero, at) : 0));
  }
  return centred;
}

// The sums modulo 2^32.
Status EvaluateMatMulInteger(EvalContext& context) {
  const MemoryPtr& memory = context.memory();
  OCTAVO_ASSIGN_OR_RETURN(const MatMulShape shape, ReadMatMulShape(context.input(0).shape(), context.input(1).shape()));
  OCTAVO_ASSIGN_OR_RETURN(const Tensor a,
                          Centred(context.input(0), context.has_input(2) ? &context.input(2) : nullptr, 1, memory));
  OCTAVO_ASSIGN_OR_RETURN(const Tensor b,
                          Centred(context.input(1), context.has_input(3) ? &context.input(3) : nullptr, 2, memory));
  int32_t* y = context.output(0).mutable_data<int32_t>().data();
  return Multiply<int32_t, int64_t>(
      shape, a.data<int32_t>().data(), b.data<int32_t>().data(), memory,
      [y](int64_t at, int64_t, int64_t, int64_t, int64_t acc) { y[at] = static_cast<int32_t>(acc); });
}

// saturate(rne(float(acc) * ((a_scale * b_scale) / y_scale)) + y_zero_point), each operation rounded to float32.
Status EvaluateQLinearMatMul(EvalContext& context) {
  const MemoryPtr& memory = context.memory();
  OCTAVO_ASSIGN_OR_RETURN(const MatMulShape shape, ReadMatMulShape(context.input(0).shape(), context.input(3).shape()));
  OCTAVO_ASSIGN_OR_RETURN(const Tensor a, Centred(context.input(0), &context.input(2), 1, memory));
  OCTAVO_ASSIGN_OR_RETURN(const Tensor b, Centred(context.input(3), &context.input(5), 2, memory));
  const Tensor &a_scale = context.input(1), &b_scale = context.input(4);
  const float y_scale = static_cast<float>(FloatAt(context.input(6), 0));
  const int32_t y_zero = static_cast<int32_t>(IntegerAt(context.input(7), 0));
  const IntegerRange range = RangeOf(context.output(0).dtype());
  uint8_t* y = static_cast<uint8_t*>(context.output(0).mutable_raw());  // int8 has the same bits
  return Multiply<int32_t, int64_t>(
      shape, a.data<int32_t>().data(), b.data<int32_t>().data(), memory,
      [&](int64_t at, int64_t row, int64_t b_batch, int64_t n, int64_t acc) {
        const int64_t ia = ParameterAt(a_scale, row / shape.m, row % shape.m, shape.m);
        const int64_t ib = ParameterAt(b_scale, b_batch, n, shape.n);
        const float scale = static_cast<float>(FloatAt(a_scale, ia)) * static_cast<float>(FloatAt(b_scale, ib));
        const float multiplier = scale / y_scale;
        y[at] = static_cast<uint8_t>(QuantizeValue(static_cast<float>(acc) * multiplier, y_zero, range));
      });
}

// ------------------------------------------------------------------------------------------------ rows

constexpr AttributeSpec kGemmAttributes[] = {
    {"alpha", AttributeType::kFloat},
    {"beta", AttributeType::kFloat},
    {"transA", AttributeType::kInt},
    {"transB", AttributeType::kInt},
};

constexpr AttributeSpec kEinsumAttributes[] = {{"equation", AttributeType::kString, true}};

const Operator kRows[] = {
    {.name = "Gemm",
     .min_inputs = 2,
     .max_inputs = 3,
     .attributes = kGemmAttributes,
     .infer = InferGemm,
     .evaluate = EvaluateGemm,
     .quant = QuantRule::kWeighted,
     .lowering = Lowering::kGemm,
     .coverage = "Integer matrices only with alpha and beta 1."},
    {.name = "MatMul",
     .min_inputs = 2,
     .max_inputs = 2,
     .attributes = {},
     .infer = InferMatMul,
     .evaluate = EvaluateMatMul,
     .quant = QuantRule::kWeighted,
     .lowering = Lowering::kMatMul},
    {.name = "MatMulInteger",
     .since = 10,
     .min_inputs = 2,
     .max_inputs = 4,
     .attributes = {},
     .infer = InferMatMulInteger,
     .evaluate = EvaluateMatMulInteger,
     .quant = QuantRule::kQuantized,
     .lowering = Lowering::kMatMul},
    {.name = "QLinearMatMul",
     .since = 10,
     .min_inputs = 8,
     .max_inputs = 8,
     .attributes = {},
     .infer = InferQLinearMatMul,
     .evaluate = EvaluateQLinearMatMul,
     .quant = QuantRule::kQuantized,
     .lowering = Lowering::kMatMul,
     .coverage = "8-bit integers only, not 8-bit floats."},
    {.name = "Einsum",
     .since = 12,
     .min_inputs = 1,
     .max_inputs = kVariadic,
     .attributes = kEinsumAttributes,
     .infer = InferEinsum,
     .evaluate = EvaluateEinsum,
     .quant = QuantRule::kNone,
     .why_float = "Einsum is computed in float; export it as MatMul to have it quantized."},
};

}  // namespace

std::span<const Operator> MatMulOperators() { return kRows; }

}  // namespace octavo
