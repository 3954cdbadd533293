#include "core/run/profile.h"

#include <nlohmann/json.hpp>

namespace octavo {

double Profile::Share(const StepProfile& step) const {
  const double most = (step.precision == "float32" ? peak.float32 : peak.int8) * step.least;
  return most > 0 ? step.macs / most : 0.0;
}

std::string Profile::ToJson() const {
  using Json = nlohmann::ordered_json;
  Json list = Json::array();
  double seconds = 0;
  for (const StepProfile& step : steps) {
    seconds += step.seconds;
    list.push_back({{"name", step.name},
                    {"op", step.op},
                    {"kernel", step.kernel},
                    {"precision", step.precision},
                    {"reason", step.reason.empty() ? Json(nullptr) : Json(step.reason)},
                    {"sentence", step.sentence.empty() ? Json(nullptr) : Json(step.sentence)},
                    {"seconds", step.seconds},
                    {"least_seconds", step.least},
                    {"runs", step.runs},
                    {"macs", step.macs},
                    {"share_of_peak", step.macs > 0 && step.runs > 0 ? Json(Share(step)) : Json(nullptr)},
                    {"bytes", step.bytes}});
  }
  const Json json = {{"cpu_target", cpu_target},
                     {"threads", threads},
                     {"seconds", seconds},
                     {"peak", {{"int8", peak.int8}, {"float32", peak.float32}}},
                     {"steps", std::move(list)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace octavo
