// What the kernel tests share: buffers that notice writes beyond their end, random numbers, every table in turn.
#ifndef OCTAVO_TESTS_CORE_KERNELS_KERNEL_TESTING_H_
#define OCTAVO_TESTS_CORE_KERNELS_KERNEL_TESTING_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "core/kernels/kernels.h"

namespace octavo {

// n elements, aligned and with slack before and behind as kernels expect of tensors, all bytes 0xA5 at first. Comparing
// two buffers compares the surroundings, too: a kernel that writes too much differs from the reference.
template <typename T>
class Buffer {
 public:
  explicit Buffer(size_t n)
      : size_(n),
        bytes_((kMargin + n * sizeof(T) + kMargin + 63) / 64 * 64),
        memory_(static_cast<uint8_t*>(std::aligned_alloc(64, bytes_))) {
    std::memset(memory_, 0xA5, bytes_);
  }
  Buffer(const Buffer& other) : Buffer(other.size_) { std::memcpy(memory_, other.memory_, bytes_); }
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(memory_); }

  T* data() { return reinterpret_cast<T*>(memory_ + kMargin); }
  const T* data() const { return reinterpret_cast<const T*>(memory_ + kMargin); }
  T& operator[](size_t i) { return data()[i]; }
  const T& operator[](size_t i) const { return data()[i]; }
  size_t size() const { return size_; }

  // Where the first difference lies, in elements (negative: in front), or "" if there is none.
  std::string Difference(const Buffer& other) const {
    for (size_t i = 0; i < bytes_; ++i) {
      if (memory_[i] != other.memory_[i]) {
        const int64_t at = (static_cast<int64_t>(i) - kMargin) / static_cast<int64_t>(sizeof(T));
        std::string text = "differs at " + std::to_string(at) + " of " + std::to_string(size_);
        if (0 <= at && at < static_cast<int64_t>(size_)) {
          text += ": " + std::to_string((*this)[at]) + " instead of " + std::to_string(other[at]);
        }
        return text;
      }
    }
    return "";
  }

 private:
  static constexpr int64_t kMargin = 256;

  size_t size_;
  size_t bytes_;
  uint8_t* memory_;
};

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  // In [lo, hi].
  int64_t Int(int64_t lo, int64_t hi) { return std::uniform_int_distribution<int64_t>(lo, hi)(engine_); }
  float Float(float lo, float hi) { return std::uniform_real_distribution<float>(lo, hi)(engine_); }
  bool Coin() { return Int(0, 1) != 0; }

  // One time in four only extreme values.
  template <typename T>
  void Fill(T* to, size_t n, int64_t lo, int64_t hi) {
    const bool extreme = Int(0, 3) == 0;
    for (size_t i = 0; i < n; ++i) to[i] = static_cast<T>(extreme ? (Coin() ? lo : hi) : Int(lo, hi));
  }

  // Floats of very different magnitude, either sign.
  void FillFloat(float* to, size_t n, int exponent = 6) {
    for (size_t i = 0; i < n; ++i) to[i] = std::ldexp(Float(-1, 1), static_cast<int>(Int(-exponent, exponent)));
  }

 private:
  std::mt19937_64 engine_;
};

template <typename F>
void ForEachTable(F f) {
  for (const char* name : KernelTargets()) {
    SCOPED_TRACE(name);
    f(*FindKernels(name));
    if (::testing::Test::HasFailure()) return;
  }
}

// The two formulas of kernels.h, to be read against docs/numerics.md.
inline uint8_t ReferenceRound(float scaled, int32_t zero, int lo, int hi) {
  const double q = static_cast<double>(std::nearbyintf(scaled)) + zero;
  return static_cast<uint8_t>(std::clamp<double>(q, lo, hi));
}

inline uint8_t ReferenceRequantize(int32_t acc, float multiplier, int32_t zero, int lo, int hi) {
  const float scaled = static_cast<float>(acc) * multiplier;
  return ReferenceRound(scaled, zero, lo, hi);
}

inline uint8_t ReferenceAdd(uint8_t a, uint8_t b, const QAddArgs& q) {
  const float fa = static_cast<float>(a - q.a_zero) * q.a_multiplier;
  const float fb = static_cast<float>(b - q.b_zero) * q.b_multiplier;
  const float sum = fa + fb;
  return ReferenceRound(sum, q.zero, q.lo, q.hi);
}

inline float ReferenceClamp(float x, float lo, float hi) { return x < lo ? lo : hi < x ? hi : x; }

}  // namespace octavo

#endif  // OCTAVO_TESTS_CORE_KERNELS_KERNEL_TESTING_H_
