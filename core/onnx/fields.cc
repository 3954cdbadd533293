#include "core/onnx/fields.h"

#include "core/onnx/schema.h"

namespace octavo {

using protozero::pbf_wire_type;

bool IsText(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
    const uint32_t first = byte(i);
    if (first == 0) return false;
    if (first < 0x80) {
      ++i;
      continue;
    }
    const size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (length == 0 || length > text.size() - i) return false;
    uint32_t point = first & (0xffu >> (length + 1));
    for (size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xc0) != 0x80) return false;
      point = point << 6 | (byte(i + k) & 0x3f);
    }
    constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[length] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
    i += length;
  }
  return true;
}

void Fields::Fail(const char* why) {
  if (!status_.ok()) return;
  status_ = Error(Code::kInvalidModel, "malformed protobuf: %s at byte %lld, field %u: %s", type_,
                  static_cast<long long>(at_ - file_), tag_, why);
}

bool Fields::Is(pbf_wire_type type) {
  if (!status_.ok()) return false;
  if (reader_.wire_type() == type) return true;
  Fail("wrong wire type");
  return false;
}

bool Fields::Next() {
  if (!status_.ok()) return false;
  at_ = reader_.data().data();
  tag_ = 0;
  try {
    if (!reader_.next()) return false;
    tag_ = reader_.tag();
    return true;
  } catch (const protozero::exception& e) {
    Fail(e.what());
    return false;
  }
}

void Fields::Skip() {
  if (!status_.ok()) return;
  if (reader_.wire_type() == pbf_wire_type::length_delimited) {
    Bytes();
    return;
  }
  try {
    reader_.skip();
  } catch (const protozero::exception& e) {
    Fail(e.what());
  }
}

int64_t Fields::Int() {
  if (!Is(pbf_wire_type::varint)) return 0;
  try {
    return reader_.get_int64();
  } catch (const protozero::exception& e) {
    Fail(e.what());
    return 0;
  }
}

float Fields::Float() {
  if (!Is(pbf_wire_type::fixed32)) return 0;
  try {
    return reader_.get_float();
  } catch (const protozero::exception& e) {
    Fail(e.what());
    return 0;
  }
}

std::string_view Fields::Bytes() {
  if (!Is(pbf_wire_type::length_delimited)) return {};
  try {
    // protozero keeps the low 32 bits of a length, so look at all of them first.
    const protozero::data_view rest = reader_.data();
    const char* at = rest.data();
    const char* const end = at + rest.size();
    const uint64_t length = protozero::decode_varint(&at, end);
    if (length > static_cast<uint64_t>(end - at)) {
      Fail("it is longer than the message around it");
      return {};
    }
    const protozero::data_view view = reader_.get_view();
    return {view.data(), view.size()};
  } catch (const protozero::exception& e) {
    Fail(e.what());
    return {};
  }
}

std::string_view Fields::Text() {
  const std::string_view text = Bytes();
  if (IsText(text)) return text;
  Fail("the text is not UTF-8 or has a zero byte");
  return {};
}

std::string_view Fields::Once(bool* seen) {
  if (*seen) Fail("it stands twice");
  *seen = true;
  return Bytes();
}

Status ReadEntry(std::string_view message, const char* file, Entry* entry) {
  Fields fields(message, proto::Entry::kName, file);
  while (fields.Next()) {
    switch (fields.tag()) {
      case proto::Entry::kKey:
        entry->first = fields.Text();
        break;
      case proto::Entry::kValue:
        entry->second = fields.Text();
        break;
      default:
        fields.Skip();
    }
  }
  return fields.status();
}

}  // namespace octavo
