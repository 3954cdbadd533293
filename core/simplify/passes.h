// The passes of Simplify, one idea each. Each goes once over the nodes, in order; Simplify repeats them until none
// changes anything, so a pass need not see what its own changes make possible.
#ifndef OCTAVO_CORE_SIMPLIFY_PASSES_H_
#define OCTAVO_CORE_SIMPLIFY_PASSES_H_

#include <cstdint>

#include "core/simplify/editor.h"

namespace octavo {

// Evaluates what depends on constants and known shapes only. `folded` counts bytes over all rounds.
Status FoldConstants(Editor& editor, uint64_t* folded);

// Shapes computed in the graph (Shape, Gather, Concat, ... into Reshape) where some dimensions are free: what is known
// becomes constant, and a Reshape that needs no computed dimension gets a constant target.
Status FoldShapes(Editor& editor);

// Identity, Dropout, casts, reshapes, transpositions and the like that do nothing, alone or together.
Status RemoveNoOps(Editor& editor);

// Batch normalization and arithmetic with constants per channel go into the weights of the layer above.
Status FoldAffine(Editor& editor);

// Zero padding goes into the convolution or pooling below.
Status FoldPads(Editor& editor);

// Clip in its many spellings, x*sigmoid(x), x*hardsigmoid(x), erf and tanh forms of GELU, spatial means, ...
Status FuseActivations(Editor& editor);

// Layer normalization spelled out.
Status FuseNormalization(Editor& editor);

// Raises ir_version to at least `version` (>= 4). Before version 4 every initializer had to be an input as well; from
// then on, inputs with a default are those a user may want to set, which the others never were.
void LeaveOldIr(Graph& graph, int64_t version);

}  // namespace octavo

#endif  // OCTAVO_CORE_SIMPLIFY_PASSES_H_
