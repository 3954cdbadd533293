// NumPy arrays as views, and the functions on single tensors.
#include <cstring>

#include "native.h"

py::object Shape(const octavo_tensor_view& view) {
  if (view.rank < 0) return py::none();
  py::tuple shape(static_cast<size_t>(view.rank));
  for (int32_t d = 0; d < view.rank; ++d) shape[static_cast<size_t>(d)] = view.dims[d];
  return shape;
}

octavo_tensor_view ArrayViews::Describe(const py::array& array, int32_t dtype) {
  if (array.ndim() > OCTAVO_MAX_RANK) {
    throw Failure(OCTAVO_INVALID_ARGUMENT, "the array has " + std::to_string(array.ndim()) + " dimensions, " +
                                               std::to_string(OCTAVO_MAX_RANK) + " are allowed");
  }
  const size_t element = octavo_dtype_bits(dtype) / 8;
  if (element == 0 || static_cast<size_t>(array.itemsize()) != element) {
    throw Failure(OCTAVO_INVALID_ARGUMENT, "elements of " + std::to_string(array.itemsize()) + " bytes cannot be " +
                                               std::string(octavo_dtype_name(dtype)));
  }
  entries_.emplace_back();
  Entry& entry = entries_.back();
  octavo_tensor_view view = OCTAVO_TENSOR_VIEW_INIT;
  view.dtype = dtype;
  view.rank = static_cast<int32_t>(array.ndim());
  view.data = const_cast<void*>(array.data());
  view.bytes = static_cast<size_t>(array.nbytes());
  view.dims = entry.dims;
  for (int d = 0; d < view.rank; ++d) entry.dims[d] = array.shape(d);
  return view;
}

void ArrayViews::AddInput(const py::array& array, int32_t dtype) {
  octavo_tensor_view view = Describe(array, dtype);
  if (!(array.flags() & py::array::c_style)) {
    for (int d = 0; d < view.rank; ++d) {
      if (array.strides(d) % array.itemsize() != 0) {
        throw Failure(OCTAVO_INVALID_ARGUMENT, "the array's strides are not whole elements");
      }
      entries_.back().strides[d] = array.strides(d) / array.itemsize();
    }
    view.strides = entries_.back().strides;
  }
  views_.push_back(view);
}

void ArrayViews::AddOutput(py::array& array, int32_t dtype) {
  if (!array.writeable() || !(array.flags() & py::array::c_style)) {
    throw Failure(OCTAVO_INVALID_ARGUMENT, "an output array must be writeable and C-contiguous");
  }
  views_.push_back(Describe(array, dtype));
}

void ArrayViews::AddEmpty() { views_.push_back(OCTAVO_TENSOR_VIEW_INIT); }

py::dtype NumpyType(int32_t dtype) {
  switch (dtype) {
    case OCTAVO_BFLOAT16:
      return py::dtype("uint16");
    case OCTAVO_UNDEFINED:
    case OCTAVO_INT4:
    case OCTAVO_UINT4:
      throw Failure(OCTAVO_UNSUPPORTED, std::string("NumPy has no type for ") + octavo_dtype_name(dtype));
    default:
      return py::dtype(octavo_dtype_name(dtype));
  }
}

py::array NewArray(const py::dtype& type, const octavo_tensor_view& view) {
  // Straight to NumPy: py::array's own constructor makes two vectors and works out strides that NumPy works out again.
  Py_intptr_t shape[OCTAVO_MAX_RANK];
  for (int d = 0; d < view.rank; ++d) shape[d] = static_cast<Py_intptr_t>(view.dims[d]);
  const auto& numpy = py::detail::npy_api::get();
  PyObject* made = numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_, py::dtype(type).release().ptr(), view.rank, shape,
                                               nullptr, nullptr, 0, nullptr);
  if (made == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::array>(made);
}

ArrayViews Inputs(const Arrays& arrays, const DTypes& dtypes) {
  ArrayViews views(arrays.size());
  for (size_t i = 0; i < arrays.size(); ++i) views.AddInput(arrays[i], dtypes.at(i));
  return views;
}

namespace {

using MaybeArray = std::optional<py::array>;

int32_t TypeOf(const py::array& array) {
  const py::dtype type = array.dtype();
  const std::string name = py::str(type.attr("name"));
  for (int32_t dtype = 1; dtype <= OCTAVO_INT4; ++dtype) {
    if (name == octavo_dtype_name(dtype)) return dtype;
  }
  throw Failure(OCTAVO_INVALID_ARGUMENT, "an array of " + name + " is not supported here");
}

const octavo_tensor_view* AddIf(ArrayViews* views, const MaybeArray& array) {
  if (!array) return nullptr;
  views->AddInput(*array, TypeOf(*array));
  return &(*views)[views->size() - 1];
}

py::tuple ChooseScale(const ContextHandle& handle, const py::array& x, int32_t axis, bool per_axis, bool symmetric,
                      const std::string& dtype) {
  const auto context = handle.get();
  ArrayViews in(1), out(2);
  in.AddInput(x, TypeOf(x));
  std::vector<py::ssize_t> shape;
  if (per_axis) {
    const py::ssize_t d = axis < 0 ? axis + x.ndim() : axis;
    if (d < 0 || d >= x.ndim()) {
      throw Failure(OCTAVO_INVALID_ARGUMENT, "axis " + std::to_string(axis) + " is outside the array's " +
                                                 std::to_string(x.ndim()) + " dimensions");
    }
    shape.push_back(x.shape(d));
  }
  py::array scale(py::dtype("float32"), shape);
  py::array zero_point(py::dtype(dtype), shape);
  out.AddOutput(scale, OCTAVO_FLOAT32);
  out.AddOutput(zero_point, TypeOf(zero_point));
  Unlocked([&] { return octavo_tensor_choose_scale(context.get(), in.data(), axis, symmetric, &out[0], &out[1]); });
  return py::make_tuple(scale, zero_point);
}

// quantize, dequantize: x, scale, zero_point -> an array of x's shape.
template <typename Call>
py::array Elementwise(const py::array& x, const py::array& scale, const MaybeArray& zero_point, py::array y,
                      Call&& call) {
  ArrayViews in(3), out(1);
  in.AddInput(x, TypeOf(x));
  in.AddInput(scale, TypeOf(scale));
  const octavo_tensor_view* zero = AddIf(&in, zero_point);
  out.AddOutput(y, TypeOf(y));
  Unlocked([&] { return call(&in[0], &in[1], zero, &out[0]); });
  return y;
}

std::vector<py::ssize_t> ShapeOf(const py::array& array) {
  return std::vector<py::ssize_t>(array.shape(), array.shape() + array.ndim());
}

}  // namespace

void BindTensors(py::module_& m) {
  m.def("tensor_choose_scale", &ChooseScale);
  m.def("tensor_quantize", [](const ContextHandle& handle, const py::array& x, const py::array& scale,
                              const MaybeArray& zero_point, int32_t axis, const std::string& dtype) {
    const auto context = handle.get();
    return Elementwise(
        x, scale, zero_point, py::array(py::dtype(dtype), ShapeOf(x)),
        [&](auto* a, auto* s, auto* z, auto* y) { return octavo_tensor_quantize(context.get(), a, s, z, axis, y); });
  });
  m.def("tensor_dequantize", [](const ContextHandle& handle, const py::array& x, const py::array& scale,
                                const MaybeArray& zero_point, int32_t axis) {
    const auto context = handle.get();
    return Elementwise(
        x, scale, zero_point, py::array(py::dtype("float32"), ShapeOf(x)),
        [&](auto* a, auto* s, auto* z, auto* y) { return octavo_tensor_dequantize(context.get(), a, s, z, axis, y); });
  });
  m.def("tensor_fake_quantize", [](const ContextHandle& handle, const py::array& x, const py::array& scale,
                                   const MaybeArray& zero_point, int32_t axis, const std::string& dtype) {
    const auto context = handle.get();
    const int32_t between = TypeOf(py::array(py::dtype(dtype), std::vector<py::ssize_t>{1}));
    return Elementwise(x, scale, zero_point, py::array(py::dtype("float32"), ShapeOf(x)),
                       [&](auto* a, auto* s, auto* z, auto* y) {
                         return octavo_tensor_fake_quantize(context.get(), a, s, z, between, axis, y);
                       });
  });
  m.def("tensor_matmul", [](const ContextHandle& handle, const py::array& a, const MaybeArray& a_scale,
                            const MaybeArray& a_zero, const py::array& b, const MaybeArray& b_scale,
                            const MaybeArray& b_zero, const MaybeArray& y_scale, const MaybeArray& y_zero,
                            const std::vector<py::ssize_t>& shape, const std::string& dtype) {
    const auto context = handle.get();
    ArrayViews in(8), out(1);
    in.AddInput(a, TypeOf(a));
    in.AddInput(b, TypeOf(b));
    const auto *sa = AddIf(&in, a_scale), *za = AddIf(&in, a_zero), *sb = AddIf(&in, b_scale), *zb = AddIf(&in, b_zero),
               *sy = AddIf(&in, y_scale), *zy = AddIf(&in, y_zero);
    py::array y(py::dtype(dtype), shape);
    out.AddOutput(y, TypeOf(y));
    Unlocked([&] { return octavo_tensor_matmul(context.get(), &in[0], sa, za, &in[1], sb, zb, sy, zy, &out[0]); });
    return y;
  });
}
