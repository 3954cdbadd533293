// The inner loop of every product of matrices, in the one order that defines its results.
#ifndef OCTAVO_CORE_OPS_DOT_H_
#define OCTAVO_CORE_OPS_DOT_H_

#include <cstddef>
#include <cstdint>

namespace octavo {

// For each column j < n: for i = 0, 1, ..., k - 1 in this order: acc[j] = fma(x[i], w[i * stride + j], acc[j]).
// The fused multiply-add is exact on every machine, with or without an instruction for it.
void MultiplyAddRows(const float* x, size_t k, const float* w, size_t stride, float* acc, size_t n);
void MultiplyAddRows(const double* x, size_t k, const double* w, size_t stride, double* acc, size_t n);
// acc[j] += x[i] * w[i * stride + j], exactly (int64), or modulo 2^64.
void MultiplyAddRows(const int32_t* x, size_t k, const int32_t* w, size_t stride, int64_t* acc, size_t n);
void MultiplyAddRows(const uint64_t* x, size_t k, const uint64_t* w, size_t stride, uint64_t* acc, size_t n);

// For each j < n: acc[j] = fma(x[j], w[j], acc[j]), or exactly: a depthwise convolution's tap.
void MultiplyAddElements(const float* x, const float* w, float* acc, size_t n);
void MultiplyAddElements(const double* x, const double* w, double* acc, size_t n);
void MultiplyAddElements(const int32_t* x, const int32_t* w, int64_t* acc, size_t n);

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_DOT_H_
