// The report as one HTML page: no scripts, no files, no fonts from elsewhere.
#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "core/quantize/report.h"

namespace octavo {
namespace {

constexpr const char* kStyle = R"(
:root { --ink: #1d2430; --soft: #667085; --line: #e3e7ee; --page: #fff; --card: #f6f8fb; --good: #2f9e6b; --fair: #d99a1c;
  --bad: #d1493f; --float: #9aa7bd; --int8: #3c6fd6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7ebf3; --soft: #98a3b8; --line: #2c3443; --page: #12161e;
  --card: #1a202b; --float: #5d6a82; --int8: #6f9bff; } }
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
.float { fill: var(--float); } .int8 { fill: var(--int8); } .grid { stroke: var(--line); }
)";

void Append(std::string* out, const char* format, ...) __attribute__((format(printf, 2, 3)));
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

// The end of a name says more than its beginning.
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

std::string Decibels(const ErrorSums& error) {
  if (error.count == 0) return "&#8211;";
  const double db = error.Sqnr();
  if (!std::isfinite(db)) return db > 0 ? "exact" : "no signal";
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", db);
  return text;
}

// Rules of thumb for the colours: under 15 dB a layer is likely to hurt, over 25 dB it will not.
const char* Grade(double db) { return db >= 25 ? "good" : db >= 15 ? "fair" : "bad"; }

constexpr double kLabel = 230, kWidth = 1000, kRow = 17;

// Horizontal bars of SQNR, one row a layer.
std::string SqnrChart(const std::vector<Report::Layer>& layers) {
  std::vector<const Report::Layer*> rows;
  for (const Report::Layer& layer : layers) {
    if (layer.compared && layer.error.count > 0) rows.push_back(&layer);
  }
  const double top = 60, scale = (kWidth - kLabel - 60) / top;
  const double height = kRow * static_cast<double>(rows.size()) + 24;
  std::string out;
  Append(&out, "<svg viewBox='0 0 %g %g' role='img' aria-label='Signal to quantization noise of each layer'>", kWidth,
         height);
  for (int db = 0; db <= 60; db += 10) {
    const double x = kLabel + db * scale;
    Append(&out, "<line class='grid' x1='%.1f' x2='%.1f' y1='14' y2='%g'/><text class='soft' x='%.1f' y='10'>%d</text>",
           x, x, height, x - 6, db);
  }
  double y = 20;
  for (const Report::Layer* layer : rows) {
    const double db = layer->error.Sqnr();
    const double length = std::clamp(std::isfinite(db) ? db : db > 0 ? top : 0.0, 0.0, top) * scale;
    out += "<text x='0' y='";
    Append(&out, "%.1f'>", y + 10);
    out += Short(layer->name) + "<title>" + Escaped(layer->name) + " (" + Escaped(layer->op) + ")</title></text>";
    Append(&out, "<rect class='%s' x='%g' y='%.1f' width='%.1f' height='12' rx='2'/>", Grade(db), kLabel, y,
           std::max(length, 1.0));
    Append(&out, "<text class='soft' x='%.1f' y='%.1f'>", kLabel + length + 5, y + 10);
    out += Decibels(layer->error) + "</text>";
    y += kRow;
  }
  return out + "</svg>";
}

// Pairs of bars: time as float above, quantized below; the layers that take longest.
std::string TimeChart(const std::vector<Report::Layer>& layers) {
  constexpr size_t kMost = 40;
  std::vector<const Report::Layer*> rows;
  double longest = 0;
  for (const Report::Layer& layer : layers) {
    const double time = std::max(layer.float_seconds, layer.quantized_seconds);
    if (time > 0) rows.push_back(&layer);
    longest = std::max(longest, time);
  }
  if (rows.empty()) return "";
  if (rows.size() > kMost) {
    std::vector<const Report::Layer*> by_time = rows;
    std::nth_element(by_time.begin(), by_time.begin() + kMost, by_time.end(), [](const auto* a, const auto* b) {
      return std::max(a->float_seconds, a->quantized_seconds) > std::max(b->float_seconds, b->quantized_seconds);
    });
    by_time.resize(kMost);
    std::erase_if(rows,
                  [&](const auto* layer) { return std::find(by_time.begin(), by_time.end(), layer) == by_time.end(); });
  }
  const double scale = (kWidth - kLabel - 170) / longest;
  std::string out;
  Append(&out, "<svg viewBox='0 0 %g %g' role='img' aria-label='Time of each layer'>", kWidth,
         22 * static_cast<double>(rows.size()) + 4);
  double y = 2;
  for (const Report::Layer* layer : rows) {
    Append(&out, "<text x='0' y='%.1f'>", y + 12);
    out += Short(layer->name) + "<title>" + Escaped(layer->name) + "</title></text>";
    Append(&out, "<rect class='float' x='%g' y='%.1f' width='%.1f' height='8' rx='2'/>", kLabel, y,
           layer->float_seconds * scale);
    Append(&out, "<rect class='int8' x='%g' y='%.1f' width='%.1f' height='8' rx='2'/>", kLabel, y + 9,
           layer->quantized_seconds * scale);
    const double end = kLabel + std::max(layer->float_seconds, layer->quantized_seconds) * scale;
    Append(&out, "<text class='soft' x='%.1f' y='%.1f'>", end + 6, y + 12);
    out += Time(layer->float_seconds) + " &#8594; " + Time(layer->quantized_seconds) + "</text>";
    y += 22;
  }
  return out + "</svg>";
}

std::string Card(const std::string& figure, const std::string& words) {
  return "<div class='card'><b>" + figure + "</b><span>" + words + "</span></div>";
}

}  // namespace

std::string Report::ToHtml() const {
  std::string out = "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>";
  out += "<meta name='viewport' content='width=device-width, initial-scale=1'><title>Octavo report</title><style>";
  out += kStyle;
  out += "</style></head><body>\n<h1>What quantization cost</h1><p>";
  out += model_name_.empty() ? "A float network" : Escaped(model_name_);
  Append(&out, ", float against quantized, on %llu batch%s of the same inputs.</p>\n",
         static_cast<unsigned long long>(batches_), batches_ == 1 ? "" : "es");

  out += "<div class='cards'>";
  char ratio[32];
  std::snprintf(
      ratio, sizeof(ratio), "%.2f&#215; smaller",
      quantized_bytes_ == 0 ? 0.0 : static_cast<double>(float_bytes_) / static_cast<double>(quantized_bytes_));
  out += Card(ratio, Bytes(float_bytes_) + " &#8594; " + Bytes(quantized_bytes_));
  if (quantized_seconds_ > 0) {
    std::snprintf(ratio, sizeof(ratio), "%.2f&#215; faster", float_seconds_ / quantized_seconds_);
    out += Card(ratio, Time(float_seconds_) + " &#8594; " + Time(quantized_seconds_) + " a batch");
  }
  for (const Output& output : outputs_) {
    out += Card(Decibels(output.error) + (output.error.count > 0 && std::isfinite(output.error.Sqnr()) ? " dB" : ""),
                "output " + Escaped(output.name));
    if (output.rows > 0) {
      std::snprintf(ratio, sizeof(ratio), "%.2f %%",
                    100 * static_cast<double>(output.same_top) / static_cast<double>(output.rows));
      out += Card(ratio, "of rows with the same greatest element");
    }
  }
  size_t int8 = 0;
  for (const Layer& layer : layers_) int8 += layer.precision == "int8";
  out += Card(std::to_string(int8) + " of " + std::to_string(layers_.size()), "layers in INT8") + "</div>\n";

  out +=
      "<h2>Signal to noise, layer by layer</h2><p>Decibels between the float value and what the quantized network "
      "makes of it, everything before it included. More is better: over 25 dB nothing is lost that matters, under 15 "
      "dB a layer deserves a look.</p>\n" +
      SqnrChart(layers_);
  if (const std::string chart = TimeChart(layers_); !chart.empty()) {
    out +=
        "<h2>Time, layer by layer</h2><p>Grey as float, blue quantized. A layer fused into a neighbour takes no time "
        "of its own.</p>\n" +
        chart;
  }

  out +=
      "<h2>All layers</h2><div class='wide'><table><tr><th>Layer</th><th>Operator</th><th>Precision</th>"
      "<th class='n'>SQNR dB</th><th class='n'>Max error</th><th class='n'>Range</th><th class='n'>Clipped</th>"
      "<th class='n'>MMACs</th><th>Why not INT8</th></tr>\n";
  for (const Layer& layer : layers_) {
    const ErrorSums& e = layer.error;
    out += "<tr><td>" + Escaped(layer.name) + "</td><td>" + Escaped(layer.op) + "</td><td>" + Escaped(layer.precision) +
           "</td><td class='n'>" + Decibels(e) + "</td>";
    if (e.count > 0) {
      Append(&out, "<td class='n'>%.3g</td><td class='n'>%.3g &#8230; %.3g</td><td class='n'>%.3f %%</td>", e.max_error,
             e.min, e.max, 100 * static_cast<double>(e.clipped) / static_cast<double>(e.count));
    } else {
      out += "<td class='n'>&#8211;</td><td class='n'>&#8211;</td><td class='n'>&#8211;</td>";
    }
    Append(&out, "<td class='n'>%.3f</td>", layer.macs / 1e6);
    out += "<td class='why'>" + Escaped(layer.sentence.empty() ? layer.reason : layer.sentence) + "</td></tr>\n";
  }
  return out + "</table></div>\n</body></html>\n";
}

}  // namespace octavo
