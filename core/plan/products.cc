#include "core/plan/products.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/ops/rounding.h"

namespace octavo {
namespace {

constexpr int64_t kMostInt32 = INT32_MAX;

// Whether a tensor holds one value, or one for each of n channels along its last axis.
bool FitsChannels(const Tensor& tensor, size_t n) {
  if (tensor.elements() == 1) return true;
  const Shape& shape = tensor.shape();
  return static_cast<size_t>(tensor.elements()) == n && static_cast<size_t>(shape[shape.rank() - 1]) == n;
}

Result<Tensor> Turned(const Tensor& w, const MemoryPtr& memory) {
  const int64_t rows = w.shape()[0], columns = w.shape()[1];
  OCTAVO_ASSIGN_OR_RETURN(Tensor turned, Tensor::Create(memory, DType::kInt8, Shape{columns, rows}));
  const int8_t* in = w.data<int8_t>().data();
  int8_t* out = turned.mutable_data<int8_t>().data();
  constexpr int64_t kBlock = 64;  // lines of a block stay in cache until they are whole
  for (int64_t r0 = 0; r0 < rows; r0 += kBlock) {
    const int64_t r1 = std::min(rows, r0 + kBlock);
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t r = r0; r < r1; ++r) out[c * rows + r] = in[r * columns + c];
    }
  }
  return turned;
}

template <typename T>
std::vector<T> Repeated(const std::vector<T>& values, int64_t times) {
  std::vector<T> all;
  for (int64_t i = 0; i < times; ++i) all.insert(all.end(), values.begin(), values.end());
  return all;
}

}  // namespace

size_t Products::Parts::WeightAt(size_t c, size_t i) const {
  const Shape& shape = weights.w.shape();
  const size_t each = static_cast<size_t>(shape.Elements()) / channels;
  if (!conv) return i * channels + c;
  if (!conv_transpose) return c * each + i;
  const auto outputs = static_cast<size_t>(shape[1]), taps = static_cast<size_t>(shape.Elements(2, shape.rank()));
  return ((c / outputs * (each / taps) + i / taps) * outputs + c % outputs) * taps + i % taps;
}

Result<bool> Products::Convert(NodeId n) {
  const Node& node = r_.node(n);
  const bool conv_transpose = node.op_type == "ConvTranspose";
  const bool conv = node.op_type == "Conv" || conv_transpose, gemm = node.op_type == "Gemm";
  if (!conv && !gemm && node.op_type != "MatMul") {
    return r_.Refuse("no_integer_form", node.op_type + " has no integer form yet");
  }
  const ValueId x = node.inputs[0], w = node.inputs[1];
  const NodeReader reader(node, r_.source().opset());
  const bool transposed = gemm && reader.Int("transB", 0) != 0;
  if (gemm && (reader.Int("transA", 0) != 0 || reader.Float("alpha", 1) != 1 || reader.Float("beta", 1) != 1)) {
    return r_.Refuse("no_integer_form", "transA, alpha and beta have no integer form");
  }
  if (!r_.Argument(x) || r_.dtype(x) != DType::kFloat) {
    return r_.Refuse("not_quantized", "its input is not an 8-bit value behind a DequantizeLinear");
  }
  Parts parts;
  parts.conv = conv;
  parts.conv_transpose = conv_transpose;
  parts.groups = reader.Int("group", 1);
  parts.name = node.name;
  if (conv) parts.attributes = node.attributes;
  const NodeId w_maker = r_.index().producers[w];
  const bool dequantized =
      w_maker != kNoNode && IsDequantizeLinear(r_.node(w_maker)) && r_.IsConstant(r_.node(w_maker).inputs[0]);
  if (dequantized) {
    OCTAVO_ASSIGN_OR_RETURN(const bool fits, ReadWeights(w_maker, transposed, &parts));
    if (!fits) return false;
  } else if (r_.IsConstant(w)) {
    return r_.Refuse("weights_not_quantized", "its weights are float constants");
  } else if (conv || transposed || node.has_input(2)) {
    return r_.Refuse("weights_not_constant", "its weights are computed");
  } else {
    OCTAVO_ASSIGN_OR_RETURN(const bool fits, ReadActivations(w, &parts));
    if (!fits) return false;
  }
  const bool may_add = node.op_type == "MatMul" && parts.constant_weights();
  const Tail tail = FollowTail(r_.index(), node.outputs[0], may_add ? static_cast<int64_t>(parts.channels) : 0);
  const ValueId bias = node.has_input(2) ? node.inputs[2] : tail.bias;
  OCTAVO_ASSIGN_OR_RETURN(const std::optional<Rewrite::Quantized> x_quantized, r_.AsQuantized(x));
  if (!x_quantized) return r_.Refuse("not_quantized", "its input is a function of 8-bit values, not such a value");
  parts.x_params = x_quantized->params;
  OCTAVO_ASSIGN_OR_RETURN(const bool numbers, SetNumbers(bias, tail, &parts));
  if (!numbers) return false;
  OCTAVO_ASSIGN_OR_RETURN(parts.x, r_.Bytes(x_quantized->raw));
  if (tail.quantized()) {
    OCTAVO_RETURN_IF_ERROR(Emit(parts, r_.Deliver(tail)));
  } else {
    for (NodeId taken : tail.nodes) r_.Take(taken);
    r_.SetEmitted(tail.end);
    OCTAVO_RETURN_IF_ERROR(Emit(parts, tail.end));
  }
  return true;
}

// Weights of a Conv are [channels, ...], of a ConvTranspose [.., channels / groups, ...], of a MatMul [k, channels], of
// a transposed Gemm [channels, k].
Result<bool> Products::ReadWeights(NodeId dequantize, bool transposed, Parts* parts) {
  const Node& node = r_.node(dequantize);
  const NodeReader reader(node, r_.source().opset());
  if (reader.Int("block_size", 0) != 0) {
    return r_.Refuse("weights_in_blocks", "its weights have a scale for every block");
  }
  OCTAVO_ASSIGN_OR_RETURN(std::optional<QWeights> weights,
                          ReadQWeights(r_.ConstantInput(node, 0), r_.ConstantInput(node, 1), r_.ConstantInput(node, 2),
                                       reader.Int("axis", 1), r_.memory()));
  if (node.has_input(2) && !r_.IsConstant(node.inputs[2])) weights.reset();
  if (!weights) return r_.Refuse("weights_not_quantized", "its weights are not 8-bit constants with constant scales");
  const Shape& shape = weights->w.shape();
  if (!parts->conv && shape.rank() != 2) {
    return r_.Refuse("weight_rank", "its weights have rank " + std::to_string(shape.rank()));
  }
  const int axis = transposed || (parts->conv && !parts->conv_transpose) ? 0 : 1;
  if (weights->scale.size() > 1 && weights->axis != axis) {
    return r_.Refuse("weights_axis", "the scales of its weights do not run along its output channels");
  }
  parts->channels = static_cast<size_t>(shape[axis]);
  if (parts->conv_transpose) {
    if (shape.Elements() == 0) return r_.Refuse("no_integer_form", "it has no weights");
    // All groups have the scales of the first.
    if (weights->scale.size() > 1) {
      weights->scale = Repeated(weights->scale, parts->groups);
      weights->zero = Repeated(weights->zero, parts->groups);
    }
    parts->channels *= static_cast<size_t>(parts->groups);
  }
  parts->weights = std::move(*weights);
  if (transposed) {
    OCTAVO_ASSIGN_OR_RETURN(parts->weights.w, Turned(parts->weights.w, r_.memory()));
  }
  return true;
}

Result<bool> Products::ReadActivations(ValueId w, Parts* parts) {
  OCTAVO_ASSIGN_OR_RETURN(const std::optional<Rewrite::Quantized> quantized, r_.AsQuantized(w));
  if (!quantized) return r_.Refuse("weights_not_constant", "its second operand is computed and not 8-bit");
  // How many products are summed may not be known before shapes are; 2^31 / 255^2 of them are safe.
  const auto& shape = r_.source().values[w].shape;
  if (!shape || shape->rank() == 0) return r_.Refuse("weight_rank", "the rank of its second operand is unknown");
  if ((*shape)[std::max(shape->rank() - 2, 0)] > kMostInt32 / (255 * 255)) {
    return r_.Refuse("accumulator_overflow", "it sums more products than 32 bits hold");
  }
  OCTAVO_ASSIGN_OR_RETURN(parts->w, r_.Bytes(quantized->raw));
  parts->w_params = quantized->params;
  return true;
}

// ------------------------------------------------------------------------------------------------ numbers

// A bias in real numbers; and, where it came as int32 with the very scales of the sums, as those integers.
struct Products::BiasValues {
  std::vector<double> real;
  std::vector<int64_t> integer;
};

Result<bool> Products::ReadBias(ValueId v, const Parts& parts, const std::vector<float>& scales, BiasValues* values) {
  if (!IsConstantBias(r_.index(), v)) return r_.Refuse("bias_not_constant", "its bias is computed");
  const size_t n = parts.channels;
  Tensor real = r_.IsConstant(v) ? r_.constant(v) : Tensor();
  const Node* dequantize = nullptr;
  if (!real.defined()) {
    dequantize = &r_.node(r_.index().producers[v]);
    std::vector<Tensor> inputs(dequantize->inputs.size()), outputs;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (dequantize->has_input(i)) inputs[i] = r_.constant(dequantize->inputs[i]);
    }
    OCTAVO_RETURN_IF_ERROR(EvaluateNode(*dequantize, r_.source().opset(), inputs, r_.memory(), &outputs));
    real = std::move(outputs[0]);
  }
  if (!FitsChannels(real, n)) return r_.Refuse("bias_shape", "its bias is not one value for each channel");
  for (size_t c = 0; c < n; ++c) values->real.push_back(real.data<float>()[real.elements() == 1 ? 0 : c]);

  if (!dequantize || r_.dtype(dequantize->inputs[0]) != DType::kInt32) return true;
  const Tensor &integer = r_.constant(dequantize->inputs[0]), &scale = r_.constant(dequantize->inputs[1]);
  if (dequantize->has_input(2)) {
    const auto zeros = r_.constant(dequantize->inputs[2]).data<int32_t>();
    if (std::any_of(zeros.begin(), zeros.end(), [](int32_t zero) { return zero != 0; })) return true;
  }
  if (scale.elements() != 1 && scale.elements() != integer.elements()) return true;
  for (size_t c = 0; c < n; ++c) {
    const double given = scale.data<float>()[scale.elements() == 1 ? 0 : c];
    if (std::fabs(given / double{scales[c]} - 1) > 0x1p-20) {
      values->integer.clear();
      return true;
    }
    values->integer.push_back(integer.data<int32_t>()[integer.elements() == 1 ? 0 : c]);
  }
  return true;
}

// Multipliers, bias and bounds.
Result<bool> Products::SetNumbers(ValueId bias, const Tail& tail, Parts* parts) {
  const size_t n = parts->constant_weights() ? parts->channels : 1;
  std::vector<float> scales(n);
  parts->multiplier.resize(n);
  for (size_t c = 0; c < n; ++c) {
    const float w_scale = parts->constant_weights() ? parts->weights.scale_of(c) : parts->w_params.scale;
    scales[c] = parts->x_params.scale * w_scale;
    parts->multiplier[c] = tail.quantized() ? scales[c] / tail.params.scale : scales[c];
    if (!IsSane(parts->multiplier[c]) || !(scales[c] > 0)) {
      return r_.Refuse("scale_range", "the ratio of its scales is beyond what a float holds");
    }
  }
  if (bias != kNoValue) {
    BiasValues values;
    OCTAVO_ASSIGN_OR_RETURN(const bool fits, ReadBias(bias, *parts, scales, &values));
    if (!fits) return false;
    if (values.integer.empty() && !tail.quantized()) {
      for (double b : values.real) parts->fbias.push_back(static_cast<float>(b));
    } else {
      for (size_t c = 0; c < n; ++c) {
        const double b = values.integer.empty() ? RoundHalfEven(values.real[c] / double{scales[c]})
                                                : static_cast<double>(values.integer[c]);
        if (!(std::fabs(b) <= INT32_MAX)) {
          return r_.Refuse("accumulator_overflow", "its bias does not fit 32 bits");
        }
        parts->bias.push_back(static_cast<int32_t>(b));
      }
    }
  }
  if (!CheckSums(*parts)) return false;
  if (tail.quantized()) {
    parts->product.zero = tail.params.zero;
    tail.Bounds(&parts->product.lo, &parts->product.hi);
  } else {
    parts->product.is_float = true;
    parts->product.flo = tail.lo;
    parts->product.fhi = tail.hi;
  }
  return true;
}

// Proves |bias| + 255 * sum |w| < 2^31 for every channel: from the number of its weights if that is enough, and only
// else from the weights themselves.
bool Products::CheckSums(const Parts& parts) {
  if (!parts.constant_weights()) return true;
  const Tensor& w = parts.weights.w;
  const size_t n = parts.channels;
  const auto data = w.data<int8_t>();
  const auto weights = n == 0 ? int64_t{0} : static_cast<int64_t>(data.size() / n);
  const auto fits = [&](size_t c, int64_t sum) {
    const int64_t bias = parts.bias.empty() ? 0 : std::abs(int64_t{parts.bias[c]});
    return sum <= (kMostInt32 - bias) / 255;
  };
  // |w - zero| <= 128 + |zero|, and |zero| <= 128.
  const auto largest = [&](size_t c) { return 128 + std::abs(parts.weights.zero_of(c)); };
  for (size_t c = 0; c < n; ++c) {
    if (weights <= kMostInt32 / 256 && fits(c, weights * largest(c))) continue;
    const int32_t zero = parts.weights.zero_of(c);
    int64_t sum = 0;
    for (int64_t i = 0; i < weights; ++i) sum += std::abs(data[parts.WeightAt(c, static_cast<size_t>(i))] - zero);
    if (!fits(c, sum)) {
      return r_.Refuse("accumulator_overflow", "the sums of its channel " + std::to_string(c) + " may leave 32 bits");
    }
  }
  return true;
}

// ------------------------------------------------------------------------------------------------ emission

Status Products::Emit(const Parts& parts, ValueId output) {
  std::vector<ValueId> inputs(kProductInputs, kNoValue);
  inputs[kProductX] = parts.x;
  inputs[kProductXZero] = parts.x_zero;
  inputs[kProductXScale] = parts.x_scale;
  if (parts.x_zero == kNoValue) {
    OCTAVO_ASSIGN_OR_RETURN(inputs[kProductXZero],
                            r_.NewScalar(parts.name + "_x_zero", static_cast<uint8_t>(parts.x_params.zero)));
  }
  if (!parts.constant_weights()) {
    inputs[kProductW] = parts.w;
    OCTAVO_ASSIGN_OR_RETURN(inputs[kProductWZero],
                            r_.NewScalar(parts.name + "_w_zero", static_cast<uint8_t>(parts.w_params.zero)));
  } else {
    inputs[kProductW] = r_.NewConstant(parts.name + "_w", parts.weights.w);
    if (!parts.weights.symmetric()) {
      const std::vector<int8_t> zeros(parts.weights.zero.begin(), parts.weights.zero.end());
      if (zeros.size() == 1) {
        OCTAVO_ASSIGN_OR_RETURN(inputs[kProductWZero], r_.NewScalar(parts.name + "_w_zero", zeros[0]));
      } else {
        OCTAVO_ASSIGN_OR_RETURN(inputs[kProductWZero], r_.NewVector(parts.name + "_w_zero", zeros));
      }
    }
  }
  if (!parts.bias.empty()) {
    OCTAVO_ASSIGN_OR_RETURN(inputs[kProductBias], r_.NewVector(parts.name + "_bias", parts.bias));
  }
  if (!parts.fbias.empty()) {
    OCTAVO_ASSIGN_OR_RETURN(inputs[kProductFloatBias], r_.NewVector(parts.name + "_fbias", parts.fbias));
  }
  OCTAVO_ASSIGN_OR_RETURN(inputs[kProductMultiplier], r_.NewVector(parts.name + "_multiplier", parts.multiplier));
  while (inputs.back() == kNoValue) inputs.pop_back();
  std::vector<Attribute> attributes = parts.attributes;
  for (Attribute& attribute : AttributesOf(parts.product)) attributes.push_back(std::move(attribute));
  const char* op = parts.conv_transpose ? "QConvTranspose" : parts.conv ? "QConv" : "QMatMul";
  r_.EmitInternal(op, parts.name, std::move(inputs), output, std::move(attributes));
  return Ok();
}

// ------------------------------------------------------------------------------------------------ other forms

// Inputs x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias.
Result<bool> Products::ConvertQLinear(NodeId n) {
  const Node& node = r_.node(n);
  const Graph& source = r_.source();
  const ValueId x = node.inputs[0], w = node.inputs[3], y = node.outputs[0];
  const std::optional<QParams> x_params = ReadQParams(source, node, 1, 2, r_.dtype(x));
  const std::optional<QParams> y_params = ReadQParams(source, node, 6, 7, r_.dtype(y));
  if (!x_params || !y_params) return false;
  Parts parts;
  parts.conv = node.op_type == "QLinearConv";
  parts.name = node.name;
  parts.x_params = *x_params;
  if (parts.conv) parts.attributes = node.attributes;
  const int axis = parts.conv ? 0 : 1;
  if (r_.IsConstant(w)) {
    OCTAVO_ASSIGN_OR_RETURN(
        std::optional<QWeights> weights,
        ReadQWeights(&r_.constant(w), r_.ConstantInput(node, 4), r_.ConstantInput(node, 5), axis, r_.memory()));
    if (!weights || !r_.IsConstant(node.inputs[5]) || (!parts.conv && weights->w.shape().rank() != 2)) return false;
    parts.channels = static_cast<size_t>(weights->w.shape()[axis]);
    parts.weights = std::move(*weights);
  } else {
    const std::optional<QParams> w_params = ReadQParams(source, node, 4, 5, r_.dtype(w));
    const auto& shape = source.values[w].shape;
    if (parts.conv || !w_params || !shape || shape->rank() < 1) return false;
    if ((*shape)[std::max(shape->rank() - 2, 0)] > kMostInt32 / (255 * 255)) return false;
    parts.w_params = *w_params;
    OCTAVO_ASSIGN_OR_RETURN(parts.w, r_.Bytes(w));
  }
  if (node.has_input(8)) {
    if (!r_.IsConstant(node.inputs[8])) return false;
    const auto bias = r_.constant(node.inputs[8]).data<int32_t>();
    parts.bias.assign(bias.begin(), bias.end());
  }
  Tail tail;  // nothing but the parameters
  tail.params = *y_params;
  tail.quantizers = {n};
  OCTAVO_ASSIGN_OR_RETURN(const bool numbers, SetNumbers(kNoValue, tail, &parts));
  if (!numbers) return false;
  OCTAVO_ASSIGN_OR_RETURN(parts.x, r_.Bytes(x));
  OCTAVO_RETURN_IF_ERROR(Emit(parts, r_.Deliver(y)));
  return true;
}

// sums -> Cast -> Mul by (x_scale * w_scale) [-> Add of a constant bias] [-> Relu, Clip], x_scale being computed.
Result<bool> Products::ConvertDynamic(NodeId n) {
  const Node& node = r_.node(n);
  const Graph& source = r_.source();
  const GraphIndex& index = r_.index();
  const ValueId x = node.inputs[0], w = node.inputs[1];
  if (r_.dtype(x) != DType::kUInt8 || !r_.IsConstant(w)) return false;
  Parts parts;
  parts.conv = node.op_type == "ConvInteger";
  parts.name = node.name;
  if (parts.conv) parts.attributes = node.attributes;

  const auto maker = [&](ValueId v) { return v == kNoValue ? kNoNode : index.producers[v]; };
  const auto is = [&](NodeId m, const char* op) {
    return m != kNoNode && r_.node(m).domain.empty() && r_.node(m).op_type == op;
  };
  const NodeId cast = index.OnlyReader(node.outputs[0]);
  if (!is(cast, "Cast") || r_.dtype(r_.node(cast).outputs[0]) != DType::kFloat) return false;
  const ValueId floats = r_.node(cast).outputs[0];
  const NodeId mul = index.OnlyReader(floats);
  if (!is(mul, "Mul")) return false;
  const Node& mul_node = r_.node(mul);
  const NodeId scale = maker(mul_node.inputs[mul_node.inputs[0] == floats ? 1 : 0]);
  if (!is(scale, "Mul")) return false;
  const Node& scale_node = r_.node(scale);
  const int constant_at = r_.IsConstant(scale_node.inputs[1]) ? 1 : 0;
  const ValueId w_scale = scale_node.inputs[static_cast<size_t>(constant_at)];
  const ValueId x_scale = scale_node.inputs[static_cast<size_t>(1 - constant_at)];
  if (!r_.IsConstant(w_scale) || r_.IsConstant(x_scale)) return false;
  const auto is_single = [&](ValueId v) {
    const auto& shape = source.values[v].shape;
    return shape && shape->IsKnown() && shape->Elements() == 1 && shape->rank() <= 1;
  };
  const bool has_zero = node.has_input(2);
  if (!is_single(x_scale) || (has_zero && !is_single(node.inputs[2]))) return false;

  const Tensor& weights = r_.constant(w);
  const int axis = parts.conv ? 0 : 1;
  if (!parts.conv && weights.shape().rank() != 2) return false;
  parts.channels = static_cast<size_t>(weights.shape()[axis]);
  // A vector along the axis of channels: [channels, 1, ...] of a convolution's result, [channels] of a product's.
  const int trailing = parts.conv ? weights.shape().rank() - 2 : 0;
  const auto fits = [&](const Tensor& tensor) {
    if (tensor.elements() == 1) return true;
    const Shape& shape = tensor.shape();
    const int at = shape.rank() - 1 - trailing;
    return static_cast<size_t>(tensor.elements()) == parts.channels && at >= 0 &&
           static_cast<size_t>(shape[at]) == parts.channels;
  };
  if (!fits(r_.constant(w_scale)) || r_.dtype(w_scale) != DType::kFloat) return false;

  // Scales of 1 here: the true ones become multipliers.
  OCTAVO_ASSIGN_OR_RETURN(const Tensor one, Tensor::Of<float>(r_.memory(), Shape(), std::array{1.0f}));
  if (node.has_input(3) && !r_.IsConstant(node.inputs[3])) return false;
  OCTAVO_ASSIGN_OR_RETURN(std::optional<QWeights> read,
                          ReadQWeights(&weights, &one, r_.ConstantInput(node, 3), axis, r_.memory()));
  if (!read) return false;
  parts.weights = std::move(*read);
  for (size_t c = 0; c < parts.channels; ++c) {
    const Tensor& scales = r_.constant(w_scale);
    parts.multiplier.push_back(scales.data<float>()[scales.elements() == 1 ? 0 : c]);
    if (!IsSane(parts.multiplier.back())) return false;
  }
  if (!CheckSums(parts)) return false;

  ValueId end = mul_node.outputs[0];
  std::vector<NodeId> nodes = {n, cast, mul};
  const NodeId add = index.OnlyReader(end);
  if (is(add, "Add")) {
    const Node& add_node = r_.node(add);
    const ValueId bias = add_node.inputs[add_node.inputs[0] == end ? 1 : 0];
    if (r_.IsConstant(bias) && r_.dtype(bias) == DType::kFloat && fits(r_.constant(bias))) {
      const Tensor& values = r_.constant(bias);
      for (size_t c = 0; c < parts.channels; ++c) {
        parts.fbias.push_back(values.data<float>()[values.elements() == 1 ? 0 : c]);
      }
      nodes.push_back(add);
      end = add_node.outputs[0];
    }
  }
  const Tail tail = FollowTail(index, end);
  nodes.insert(nodes.end(), tail.nodes.begin(), tail.nodes.end());
  parts.product.is_float = true;
  parts.product.flo = tail.lo;
  parts.product.fhi = tail.hi;
  parts.x = x;
  parts.x_scale = x_scale;
  if (has_zero) parts.x_zero = node.inputs[2];
  for (NodeId taken : nodes) {
    if (taken != nodes.back()) r_.Take(taken);
  }
  pending_.emplace(nodes.back(), std::make_pair(std::move(parts), tail.end));
  return true;
}

Result<bool> Products::EmitPending(NodeId n) {
  const auto& [parts, output] = pending_.at(n);
  OCTAVO_RETURN_IF_ERROR(r_.Need(parts.x));
  OCTAVO_RETURN_IF_ERROR(r_.Need(parts.x_scale));
  if (parts.x_zero != kNoValue) OCTAVO_RETURN_IF_ERROR(r_.Need(parts.x_zero));
  r_.SetEmitted(output);
  OCTAVO_RETURN_IF_ERROR(Emit(parts, output));
  return true;
}

}  // namespace octavo
