// Status and Result: how every fallible function of the core answers.
//
// The numbers are part of the C ABI (octavo.h repeats them): 1..63 the caller's mistake, 64..127 the data's,
// 128..191 the machine's, 192..255 the caller's own wish. A number is never reused.
#ifndef OCTAVO_CORE_BASE_STATUS_H_
#define OCTAVO_CORE_BASE_STATUS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace octavo {

enum class Code : int32_t {
  kOk = 0,
  kInvalidArgument = 1,  // a parameter is wrong: null, dtype, shape, range
  kInvalidState = 2,     // the object cannot do this now
  kNotFound = 3,         // no such name, key or target
  kInvalidModel = 64,    // malformed or contradictory model file
  kUnsupported = 65,     // well formed, but not something this library does
  kInvalidData = 66,     // malformed statistics, recipe or sample file
  kOutOfMemory = 128,
  kIo = 129,
  kLimit = 130,     // a quota of the context would be exceeded
  kInternal = 131,  // a bug of ours
  kForked = 132,    // object inherited through fork()
  kCancelled = 192,
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error, told from further away: "reading net.onnx: node 'conv1': ...".
  Status Within(const std::string& where) const { return ok() ? *this : Status(code_, where + ": " + message_); }

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

inline Status Ok() { return Status(); }

// printf-style construction: Error(Code::kInvalidModel, "axis %lld is outside [-%d, %d)", axis, rank, rank).
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
Status
Error(Code code, const char* format, ...);

// `text` made safe for a message: control and non-ASCII bytes escaped, at most 80 bytes.
std::string Printable(const std::string& text);

// Either a value or the Status that explains its absence.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}          // NOLINT: implicit by design
  Result(Status status) : status_(std::move(status)) {}  // NOLINT: implicit by design

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

#define OCTAVO_CONCAT_(a, b) a##b
#define OCTAVO_CONCAT(a, b) OCTAVO_CONCAT_(a, b)

#define OCTAVO_RETURN_IF_ERROR(expression)           \
  do {                                               \
    ::octavo::Status octavo_status_ = (expression);  \
    if (!octavo_status_.ok()) return octavo_status_; \
  } while (false)

// OCTAVO_ASSIGN_OR_RETURN(Tensor t, Tensor::Create(...));
#define OCTAVO_ASSIGN_OR_RETURN(declaration, expression)                                                      \
  auto OCTAVO_CONCAT(octavo_result_, __LINE__) = (expression);                                                \
  if (!OCTAVO_CONCAT(octavo_result_, __LINE__).ok()) return OCTAVO_CONCAT(octavo_result_, __LINE__).status(); \
  declaration = std::move(*OCTAVO_CONCAT(octavo_result_, __LINE__))

}  // namespace octavo

#endif  // OCTAVO_CORE_BASE_STATUS_H_
