// TensorProto -> Tensor, the one way for initializers, attributes and test data alike.
#ifndef OCTAVO_CORE_ONNX_TENSOR_READER_H_
#define OCTAVO_CORE_ONNX_TENSOR_READER_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/file.h"
#include "core/graph/tensor.h"

namespace octavo {

// What a TensorProto may draw on, besides itself.
struct TensorSource {
  MemoryPtr memory;
  const char* file = nullptr;              // where the bytes of the file begin, for messages
  std::shared_ptr<const void> owner = {};  // keeps those bytes alive; null: contents are copied
  bool mapped = false;                     // the owner is a MappedFile
  std::optional<std::string> folder = {};  // external data lies beneath it; absent: there may be none
  std::map<std::string, std::shared_ptr<const MappedFile>, std::less<>> external = {};  // opened already
};

struct NamedTensor {
  std::string_view name, doc;  // of the message
  Tensor tensor;
};

Result<NamedTensor> ReadTensor(std::string_view message, TensorSource& source);

// DType of an ONNX element type: kUnsupported if it is one that this library does not compute with, kInvalidModel if
// there is no such type. `what` says whose type it is.
Result<DType> CheckedDType(int64_t data_type, const std::string& what);

}  // namespace octavo

#endif  // OCTAVO_CORE_ONNX_TENSOR_READER_H_
