#include "core/plan/weight_cache.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace octavo {
namespace {

enum Kind { kConv, kConvMerged, kGrouped, kTransposed, kDepthwise, kMatrix, kMatrixTransposed };

template <typename T>
void Sum(const T* w, size_t channels, size_t each, std::vector<int32_t>* sums) {
  sums->resize(channels);
  for (size_t c = 0; c < channels; ++c, w += each) {
    (*sums)[c] =
        std::accumulate(w, w + each, int32_t{0}, [](int32_t sum, T x) { return sum + static_cast<int32_t>(x); });
  }
}

// Weights of a convolution: [outputs][channels of a group][taps], transposed [channels][outputs of a group][taps].
struct ConvLayout {
  int64_t groups, outputs, channels, taps;  // outputs and channels of one group
  bool transposed;

  int64_t At(int64_t g, int64_t o, int64_t c) const {
    return (transposed ? (g * channels + c) * outputs + o : (g * outputs + o) * channels + c) * taps;
  }
};

// -> [outputs][taps][channels of all joined groups], those of other groups being zero. `order`: which taps, if not as
// they are.
template <typename T>
Result<Buffer> TapsOutermost(const Tensor& weights, const ConvLayout& layout, int64_t joined,
                             const std::vector<int64_t>& order, const MemoryPtr& memory) {
  OCTAVO_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Create(memory, weights.bytes() * static_cast<size_t>(joined)));
  const T* from = weights.data<T>().data();
  T* to = static_cast<T*>(buffer.data());
  if (joined > 1) std::fill_n(to, weights.elements() * joined, T{0});
  for (int64_t g = 0; g < layout.groups; ++g) {
    for (int64_t o = 0; o < layout.outputs; ++o) {
      for (int64_t t = 0; t < layout.taps; ++t, to += layout.channels * joined) {
        const int64_t tap = order.empty() ? t : order[static_cast<size_t>(t)];
        for (int64_t c = 0; c < layout.channels; ++c) {
          to[g % joined * layout.channels + c] = from[layout.At(g, o, c) + tap];
        }
      }
    }
  }
  return buffer;
}

// Packs the groups of `w`, which describes the first; group_stride leads from one to the next.
Status PackGroups(const KernelTable& kernels, bool integer, GemmWeights w, int64_t groups, int64_t group_stride,
                  PackedWeights* packed, Region& region) {
  packed->group_bytes = (integer ? kernels.qgemm_packed_bytes : kernels.fgemm_packed_bytes)(w.n, w.segments, w.k);
  OCTAVO_ASSIGN_OR_RETURN(packed->bytes, region.Allocate(packed->group_bytes * static_cast<size_t>(groups)));
  if (integer) packed->sums.resize(w.n * static_cast<size_t>(groups));
  for (size_t g = 0; g < static_cast<size_t>(groups); ++g) {
    void* to = packed->bytes.data() + g * packed->group_bytes;
    if (integer) {
      kernels.qgemm_pack(w, to, packed->sums.data() + g * w.n, 0, w.n);
    } else {
      kernels.fgemm_pack(w, to, 0, w.n);
    }
    w.w = static_cast<const char*>(w.w) + group_stride;
  }
  return Ok();
}

// Nobody looks at `weights` soon once they are packed.
WeightCache::Pointer InPlaceOf(const Tensor& weights, std::shared_ptr<PackedWeights> packed) {
  weights.DropPages();
  packed->source = weights;
  return packed;
}

}  // namespace

std::shared_ptr<PackedWeights> WeightCache::New() const {
  auto packed = std::make_shared<PackedWeights>();
  packed->region = region_;
  return packed;
}

Result<WeightCache::Pointer> WeightCache::Conv(const KernelTable& kernels, const Tensor& weights, int64_t groups,
                                               int64_t joined, int64_t kh, int64_t kw, bool merged) {
  Pointer& entry = entries_[{weights.raw(), merged ? kConvMerged : kConv, groups, kh, kw}];
  if (entry) return entry;
  const bool integer = weights.dtype() == DType::kInt8;
  const int64_t outputs = weights.shape()[0], taps = kh * kw;
  const int64_t channels = weights.elements() / (outputs * taps) * joined;
  Buffer permuted;
  const void* source = weights.raw();
  if (channels > 1 && (taps > 1 || joined > 1)) {
    const ConvLayout layout{groups, outputs / groups, channels / joined, taps, false};
    const auto permute = integer ? TapsOutermost<int8_t> : TapsOutermost<float>;
    OCTAVO_ASSIGN_OR_RETURN(permuted, permute(weights, layout, joined, {}, memory_));
    source = permuted.data();
  }
  const auto element = static_cast<int64_t>(integer ? sizeof(int8_t) : sizeof(float));
  GemmWeights w;
  w.w = source;
  w.n = static_cast<size_t>(outputs / groups * joined);
  w.segments = static_cast<size_t>(merged ? kh : taps);
  w.k = static_cast<size_t>(merged ? kw * channels : channels);
  w.n_stride = taps * channels * element;
  w.segment_stride = static_cast<int64_t>(w.k) * element;
  w.k_stride = element;
  auto packed = New();
  const auto group_stride = static_cast<int64_t>(w.n) * w.n_stride;
  OCTAVO_RETURN_IF_ERROR(PackGroups(kernels, integer, w, groups / joined, group_stride, packed.get(), *region_));
  return entry = InPlaceOf(weights, std::move(packed));
}

Result<WeightCache::Pointer> WeightCache::Transposed(const KernelTable& kernels, const Tensor& weights, int64_t groups,
                                                     int64_t joined, const Window3& window) {
  const WindowAxis &y = window.y(), &x = window.x();
  Pointer& entry = entries_[{weights.raw(), kTransposed, groups, y.stride, x.stride}];
  if (entry) return entry;
  const bool integer = weights.dtype() == DType::kInt8;
  const ConvLayout layout{groups, weights.shape()[1], weights.shape()[0] / groups, window.Taps(), true};
  std::vector<int64_t> order;  // phase after phase
  std::vector<size_t> taps;    // of each
  for (int64_t ky = 0; ky < y.stride; ++ky) {
    for (int64_t kx = 0; kx < x.stride; ++kx) {
      const size_t before = order.size();
      for (int64_t i = ky; i < y.kernel; i += y.stride) {
        for (int64_t j = kx; j < x.kernel; j += x.stride) order.push_back(i * x.kernel + j);
      }
      taps.push_back(order.size() - before);
    }
  }
  const auto permute = integer ? TapsOutermost<int8_t> : TapsOutermost<float>;
  OCTAVO_ASSIGN_OR_RETURN(const Buffer permuted, permute(weights, layout, joined, order, memory_));
  const auto element = static_cast<int64_t>(integer ? sizeof(int8_t) : sizeof(float));
  GemmWeights w;
  w.n = static_cast<size_t>(layout.outputs * joined);
  w.k = static_cast<size_t>(layout.channels * joined);
  w.k_stride = element;
  w.segment_stride = static_cast<int64_t>(w.k) * element;
  w.n_stride = layout.taps * w.segment_stride;
  auto packed = New();
  for (size_t count : taps) {
    packed->phases.push_back(packed->group_bytes);
    packed->group_bytes += (integer ? kernels.qgemm_packed_bytes : kernels.fgemm_packed_bytes)(w.n, count, w.k);
  }
  const auto products = static_cast<size_t>(groups / joined);
  OCTAVO_ASSIGN_OR_RETURN(packed->bytes, region_->Allocate(packed->group_bytes * products));
  if (integer) packed->sums.resize(taps.size() * w.n * products);
  for (size_t g = 0; g < products; ++g) {
    w.w = static_cast<const char*>(permuted.data()) + static_cast<int64_t>(g * w.n) * w.n_stride;
    for (size_t phase = 0; phase < taps.size(); ++phase) {
      void* to = packed->bytes.data() + g * packed->group_bytes + packed->phases[phase];
      w.segments = taps[phase];
      if (integer) {
        kernels.qgemm_pack(w, to, packed->sums.data() + (phase * products + g) * w.n, 0, w.n);
      } else {
        kernels.fgemm_pack(w, to, 0, w.n);
      }
      w.w = static_cast<const char*>(w.w) + static_cast<int64_t>(w.segments) * w.segment_stride;
    }
  }
  return entry = InPlaceOf(weights, std::move(packed));
}

Result<WeightCache::Pointer> WeightCache::Grouped(const KernelTable& kernels, const Tensor& weights, int64_t groups,
                                                  int64_t taps) {
  Pointer& entry = entries_[{weights.raw(), kGrouped, groups, taps, 0}];
  if (entry) return entry;
  auto packed = New();
  GemmWeights w;
  w.n = static_cast<size_t>(weights.shape()[0]);
  w.segments = static_cast<size_t>(taps);
  w.k = static_cast<size_t>(weights.shape()[1]);
  const size_t bytes = kernels.qgrouped_packed_bytes(w.n, static_cast<size_t>(groups), w.segments, w.k);
  if (bytes != 0) {
    w.w = weights.raw();
    w.n_stride = static_cast<int64_t>(w.k * w.segments);
    w.segment_stride = 1;
    w.k_stride = taps;
    OCTAVO_ASSIGN_OR_RETURN(packed->bytes, region_->Allocate(bytes));
    kernels.qgrouped_pack(w, static_cast<size_t>(groups), packed->bytes.data());
    Sum(weights.data<int8_t>().data(), w.n, w.k * w.segments, &packed->sums);
  }
  return entry = InPlaceOf(weights, std::move(packed));
}

Result<WeightCache::Pointer> WeightCache::Depthwise(const KernelTable& kernels, const Tensor& weights,
                                                    const Window& window) {
  Pointer& entry = entries_[{weights.raw(), kDepthwise, static_cast<int64_t>(window.stride_h << 32 | window.stride_w),
                             static_cast<int64_t>(window.kh), static_cast<int64_t>(window.kw)}];
  if (entry) return entry;
  auto packed = New();
  const auto channels = static_cast<size_t>(weights.shape()[0]);
  if (weights.dtype() == DType::kInt8) {
    const int8_t* w = weights.data<int8_t>().data();
    OCTAVO_ASSIGN_OR_RETURN(packed->bytes, region_->Allocate(kernels.qdepthwise_packed_bytes(channels, window)));
    kernels.qdepthwise_pack(channels, window, w, packed->bytes.data());
    Sum(w, channels, window.kh * window.kw, &packed->sums);
  } else {  // [taps][channels]
    OCTAVO_ASSIGN_OR_RETURN(packed->bytes, region_->Allocate(weights.bytes()));
    const size_t taps = window.kh * window.kw;
    auto* to = reinterpret_cast<float*>(packed->bytes.data());
    for (size_t t = 0; t < taps; ++t) {
      for (size_t c = 0; c < channels; ++c) *to++ = weights.data<float>()[c * taps + t];
    }
  }
  return entry = InPlaceOf(weights, std::move(packed));
}

Result<WeightCache::Pointer> WeightCache::Matrix(const KernelTable& kernels, const Tensor& weights, bool transposed) {
  Pointer& entry = entries_[{weights.raw(), transposed ? kMatrixTransposed : kMatrix, 0, 0, 0}];
  if (entry) return entry;
  const bool integer = weights.dtype() == DType::kInt8;
  const auto element = static_cast<int64_t>(integer ? sizeof(int8_t) : sizeof(float));
  const int64_t k = weights.shape()[transposed ? 1 : 0], n = weights.shape()[transposed ? 0 : 1];
  GemmWeights w;
  w.w = weights.raw();
  w.n = static_cast<size_t>(n);
  w.k = static_cast<size_t>(k);
  w.n_stride = (transposed ? k : 1) * element;
  w.k_stride = (transposed ? 1 : n) * element;
  w.segment_stride = 0;
  auto packed = New();
  OCTAVO_RETURN_IF_ERROR(PackGroups(kernels, integer, w, 1, 0, packed.get(), *region_));
  return entry = InPlaceOf(weights, std::move(packed));
}

}  // namespace octavo
