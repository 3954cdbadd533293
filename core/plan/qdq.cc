#include "core/plan/qdq.h"

#include <algorithm>
#include <cmath>

namespace octavo {
namespace {

const Tensor* Constant(const Graph& graph, const Node& node, size_t i) {
  if (!node.has_input(i)) return nullptr;
  const auto& constant = graph.values[node.inputs[i]].constant;
  return constant ? &*constant : nullptr;
}

int32_t ByteAt(const Tensor& tensor, size_t i) {
  return tensor.dtype() == DType::kInt8 ? tensor.data<int8_t>()[i] : tensor.data<uint8_t>()[i];
}

}  // namespace

bool IsSane(float multiplier) { return std::isfinite(multiplier) && std::fabs(multiplier) < 0x1p64f; }

bool IsQuantizeLinear(const Node& node) { return node.domain.empty() && node.op_type == "QuantizeLinear"; }
bool IsDequantizeLinear(const Node& node) { return node.domain.empty() && node.op_type == "DequantizeLinear"; }

std::optional<QParams> ReadQParams(const Graph& graph, const Node& node, size_t scale, size_t zero, DType dtype) {
  if (dtype != DType::kUInt8 && dtype != DType::kInt8) return std::nullopt;
  const Tensor* s = Constant(graph, node, scale);
  if (!s || s->dtype() != DType::kFloat || s->elements() != 1) return std::nullopt;
  QParams params;
  params.scale = s->data<float>()[0];
  if (!(params.scale > 0) || !IsSane(params.scale) || params.scale < 0x1p-64f) return std::nullopt;
  if (node.has_input(zero)) {
    const Tensor* z = Constant(graph, node, zero);
    if (!z || z->dtype() != dtype || z->elements() != 1) return std::nullopt;
    params.zero = ByteAt(*z, 0);
  }
  if (dtype == DType::kInt8) params.zero += 128;
  return params;
}

bool QWeights::symmetric() const {
  return std::all_of(zero.begin(), zero.end(), [](int32_t z) { return z == 0; });
}

Result<std::optional<QWeights>> ReadQWeights(const Tensor* w, const Tensor* scale, const Tensor* zero, int64_t axis,
                                             const MemoryPtr& memory) {
  const std::optional<QWeights> none;
  if (!w || !scale || scale->dtype() != DType::kFloat) return none;
  if (w->dtype() != DType::kInt8 && w->dtype() != DType::kUInt8) return none;
  const int rank = w->shape().rank();
  if (axis < 0) axis += rank;
  const size_t n = static_cast<size_t>(scale->elements());
  if (n != 1 && (scale->shape().rank() != 1 || axis < 0 || axis >= rank ||
                 w->shape()[static_cast<int>(axis)] != scale->elements())) {
    return none;
  }
  QWeights weights;
  weights.axis = n == 1 ? 0 : static_cast<int>(axis);
  weights.scale.assign(scale->data<float>().begin(), scale->data<float>().end());
  for (float s : weights.scale) {
    if (!(s > 0) || !IsSane(s)) return none;
  }
  const int32_t shift = w->dtype() == DType::kUInt8 ? 128 : 0;
  weights.zero.assign(n, -shift);
  if (zero) {
    if (zero->dtype() != w->dtype() || static_cast<size_t>(zero->elements()) != n) return none;
    for (size_t c = 0; c < n; ++c) weights.zero[c] = ByteAt(*zero, c) - shift;
  }
  if (shift == 0 && weights.symmetric()) {
    weights.w = *w;
    return std::optional(std::move(weights));
  }
  // Channel c holds elements [(o * n + c) * inner, + inner).
  const int64_t inner = n == 1 ? w->elements() : w->shape().Elements(weights.axis + 1, rank);
  const auto channel = [&](int64_t i) { return inner == 0 ? size_t{0} : static_cast<size_t>(i / inner) % n; };
  std::vector<bool> fits(n, true);
  for (int64_t i = 0; i < w->elements(); ++i) {
    const size_t c = channel(i);
    const int32_t centred = ByteAt(*w, static_cast<size_t>(i)) - shift - weights.zero[c];
    if (centred < -128 || centred > 127) fits[c] = false;
  }
  OCTAVO_ASSIGN_OR_RETURN(weights.w, Tensor::Create(memory, DType::kInt8, w->shape()));
  int8_t* to = weights.w.mutable_data<int8_t>().data();
  for (int64_t i = 0; i < w->elements(); ++i) {
    const size_t c = channel(i);
    to[i] = static_cast<int8_t>(ByteAt(*w, static_cast<size_t>(i)) - shift - (fits[c] ? weights.zero[c] : 0));
  }
  for (size_t c = 0; c < n; ++c) {
    if (fits[c]) weights.zero[c] = 0;
  }
  return std::optional(std::move(weights));
}

}  // namespace octavo
