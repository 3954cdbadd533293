#include "core/quantize/recipe.h"

#include <initializer_list>
#include <nlohmann/json.hpp>

namespace octavo {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchemes[] = {"static", "dynamic", "weight-only"};

// `pattern` with * (any run) and ? (any one character); linear in practice, no recursion.
bool GlobMatches(const std::string& pattern, const std::string& text) {
  size_t p = 0, t = 0, star = std::string::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++, star_text = t;
    } else if (star != std::string::npos) {
      p = star + 1, t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string Join(std::initializer_list<const char*> words) {
  std::string text;
  for (const char* word : words) text += (text.empty() ? "" : ", ") + std::string(word);
  return text;
}

// A JSON object with the path to it, for messages.
struct At {
  const Json& json;
  std::string path;

  At operator[](const char* key) const { return {json.at(key), path.empty() ? key : path + "." + key}; }
  bool has(const char* key) const { return json.contains(key); }

  Status Wrong(const std::string& allowed) const {
    return Status(Code::kInvalidData, (path.empty() ? "recipe" : "recipe: '" + path + "'") + " is " +
                                          Printable(json.dump()) + "; allowed: " + allowed);
  }
  Status CheckKeys(std::initializer_list<const char*> keys) const {
    if (!json.is_object()) return Wrong("an object with " + Join(keys));
    for (const auto& [key, value] : json.items()) {
      bool known = false;
      for (const char* k : keys) known |= key == k;
      if (!known) {
        return Status(Code::kInvalidData, "recipe: unknown key '" + (path.empty() ? "" : path + ".") + Printable(key) +
                                              "'; allowed: " + Join(keys));
      }
    }
    return Ok();
  }
  // The position of a string among `words`.
  Result<size_t> Word(std::initializer_list<const char*> words) const {
    size_t i = 0;
    for (const char* word : words) {
      if (json.is_string() && json.get_ref<const std::string&>() == word) return i;
      ++i;
    }
    return Wrong(Join(words));
  }
};

Result<ObserverChoice> ParseObserver(const At& at) {
  ObserverChoice choice;
  const At name = at.json.is_object() && at.has("name") ? at["name"] : at;
  if (at.json.is_object()) OCTAVO_RETURN_IF_ERROR(at.CheckKeys({"name", "percentile"}));
  OCTAVO_ASSIGN_OR_RETURN(const size_t kind, name.Word({"min_max", "moving_average", "histogram", "percentile",
                                                        "entropy", "mse", "custom"}));
  choice.kind = static_cast<ObserverKind>(kind);
  if (at.json.is_object() && at.has("percentile")) {
    const At percentile = at["percentile"];
    if (choice.kind != ObserverKind::kPercentile) {
      return Status(Code::kInvalidData, "recipe: '" + percentile.path + "' goes with the observer percentile only");
    }
    if (!percentile.json.is_number() || !(percentile.json.get<double>() > 50 && percentile.json.get<double>() <= 100)) {
      return percentile.Wrong("a number in (50, 100]");
    }
    choice.percentile = percentile.json.get<double>();
  }
  return choice;
}

Result<bool> ParseGranularity(const At& at) {
  OCTAVO_ASSIGN_OR_RETURN(const size_t word, at.Word({"per_tensor", "per_channel"}));
  return word == 1;
}

Result<NodeRule> ParseRule(const At& at) {
  OCTAVO_RETURN_IF_ERROR(at.CheckKeys({"match", "keep_float", "observer", "weights"}));
  NodeRule rule;
  if (!at.has("match")) return Status(Code::kInvalidData, "recipe: '" + at.path + "' has no 'match'");
  const At match = at["match"];
  OCTAVO_RETURN_IF_ERROR(match.CheckKeys({"op", "name"}));
  for (auto [key, pattern] : {std::pair{"op", &rule.match_op}, std::pair{"name", &rule.match_name}}) {
    if (!match.has(key)) continue;
    if (!match[key].json.is_string()) return match[key].Wrong("a pattern of characters, * and ?");
    *pattern = match[key].json.get<std::string>();
  }
  if (at.has("keep_float")) {
    if (!at["keep_float"].json.is_boolean()) return at["keep_float"].Wrong("true, false");
    rule.keep_float = at["keep_float"].json.get<bool>();
  }
  if (at.has("observer")) {
    OCTAVO_ASSIGN_OR_RETURN(rule.observer, ParseObserver(at["observer"]));
  }
  if (at.has("weights")) {
    const At weights = at["weights"];
    OCTAVO_RETURN_IF_ERROR(weights.CheckKeys({"granularity"}));
    if (weights.has("granularity")) {
      OCTAVO_ASSIGN_OR_RETURN(rule.per_channel, ParseGranularity(weights["granularity"]));
    }
  }
  return rule;
}

Result<Recipe> ParseRoot(const At& at) {
  OCTAVO_RETURN_IF_ERROR(at.CheckKeys({"octavo", "scheme", "activations", "weights", "bias_correction", "nodes"}));
  Recipe recipe;
  if (at.has("octavo") && at["octavo"].json != 1) return at["octavo"].Wrong("1, the version of the recipe format");
  if (at.has("scheme")) {
    OCTAVO_ASSIGN_OR_RETURN(const size_t scheme, at["scheme"].Word({"static", "dynamic", "weight-only"}));
    recipe.scheme = static_cast<Scheme>(scheme);
  }
  if (at.has("activations")) {
    const At activations = at["activations"];
    OCTAVO_RETURN_IF_ERROR(activations.CheckKeys({"dtype", "observer"}));
    if (activations.has("dtype")) OCTAVO_RETURN_IF_ERROR(activations["dtype"].Word({"uint8"}).status());
    if (activations.has("observer")) {
      OCTAVO_ASSIGN_OR_RETURN(recipe.observer, ParseObserver(activations["observer"]));
    }
  }
  if (at.has("weights")) {
    const At weights = at["weights"];
    OCTAVO_RETURN_IF_ERROR(weights.CheckKeys({"dtype", "granularity", "rounding", "block_size"}));
    if (weights.has("dtype")) {
      OCTAVO_ASSIGN_OR_RETURN(const size_t dtype, weights["dtype"].Word({"int8", "int4"}));
      recipe.weight_bits = dtype == 0 ? 8 : 4;
      if (dtype == 1 && recipe.scheme != Scheme::kWeightOnly) {
        return weights["dtype"].Wrong("int8; int4 goes with the scheme weight-only");
      }
    }
    if (weights.has("granularity")) {
      OCTAVO_ASSIGN_OR_RETURN(recipe.per_channel, ParseGranularity(weights["granularity"]));
    }
    if (weights.has("rounding")) {
      OCTAVO_ASSIGN_OR_RETURN(const size_t word, weights["rounding"].Word({"nearest", "balanced"}));
      recipe.balanced_rounding = word == 1;
    }
    if (weights.has("block_size")) {
      const At size = weights["block_size"];
      const bool fits = size.json.is_number_integer() && size.json.get<int64_t>() >= 0 &&
                        size.json.get<int64_t>() <= 65536 && size.json.get<int64_t>() % 16 == 0;
      if (!fits) return size.Wrong("0 (whole channels) or a multiple of 16 up to 65536");
      recipe.block_size = size.json.get<int64_t>();
    }
  }
  if (at.has("bias_correction")) {
    if (!at["bias_correction"].json.is_boolean()) return at["bias_correction"].Wrong("true, false");
    recipe.bias_correction = at["bias_correction"].json.get<bool>();
  }
  if (at.has("nodes")) {
    const At nodes = at["nodes"];
    if (!nodes.json.is_array()) return nodes.Wrong("an array of rules");
    for (size_t i = 0; i < nodes.json.size(); ++i) {
      OCTAVO_ASSIGN_OR_RETURN(NodeRule rule, ParseRule({nodes.json[i], "nodes[" + std::to_string(i) + "]"}));
      recipe.nodes.push_back(std::move(rule));
    }
  }
  return recipe;
}

Json ObserverJson(const ObserverChoice& choice) {
  if (choice.kind != ObserverKind::kPercentile) return Name(choice.kind);
  return {{"name", Name(choice.kind)}, {"percentile", choice.percentile}};
}

const char* Granularity(bool per_channel) { return per_channel ? "per_channel" : "per_tensor"; }

}  // namespace

const char* Name(Scheme scheme) { return kSchemes[static_cast<size_t>(scheme)]; }

bool NodeRule::Matches(const std::string& op, const std::string& name) const {
  return (match_op.empty() || GlobMatches(match_op, op)) && (match_name.empty() || GlobMatches(match_name, name));
}

Result<Recipe> Recipe::Parse(const std::string& json) {
  for (const char* scheme : kSchemes) {
    if (json == scheme) return ParseRoot({Json{{"scheme", scheme}}, ""});
  }
  // Depth is bounded before the parser, which recurses, sees the text.
  int depth = 0;
  bool in_string = false, escaped = false;
  for (char c : json) {
    if (c == '"' && !escaped) in_string = !in_string;
    escaped = in_string && c == '\\' && !escaped;
    if (in_string) continue;
    depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    if (depth > 16) return Error(Code::kInvalidData, "recipe: nested deeper than 16 levels");
  }
  std::optional<std::string> duplicate;
  std::vector<std::vector<std::string>> keys;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
    if (event == Json::parse_event_t::key) {
      for (const std::string& key : keys.back()) {
        if (key == parsed) duplicate = key;
      }
      keys.back().push_back(parsed.get<std::string>());
    }
    return true;
  };
  const Json root = Json::parse(json, watch, /*allow_exceptions=*/false);
  if (root.is_discarded()) return Error(Code::kInvalidData, "recipe: not valid JSON");
  if (duplicate) {
    return Error(Code::kInvalidData, "recipe: key '%s' stands twice in one object", Printable(*duplicate).c_str());
  }
  return ParseRoot({root, ""});
}

std::string Recipe::ToJson() const {
  Json root = {{"octavo", 1}, {"scheme", Name(scheme)}};
  root["activations"] = {{"dtype", "uint8"}, {"observer", ObserverJson(observer)}};
  root["weights"] = {{"dtype", weight_bits == 8 ? "int8" : "int4"},
                     {"granularity", Granularity(per_channel)},
                     {"rounding", balanced_rounding ? "balanced" : "nearest"}};
  if (scheme == Scheme::kWeightOnly) root["weights"]["block_size"] = block_size;
  if (scheme == Scheme::kStatic) root["bias_correction"] = bias_correction;
  root["nodes"] = Json::array();
  for (const NodeRule& rule : nodes) {
    Json json;
    json["match"] = Json::object();
    if (!rule.match_op.empty()) json["match"]["op"] = rule.match_op;
    if (!rule.match_name.empty()) json["match"]["name"] = rule.match_name;
    if (rule.keep_float) json["keep_float"] = *rule.keep_float;
    if (rule.observer) json["observer"] = ObserverJson(*rule.observer);
    if (rule.per_channel) json["weights"] = {{"granularity", Granularity(*rule.per_channel)}};
    root["nodes"].push_back(std::move(json));
  }
  return root.dump();
}

}  // namespace octavo
