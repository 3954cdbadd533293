#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> MoveOperators() { return {}; }

}  // namespace octavo
