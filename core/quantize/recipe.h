// Recipe: the user's wishes for quantization, as JSON (see docs/recipes.md) or set call by call.
#ifndef OCTAVO_CORE_QUANTIZE_RECIPE_H_
#define OCTAVO_CORE_QUANTIZE_RECIPE_H_

#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/observe/statistics.h"

namespace octavo {

enum class Scheme : uint8_t { kStatic, kDynamic, kWeightOnly };

struct ObserverChoice {
  ObserverKind kind = ObserverKind::kHistogram;
  double percentile = 99.99;  // of kPercentile
};

struct NodeRule {
  std::string match_op, match_name;  // glob patterns; empty matches all
  std::optional<bool> keep_float;
  std::optional<ObserverChoice> observer;
  std::optional<bool> per_channel;
};

struct Recipe {
  Scheme scheme = Scheme::kStatic;
  ObserverChoice observer;
  bool per_channel = true;      // weights
  int64_t block_size = 32;      // weight-only
  int weight_bits = 8;          // weight-only: 8 or 4
  std::vector<NodeRule> nodes;  // later rules win

  // Unknown key, wrong type, value out of range: kInvalidData, naming it and what is allowed.
  static Result<Recipe> Parse(const std::string& json);
  std::string ToJson() const;  // canonical: parse(ToJson()) == *this
};

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_RECIPE_H_
