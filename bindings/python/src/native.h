// What the extension shares: owners of octavo.h's objects, errors, calls that can be interrupted.
#ifndef OCTAVO_BINDINGS_PYTHON_SRC_NATIVE_H_
#define OCTAVO_BINDINGS_PYTHON_SRC_NATIVE_H_

#include <octavo/octavo.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace py = pybind11;

// A failed call; becomes octavo.Error in Python.
struct Failure : std::exception {
  Failure(octavo_status status, std::string text) : code(status), message(std::move(text)) {}
  const char* what() const noexcept override { return message.c_str(); }
  octavo_status code;
  std::string message;
};

// Must be called on the thread that made the call.
inline void Check(octavo_status status) {
  if (status != OCTAVO_OK) throw Failure(status, octavo_last_error());
}

template <typename T>
struct Destroyer;
#define OCTAVO_DESTROYER(name)                                              \
  template <>                                                               \
  struct Destroyer<octavo_##name> {                                         \
    void operator()(octavo_##name* p) const { octavo_##name##_destroy(p); } \
  }
OCTAVO_DESTROYER(buffer);
OCTAVO_DESTROYER(cancel);
OCTAVO_DESTROYER(context);
OCTAVO_DESTROYER(context_options);
OCTAVO_DESTROYER(load_options);
OCTAVO_DESTROYER(save_options);
OCTAVO_DESTROYER(model);
OCTAVO_DESTROYER(calibrator);
OCTAVO_DESTROYER(calibrator_options);
OCTAVO_DESTROYER(statistics);
OCTAVO_DESTROYER(recipe);
OCTAVO_DESTROYER(quantize_options);
OCTAVO_DESTROYER(convert_options);
OCTAVO_DESTROYER(session);
OCTAVO_DESTROYER(session_options);
OCTAVO_DESTROYER(report);
OCTAVO_DESTROYER(report_options);
#undef OCTAVO_DESTROYER

template <typename T>
using Owned = std::unique_ptr<T, Destroyer<T>>;

// Make<octavo_buffer>([&](octavo_buffer** out) { return octavo_recipe_json(recipe, out); })
template <typename T, typename F>
Owned<T> Make(F&& create) {
  T* made = nullptr;
  Check(create(&made));
  return Owned<T>(made);
}

// A Python object that C objects point into (bytes of a borrowed model, a callback), and whatever their parents need:
// goes with the last C object that may look at it, on whichever thread that is.
class Kept {
 public:
  Kept(py::object object, std::shared_ptr<const Kept> parent)
      : object_(std::move(object)), parent_(std::move(parent)) {}
  ~Kept() {
    if (!Py_IsInitialized()) {
      object_.release();  // the interpreter took everything with it
      return;
    }
    const py::gil_scoped_acquire acquire;
    object_ = py::object();
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;

 private:
  py::object object_;
  std::shared_ptr<const Kept> parent_;
};
using Keep = std::shared_ptr<const Kept>;

// An object that Python may close while another thread still uses it: users hold a reference of their own during a
// call.
template <typename T>
class Handle {
 public:
  Handle(Owned<T> owned, Keep kept)
      : object_(owned.release(), [kept](T* object) { Destroyer<T>()(object); }), kept_(std::move(kept)) {}

  std::shared_ptr<T> get() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!object_) throw Failure(OCTAVO_INVALID_STATE, "the object is closed");
    return object_;
  }
  // What objects made from this one need, too.
  const Keep& kept() const { return kept_; }
  void close() {
    std::shared_ptr<T> last;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      last.swap(object_);
    }
    const py::gil_scoped_release nobody_waits;  // destroying may join threads
    last.reset();
  }
  bool closed() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return !object_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<T> object_;
  Keep kept_;
};

// Whose turn it is with an object that belongs to one thread at a time. Nobody waits for it with the GIL, which the one
// whose turn it is needs to finish; waiting ends with Ctrl-C. Whoever has the turn already (a signal handler during a
// call) would wait for ever: refused.
class Turns {
 public:
  class Turn {
   public:
    explicit Turn(Turns& turns) : turns_(turns) {
      if (!turns_.mutex_.try_lock()) turns_.Wait();
      turns_.owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }
    ~Turn() {
      turns_.owner_.store(std::thread::id(), std::memory_order_relaxed);
      turns_.mutex_.unlock();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Turns& turns_;
  };

 private:
  void Wait() {
    if (owner_.load(std::memory_order_relaxed) == std::this_thread::get_id()) {
      throw Failure(OCTAVO_INVALID_STATE,
                    "the object is at work on this thread: it cannot be used from within its call");
    }
    for (;;) {
      {
        const py::gil_scoped_release release;
        if (mutex_.try_lock_for(std::chrono::milliseconds(50))) return;
      }
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
  }

  std::timed_mutex mutex_;
  std::atomic<std::thread::id> owner_{};
};
using Turn = Turns::Turn;

// A Handle whose calls take turns.
template <typename T>
class SerialHandle : public Handle<T> {
 public:
  using Handle<T>::Handle;
  Turn turn() const { return Turn(turns_); }

 private:
  mutable Turns turns_;
};

inline py::str Text(const octavo_buffer* buffer) {
  return py::str(static_cast<const char*>(octavo_buffer_data(buffer)), octavo_buffer_size(buffer));
}
inline py::bytes Bytes(const octavo_buffer* buffer) {
  return py::bytes(static_cast<const char*>(octavo_buffer_data(buffer)), octavo_buffer_size(buffer));
}

// Calls `work` (one call of octavo.h) without the GIL.
template <typename F>
void Unlocked(F&& work) {
  const py::gil_scoped_release release;
  Check(work());
}

inline Owned<octavo_cancel> NewCancel() {
  return Make<octavo_cancel>([](octavo_cancel** out) { return octavo_cancel_create(out); });
}

// The same for work(cancel) that Ctrl-C must be able to stop. Python's signal handlers run on the main thread only, and
// only while it runs Python: so the work goes to a thread of its own and this one wakes up now and then to look.
// `cancel`: the caller's, or null. `watch` false (another thread than the main one, or work known to be short):
// straight.
template <typename F>
void Interruptible(octavo_cancel* cancel, bool watch, F&& work) {
  if (!watch) return Unlocked([&] { return work(cancel); });
  Owned<octavo_cancel> own;
  if (cancel == nullptr) {
    own = NewCancel();
    cancel = own.get();
  }
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false, raised = false;
  octavo_status status = OCTAVO_OK;
  std::string message;
  std::thread thread;
  std::exception_ptr interrupt;
  {
    const py::gil_scoped_release release;
    const auto body = [&] {
      const octavo_status result = work(cancel);
      const std::lock_guard<std::mutex> lock(mutex);
      status = result;
      if (result != OCTAVO_OK) message = octavo_last_error();
      done = true;
      finished.notify_all();
    };
    try {
      thread = std::thread(body);
    } catch (const std::system_error&) {
      body();  // no thread to be had: then without Ctrl-C
    }
    std::unique_lock<std::mutex> lock(mutex);
    while (!finished.wait_for(lock, std::chrono::milliseconds(50), [&] { return done; })) {
      if (interrupt) continue;
      lock.unlock();
      {
        const py::gil_scoped_acquire acquire;
        if (PyErr_CheckSignals() != 0) {
          interrupt = std::make_exception_ptr(py::error_already_set());
          raised = !octavo_cancel_requested(cancel);
          octavo_cancel_request(cancel);
        }
      }
      lock.lock();
    }
    lock.unlock();
    if (thread.joinable()) thread.join();
  }
  if (raised) octavo_cancel_reset(cancel);  // the caller's wish was not this one
  if (interrupt) std::rethrow_exception(interrupt);
  if (status != OCTAVO_OK) throw Failure(status, message);
}

// Views of NumPy arrays. The arrays must live as long as the views.
class ArrayViews {
 public:
  explicit ArrayViews(size_t count) { entries_.reserve(count), views_.reserve(count); }

  // `array`'s elements as `dtype`, whose size must be theirs; any strides that are whole elements.
  void AddInput(const py::array& array, int32_t dtype);
  // Memory for a result: C-contiguous and writeable.
  void AddOutput(py::array& array, int32_t dtype);
  void AddEmpty();

  octavo_tensor_view* data() { return views_.data(); }
  const octavo_tensor_view* data() const { return views_.data(); }
  octavo_tensor_view& operator[](size_t i) { return views_[i]; }
  size_t size() const { return views_.size(); }

 private:
  struct Entry {
    int64_t dims[OCTAVO_MAX_RANK];
    int64_t strides[OCTAVO_MAX_RANK];
  };
  octavo_tensor_view Describe(const py::array& array, int32_t dtype);
  std::vector<Entry> entries_;
  std::vector<octavo_tensor_view> views_;
};

// NumPy's type for an octavo_dtype (bfloat16 as uint16); throws for those that have none.
py::dtype NumpyType(int32_t dtype);
py::array NewArray(const py::dtype& type, const octavo_tensor_view& view);

// A view's dims as a tuple; None where not even the rank is known.
py::object Shape(const octavo_tensor_view& view);

using Arrays = std::vector<py::array>;
using DTypes = std::vector<int32_t>;
ArrayViews Inputs(const Arrays& arrays, const DTypes& dtypes);

// octavo_cancel as Python holds it.
class Cancel {
 public:
  Cancel() : cancel_(NewCancel()) {}
  octavo_cancel* get() const { return cancel_.get(); }

 private:
  Owned<octavo_cancel> cancel_;
};
inline octavo_cancel* Wish(const Cancel* cancel) { return cancel ? cancel->get() : nullptr; }

// JSON, HTML or bytes that `call` makes of the object, without the GIL.
template <typename T, typename H, typename F>
Owned<octavo_buffer> Render(const H& handle, F&& call) {
  const std::shared_ptr<T> object = handle.get();
  octavo_buffer* made = nullptr;
  Unlocked([&] { return call(object.get(), &made); });
  return Owned<octavo_buffer>(made);
}

using ContextHandle = Handle<octavo_context>;
using ModelHandle = Handle<octavo_model>;
using CalibratorHandle = SerialHandle<octavo_calibrator>;
using StatisticsHandle = Handle<octavo_statistics>;
using RecipeHandle = Handle<octavo_recipe>;
using ReportHandle = SerialHandle<octavo_report>;

template <typename H, typename... Extra>
void BindClose(py::class_<H, Extra...>& c) {
  c.def("close", &H::close).def_property_readonly("closed", &H::closed);
}

void BindSession(py::module_& module);
void BindTensors(py::module_& module);

#endif  // OCTAVO_BINDINGS_PYTHON_SRC_NATIVE_H_
