// Convolutions and matrix products become QConv, QConvTranspose and QMatMul.
#ifndef OCTAVO_CORE_PLAN_PRODUCTS_H_
#define OCTAVO_CORE_PLAN_PRODUCTS_H_

#include <map>
#include <string>
#include <vector>

#include "core/ops/integer.h"
#include "core/plan/rewrite.h"

namespace octavo {

class Products {
 public:
  explicit Products(Rewrite& rewrite) : r_(rewrite) {}

  // Each answers whether the node's work is done; if not, the node has no integer form here and nothing has changed.
  Result<bool> Convert(NodeId n);         // Conv, ConvTranspose, Gemm, MatMul between Q/DQ
  Result<bool> ConvertQLinear(NodeId n);  // QLinearConv, QLinearMatMul
  Result<bool> ConvertDynamic(NodeId n);  // ConvInteger, MatMulInteger -> Cast -> Mul(x_scale * w_scale) [-> Add]
  bool HasPending(NodeId n) const { return pending_.count(n) != 0; }
  Result<bool> EmitPending(NodeId n);  // the last node of a pattern that ConvertDynamic has found

 private:
  // What a QConv, QConvTranspose or QMatMul is made of.
  struct Parts {
    bool conv = false;            // also transposed
    bool conv_transpose = false;  // weights [channels of the input, channels / groups, ...], not [channels, ...]
    int64_t groups = 1;
    std::string name;
    ValueId x = kNoValue;  // uint8
    QParams x_params;
    ValueId w = kNoValue;  // uint8 activations with w_params,
    QParams w_params;
    QWeights weights;  // or constant weights, if w is kNoValue; channels along `weights.axis`
    size_t channels = 1;
    std::vector<Attribute> attributes;  // of the convolution
    std::vector<int32_t> bias;
    std::vector<float> fbias;
    std::vector<float> multiplier;
    ValueId x_zero = kNoValue, x_scale = kNoValue;  // of activations quantized at run time
    QProductAttributes product;

    bool constant_weights() const { return w == kNoValue; }
    // Where weight i of channel c stands.
    size_t WeightAt(size_t c, size_t i) const;
  };
  struct BiasValues;

  // Each of these may refuse.
  Result<bool> ReadWeights(NodeId dequantize, bool transposed, Parts* parts);
  Result<bool> ReadActivations(ValueId w, Parts* parts);
  Result<bool> SetNumbers(ValueId bias, const Tail& tail, Parts* parts);
  bool CheckSums(const Parts& parts);

  Result<bool> ReadBias(ValueId v, const Parts& parts, const std::vector<float>& scales, BiasValues* values);
  Status Emit(const Parts& parts, ValueId output);

  Rewrite& r_;
  std::map<NodeId, std::pair<Parts, ValueId>> pending_;  // by last node: what to emit there, and its result
};

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_PRODUCTS_H_
