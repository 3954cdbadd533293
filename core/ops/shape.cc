#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> ShapeOperators() { return {}; }

}  // namespace octavo
