// The fields of one protobuf message, read with every length and wire type checked. protozero does the decoding; this
// keeps its exceptions and its assertions about wire types away from the readers.
#ifndef OCTAVO_CORE_ONNX_FIELDS_H_
#define OCTAVO_CORE_ONNX_FIELDS_H_

#include <cstdint>
#include <cstring>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/status.h"

namespace octavo {

// Whether `text` is UTF-8 without zero bytes: what a C string and every binding's string type can hold.
bool IsText(std::string_view text);

// Usage: while (fields.Next()) switch (fields.tag()) { ... one read for each case, Skip() by default ... }
// then look at status(). After an error Next() is false and reads yield nothing.
class Fields {
 public:
  // `type` names the message in errors; `file` is where the bytes it lies in begin.
  Fields(std::string_view message, const char* type, const char* file)
      : reader_(message.data(), message.size()), type_(type), file_(file), at_(message.data()) {}

  bool Next();
  uint32_t tag() const { return tag_; }
  const Status& status() const { return status_; }

  void Skip();
  int64_t Int();
  float Float();
  std::string_view Bytes();
  std::string_view Text();
  std::string String() { return std::string(Text()); }
  // A message that protobuf would merge if it stood twice. Readers disagree about that, so it may not.
  std::string_view Once(bool* seen);

  // Repeated numbers, packed or one by one: f(int64_t) for each varint; f(data, count) for runs of unaligned little-
  // endian numbers of T's size.
  template <typename F>
  void Varints(F&& f);
  template <typename T, typename F>
  void Fixed(F&& f);

 private:
  void Fail(const char* why);
  bool Is(protozero::pbf_wire_type type);

  protozero::pbf_reader reader_;
  const char* type_;
  const char* file_;
  const char* at_;  // the current field
  uint32_t tag_ = 0;
  Status status_;
};

template <typename F>
void Fields::Varints(F&& f) {
  if (reader_.wire_type() != protozero::pbf_wire_type::length_delimited) {
    const int64_t value = Int();
    if (status_.ok()) f(value);
    return;
  }
  const std::string_view packed = Bytes();
  const char* at = packed.data();
  const char* const end = at + packed.size();
  try {
    while (at != end) f(static_cast<int64_t>(protozero::decode_varint(&at, end)));
  } catch (const protozero::exception& e) {
    Fail(e.what());
  }
}

template <typename T, typename F>
void Fields::Fixed(F&& f) {
  constexpr auto kSingle = sizeof(T) == 4 ? protozero::pbf_wire_type::fixed32 : protozero::pbf_wire_type::fixed64;
  if (reader_.wire_type() == kSingle) {
    const protozero::data_view rest = reader_.data();
    Skip();
    if (status_.ok()) f(rest.data(), size_t{1});
    return;
  }
  const std::string_view packed = Bytes();
  if (packed.size() % sizeof(T) != 0) return Fail("packed numbers end in the middle of one");
  if (!packed.empty()) f(packed.data(), packed.size() / sizeof(T));
}

// A StringStringEntryProto: key and value.
using Entry = std::pair<std::string_view, std::string_view>;
Status ReadEntry(std::string_view message, const char* file, Entry* entry);

}  // namespace octavo

#endif  // OCTAVO_CORE_ONNX_FIELDS_H_
