#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> IntegerOperators() { return {}; }

}  // namespace octavo
