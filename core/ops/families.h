// The families of operators, one file each; table.cc joins them.
#ifndef OCTAVO_CORE_OPS_FAMILIES_H_
#define OCTAVO_CORE_OPS_FAMILIES_H_

#include <span>

#include "core/graph/operator.h"

namespace octavo {

std::span<const Operator> ConvOperators();    // conv.cc: Conv, ConvTranspose, ConvInteger, QLinearConv
Operator ConvTransposeInteger();              // conv.cc, too, but one of the internal ones
std::span<const Operator> MatMulOperators();  // matmul.cc: Gemm, MatMul, MatMulInteger, QLinearMatMul, Einsum
std::span<const Operator> PoolOperators();    // pool.cc: MaxPool, AveragePool, GlobalAveragePool, GlobalMaxPool
std::span<const Operator> NormOperators();    // norm.cc: BatchNormalization, InstanceNormalization, LayerNormalization,
                                              // GroupNormalization, RMSNormalization, LRN
std::span<const Operator> QuantizeOperators();  // quantize.cc: QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear
std::span<const Operator>
IntegerOperators();  // integer.cc: the internal integer operators that plans are made of (domain kInternalDomain)
std::span<const Operator> ResizeOperators();   // resize.cc: Resize, Upsample
std::span<const Operator> UnaryOperators();    // unary.cc: element-wise functions of one input, activations included
std::span<const Operator> BinaryOperators();   // binary.cc: element-wise functions of several broadcast inputs:
                                               // arithmetic, comparison, logic, Where
std::span<const Operator> SoftmaxOperators();  // softmax.cc: Softmax, LogSoftmax, Hardmax
std::span<const Operator> ReduceOperators();   // reduce.cc: reductions, ArgMax, ArgMin, CumSum, TopK
std::span<const Operator> ShapeOperators();    // shape.cc: Shape, Size, Reshape, Flatten, Squeeze, Unsqueeze, Identity,
                                               // Dropout, Cast, Constant, ConstantOfShape, Range, Expand
std::span<const Operator>
MoveOperators();  // move.cc: Concat, Split, Slice, Transpose, Tile, Pad, DepthToSpace, SpaceToDepth, Trilu
std::span<const Operator> GatherOperators();  // gather.cc: Gather, GatherElements, GatherND, ScatterElements,
                                              // ScatterND, OneHot, NonZero, NonMaxSuppression

}  // namespace octavo

#endif  // OCTAVO_CORE_OPS_FAMILIES_H_
