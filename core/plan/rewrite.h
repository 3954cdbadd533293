// The state of integerization: which values of the source graph exist in the result, and in which form.
//
// A float value of the source may exist in up to three ways: as itself; as 8-bit bytes with parameters; as a function
// of such bytes, that is 256 floats. Only what somebody needs is emitted: DequantizeLinear and functions wait until a
// reader wants their floats.
#ifndef OCTAVO_CORE_PLAN_REWRITE_H_
#define OCTAVO_CORE_PLAN_REWRITE_H_

#include <array>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/graph/operator.h"
#include "core/plan/program.h"
#include "core/plan/tail.h"

namespace octavo {

class Rewrite {
 public:
  // 8-bit bytes, of either signedness if they are the source's, and what they stand for.
  struct Quantized {
    ValueId raw = kNoValue;
    QParams params;
  };
  using ByteTable = std::array<uint8_t, 256>;

  Rewrite(const Graph& source, const MemoryPtr& memory);

  const Graph& source() const { return index_.graph; }
  const GraphIndex& index() const { return index_; }
  const MemoryPtr& memory() const { return memory_; }
  const Node& node(NodeId n) const { return source().nodes[n]; }
  DType dtype(ValueId v) const { return graph_.values[v].dtype; }
  bool IsConstant(ValueId v) const { return index_.IsConstant(v); }
  const Tensor& constant(ValueId v) const { return *graph_.values[v].constant; }
  // Input i of a node of the source where that is constant, else null.
  const Tensor* ConstantInput(const Node& node, size_t i) const {
    return node.has_input(i) && IsConstant(node.inputs[i]) ? &constant(node.inputs[i]) : nullptr;
  }
  const std::string& name(ValueId v) const { return graph_.values[v].name; }

  // --- the result

  ValueId NewValue(const std::string& base, DType type);
  ValueId NewConstant(const std::string& base, Tensor tensor);
  template <typename T>
  Result<ValueId> NewVector(const std::string& base, const std::vector<T>& values) {
    OCTAVO_ASSIGN_OR_RETURN(
        Tensor tensor, Tensor::Of<T>(memory_, Shape{static_cast<int64_t>(values.size())}, std::span<const T>(values)));
    return NewConstant(base, std::move(tensor));
  }
  template <typename T>
  Result<ValueId> NewScalar(const std::string& base, T value) {
    OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Of<T>(memory_, Shape(), std::span<const T>(&value, 1)));
    return NewConstant(base, std::move(tensor));
  }

  void Emit(std::string op, std::string node_name, std::vector<ValueId> inputs, std::vector<ValueId> outputs,
            std::vector<Attribute> attributes = {});
  void EmitInternal(std::string op, std::string node_name, std::vector<ValueId> inputs, ValueId output,
                    std::vector<Attribute> attributes);
  // A node of the source on other values.
  void EmitAs(NodeId n, std::vector<ValueId> inputs, std::vector<ValueId> outputs);
  Result<ValueId> EmitTable(const std::string& base, ValueId from, const ByteTable& table);

  // A node whose work is done elsewhere; nobody looks at it again.
  void Take(NodeId n) { taken_[n] = true; }
  bool IsTaken(NodeId n) const { return taken_[n]; }

  // Keeps a node as it is.
  Status Keep(NodeId n);
  // Waits with a node until somebody needs its result.
  void Defer(NodeId n);
  // Why the node being looked at stays as it is; the first of several refusals counts. Always false.
  bool Refuse(const char* reason, std::string sentence);
  void ForgetRefusal() { refusal_ = {}; }

  // Emits what graph outputs need, drops what nobody does.
  Result<Graph> Finish();
  std::vector<NodeDecision> Decisions() const;

  // --- values

  // Makes a value of the source exist in the result under its own number.
  Status Need(ValueId v);
  // This value of the source is made by a node that is being emitted.
  void SetEmitted(ValueId v) { states_[v].emitted = true; }

  // The uint8 value of the result that stands for an 8-bit value of the source (or one made by SetQuantized).
  Result<ValueId> Bytes(ValueId raw);
  // The uint8 value in which an integer operator shall leave what 8-bit value `raw` of the source stands for.
  ValueId Deliver(ValueId raw);
  // The same for all quantizers of a tail; the tail's nodes count as taken.
  ValueId Deliver(const Tail& tail);
  // `raw` is, shifted to uint8, that value of the result.
  void SetBytes(ValueId raw, ValueId bytes) { states_[raw].bytes = bytes; }

  // Float value v equals bytes (8-bit values of the source) or a uint8 value of the result, dequantized.
  void SetQuantized(ValueId v, ValueId raw, const QParams& params);
  void SetQuantizedNew(ValueId v, ValueId bytes, const QParams& params);
  // A new uint8 value to hold float value v.
  ValueId NewBytes(ValueId v) { return NewValue(name(v) + "_quantized", DType::kUInt8); }

  // v as bytes with parameters, nullopt if it has no such form. A function that maps the steps of its argument to such
  // steps (Relu, say) is turned into bytes here.
  Result<std::optional<Quantized>> AsQuantized(ValueId v);
  // What v is a function of, itself included; null if nothing.
  const Quantized* Argument(ValueId v) const;
  // The function's values.
  Result<Tensor> FunctionOf(ValueId v);
  void SetFunction(NodeId n, const Quantized& argument, Tensor function);
  // v, which must be a function of bytes, as a uint8 value with given parameters; no table where that changes nothing.
  Result<ValueId> BytesUnder(ValueId v, const QParams& params);

 private:
  struct State {
    bool emitted = false;
    ValueId bytes = kNoValue;
    std::optional<Quantized> quantized;
    std::optional<Quantized> argument;
    Tensor function;
    NodeId deferred = kNoNode;
  };
  struct Refusal {
    std::string reason, sentence;
  };

  void EmitKept(NodeId n);
  Refusal WhyKept(NodeId n) const;
  static ByteTable QuantizeFunction(const Tensor& function, const QParams& params);

  const GraphIndex index_;
  const MemoryPtr& memory_;
  Graph graph_;  // the result; values begin with those of the source
  std::unordered_set<std::string> names_;
  std::vector<State> states_;  // by value
  std::vector<bool> taken_;    // by node
  std::vector<NodeDecision> decisions_;
  Refusal refusal_;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_REWRITE_H_
