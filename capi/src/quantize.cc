// Sections 7 to 9 and 11 of octavo.h: calibrating, recipes, quantizing, converting, reports.
#include <algorithm>

#include "capi/src/handles.h"
#include "capi/src/views.h"
#include "core/base/file.h"
#include "core/quantize/describe.h"

namespace octavo::capi {

Result<ObserverChoice> ParseObserver(const char* observer, double percentile) {
  OCTAVO_CHECK_POINTER(observer);
  Result<ObserverKind> kind = ObserverFromName(observer);
  if (!kind.ok()) return Invalid(kind.status().message());
  ObserverChoice choice;
  choice.kind = *kind;
  if (percentile != 0) {
    if (!(percentile > 50 && percentile <= 100)) {
      return Error(Code::kInvalidArgument, "percentile is %g, not in (50, 100]", percentile);
    }
    choice.percentile = percentile;
  }
  return choice;
}

namespace {

Status CheckFloat(const ModelPtr& model) {
  return IsQuantized(model->graph())
             ? Status(Code::kInvalidState, model->origin() +
                                               ": the model is quantized already; octavo_model_convert "
                                               "turns it into the form that runs here")
             : Ok();
}

std::unique_ptr<octavo_model> NewModel(const ModelPtr& from, Graph graph) {
  auto made = std::make_unique<octavo_model>();
  made->model = std::make_shared<const Model>(from->context(), std::move(graph), from->origin());
  return made;
}

// The callback as the core calls it. Counts of a statistics file may be more than int64_t holds.
CustomObserver ObserverOf(const octavo_quantize_options& options) {
  return [callback = options.observer, user_data = options.observer_data](
             const std::string& name, const ValueStatistics& value) -> Result<Range> {
    constexpr double kMost = 0x1p62;
    std::vector<double> lows, highs;
    std::vector<int64_t> counts;
    for (const Mass& mass : Masses(value)) {
      lows.push_back(mass.low);
      highs.push_back(mass.high);
      counts.push_back(static_cast<int64_t>(std::min(mass.count, kMost)));
    }
    Range range{value.min, value.max};
    const auto count = static_cast<int64_t>(std::min(static_cast<double>(value.count), kMost));
    const int32_t stop = callback(name.c_str(), count, value.min, value.max, counts.size(), lows.data(), highs.data(),
                                  counts.data(), &range.low, &range.high, user_data);
    if (stop != 0)
      return Status(Code::kCancelled, "cancelled by the observer callback at value '" + Printable(name) + "'");
    return range;
  };
}

// What the log is told of a quantized model.
void TellDecisions(const Model& model) {
  size_t kept = 0;
  const std::vector<Decision> decisions = Decisions(model.graph());
  for (const Decision& decision : decisions) {
    if (decision.reason.empty()) continue;
    ++kept;
    model.context()->Tell(OCTAVO_LOG_DEBUG, "%s: node '%s' (%s) stays %s: %s", model.origin().c_str(),
                          decision.node.c_str(), decision.op.c_str(), decision.precision.c_str(),
                          decision.sentence.c_str());
  }
  model.context()->Tell(OCTAVO_LOG_INFO, "quantized %s: %zu of %zu nodes", model.origin().c_str(),
                        decisions.size() - kept, decisions.size());
}

}  // namespace
}  // namespace octavo::capi

using octavo::Code;
using octavo::Error;
using octavo::Ok;
using octavo::Status;
using octavo::capi::Guard;

// ----------------------------------------------------------------------------------------------------- calibrator

octavo_status octavo_calibrator_options_create(octavo_calibrator_options** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_POINTER(out);
    *out = new octavo_calibrator_options;
    return Ok();
  });
}

void octavo_calibrator_options_destroy(octavo_calibrator_options* options) { octavo::capi::Destroy(options); }

octavo_status octavo_calibrator_options_set_threads(octavo_calibrator_options* options, int32_t threads) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckThreads(threads));
    options->threads = threads;
    return Ok();
  });
}

octavo_status octavo_calibrator_options_set_cpu_target(octavo_calibrator_options* options, const char* target) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckCpuTarget(target));
    options->cpu_target = target;
    return Ok();
  });
}

octavo_status octavo_calibrator_options_set_observer(octavo_calibrator_options* options, const char* observer,
                                                     double percentile) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_ASSIGN_OR_RETURN(options->observer, octavo::capi::ParseObserver(observer, percentile));
    return Ok();
  });
}

octavo_status octavo_calibrator_create(const octavo_model* model, const octavo_calibrator_options* options,
                                       octavo_calibrator** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_OPTIONAL(options);
    OCTAVO_CHECK_POINTER(out);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckFloat(model->model));
    OCTAVO_ASSIGN_OR_RETURN(const octavo::Graph* graph, model->model->Simplified());
    const octavo_calibrator_options defaults;
    const octavo_calibrator_options& o = options ? *options : defaults;
    auto made = std::make_unique<octavo_calibrator>();
    made->model = model->model;
    made->observer = o.observer;
    const auto& context = model->model->context();
    octavo::CalibratorOptions core;
    core.session = context->session_options(o.threads);
    core.cpu_target = o.cpu_target;
    core.moving_average = o.observer && o.observer->kind == octavo::ObserverKind::kMovingAverage;
    OCTAVO_ASSIGN_OR_RETURN(made->calibrator, octavo::Calibrator::Create(*graph, core, context->memory()));
    *out = made.release();
    return Ok();
  });
}

octavo_status octavo_calibrator_collect(octavo_calibrator* calibrator, const octavo_tensor_view* inputs, size_t count,
                                        const octavo_cancel* cancel) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(calibrator);
    OCTAVO_CHECK_OPTIONAL(cancel);
    const octavo::capi::Model& model = *calibrator->model;
    std::vector<octavo::Tensor> tensors;
    OCTAVO_RETURN_IF_ERROR(octavo::capi::ReadInputs(model.graph(), inputs, count, model.context()->memory(), &tensors));
    return calibrator->calibrator->Collect(tensors, cancel ? &cancel->cancel : nullptr);
  });
}

octavo_status octavo_calibrator_finish(const octavo_calibrator* calibrator, octavo_statistics** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(calibrator);
    OCTAVO_CHECK_POINTER(out);
    auto made = std::make_unique<octavo_statistics>();
    OCTAVO_ASSIGN_OR_RETURN(made->statistics, calibrator->calibrator->Finish());
    made->observer = calibrator->observer;
    *out = made.release();
    return Ok();
  });
}

void octavo_calibrator_destroy(octavo_calibrator* calibrator) { octavo::capi::Destroy(calibrator); }

// ----------------------------------------------------------------------------------------------------- statistics

octavo_status octavo_statistics_load(octavo_context* context, const char* path, octavo_statistics** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    OCTAVO_CHECK_POINTER(path);
    OCTAVO_CHECK_POINTER(out);
    OCTAVO_ASSIGN_OR_RETURN(const auto file,
                            octavo::MappedFile::Open(path, context->context->memory()->limits().file_bytes));
    octavo::Result<octavo::Statistics> statistics = octavo::Statistics::Load(file->bytes());
    if (!statistics.ok()) return statistics.status().Within(octavo::Printable(path));
    auto made = std::make_unique<octavo_statistics>();
    made->statistics = std::move(*statistics);
    *out = made.release();
    return Ok();
  });
}

octavo_status octavo_statistics_load_memory(octavo_context* context, const void* data, size_t size,
                                            octavo_statistics** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    OCTAVO_CHECK_POINTER(data);
    OCTAVO_CHECK_POINTER(out);
    auto made = std::make_unique<octavo_statistics>();
    OCTAVO_ASSIGN_OR_RETURN(made->statistics, octavo::Statistics::Load({static_cast<const std::byte*>(data), size}));
    *out = made.release();
    return Ok();
  });
}

octavo_status octavo_statistics_save(const octavo_statistics* statistics, const char* path) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(statistics);
    OCTAVO_CHECK_POINTER(path);
    const std::vector<std::byte> bytes = statistics->statistics.Save();
    return octavo::AtomicWriteFile(path, [&](const octavo::ByteSink& sink) { return sink(bytes); });
  });
}

octavo_status octavo_statistics_save_memory(const octavo_statistics* statistics, octavo_buffer** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(statistics);
    OCTAVO_CHECK_POINTER(out);
    const std::vector<std::byte> bytes = statistics->statistics.Save();
    OCTAVO_ASSIGN_OR_RETURN(
        *out, octavo::capi::NewBuffer(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())));
    return Ok();
  });
}

octavo_status octavo_statistics_merge(octavo_statistics* into, const octavo_statistics* from) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(into);
    OCTAVO_CHECK_HANDLE(from);
    // On a copy, so that a failure halfway changes nothing; `into` may also be `from`.
    octavo::Statistics merged = into->statistics;
    OCTAVO_RETURN_IF_ERROR(merged.Merge(from->statistics));
    into->statistics = std::move(merged);
    return Ok();
  });
}

octavo_status octavo_statistics_samples(const octavo_statistics* statistics, int64_t* out_samples) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(statistics);
    OCTAVO_CHECK_POINTER(out_samples);
    *out_samples = static_cast<int64_t>(statistics->statistics.samples);
    return Ok();
  });
}

octavo_status octavo_statistics_json(const octavo_statistics* statistics, octavo_buffer** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(statistics);
    OCTAVO_CHECK_POINTER(out);
    OCTAVO_ASSIGN_OR_RETURN(*out, octavo::capi::NewBuffer(octavo::DescribeStatistics(statistics->statistics)));
    return Ok();
  });
}

void octavo_statistics_destroy(octavo_statistics* statistics) { octavo::capi::Destroy(statistics); }

// ----------------------------------------------------------------------------------------------------- recipe

octavo_status octavo_recipe_create(octavo_context* context, int32_t scheme, octavo_recipe** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    OCTAVO_CHECK_POINTER(out);
    auto made = std::make_unique<octavo_recipe>();
    switch (scheme) {
      case OCTAVO_STATIC_INT8:
        made->recipe.scheme = octavo::Scheme::kStatic;
        break;
      case OCTAVO_DYNAMIC_INT8:
        made->recipe.scheme = octavo::Scheme::kDynamic;
        break;
      case OCTAVO_WEIGHT_ONLY:
        made->recipe.scheme = octavo::Scheme::kWeightOnly;
        break;
      default:
        return Error(Code::kInvalidArgument, "scheme %d is none of octavo_scheme", scheme);
    }
    *out = made.release();
    return Ok();
  });
}

octavo_status octavo_recipe_parse(octavo_context* context, const char* json, size_t size, octavo_recipe** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    OCTAVO_CHECK_POINTER(json);
    OCTAVO_CHECK_POINTER(out);
    auto made = std::make_unique<octavo_recipe>();
    OCTAVO_ASSIGN_OR_RETURN(made->recipe, octavo::Recipe::Parse(std::string(json, size)));
    *out = made.release();
    return Ok();
  });
}

octavo_status octavo_recipe_json(const octavo_recipe* recipe, octavo_buffer** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(recipe);
    OCTAVO_CHECK_POINTER(out);
    OCTAVO_ASSIGN_OR_RETURN(*out, octavo::capi::NewBuffer(recipe->recipe.ToJson()));
    return Ok();
  });
}

octavo_status octavo_recipe_set_observer(octavo_recipe* recipe, const char* observer, double percentile) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(recipe);
    OCTAVO_ASSIGN_OR_RETURN(recipe->recipe.observer, octavo::capi::ParseObserver(observer, percentile));
    return Ok();
  });
}

octavo_status octavo_recipe_set_per_channel(octavo_recipe* recipe, int32_t per_channel) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(recipe);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckFlag(per_channel, "per_channel"));
    recipe->recipe.per_channel = per_channel != 0;
    return Ok();
  });
}

octavo_status octavo_recipe_set_weight_blocks(octavo_recipe* recipe, int32_t bits, int64_t block_size) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(recipe);
    if (bits != 4 && bits != 8) return Error(Code::kInvalidArgument, "bits is %d, not 4 or 8", bits);
    // Through the JSON form, which knows the bounds.
    octavo::Recipe changed = recipe->recipe;
    changed.weight_bits = bits;
    changed.block_size = block_size;
    octavo::Result<octavo::Recipe> checked = octavo::Recipe::Parse(changed.ToJson());
    if (!checked.ok()) return octavo::capi::Invalid(checked.status().message());
    recipe->recipe = std::move(changed);
    return Ok();
  });
}

octavo_status octavo_recipe_keep_float(octavo_recipe* recipe, const char* op, const char* name) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(recipe);
    octavo::NodeRule rule;
    rule.match_op = op ? op : "";
    rule.match_name = name ? name : "";
    rule.keep_float = true;
    recipe->recipe.nodes.push_back(std::move(rule));
    return Ok();
  });
}

octavo_status octavo_recipe_observe(octavo_recipe* recipe, const char* op, const char* name, const char* observer,
                                    double percentile) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(recipe);
    octavo::NodeRule rule;
    rule.match_op = op ? op : "";
    rule.match_name = name ? name : "";
    OCTAVO_ASSIGN_OR_RETURN(rule.observer, octavo::capi::ParseObserver(observer, percentile));
    recipe->recipe.nodes.push_back(std::move(rule));
    return Ok();
  });
}

void octavo_recipe_destroy(octavo_recipe* recipe) { octavo::capi::Destroy(recipe); }

// ----------------------------------------------------------------------------------------------------- quantize

octavo_status octavo_quantize_options_create(octavo_quantize_options** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_POINTER(out);
    *out = new octavo_quantize_options;
    return Ok();
  });
}

void octavo_quantize_options_destroy(octavo_quantize_options* options) { octavo::capi::Destroy(options); }

octavo_status octavo_quantize_options_set_progress(octavo_quantize_options* options, octavo_progress_callback progress,
                                                   void* user_data) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    options->progress = progress;
    options->user_data = user_data;
    return Ok();
  });
}

octavo_status octavo_quantize_options_set_cancel(octavo_quantize_options* options, const octavo_cancel* cancel) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_CHECK_OPTIONAL(cancel);
    options->cancel = cancel;
    return Ok();
  });
}

octavo_status octavo_quantize_options_set_observer(octavo_quantize_options* options, octavo_observer_callback observer,
                                                   void* user_data) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    options->observer = observer;
    options->observer_data = user_data;
    return Ok();
  });
}

octavo_status octavo_model_quantize(const octavo_model* model, const octavo_statistics* statistics,
                                    const octavo_recipe* recipe, octavo_model** out) {
  return octavo_model_quantize_with(model, statistics, recipe, nullptr, out);
}

octavo_status octavo_model_quantize_with(const octavo_model* model, const octavo_statistics* statistics,
                                         const octavo_recipe* recipe, const octavo_quantize_options* options,
                                         octavo_model** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_OPTIONAL(statistics);
    OCTAVO_CHECK_OPTIONAL(recipe);
    OCTAVO_CHECK_OPTIONAL(options);
    OCTAVO_CHECK_POINTER(out);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckFloat(model->model));
    OCTAVO_ASSIGN_OR_RETURN(const octavo::Graph* graph, model->model->Simplified());
    octavo::Recipe wishes;
    if (recipe) {
      wishes = recipe->recipe;
    } else if (options && options->observer) {
      wishes.observer.kind = octavo::ObserverKind::kCustom;
    } else if (statistics && statistics->observer) {
      wishes.observer = *statistics->observer;
    }
    octavo::Progress progress;
    const octavo::Cancel* cancel = nullptr;
    octavo::CustomObserver observer;
    if (options) {
      OCTAVO_CHECK_OPTIONAL(options->cancel);
      if (options->cancel) cancel = &options->cancel->cancel;
      if (options->progress) {
        progress = [options](double fraction, const std::string& what) {
          return options->progress(fraction, what.c_str(), options->user_data) == 0;
        };
      }
      if (options->observer) observer = octavo::capi::ObserverOf(*options);
    }
    octavo::Result<octavo::Graph> quantized = octavo::Quantize(
        *graph, wishes, statistics ? &statistics->statistics : nullptr, model->model->context()->memory(),
        progress ? &progress : nullptr, cancel, observer ? &observer : nullptr);
    if (!quantized.ok()) return quantized.status().Within(model->model->origin());
    auto made = octavo::capi::NewModel(model->model, std::move(*quantized));
    octavo::capi::TellDecisions(*made->model);
    *out = made.release();
    return Ok();
  });
}

octavo_status octavo_convert_options_create(octavo_convert_options** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_POINTER(out);
    *out = new octavo_convert_options;
    return Ok();
  });
}

void octavo_convert_options_destroy(octavo_convert_options* options) { octavo::capi::Destroy(options); }

octavo_status octavo_convert_options_set_form(octavo_convert_options* options, const char* form) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_CHECK_POINTER(form);
    const std::string wanted = form;
    if (wanted != "qdq" && wanted != "qoperator") {
      return octavo::capi::Invalid("form is '" + octavo::Printable(wanted) + "', not qdq or qoperator");
    }
    options->form = wanted;
    return Ok();
  });
}

octavo_status octavo_model_convert(const octavo_model* model, const octavo_convert_options* options,
                                   octavo_model** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_OPTIONAL(options);
    OCTAVO_CHECK_POINTER(out);
    const octavo_convert_options defaults;
    octavo::Result<octavo::Graph> converted =
        octavo::Convert(model->model->graph(), (options ? *options : defaults).form, model->model->context()->memory());
    if (!converted.ok()) return converted.status().Within(model->model->origin());
    *out = octavo::capi::NewModel(model->model, std::move(*converted)).release();
    return Ok();
  });
}

// ----------------------------------------------------------------------------------------------------- report

octavo_status octavo_report_options_create(octavo_report_options** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_POINTER(out);
    *out = new octavo_report_options;
    return Ok();
  });
}

void octavo_report_options_destroy(octavo_report_options* options) { octavo::capi::Destroy(options); }

octavo_status octavo_report_options_set_threads(octavo_report_options* options, int32_t threads) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckThreads(threads));
    options->threads = threads;
    return Ok();
  });
}

octavo_status octavo_report_options_set_cpu_target(octavo_report_options* options, const char* target) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckCpuTarget(target));
    options->cpu_target = target;
    return Ok();
  });
}

octavo_status octavo_report_create(const octavo_model* float_model, const octavo_model* quantized_model,
                                   const octavo_report_options* options, octavo_report** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(float_model);
    OCTAVO_CHECK_HANDLE(quantized_model);
    OCTAVO_CHECK_OPTIONAL(options);
    OCTAVO_CHECK_POINTER(out);
    const octavo_report_options defaults;
    const octavo_report_options& o = options ? *options : defaults;
    const octavo::capi::Model& reference = *float_model->model;
    OCTAVO_ASSIGN_OR_RETURN(const octavo::Graph* simplified, reference.Simplified());
    OCTAVO_ASSIGN_OR_RETURN(const octavo::Graph* quantized, quantized_model->model->Simplified());
    auto made = std::make_unique<octavo_report>();
    made->float_model = float_model->model;
    made->quantized_model = quantized_model->model;
    OCTAVO_ASSIGN_OR_RETURN(made->report, octavo::Report::Create(reference.graph(), *simplified, *quantized,
                                                                 reference.context()->session_options(o.threads),
                                                                 o.cpu_target, reference.context()->memory()));
    *out = made.release();
    return Ok();
  });
}

octavo_status octavo_report_collect(octavo_report* report, const octavo_tensor_view* inputs, size_t count,
                                    const octavo_cancel* cancel) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(report);
    OCTAVO_CHECK_OPTIONAL(cancel);
    const octavo::capi::Model& model = *report->float_model;
    std::vector<octavo::Tensor> tensors;
    OCTAVO_RETURN_IF_ERROR(octavo::capi::ReadInputs(model.graph(), inputs, count, model.context()->memory(), &tensors));
    return report->report->Collect(tensors, cancel ? &cancel->cancel : nullptr);
  });
}

octavo_status octavo_report_json(const octavo_report* report, octavo_buffer** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(report);
    OCTAVO_CHECK_POINTER(out);
    OCTAVO_ASSIGN_OR_RETURN(*out, octavo::capi::NewBuffer(report->report->ToJson()));
    return Ok();
  });
}

octavo_status octavo_report_html(const octavo_report* report, octavo_buffer** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(report);
    OCTAVO_CHECK_POINTER(out);
    OCTAVO_ASSIGN_OR_RETURN(*out, octavo::capi::NewBuffer(report->report->ToHtml()));
    return Ok();
  });
}

void octavo_report_destroy(octavo_report* report) { octavo::capi::Destroy(report); }
