// Rewriter: a graph whose nodes are emitted anew, in order, with others in between.
#ifndef OCTAVO_CORE_QUANTIZE_REWRITER_H_
#define OCTAVO_CORE_QUANTIZE_REWRITER_H_

#include <initializer_list>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/graph/graph.h"

namespace octavo {

class Rewriter {
 public:
  // Keeps `source`'s values (with their ids), inputs, outputs and descriptions; its nodes are left behind.
  Rewriter(const Graph& source, MemoryPtr memory);

  Graph& graph() { return graph_; }
  const MemoryPtr& memory() const { return memory_; }

  // A new value whose name is `base`, or `base` with a number.
  ValueId NewValue(const std::string& base, DType dtype);
  ValueId NewConstant(const std::string& base, Tensor tensor);
  // A constant of one value (rank 0), or of several along one axis (rank 1).
  template <typename T>
  Result<ValueId> NewConstant(const std::string& base, std::span<const T> values) {
    const Shape shape = values.size() == 1 ? Shape() : Shape{static_cast<int64_t>(values.size())};
    OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Of(memory_, shape, values));
    return NewConstant(base, std::move(tensor));
  }
  void Emit(std::string op_type, std::string name, std::vector<ValueId> inputs, std::vector<ValueId> outputs,
            std::vector<Attribute> attributes = {});
  // Nodes keep their names; one that is taken already gets a number, since some runtimes want them unique.
  void Emit(Node node);

  // Makes names of nodes unique, compacts, raises ir_version to what `opset` needs, resolves.
  Result<Graph> Finish();

 private:
  Graph graph_;
  MemoryPtr memory_;
  std::unordered_set<std::string> value_names_, node_names_;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_REWRITER_H_
