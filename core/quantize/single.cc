#include "core/quantize/single.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/graph/operator.h"
#include "core/kernels/kernels.h"
#include "core/ops/table.h"
#include "core/quantize/range.h"

namespace octavo {
namespace {

// Runs one row of the operator table. Its messages are good, its codes speak of models: here the operands are the
// caller's.
Status Evaluate(const char* op, std::vector<Attribute> attributes, std::vector<Tensor> inputs, const MemoryPtr& memory,
                Tensor* result) {
  Node node;
  node.op_type = op;
  node.op = FindOperator("", op);
  node.attributes = std::move(attributes);
  for (size_t i = 0; i < inputs.size(); ++i) {
    node.inputs.push_back(inputs[i].defined() ? static_cast<ValueId>(i) : kNoValue);
  }
  node.outputs = {static_cast<ValueId>(inputs.size())};
  std::vector<Tensor> outputs;
  const Status status = EvaluateNode(node, kNewestOpset, inputs, memory, &outputs);
  if (status.code() == Code::kInvalidModel || status.code() == Code::kUnsupported) {
    return Status(Code::kInvalidArgument, status.message());
  }
  OCTAVO_RETURN_IF_ERROR(status);
  *result = std::move(outputs[0]);
  return Ok();
}

Status CheckResult(const Tensor& result, DType dtype, const Shape& shape) {
  if (result.dtype() != dtype || !(result.shape() == shape)) {
    return Error(Code::kInvalidArgument, "the result is %s %s, the tensor given for it is %s %s", Name(dtype),
                 shape.ToString().c_str(), Name(result.dtype()), result.shape().ToString().c_str());
  }
  return Ok();
}

Status Deliver(const Tensor& result, Tensor* y) {
  OCTAVO_RETURN_IF_ERROR(CheckResult(*y, result.dtype(), result.shape()));
  if (result.bytes() != 0) std::memcpy(y->mutable_raw(), result.raw(), result.bytes());
  return Ok();
}

Status CheckDType(const Tensor& tensor, const char* name, std::initializer_list<DType> allowed) {
  if (std::find(allowed.begin(), allowed.end(), tensor.dtype()) != allowed.end()) return Ok();
  std::string list;
  for (DType dtype : allowed) list += (list.empty() ? "" : ", ") + std::string(Name(dtype));
  return Error(Code::kInvalidArgument, "%s is %s; allowed: %s", name, Name(tensor.dtype()), list.c_str());
}

// Scales are positive and finite everywhere in this library.
Status CheckScale(const Tensor& scale, const char* name) {
  OCTAVO_RETURN_IF_ERROR(CheckDType(scale, name, {DType::kFloat}));
  for (float value : scale.data<float>()) {
    if (!(value > 0) || !std::isfinite(value)) {
      return Error(Code::kInvalidArgument, "%s holds %g; scales are positive and finite", name, double{value});
    }
  }
  return Ok();
}

// The rows want scales of rank 0 or 1; a [1] is as good as a scalar.
Tensor Scalar(const Tensor& tensor) { return tensor.elements() == 1 ? tensor.Reshaped(Shape()) : tensor; }

Result<Tensor> ZerosLike(const Tensor& scale, DType dtype, const MemoryPtr& memory) {
  OCTAVO_ASSIGN_OR_RETURN(Tensor zeros, Tensor::Create(memory, dtype, scale.shape()));
  if (zeros.bytes() != 0) std::memset(zeros.mutable_raw(), 0, zeros.bytes());
  return zeros;
}

int32_t ZeroOf(const Tensor* zero_point) {
  if (!zero_point) return 0;
  return zero_point->dtype() == DType::kUInt8 ? zero_point->data<uint8_t>()[0] : zero_point->data<int8_t>()[0];
}

bool IsByte(DType dtype) { return dtype == DType::kUInt8 || dtype == DType::kInt8; }

}  // namespace

Status ChooseScale(const Tensor& x, int64_t axis, bool symmetric, Tensor* scale, Tensor* zero_point) {
  OCTAVO_RETURN_IF_ERROR(CheckDType(x, "x", {DType::kFloat}));
  OCTAVO_RETURN_IF_ERROR(CheckDType(*scale, "scale", {DType::kFloat}));
  OCTAVO_RETURN_IF_ERROR(CheckDType(*zero_point, "zero_point", {DType::kUInt8, DType::kInt8}));
  if (scale->elements() != zero_point->elements()) {
    return Error(Code::kInvalidArgument, "scale has %lld elements, zero_point %lld",
                 static_cast<long long>(scale->elements()), static_cast<long long>(zero_point->elements()));
  }
  int64_t length = 1, inner = x.elements();
  if (scale->elements() != 1) {
    OCTAVO_ASSIGN_OR_RETURN(const int d, NormalizeAxis(axis, x.shape().rank()));
    length = x.shape()[d];
    inner = x.shape().Elements(d + 1, x.shape().rank());
    if (scale->elements() != length) {
      return Error(Code::kInvalidArgument, "scale has %lld elements, dimension %d of x %lld",
                   static_cast<long long>(scale->elements()), d, static_cast<long long>(length));
    }
  }
  std::vector<Range> ranges(static_cast<size_t>(length));
  const auto values = x.data<float>();
  for (int64_t i = 0; i < x.elements(); ++i) {
    const float value = values[static_cast<size_t>(i)];
    if (!std::isfinite(value)) continue;
    Range& range = ranges[static_cast<size_t>(i / inner % length)];
    range.low = std::min<double>(range.low, value);
    range.high = std::max<double>(range.high, value);
  }
  const bool is_signed = zero_point->dtype() == DType::kInt8;
  for (size_t c = 0; c < ranges.size(); ++c) {
    QuantParams params;
    if (symmetric) {
      const double largest = std::max(-ranges[c].low, ranges[c].high);
      if (largest > 0) params.scale = std::max(static_cast<float>(largest / 127), 0x1p-100f);
      params.zero_point = 128;
    } else {
      params = ParamsU8(ranges[c]);
    }
    scale->mutable_data<float>()[c] = params.scale;
    if (is_signed) {
      zero_point->mutable_data<int8_t>()[c] = static_cast<int8_t>(params.zero_point - 128);
    } else {
      zero_point->mutable_data<uint8_t>()[c] = static_cast<uint8_t>(params.zero_point);
    }
  }
  return Ok();
}

Status QuantizeTensor(const Tensor& x, const Tensor& scale, const Tensor* zero_point, int64_t axis,
                      const MemoryPtr& memory, Tensor* y) {
  OCTAVO_RETURN_IF_ERROR(CheckDType(x, "x", {DType::kFloat}));
  OCTAVO_RETURN_IF_ERROR(CheckScale(scale, "scale"));
  OCTAVO_RETURN_IF_ERROR(
      CheckDType(*y, "y", {DType::kUInt8, DType::kInt8, DType::kUInt16, DType::kInt16, DType::kUInt4, DType::kInt4}));
  if (zero_point) OCTAVO_RETURN_IF_ERROR(CheckDType(*zero_point, "zero_point", {y->dtype()}));
  OCTAVO_RETURN_IF_ERROR(CheckResult(*y, y->dtype(), x.shape()));
  const bool single = scale.elements() == 1 && (!zero_point || zero_point->elements() == 1);
  if (single && IsByte(y->dtype())) {
    const KernelTable& kernels = *FindKernels("");
    const size_t n = static_cast<size_t>(x.elements());
    const float s = scale.data<float>()[0];
    if (y->dtype() == DType::kUInt8) {
      kernels.quantize_u8(x.data<float>().data(), y->mutable_data<uint8_t>().data(), n, s, ZeroOf(zero_point));
    } else {
      kernels.quantize_s8(x.data<float>().data(), y->mutable_data<int8_t>().data(), n, s, ZeroOf(zero_point));
    }
    return Ok();
  }
  const Tensor s = Scalar(scale);
  Tensor zero;
  if (zero_point) {
    zero = Scalar(*zero_point);
  } else {
    OCTAVO_ASSIGN_OR_RETURN(zero, ZerosLike(s, y->dtype(), memory));
  }
  Tensor result;
  OCTAVO_RETURN_IF_ERROR(Evaluate("QuantizeLinear", {{"axis", axis}}, {x, s, zero}, memory, &result));
  return Deliver(result, y);
}

Status DequantizeTensor(const Tensor& x, const Tensor& scale, const Tensor* zero_point, int64_t axis,
                        const MemoryPtr& memory, Tensor* y) {
  OCTAVO_RETURN_IF_ERROR(CheckScale(scale, "scale"));
  OCTAVO_RETURN_IF_ERROR(CheckDType(
      x, "x",
      {DType::kUInt8, DType::kInt8, DType::kUInt16, DType::kInt16, DType::kInt32, DType::kUInt4, DType::kInt4}));
  if (zero_point) OCTAVO_RETURN_IF_ERROR(CheckDType(*zero_point, "zero_point", {x.dtype()}));
  OCTAVO_RETURN_IF_ERROR(CheckResult(*y, DType::kFloat, x.shape()));
  const bool single = scale.elements() == 1 && (!zero_point || zero_point->elements() == 1);
  if (single && IsByte(x.dtype())) {
    const KernelTable& kernels = *FindKernels("");
    const size_t n = static_cast<size_t>(x.elements());
    const float s = scale.data<float>()[0];
    float* to = y->mutable_data<float>().data();
    if (x.dtype() == DType::kUInt8) {
      kernels.dequantize_u8(x.data<uint8_t>().data(), to, n, s, ZeroOf(zero_point));
    } else {
      kernels.dequantize_s8(x.data<int8_t>().data(), to, n, s, ZeroOf(zero_point));
    }
    return Ok();
  }
  Tensor result;
  OCTAVO_RETURN_IF_ERROR(Evaluate("DequantizeLinear", {{"axis", axis}},
                                  {x, Scalar(scale), zero_point ? Scalar(*zero_point) : Tensor()}, memory, &result));
  return Deliver(result, y);
}

Status FakeQuantizeTensor(const Tensor& x, const Tensor& scale, const Tensor* zero_point, DType dtype, int64_t axis,
                          const MemoryPtr& memory, Tensor* y) {
  if (!IsSupported(dtype)) return Error(Code::kInvalidArgument, "dtype %d is unknown", static_cast<int>(dtype));
  OCTAVO_RETURN_IF_ERROR(CheckResult(*y, DType::kFloat, x.shape()));
  OCTAVO_ASSIGN_OR_RETURN(Tensor between, Tensor::Create(memory, dtype, x.shape()));
  OCTAVO_RETURN_IF_ERROR(QuantizeTensor(x, scale, zero_point, axis, memory, &between));
  return DequantizeTensor(between, scale, zero_point, axis, memory, y);
}

Status MultiplyTensors(const MatMulOperand& a, const MatMulOperand& b, const Tensor* y_scale,
                       const Tensor* y_zero_point, const MemoryPtr& memory, Tensor* y) {
  OCTAVO_RETURN_IF_ERROR(CheckDType(*y, "y", {DType::kInt32, DType::kFloat, DType::kUInt8, DType::kInt8}));
  const auto zero_of = [](const MatMulOperand& operand) {
    return operand.zero_point ? Scalar(*operand.zero_point) : Tensor();
  };
  if (IsByte(y->dtype())) {
    if (!a.scale || !b.scale || !y_scale) {
      return Error(Code::kInvalidArgument, "results of %s need a_scale, b_scale and y_scale", Name(y->dtype()));
    }
    if (y_zero_point) OCTAVO_RETURN_IF_ERROR(CheckDType(*y_zero_point, "y_zero_point", {y->dtype()}));
    OCTAVO_RETURN_IF_ERROR(CheckScale(*a.scale, "a_scale"));
    OCTAVO_RETURN_IF_ERROR(CheckScale(*b.scale, "b_scale"));
    OCTAVO_RETURN_IF_ERROR(CheckScale(*y_scale, "y_scale"));
    // QLinearMatMul has no optional operands, and a vector of scales wants a vector of zero points.
    const auto fill = [&](const Tensor* zero, const Tensor& scale, DType dtype) -> Result<Tensor> {
      return zero ? Scalar(*zero) : ZerosLike(Scalar(scale), dtype, memory);
    };
    OCTAVO_ASSIGN_OR_RETURN(const Tensor a_zero, fill(a.zero_point, *a.scale, a.values->dtype()));
    OCTAVO_ASSIGN_OR_RETURN(const Tensor b_zero, fill(b.zero_point, *b.scale, b.values->dtype()));
    OCTAVO_ASSIGN_OR_RETURN(const Tensor y_zero, fill(y_zero_point, *y_scale, y->dtype()));
    Tensor result;
    OCTAVO_RETURN_IF_ERROR(
        Evaluate("QLinearMatMul", {},
                 {*a.values, Scalar(*a.scale), a_zero, *b.values, Scalar(*b.scale), b_zero, Scalar(*y_scale), y_zero},
                 memory, &result));
    return Deliver(result, y);
  }
  Tensor sums;
  OCTAVO_RETURN_IF_ERROR(Evaluate("MatMulInteger", {}, {*a.values, *b.values, zero_of(a), zero_of(b)}, memory, &sums));
  if (y->dtype() == DType::kInt32) return Deliver(sums, y);

  if (!a.scale || !b.scale) return Status(Code::kInvalidArgument, "results of float32 need a_scale and b_scale");
  OCTAVO_RETURN_IF_ERROR(CheckScale(*a.scale, "a_scale"));
  OCTAVO_RETURN_IF_ERROR(CheckScale(*b.scale, "b_scale"));
  OCTAVO_RETURN_IF_ERROR(CheckResult(*y, DType::kFloat, sums.shape()));
  const int64_t columns = b.values->shape().rank() < 2 ? 1 : sums.shape()[sums.shape().rank() - 1];
  const int64_t scales = b.scale->elements();
  if (a.scale->elements() != 1 || (scales != 1 && scales != columns)) {
    return Error(Code::kInvalidArgument, "a_scale has %lld elements, 1 is allowed; b_scale has %lld, 1 or %lld",
                 static_cast<long long>(a.scale->elements()), static_cast<long long>(scales),
                 static_cast<long long>(columns));
  }
  const float a_scale = a.scale->data<float>()[0];
  const auto b_scale = b.scale->data<float>();
  const auto from = sums.data<int32_t>();
  const auto to = y->mutable_data<float>();
  for (size_t i = 0; i < from.size(); ++i) {
    to[i] = static_cast<float>(from[i]) * (a_scale * b_scale[scales == 1 ? 0 : i % static_cast<size_t>(columns)]);
  }
  return Ok();
}

}  // namespace octavo
