// What stands between a C caller and the core: every exported function runs inside Guard, which turns a Status or an
// exception into a code, leaves the text where octavo_last_error finds it and keeps the host's floating-point modes
// out. And the first check of every argument.
#ifndef OCTAVO_CAPI_SRC_GUARD_H_
#define OCTAVO_CAPI_SRC_GUARD_H_

#include <new>
#include <stdexcept>

#include "core/base/float_environment.h"
#include "core/base/status.h"
#include "octavo/octavo.h"

namespace octavo::capi {

// Notes the text of a failure for this thread and returns its code. Allocates nothing.
octavo_status Fail(Code code, const char* message) noexcept;

template <typename F>
octavo_status Guard(F&& body) noexcept {
  const FloatEnvironment environment;  // scales, too, must not depend on how the host rounds
  try {
    const Status status = body();
    return status.ok() ? OCTAVO_OK : Fail(status.code(), status.message().c_str());
  } catch (const std::bad_alloc&) {
    return Fail(Code::kOutOfMemory, "out of memory");
  } catch (const std::length_error&) {
    return Fail(Code::kOutOfMemory, "out of memory: a size is more than a container holds");
  } catch (const std::exception& error) {
    return Fail(Code::kInternal, error.what());
  } catch (...) {
    return Fail(Code::kInternal, "an exception of unknown type, perhaps from a callback");
  }
}

inline Status Invalid(std::string message) { return Status(Code::kInvalidArgument, std::move(message)); }

// First member of every object that a caller holds. The tag tells an object of another kind, and most destroyed ones.
template <uint32_t kTag>
class Tagged {
 public:
  Tagged() = default;
  Tagged(const Tagged&) : Tagged() {}
  Tagged& operator=(const Tagged&) { return *this; }
  ~Tagged() { tag_ = 0; }
  bool valid() const { return tag_ == kTag; }

 private:
  volatile uint32_t tag_ = kTag;  // volatile: the store in the destructor must not be optimized away
};

constexpr uint32_t Tag(const char (&name)[5]) {
  uint32_t tag = 0;
  for (int i = 0; i < 4; ++i) tag = tag << 8 | static_cast<uint8_t>(name[i]);
  return tag;
}

template <typename T>
Status CheckHandle(const T* handle, const char* argument) {
  if (!handle) return Invalid(std::string(argument) + " is NULL");
  if (!handle->tag.valid()) {
    return Invalid(std::string(argument) + " is not an " + T::kName + ", or was destroyed");
  }
  return Ok();
}

// For options and other objects that may be left out.
template <typename T>
Status CheckOptional(const T* handle, const char* argument) {
  return handle ? CheckHandle(handle, argument) : Ok();
}

template <typename T>
Status CheckPointer(const T* pointer, const char* argument) {
  return pointer ? Ok() : Invalid(std::string(argument) + " is NULL");
}

#define OCTAVO_CHECK_HANDLE(argument) OCTAVO_RETURN_IF_ERROR(::octavo::capi::CheckHandle(argument, #argument))
#define OCTAVO_CHECK_OPTIONAL(argument) OCTAVO_RETURN_IF_ERROR(::octavo::capi::CheckOptional(argument, #argument))
#define OCTAVO_CHECK_POINTER(argument) OCTAVO_RETURN_IF_ERROR(::octavo::capi::CheckPointer(argument, #argument))

// What every destroy function does: nothing for NULL, and nothing for what was destroyed already, as far as one can
// tell.
template <typename T>
void Destroy(T* handle) noexcept {
  if (handle && handle->tag.valid()) delete handle;
}

// 0 or 1.
Status CheckFlag(int32_t value, const char* argument);

}  // namespace octavo::capi

#endif  // OCTAVO_CAPI_SRC_GUARD_H_
