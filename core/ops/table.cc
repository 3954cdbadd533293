#include "core/ops/table.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/ops/families.h"

namespace octavo {
namespace {

using Key = std::pair<std::string_view, std::string_view>;
Key KeyOf(const Operator* row) { return {row->domain, row->name}; }

// Trivially destroyed, so that a thread may look something up while the process ends, and without memory of its own, so
// that unloading the library leaves nothing behind.
struct Table {
  static constexpr size_t kMost = 512;
  std::array<const Operator*, kMost> rows{};     // in the order of families
  std::array<const Operator*, kMost> by_name{};  // sorted
  size_t count = 0;

  Table() {
    for (std::span<const Operator> family :
         {ConvOperators(), MatMulOperators(), PoolOperators(), NormOperators(), QuantizeOperators(), IntegerOperators(),
          ResizeOperators(), UnaryOperators(), BinaryOperators(), SoftmaxOperators(), ReduceOperators(),
          ShapeOperators(), MoveOperators(), GatherOperators()}) {
      for (const Operator& row : family) rows.at(count++) = &row;
    }
    by_name = rows;
    std::sort(by_name.begin(), by_name.begin() + count,
              [](const Operator* a, const Operator* b) { return KeyOf(a) < KeyOf(b); });
  }
};

const Table& GetTable() {
  static const Table table;
  return table;
}

}  // namespace

const Operator* FindOperator(const std::string& domain, const std::string& name) {
  const Table& table = GetTable();
  const Key key(domain == "ai.onnx" ? std::string_view() : std::string_view(domain), name);
  const auto end = table.by_name.begin() + table.count;
  const auto found = std::lower_bound(table.by_name.begin(), end, key,
                                      [](const Operator* row, const Key& wanted) { return KeyOf(row) < wanted; });
  return found == end || KeyOf(*found) != key ? nullptr : *found;
}

std::span<const Operator* const> AllOperators() { return std::span(GetTable().rows).first(GetTable().count); }

}  // namespace octavo
