// Convolutions and matrix products by constant weights, float and integer, as one segmented matrix product (kernels.h)
// or a depthwise kernel.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "core/base/checked.h"
#include "core/ops/integer.h"
#include "core/ops/window.h"
#include "core/plan/lines_step.h"
#include "core/plan/padded.h"
#include "core/plan/phases.h"
#include "core/plan/plan_builder.h"
#include "core/plan/tap_classes.h"

namespace octavo {
namespace {

// A product's geometry: rows of the left operand and of the results, found once.
struct Rows {
  std::vector<int64_t> offsets;  // empty: row m at m * stride
  int64_t stride = 0;

  // Pixels of images of lines x columns.
  void Append(int64_t first, const std::array<int64_t, 3>& counts, const std::array<int64_t, 3>& strides) {
    for (int64_t i = 0; i < counts[0]; ++i) {
      for (int64_t y = 0; y < counts[1]; ++y) {
        for (int64_t x = 0; x < counts[2]; ++x) {
          offsets.push_back(first + i * strides[0] + y * strides[1] + x * strides[2]);
        }
      }
    }
  }

  // Turns a table of equal distances into a stride.
  void Compress() {
    stride = offsets.size() > 1 ? offsets[1] - offsets[0] : 0;
    for (size_t i = 1; i < offsets.size(); ++i) {
      if (offsets[i] - offsets[i - 1] != stride) return;
    }
    if (!offsets.empty() && offsets[0] == 0) offsets.clear();
  }
  const int64_t* table() const { return offsets.empty() ? nullptr : offsets.data(); }

  void Reorder(const std::vector<size_t>& order) {
    std::vector<int64_t> sorted;
    sorted.reserve(order.size());
    for (size_t i : order) sorted.push_back(offsets.empty() ? static_cast<int64_t>(i) * stride : offsets[i]);
    offsets = std::move(sorted);
  }
};

// Rows that multiply the same segments of the weights.
struct RowClass {
  size_t rows = 0;
  size_t k = 0;
  std::vector<int64_t> offsets;  // by segment; empty: one segment at 0
  std::vector<size_t> quads;     // by segment, where its weights begin (QGemmArgs); empty: all in order
  size_t packed = 0;             // where in a group's weights its own begin, in bytes
  size_t bias = 0;               // and where its biases do; floats have the same for all classes

  size_t segments() const { return offsets.empty() ? 1 : offsets.size(); }
  size_t work() const { return segments() * k; }  // of one row; never 0
};

// What a product has for each of its channels.
struct ChannelVectors {
  View dynamic_bias, dynamic_multiplier;  // where they depend on an input's zero point and scale
  Padded<int32_t> bias;
  Padded<float> multiplier, fbias;

  // Of the channels from `first` on.
  template <typename Args>
  void Set(const RunState& state, size_t first, Args& call) const {
    const float* floats = fbias.empty() ? nullptr : fbias.data() + first;
    if constexpr (requires { call.multiplier; }) {
      const bool dynamic = dynamic_multiplier.storage != kNoStorage;
      call.bias = first + (dynamic ? reinterpret_cast<const int32_t*>(state.At(dynamic_bias)) : bias.data());
      call.multiplier =
          first + (dynamic ? reinterpret_cast<const float*>(state.At(dynamic_multiplier)) : multiplier.data());
      call.fbias = floats;
    } else {
      call.bias = floats;
    }
  }
};

constexpr double kMacsWorthAThread = 30000;
constexpr size_t kPanel = 64;  // columns; kernels.h wants ranges in multiples of it

template <typename Args>
class ProductStep : public Step {
 public:
  using Kernel = void (*)(const Args&, size_t, size_t, size_t, size_t);

  Kernel kernel = nullptr;
  Args args;  // of group 0, without addresses
  Rows a_rows, c_rows, residual_rows;
  std::vector<RowClass> classes;  // of all rows in order
  View a, c, residual;
  size_t rows = 0, groups = 1;
  size_t tile_rows = 1;  // of the kernel
  size_t packed_group_bytes = 0;
  int64_t a_group_bytes = 0, c_group_bytes = 0;
  ChannelVectors vectors;
  Padded<float> addend;  // of float products: added behind the bias
  std::shared_ptr<const PackedWeights> packed;

  size_t max_parts() const override {
    const size_t worth = static_cast<size_t>(std::max(1.0, info.macs / kMacsWorthAThread));
    const size_t units = std::max({rows / tile_rows, groups, CeilDiv(args.n, kPanel)});
    return std::min(worth, std::max<size_t>(units, 1));
  }

  Status Run(RunState& state, size_t part, size_t parts) const override {
    // Few rows are not worth cutting: then groups or columns are. So are columns that outnumber rows: each thread then
    // fetches its own weights only, which are more than what it multiplies them by.
    size_t m0 = 0, m1 = rows, g0 = 0, g1 = groups, n0 = 0, n1 = args.n;
    const size_t panels = CeilDiv(args.n, kPanel);
    const bool wide = groups == 1 && args.n > rows && panels % parts == 0;
    if ((rows >= 2 * tile_rows * parts && !wide) || (groups < parts && panels < parts)) {
      m0 = Cut(part, parts), m1 = Cut(part + 1, parts);
    } else if (groups >= parts) {
      g0 = groups * part / parts, g1 = groups * (part + 1) / parts;
    } else {
      n0 = panels * part / parts * kPanel, n1 = std::min(panels * (part + 1) / parts * kPanel, args.n);
    }
    if (m0 >= m1 || n0 >= n1) return Ok();
    Args call = args;
    call.a.row_stride = a_rows.stride;
    call.a.row_offset = a_rows.table();
    call.c.row_stride = c_rows.stride;
    call.c.row_offset = c_rows.table();
    call.residual.row_stride = residual_rows.stride;
    call.residual.row_offset = residual_rows.table();
    for (size_t g = g0; g < g1; ++g) {
      call.a.base = state.At(a) + static_cast<int64_t>(g) * a_group_bytes;
      call.c.base = state.At(c) + static_cast<int64_t>(g) * c_group_bytes;
      call.packed = packed->bytes.data() + g * packed_group_bytes;
      if (residual.storage != kNoStorage)
        call.residual.base = state.At(residual) + static_cast<int64_t>(g) * c_group_bytes;
      vectors.Set(state, g * args.n, call);
      if constexpr (requires { call.addend; }) call.addend = addend.empty() ? nullptr : addend.data();
      // A panel of weights serves all classes while it is in the cache.
      const size_t panel = classes.size() > 1 ? kPanel : std::max<size_t>(args.n, 1);
      for (size_t n = n0; n < n1; n += panel) RunClasses(call, m0, m1, n, std::min(n + panel, n1));
    }
    return Ok();
  }

 private:
  void RunClasses(const Args& all, size_t m0, size_t m1, size_t n0, size_t n1) const {
    Args call = all;
    size_t begin = 0;
    for (const RowClass& row_class : classes) {
      const size_t end = begin + row_class.rows;
      SetClass(row_class, call);
      call.packed = static_cast<const char*>(all.packed) + row_class.packed;
      if (all.bias) call.bias = all.bias + row_class.bias;
      if (m0 < end && begin < m1) kernel(call, std::max(m0, begin), std::min(m1, end), n0, n1);
      begin = end;
    }
  }

  // The row at which part `part` of `parts` begins: between tiles, so that each has the same number of products.
  size_t Cut(size_t part, size_t parts) const {
    if (part == parts) return rows;
    size_t work = 0;
    for (const RowClass& row_class : classes) work += row_class.rows * row_class.work();
    work = work * part / parts;
    size_t begin = 0;
    for (const RowClass& row_class : classes) {
      const size_t all = row_class.rows * row_class.work();
      if (work <= all) return begin + std::min(RoundUp(work / row_class.work(), tile_rows), row_class.rows);
      work -= all;
      begin += row_class.rows;
    }
    return rows;
  }

  static void SetClass(const RowClass& c, Args& call) {
    call.a.segments = c.segments();
    call.a.segment_offset = c.offsets.empty() ? nullptr : c.offsets.data();
    call.a.k = c.k;
    if constexpr (requires { call.segment_quad; }) call.segment_quad = c.quads.empty() ? nullptr : c.quads.data();
  }
};

// bias[c] - zero * sums[c] and x_scale * multiplier[c], for an input quantized in this very run.
class DynamicVectorsStep : public Step {
 public:
  View zero, scale, bias_out, multiplier_out;
  Padded<int32_t> bias;
  std::vector<int32_t> sums;  // as many as biases
  Padded<float> multiplier;

  Status Run(RunState& state, size_t, size_t) const override {
    const auto z = zero.storage == kNoStorage ? 0u : static_cast<uint32_t>(*state.At(zero));
    const float s = scale.storage == kNoStorage ? 1.0f : *reinterpret_cast<const float*>(state.At(scale));
    auto* b = reinterpret_cast<uint32_t*>(state.At(bias_out));
    auto* m = reinterpret_cast<float*>(state.At(multiplier_out));
    for (size_t c = 0; c < sums.size(); ++c) {
      b[c] = static_cast<uint32_t>(bias[c]) - z * static_cast<uint32_t>(sums[c]);
    }
    for (size_t c = 0; c < multiplier.size(); ++c) {
      m[c] = scale.storage == kNoStorage ? multiplier[c] : s * multiplier[c];
    }
    return Ok();
  }
};

template <typename Args>
class DepthwiseStep : public LinesStep {
 public:
  using Kernel = void (*)(const Args&, size_t, size_t);

  Kernel kernel = nullptr;
  Args args;
  ChannelVectors vectors;
  std::shared_ptr<const PackedWeights> packed;

  size_t max_parts() const override {
    const double worth = std::max(1.0, info.macs / (kMacsWorthAThread / 4));
    return static_cast<size_t>(std::min(worth, static_cast<double>(images * lines)));
  }

  Status Run(RunState& state, size_t part, size_t parts) const override {
    Args call = args;
    vectors.Set(state, 0, call);
    if constexpr (requires { call.packed; }) {
      call.packed = packed->bytes.data();
    } else {
      call.weights = reinterpret_cast<const float*>(packed->bytes.data());
    }
    ForLines(state, part, parts, [&](const std::byte* in, std::byte* out, int64_t first, int64_t last) {
      call.a.base = in;
      call.c.base = out;
      kernel(call, static_cast<size_t>(first), static_cast<size_t>(last));
    });
    return Ok();
  }
};

bool Is(const Node& node, const char* op, const char* internal) {
  return (node.domain.empty() && node.op_type == op) || (node.domain == kInternalDomain && node.op_type == internal);
}
bool IsTransposed(const Node& node) { return Is(node, "ConvTranspose", "QConvTranspose"); }
bool IsConvolution(const Node& node) { return Is(node, "Conv", "QConv") || IsTransposed(node); }
bool IsQuantizedProduct(const Node& node) {
  return node.domain == kInternalDomain && (IsConvolution(node) || node.op_type == "QMatMul");
}

bool AllZero(const Tensor& tensor) {
  const auto* bytes = static_cast<const uint8_t*>(tensor.raw());
  return std::all_of(bytes, bytes + tensor.bytes(), [](uint8_t b) { return b == 0; });
}

bool AllFinite(const Tensor& tensor) {
  const auto values = tensor.data<float>();
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

// A vector of `channels` from a constant that has as many elements, or one.
template <typename T>
std::optional<std::vector<T>> PerChannel(const Tensor& tensor, size_t channels) {
  const auto values = tensor.data<T>();
  if (values.size() == channels) return std::vector<T>(values.begin(), values.end());
  if (values.size() == 1) return std::vector<T>(channels, values[0]);
  return std::nullopt;
}

// Two spatial axes at most, on images.
std::optional<Window3> ReadWindow(const PlanBuilder& builder, NodeId n) {
  const Node& node = builder.node(n);
  const Shape &x = builder.shape(node.inputs[0]), &w = builder.shape(node.inputs[1]);
  if (x.rank() < 3 || x.rank() > 4 || w.rank() != x.rank()) return std::nullopt;
  const NodeReader reader(node, builder.graph().opset());
  const auto read = IsTransposed(node) ? ConvTransposeWindow : ConvWindow;
  auto window = read(reader, x.dims().subspan(2), w.dims().subspan(2));
  if (!window.ok()) return std::nullopt;
  return *window;
}

Frame TransposedFrame(const Window3& window) {
  const auto grow = [](const WindowAxis& axis, int64_t* before, int64_t* behind) {
    for (const Phase& phase : PhasesOf(axis)) {
      if (phase.outs == 0) continue;
      *before = std::max(*before, (phase.taps - 1) * axis.dilation - phase.in);
      *behind = std::max(*behind, phase.in + phase.outs - axis.in);
    }
  };
  Frame frame;
  grow(window.y(), &frame.top, &frame.bottom);
  grow(window.x(), &frame.left, &frame.right);
  return frame;
}

Frame FrameOf(const Node& node, const Window3& window) {
  if (IsTransposed(node)) return TransposedFrame(window);
  // Lines and pixels beyond the padding are reached where the window's stride does not end at the image's edge.
  const auto beyond = [](const WindowAxis& axis) {
    return std::max<int64_t>(0, axis.At(axis.out - 1, axis.kernel - 1) - (axis.in - 1));
  };
  return {window.y().pad, window.x().pad, beyond(window.y()), beyond(window.x())};
}

// What a product node says, float or integer.
class ProductLowering {
 public:
  ProductLowering(PlanBuilder& builder, NodeId n)
      : b_(builder),
        n_(n),
        node_(builder.node(n)),
        quantized_(IsQuantizedProduct(node_)),
        conv_(IsConvolution(node_)),
        transposed_conv_(IsTransposed(node_)),
        groups_(conv_ ? NodeReader(node_, builder.graph().opset()).Int("group", 1) : 1),
        out_(node_.outputs[0]) {}

  Result<bool> Run() {
    if (!Accepts()) return false;
    if (!conv_) {
      const Shape& x = b_.shape(node_.inputs[0]);
      if (x.rank() < 2 || x[x.rank() - 1] == 0 || quantized_residual()) return false;
      if (!quantized_) FuseFloat();
      return quantized_ ? EmitMatrix<QGemmArgs>() : EmitMatrix<FGemmArgs>();
    }
    const auto window = ReadWindow(b_, n_);
    if (!window) return false;
    const bool single = groups_ > 1 && groups_ == b_.shape(node_.inputs[0])[1] && groups_ == b_.shape(out_)[1];
    depthwise_ = single && !transposed_conv_;
    if (transposed_conv_) {
      if (PhasesOf(window->y()).empty() || PhasesOf(window->x()).empty()) return false;
      if (single && !quantized_) return false;  // one product after the other would be slower
    }
    if (!quantized_) FuseFloat();
    if (depthwise_) return LowerDepthwise(*window);
    return quantized_ ? LowerDense<QGemmArgs>(*window) : LowerDense<FGemmArgs>(*window);
  }

 private:
  bool Accepts() {
    const bool gemm = node_.domain.empty() && node_.op_type == "Gemm";
    const bool matmul = node_.domain.empty() && node_.op_type == "MatMul";
    if (!quantized_ && !conv_ && !gemm && !matmul) return false;
    if (node_.inputs.size() < 2 || !b_.IsConstant(node_.inputs[1]) || b_.IsConstant(node_.inputs[0])) return false;
    const Tensor& weights = Weights();
    if (weights.elements() == 0) return false;
    channels_ = static_cast<size_t>(transposed_conv_ ? weights.shape()[1] * groups_
                                    : conv_          ? weights.shape()[0]
                                                     : weights.shape()[weights.shape().rank() - 1]);
    if (!quantized_) {
      if (weights.dtype() != DType::kFloat || !AllFinite(weights)) return false;
      const NodeReader reader(node_, b_.graph().opset());
      if (gemm) {
        transposed_ = reader.Int("transB", 0) != 0;
        channels_ = static_cast<size_t>(weights.shape()[transposed_ ? 0 : 1]);
        if (reader.Int("transA", 0) != 0 || reader.Float("alpha", 1.0f) != 1.0f || reader.Float("beta", 1.0f) != 1.0f) {
          return false;
        }
      }
      if (node_.has_input(2)) {
        if (!b_.IsConstant(node_.inputs[2])) return false;
        const Tensor& bias = *b_.value(node_.inputs[2]).constant;
        // Of several dimensions only the last may have a length: one value a column.
        if (bias.elements() != 1 && bias.shape()[bias.shape().rank() - 1] != bias.elements()) return false;
        const auto values = PerChannel<float>(bias, channels_);
        if (!values) return false;
        fbias_.assign(values->begin(), values->end());
      }
      return conv_ || weights.shape().rank() == 2;
    }
    return AcceptsQuantized();
  }

  bool AcceptsQuantized() {
    const Tensor& weights = Weights();
    const auto constant = [&](size_t i) -> const Tensor* {
      return node_.has_input(i) && b_.IsConstant(node_.inputs[i]) ? &*b_.value(node_.inputs[i]).constant : nullptr;
    };
    if (b_.value(node_.inputs[0]).dtype != DType::kUInt8 || weights.dtype() != DType::kInt8) return false;
    if (!conv_ && weights.shape().rank() != 2) return false;
    if (node_.has_input(kProductWZero) && (!constant(kProductWZero) || !AllZero(*constant(kProductWZero))))
      return false;
    if (node_.has_input(kProductXZero) && b_.shape(node_.inputs[kProductXZero]).Elements() != 1) return false;
    if (node_.has_input(kProductBias)) {
      if (!constant(kProductBias)) return false;
      const auto values = PerChannel<int32_t>(*constant(kProductBias), channels_);
      if (!values) return false;
      bias_.assign(values->begin(), values->end());
    } else {
      bias_.assign(channels_, 0);
    }
    if (!constant(kProductMultiplier)) return false;
    const auto multiplier = PerChannel<float>(*constant(kProductMultiplier), channels_);
    if (!multiplier) return false;
    multiplier_.assign(multiplier->begin(), multiplier->end());
    if (node_.has_input(kProductFloatBias)) {
      if (!constant(kProductFloatBias)) return false;
      const auto values = PerChannel<float>(*constant(kProductFloatBias), channels_);
      if (!values) return false;
      fbias_.assign(values->begin(), values->end());
    }
    attributes_ = ReadQProduct(NodeReader(node_, b_.graph().opset()));
    return true;
  }

  const Tensor& Weights() const { return *b_.value(node_.inputs[1]).constant; }

  // Takes in the Add of a constant to each row of a matrix, that of a value that is already there, and the clamp or
  // LeakyRelu, that alone read the result.
  void FuseFloat() {
    NodeId next = b_.OnlyReader(out_);
    if (!conv_ && next != kNoNode && b_.node(next).domain.empty() && b_.node(next).op_type == "Add") {
      const Node& add = b_.node(next);
      const ValueId other = add.inputs[add.inputs[0] == out_ ? 1 : 0];
      const Shape& shape = b_.shape(other);
      const auto n = static_cast<int64_t>(channels_);
      if (b_.IsConstant(other) && shape.Elements() == n && shape.rank() > 0 && shape[shape.rank() - 1] == n &&
          b_.shape(add.outputs[0]) == b_.shape(out_)) {
        const auto values = b_.value(other).constant->data<float>();
        addend_.assign(values.begin(), values.end());
        Take(next);
        next = b_.OnlyReader(out_);
      }
    }
    if (!depthwise_ && next != kNoNode && b_.node(next).domain.empty() && b_.node(next).op_type == "Add") {
      const Node& add = b_.node(next);
      const ValueId other = add.inputs[add.inputs[0] == out_ ? 1 : 0];
      if (other != out_ && !b_.IsConstant(other) && b_.IsStatic(other) && b_.IsPlaced(other) &&
          b_.shape(other) == b_.shape(out_)) {
        residual_ = other;
        Take(next);
        next = b_.OnlyReader(out_);
      }
    }
    if (next == kNoNode) return;
    const Node& node = b_.node(next);
    if (node.inputs[0] != out_) return;
    if (const auto clamp = ReadClamp(b_, next)) {
      flo_ = clamp->first, fhi_ = clamp->second;
      Take(next);
    } else if (!depthwise_ && node.domain.empty() && node.op_type == "LeakyRelu") {
      slope_ = NodeReader(node, b_.graph().opset()).Float("alpha", 0.01f);
      Take(next);
    }
  }
  void Take(NodeId next) {
    b_.SetDone(next);
    fused_ += "+" + b_.node(next).op_type;
    out_ = b_.node(next).outputs[0];
  }

  // ---- the vectors of a quantized product

  // The input's zero point goes into the bias: sum (x - z) * w = sum x * w - z * sum w. Each phase of a transposed
  // convolution has other sums.
  Status SetVectors(const std::vector<int32_t>& sums, ChannelVectors& vectors, std::vector<View>* views) {
    const bool has_zero = node_.has_input(kProductXZero), has_scale = node_.has_input(kProductXScale);
    const bool dynamic_zero = has_zero && !b_.IsConstant(node_.inputs[kProductXZero]);
    vectors.fbias = fbias_;
    if (!dynamic_zero && !has_scale) {
      const uint32_t zero = has_zero ? b_.value(node_.inputs[kProductXZero]).constant->template data<uint8_t>()[0] : 0u;
      for (size_t c = 0; c < sums.size(); ++c) {
        vectors.bias.push_back(
            static_cast<int32_t>(static_cast<uint32_t>(bias_[c % channels_]) - zero * static_cast<uint32_t>(sums[c])));
      }
      vectors.multiplier = multiplier_;
      return Ok();
    }
    auto step = std::make_unique<DynamicVectorsStep>();
    for (size_t c = 0; c < sums.size(); ++c) step->bias.push_back(bias_[c % channels_]);
    step->sums = sums;
    step->multiplier = multiplier_;
    if (has_zero) step->zero = b_.Read(node_.inputs[kProductXZero]);
    if (has_scale) step->scale = b_.Read(node_.inputs[kProductXScale]);
    OCTAVO_ASSIGN_OR_RETURN(step->bias_out, b_.MakeScratch(sums.size() * sizeof(int32_t)));
    OCTAVO_ASSIGN_OR_RETURN(step->multiplier_out, b_.MakeScratch(channels_ * sizeof(float)));
    vectors.dynamic_bias = step->bias_out;
    vectors.dynamic_multiplier = step->multiplier_out;
    views->push_back(step->bias_out);
    views->push_back(step->multiplier_out);
    step->info.name = node_.name;
    step->info.op = "parameters";
    step->info.kernel = "dynamic";
    const std::vector<View> used = {step->zero, step->scale, step->bias_out, step->multiplier_out};
    b_.Emit(std::move(step), n_, used, {});
    return Ok();
  }

  void Describe(Step& step, const char* kernel, double macs) const {
    step.info.name = node_.name;
    step.info.op = node_.op_type + fused_;
    step.info.kernel = std::string(kernel) + " " + b_.kernels().name;
    step.info.precision = quantized_ ? "int8" : "float32";
    step.info.macs = macs;
    step.info.bytes = static_cast<double>(Weights().bytes() + Bytes(node_.inputs[0]) + Bytes(out_));
  }
  size_t Bytes(ValueId v) const { return BytesFor(b_.shape(v).Elements(), b_.value(v).dtype); }

  // ---- convolutions

  bool quantized_residual() const { return quantized_ && node_.has_input(kProductResidual); }

  Result<View> ReadInput(const Window3& window) {
    Frame frame = FrameOf(node_, window);
    if (quantized_ && node_.has_input(kProductXZero) && !frame.empty()) {
      const ValueId zero = node_.inputs[kProductXZero];
      if (b_.IsConstant(zero)) {
        frame.fill = b_.value(zero).constant->data<uint8_t>()[0];
      } else {
        frame.fill_from = zero;
      }
    }
    return b_.ReadPixels(node_.inputs[0], frame);
  }

  static int64_t Line(const View& view, const Shape& shape) { return shape.rank() == 4 ? view.strides[2] : 0; }
  static int64_t Column(const View& view, const Shape& shape) {
    return view.strides[static_cast<size_t>(shape.rank() - 1)];
  }

  template <typename Args>
  Result<bool> LowerDense(const Window3& window) {
    const Shape &x = b_.shape(node_.inputs[0]), &y = b_.shape(out_);
    const Tensor& weights = Weights();
    const int64_t kh = window.y().kernel, kw = window.x().kernel;
    const auto element = static_cast<int64_t>(quantized_ ? 1 : sizeof(float));
    auto step = std::make_unique<ProductStep<Args>>();
    OCTAVO_ASSIGN_OR_RETURN(const View a, ReadInput(window));
    const int64_t column = Column(a, x), line = Line(a, x);
    const bool merged =
        !transposed_conv_ && groups_ == 1 && kw > 1 && window.x().dilation == 1 && column == x[1] * element;
    // Groups side by side in one product where the kernel can; else one product after the other.
    bool together = false;
    if (quantized_ && groups_ > 1 && !attributes_.is_float && !transposed_conv_) {
      OCTAVO_ASSIGN_OR_RETURN(step->packed, b_.options().weights->Grouped(b_.kernels(), weights, groups_, kh * kw));
      together = step->packed->bytes.size() != 0;
    }
    const int64_t joined = together ? 1 : GroupsInOne();
    WeightCache& cache = *b_.options().weights;
    if (transposed_conv_) {
      OCTAVO_ASSIGN_OR_RETURN(step->packed, cache.Transposed(b_.kernels(), weights, groups_, joined, window));
    } else if (!together) {
      OCTAVO_ASSIGN_OR_RETURN(step->packed, cache.Conv(b_.kernels(), weights, groups_, joined, kh, kw, merged));
    }
    const int64_t groups = together ? 1 : groups_ / joined, channels = x[1] / groups_ * joined;
    std::vector<View> views = {a};
    if constexpr (std::is_same_v<Args, QGemmArgs>) {
      OCTAVO_RETURN_IF_ERROR(SetVectors(step->packed->sums, step->vectors, &views));
      step->kernel = together ? b_.kernels().qgrouped : b_.kernels().qgemm;
      step->args.groups = together ? static_cast<size_t>(groups_) : 1;
      SetQuantized(step->args);
    } else {
      step->vectors.fbias = fbias_;
      step->kernel = b_.kernels().fgemm;
      step->args.lo = flo_, step->args.hi = fhi_, step->args.slope = slope_;
    }
    const ValueId residual = quantized_residual() ? node_.inputs[kProductResidual] : residual_;
    if (residual != kNoValue) {
      OCTAVO_ASSIGN_OR_RETURN(step->residual, b_.ReadPixels(residual, {}));
      views.push_back(step->residual);
    }
    OCTAVO_ASSIGN_OR_RETURN(const View c, b_.MakePixels(out_));
    views.push_back(c);

    step->a = a;
    step->c = c;
    step->groups = static_cast<size_t>(groups);
    step->tile_rows = quantized_ ? b_.kernels().qtile_rows : b_.kernels().ftile_rows;
    step->packed_group_bytes = step->packed->group_bytes;
    step->a_group_bytes = channels * element;
    step->args.n = channels_ / static_cast<size_t>(groups);
    const int64_t out_element = static_cast<int64_t>(BitsOf(b_.value(out_).dtype) / 8);
    step->c_group_bytes = static_cast<int64_t>(step->args.n) * out_element;
    step->rows = static_cast<size_t>(y[0] * window.OutPlane());
    if (transposed_conv_) {
      SetPhases(window, line, column, channels, step.get());
    } else {
      step->a.offset -= window.y().pad * line + window.x().pad * column;
      const std::array<int64_t, 3> pixels = {y[0], window.y().out, window.x().out};
      step->a_rows.Append(0, pixels, {a.strides[0], line * window.y().stride, column * window.x().stride});
      AppendOutputs(0, 0, pixels, {1, 1}, step.get());
      SetClasses(window, merged, line, column, channels, step.get());
    }
    for (Rows* rows : {&step->a_rows, &step->c_rows, &step->residual_rows}) rows->Compress();
    const auto pixels = static_cast<double>(y[0] * (transposed_conv_ ? window.InPlane() : window.OutPlane()));
    Describe(*step, quantized_ ? "qs8_conv" : "f32_conv", pixels * static_cast<double>(weights.elements()));
    b_.Emit(std::move(step), n_, views, {out_});
    return true;
  }

  // Rows of results and residuals: output pixels from (y, x) on, so many lines and columns apart.
  template <typename Args>
  void AppendOutputs(int64_t y, int64_t x, const std::array<int64_t, 3>& counts, const std::array<int64_t, 2>& apart,
                     ProductStep<Args>* step) const {
    const Shape& shape = b_.shape(out_);
    const auto append = [&](const View& view, Rows& rows) {
      const int64_t line = Line(view, shape), column = Column(view, shape);
      rows.Append(y * line + x * column, counts, {view.strides[0], apart[0] * line, apart[1] * column});
    };
    append(step->c, step->c_rows);
    if (step->residual.storage != kNoStorage) append(step->residual, step->residual_rows);
  }

  // A class of rows for each phase.
  template <typename Args>
  void SetPhases(const Window3& window, int64_t line, int64_t column, int64_t channels, ProductStep<Args>* step) const {
    const WindowAxis &y = window.y(), &x = window.x();
    const int64_t images = b_.shape(out_)[0];
    size_t index = 0;
    for (const Phase& py : PhasesOf(y)) {
      for (const Phase& px : PhasesOf(x)) {
        RowClass& c = step->classes.emplace_back();
        c.rows = static_cast<size_t>(images * py.outs * px.outs);
        c.k = static_cast<size_t>(channels);
        for (int64_t i = 0; i < py.taps; ++i) {
          for (int64_t j = 0; j < px.taps; ++j) c.offsets.push_back(-i * y.dilation * line - j * x.dilation * column);
        }
        c.packed = step->packed->phases[index];
        if (quantized_) c.bias = index * channels_;
        ++index;
        const std::array<int64_t, 3> pixels = {images, py.outs, px.outs};
        step->a_rows.Append(py.in * line + px.in * column, pixels, {step->a.strides[0], line, column});
        AppendOutputs(py.out, px.out, pixels, {y.stride, x.stride}, step);
      }
    }
  }

  // How many small groups multiply as one, with weights of zero where one meets the channels of another: one costs as
  // much as a whole vector of columns. Not in float, where infinity times zero is no zero.
  int64_t GroupsInOne() const {
    constexpr int64_t kColumns = 16;
    int64_t groups =
        quantized_ ? std::clamp<int64_t>(kColumns * groups_ / static_cast<int64_t>(channels_), 1, groups_) : 1;
    while (groups_ % groups != 0) --groups;
    return groups;
  }

  // Padding of zeros adds nothing: pixels at the borders leave out the taps that meet it.
  template <typename Args>
  void SetClasses(const Window3& window, bool merged, int64_t line, int64_t column, int64_t channels,
                  ProductStep<Args>* step) {
    TapClasses sorted;
    if constexpr (std::is_same_v<Args, QGemmArgs>) {
      const bool together = step->args.groups > 1;  // that kernel takes all taps
      if (!together && b_.kernels().parts && PadsWithZero())
        sorted = SortByTaps(window, step->rows, !merged || channels % 4 == 0);
    }
    const WindowAxis &y = window.y(), &x = window.x();
    const bool all = sorted.classes.empty();
    if (all) sorted.classes.push_back({{0, y.kernel}, {0, x.kernel}, step->rows});
    const int64_t segment_quads = CeilDiv(merged ? x.kernel * channels : channels, int64_t{4});
    for (const TapClass& taps : sorted.classes) {
      RowClass& c = step->classes.emplace_back();
      c.rows = taps.rows;
      c.k = static_cast<size_t>(merged ? (taps.x.end - taps.x.begin) * channels : channels);
      for (int64_t i = taps.y.begin; i < taps.y.end; ++i) {
        for (int64_t j = taps.x.begin; j < (merged ? taps.x.begin + 1 : taps.x.end); ++j) {
          c.offsets.push_back(i * y.dilation * line + j * x.dilation * column);
          if (all) continue;
          c.quads.push_back(
              static_cast<size_t>(merged ? i * segment_quads + j * channels / 4 : (i * x.kernel + j) * segment_quads));
        }
      }
      if (all && c.offsets.size() == 1) c.offsets.clear();
    }
    if constexpr (std::is_same_v<Args, QGemmArgs>) {
      if (all) return;
      step->args.quads = static_cast<size_t>(segment_quads * y.kernel * (merged ? 1 : x.kernel));
      step->a_rows.Reorder(sorted.order);
      step->c_rows.Reorder(sorted.order);
      if (step->residual.storage != kNoStorage) step->residual_rows.Reorder(sorted.order);
    }
  }

  bool PadsWithZero() const {
    if (!node_.has_input(kProductXZero)) return true;
    const auto& zero = b_.value(node_.inputs[kProductXZero]).constant;
    return zero && zero->data<uint8_t>()[0] == 0;
  }

  template <typename Args>
  void SetQuantized(Args& args) const {
    args.output = attributes_.is_float ? GemmOutput::kF32 : GemmOutput::kU8;
    args.zero = attributes_.zero;
    args.lo = attributes_.lo, args.hi = attributes_.hi;
    args.flo = attributes_.flo, args.fhi = attributes_.fhi;
    if constexpr (requires { args.add; }) args.add = attributes_.add;
  }

  Result<bool> LowerDepthwise(const Window3& window) {
    Window w;
    w.kh = static_cast<size_t>(window.y().kernel), w.kw = static_cast<size_t>(window.x().kernel);
    w.stride_h = static_cast<size_t>(window.y().stride), w.stride_w = static_cast<size_t>(window.x().stride);
    w.dilation_h = static_cast<size_t>(window.y().dilation), w.dilation_w = static_cast<size_t>(window.x().dilation);
    OCTAVO_ASSIGN_OR_RETURN(const auto packed, b_.options().weights->Depthwise(b_.kernels(), Weights(), w));
    return quantized_ ? EmitDepthwise<QDepthwiseArgs>(window, w, packed)
                      : EmitDepthwise<FDepthwiseArgs>(window, w, packed);
  }

  template <typename Args>
  Result<bool> EmitDepthwise(const Window3& window, const Window& w, const WeightCache::Pointer& packed) {
    const Shape &x = b_.shape(node_.inputs[0]), &y = b_.shape(out_);
    auto step = std::make_unique<DepthwiseStep<Args>>();
    OCTAVO_ASSIGN_OR_RETURN(const View a, ReadInput(window));
    std::vector<View> views = {a};
    if constexpr (std::is_same_v<Args, QDepthwiseArgs>) {
      OCTAVO_RETURN_IF_ERROR(SetVectors(packed->sums, step->vectors, &views));
      step->kernel = b_.kernels().qdepthwise;
      SetQuantized(step->args);
    } else {
      step->vectors.fbias = fbias_;
      step->kernel = b_.kernels().fdepthwise;
      step->args.lo = flo_, step->args.hi = fhi_;
    }
    OCTAVO_ASSIGN_OR_RETURN(const View c, b_.MakePixels(out_));
    views.push_back(c);
    step->packed = packed;
    step->a = a;
    step->a.offset -= window.y().pad * Line(a, x) + window.x().pad * Column(a, x);
    step->c = c;
    step->images = x[0];
    step->lines = window.y().out;
    step->args.a.line_stride = Line(a, x), step->args.a.column_stride = Column(a, x);
    step->args.c.line_stride = Line(c, y), step->args.c.column_stride = Column(c, y);
    step->args.window = w;
    step->args.channels = channels_;
    step->args.out_width = static_cast<size_t>(window.x().out);
    Describe(*step, quantized_ ? "qs8_depthwise" : "f32_depthwise",
             static_cast<double>(y.Elements()) * static_cast<double>(window.Taps()));
    b_.Emit(std::move(step), n_, views, {out_});
    return true;
  }

  // ---- matrices: [..., k] by [k, n]

  template <typename Args>
  Result<bool> EmitMatrix() {
    const Shape& x = b_.shape(node_.inputs[0]);
    const int64_t k = x[x.rank() - 1];
    auto step = std::make_unique<ProductStep<Args>>();
    OCTAVO_ASSIGN_OR_RETURN(step->packed, b_.options().weights->Matrix(b_.kernels(), Weights(), transposed_));
    OCTAVO_ASSIGN_OR_RETURN(step->a, b_.ReadRows(node_.inputs[0]));
    std::vector<View> views = {step->a};
    if constexpr (std::is_same_v<Args, QGemmArgs>) {
      OCTAVO_RETURN_IF_ERROR(SetVectors(step->packed->sums, step->vectors, &views));
      step->kernel = b_.kernels().qgemm;
      SetQuantized(step->args);
    } else {
      step->vectors.fbias = fbias_;
      step->addend = addend_;
      step->kernel = b_.kernels().fgemm;
      step->args.lo = flo_, step->args.hi = fhi_, step->args.slope = slope_;
    }
    step->rows = static_cast<size_t>(x.Elements() / k);
    step->tile_rows = quantized_ ? b_.kernels().qtile_rows : b_.kernels().ftile_rows;
    if (residual_ != kNoValue) {
      OCTAVO_ASSIGN_OR_RETURN(step->residual, b_.ReadRows(residual_));
      views.push_back(step->residual);
      step->residual_rows.stride = static_cast<int64_t>(channels_ * sizeof(float));
    }
    OCTAVO_ASSIGN_OR_RETURN(step->c, b_.MakeDense(out_));
    views.push_back(step->c);
    step->args.n = channels_;
    step->classes.push_back({step->rows, static_cast<size_t>(k), {}, {}});
    step->a_rows.stride = k * static_cast<int64_t>(quantized_ ? 1 : sizeof(float));
    step->c_rows.stride = static_cast<int64_t>(channels_ * (BitsOf(b_.value(out_).dtype) / 8));
    Describe(*step, quantized_ ? "qs8_gemm" : "f32_gemm",
             static_cast<double>(step->rows) * static_cast<double>(Weights().elements()));
    b_.Emit(std::move(step), n_, views, {out_});
    return true;
  }

  PlanBuilder& b_;
  const NodeId n_;
  const Node& node_;
  const bool quantized_, conv_, transposed_conv_;
  const int64_t groups_;
  bool depthwise_ = false;
  ValueId out_;
  ValueId residual_ = kNoValue;
  std::string fused_;
  size_t channels_ = 0;
  bool transposed_ = false;
  Padded<int32_t> bias_;
  Padded<float> multiplier_, fbias_, addend_;
  float flo_ = kNoLow, fhi_ = kNoHigh, slope_ = 1;
  QProductAttributes attributes_;
};

}  // namespace

Frame WantedFrame(const PlanBuilder& builder, NodeId n) {
  const Node& node = builder.node(n);
  if (!IsConvolution(node) || !builder.IsConcrete(node.inputs[0]) || !builder.IsConstant(node.inputs[1])) return {};
  const auto window = ReadWindow(builder, n);
  if (!window) return {};
  Frame frame = FrameOf(node, *window);
  if (node.domain == kInternalDomain && node.has_input(kProductXZero)) {
    const auto& zero = builder.value(node.inputs[kProductXZero]).constant;
    if (!zero) return {};
    frame.fill = zero->data<uint8_t>()[0];
  }
  return frame;
}

Result<bool> LowerProduct(PlanBuilder& builder, NodeId n) { return ProductLowering(builder, n).Run(); }

}  // namespace octavo
