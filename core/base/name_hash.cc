#include "core/base/name_hash.h"

#include <chrono>
#include <cstdint>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace octavo {
namespace {

// Where the library was loaded and when: not secret, but unknown to whoever wrote the file.
uint64_t Seed() {
  static const uint64_t seed =
      static_cast<uint64_t>(reinterpret_cast<uintptr_t>(&Seed)) ^
      (static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) * 0x9e3779b97f4a7c15u);
  return seed;
}

}  // namespace

size_t NameHash::operator()(std::string_view name) const {
  return static_cast<size_t>(XXH3_64bits_withSeed(name.data(), name.size(), Seed()));
}

}  // namespace octavo
