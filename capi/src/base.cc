// Sections 1 to 4 of octavo.h: status, version, element types, buffers, cancelling.
#include <cstring>

#include "capi/src/handles.h"
#include "core/graph/dtype.h"
#include "core/kernels/kernels.h"

namespace octavo::capi {
namespace {

// Plain bytes: a thread_local with a destructor would keep the library from being unloaded.
constexpr size_t kErrorBytes = 1024;
thread_local char last_error[kErrorBytes];

}  // namespace

octavo_status Fail(Code code, const char* message) noexcept {
  size_t n = 0;
  for (; message[n] != '\0' && n < kErrorBytes - 1; ++n) {
    const unsigned char c = static_cast<unsigned char>(message[n]);
    last_error[n] = c < 0x20 || c == 0x7f ? ' ' : static_cast<char>(c);
  }
  if (message[n] != '\0') {  // cut, but not inside a character
    while (n > 0 && (static_cast<unsigned char>(message[n]) & 0xc0) == 0x80) --n;
  }
  last_error[n] = '\0';
  return static_cast<octavo_status>(code);
}

Status CheckFlag(int32_t value, const char* argument) {
  return value == 0 || value == 1 ? Ok() : Error(Code::kInvalidArgument, "%s is %d, not 0 or 1", argument, value);
}

Status CheckThreads(int32_t threads) {
  return threads >= 0 && threads <= 1024 ? Ok()
                                         : Error(Code::kInvalidArgument, "threads is %d, not in 0..1024", threads);
}

Status CheckCpuTarget(const char* target) {
  OCTAVO_CHECK_POINTER(target);
  if (!std::strcmp(target, "reference") || *target == '\0' || FindKernels(target)) return Ok();
  std::string known;
  for (const char* name : KernelTargets()) known += std::string(name) + ", ";
  return Status(Code::kNotFound,
                "cpu target '" + Printable(target) + "' is none of this machine's: " + known + "reference");
}

Result<octavo_buffer*> NewBuffer(std::string text) {
  auto buffer = std::make_unique<octavo_buffer>();
  buffer->bytes = std::move(text);
  return buffer.release();
}

}  // namespace octavo::capi

using octavo::Code;
using octavo::Ok;
using octavo::Status;
using octavo::capi::Guard;

const char* octavo_last_error(void) { return octavo::capi::last_error; }

const char* octavo_status_name(octavo_status status) {
  switch (static_cast<octavo_status_code>(status)) {
#define OCTAVO_CASE(name) \
  case name:              \
    return #name
    OCTAVO_CASE(OCTAVO_OK);
    OCTAVO_CASE(OCTAVO_INVALID_ARGUMENT);
    OCTAVO_CASE(OCTAVO_INVALID_STATE);
    OCTAVO_CASE(OCTAVO_NOT_FOUND);
    OCTAVO_CASE(OCTAVO_INVALID_MODEL);
    OCTAVO_CASE(OCTAVO_UNSUPPORTED);
    OCTAVO_CASE(OCTAVO_INVALID_DATA);
    OCTAVO_CASE(OCTAVO_OUT_OF_MEMORY);
    OCTAVO_CASE(OCTAVO_IO);
    OCTAVO_CASE(OCTAVO_LIMIT);
    OCTAVO_CASE(OCTAVO_INTERNAL);
    OCTAVO_CASE(OCTAVO_FORKED);
    OCTAVO_CASE(OCTAVO_CANCELLED);
#undef OCTAVO_CASE
  }
  return "OCTAVO_UNKNOWN";
}

// The header repeats numbers of the core; this is where they are held together.
#define OCTAVO_SAME(ours, theirs) static_assert(static_cast<int32_t>(octavo::theirs) == ours, #ours)
OCTAVO_SAME(OCTAVO_OK, Code::kOk);
OCTAVO_SAME(OCTAVO_INVALID_ARGUMENT, Code::kInvalidArgument);
OCTAVO_SAME(OCTAVO_INVALID_STATE, Code::kInvalidState);
OCTAVO_SAME(OCTAVO_NOT_FOUND, Code::kNotFound);
OCTAVO_SAME(OCTAVO_INVALID_MODEL, Code::kInvalidModel);
OCTAVO_SAME(OCTAVO_UNSUPPORTED, Code::kUnsupported);
OCTAVO_SAME(OCTAVO_INVALID_DATA, Code::kInvalidData);
OCTAVO_SAME(OCTAVO_OUT_OF_MEMORY, Code::kOutOfMemory);
OCTAVO_SAME(OCTAVO_IO, Code::kIo);
OCTAVO_SAME(OCTAVO_LIMIT, Code::kLimit);
OCTAVO_SAME(OCTAVO_INTERNAL, Code::kInternal);
OCTAVO_SAME(OCTAVO_FORKED, Code::kForked);
OCTAVO_SAME(OCTAVO_CANCELLED, Code::kCancelled);
OCTAVO_SAME(OCTAVO_FLOAT32, DType::kFloat);
OCTAVO_SAME(OCTAVO_UINT8, DType::kUInt8);
OCTAVO_SAME(OCTAVO_INT8, DType::kInt8);
OCTAVO_SAME(OCTAVO_UINT16, DType::kUInt16);
OCTAVO_SAME(OCTAVO_INT16, DType::kInt16);
OCTAVO_SAME(OCTAVO_INT32, DType::kInt32);
OCTAVO_SAME(OCTAVO_INT64, DType::kInt64);
OCTAVO_SAME(OCTAVO_BOOL, DType::kBool);
OCTAVO_SAME(OCTAVO_FLOAT16, DType::kFloat16);
OCTAVO_SAME(OCTAVO_FLOAT64, DType::kDouble);
OCTAVO_SAME(OCTAVO_UINT32, DType::kUInt32);
OCTAVO_SAME(OCTAVO_UINT64, DType::kUInt64);
OCTAVO_SAME(OCTAVO_BFLOAT16, DType::kBFloat16);
OCTAVO_SAME(OCTAVO_UINT4, DType::kUInt4);
OCTAVO_SAME(OCTAVO_INT4, DType::kInt4);
OCTAVO_SAME(OCTAVO_MAX_RANK, Shape::kMaxRank);
#undef OCTAVO_SAME

const char* octavo_version_string(void) { return OCTAVO_VERSION; }
int32_t octavo_abi_version(void) { return OCTAVO_ABI_VERSION; }

const char* octavo_cpu_target(void) { return octavo_cpu_target_name(0); }

size_t octavo_cpu_target_count(void) { return octavo::KernelTargets().size() + 1; }

const char* octavo_cpu_target_name(size_t index) {
  const auto targets = octavo::KernelTargets();
  if (index < targets.size()) return targets[index];
  return index == targets.size() ? "reference" : nullptr;
}

const char* octavo_dtype_name(int32_t dtype) { return octavo::Name(static_cast<octavo::DType>(dtype)); }
size_t octavo_dtype_bits(int32_t dtype) { return octavo::BitsOf(static_cast<octavo::DType>(dtype)); }

const void* octavo_buffer_data(const octavo_buffer* buffer) {
  return buffer && buffer->tag.valid() ? buffer->bytes.c_str() : nullptr;
}
size_t octavo_buffer_size(const octavo_buffer* buffer) {
  return buffer && buffer->tag.valid() ? buffer->bytes.size() : 0;
}
void octavo_buffer_destroy(octavo_buffer* buffer) { octavo::capi::Destroy(buffer); }

octavo_status octavo_cancel_create(octavo_cancel** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_POINTER(out);
    *out = new octavo_cancel;
    return Ok();
  });
}
void octavo_cancel_request(octavo_cancel* cancel) {
  if (cancel && cancel->tag.valid()) cancel->cancel.Request();
}
void octavo_cancel_reset(octavo_cancel* cancel) {
  if (cancel && cancel->tag.valid()) cancel->cancel.Reset();
}
int32_t octavo_cancel_requested(const octavo_cancel* cancel) {
  return cancel && cancel->tag.valid() && cancel->cancel.requested() ? 1 : 0;
}
void octavo_cancel_destroy(octavo_cancel* cancel) { octavo::capi::Destroy(cancel); }
