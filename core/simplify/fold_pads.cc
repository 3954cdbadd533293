#include <utility>
#include <vector>

#include "core/base/checked.h"
#include "core/simplify/match.h"
#include "core/simplify/passes.h"

namespace octavo {
namespace {

// The padding of a Pad node by axis: all begins, then all ends, as a full list. nullopt if it is not constant zeros.
std::optional<std::vector<int64_t>> ZeroPads(const Editor& editor, const Node& node) {
  const NodeReader reader(node, editor.opset());
  const auto& shape = editor.value(node.inputs[0]).shape;
  if (!shape || reader.String("mode", "constant") != "constant") return std::nullopt;
  const bool by_input = node.has_input(1);
  const auto pads = by_input ? IntegersOf(editor, node.inputs[1]) : reader.Ints("pads");
  if (!pads) return std::nullopt;
  if (by_input ? node.has_input(2) && ScalarOf(editor, node.inputs[2]) != 0.0 : reader.Float("value", 0.0f) != 0.0f) {
    return std::nullopt;
  }
  const size_t rank = static_cast<size_t>(shape->rank());
  if (!node.has_input(3)) return pads->size() == 2 * rank ? pads : std::nullopt;
  const auto axes = IntegersOf(editor, node.inputs[3]);
  if (!axes || pads->size() != 2 * axes->size()) return std::nullopt;
  std::vector<int64_t> all(2 * rank, 0);
  for (size_t i = 0; i < axes->size(); ++i) {
    const Result<int> axis = NormalizeAxis((*axes)[i], shape->rank());
    if (!axis.ok()) return std::nullopt;
    all[static_cast<size_t>(*axis)] = (*pads)[i];
    all[rank + static_cast<size_t>(*axis)] = (*pads)[axes->size() + i];
  }
  return all;
}

}  // namespace

Status FoldPads(Editor& editor) {
  for (NodeId n = 0; n < editor.nodes(); ++n) {
    if (!editor.alive(n)) continue;
    const Node& node = editor.node(n);
    const bool conv = Is(node, "Conv"), pool = Is(node, "AveragePool");
    if (!conv && !pool) continue;
    const Node* pad = editor.Maker(node.inputs[0], "Pad");
    const auto added = pad ? ZeroPads(editor, *pad) : std::nullopt;
    const NodeReader reader(node, editor.opset());
    const std::string auto_pad = reader.String("auto_pad", "NOTSET");
    if (!added || (auto_pad != "NOTSET" && auto_pad != "VALID")) continue;
    const size_t spatial = added->size() / 2 - 2;
    std::vector<int64_t> pads = reader.Ints("pads");
    if (auto_pad == "VALID" || pads.empty()) pads.assign(2 * spatial, 0);
    if (pads.size() != 2 * spatial) continue;
    if (pool) {
      // Zeros of its own it would have to count as well; with ceil_mode the last window depends on who pads.
      const bool own = std::any_of(pads.begin(), pads.end(), [](int64_t p) { return p != 0; });
      if ((own && reader.Int("count_include_pad", 0) == 0) || reader.Int("ceil_mode", 0) != 0) continue;
    }
    bool good = true;
    for (size_t i = 0; i < added->size(); ++i) {
      const size_t axis = i % (added->size() / 2), end = i / (added->size() / 2);
      const int64_t more = (*added)[i];
      good = good && more >= 0 && (axis >= 2 || more == 0);
      if (axis >= 2) good = good && CheckedAdd(pads[end * spatial + axis - 2], more, &pads[end * spatial + axis - 2]);
    }
    // A pooling window may not lie in padding altogether.
    const std::vector<int64_t> kernel = reader.Ints("kernel_shape");
    for (size_t i = 0; pool && good && i < pads.size(); ++i) good = pads[i] < kernel[i % spatial];
    if (!good) continue;
    const ValueId source = pad->inputs[0];
    editor.RemoveAttribute(n, "auto_pad");
    editor.SetAttribute(n, "pads", std::move(pads));
    if (pool) editor.SetAttribute(n, "count_include_pad", int64_t{1});
    editor.SetInput(n, 0, source);
  }
  return Ok();
}

}  // namespace octavo
