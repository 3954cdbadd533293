#include "core/quantize/range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace octavo {
namespace {

ValueStatistics Of(const std::vector<float>& values) {
  ValueStatistics stats;
  stats.Collect(values);
  return stats;
}

Range Choose(const ValueStatistics& stats, ObserverKind kind, double percentile = 99.99) {
  const auto range = ChooseRange(stats, {kind, percentile});
  EXPECT_TRUE(range.ok()) << range.status().message();
  return range.ok() ? *range : Range{};
}

std::vector<float> Normal(size_t n, float deviation = 1) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

// The squared error that 8 bits really make, value by value; what lies beyond half a step counts 20 times.
double WeightedError(const std::vector<float>& values, Range range) {
  const QuantParams params = ParamsU8(range);
  double sum = 0;
  for (float value : values) {
    const double q = std::clamp(std::nearbyint(double{value} / params.scale) + params.zero_point, 0.0, 255.0);
    const double error = value - (q - params.zero_point) * params.scale;
    const double rounding = std::min(std::fabs(error), 0.5 * params.scale);
    sum += rounding * rounding + 20 * (error * error - rounding * rounding);
  }
  return sum;
}

constexpr ObserverKind kSearches[] = {ObserverKind::kHistogram, ObserverKind::kMse};

// The least error over a fine grid of both bounds, or of their common factor.
double LeastError(const std::vector<float>& values, ObserverKind kind) {
  const bool common_factor = kind == ObserverKind::kHistogram;
  const auto [min, max] = std::minmax_element(values.begin(), values.end());
  const double low = std::min(0.0f, *min), high = std::max(0.0f, *max);
  double best = INFINITY;
  constexpr int kSteps = 60;
  for (int i = 1; i <= kSteps; ++i) {
    for (int j = 1; j <= kSteps; ++j) {
      if (common_factor ? i != j : low == 0 && i > 1) continue;
      best = std::min(best, WeightedError(values, {low * i / kSteps, high * j / kSteps}));
    }
  }
  return best;
}

void ExpectNearLeastError(const std::vector<float>& values, double tolerance) {
  const ValueStatistics stats = Of(values);
  for (ObserverKind kind : kSearches) {
    const double error = WeightedError(values, Choose(stats, kind));
    const double least = LeastError(values, kind);
    EXPECT_LE(error, least * (1 + tolerance)) << Name(kind) << ", least " << least;
    EXPECT_LE(error, WeightedError(values, {stats.min, stats.max}) * (1 + tolerance))
        << Name(kind) << " lost to min_max";
  }
}

TEST(Range, SearchesFindTheLeastSquaredError) {
  std::mt19937 random(5);
  std::vector<float> values = Normal(4000);
  ExpectNearLeastError(values, 0.03);
  for (float& value : values) value = std::max(0.0f, value);  // after Relu
  ExpectNearLeastError(values, 0.03);
  for (float& value : values) value = value * value * value;  // heavy tail
  ExpectNearLeastError(values, 0.05);
  for (float& value : values) value = -value;
  ExpectNearLeastError(values, 0.05);
  std::uniform_real_distribution<float> uniform(-0.25f, 1);
  for (float& value : values) value = uniform(random);
  ExpectNearLeastError(values, 0.03);
  std::exponential_distribution<float> exponential(3);
  for (float& value : values) value = exponential(random) - 0.1f;
  ExpectNearLeastError(values, 0.03);
}

TEST(Range, SearchesCutOutliersThatCostLess) {
  std::vector<float> values = Normal(1 << 20);
  values.push_back(40);
  for (ObserverKind kind : kSearches) {
    const Range range = Choose(Of(values), kind);
    EXPECT_LT(range.high, 38) << Name(kind);
    EXPECT_LT(WeightedError(values, range), 0.95 * WeightedError(values, {-5, 40})) << Name(kind);
  }
  // Where it is alone in a few values, the outlier is what matters.
  const std::vector<float> few = {-1, 0, 0.5f, 1, 400};
  for (ObserverKind kind : kSearches) EXPECT_GT(Choose(Of(few), kind).high, 390) << Name(kind);
}

TEST(Range, SearchesKeepAUniformRange) {
  std::vector<float> values;
  for (int i = 0; i <= 10000; ++i) values.push_back(static_cast<float>(i) / 10000);
  for (ObserverKind kind : kSearches) EXPECT_GT(Choose(Of(values), kind).high, 0.97) << Name(kind);
}

// Every observer gives finite bounds within the values' own (widened to 0), whatever they are.
TEST(Range, EveryObserverStaysWithinTheValues) {
  constexpr float kHuge = 3e38f, kTiny = 1e-38f;
  const std::vector<std::vector<float>> cases = {{0, 0, 0},
                                                 {5},
                                                 {-5},
                                                 {5, 5, 5},
                                                 {-3, -2, -1},
                                                 {1, 2, 3},
                                                 {-1, 1},
                                                 {kHuge},
                                                 {-kHuge, kHuge},
                                                 {kTiny, -kTiny},
                                                 {kTiny, kHuge},
                                                 {1e13f, 1},
                                                 {1e-13f, 1},
                                                 {-1e-30f, 7},
                                                 {0, 1e-45f},
                                                 Normal(1000),
                                                 Normal(100, 1e-20f),
                                                 Normal(100, 1e20f)};
  for (const auto& values : cases) {
    ValueStatistics stats = Of(values);
    stats.Average(stats.min, stats.max);
    for (int kind = 0; kind < 6; ++kind) {
      const Range range = Choose(stats, static_cast<ObserverKind>(kind));
      EXPECT_LE(range.low, range.high);
      EXPECT_GE(range.low, std::min(0.0f, stats.min)) << Name(static_cast<ObserverKind>(kind));
      EXPECT_LE(range.high, std::max(0.0f, stats.max)) << Name(static_cast<ObserverKind>(kind));
      const QuantParams params = ParamsU8(range);
      EXPECT_TRUE(std::isfinite(params.scale) && params.scale >= 0x1p-100f) << params.scale;
      EXPECT_TRUE(params.zero_point >= 0 && params.zero_point <= 255);
    }
  }
}

TEST(Range, ConstantValuesAreExact) {
  for (float constant : {5.0f, -5.0f, 0.001f, 12345.0f}) {
    const std::vector<float> values(100, constant);
    for (ObserverKind kind : {ObserverKind::kMinMax, ObserverKind::kHistogram, ObserverKind::kPercentile,
                              ObserverKind::kMse, ObserverKind::kEntropy}) {
      EXPECT_LT(WeightedError(values, Choose(Of(values), kind)), 100 * std::pow(constant * 1e-6, 2)) << Name(kind);
    }
  }
}

TEST(Range, MinMaxAndMovingAverage) {
  ValueStatistics stats = Of({-2, 7, 0.5f});
  EXPECT_EQ(Choose(stats, ObserverKind::kMinMax).low, -2);
  EXPECT_EQ(Choose(stats, ObserverKind::kMinMax).high, 7);
  const auto missing = ChooseRange(stats, {ObserverKind::kMovingAverage});
  EXPECT_EQ(missing.status().code(), Code::kInvalidArgument);
  EXPECT_NE(missing.status().message().find("moving_average"), std::string::npos);
  stats.Average(-1, 3);
  stats.Average(-1, 5);
  EXPECT_DOUBLE_EQ(Choose(stats, ObserverKind::kMovingAverage).high, 3.02);
}

// A bin is 1/32 of its value wide, so quantiles of its evenly spread values are at most that far off.
TEST(Range, PercentilesAreQuantilesWithinABin) {
  std::vector<float> values = Normal(100001);
  const ValueStatistics stats = Of(values);
  std::sort(values.begin(), values.end());
  for (double percentile : {50.5, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const auto rank = static_cast<size_t>(percentile / 100 * 100000);
    const Range range = Choose(stats, ObserverKind::kPercentile, percentile);
    EXPECT_NEAR(range.high, values[rank], std::fabs(values[rank]) / 32 + 1e-3) << percentile;
    EXPECT_NEAR(range.low, values[100000 - rank], std::fabs(values[rank]) / 32 + 1e-3) << percentile;
  }
  EXPECT_EQ(Choose(stats, ObserverKind::kPercentile, 100).high, values.back());
  EXPECT_EQ(Choose(stats, ObserverKind::kPercentile, 100).low, values.front());
}

// Kullback-Leibler divergence by the book, over equal bins of |x| that are counted from the values themselves.
double Divergence(const std::vector<float>& values, double extent, size_t levels, size_t end) {
  std::vector<double> bins(2048);
  for (float value : values) ++bins[std::min<size_t>(2047, static_cast<size_t>(std::fabs(value) / extent * 2048))];
  bins[0] = bins[1];
  std::vector<double> p(bins.begin(), bins.begin() + static_cast<ptrdiff_t>(end)), q(end);
  size_t last = end - 1;
  while (last > 0 && bins[last] == 0) --last;
  for (size_t i = end; i < 2048; ++i) p[last] += bins[i];
  for (size_t level = 0; level < levels; ++level) {
    double sum = 0, filled = 0;
    for (size_t i = level * end / levels; i < (level + 1) * end / levels; ++i) sum += bins[i], filled += bins[i] > 0;
    for (size_t i = level * end / levels; i < (level + 1) * end / levels; ++i) q[i] = bins[i] > 0 ? sum / filled : 0;
  }
  double p_sum = 0, q_sum = 0, divergence = 0;
  for (double x : p) p_sum += x;
  for (double x : q) q_sum += x;
  for (size_t i = 0; i < end; ++i) {
    if (p[i] > 0) divergence += p[i] / p_sum * std::log((p[i] / p_sum) / (q[i] / q_sum));
  }
  return divergence;
}

TEST(Range, EntropyThresholdHasLeastDivergence) {
  for (bool one_sided : {false, true}) {
    std::vector<float> values = Normal(400000);
    for (float& value : values) value = value * std::fabs(value);
    if (one_sided) {
      for (float& value : values) value = std::fabs(value);
    }
    const ValueStatistics stats = Of(values);
    const double extent = std::max(std::fabs(stats.min), std::fabs(stats.max));
    const size_t levels = one_sided ? 256 : 128;
    const Range range = Choose(stats, ObserverKind::kEntropy);
    const auto chosen = static_cast<size_t>(std::nearbyint(std::max(-range.low, range.high) / extent * 2048));
    double least = INFINITY;
    for (size_t end = levels; end <= 2048; end += levels / 16) {
      least = std::min(least, Divergence(values, extent, levels, end));
    }
    EXPECT_LE(Divergence(values, extent, levels, chosen), least * 1.25 + 1e-4) << "end " << chosen;
    EXPECT_LT(range.high, stats.max) << "tails of squares are worth cutting";
  }
}

TEST(Range, EntropyCutsAnOutlierAtTheBulk) {
  std::vector<float> values = Normal(1 << 18);
  values.push_back(100);
  const Range range = Choose(Of(values), ObserverKind::kEntropy);
  EXPECT_LT(range.high, 10);
  EXPECT_GT(range.high, 2);
}

TEST(Range, ParamsHoldZeroExactly) {
  std::mt19937 random(3);
  std::uniform_real_distribution<double> uniform(-10, 10);
  for (int i = 0; i < 1000; ++i) {
    double low = uniform(random), high = uniform(random);
    if (low > high) std::swap(low, high);
    const QuantParams params = ParamsU8({low, high});
    const double from = -params.zero_point * double{params.scale},
                 to = (255 - params.zero_point) * double{params.scale};
    EXPECT_LE(from, std::min(0.0, low) + 0.51 * params.scale);
    EXPECT_GE(to, std::max(0.0, high) - 0.51 * params.scale);
  }
  EXPECT_EQ(ParamsU8({0, 0}).scale, 1.0f);
  EXPECT_EQ(ParamsU8({0, 0}).zero_point, 0);
  EXPECT_EQ(ParamsU8({1, 2}).zero_point, 0);
  EXPECT_EQ(ParamsU8({1, 2}).scale, static_cast<float>(2.0 / 255));
  EXPECT_EQ(ParamsU8({-2, -1}).zero_point, 255);
  EXPECT_EQ(ParamsU8({-1, 1}).zero_point, 127);  // 1 / float(2 / 255) is just below 127.5
  EXPECT_EQ(ParamsU8({0, 1e-40}).scale, kSmallestScale);
  EXPECT_EQ(ParamsU8({-1e38, 1e38}).scale, kLargestScale);
  EXPECT_EQ(ParamsU8({-1e38, 1e38}).zero_point, 255);  // still within the integers
}

TEST(Range, SameStatisticsSameBits) {
  std::mt19937 random(11);
  std::vector<float> values(10000);
  for (float& value : values) {  // bell-shaped, by exact operations only
    int sum = 0;
    for (int i = 0; i < 12; ++i) sum += static_cast<int>(random() >> 16) - 32768;
    value = static_cast<float>(sum) / 32768;
  }
  const ValueStatistics stats = Of(values);
  const Range histogram = Choose(stats, ObserverKind::kHistogram), entropy = Choose(stats, ObserverKind::kEntropy);
  // Any machine must give these.
  EXPECT_EQ(ParamsU8(histogram).scale, 0x1.9f090ap-5f) << std::hexfloat << ParamsU8(histogram).scale;
  EXPECT_EQ(ParamsU8(entropy).scale, 0x1.9f090ap-5f) << std::hexfloat << ParamsU8(entropy).scale;
}

}  // namespace
}  // namespace octavo
