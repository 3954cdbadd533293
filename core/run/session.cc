#include "core/run/session.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <new>
#include <utility>

#include "core/base/float_environment.h"
#include "core/base/region.h"
#include "core/plan/plan.h"
#include "core/plan/strided.h"

namespace octavo {
namespace {

// Memory of one plan in one session.
struct Binding {
  std::shared_ptr<const Plan> plan;
  std::unique_ptr<Region> region;
  std::span<std::byte> arena;          // in the region
  std::vector<Buffer> aligned_inputs;  // by input: a copy of what the caller gave at an odd address
  RunState state;
  std::vector<StepProfile> profile;  // by step, while profiling
};

class SessionImpl : public Session {
 public:
  SessionImpl(std::shared_ptr<const Program> program, const SessionOptions& options)
      : program_(std::move(program)), profile_(options.profile) {
    const size_t threads = options.threads ? options.threads : AvailableProcessors();
    if (options.runner.run) {
      pool_ = ThreadPool::Create(threads, &options.runner);
    } else if (threads > 1) {  // more than there are processors would only wait for each other
      pool_ = ThreadPool::Create(std::min(threads, AvailableProcessors()));
    }
    statuses_.resize(threads);
    shapes_.resize(program_->graph().inputs.size());
  }

  Status Run(std::span<const Tensor> inputs, std::span<Tensor> outputs, const Cancel* cancel,
             const ValueObserver* observer) override {
    // The pool's threads stayed in the parent, and so may have, half done, what a thread there was doing to this
    // session.
    if (ProcessId() != process_) {
      return Error(Code::kForked, "this session was made before fork(); make a new one in the child");
    }
    const FloatEnvironment environment;
    OCTAVO_RETURN_IF_ERROR(CheckInputs(inputs));
    if (outputs.size() != program_->graph().outputs.size()) {
      return Error(Code::kInvalidArgument, "%zu outputs given, the model has %zu", outputs.size(),
                   program_->graph().outputs.size());
    }
    OCTAVO_RETURN_IF_ERROR(Bind(inputs));
    OCTAVO_RETURN_IF_ERROR(CheckOutputs(outputs));
    OCTAVO_RETURN_IF_ERROR(BindInputs(inputs));
    OCTAVO_RETURN_IF_ERROR(RunSteps(cancel, observer));
    return Deliver(inputs, outputs);
  }

  std::vector<StepProfile> Steps() const override { return binding_ ? binding_->profile : std::vector<StepProfile>(); }

  // In the child of a fork() the pool's threads are missing.
  Peak MeasurePeak() override { return octavo::MeasurePeak(ProcessId() == process_ ? pool_.get() : nullptr); }

 private:
  Status CheckInputs(std::span<const Tensor> inputs) {
    const Graph& graph = program_->graph();
    if (inputs.size() != graph.inputs.size()) {
      return Error(Code::kInvalidArgument, "%zu inputs given, the model has %zu", inputs.size(), graph.inputs.size());
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Value& value = graph.values[graph.inputs[i]];
      const Tensor& tensor = inputs[i];
      const std::string name = Printable(value.name);
      if (!tensor.defined()) return Error(Code::kInvalidArgument, "input %zu ('%s') is missing", i, name.c_str());
      if (tensor.dtype() != value.dtype) {
        return Error(Code::kInvalidArgument, "input %zu ('%s'): expected %s, found %s", i, name.c_str(),
                     Name(value.dtype), Name(tensor.dtype()));
      }
      if (!Fits(tensor.shape(), value.shape)) {
        return Error(Code::kInvalidArgument, "input %zu ('%s'): expected shape %s, found %s", i, name.c_str(),
                     value.shape->ToString().c_str(), tensor.shape().ToString().c_str());
      }
      shapes_[i] = tensor.shape();
    }
    return Ok();
  }

  static bool Fits(const Shape& shape, const std::optional<Shape>& declared) {
    if (!declared) return true;
    if (shape.rank() != declared->rank()) return false;
    for (int i = 0; i < shape.rank(); ++i) {
      if ((*declared)[i] != Shape::kUnknown && (*declared)[i] != shape[i]) return false;
    }
    return true;
  }

  // Makes binding_ that of the plan for shapes_.
  Status Bind(std::span<const Tensor>) {
    if (binding_ && bound_shapes_ == shapes_) return Ok();
    OCTAVO_ASSIGN_OR_RETURN(std::shared_ptr<const Plan> plan, program_->PlanFor(shapes_));
    auto binding = std::make_shared<Binding>();
    // An arena that is large enough goes on.
    if (binding_ && binding_->arena.size() >= plan->arena_bytes && binding_.use_count() == 1) {
      binding->region = std::move(binding_->region);
      binding->arena = binding_->arena;
    }
    binding_.reset();
    bound_shapes_.clear();
    if (binding->arena.size() < plan->arena_bytes || !binding->arena.data()) {
      binding->region = std::make_unique<Region>(program_->memory(), plan->arena_bytes);
      OCTAVO_ASSIGN_OR_RETURN(binding->arena, binding->region->Allocate(plan->arena_bytes));
    }
    RunState& state = binding->state;
    state.memory = program_->memory();
    state.dynamic.resize(plan->dynamic.size());
    state.arguments.resize(plan->max_arguments);
    state.bases.resize(plan->storages.size());
    for (size_t s = 0; s < state.bases.size(); ++s) {
      const Storage& storage = plan->storages[s];
      if (storage.kind == Storage::Kind::kArena) {
        state.bases[s] = binding->arena.data() + storage.offset;
      } else if (storage.kind == Storage::Kind::kConstant) {
        state.bases[s] = static_cast<std::byte*>(const_cast<void*>(storage.constant));
      }
    }
    binding->aligned_inputs.resize(shapes_.size());
    if (profile_) {
      for (const auto& step : plan->steps) {
        StepProfile profile;
        profile.name = step->info.name;
        profile.op = step->info.op;
        profile.kernel = step->info.kernel;
        profile.precision = step->info.precision;
        profile.macs = step->info.macs;
        profile.bytes = step->info.bytes;
        binding->profile.push_back(std::move(profile));
      }
    }
    binding->plan = std::move(plan);
    binding_ = std::move(binding);
    bound_shapes_ = shapes_;
    return Ok();
  }

  Status CheckOutputs(std::span<Tensor> outputs) {
    const Graph& graph = binding_->plan->graph;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Value& value = graph.values[graph.outputs[i]];
      if (!outputs[i].defined() || binding_->plan->dynamic[graph.outputs[i]]) continue;
      OCTAVO_RETURN_IF_ERROR(CheckOutput(i, outputs[i], value.dtype, *value.shape));
    }
    return Ok();
  }

  Status CheckOutput(size_t i, const Tensor& given, DType dtype, const Shape& shape) {
    const Graph& graph = program_->graph();
    const std::string name = Printable(graph.values[graph.outputs[i]].name);
    if (given.dtype() != dtype) {
      return Error(Code::kInvalidArgument, "output %zu ('%s') is %s, the tensor given for it is %s", i, name.c_str(),
                   Name(dtype), Name(given.dtype()));
    }
    if (!(given.shape() == shape)) {
      return Error(Code::kInvalidArgument, "output %zu ('%s') has shape %s, the tensor given for it %s", i,
                   name.c_str(), shape.ToString().c_str(), given.shape().ToString().c_str());
    }
    return Ok();
  }

  Status BindInputs(std::span<const Tensor> inputs) {
    RunState& state = binding_->state;
    for (size_t s = 0; s < state.bases.size(); ++s) {
      const Storage& storage = binding_->plan->storages[s];
      if (storage.kind != Storage::Kind::kInput) continue;
      const Tensor& tensor = inputs[storage.index];
      const size_t element = std::max<size_t>(BitsOf(tensor.dtype()) / 8, 1);
      if (reinterpret_cast<uintptr_t>(tensor.raw()) % element == 0) {
        state.bases[s] = static_cast<std::byte*>(const_cast<void*>(tensor.raw()));
        continue;
      }
      Buffer& copy = binding_->aligned_inputs[storage.index];
      if (!copy.data()) {
        OCTAVO_ASSIGN_OR_RETURN(copy, Buffer::Create(program_->memory(), tensor.bytes()));
      }
      std::memcpy(copy.data(), tensor.raw(), tensor.bytes());
      state.bases[s] = static_cast<std::byte*>(copy.data());
    }
    return Ok();
  }

  Status RunSteps(const Cancel* cancel, const ValueObserver* observer) {
    const Plan& plan = *binding_->plan;
    if (observer) {
      for (ValueId v : plan.graph.inputs) OCTAVO_RETURN_IF_ERROR(Show(v, *observer));
      for (ValueId v : plan.folded)
        OCTAVO_RETURN_IF_ERROR((*observer)(plan.graph.values[v].name, *plan.graph.values[v].constant));
    }
    for (size_t i = 0; i < plan.steps.size(); ++i) {
      const Step& step = *plan.steps[i];
      OCTAVO_RETURN_IF_ERROR(CheckCancel(cancel));
      if (profile_) {
        const auto begin = std::chrono::steady_clock::now();
        OCTAVO_RETURN_IF_ERROR(RunStep(step));
        StepProfile& profile = binding_->profile[i];
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        profile.seconds += seconds;
        profile.least = profile.runs == 0 ? seconds : std::min(profile.least, seconds);
        ++profile.runs;
      } else {
        OCTAVO_RETURN_IF_ERROR(RunStep(step));
      }
      if (observer) {
        for (ValueId v : step.makes) OCTAVO_RETURN_IF_ERROR(Show(v, *observer));
      }
      for (ValueId v : step.releases) binding_->state.dynamic[v] = Tensor();
    }
    return Ok();
  }

  // The error with its node's name; nothing is allocated where there is none.
  static Status At(const Step& step, Status status) {
    if (status.ok()) return status;
    const std::string name = step.info.name.empty() ? "a node" : "node '" + Printable(step.info.name) + "'";
    return status.Within(name + " (" + step.info.op + ")");
  }

  Status RunStep(const Step& step) {
    const size_t parts = std::min(statuses_.size(), step.max_parts());
    if (parts <= 1) return At(step, step.Run(binding_->state, 0, 1));
    RunState& state = binding_->state;
    pool_->Run(parts, [&](size_t part) {
      const FloatEnvironment environment;  // this may be a thread of the host
      try {
        statuses_[part] = step.Run(state, part, parts);
      } catch (const std::bad_alloc&) {  // must not leave a thread of the pool
        out_of_memory_.store(true, std::memory_order_relaxed);
      }
    });
    if (out_of_memory_.exchange(false, std::memory_order_relaxed)) throw std::bad_alloc();
    for (size_t part = 0; part < parts; ++part) {
      if (!statuses_[part].ok()) return At(step, std::exchange(statuses_[part], Status()));
    }
    return Ok();
  }

  Result<Tensor> TensorOf(ValueId v) {
    const Plan& plan = *binding_->plan;
    if (plan.dynamic[v]) return binding_->state.dynamic[v];
    const Value& value = plan.graph.values[v];
    if (value.constant) return *value.constant;
    const std::byte* data = binding_->state.At(plan.views[v]);
    const size_t bytes = BytesFor(value.shape->Elements(), value.dtype);
    if (!IsDense(*value.shape, value.dtype, plan.views[v].strides)) {  // shown to an observer
      OCTAVO_ASSIGN_OR_RETURN(Tensor dense, Tensor::Create(program_->memory(), value.dtype, *value.shape));
      const StridedCopy copy(*value.shape, BitsOf(value.dtype) / 8, plan.views[v].strides,
                             DenseStrides(*value.shape, value.dtype));
      copy.Run(nullptr, data, static_cast<std::byte*>(dense.mutable_raw()), 0, 1);
      return dense;
    }
    return Tensor::Wrap(value.dtype, *value.shape, data, bytes, std::shared_ptr<const void>(binding_, data));
  }

  Status Show(ValueId v, const ValueObserver& observer) {
    OCTAVO_ASSIGN_OR_RETURN(const Tensor tensor, TensorOf(v));
    return observer(binding_->plan->graph.values[v].name, tensor);
  }

  // A result that only passes an input on lies in the caller's memory, which need not outlive the call: the session
  // keeps a copy.
  Result<Tensor> Kept(size_t i, Tensor result, std::span<const Tensor> inputs) {
    const auto inside = [at = static_cast<const std::byte*>(result.raw())](const Tensor& input) {
      const auto* from = static_cast<const std::byte*>(input.raw());
      return std::less_equal<>()(from, at) && std::less<>()(at, from + input.bytes());
    };
    if (result.bytes() == 0 || std::none_of(inputs.begin(), inputs.end(), inside)) return result;
    kept_.resize(binding_->plan->graph.outputs.size());
    Tensor& copy = kept_[i];
    if (copy.dtype() != result.dtype() || !(copy.shape() == result.shape())) {
      OCTAVO_ASSIGN_OR_RETURN(copy, Tensor::Create(program_->memory(), result.dtype(), result.shape()));
    }
    std::memcpy(copy.mutable_raw(), result.raw(), result.bytes());
    return copy;
  }

  Status Deliver(std::span<const Tensor> inputs, std::span<Tensor> outputs) {
    const Graph& graph = binding_->plan->graph;
    for (size_t i = 0; i < outputs.size(); ++i) {
      OCTAVO_ASSIGN_OR_RETURN(Tensor result, TensorOf(graph.outputs[i]));
      if (!outputs[i].defined()) {
        OCTAVO_ASSIGN_OR_RETURN(outputs[i], Kept(i, std::move(result), inputs));
        continue;
      }
      OCTAVO_RETURN_IF_ERROR(CheckOutput(i, outputs[i], result.dtype(), result.shape()));
      if (result.bytes() != 0) std::memcpy(outputs[i].mutable_raw(), result.raw(), result.bytes());
    }
    return Ok();
  }

  const std::shared_ptr<const Program> program_;
  const bool profile_;
  const int64_t process_ = ProcessId();
  std::atomic<bool> out_of_memory_{false};  // some share of a step met std::bad_alloc
  std::unique_ptr<ThreadPool> pool_;        // null: the caller alone
  std::vector<Status> statuses_;            // one per share of a step, of which there are as many as threads asked for
  std::vector<Shape> shapes_, bound_shapes_;
  std::shared_ptr<Binding> binding_;
  std::vector<Tensor> kept_;  // by output: see Kept
};

}  // namespace

Result<std::unique_ptr<Session>> Session::Create(std::shared_ptr<const Program> program,
                                                 const SessionOptions& options) {
  return std::unique_ptr<Session>(std::make_unique<SessionImpl>(std::move(program), options));
}

}  // namespace octavo
