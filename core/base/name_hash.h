// A hash for names that come from files. Seeded anew in each process, so that no file can be made whose names all
// collide; therefore the order of a container that uses it must never reach an output.
#ifndef OCTAVO_CORE_BASE_NAME_HASH_H_
#define OCTAVO_CORE_BASE_NAME_HASH_H_

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace octavo {

struct NameHash {
  size_t operator()(std::string_view name) const;
};

// Keys are views: the strings must outlive the container and stay where they are.
template <typename T>
using NameMap = std::unordered_map<std::string_view, T, NameHash>;
using NameSet = std::unordered_set<std::string_view, NameHash>;

}  // namespace octavo

#endif  // OCTAVO_CORE_BASE_NAME_HASH_H_
