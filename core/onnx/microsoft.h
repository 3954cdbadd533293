// The quantized operators that ONNX Runtime's tools write beside ONNX's own, in domain com.microsoft.
#ifndef OCTAVO_CORE_ONNX_MICROSOFT_H_
#define OCTAVO_CORE_ONNX_MICROSOFT_H_

#include "core/base/memory.h"
#include "core/graph/graph.h"

namespace octavo {

// Spells them out in ONNX's own operators: QLinearAdd becomes DequantizeLinear of both operands, Add, QuantizeLinear,
// and so on. Whatever has no such spelling stays as it is, for Resolve to refuse. The graph need not be resolved.
Status SpellOutMicrosoft(Graph& graph, const MemoryPtr& memory);

}  // namespace octavo

#endif  // OCTAVO_CORE_ONNX_MICROSOFT_H_
