// The objects behind octavo.h. Each keeps alive what it was made from, so callers may destroy them in any order.
#ifndef OCTAVO_CAPI_SRC_HANDLES_H_
#define OCTAVO_CAPI_SRC_HANDLES_H_

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capi/src/guard.h"
#include "core/base/cancel.h"
#include "core/graph/graph.h"
#include "core/observe/calibrator.h"
#include "core/plan/program.h"
#include "core/quantize/quantize.h"
#include "core/quantize/recipe.h"
#include "core/quantize/report.h"
#include "core/run/session.h"

namespace octavo::capi {

// What a context is made of; every object made in it holds one reference.
class Context {
 public:
  struct Parallel {
    octavo_parallel_callback callback = nullptr;
    void* user_data = nullptr;
  };
  struct Allocator {
    octavo_allocate_callback allocate = nullptr;
    octavo_release_callback release = nullptr;
    void* user_data = nullptr;
  };
  struct Log {
    int32_t level = 0;
    octavo_log_callback callback = nullptr;
    void* user_data = nullptr;
  };

  Context(int32_t threads, const Limits& limits, const Allocator& allocator, const Parallel& parallel, const Log& log);

  const MemoryPtr& memory() const { return memory_; }
  // Options for a session of this context; threads -1: the context's own number.
  SessionOptions session_options(int32_t threads) const;
  // printf-style; nothing happens unless somebody listens to that level.
  void Tell(int32_t level, const char* format, ...) const __attribute__((format(printf, 3, 4)));

 private:
  const int32_t threads_;
  const Parallel parallel_;
  const Log log_;
  MemoryPtr memory_;
};
using ContextPtr = std::shared_ptr<const Context>;

// A model as all its handles and sessions share it.
class Model {
 public:
  Model(ContextPtr context, Graph graph, std::string origin)
      : context_(std::move(context)), graph_(std::move(graph)), origin_(std::move(origin)) {}

  const ContextPtr& context() const { return context_; }
  const Graph& graph() const { return graph_; }
  const std::string& origin() const { return origin_; }  // "net.onnx", for messages

  // What is calibrated and quantized. Made once.
  Result<const Graph*> Simplified() const;
  // What sessions run. Shared by all sessions of a target as long as one of them lives.
  Result<std::shared_ptr<const Program>> ProgramFor(const std::string& cpu_target) const;

 private:
  const ContextPtr context_;
  const Graph graph_;
  const std::string origin_;
  mutable std::mutex mutex_;
  mutable std::optional<Graph> simplified_;
  mutable std::map<std::string, std::weak_ptr<const Program>> programs_;
};
using ModelPtr = std::shared_ptr<const Model>;

// "avx2", ...: one of this machine's. "" stays "".
Status CheckCpuTarget(const char* target);
// An observer by name and percentile, as octavo.h states it.
Result<ObserverChoice> ParseObserver(const char* observer, double percentile);
Status CheckThreads(int32_t threads);
Result<octavo_buffer*> NewBuffer(std::string text);

}  // namespace octavo::capi

struct octavo_buffer {
  static constexpr const char* kName = "octavo_buffer";
  octavo::capi::Tagged<octavo::capi::Tag("BUFF")> tag;
  std::string bytes;
};

struct octavo_cancel {
  static constexpr const char* kName = "octavo_cancel";
  octavo::capi::Tagged<octavo::capi::Tag("CANC")> tag;
  octavo::Cancel cancel;
};

struct octavo_context_options {
  static constexpr const char* kName = "octavo_context_options";
  octavo::capi::Tagged<octavo::capi::Tag("CTXO")> tag;
  int32_t threads = 0;
  octavo::Limits limits;
  octavo::capi::Context::Allocator allocator;
  octavo::capi::Context::Parallel parallel;
  octavo::capi::Context::Log log;
};

struct octavo_context {
  static constexpr const char* kName = "octavo_context";
  octavo::capi::Tagged<octavo::capi::Tag("CTXT")> tag;
  octavo::capi::ContextPtr context;
};

struct octavo_load_options {
  static constexpr const char* kName = "octavo_load_options";
  octavo::capi::Tagged<octavo::capi::Tag("LDOP")> tag;
  struct InputShape {
    std::optional<std::string> name;
    octavo::Shape shape;
  };
  std::vector<InputShape> input_shapes;
  bool borrow = false;
};

struct octavo_save_options {
  static constexpr const char* kName = "octavo_save_options";
  octavo::capi::Tagged<octavo::capi::Tag("SVOP")> tag;
  bool external_data = false;
};

struct octavo_model {
  static constexpr const char* kName = "octavo_model";
  octavo::capi::Tagged<octavo::capi::Tag("MODL")> tag;
  octavo::capi::ModelPtr model;
};

struct octavo_calibrator_options {
  static constexpr const char* kName = "octavo_calibrator_options";
  octavo::capi::Tagged<octavo::capi::Tag("CALO")> tag;
  int32_t threads = -1;
  std::string cpu_target;
  std::optional<octavo::ObserverChoice> observer;
};

struct octavo_calibrator {
  static constexpr const char* kName = "octavo_calibrator";
  octavo::capi::Tagged<octavo::capi::Tag("CALI")> tag;
  octavo::capi::ModelPtr model;
  std::optional<octavo::ObserverChoice> observer;
  std::unique_ptr<octavo::Calibrator> calibrator;
};

struct octavo_statistics {
  static constexpr const char* kName = "octavo_statistics";
  octavo::capi::Tagged<octavo::capi::Tag("STAT")> tag;
  std::optional<octavo::ObserverChoice> observer;  // wish of the calibrator, for quantizing without a recipe
  octavo::Statistics statistics;
};

struct octavo_recipe {
  static constexpr const char* kName = "octavo_recipe";
  octavo::capi::Tagged<octavo::capi::Tag("RECI")> tag;
  octavo::Recipe recipe;
};

struct octavo_quantize_options {
  static constexpr const char* kName = "octavo_quantize_options";
  octavo::capi::Tagged<octavo::capi::Tag("QUOP")> tag;
  octavo_progress_callback progress = nullptr;
  void* user_data = nullptr;
  const octavo_cancel* cancel = nullptr;
  octavo_observer_callback observer = nullptr;
  void* observer_data = nullptr;
};

struct octavo_convert_options {
  static constexpr const char* kName = "octavo_convert_options";
  octavo::capi::Tagged<octavo::capi::Tag("CVOP")> tag;
  std::string form = "qdq";
};

struct octavo_session_options {
  static constexpr const char* kName = "octavo_session_options";
  octavo::capi::Tagged<octavo::capi::Tag("SEOP")> tag;
  int32_t threads = -1;
  std::string cpu_target;
  bool profile = false;
};

struct octavo_session {
  static constexpr const char* kName = "octavo_session";
  octavo::capi::Tagged<octavo::capi::Tag("SESS")> tag;
  octavo::capi::ModelPtr model;
  std::shared_ptr<const octavo::Program> program;
  octavo::SessionOptions options;
  std::unique_ptr<octavo::Session> session;
  mutable std::atomic<bool> busy{false};
  bool ran = false;
  // Of the last run; members so that running allocates nothing.
  std::vector<octavo::Tensor> inputs, outputs;
  std::vector<octavo::Shape> output_shapes;
};

struct octavo_report_options {
  static constexpr const char* kName = "octavo_report_options";
  octavo::capi::Tagged<octavo::capi::Tag("REOP")> tag;
  int32_t threads = -1;
  std::string cpu_target;
};

struct octavo_report {
  static constexpr const char* kName = "octavo_report";
  octavo::capi::Tagged<octavo::capi::Tag("REPO")> tag;
  octavo::capi::ModelPtr float_model, quantized_model;
  std::unique_ptr<octavo::Report> report;
};

#endif  // OCTAVO_CAPI_SRC_HANDLES_H_
