// Quantize: float graph + recipe (+ statistics) -> INT8 graph in ONNX's own operators.
#ifndef OCTAVO_CORE_QUANTIZE_QUANTIZE_H_
#define OCTAVO_CORE_QUANTIZE_QUANTIZE_H_

#include <functional>

#include "core/base/cancel.h"
#include "core/graph/graph.h"
#include "core/observe/statistics.h"
#include "core/quantize/range.h"
#include "core/quantize/recipe.h"

namespace octavo {

// Called on the caller's thread; false cancels.
using Progress = std::function<bool(double fraction, const std::string& what)>;

// `graph`: simplified float graph, the one that was calibrated. `statistics` may be null unless the scheme is static.
// Result: QuantizeLinear/DequantizeLinear around integer weights (static), DynamicQuantizeLinear + MatMulInteger /
// ConvInteger (dynamic), block DequantizeLinear (weight-only); opset raised to what these need; metadata
// "octavo.recipe", "octavo.statistics" (digest) and "octavo.decisions" (JSON array: node, op, precision, reason,
// sentence). Deterministic: same graph, statistics, recipe -> same bytes. A node rule that matches nothing is an error.
// `custom` is there exactly when the recipe names the observer custom (kInvalidArgument otherwise).
Result<Graph> Quantize(const Graph& graph, const Recipe& recipe, const Statistics* statistics, const MemoryPtr& memory,
                       const Progress* progress, const Cancel* cancel, const CustomObserver* custom = nullptr);

// A graph with fake-quant Q/DQ, another tool's Q/DQ, or QOperator nodes (QLinearConv, ...) -> the form Quantize gives
// ("qdq") or QOperator form ("qoperator").
Result<Graph> Convert(const Graph& graph, const std::string& form, const MemoryPtr& memory);

// The decisions stored by Quantize; for a float graph, what a static recipe would decide ("what would be INT8").
struct Decision {
  std::string node, op, precision, reason, sentence;
};
std::vector<Decision> Decisions(const Graph& graph);

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_QUANTIZE_H_
