// What patterns ask of nodes and constants.
#ifndef OCTAVO_CORE_SIMPLIFY_MATCH_H_
#define OCTAVO_CORE_SIMPLIFY_MATCH_H_

#include <optional>
#include <vector>

#include "core/simplify/editor.h"

namespace octavo {

// The number a constant of one element holds (float types only).
std::optional<double> ScalarOf(const Editor& editor, ValueId v);
// Whether v is constant and that number, within float rounding.
bool IsScalar(const Editor& editor, ValueId v, double number);

// Of a node with two inputs, the one that is not v. kNoValue if neither is v, or both are.
ValueId OtherInput(const Node& node, ValueId v);

struct ScaledInput {
  ValueId input = kNoValue;
  double number = 0;
};
// A node of this type with one constant number, in either order where that is the same.
std::optional<ScaledInput> WithNumber(const Editor& editor, ValueId v, const char* op_type);
std::optional<ScaledInput> WithNumber(const Editor& editor, const Node& node, const char* op_type);

// The input of the node `op_type` that makes v, else kNoValue.
ValueId Under(const Editor& editor, ValueId v, const char* op_type);

// Whether both have the same known rank: what a constant did not broaden.
bool SameRank(const Editor& editor, ValueId a, ValueId b);

// Axes of a reduction from attribute or constant input, in [0, rank), ascending; nullopt where not known.
std::optional<std::vector<int>> ReductionAxes(const Editor& editor, const Node& node);

// A constant list of integers; nullopt where v is not constant, too long or no list of int32 or int64.
std::optional<std::vector<int64_t>> IntegersOf(const Editor& editor, ValueId v);

}  // namespace octavo

#endif  // OCTAVO_CORE_SIMPLIFY_MATCH_H_
