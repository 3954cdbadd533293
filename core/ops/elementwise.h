// How element-wise rows read and write tensors of any type: a chunk of elements at a time, widened to one of three C++
// types, so that an operator's arithmetic is written three times at most and not once per element type.
//
//   float types      -> double. One operation on doubles rounded to float is the operation on floats, correctly
//   rounded;
//                       a longer formula is thereby "computed in double, rounded once".
//   signed integers  -> int64_t, written back modulo 2^bits
//   unsigned, bool   -> uint64_t, the same
#ifndef OCTAVO_CORE_OPS_ELEMENTWISE_H_
#define OCTAVO_CORE_OPS_ELEMENTWISE_H_

#include <cstdint>

#include "core/graph/operator.h"
#include "core/ops/walk.h"

namespace octavo {

constexpr int64_t kChunk = 256;

// to[i] = element first + i * stride of the dense `base`. W is double, int64_t or uint64_t; only double may be asked of
// float types. 4-bit types need stride 1.
template <typename W>
void LoadElements(DType dtype, const void* base, int64_t first, int64_t stride, int64_t n, W* to);
// The inverse, dense. Integers keep their low bits; doubles become integers by truncation, saturated, NaN 0; anything
// but 0 is true; NaN are stored as the one positive quiet NaN, because machines differ in the sign of those they make.
// 4-bit types keep the low bits of the truncated value, as ONNX's reference does, and need an even `first`.
template <typename W>
void StoreElements(DType dtype, const W* from, int64_t n, void* base, int64_t first);

// Calls f(W{}) with the type that `dtype` widens to.
template <typename F>
auto VisitWidened(DType dtype, F&& f) {
  if (IsFloating(dtype)) return f(double{});
  if (IsSigned(dtype)) return f(int64_t{});
  return f(uint64_t{});
}

// output[i] = op(input[i]), both dense and of as many elements.
template <typename W, typename Op>
void MapElements(const Tensor& input, Tensor& output, const Op& op) {
  W values[kChunk];
  for (int64_t first = 0; first < output.elements(); first += kChunk) {
    const int64_t n = output.elements() - first < kChunk ? output.elements() - first : kChunk;
    LoadElements(input.dtype(), input.raw(), first, 1, n, values);
    for (int64_t i = 0; i < n; ++i) values[i] = op(values[i]);
    StoreElements(output.dtype(), values, n, output.mutable_raw(), first);
  }
}

// output = op(a, b), broadcast. The output may be one of the inputs if it has that one's shape.
template <typename W, typename Op>
void MapElements(const Tensor& a, const Tensor& b, Tensor& output, const Op& op) {
  const Walk walk = Walk::Broadcast(output.shape(), {&a.shape(), &b.shape()});
  const int64_t stride_a = walk.stride(1), stride_b = walk.stride(2);
  W x[kChunk], y[kChunk];
  walk.ForEachRun([&](const int64_t* offsets, int64_t run) {
    for (int64_t first = 0; first < run; first += kChunk) {
      const int64_t n = run - first < kChunk ? run - first : kChunk;
      LoadElements(a.dtype(), a.raw(), offsets[1] + first * stride_a, stride_a, n, x);
      LoadElements(b.dtype(), b.raw(), offsets[2] + first * stride_b, stride_b, n, y);
      for (int64_t i = 0; i < n; ++i) x[i] = op(x[i], y[i]);
      StoreElements(output.dtype(), x, n, output.mutable_raw(), offsets[0] + first);
    }
  });
}

// The shape both broadcast to, as NumPy does. Unknown dimensions stay unknown unless the other one settles them.
Result<Shape> BroadcastShapes(const Shape& a, const Shape& b);
// Output 0 gets `dtype` and the shape that all inputs broadcast to.
Status InferBroadcast(InferContext& context, DType dtype);

// Whole-byte types only: what moves elements one by one refuses int4 and uint4.
Status CheckWholeBytes(const InferContext& context, size_t i, const char* name);

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_ELEMENTWISE_H_
