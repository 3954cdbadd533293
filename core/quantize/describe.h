// What a model is, in JSON: for people (octavo inspect) and programs.
#ifndef OCTAVO_CORE_QUANTIZE_DESCRIBE_H_
#define OCTAVO_CORE_QUANTIZE_DESCRIBE_H_

#include <string>

#include "core/graph/graph.h"
#include "core/observe/statistics.h"
#include "core/quantize/quantize.h"

namespace octavo {

// Whether any node is an integer or Q/DQ operator.
bool IsQuantized(const Graph& graph);

// The size of the model as one ONNX file; of its weights alone where one file cannot hold it.
uint64_t ModelBytes(const Graph& graph);

// What became of every node: as stored by Quantize, else as the planner runs a foreign quantized model, else what a
// static recipe would do. `simplified`: Simplify(graph).
Result<std::vector<Decision>> NodeDecisions(const Graph& graph, const Graph& simplified, const MemoryPtr& memory);

// The form is described at octavo_model_describe_json.
Result<std::string> DescribeModel(const Graph& graph, const Graph& simplified, const MemoryPtr& memory);

// The form is described at octavo_statistics_json.
std::string DescribeStatistics(const Statistics& statistics);

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_DESCRIBE_H_
