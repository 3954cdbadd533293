// The floating-point modes that results are defined under, whatever the host has set.
#ifndef OCTAVO_CORE_BASE_FLOAT_ENVIRONMENT_H_
#define OCTAVO_CORE_BASE_FLOAT_ENVIRONMENT_H_

#include <cstdint>

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#include <cfenv>
#endif

namespace octavo {

// While one lives, its thread rounds to nearest even, keeps denormals and raises no signal. Then everything is as it
// was, sticky flags included.
class FloatEnvironment {
 public:
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

#if defined(__SSE2__) || defined(_M_X64)
  FloatEnvironment() : saved_(_mm_getcsr()) { _mm_setcsr(0x1f80); }  // all exceptions masked, nothing else
  ~FloatEnvironment() { _mm_setcsr(saved_); }

 private:
  const uint32_t saved_;
#elif defined(__aarch64__)
  FloatEnvironment() {
    asm volatile("mrs %0, fpcr" : "=r"(control_));
    asm volatile("mrs %0, fpsr" : "=r"(status_));
    asm volatile("msr fpcr, %0" : : "r"(uint64_t{0}));
  }
  ~FloatEnvironment() {
    asm volatile("msr fpsr, %0" : : "r"(status_));
    asm volatile("msr fpcr, %0" : : "r"(control_));
  }

 private:
  uint64_t control_, status_;
#else
  FloatEnvironment() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~FloatEnvironment() { std::fesetenv(&saved_); }

 private:
  std::fenv_t saved_;
#endif
};

}  // namespace octavo

#endif  // OCTAVO_CORE_BASE_FLOAT_ENVIRONMENT_H_
