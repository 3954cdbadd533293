#include "core/ops/families.h"

namespace octavo {

std::span<const Operator> MatMulOperators() { return {}; }

}  // namespace octavo
