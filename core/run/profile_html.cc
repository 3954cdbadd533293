// A profile as one web page.
#include <algorithm>
#include <map>

#include "core/base/html.h"
#include "core/run/profile.h"

namespace octavo {
namespace {

using html::Append;
using html::Escaped;

constexpr double kWidth = 1000, kHeight = 220, kLeft = 34, kTop = 8;

// Whether the step multiplies, and what: the classes of html.cc's style.
const char* ColorOf(const StepProfile& step) {
  if (step.macs == 0) return "other";
  return step.precision == "float32" ? "float" : "int8";
}

double Total(const std::vector<StepProfile>& steps) {
  double total = 0;
  for (const StepProfile& step : steps) total += step.least;
  return total;
}

// GMAC/s, share of the peak, bytes moved and their speed: three or four figures of table cells.
std::string Figures(double macs, double share, double bytes, double seconds) {
  std::string out;
  if (macs > 0 && seconds > 0) {
    Append(&out, "<td class='n'>%.1f</td><td class='n'>%.0f %%</td>", macs / seconds / 1e9, 100 * share);
  } else {
    out += "<td class='n'></td><td class='n'></td>";
  }
  out += "<td class='n'>" + html::Bytes(static_cast<uint64_t>(bytes)) + "</td>";
  Append(&out, "<td class='n'>%.1f</td>", seconds > 0 ? bytes / seconds / 1e9 : 0.0);
  return out;
}

// A bar of the share `part` of a row's whole.
std::string Bar(double part, const char* color) {
  std::string out;
  Append(&out,
         "<td><svg style='width:90px;height:10px' viewBox='0 0 90 10'><rect class='%s' width='%.1f' height='10' "
         "rx='2'/></svg></td>",
         color, std::max(90 * part, 0.5));
  return out;
}

// Steps in the order they run: as wide as their time, filled as high as their share of the peak. Those that multiply
// nothing are low and of their own colour.
std::string Timeline(const Profile& profile, double total) {
  std::string out;
  Append(&out, "<svg viewBox='0 0 %g %g' role='img' aria-label='Steps over time'>", kWidth, kHeight + kTop + 22);
  for (int percent = 0; percent <= 100; percent += 25) {
    const double y = kTop + kHeight * (1 - percent / 100.0);
    Append(&out,
           "<line class='grid' x1='%g' x2='%g' y1='%.1f' y2='%.1f'/><text class='soft' x='0' y='%.1f'>%d%%</text>",
           kLeft, kWidth, y, y, y + 4, percent);
  }
  const double scale = (kWidth - kLeft) / total;
  double at = 0;
  for (const StepProfile& step : profile.steps) {
    const double seconds = step.least, share = std::clamp(profile.Share(step), 0.0, 1.0);
    const double height = step.macs > 0 ? kHeight * share : 10;
    const double x = kLeft + at * scale, width = seconds * scale, bar = std::max(width - 0.4, 0.3);
    at += seconds;
    out += "<g><title>" + Escaped(step.name) + "\n" + Escaped(step.op) + ", " + Escaped(step.kernel) + ", " +
           html::Time(seconds);
    if (step.macs > 0) Append(&out, ", %.1f GMAC/s, %.0f %% of the peak", step.macs / seconds / 1e9, 100 * share);
    if (!step.reason.empty()) out += "\nfloat: " + Escaped(step.sentence.empty() ? step.reason : step.sentence);
    Append(&out, "</title><rect class='%s' opacity='.15' x='%.2f' y='%g' width='%.2f' height='%g'/>", ColorOf(step), x,
           kTop, bar, kHeight);
    Append(&out, "<rect class='%s' x='%.2f' y='%.1f' width='%.2f' height='%.1f'/></g>", ColorOf(step), x,
           kTop + kHeight - height, bar, height);
  }
  for (int tenth = 0; tenth <= 10; tenth += 2) {
    const double x = kLeft + (kWidth - kLeft) * tenth / 10;
    Append(&out, "<text class='soft' text-anchor='%s' x='%.1f' y='%g'>",
           tenth == 0    ? "start"
           : tenth == 10 ? "end"
                         : "middle",
           x, kTop + kHeight + 16);
    out += html::Time(total * tenth / 10) + "</text>";
  }
  return out + "</svg>";
}

// One row for each kernel, the one that takes longest first.
std::string ByKernel(const Profile& profile, double total) {
  struct Row {
    std::string kernel;
    const char* color;
    size_t steps = 0;
    double seconds = 0, macs = 0, bytes = 0, at_peak = 0;  // at_peak: seconds that the work takes at the peak
  };
  std::map<std::string, Row> of_kernel;
  for (const StepProfile& step : profile.steps) {
    Row& row = of_kernel.try_emplace(step.kernel, Row{step.kernel, ColorOf(step)}).first->second;
    ++row.steps;
    row.seconds += step.least;
    row.macs += step.macs;
    row.bytes += step.bytes;
    row.at_peak += profile.Share(step) * step.least;
  }
  std::vector<const Row*> rows;
  for (const auto& [kernel, row] : of_kernel) rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(), [](const Row* a, const Row* b) { return a->seconds > b->seconds; });
  std::string out =
      "<div class='wide'><table><tr><th>Kernel</th><th class='n'>Steps</th><th class='n'>Time</th><th class='n'>%</th>"
      "<th></th><th class='n'>GMAC/s</th><th class='n'>Of peak</th><th class='n'>Moved</th><th "
      "class='n'>GB/s</th></tr>\n";
  for (const Row* row : rows) {
    out += "<tr><td>" + Escaped(row->kernel) + "</td>";
    Append(&out, "<td class='n'>%zu</td><td class='n'>", row->steps);
    out += html::Time(row->seconds);
    Append(&out, "</td><td class='n'>%.1f</td>", 100 * row->seconds / total);
    out += Bar(row->seconds / total, row->color) +
           Figures(row->macs, row->seconds > 0 ? row->at_peak / row->seconds : 0, row->bytes, row->seconds) + "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string AllSteps(const Profile& profile, double total) {
  double longest = 0;
  for (const StepProfile& step : profile.steps) longest = std::max(longest, step.least);
  std::string out =
      "<div class='wide'><table><tr><th class='n'>#</th><th>Step</th><th>Operator</th><th>Kernel</th><th class='n'>Time"
      "</th><th class='n'>%</th><th></th><th class='n'>GMAC/s</th><th class='n'>Of peak</th><th class='n'>Moved</th>"
      "<th class='n'>GB/s</th><th>Why float</th></tr>\n";
  size_t number = 0;
  for (const StepProfile& step : profile.steps) {
    const double seconds = step.least;
    Append(&out, "<tr><td class='n'>%zu</td>", ++number);
    out += "<td>" + html::Short(step.name) + "</td><td>" + Escaped(step.op) + "</td><td>" + Escaped(step.kernel) +
           "</td><td class='n'>" + html::Time(seconds) + "</td>";
    Append(&out, "<td class='n'>%.1f</td>", 100 * seconds / total);
    out += Bar(longest > 0 ? seconds / longest : 0, ColorOf(step)) +
           Figures(step.macs, profile.Share(step), step.bytes, seconds) + "<td class='why'>" +
           Escaped(step.sentence.empty() ? step.reason : step.sentence) + "</td></tr>\n";
  }
  return out + "</table></div>\n";
}

}  // namespace

std::string Profile::ToHtml() const {
  const double total = std::max(Total(steps), 1e-9);
  double macs = 0, bytes = 0, int8 = 0, at_peak = 0;
  for (const StepProfile& step : steps) {
    macs += step.macs;
    bytes += step.bytes;
    at_peak += Share(step) * step.least;
    if (step.precision == "int8") int8 += step.least;
  }
  std::string out = html::PageHead("Octavo profile");
  out += "<h1>Where the time goes</h1><p>" + (model.empty() ? std::string("A network") : Escaped(model)) +
         ", one run on " + Escaped(cpu_target);
  Append(&out,
         ", %zu thread%s, in %zu steps. This machine's peak: %.0f GMAC/s in INT8, %.0f in float32, measured with "
         "registers only.</p>\n",
         threads, threads == 1 ? "" : "s", steps.size(), peak.int8 / 1e9, peak.float32 / 1e9);
  std::string text;
  out += "<div class='cards'>" + html::Card(html::Time(total), "a run, each step at its fastest");
  Append(&text, "%.1f GMAC/s", macs / total / 1e9);
  out += html::Card(text, "multiply-accumulates");
  text.clear();
  Append(&text, "%.0f %%", 100 * at_peak / total);
  out += html::Card(text, "of the peak");
  text.clear();
  Append(&text, "%.0f %%", 100 * int8 / total);
  out += html::Card(text, "of the time in INT8");
  out += html::Card(html::Bytes(static_cast<uint64_t>(bytes)), "read and written") + "</div>\n";
  if (steps.empty()) return out + "<p>No run was timed.</p></body></html>\n";

  out +=
      "<h2>Timeline</h2><p>A step is as wide as its time and filled as high as its share of the peak: what is pale is "
      "time lost. Blue multiplies bytes, grey floats; violet moves or changes values without multiplying.</p>\n" +
      Timeline(*this, total);
  out += "<h2>By kernel</h2>" + ByKernel(*this, total);
  out += "<h2>All steps</h2>" + AllSteps(*this, total);
  return out + "</body></html>\n";
}

}  // namespace octavo
