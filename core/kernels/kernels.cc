#include "core/kernels/kernels.h"

#include <array>
#include <cstring>

#include "core/kernels/dispatch.h"
#include "hwy/highway.h"
#include "hwy/targets.h"

#if OCTAVO_NEON_DOT && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace octavo {
namespace {

// Those compiled that this machine has.
int64_t UsableTargets() {
  int64_t targets = HWY_TARGETS & hwy::SupportedTargets();
#if OCTAVO_NEON_DOT && !defined(__ARM_FEATURE_DOTPROD)
#if defined(__linux__)
  const bool dot = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
  const bool dot = false;
#endif
  if (!dot) targets &= ~HWY_NEON;
#endif
  return targets;
}

// All tables this machine can run, best first: Highway gives better targets lower bits.
class Registry {
 public:
  Registry() {
    int64_t targets = UsableTargets();
    while (targets != 0 && count_ < kMaxTargets) {
      const int64_t target = targets & -targets;
      targets ^= target;

      if (target == HWY_AVX3_DL && UsableAmx()) FillAmx(Add(target, "amx"));
      if (target == HWY_AVX2 && UsableAvx2Vnni()) FillAvx2Vnni(Add(target, "avx2_vnni"));
      Add(target, hwy::TargetName(target));
    }
  }

  const KernelTable* Find(std::string_view name) const {
    if (name.empty()) return &tables_[0];
    for (size_t i = 0; i < count_; ++i) {
      if (name == name_pointers_[i]) return &tables_[i];
    }
    return nullptr;
  }

  std::span<const char* const> names() const { return {name_pointers_.data(), count_}; }

 private:
  KernelTable& Add(int64_t target, const char* target_name) {
    char* name = names_[count_].data();
    std::strncpy(name, target_name, kMaxName - 1);
    for (char* c = name; *c != '\0'; ++c) {
      if ('A' <= *c && *c <= 'Z') *c += 'a' - 'A';
    }
    name_pointers_[count_] = name;

    KernelTable& table = tables_[count_++];
    table.name = name;
    FillBasics(target, table);
    FillQGemm(target, table);
    FillQGrouped(target, table);
    FillFGemm(target, table);
    FillDepthwise(target, table);
    FillPeak(target, table);
    FillPool(target, table);
    FillResize(target, table);
    FillElementwise(target, table);
    FillFunctions(target, table);
    FillTranspose(target, table);
    return table;
  }

  static constexpr size_t kMaxTargets = 16;
  static constexpr size_t kMaxName = 24;

  size_t count_ = 0;
  std::array<std::array<char, kMaxName>, kMaxTargets> names_{};
  std::array<const char*, kMaxTargets> name_pointers_{};
  std::array<KernelTable, kMaxTargets> tables_{};
};

const Registry& TheRegistry() {
  static const Registry registry;
  return registry;
}

}  // namespace

const KernelTable* FindKernels(std::string_view target) { return TheRegistry().Find(target); }

std::span<const char* const> KernelTargets() { return TheRegistry().names(); }

}  // namespace octavo
