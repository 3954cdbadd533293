// Every function with arguments it must refuse: always a status and a text, never a crash, never a touched output.
#include <atomic>
#include <cstring>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/capi/support.h"

namespace capi {
namespace {

class MisuseTest : public Fixture {
 protected:
  void SetUp() override {
    Fixture::SetUp();
    Quantize();
    ASSERT_OK(octavo_calibrator_create(f32, nullptr, &calibrator));
    ASSERT_OK(octavo_recipe_create(context, OCTAVO_STATIC_INT8, &recipe));
    ASSERT_OK(octavo_session_create(f32, nullptr, &session));
    ASSERT_OK(octavo_report_create(f32, int8, nullptr, &report));
  }
  Calibrator calibrator;
  Recipe recipe;
  Session session;
  capi::Report report;
};

void Refused(const char* what, octavo_status status) {
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, status) << what;
  EXPECT_GT(std::strlen(octavo_last_error()), 5u) << what;
}
#define REFUSED(call) Refused(#call, call)

TEST_F(MisuseTest, NullObjects) {
  octavo_context_options* context_options = nullptr;
  octavo_model* out = nullptr;
  octavo_buffer* buffer = nullptr;
  octavo_statistics* stats = nullptr;
  octavo_tensor_view view = NoView();
  const octavo_tensor_view x = Input();
  size_t count = 0;
  const char* text = nullptr;
  int32_t number = 0;
  int64_t big = 0, dims_out[8];
  REFUSED(octavo_context_options_set_threads(nullptr, 1));
  REFUSED(octavo_context_options_set_memory_limit(nullptr, 1));
  REFUSED(octavo_context_options_set_file_limit(nullptr, 1));
  REFUSED(octavo_context_options_set_fold_limit(nullptr, 1));
  REFUSED(octavo_context_options_set_node_limit(nullptr, 1));
  REFUSED(octavo_context_options_set_string_limit(nullptr, 1));
  REFUSED(octavo_context_options_set_allocator(nullptr, nullptr, nullptr, nullptr));
  REFUSED(octavo_context_options_set_parallel(nullptr, nullptr, nullptr));
  REFUSED(octavo_context_options_set_log(nullptr, 1, nullptr, nullptr));
  REFUSED(octavo_context_memory(nullptr, &big, &big));
  REFUSED(octavo_load_options_set_input_shape(nullptr, "x", dims, 2));
  REFUSED(octavo_load_options_set_borrow(nullptr, 1));
  REFUSED(octavo_model_load(nullptr, "x", nullptr, &out));
  REFUSED(octavo_model_load_memory(nullptr, "x", 1, nullptr, &out));
  REFUSED(octavo_save_options_set_external_data(nullptr, 1));
  REFUSED(octavo_model_save(nullptr, "x", nullptr));
  REFUSED(octavo_model_save_memory(nullptr, nullptr, &buffer));
  REFUSED(octavo_model_input_count(nullptr, &count));
  REFUSED(octavo_model_input_name(nullptr, 0, &text));
  REFUSED(octavo_model_input_dtype(nullptr, 0, &number));
  REFUSED(octavo_model_input_shape(nullptr, 0, dims_out, 8, &number));
  REFUSED(octavo_model_output_count(nullptr, &count));
  REFUSED(octavo_model_output_name(nullptr, 0, &text));
  REFUSED(octavo_model_output_dtype(nullptr, 0, &number));
  REFUSED(octavo_model_output_shape(nullptr, 0, dims_out, 8, &number));
  REFUSED(octavo_model_is_quantized(nullptr, &number));
  REFUSED(octavo_model_metadata_count(nullptr, &count));
  REFUSED(octavo_model_metadata_at(nullptr, 0, &text, &text));
  REFUSED(octavo_model_metadata_get(nullptr, "x", &text));
  REFUSED(octavo_model_describe_json(nullptr, &buffer));
  REFUSED(octavo_calibrator_options_set_threads(nullptr, 1));
  REFUSED(octavo_calibrator_options_set_cpu_target(nullptr, "reference"));
  REFUSED(octavo_calibrator_options_set_observer(nullptr, "mse", 0));
  octavo_calibrator* made_calibrator = nullptr;
  REFUSED(octavo_calibrator_create(nullptr, nullptr, &made_calibrator));
  REFUSED(octavo_calibrator_collect(nullptr, &x, 1, nullptr));
  REFUSED(octavo_calibrator_finish(nullptr, &stats));
  REFUSED(octavo_statistics_load(nullptr, "x", &stats));
  REFUSED(octavo_statistics_load_memory(nullptr, "x", 1, &stats));
  REFUSED(octavo_statistics_save(nullptr, "x"));
  REFUSED(octavo_statistics_save_memory(nullptr, &buffer));
  REFUSED(octavo_statistics_merge(nullptr, statistics));
  REFUSED(octavo_statistics_merge(statistics, nullptr));
  REFUSED(octavo_statistics_samples(nullptr, &big));
  REFUSED(octavo_statistics_json(nullptr, &buffer));
  octavo_recipe* made_recipe = nullptr;
  REFUSED(octavo_recipe_create(nullptr, 0, &made_recipe));
  REFUSED(octavo_recipe_parse(nullptr, "{}", 2, &made_recipe));
  REFUSED(octavo_recipe_json(nullptr, &buffer));
  REFUSED(octavo_recipe_set_observer(nullptr, "mse", 0));
  REFUSED(octavo_recipe_set_per_channel(nullptr, 1));
  REFUSED(octavo_recipe_set_weight_blocks(nullptr, 8, 32));
  REFUSED(octavo_recipe_keep_float(nullptr, "x", "y"));
  REFUSED(octavo_recipe_observe(nullptr, "x", "y", "mse", 0));
  REFUSED(octavo_quantize_options_set_progress(nullptr, nullptr, nullptr));
  REFUSED(octavo_quantize_options_set_cancel(nullptr, nullptr));
  REFUSED(octavo_quantize_options_set_observer(nullptr, nullptr, nullptr));
  REFUSED(octavo_model_quantize(nullptr, statistics, recipe, &out));
  REFUSED(octavo_model_quantize_with(nullptr, statistics, recipe, nullptr, &out));
  REFUSED(octavo_convert_options_set_form(nullptr, "qdq"));
  REFUSED(octavo_model_convert(nullptr, nullptr, &out));
  REFUSED(octavo_session_options_set_threads(nullptr, 1));
  REFUSED(octavo_session_options_set_cpu_target(nullptr, "reference"));
  REFUSED(octavo_session_options_set_profile(nullptr, 1));
  octavo_session* made_session = nullptr;
  REFUSED(octavo_session_create(nullptr, nullptr, &made_session));
  REFUSED(octavo_session_run(nullptr, &x, 1, &view, 1, nullptr));
  REFUSED(octavo_session_prepare(nullptr, &x, 1, &view, 1));
  REFUSED(octavo_session_output_shape(nullptr, 0, dims_out, 8, &number));
  REFUSED(octavo_session_cpu_target(nullptr, &text));
  REFUSED(octavo_session_profile_json(nullptr, &buffer));
  REFUSED(octavo_session_profile_html(nullptr, &buffer));
  REFUSED(octavo_report_options_set_threads(nullptr, 1));
  REFUSED(octavo_report_options_set_cpu_target(nullptr, "reference"));
  octavo_report* made_report = nullptr;
  REFUSED(octavo_report_create(nullptr, int8, nullptr, &made_report));
  REFUSED(octavo_report_create(f32, nullptr, nullptr, &made_report));
  REFUSED(octavo_report_collect(nullptr, &x, 1, nullptr));
  REFUSED(octavo_report_json(nullptr, &buffer));
  REFUSED(octavo_report_html(nullptr, &buffer));
  REFUSED(octavo_tensor_choose_scale(nullptr, &x, 0, 0, &view, &view));
  REFUSED(octavo_tensor_quantize(nullptr, &x, &x, nullptr, 0, &view));
  REFUSED(octavo_tensor_dequantize(nullptr, &x, &x, nullptr, 0, &view));
  REFUSED(octavo_tensor_fake_quantize(nullptr, &x, &x, nullptr, OCTAVO_UINT8, 0, &view));
  REFUSED(octavo_tensor_matmul(nullptr, &x, &x, nullptr, &x, &x, nullptr, nullptr, nullptr, &view));
  EXPECT_EQ(nullptr, context_options);
  EXPECT_EQ(nullptr, out);
  EXPECT_EQ(nullptr, buffer);
  EXPECT_EQ(nullptr, text);
}

TEST_F(MisuseTest, NullOutputs) {
  const octavo_tensor_view x = Input();
  REFUSED(octavo_cancel_create(nullptr));
  REFUSED(octavo_context_options_create(nullptr));
  REFUSED(octavo_context_create(nullptr, nullptr));
  REFUSED(octavo_load_options_create(nullptr));
  REFUSED(octavo_save_options_create(nullptr));
  REFUSED(octavo_calibrator_options_create(nullptr));
  REFUSED(octavo_quantize_options_create(nullptr));
  REFUSED(octavo_convert_options_create(nullptr));
  REFUSED(octavo_session_options_create(nullptr));
  REFUSED(octavo_report_options_create(nullptr));
  REFUSED(octavo_model_load(context, "x", nullptr, nullptr));
  REFUSED(octavo_model_load_memory(context, "x", 1, nullptr, nullptr));
  REFUSED(octavo_model_save_memory(f32, nullptr, nullptr));
  REFUSED(octavo_model_input_count(f32, nullptr));
  REFUSED(octavo_model_input_name(f32, 0, nullptr));
  REFUSED(octavo_model_input_dtype(f32, 0, nullptr));
  REFUSED(octavo_model_input_shape(f32, 0, nullptr, 0, nullptr));
  REFUSED(octavo_model_output_count(f32, nullptr));
  REFUSED(octavo_model_is_quantized(f32, nullptr));
  REFUSED(octavo_model_metadata_count(f32, nullptr));
  REFUSED(octavo_model_metadata_get(f32, "x", nullptr));
  REFUSED(octavo_model_describe_json(f32, nullptr));
  REFUSED(octavo_calibrator_create(f32, nullptr, nullptr));
  REFUSED(octavo_calibrator_finish(calibrator, nullptr));
  REFUSED(octavo_statistics_load(context, "x", nullptr));
  REFUSED(octavo_statistics_save_memory(statistics, nullptr));
  REFUSED(octavo_statistics_samples(statistics, nullptr));
  REFUSED(octavo_statistics_json(statistics, nullptr));
  REFUSED(octavo_recipe_create(context, 0, nullptr));
  REFUSED(octavo_recipe_parse(context, "{}", 2, nullptr));
  REFUSED(octavo_recipe_json(recipe, nullptr));
  REFUSED(octavo_model_quantize(f32, statistics, recipe, nullptr));
  REFUSED(octavo_model_convert(int8, nullptr, nullptr));
  REFUSED(octavo_session_create(f32, nullptr, nullptr));
  REFUSED(octavo_session_run(session, &x, 1, nullptr, 1, nullptr));
  REFUSED(octavo_session_cpu_target(session, nullptr));
  REFUSED(octavo_report_create(f32, int8, nullptr, nullptr));
  REFUSED(octavo_report_json(report, nullptr));
  REFUSED(octavo_report_html(report, nullptr));
}

TEST_F(MisuseTest, NullArguments) {
  octavo_model* out = nullptr;
  octavo_statistics* stats = nullptr;
  octavo_recipe* made = nullptr;
  const char* value = nullptr;
  octavo_tensor_view y = NoView();
  REFUSED(octavo_model_load(context, nullptr, nullptr, &out));
  REFUSED(octavo_model_load_memory(context, nullptr, 10, nullptr, &out));
  REFUSED(octavo_model_save(f32, nullptr, nullptr));
  REFUSED(octavo_model_metadata_get(f32, nullptr, &value));
  REFUSED(octavo_statistics_load(context, nullptr, &stats));
  REFUSED(octavo_statistics_load_memory(context, nullptr, 4, &stats));
  REFUSED(octavo_statistics_save(statistics, nullptr));
  REFUSED(octavo_recipe_parse(context, nullptr, 4, &made));
  REFUSED(octavo_recipe_set_observer(recipe, nullptr, 0));
  REFUSED(octavo_calibrator_collect(calibrator, nullptr, 1, nullptr));
  REFUSED(octavo_session_run(session, nullptr, 1, &y, 1, nullptr));
  REFUSED(octavo_report_collect(report, nullptr, 1, nullptr));
}

// Objects of one kind handed over as another.
TEST_F(MisuseTest, WrongKindsOfObjects) {
  size_t count = 0;
  octavo_buffer* buffer = nullptr;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "octavo_model",
               octavo_model_input_count(reinterpret_cast<octavo_model*>(context.p), &count));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "octavo_recipe",
               octavo_recipe_json(reinterpret_cast<octavo_recipe*>(f32.p), &buffer));
  octavo_session* made = nullptr;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "octavo_session_options",
               octavo_session_create(f32, reinterpret_cast<octavo_session_options*>(recipe.p), &made));
  octavo_model* model = nullptr;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "octavo_statistics",
               octavo_model_quantize(f32, reinterpret_cast<octavo_statistics*>(recipe.p), nullptr, &model));
  octavo_model_destroy(reinterpret_cast<octavo_model*>(context.p));  // not one: left alone
  EXPECT_OK(octavo_context_memory(context, nullptr, nullptr));
}

TEST_F(MisuseTest, ValuesOutOfRange) {
  ContextOptions context_options;
  SessionOptions session_options;
  LoadOptions load_options;
  ASSERT_OK(octavo_context_options_create(&context_options));
  ASSERT_OK(octavo_session_options_create(&session_options));
  ASSERT_OK(octavo_load_options_create(&load_options));
  for (int32_t threads : {-1, 1025, INT32_MAX, INT32_MIN}) {
    REFUSED(octavo_context_options_set_threads(context_options, threads));
    REFUSED(octavo_session_options_set_threads(session_options, threads));
  }
  for (int64_t limit : {int64_t{0}, int64_t{-1}, INT64_MIN}) {
    REFUSED(octavo_context_options_set_memory_limit(context_options, limit));
    REFUSED(octavo_context_options_set_node_limit(context_options, limit));
  }
  REFUSED(octavo_context_options_set_log(context_options, 0, nullptr, nullptr));
  REFUSED(octavo_context_options_set_log(context_options, 4, nullptr, nullptr));
  REFUSED(octavo_context_options_set_allocator(
      context_options, [](size_t, size_t, void*) -> void* { return nullptr; }, nullptr, nullptr));
  REFUSED(octavo_session_options_set_profile(session_options, 2));
  REFUSED(octavo_load_options_set_borrow(load_options, -1));
  const int64_t negative[1] = {-1};
  REFUSED(octavo_load_options_set_input_shape(load_options, "x", negative, 1));
  REFUSED(octavo_load_options_set_input_shape(load_options, "x", nullptr, 1));
  REFUSED(octavo_load_options_set_input_shape(load_options, "x", dims, 9));
  EXPECT_FAILS(OCTAVO_NOT_FOUND, "none of this machine's",
               octavo_session_options_set_cpu_target(session_options, "abacus"));
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, octavo_session_options_set_cpu_target(session_options, nullptr));
  octavo_recipe* made = nullptr;
  REFUSED(octavo_recipe_create(context, 3, &made));
  REFUSED(octavo_recipe_create(context, -1, &made));
  const char* name = nullptr;
  REFUSED(octavo_model_input_name(f32, 1, &name));
  REFUSED(octavo_model_output_name(f32, SIZE_MAX, &name));
  ConvertOptions convert_options;
  ASSERT_OK(octavo_convert_options_create(&convert_options));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "qoperator", octavo_convert_options_set_form(convert_options, "tflite"));
}

TEST_F(MisuseTest, ViewsThatLie) {
  octavo_tensor_view y = NoView();
  const auto run = [&](const octavo_tensor_view& x) { return octavo_session_run(session, &x, 1, &y, 1, nullptr); };
  octavo_tensor_view x = Input();
  x.struct_size = 0;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "struct_size", run(x));
  x.struct_size = 47;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "struct_size", run(x));
  x.struct_size = 0xffffffff;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "struct_size", run(x));
  x = Input();
  x.flags = 1;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "flags", run(x));
  x = Input();
  x.rank = -1;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "rank", run(x));
  x.rank = 9;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "rank", run(x));
  x.rank = 3;  // reads one dimension of whatever follows: given here
  const int64_t three[3] = {2, 4, 1};
  x.dims = three;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "'x'", run(x));
  x = Input();
  x.dtype = OCTAVO_INT32;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "float32", run(x));
  for (int32_t dtype : {0, -1, 8, 99, 1 << 30}) {
    x.dtype = dtype;
    EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "dtype", run(x));
  }
  x = Input();
  x.bytes = 31;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "bytes", run(x));
  x.bytes = 33;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "bytes", run(x));
  x = Input();
  x.data = nullptr;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "data is NULL", run(x));
  x = Input();
  x.dims = nullptr;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "dims is NULL", run(x));
  const int64_t huge[2] = {int64_t{1} << 40, int64_t{1} << 40}, minus[2] = {-2, 4}, other[2] = {2, 5};
  x = Input();
  x.dims = huge;
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, run(x)) << octavo_last_error();
  x.dims = minus;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "-2", run(x));
  const float ten[10] = {};
  x = View(OCTAVO_FLOAT32, ten, sizeof(ten), other, 2);
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "[2, 5]", run(x));
  const int64_t far[2] = {INT64_MAX, INT64_MIN};
  x = Input();
  x.strides = far;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "stride", run(x));
  EXPECT_EQ(nullptr, y.data);
  x = Input();
  y.strides = dims;
  y.data = const_cast<float*>(values);
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "strides", run(x));
}

TEST_F(MisuseTest, WrongCounts) {
  const octavo_tensor_view inputs[2] = {Input(), Input()};
  octavo_tensor_view outputs[2] = {NoView(), NoView()};
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "2", octavo_session_run(session, inputs, 2, outputs, 1, nullptr));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "0", octavo_session_run(session, inputs, 0, outputs, 1, nullptr));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "2", octavo_session_run(session, inputs, 1, outputs, 2, nullptr));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "0", octavo_session_run(session, nullptr, 0, nullptr, 0, nullptr));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "2", octavo_calibrator_collect(calibrator, inputs, 2, nullptr));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "2", octavo_report_collect(report, inputs, 2, nullptr));
}

// A caller compiled against a later header has larger views: the library steps over what it does not know.
TEST_F(MisuseTest, LaterViewsAreUnderstood) {
  struct Later {
    octavo_tensor_view view;
    int64_t more[2];
  };
  const int64_t shape[2] = {2, 3};
  const float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {10, 20, 30, 40, 50, 60};
  Later inputs[2] = {{View(OCTAVO_FLOAT32, a, sizeof(a), shape, 2), {-1, -1}},
                     {View(OCTAVO_FLOAT32, b, sizeof(b), shape, 2), {-1, -1}}};
  Later outputs[2] = {{NoView(), {-1, -1}}, {NoView(), {-1, -1}}};
  for (Later* l : {&inputs[0], &inputs[1], &outputs[0], &outputs[1]}) l->view.struct_size = sizeof(Later);
  Session later;
  ASSERT_OK(octavo_session_create(two_in, nullptr, &later));
  ASSERT_OK(octavo_session_run(later, &inputs[0].view, 2, &outputs[0].view, 2, nullptr));
  EXPECT_EQ(66.0f, static_cast<float*>(outputs[0].view.data)[5]);
  EXPECT_EQ(6, outputs[1].view.dims[1]);
  EXPECT_EQ(-1, outputs[1].more[0]);
  outputs[1].view.struct_size = sizeof(octavo_tensor_view);  // not all of one kind
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "struct_size",
               octavo_session_run(later, &inputs[0].view, 2, &outputs[0].view, 2, nullptr));
}

TEST_F(MisuseTest, OneSessionOneThread) {
  // From inside a run, through the host's threads: the session is busy.
  struct Nested {
    octavo_session* session = nullptr;
    octavo_status status = OCTAVO_OK;
    octavo_tensor_view x;
  } nested;
  ContextOptions options;
  ASSERT_OK(octavo_context_options_create(&options));
  ASSERT_OK(octavo_context_options_set_threads(options, 2));
  ASSERT_OK(octavo_context_options_set_parallel(
      options,
      [](octavo_parallel_body body, void* body_data, size_t count, void* user_data) {
        Nested& n = *static_cast<Nested*>(user_data);
        octavo_tensor_view y = NoView();
        n.status = octavo_session_run(n.session, &n.x, 1, &y, 1, nullptr);
        for (size_t i = 0; i < count; ++i) body(body_data, i);
      },
      &nested));
  Context other;
  ASSERT_OK(octavo_context_create(options, &other));
  Model model;
  ASSERT_OK(octavo_model_load(other, OCTAVO_SOURCE_DIR "/examples/demo/digits.onnx", nullptr, &model));
  Session busy;
  ASSERT_OK(octavo_session_create(model, nullptr, &busy));
  std::vector<float> pixels(16 * 256, 0.5f);
  const int64_t shape[4] = {16, 1, 16, 16};
  nested.session = busy;
  nested.x = View(OCTAVO_FLOAT32, pixels.data(), pixels.size() * 4, shape, 4);
  octavo_tensor_view y = NoView();
  ASSERT_OK(octavo_session_run(busy, &nested.x, 1, &y, 1, nullptr));
  EXPECT_EQ(OCTAVO_INVALID_STATE, nested.status);
}

TEST_F(MisuseTest, GarbageIsNoModel) {
  octavo_model* out = nullptr;
  const std::string whole = tiny::Dense();
  for (size_t size = 0; size < whole.size(); ++size) {
    octavo_model* model = nullptr;
    if (octavo_model_load_memory(context, whole.data(), size, nullptr, &model) == OCTAVO_OK) {
      octavo_model_destroy(model);  // a prefix may be a model: messages have no ends
    } else {
      EXPECT_GT(std::strlen(octavo_last_error()), 5u);
    }
  }
  EXPECT_EQ(OCTAVO_INVALID_MODEL, octavo_model_load_memory(context, "garbage!", 8, nullptr, &out));
  octavo_statistics* stats = nullptr;
  EXPECT_EQ(OCTAVO_INVALID_DATA, octavo_statistics_load_memory(context, "garbage!", 8, &stats));
  EXPECT_EQ(OCTAVO_IO, octavo_model_load(context, "/", nullptr, &out));
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, octavo_model_load(context, "", nullptr, &out));
  EXPECT_EQ(nullptr, out);
}

// Whatever the file system takes is a name; what it refuses is named in one line.
TEST_F(MisuseTest, OddPaths) {
  for (const char* name :
       {"\xc3\xbc\xe6\x95\xb0\xf0\x9f\x98\x80.onnx", "\xff\xfe not UTF-8.onnx", "new\nline.onnx", "%s%n.onnx"}) {
    const std::string path = TempPath(name);
    ASSERT_OK(octavo_model_save(int8, path.c_str(), nullptr)) << path;
    Model again;
    EXPECT_OK(octavo_model_load(context, path.c_str(), nullptr, &again)) << path;
    std::filesystem::remove(path);
    EXPECT_FAILS(OCTAVO_IO, "cannot open", octavo_model_load(context, path.c_str(), nullptr, &again));
    EXPECT_EQ(nullptr, std::strchr(octavo_last_error(), '\n'));
  }
  octavo_model* out = nullptr;
  octavo_statistics* stats = nullptr;
  const std::string endless(100000, 'x');
  EXPECT_EQ(OCTAVO_IO, octavo_model_load(context, endless.c_str(), nullptr, &out));
  EXPECT_EQ(OCTAVO_IO, octavo_model_save(f32, endless.c_str(), nullptr));
  EXPECT_EQ(OCTAVO_IO, octavo_model_save(f32, std::filesystem::temp_directory_path().c_str(), nullptr));
  EXPECT_EQ(OCTAVO_IO, octavo_model_save(f32, "/nowhere/net.onnx", nullptr));
  EXPECT_EQ(OCTAVO_IO, octavo_statistics_save(statistics, "/nowhere/net.stats"));
  EXPECT_EQ(OCTAVO_IO, octavo_statistics_load(context, "/nowhere/net.stats", &stats));
}

TEST_F(MisuseTest, ThrowingCallbacksAreContained) {
  QuantizeOptions options;
  ASSERT_OK(octavo_quantize_options_create(&options));
  ASSERT_OK(octavo_quantize_options_set_progress(
      options, [](double, const char*, void*) -> int32_t { throw 42; }, nullptr));
  octavo_model* out = nullptr;
  EXPECT_FAILS(OCTAVO_INTERNAL, "callback", octavo_model_quantize_with(f32, statistics, nullptr, options, &out));
  ASSERT_OK(octavo_quantize_options_set_progress(options, nullptr, nullptr));
  ASSERT_OK(octavo_quantize_options_set_observer(
      options,
      [](const char*, int64_t, double, double, size_t, const double*, const double*, const int64_t*, double*, double*,
         void*) -> int32_t { throw std::runtime_error("of mine"); },
      nullptr));
  EXPECT_FAILS(OCTAVO_INTERNAL, "of mine", octavo_model_quantize_with(f32, statistics, nullptr, options, &out));
  EXPECT_EQ(nullptr, out);
}

// A callback may use the library, fail there, and still be answered about its own call.
TEST_F(MisuseTest, CallbacksMayCallBack) {
  struct Own {
    const octavo_model* model;
    const octavo_statistics* statistics;
    octavo_context* context;
  } own = {f32, statistics, context};
  QuantizeOptions options;
  ASSERT_OK(octavo_quantize_options_create(&options));
  ASSERT_OK(octavo_quantize_options_set_progress(
      options,
      [](double, const char*, void* user_data) -> int32_t {
        const Own& objects = *static_cast<Own*>(user_data);
        octavo_model* nested = nullptr;
        EXPECT_OK(octavo_model_quantize(objects.model, objects.statistics, nullptr, &nested));
        octavo_model_destroy(nested);
        return octavo_model_load(objects.context, "/nowhere", nullptr, &nested) == OCTAVO_IO;
      },
      &own));
  octavo_model* out = nullptr;
  EXPECT_FAILS(OCTAVO_CANCELLED, "progress callback",
               octavo_model_quantize_with(f32, statistics, nullptr, options, &out));
  EXPECT_EQ(nullptr, out);
}

TEST_F(MisuseTest, CancelFromAnotherThread) {
  Cancel cancel;
  ASSERT_OK(octavo_cancel_create(&cancel));
  std::atomic<int> rounds{0};
  std::thread other([&] {
    while (rounds < 3) std::this_thread::yield();
    octavo_cancel_request(cancel);
  });
  const octavo_tensor_view x = Input();
  octavo_status status = OCTAVO_OK;
  while (status == OCTAVO_OK) {
    status = octavo_calibrator_collect(calibrator, &x, 1, cancel);
    ++rounds;
  }
  other.join();
  EXPECT_EQ(OCTAVO_CANCELLED, status);
  octavo_tensor_view y = NoView();
  EXPECT_EQ(OCTAVO_CANCELLED, octavo_session_run(session, &x, 1, &y, 1, cancel));
  EXPECT_EQ(OCTAVO_CANCELLED, octavo_report_collect(report, &x, 1, cancel));
  octavo_cancel_reset(cancel);
  EXPECT_OK(octavo_session_run(session, &x, 1, &y, 1, cancel));
}

}  // namespace
}  // namespace capi
