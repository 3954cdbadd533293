#include "core/plan/strided.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace octavo {

std::array<int, Shape::kMaxRank> DimsByStride(const Shape& shape, const Strides& strides) {
  std::array<int, Shape::kMaxRank> order{};
  for (int i = 0; i < shape.rank(); ++i) order[static_cast<size_t>(i)] = i;
  std::stable_sort(order.begin(), order.begin() + shape.rank(), [&](int a, int b) {
    const auto weight = [&](int d) { return shape[d] == 1 ? INT64_MAX : std::abs(strides[static_cast<size_t>(d)]); };
    return weight(a) > weight(b);
  });
  return order;
}

StridedCopy::StridedCopy(const Shape& shape, size_t element, const Strides& from, const Strides& to)
    : element_(element) {
  // Loops in the order of the destination, so that writes are as adjacent as can be.
  const auto order = DimsByStride(shape, to);
  for (int i = 0; i < shape.rank(); ++i) {
    const int d = order[static_cast<size_t>(i)];
    nest_.Append(shape[d], {from[static_cast<size_t>(d)], to[static_cast<size_t>(d)]});
  }
  columns_ = nest_.TakeInner(&column_strides_);
  // The other loop of a transposition is the one that is innermost in `from`; it may stand further out.
  const auto size = static_cast<int64_t>(element);
  if (column_strides_[0] != size) {
    for (int i = 0; i < nest_.rank; ++i) {
      const auto d = static_cast<size_t>(i);
      if (nest_.strides[d][0] != size) continue;
      std::rotate(nest_.sizes.begin() + i, nest_.sizes.begin() + i + 1, nest_.sizes.begin() + nest_.rank);
      std::rotate(nest_.strides.begin() + i, nest_.strides.begin() + i + 1, nest_.strides.begin() + nest_.rank);
      break;
    }
  }
  rows_ = nest_.TakeInner(&row_strides_);
}

size_t StridedCopy::max_parts() const {
  const int64_t bytes = nest_.Iterations() * rows_ * columns_ * static_cast<int64_t>(element_);
  return static_cast<size_t>(std::clamp<int64_t>(bytes / kBytesWorthAThread, 1, nest_.Iterations() * rows_));
}

namespace {

template <typename T>
void CopyElements(const std::byte* from, std::byte* to, int64_t count, std::array<int64_t, 2> strides) {
  for (int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, from + i * strides[0], sizeof(T));
    std::memcpy(to + i * strides[1], &value, sizeof(T));
  }
}

}  // namespace

void StridedCopy::Run(const KernelTable* kernels, const std::byte* from, std::byte* to, size_t part,
                      size_t parts) const {
  const auto size = static_cast<int64_t>(element_);
  // Shares are rows of all iterations of the outer loops, counted together.
  const int64_t all = nest_.Iterations() * rows_;
  const int64_t begin = all * static_cast<int64_t>(part) / static_cast<int64_t>(parts);
  const int64_t end = all * static_cast<int64_t>(part + 1) / static_cast<int64_t>(parts);
  if (begin == end || columns_ == 0) return;
  const bool adjacent = column_strides_[0] == size && column_strides_[1] == size;
  const bool transposes =
      kernels && row_strides_[0] == size && column_strides_[1] == size && rows_ > 1 && (element_ == 1 || element_ == 4);
  int64_t iteration = begin / rows_;
  nest_.ForEach(iteration, (end + rows_ - 1) / rows_, [&](const std::array<int64_t, 2>& offsets) {
    const int64_t first = std::max<int64_t>(begin - iteration * rows_, 0);
    const int64_t last = std::min<int64_t>(end - iteration * rows_, rows_);
    ++iteration;
    const std::byte* source = from + offsets[0] + first * row_strides_[0];
    std::byte* target = to + offsets[1] + first * row_strides_[1];
    if (transposes) {
      // x[columns][rows] -> y[rows][columns]
      const auto transpose = element_ == 1 ? kernels->transpose_8 : kernels->transpose_32;
      transpose(source, column_strides_[0], target, row_strides_[1], static_cast<size_t>(columns_),
                static_cast<size_t>(last - first));
      return;
    }
    for (int64_t r = first; r < last; ++r, source += row_strides_[0], target += row_strides_[1]) {
      if (adjacent) {
        std::memcpy(target, source, static_cast<size_t>(columns_ * size));
      } else if (element_ == 1) {
        CopyElements<uint8_t>(source, target, columns_, column_strides_);
      } else if (element_ == 2) {
        CopyElements<uint16_t>(source, target, columns_, column_strides_);
      } else if (element_ == 4) {
        CopyElements<uint32_t>(source, target, columns_, column_strides_);
      } else {
        CopyElements<uint64_t>(source, target, columns_, column_strides_);
      }
    }
  });
}

}  // namespace octavo
