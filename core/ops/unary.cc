#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> UnaryOperators() { return {}; }

}  // namespace octavo
