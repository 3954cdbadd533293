// Transposed convolutions as ordinary ones: output elements a stride apart meet the same taps.
#ifndef OCTAVO_CORE_PLAN_PHASES_H_
#define OCTAVO_CORE_PLAN_PHASES_H_

#include <vector>

#include "core/ops/window.h"

namespace octavo {

//    kernel 3, stride 2    out 0   in 0 * tap 0 + in -1 * tap 2       phase of tap 0: taps 0 and 2
//                          out 1   in 0 * tap 1                       phase of tap 1
//                          out 2   in 1 * tap 0 + in 0 * tap 2        phase of tap 0
//                          out 3   in 1 * tap 1                       ...
struct Phase {
  int64_t tap, taps;  // its first tap; how many, a stride apart
  int64_t out, outs;  // its first output element; how many, a stride apart
  int64_t in;         // the input element under the first tap of the first output: one further for each output, a
                      // dilation back for each tap
};

// One phase for each tap below the stride. None where some outputs meet no tap at all.
std::vector<Phase> PhasesOf(const WindowAxis& axis);

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_PHASES_H_
