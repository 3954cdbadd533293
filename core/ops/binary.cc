#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> BinaryOperators() { return {}; }

}  // namespace octavo
