// SIMD arithmetic on raw memory: one table of functions for each instruction set, all giving the same bytes.
//
// What every function here shares
//  * Activations are u8, weights s8, accumulators int32 that wrap; s8 activations are kept as u8 (q + 128).
//  * Strides and offsets are in BYTES (also for float), may be negative, and are measured from the given base.
//  * Work is given as a half-open range, so that the caller can split it over threads. A function writes the bytes of
//    its own range and nothing else, allocates nothing, and keeps no state.
//  * Bases of tensors, packed weights and per-channel arrays are 64-byte aligned and have 256 readable bytes behind
//    them (Memory::kSlack). Only the elementwise functions, the transposes and minmax promise to read nothing beyond
//    their operands and to need no alignment but the element's: they are the ones that meet the host's own buffers.
//  * In and out may be the same memory only where a comment says so.
//  * The rounding mode is round to nearest, ties to even, with denormals on. Whoever calls makes that so.
//
// Two formulas return everywhere (docs/numerics.md):
//    requantize  q = clamp(rne(float(acc) * m) + zero, lo, hi)     one rounded multiplication, never fused
//    clamp       x < lo ? lo : hi < x ? hi : x                     so that NaN passes through
#ifndef OCTAVO_CORE_KERNELS_KERNELS_H_
#define OCTAVO_CORE_KERNELS_KERNELS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace octavo {

inline constexpr float kNoLow = -std::numeric_limits<float>::infinity();
inline constexpr float kNoHigh = std::numeric_limits<float>::infinity();

// --------------------------------------------------------------------------------------------- matrix products

// Where the left operand of a product lies. Row m is `segments` runs of k adjacent elements; run s begins at
//
//    base + (row_offset ? row_offset[m] : m * row_stride) + (segment_offset ? segment_offset[s] : 0)
//
//   matrix, 1x1 convolution      1 segment,      k = channels
//   convolution                  kh segments,    k = kw * channels              (pixels adjacent)
//   dilated, or pixels padded    kh*kw segments, k = channels
//   grouped                      kh*kw segments, k = channels of the group      (base moved to the group)
//
// Borders are the caller's: convolutions read an input that was copied into a frame of zero points. Up to 63 bytes
// behind a segment may be read (they meet weights of zero), so any k is fine.
struct SegmentedRows {
  const void* base = nullptr;
  int64_t row_stride = 0;
  const int64_t* row_offset = nullptr;
  size_t segments = 1;
  const int64_t* segment_offset = nullptr;
  size_t k = 0;  // elements of one segment
};

// Where rows of results lie: row m at base + (row_offset ? row_offset[m] : m * row_stride); columns are adjacent.
// The offsets let a convolution write straight into the frame of the next one.
struct OutputRows {
  void* base = nullptr;
  int64_t row_stride = 0;
  const int64_t* row_offset = nullptr;
};

// The right operand before packing: element (n, s, k) is w[n * n_stride + s * segment_stride + k * k_stride].
struct GemmWeights {
  const void* w = nullptr;  // int8_t (or uint8_t, see flip) for qgemm_pack, float for fgemm_pack
  size_t n = 0;
  size_t segments = 1;
  size_t k = 0;
  int64_t n_stride = 0;        // natural order [n][segments][k]: segments * k * sizeof(element)
  int64_t segment_stride = 0;  //                                 k * sizeof(element)
  int64_t k_stride = 1;        //                                 sizeof(element)
  bool flip = false;           // u8 -> s8 by subtracting 128 from each; the zero point then is 128 less, too
};

enum class GemmOutput : uint8_t {
  kU8,   // q = requantize(acc); with a residual: the sum of q and the residual, as in QAddArgs
  kF32,  // clamp(float(acc) * multiplier[n] + fbias[n]); fbias null: no addition
  kS32,  // acc
};

// c = clamp(rne(float(a - a_zero) * a_multiplier + float(b - b_zero) * b_multiplier) + zero, lo, hi), each of the three
// float operations rounded.
struct QAddArgs {
  int32_t a_zero = 0;
  int32_t b_zero = 0;
  int32_t zero = 0;
  float a_multiplier = 1.0f;
  float b_multiplier = 1.0f;
  uint8_t lo = 0;
  uint8_t hi = 255;
};

// acc[m][n] = bias[n] + row_bias[m] + sum over s, k of a[m][s][k] * w[n][s][k], in int32.
struct QGemmArgs {
  SegmentedRows a;               // u8
  const void* packed = nullptr;  // from qgemm_pack of the same table
  size_t n = 0;                  // all columns that were packed
  size_t groups = 1;             // qgrouped: group g multiplies the bytes from g * k on of each segment
  // Of what was packed, `a` may be a part: convolutions leave out taps that would meet padding. quads: of 4 weights in
  // a packed column, each segment rounded up; 0: as many as `a` has. segment_quad[s]: the first that meets segment s of
  // `a`; null: they follow each other. A segment that ends before what was packed is whole quads.
  size_t quads = 0;
  const size_t* segment_quad = nullptr;
  const int32_t* bias = nullptr;      // [n], zero points folded in: bias - a_zero * sum of w; null: 0
  const int32_t* row_bias = nullptr;  // for operands that both have a zero point; null: 0
  const float* multiplier = nullptr;  // [n]; finite
  const float* fbias = nullptr;       // [n], kF32 only
  GemmOutput output = GemmOutput::kU8;
  OutputRows c;
  int32_t zero = 0;  // kU8: zero point and bounds of the (convolution's) result
  uint8_t lo = 0;
  uint8_t hi = 255;
  float flo = kNoLow;  // kF32: bounds
  float fhi = kNoHigh;
  OutputRows residual;  // kU8: u8 operand b of a fused addition (read only); base null: none
  QAddArgs add;         // its numbers, multipliers within 2^20; operand a is the value requantized above
};

// acc = fbias[n] (or 0); for s, k ascending: acc = fma(a, w, acc); acc += addend[n]; acc += residual; slope; clamp.
// Exactly that, also where the machine has no fused multiply-add.
struct FGemmArgs {
  SegmentedRows a;               // float
  const void* packed = nullptr;  // from fgemm_pack of the same table
  size_t n = 0;
  const float* bias = nullptr;
  const float* addend = nullptr;  // null: none
  OutputRows c;
  OutputRows residual;  // float; base null: none
  float slope = 1;      // of results below 0, as LeakyRelu has it, before they are clamped
  float lo = kNoLow;
  float hi = kNoHigh;
};

// --------------------------------------------------------------------------------------------- windows

// A window sliding over an NHWC image of pixels `column_stride` bytes apart, in lines `line_stride` bytes apart. Output
// pixel (y, x) begins at base + y * stride_h * line_stride + x * stride_w * column_stride; tap (i, j) is i * dilation_h
// lines and j * dilation_w pixels further.
struct Window {
  size_t kh = 1, kw = 1;
  size_t stride_h = 1, stride_w = 1;
  size_t dilation_h = 1, dilation_w = 1;
};

struct ImageIn {
  const void* base = nullptr;
  int64_t line_stride = 0;
  int64_t column_stride = 0;
};

struct ImageOut {
  void* base = nullptr;
  int64_t line_stride = 0;
  int64_t column_stride = 0;
};

// Depthwise convolution. The input includes its frame of zero points, so every tap is valid. Results are qgemm's.
struct QDepthwiseArgs {
  ImageIn a;  // u8; base is the first tap of output pixel (0, 0)
  Window window;
  size_t channels = 0;
  size_t out_width = 0;
  const void* packed = nullptr;         // from qdepthwise_pack of the same table, channels and window
  const int32_t* bias = nullptr;        // [channels], zero points folded in; null: 0
  const float* multiplier = nullptr;    // [channels]
  const float* fbias = nullptr;         // [channels], kF32 only
  GemmOutput output = GemmOutput::kU8;  // or kF32
  int32_t zero = 0;
  uint8_t lo = 0;
  uint8_t hi = 255;
  float flo = kNoLow;
  float fhi = kNoHigh;
  ImageOut c;
};

// acc = bias (or 0); for ky, kx ascending: acc = fma(a, w, acc); clamp.
struct FDepthwiseArgs {
  ImageIn a;  // float
  Window window;
  size_t channels = 0;
  size_t out_width = 0;
  const float* weights = nullptr;  // [kh][kw][channels], not packed
  const float* bias = nullptr;
  float lo = kNoLow;
  float hi = kNoHigh;
  ImageOut c;
};

// Pooling knows the image's true size and leaves out the taps beyond it: base is pixel (0, 0) of the image, output
// pixel (y, x) begins at line y * stride_h - pad_top, column x * stride_w - pad_left.
struct PoolArgs {
  ImageIn a;
  size_t height = 0, width = 0;  // of the input
  Window window;
  int64_t pad_top = 0, pad_left = 0;
  size_t channels = 0;
  size_t out_width = 0;
  ImageOut c;
};

// q = clamp(rne(float(sum over valid taps of (a - a_zero)) * multiplier[y][x]) + zero, lo, hi). The multiplier carries
// both scales and the count the model wants (s_x / (s_y * count)), so every padding rule is expressible.
struct QAvgPoolArgs : PoolArgs {
  const float* multiplier = nullptr;  // [out_height][out_width]
  int32_t a_zero = 0;
  int32_t zero = 0;
  uint8_t lo = 0;
  uint8_t hi = 255;
};

// (0 + valid taps, ky then kx ascending) / divisor[y][x].
struct FAvgPoolArgs : PoolArgs {
  const float* divisor = nullptr;  // [out_height][out_width]
};

// Along one axis of a resized image, element o of the output is the sum of weight[t] * input[index[t]], t ascending
// from first[o] to before first[o + 1], beginning with 0.
struct ResizeTaps {
  const uint32_t* first = nullptr;  // [size of the output + 1]
  const int64_t* index = nullptr;
  const float* weight = nullptr;  // finite
};

// Lines are resized first, then columns: from float sums if both are, which are rounded once at the end.
struct ResizeArgs {
  ImageIn a;
  size_t width = 0;  // of the input
  size_t channels = 0;
  size_t out_width = 0;
  ResizeTaps y, x;
  float* line = nullptr;  // scratch of the call: width * channels + kResizeSlack
  ImageOut c;
};
inline constexpr size_t kResizeSlack = 64;

// --------------------------------------------------------------------------------------------- elementwise

// `rows` rows of `n` elements. A stride of 0 repeats one row for every row (a per-channel operand); a contiguous tensor
// is one row. c may be a or b (same base and stride).
struct BinaryArgs {
  const void* a = nullptr;
  const void* b = nullptr;
  void* c = nullptr;
  int64_t a_stride = 0;
  int64_t b_stride = 0;
  int64_t c_stride = 0;
  size_t rows = 1;
  size_t n = 0;
};

// c = clamp(rne((float(a - a_zero) * float(b - b_zero)) * multiplier) + zero, lo, hi). The first product is exact.
struct QMulArgs {
  int32_t a_zero = 0;
  int32_t b_zero = 0;
  int32_t zero = 0;
  float multiplier = 1.0f;
  uint8_t lo = 0;
  uint8_t hi = 255;
};

// c[i] = clamp(rne(float(a[i] - a_zero) * multiplier[i] + addend[i]) + zero, lo, hi) for the channels i of pixels that
// lie a_stride and c_stride apart, each float operation rounded. Where a[i] < a_zero, negative[i], if there is one,
// stands for multiplier[i]. Reads whole vectors, unlike its neighbours.
struct QAffineArgs {
  const void* a = nullptr;
  void* c = nullptr;
  int64_t a_stride = 0;
  int64_t c_stride = 0;
  size_t channels = 0;
  const float* multiplier = nullptr;  // [channels], finite; so are the others
  const float* addend = nullptr;
  const float* negative = nullptr;  // may be left out
  int32_t a_zero = 0;
  int32_t zero = 0;
  uint8_t lo = 0;
  uint8_t hi = 255;
};

// Functions of one float, as core/ops defines those of the same names.
enum class FloatFunction : uint8_t {
  kExp,
  kSigmoid,
  kSigmoidMul,  // x * Sigmoid(x) as the two nodes, hence rounded twice
  kTanh,
  kSoftplus,
  kMish,
  kElu,  // alpha, and beta times all: Selu
  kErf,
  kErfGelu,      // x * (Erf(x / alpha) + 1) * 0.5 as five nodes, each rounded
  kLeakyRelu,    // alpha
  kSwish,        // alpha
  kHardSigmoid,  // alpha, beta
  kHardSwish,
  kGelu,
  kGeluTanh,
};

// y = clamp(((x - mean) * (1 / sqrt(variance + epsilon))) * scale + bias, lo, hi), each float operation rounded, mean
// and variance being those of the channel's pixels: instance normalization of one image. Strides in bytes; channels are
// adjacent, and memory can be read up to a whole vector of them.
struct FInstanceNormArgs {
  const void* x = nullptr;
  void* y = nullptr;
  int64_t x_line = 0, x_column = 0;
  int64_t y_line = 0, y_column = 0;
  size_t lines = 1, columns = 1, channels = 0;
  const float* scale = nullptr;
  const float* bias = nullptr;
  float epsilon = 0;
  float lo = kNoLow, hi = kNoHigh;
};

// y = clamp((x - mean) * factor + bias, lo, hi), each float operation rounded: batch normalization of `rows` rows of n
// channels.
struct FBatchNormArgs {
  const float* x = nullptr;
  float* y = nullptr;
  int64_t x_stride = 0;
  int64_t y_stride = 0;
  size_t rows = 1;
  size_t n = 0;
  const float* mean = nullptr;  // [n], and the others, too
  const float* factor = nullptr;
  const float* bias = nullptr;
  float lo = kNoLow;
  float hi = kNoHigh;
};

// LayerNormalization (centred) or RMSNormalization of `rows` contiguous rows of n >= 1; y may be x.
struct FLayerNormArgs {
  const float* x = nullptr;
  float* y = nullptr;
  size_t rows = 1;
  size_t n = 0;
  const float* scale = nullptr;  // [n]
  const float* bias = nullptr;   // [n], or null for none
  float epsilon = 0;
  bool centred = true;
};

// --------------------------------------------------------------------------------------------- the table

struct KernelTable {
  const char* name;     // "avx3_dl", ...
  size_t vector_bytes;  // for choosing strides and blocks, never results
  bool dot;             // one instruction for four byte products
  bool fma;             // fgemm and fdepthwise run at full speed

  // The rows of a whole tile of qgemm and fgemm, at multiples of which threads share rows best; and whether qgemm's `a`
  // may be a part of what was packed (QGemmArgs::segment_quad).
  size_t qtile_rows, ftile_rows;
  bool parts;

  // `rounds` of what the target multiplies fastest, bytes and floats, touching registers only; the multiply-accumulates
  // done. Their speed is what a kernel can reach at most.
  double (*dot_chains)(size_t rounds);
  double (*fma_chains)(size_t rounds);

  // Integer matrix product. Rows [m_begin, m_end), columns [n_begin, n_end), n_begin a multiple of 64, n_end too or n.
  size_t (*qgemm_packed_bytes)(size_t n, size_t segments, size_t k);  // a multiple of 64
  // Packs columns of the same kind of range. column_sums ([n], may be null) receives the sum of each column's (flipped)
  // weights over all segments: what a zero point of `a` is multiplied with.
  void (*qgemm_pack)(const GemmWeights& w, void* packed, int32_t* column_sums, size_t n_begin, size_t n_end);
  void (*qgemm)(const QGemmArgs& args, size_t m_begin, size_t m_end, size_t n_begin, size_t n_end);

  // The same for groups side by side, each n / groups of the n columns: kU8 without residual or row_bias, the same
  // ranges. No packed bytes: not for such groups, each is a qgemm of its own. Weights are never flipped.
  size_t (*qgrouped_packed_bytes)(size_t n, size_t groups, size_t segments, size_t k);  // a multiple of 64
  void (*qgrouped_pack)(const GemmWeights& w, size_t groups, void* packed);             // all columns
  void (*qgrouped)(const QGemmArgs& args, size_t m_begin, size_t m_end, size_t n_begin, size_t n_end);

  // sums[m] = sum over s, k of a[m][s][k], for m in [m_begin, m_end).
  void (*row_sums)(const SegmentedRows& a, int32_t* sums, size_t m_begin, size_t m_end);

  // Float matrix product, the same ranges.
  size_t (*fgemm_packed_bytes)(size_t n, size_t segments, size_t k);
  void (*fgemm_pack)(const GemmWeights& w, void* packed, size_t n_begin, size_t n_end);
  void (*fgemm)(const FGemmArgs& args, size_t m_begin, size_t m_end, size_t n_begin, size_t n_end);

  // Depthwise convolution of output lines [y_begin, y_end). Weights before packing: [channels][kh][kw].
  size_t (*qdepthwise_packed_bytes)(size_t channels, const Window& window);
  void (*qdepthwise_pack)(size_t channels, const Window& window, const int8_t* w, void* packed);
  void (*qdepthwise)(const QDepthwiseArgs& args, size_t y_begin, size_t y_end);
  void (*fdepthwise)(const FDepthwiseArgs& args, size_t y_begin, size_t y_end);

  // Pooling of output lines [y_begin, y_end). Maxima of no valid tap are 0 (u8) and -infinity (float); a float maximum
  // is best = best < x ? x : best, so NaN is passed over.
  void (*qmaxpool)(const PoolArgs& args, size_t y_begin, size_t y_end);
  void (*qavgpool)(const QAvgPoolArgs& args, size_t y_begin, size_t y_end);
  void (*fmaxpool)(const PoolArgs& args, size_t y_begin, size_t y_end);
  void (*favgpool)(const FAvgPoolArgs& args, size_t y_begin, size_t y_end);

  // Interpolation of output lines [y_begin, y_end). u8: saturate(rne(sum)) of sums within 2^30.
  void (*qresize)(const ResizeArgs& args, size_t y_begin, size_t y_end);
  void (*fresize)(const ResizeArgs& args, size_t y_begin, size_t y_end);

  // Elementwise on u8.
  void (*qadd)(const BinaryArgs& args, const QAddArgs& q);
  void (*qmul)(const BinaryArgs& args, const QMulArgs& q);
  void (*qaffine)(const QAffineArgs& args, size_t pixel_begin, size_t pixel_end);
  void (*lut_u8)(const uint8_t* table /* [256] */, const uint8_t* x, uint8_t* y, size_t n);  // y may be x

  // Elementwise on float: clamp(a op b, lo, hi).
  void (*fadd)(const BinaryArgs& args, float lo, float hi);
  void (*fsub)(const BinaryArgs& args, float lo, float hi);
  void (*fmul)(const BinaryArgs& args, float lo, float hi);
  void (*fdiv)(const BinaryArgs& args, float lo, float hi);
  void (*fprelu)(const BinaryArgs& args, float lo, float hi);  // a where it is not negative, else a * b
  void (*fbatchnorm)(const FBatchNormArgs& args);
  void (*fclamp)(const float* x, float* y, size_t n, float lo, float hi);  // y may be x

  void (*flayer_norm)(const FLayerNormArgs& args);

  // Channels [begin, end); begin is a multiple of 16.
  void (*finstance_norm)(const FInstanceNormArgs& args, size_t begin, size_t end);

  // y may be x. Null where the target has no vectors of doubles, as is fsoftmax: Softmax of contiguous rows of n >= 1.
  void (*ffunction)(FloatFunction function, const float* x, float* y, size_t n, float alpha, float beta);
  void (*fsoftmax)(const float* x, float* y, size_t rows, size_t n);

  // QuantizeLinear: saturate(rne(x / scale) + zero); NaN gives zero. DequantizeLinear: float(q - zero) * scale.
  void (*quantize_u8)(const float* x, uint8_t* y, size_t n, float scale, int32_t zero);
  void (*quantize_s8)(const float* x, int8_t* y, size_t n, float scale, int32_t zero);
  void (*dequantize_u8)(const uint8_t* x, float* y, size_t n, float scale, int32_t zero);
  void (*dequantize_s8)(const int8_t* x, float* y, size_t n, float scale, int32_t zero);
  // The same for contiguous rows of n channels, each with its own scale[n] and zero[n] (zero null: 0).
  void (*quantize_rows_u8)(const float* x, uint8_t* y, size_t rows, size_t n, const float* scale, const int32_t* zero);
  void (*quantize_rows_s8)(const float* x, int8_t* y, size_t rows, size_t n, const float* scale, const int32_t* zero);
  void (*dequantize_rows_u8)(const uint8_t* x, float* y, size_t rows, size_t n, const float* scale,
                             const int32_t* zero);
  void (*dequantize_rows_s8)(const int8_t* x, float* y, size_t rows, size_t n, const float* scale, const int32_t* zero);

  // Least and greatest of x, +0 for either zero; returns how many were NaN and thus passed over. Of none: +inf, -inf.
  size_t (*minmax)(const float* x, size_t n, float* min, float* max);

  // y[c][r] = x[r][c] for x of rows x columns. NCHW -> NHWC is rows = channels, columns = pixels.
  void (*transpose_8)(const void* x, int64_t x_stride, void* y, int64_t y_stride, size_t rows, size_t columns);
  void (*transpose_32)(const void* x, int64_t x_stride, void* y, int64_t y_stride, size_t rows, size_t columns);
  // The same with quantize_u8 on the way: float planes of an image -> u8 pixels.
  void (*transpose_quantize_u8)(const float* x, int64_t x_stride, uint8_t* y, int64_t y_stride, size_t rows,
                                size_t columns, float scale, int32_t zero);
};

// The table of a target by name; "" is the best this machine has. Null if unknown or not runnable here. Names are
// Highway's in lower case, and "amx", "avx2_vnni": "avx3_dl", "avx3", "avx2", "sse4", "sse2", "neon", "sve", ... Any
// number of tables can be in use at once.
const KernelTable* FindKernels(std::string_view target);

// The names FindKernels accepts on this machine, best first; never empty.
std::span<const char* const> KernelTargets();

}  // namespace octavo

#endif  // OCTAVO_CORE_KERNELS_KERNELS_H_
