#include "core/quantize/range.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace octavo {
namespace {

// One non-empty bin as a point mass with a width, ascending by value.
struct Mass {
  double center, width, count;
};

std::vector<Mass> Masses(const ValueStatistics& value) {
  std::vector<Mass> masses;
  const auto add = [&](size_t bin, double sign, uint64_t count) {
    const double from = ValueStatistics::BinEdge(bin), to = ValueStatistics::BinEdge(bin + 1);
    const double center = std::clamp(sign * (from + to) / 2, double{value.min}, double{value.max});
    masses.push_back({center, to - from, static_cast<double>(count)});
  };
  for (size_t bin = value.negative.size(); bin-- > 0;) {
    if (value.negative[bin]) add(bin, -1.0, value.negative[bin]);
  }
  if (value.zeros) masses.push_back({0.0, 0.0, static_cast<double>(value.zeros)});
  for (size_t bin = 0; bin < value.positive.size(); ++bin) {
    if (value.positive[bin]) add(bin, 1.0, value.positive[bin]);
  }
  return masses;
}

// Expected squared error of 8-bit quantization over [low, high], times the number of values.
double SquaredError(const std::vector<Mass>& masses, double low, double high) {
  const double step = (high - low) / 255.0;
  if (step <= 0) return INFINITY;
  const double inverse = 1.0 / step;
  double sum = 0;
  for (const Mass& mass : masses) {
    double error;
    if (mass.center > high) {
      error = (mass.center - high) * (mass.center - high);
    } else if (mass.center < low) {
      error = (mass.center - low) * (mass.center - low);
    } else if (mass.width >= step) {
      error = step * step / 12;  // uniform over whole steps
    } else {
      const double off = mass.center - std::nearbyint(mass.center * inverse) * step;
      error = off * off;
    }
    sum += mass.count * error;
  }
  return sum;
}

// Bounds shrink towards zero in steps of 1/kShrinkSteps of their full extent.
constexpr int kShrinkSteps = 64;
double Shrunk(double bound, int step) { return bound * (kShrinkSteps - step) / kShrinkSteps; }

// L2 search: the two bounds are moved in turn, each to its best place, until neither moves.
Range SearchBothBounds(const ValueStatistics& value) {
  const std::vector<Mass> masses = Masses(value);
  const double min = std::min(0.0, double{value.min}), max = std::max(0.0, double{value.max});
  Range best{min, max};
  double best_error = SquaredError(masses, min, max);
  for (int round = 0; round < 4; ++round) {
    const Range before = best;
    for (int step = 0; step < kShrinkSteps; ++step) {
      const double high = Shrunk(max, step);
      const double error = SquaredError(masses, best.low, high);
      if (error < best_error) best_error = error, best.high = high;
    }
    for (int step = 0; step < kShrinkSteps && min < 0; ++step) {
      const double low = Shrunk(min, step);
      const double error = SquaredError(masses, low, best.high);
      if (error < best_error) best_error = error, best.low = low;
    }
    if (best.low == before.low && best.high == before.high) break;
  }
  return best;
}

// Both bounds shrunk by one common factor to the least squared error.
Range SearchCommonFactor(const ValueStatistics& value) {
  const std::vector<Mass> masses = Masses(value);
  const double min = std::min(0.0, double{value.min}), max = std::max(0.0, double{value.max});
  Range best{min, max};
  double best_error = SquaredError(masses, min, max);
  for (int step = 1; step < kShrinkSteps; ++step) {
    const double error = SquaredError(masses, Shrunk(min, step), Shrunk(max, step));
    if (error < best_error) best_error = error, best = {Shrunk(min, step), Shrunk(max, step)};
  }
  return best;
}

// The value below which `share` of all finite values lie.
double Quantile(const std::vector<Mass>& masses, double total, double share) {
  double rest = share * total;
  for (const Mass& mass : masses) {
    if (rest <= mass.count) return mass.center + (rest / mass.count - 0.5) * mass.width;
    rest -= mass.count;
  }
  return masses.back().center;
}

Range Percentile(const ValueStatistics& value, double percentile) {
  const std::vector<Mass> masses = Masses(value);
  const double total = static_cast<double>(value.count), share = percentile / 100.0;
  return {std::max(double{value.min}, Quantile(masses, total, 1.0 - share)),
          std::min(double{value.max}, Quantile(masses, total, share))};
}

// Threshold of least Kullback-Leibler divergence between the clipped distribution and its 8-bit form (S. Migacz,
// "8-bit inference with TensorRT", GTC 2017), over 2048 equal bins of |x|. Ranges that are all of one sign have
// 256 levels on it, others 128 a side.
Range LeastDivergence(const ValueStatistics& value) {
  constexpr size_t kBins = 2048;
  const double extent = std::max(std::fabs(double{value.min}), std::fabs(double{value.max}));
  if (extent == 0) return {0, 0};
  const size_t levels = value.min >= 0 || value.max <= 0 ? 256 : 128;
  std::vector<double> bins(kBins, 0.0);
  for (const Mass& mass : Masses(value)) {
    // A logarithmic bin's count is spread evenly over the equal bins that it covers.
    const double from = std::max(0.0, std::fabs(mass.center) - mass.width / 2) / extent * kBins;
    const double to = std::min<double>(kBins, (std::fabs(mass.center) + mass.width / 2) / extent * kBins);
    const auto first = std::min(static_cast<size_t>(from), kBins - 1);
    if (to - from < 1e-9) {
      bins[first] += mass.count;
      continue;
    }
    for (size_t i = first; i < kBins && static_cast<double>(i) < to; ++i) {
      const double overlap = std::min(to, static_cast<double>(i + 1)) - std::max(from, static_cast<double>(i));
      bins[i] += mass.count * overlap / (to - from);
    }
  }
  bins[0] = bins[1];  // zeros are exact whatever the threshold; their spike would drown the rest

  double best = INFINITY;
  size_t best_end = kBins;
  for (size_t end = levels; end <= kBins; end += levels / 16) {
    double total = 0, clipped = 0;
    for (size_t i = 0; i < end; ++i) total += bins[i];
    for (size_t i = end; i < kBins; ++i) clipped += bins[i];
    total += clipped;
    if (total <= 0) continue;
    double divergence = 0;
    for (size_t level = 0; level < levels; ++level) {
      const size_t from = level * end / levels, to = (level + 1) * end / levels;
      double sum = 0, filled = 0;
      for (size_t i = from; i < to; ++i) sum += bins[i], filled += bins[i] > 0;
      if (filled == 0) continue;
      for (size_t i = from; i < to; ++i) {
        const double p = bins[i] + (i + 1 == end ? clipped : 0.0);
        if (bins[i] > 0) divergence += p / total * std::log(p / (sum / filled));
      }
    }
    divergence += std::log((total - clipped) / total);  // both normalized
    if (divergence < best) best = divergence, best_end = end;
  }
  const double threshold = extent * static_cast<double>(best_end) / kBins;
  return {std::max(double{value.min}, -threshold), std::min(double{value.max}, threshold)};
}

}  // namespace

Result<Range> ChooseRange(const ValueStatistics& value, const ObserverChoice& observer) {
  switch (observer.kind) {
    case ObserverKind::kMinMax:
      break;
    case ObserverKind::kMovingAverage:
      if (value.averaged_batches == 0) {
        return Error(Code::kInvalidArgument,
                     "observer moving_average needs statistics collected with it: calibrate with that observer");
      }
      return Range{value.average_min, value.average_max};
    case ObserverKind::kHistogram:
      return SearchBothBounds(value);
    case ObserverKind::kPercentile:
      return Percentile(value, observer.percentile);
    case ObserverKind::kEntropy:
      return LeastDivergence(value);
    case ObserverKind::kMse:
      return SearchCommonFactor(value);
  }
  return Range{value.min, value.max};
}

QuantParams ParamsU8(Range range) {
  const double low = std::min(0.0, range.low), high = std::max(0.0, range.high);
  // 2^-100 keeps every product of two scales a normal float.
  if (high - low < 0x1p-92) return {1.0f, 0};
  QuantParams params;
  params.scale = static_cast<float>((high - low) / 255.0);
  params.zero_point = static_cast<int32_t>(std::clamp(std::nearbyint(-low / double{params.scale}), 0.0, 255.0));
  return params;
}

}  // namespace octavo
