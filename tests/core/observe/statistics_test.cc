#include "core/observe/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "core/observe/digest.h"

namespace octavo {
namespace {

using Stats = ValueStatistics;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();

Stats Of(const std::vector<float>& values) {
  Stats stats;
  stats.Collect(values);
  return stats;
}

// Normal values of many magnitudes, a few of them special.
std::vector<float> Samples(size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(n);
  for (float& value : values) {
    const int exponent = static_cast<int>(random() % 100) - 50;
    value = std::ldexp(static_cast<float>(random() >> 8) - 0x1p23f, exponent - 23);
    if (random() % 50 == 0) value = (random() & 1) ? 0.0f : -0.0f;
    if (random() % 97 == 0) value = (random() & 1) ? kNan : (random() & 1) ? kInf : -kInf;
  }
  return values;
}

// The bin by the definition: the last whose edge does not exceed the magnitude.
size_t BinByEdges(double magnitude) {
  size_t bin = 0;
  while (bin + 1 < Stats::kBinsPerSign && Stats::BinEdge(bin + 1) <= magnitude) ++bin;
  return bin;
}

size_t OnlyBin(const std::vector<uint64_t>& bins) {
  EXPECT_EQ(std::count(bins.begin(), bins.end(), 0u) + 1, static_cast<ptrdiff_t>(bins.size()));
  return static_cast<size_t>(std::find_if(bins.begin(), bins.end(), [](uint64_t n) { return n != 0; }) - bins.begin());
}

TEST(Statistics, EdgesAscendByAtMostOneThirtySecond) {
  EXPECT_EQ(Stats::BinEdge(0), 0.0);
  EXPECT_EQ(Stats::BinEdge(Stats::kBinsPerSign), std::ldexp(1.0, Stats::kMaxExponent));
  for (size_t bin = 1; bin < Stats::kBinsPerSign; ++bin) {
    EXPECT_LT(Stats::BinEdge(bin), Stats::BinEdge(bin + 1));
    EXPECT_LE(Stats::BinEdge(bin + 1) / Stats::BinEdge(bin), 1 + 1.0 / 32);
  }
}

TEST(Statistics, EdgesBelongToTheBinTheyOpen) {
  for (size_t bin : {size_t{1}, size_t{31}, size_t{32}, size_t{33}, size_t{1279}, size_t{1280}, size_t{1281},
                     Stats::kBinsPerSign - 1}) {
    const float edge = static_cast<float>(Stats::BinEdge(bin));
    ASSERT_EQ(static_cast<double>(edge), Stats::BinEdge(bin)) << "edges are floats";
    EXPECT_EQ(OnlyBin(Of({edge}).positive), bin);
    EXPECT_EQ(OnlyBin(Of({std::nextafter(edge, 0.0f)}).positive), bin - 1);
    EXPECT_EQ(OnlyBin(Of({-edge}).negative), bin);
    EXPECT_EQ(OnlyBin(Of({-std::nextafter(edge, 0.0f)}).negative), bin - 1);
  }
}

TEST(Statistics, BinsAgreeWithTheirEdges) {
  for (float value : Samples(2000, 1)) {
    if (!std::isfinite(value) || value == 0) continue;
    const Stats stats = Of({value});
    EXPECT_EQ(OnlyBin(value > 0 ? stats.positive : stats.negative), BinByEdges(std::fabs(double{value}))) << value;
    EXPECT_TRUE((value > 0 ? stats.negative : stats.positive).empty());
  }
}

TEST(Statistics, MagnitudesOutsideTheBinsFallIntoTheEndBins) {
  EXPECT_EQ(OnlyBin(Of({kSmallest}).positive), 0u);
  EXPECT_EQ(OnlyBin(Of({-kSmallest}).negative), 0u);
  EXPECT_EQ(OnlyBin(Of({std::numeric_limits<float>::min()}).positive), 0u);
  EXPECT_EQ(OnlyBin(Of({0x1p40f}).positive), Stats::kBinsPerSign - 1);
  EXPECT_EQ(OnlyBin(Of({std::numeric_limits<float>::max()}).positive), Stats::kBinsPerSign - 1);
  EXPECT_EQ(Of({std::numeric_limits<float>::max()}).max, std::numeric_limits<float>::max());
}

TEST(Statistics, NonFiniteValuesAreCountedApart) {
  const Stats stats = Of({kNan, kInf, -kInf, -2, kNan, 3, std::bit_cast<float>(0xffc00001u)});
  EXPECT_EQ(stats.count, 2u);
  EXPECT_EQ(stats.nan, 3u);
  EXPECT_EQ(stats.inf, 2u);
  EXPECT_EQ(stats.min, -2);
  EXPECT_EQ(stats.max, 3);
  const Stats none = Of({kNan, kInf});
  EXPECT_EQ(none.count, 0u);
  EXPECT_EQ(none.min, 0);
  EXPECT_EQ(none.max, 0);
  EXPECT_TRUE(none.positive.empty());
  EXPECT_EQ(Of({}), Stats());
}

TEST(Statistics, BothZerosAreOne) {
  const Stats a = Of({0.0f, -0.0f}), b = Of({-0.0f, 0.0f}), c = Of({-0.0f, -0.0f});
  EXPECT_EQ(a.zeros, 2u);
  EXPECT_EQ(a.count, 2u);
  EXPECT_TRUE(a.positive.empty());
  EXPECT_TRUE(a.negative.empty());
  for (const Stats& stats : {a, b, c}) {
    EXPECT_EQ(std::bit_cast<uint32_t>(stats.min), 0u);
    EXPECT_EQ(std::bit_cast<uint32_t>(stats.max), 0u);
  }
}

TEST(Statistics, MemoryDoesNotGrow) {
  Stats stats;
  stats.Collect(Samples(1000, 2));
  const size_t capacity = stats.positive.capacity() + stats.negative.capacity();
  for (unsigned i = 0; i < 50; ++i) stats.Collect(Samples(1000, i));
  EXPECT_EQ(stats.positive.capacity() + stats.negative.capacity(), capacity);
  EXPECT_EQ(capacity, 2 * Stats::kBinsPerSign);
}

Statistics WithValue(const Stats& value) {
  Statistics statistics;
  statistics.model_digest = "0123456789abcdef";
  statistics.samples = 7;
  statistics.values["conv1"] = value;
  return statistics;
}

TEST(Statistics, MergedPartsEqualTheWholeInEveryOrder) {
  const std::vector<float> values = Samples(5000, 3);
  const auto part = [&](size_t from, size_t to) {
    return Of({values.begin() + static_cast<ptrdiff_t>(from), values.begin() + static_cast<ptrdiff_t>(to)});
  };
  const Stats whole = Of(values);
  const std::vector<Stats> parts = {part(0, 1), part(1, 1), part(1, 2500), part(2500, 5000)};
  std::vector<size_t> order = {0, 1, 2, 3};
  do {
    Stats merged;
    for (size_t i : order) merged.Merge(parts[i]);
    EXPECT_EQ(merged, whole);
    EXPECT_EQ(WithValue(merged).Save(), WithValue(whole).Save());
  } while (std::next_permutation(order.begin(), order.end()));
  Stats stepwise;
  for (float value : values) stepwise.Collect({&value, 1});
  EXPECT_EQ(stepwise, whole);
}

TEST(Statistics, ExtremesOfOneSignSurviveMerging) {
  Stats a = Of({3, 5});
  a.Merge(Of({4, 7}));
  EXPECT_EQ(a.min, 3);
  EXPECT_EQ(a.max, 7);
  Stats empty;
  empty.Merge(Of({-4, -2}));
  EXPECT_EQ(empty.min, -4);
  EXPECT_EQ(empty.max, -2);
  empty.Merge(Stats());
  EXPECT_EQ(empty.max, -2);
}

TEST(Statistics, MovingAveragesFollowTheDefinition) {
  Stats stats;
  stats.Average(-1, 3);
  EXPECT_EQ(stats.average_min, -1);
  EXPECT_EQ(stats.average_max, 3);
  stats.Average(-2, 5);
  EXPECT_DOUBLE_EQ(stats.average_min, 0.99 * -1 + 0.01 * -2);
  EXPECT_DOUBLE_EQ(stats.average_max, 0.99 * 3 + 0.01 * 5);
  Stats other;
  other.Average(-8, 8);
  stats.Merge(other);
  EXPECT_EQ(stats.averaged_batches, 3u);
  EXPECT_NEAR(stats.average_max, (2 * 3.02 + 8) / 3, 1e-12);
}

TEST(ExactSum, OrderDoesNotMatter) {
  const std::vector<double> values = {1e15, -1, 0x1p-40, 0.3, -1e15, 1e-30, -0.7, 0x1p-41, 3 * 0x1p-41, 12345.678};
  std::vector<double> shuffled = values;
  std::mt19937 random(9);
  ExactSum first;
  for (double value : values) first.Add(value);
  EXPECT_NEAR(first.Value(), 12345.678 - 1 + 0.3 - 0.7, 1e-11);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    ExactSum a, b;
    for (size_t k = 0; k < shuffled.size(); ++k) (k < 4 ? a : b).Add(shuffled[k]);
    a.Merge(b);
    EXPECT_EQ(a, first);
  }
  ExactSum zero;
  zero.Add(-0.25);
  EXPECT_EQ(zero.Value(), -0.25);
  zero.Add(0.25);
  EXPECT_EQ(zero, ExactSum());
  ExactSum large;
  large.Add(1e300);
  EXPECT_EQ(large.Value(), 0x1p62);
}

TEST(Statistics, ChannelMeans) {
  // [samples 3, channels 2, 1, pixels 2]
  const std::vector<float> values = {1, 2, 10, 20, 3, 4, 30, 40, 5, 6, 50, kNan};
  Stats whole;
  whole.Collect(values);
  whole.CollectChannels(values, Shape{3, 2, 1, 2}, 1);
  EXPECT_EQ(whole.channel_sums[0].Value(), 21);
  EXPECT_EQ(whole.channel_sums[1].Value(), 150);
  EXPECT_NEAR(whole.ChannelMeans()[0], 21 / 5.5, 1e-12);
  EXPECT_TRUE(Of({1}).ChannelMeans().empty());

  Stats parts;
  for (size_t sample : {2, 0, 1}) {
    const auto one = std::span(values).subspan(sample * 4, 4);
    Stats part;
    part.Collect(one);
    part.CollectChannels(one, Shape{1, 2, 1, 2}, 1);
    parts.Merge(part);
  }
  EXPECT_EQ(parts, whole);
  const auto loaded = Statistics::Load(WithValue(whole).Save());
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(loaded->values.at("conv1"), whole);

  // The last axis, and vectors.
  Stats last;
  last.CollectChannels(std::span(values).first(6), Shape{1, 3, 2}, 2);
  EXPECT_EQ(last.channel_sums[0].Value(), 14);
  EXPECT_EQ(last.channel_sums[1].Value(), 26);
  Stats vector;
  vector.CollectChannels(std::span(values).first(2), Shape{2}, 0);
  EXPECT_EQ(vector.channel_sums[1].Value(), 2);
  // Other channels do not mix in.
  vector.Merge(last);
  vector.CollectChannels(std::span(values).first(3), Shape{3}, 0);
  EXPECT_EQ(vector.channel_sums.size(), 2u);
  EXPECT_EQ(vector.channel_axis, 0);
}

TEST(Statistics, OtherModelsAreRefused) {
  Statistics a = WithValue(Of({1})), b = WithValue(Of({2}));
  ASSERT_TRUE(a.Merge(b).ok());
  EXPECT_EQ(a.samples, 14u);
  EXPECT_EQ(a.values["conv1"].count, 2u);
  b.model_digest = "another";
  const Status status = a.Merge(b);
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("another"), std::string::npos) << status.message();
  EXPECT_EQ(a.samples, 14u);
}

TEST(Statistics, FileRoundTrips) {
  Statistics statistics = WithValue(Of(Samples(500, 4)));
  statistics.values[""] = Stats();
  statistics.values["a value with \n and \xff"] = Of({kNan, kInf});
  statistics.values["averaged"] = Of({-1, 1});
  statistics.values["averaged"].Average(-1, 1.5f);
  statistics.values["averaged"].CollectChannels(std::vector<float>{-3, 5}, Shape{1, 2}, 1);
  statistics.values["positive"] = Of({0x1p-45f, 0x1p45f, 1});
  const std::vector<std::byte> bytes = statistics.Save();
  auto loaded = Statistics::Load(bytes);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(*loaded, statistics);
  EXPECT_EQ(loaded->Save(), bytes);
  EXPECT_EQ(loaded->Digest(), statistics.Digest());
  EXPECT_EQ(statistics.Digest().size(), 32u);
  loaded->values["conv1"].Collect(std::vector<float>{1});
  EXPECT_NE(loaded->Digest(), statistics.Digest());
}

// The bytes, and with them the digests, must never change within a version.
TEST(Statistics, FileIsTheSameEverywhere) {
  EXPECT_EQ(WithValue(Of({-0.5f, 0, 1, 1, 300})).Digest(), "6c64e71d7db0d4907c1a64f59bc48944");
}

TEST(Statistics, DamageIsNoticed) {
  const std::vector<std::byte> bytes = WithValue(Of({-1, 0, 2, 5})).Save();
  ASSERT_LT(bytes.size(), 200u);
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto loaded = Statistics::Load(std::span(bytes).first(size));
    EXPECT_EQ(loaded.status().code(), Code::kInvalidData) << "cut to " << size;
  }
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::vector<std::byte> flipped = bytes;
      flipped[i] ^= static_cast<std::byte>(1 << bit);
      const auto loaded = Statistics::Load(flipped);
      EXPECT_EQ(loaded.status().code(), Code::kInvalidData) << "bit " << bit << " of byte " << i;
    }
  }
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(Statistics::Load(longer).ok());
}

void Sign(std::vector<std::byte>& bytes) {
  const uint64_t hash = Hash64(std::span(bytes).first(bytes.size() - 8));
  for (size_t i = 0; i < 8; ++i) bytes[bytes.size() - 8 + i] = static_cast<std::byte>(hash >> (8 * i));
}

// What a hostile file can say behind a checksum that fits: refused or consistent, never a crash.
TEST(Statistics, ContradictionsBehindAValidChecksumAreRefused) {
  Stats original = Of({-1, 0, 2, 5});
  original.CollectChannels(std::vector<float>{-1, 0, 2, 5}, Shape{2, 2}, 1);
  const std::vector<std::byte> bytes = WithValue(original).Save();
  size_t refused = 0;
  for (size_t i = 0; i + 8 < bytes.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::vector<std::byte> changed = bytes;
      changed[i] = static_cast<std::byte>(value);
      Sign(changed);
      const auto loaded = Statistics::Load(changed);
      if (!loaded.ok()) {
        EXPECT_FALSE(loaded.status().message().empty());
        ++refused;
        continue;
      }
      for (const auto& [name, stats] : loaded->values) {
        EXPECT_TRUE(std::isfinite(stats.min) && std::isfinite(stats.max) && stats.min <= stats.max);
        EXPECT_TRUE(stats.count != 0 || (stats.min == 0 && stats.max == 0));
      }
      EXPECT_TRUE(Statistics::Load(loaded->Save()).ok());
    }
  }
  EXPECT_GT(refused, bytes.size() * 64);
  for (size_t size = 16; size + 8 < bytes.size(); ++size) {
    std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    cut.resize(size + 8);
    Sign(cut);
    EXPECT_FALSE(Statistics::Load(cut).ok()) << "cut to " << size;
  }
}

TEST(Statistics, NewerVersionsAreNamed) {
  std::vector<std::byte> bytes = WithValue(Of({1})).Save();
  bytes[8] = std::byte{9};
  Sign(bytes);
  const auto loaded = Statistics::Load(bytes);
  EXPECT_EQ(loaded.status().code(), Code::kUnsupported);
  EXPECT_NE(loaded.status().message().find("version 9"), std::string::npos) << loaded.status().message();
}

TEST(Statistics, ObserverNames) {
  for (int i = 0; i < 6; ++i) {
    const auto kind = static_cast<ObserverKind>(i);
    const auto found = ObserverFromName(Name(kind));
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(*found, kind);
  }
  const auto unknown = ObserverFromName("minmax");
  EXPECT_EQ(
      unknown.status().message(),
      "observer 'minmax' is unknown; allowed: min_max, moving_average, histogram, percentile, entropy, mse, custom");
}

}  // namespace
}  // namespace octavo
