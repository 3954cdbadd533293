#include "core/observe/statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/base/checked.h"
#include "core/observe/digest.h"

namespace octavo {
namespace {

constexpr const char* kNames[] = {"min_max", "moving_average", "histogram", "percentile", "entropy", "mse", "custom"};

size_t BinOf(uint32_t magnitude_bits) {
  constexpr int kShift = 23 - ValueStatistics::kMantissaBits;
  constexpr int64_t kFirst = int64_t{127 + ValueStatistics::kMinExponent} << ValueStatistics::kMantissaBits;
  const int64_t bin = static_cast<int64_t>(magnitude_bits >> kShift) - kFirst;
  return static_cast<size_t>(std::clamp<int64_t>(bin, 0, ValueStatistics::kBinsPerSign - 1));
}

void AddBins(const std::vector<uint64_t>& from, std::vector<uint64_t>& to) {
  if (from.empty()) return;
  if (to.empty()) to.resize(ValueStatistics::kBinsPerSign);
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

// The file: "octavoST", version, then fields in declaration order. Bins are stored as (gap, count) pairs of LEB128
// integers, ended by a gap that reaches the last bin. The last 8 bytes are XXH3-64 of all before.
constexpr char kMagic[8] = {'o', 'c', 't', 'a', 'v', 'o', 'S', 'T'};
constexpr uint64_t kVersion = 1;

class Writer {
 public:
  void Raw(const void* data, size_t size) {
    const auto* from = static_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), from, from + size);
  }
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<std::byte>(value | 0x80));
    bytes.push_back(static_cast<std::byte>(value));
  }
  void Fixed(uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(value >> (8 * i)));
  }
  void Text(const std::string& text) {
    Varint(text.size());
    Raw(text.data(), text.size());
  }
  void Bins(const std::vector<uint64_t>& bins) {
    Varint(bins.empty() ? 0 : 1);
    if (bins.empty()) return;
    size_t next = 0;
    for (size_t i = 0; i < bins.size(); ++i) {
      if (bins[i] == 0) continue;
      Varint(i - next);
      Varint(bins[i]);
      next = i + 1;
    }
    Varint(bins.size() - next);
  }
  std::vector<std::byte> bytes;
};

// Reads what Writer wrote. Past the end or on a malformed integer everything reads as 0 and ok() turns false.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  uint64_t Fixed(size_t size) {
    uint64_t value = 0;
    if (!Need(size)) return 0;
    for (size_t i = 0; i < size; ++i) value |= static_cast<uint64_t>(rest_[i]) << (8 * i);
    rest_ = rest_.subspan(size);
    return value;
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint64_t byte = Fixed(1);
      value |= (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return value;
    }
    ok_ = false;
    return 0;
  }
  std::string Text() {
    const uint64_t size = Varint();
    if (!Need(size)) return "";
    std::string text(reinterpret_cast<const char*>(rest_.data()), static_cast<size_t>(size));
    rest_ = rest_.subspan(static_cast<size_t>(size));
    return text;
  }
  void Bins(std::vector<uint64_t>& bins) {
    if (Varint() == 0) return;
    bins.resize(ValueStatistics::kBinsPerSign);
    for (uint64_t next = 0; ok_;) {
      const uint64_t gap = Varint();
      if (gap > bins.size() - next) {
        ok_ = false;
        return;
      }
      next += gap;
      if (next == bins.size()) return;
      bins[static_cast<size_t>(next++)] = Varint();
    }
  }

  void Channels(ValueStatistics& value) {
    constexpr uint64_t kBytes = 8 + ExactSum::kFractionBits / 8;
    const uint64_t channels = Varint();
    if (channels == 0) return;
    const uint64_t axis = Varint();
    if (axis >= Shape::kMaxRank || channels > rest_.size() / kBytes) {
      ok_ = false;
      return;
    }
    value.channel_axis = static_cast<int>(axis);
    value.channel_sums.resize(static_cast<size_t>(channels));
    for (ExactSum& sum : value.channel_sums) {
      sum.whole = static_cast<int64_t>(Fixed(8));
      sum.fraction = Fixed(kBytes - 8);
    }
  }

 private:
  bool Need(uint64_t size) {
    if (size > rest_.size()) ok_ = false;
    return ok_;
  }
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

int64_t WrappingAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

// The counts of a record must agree with each other, or arithmetic on them is meaningless.
bool IsConsistent(const ValueStatistics& value) {
  uint64_t sum = value.zeros;
  for (const auto* bins : {&value.positive, &value.negative}) {
    for (uint64_t bin : *bins) {
      if (!CheckedAdd(sum, bin, &sum)) return false;
    }
  }
  return sum == value.count && std::isfinite(value.min) && std::isfinite(value.max) && value.min <= value.max &&
         (value.count != 0 || (value.min == 0 && value.max == 0)) && std::isfinite(value.average_min) &&
         std::isfinite(value.average_max);
}

}  // namespace

const char* Name(ObserverKind kind) { return kNames[static_cast<size_t>(kind)]; }

Result<ObserverKind> ObserverFromName(const std::string& name) {
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (name == kNames[i]) return static_cast<ObserverKind>(i);
  }
  return Error(
      Code::kInvalidData,
      "observer '%s' is unknown; allowed: min_max, moving_average, histogram, percentile, entropy, mse, custom",
      Printable(name).c_str());
}

void ExactSum::Add(double finite) {
  const double value = std::clamp(finite, -0x1p62, 0x1p62);
  const double down = std::floor(value);
  ExactSum addend;
  addend.whole = static_cast<int64_t>(down);
  addend.fraction = static_cast<uint64_t>(std::nearbyint((value - down) * 0x1p40));
  Merge(addend);
}

void ExactSum::Merge(const ExactSum& other) {
  fraction += other.fraction;
  whole = WrappingAdd(whole, WrappingAdd(other.whole, static_cast<int64_t>(fraction >> kFractionBits)));
  fraction &= (uint64_t{1} << kFractionBits) - 1;
}

double ValueStatistics::BinEdge(size_t bin) {
  if (bin == 0) return 0.0;
  const int exponent = kMinExponent + static_cast<int>(bin >> kMantissaBits);
  const double mantissa = 1.0 + static_cast<double>(bin & ((1 << kMantissaBits) - 1)) / (1 << kMantissaBits);
  return std::ldexp(mantissa, exponent);
}

void ValueStatistics::Collect(std::span<const float> values) {
  float low = INFINITY, high = -INFINITY;
  const uint64_t count_before = count;
  for (float value : values) {
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude >= 0x7f800000) {
      ++(magnitude == 0x7f800000 ? inf : nan);
      continue;
    }
    ++count;
    low = std::min(low, value);
    high = std::max(high, value);
    if (magnitude == 0) {
      ++zeros;
      continue;
    }
    std::vector<uint64_t>& bins = bits >> 31 ? negative : positive;
    if (bins.empty()) bins.resize(kBinsPerSign);
    ++bins[BinOf(magnitude)];
  }
  if (count == count_before) return;
  low += 0.0f;  // -0 to +0, whichever of the two came first
  high += 0.0f;
  min = count_before == 0 ? low : std::min(min, low);
  max = count_before == 0 ? high : std::max(max, high);
}

void ValueStatistics::CollectChannels(std::span<const float> values, const Shape& shape, int axis) {
  const int first = axis == 0 ? 0 : 1;
  const int64_t samples = first == 0 ? 1 : shape[0], channels = shape[axis];
  const int64_t outer = shape.Elements(first, axis), inner = shape.Elements(axis + 1, shape.rank());
  if (channel_sums.empty()) channel_sums.resize(static_cast<size_t>(channels)), channel_axis = axis;
  if (channel_sums.size() != static_cast<size_t>(channels) || channel_axis != axis) return;
  std::vector<double> sums(channel_sums.size());
  const float* from = values.data();
  for (int64_t sample = 0; sample < samples; ++sample) {
    std::fill(sums.begin(), sums.end(), 0.0);
    for (int64_t o = 0; o < outer; ++o) {
      for (double& sum : sums) {
        for (int64_t i = 0; i < inner; ++i, ++from) {
          if (std::isfinite(*from)) sum += double{*from};
        }
      }
    }
    for (size_t c = 0; c < sums.size(); ++c) channel_sums[c].Add(sums[c]);
  }
}

std::vector<double> ValueStatistics::ChannelMeans() const {
  std::vector<double> means;
  if (count == 0) return means;
  const double values_of_one = static_cast<double>(count) / static_cast<double>(channel_sums.size());
  for (const ExactSum& sum : channel_sums) means.push_back(sum.Value() / values_of_one);
  return means;
}

void ValueStatistics::Average(float batch_min, float batch_max) {
  const double weight = averaged_batches == 0 ? 1.0 : kMovingAverageWeight;
  average_min += weight * (batch_min - average_min);
  average_max += weight * (batch_max - average_max);
  ++averaged_batches;
}

void ValueStatistics::Merge(const ValueStatistics& other) {
  if (other.count != 0) {
    min = count == 0 ? other.min : std::min(min, other.min);
    max = count == 0 ? other.max : std::max(max, other.max);
  }
  count += other.count;
  zeros += other.zeros;
  nan += other.nan;
  inf += other.inf;
  AddBins(other.positive, positive);
  AddBins(other.negative, negative);
  if (channel_sums.empty()) {
    channel_axis = other.channel_axis;
    channel_sums = other.channel_sums;
  } else if (channel_axis == other.channel_axis && channel_sums.size() == other.channel_sums.size()) {
    for (size_t c = 0; c < channel_sums.size(); ++c) channel_sums[c].Merge(other.channel_sums[c]);
  }
  if (other.averaged_batches == 0) return;
  averaged_batches += other.averaged_batches;
  const double share = static_cast<double>(other.averaged_batches) / static_cast<double>(averaged_batches);
  average_min += share * (other.average_min - average_min);
  average_max += share * (other.average_max - average_max);
}

Status Statistics::Merge(const Statistics& other) {
  if (model_digest != other.model_digest) {
    return Error(Code::kInvalidArgument, "statistics of another model cannot be merged: digest %s here, %s there",
                 model_digest.c_str(), Printable(other.model_digest).c_str());
  }
  samples += other.samples;
  for (const auto& [name, value] : other.values) values[name].Merge(value);
  return Ok();
}

std::vector<std::byte> Statistics::Save() const {
  Writer writer;
  writer.Raw(kMagic, sizeof(kMagic));
  writer.Varint(kVersion);
  writer.Text(model_digest);
  writer.Varint(samples);
  writer.Varint(values.size());
  for (const auto& [name, value] : values) {
    writer.Text(name);
    writer.Fixed(std::bit_cast<uint32_t>(value.min), 4);
    writer.Fixed(std::bit_cast<uint32_t>(value.max), 4);
    for (uint64_t field : {value.count, value.zeros, value.nan, value.inf}) writer.Varint(field);
    writer.Bins(value.positive);
    writer.Bins(value.negative);
    writer.Varint(value.averaged_batches);
    writer.Fixed(std::bit_cast<uint64_t>(value.average_min), 8);
    writer.Fixed(std::bit_cast<uint64_t>(value.average_max), 8);
    writer.Varint(value.channel_sums.size());
    if (!value.channel_sums.empty()) writer.Varint(static_cast<uint64_t>(value.channel_axis));
    for (const ExactSum& sum : value.channel_sums) {
      writer.Fixed(static_cast<uint64_t>(sum.whole), 8);
      writer.Fixed(sum.fraction, ExactSum::kFractionBits / 8);
    }
  }
  writer.Fixed(Hash64(writer.bytes), 8);
  return std::move(writer.bytes);
}

Result<Statistics> Statistics::Load(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(kMagic) + 8 || std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0) {
    return Error(Code::kInvalidData, "these %zu bytes are not a statistics file", bytes.size());
  }
  const auto body = bytes.first(bytes.size() - 8);
  if (Reader(bytes.last(8)).Fixed(8) != Hash64(body)) {
    return Error(Code::kInvalidData, "statistics file is damaged: its checksum does not fit its %zu bytes",
                 bytes.size());
  }
  Reader reader(body.subspan(sizeof(kMagic)));
  const uint64_t version = reader.Varint();
  if (version != kVersion) {
    return Error(Code::kUnsupported, "statistics file of version %llu; this library reads version %llu",
                 static_cast<unsigned long long>(version), static_cast<unsigned long long>(kVersion));
  }
  Statistics statistics;
  statistics.model_digest = reader.Text();
  statistics.samples = reader.Varint();
  const uint64_t count = reader.Varint();
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    const std::string name = reader.Text();
    ValueStatistics value;
    value.min = std::bit_cast<float>(static_cast<uint32_t>(reader.Fixed(4)));
    value.max = std::bit_cast<float>(static_cast<uint32_t>(reader.Fixed(4)));
    for (uint64_t* field : {&value.count, &value.zeros, &value.nan, &value.inf}) *field = reader.Varint();
    reader.Bins(value.positive);
    reader.Bins(value.negative);
    value.averaged_batches = reader.Varint();
    value.average_min = std::bit_cast<double>(reader.Fixed(8));
    value.average_max = std::bit_cast<double>(reader.Fixed(8));
    reader.Channels(value);
    if (reader.ok() && !IsConsistent(value)) {
      return Error(Code::kInvalidData, "statistics of value '%s' contradict themselves", Printable(name).c_str());
    }
    statistics.values.emplace(name, std::move(value));
  }
  if (!reader.ok() || !reader.at_end() || statistics.values.size() != count) {
    return Error(Code::kInvalidData, "statistics file is malformed after value %zu", statistics.values.size());
  }
  return statistics;
}

std::string Statistics::Digest() const { return Hash128Hex(Save()); }

}  // namespace octavo
