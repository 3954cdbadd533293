// Which taps of a pooling window lie inside the image.
//
// Compiled per target although no vector occurs: what is called with a target's lambda must be inlined into its code.
#if defined(OCTAVO_CORE_KERNELS_TAPS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef OCTAVO_CORE_KERNELS_TAPS_INL_H_
#undef OCTAVO_CORE_KERNELS_TAPS_INL_H_
#else
#define OCTAVO_CORE_KERNELS_TAPS_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "core/kernels/kernels.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace octavo {
namespace HWY_NAMESPACE {

// Taps [begin, end) of one axis for a window that starts at `start` in an axis of `size`.
struct TapRange {
  size_t begin, end;

  static HWY_INLINE TapRange Of(int64_t start, size_t taps, size_t dilation, size_t size) {
    const int64_t step = static_cast<int64_t>(dilation);
    const int64_t reach = static_cast<int64_t>(taps - 1) * step;
    if (HWY_LIKELY(start >= 0 && start + reach < static_cast<int64_t>(size))) return {0, taps};  // divides nothing
    const int64_t limit = static_cast<int64_t>(size) - start;  // first offset beyond the axis
    const int64_t first = start >= 0 ? 0 : (-start + step - 1) / step;
    const int64_t last = limit <= 0 ? 0 : (limit + step - 1) / step;
    const size_t end = last < static_cast<int64_t>(taps) ? static_cast<size_t>(last) : taps;
    const size_t begin = first < static_cast<int64_t>(end) ? static_cast<size_t>(first) : end;
    return {begin, end};
  }
  size_t size() const { return end - begin; }
};

// The valid taps of one output pixel, ky then kx ascending.
struct Taps {
  const uint8_t* first;  // the first valid tap
  size_t lines, columns;
  int64_t line_step, column_step;  // bytes

  size_t count() const { return lines * columns; }

  template <class F>
  HWY_INLINE void ForEach(F f) const {
    for (size_t i = 0; i < lines; ++i) {
      const uint8_t* tap = first + static_cast<int64_t>(i) * line_step;
      if (columns == 3) {  // what most windows have
        f(tap);
        f(tap + column_step);
        f(tap + 2 * column_step);
        continue;
      }
      for (size_t j = 0; j < columns; ++j, tap += column_step) f(tap);
    }
  }
};

// Calls pixel(taps, address of the output, index of the output pixel) for lines [y_begin, y_end). What does not change
// along a line is copied: for all the compiler knows, results may be written over the arguments.
template <class F>
HWY_INLINE void ForPixels(const PoolArgs& args, size_t y_begin, size_t y_end, F pixel) {
  const Window w = args.window;
  const size_t width = args.width, out_width = args.out_width;
  const int64_t a_step = args.a.column_stride, c_step = args.c.column_stride, pad_left = args.pad_left;
  Taps taps;
  taps.line_step = static_cast<int64_t>(w.dilation_h) * args.a.line_stride;
  taps.column_step = static_cast<int64_t>(w.dilation_w) * a_step;
  for (size_t y = y_begin; y < y_end; ++y) {
    const int64_t line = static_cast<int64_t>(y * w.stride_h) - args.pad_top;
    const TapRange lines = TapRange::Of(line, w.kh, w.dilation_h, args.height);
    taps.lines = lines.size();
    const uint8_t* a = static_cast<const uint8_t*>(args.a.base) + line * args.a.line_stride +
                       static_cast<int64_t>(lines.begin) * taps.line_step;
    uint8_t* c = static_cast<uint8_t*>(args.c.base) + static_cast<int64_t>(y) * args.c.line_stride;
    for (size_t x = 0; x < out_width; ++x, c += c_step) {
      const int64_t column = static_cast<int64_t>(x * w.stride_w) - pad_left;
      const TapRange columns = TapRange::Of(column, w.kw, w.dilation_w, width);
      taps.columns = columns.size();
      taps.first = a + column * a_step + static_cast<int64_t>(columns.begin) * taps.column_step;
      pixel(taps, c, y * out_width + x);
    }
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace octavo
HWY_AFTER_NAMESPACE();

#endif  // OCTAVO_CORE_KERNELS_TAPS_INL_H_
