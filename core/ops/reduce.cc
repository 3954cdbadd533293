#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> ReduceOperators() { return {}; }

}  // namespace octavo
