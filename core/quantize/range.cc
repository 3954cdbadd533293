#include "core/quantize/range.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/ops/math.h"

namespace octavo {
namespace {

// How much more an error beyond the range counts than one of rounding. Rounding errors have mean 0 and little to do
// with each other, so sums and averages over many values make them small; values that are cut off are all cut the same
// way, often many neighbours at once, and averages keep that.
constexpr double kClippedWeight = 20;

// Expected squared error of quantizing to 8 bits with the parameters of a range, times the number of values; what lies
// beyond half a step counts kClippedWeight times.
double SquaredError(const std::vector<Mass>& masses, Range range) {
  const QuantParams params = ParamsU8(range);
  const double step = params.scale, lowest = -params.zero_point, highest = 255 - params.zero_point;
  double sum = 0;
  // The integral of the squared error up to u, in steps: with n the clamped rounding of u and e = u - n, n/12 + e^3/3,
  // where e^2 beyond 1/4 has weight.
  const auto integral = [&](double u) {
    const double n = std::clamp(std::nearbyint(u), lowest, highest), e = u - n;
    const double inner = std::clamp(e, -0.5, 0.5);
    return n / 12 + (inner * inner * inner + kClippedWeight * (e * e * e - inner * inner * inner)) / 3;
  };
  for (const Mass& mass : masses) {
    const double a = mass.low / step, b = mass.high / step;
    if (b - a > 1e-6) {
      sum += mass.count * (integral(b) - integral(a)) / (b - a);
    } else {
      const double e = std::fabs(a - std::clamp(std::nearbyint(a), lowest, highest)), inner = std::min(e, 0.5);
      sum += mass.count * (inner * inner + kClippedWeight * (e * e - inner * inner));
    }
  }
  return sum * step * step;
}

// Bounds are tried at the full extent times 2^(-i / kCoarse) down to 2^-kOctaves, then around the best with kFine steps
// an octave.
constexpr int kOctaves = 8, kCoarse = 8, kFine = 64;

// 2^(-i / kFine).
const std::array<double, kOctaves * kFine + 1>& Factors() {
  static const auto factors = [] {
    std::array<double, kOctaves * kFine + 1> made;
    for (size_t i = 0; i < made.size(); ++i) made[i] = math::Exp(-static_cast<double>(i) * 0.6931471805599453 / kFine);
    return made;
  }();
  return factors;
}

// Moves *at, a position among Factors(), to where the error is least.
template <typename F>
void SearchFactor(F&& error_at, int* at) {
  double best = error_at(Factors()[static_cast<size_t>(*at)]);
  const auto visit = [&](int i) {
    const double error = error_at(Factors()[static_cast<size_t>(i)]);
    if (error < best) best = error, *at = i;
  };
  for (int i = 0; i <= kOctaves * kFine; i += kFine / kCoarse) visit(i);
  const int middle = *at;
  for (int i = middle - kFine / kCoarse + 1; i < middle + kFine / kCoarse; ++i) {
    if (i >= 0 && i <= kOctaves * kFine) visit(i);
  }
}

// The least squared error: the two bounds are moved in turn, each to its best place, until neither moves.
Range SearchBothBounds(const ValueStatistics& value) {
  const std::vector<Mass> masses = Masses(value);
  const double min = std::min(0.0, double{value.min}), max = std::max(0.0, double{value.max});
  int low = 0, high = 0;
  const auto factor = [](int i) { return Factors()[static_cast<size_t>(i)]; };
  for (int round = 0; round < 4; ++round) {
    const int low_before = low, high_before = high;
    if (max > 0) SearchFactor([&](double f) { return SquaredError(masses, {min * factor(low), max * f}); }, &high);
    if (min < 0) SearchFactor([&](double f) { return SquaredError(masses, {min * f, max * factor(high)}); }, &low);
    if (low == low_before && high == high_before) break;
  }
  return {min * factor(low), max * factor(high)};
}

// L2 search: both bounds shrunk by one common factor to the least squared error.
Range SearchCommonFactor(const ValueStatistics& value) {
  const std::vector<Mass> masses = Masses(value);
  const double min = std::min(0.0, double{value.min}), max = std::max(0.0, double{value.max});
  int at = 0;
  SearchFactor([&](double f) { return SquaredError(masses, {min * f, max * f}); }, &at);
  const double factor = Factors()[static_cast<size_t>(at)];
  return {min * factor, max * factor};
}

// The value below which `share` of all finite values lie.
double Quantile(const std::vector<Mass>& masses, double total, double share) {
  double rest = share * total;
  for (const Mass& mass : masses) {
    if (rest <= mass.count) return mass.low + rest / mass.count * mass.width();
    rest -= mass.count;
  }
  return masses.back().high;
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
    const double from = std::min(std::fabs(mass.low), std::fabs(mass.high)) / extent * kBins;
    const double to = std::max(std::fabs(mass.low), std::fabs(mass.high)) / extent * kBins;
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
    size_t last = end - 1;  // takes what is clipped: the last bin that the 8-bit form has too
    while (last > 0 && bins[last] == 0) --last;
    if (bins[last] == 0) continue;
    double divergence = 0;
    for (size_t level = 0; level < levels; ++level) {
      const size_t from = level * end / levels, to = (level + 1) * end / levels;
      double sum = 0, filled = 0;
      for (size_t i = from; i < to; ++i) sum += bins[i], filled += bins[i] > 0;
      if (filled == 0) continue;
      for (size_t i = from; i < to; ++i) {
        const double p = bins[i] + (i == last ? clipped : 0.0);
        if (bins[i] > 0) divergence += p / total * math::Log(p / (sum / filled));
      }
    }
    divergence += math::Log((total - clipped) / total);  // both normalized
    if (divergence < best) best = divergence, best_end = end;
  }
  const double threshold = extent * static_cast<double>(best_end) / kBins;
  return {std::max(std::min(0.0, double{value.min}), -threshold),
          std::min(std::max(0.0, double{value.max}), threshold)};
}

}  // namespace

std::vector<Mass> Masses(const ValueStatistics& value) {
  std::vector<Mass> masses;
  const auto add = [&](double from, double to, uint64_t count) {
    masses.push_back({std::clamp(from, double{value.min}, double{value.max}),
                      std::clamp(to, double{value.min}, double{value.max}), static_cast<double>(count)});
  };
  for (size_t bin = value.negative.size(); bin-- > 0;) {
    if (value.negative[bin] == 0) continue;
    add(-ValueStatistics::BinEdge(bin + 1), -ValueStatistics::BinEdge(bin), value.negative[bin]);
  }
  if (value.zeros) masses.push_back({0.0, 0.0, static_cast<double>(value.zeros)});
  for (size_t bin = 0; bin < value.positive.size(); ++bin) {
    if (value.positive[bin] == 0) continue;
    add(ValueStatistics::BinEdge(bin), ValueStatistics::BinEdge(bin + 1), value.positive[bin]);
  }
  return masses;
}

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
      return SearchCommonFactor(value);
    case ObserverKind::kPercentile:
      return Percentile(value, observer.percentile);
    case ObserverKind::kEntropy:
      return LeastDivergence(value);
    case ObserverKind::kMse:
      return SearchBothBounds(value);
    case ObserverKind::kCustom:
      return Error(Code::kInternal, "the observer custom is the caller's");
  }
  return Range{value.min, value.max};
}

Result<Range> ChooseCustomRange(const std::string& name, const ValueStatistics& value, const CustomObserver& custom) {
  OCTAVO_ASSIGN_OR_RETURN(const Range range, custom(name, value));
  constexpr double kLargest = std::numeric_limits<float>::max();
  // The comparisons are false for NaN.
  if (!(range.low >= -kLargest && range.low <= range.high && range.high <= kLargest)) {
    return Error(Code::kInvalidArgument,
                 "the custom observer chose [%g, %g] for value '%s'; allowed: finite float32 bounds, low <= high",
                 range.low, range.high, Printable(name).c_str());
  }
  return range;
}

QuantParams ParamsU8(Range range) {
  const double low = std::min(0.0, range.low), high = std::max(0.0, range.high);
  if (high == low) return {1.0f, 0};
  QuantParams params;
  params.scale = std::clamp(static_cast<float>((high - low) / 255.0), kSmallestScale, kLargestScale);
  params.zero_point = static_cast<int32_t>(std::clamp(std::nearbyint(-low / double{params.scale}), 0.0, 255.0));
  return params;
}

}  // namespace octavo
