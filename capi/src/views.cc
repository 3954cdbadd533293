#include "capi/src/views.h"

#include <cstring>

#include "capi/src/guard.h"
#include "core/base/checked.h"

namespace octavo::capi {
namespace {

// Gathers a strided tensor element by element, the last dimension as the inner loop.
void Gather(const octavo_tensor_view& view, size_t element, char* to) {
  int64_t index[OCTAVO_MAX_RANK] = {};
  const int last = view.rank - 1;
  const int64_t inner = last < 0 ? 1 : view.dims[last];
  const int64_t step = last < 0 ? 0 : view.strides[last] * static_cast<int64_t>(element);
  for (;;) {
    int64_t offset = 0;
    for (int d = 0; d < last; ++d) offset += index[d] * view.strides[d];
    const char* from = static_cast<const char*>(view.data) + offset * static_cast<int64_t>(element);
    for (int64_t i = 0; i < inner; ++i, from += step, to += element) std::memcpy(to, from, element);
    int d = last - 1;
    while (d >= 0 && ++index[d] == view.dims[d]) index[d--] = 0;
    if (d < 0) return;
  }
}

bool IsDense(const octavo_tensor_view& view) {
  if (!view.strides) return true;
  int64_t expected = 1;
  for (int d = view.rank - 1; d >= 0; --d) {
    if (view.dims[d] != 1 && view.strides[d] != expected) return false;
    expected *= view.dims[d];
  }
  return true;
}

}  // namespace

Status CheckViews(const octavo_tensor_view* views, size_t count, const char* argument) {
  if (!views) return Invalid(std::string(argument) + " is NULL");
  const uint32_t size = views->struct_size;
  if (size < sizeof(octavo_tensor_view) || size > 4096 || size % alignof(octavo_tensor_view) != 0) {
    return Error(Code::kInvalidArgument, "%s: struct_size is %u, sizeof(octavo_tensor_view) is %zu", argument, size,
                 sizeof(octavo_tensor_view));
  }
  const Views<const octavo_tensor_view> all(views, count);
  for (size_t i = 0; i < count; ++i) {
    if (all[i].struct_size != size) {
      return Error(Code::kInvalidArgument, "%s: struct_size is %u in the first view, %u in view %zu", argument, size,
                   all[i].struct_size, i);
    }
    if (all[i].flags != 0) return Error(Code::kInvalidArgument, "%s: flags of view %zu are not 0", argument, i);
  }
  return Ok();
}

Result<Shape> ReadShape(const octavo_tensor_view& view) {
  const DType dtype = static_cast<DType>(view.dtype);
  if (!IsSupported(dtype)) return Error(Code::kInvalidArgument, "dtype %d is none of octavo_dtype", view.dtype);
  if (view.rank < 0 || view.rank > OCTAVO_MAX_RANK) {
    return Error(Code::kInvalidArgument, "rank %d is outside 0..%d", view.rank, OCTAVO_MAX_RANK);
  }
  if (view.rank > 0 && !view.dims) return Error(Code::kInvalidArgument, "dims is NULL, rank is %d", view.rank);
  const Shape shape(std::span(view.dims, static_cast<size_t>(view.rank)));
  for (int d = 0; d < view.rank; ++d) {
    if (shape[d] < 0) {
      return Error(Code::kInvalidArgument, "dimension %d is %lld", d, static_cast<long long>(shape[d]));
    }
  }
  if (const Result<int64_t> elements = CheckedElements(shape, dtype); !elements.ok()) {
    return Invalid(elements.status().message());
  }
  return shape;
}

Result<Tensor> ReadView(const octavo_tensor_view& view, const MemoryPtr& memory) {
  OCTAVO_ASSIGN_OR_RETURN(const Shape shape, ReadShape(view));
  const DType dtype = static_cast<DType>(view.dtype);
  const size_t bytes = BytesFor(shape.Elements(), dtype);
  if (!view.data && (bytes > 0 || view.bytes > 0)) return Invalid("data is NULL");
  if (IsDense(view)) {
    if (view.bytes != bytes) {
      return Error(Code::kInvalidArgument, "shape %s of %s is %zu bytes, the view has %zu", shape.ToString().c_str(),
                   Name(dtype), bytes, view.bytes);
    }
    return Tensor::Wrap(dtype, shape, view.data, bytes, nullptr);
  }
  const size_t element = BitsOf(dtype) / 8;
  if (element == 0) return Invalid("4-bit elements cannot have strides");
  for (int d = 0; d < view.rank; ++d) {
    int64_t reach = 0;
    if (!CheckedMul<int64_t>(view.strides[d], shape[d], &reach) ||
        !CheckedMul<int64_t>(reach, static_cast<int64_t>(element) * OCTAVO_MAX_RANK, &reach)) {
      return Error(Code::kInvalidArgument, "stride %d is %lld: out of range", d,
                   static_cast<long long>(view.strides[d]));
    }
  }
  OCTAVO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(memory, dtype, shape));
  if (bytes > 0) Gather(view, element, static_cast<char*>(tensor.mutable_raw()));
  return tensor;
}

Status ReadInputs(const Graph& graph, const octavo_tensor_view* inputs, size_t count, const MemoryPtr& memory,
                  std::vector<Tensor>* out) {
  if (count != graph.inputs.size()) {
    return Error(Code::kInvalidArgument, "%zu inputs were given, the model takes %zu", count, graph.inputs.size());
  }
  if (count > 0) OCTAVO_RETURN_IF_ERROR(CheckViews(inputs, count, "inputs"));
  const Views<const octavo_tensor_view> views(inputs, count);
  out->resize(count);
  for (size_t i = 0; i < count; ++i) {
    Result<Tensor> tensor = ReadView(views[i], memory);
    if (!tensor.ok()) return tensor.status().Within(PortName("input", i, graph, graph.inputs[i]));
    (*out)[i] = std::move(*tensor);
  }
  return Ok();
}

Result<Tensor> WriteTarget(const octavo_tensor_view& view, DType dtype, const Shape& shape) {
  if (!view.data && view.bytes > 0) return Invalid("data is NULL");
  if (view.strides) return Invalid("strides must be NULL: results are dense");
  if (view.dtype != OCTAVO_UNDEFINED && view.dtype != static_cast<int32_t>(dtype)) {
    return Error(Code::kInvalidArgument, "the result is %s, the view is %s", Name(dtype),
                 Name(static_cast<DType>(view.dtype)));
  }
  if (view.dims) {
    bool same = view.rank == shape.rank();
    for (int d = 0; same && d < shape.rank(); ++d) same = view.dims[d] == shape[d];
    if (!same) {
      std::string given = "of rank " + std::to_string(view.rank);
      if (view.rank >= 0 && view.rank <= OCTAVO_MAX_RANK) {
        given = Shape(std::span(view.dims, static_cast<size_t>(view.rank))).ToString();
      }
      return Error(Code::kInvalidArgument, "the shape of the result is %s, that of the view %s",
                   shape.ToString().c_str(), given.c_str());
    }
  }
  const size_t bytes = BytesFor(shape.Elements(), dtype);
  if (view.bytes < bytes) {
    return Error(Code::kInvalidArgument, "the result, %s %s, needs %zu bytes, the view has %zu", Name(dtype),
                 shape.ToString().c_str(), bytes, view.bytes);
  }
  return Tensor::Wrap(dtype, shape, view.data, bytes, nullptr);
}

void Describe(DType dtype, const Shape& shape, octavo_tensor_view* view) {
  view->dtype = static_cast<int32_t>(dtype);
  view->rank = shape.rank();
  view->dims = shape.dims().data();
  view->strides = nullptr;
  view->bytes = shape.IsKnown() ? BytesFor(shape.Elements(), dtype) : 0;
}

Status CopyShape(const std::optional<Shape>& shape, int64_t* dims, size_t capacity, int32_t* out_rank) {
  OCTAVO_CHECK_POINTER(out_rank);
  if (!dims && capacity > 0) return Invalid("dims is NULL");
  const size_t rank = shape ? static_cast<size_t>(shape->rank()) : 0;
  if (capacity > 0 && capacity < rank) {
    return Error(Code::kInvalidArgument, "the rank is %zu, there is room for %zu dimensions", rank, capacity);
  }
  for (size_t d = 0; d < rank && capacity > 0; ++d) dims[d] = (*shape)[static_cast<int>(d)];
  *out_rank = shape ? static_cast<int32_t>(rank) : -1;
  return Ok();
}

std::string PortName(const char* kind, size_t index, const Graph& graph, ValueId value) {
  return std::string(kind) + " " + std::to_string(index) + " '" + Printable(graph.values[value].name) + "'";
}

}  // namespace octavo::capi
