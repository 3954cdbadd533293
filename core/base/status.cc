#include "core/base/status.h"

#include <cstdarg>
#include <cstdio>

namespace octavo {

Status Error(Code code, const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  return Status(code, text);
}

std::string Printable(const std::string& text) {
  std::string out;
  for (unsigned char c : text) {
    if (out.size() > 76) return out + "...";
    if (c >= 0x20 && c < 0x7f) {
      out += static_cast<char>(c);
    } else {
      char escaped[5];
      std::snprintf(escaped, sizeof(escaped), "\\x%02x", c);
      out += escaped;
    }
  }
  return out;
}

}  // namespace octavo
