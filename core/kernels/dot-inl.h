// The integer dot product, the only file that knows which instructions multiply bytes.
//
// Four adjacent elements of a row (a quad) meet four adjacent elements of each column:
//
//    acc[j] += a[0] * b[4j] + a[1] * b[4j+1] + a[2] * b[4j+2] + a[3] * b[4j+3]        u8 * s8, exact, int32 wraps
//
// Never vpmaddubsw on bytes as they come (its int16 pairs saturate) nor vpdpbusds.
//
//   kDotBytes   one instruction: vpdpbusd, or sdot on Arm. Weights are packed as bytes.
//   DOT_SIGNS   pmaddubsw, with signs moved from the weights to A. Two bytes a weight: its magnitude, its sign.
//   otherwise   pmaddwd on int16 pairs. Weights are packed as int16, the even elements of a quad in one vector, the odd
//               ones in the next: splitting a quad of A by a mask and a shift then serves all columns.
//
// Two of these (kDotOffset) add a constant that depends on the weights alone: the same sum for an A of zeros. Kernels
// store it beside the weights when they pack them (AddOffset) and begin their sums without it.
#if defined(OCTAVO_CORE_KERNELS_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_DOT_INL_H_
#undef OCTAVO_CORE_KERNELS_DOT_INL_H_
#else
#define OCTAVO_CORE_KERNELS_DOT_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/kernels/dispatch.h"
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

// Arm multiplies u8 by u8 (udot) and s8 by s8 (sdot).
#undef OCTAVO_DOT_ARM
#if HWY_TARGET_IS_SVE || (OCTAVO_NEON_DOT && HWY_TARGET_IS_NEON && HWY_TARGET != HWY_NEON_WITHOUT_AES)
#define OCTAVO_DOT_ARM 1
#else
#define OCTAVO_DOT_ARM 0
#endif

// A processor of AVX2 may have vpdpbusd, too (avx2_vnni.cc).
#undef OCTAVO_DOT_VEX
#if defined(OCTAVO_IN_AVX2_VNNI) && HWY_TARGET == HWY_AVX2
#define OCTAVO_DOT_VEX 1
#else
#define OCTAVO_DOT_VEX 0
#endif

#undef OCTAVO_DOT_BYTES
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL) || OCTAVO_DOT_VEX || OCTAVO_DOT_ARM
#define OCTAVO_DOT_BYTES 1
#else
#define OCTAVO_DOT_BYTES 0
#endif
inline constexpr bool kDotBytes = OCTAVO_DOT_BYTES;

// pmaddubsw sums two products in 16 bits, where those of
//
//    |w| * t      t = a - 128 where w >= 0      which is a xor 0x80
//                 t = 127 - a where w < 0                a xor 0x7F
//
// fit, being at most 128 * 128. They differ from w * a by what depends on w alone.
#undef OCTAVO_DOT_SIGNS
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3 && !OCTAVO_DOT_BYTES
#define OCTAVO_DOT_SIGNS 1
#else
#define OCTAVO_DOT_SIGNS 0
#endif

inline constexpr bool kDotOffset = OCTAVO_DOT_SIGNS || OCTAVO_DOT_ARM;

// Bytes of one packed weight.
inline constexpr size_t kWeightBytes = kDotBytes ? 1 : 2;

// Quads of A as Dot wants them: sdot multiplies s8, so t = a - 128.
HWY_INLINE hn::VFromD<DU32> ToQuads(hn::VFromD<DU32> a) {
#if OCTAVO_DOT_ARM
  return hn::Xor(a, hn::Set(DU32(), 0x80808080u));
#else
  return a;
#endif
}

// A quad for all columns.
HWY_INLINE hn::VFromD<DU32> LoadQuad(const uint8_t* a) {
  uint32_t quad;
  std::memcpy(&quad, a, sizeof(quad));
  return ToQuads(hn::Set(DU32(), quad));
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

// Packed weights of Lanes(DI32) columns: in registers, or where they are used once their address.
#if OCTAVO_DOT_SIGNS
struct Weights {
  hn::VFromD<DU8> magnitude, flip;
};
HWY_INLINE Weights LoadWeights(const uint8_t* b) {
  const DU8 du8;
  return {InRegister(hn::Load(du8, b)), InRegister(hn::Load(du8, b + hn::Lanes(du8)))};
}
#elif OCTAVO_DOT_BYTES
using Weights = hn::VFromD<DU8>;
HWY_INLINE Weights LoadWeights(const uint8_t* b) { return InRegister(hn::Load(DU8(), b)); }
#else
using Weights = const uint8_t*;
HWY_INLINE Weights LoadWeights(const uint8_t* b) { return b; }
#endif

// acc plus the quads a[i] times columns.
HWY_INLINE VI32 Dot(hn::VFromD<DU32> a, Weights b, VI32 acc) {
  [[maybe_unused]] const DI32 di32;
#if OCTAVO_DOT_SIGNS
  const DI16 di16;
  const auto t = hn::BitCast(DI8(), hn::Xor(hn::BitCast(DU8(), a), b.flip));
  const auto pairs = hn::SatWidenMulPairwiseAdd(di16, b.magnitude, t);
  return hn::Add(acc, hn::WidenMulPairwiseAdd(di32, pairs, hn::Set(di16, 1)));
#elif HWY_TARGET_IS_SVE
  return hn::SumOfMulQuadAccumulate(di32, hn::BitCast(DI8(), a), hn::BitCast(DI8(), b), acc);
#elif OCTAVO_DOT_ARM
  asm(".arch armv8.2-a+dotprod\n\tsdot %0.4s, %1.16b, %2.16b" : "+w"(acc.raw) : "w"(a.raw), "w"(b.raw));
  return acc;
#elif OCTAVO_DOT_VEX
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc.raw) : "x"(a.raw), "x"(b.raw));
  return acc;
#elif OCTAVO_DOT_BYTES
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

// Writes quads, one for each column, as packed weights.
HWY_INLINE void PackQuads(hn::VFromD<DU8> quads, uint8_t* packed) {
#if OCTAVO_DOT_SIGNS
  const DU8 du8;
  const auto w = hn::BitCast(DI8(), quads);
  hn::Store(hn::BitCast(du8, hn::Abs(w)), du8, packed);
  hn::Store(hn::Xor(hn::BitCast(du8, hn::BroadcastSignBit(w)), hn::Set(du8, 0x80)), du8, packed + hn::Lanes(du8));
#elif OCTAVO_DOT_BYTES
  hn::Store(quads, DU8(), packed);
#else
  const DI16 di16;
  int16_t* pairs = reinterpret_cast<int16_t*>(packed);
  const auto bytes = hn::BitCast(di16, quads);
  hn::Store(hn::ShiftRight<8>(hn::ShiftLeft<8>(bytes)), di16, pairs);
  hn::Store(hn::ShiftRight<8>(bytes), di16, pairs + hn::Lanes(di16));
#endif
}

// sum plus what the packed weights at b make of zeros.
HWY_INLINE VI32 AddOffset(const uint8_t* b, VI32 sum) { return Dot(ToQuads(hn::Zero(DU32())), LoadWeights(b), sum); }

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_DOT_INL_H_
