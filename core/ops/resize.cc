#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> ResizeOperators() { return {}; }

}  // namespace octavo
