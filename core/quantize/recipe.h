// Recipe: the user's wishes for quantization, as JSON (docs/recipes.md).
#ifndef OCTAVO_CORE_QUANTIZE_RECIPE_H_
#define OCTAVO_CORE_QUANTIZE_RECIPE_H_

#include <optional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/observe/statistics.h"

namespace octavo {

enum class Scheme : uint8_t { kStatic, kDynamic, kWeightOnly };
const char* Name(Scheme scheme);  // "static", "dynamic", "weight-only"

struct ObserverChoice {
  ObserverKind kind = ObserverKind::kHistogram;
  double percentile = 99.99;  // of kPercentile; (50, 100]

  bool operator==(const ObserverChoice&) const = default;
};

// Applies to the nodes whose operator and name match both patterns (`*` and `?`; empty matches all).
struct NodeRule {
  std::string match_op, match_name;
  std::optional<bool> keep_float;
  std::optional<ObserverChoice> observer;
  std::optional<bool> per_channel;

  bool Matches(const std::string& op, const std::string& name) const;
  bool operator==(const NodeRule&) const = default;
};

struct Recipe {
  Scheme scheme = Scheme::kStatic;
  ObserverChoice observer;        // of activations
  bool per_channel = true;        // granularity of weights
  int64_t block_size = 32;        // weight-only: elements along the summed axis that share a scale; 0 = whole channel
  int weight_bits = 8;            // weight-only: 8 or 4
  bool balanced_rounding = true;  // of convolution kernels: BalanceKernels (weights.h)
  bool bias_correction = true;    // static: biases make up for the mean error of rounded weights
  std::vector<NodeRule> nodes;    // later rules win

  // Unknown key, wrong type, value out of range: kInvalidData, naming it and what is allowed. Also accepts the bare
  // names of schemes: `static`, `dynamic`, `weight-only`.
  static Result<Recipe> Parse(const std::string& json);
  std::string ToJson() const;  // canonical; Parse gives the same recipe back

  bool operator==(const Recipe&) const = default;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_RECIPE_H_
