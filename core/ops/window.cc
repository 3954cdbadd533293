#include "core/ops/window.h"

#include <algorithm>
#include <string>

#include "core/base/checked.h"
#include "core/ops/check.h"

namespace octavo {
namespace {

// Large enough for any real window, small enough that products of two fit int64.
constexpr int64_t kMost = INT32_MAX;
constexpr int64_t kMostElements = INT64_MAX / 4;  // along an axis of the input
constexpr int64_t kUnknown = Shape::kUnknown;

enum class AutoPad { kNotSet, kValid, kSameUpper, kSameLower };

Result<AutoPad> ReadAutoPad(const NodeReader& node) {
  const std::string text = node.String("auto_pad", "NOTSET");
  if (text == "NOTSET" || text.empty()) return AutoPad::kNotSet;
  if (text == "VALID") return AutoPad::kValid;
  if (text == "SAME_UPPER") return AutoPad::kSameUpper;
  if (text == "SAME_LOWER") return AutoPad::kSameLower;
  return Error(Code::kInvalidModel, "auto_pad is '%s'; allowed: NOTSET, VALID, SAME_UPPER, SAME_LOWER",
               Printable(text).c_str());
}

// The attribute's `count` values, each inside [least, kMost]; `fallback` if absent.
Result<std::vector<int64_t>> ReadList(const NodeReader& node, const char* name, size_t count, int64_t least,
                                      int64_t fallback) {
  std::vector<int64_t> values = node.Ints(name);
  if (values.empty()) values.assign(count, fallback);
  if (values.size() != count) {
    return Error(Code::kInvalidModel, "%s has %zu values where %zu are needed", name, values.size(), count);
  }
  for (size_t i = 0; i < count; ++i) {
    OCTAVO_RETURN_IF_ERROR(CheckRange((name + ("[" + std::to_string(i) + "]")).c_str(), values[i], least, kMost));
  }
  return values;
}

// Everything but `out`, which the callers compute; pads are those of the attribute.
Result<Window3> ReadWindow(const NodeReader& node, std::span<const int64_t> in, std::span<const int64_t> kernel) {
  const size_t spatial = in.size();
  if (spatial == 0) {
    return Error(Code::kInvalidModel, "the input has no spatial axis; it must have at least 3 dimensions");
  }
  if (spatial > Window3::kAxes) {
    return Error(Code::kUnsupported, "%zu spatial axes; at most %d are computed", spatial, Window3::kAxes);
  }
  OCTAVO_ASSIGN_OR_RETURN(const auto strides, ReadList(node, "strides", spatial, 1, 1));
  OCTAVO_ASSIGN_OR_RETURN(const auto dilations, ReadList(node, "dilations", spatial, 1, 1));
  OCTAVO_ASSIGN_OR_RETURN(const auto pads, ReadList(node, "pads", 2 * spatial, 0, 0));
  Window3 window;
  window.spatial = static_cast<int>(spatial);
  for (size_t i = 0; i < spatial; ++i) {
    WindowAxis& axis = window.axis(static_cast<int>(i));
    if (in[i] > kMostElements) return Error(Code::kLimit, "spatial axis %zu has %lld elements", i, LL(in[i]));
    if (kernel[i] != kUnknown) OCTAVO_RETURN_IF_ERROR(CheckRange("size of the kernel", kernel[i], 1, kMost));
    axis = {in[i], kUnknown, kernel[i], strides[i], dilations[i], pads[i], pads[spatial + i]};
  }
  return window;
}

// Elements from the first to the last tap. Cannot overflow, both factors being at most kMost.
int64_t Extent(const WindowAxis& axis) { return axis.dilation * (axis.kernel - 1) + 1; }

// Output size and padding of one axis of Conv or a pool.
Status Slide(AutoPad auto_pad, bool ceil_mode, int i, WindowAxis* axis) {
  const bool same = auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower;
  if (auto_pad != AutoPad::kNotSet) axis->pad = axis->pad_end = same ? kUnknown : 0;
  if (axis->in == kUnknown) return Ok();
  if (same) axis->out = CeilDiv(axis->in, axis->stride);
  if (axis->kernel == kUnknown) return Ok();
  const int64_t extent = Extent(*axis);
  if (same) {
    int64_t needed = 0;
    if (axis->out > 0 && !CheckedAdd((axis->out - 1) * axis->stride, extent, &needed)) {
      return Error(Code::kLimit, "spatial axis %d is too large", i);
    }
    const int64_t total = std::max<int64_t>(needed - axis->in, 0);
    axis->pad = auto_pad == AutoPad::kSameUpper ? total / 2 : total - total / 2;
    axis->pad_end = total - axis->pad;
    return Ok();
  }
  int64_t padded;
  if (!CheckedAdd(axis->in, axis->pad + axis->pad_end, &padded)) {
    return Error(Code::kLimit, "spatial axis %d is too large", i);
  }
  if (padded < extent) {
    if (axis->in == 0) {  // nothing in, nothing out
      axis->out = 0;
      return Ok();
    }
    return Error(Code::kInvalidModel,
                 "spatial axis %d: the window covers %lld elements, the input with its padding has only %lld", i,
                 LL(extent), LL(padded));
  }
  const int64_t room = padded - extent;
  axis->out = (ceil_mode ? CeilDiv(room, axis->stride) : room / axis->stride) + 1;
  // A window that ceil_mode adds must begin inside the input or its leading padding.
  if (ceil_mode && (axis->out - 1) * axis->stride >= axis->in + axis->pad) --axis->out;
  return Ok();
}

}  // namespace

WindowAxis::Taps WindowAxis::ValidTaps(int64_t o) const {
  const int64_t first = o * stride - pad;
  const int64_t begin = first < 0 ? std::min(kernel, CeilDiv(-first, dilation)) : 0;
  const int64_t end = first >= in ? begin : std::min(kernel, CeilDiv(in - first, dilation));
  return {begin, std::max(begin, end)};
}

Result<Window3> ConvWindow(const NodeReader& node, std::span<const int64_t> in, std::span<const int64_t> kernel) {
  OCTAVO_ASSIGN_OR_RETURN(const AutoPad auto_pad, ReadAutoPad(node));
  std::vector<int64_t> sizes(kernel.begin(), kernel.end());
  if (node.has_attribute("kernel_shape")) {
    OCTAVO_ASSIGN_OR_RETURN(const auto attribute, ReadList(node, "kernel_shape", sizes.size(), 1, kUnknown));
    for (size_t i = 0; i < sizes.size(); ++i) {
      OCTAVO_ASSIGN_OR_RETURN(sizes[i],
                              MergeDims(attribute[i], sizes[i], "a size of the kernel", "kernel_shape", "the weights"));
    }
  }
  OCTAVO_ASSIGN_OR_RETURN(Window3 window, ReadWindow(node, in, sizes));
  for (int i = 0; i < window.spatial; ++i) OCTAVO_RETURN_IF_ERROR(Slide(auto_pad, false, i, &window.axis(i)));
  return window;
}

Result<Window3> PoolWindow(const NodeReader& node, std::span<const int64_t> in) {
  OCTAVO_ASSIGN_OR_RETURN(const AutoPad auto_pad, ReadAutoPad(node));
  OCTAVO_ASSIGN_OR_RETURN(const auto kernel, ReadList(node, "kernel_shape", in.size(), 1, 0));
  OCTAVO_RETURN_IF_ERROR(CheckRange("ceil_mode", node.Int("ceil_mode", 0), 0, 1));
  OCTAVO_ASSIGN_OR_RETURN(Window3 window, ReadWindow(node, in, kernel));
  for (int i = 0; i < window.spatial; ++i) {
    OCTAVO_RETURN_IF_ERROR(Slide(auto_pad, node.Int("ceil_mode", 0) != 0, i, &window.axis(i)));
  }
  return window;
}

Result<Window3> ConvTransposeWindow(const NodeReader& node, std::span<const int64_t> in,
                                    std::span<const int64_t> kernel) {
  OCTAVO_ASSIGN_OR_RETURN(const AutoPad auto_pad, ReadAutoPad(node));
  std::vector<int64_t> sizes(kernel.begin(), kernel.end());
  if (node.has_attribute("kernel_shape")) {
    OCTAVO_ASSIGN_OR_RETURN(const auto attribute, ReadList(node, "kernel_shape", sizes.size(), 1, kUnknown));
    for (size_t i = 0; i < sizes.size(); ++i) {
      OCTAVO_ASSIGN_OR_RETURN(sizes[i],
                              MergeDims(attribute[i], sizes[i], "a size of the kernel", "kernel_shape", "the weights"));
    }
  }
  OCTAVO_ASSIGN_OR_RETURN(Window3 window, ReadWindow(node, in, sizes));
  OCTAVO_ASSIGN_OR_RETURN(const auto output_padding, ReadList(node, "output_padding", in.size(), 0, 0));
  std::vector<int64_t> output_shape = node.Ints("output_shape");
  // Some exporters write all dimensions, batch and channels first.
  if (output_shape.size() == in.size() + 2) output_shape.erase(output_shape.begin(), output_shape.begin() + 2);
  if (!output_shape.empty() && output_shape.size() != in.size()) {
    return Error(Code::kInvalidModel, "output_shape has %zu values where %zu are needed", output_shape.size(),
                 in.size());
  }
  const bool same = auto_pad == AutoPad::kSameUpper || auto_pad == AutoPad::kSameLower;
  for (int i = 0; i < window.spatial; ++i) {
    WindowAxis& axis = window.axis(i);
    const size_t k = static_cast<size_t>(i);
    if (output_padding[k] >= std::max(axis.stride, axis.dilation)) {
      return Error(Code::kInvalidModel, "output_padding[%d] is %lld; it must be less than stride %lld or dilation %lld",
                   i, LL(output_padding[k]), LL(axis.stride), LL(axis.dilation));
    }
    if (auto_pad == AutoPad::kValid) axis.pad = axis.pad_end = 0;
    if (!output_shape.empty()) {
      OCTAVO_RETURN_IF_ERROR(CheckRange("a value of output_shape", output_shape[k], 0, kMost));
      axis.out = output_shape[k];
    }
    const bool pads_follow = same || !output_shape.empty();  // from the output's size
    if (pads_follow) axis.pad = axis.pad_end = kUnknown;
    if (axis.in == kUnknown) continue;
    int64_t full;  // output without padding
    if (!CheckedMul(axis.stride, std::max<int64_t>(axis.in - 1, 0), &full) || full > INT64_MAX / 2) {
      return Error(Code::kLimit, "spatial axis %d is too large", i);
    }
    if (axis.kernel == kUnknown) continue;
    const int64_t scaled = axis.in == 0 ? 0 : full + axis.stride;  // in * stride
    full += output_padding[k];
    if (!CheckedAdd(full, Extent(axis), &full)) return Error(Code::kLimit, "spatial axis %d is too large", i);
    // Where the kernel is smaller than the stride, there is less than that to begin with.
    if (same && output_shape.empty()) axis.out = std::min(scaled, full);
    if (pads_follow) {
      const int64_t total = std::max<int64_t>(full - axis.out, 0);
      axis.pad = auto_pad == AutoPad::kSameUpper ? total / 2 : total - total / 2;
      axis.pad_end = total - axis.pad;
    } else if (axis.in == 0) {
      axis.out = 0;
    } else {
      axis.out = full - axis.pad - axis.pad_end;
      if (axis.out < 0) {
        return Error(Code::kInvalidModel,
                     "spatial axis %d: pads %lld and %lld are more than the %lld elements there are", i, LL(axis.pad),
                     LL(axis.pad_end), LL(full));
      }
    }
  }
  return window;
}

}  // namespace octavo
