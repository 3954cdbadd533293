// Statistics: what calibration learned of each value. Mergeable, savable, of fixed size a tensor.
#ifndef OCTAVO_CORE_OBSERVE_STATISTICS_H_
#define OCTAVO_CORE_OBSERVE_STATISTICS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/graph/tensor.h"

namespace octavo {

enum class ObserverKind : uint8_t { kMinMax, kMovingAverage, kHistogram, kPercentile, kEntropy, kMse, kCustom };
// "min_max", "moving_average", "histogram", "percentile", "entropy", "mse", "custom".
const char* Name(ObserverKind kind);
Result<ObserverKind> ObserverFromName(const std::string& name);

// A sum of doubles in steps of 2^-40: addition is exact, so order does not matter. Magnitudes of 2^62 and more count as
// 2^62; sums wrap far beyond what models hold.
struct ExactSum {
  static constexpr int kFractionBits = 40;

  int64_t whole = 0;
  uint64_t fraction = 0;  // of 2^40

  void Add(double finite);
  void Merge(const ExactSum& other);
  double Value() const { return static_cast<double>(whole) + static_cast<double>(fraction) * 0x1p-40; }

  bool operator==(const ExactSum&) const = default;
};

// One record serves every observer: it counts values in bins that do not depend on the data, so merging is addition and
// order does not matter. Which observer turns the counts into a range is decided when scales are chosen.
//
// A float's exponent and its top kMantissaBits mantissa bits name its bin: a bin is at most 1/32 of its value wide.
// Each sign has its own bins, zeros their own count.
struct ValueStatistics {
  static constexpr int kMantissaBits = 5;
  // Magnitudes below 2^kMinExponent share the first bin, those from 2^kMaxExponent on the last.
  static constexpr int kMinExponent = -40, kMaxExponent = 40;
  static constexpr size_t kBinsPerSign = size_t{kMaxExponent - kMinExponent} << kMantissaBits;
  // Weight of the newest batch in the moving averages.
  static constexpr double kMovingAverageWeight = 0.01;

  float min = 0, max = 0;  // of the finite values; 0 while there are none
  uint64_t count = 0;      // finite values, zeros included
  uint64_t zeros = 0, nan = 0, inf = 0;
  std::vector<uint64_t> positive, negative;  // kBinsPerSign each, or empty while there is none of that sign
  // Moving averages of each batch's min and max; kept only when asked for, since they depend on the order of batches.
  uint64_t averaged_batches = 0;
  double average_min = 0, average_max = 0;

  // Sums of the finite values at each index of one axis, for the values that weights multiply; empty for others.
  int channel_axis = 0;
  std::vector<ExactSum> channel_sums;

  void Collect(std::span<const float> values);
  // `values` are a tensor of this shape, rank > axis. The first dimension, if another, counts samples: how they are
  // grouped into batches makes no difference.
  void CollectChannels(std::span<const float> values, const Shape& shape, int axis);
  void Merge(const ValueStatistics& other);
  // Takes one batch's extremes into the moving averages.
  void Average(float batch_min, float batch_max);

  // Means along channel_axis; empty where there are no sums.
  std::vector<double> ChannelMeans() const;

  // Lower edge of a bin's magnitudes; BinEdge(kBinsPerSign) closes the last.
  static double BinEdge(size_t bin);

  bool operator==(const ValueStatistics&) const = default;
};

struct Statistics {
  std::string model_digest;                       // GraphDigest of the calibrated graph (calibrator.h)
  uint64_t samples = 0;                           // sum of the first input's first dimension over batches
  std::map<std::string, ValueStatistics> values;  // by value name of the simplified graph

  // Refuses statistics of another model.
  Status Merge(const Statistics& other);
  // Little-endian, versioned, checksummed; equal statistics give equal bytes.
  std::vector<std::byte> Save() const;
  static Result<Statistics> Load(std::span<const std::byte> bytes);
  // XXH3-128 of Save(), hex.
  std::string Digest() const;

  bool operator==(const Statistics&) const = default;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_OBSERVE_STATISTICS_H_
