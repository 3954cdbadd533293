// Any bytes: load, write, simplify, upgrade, plan and, where that is small, run. Nothing may crash, hang or leak; what
// was loaded once must load again from what is written, and simplifying must not make a good model bad.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/graph/operator.h"
#include "core/onnx/reader.h"
#include "core/onnx/writer.h"
#include "core/run/session.h"
#include "core/simplify/simplify.h"

namespace octavo {
namespace {

constexpr int64_t kMostElements = 4096;  // of all values together, to be run

void Require(const Status& status, const char* what) {
  // A quota may be met anywhere; everything else has been accepted before.
  if (status.ok() || status.code() == Code::kLimit) return;
  std::fprintf(stderr, "%s: %s\n", what, status.message().c_str());
  std::abort();
}

std::string Written(const Graph& graph) {
  std::string bytes;
  Require(WriteOnnx(graph,
                    [&](std::span<const std::byte> piece) {
                      bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
                      return Ok();
                    }),
          "writing");
  return bytes;
}

// Shapes to run with: open dimensions become 2. Empty where that is too large.
std::vector<Shape> SmallShapes(Graph graph) {
  std::vector<Shape> shapes;
  for (ValueId v : graph.inputs) {
    Value& value = graph.values[v];
    if (!value.shape) return {};
    for (int i = 0; i < value.shape->rank(); ++i) {
      if ((*value.shape)[i] == Shape::kUnknown) (*value.shape)[i] = 2;
    }
    shapes.push_back(*value.shape);
  }
  if (!InferGraph(graph).ok()) return {};
  int64_t all = 0;
  for (const Value& value : graph.values) {
    if (!value.shape || !value.shape->IsKnown()) return {};
    const Result<int64_t> elements = CheckedElements(*value.shape, value.dtype);
    if (!elements.ok() || *elements > kMostElements || (all += *elements) > kMostElements) return {};
  }
  return shapes;
}

// May fail, but cleanly.
void Run(const Graph& graph, const MemoryPtr& memory) {
  const std::vector<Shape> shapes = SmallShapes(graph);
  if (shapes.empty()) return;
  const auto program = Program::Create(graph, {}, memory);
  if (!program.ok()) return;
  auto session = Session::Create(*program, {});
  if (!session.ok()) return;
  std::vector<Tensor> inputs, outputs(graph.outputs.size());
  for (size_t i = 0; i < shapes.size(); ++i) {
    Result<Tensor> input = Tensor::Create(memory, graph.values[graph.inputs[i]].dtype, shapes[i]);
    if (!input.ok()) return;
    std::fill_n(static_cast<char*>(input->mutable_raw()), input->bytes(), char{1});
    inputs.push_back(std::move(*input));
  }
  (void)(*session)->Run(inputs, outputs, nullptr);
}

void Try(std::span<const std::byte> bytes) {
  Limits limits;
  limits.memory_bytes = uint64_t{64} << 20;
  limits.fold_bytes = uint64_t{1} << 20;
  limits.nodes = 200;
  limits.string_bytes = 1000;
  const auto memory = std::make_shared<Memory>(limits);
  Result<Graph> graph = ReadOnnxBytes(bytes, nullptr, memory);
  if (!graph.ok()) return;
  const std::string written = Written(*graph);
  Require(ReadOnnxBytes(std::as_bytes(std::span(written)), nullptr, memory).status(), "reading what was written");
  Result<Graph> simple = Simplify(*graph, {}, memory);
  if (simple.ok()) {
    const std::string again = Written(*simple);
    Require(ReadOnnxBytes(std::as_bytes(std::span(again)), nullptr, memory).status(), "reading what was simplified");
    const Result<Graph> upgraded = UpgradeOpset(std::move(*simple), 21, memory);
    if (upgraded.ok()) Require(Simplify(*upgraded, {}, memory).status(), "simplifying what was upgraded");
  } else if (simple.status().code() != Code::kInvalidModel) {  // constants may tell of a fault that loading did not see
    Require(simple.status(), "simplifying");
  }
  Run(*graph, memory);
}

}  // namespace
}  // namespace octavo

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  octavo::Try(std::as_bytes(std::span(data, size)));
  return 0;
}
