#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/simplify/dimensions.h"
#include "core/simplify/match.h"
#include "core/simplify/passes.h"

namespace octavo {
namespace {

// What is known of one number of a computed shape.
struct Number {
  std::optional<int64_t> known;
  Dimension dimension;  // or: it is this one, if any
};
using Numbers = std::vector<Number>;

constexpr int64_t kMostNumbers = 2 * Shape::kMaxRank;  // longer lists are no shapes

// Follows lists of integers through the graph. A number alone and a list of one are the same here: which of them a
// value is, its shape tells.
class Tracker {
 public:
  Tracker(Editor& editor, Dimensions& dimensions)
      : editor_(editor), dimensions_(dimensions), lists_(editor.graph().values.size()) {}

  const std::optional<Numbers>& Of(ValueId v) {
    std::optional<Numbers>& list = lists_[v];
    if (!list && editor_.Constant(v)) {
      if (const auto integers = IntegersOf(editor_, v)) {
        list.emplace();
        for (int64_t integer : *integers) list->push_back({integer, {}});
      }
    }
    return list;
  }

  void Visit(const Node& node) {
    const ValueId out = node.outputs[0];
    if (out == kNoValue || node.outputs.size() != 1) return;
    FollowDimensions(node, out);
    const Value& value = editor_.value(out);
    const Shape* shape = editor_.KnownShape(out);
    if ((value.dtype != DType::kInt64 && value.dtype != DType::kInt32) || !shape || shape->rank() > 1) return;
    const int64_t size = shape->Elements();
    if (size > kMostNumbers) return;
    std::optional<Numbers> list = ListOf(node);
    // Whatever it is, its length is known: one open dimension can still be found by the others.
    if (!list || static_cast<int64_t>(list->size()) != size) list.emplace(static_cast<size_t>(size));
    for (Number& number : *list) {
      const bool fits = number.known && *number.known >= INT32_MIN && *number.known <= INT32_MAX;
      if (value.dtype == DType::kInt32 && !fits) number.known.reset();
    }
    lists_[out] = std::move(list);
  }

  // Makes v a constant if all of it is known.
  Status Settle(ValueId v) {
    const std::optional<Numbers>& list = lists_[v];
    if (!list || list->empty() || editor_.IsOutput(v)) return Ok();
    std::vector<int64_t> wide;
    for (const Number& number : *list) {
      if (!number.known) return Ok();
      wide.push_back(*number.known);
    }
    const NodeId maker = editor_.Producer(v);
    const Shape shape = *editor_.KnownShape(v);
    Tensor tensor;
    if (editor_.value(v).dtype == DType::kInt64) {
      OCTAVO_ASSIGN_OR_RETURN(tensor, Tensor::Of<int64_t>(editor_.memory(), shape, wide));
    } else {
      const std::vector<int32_t> narrow(wide.begin(), wide.end());
      OCTAVO_ASSIGN_OR_RETURN(tensor, Tensor::Of<int32_t>(editor_.memory(), shape, narrow));
    }
    editor_.BecomeConstant(v, std::move(tensor));
    editor_.Remove(maker);
    return Ok();
  }

 private:
  // The numbers of a target shape are dimensions of what is made to it.
  void FollowDimensions(const Node& node, ValueId out) {
    const bool reshape = Is(node, "Reshape"), expand = Is(node, "Expand"), fill = Is(node, "ConstantOfShape");
    if (!reshape && !expand && !fill) return;
    const ValueId in = node.inputs[0], target = node.inputs[fill ? 0 : 1];
    const std::optional<Numbers>& numbers = Of(target);
    const auto &shape = editor_.value(out).shape, &from = editor_.value(in).shape;
    if (!numbers || !shape || static_cast<size_t>(shape->rank()) != numbers->size()) return;
    for (size_t i = 0; i < numbers->size(); ++i) {
      const int axis = static_cast<int>(i), source = from && expand ? axis - shape->rank() + from->rank() : -1;
      const bool broadcast = expand && (!from || (source >= 0 && (*from)[source] != 1));
      if ((*numbers)[i].dimension.of != kNoValue && !broadcast) dimensions_.Set(out, axis, (*numbers)[i].dimension);
    }
  }

  std::optional<Numbers> ListOf(const Node& node) {
    const NodeReader reader(node, editor_.opset());
    if (Is(node, "Shape")) return ShapeOf(node.inputs[0], reader);
    if (node.inputs.empty() || node.inputs[0] == kNoValue) return std::nullopt;
    if (Is(node, "Concat")) return Joined(node);
    const std::optional<Numbers>& first = Of(node.inputs[0]);
    if (!first) return std::nullopt;
    if (Is(node, "Gather")) return Picked(node, *first);
    if (Is(node, "Slice")) return Sliced(node, *first);
    // Those that rename dimensions, and those that keep integers as they are.
    for (const char* same : {"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}) {
      if (Is(node, same)) return first;
    }
    if (node.inputs.size() != 2) return std::nullopt;
    const std::optional<Numbers>& second = Of(node.inputs[1]);
    if (!second || first->size() != second->size()) return std::nullopt;
    return Computed(node, *first, *second);
  }

  std::optional<Numbers> ShapeOf(ValueId v, const NodeReader& reader) const {
    const auto& shape = editor_.value(v).shape;
    if (!shape) return std::nullopt;
    const int64_t rank = shape->rank();
    const auto clamped = [&](int64_t axis) { return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank); };
    Numbers list;
    for (int64_t i = clamped(reader.Int("start", 0)); i < clamped(reader.Int("end", rank)); ++i) {
      const int axis = static_cast<int>(i);
      const int64_t size = (*shape)[axis];
      list.push_back(size == Shape::kUnknown ? Number{{}, dimensions_.Of(v, axis)} : Number{size, {}});
    }
    return list;
  }

  std::optional<Numbers> Joined(const Node& node) {
    Numbers list;
    for (ValueId v : node.inputs) {
      const std::optional<Numbers>& part = Of(v);
      if (!part) return std::nullopt;
      list.insert(list.end(), part->begin(), part->end());
      if (list.size() > static_cast<size_t>(kMostNumbers)) return std::nullopt;
    }
    return list;
  }

  std::optional<Numbers> Picked(const Node& node, const Numbers& from) const {
    const auto indices = IntegersOf(editor_, node.inputs[1]);
    if (!indices) return std::nullopt;
    Numbers list;
    for (int64_t index : *indices) {
      const Result<int> i = NormalizeAxis(index, static_cast<int>(from.size()));
      if (!i.ok()) return std::nullopt;
      list.push_back(from[static_cast<size_t>(*i)]);
    }
    return list;
  }

  std::optional<Numbers> Sliced(const Node& node, const Numbers& from) const {
    const NodeReader reader(node, editor_.opset());
    std::vector<int64_t> starts = reader.Ints("starts"), ends = reader.Ints("ends");
    if (node.has_input(2)) {
      const auto a = IntegersOf(editor_, node.inputs[1]), b = IntegersOf(editor_, node.inputs[2]);
      if (!a || !b) return std::nullopt;
      starts = *a;
      ends = *b;
    }
    const auto steps = node.has_input(4) ? IntegersOf(editor_, node.inputs[4]) : std::vector<int64_t>{1};
    if (starts.size() != 1 || ends.size() != 1 || steps != std::vector<int64_t>{1}) return std::nullopt;
    const int64_t size = static_cast<int64_t>(from.size());
    const auto place = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? (i < -size ? 0 : i + size) : i, 0, size); };
    const int64_t begin = place(starts[0]), end = std::max(begin, place(ends[0]));
    return Numbers(from.begin() + begin, from.begin() + end);
  }

  std::optional<Numbers> Computed(const Node& node, const Numbers& a, const Numbers& b) const {
    Numbers list(a.size());
    for (size_t i = 0; i < a.size(); ++i) {
      if (!a[i].known || !b[i].known) continue;
      const int64_t x = *a[i].known, y = *b[i].known;
      int64_t z = 0;
      // Where the graph's arithmetic might overflow, nothing is claimed.
      const bool exact = Is(node, "Add")   ? !__builtin_add_overflow(x, y, &z)
                         : Is(node, "Sub") ? !__builtin_sub_overflow(x, y, &z)
                         : Is(node, "Mul") ? !__builtin_mul_overflow(x, y, &z)
                         : Is(node, "Div") ? x >= 0 && y > 0 && ((z = x / y), true)
                                           : false;
      if (exact && z >= INT32_MIN && z <= INT32_MAX) list[i].known = z;
    }
    return list;
  }

  Editor& editor_;
  Dimensions& dimensions_;
  std::vector<std::optional<Numbers>> lists_;
};

// The contents of a Reshape's target, written without computed numbers: a dimension that stays where it is becomes 0,
// one other that is open becomes -1. nullopt where that does not do.
std::optional<std::vector<int64_t>> Target(const Editor& editor, const Dimensions& dimensions, const Node& reshape,
                                           const Numbers& numbers) {
  const auto& shape = editor.value(reshape.inputs[0]).shape;
  const bool zero_copies = NodeReader(reshape, editor.opset()).Int("allowzero", 0) == 0;
  std::vector<int64_t> target;
  int open = 0;
  for (size_t i = 0; i < numbers.size(); ++i) {
    const int axis = static_cast<int>(i);
    const bool stays = zero_copies && shape && axis < shape->rank() && (*shape)[axis] == Shape::kUnknown &&
                       numbers[i].dimension == dimensions.Of(reshape.inputs[0], axis);
    const int64_t number = numbers[i].known.value_or(stays ? 0 : -1);
    open += number < 0;
    target.push_back(number);
  }
  return open <= 1 ? std::optional(target) : std::nullopt;
}

}  // namespace

Status FoldShapes(Editor& editor) {
  Dimensions dimensions(editor);
  Tracker tracker(editor, dimensions);
  const NodeId nodes = static_cast<NodeId>(editor.nodes());
  for (NodeId n = 0; n < nodes; ++n) {
    if (!editor.alive(n)) continue;
    const ValueId out = editor.node(n).outputs[0];
    dimensions.Visit(editor.node(n));
    tracker.Visit(editor.node(n));
    if (out != kNoValue) OCTAVO_RETURN_IF_ERROR(tracker.Settle(out));
  }
  for (NodeId n = 0; n < nodes; ++n) {
    if (!editor.alive(n) || !Is(editor.node(n), "Reshape")) continue;
    const ValueId computed = editor.node(n).inputs[1];
    if (editor.Constant(computed) || !tracker.Of(computed)) continue;
    const auto target = Target(editor, dimensions, editor.node(n), *tracker.Of(computed));
    if (!target) continue;
    const std::string name = editor.value(editor.node(n).outputs[0]).name + "_shape";
    OCTAVO_ASSIGN_OR_RETURN(const ValueId v,
                            editor.AddConstant<int64_t>(name, Shape({static_cast<int64_t>(target->size())}), *target));
    editor.SetInput(n, 1, v);
  }
  return Ok();
}

}  // namespace octavo
