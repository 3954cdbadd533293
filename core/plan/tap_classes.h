// Which taps of a convolution meet the image and not its padding, sorted so that the others can be left out.
#ifndef OCTAVO_CORE_PLAN_TAP_CLASSES_H_
#define OCTAVO_CORE_PLAN_TAP_CLASSES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/ops/window.h"

namespace octavo {

// Output pixels that need the same rectangle of taps, ky in y and kx in x.
struct TapClass {
  WindowAxis::Taps y, x;
  size_t rows = 0;

  int64_t taps() const { return (y.end - y.begin) * (x.end - x.begin); }
};

//    t t t t t      Pixels of a 3x3 window padded by 1. t and b leave out the line of taps above or below, l and r the
//    l m m m r      column of taps beside, m nothing. Corners could leave out more but are too few to fill a tile: they
//    l m m m r      multiply a column of padding.
//    b b b b b
struct TapClasses {
  std::vector<TapClass> classes;
  std::vector<size_t> order;  // pixels, of image after image and line after line, class after class
};

// Of `rows` output pixels, whole images. Empty where leaving out taps does not pay. `split_x`: whether a class may
// leave out columns of taps.
TapClasses SortByTaps(const Window3& window, size_t rows, bool split_x);

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_TAP_CLASSES_H_
