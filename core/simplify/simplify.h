// Graph -> Graph passes that keep every output: the same values bit for bit, except where batch normalizations are
// folded and activations fused, which keeps them within float rounding.
#ifndef OCTAVO_CORE_SIMPLIFY_SIMPLIFY_H_
#define OCTAVO_CORE_SIMPLIFY_SIMPLIFY_H_

#include "core/base/memory.h"
#include "core/graph/graph.h"

namespace octavo {

struct SimplifyOptions {
  bool fold_constants = true;   // constants, and Shape of what is known
  bool fold_batch_norm = true;  // into the Conv, ConvTranspose or Gemm before it; other arithmetic with constants per
                                // channel too, and zero padding into the layer after it
  // x*sigmoid(x) -> Swish, x*hardsigmoid(x) -> HardSwish, erf forms -> Gelu, spelled-out LayerNormalization, Clip forms
  // and more, where the graph's operator set has the operator.
  bool fuse_activations = true;
  bool remove_dead = true;  // Identity, Dropout at inference, no-op casts/reshapes/transposes pairs, unused nodes
};

// Needs a resolved graph, gives one. Names of surviving values stay, so statistics find them again. Idempotent.
// Deterministic. Q/DQ nodes are never folded away (DequantizeLinear of a constant weight stays a node).
Result<Graph> Simplify(Graph graph, const SimplifyOptions& options, const MemoryPtr& memory);

// The same network under a newer operator set (`target` >= 13): nodes whose form changed are rewritten (axes attribute
// to input, Upsample to Resize, ...). Needed before per-channel Q/DQ can be inserted.
Result<Graph> UpgradeOpset(Graph graph, int64_t target, const MemoryPtr& memory);

}  // namespace octavo

#endif  // OCTAVO_CORE_SIMPLIFY_SIMPLIFY_H_
