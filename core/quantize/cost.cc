#include "core/quantize/cost.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace octavo {
namespace {

// So many multiply-accumulates have to be done in 8 bits until they have made up for one element that is converted
// (docs/performance.md, Cost). DynamicQuantizeLinear goes over its values twice.
constexpr double kMacsOfAConversion = 32;
constexpr double kMacsOfADynamicConversion = 64;

double Dim(const Shape& shape, int d) { return shape[d] == Shape::kUnknown ? 1.0 : static_cast<double>(shape[d]); }

class Islands {
 public:
  Islands(const Graph& graph, const Recipe& recipe, const Placement& placement)
      : graph_(graph),
        placement_(placement),
        dynamic_(recipe.scheme == Scheme::kDynamic),
        producers_(Producers(graph)),
        consumers_(Consumers(graph)),
        is_output_(graph.values.size(), false),
        island_of_(placement.units.size()),
        islands_(placement.units.size()) {
    for (ValueId v : graph.outputs) is_output_[v] = true;
    std::iota(island_of_.begin(), island_of_.end(), size_t{0});
    for (ValueId v = 0; v < graph.values.size(); ++v) Join(v);
    for (ValueId v = 0; v < graph.values.size(); ++v) CountConversions(v);
    for (size_t u = 0; u < placement.units.size(); ++u) {
      const Unit& unit = placement.units[u];
      const double macs = NodeMacs(graph, graph.nodes[unit.nodes[0]]);
      Of(u).macs += macs;
      Of(u).kept |= unit.rule == QuantRule::kWeighted && macs == 0;  // of unknown shape
      for (NodeId n : unit.nodes) Of(u).kept |= RuleFor(recipe, graph.nodes[n]).keep_float == false;
    }
  }

  // The dynamic scheme turns weighted operators alone into integers, and their results back.
  bool IsInt8(size_t u) const {
    const Unit& unit = placement_.units[u];
    return unit.int8 && (!dynamic_ || unit.rule == QuantRule::kWeighted);
  }
  bool IsCostly(size_t u) {
    const Island& island = Of(u);
    return !island.kept && island.macs < island.converted * (dynamic_ ? kMacsOfADynamicConversion : kMacsOfAConversion);
  }
  std::string Sentence(size_t u) {
    char text[160];
    std::snprintf(text, sizeof(text),
                  "INT8 would take longer: it does %.0f multiply-accumulates for %.0f elements converted to and fro",
                  Of(u).macs, Of(u).converted);
    return text;
  }

 private:
  struct Island {
    double macs = 0, converted = 0;
    bool kept = false;  // whatever it costs
  };
  // Who makes and who reads a value.
  struct Ends {
    int maker = -1;            // the INT8 unit; -1: float
    std::vector<int> readers;  // INT8 units
    bool read_in_float = false;
  };

  int Int8UnitOf(NodeId n) const {  // -1: it runs in float
    const int u = placement_.unit_of[n];
    return u >= 0 && IsInt8(static_cast<size_t>(u)) ? u : -1;
  }

  Ends EndsOf(ValueId v) const {
    Ends ends;
    if (graph_.values[v].constant) return ends;
    if (producers_[v] != kNoNode) ends.maker = Int8UnitOf(producers_[v]);
    ends.read_in_float = is_output_[v];
    for (NodeId n : consumers_[v]) {
      const int reader = Int8UnitOf(n);
      if (reader < 0) {
        ends.read_in_float = true;
      } else if (reader != ends.maker) {  // else a value inside a unit
        ends.readers.push_back(reader);
      }
    }
    return ends;
  }

  void Join(ValueId v) {
    const Ends ends = EndsOf(v);
    if (ends.readers.empty()) return;
    const size_t root = Root(static_cast<size_t>(ends.readers[0]));
    for (int u : ends.readers) island_of_[Root(static_cast<size_t>(u))] = root;
    if (ends.maker >= 0 && !dynamic_) island_of_[Root(static_cast<size_t>(ends.maker))] = root;
  }

  void CountConversions(ValueId v) {
    if (!graph_.values[v].shape) return;
    const Ends ends = EndsOf(v);
    const double elements = ElementsOf(*graph_.values[v].shape);
    const bool leaves = ends.maker >= 0 && (dynamic_ || ends.read_in_float);
    const bool enters = !ends.readers.empty() && (dynamic_ || ends.maker < 0);
    if (leaves) Of(static_cast<size_t>(ends.maker)).converted += elements;
    if (enters) Of(static_cast<size_t>(ends.readers[0])).converted += elements;
  }

  size_t Root(size_t u) {
    while (island_of_[u] != u) u = island_of_[u] = island_of_[island_of_[u]];
    return u;
  }
  Island& Of(size_t u) { return islands_[Root(u)]; }

  const Graph& graph_;
  const Placement& placement_;
  const bool dynamic_;
  const std::vector<NodeId> producers_;
  const std::vector<std::vector<NodeId>> consumers_;
  std::vector<bool> is_output_;
  std::vector<size_t> island_of_;  // by unit: another unit of its island, in the end itself
  std::vector<Island> islands_;    // by the unit at that end
};

}  // namespace

double ElementsOf(const Shape& shape, int begin) {
  double product = 1;
  for (int d = begin; d < shape.rank(); ++d) product *= Dim(shape, d);
  return product;
}

double NodeMacs(const Graph& graph, const Node& node) {
  const auto shape = [&](size_t i) -> const Shape* {
    return node.has_input(i) && graph.values[node.inputs[i]].shape ? &*graph.values[node.inputs[i]].shape : nullptr;
  };
  if (node.outputs.empty() || node.outputs[0] == kNoValue) return 0;
  const std::optional<Shape>& out = graph.values[node.outputs[0]].shape;
  const std::string& op = node.op_type;
  if (!out) return 0;
  if (op == "Conv" || op == "ConvInteger" || op == "QLinearConv") {
    const Shape* w = shape(op == "QLinearConv" ? 3 : 1);  // [out, in / group, k...]
    return w && w->rank() >= 2 ? ElementsOf(*out) * ElementsOf(*w, 1) : 0;
  }
  if (op == "ConvTranspose") {
    const Shape *x = shape(0), *w = shape(1);  // [in, out / group, k...]
    return x && w && w->rank() >= 2 ? ElementsOf(*x) * ElementsOf(*w, 1) : 0;
  }
  if (op == "MatMul" || op == "MatMulInteger" || op == "QLinearMatMul") {
    const Shape* a = shape(0);
    return a && a->rank() >= 1 ? ElementsOf(*out) * Dim(*a, a->rank() - 1) : 0;
  }
  if (op == "Gemm") {
    const Shape* a = shape(0);
    const Attribute* trans = node.FindAttribute("transA");
    const bool transposed = trans && std::holds_alternative<int64_t>(trans->value) && std::get<int64_t>(trans->value);
    return a && a->rank() == 2 ? ElementsOf(*out) * Dim(*a, transposed ? 0 : 1) : 0;
  }
  return 0;
}

void KeepFasterInFloat(const Graph& graph, const Recipe& recipe, Placement* placement) {
  Islands islands(graph, recipe, *placement);
  std::vector<size_t> slow;
  bool any_fast = false;
  for (size_t u = 0; u < placement->units.size(); ++u) {
    if (!islands.IsInt8(u)) continue;
    if (islands.IsCostly(u)) {
      slow.push_back(u);
    } else {
      any_fast = true;
    }
  }
  if (!any_fast) return;
  for (size_t u : slow) {
    Unit& unit = placement->units[u];
    unit.reason = "slower_in_int8";
    unit.sentence = islands.Sentence(u);
    unit.int8 = false;
  }
}

}  // namespace octavo
