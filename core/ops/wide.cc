#include "core/ops/wide.h"

#include <limits>
#include <type_traits>

namespace octavo {
namespace {

// NaN become the one positive quiet NaN, as everywhere (docs/numerics.md).
template <typename To, typename From>
To Convert(From value) {
  if constexpr (std::is_floating_point_v<From>) {
    if (value != value) value = std::numeric_limits<From>::quiet_NaN();
  }
  if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return static_cast<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(value));
  } else {
    return static_cast<To>(value);
  }
}

template <typename F>
void VisitFloating(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat:
      return f(float{});
    case DType::kDouble:
      return f(double{});
    case DType::kFloat16:
      return f(Half{});
    case DType::kBFloat16:
      return f(BFloat16{});
    default:
      return;
  }
}

void ConvertAll(const Tensor& from, Tensor* to) {
  VisitFloating(from.dtype(), [&](auto from_zero) {
    VisitFloating(to->dtype(), [&](auto to_zero) {
      using From = decltype(from_zero);
      using To = decltype(to_zero);
      const From* in = from.data<From>().data();
      To* out = to->mutable_data<To>().data();
      for (int64_t i = 0; i < from.elements(); ++i) out[i] = Convert<To>(in[i]);
    });
  });
}

}  // namespace

DType WideType(const EvalContext& context) {
  for (size_t i = 0; i < context.inputs(); ++i) {
    if (context.has_input(i) && context.input(i).dtype() == DType::kDouble) return DType::kDouble;
  }
  return DType::kFloat;
}

Result<Tensor> Widen(const Tensor& tensor, DType wide, const MemoryPtr& memory) {
  if (tensor.dtype() == wide) return tensor;
  OCTAVO_ASSIGN_OR_RETURN(Tensor copy, Tensor::Create(memory, wide, tensor.shape()));
  ConvertAll(tensor, &copy);
  return copy;
}

Result<Tensor> WideOutput(EvalContext& context, size_t i, DType wide) {
  if (context.output(i).dtype() == wide) return context.output(i);
  return Tensor::Create(context.memory(), wide, context.output(i).shape());
}

void StoreWide(const Tensor& wide, EvalContext& context, size_t i) { ConvertAll(wide, &context.output(i)); }

}  // namespace octavo
