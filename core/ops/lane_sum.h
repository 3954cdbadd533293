// Sums of floating numbers in an order that vectors of any width can keep.
#ifndef OCTAVO_CORE_OPS_LANE_SUM_H_
#define OCTAVO_CORE_OPS_LANE_SUM_H_

#include <cstddef>
#include <cstdint>

namespace octavo {

// The sum of f(0) ... f(n - 1): term i is added to lane i mod 16, in ascending order; then the upper half of the lanes
// is added to the lower half until one is left.
template <typename T, typename F>
inline T LaneSum(int64_t n, F&& f) {
  constexpr int64_t kLanes = 16;
  T lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t k = 0; k < kLanes; ++k) lanes[k] += f(i + k);
  }
  for (; i < n; ++i) lanes[i % kLanes] += f(i);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t k = 0; k < half; ++k) lanes[k] += lanes[k + half];
  }
  return lanes[0];
}

template <typename T>
struct Moments {
  T mean = 0;
  T variance = 0;
};

// mean = sum(x) / n, variance = sum((x - mean)^2) / n, both sums LaneSums; zeros if n is 0.
template <typename T>
inline Moments<T> MomentsOf(const T* x, int64_t n) {
  if (n == 0) return {};
  const T count = static_cast<T>(n);
  const T mean = LaneSum<T>(n, [x](int64_t i) { return x[i]; }) / count;
  const T squares = LaneSum<T>(n, [x, mean](int64_t i) {
    const T deviation = x[i] - mean;
    return deviation * deviation;
  });
  return {mean, squares / count};
}

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_LANE_SUM_H_
