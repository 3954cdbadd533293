// Section 5 of octavo.h: contexts and their options.
#include <cstdarg>
#include <cstdio>

#include "capi/src/handles.h"

namespace octavo::capi {
namespace {

// Memory whose hooks reach the callbacks of octavo.h. In one object, because tensors may outlive the context.
struct HookedMemory {
  HookedMemory(const Limits& limits, const Context::Allocator& callbacks)
      : allocator(callbacks),
        memory(limits, callbacks.allocate ? AllocatorHooks{&allocator, Allocate, Release} : AllocatorHooks{}) {}

  static void* Allocate(void* opaque, size_t bytes, size_t alignment) {
    const auto& a = *static_cast<const Context::Allocator*>(opaque);
    return a.allocate(bytes, alignment, a.user_data);
  }
  static void Release(void* opaque, void* pointer) {
    const auto& a = *static_cast<const Context::Allocator*>(opaque);
    a.release(pointer, a.user_data);
  }

  Context::Allocator allocator;
  Memory memory;
};

void RunParallel(void* opaque, void (*body)(void*, size_t), void* body_opaque, size_t count) {
  const auto& parallel = *static_cast<const Context::Parallel*>(opaque);
  parallel.callback(body, body_opaque, count, parallel.user_data);
}

Status SetLimit(octavo_context_options* options, int64_t value, const char* what, uint64_t Limits::*member) {
  OCTAVO_CHECK_HANDLE(options);
  if (value < 1) {
    return Error(Code::kInvalidArgument, "%s is %lld, not 1 or more", what, static_cast<long long>(value));
  }
  options->limits.*member = static_cast<uint64_t>(value);
  return Ok();
}

}  // namespace

Context::Context(int32_t threads, const Limits& limits, const Allocator& allocator, const Parallel& parallel,
                 const Log& log)
    : threads_(threads), parallel_(parallel), log_(log) {
  const auto hooked = std::make_shared<HookedMemory>(limits, allocator);
  memory_ = MemoryPtr(hooked, &hooked->memory);
}

SessionOptions Context::session_options(int32_t threads) const {
  SessionOptions options;
  options.threads = static_cast<size_t>(threads < 0 ? threads_ : threads);
  if (parallel_.callback) {
    options.runner.opaque = const_cast<Parallel*>(&parallel_);
    options.runner.run = RunParallel;
  }
  return options;
}

void Context::Tell(int32_t level, const char* format, ...) const {
  if (!log_.callback || level > log_.level) return;
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  log_.callback(level, text, log_.user_data);
}

}  // namespace octavo::capi

using octavo::Code;
using octavo::Error;
using octavo::Limits;
using octavo::Ok;
using octavo::Status;
using octavo::capi::Guard;

octavo_status octavo_context_options_create(octavo_context_options** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_POINTER(out);
    *out = new octavo_context_options;
    return Ok();
  });
}

void octavo_context_options_destroy(octavo_context_options* options) { octavo::capi::Destroy(options); }

octavo_status octavo_context_options_set_threads(octavo_context_options* options, int32_t threads) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckThreads(threads));
    options->threads = threads;
    return Ok();
  });
}

octavo_status octavo_context_options_set_memory_limit(octavo_context_options* options, int64_t bytes) {
  return Guard([&] { return octavo::capi::SetLimit(options, bytes, "the memory limit", &Limits::memory_bytes); });
}

octavo_status octavo_context_options_set_file_limit(octavo_context_options* options, int64_t bytes) {
  return Guard([&] { return octavo::capi::SetLimit(options, bytes, "the file limit", &Limits::file_bytes); });
}

octavo_status octavo_context_options_set_fold_limit(octavo_context_options* options, int64_t bytes) {
  return Guard([&] { return octavo::capi::SetLimit(options, bytes, "the fold limit", &Limits::fold_bytes); });
}

octavo_status octavo_context_options_set_node_limit(octavo_context_options* options, int64_t nodes) {
  return Guard([&] { return octavo::capi::SetLimit(options, nodes, "the node limit", &Limits::nodes); });
}

octavo_status octavo_context_options_set_string_limit(octavo_context_options* options, int64_t bytes) {
  return Guard([&] { return octavo::capi::SetLimit(options, bytes, "the string limit", &Limits::string_bytes); });
}

octavo_status octavo_context_options_set_allocator(octavo_context_options* options, octavo_allocate_callback allocate,
                                                   octavo_release_callback release, void* user_data) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    if (!allocate != !release) return octavo::capi::Invalid("allocate and release must both be NULL, or neither");
    options->allocator = {allocate, release, user_data};
    return Ok();
  });
}

octavo_status octavo_context_options_set_parallel(octavo_context_options* options, octavo_parallel_callback parallel,
                                                  void* user_data) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    options->parallel = {parallel, user_data};
    return Ok();
  });
}

octavo_status octavo_context_options_set_log(octavo_context_options* options, int32_t level, octavo_log_callback log,
                                             void* user_data) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    if (level < OCTAVO_LOG_WARNING || level > OCTAVO_LOG_DEBUG) {
      return Error(Code::kInvalidArgument, "level is %d, not in 1..3", level);
    }
    options->log = {level, log, user_data};
    return Ok();
  });
}

octavo_status octavo_context_create(const octavo_context_options* options, octavo_context** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_OPTIONAL(options);
    OCTAVO_CHECK_POINTER(out);
    const octavo_context_options defaults;
    const octavo_context_options& o = options ? *options : defaults;
    auto made = std::make_unique<octavo_context>();
    made->context = std::make_shared<const octavo::capi::Context>(o.threads, o.limits, o.allocator, o.parallel, o.log);
    *out = made.release();
    return Ok();
  });
}

void octavo_context_destroy(octavo_context* context) { octavo::capi::Destroy(context); }

octavo_status octavo_context_memory(const octavo_context* context, int64_t* out_live, int64_t* out_peak) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    const octavo::Memory& memory = *context->context->memory();
    if (out_live) *out_live = static_cast<int64_t>(memory.live_bytes());
    if (out_peak) *out_peak = static_cast<int64_t>(memory.peak_bytes());
    return Ok();
  });
}
