// Statistics: what calibration learned of each value. Mergeable, savable, of fixed size a tensor.
#ifndef OCTAVO_CORE_OBSERVE_STATISTICS_H_
#define OCTAVO_CORE_OBSERVE_STATISTICS_H_

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.h"

namespace octavo {

enum class ObserverKind : uint8_t { kMinMax, kMovingAverage, kHistogram, kPercentile, kEntropy, kMse };
const char* Name(ObserverKind kind);  // "min_max", "moving_average", "histogram", "percentile", "entropy", "mse"
Result<ObserverKind> ObserverFromName(const std::string& name);

// One record serves every observer kind: it holds counts on a fixed, data-independent binning, so that merging is
// addition and order does not matter (moving_average alone depends on order). Which kind turns it into a range is
// decided when scales are chosen, so one calibration serves all.
//
// Binning: each sign has its own bins, the float's exponent and its top kMantissaBits mantissa bits choose one; exact
// zeros have their own count. Integers only: two halves merged equal the whole bit for bit.
struct ValueStatistics {
  static constexpr int kMantissaBits = 5;
  // Exponents 2^-40 .. 2^39 resolved; below and above go to the first and last bin of their sign.
  static constexpr int kMinExponent = -40, kMaxExponent = 40;
  static constexpr size_t kBinsPerSign = size_t{kMaxExponent - kMinExponent} << kMantissaBits;

  float min = 0, max = 0;                   // exact, of finite values; meaningless while count == 0
  double average_min = 0, average_max = 0;  // moving averages (0.99 old + 0.01 new) over batches
  uint64_t batches = 0;
  uint64_t count = 0;  // finite values seen
  uint64_t zeros = 0, nan = 0, inf = 0;
  std::vector<uint64_t> positive, negative;  // kBinsPerSign each, or empty while none of that sign

  void Collect(std::span<const float> values);
  void Merge(const ValueStatistics& other);
};

// Keyed by value name of the simplified graph. std::map: saved in name order.
struct Statistics {
  std::string model_digest;  // XXH3-128 of the calibrated graph's structure and weights, hex
  uint64_t samples = 0;
  std::map<std::string, ValueStatistics> values;

  Status Merge(const Statistics& other);  // refuses another model's
  std::vector<std::byte> Save() const;    // versioned, checksummed, little-endian, canonical
  static Result<Statistics> Load(std::span<const std::byte> bytes);
  std::string Digest() const;  // XXH3-128 of Save(), hex
};

}  // namespace octavo

#endif  // OCTAVO_CORE_OBSERVE_STATISTICS_H_
