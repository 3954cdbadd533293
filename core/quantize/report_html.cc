// The report as one HTML page: no scripts, no files, no fonts from elsewhere.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/base/html.h"
#include "core/quantize/report.h"

namespace octavo {
namespace {

using html::Append;
using html::Escaped;

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
    out += html::Short(layer->name) + "<title>" + Escaped(layer->name) + " (" + Escaped(layer->op) + ")</title></text>";
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
    out += html::Short(layer->name) + "<title>" + Escaped(layer->name) + "</title></text>";
    Append(&out, "<rect class='float' x='%g' y='%.1f' width='%.1f' height='8' rx='2'/>", kLabel, y,
           layer->float_seconds * scale);
    Append(&out, "<rect class='int8' x='%g' y='%.1f' width='%.1f' height='8' rx='2'/>", kLabel, y + 9,
           layer->quantized_seconds * scale);
    const double end = kLabel + std::max(layer->float_seconds, layer->quantized_seconds) * scale;
    Append(&out, "<text class='soft' x='%.1f' y='%.1f'>", end + 6, y + 12);
    out += html::Time(layer->float_seconds) + " &#8594; " + html::Time(layer->quantized_seconds) + "</text>";
    y += 22;
  }
  return out + "</svg>";
}

}  // namespace

std::string Report::ToHtml() const {
  std::string out = html::PageHead("Octavo report");
  out += "<h1>What quantization cost</h1><p>";
  out += model_name_.empty() ? "A float network" : Escaped(model_name_);
  Append(&out, ", float against quantized, on %llu batch%s of the same inputs.</p>\n",
         static_cast<unsigned long long>(batches_), batches_ == 1 ? "" : "es");

  out += "<div class='cards'>";
  char ratio[32];
  std::snprintf(
      ratio, sizeof(ratio), "%.2f&#215; smaller",
      quantized_bytes_ == 0 ? 0.0 : static_cast<double>(float_bytes_) / static_cast<double>(quantized_bytes_));
  out += html::Card(ratio, html::Bytes(float_bytes_) + " &#8594; " + html::Bytes(quantized_bytes_));
  if (quantized_seconds_ > 0) {
    std::snprintf(ratio, sizeof(ratio), "%.2f&#215; faster", float_seconds_ / quantized_seconds_);
    out += html::Card(ratio, html::Time(float_seconds_) + " &#8594; " + html::Time(quantized_seconds_) + " a batch");
  }
  for (const Output& output : outputs_) {
    out +=
        html::Card(Decibels(output.error) + (output.error.count > 0 && std::isfinite(output.error.Sqnr()) ? " dB" : ""),
                   "output " + Escaped(output.name));
    if (output.rows > 0) {
      std::snprintf(ratio, sizeof(ratio), "%.2f %%",
                    100 * static_cast<double>(output.same_top) / static_cast<double>(output.rows));
      out += html::Card(ratio, "of rows with the same greatest element");
    }
  }
  size_t int8 = 0;
  for (const Layer& layer : layers_) int8 += layer.precision == "int8";
  out += html::Card(std::to_string(int8) + " of " + std::to_string(layers_.size()), "layers in INT8") + "</div>\n";

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
