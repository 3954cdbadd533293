// Conv, ConvTranspose, ConvInteger, QLinearConv, and the internal ConvTransposeInteger, over one to three spatial axes.
//
// Each output element has one accumulator. It begins with the bias (or 0); then, for the taps of the window in (z, y,
// x) order and for each tap the input channels of the group in ascending order, it takes in input * weight: floating by
// one fused multiply-add, integers exactly. Taps that meet padding are skipped.
#include <utility>

#include "core/ops/check.h"
#include "core/ops/dot.h"
#include "core/ops/families.h"
#include "core/ops/rounding.h"
#include "core/ops/wide.h"
#include "core/ops/window.h"

namespace octavo {
namespace {

constexpr int64_t kUnknown = Shape::kUnknown;
constexpr size_t kNoInput = SIZE_MAX;

enum class Direction { kForward, kTransposed };

// ------------------------------------------------------------------------------------------------ shapes

struct ConvShape {
  Window3 window;
  int64_t batch = kUnknown;
  int64_t channels = kUnknown;  // of the input
  int64_t outputs = kUnknown;   // channels of the output
  int64_t group = 1;

  Shape Output() const {
    Shape shape{batch, outputs};
    for (int i = 0; i < window.spatial; ++i) shape.Append(window.axis(i).out);
    return shape;
  }
};

// Either shape may be null, not both. W is [outputs, channels / group, ...], transposed [channels, outputs / group,
// ...].
Result<ConvShape> ReadConvShape(const NodeReader& node, const Shape* x, const Shape* w, Direction direction) {
  const int rank = x ? x->rank() : w->rank();
  if (x && w && x->rank() != w->rank()) {
    return Error(Code::kInvalidModel, "X has shape %s, W %s; their ranks must be equal", x->ToString().c_str(),
                 w->ToString().c_str());
  }
  if (rank < 3) {
    return Error(Code::kInvalidModel, "%s has shape %s; it must have at least 3 dimensions", x ? "X" : "W",
                 (x ? x : w)->ToString().c_str());
  }
  ConvShape shape;
  shape.group = node.Int("group", 1);
  OCTAVO_RETURN_IF_ERROR(CheckRange("group", shape.group, 1, INT32_MAX));
  const Shape unknown = Shape::OfRank(rank, kUnknown);
  const Shape& xs = x ? *x : unknown;
  const Shape& ws = w ? *w : unknown;
  const std::span<const int64_t> in = xs.dims().subspan(2), kernel = ws.dims().subspan(2);
  shape.batch = xs[0];
  shape.channels = xs[1];

  // The weights' first dimension belongs to all groups, the second to one.
  const bool forward = direction == Direction::kForward;
  const char* first = forward ? "output" : "input";
  if (ws[0] != kUnknown && ws[0] % shape.group != 0) {
    return Error(Code::kInvalidModel, "%lld %s channels of W cannot be split into %lld groups", LL(ws[0]), first,
                 LL(shape.group));
  }
  int64_t second = kUnknown;
  if (ws[1] != kUnknown && __builtin_mul_overflow(ws[1], shape.group, &second)) {
    return Error(Code::kInvalidModel, "W has shape %s, too much for %lld groups", ws.ToString().c_str(),
                 LL(shape.group));
  }
  const int64_t w_channels = forward ? second : ws[0];
  shape.outputs = forward ? ws[0] : second;
  if (shape.channels != kUnknown && w_channels != kUnknown && shape.channels != w_channels) {
    return Error(Code::kInvalidModel, "X has %lld channels; W of shape %s in %lld groups needs %lld",
                 LL(shape.channels), ws.ToString().c_str(), LL(shape.group), LL(w_channels));
  }
  if (shape.channels != kUnknown && shape.channels % shape.group != 0) {
    return Error(Code::kInvalidModel, "%lld channels of X cannot be split into %lld groups", LL(shape.channels),
                 LL(shape.group));
  }
  OCTAVO_ASSIGN_OR_RETURN(shape.window, forward ? ConvWindow(node, in, kernel) : ConvTransposeWindow(node, in, kernel));
  return shape;
}

// The part common to all four. Inputs x, w, bias stand at the given places; outputs channels go to *outputs.
Status InferConvLike(InferContext& context, size_t x, size_t w, size_t bias, Direction direction, DType dtype,
                     int64_t* outputs) {
  *outputs = kUnknown;
  if (!context.shape(x) && !context.shape(w)) {
    context.SetOutput(0, dtype, std::nullopt);
    return Ok();
  }
  OCTAVO_ASSIGN_OR_RETURN(const ConvShape shape, ReadConvShape(context, context.shape(x), context.shape(w), direction));
  if (bias != kNoInput) OCTAVO_RETURN_IF_ERROR(CheckVector(context, bias, "B", shape.outputs));
  *outputs = shape.outputs;
  context.SetOutput(0, dtype, shape.Output());
  return Ok();
}

template <Direction kDirection>
Status InferFloatConv(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckFloating(context, 0, "X"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "X", 1, "W"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "X", 2, "B"));
  const DType dtype = context.dtype(0) != DType::kUndefined ? context.dtype(0) : context.dtype(1);
  int64_t outputs;
  return InferConvLike(context, 0, 1, 2, kDirection, dtype, &outputs);
}

template <Direction kDirection>
Status InferConvInteger(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 2));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "x", {DType::kUInt8, DType::kInt8}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 1, "w", {DType::kUInt8, DType::kInt8}));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "x", 2, "x_zero_point"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 1, "w", 3, "w_zero_point"));
  OCTAVO_RETURN_IF_ERROR(CheckScalar(context, 2, "x_zero_point"));
  int64_t outputs;
  OCTAVO_RETURN_IF_ERROR(InferConvLike(context, 0, 1, kNoInput, kDirection, DType::kInt32, &outputs));
  return CheckScalarOrVector(context, 3, "w_zero_point", outputs);
}

Status InferQLinearConv(InferContext& context) {
  OCTAVO_RETURN_IF_ERROR(CheckPresent(context, 8));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 0, "x", {DType::kUInt8, DType::kInt8}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 3, "w", {DType::kUInt8, DType::kInt8}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 7, "y_zero_point", {DType::kUInt8, DType::kInt8}));
  OCTAVO_RETURN_IF_ERROR(CheckType(context, 8, "B", {DType::kInt32}));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 0, "x", 2, "x_zero_point"));
  OCTAVO_RETURN_IF_ERROR(CheckSameType(context, 3, "w", 5, "w_zero_point"));
  int64_t outputs;
  OCTAVO_RETURN_IF_ERROR(InferConvLike(context, 0, 3, 8, Direction::kForward, context.dtype(7), &outputs));
  constexpr struct {
    size_t scale, zero;
    const char *scale_name, *zero_name;
  } kParameters[] = {
      {1, 2, "x_scale", "x_zero_point"}, {4, 5, "w_scale", "w_zero_point"}, {6, 7, "y_scale", "y_zero_point"}};
  for (const auto& p : kParameters) {
    OCTAVO_RETURN_IF_ERROR(CheckType(context, p.scale, p.scale_name, {DType::kFloat}));
    OCTAVO_RETURN_IF_ERROR(CheckScaleValues(context, p.scale, p.scale_name));
    if (p.scale == 4) {
      OCTAVO_RETURN_IF_ERROR(CheckScalarOrVector(context, p.scale, p.scale_name, outputs));
      OCTAVO_RETURN_IF_ERROR(CheckScalarOrVector(context, p.zero, p.zero_name, outputs));
    } else {
      OCTAVO_RETURN_IF_ERROR(CheckScalar(context, p.scale, p.scale_name));
      OCTAVO_RETURN_IF_ERROR(CheckScalar(context, p.zero, p.zero_name));
    }
  }
  return Ok();
}

// ------------------------------------------------------------------------------------------------ arithmetic

// The input element under tap k of output element o, or -1 for padding (and, transposed, for the gaps of the stride).
template <Direction kDirection>
int64_t Source(const WindowAxis& axis, int64_t o, int64_t k) {
  int64_t i;
  if constexpr (kDirection == Direction::kForward) {
    i = axis.At(o, k);
  } else {
    i = o + axis.pad - k * axis.dilation;
    if (i < 0 || i % axis.stride != 0) return -1;
    i /= axis.stride;
  }
  return i >= 0 && i < axis.in ? i : -1;
}

// Weights as [tap][input channel of the group][output channel], so that what one accumulator needs next is a row
// further on. get(i) is element i of W as T.
template <Direction kDirection, typename T, typename Get>
Result<Tensor> ArrangeWeights(const ConvShape& shape, const MemoryPtr& memory, Get&& get) {
  const int64_t taps = shape.window.Taps();
  const int64_t inputs = shape.channels / shape.group, outputs = shape.outputs / shape.group;
  OCTAVO_ASSIGN_OR_RETURN(Tensor arranged,
                          Tensor::Create(memory, DTypeOf<T>::value, Shape{taps, inputs, shape.outputs}));
  T* to = arranged.mutable_data<T>().data();
  for (int64_t m = 0; m < shape.outputs; ++m) {
    for (int64_t c = 0; c < inputs; ++c) {
      const int64_t from =
          kDirection == Direction::kForward ? m * inputs + c : (m / outputs * inputs + c) * outputs + m % outputs;
      for (int64_t t = 0; t < taps; ++t) to[(t * inputs + c) * shape.outputs + m] = get(from * taps + t, m);
    }
  }
  return arranged;
}

// For each image, get(i) being element i of X as T: begin(acc) fills the accumulators of all output channels of one
// pixel, store(index of channel 0 in Y, acc) takes the finished sums; channels are OutPlane() apart.
template <Direction kDirection, typename T, typename Acc, typename Get, typename Begin, typename Store>
Status Convolve(const ConvShape& shape, const Tensor& arranged, const MemoryPtr& memory, Get&& get, Begin&& begin,
                Store&& store) {
  const Window3& window = shape.window;
  const WindowAxis &az = window.z(), &ay = window.y(), &ax = window.x();
  const int64_t in_plane = window.InPlane(), out_plane = window.OutPlane();
  const int64_t inputs = shape.channels / shape.group, outputs = shape.outputs / shape.group;
  if (shape.batch == 0 || shape.outputs == 0 || out_plane == 0) return Ok();
  const T* weights = arranged.data<T>().data();
  OCTAVO_ASSIGN_OR_RETURN(Tensor image_tensor,
                          Tensor::Create(memory, DTypeOf<T>::value, Shape{in_plane, shape.channels}));
  OCTAVO_ASSIGN_OR_RETURN(Tensor acc_tensor, Tensor::Create(memory, DTypeOf<Acc>::value, Shape{shape.outputs}));
  const bool depthwise = inputs == 1 && outputs == 1;
  T* image = image_tensor.mutable_data<T>().data();  // [pixel][channel]
  Acc* acc = acc_tensor.mutable_data<Acc>().data();

  for (int64_t n = 0; n < shape.batch; ++n) {
    for (int64_t c = 0; c < shape.channels; ++c) {
      const int64_t from = (n * shape.channels + c) * in_plane;
      for (int64_t p = 0; p < in_plane; ++p) image[p * shape.channels + c] = get(from + p);
    }
    int64_t pixel = n * shape.outputs * out_plane;
    for (int64_t oz = 0; oz < az.out; ++oz) {
      for (int64_t oy = 0; oy < ay.out; ++oy) {
        for (int64_t ox = 0; ox < ax.out; ++ox) {
          begin(acc);
          for (int64_t kz = 0; kz < az.kernel; ++kz) {
            const int64_t iz = Source<kDirection>(az, oz, kz);
            if (iz < 0) continue;
            for (int64_t ky = 0; ky < ay.kernel; ++ky) {
              const int64_t iy = Source<kDirection>(ay, oy, ky);
              if (iy < 0) continue;
              for (int64_t kx = 0; kx < ax.kernel; ++kx) {
                const int64_t ix = Source<kDirection>(ax, ox, kx);
                if (ix < 0) continue;
                const T* x = image + ((iz * ay.in + iy) * ax.in + ix) * shape.channels;
                const T* w = weights + ((kz * ay.kernel + ky) * ax.kernel + kx) * inputs * shape.outputs;
                if (depthwise) {
                  MultiplyAddElements(x, w, acc, static_cast<size_t>(shape.group));
                  continue;
                }
                for (int64_t g = 0; g < shape.group; ++g) {
                  MultiplyAddRows(x + g * inputs, static_cast<size_t>(inputs), w + g * outputs,
                                  static_cast<size_t>(shape.outputs), acc + g * outputs, static_cast<size_t>(outputs));
                }
              }
            }
          }
          store(pixel++, acc);
        }
      }
    }
  }
  return Ok();
}

template <Direction kDirection>
Status EvaluateFloatConv(EvalContext& context) {
  const DType wide = WideType(context);
  const MemoryPtr& memory = context.memory();
  OCTAVO_ASSIGN_OR_RETURN(const Tensor x, Widen(context.input(0), wide, memory));
  OCTAVO_ASSIGN_OR_RETURN(const Tensor w, Widen(context.input(1), wide, memory));
  Tensor bias;
  if (context.has_input(2)) {
    OCTAVO_ASSIGN_OR_RETURN(bias, Widen(context.input(2), wide, memory));
  }
  OCTAVO_ASSIGN_OR_RETURN(Tensor y, WideOutput(context, 0, wide));
  OCTAVO_ASSIGN_OR_RETURN(const ConvShape shape, ReadConvShape(context, &x.shape(), &w.shape(), kDirection));
  OCTAVO_RETURN_IF_ERROR(VisitWide(wide, [&](auto zero) -> Status {
    using T = decltype(zero);
    const T *xs = x.data<T>().data(), *ws = w.data<T>().data();
    const T* bs = bias.defined() ? bias.data<T>().data() : nullptr;
    T* ys = y.mutable_data<T>().data();
    const int64_t plane = shape.window.OutPlane();
    OCTAVO_ASSIGN_OR_RETURN(const Tensor arranged,
                            (ArrangeWeights<kDirection, T>(shape, memory, [&](int64_t i, int64_t) { return ws[i]; })));
    return Convolve<kDirection, T, T>(
        shape, arranged, memory, [&](int64_t i) { return xs[i]; },
        [&](T* acc) {
          for (int64_t m = 0; m < shape.outputs; ++m) acc[m] = bs ? bs[m] : T(0);
        },
        [&](int64_t at, const T* acc) {
          for (int64_t m = 0; m < shape.outputs; ++m) ys[at + m * plane] = acc[m];
        });
  }));
  StoreWide(y, context, 0);
  return Ok();
}

// Convolves (x - x_zero) with (w - w_zero), both 8 bit; store(index of channel 0 in Y, sums).
template <Direction kDirection, typename Store>
Status ConvolveIntegers(EvalContext& context, size_t x_at, size_t w_at, size_t x_zero_at, size_t w_zero_at,
                        size_t bias_at, Store&& store) {
  const Tensor &x = context.input(x_at), &w = context.input(w_at);
  OCTAVO_ASSIGN_OR_RETURN(const ConvShape shape, ReadConvShape(context, &x.shape(), &w.shape(), kDirection));
  const int64_t x_zero = context.has_input(x_zero_at) ? IntegerAt(context.input(x_zero_at), 0) : 0;
  const Tensor* w_zero = context.has_input(w_zero_at) ? &context.input(w_zero_at) : nullptr;
  const Tensor* bias = context.has_input(bias_at) ? &context.input(bias_at) : nullptr;
  const auto w_zero_of = [&](int64_t m) { return w_zero ? IntegerAt(*w_zero, w_zero->elements() > 1 ? m : 0) : 0; };
  OCTAVO_ASSIGN_OR_RETURN(const Tensor arranged,
                          (ArrangeWeights<kDirection, int32_t>(shape, context.memory(), [&](int64_t i, int64_t m) {
                            return static_cast<int32_t>(IntegerAt(w, i) - w_zero_of(m));
                          })));
  return Convolve<kDirection, int32_t, int64_t>(
      shape, arranged, context.memory(), [&](int64_t i) { return static_cast<int32_t>(IntegerAt(x, i) - x_zero); },
      [&](int64_t* acc) {
        for (int64_t m = 0; m < shape.outputs; ++m) acc[m] = bias ? IntegerAt(*bias, m) : 0;
      },
      [&](int64_t at, const int64_t* acc) { store(shape, at, acc); });
}

// The sums modulo 2^32.
template <Direction kDirection>
Status EvaluateConvInteger(EvalContext& context) {
  int32_t* y = context.output(0).mutable_data<int32_t>().data();
  return ConvolveIntegers<kDirection>(context, 0, 1, 2, 3, kNoInput,
                                      [y](const ConvShape& shape, int64_t at, const int64_t* acc) {
                                        const int64_t plane = shape.window.OutPlane();
                                        for (int64_t m = 0; m < shape.outputs; ++m)
                                          y[at + m * plane] = static_cast<int32_t>(acc[m]);
                                      });
}

// saturate(rne(float(acc) * ((x_scale * w_scale) / y_scale)) + y_zero_point), each operation rounded to float32.
Status EvaluateQLinearConv(EvalContext& context) {
  const float x_scale = context.input(1).data<float>()[0], y_scale = context.input(6).data<float>()[0];
  const std::span<const float> w_scale = context.input(4).data<float>();
  Tensor& y = context.output(0);
  const IntegerRange range = RangeOf(y.dtype());
  const int32_t y_zero = static_cast<int32_t>(IntegerAt(context.input(7), 0));
  uint8_t* ys = static_cast<uint8_t*>(y.mutable_raw());  // int8 has the same bits
  return ConvolveIntegers<Direction::kForward>(
      context, 0, 3, 2, 5, 8, [&](const ConvShape& shape, int64_t at, const int64_t* acc) {
        const int64_t plane = shape.window.OutPlane();
        for (int64_t m = 0; m < shape.outputs; ++m) {
          const float scale = x_scale * w_scale[w_scale.size() > 1 ? static_cast<size_t>(m) : 0];
          const float multiplier = scale / y_scale;
          const float value = static_cast<float>(acc[m]) * multiplier;
          ys[at + m * plane] = static_cast<uint8_t>(QuantizeValue(value, y_zero, range));
        }
      });
}

// ------------------------------------------------------------------------------------------------ rows

constexpr AttributeSpec kConvAttributes[] = {
    {"auto_pad", AttributeType::kString},   {"dilations", AttributeType::kInts}, {"group", AttributeType::kInt},
    {"kernel_shape", AttributeType::kInts}, {"pads", AttributeType::kInts},      {"strides", AttributeType::kInts},
};
constexpr AttributeSpec kConvTransposeAttributes[] = {
    {"auto_pad", AttributeType::kString},     {"dilations", AttributeType::kInts},
    {"group", AttributeType::kInt},           {"kernel_shape", AttributeType::kInts},
    {"output_padding", AttributeType::kInts}, {"output_shape", AttributeType::kInts},
    {"pads", AttributeType::kInts},           {"strides", AttributeType::kInts},
};
constexpr const char* kCoverage = "One to three spatial axes.";

const Operator kRows[] = {
    {.name = "Conv",
     .min_inputs = 2,
     .max_inputs = 3,
     .attributes = kConvAttributes,
     .infer = InferFloatConv<Direction::kForward>,
     .evaluate = EvaluateFloatConv<Direction::kForward>,
     .quant = QuantRule::kWeighted,
     .lowering = Lowering::kConv,
     .coverage = kCoverage},
    {.name = "ConvTranspose",
     .min_inputs = 2,
     .max_inputs = 3,
     .attributes = kConvTransposeAttributes,
     .infer = InferFloatConv<Direction::kTransposed>,
     .evaluate = EvaluateFloatConv<Direction::kTransposed>,
     .quant = QuantRule::kWeighted,
     .lowering = Lowering::kConv,
     .coverage = kCoverage},
    {.name = "ConvInteger",
     .since = 10,
     .min_inputs = 2,
     .max_inputs = 4,
     .attributes = kConvAttributes,
     .infer = InferConvInteger<Direction::kForward>,
     .evaluate = EvaluateConvInteger<Direction::kForward>,
     .quant = QuantRule::kQuantized,
     .lowering = Lowering::kConv,
     .coverage = kCoverage},
    {.name = "QLinearConv",
     .since = 10,
     .min_inputs = 8,
     .max_inputs = 9,
     .attributes = kConvAttributes,
     .infer = InferQLinearConv,
     .evaluate = EvaluateQLinearConv,
     .quant = QuantRule::kQuantized,
     .lowering = Lowering::kConv,
     .coverage = kCoverage},
};

}  // namespace

std::span<const Operator> ConvOperators() { return kRows; }

Operator ConvTransposeInteger() {
  return {.name = "ConvTransposeInteger",
          .domain = kInternalDomain,
          .min_inputs = 2,
          .max_inputs = 4,
          .attributes = kConvTransposeAttributes,
          .infer = InferConvInteger<Direction::kTransposed>,
          .evaluate = EvaluateConvInteger<Direction::kTransposed>,
          .quant = QuantRule::kQuantized,
          .lowering = Lowering::kConv,
          .coverage = "Internal: the sums of QConvTranspose."};
}

}  // namespace octavo
