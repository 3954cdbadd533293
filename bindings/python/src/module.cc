// octavo._core: the objects of octavo.h as Python classes, nothing more. What makes them pleasant is in Python.
#include "native.h"

namespace {

using ContextHandle = Handle<octavo_context>;
using ModelHandle = Handle<octavo_model>;
using CalibratorHandle = Handle<octavo_calibrator>;
using StatisticsHandle = Handle<octavo_statistics>;
using RecipeHandle = Handle<octavo_recipe>;
using ReportHandle = Handle<octavo_report>;

// ---------------------------------------------------------------------------------------------------- context

std::shared_ptr<ContextHandle> NewContext(int32_t threads, const std::optional<int64_t>& memory_limit,
                                          const std::optional<int64_t>& file_limit,
                                          const std::optional<int64_t>& fold_limit,
                                          const std::optional<int64_t>& node_limit,
                                          const std::optional<int64_t>& string_limit) {
  const auto options = Make<octavo_context_options>([](auto** out) { return octavo_context_options_create(out); });
  octavo_context_options* o = options.get();
  Check(octavo_context_options_set_threads(o, threads));
  if (memory_limit) Check(octavo_context_options_set_memory_limit(o, *memory_limit));
  if (file_limit) Check(octavo_context_options_set_file_limit(o, *file_limit));
  if (fold_limit) Check(octavo_context_options_set_fold_limit(o, *fold_limit));
  if (node_limit) Check(octavo_context_options_set_node_limit(o, *node_limit));
  if (string_limit) Check(octavo_context_options_set_string_limit(o, *string_limit));
  return std::make_shared<ContextHandle>(
      Make<octavo_context>([&](auto** out) { return octavo_context_create(o, out); }));
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
std::shared_ptr<ModelHandle> MakeModel(F&& create) {
  octavo_model* made = nullptr;
  Unlocked([&] { return create(&made); });
  return std::make_shared<ModelHandle>(Owned<octavo_model>(made));
}

std::shared_ptr<ModelHandle> LoadModel(const ContextHandle& context, const std::string& path,
                                       const InputShapes& shapes) {
  const auto c = context.get();
  const auto options = LoadOptions(shapes);
  return MakeModel([&](octavo_model** out) { return octavo_model_load(c.get(), path.c_str(), options.get(), out); });
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
  const size_t size = static_cast<size_t>(info.size * info.itemsize);
  return MakeModel([&](octavo_model** out) {
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
    py::object shape = py::none();
    if (rank >= 0) {
      py::tuple tuple(static_cast<size_t>(rank));
      for (int32_t d = 0; d < rank; ++d) tuple[static_cast<size_t>(d)] = dims[d];
      shape = std::move(tuple);
    }
    ports.append(py::make_tuple(py::str(name), dtype, shape));
  }
  return ports;
}

template <typename T, typename H, typename F>
Owned<octavo_buffer> Render(const H& handle, F&& call) {
  const std::shared_ptr<T> object = handle.get();
  octavo_buffer* made = nullptr;
  Unlocked([&] { return call(object.get(), &made); });
  return Owned<octavo_buffer>(made);
}

bool IsQuantized(const ModelHandle& model) {
  int32_t quantized = 0;
  Check(octavo_model_is_quantized(model.get().get(), &quantized));
  return quantized != 0;
}

// What the progress callback of a quantization carries through C.
struct Progress {
  py::object callable;
  std::exception_ptr error;

  static int32_t Call(double fraction, const char* what, void* user_data) {
    Progress& self = *static_cast<Progress*>(user_data);
    const py::gil_scoped_acquire acquire;
    try {
      self.callable(fraction, py::str(what));
      return 0;
    } catch (...) {
      self.error = std::current_exception();
      return 1;
    }
  }
};

std::shared_ptr<ModelHandle> Quantize(const ModelHandle& model, const StatisticsHandle* statistics,
                                      const RecipeHandle* recipe, const py::object& progress, bool watch) {
  const auto m = model.get();
  const auto s = statistics ? statistics->get() : nullptr;
  const auto r = recipe ? recipe->get() : nullptr;
  const auto cancel = NewCancel();
  const auto options = Make<octavo_quantize_options>([](auto** out) { return octavo_quantize_options_create(out); });
  Check(octavo_quantize_options_set_cancel(options.get(), cancel.get()));
  Progress told{progress, nullptr};
  if (!progress.is_none()) Check(octavo_quantize_options_set_progress(options.get(), Progress::Call, &told));
  octavo_model* made = nullptr;
  try {
    Interruptible(cancel.get(), watch,
                  [&] { return octavo_model_quantize_with(m.get(), s.get(), r.get(), options.get(), &made); });
  } catch (const Failure&) {
    if (told.error) std::rethrow_exception(told.error);
    throw;
  } catch (...) {
    octavo_model_destroy(made);  // interrupted, yet done
    throw;
  }
  return std::make_shared<ModelHandle>(Owned<octavo_model>(made));
}

std::shared_ptr<ModelHandle> Convert(const ModelHandle& model, const std::string& form) {
  const auto m = model.get();
  const auto options = Make<octavo_convert_options>([](auto** out) { return octavo_convert_options_create(out); });
  Check(octavo_convert_options_set_form(options.get(), form.c_str()));
  return MakeModel([&](octavo_model** out) { return octavo_model_convert(m.get(), options.get(), out); });
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
  return std::make_shared<CalibratorHandle>(Owned<octavo_calibrator>(made));
}

ArrayViews Inputs(const Arrays& arrays, const DTypes& dtypes) {
  ArrayViews views(arrays.size());
  for (size_t i = 0; i < arrays.size(); ++i) views.AddInput(arrays[i], dtypes.at(i));
  return views;
}

void Collect(const CalibratorHandle& calibrator, const Arrays& arrays, const DTypes& dtypes, bool watch) {
  const auto c = calibrator.get();
  const ArrayViews inputs = Inputs(arrays, dtypes);
  const auto cancel = NewCancel();
  Interruptible(cancel.get(), watch,
                [&] { return octavo_calibrator_collect(c.get(), inputs.data(), inputs.size(), cancel.get()); });
}

std::shared_ptr<StatisticsHandle> Finish(const CalibratorHandle& calibrator) {
  const auto c = calibrator.get();
  octavo_statistics* made = nullptr;
  Unlocked([&] { return octavo_calibrator_finish(c.get(), &made); });
  return std::make_shared<StatisticsHandle>(Owned<octavo_statistics>(made));
}

// ---------------------------------------------------------------------------------------------------- session

class Session {
 public:
  Session(const ModelHandle& model, const std::optional<int32_t>& threads, const std::optional<std::string>& cpu_target,
          bool profile) {
    const auto m = model.get();
    const auto options = Make<octavo_session_options>([](auto** out) { return octavo_session_options_create(out); });
    octavo_session_options* o = options.get();
    if (threads) Check(octavo_session_options_set_threads(o, *threads));
    if (cpu_target) Check(octavo_session_options_set_cpu_target(o, cpu_target->c_str()));
    Check(octavo_session_options_set_profile(o, profile));
    Check(octavo_model_output_count(m.get(), &outputs_));
    octavo_session* made = nullptr;
    Unlocked([&] { return octavo_session_create(m.get(), o, &made); });
    handle_ = std::make_unique<Handle<octavo_session>>(Owned<octavo_session>(made));
  }

  // Results in arrays of their own, or in those of `out` (None where there is none). The caller's lock keeps other
  // threads out.
  std::vector<py::object> Run(const Arrays& arrays, const DTypes& dtypes, const std::vector<py::object>& out,
                              bool watch) {
    const auto s = handle_->get();
    const ArrayViews inputs = Inputs(arrays, dtypes);
    Remember(s.get(), inputs);

    std::vector<py::object> results(outputs_);
    ArrayViews outputs(outputs_);
    std::vector<bool> borrowed(outputs_, false);
    for (size_t i = 0; i < outputs_; ++i) {
      if (i < out.size() && !out[i].is_none()) {
        py::array array = py::reinterpret_borrow<py::array>(out[i]);
        if (!py::isinstance<py::array>(out[i])) throw py::type_error("out must be a NumPy array");
        if (!array.dtype().is(NumpyType(shapes_[i].dtype)) && !array.dtype().equal(NumpyType(shapes_[i].dtype))) {
          throw Failure(OCTAVO_INVALID_ARGUMENT, "out is " + std::string(py::str(array.dtype())) + ", the result " +
                                                     octavo_dtype_name(shapes_[i].dtype));
        }
        outputs.AddOutput(array, shapes_[i].dtype);
        results[i] = std::move(array);
      } else if (known_[i]) {
        py::array array = NewArray(shapes_[i]);
        outputs.AddOutput(array, shapes_[i].dtype);
        results[i] = std::move(array);
      } else {
        outputs.AddEmpty();
        borrowed[i] = true;
      }
    }
    const auto cancel = NewCancel();
    Interruptible(cancel.get(), watch, [&] {
      return octavo_session_run(s.get(), inputs.data(), inputs.size(), outputs.data(), outputs.size(), cancel.get());
    });
    for (size_t i = 0; i < outputs_; ++i) {
      if (!borrowed[i]) continue;  // a shape that only the run tells: copied from the session's memory
      py::array array = NewArray(outputs[i]);
      if (outputs[i].bytes > 0) std::memcpy(array.mutable_data(), outputs[i].data, outputs[i].bytes);
      results[i] = std::move(array);
    }
    return results;
  }

  py::str Profile() const { return Text(Render<octavo_session>(*handle_, octavo_session_profile_json).get()); }
  std::string cpu_target() const {
    const char* target = nullptr;
    const auto s = handle_->get();
    Check(octavo_session_cpu_target(s.get(), &target));
    return target;
  }
  void close() { handle_->close(); }
  bool closed() const { return handle_->closed(); }

 private:
  // Asks for the outputs' shapes whenever those of the inputs change.
  void Remember(octavo_session* session, const ArrayViews& inputs) {
    std::vector<int64_t> key;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const octavo_tensor_view& view = inputs.data()[i];
      key.push_back(view.dtype);
      key.push_back(view.rank);
      key.insert(key.end(), view.dims, view.dims + view.rank);
    }
    if (!shapes_.empty() && key == key_) return;
    std::vector<octavo_tensor_view> outputs(outputs_, octavo_tensor_view OCTAVO_TENSOR_VIEW_INIT);
    Unlocked(
        [&] { return octavo_session_prepare(session, inputs.data(), inputs.size(), outputs.data(), outputs.size()); });
    known_.assign(outputs_, true);
    dims_.assign(outputs_ * OCTAVO_MAX_RANK, 0);
    for (size_t i = 0; i < outputs_; ++i) {
      known_[i] = outputs[i].rank >= 0 && outputs[i].dtype != OCTAVO_UNDEFINED;
      int64_t* dims = dims_.data() + i * OCTAVO_MAX_RANK;
      for (int32_t d = 0; d < outputs[i].rank; ++d) {
        dims[d] = outputs[i].dims[d];
        known_[i] = known_[i] && dims[d] >= 0;
      }
      outputs[i].dims = dims;
    }
    shapes_ = std::move(outputs);
    key_ = std::move(key);
  }

  std::unique_ptr<Handle<octavo_session>> handle_;
  size_t outputs_ = 0;
  std::vector<int64_t> key_, dims_;
  std::vector<octavo_tensor_view> shapes_;
  std::vector<bool> known_;
};

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
  return std::make_shared<ReportHandle>(Owned<octavo_report>(made));
}

void CollectReport(const ReportHandle& report, const Arrays& arrays, const DTypes& dtypes, bool watch) {
  const auto r = report.get();
  const ArrayViews inputs = Inputs(arrays, dtypes);
  const auto cancel = NewCancel();
  Interruptible(cancel.get(), watch,
                [&] { return octavo_report_collect(r.get(), inputs.data(), inputs.size(), cancel.get()); });
}

template <typename H, typename... Extra>
void BindClose(py::class_<H, Extra...>& c) {
  c.def("close", &H::close).def_property_readonly("closed", &H::closed);
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
  m.def("cpu_targets", [] {
    std::vector<std::string> names;
    for (size_t i = 0; i < octavo_cpu_target_count(); ++i) names.emplace_back(octavo_cpu_target_name(i));
    return names;
  });
  m.def("status_name", [](octavo_status status) { return octavo_status_name(status); });
  m.def("dtype_name", [](int32_t dtype) { return octavo_dtype_name(dtype); });

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
                   .def("describe", [](const ModelHandle& self) {
                     return Text(Render<octavo_model>(self, octavo_model_describe_json).get());
                   });
  BindClose(model);
  m.def("quantize", &Quantize);
  m.def("convert", &Convert);

  auto calibrator = py::class_<CalibratorHandle, std::shared_ptr<CalibratorHandle>>(m, "Calibrator")
                        .def(py::init(&NewCalibrator))
                        .def("collect", &Collect)
                        .def("finish", &Finish);
  BindClose(calibrator);

  auto statistics =
      py::class_<StatisticsHandle, std::shared_ptr<StatisticsHandle>>(m, "Statistics")
          .def_static("load",
                      [](const ContextHandle& handle, const std::string& path) {
                        const auto c = handle.get();
                        octavo_statistics* made = nullptr;
                        Unlocked([&] { return octavo_statistics_load(c.get(), path.c_str(), &made); });
                        return std::make_shared<StatisticsHandle>(Owned<octavo_statistics>(made));
                      })
          .def_static(
              "load_bytes",
              [](const ContextHandle& handle, const std::string& bytes) {
                const auto c = handle.get();
                octavo_statistics* made = nullptr;
                Unlocked([&] { return octavo_statistics_load_memory(c.get(), bytes.data(), bytes.size(), &made); });
                return std::make_shared<StatisticsHandle>(Owned<octavo_statistics>(made));
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
                    return std::make_shared<RecipeHandle>(Make<octavo_recipe>([&](octavo_recipe** out) {
                      return octavo_recipe_parse(c.get(), json.data(), json.size(), out);
                    }));
                  })
      .def("json",
           [](const RecipeHandle& self) { return Text(Render<octavo_recipe>(self, octavo_recipe_json).get()); });

  auto session =
      py::class_<Session>(m, "Session")
          .def(py::init<const ModelHandle&, const std::optional<int32_t>&, const std::optional<std::string>&, bool>())
          .def("run", &Session::Run)
          .def("profile", &Session::Profile)
          .def("cpu_target", &Session::cpu_target);
  BindClose(session);

  auto report =
      py::class_<ReportHandle, std::shared_ptr<ReportHandle>>(m, "Report")
          .def(py::init(&NewReport))
          .def("collect", &CollectReport)
          .def("json",
               [](const ReportHandle& self) { return Text(Render<octavo_report>(self, octavo_report_json).get()); })
          .def("html",
               [](const ReportHandle& self) { return Text(Render<octavo_report>(self, octavo_report_html).get()); });
  BindClose(report);

  BindTensors(m);
}
