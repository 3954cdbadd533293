// Plan: a program for concrete input shapes. A list of steps over memory whose every address is known but for a few
// bases.
//
// A value of the specialized graph is either static: a View into a Storage, decided here; or dynamic: its shape depends
// on what other values contain, so a tensor is made while the plan runs.
#ifndef OCTAVO_CORE_PLAN_PLAN_H_
#define OCTAVO_CORE_PLAN_PLAN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/memory.h"
#include "core/graph/graph.h"

namespace octavo {

using StorageId = uint32_t;
constexpr StorageId kNoStorage = UINT32_MAX;

// A block of memory that views lie in.
struct Storage {
  enum class Kind : uint8_t {
    kArena,     // at `offset` of the session's arena
    kConstant,  // at `constant`
    kInput,     // the caller's tensor number `index`: element-aligned, nothing readable behind it
    kOutput,    // the tensor of result number `index`, the caller's or the session's: the same restriction
  };
  Kind kind = Kind::kArena;
  uint32_t index = 0;
  uint64_t bytes = 0;
  uint64_t offset = 0;
  const void* constant = nullptr;
};

using Strides = std::array<int64_t, Shape::kMaxRank>;

// Where a static value's elements lie: byte strides, one for each dimension of its shape. Values of less than a byte
// are dense and have no strides.
struct View {
  StorageId storage = kNoStorage;
  int64_t offset = 0;
  Strides strides{};
};

// Row-major strides, in bytes.
Strides DenseStrides(const Shape& shape, DType dtype);
bool IsDense(const Shape& shape, DType dtype, const Strides& strides);

// What steps work on: one per session and plan.
struct RunState {
  std::vector<std::byte*> bases;  // of each storage
  std::vector<Tensor> dynamic;    // by value: the tensors of dynamic values, undefined until made
  std::vector<Tensor> arguments;  // scratch of reference steps, sized once
  MemoryPtr memory;

  std::byte* At(const View& view) const { return bases[view.storage] + view.offset; }
};

// What a step tells about itself.
struct StepInfo {
  std::string name, op, kernel, precision;
  double macs = 0, bytes = 0;
};

// So many bytes, read and written, are worth a thread where moving them is all the work.
inline constexpr int64_t kBytesWorthAThread = 16384;
// Or so many elements, where each takes some arithmetic.
inline constexpr int64_t kElementsWorthAThread = 8192;

class Step {
 public:
  virtual ~Step() = default;

  // Runs one of `parts` shares of the work; 1 <= parts <= max_parts(). Shares may run at once, in any order.
  virtual Status Run(RunState& state, size_t part, size_t parts) const = 0;
  // How many shares are worth a thread each.
  virtual size_t max_parts() const { return 1; }

  StepInfo info;
  std::vector<ValueId> makes;     // values that are complete after this step, for observers
  std::vector<ValueId> releases;  // dynamic values that nobody needs after this step
};

class Plan {
 public:
  Graph graph;  // specialized: shapes concrete, shape arithmetic folded
  std::vector<Storage> storages;
  std::vector<View> views;    // by value; storage kNoStorage for dynamic values
  std::vector<bool> dynamic;  // by value
  std::vector<std::unique_ptr<Step>> steps;
  std::vector<ValueId> folded;  // for observers: values that planning computed
  uint64_t arena_bytes = 0;
  uint64_t live_bytes = 0;                        // at the busiest step: what an arena needs at least
  size_t max_arguments = 0;                       // of any reference step, inputs and outputs together
  std::vector<std::shared_ptr<const void>> keep;  // what constant storages point into
};

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_PLAN_H_
