// Section 10 of octavo.h: sessions.
#include <cstring>
#include <unordered_map>

#include "capi/src/handles.h"
#include "capi/src/views.h"
#include "core/plan/plan.h"
#include "core/quantize/describe.h"
#include "core/run/profile.h"

namespace octavo::capi {
namespace {

// Marks a session as in use for as long as a call lasts.
class Busy {
 public:
  static Result<Busy> Enter(const octavo_session* session) {
    if (session->busy.exchange(true, std::memory_order_acquire)) {
      return Status(Code::kInvalidState,
                    "the session is in use on another thread (or in a callback): one session for each thread");
    }
    return Busy(session);
  }
  Busy(Busy&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
  Busy& operator=(Busy&& other) noexcept {
    std::swap(session_, other.session_);
    return *this;
  }
  ~Busy() {
    if (session_) session_->busy.store(false, std::memory_order_release);
  }

 private:
  explicit Busy(const octavo_session* session) : session_(session) {}
  const octavo_session* session_;
};

// Whether memory was given whose shape only the run tells: the result is then copied there.
bool TakesCopy(const octavo_tensor_view& view) { return view.data && !view.dims; }

Status Run(octavo_session* session, const octavo_tensor_view* inputs, size_t input_count, octavo_tensor_view* outputs,
           size_t output_count, const octavo_cancel* cancel) {
  const Graph& graph = session->program->graph();
  if (output_count != graph.outputs.size()) {
    return Error(Code::kInvalidArgument, "%zu outputs were given, the model has %zu", output_count,
                 graph.outputs.size());
  }
  if (output_count > 0) OCTAVO_RETURN_IF_ERROR(CheckViews(outputs, output_count, "outputs"));
  OCTAVO_RETURN_IF_ERROR(ReadInputs(graph, inputs, input_count, session->program->memory(), &session->inputs));

  const Views<octavo_tensor_view> views(outputs, output_count);
  session->outputs.assign(output_count, Tensor());
  for (size_t i = 0; i < output_count; ++i) {
    const octavo_tensor_view& view = views[i];
    if (!view.data || TakesCopy(view)) continue;
    Result<Shape> shape = ReadShape(view);
    Result<Tensor> target = shape.ok() ? WriteTarget(view, static_cast<DType>(view.dtype), *shape) : shape.status();
    if (!target.ok()) return target.status().Within(PortName("output", i, graph, graph.outputs[i]));
    session->outputs[i] = std::move(*target);
  }
  OCTAVO_RETURN_IF_ERROR(session->session->Run(session->inputs, session->outputs, cancel ? &cancel->cancel : nullptr));

  // First everything that can fail, so that a failure changes no view.
  for (size_t i = 0; i < output_count; ++i) {
    const octavo_tensor_view& view = views[i];
    if (!TakesCopy(view)) continue;
    Result<Tensor> target = WriteTarget(view, session->outputs[i].dtype(), session->outputs[i].shape());
    if (!target.ok()) return target.status().Within(PortName("output", i, graph, graph.outputs[i]));
  }
  for (size_t i = 0; i < output_count; ++i) {
    const Tensor& result = session->outputs[i];
    octavo_tensor_view& view = views[i];
    session->output_shapes[i] = result.shape();
    if (TakesCopy(view)) {
      if (result.bytes() > 0) std::memcpy(view.data, result.raw(), result.bytes());
    } else if (!view.data) {
      view.data = const_cast<void*>(result.raw());
    }
    Describe(result.dtype(), session->output_shapes[i], &view);
  }
  session->ran = true;
  return Ok();
}

Status Prepare(octavo_session* session, const octavo_tensor_view* inputs, size_t input_count,
               octavo_tensor_view* outputs, size_t output_count) {
  const Graph& graph = session->program->graph();
  if (input_count != graph.inputs.size() || output_count != graph.outputs.size()) {
    return Error(Code::kInvalidArgument, "%zu inputs and %zu outputs were given, the model has %zu and %zu",
                 input_count, output_count, graph.inputs.size(), graph.outputs.size());
  }
  if (input_count > 0) OCTAVO_RETURN_IF_ERROR(CheckViews(inputs, input_count, "inputs"));
  if (output_count > 0) OCTAVO_RETURN_IF_ERROR(CheckViews(outputs, output_count, "outputs"));
  const Views<const octavo_tensor_view> in(inputs, input_count);
  std::vector<Shape> shapes(input_count);
  for (size_t i = 0; i < input_count; ++i) {
    Result<Shape> shape = ReadShape(in[i]);
    if (!shape.ok()) return shape.status().Within(PortName("input", i, graph, graph.inputs[i]));
    const Value& value = graph.values[graph.inputs[i]];
    bool fits = in[i].dtype == static_cast<int32_t>(value.dtype);
    fits = fits && (!value.shape || value.shape->rank() == shape->rank());
    for (int d = 0; fits && value.shape && d < shape->rank(); ++d) {
      fits = (*value.shape)[d] == Shape::kUnknown || (*value.shape)[d] == (*shape)[d];
    }
    if (!fits) {
      return Error(Code::kInvalidArgument, "%s: expected %s %s, found %s %s",
                   PortName("input", i, graph, graph.inputs[i]).c_str(), Name(value.dtype),
                   value.shape ? value.shape->ToString().c_str() : "of any shape",
                   Name(static_cast<DType>(in[i].dtype)), shape->ToString().c_str());
    }
    shapes[i] = *shape;
  }
  OCTAVO_ASSIGN_OR_RETURN(const auto plan, session->program->PlanFor(shapes));
  const Views<octavo_tensor_view> out(outputs, output_count);
  for (size_t i = 0; i < output_count; ++i) {
    const Value& value = plan->graph.values[plan->graph.outputs[i]];
    session->output_shapes[i] = value.shape.value_or(Shape());
    Describe(value.dtype, session->output_shapes[i], &out[i]);
    if (!value.shape) {
      out[i].rank = -1;
      out[i].bytes = 0;
    }
  }
  session->ran = false;
  return Ok();
}

// Why steps of a quantized model run in float is known by the model's nodes; fused steps are named "first + second".
Status Explain(const Model& model, std::vector<StepProfile>* steps) {
  if (!IsQuantized(model.graph())) return Ok();
  OCTAVO_ASSIGN_OR_RETURN(const Graph* simplified, model.Simplified());
  OCTAVO_ASSIGN_OR_RETURN(const std::vector<Decision> decisions,
                          NodeDecisions(model.graph(), *simplified, model.context()->memory()));
  std::unordered_map<std::string, const Decision*> by_node;
  for (const Decision& decision : decisions) by_node.emplace(decision.node, &decision);
  for (StepProfile& step : *steps) {
    if (step.precision == "int8") continue;
    const auto found = by_node.find(step.name.substr(0, step.name.find(" + ")));
    if (found == by_node.end()) continue;
    step.reason = found->second->reason;
    step.sentence = found->second->sentence;
  }
  return Ok();
}

// What profile_json and profile_html render.
Result<octavo::Profile> ReadProfile(const octavo_session* session) {
  if (!session->options.profile) {
    return Status(Code::kInvalidState, "the session was created without octavo_session_options_set_profile");
  }
  OCTAVO_ASSIGN_OR_RETURN(const Busy busy, Busy::Enter(session));
  octavo::Profile profile;
  profile.model = session->model->graph().name;
  profile.cpu_target = session->program->cpu_target();
  profile.threads = session->options.threads ? session->options.threads : AvailableProcessors();
  profile.peak = session->session->MeasurePeak();
  profile.steps = session->session->Steps();
  OCTAVO_RETURN_IF_ERROR(Explain(*session->model, &profile.steps));
  return profile;
}

}  // namespace
}  // namespace octavo::capi

using octavo::Code;
using octavo::Error;
using octavo::Ok;
using octavo::Status;
using octavo::capi::Busy;
using octavo::capi::Guard;

octavo_status octavo_session_options_create(octavo_session_options** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_POINTER(out);
    *out = new octavo_session_options;
    return Ok();
  });
}

void octavo_session_options_destroy(octavo_session_options* options) { octavo::capi::Destroy(options); }

octavo_status octavo_session_options_set_threads(octavo_session_options* options, int32_t threads) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckThreads(threads));
    options->threads = threads;
    return Ok();
  });
}

octavo_status octavo_session_options_set_cpu_target(octavo_session_options* options, const char* target) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckCpuTarget(target));
    options->cpu_target = target;
    return Ok();
  });
}

octavo_status octavo_session_options_set_profile(octavo_session_options* options, int32_t profile) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckFlag(profile, "profile"));
    options->profile = profile != 0;
    return Ok();
  });
}

octavo_status octavo_session_create(const octavo_model* model, const octavo_session_options* options,
                                    octavo_session** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_OPTIONAL(options);
    OCTAVO_CHECK_POINTER(out);
    const octavo_session_options defaults;
    const octavo_session_options& o = options ? *options : defaults;
    auto made = std::make_unique<octavo_session>();
    made->model = model->model;
    made->options = model->model->context()->session_options(o.threads);
    made->options.profile = o.profile;
    OCTAVO_ASSIGN_OR_RETURN(made->program, model->model->ProgramFor(o.cpu_target));
    OCTAVO_ASSIGN_OR_RETURN(made->session, octavo::Session::Create(made->program, made->options));
    made->output_shapes.resize(model->model->graph().outputs.size());
    *out = made.release();
    return Ok();
  });
}

void octavo_session_destroy(octavo_session* session) { octavo::capi::Destroy(session); }

octavo_status octavo_session_run(octavo_session* session, const octavo_tensor_view* inputs, size_t input_count,
                                 octavo_tensor_view* outputs, size_t output_count, const octavo_cancel* cancel) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(session);
    OCTAVO_CHECK_OPTIONAL(cancel);
    OCTAVO_ASSIGN_OR_RETURN(const Busy busy, Busy::Enter(session));
    return octavo::capi::Run(session, inputs, input_count, outputs, output_count, cancel);
  });
}

octavo_status octavo_session_prepare(octavo_session* session, const octavo_tensor_view* inputs, size_t input_count,
                                     octavo_tensor_view* outputs, size_t output_count) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(session);
    OCTAVO_ASSIGN_OR_RETURN(const Busy busy, Busy::Enter(session));
    return octavo::capi::Prepare(session, inputs, input_count, outputs, output_count);
  });
}

octavo_status octavo_session_output_shape(const octavo_session* session, size_t index, int64_t* dims, size_t capacity,
                                          int32_t* out_rank) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(session);
    if (index >= session->output_shapes.size()) {
      return Error(Code::kInvalidArgument, "index is %zu, the model has %zu outputs", index,
                   session->output_shapes.size());
    }
    if (!session->ran) return Status(Code::kInvalidState, "the session has not run yet");
    return octavo::capi::CopyShape(session->output_shapes[index], dims, capacity, out_rank);
  });
}

octavo_status octavo_session_cpu_target(const octavo_session* session, const char** out_target) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(session);
    OCTAVO_CHECK_POINTER(out_target);
    *out_target = session->program->cpu_target().c_str();
    return Ok();
  });
}

octavo_status octavo_session_profile_json(const octavo_session* session, octavo_buffer** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(session);
    OCTAVO_CHECK_POINTER(out);
    OCTAVO_ASSIGN_OR_RETURN(const octavo::Profile profile, octavo::capi::ReadProfile(session));
    OCTAVO_ASSIGN_OR_RETURN(*out, octavo::capi::NewBuffer(profile.ToJson()));
    return Ok();
  });
}

octavo_status octavo_session_profile_html(const octavo_session* session, octavo_buffer** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(session);
    OCTAVO_CHECK_POINTER(out);
    OCTAVO_ASSIGN_OR_RETURN(const octavo::Profile profile, octavo::capi::ReadProfile(session));
    OCTAVO_ASSIGN_OR_RETURN(*out, octavo::capi::NewBuffer(profile.ToHtml()));
    return Ok();
  });
}
