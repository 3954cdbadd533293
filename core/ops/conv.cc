#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> ConvOperators() { return {}; }

}  // namespace octavo
