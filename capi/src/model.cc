// Section 6 of octavo.h: models.
#include "capi/src/handles.h"
#include "capi/src/views.h"
#include "core/graph/operator.h"
#include "core/onnx/reader.h"
#include "core/onnx/writer.h"
#include "core/quantize/describe.h"
#include "core/simplify/simplify.h"

namespace octavo::capi {

Result<const Graph*> Model::Simplified() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!simplified_) {
    OCTAVO_ASSIGN_OR_RETURN(simplified_, Simplify(graph_, SimplifyOptions(), context_->memory()));
  }
  return &*simplified_;
}

Result<std::shared_ptr<const Program>> Model::ProgramFor(const std::string& cpu_target) const {
  OCTAVO_ASSIGN_OR_RETURN(const Graph* graph, Simplified());
  const std::lock_guard<std::mutex> lock(mutex_);
  std::weak_ptr<const Program>& known = programs_[cpu_target];
  if (auto program = known.lock()) return program;
  ProgramOptions options;
  options.cpu_target = cpu_target;
  OCTAVO_ASSIGN_OR_RETURN(auto program, Program::Create(*graph, options, context_->memory()));
  known = program;
  return program;
}

namespace {

std::string FileName(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return Printable(slash == std::string::npos ? path : path.substr(slash + 1));
}

Status SetInputShapes(const octavo_load_options& options, Graph* graph) {
  if (options.input_shapes.empty()) return Ok();
  for (const auto& wanted : options.input_shapes) {
    Value* found = nullptr;
    if (!wanted.name) {
      if (graph->inputs.size() != 1) {
        return Error(Code::kInvalidArgument, "the model has %zu inputs: say which one the shape is for",
                     graph->inputs.size());
      }
      found = &graph->values[graph->inputs[0]];
    } else {
      for (ValueId input : graph->inputs) {
        if (graph->values[input].name == *wanted.name) found = &graph->values[input];
      }
      if (!found) return Status(Code::kNotFound, "the model has no input '" + Printable(*wanted.name) + "'");
    }
    bool fits = !found->shape || found->shape->rank() == wanted.shape.rank();
    for (int d = 0; fits && found->shape && d < wanted.shape.rank(); ++d) {
      fits = (*found->shape)[d] == Shape::kUnknown || (*found->shape)[d] == wanted.shape[d];
    }
    if (!fits) {
      return Invalid("input '" + Printable(found->name) + "' is " + found->shape->ToString() + " in the model, " +
                     wanted.shape.ToString() + " was asked for");
    }
    found->shape = wanted.shape;
  }
  return InferGraph(*graph);
}

// Everything behind reading is the same for files and memory.
Status FinishLoad(const octavo_context* context, Result<Graph> graph, const octavo_load_options* options,
                  const std::string& origin, octavo_model** out) {
  if (!graph.ok()) return graph.status();
  if (options) OCTAVO_RETURN_IF_ERROR(SetInputShapes(*options, &*graph).Within(origin));
  context->context->Tell(OCTAVO_LOG_INFO, "loaded %s: %zu nodes", origin.c_str(), graph->nodes.size());
  auto made = std::make_unique<octavo_model>();
  made->model = std::make_shared<const Model>(context->context, std::move(*graph), origin);
  *out = made.release();
  return Ok();
}

// The input or output `index` of a model.
Result<const Value*> Port(const octavo_model* model, bool input, size_t index) {
  OCTAVO_CHECK_HANDLE(model);
  const Graph& graph = model->model->graph();
  const std::vector<ValueId>& ports = input ? graph.inputs : graph.outputs;
  if (index >= ports.size()) {
    return Error(Code::kInvalidArgument, "index is %zu, the model has %zu %s", index, ports.size(),
                 input ? "inputs" : "outputs");
  }
  return &graph.values[ports[index]];
}

Status NameOf(const octavo_model* model, bool input, size_t index, const char** out_name) {
  OCTAVO_ASSIGN_OR_RETURN(const Value* value, Port(model, input, index));
  OCTAVO_CHECK_POINTER(out_name);
  *out_name = value->name.c_str();
  return Ok();
}

Status DTypeOf(const octavo_model* model, bool input, size_t index, int32_t* out_dtype) {
  OCTAVO_ASSIGN_OR_RETURN(const Value* value, Port(model, input, index));
  OCTAVO_CHECK_POINTER(out_dtype);
  *out_dtype = static_cast<int32_t>(value->dtype);
  return Ok();
}

Status ShapeOf(const octavo_model* model, bool input, size_t index, int64_t* dims, size_t capacity, int32_t* out_rank) {
  OCTAVO_ASSIGN_OR_RETURN(const Value* value, Port(model, input, index));
  return CopyShape(value->shape, dims, capacity, out_rank);
}

}  // namespace
}  // namespace octavo::capi

using octavo::Code;
using octavo::Error;
using octavo::Ok;
using octavo::Status;
using octavo::capi::Guard;

octavo_status octavo_load_options_create(octavo_load_options** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_POINTER(out);
    *out = new octavo_load_options;
    return Ok();
  });
}

void octavo_load_options_destroy(octavo_load_options* options) { octavo::capi::Destroy(options); }

octavo_status octavo_load_options_set_input_shape(octavo_load_options* options, const char* name, const int64_t* dims,
                                                  size_t rank) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    if (rank > 0) OCTAVO_CHECK_POINTER(dims);
    if (rank > OCTAVO_MAX_RANK) return Error(Code::kInvalidArgument, "rank %zu is over %d", rank, OCTAVO_MAX_RANK);
    octavo_load_options::InputShape wanted;
    if (name) wanted.name = name;
    for (size_t d = 0; d < rank; ++d) {
      if (dims[d] < 0) {
        return Error(Code::kInvalidArgument, "dimension %zu is %lld", d, static_cast<long long>(dims[d]));
      }
      wanted.shape.Append(dims[d]);
    }
    options->input_shapes.push_back(std::move(wanted));
    return Ok();
  });
}

octavo_status octavo_load_options_set_borrow(octavo_load_options* options, int32_t borrow) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckFlag(borrow, "borrow"));
    options->borrow = borrow != 0;
    return Ok();
  });
}

octavo_status octavo_model_load(octavo_context* context, const char* path, const octavo_load_options* options,
                                octavo_model** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    OCTAVO_CHECK_POINTER(path);
    OCTAVO_CHECK_OPTIONAL(options);
    OCTAVO_CHECK_POINTER(out);
    return octavo::capi::FinishLoad(context, octavo::ReadOnnxFile(path, context->context->memory()), options,
                                    octavo::capi::FileName(path), out);
  });
}

octavo_status octavo_model_load_memory(octavo_context* context, const void* data, size_t size,
                                       const octavo_load_options* options, octavo_model** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(context);
    OCTAVO_CHECK_POINTER(data);
    OCTAVO_CHECK_OPTIONAL(options);
    OCTAVO_CHECK_POINTER(out);
    // The reader copies unless somebody owns the bytes; borrowed ones are owned by the caller's promise.
    std::shared_ptr<const void> owner;
    if (options && options->borrow) owner = std::shared_ptr<const void>(data, [](const void*) {});
    const std::span<const std::byte> bytes(static_cast<const std::byte*>(data), size);
    return octavo::capi::FinishLoad(context, octavo::ReadOnnxBytes(bytes, std::move(owner), context->context->memory()),
                                    options, "model in memory", out);
  });
}

void octavo_model_destroy(octavo_model* model) { octavo::capi::Destroy(model); }

octavo_status octavo_save_options_create(octavo_save_options** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_POINTER(out);
    *out = new octavo_save_options;
    return Ok();
  });
}

void octavo_save_options_destroy(octavo_save_options* options) { octavo::capi::Destroy(options); }

octavo_status octavo_save_options_set_external_data(octavo_save_options* options, int32_t external_data) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(options);
    OCTAVO_RETURN_IF_ERROR(octavo::capi::CheckFlag(external_data, "external_data"));
    options->external_data = external_data != 0;
    return Ok();
  });
}

octavo_status octavo_model_save(const octavo_model* model, const char* path, const octavo_save_options* options) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_POINTER(path);
    OCTAVO_CHECK_OPTIONAL(options);
    return octavo::WriteOnnxFile(model->model->graph(), path, options && options->external_data);
  });
}

octavo_status octavo_model_save_memory(const octavo_model* model, const octavo_save_options* options,
                                       octavo_buffer** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_OPTIONAL(options);
    OCTAVO_CHECK_POINTER(out);
    if (options && options->external_data)
      return octavo::capi::Invalid("external data needs a file: octavo_model_save");
    std::string bytes;
    OCTAVO_RETURN_IF_ERROR(octavo::WriteOnnx(model->model->graph(), [&](std::span<const std::byte> piece) {
      bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      return Ok();
    }));
    OCTAVO_ASSIGN_OR_RETURN(*out, octavo::capi::NewBuffer(std::move(bytes)));
    return Ok();
  });
}

octavo_status octavo_model_input_count(const octavo_model* model, size_t* out_count) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_POINTER(out_count);
    *out_count = model->model->graph().inputs.size();
    return Ok();
  });
}

octavo_status octavo_model_output_count(const octavo_model* model, size_t* out_count) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_POINTER(out_count);
    *out_count = model->model->graph().outputs.size();
    return Ok();
  });
}

octavo_status octavo_model_input_name(const octavo_model* model, size_t index, const char** out_name) {
  return Guard([&] { return octavo::capi::NameOf(model, true, index, out_name); });
}

octavo_status octavo_model_output_name(const octavo_model* model, size_t index, const char** out_name) {
  return Guard([&] { return octavo::capi::NameOf(model, false, index, out_name); });
}

octavo_status octavo_model_input_dtype(const octavo_model* model, size_t index, int32_t* out_dtype) {
  return Guard([&] { return octavo::capi::DTypeOf(model, true, index, out_dtype); });
}

octavo_status octavo_model_output_dtype(const octavo_model* model, size_t index, int32_t* out_dtype) {
  return Guard([&] { return octavo::capi::DTypeOf(model, false, index, out_dtype); });
}

octavo_status octavo_model_input_shape(const octavo_model* model, size_t index, int64_t* dims, size_t capacity,
                                       int32_t* out_rank) {
  return Guard([&] { return octavo::capi::ShapeOf(model, true, index, dims, capacity, out_rank); });
}

octavo_status octavo_model_output_shape(const octavo_model* model, size_t index, int64_t* dims, size_t capacity,
                                        int32_t* out_rank) {
  return Guard([&] { return octavo::capi::ShapeOf(model, false, index, dims, capacity, out_rank); });
}

octavo_status octavo_model_is_quantized(const octavo_model* model, int32_t* out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_POINTER(out);
    *out = octavo::IsQuantized(model->model->graph()) ? 1 : 0;
    return Ok();
  });
}

octavo_status octavo_model_metadata_count(const octavo_model* model, size_t* out_count) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_POINTER(out_count);
    *out_count = model->model->graph().metadata.size();
    return Ok();
  });
}

octavo_status octavo_model_metadata_at(const octavo_model* model, size_t index, const char** out_key,
                                       const char** out_value) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    const auto& metadata = model->model->graph().metadata;
    if (index >= metadata.size()) {
      return Error(Code::kInvalidArgument, "index is %zu, the model has %zu metadata entries", index, metadata.size());
    }
    if (out_key) *out_key = metadata[index].first.c_str();
    if (out_value) *out_value = metadata[index].second.c_str();
    return Ok();
  });
}

octavo_status octavo_model_metadata_get(const octavo_model* model, const char* key, const char** out_value) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_POINTER(key);
    OCTAVO_CHECK_POINTER(out_value);
    for (const auto& [name, value] : model->model->graph().metadata) {
      if (name == key) {
        *out_value = value.c_str();
        return Ok();
      }
    }
    return Status(Code::kNotFound, "the model has no metadata '" + octavo::Printable(key) + "'");
  });
}

octavo_status octavo_model_describe_json(const octavo_model* model, octavo_buffer** out) {
  return Guard([&]() -> Status {
    OCTAVO_CHECK_HANDLE(model);
    OCTAVO_CHECK_POINTER(out);
    OCTAVO_ASSIGN_OR_RETURN(const octavo::Graph* simplified, model->model->Simplified());
    OCTAVO_ASSIGN_OR_RETURN(
        std::string text, octavo::DescribeModel(model->model->graph(), *simplified, model->model->context()->memory()));
    OCTAVO_ASSIGN_OR_RETURN(*out, octavo::capi::NewBuffer(std::move(text)));
    return Ok();
  });
}
