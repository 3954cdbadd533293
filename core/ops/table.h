// The operator table: every row of every family.
#ifndef OCTAVO_CORE_OPS_TABLE_H_
#define OCTAVO_CORE_OPS_TABLE_H_

#include <span>
#include <string>

#include "core/graph/operator.h"

namespace octavo {

// The row, or null. "ai.onnx" is the same domain as "".
const Operator* FindOperator(const std::string& domain, const std::string& name);

// All rows, in the order of docs/operators.md.
std::span<const Operator* const> AllOperators();

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_TABLE_H_
