// From statistics to a range, from a range to scale and zero point.
#ifndef OCTAVO_CORE_QUANTIZE_RANGE_H_
#define OCTAVO_CORE_QUANTIZE_RANGE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/observe/statistics.h"
#include "core/quantize/recipe.h"

namespace octavo {

struct Range {
  double low = 0, high = 0;
};

// One non-empty bin: its values are taken as spread evenly over [low, high]. Zeros are a point.
struct Mass {
  double low, high, count;

  double center() const { return (low + high) / 2; }
  double width() const { return high - low; }
};

// Ascending by value, cut to [min, max].
std::vector<Mass> Masses(const ValueStatistics& value);

// The range the observer chooses. Requires value.count > 0; kMovingAverage needs averages (kInvalidArgument if the
// statistics were collected without). Not for kCustom.
Result<Range> ChooseRange(const ValueStatistics& value, const ObserverChoice& observer);

// kCustom: the caller's function, told a value's name and statistics (count > 0). A Status stops the work.
using CustomObserver = std::function<Result<Range>(const std::string& name, const ValueStatistics& value)>;

// What it chooses; bounds that are not a range of finite float32 are kInvalidArgument.
Result<Range> ChooseCustomRange(const std::string& name, const ValueStatistics& value, const CustomObserver& custom);

struct QuantParams {
  float scale = 1.0f;
  int32_t zero_point = 0;
};

// Scales of activations and weights stay within these, so that products and quotients of any two or three are normal
// floats.
constexpr float kSmallestScale = 0x1p-40f, kLargestScale = 0x1p40f;

// Asymmetric uint8: the range is widened to hold 0, which is exactly representable. An empty range gives scale 1.
QuantParams ParamsU8(Range range);

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_RANGE_H_
