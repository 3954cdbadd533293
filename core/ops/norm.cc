#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> NormOperators() { return {}; }

}  // namespace octavo
