// Graph -> ONNX bytes. The same graph gives the same bytes everywhere: no time stamps, no map order.
#ifndef OCTAVO_CORE_ONNX_WRITER_H_
#define OCTAVO_CORE_ONNX_WRITER_H_

#include <functional>
#include <span>
#include <string>

#include "core/base/file.h"
#include "core/graph/graph.h"

namespace octavo {

// Writes the model piece by piece (weights are not gathered in one buffer first). Models whose bytes would pass 2 GiB,
// protobuf's bound, are refused here; WriteOnnxFile then stores weights beside the file.
Status WriteOnnx(const Graph& graph, const ByteSink& sink);

// Replaces `path` atomically. Weights of models over 2 GiB (or with `external_data` set: all of 1 KiB and more) go to
// `path` + ".data", written and synced first.
Status WriteOnnxFile(const Graph& graph, const std::string& path, bool external_data);

}  // namespace octavo

#endif  // OCTAVO_CORE_ONNX_WRITER_H_
