// Packing the right operand of the integer matrix product: what qgemm-inl.h draws as b.
//
//  * k adjacent: quads of 4 k are 32-bit words, and a tile is their transpose, word (column, quad) -> (quad, column);
//  * columns adjacent: 4 lines of k are interleaved byte by byte;
//  * neither: byte by byte.
#if defined(OCTAVO_CORE_KERNELS_QPACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_QPACK_INL_H_
#undef OCTAVO_CORE_KERNELS_QPACK_INL_H_
#else
#define OCTAVO_CORE_KERNELS_QPACK_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/kernels/dot-inl.h"
#include "core/kernels/kernels.h"
#include "core/kernels/qgemm-inl.h"
#include "core/kernels/transpose-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Quads of a tile that are brought into order at a time: 16 of 64 columns are 4 KiB.
inline constexpr size_t kPackQuads = 16;

// Orders `k` (up to 4 * kPackQuads) elements of `real` columns as block[quad][columns][4]. What has no element keeps
// what it is.
HWY_INLINE void OrderQuads(const GemmWeights& w, const uint8_t* from, size_t k, size_t real, size_t columns,
                           uint8_t* block) {
  const size_t quad_bytes = columns * 4;
  size_t quads = k / 4;  // whole ones
  if (w.k_stride == 1) {
    Transpose32(from, w.n_stride, block, static_cast<int64_t>(quad_bytes), real, quads);
  } else if (w.n_stride == 1) {
    for (size_t q = 0; q < quads; ++q) {
      Transpose8(from + static_cast<int64_t>(q) * 4 * w.k_stride, w.k_stride, block + q * quad_bytes, 4, 4, real);
    }
  } else {
    quads = 0;
  }
  for (size_t i = quads * 4; i < k; ++i) {
    const uint8_t* line = from + static_cast<int64_t>(i) * w.k_stride;
    uint8_t* to = block + i / 4 * quad_bytes + i % 4;
    for (size_t j = 0; j < real; ++j) to[j * 4] = line[static_cast<int64_t>(j) * w.n_stride];
  }
}

// Stores the offsets of a packed tile, and sums[j] (unless null) = the sum of column j: its product with ones, less the
// offset.
HWY_INLINE void SumColumns(uint8_t* tile, size_t quads, size_t real, size_t columns, int32_t* sums) {
  if (!kDotOffset && !sums) return;
  const DI32 di32;
  const size_t lanes = hn::Lanes(di32), quad_bytes = columns * 4 * kWeightBytes;
  const uint8_t ones[4] = {1, 1, 1, 1};
  for (size_t j = 0; j < columns; j += lanes) {
    VI32 sum = hn::Zero(di32), offset = sum;
    const uint8_t* b = tile + j * 4 * kWeightBytes;
    auto* offsets = reinterpret_cast<int32_t*>(tile + quads * quad_bytes) + j;
    for (size_t q = 0; q < quads; ++q, b += quad_bytes) {
      sum = Dot(LoadQuad(ones), LoadWeights(b), sum);
      if constexpr (kDotOffset) {
        offset = AddOffset(b, offset);
        if (q % kOffsetQuads == kOffsetQuads - 1 || q == quads - 1) {
          hn::Store(offset, di32, offsets + q / kOffsetQuads * columns);
        }
      }
    }
    if (sums && j < real) hn::StoreN(hn::Sub(sum, offset), di32, sums + j, std::min(lanes, real - j));
  }
}

inline void QGemmPack(const GemmWeights& w, void* packed, int32_t* column_sums, size_t n_begin, size_t n_end) {
  const DU8 du8;
  const size_t lanes = hn::Lanes(du8);
  const uint8_t flip = w.flip ? 0x80 : 0;
  const auto flips = hn::Set(du8, flip);
  HWY_ALIGN uint8_t block[kPackQuads * 64 * 4];

  const size_t quads = w.segments * DivideUp(w.k, 4);
  for (size_t tile = n_begin; tile < n_end; tile += TileColumns()) {
    uint8_t* const start = static_cast<uint8_t*>(packed) + tile * ColumnBytes(quads);
    const size_t columns = std::min(TileColumns(), PackedColumns(w.n) - tile);
    const size_t real = std::min(columns, w.n - tile);
    const uint8_t* corner = static_cast<const uint8_t*>(w.w) + static_cast<int64_t>(tile) * w.n_stride;
    uint8_t* to = start;
    for (size_t s = 0; s < w.segments; ++s, corner += w.segment_stride) {
      for (size_t k = 0; k < w.k; k += 4 * kPackQuads) {
        const size_t depth = std::min(4 * kPackQuads, w.k - k);
        const size_t bytes = DivideUp(depth, 4) * columns * 4;
        if (real < columns || depth % 4 != 0) std::memset(block, flip, bytes);  // padding is 0 once flipped
        OrderQuads(w, corner + static_cast<int64_t>(k) * w.k_stride, depth, real, columns, block);
        for (size_t i = 0; i < bytes; i += lanes) {
          PackQuads(hn::Xor(hn::LoadU(du8, block + i), flips), to + i * kWeightBytes);
        }
        to += bytes * kWeightBytes;
      }
    }
    SumColumns(start, quads, real, columns, column_sums ? column_sums + tile : nullptr);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_QPACK_INL_H_
