// The integer dot product, the only file that knows which instructions multiply bytes.
//
// Four adjacent elements of a row (a quad) meet four adjacent elements of each column:
//
//    acc[j] += a[0] * b[4j] + a[1] * b[4j+1] + a[2] * b[4j+2] + a[3] * b[4j+3]        u8 * s8, exact, int32 wraps
//
// Never vpmaddubsw (its int16 pairs saturate) nor vpdpbusds.
//
//   kDotBytes   one instruction (vpdpbusd; udot on SVE). Weights are packed as bytes.
//   otherwise   pmaddwd on int16 pairs. Weights are packed as int16, the even elements of a quad in one vector, the odd
//               ones in the next: splitting a quad of A by a mask and a shift then serves all columns.
#if defined(OCTAVO_CORE_KERNELS_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_DOT_INL_H_
#undef OCTAVO_CORE_KERNELS_DOT_INL_H_
#else
#define OCTAVO_CORE_KERNELS_DOT_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Accumulators are at most 64 bytes wide, so that any panel of 64 columns is whole vectors. Outside x86, where
// narrowing two vectors keeps the order of the whole instead of each block of 16 bytes, they are one block, for which
// both agree.
#if HWY_HAVE_SCALABLE || HWY_TARGET_IS_SVE
using DI32 = hn::CappedTag<int32_t, 4>;
#else
using DI32 = hn::CappedTag<int32_t, 16>;
#endif
using DF32 = hn::RebindToFloat<DI32>;
using DI16 = hn::Repartition<int16_t, DI32>;
using DI8 = hn::Repartition<int8_t, DI32>;
using DU8 = hn::Repartition<uint8_t, DI32>;
using DU32 = hn::RebindToUnsigned<DI32>;
using VI32 = hn::VFromD<DI32>;
using VF32 = hn::VFromD<DF32>;

#undef OCTAVO_DOT_BYTES
#if (HWY_TARGET <= HWY_AVX3_DL && HWY_ARCH_X86) || HWY_TARGET_IS_SVE
#define OCTAVO_DOT_BYTES 1
#else
#define OCTAVO_DOT_BYTES 0
#endif
inline constexpr bool kDotBytes = OCTAVO_DOT_BYTES;

// Bytes of one packed weight.
inline constexpr size_t kWeightBytes = kDotBytes ? 1 : 2;

HWY_INLINE hn::VFromD<DU32> LoadQuad(const uint8_t* a) {
  uint32_t quad;
  std::memcpy(&quad, a, sizeof(quad));
  return hn::Set(DU32(), quad);
}

// Keeps a vector that is used several times in a register. gcc would rather read it from memory at every use, which
// makes loads the bottleneck.
template <class V>
HWY_INLINE V InRegister(V v) {
#if HWY_COMPILER_GCC_ACTUAL && HWY_ARCH_X86
  asm("" : "+v"(v.raw));
#endif
  return v;
}

// Packed weights of Lanes(DI32) columns: a vector, or where two of them would be needed their address.
#if OCTAVO_DOT_BYTES
using Weights = hn::VFromD<DU8>;
HWY_INLINE Weights LoadWeights(const uint8_t* b) { return InRegister(hn::Load(DU8(), b)); }
#else
using Weights = const uint8_t*;
HWY_INLINE Weights LoadWeights(const uint8_t* b) { return b; }
#endif

// acc plus the quads a[i] times columns.
HWY_INLINE VI32 Dot(hn::VFromD<DU32> a, Weights b, VI32 acc) {
  const DI32 di32;
#if OCTAVO_DOT_BYTES
  return hn::SumOfMulQuadAccumulate(di32, hn::BitCast(DU8(), a), hn::BitCast(DI8(), b), acc);
#else
  const DI16 di16;
  const int16_t* HWY_RESTRICT pairs = reinterpret_cast<const int16_t*>(b);
  const auto even = hn::BitCast(di16, hn::And(a, hn::Set(DU32(), 0x00FF00FFu)));
  const auto odd = hn::BitCast(di16, hn::ShiftRight<8>(hn::BitCast(hn::RebindToUnsigned<DI16>(), a)));
  acc = hn::Add(acc, hn::WidenMulPairwiseAdd(di32, even, hn::Load(di16, pairs)));
  return hn::Add(acc, hn::WidenMulPairwiseAdd(di32, odd, hn::Load(di16, pairs + hn::Lanes(di16))));
#endif
}

// Writes quad[0..3] as weights of column j of a vector of packed weights.
HWY_INLINE void PackQuad(const int8_t* quad, size_t j, uint8_t* packed) {
  if constexpr (kDotBytes) {
    std::memcpy(packed + 4 * j, quad, 4);
  } else {
    const size_t lanes = hn::Lanes(DI16());
    int16_t* pairs = reinterpret_cast<int16_t*>(packed);
    pairs[2 * j] = quad[0];
    pairs[2 * j + 1] = quad[2];
    pairs[lanes + 2 * j] = quad[1];
    pairs[lanes + 2 * j + 1] = quad[3];
  }
}

// The same for a whole vector of columns.
HWY_INLINE void PackQuads(hn::VFromD<DU8> quads, uint8_t* packed) {
  if constexpr (kDotBytes) {
    hn::Store(quads, DU8(), packed);
  } else {
    const DI16 di16;
    int16_t* pairs = reinterpret_cast<int16_t*>(packed);
    const auto bytes = hn::BitCast(di16, quads);
    hn::Store(hn::ShiftRight<8>(hn::ShiftLeft<8>(bytes)), di16, pairs);
    hn::Store(hn::ShiftRight<8>(bytes), di16, pairs + hn::Lanes(di16));
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_DOT_INL_H_
