// Nodes that only move elements. Most become another view of the same storage; the rest are strided copies.
#include <algorithm>
#include <cstring>

#include "core/plan/plan_builder.h"
#include "core/plan/strided.h"

namespace octavo {
namespace {

// Fills a whole storage with one element.
class FillStep : public Step {
 public:
  FillStep(const View& view, uint64_t bytes, uint32_t pattern, size_t element)
      : view_(view), bytes_(bytes), pattern_(pattern), element_(element) {}
  Status Run(RunState& state, size_t, size_t) const override {
    std::byte* const at = state.bases[view_.storage];
    if (element_ == 1) {
      std::memset(at, static_cast<int>(pattern_), bytes_);
    } else {
      std::fill_n(reinterpret_cast<uint32_t*>(at), bytes_ / sizeof(uint32_t), pattern_);
    }
    return Ok();
  }

 private:
  const View view_;
  const uint64_t bytes_;
  const uint32_t pattern_;
  const size_t element_;
};

// The strides under which elements laid out as (from, strides) have the shape `to` in the same order; nullopt if no
// strides do. Dimensions are matched in groups of equal product.
std::optional<Strides> ReshapeStrides(const Shape& from, const Strides& strides, const Shape& to, int64_t element) {
  LoopNest<1> merged;  // runs of `from` that are walked as one
  for (int i = 0; i < from.rank(); ++i) merged.Append(from[i], {strides[static_cast<size_t>(i)]});
  Strides result{};
  int64_t stride = element, rest = 1;
  int next = merged.rank;
  for (int i = to.rank(); i-- > 0;) {
    const auto d = static_cast<size_t>(i);
    if (to[i] == 1) {
      result[d] = stride * rest;
      continue;
    }
    if (rest == 1) {
      if (next == 0) return std::nullopt;
      --next;
      rest = merged.sizes[static_cast<size_t>(next)];
      stride = merged.strides[static_cast<size_t>(next)][0];
    }
    if (rest % to[i] != 0) return std::nullopt;
    result[d] = stride;
    stride *= to[i];
    rest /= to[i];
  }
  return result;
}

class MoveLowering {
 public:
  MoveLowering(PlanBuilder& builder, NodeId n)
      : b_(builder), n_(n), node_(builder.node(n)), reader_(builder.node(n), builder.graph().opset()) {}

  Result<bool> Run() {
    if (!node_.domain.empty() || node_.inputs.empty() || node_.inputs[0] == kNoValue) return false;
    if (BitsOf(b_.value(node_.outputs[0]).dtype) % 8 != 0) return false;
    const std::string& op = node_.op_type;
    if (op == "Concat") return Concat();
    if (b_.IsConstant(node_.inputs[0])) return false;
    if (op == "Transpose") return Transpose();
    if (op == "Slice") return Slice();
    if (op == "Split") return Split();
    if (op == "Gather") return Pick();
    if (op == "Pad") return Pad();
    const bool reshapes = op == "Reshape" || op == "Flatten" || op == "Squeeze" || op == "Unsqueeze" ||
                          op == "Identity" || (op == "Dropout" && DropsNothing());
    if (!reshapes) return false;
    for (size_t i = 1; i < node_.outputs.size(); ++i) {
      if (node_.outputs[i] != kNoValue) return false;  // the mask of a Dropout
    }
    return Reshape();
  }

 private:
  ValueId in() const { return node_.inputs[0]; }
  ValueId out() const { return node_.outputs[0]; }
  int64_t element() const { return static_cast<int64_t>(BitsOf(b_.value(out()).dtype) / 8); }

  // Of a Dropout whose training mode arrives with the inputs, the row has to say so when it is on.
  bool DropsNothing() const {
    if (!node_.has_input(2)) return true;
    const auto& training = b_.value(node_.inputs[2]).constant;
    return training && *static_cast<const uint8_t*>(training->raw()) == 0;
  }

  // Integer parameters from an attribute (older operator sets) or a constant input.
  std::optional<std::vector<int64_t>> Integers(const char* attribute, size_t input) const {
    if (reader_.has_attribute(attribute)) return reader_.Ints(attribute);
    if (!node_.has_input(input)) return std::vector<int64_t>();
    if (!b_.IsConstant(node_.inputs[input])) return std::nullopt;
    size_t count = 0;
    const auto values = SmallIntegers(*b_.value(node_.inputs[input]).constant, &count);
    if (!values.ok()) return std::nullopt;
    return std::vector<int64_t>(values->begin(), values->begin() + static_cast<ptrdiff_t>(count));
  }

  Result<bool> Transpose() {
    const View from = b_.Read(in());
    View view = from;
    const int rank = b_.shape(in()).rank();
    const std::vector<int64_t> perm = reader_.Ints("perm");
    for (int i = 0; i < rank; ++i) {
      const int64_t source = perm.empty() ? rank - 1 - i : perm[static_cast<size_t>(i)];
      view.strides[static_cast<size_t>(i)] = from.strides[static_cast<size_t>(source)];
    }
    b_.Alias(n_, out(), view);
    return true;
  }

  Result<bool> Slice() {
    const auto starts = Integers("starts", 1);
    auto axes = Integers("axes", 3);
    const auto steps = Integers("steps", 4);
    if (!starts || !axes || !steps) return false;
    View view = b_.Read(in());
    const octavo::Shape& shape = b_.shape(in());
    if (axes->empty()) {
      for (size_t i = 0; i < starts->size(); ++i) axes->push_back(static_cast<int64_t>(i));
    }
    for (size_t i = 0; i < axes->size(); ++i) {
      const int axis = static_cast<int>((*axes)[i] < 0 ? (*axes)[i] + shape.rank() : (*axes)[i]);
      const int64_t step = steps->empty() ? 1 : (*steps)[i], size = shape[axis];
      int64_t start = (*starts)[i] < -size ? -size : (*starts)[i];
      start += start < 0 ? size : 0;
      start = std::clamp<int64_t>(start, 0, size - 1);
      int64_t& stride = view.strides[static_cast<size_t>(axis)];
      view.offset += start * stride;
      // One element needs no stride, and its step may be any number.
      if (b_.shape(out())[axis] > 1) stride *= step;
    }
    b_.Alias(n_, out(), view);
    return true;
  }

  Result<bool> Split() {
    View view = b_.Read(in());
    const auto axis = NormalizeAxis(reader_.Int("axis", 0), b_.shape(in()).rank());
    if (!axis.ok()) return false;
    for (ValueId v : node_.outputs) {
      if (v == kNoValue || !b_.IsConcrete(v)) return false;
    }
    for (ValueId v : node_.outputs) {
      b_.Alias(n_, v, view);
      view.offset += b_.shape(v)[*axis] * view.strides[static_cast<size_t>(*axis)];
    }
    return true;
  }

  // Gather of one constant index: x[:, 0].
  Result<bool> Pick() {
    const auto index = Integers("", 1);
    if (!index || index->size() != 1 || b_.shape(node_.inputs[1]).rank() != 0) return false;
    const octavo::Shape& shape = b_.shape(in());
    const auto axis = NormalizeAxis(reader_.Int("axis", 0), shape.rank());
    if (!axis.ok()) return false;
    const int64_t i = (*index)[0] < 0 ? (*index)[0] + shape[*axis] : (*index)[0];
    if (i < 0 || i >= shape[*axis]) return false;  // the row itself reports it
    View view = b_.Read(in());
    view.offset += i * view.strides[static_cast<size_t>(*axis)];
    for (int d = *axis; d + 1 < shape.rank(); ++d) {
      view.strides[static_cast<size_t>(d)] = view.strides[static_cast<size_t>(d + 1)];
    }
    b_.Alias(n_, out(), view);
    return true;
  }

  Result<bool> Reshape() {
    View view = b_.Read(in());
    const octavo::Shape &from = b_.shape(in()), &to = b_.shape(out());
    auto strides = ReshapeStrides(from, view.strides, to, element());
    if (!strides) {
      OCTAVO_ASSIGN_OR_RETURN(view, Rearranged());
      strides = ReshapeStrides(from, view.strides, to, element());
      if (!strides)
        return Error(Code::kInternal, "reshape of %s to %s", from.ToString().c_str(), to.ToString().c_str());
    }
    view.strides = *strides;
    b_.Alias(n_, out(), view);
    return true;
  }

  // A copy of the input whose order allows the reshape. Dimensions that become the channels of an image go innermost,
  // as a channel shuffle wants it; everything else becomes row-major.
  Result<View> Rearranged() {
    const octavo::Shape &from = b_.shape(in()), &to = b_.shape(out());
    const bool image = to.rank() >= 3 && to.rank() <= 4 && from.rank() > 2 && from[0] == to[0] && b_.WantsPixels(out());
    int64_t channels = 1;
    int end = 1;
    while (image && end < from.rank() && channels < to[1]) channels *= from[end++];
    if (!image || channels != to[1] || from.Elements(end, from.rank()) != to.Elements(2, to.rank())) {
      return b_.ReadDense(in());
    }
    OCTAVO_ASSIGN_OR_RETURN(View view, b_.MakeScratch(BytesFor(from.Elements(), b_.value(in()).dtype)));
    int64_t stride = element();
    const auto place = [&](int d) {
      view.strides[static_cast<size_t>(d)] = stride;
      stride *= from[d];
    };
    for (int d = end; d-- > 1;) place(d);
    for (int d = from.rank(); d-- > end;) place(d);
    place(0);
    return b_.CopyTo(in(), view, n_);
  }

  Result<bool> Concat() {
    const octavo::Shape& shape = b_.shape(out());
    const auto axis = NormalizeAxis(reader_.Int("axis", 1), shape.rank());
    if (!axis.ok()) return false;
    const bool pixels = shape.rank() >= 3 && shape.rank() <= 4 &&
                        (b_.WantsPixels(out()) || (b_.IsPlaced(in()) && !b_.IsConstant(in()) && b_.IsPixels(in())));
    // A producer may have placed the result already, to write its share in place.
    View view;
    if (b_.IsPlaced(out())) {
      view = b_.Read(out());
    } else if (pixels && !b_.WantsFrame(out()) && LieSideBySide(*axis)) {
      b_.Alias(n_, out(), b_.Read(in()));
      return true;
    } else {
      OCTAVO_ASSIGN_OR_RETURN(view, pixels ? b_.MakePixels(out()) : b_.MakeDense(out()));
    }
    View part = view;
    for (ValueId v : node_.inputs) {
      if (!b_.IsInPlace(v, n_) && b_.shape(v).Elements() > 0) {
        OCTAVO_ASSIGN_OR_RETURN(const View copied, b_.CopyTo(v, part, n_));
        part = copied;
      }
      part.offset += b_.shape(v)[*axis] * view.strides[static_cast<size_t>(*axis)];
    }
    b_.Alias(n_, out(), view);
    return true;
  }

  // Whether the inputs already follow each other in memory as the result wants them.
  bool LieSideBySide(int axis) {
    View next = b_.Read(in());
    for (ValueId v : node_.inputs) {
      if (!b_.IsPlaced(v) || b_.IsConstant(v)) return false;
      const View view = b_.Read(v);
      if (view.storage != next.storage || view.offset != next.offset || view.strides != next.strides) return false;
      next.offset += b_.shape(v)[axis] * view.strides[static_cast<size_t>(axis)];
    }
    return true;
  }

  Result<bool> Pad() {
    const auto pads = Integers("pads", 1);
    const octavo::Shape& shape = b_.shape(in());
    const bool attributes = reader_.has_attribute("pads");
    if (!pads || reader_.String("mode", "constant") != "constant" || node_.has_input(3)) return false;
    if (pads->size() != static_cast<size_t>(2 * shape.rank()) || (element() != 1 && element() != 4)) return false;
    if (std::any_of(pads->begin(), pads->end(), [](int64_t p) { return p < 0; })) return false;
    uint32_t pattern = 0;
    if (attributes) {
      const float value = reader_.Float("value", 0.0f);
      if (b_.value(in()).dtype != DType::kFloat) return false;
      std::memcpy(&pattern, &value, sizeof(pattern));
    } else if (node_.has_input(2)) {
      if (!b_.IsConstant(node_.inputs[2]) || b_.shape(node_.inputs[2]).Elements() != 1) return false;
      std::memcpy(&pattern, b_.value(node_.inputs[2]).constant->raw(), static_cast<size_t>(element()));
    }
    const bool pixels = shape.rank() >= 3 && shape.rank() <= 4 && (b_.IsPixels(in()) || b_.WantsPixels(out()));
    OCTAVO_ASSIGN_OR_RETURN(const View view, pixels ? b_.MakePixels(out()) : b_.MakeDense(out()));
    auto fill = std::make_unique<FillStep>(view, b_.StorageBytes(view), pattern, static_cast<size_t>(element()));
    fill->info.name = node_.name;
    fill->info.op = "Pad";
    fill->info.kernel = "fill";
    // The frame of the result, if it has one, is filled by its own step, which must come after this.
    b_.Emit(std::move(fill), n_, {view}, {});
    OCTAVO_RETURN_IF_ERROR(b_.RefillFrame(out()));
    View part = view;
    for (int d = 0; d < shape.rank(); ++d) {
      part.offset += (*pads)[static_cast<size_t>(d)] * view.strides[static_cast<size_t>(d)];
    }
    OCTAVO_RETURN_IF_ERROR(b_.CopyTo(in(), part, n_).status());
    b_.Alias(n_, out(), view);
    return true;
  }

  PlanBuilder& b_;
  const NodeId n_;
  const Node& node_;
  const NodeReader reader_;
};

}  // namespace

Result<bool> LowerMove(PlanBuilder& builder, NodeId n) { return MoveLowering(builder, n).Run(); }

}  // namespace octavo
