// Matrix products both of whose operands are computed: the right one is packed anew in every run.
#include <algorithm>
#include <optional>

#include "core/base/checked.h"
#include "core/ops/integer.h"
#include "core/plan/padded.h"
#include "core/plan/plan_builder.h"

namespace octavo {
namespace {

constexpr double kMacsWorthAThread = 30000;
constexpr size_t kPanel = 64;  // columns; kernels.h wants ranges in multiples of it

// What both steps know. Matrices of the result are counted through all its batch dimensions; each has one left and one
// right matrix, which broadcasting may use several times.
struct Batches {
  size_t m = 1, k = 1, n = 1;
  std::vector<int64_t> a;       // by matrix of the result: byte offset of its left matrix
  std::vector<size_t> b;        // and the number of its right matrix
  std::vector<int64_t> rights;  // byte offsets of the right matrices
  size_t panels() const { return CeilDiv(n, kPanel); }
};

// Packs all right matrices. Of bytes, it also works out what their zero points add to every column's sums.
class PackStep : public Step {
 public:
  const KernelTable* kernels = nullptr;
  Batches batches;
  View b, packed, bias;  // bias: int32 [rights][n], of bytes only
  GemmWeights weights;   // without address
  size_t packed_bytes = 0;
  bool integer = false;
  int32_t a_zero = 0, b_zero = 0;

  size_t max_parts() const override {
    return std::min(batches.rights.size() * batches.panels(),
                    std::max<size_t>(static_cast<size_t>(info.bytes) >> 15, 1));
  }

  Status Run(RunState& state, size_t part, size_t parts) const override {
    const size_t panels = batches.panels(), units = batches.rights.size() * panels;
    for (size_t unit = units * part / parts; unit < units * (part + 1) / parts; ++unit) {
      const size_t r = unit / panels, n0 = unit % panels * kPanel, n1 = std::min(n0 + kPanel, batches.n);
      GemmWeights call = weights;
      call.w = state.At(b) + batches.rights[r];
      std::byte* const to = state.At(packed) + r * packed_bytes;
      if (!integer) {
        kernels->fgemm_pack(call, to, n0, n1);
        continue;
      }
      int32_t* const sums = reinterpret_cast<int32_t*>(state.At(bias)) + r * batches.n;
      kernels->qgemm_pack(call, to, sums, n0, n1);
      // sum (x - za) (w - zb) = sum x w - zb sum x - za sum w + k za zb; the second term is the rows'.
      const uint32_t za = static_cast<uint32_t>(a_zero),
                     both = static_cast<uint32_t>(batches.k) * za * static_cast<uint32_t>(b_zero);
      for (size_t n = n0; n < n1; ++n) sums[n] = static_cast<int32_t>(both - za * static_cast<uint32_t>(sums[n]));
    }
    return Ok();
  }
};

template <typename Args>
class BatchStep : public Step {
 public:
  using Kernel = void (*)(const Args&, size_t, size_t, size_t, size_t);

  const KernelTable* kernels = nullptr;
  Kernel kernel = nullptr;
  Batches batches;
  Args args;  // without addresses
  View a, packed, bias, row_bias, c;
  size_t packed_bytes = 0;
  int64_t c_matrix_bytes = 0;
  int32_t b_zero = 0;
  Padded<float> multiplier;

  size_t max_parts() const override {
    const size_t worth = static_cast<size_t>(std::max(1.0, info.macs / kMacsWorthAThread));
    const size_t rows = batches.a.size() * batches.m;
    const size_t tile = TileRows();
    // Shares of columns would all work out the sums of the same rows, in the same place.
    if (row_bias.storage != kNoStorage) return std::min(worth, std::max<size_t>(rows / (2 * tile), 1));
    return std::min(worth, std::max(CeilDiv(rows, tile), batches.panels()));
  }

  Status Run(RunState& state, size_t part, size_t parts) const override {
    // Rows of all matrices are cut as one; where there are few, columns.
    const size_t rows = batches.a.size() * batches.m;
    size_t row0 = 0, row1 = rows, n0 = 0, n1 = batches.n;
    const size_t tile = TileRows();
    if (rows >= 2 * tile * parts || batches.panels() < parts) {
      row0 = std::min(RoundUp(rows * part / parts, tile), rows);
      row1 = part + 1 == parts ? rows : std::min(RoundUp(rows * (part + 1) / parts, tile), rows);
    } else {
      n0 = batches.panels() * part / parts * kPanel;
      n1 = std::min(batches.panels() * (part + 1) / parts * kPanel, batches.n);
    }
    while (row0 < row1 && n0 < n1) {
      const size_t matrix = row0 / batches.m, m0 = row0 % batches.m;
      const size_t m1 = std::min(batches.m, m0 + (row1 - row0));
      Args call = args;
      call.a.base = state.At(a) + batches.a[matrix];
      call.packed = state.At(packed) + batches.b[matrix] * packed_bytes;
      call.c.base = state.At(c) + static_cast<int64_t>(matrix) * c_matrix_bytes;
      SetVectors(state, matrix, m0, m1, &call);
      kernel(call, m0, m1, n0, n1);
      row0 += m1 - m0;
    }
    return Ok();
  }

 private:
  size_t TileRows() const { return std::is_same_v<Args, QGemmArgs> ? kernels->qtile_rows : kernels->ftile_rows; }

  void SetVectors(const RunState&, size_t, size_t, size_t, FGemmArgs*) const {}
  void SetVectors(const RunState& state, size_t matrix, size_t m0, size_t m1, QGemmArgs* call) const {
    call->bias = reinterpret_cast<const int32_t*>(state.At(bias)) + batches.b[matrix] * batches.n;
    call->multiplier = multiplier.data();
    if (row_bias.storage == kNoStorage) return;
    int32_t* const sums = reinterpret_cast<int32_t*>(state.At(row_bias)) + matrix * batches.m;
    kernels->row_sums(call->a, sums, m0, m1);
    for (size_t m = m0; m < m1; ++m) {
      sums[m] = static_cast<int32_t>(0u - static_cast<uint32_t>(b_zero) * static_cast<uint32_t>(sums[m]));
    }
    call->row_bias = sums;
  }
};

class MatMulLowering {
 public:
  MatMulLowering(PlanBuilder& builder, NodeId n)
      : b_(builder), n_(n), node_(builder.node(n)), integer_(node_.domain == kInternalDomain) {}

  Result<bool> Run() {
    if (node_.op_type != (integer_ ? "QMatMul" : "MatMul") || (!integer_ && !node_.domain.empty())) return false;
    if (b_.IsConstant(right())) return false;  // LowerProduct's, or rare
    const Shape &x = b_.shape(left()), &w = b_.shape(right());
    if (x.rank() < 2 || w.rank() < 2 || x[x.rank() - 1] == 0) return false;
    if (integer_ ? !AcceptsIntegers() : b_.value(left()).dtype != DType::kFloat) return false;
    OCTAVO_ASSIGN_OR_RETURN(View a, b_.ReadForKernel(left()));
    if (x[x.rank() - 1] > 1 && a.strides[static_cast<size_t>(x.rank() - 1)] != element()) {
      OCTAVO_ASSIGN_OR_RETURN(a, b_.ReadRows(left()));
    }
    OCTAVO_ASSIGN_OR_RETURN(const View b, b_.ReadForKernel(right()));
    const Batches batches = ReadBatches(a, b);
    return integer_ ? Emit<QGemmArgs>(batches, a, b) : Emit<FGemmArgs>(batches, a, b);
  }

 private:
  ValueId left() const { return node_.inputs[0]; }
  ValueId right() const { return node_.inputs[1]; }
  ValueId out() const { return node_.outputs[0]; }
  int64_t element() const { return integer_ ? 1 : static_cast<int64_t>(sizeof(float)); }

  std::optional<int32_t> Byte(size_t input) const {
    if (!node_.has_input(input)) return 0;
    const auto& constant = b_.value(node_.inputs[input]).constant;
    if (!constant || constant->dtype() != DType::kUInt8 || constant->elements() != 1) return std::nullopt;
    return constant->data<uint8_t>()[0];
  }

  bool AcceptsIntegers() {
    if (b_.value(left()).dtype != DType::kUInt8 || b_.value(right()).dtype != DType::kUInt8) return false;
    for (size_t i : {kProductBias, kProductFloatBias, kProductXScale, kProductResidual}) {
      if (node_.has_input(i)) return false;
    }
    const auto a_zero = Byte(kProductXZero), b_zero = Byte(kProductWZero);
    const auto& multiplier = b_.value(node_.inputs[kProductMultiplier]).constant;
    if (!a_zero || !b_zero || !multiplier || multiplier->elements() != 1) return false;
    a_zero_ = *a_zero;
    b_zero_ = *b_zero - 128;  // bytes are shifted to signed ones while they are packed
    multiplier_ = multiplier->data<float>()[0];
    return true;
  }

  Batches ReadBatches(const View& a, const View& b) const {
    const Shape &x = b_.shape(left()), &w = b_.shape(right()), &y = b_.shape(out());
    Batches batches;
    batches.m = static_cast<size_t>(x[x.rank() - 2]);
    batches.k = static_cast<size_t>(x[x.rank() - 1]);
    batches.n = static_cast<size_t>(w[w.rank() - 1]);
    const int rank = y.rank() - 2;
    for (int64_t i = 0; i < w.Elements(0, w.rank() - 2); ++i) {
      int64_t offset = 0, rest = i;
      for (int d = w.rank() - 2; d-- > 0;) {
        offset += rest % w[d] * b.strides[static_cast<size_t>(d)];
        rest /= w[d];
      }
      batches.rights.push_back(offset);
    }
    for (int64_t i = 0; i < y.Elements(0, rank); ++i) {
      int64_t offset = 0, rest = i, number = 0, count = 1;
      for (int d = rank; d-- > 0;) {
        const int64_t index = rest % y[d];
        rest /= y[d];
        const int da = d - (rank - (x.rank() - 2)), db = d - (rank - (w.rank() - 2));
        if (da >= 0 && x[da] != 1) offset += index * a.strides[static_cast<size_t>(da)];
        if (db >= 0) {
          if (w[db] != 1) number += index * count;
          count *= w[db];
        }
      }
      batches.a.push_back(offset);
      batches.b.push_back(static_cast<size_t>(number));
    }
    return batches;
  }

  template <typename Args>
  Result<bool> Emit(const Batches& batches, const View& a, const View& b) {
    const KernelTable& kernels = b_.kernels();
    const Shape &x = b_.shape(left()), &w = b_.shape(right());
    auto pack = std::make_unique<PackStep>();
    pack->kernels = &kernels;
    pack->batches = batches;
    pack->integer = integer_;
    pack->a_zero = a_zero_;
    pack->b_zero = b_zero_;
    pack->weights.n = batches.n;
    pack->weights.k = batches.k;
    pack->weights.n_stride = b.strides[static_cast<size_t>(w.rank() - 1)];
    pack->weights.k_stride = b.strides[static_cast<size_t>(w.rank() - 2)];
    pack->weights.flip = integer_;
    pack->packed_bytes = (integer_ ? kernels.qgemm_packed_bytes : kernels.fgemm_packed_bytes)(batches.n, 1, batches.k);
    uint64_t all;
    if (!CheckedMul<uint64_t>(pack->packed_bytes, batches.rights.size(), &all)) {
      return Error(Code::kLimit, "packed operands are larger than the address space");
    }
    OCTAVO_ASSIGN_OR_RETURN(pack->packed, b_.MakeScratch(all));
    auto step = std::make_unique<BatchStep<Args>>();
    if (integer_) {
      OCTAVO_ASSIGN_OR_RETURN(pack->bias, b_.MakeScratch(batches.rights.size() * batches.n * sizeof(int32_t)));
      if (b_zero_ != 0) {
        OCTAVO_ASSIGN_OR_RETURN(step->row_bias, b_.MakeScratch(batches.a.size() * batches.m * sizeof(int32_t)));
      }
    }
    OCTAVO_ASSIGN_OR_RETURN(const View c, b_.MakeDense(out()));
    const View packed = pack->packed, bias = pack->bias;
    const size_t packed_bytes = pack->packed_bytes;
    pack->b = b;
    Describe(*pack, "pack");
    pack->info.bytes = static_cast<double>(w.Elements() * element()) + static_cast<double>(all);
    b_.Emit(std::move(pack), n_, {b, packed, bias}, {});

    step->kernels = &kernels;
    if constexpr (std::is_same_v<Args, QGemmArgs>) {
      const QProductAttributes attributes = ReadQProduct(NodeReader(node_, b_.graph().opset()));
      step->kernel = kernels.qgemm;
      step->args.output = attributes.is_float ? GemmOutput::kF32 : GemmOutput::kU8;
      step->args.zero = attributes.zero;
      step->args.lo = attributes.lo, step->args.hi = attributes.hi;
      step->args.flo = attributes.flo, step->args.fhi = attributes.fhi;
      step->multiplier.assign(batches.n, multiplier_);
    } else {
      step->kernel = kernels.fgemm;
    }
    step->batches = batches;
    step->a = a;
    step->packed = packed;
    step->bias = bias;
    step->c = c;
    step->packed_bytes = packed_bytes;
    step->b_zero = b_zero_;
    const auto c_element = static_cast<int64_t>(BitsOf(b_.value(out()).dtype) / 8);
    step->c_matrix_bytes = static_cast<int64_t>(batches.m * batches.n) * c_element;
    step->args.n = batches.n;
    step->args.a.k = batches.k;
    step->args.a.row_stride = a.strides[static_cast<size_t>(x.rank() - 2)];
    step->args.c.row_stride = static_cast<int64_t>(batches.n) * c_element;
    Describe(*step, integer_ ? "qu8_gemm" : "f32_gemm");
    step->info.macs = static_cast<double>(batches.a.size()) * static_cast<double>(batches.m) *
                      static_cast<double>(batches.k) * static_cast<double>(batches.n);
    step->info.bytes = static_cast<double>(x.Elements() * element()) + static_cast<double>(all) +
                       static_cast<double>(b_.shape(out()).Elements() * c_element);
    const View row_bias = step->row_bias;
    b_.Emit(std::move(step), n_, {a, packed, bias, row_bias, c}, {out()});
    return true;
  }

  void Describe(Step& step, const char* kernel) const {
    step.info.name = node_.name;
    step.info.op = node_.op_type;
    step.info.kernel = std::string(kernel) + " " + b_.kernels().name;
    step.info.precision = integer_ ? "int8" : "float32";
  }

  PlanBuilder& b_;
  const NodeId n_;
  const Node& node_;
  const bool integer_;
  int32_t a_zero_ = 0, b_zero_ = 0;
  float multiplier_ = 1.0f;
};

}  // namespace

Result<bool> LowerMatMul(PlanBuilder& builder, NodeId n) { return MatMulLowering(builder, n).Run(); }

}  // namespace octavo
