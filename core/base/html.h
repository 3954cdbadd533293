// What the library's web pages share: one style, no scripts, no files, no fonts from elsewhere.
#ifndef OCTAVO_CORE_BASE_HTML_H_
#define OCTAVO_CORE_BASE_HTML_H_

#include <cstdint>
#include <string>

namespace octavo::html {

// From the doctype to the opened body. Light and dark as the reader's system is.
std::string PageHead(const char* title);

// As printf, at most 511 bytes.
void Append(std::string* out, const char* format, ...) __attribute__((format(printf, 2, 3)));

// Text as it may stand between tags.
std::string Escaped(const std::string& text);
// The same, at most 34 characters: the end of a name says more than its beginning.
std::string Short(const std::string& name);

std::string Bytes(uint64_t bytes);
std::string Time(double seconds);

// A figure in a box, `words` below it.
std::string Card(const std::string& figure, const std::string& words);

}  // namespace octavo::html

#endif  // OCTAVO_CORE_BASE_HTML_H_
