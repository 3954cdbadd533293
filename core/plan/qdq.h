// Reads quantization parameters out of a graph.
#ifndef OCTAVO_CORE_PLAN_QDQ_H_
#define OCTAVO_CORE_PLAN_QDQ_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/graph/graph.h"

namespace octavo {

// Parameters of an 8-bit activation as it is kept in memory: real = scale * (q - zero), q and zero in [0, 255].
struct QParams {
  float scale = 1.0f;
  int32_t zero = 0;
  bool operator==(const QParams&) const = default;
};

// A multiplier that no sum of a graph can turn into infinity or NaN.
bool IsSane(float multiplier);

// Node inputs `scale` and `zero` (may be left out) as constants for a whole tensor of `dtype`, which is uint8 or int8;
// nullopt where they are anything else.
std::optional<QParams> ReadQParams(const Graph& graph, const Node& node, size_t scale, size_t zero, DType dtype);

bool IsQuantizeLinear(const Node& node);
bool IsDequantizeLinear(const Node& node);

// Constant weights of 8 bits, as signed numbers: real = scale[c] * (w - zero[c]), c being the index along `axis`.
struct QWeights {
  Tensor w;                   // int8, shape as in the graph
  std::vector<float> scale;   // one, or one per channel
  std::vector<int32_t> zero;  // as many; all 0 nearly always
  int axis = 0;

  float scale_of(size_t c) const { return scale[scale.size() > 1 ? c : 0]; }
  int32_t zero_of(size_t c) const { return zero[zero.size() > 1 ? c : 0]; }
  bool symmetric() const;
};

// An 8-bit tensor with its parameters (any of the pointers may be null: not constant; `zero` also: left out). Unsigned
// weights are shifted by 128, and zero points are subtracted from the weights where the results fit. nullopt: not
// constant, not 8 bits, scales of another shape.
Result<std::optional<QWeights>> ReadQWeights(const Tensor* w, const Tensor* scale, const Tensor* zero, int64_t axis,
                                             const MemoryPtr& memory);

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_QDQ_H_
