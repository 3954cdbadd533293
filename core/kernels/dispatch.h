// How a file of kernels, compiled once per Highway target, hands its functions to the tables.
#ifndef OCTAVO_CORE_KERNELS_DISPATCH_H_
#define OCTAVO_CORE_KERNELS_DISPATCH_H_

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "core/kernels/kernels.h"
#include "hwy/highway.h"

// On 64-bit Arm, Highway's target NEON adds AES to NEON_WITHOUT_AES, which no kernel needs; for dot products of bytes,
// most machines since Armv8.2, it has no target. So NEON stands for those here: its kernels spell the instructions as
// text, and kernels.cc offers it only to a machine that has them. Without NEON_WITHOUT_AES to fall back on, the
// compiler must have been told.
#if HWY_ARCH_ARM_A64 && ((HWY_TARGETS & HWY_NEON_WITHOUT_AES) || defined(__ARM_FEATURE_DOTPROD))
#define OCTAVO_NEON_DOT 1
#else
#define OCTAVO_NEON_DOT 0
#endif

// AMX is beside the targets, too: where it can be used, it takes the place of some kernels of AVX3_DL.
#if HWY_ARCH_X86_64 && (HWY_TARGETS & HWY_AVX3_DL) && defined(__linux__)
#define OCTAVO_AMX 1
#else
#define OCTAVO_AMX 0
#endif

// AVX-VNNI has no target either: where it can be used, and assembled, it takes the place of some kernels of AVX2.
#if HWY_ARCH_X86_64 && (HWY_TARGETS & HWY_AVX2) && (HWY_COMPILER_CLANG >= 1200 || HWY_COMPILER_GCC_ACTUAL >= 1100)
#define OCTAVO_AVX2_VNNI 1
#else
#define OCTAVO_AVX2_VNNI 0
#endif

namespace octavo {

// Each fills its own part of the table for one Highway target (a single bit).
void FillBasics(int64_t target, KernelTable& table);
void FillQGemm(int64_t target, KernelTable& table);
void FillQGrouped(int64_t target, KernelTable& table);
void FillFGemm(int64_t target, KernelTable& table);
void FillDepthwise(int64_t target, KernelTable& table);
void FillPeak(int64_t target, KernelTable& table);
void FillPool(int64_t target, KernelTable& table);
void FillResize(int64_t target, KernelTable& table);
void FillElementwise(int64_t target, KernelTable& table);
void FillFunctions(int64_t target, KernelTable& table);
void FillTranspose(int64_t target, KernelTable& table);

// Puts the kernels for AMX into a table for AVX3_DL, and those for AVX-VNNI into one for AVX2, once this machine and
// its system let them run.
bool UsableAmx();
void FillAmx(KernelTable& table);
bool UsableAvx2Vnni();
void FillAvx2Vnni(KernelTable& table);

// Defines Fill(target, table) from the functions Fill(table) of each target's namespace. HWY_DYNAMIC_DISPATCH would
// follow one process-wide choice; here every target stays reachable, so that a program can hold several tables and
// compare them. A target for which a file is not compiled gets the next worse one's: those are the higher bits.
#define OCTAVO_EXPORT_KERNELS(Fill)                                      \
  HWY_EXPORT(Fill);                                                      \
  void Fill(int64_t target, KernelTable& table) {                        \
    const auto& functions = HWY_DISPATCH_TABLE(Fill);                    \
    hwy::ChosenTarget chosen;                                            \
    chosen.Update(-target);                                              \
    functions[std::size(functions) == 1 ? 0 : chosen.GetIndex()](table); \
  }                                                                      \
  static_assert(true, "takes a semicolon")

}  // namespace octavo

#endif  // OCTAVO_CORE_KERNELS_DISPATCH_H_
