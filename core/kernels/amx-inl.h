// The tiles of AMX, and what multiplies them: registers of 16 rows of 64 bytes.
//
//   A, 16 rows x 64 k      C, 16 rows x 16 columns      B, 16 quads x 16 columns: row q holds quad q of each column
//
//   C[m][n] += sum over q, i of A[m][4q + i] * B[q][n][i]                             u8 * s8, exact, int32 wraps
//
// In 16 cycles, hence 1024 products in each, however few rows or k there are. Instructions are text, as compilers and
// their versions disagree on who may use the intrinsics.
#if defined(OCTAVO_CORE_KERNELS_AMX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_AMX_INL_H_
#undef OCTAVO_CORE_KERNELS_AMX_INL_H_
#else
#define OCTAVO_CORE_KERNELS_AMX_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "core/kernels/dispatch.h"
#include "hwy/highway.h"

#if OCTAVO_AMX && HWY_TARGET == HWY_AVX3_DL
HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

inline constexpr size_t kAmxRows = 16;     // of A and C
inline constexpr size_t kAmxDepth = 64;    // k of A and B: bytes
inline constexpr size_t kAmxColumns = 16;  // of B and C
inline constexpr size_t kAmxBytes = 1024;  // of a tile

// While one exists, tiles 0 to 3 are C's, 4 and 5 A's, 6 and 7 B's, of `depth` k. Beginning costs some 350 cycles; at
// its end the thread's state is again what it was, so that saving it costs nothing.
class AmxTiles {
 public:
  explicit AmxTiles(size_t depth = kAmxDepth) {
    const auto k = static_cast<uint16_t>(depth);
    const auto quads = static_cast<uint8_t>(depth / 4);
    alignas(64) const struct {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16];
      uint8_t rows[16];
    } config = {.row_bytes = {64, 64, 64, 64, k, k, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, quads, quads}};
    static_assert(sizeof(config) == 64);
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  ~AmxTiles() { asm volatile("tilerelease"); }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;
};

// Rows are `stride` bytes apart; 0 repeats one.
template <int kTile>
HWY_INLINE void AmxLoad(const void* from, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(kTile) : "memory");
}
template <int kTile>
HWY_INLINE void AmxStore(void* to, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(kTile) : "memory");
}
template <int kC, int kA, int kB>
HWY_INLINE void AmxDot() {
  asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kC), "i"(kA), "i"(kB));
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();
#endif  // OCTAVO_AMX

#endif  // OCTAVO_CORE_KERNELS_AMX_INL_H_
