// Dimensions: which open dimensions of a graph are surely equal, whatever the inputs will be.
#ifndef OCTAVO_CORE_SIMPLIFY_DIMENSIONS_H_
#define OCTAVO_CORE_SIMPLIFY_DIMENSIONS_H_

#include <vector>

#include "core/simplify/editor.h"

namespace octavo {

// A dimension, told by the value where it shows up first.
struct Dimension {
  ValueId of = kNoValue;
  int axis = 0;
  bool operator==(const Dimension& other) const { return of == other.of && axis == other.axis; }
};

class Dimensions {
 public:
  explicit Dimensions(const Editor& editor) : editor_(editor), known_(editor.graph().values.size()) {}

  Dimension Of(ValueId v, int axis) const;
  void Set(ValueId v, int axis, Dimension dimension);

  // Follows dimensions through a node whose inputs have been followed. Knows the operators that shapes computed in a
  // graph commonly pass; of all others every dimension is new.
  void Visit(const Node& node);

 private:
  int Rank(ValueId v) const { return editor_.value(v).shape ? editor_.value(v).shape->rank() : -1; }
  void Copy(ValueId to, int to_axis, ValueId from, int from_axis) { Set(to, to_axis, Of(from, from_axis)); }
  void CopyAllBut(const std::vector<int>& axes, ValueId to, ValueId from);
  // Axis `axis` of `out`, counted from the last, where inputs are broadcast against each other.
  void Broadcast(const Node& node, int from_last);

  const Editor& editor_;
  std::vector<std::vector<Dimension>> known_;  // by value and axis; empty: all its own
};

}  // namespace octavo

#endif  // OCTAVO_CORE_SIMPLIFY_DIMENSIONS_H_
