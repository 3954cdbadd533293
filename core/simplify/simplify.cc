#include "core/simplify/simplify.h"

#include <utility>

#include "core/simplify/passes.h"

namespace octavo {
namespace {

// Every change makes the graph smaller or plainer, so this only keeps time linear where a file is built to need one
// round for each node.
constexpr int kMostRounds = 64;

}  // namespace

Result<Graph> Simplify(Graph graph, const SimplifyOptions& options, const MemoryPtr& memory) {
  LeaveOldIr(graph, 4);  // constants that passes make are no inputs
  uint64_t folded = 0;
  bool changed = true;
  const auto run = [&](bool wanted, auto&& pass) -> Status {
    if (!wanted) return Ok();
    Editor editor(std::move(graph), memory);
    OCTAVO_RETURN_IF_ERROR(pass(editor));
    changed = changed || editor.changed();
    OCTAVO_ASSIGN_OR_RETURN(graph, editor.Finish());
    return Ok();
  };
  for (int round = 0; changed && round < kMostRounds; ++round) {
    changed = false;
    OCTAVO_RETURN_IF_ERROR(run(options.remove_dead, RemoveNoOps));
    OCTAVO_RETURN_IF_ERROR(run(options.fold_constants, [&](Editor& editor) { return FoldConstants(editor, &folded); }));
    OCTAVO_RETURN_IF_ERROR(run(options.fold_constants, FoldShapes));
    OCTAVO_RETURN_IF_ERROR(run(options.fold_batch_norm, FoldAffine));
    OCTAVO_RETURN_IF_ERROR(run(options.fold_batch_norm, FoldPads));
    OCTAVO_RETURN_IF_ERROR(run(options.fuse_activations, FuseNormalization));
    OCTAVO_RETURN_IF_ERROR(run(options.fuse_activations, FuseActivations));
  }
  return graph;
}

}  // namespace octavo
