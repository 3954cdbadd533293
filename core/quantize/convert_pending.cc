// Stands in for convert.cc until that exists; then this file goes.
#include "core/quantize/quantize.h"

namespace octavo {

Result<Graph> Convert(const Graph&, const std::string&, const MemoryPtr&) {
  return Error(Code::kUnsupported, "converting quantized models is not there yet");
}

}  // namespace octavo
