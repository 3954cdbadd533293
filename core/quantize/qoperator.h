// The QOperator form: QLinearConv and QLinearMatMul in place of DequantizeLinear -> operator -> QuantizeLinear.
#ifndef OCTAVO_CORE_QUANTIZE_QOPERATOR_H_
#define OCTAVO_CORE_QUANTIZE_QOPERATOR_H_

#include "core/graph/graph.h"

namespace octavo {

// Requires a graph in the form that Quantize gives. What ONNX's own domain has no quantized operator for stays between
// Q and DQ: Gemm with a bias, Add, pooling, ...
Result<Graph> ToQOperator(const Graph& graph, const MemoryPtr& memory);

// Removes nodes whose results nobody reads, and those that only such nodes read.
void DropUnread(Graph& graph);

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_QOPERATOR_H_
