#include <cmath>

#include "tests/core/ops/op_testing.h"

namespace octavo::test {
namespace {

// ------------------------------------------------------------------------------------------------ MatMul

TEST(MatMul, TakesKInAscendingOrderByFusedMultiplyAdd) {
  Random random;
  const int64_t m = 3, k = 37, n = 75;
  const Tensor a = random.Floats({m, k}), b = random.Floats({k, n});
  const Tensor y = Op("MatMul").Run1({a, b});
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      float acc = 0;
      for (int64_t t = 0; t < k; ++t) {
        acc = std::fma(a.data<float>()[static_cast<size_t>(i * k + t)], b.data<float>()[static_cast<size_t>(t * n + j)],
                       acc);
      }
      ASSERT_EQ(y.data<float>()[static_cast<size_t>(i * n + j)], acc) << i << ", " << j;
    }
  }
}

TEST(MatMul, BroadcastsStacksAndTakesVectors) {
  const auto shape = [](const Shape& a, const Shape& b) {
    Random random;
    return Op("MatMul").Run1({random.Floats(a), random.Floats(b)}).shape().ToString();
  };
  EXPECT_EQ(shape({4}, {4}), "[]");
  EXPECT_EQ(shape({4}, {4, 2}), "[2]");
  EXPECT_EQ(shape({3, 4}, {4}), "[3]");
  EXPECT_EQ(shape({5, 1, 3, 4}, {6, 4, 2}), "[5, 6, 3, 2]");
  EXPECT_EQ(shape({4}, {6, 4, 2}), "[6, 2]");
  EXPECT_EQ(shape({0, 3, 4}, {4, 2}), "[0, 3, 2]");
  EXPECT_EQ(Values<float>(Op("MatMul").Run1({TensorOf<float>({2, 0}, {}), TensorOf<float>({0, 2}, {})})),
            (std::vector<float>(4, 0)));
  // [2, 1, 1, 2] x [3, 2, 1]: each a with each b
  const Tensor a = TensorOf<float>({2, 1, 1, 2}, {1, 2, 3, 4}), b = TensorOf<float>({3, 2, 1}, {1, 0, 0, 1, 10, 100});
  EXPECT_EQ(Values<float>(Op("MatMul").Run1({a, b})), (std::vector<float>{1, 2, 210, 3, 4, 430}));
}

TEST(MatMul, IntegersWrap) {
  const Tensor a = TensorOf<int32_t>({1, 2}, {INT32_MAX, INT32_MAX}), b = TensorOf<int32_t>({2, 1}, {2, 1});
  EXPECT_EQ(Values<int32_t>(Op("MatMul").Run1({a, b})), (std::vector<int32_t>{INT32_MAX - 2}));
  const Tensor u = TensorOf<uint64_t>({1, 1}, {UINT64_MAX}), two = TensorOf<uint64_t>({1, 1}, {2});
  EXPECT_EQ(Values<uint64_t>(Op("MatMul").Run1({u, two})), (std::vector<uint64_t>{UINT64_MAX - 1}));
}

TEST(MatMul, SaysWhatIsWrong) {
  Random random;
  const auto error = [&](const Shape& a, const Shape& b) {
    return Op("MatMul").Error({random.Floats(a), random.Floats(b)});
  };
  EXPECT_CONTAINS(error({2, 3}, {4, 2}), "K is 3 in A, 4 in B");
  EXPECT_CONTAINS(error({}, {4, 2}), "scalars cannot be multiplied");
  EXPECT_CONTAINS(error({2, 2, 3}, {3, 3, 2}), "cannot be broadcast");
  EXPECT_CONTAINS(Op("MatMul").Error({random.Floats({2, 2}), random.Integers<int32_t>({2, 2}, 0, 1)}), "same type");
}

TEST(MatMul, InfersWhatIsKnown) {
  const auto shape = [](std::optional<Shape> a, std::optional<Shape> b) {
    return Op("MatMul").InferShape({{DType::kFloat, a}, {DType::kFloat, b}});
  };
  EXPECT_EQ(shape(Shape{-1, 3, 4}, Shape{4, -1}), "[?, 3, ?]");
  EXPECT_EQ(shape(Shape{-1, 3, 4}, Shape{7, 4, 2}), "[7, 3, 2]");
  EXPECT_EQ(shape(Shape{-1, 3, 4}, Shape{1, 4, 2}), "[?, 3, 2]");
  EXPECT_EQ(shape(Shape{3, 4}, std::nullopt), "unranked");
}

// ------------------------------------------------------------------------------------------------ Gemm

TEST(Gemm, AddsCFirstOnlyWhenNothingIsScaled) {
  // (1 + 2^-24) is not a float: starting from C loses the small product, adding C last keeps it beside the others.
  const float tiny = 0x1p-24f;
  const Tensor a = TensorOf<float>({1, 2}, {tiny, tiny}), b = TensorOf<float>({2, 1}, {1, 1});
  const Tensor c = TensorOf<float>({1}, {1});
  EXPECT_EQ(Values<float>(Op("Gemm").Run1({a, b, c})), (std::vector<float>{1}));
  EXPECT_EQ(Values<float>(Op("Gemm").Set("beta", 2.0f).Run1({a, b, c})), (std::vector<float>{2}));
  EXPECT_EQ(Values<float>(Op("Gemm").Set("alpha", 2.0f).Run1({a, b, c})), (std::vector<float>{1 + 0x1p-22f}));
}

TEST(Gemm, TransposesAndBroadcasts) {
  const Tensor a = TensorOf<float>({2, 3}, {1, 2, 3, 4, 5, 6}), b = TensorOf<float>({2, 2}, {1, 10, 100, 1000});
  const Tensor y = Op("Gemm").Set("transA", 1).Set("transB", 1).Run1({a, b});
  EXPECT_EQ(y.shape(), (Shape{3, 2}));
  EXPECT_EQ(Values<float>(y), (std::vector<float>{41, 4100, 52, 5200, 63, 6300}));
  const auto with_c = [&](const Shape& shape, const std::vector<float>& values) {
    const Tensor zero = TensorOf<float>({2, 2}, {0, 0, 0, 0});
    return Values<float>(Op("Gemm").Run1({zero, zero, TensorOf<float>(shape, values)}));
  };
  EXPECT_EQ(with_c({}, {5}), (std::vector<float>{5, 5, 5, 5}));
  EXPECT_EQ(with_c({2}, {1, 2}), (std::vector<float>{1, 2, 1, 2}));
  EXPECT_EQ(with_c({2, 1}, {1, 2}), (std::vector<float>{1, 1, 2, 2}));
  EXPECT_EQ(with_c({1, 2}, {1, 2}), (std::vector<float>{1, 2, 1, 2}));
  EXPECT_EQ(with_c({2, 2}, {1, 2, 3, 4}), (std::vector<float>{1, 2, 3, 4}));
}

TEST(Gemm, BetaZeroLeavesCUnread) {
  const Tensor one = TensorOf<float>({1, 1}, {1});
  EXPECT_EQ(Values<float>(Op("Gemm").Set("beta", 0.0f).Run1({one, one, TensorOf<float>({1}, {NAN})})),
            (std::vector<float>{1}));
}

TEST(Gemm, SaysWhatIsWrong) {
  Random random;
  const Tensor a = random.Floats({2, 3}), b = random.Floats({3, 4});
  EXPECT_CONTAINS(Op("Gemm").Error({a, a}), "K is 3 in A, 2 in B");
  EXPECT_CONTAINS(Op("Gemm").Error({a, random.Floats({3})}), "B has shape [3]; its rank must be 2");
  EXPECT_CONTAINS(Op("Gemm").Error({a, b, random.Floats({3})}), "C has shape [3], which cannot be broadcast to [2, 4]");
  EXPECT_CONTAINS(Op("Gemm").Error({a, b, random.Floats({1, 2, 4})}), "cannot be broadcast");
  const Tensor i = random.Integers<int64_t>({2, 2}, 0, 3);
  EXPECT_CONTAINS(Op("Gemm").Set("alpha", 0.5f).Error({i, i}, Code::kUnsupported), "alpha 0.5");
  EXPECT_TRUE(Op("Gemm").Run({i, i, i}).ok());
}

// ------------------------------------------------------------------------------------------------ integer products

TEST(MatMulInteger, WrapsModulo32Bits) {
  const int64_t k = 70000;  // 255 * 255 * 70000 is more than 2^32
  const Tensor a = TensorOf<uint8_t>({1, k}, std::vector<uint8_t>(static_cast<size_t>(k), 255));
  const Tensor b = TensorOf<uint8_t>({k, 1}, std::vector<uint8_t>(static_cast<size_t>(k), 255));
  EXPECT_EQ(Values<int32_t>(Op("MatMulInteger").Run1({a, b})),
            (std::vector<int32_t>{static_cast<int32_t>(static_cast<uint32_t>(uint64_t{255} * 255 * 70000))}));
}

TEST(MatMulInteger, ZeroPointsPerRowAndColumn) {
  const Tensor a = TensorOf<uint8_t>({2, 2}, {10, 11, 20, 22}), b = TensorOf<int8_t>({2, 2}, {1, -1, 3, 4});
  const Tensor by_row = TensorOf<uint8_t>({2}, {10, 20}), by_column = TensorOf<int8_t>({2}, {1, -1});
  // [[0, 1], [0, 2]] x [[0, 0], [2, 5]]
  EXPECT_EQ(Values<int32_t>(Op("MatMulInteger").Run1({a, b, by_row, by_column})), (std::vector<int32_t>{2, 5, 4, 10}));
  EXPECT_EQ(
      Values<int32_t>(
          Op("MatMulInteger").Run1({a, b, TensorOf<uint8_t>({2, 1}, {10, 20}), TensorOf<int8_t>({1, 2}, {1, -1})})),
      (std::vector<int32_t>{2, 5, 4, 10}));
  EXPECT_CONTAINS(Op("MatMulInteger").Error({a, b, TensorOf<uint8_t>({3}, {0, 0, 0})}), "or one per row");
  EXPECT_CONTAINS(Op("MatMulInteger").Error({a, b, Tensor(), TensorOf<int8_t>({2, 1}, {0, 0})}), "or one per column");
  EXPECT_CONTAINS(Op("MatMulInteger").Error({a, b, ScalarOf<int8_t>(0)}), "same type");
}

TEST(QLinearMatMul, RequantizesLikeTheConvolution) {
  Random random;
  const Tensor a = random.Integers<uint8_t>({2, 3, 5}, 0, 255), b = random.Integers<int8_t>({5, 4}, -128, 127);
  const Tensor b_scale = TensorOf<float>({4}, {0.01f, 0.02f, 0.003f, 0.5f}),
               b_zero = TensorOf<int8_t>({4}, {0, 1, -2, 3});
  const Tensor y = Op("QLinearMatMul")
                       .Run1({a, ScalarOf(0.05f), ScalarOf<uint8_t>(120), b, b_scale, b_zero, ScalarOf(0.7f),
                              ScalarOf<uint8_t>(100)});
  ASSERT_EQ(y.shape(), (Shape{2, 3, 4}));
  for (size_t r = 0; r < 6; ++r) {
    for (size_t c = 0; c < 4; ++c) {
      int32_t acc = 0;
      for (size_t k = 0; k < 5; ++k) {
        acc += (a.data<uint8_t>()[r * 5 + k] - 120) * (b.data<int8_t>()[k * 4 + c] - b_zero.data<int8_t>()[c]);
      }
      const float scale = 0.05f * b_scale.data<float>()[c];
      const float value = std::nearbyint(static_cast<float>(acc) * (scale / 0.7f)) + 100;
      EXPECT_EQ(y.data<uint8_t>()[r * 4 + c], std::clamp(value, 0.0f, 255.0f));
    }
  }
  EXPECT_CONTAINS(
      Op("QLinearMatMul")
          .Error({a, ScalarOf(-1.0f), ScalarOf<uint8_t>(0), b, b_scale, b_zero, ScalarOf(0.7f), ScalarOf<uint8_t>(0)}),
      "a_scale[0] is -1");
}

// ------------------------------------------------------------------------------------------------ Einsum

Tensor Einsum(const char* equation, const std::vector<Tensor>& inputs) {
  return Op("Einsum").Set("equation", equation).Run1(inputs);
}

TEST(Einsum, IsMatMulTransposeTraceAndMore) {
  Random random;
  const Tensor a = random.Floats({2, 3, 4}), b = random.Floats({2, 4, 5});
  ExpectSame(Einsum("bij,bjk->bik", {a, b}), Op("MatMul").Run1({a, b}));
  ExpectSame(Einsum("...ij, ...jk", {a, b}), Op("MatMul").Run1({a, b}));
  const Tensor m = TensorOf<float>({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(Values<float>(Einsum("ii", {m})), (std::vector<float>{5}));
  EXPECT_EQ(Values<float>(Einsum("ii->i", {m})), (std::vector<float>{1, 4}));
  EXPECT_EQ(Values<float>(Einsum("ba", {m})), (std::vector<float>{1, 3, 2, 4}));  // sorted: "ab"
  EXPECT_EQ(Values<float>(Einsum("ij->", {m})), (std::vector<float>{10}));
  EXPECT_EQ(Values<float>(Einsum(
                "i,j,k->kji", {TensorOf<float>({2}, {1, 2}), TensorOf<float>({1}, {3}), TensorOf<float>({2}, {5, 7})})),
            (std::vector<float>{15, 30, 21, 42}));
  EXPECT_EQ(Values<uint8_t>(Einsum("i,i->", {TensorOf<uint8_t>({2}, {200, 100}), TensorOf<uint8_t>({2}, {2, 1})})),
            (std::vector<uint8_t>{static_cast<uint8_t>(500)}));
  // An ellipsis broadcasts.
  EXPECT_EQ(Einsum("...i,...i->...", {random.Floats({3, 1, 4}), random.Floats({5, 4})}).shape(), (Shape{3, 5}));
  EXPECT_EQ(Einsum("i,i->i", {TensorOf<float>({0}, {}), TensorOf<float>({0}, {})}).shape(), (Shape{0}));
}

TEST(Einsum, SaysWhatIsWrong) {
  Random random;
  const Tensor m = random.Floats({2, 3});
  const auto error = [&](const char* equation, const std::vector<Tensor>& inputs) {
    return Op("Einsum").Set("equation", equation).Error(inputs);
  };
  EXPECT_CONTAINS(error("ij,jk->ik", {m}), "equation has 2 terms for 1 inputs");
  EXPECT_CONTAINS(error("i1->i", {m}), "'1' where a letter");
  EXPECT_CONTAINS(error("ij->ijk", {m}), "'k', which no operand has");
  EXPECT_CONTAINS(error("ij->ii", {m}), "'i' twice");
  EXPECT_CONTAINS(error("ii", {m}), "equation needs 3 in dimension 0");
  EXPECT_CONTAINS(error("ijk", {m}), "its term of equation has 3 letters");
  EXPECT_CONTAINS(error("...ij->ij", {m}), "lacks the '...'");
  EXPECT_CONTAINS(error("..ij->ij", {m}), "'.' where");
  EXPECT_CONTAINS(error("......ij->ij", {m}), "'.' where");
  EXPECT_EQ(
      Op("Einsum").Set("equation", "i,j,k,l,m,n,o,p,q").Error(std::vector<Tensor>(9, random.Floats({1})), Code::kLimit),
      "rank 9 is more than the 8 this library handles");
}

TEST(Einsum, InfersWhatIsKnown) {
  const auto shape = [](const char* equation, std::optional<Shape> a, std::optional<Shape> b) {
    return Op("Einsum").Set("equation", equation).InferShape({{DType::kFloat, a}, {DType::kFloat, b}});
  };
  EXPECT_EQ(shape("ij,jk->ik", Shape{-1, 3}, Shape{-1, 4}), "[?, 4]");
  EXPECT_EQ(shape("ij,jk->ik", Shape{-1, 3}, std::nullopt), "[?, ?]");
  EXPECT_EQ(shape("...j,jk->...k", Shape{-1, 3}, std::nullopt), "unranked");
  EXPECT_EQ(shape("...j,...j->...", Shape{-1, 3}, Shape{1, 3}), "[?]");
  EXPECT_EQ(shape("...j,...j->...", Shape{1, 3}, Shape{-1, 3}), "[?]");
  EXPECT_EQ(shape("...j,...j->...", Shape{-1, 3}, Shape{7, 3}), "[7]");
}

}  // namespace
}  // namespace octavo::test
