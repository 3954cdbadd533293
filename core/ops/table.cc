#include "core/ops/table.h"

#include <unordered_map>
#include <vector>

#include "core/ops/families.h"

namespace octavo {
namespace {

struct Table {
  std::vector<const Operator*> rows;
  std::unordered_map<std::string, const Operator*> by_name;  // "domain:name"

  Table() {
    for (std::span<const Operator> family :
         {ConvOperators(), MatMulOperators(), PoolOperators(), NormOperators(), QuantizeOperators(), IntegerOperators(),
          ResizeOperators(), UnaryOperators(), BinaryOperators(), SoftmaxOperators(), ReduceOperators(),
          ShapeOperators(), MoveOperators(), GatherOperators()}) {
      for (const Operator& row : family) {
        rows.push_back(&row);
        by_name.emplace(std::string(row.domain) + ":" + row.name, &row);
      }
    }
  }
};

// Never destroyed: the library may be unloaded while another thread still looks something up.
const Table& GetTable() {
  static const Table* const table = new Table;
  return *table;
}

}  // namespace

const Operator* FindOperator(const std::string& domain, const std::string& name) {
  const auto& by_name = GetTable().by_name;
  const auto found = by_name.find((domain == "ai.onnx" ? "" : domain) + ":" + name);
  return found == by_name.end() ? nullptr : found->second;
}

std::span<const Operator* const> AllOperators() { return GetTable().rows; }

}  // namespace octavo
