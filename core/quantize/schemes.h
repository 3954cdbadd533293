// The three schemes: each rewrites a float graph by its placement.
#ifndef OCTAVO_CORE_QUANTIZE_SCHEMES_H_
#define OCTAVO_CORE_QUANTIZE_SCHEMES_H_

#include "core/quantize/placement.h"
#include "core/quantize/range.h"

namespace octavo {

// Told after each unit; an error stops the work.
using Tick = std::function<Status(size_t done, size_t all, const std::string& what)>;

// QuantizeLinear -> DequantizeLinear after each quantized value, int8 weights and int32 biases behind DequantizeLinear.
// `custom` may be null unless the recipe names the observer custom.
Result<Graph> EmitStatic(const Graph& graph, const Recipe& recipe, const Placement& placement,
                         const Statistics& statistics, const CustomObserver* custom, const MemoryPtr& memory,
                         const Tick& tick);

// DynamicQuantizeLinear -> MatMulInteger or ConvInteger -> Cast -> Mul by both scales [-> Add of the bias].
Result<Graph> EmitDynamic(const Graph& graph, const Recipe& recipe, const Placement& placement, const MemoryPtr& memory,
                          const Tick& tick);

// Integer weights -> DequantizeLinear (by blocks along the summed axis of MatMul and Gemm, by channel elsewhere).
Result<Graph> EmitWeightOnly(const Graph& graph, const Recipe& recipe, const Placement& placement,
                             const MemoryPtr& memory, const Tick& tick);

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_SCHEMES_H_
