#include "core/quantize/quantize.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/observe/digest.h"
#include "core/quantize/placement.h"
#include "core/quantize/schemes.h"
#include "core/simplify/simplify.h"

namespace octavo {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRecipeKey = "octavo.recipe";
constexpr const char* kStatisticsKey = "octavo.statistics";
constexpr const char* kDecisionsKey = "octavo.decisions";

// Dynamic and weight-only quantize weighted nodes alone, each by itself.
void KeepWeightedOnly(Placement& placement, const Graph& graph, Scheme scheme) {
  for (Unit& unit : placement.units) {
    const std::string& op = graph.nodes[unit.nodes[0]].op_type;
    if (unit.rule == QuantRule::kWeighted && unit.int8 && scheme == Scheme::kDynamic && op == "ConvTranspose") {
      unit.int8 = false;
      unit.reason = "no_integer_form";
      unit.sentence = "ONNX has no integer ConvTranspose";
    } else if (unit.rule != QuantRule::kWeighted && unit.int8) {
      unit.int8 = false;
      unit.reason = "not_weighted";
      unit.sentence = std::string("the scheme ") + Name(scheme) + " quantizes operators with weights only";
    }
    for (size_t i = 0; i < unit.nodes.size(); ++i) {
      Decision& decision = placement.decisions[unit.nodes[i]];
      const bool integer = unit.int8 && i == 0;
      decision.precision = integer && scheme == Scheme::kDynamic ? "int8" : "float32";
      decision.reason = integer     ? (scheme == Scheme::kWeightOnly ? "weights_int8" : "")
                        : unit.int8 ? "not_weighted"
                                    : unit.reason;
      decision.sentence = integer ? (scheme == Scheme::kWeightOnly ? "its weights are stored as integers" : "")
                          : unit.int8
                              ? std::string("the scheme ") + Name(scheme) + " quantizes operators with weights only"
                              : unit.sentence;
    }
  }
}

void SetMetadata(Graph& graph, const char* key, std::string value) {
  std::erase_if(graph.metadata, [&](const auto& entry) { return entry.first == key; });
  graph.metadata.emplace_back(key, std::move(value));
}

// [["conv1", "Conv", "int8"], ["prob", "Softmax", "float32", "no_integer_form"], ...] and each reason's sentence once,
// since the list is a good part of a small network's file.
std::string DecisionsJson(const std::vector<Decision>& decisions) {
  Json nodes = Json::array(), sentences = Json::object();
  for (const Decision& decision : decisions) {
    Json row = {decision.node, decision.op, decision.precision};
    if (!decision.reason.empty()) {
      row.push_back(decision.reason);
      const auto known = sentences.find(decision.reason);
      if (known == sentences.end()) {
        sentences[decision.reason] = decision.sentence;
      } else if (*known != decision.sentence) {
        row.push_back(decision.sentence);
      }
    }
    nodes.push_back(std::move(row));
  }
  return Json{{"nodes", std::move(nodes)}, {"reasons", std::move(sentences)}}.dump(-1, ' ', false,
                                                                                   Json::error_handler_t::replace);
}

std::vector<Decision> ParseDecisions(const std::string& text) {
  std::vector<Decision> decisions;
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("nodes") || !json["nodes"].is_array()) return decisions;
  for (const Json& row : json["nodes"]) {
    const bool strings = row.is_array() && row.size() >= 3 && row.size() <= 5 &&
                         std::all_of(row.begin(), row.end(), [](const Json& cell) { return cell.is_string(); });
    if (!strings) return {};
    Decision decision{row[0], row[1], row[2], row.size() > 3 ? row[3] : "", row.size() > 4 ? row[4] : ""};
    if (row.size() == 4 && json.contains("reasons") && json["reasons"].is_object()) {
      const auto sentence = json["reasons"].find(decision.reason);
      if (sentence != json["reasons"].end() && sentence->is_string()) decision.sentence = *sentence;
    }
    decisions.push_back(std::move(decision));
  }
  return decisions;
}

// The recipe names the observer custom exactly when its function is there.
Status CheckCustom(const Recipe& recipe, const CustomObserver* custom) {
  const bool named = recipe.observer.kind == ObserverKind::kCustom ||
                     std::any_of(recipe.nodes.begin(), recipe.nodes.end(), [](const NodeRule& rule) {
                       return rule.observer && rule.observer->kind == ObserverKind::kCustom;
                     });
  if (custom && recipe.scheme != Scheme::kStatic) {
    return Error(Code::kInvalidArgument, "a custom observer is given, but the scheme %s has no ranges to choose",
                 Name(recipe.scheme));
  }
  if (custom && !named) {
    return Error(Code::kInvalidArgument,
                 "a custom observer is given, but the recipe does not name the observer 'custom' anywhere");
  }
  if (!custom && named && recipe.scheme == Scheme::kStatic) {
    return Error(Code::kInvalidArgument,
                 "the recipe names the observer 'custom', but no function for it is given "
                 "(octavo_quantize_options_set_observer)");
  }
  return Ok();
}

}  // namespace

Result<Graph> Quantize(const Graph& graph, const Recipe& recipe, const Statistics* statistics, const MemoryPtr& memory,
                       const Progress* progress, const Cancel* cancel, const CustomObserver* custom) {
  OCTAVO_RETURN_IF_ERROR(CheckCustom(recipe, custom));
  if (recipe.scheme == Scheme::kStatic) {
    if (!statistics) {
      return Error(Code::kInvalidArgument,
                   "the scheme static needs statistics: calibrate first, or choose dynamic or weight-only");
    }
    const std::string digest = GraphDigest(graph);
    if (statistics->model_digest != digest) {
      return Error(Code::kInvalidArgument,
                   "the statistics were collected on another model: digest %s, this model's is %s",
                   Printable(statistics->model_digest).c_str(), digest.c_str());
    }
  }
  for (const Node& node : graph.nodes) {
    if (node.op->quant == QuantRule::kQuantized) {
      return Error(Code::kInvalidArgument,
                   "the model is quantized already: node '%s' is a %s; use convert for such models",
                   Printable(node.name).c_str(), node.op->name);
    }
  }
  const int64_t needed = recipe.scheme != Scheme::kWeightOnly                ? 13
                         : recipe.block_size != 0 || recipe.weight_bits == 4 ? 21
                                                                             : 13;
  Graph upgraded = graph;
  if (graph.opset() < needed) {
    OCTAVO_ASSIGN_OR_RETURN(upgraded, UpgradeOpset(graph, needed, memory));
  }
  OCTAVO_ASSIGN_OR_RETURN(Placement placement, Place(upgraded, recipe));

  const Tick tick = [&](size_t done, size_t all, const std::string& what) -> Status {
    OCTAVO_RETURN_IF_ERROR(CheckCancel(cancel));
    const bool go_on = !progress || (*progress)(static_cast<double>(done) / static_cast<double>(all), what);
    return go_on ? Ok() : Status(Code::kCancelled, "cancelled by the progress callback");
  };
  if (recipe.scheme != Scheme::kStatic) KeepWeightedOnly(placement, upgraded, recipe.scheme);
  auto result = recipe.scheme == Scheme::kStatic
                    ? EmitStatic(upgraded, recipe, placement, *statistics, custom, memory, tick)
                : recipe.scheme == Scheme::kDynamic ? EmitDynamic(upgraded, recipe, placement, memory, tick)
                                                    : EmitWeightOnly(upgraded, recipe, placement, memory, tick);
  if (!result.ok()) return result.status();
  result->producer_name = "octavo";
  result->producer_version.clear();
  SetMetadata(*result, kRecipeKey, recipe.ToJson());
  if (recipe.scheme == Scheme::kStatic) SetMetadata(*result, kStatisticsKey, statistics->Digest());
  SetMetadata(*result, kDecisionsKey, DecisionsJson(placement.decisions));
  return result;
}

std::vector<Decision> Decisions(const Graph& graph) {
  for (const auto& [key, value] : graph.metadata) {
    if (key == kDecisionsKey) return ParseDecisions(value);
  }
  auto placement = Place(graph, Recipe());
  return placement.ok() ? std::move(placement->decisions) : std::vector<Decision>();
}

}  // namespace octavo
