#include "core/plan/tap_classes.h"

#include <algorithm>

#include "core/base/checked.h"

namespace octavo {
namespace {

constexpr size_t kTileRows = 6;

// Of a class, in rows times taps. A tile costs a little more than its rows.
double Cost(const TapClass& c) {
  const auto tiles = static_cast<double>(CeilDiv(c.rows, kTileRows));
  return (static_cast<double>(c.rows) + 0.4 * tiles) * static_cast<double>(c.taps());
}

bool Equal(const WindowAxis::Taps& a, const WindowAxis::Taps& b) { return a.begin == b.begin && a.end == b.end; }

}  // namespace

TapClasses SortByTaps(const Window3& window, size_t rows, bool split_x) {
  const WindowAxis &y = window.y(), &x = window.x();
  const WindowAxis::Taps all_y{0, y.kernel}, all_x{0, x.kernel};
  TapClasses result;
  if (rows == 0) return result;
  std::vector<std::vector<size_t>> members;
  for (int64_t line = 0; line < static_cast<int64_t>(rows) / x.out; ++line) {
    const WindowAxis::Taps ky = y.ValidTaps(line % y.out);
    for (int64_t column = 0; column < x.out; ++column) {
      const bool whole = !split_x || !Equal(ky, all_y);
      const WindowAxis::Taps kx = whole ? all_x : x.ValidTaps(column);
      auto& classes = result.classes;
      const auto found = std::find_if(classes.begin(), classes.end(),
                                      [&](const TapClass& c) { return Equal(c.y, ky) && Equal(c.x, kx); });
      const auto at = static_cast<size_t>(found - classes.begin());
      if (found == classes.end()) {
        // No tap at all: not worth a kernel that knows it.
        if (ky.begin >= ky.end || kx.begin >= kx.end) return {};
        classes.push_back({ky, kx, 0});
        members.emplace_back();
      }
      ++classes[at].rows;
      members[at].push_back(static_cast<size_t>(line * x.out + column));
    }
  }
  double cost = 0;
  for (const TapClass& c : result.classes) cost += Cost(c);
  if (result.classes.size() < 2 || cost > 0.985 * Cost({all_y, all_x, rows})) return {};
  for (const auto& m : members) result.order.insert(result.order.end(), m.begin(), m.end());
  return result;
}

}  // namespace octavo
