// What the shape rules of several families check alike. All of them let pass what is not known yet.
#ifndef OCTAVO_CORE_OPS_CHECK_H_
#define OCTAVO_CORE_OPS_CHECK_H_

#include <initializer_list>

#include "core/graph/operator.h"

namespace octavo {

// For %lld.
inline long long LL(int64_t value) { return value; }

// Inputs [0, count) must not be left out.
Status CheckPresent(const InferContext& context, size_t count);
// Input i, called `name` in ONNX's documentation, is of one of these types.
Status CheckType(const InferContext& context, size_t i, const char* name, std::initializer_list<DType> allowed);
// float32, float16, bfloat16 or float64.
Status CheckFloating(const InferContext& context, size_t i, const char* name);
// Inputs i and j are of the same type.
Status CheckSameType(const InferContext& context, size_t i, const char* name, size_t j, const char* other);
Status CheckRank(const InferContext& context, size_t i, const char* name, int rank);
// One element: rank 0, or any rank with all dimensions 1.
Status CheckScalar(const InferContext& context, size_t i, const char* name);
// One element, or rank 1 with `length` of them (kUnknown: any).
Status CheckScalarOrVector(const InferContext& context, size_t i, const char* name, int64_t length);
// Rank 1 with `length` elements (kUnknown: any).
Status CheckVector(const InferContext& context, size_t i, const char* name, int64_t length);
// Every element of a quantization scale whose contents are known is greater than 0 and finite.
Status CheckScaleValues(const InferContext& context, size_t i, const char* name);
// An integer attribute inside [least, greatest].
Status CheckRange(const char* name, int64_t value, int64_t least, int64_t greatest);

// The dimension that both must be: the known one. Error if they contradict each other; `what` completes
// "... is 3 in A, 4 in B".
Result<int64_t> MergeDims(int64_t a, int64_t b, const char* what, const char* name_a, const char* name_b);

// Element i of a floating tensor, exactly.
double FloatAt(const Tensor& tensor, int64_t i);
// Element i of an integer tensor of at most 32 bits, 4-bit types included.
int64_t IntegerAt(const Tensor& tensor, int64_t i);

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_CHECK_H_
