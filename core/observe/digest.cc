#include "core/observe/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <bit>
#include <memory>
#include <new>
#include <variant>

namespace octavo {
namespace {

std::string Hex(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  std::string hex;
  for (unsigned char byte : canonical.digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

class GraphHasher {
 public:
  GraphHasher() : state_(XXH3_createState()) {
    if (!state_) throw std::bad_alloc();
    XXH3_128bits_reset(state_.get());
  }
  void Bytes(const void* data, size_t size) { XXH3_128bits_update(state_.get(), data, size); }
  void Add(uint64_t value) {
    unsigned char little[8];
    for (int i = 0; i < 8; ++i) little[i] = static_cast<unsigned char>(value >> (8 * i));
    Bytes(little, sizeof(little));
  }
  void Add(int64_t value) { Add(static_cast<uint64_t>(value)); }
  void Add(float value) { Add(static_cast<uint64_t>(std::bit_cast<uint32_t>(value))); }
  void Add(const std::string& text) {  // with its length, so that neighbours cannot trade letters
    Add(static_cast<uint64_t>(text.size()));
    Bytes(text.data(), text.size());
  }
  void Add(const Tensor& tensor) {
    Add(static_cast<int64_t>(tensor.dtype()));
    Add(static_cast<int64_t>(tensor.shape().rank()));
    for (int64_t dim : tensor.shape().dims()) Add(dim);
    Bytes(tensor.raw(), tensor.bytes());
  }
  template <typename T>
  void Add(const std::vector<T>& values) {
    Add(static_cast<uint64_t>(values.size()));
    for (const T& value : values) Add(value);
  }
  std::string Finish() { return Hex(XXH3_128bits_digest(state_.get())); }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

}  // namespace

uint64_t Hash64(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string Hash128Hex(std::span<const std::byte> bytes) { return Hex(XXH3_128bits(bytes.data(), bytes.size())); }

std::string GraphDigest(const Graph& graph) {
  GraphHasher hasher;
  const auto add_values = [&](const std::vector<ValueId>& ids) {
    hasher.Add(static_cast<uint64_t>(ids.size()));
    for (ValueId v : ids) hasher.Add(v == kNoValue ? std::string() : graph.values[v].name);
  };
  hasher.Add(graph.opset());
  add_values(graph.inputs);
  add_values(graph.outputs);
  for (const Node& node : graph.nodes) {
    hasher.Add(node.domain);
    hasher.Add(node.op_type);
    add_values(node.inputs);
    add_values(node.outputs);
    for (const Attribute& attribute : node.attributes) {
      hasher.Add(attribute.name);
      hasher.Add(static_cast<uint64_t>(attribute.value.index()));
      std::visit([&](const auto& value) { hasher.Add(value); }, attribute.value);
    }
  }
  for (const Value& value : graph.values) {
    if (!value.constant) continue;
    hasher.Add(value.name);
    hasher.Add(*value.constant);
  }
  return hasher.Finish();
}

}  // namespace octavo
