// Where the time of a session's runs went, step by step, as JSON and as a web page.
#ifndef OCTAVO_CORE_RUN_PROFILE_H_
#define OCTAVO_CORE_RUN_PROFILE_H_

#include <string>
#include <vector>

#include "core/run/peak.h"

namespace octavo {

struct StepProfile {
  std::string name;  // node or nodes of the step
  std::string op;
  std::string kernel;  // e.g. "qs8_conv avx3_dl", "reference Softmax"
  std::string precision;
  std::string reason;  // code and words why it runs in float; the session does not know and leaves them empty
  std::string sentence;
  double seconds = 0;  // sum over runs
  double least = 0;    // seconds of the shortest run, which neighbours on the machine disturbed least
  uint64_t runs = 0;
  double macs = 0;   // multiply-accumulates of one run
  double bytes = 0;  // read and written in one run
};

struct Profile {
  std::string model, cpu_target;
  size_t threads = 1;
  Peak peak;
  std::vector<StepProfile> steps;

  // Of the peak for the step's precision; 0 where a step multiplies nothing.
  double Share(const StepProfile& step) const;

  std::string ToJson() const;  // as octavo_session_profile_json
  std::string ToHtml() const;
};

}  // namespace octavo

#endif  // OCTAVO_CORE_RUN_PROFILE_H_
