// Sessions: results go straight into NumPy arrays, and a call like the one before costs next to nothing.
#include <algorithm>
#include <cstring>

#include "native.h"

namespace {

// Calls known to be shorter than this are not worth a thread that Ctrl-C could interrupt.
constexpr std::chrono::milliseconds kShort{200};

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
    size_t outputs = 0;
    Check(octavo_model_output_count(m.get(), &outputs));
    outputs_.resize(outputs);
    octavo_session* made = nullptr;
    Unlocked([&] { return octavo_session_create(m.get(), o, &made); });
    handle_ = std::make_unique<SerialHandle<octavo_session>>(Owned<octavo_session>(made), model.kept());
  }

  // Results in arrays of their own, or in those of `out` (None where there is none).
  std::vector<py::object> Run(const Arrays& arrays, const DTypes& dtypes, const std::vector<py::object>& out,
                              const Cancel* cancel, bool main_thread) {
    const Turn turn = handle_->turn();
    const auto s = handle_->get();
    const ArrayViews inputs = Inputs(arrays, dtypes);
    Remember(s.get(), inputs);

    std::vector<py::object> results(outputs_.size());
    ArrayViews outputs(outputs_.size());
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (i < out.size() && !out[i].is_none()) {
        py::array array = out[i].cast<py::array>();
        const py::dtype type = NumpyType(outputs_[i].view.dtype);
        if (!array.dtype().equal(type)) {
          throw Failure(OCTAVO_INVALID_ARGUMENT, "out is " + std::string(py::str(array.dtype())) + ", the result " +
                                                     octavo_dtype_name(outputs_[i].view.dtype));
        }
        outputs.AddOutput(array, outputs_[i].view.dtype);
        results[i] = std::move(array);
      } else if (outputs_[i].known) {
        py::array array = NewArray(outputs_[i].type, outputs_[i].view);
        outputs.AddOutput(array, outputs_[i].view.dtype);
        results[i] = std::move(array);
      } else {
        outputs.AddEmpty();
      }
    }
    const auto start = std::chrono::steady_clock::now();
    Interruptible(Wish(cancel), main_thread && !short_, [&](octavo_cancel* wish) {
      return octavo_session_run(s.get(), inputs.data(), inputs.size(), outputs.data(), outputs.size(), wish);
    });
    short_ = std::chrono::steady_clock::now() - start < kShort;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (results[i]) continue;  // a shape that only the run tells: copied from the session's memory
      py::array array = NewArray(NumpyType(outputs[i].dtype), outputs[i]);
      if (outputs[i].bytes > 0) std::memcpy(array.mutable_data(), outputs[i].data, outputs[i].bytes);
      results[i] = std::move(array);
    }
    return results;
  }

  // The path of services: one array like that of the call before, one output, in memory of `out` unless that is None, a
  // call known to be short. Nothing is allocated but the result. None where any of it does not hold: then Run does it
  // all.
  py::object Again(const py::handle x, const py::handle out) {
    const Turn turn = handle_->turn();
    const auto s = handle_->get();
    if (!short_ || !plain_ || !Alike(x, plain_, input_, py::array::c_style)) return py::none();
    octavo_tensor_view input = input_, output = outputs_[0].view;
    constexpr int writeable = py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
    if (!out.is_none() && !Alike(out, outputs_[0].type, output, py::array::c_style | writeable)) return py::none();
    const auto result =
        out.is_none() ? py::object(NewArray(outputs_[0].type, output)) : py::reinterpret_borrow<py::object>(out);
    input.data = py::detail::array_proxy(x.ptr())->data;
    output.data = py::detail::array_proxy(result.ptr())->data;
    Unlocked([&] { return octavo_session_run(s.get(), &input, 1, &output, 1, nullptr); });
    return result;
  }

  // [(dtype, shape)] of the outputs for such inputs; -1 for dimensions that depend on what they contain.
  py::list Prepare(const Arrays& arrays, const DTypes& dtypes) {
    const Turn turn = handle_->turn();
    const auto s = handle_->get();
    Remember(s.get(), Inputs(arrays, dtypes));
    py::list shapes;
    for (const Output& output : outputs_) shapes.append(py::make_tuple(output.view.dtype, Shape(output.view)));
    return shapes;
  }

  py::str Profile() const {
    const Turn turn = handle_->turn();
    return Text(Render<octavo_session>(*handle_, octavo_session_profile_json).get());
  }
  py::str ProfileHtml() const {
    const Turn turn = handle_->turn();
    return Text(Render<octavo_session>(*handle_, octavo_session_profile_html).get());
  }
  std::string cpu_target() const {
    const char* target = nullptr;
    const auto s = handle_->get();
    Check(octavo_session_cpu_target(s.get(), &target));
    return target;
  }
  void close() { handle_->close(); }
  bool closed() const { return handle_->closed(); }

 private:
  struct Output {
    octavo_tensor_view view = OCTAVO_TENSOR_VIEW_INIT;  // its dims are those here
    int64_t dims[OCTAVO_MAX_RANK];
    bool known = false;  // nothing left open
    py::dtype type;      // where known
  };

  // Whether the object is a NumPy array of this type and the view's shape, with all of these flags.
  static bool Alike(const py::handle object, const py::object& type, const octavo_tensor_view& view, int flags) {
    if (Py_TYPE(object.ptr()) != py::detail::npy_api::get().PyArray_Type_) return false;
    const py::detail::PyArray_Proxy* array = py::detail::array_proxy(object.ptr());
    return array->descr == type.ptr() && array->nd == view.rank && (array->flags & flags) == flags &&
           std::equal(view.dims, view.dims + view.rank, array->dimensions);
  }

  // Asks for the outputs' shapes whenever those of the inputs change.
  void Remember(octavo_session* session, const ArrayViews& inputs) {
    std::vector<int64_t> key;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const octavo_tensor_view& view = inputs.data()[i];
      key.push_back(view.dtype);
      key.push_back(view.rank);
      key.insert(key.end(), view.dims, view.dims + view.rank);
    }
    if (key == key_) return;
    key_.clear();
    plain_ = py::object();
    short_ = false;
    std::vector<octavo_tensor_view> views(outputs_.size(), octavo_tensor_view OCTAVO_TENSOR_VIEW_INIT);
    Unlocked([&] { return octavo_session_prepare(session, inputs.data(), inputs.size(), views.data(), views.size()); });
    for (size_t i = 0; i < views.size(); ++i) {
      Output& output = outputs_[i];
      output.view = views[i];
      output.view.dims = output.dims;
      output.known = views[i].rank >= 0 && views[i].dtype != OCTAVO_UNDEFINED;
      for (int32_t d = 0; d < views[i].rank; ++d) {
        output.dims[d] = views[i].dims[d];
        output.known = output.known && output.dims[d] >= 0;
      }
      if (output.known) output.type = NumpyType(views[i].dtype);
    }
    key_ = std::move(key);
    if (inputs.size() == 1 && outputs_.size() == 1 && outputs_[0].known && key_[0] != OCTAVO_BFLOAT16) {
      plain_ = NumpyType(inputs.data()[0].dtype);
      input_ = inputs.data()[0];
      input_.dims = key_.data() + 2;
      input_.strides = nullptr;
    }
  }

  std::unique_ptr<SerialHandle<octavo_session>> handle_;
  // What the last inputs were and what follows from it; all of it belongs to whose turn it is.
  std::vector<int64_t> key_;  // dtype, rank and dims of each input; empty: nothing is known
  std::vector<Output> outputs_;
  bool short_ = false;  // how long such a call took
  py::object plain_;    // NumPy's type of the only input; null where Again cannot help
  octavo_tensor_view input_ = OCTAVO_TENSOR_VIEW_INIT;
};

}  // namespace

void BindSession(py::module_& m) {
  auto session =
      py::class_<Session>(m, "Session")
          .def(py::init<const ModelHandle&, const std::optional<int32_t>&, const std::optional<std::string>&, bool>())
          .def("run", &Session::Run)
          .def("again", &Session::Again)
          .def("prepare", &Session::Prepare)
          .def("profile", &Session::Profile)
          .def("profile_html", &Session::ProfileHtml)
          .def("cpu_target", &Session::cpu_target);
  BindClose(session);
}
