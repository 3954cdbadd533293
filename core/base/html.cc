#include "core/base/html.h"

#include <cstdarg>
#include <cstdio>

namespace octavo::html {
namespace {

constexpr const char* kStyle = R"(
:root { --ink: #1d2430; --soft: #667085; --line: #e3e7ee; --page: #fff; --card: #f6f8fb; --good: #2f9e6b; --fair: #d99a1c;
  --bad: #d1493f; --float: #9aa7bd; --int8: #3c6fd6; --other: #8e6bc7; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebf3; --soft: #98a3b8; --line: #2c3443; --page: #12161e;
  --card: #1a202b; --float: #5d6a82; --int8: #6f9bff; --other: #a98be0; } }
body { font: 14px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 1080px;
  margin: 2.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
p { color: var(--soft); margin: .25rem 0 1rem; max-width: 46rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; }
.card b { display: block; font-size: 1.35rem; } .card span { color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-weight: 600; } th, td { padding: .25rem .6rem .25rem 0; white-space: nowrap;
  border-bottom: 1px solid var(--line); } td.n, th.n { text-align: right; } td.why { white-space: normal; color: var(--soft); }
.wide { overflow-x: auto; } svg { width: 100%; height: auto; } svg text { fill: var(--ink); font: 11px system-ui, sans-serif; }
svg .soft { fill: var(--soft); } .good { fill: var(--good); } .fair { fill: var(--fair); } .bad { fill: var(--bad); }
.float { fill: var(--float); } .int8 { fill: var(--int8); } .other { fill: var(--other); } .grid { stroke: var(--line); }
)";

}  // namespace

std::string PageHead(const char* title) {
  return std::string(
             "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
             "content='width=device-width, initial-scale=1'><title>") +
         title + "</title><style>" + kStyle + "</style></head><body>\n";
}

void Append(std::string* out, const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  *out += text;
}

std::string Escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string Short(const std::string& name) {
  constexpr size_t kLongest = 34;
  if (name.size() <= kLongest) return Escaped(name);
  size_t from = name.size() - kLongest + 1;
  while (from < name.size() && (static_cast<unsigned char>(name[from]) & 0xc0) == 0x80) ++from;
  return "&#8230;" + Escaped(name.substr(from));
}

std::string Bytes(uint64_t bytes) {
  char text[32];
  if (bytes >= 1000000) {
    std::snprintf(text, sizeof(text), "%.2f MB", static_cast<double>(bytes) / 1e6);
  } else {
    std::snprintf(text, sizeof(text), "%.1f kB", static_cast<double>(bytes) / 1e3);
  }
  return text;
}

std::string Time(double seconds) {
  char text[32];
  if (seconds >= 0.1) {
    std::snprintf(text, sizeof(text), "%.2f s", seconds);
  } else if (seconds >= 1e-4) {
    std::snprintf(text, sizeof(text), "%.2f ms", seconds * 1e3);
  } else {
    std::snprintf(text, sizeof(text), "%.1f &#181;s", seconds * 1e6);
  }
  return text;
}

std::string Card(const std::string& figure, const std::string& words) {
  return "<div class='card'><b>" + figure + "</b><span>" + words + "</span></div>";
}

}  // namespace octavo::html
