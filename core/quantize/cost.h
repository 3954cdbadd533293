// What operators cost, as far as a graph tells: nothing here knows the machine, so that every machine decides alike.
#ifndef OCTAVO_CORE_QUANTIZE_COST_H_
#define OCTAVO_CORE_QUANTIZE_COST_H_

#include "core/quantize/placement.h"

namespace octavo {

// Elements along the axes from `begin` on; open dimensions count as 1.
double ElementsOf(const Shape& shape, int begin = 0);

// Multiply-accumulates of one run of a node; open dimensions count as 1. 0 for operators that do not multiply matrices.
double NodeMacs(const Graph& graph, const Node& node);

// Turns INT8 units back to float where INT8 would take longer: whole islands, which are INT8 units that hand 8-bit
// values to each other. An island is worth its multiply-accumulates and costs the elements that are converted at its
// borders. Rules of the recipe that say `keep_float: false` of one of its nodes keep an island INT8.
void KeepFasterInFloat(const Graph& graph, const Recipe& recipe, Placement* placement);

}  // namespace octavo

#endif  // OCTAVO_CORE_QUANTIZE_COST_H_
