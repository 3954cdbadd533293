// From statistics to a range, from a range to scale and zero point.
#ifndef OCTAVO_CORE_QUANTIZE_RANGE_H_
#define OCTAVO_CORE_QUANTIZE_RANGE_H_

#include <cstdint>

#include "core/observe/statistics.h"
#include "core/quantize/recipe.h"

namespace octavo {

struct Range {
  double low = 0, high = 0;
};

// The range the observer chooses. Requires value.count > 0; kMovingAverage needs averages (kInvalidArgument if the
// statistics were collected without).
Result<Range> ChooseRange(const ValueStatistics& value, const ObserverChoice& observer);

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
