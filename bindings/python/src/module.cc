// octavo._core: the objects of octavo.h as Python classes, nothing more. What makes them pleasant is in Python.
#include <cstring>
#include <tuple>

#include "native.h"

namespace {

// ---------------------------------------------------------------------------------------------------- context

// The log callback of a context. What it raises goes to sys.unraisablehook: a message must not stop work.
void TellLog(int32_t level, const char* message, void* user_data) {
  const py::gil_scoped_acquire acquire;
  try {
    const auto text = PyUnicode_DecodeUTF8(message, static_cast<py::ssize_t>(std::strlen(message)), "replace");
    if (text == nullptr) throw py::error_already_set();
    py::handle(static_cast<PyObject*>(user_data))(level, py::reinterpret_steal<py::str>(text));
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("octavo's log callback");
  }
}

std::shared_ptr<ContextHandle> NewContext(int32_t threads, const std::optional<int64_t>& memory_limit,
                                          const std::optional<int64_t>& file_limit,
                                          const std::optional<int64_t>& fold_limit,
                                          const std::optional<int64_t>& node_limit,
                                          const std::optional<int64_t>& string_limit, const py::object& log,
                                          int32_t log_level) {
  const auto options = Make<octavo_context_options>([](auto** out) { return octavo_context_options_create(out); });
  octavo_context_options* o = options.get();
  Check(octavo_context_options_set_threads(o, threads));
  if (memory_limit) Check(octavo_context_options_set_memory_limit(o, *memory_limit));
  if (file_limit) Check(octavo_context_options_set_file_limit(o, *file_limit));
  if (fold_limit) Check(octavo_context_options_set_fold_limit(o, *fold_limit));
  if (node_limit) Check(octavo_context_options_set_node_limit(o, *node_limit));
  if (string_limit) Check(octavo_context_options_set_string_limit(o, *string_limit));
  Keep kept;
  if (!log.is_none()) {
    Check(octavo_context_options_set_log(o, log_level, TellLog, log.ptr()));
    kept = std::make_shared<Kept>(log, nullptr);
  }
  return std::make_shared<ContextHandle>(
      Make<octavo_context>([&](auto** out) { return octavo_context_create(o, out); }), std::move(kept));
}

py::tuple ContextMemory(const ContextHandle& context) {
  int64_t live = 0, peak = 0;
  Check(octavo_context_memory(context.get().get(), &live, &peak));
  return py::make_tuple(live, peak);
}

// ---------------------------------------------------------------------------------------------------- model

using InputShapes = std::vector<std::pair<std::optional<std::string>, std::vector<int64_t>>>;

Owned<octavo_load_options> LoadOptions(const InputShapes& shapes) {
  auto options = Make<octavo_load_options>([](auto** out) { return octavo_load_options_create(out); });
  for (const auto& [name, dims] : shapes) {
    Check(octavo_load_options_set_input_shape(options.get(), name ? name->c_str() : nullptr, dims.data(), dims.size()));
  }
  return options;
}

template <typename F>
std::shared_ptr<ModelHandle> MakeModel(Keep kept, F&& create) {
  octavo_model* made = nullptr;
  Unlocked([&] { return create(&made); });
  return std::make_shared<ModelHandle>(Owned<octavo_model>(made), std::move(kept));
}

std::shared_ptr<ModelHandle> LoadModel(const ContextHandle& context, const std::string& path,
                                       const InputShapes& shapes) {
  const auto c = context.get();
  const auto options = LoadOptions(shapes);
  return MakeModel(context.kept(),
                   [&](octavo_model** out) { return octavo_model_load(c.get(), path.c_str(), options.get(), out); });
}

std::shared_ptr<ModelHandle> LoadModelBytes(const ContextHandle& context, const py::buffer& bytes,
                                            const InputShapes& shapes) {
  const auto c = context.get();
  const auto options = LoadOptions(shapes);
  const py::buffer_info info = bytes.request();
  py::ssize_t dense = info.itemsize;
  for (py::ssize_t d = info.ndim - 1; d >= 0; --d) {
    const size_t i = static_cast<size_t>(d);
    if (info.shape[i] > 1 && info.strides[i] != dense) {
      throw Failure(OCTAVO_INVALID_ARGUMENT, "the bytes of a model must be contiguous");
    }
    dense *= info.shape[i];
  }
  Keep kept = context.kept();
  if (PyBytes_CheckExact(bytes.ptr())) {  // they never change: the model may look at them for as long as it lives
    Check(octavo_load_options_set_borrow(options.get(), 1));
    kept = std::make_shared<Kept>(bytes, std::move(kept));
  }
  const size_t size = static_cast<size_t>(info.size * info.itemsize);
  return MakeModel(std::move(kept), [&](octavo_model** out) {
    return octavo_model_load_memory(c.get(), info.ptr ? info.ptr : "", size, options.get(), out);
  });
}

void SaveModel(const ModelHandle& model, const std::string& path, bool external_data) {
  const auto m = model.get();
  const auto options = Make<octavo_save_options>([](auto** out) { return octavo_save_options_create(out); });
  Check(octavo_save_options_set_external_data(options.get(), external_data));
  Unlocked([&] { return octavo_model_save(m.get(), path.c_str(), options.get()); });
}

// [(name, dtype, shape)], -1 for open dimensions; shape None where not even the rank is known.
py::list Ports(const ModelHandle& model, bool inputs) {
  const auto m = model.get();
  size_t count = 0;
  Check(inputs ? octavo_model_input_count(m.get(), &count) : octavo_model_output_count(m.get(), &count));
  py::list ports;
  for (size_t i = 0; i < count; ++i) {
    const char* name = nullptr;
    int32_t dtype = 0, rank = 0;
    int64_t dims[OCTAVO_MAX_RANK];
    if (inputs) {
      Check(octavo_model_input_name(m.get(), i, &name));
      Check(octavo_model_input_dtype(m.get(), i, &dtype));
      Check(octavo_model_input_shape(m.get(), i, dims, OCTAVO_MAX_RANK, &rank));
    } else {
      Check(octavo_model_output_name(m.get(), i, &name));
      Check(octavo_model_output_dtype(m.get(), i, &dtype));
      Check(octavo_model_output_shape(m.get(), i, dims, OCTAVO_MAX_RANK, &rank));
    }
    octavo_tensor_view view = OCTAVO_TENSOR_VIEW_INIT;
    view.rank = rank;
    view.dims = dims;
    ports.append(py::make_tuple(py::str(name), dtype, Shape(view)));
  }
  return ports;
}

// {key: value}, in the file's order.
py::dict Metadata(const ModelHandle& model) {
  const auto m = model.get();
  size_t count = 0;
  Check(octavo_model_metadata_count(m.get(), &count));
  py::dict pairs;
  for (size_t i = 0; i < count; ++i) {
    const char *key = nullptr, *value = nullptr;
    Check(octavo_model_metadata_at(m.get(), i, &key, &value));
    pairs[py::str(key)] = py::str(value);
  }
  return pairs;
}

bool IsQuantized(const ModelHandle& model) {
  int32_t quantized = 0;
  Check(octavo_model_is_quantized(model.get().get(), &quantized));
  return quantized != 0;
}

// What the callbacks of a quantization carry through C: the functions, and what the first of them to fail raised.
struct Callbacks {
  py::object progress, observer;
  std::exception_ptr error;

  static int32_t Progress(double fraction, const char* what, void* user_data) {
    return static_cast<Callbacks*>(user_data)->Call([&](Callbacks& self) { self.progress(fraction, py::str(what)); });
  }

  static int32_t Observe(const char* value, int64_t count, double min, double max, size_t bins, const double* lows,
                         const double* highs, const int64_t* counts, double* low, double* high, void* user_data) {
    return static_cast<Callbacks*>(user_data)->Call([&](Callbacks& self) {
      const auto size = static_cast<py::ssize_t>(bins);  // copied: the caller may keep them
      const py::object range = self.observer(py::str(value), count, min, max, py::array_t<double>(size, lows),
                                             py::array_t<double>(size, highs), py::array_t<int64_t>(size, counts));
      std::tie(*low, *high) = range.cast<std::pair<double, double>>();
    });
  }

 private:
  template <typename F>
  int32_t Call(F&& call) {
    const py::gil_scoped_acquire acquire;
    try {
      call(*this);
      return 0;
    } catch (...) {
      error = std::current_exception();
      return 1;
    }
  }
};

std::shared_ptr<ModelHandle> Quantize(const ModelHandle& model, const StatisticsHandle* statistics,
                                      const RecipeHandle* recipe, const py::object& progress,
                                      const py::object& observer, const Cancel* cancel, bool main_thread) {
  const auto m = model.get();
  const auto s = statistics ? statistics->get() : nullptr;
  const auto r = recipe ? recipe->get() : nullptr;
  const auto options = Make<octavo_quantize_options>([](auto** out) { return octavo_quantize_options_create(out); });
  octavo_quantize_options* o = options.get();
  Callbacks callbacks{progress, observer, nullptr};
  if (!progress.is_none()) Check(octavo_quantize_options_set_progress(o, Callbacks::Progress, &callbacks));
  if (!observer.is_none()) Check(octavo_quantize_options_set_observer(o, Callbacks::Observe, &callbacks));
  octavo_model* made = nullptr;
  try {
    Interruptible(Wish(cancel), main_thread, [&](octavo_cancel* wish) {
      const octavo_status status = octavo_quantize_options_set_cancel(o, wish);
      return status != OCTAVO_OK ? status : octavo_model_quantize_with(m.get(), s.get(), r.get(), o, &made);
    });
  } catch (const Failure&) {
    if (callbacks.error) std::rethrow_exception(callbacks.error);
    throw;
  } catch (...) {
    octavo_model_destroy(made);  // interrupted, yet done
    throw;
  }
  return std::make_shared<ModelHandle>(Owned<octavo_model>(made), model.kept());
}

std::shared_ptr<ModelHandle> Convert(const ModelHandle& model, const std::string& form) {
  const auto m = model.get();
  const auto options = Make<octavo_convert_options>([](auto** out) { return octavo_convert_options_create(out); });
  Check(octavo_convert_options_set_form(options.get(), form.c_str()));
  return MakeModel(model.kept(), [&](octavo_model** out) { return octavo_model_convert(m.get(), options.get(), out); });
}

// ---------------------------------------------------------------------------------------------------- calibrator

std::shared_ptr<CalibratorHandle> NewCalibrator(const ModelHandle& model, const std::optional<int32_t>& threads,
                                                const std::optional<std::string>& cpu_target,
                                                const std::optional<std::string>& observer, double percentile) {
  const auto m = model.get();
  const auto options =
      Make<octavo_calibrator_options>([](auto** out) { return octavo_calibrator_options_create(out); });
  octavo_calibrator_options* o = options.get();
  if (threads) Check(octavo_calibrator_options_set_threads(o, *threads));
  if (cpu_target) Check(octavo_calibrator_options_set_cpu_target(o, cpu_target->c_str()));
  if (observer) Check(octavo_calibrator_options_set_observer(o, observer->c_str(), percentile));
  octavo_calibrator* made = nullptr;
  Unlocked([&] { return octavo_calibrator_create(m.get(), o, &made); });
  return std::make_shared<CalibratorHandle>(Owned<octavo_calibrator>(made), model.kept());
}

// One batch for a calibrator or a report.
template <auto collect, typename H>
void Collect(const H& collector, const Arrays& arrays, const DTypes& dtypes, const Cancel* cancel, bool main_thread) {
  const Turn turn = collector.turn();
  const auto c = collector.get();
  const ArrayViews inputs = Inputs(arrays, dtypes);
  Interruptible(Wish(cancel), main_thread,
                [&](octavo_cancel* wish) { return collect(c.get(), inputs.data(), inputs.size(), wish); });
}

std::shared_ptr<StatisticsHandle> Finish(const CalibratorHandle& calibrator) {
  const Turn turn = calibrator.turn();
  const auto c = calibrator.get();
  octavo_statistics* made = nullptr;
  Unlocked([&] { return octavo_calibrator_finish(c.get(), &made); });
  return std::make_shared<StatisticsHandle>(Owned<octavo_statistics>(made), calibrator.kept());
}

// ---------------------------------------------------------------------------------------------------- report

std::shared_ptr<ReportHandle> NewReport(const ModelHandle& a, const ModelHandle& b,
                                        const std::optional<int32_t>& threads,
                                        const std::optional<std::string>& cpu_target) {
  const auto float_model = a.get(), quantized = b.get();
  const auto options = Make<octavo_report_options>([](auto** out) { return octavo_report_options_create(out); });
  if (threads) Check(octavo_report_options_set_threads(options.get(), *threads));
  if (cpu_target) Check(octavo_report_options_set_cpu_target(options.get(), cpu_target->c_str()));
  octavo_report* made = nullptr;
  Unlocked([&] { return octavo_report_create(float_model.get(), quantized.get(), options.get(), &made); });
  return std::make_shared<ReportHandle>(Owned<octavo_report>(made), a.kept());
}

// A report is written between batches.
Owned<octavo_buffer> Written(const ReportHandle& report,
                             octavo_status (*write)(const octavo_report*, octavo_buffer**)) {
  const Turn turn = report.turn();
  return Render<octavo_report>(report, write);
}

}  // namespace

#if PYBIND11_VERSION_HEX >= 0x020D0000
PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
#else
PYBIND11_MODULE(_core, m) {
#endif
  m.doc() = "The objects of octavo.h. Private: use the package octavo.";

  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Failure& failure) {
      const py::object error = py::module_::import("octavo._errors").attr("make")(failure.code, failure.message);
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
    }
  });

  m.def("version_string", [] { return octavo_version_string(); });
  m.def("abi_version", [] { return octavo_abi_version(); });
  m.def("cpu_target", [] { return octavo_cpu_target(); });
  m.def("cpu_targets", [] {
    std::vector<std::string> names;
    for (size_t i = 0; i < octavo_cpu_target_count(); ++i) names.emplace_back(octavo_cpu_target_name(i));
    return names;
  });
  m.def("status_name", [](octavo_status status) { return octavo_status_name(status); });
  m.def("dtype_name", [](int32_t dtype) { return octavo_dtype_name(dtype); });

  py::class_<Cancel>(m, "Cancel")
      .def(py::init<>())
      .def("request", [](const Cancel& self) { octavo_cancel_request(self.get()); })
      .def("reset", [](const Cancel& self) { octavo_cancel_reset(self.get()); })
      .def("requested", [](const Cancel& self) { return octavo_cancel_requested(self.get()) != 0; });

  auto context = py::class_<ContextHandle, std::shared_ptr<ContextHandle>>(m, "Context")
                     .def(py::init(&NewContext))
                     .def("memory", &ContextMemory);
  BindClose(context);

  auto model = py::class_<ModelHandle, std::shared_ptr<ModelHandle>>(m, "Model")
                   .def_static("load", &LoadModel)
                   .def_static("load_bytes", &LoadModelBytes)
                   .def("save", &SaveModel)
                   .def("save_bytes",
                        [](const ModelHandle& self) {
                          return Bytes(Render<octavo_model>(self, [](octavo_model* object, octavo_buffer** out) {
                                         return octavo_model_save_memory(object, nullptr, out);
                                       }).get());
                        })
                   .def("ports", &Ports)
                   .def("is_quantized", &IsQuantized)
                   .def("metadata", &Metadata)
                   .def("describe", [](const ModelHandle& self) {
                     return Text(Render<octavo_model>(self, octavo_model_describe_json).get());
                   });
  BindClose(model);
  m.def("quantize", &Quantize);
  m.def("convert", &Convert);

  auto calibrator = py::class_<CalibratorHandle, std::shared_ptr<CalibratorHandle>>(m, "Calibrator")
                        .def(py::init(&NewCalibrator))
                        .def("collect", &Collect<octavo_calibrator_collect, CalibratorHandle>)
                        .def("finish", &Finish);
  BindClose(calibrator);

  auto statistics =
      py::class_<StatisticsHandle, std::shared_ptr<StatisticsHandle>>(m, "Statistics")
          .def_static("load",
                      [](const ContextHandle& handle, const std::string& path) {
                        const auto c = handle.get();
                        octavo_statistics* made = nullptr;
                        Unlocked([&] { return octavo_statistics_load(c.get(), path.c_str(), &made); });
                        return std::make_shared<StatisticsHandle>(Owned<octavo_statistics>(made), handle.kept());
                      })
          .def_static(
              "load_bytes",
              [](const ContextHandle& handle, const std::string& bytes) {
                const auto c = handle.get();
                octavo_statistics* made = nullptr;
                Unlocked([&] { return octavo_statistics_load_memory(c.get(), bytes.data(), bytes.size(), &made); });
                return std::make_shared<StatisticsHandle>(Owned<octavo_statistics>(made), handle.kept());
              })
          .def("save",
               [](const StatisticsHandle& self, const std::string& path) {
                 const auto s = self.get();
                 Unlocked([&] { return octavo_statistics_save(s.get(), path.c_str()); });
               })
          .def("save_bytes",
               [](const StatisticsHandle& self) {
                 return Bytes(Render<octavo_statistics>(self, octavo_statistics_save_memory).get());
               })
          .def("merge",
               [](const StatisticsHandle& self, const StatisticsHandle& other) {
                 const auto into = self.get(), from = other.get();
                 Unlocked([&] { return octavo_statistics_merge(into.get(), from.get()); });
               })
          .def("samples",
               [](const StatisticsHandle& self) {
                 int64_t samples = 0;
                 Check(octavo_statistics_samples(self.get().get(), &samples));
                 return samples;
               })
          .def("json", [](const StatisticsHandle& self) {
            return Text(Render<octavo_statistics>(self, octavo_statistics_json).get());
          });
  BindClose(statistics);

  py::class_<RecipeHandle, std::shared_ptr<RecipeHandle>>(m, "Recipe")
      .def_static("parse",
                  [](const ContextHandle& handle, const std::string& json) {
                    const auto c = handle.get();
                    auto made = Make<octavo_recipe>([&](octavo_recipe** out) {
                      return octavo_recipe_parse(c.get(), json.data(), json.size(), out);
                    });
                    return std::make_shared<RecipeHandle>(std::move(made), handle.kept());
                  })
      .def("json",
           [](const RecipeHandle& self) { return Text(Render<octavo_recipe>(self, octavo_recipe_json).get()); });

  BindSession(m);

  auto report =
      py::class_<ReportHandle, std::shared_ptr<ReportHandle>>(m, "Report")
          .def(py::init(&NewReport))
          .def("collect", &Collect<octavo_report_collect, ReportHandle>)
          .def("json", [](const ReportHandle& self) { return Text(Written(self, octavo_report_json).get()); })
          .def("html", [](const ReportHandle& self) { return Text(Written(self, octavo_report_html).get()); });
  BindClose(report);

  BindTensors(m);
}
