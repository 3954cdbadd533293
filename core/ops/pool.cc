#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> PoolOperators() { return {}; }

}  // namespace octavo
