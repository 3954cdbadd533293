// Addresses of rows: the arithmetic of SegmentedRows and OutputRows, and the even division of rows into tiles.
#ifndef OCTAVO_CORE_KERNELS_ROWS_H_
#define OCTAVO_CORE_KERNELS_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "core/kernels/kernels.h"

namespace octavo {

constexpr size_t DivideUp(size_t a, size_t b) { return (a + b - 1) / b; }

// Row m of A before a segment's offset, in bytes.
inline const uint8_t* RowAddress(const SegmentedRows& a, size_t m) {
  const int64_t offset = a.row_offset ? a.row_offset[m] : static_cast<int64_t>(m) * a.row_stride;
  return static_cast<const uint8_t*>(a.base) + offset;
}

inline int64_t SegmentOffset(const SegmentedRows& a, size_t s) { return a.segment_offset ? a.segment_offset[s] : 0; }

inline uint8_t* RowAddress(const OutputRows& c, size_t m) {
  const int64_t offset = c.row_offset ? c.row_offset[m] : static_cast<int64_t>(m) * c.row_stride;
  return static_cast<uint8_t*>(c.base) + offset;
}

// The next tile's rows when `left` remain and a tile holds at most `most`: as even as can be (13 = 5 + 4 + 4, not
// 6 + 6 + 1), because a tile of one row costs more than half of a full one.
constexpr size_t NextTile(size_t left, size_t most) { return DivideUp(left, DivideUp(left, most)); }

}  // namespace octavo

#endif  // OCTAVO_CORE_KERNELS_ROWS_H_
