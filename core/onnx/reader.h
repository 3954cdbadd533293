// ONNX bytes -> Graph. Nothing in the bytes is trusted; the result is resolved (core/graph/operator.h).
#ifndef OCTAVO_CORE_ONNX_READER_H_
#define OCTAVO_CORE_ONNX_READER_H_

#include <memory>
#include <span>
#include <string>

#include "core/base/memory.h"
#include "core/graph/graph.h"

namespace octavo {

// Reads a model file and the external data files it names, which must lie beneath its folder. Weights are views of
// the mapped files, so a model of several GB is not copied. Errors name file, node or tensor, what was found and what
// is allowed.
Result<Graph> ReadOnnxFile(const std::string& path, const MemoryPtr& memory);

// Reads a model from memory; `owner` keeps the bytes alive as long as the graph's tensors, null: weights are copied.
// External data is refused.
Result<Graph> ReadOnnxBytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                            const MemoryPtr& memory);

// Reads a TensorProto, as the test data of ONNX's backend suite stores them.
Result<Tensor> ReadOnnxTensor(std::span<const std::byte> bytes, const MemoryPtr& memory);

}  // namespace octavo

#endif  // OCTAVO_CORE_ONNX_READER_H_
