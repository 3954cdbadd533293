// Builds quantized graphs in tests: GraphBuilder with Q/DQ pairs and random constants.
#ifndef OCTAVO_TESTS_CORE_PLAN_QDQ_BUILDER_H_
#define OCTAVO_TESTS_CORE_PLAN_QDQ_BUILDER_H_

#include <random>
#include <vector>

#include "tests/core/graph_builder.h"

namespace octavo::test {

class QdqBuilder : public GraphBuilder {
 public:
  explicit QdqBuilder(uint32_t seed = 1, int64_t opset = 21) : GraphBuilder(opset), random_(seed) {}

  int Below(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n)); }
  int Between(int low, int high) { return low + Below(high - low + 1); }
  float Uniform(float low, float high) { return std::uniform_real_distribution<float>(low, high)(random_); }

  std::vector<float> Floats(size_t n, float low, float high) {
    std::vector<float> values(n);
    for (float& v : values) v = Uniform(low, high);
    return values;
  }
  template <typename T>
  std::vector<T> Integers(size_t n, int low, int high) {
    std::vector<T> values(n);
    for (T& v : values) v = static_cast<T>(Between(low, high));
    return values;
  }
  Tensor RandomTensor(const Shape& shape, float low, float high) {
    return TensorOf<float>(shape, Floats(static_cast<size_t>(shape.Elements()), low, high));
  }

  // Zero points of int8 are given less 128.
  ValueId ZeroPoint(int zero, DType dtype) {
    return dtype == DType::kInt8 ? Scalar(static_cast<int8_t>(zero - 128)) : Scalar(static_cast<uint8_t>(zero));
  }
  ValueId Q(ValueId x, float scale, int zero, DType dtype = DType::kUInt8) {
    return Node1("QuantizeLinear", {x, Scalar(scale), ZeroPoint(zero, dtype)});
  }
  ValueId DQ(ValueId q, float scale, int zero, DType dtype = DType::kUInt8) {
    return Node1("DequantizeLinear", {q, Scalar(scale), ZeroPoint(zero, dtype)});
  }
  ValueId Pair(ValueId x, float scale, int zero, DType dtype = DType::kUInt8) {
    return DQ(Q(x, scale, zero, dtype), scale, zero, dtype);
  }
  // Parameters for values that lie within about +-range.
  ValueId RandomPair(ValueId x, float range, DType dtype = DType::kUInt8) {
    const float scale = Uniform(0.7f, 1.1f) * range * 2 / 255;
    return Pair(x, scale, Between(60, 190), dtype);
  }

  // int8 weights with scales along `axis` (-1: one), behind DequantizeLinear.
  ValueId Weights(const Shape& shape, int axis, float scale = 0.01f) {
    const size_t n = axis < 0 ? 1 : static_cast<size_t>(shape[axis]);
    const std::vector<float> scales = Floats(n, 0.5f * scale, scale);
    const ValueId q =
        Constant(TensorOf<int8_t>(shape, Integers<int8_t>(static_cast<size_t>(shape.Elements()), -127, 127)));
    if (axis < 0) return Node1("DequantizeLinear", {q, Scalar(scales[0]), Scalar(int8_t{0})});
    const Shape vector{static_cast<int64_t>(n)};
    return Node1(
        "DequantizeLinear",
        {q, Constant(TensorOf<float>(vector, scales)), Constant(TensorOf<int8_t>(vector, std::vector<int8_t>(n, 0)))},
        {Attr("axis", axis)});
  }
  ValueId FloatConstant(const Shape& shape, float low, float high) { return Constant(RandomTensor(shape, low, high)); }

 private:
  std::mt19937 random_;
};

}  // namespace octavo::test

#endif  // OCTAVO_TESTS_CORE_PLAN_QDQ_BUILDER_H_
