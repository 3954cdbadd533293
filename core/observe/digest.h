// Digests that tie statistics, recipes and models together. Not cryptographic.
#ifndef OCTAVO_CORE_OBSERVE_DIGEST_H_
#define OCTAVO_CORE_OBSERVE_DIGEST_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/graph/graph.h"

namespace octavo {

uint64_t Hash64(std::span<const std::byte> bytes);         // XXH3-64
std::string Hash128Hex(std::span<const std::byte> bytes);  // XXH3-128, canonical byte order

// XXH3-128 over operators, attributes, connections, value names and constants. Names of the model, doc strings and
// metadata do not count.
std::string GraphDigest(const Graph& graph);

}  // namespace octavo

#endif  // OCTAVO_CORE_OBSERVE_DIGEST_H_
