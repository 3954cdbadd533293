// octavo_tensor_view <-> Tensor: the only place where a caller's pointers and sizes are believed, after being checked.
#ifndef OCTAVO_CAPI_SRC_VIEWS_H_
#define OCTAVO_CAPI_SRC_VIEWS_H_

#include <optional>
#include <string>

#include "core/graph/graph.h"
#include "core/graph/tensor.h"
#include "octavo/octavo.h"

namespace octavo::capi {

// The elements of an array of views, which may be larger than ours: a caller compiled against a later header.
template <typename View>  // octavo_tensor_view, const or not
class Views {
 public:
  Views(View* views, size_t count) : views_(views), count_(count) {}
  size_t size() const { return count_; }
  View& operator[](size_t i) const {
    using Byte = std::conditional_t<std::is_const_v<View>, const char, char>;
    return *reinterpret_cast<View*>(reinterpret_cast<Byte*>(views_) + i * views_->struct_size);
  }

 private:
  View* views_;
  size_t count_;
};

// Pointer, struct_size and flags of each; `argument` is its name in octavo.h.
Status CheckViews(const octavo_tensor_view* views, size_t count, const char* argument);
inline Status CheckView(const octavo_tensor_view* view, const char* argument) { return CheckViews(view, 1, argument); }

// The bytes of a checked view as a tensor that borrows them; strided ones are gathered into new memory. Errors do not
// say which view: callers add that.
Result<Tensor> ReadView(const octavo_tensor_view& view, const MemoryPtr& memory);
// dtype and shape of a checked view, its data not looked at.
Result<Shape> ReadShape(const octavo_tensor_view& view);

// One tensor for each input of the graph. Whether dtypes and shapes are the model's is for the session to say.
Status ReadInputs(const Graph& graph, const octavo_tensor_view* inputs, size_t count, const MemoryPtr& memory,
                  std::vector<Tensor>* out);

// The memory of a checked view that is to receive a tensor of this dtype and shape.
Result<Tensor> WriteTarget(const octavo_tensor_view& view, DType dtype, const Shape& shape);

// Describes a result in a view whose data are set; `shape` must live as long as the view's dims are promised to.
void Describe(DType dtype, const Shape& shape, octavo_tensor_view* view);

// Copies dimensions out as octavo_model_input_shape promises.
Status CopyShape(const std::optional<Shape>& shape, int64_t* dims, size_t capacity, int32_t* out_rank);

// "input 0 'x'".
std::string PortName(const char* kind, size_t index, const Graph& graph, ValueId value);

}  // namespace octavo::capi

#endif  // OCTAVO_CAPI_SRC_VIEWS_H_
