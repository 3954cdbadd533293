// The operator table's interface: one row holds everything known about an operator. The rows live in core/ops, one file
// per family; everything else reads them through FindOperator (core/ops/table.h).
#ifndef OCTAVO_CORE_GRAPH_OPERATOR_H_
#define OCTAVO_CORE_GRAPH_OPERATOR_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/graph/graph.h"

namespace octavo {

// A node's attributes and operator-set version, as both rules of a row see them.
class NodeReader {
 public:
  NodeReader(const Node& node, int64_t opset) : node_(node), opset_(opset) {}

  const Node& node() const { return node_; }
  int64_t opset() const { return opset_; }

  bool has_attribute(const char* name) const { return node_.FindAttribute(name) != nullptr; }
  // The attribute, or the fallback where it is absent. Types were checked against the row's AttributeSpec.
  int64_t Int(const char* name, int64_t fallback) const;
  float Float(const char* name, float fallback) const;
  std::string String(const char* name, const char* fallback) const;
  std::vector<int64_t> Ints(const char* name) const;      // empty if absent
  std::vector<float> Floats(const char* name) const;      // empty if absent
  const Tensor* TensorAttribute(const char* name) const;  // null if absent

 protected:
  const Node& node_;
  const int64_t opset_;
};

// What a shape rule may ask and must answer. Inputs may be partly unknown at load; at run time all are known.
class InferContext : public NodeReader {
 public:
  InferContext(const Graph& graph, NodeId node, int64_t opset);
  // For run time: inputs as tensors (undefined where left out).
  InferContext(const Node& node, int64_t opset, std::span<const Tensor> inputs);

  size_t inputs() const { return node_.inputs.size(); }
  bool has_input(size_t i) const { return node_.has_input(i); }
  DType dtype(size_t i) const;          // kUndefined if unknown
  const Shape* shape(size_t i) const;   // null: rank unknown; dimensions may be Shape::kUnknown
  const Tensor* value(size_t i) const;  // the contents, where known (constants; everything at run time)

  size_t outputs() const { return node_.outputs.size(); }
  bool has_output(size_t i) const { return i < node_.outputs.size() && node_.outputs[i] != kNoValue; }
  // Unknown dimensions are Shape::kUnknown, an unknown rank is nullopt. Harmless for outputs that are left out.
  void SetOutput(size_t i, DType dtype, std::optional<Shape> shape);

  // Integer input i as int64, e.g. axes or a target shape; nullopt while unknown.
  Result<std::optional<std::vector<int64_t>>> Integers(size_t i) const;

  struct Output {
    DType dtype = DType::kUndefined;
    std::optional<Shape> shape;
  };
  const std::vector<Output>& results() const { return results_; }

 private:
  const Graph* graph_ = nullptr;
  std::span<const Tensor> tensors_;
  std::vector<Output> results_;
};

// What the reference arithmetic sees: all inputs with contents, outputs already allocated as the shape rule said.
class EvalContext : public NodeReader {
 public:
  EvalContext(const Node& node, int64_t opset, std::span<const Tensor> inputs, std::span<Tensor> outputs,
              MemoryPtr memory)
      : NodeReader(node, opset), inputs_(inputs), outputs_(outputs), memory_(std::move(memory)) {}

  size_t inputs() const { return inputs_.size(); }
  bool has_input(size_t i) const { return i < inputs_.size() && inputs_[i].defined(); }
  const Tensor& input(size_t i) const { return inputs_[i]; }

  size_t outputs() const { return outputs_.size(); }
  bool has_output(size_t i) const { return i < outputs_.size() && node_.outputs[i] != kNoValue; }
  Tensor& output(size_t i) { return outputs_[i]; }
  // For rows with `data_dependent`: their outputs arrive undefined and are made here.
  Status Allocate(size_t i, DType dtype, const Shape& shape);

  const MemoryPtr& memory() const { return memory_; }

 private:
  std::span<const Tensor> inputs_;
  std::span<Tensor> outputs_;
  MemoryPtr memory_;
};

enum class AttributeType : uint8_t { kInt, kFloat, kString, kTensor, kInts, kFloats, kStrings };

struct AttributeSpec {
  const char* name;
  AttributeType type;
  bool required = false;
};

// How the quantizer may treat a node. The runtime reads the same word, so neither can outrun the other.
enum class QuantRule : uint8_t {
  kNone,        // stays float; `why_float` of the row says why
  kWeighted,    // activation x weight with int32 sums: Conv, ConvTranspose, Gemm, MatMul
  kMove,        // only moves or selects values, output takes input 0's parameters: Reshape, MaxPool, Slice, ...
  kJoin,        // several inputs of equal standing forced to one set of parameters, that of the output: Concat
  kArithmetic,  // reads 8 bit, own output parameters: Add, Mul, AveragePool, Resize (linear), ...
  kTable,       // any unary function of one 8-bit tensor: 256-byte table
  kQuantized,   // already an integer or Q/DQ operator
};

// Which family of steps the planner makes of a node. kReference: the row's own arithmetic.
enum class Lowering : uint8_t {
  kReference,
  kConv,
  kGemm,
  kMatMul,
  kPool,
  kGlobalPool,
  kBinary,
  kUnary,
  kConcat,
  kMove,
  kResize,
  kQuantize,
  kDequantize,
  kSoftmax,
  kReduce,
};

// The newest ONNX operator set whose semantics the rows implement.
constexpr int64_t kNewestOpset = 28;
constexpr int64_t kOldestOpset = 7;
// Domain of the integer operators that plans are made of; never written to files.
constexpr const char* kInternalDomain = "ai.octavo";

constexpr int kVariadic = INT32_MAX;

struct Operator {
  const char* name = nullptr;
  const char* domain = "";
  int since = kOldestOpset;            // first opset version of ONNX's own in which the node may stand
  int until = kNewestOpset;            // last one
  int min_inputs = 0, max_inputs = 0;  // trailing inputs left out count as absent; kVariadic
  int min_outputs = 1, max_outputs = 1;
  std::span<const AttributeSpec> attributes = {};

  // Checks everything that can be checked of attributes and of what is known of inputs, and sets every output's dtype
  // and shape as far as known. With all inputs' contents known, every output is fully known (unless data_dependent).
  Status (*infer)(InferContext& context) = nullptr;
  // The definition of the operator's arithmetic: scalar, deterministic, written to be read.
  Status (*evaluate)(EvalContext& context) = nullptr;

  QuantRule quant = QuantRule::kNone;
  Lowering lowering = Lowering::kReference;
  bool data_dependent = false;      // output shapes depend on input contents: NonZero, NonMaxSuppression
  const char* why_float = nullptr;  // for QuantRule::kNone: a sentence for the report
  const char* coverage = "";        // for docs/operators.md: what is not covered; "" = all of it
};

using OperatorLookup = const Operator* (*)(const std::string& domain, const std::string& name);

// Makes a graph whole: attaches operator rows; checks arity, attribute names and types, opset range, duplicate names,
// undefined inputs, cycles (sorts nodes topologically if need be, stably), and infers every value. The only way from
// untrusted to trusted: every later stage relies on it. Messages name the node.
Status Resolve(Graph& graph, OperatorLookup lookup, const Limits& limits);

// Re-runs shape inference over a resolved graph, e.g. after input shapes became concrete.
Status InferGraph(Graph& graph);

// Runs one node by its row's reference arithmetic: infer, allocate, evaluate. `inputs` has one tensor per node input
// (undefined where left out).
Status EvaluateNode(const Node& node, int64_t opset, std::span<const Tensor> inputs, const MemoryPtr& memory,
                    std::vector<Tensor>* outputs);

}  // namespace octavo

#endif  // OCTAVO_CORE_GRAPH_OPERATOR_H_
