#include "core/quantize/recipe.h"

#include <gtest/gtest.h>

#include <chrono>

namespace octavo {
namespace {

Recipe Parsed(const std::string& json) {
  auto recipe = Recipe::Parse(json);
  EXPECT_TRUE(recipe.ok()) << json << ": " << recipe.status().message();
  return recipe.ok() ? *recipe : Recipe();
}

std::string ErrorOf(const std::string& json) {
  const auto recipe = Recipe::Parse(json);
  EXPECT_EQ(recipe.status().code(), Code::kInvalidData) << json;
  return recipe.status().message();
}

TEST(Recipe, BareNamesAndEmptyObject) {
  EXPECT_EQ(Parsed("static"), Recipe());
  EXPECT_EQ(Parsed("{}"), Recipe());
  EXPECT_EQ(Parsed("dynamic").scheme, Scheme::kDynamic);
  EXPECT_EQ(Parsed("weight-only").scheme, Scheme::kWeightOnly);
  EXPECT_EQ(Parsed(" {\n} "), Recipe());
}

TEST(Recipe, EveryKey) {
  const Recipe recipe = Parsed(R"({
    "octavo": 1,
    "scheme": "weight-only",
    "activations": {"dtype": "uint8", "observer": {"name": "percentile", "percentile": 99.5}},
    "weights": {"dtype": "int4", "granularity": "per_tensor", "rounding": "nearest", "block_size": 64},
    "bias_correction": false,
    "nodes": [
      {"match": {"op": "Gemm", "name": "head*"}, "keep_float": true},
      {"match": {"op": "Conv"}, "observer": "min_max", "weights": {"granularity": "per_channel"}},
      {"match": {}, "keep_float": false, "observer": {"name": "entropy"}, "weights": {}}
    ]
  })");
  EXPECT_EQ(recipe.scheme, Scheme::kWeightOnly);
  EXPECT_EQ(recipe.observer.kind, ObserverKind::kPercentile);
  EXPECT_EQ(recipe.observer.percentile, 99.5);
  EXPECT_EQ(recipe.weight_bits, 4);
  EXPECT_FALSE(recipe.per_channel);
  EXPECT_EQ(recipe.block_size, 64);
  EXPECT_FALSE(recipe.balanced_rounding);
  EXPECT_FALSE(recipe.bias_correction);
  ASSERT_EQ(recipe.nodes.size(), 3u);
  EXPECT_EQ(recipe.nodes[0].match_op, "Gemm");
  EXPECT_EQ(recipe.nodes[0].match_name, "head*");
  EXPECT_EQ(recipe.nodes[0].keep_float, true);
  EXPECT_FALSE(recipe.nodes[0].observer.has_value());
  EXPECT_EQ(recipe.nodes[1].observer->kind, ObserverKind::kMinMax);
  EXPECT_EQ(recipe.nodes[1].per_channel, true);
  EXPECT_EQ(recipe.nodes[2].keep_float, false);
  EXPECT_FALSE(recipe.nodes[2].per_channel.has_value());
}

TEST(Recipe, CanonicalFormRoundTrips) {
  std::vector<Recipe> recipes(4);
  recipes[1].scheme = Scheme::kDynamic;
  recipes[1].per_channel = false;
  recipes[2].scheme = Scheme::kWeightOnly;
  recipes[2].weight_bits = 4;
  recipes[2].block_size = 0;
  recipes[1].balanced_rounding = false;
  recipes[3].bias_correction = false;
  recipes[3].observer = {ObserverKind::kPercentile, 99.999};
  NodeRule rule;
  rule.match_op = "Conv";
  rule.match_name = "\"quoted\" \xc3\xa9 \\ \n *?";
  rule.keep_float = false;
  rule.observer = ObserverChoice{ObserverKind::kMse};
  rule.per_channel = true;
  recipes[3].nodes = {NodeRule(), rule};
  for (const Recipe& recipe : recipes) {
    const std::string json = recipe.ToJson();
    EXPECT_EQ(Parsed(json), recipe) << json;
    EXPECT_EQ(Parsed(json).ToJson(), json);
  }
  EXPECT_EQ(Recipe().ToJson(),
            R"({"octavo":1,"scheme":"static","activations":{"dtype":"uint8","observer":"histogram"},)"
            R"("weights":{"dtype":"int8","granularity":"per_channel","rounding":"balanced"},)"
            R"("bias_correction":true,"nodes":[]})");
}

TEST(Recipe, EveryErrorNamesThePlaceAndWhatIsAllowed) {
  const std::pair<const char*, const char*> cases[] = {
      {"Static", "recipe: not valid JSON"},
      {"", "recipe: not valid JSON"},
      {"{", "recipe: not valid JSON"},
      {"{\"scheme\": \"static\",}", "recipe: not valid JSON"},
      {"{} {}", "recipe: not valid JSON"},
      {"[]", "recipe is []; allowed: an object with octavo, scheme, activations, weights, bias_correction, nodes"},
      {"3", "recipe is 3; allowed: an object with octavo, scheme, activations, weights, bias_correction, nodes"},
      {R"({"schema": "static"})",
       "recipe: unknown key 'schema'; allowed: octavo, scheme, activations, weights, bias_correction, nodes"},
      {R"({"octavo": 2})", "recipe: 'octavo' is 2; allowed: 1, the version of the recipe format"},
      {R"({"scheme": "qat"})", "recipe: 'scheme' is \"qat\"; allowed: static, dynamic, weight-only"},
      {R"({"scheme": null})", "recipe: 'scheme' is null; allowed: static, dynamic, weight-only"},
      {R"({"activations": 8})", "recipe: 'activations' is 8; allowed: an object with dtype, observer"},
      {R"({"activations": {"bits": 8}})", "recipe: unknown key 'activations.bits'; allowed: dtype, observer"},
      {R"({"activations": {"dtype": "int8"}})", "recipe: 'activations.dtype' is \"int8\"; allowed: uint8"},
      {R"({"activations": {"observer": "max"}})",
       "recipe: 'activations.observer' is \"max\"; allowed: min_max, moving_average, histogram, percentile, entropy, "
       "mse, custom"},
      {R"({"activations": {"observer": {}}})",
       "recipe: 'activations.observer' is {}; allowed: min_max, moving_average, histogram, percentile, entropy, mse, "
       "custom"},
      {R"({"activations": {"observer": {"name": 4}}})",
       "recipe: 'activations.observer.name' is 4; allowed: min_max, moving_average, histogram, percentile, entropy, "
       "mse, custom"},
      {R"({"activations": {"observer": {"name": "mse", "bins": 4}}})",
       "recipe: unknown key 'activations.observer.bins'; allowed: name, percentile"},
      {R"({"activations": {"observer": {"name": "mse", "percentile": 99}}})",
       "recipe: 'activations.observer.percentile' goes with the observer percentile only"},
      {R"({"activations": {"observer": {"name": "percentile", "percentile": 50}}})",
       "recipe: 'activations.observer.percentile' is 50; allowed: a number in (50, 100]"},
      {R"({"activations": {"observer": {"name": "percentile", "percentile": 100.5}}})",
       "recipe: 'activations.observer.percentile' is 100.5; allowed: a number in (50, 100]"},
      {R"({"activations": {"observer": {"name": "percentile", "percentile": "99"}}})",
       "recipe: 'activations.observer.percentile' is \"99\"; allowed: a number in (50, 100]"},
      {R"({"weights": {"dtype": "int16"}})", "recipe: 'weights.dtype' is \"int16\"; allowed: int8, int4"},
      {R"({"weights": {"dtype": "int4"}})",
       "recipe: 'weights.dtype' is \"int4\"; allowed: int8; int4 goes with the scheme weight-only"},
      {R"({"weights": {"granularity": "channel"}})",
       "recipe: 'weights.granularity' is \"channel\"; allowed: per_tensor, per_channel"},
      {R"({"weights": {"block_size": 24}})",
       "recipe: 'weights.block_size' is 24; allowed: 0 (whole channels) or a multiple of 16 up to 65536"},
      {R"({"weights": {"block_size": -16}})",
       "recipe: 'weights.block_size' is -16; allowed: 0 (whole channels) or a multiple of 16 up to 65536"},
      {R"({"weights": {"block_size": 32.0}})",
       "recipe: 'weights.block_size' is 32.0; allowed: 0 (whole channels) or a multiple of 16 up to 65536"},
      {R"({"weights": {"block_size": 18446744073709551600}})",
       "recipe: 'weights.block_size' is 18446744073709551600; allowed: 0 (whole channels) or a multiple of 16 up to "
       "65536"},
      {R"({"weights": {"rounding": "up"}})", "recipe: 'weights.rounding' is \"up\"; allowed: nearest, balanced"},
      {R"({"bias_correction": 1})", "recipe: 'bias_correction' is 1; allowed: true, false"},
      {R"({"nodes": {}})", "recipe: 'nodes' is {}; allowed: an array of rules"},
      {R"({"nodes": [7]})", "recipe: 'nodes[0]' is 7; allowed: an object with match, keep_float, observer, weights"},
      {R"({"nodes": [{"keep_float": true}]})", "recipe: 'nodes[0]' has no 'match'"},
      {R"({"nodes": [{"match": {}}, {"match": {"type": "Conv"}}]})",
       "recipe: unknown key 'nodes[1].match.type'; allowed: op, name"},
      {R"({"nodes": [{"match": "Conv"}]})", "recipe: 'nodes[0].match' is \"Conv\"; allowed: an object with op, name"},
      {R"({"nodes": [{"match": {"op": 3}}]})",
       "recipe: 'nodes[0].match.op' is 3; allowed: a pattern of characters, * and ?"},
      {R"({"nodes": [{"match": {}, "keep_float": 1}]})", "recipe: 'nodes[0].keep_float' is 1; allowed: true, false"},
      {R"({"nodes": [{"match": {}, "observer": "kl"}]})",
       "recipe: 'nodes[0].observer' is \"kl\"; allowed: min_max, moving_average, histogram, percentile, entropy, mse, "
       "custom"},
      {R"({"nodes": [{"match": {}, "weights": {"dtype": "int8"}}]})",
       "recipe: unknown key 'nodes[0].weights.dtype'; allowed: granularity"},
      {R"({"scheme": "static", "scheme": "dynamic"})", "recipe: key 'scheme' stands twice in one object"},
      {R"({"nodes": [{"match": {"op": "a", "op": "b"}}]})", "recipe: key 'op' stands twice in one object"},
  };
  for (const auto& [json, message] : cases) EXPECT_EQ(ErrorOf(json), message);
}

TEST(Recipe, EqualKeysInDifferentObjectsAreFine) {
  EXPECT_EQ(Parsed(R"({"nodes": [{"match": {"op": "a"}}, {"match": {"op": "b"}}]})").nodes.size(), 2u);
}

TEST(Recipe, HostileTextIsRefusedQuickly) {
  EXPECT_EQ(ErrorOf(std::string(1 << 20, '[')), "recipe: nested deeper than 16 levels");
  EXPECT_EQ(ErrorOf("{\"nodes\":" + std::string(40, '[') + std::string(40, ']') + "}"),
            "recipe: nested deeper than 16 levels");
  std::string closing(100, ']');
  ErrorOf(closing + std::string(100000, '['));
  ErrorOf(std::string("\0{}", 3));
  ErrorOf("\"\xff\xfe\"");
  ErrorOf("{\"scheme\": \"\xff\"}");
  std::string long_key = "{\"" + std::string(1 << 16, 'k') + "\": 1}";
  EXPECT_LT(ErrorOf(long_key).size(), 400u);
}

// Brackets inside of strings do not nest.
TEST(Recipe, NamesMayHoldBrackets) {
  const std::string json = R"({"nodes": [{"match": {"name": "[[[[[[[[[[[[[[[[[[[[[[[[[[{{{{{{{{{{{\"[[[["}}]})";
  EXPECT_EQ(Parsed(json).nodes.size(), 1u);
}

TEST(Recipe, Patterns) {
  const auto matches = [](const char* pattern, const char* name) {
    NodeRule rule;
    rule.match_name = pattern;
    return rule.Matches("Conv", name);
  };
  EXPECT_TRUE(matches("", "anything"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("head*", "head"));
  EXPECT_TRUE(matches("head*", "head/conv"));
  EXPECT_FALSE(matches("head*", "ahead"));
  EXPECT_TRUE(matches("*head", "ahead"));
  EXPECT_TRUE(matches("a*b*c", "a1b2b3c"));
  EXPECT_FALSE(matches("a*b*c", "a1b2b3"));
  EXPECT_TRUE(matches("conv?", "conv1"));
  EXPECT_FALSE(matches("conv?", "conv"));
  EXPECT_FALSE(matches("conv?", "conv12"));
  EXPECT_TRUE(matches("**", "x"));
  EXPECT_TRUE(matches("?*?", "xy"));
  EXPECT_FALSE(matches("?*?", "x"));
  EXPECT_FALSE(matches("conv", "Conv"));
  NodeRule both;
  both.match_op = "Conv*";
  both.match_name = "a";
  EXPECT_TRUE(both.Matches("ConvTranspose", "a"));
  EXPECT_FALSE(both.Matches("ConvTranspose", "b"));
  EXPECT_FALSE(both.Matches("Gemm", "a"));
  // What makes naive matching exponential.
  std::string pattern;
  for (int i = 0; i < 30; ++i) pattern += "*a";
  EXPECT_FALSE(matches((pattern + "b").c_str(), std::string(20000, 'a').c_str()));
}

}  // namespace
}  // namespace octavo
