#include "core/ops/dot.h"

#include <cmath>

// The same loops are compiled twice: once with the machine's fused multiply-add, once with the C library's, which gives
// the same bits slowly.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__FMA__)
#define OCTAVO_HAS_FMA_CLONE 1
#endif

namespace octavo {
namespace {

inline float MultiplyAdd(float a, float b, float c) { return std::fma(a, b, c); }
inline double MultiplyAdd(double a, double b, double c) { return std::fma(a, b, c); }
inline int64_t MultiplyAdd(int32_t a, int32_t b, int64_t c) { return c + int64_t{a} * b; }
inline uint64_t MultiplyAdd(uint64_t a, uint64_t b, uint64_t c) { return c + a * b; }

// kColumns columns, whose sums stay in registers.
template <size_t kColumns, typename T, typename Acc>
[[gnu::always_inline]] inline void Columns(const T* x, size_t k, const T* w, size_t stride, Acc* acc) {
  Acc sums[kColumns];
  for (size_t j = 0; j < kColumns; ++j) sums[j] = acc[j];
  for (size_t i = 0; i < k; ++i) {
    const T* row = w + i * stride;
    for (size_t j = 0; j < kColumns; ++j) sums[j] = MultiplyAdd(x[i], row[j], sums[j]);
  }
  for (size_t j = 0; j < kColumns; ++j) acc[j] = sums[j];
}

template <typename T, typename Acc>
[[gnu::always_inline]] inline void Rows(const T* x, size_t k, const T* w, size_t stride, Acc* acc, size_t n) {
  size_t j = 0;
  for (; j + 32 <= n; j += 32) Columns<32>(x, k, w + j, stride, acc + j);
  for (; j + 8 <= n; j += 8) Columns<8>(x, k, w + j, stride, acc + j);
  for (; j < n; ++j) Columns<1>(x, k, w + j, stride, acc + j);
}

template <typename T, typename Acc>
[[gnu::always_inline]] inline void Elements(const T* x, const T* w, Acc* acc, size_t n) {
  for (size_t j = 0; j < n; ++j) acc[j] = MultiplyAdd(x[j], w[j], acc[j]);
}

#ifdef OCTAVO_HAS_FMA_CLONE
template <typename T>
[[gnu::target("avx2,fma")]] void RowsFma(const T* x, size_t k, const T* w, size_t stride, T* acc, size_t n) {
  Rows(x, k, w, stride, acc, n);
}
template <typename T>
[[gnu::target("avx2,fma")]] void ElementsFma(const T* x, const T* w, T* acc, size_t n) {
  Elements(x, w, acc, n);
}
bool HasFma() {
  static const bool has = __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2");
  return has;
}
#endif

template <typename T>
void FloatRows(const T* x, size_t k, const T* w, size_t stride, T* acc, size_t n) {
#ifdef OCTAVO_HAS_FMA_CLONE
  if (HasFma()) return RowsFma(x, k, w, stride, acc, n);
#endif
  Rows(x, k, w, stride, acc, n);
}

template <typename T>
void FloatElements(const T* x, const T* w, T* acc, size_t n) {
#ifdef OCTAVO_HAS_FMA_CLONE
  if (HasFma()) return ElementsFma(x, w, acc, n);
#endif
  Elements(x, w, acc, n);
}

}  // namespace

void MultiplyAddRows(const float* x, size_t k, const float* w, size_t stride, float* acc, size_t n) {
  FloatRows(x, k, w, stride, acc, n);
}
void MultiplyAddRows(const double* x, size_t k, const double* w, size_t stride, double* acc, size_t n) {
  FloatRows(x, k, w, stride, acc, n);
}
void MultiplyAddRows(const int32_t* x, size_t k, const int32_t* w, size_t stride, int64_t* acc, size_t n) {
  Rows(x, k, w, stride, acc, n);
}
void MultiplyAddRows(const uint64_t* x, size_t k, const uint64_t* w, size_t stride, uint64_t* acc, size_t n) {
  Rows(x, k, w, stride, acc, n);
}

void MultiplyAddElements(const float* x, const float* w, float* acc, size_t n) { FloatElements(x, w, acc, n); }
void MultiplyAddElements(const double* x, const double* w, double* acc, size_t n) { FloatElements(x, w, acc, n); }
void MultiplyAddElements(const int32_t* x, const int32_t* w, int64_t* acc, size_t n) { Elements(x, w, acc, n); }

}  // namespace octavo
