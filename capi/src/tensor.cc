// Section 12 of octavo.h: single tensors.
#include "capi/src/handles.h"
#include "capi/src/views.h"
#include "core/quantize/single.h"

namespace octavo::capi {
namespace {

// The operands of one call: views read, and what they were called, for messages.
class Operands {
 public:
  explicit Operands(const octavo_context* context) : memory_(context->context->memory()) {}
  const MemoryPtr& memory() const { return memory_; }

  Status Read(const octavo_tensor_view* view, const char* name, std::optional<Tensor>* out) const {
    OCTAVO_RETURN_IF_ERROR(CheckView(view, name));
    Result<Tensor> tensor = ReadView(*view, memory_);
    if (!tensor.ok()) return tensor.status().Within(name);
    *out = std::move(*tensor);
    return Ok();
  }
  Status ReadOptional(const octavo_tensor_view* view, const char* name, std::optional<Tensor>* out) const {
    return view ? Read(view, name, out) : Ok();
  }
  // The caller's memory for a result: dtype and shape are the view's.
  Status Target(const octavo_tensor_view* view, const char* name, std::optional<Tensor>* out) const {
    OCTAVO_RETURN_IF_ERROR(CheckView(view, name));
    Result<Shape> shape = ReadShape(*view);
    Result<Tensor> tensor = shape.ok() ? WriteTarget(*view, static_cast<DType>(view->dtype), *shape) : shape.status();
    if (!tensor.ok()) return tensor.status().Within(name);
    if (!view->data && tensor->bytes() > 0) return Invalid(std::string(name) + ": data is NULL");
    *out = std::move(*tensor);
    return Ok();
  }

 private:
  const MemoryPtr& memory_;
};

const Tensor* Pointer(const std::optional<Tensor>& tensor) { return tensor ? &*tensor : nullptr; }

}  // namespace
}  // namespace octavo::capi

using octavo::Status;
using octavo::Tensor;
using octavo::capi::Guard;
using octavo::capi::Operands;
using octavo::capi::Pointer;

octavo_status octavo_tensor_choose_scale(octavo_context* context, const octavo_tensor_view* x, int32_t axis,
                                         int32_t symmetric, octavo_tensor_view* scale, octavo_tensor_view* zero_point) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    const Operands operands(context);
    std::optional<Tensor> in, s, z;
    OCTAVO_RETURN_IF_ERROR(operands.Read(x, "x", &in));
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckFlag(symmetric, "symmetric"));
    OCTAVO_RETURN_IF_ERROR(operands.Target(scale, "scale", &s));
    OCTAVO_RETURN_IF_ERROR(operands.Target(zero_point, "zero_point", &z));
    return octavo::ChooseScale(*in, axis, symmetric != 0, &*s, &*z);
  });
}

octavo_status octavo_tensor_quantize(octavo_context* context, const octavo_tensor_view* x,
                                     const octavo_tensor_view* scale, const octavo_tensor_view* zero_point,
                                     int32_t axis, octavo_tensor_view* y) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    const Operands operands(context);
    std::optional<Tensor> in, s, z, out;
    OCTAVO_RETURN_IF_ERROR(operands.Read(x, "x", &in));
    OCTAVO_RETURN_IF_ERROR(operands.Read(scale, "scale", &s));
    OCTAVO_RETURN_IF_ERROR(operands.ReadOptional(zero_point, "zero_point", &z));
    OCTAVO_RETURN_IF_ERROR(operands.Target(y, "y", &out));
    return octavo::QuantizeTensor(*in, *s, Pointer(z), axis, operands.memory(), &*out);
  });
}

octavo_status octavo_tensor_dequantize(octavo_context* context, const octavo_tensor_view* x,
                                       const octavo_tensor_view* scale, const octavo_tensor_view* zero_point,
                                       int32_t axis, octavo_tensor_view* y) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    const Operands operands(context);
    std::optional<Tensor> in, s, z, out;
    OCTAVO_RETURN_IF_ERROR(operands.Read(x, "x", &in));
    OCTAVO_RETURN_IF_ERROR(operands.Read(scale, "scale", &s));
    OCTAVO_RETURN_IF_ERROR(operands.ReadOptional(zero_point, "zero_point", &z));
    OCTAVO_RETURN_IF_ERROR(operands.Target(y, "y", &out));
    return octavo::DequantizeTensor(*in, *s, Pointer(z), axis, operands.memory(), &*out);
  });
}

octavo_status octavo_tensor_fake_quantize(octavo_context* context, const octavo_tensor_view* x,
                                          const octavo_tensor_view* scale, const octavo_tensor_view* zero_point,
                                          int32_t dtype, int32_t axis, octavo_tensor_view* y) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    const Operands operands(context);
    std::optional<Tensor> in, s, z, out;
    OCTAVO_RETURN_IF_ERROR(operands.Read(x, "x", &in));
    OCTAVO_RETURN_IF_ERROR(operands.Read(scale, "scale", &s));
    OCTAVO_RETURN_IF_ERROR(operands.ReadOptional(zero_point, "zero_point", &z));
    OCTAVO_RETURN_IF_ERROR(operands.Target(y, "y", &out));
    return octavo::FakeQuantizeTensor(*in, *s, Pointer(z), static_cast<octavo::DType>(dtype), axis, operands.memory(),
                                      &*out);
  });
}

octavo_status octavo_tensor_matmul(octavo_context* context, const octavo_tensor_view* a,
                                   const octavo_tensor_view* a_scale, const octavo_tensor_view* a_zero_point,
                                   const octavo_tensor_view* b, const octavo_tensor_view* b_scale,
                                   const octavo_tensor_view* b_zero_point, const octavo_tensor_view* y_scale,
                                   const octavo_tensor_view* y_zero_point, octavo_tensor_view* y) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    const Operands operands(context);
    std::optional<Tensor> ta, ta_scale, ta_zero, tb, tb_scale, tb_zero, ty_scale, ty_zero, out;
    OCTAVO_RETURN_IF_ERROR(operands.Read(a, "a", &ta));
    OCTAVO_RETURN_IF_ERROR(operands.ReadOptional(a_scale, "a_scale", &ta_scale));
    OCTAVO_RETURN_IF_ERROR(operands.ReadOptional(a_zero_point, "a_zero_point", &ta_zero));
    OCTAVO_RETURN_IF_ERROR(operands.Read(b, "b", &tb));
    OCTAVO_RETURN_IF_ERROR(operands.ReadOptional(b_scale, "b_scale", &tb_scale));
    OCTAVO_RETURN_IF_ERROR(operands.ReadOptional(b_zero_point, "b_zero_point", &tb_zero));
    OCTAVO_RETURN_IF_ERROR(operands.ReadOptional(y_scale, "y_scale", &ty_scale));
    OCTAVO_RETURN_IF_ERROR(operands.ReadOptional(y_zero_point, "y_zero_point", &ty_zero));
    OCTAVO_RETURN_IF_ERROR(operands.Target(y, "y", &out));
    return octavo::MultiplyTensors({&*ta, Pointer(ta_scale), Pointer(ta_zero)},
                                   {&*tb, Pointer(tb_scale), Pointer(tb_zero)}, Pointer(ty_scale), Pointer(ty_zero),
                                   operands.memory(), &*out);
  });
}
