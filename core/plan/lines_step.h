// Steps that make images line by line.
#ifndef OCTAVO_CORE_PLAN_LINES_STEP_H_
#define OCTAVO_CORE_PLAN_LINES_STEP_H_

#include <algorithm>

#include "core/plan/plan.h"

namespace octavo {

// Shares are output lines, those of all images together.
class LinesStep : public Step {
 public:
  View a, c;
  int64_t images = 1, lines = 1;

  size_t max_parts() const override {
    return static_cast<size_t>(
        std::clamp(info.bytes / static_cast<double>(kBytesWorthAThread), 1.0, static_cast<double>(images * lines)));
  }

 protected:
  // run(input, output, first, last) for output lines [first, last) of one image, whose bytes begin at input and output.
  template <typename F>
  void ForLines(RunState& state, size_t part, size_t parts, F&& run) const {
    const int64_t all = images * lines;
    int64_t from = all * static_cast<int64_t>(part) / static_cast<int64_t>(parts);
    const int64_t to = all * static_cast<int64_t>(part + 1) / static_cast<int64_t>(parts);
    while (from < to) {
      const int64_t image = from / lines, first = from % lines, last = std::min(lines, first + to - from);
      run(state.At(a) + image * a.strides[0], state.At(c) + image * c.strides[0], first, last);
      from += last - first;
    }
  }
};

}  // namespace octavo

#endif  // OCTAVO_CORE_PLAN_LINES_STEP_H_
