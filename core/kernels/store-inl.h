// Stores of vectors that may reach beyond the end of a row.
#if defined(OCTAVO_CORE_KERNELS_STORE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_STORE_INL_H_
#undef OCTAVO_CORE_KERNELS_STORE_INL_H_
#else
#define OCTAVO_CORE_KERNELS_STORE_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The first `count` lanes, or all if there are fewer.
template <class D>
HWY_INLINE void StoreUpTo(hn::VFromD<D> v, D d, hn::TFromD<D>* to, size_t count) {
  if (HWY_LIKELY(count >= hn::Lanes(d))) {
    hn::StoreU(v, d, to);
  } else {
    hn::StoreN(v, d, to, count);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_STORE_INL_H_
