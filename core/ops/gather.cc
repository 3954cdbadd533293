#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> GatherOperators() { return {}; }

}  // namespace octavo
