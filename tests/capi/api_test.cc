// What every call does when it is used as meant.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <vector>

#include "tests/capi/support.h"

namespace capi {
namespace {

using nlohmann::json;

TEST(Basics, VersionsAgreeWithTheHeader) {
  EXPECT_STREQ(OCTAVO_VERSION, octavo_version_string());
  EXPECT_EQ(OCTAVO_ABI_VERSION, octavo_abi_version());
  EXPECT_EQ(OCTAVO_ABI_VERSION, std::atoi(octavo_version_string()));
}

TEST(Basics, EveryStatusHasAName) {
  for (int32_t status : {0, 1, 2, 3, 64, 65, 66, 128, 129, 130, 131, 132, 192}) {
    EXPECT_STRNE("OCTAVO_UNKNOWN", octavo_status_name(status)) << status;
  }
  EXPECT_STREQ("OCTAVO_INVALID_MODEL", octavo_status_name(OCTAVO_INVALID_MODEL));
  for (int32_t status : {-1, 4, 63, 67, 127, 133, 193, 255, 1 << 30}) {
    EXPECT_STREQ("OCTAVO_UNKNOWN", octavo_status_name(status)) << status;
  }
}

TEST(Basics, CpuTargetsEndWithTheReference) {
  const size_t count = octavo_cpu_target_count();
  ASSERT_GE(count, 1u);
  EXPECT_STREQ("reference", octavo_cpu_target_name(count - 1));
  EXPECT_STREQ(octavo_cpu_target(), octavo_cpu_target_name(0));
  EXPECT_EQ(nullptr, octavo_cpu_target_name(count));
  EXPECT_EQ(nullptr, octavo_cpu_target_name(SIZE_MAX));
  std::set<std::string> names;
  for (size_t i = 0; i < count; ++i) names.insert(octavo_cpu_target_name(i));
  EXPECT_EQ(count, names.size());
}

TEST(Basics, DTypes) {
  EXPECT_STREQ("float32", octavo_dtype_name(OCTAVO_FLOAT32));
  EXPECT_STREQ("undefined", octavo_dtype_name(99));
  EXPECT_EQ(32u, octavo_dtype_bits(OCTAVO_FLOAT32));
  EXPECT_EQ(4u, octavo_dtype_bits(OCTAVO_INT4));
  EXPECT_EQ(0u, octavo_dtype_bits(-1));
}

TEST(Basics, DestroyTakesNull) {
  octavo_buffer_destroy(nullptr);
  octavo_cancel_destroy(nullptr);
  octavo_context_options_destroy(nullptr);
  octavo_context_destroy(nullptr);
  octavo_load_options_destroy(nullptr);
  octavo_save_options_destroy(nullptr);
  octavo_model_destroy(nullptr);
  octavo_calibrator_options_destroy(nullptr);
  octavo_calibrator_destroy(nullptr);
  octavo_statistics_destroy(nullptr);
  octavo_recipe_destroy(nullptr);
  octavo_quantize_options_destroy(nullptr);
  octavo_convert_options_destroy(nullptr);
  octavo_session_options_destroy(nullptr);
  octavo_session_destroy(nullptr);
  octavo_report_options_destroy(nullptr);
  octavo_report_destroy(nullptr);
  EXPECT_EQ(nullptr, octavo_buffer_data(nullptr));
  EXPECT_EQ(0u, octavo_buffer_size(nullptr));
  octavo_cancel_request(nullptr);
  octavo_cancel_reset(nullptr);
  EXPECT_EQ(0, octavo_cancel_requested(nullptr));
}

TEST(Basics, CancelIsAFlag) {
  Cancel cancel;
  ASSERT_OK(octavo_cancel_create(&cancel));
  EXPECT_EQ(0, octavo_cancel_requested(cancel));
  octavo_cancel_request(cancel);
  EXPECT_EQ(1, octavo_cancel_requested(cancel));
  octavo_cancel_reset(cancel);
  EXPECT_EQ(0, octavo_cancel_requested(cancel));
}

TEST(Basics, ErrorsBelongToTheirThread) {
  octavo_model* model = nullptr;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "context is NULL", octavo_model_load(nullptr, "x", nullptr, &model));
  std::thread([] {
    EXPECT_STREQ("", octavo_last_error());
    octavo_model* other = nullptr;
    octavo_model_load_memory(nullptr, nullptr, 0, nullptr, &other);
  }).join();
  EXPECT_NE(nullptr, std::strstr(octavo_last_error(), "context is NULL"));
}

// ------------------------------------------------------------------------------------------------ model

using ModelTest = Fixture;

TEST_F(ModelTest, TellsItsInputsAndOutputs) {
  size_t count = 0;
  ASSERT_OK(octavo_model_input_count(two_in, &count));
  EXPECT_EQ(2u, count);
  ASSERT_OK(octavo_model_output_count(two_in, &count));
  EXPECT_EQ(2u, count);
  const char* name = nullptr;
  ASSERT_OK(octavo_model_input_name(two_in, 1, &name));
  EXPECT_STREQ("b", name);
  ASSERT_OK(octavo_model_output_name(two_in, 1, &name));
  EXPECT_STREQ("positions", name);
  int32_t dtype = 0;
  ASSERT_OK(octavo_model_output_dtype(two_in, 1, &dtype));
  EXPECT_EQ(OCTAVO_INT64, dtype);
  ASSERT_OK(octavo_model_input_dtype(two_in, 0, &dtype));
  EXPECT_EQ(OCTAVO_FLOAT32, dtype);

  int64_t shape[OCTAVO_MAX_RANK];
  int32_t rank = 0;
  ASSERT_OK(octavo_model_input_shape(f32, 0, shape, OCTAVO_MAX_RANK, &rank));
  ASSERT_EQ(2, rank);
  EXPECT_EQ(-1, shape[0]);
  EXPECT_EQ(4, shape[1]);
  rank = 0;
  ASSERT_OK(octavo_model_output_shape(f32, 0, nullptr, 0, &rank));
  EXPECT_EQ(2, rank);
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "room for 1", octavo_model_input_shape(f32, 0, shape, 1, &rank));
}

TEST_F(ModelTest, Metadata) {
  const char *key = nullptr, *value = nullptr;
  size_t count = 0;
  ASSERT_OK(octavo_model_metadata_count(f32, &count));
  ASSERT_EQ(1u, count);
  ASSERT_OK(octavo_model_metadata_at(f32, 0, &key, &value));
  EXPECT_STREQ("purpose", key);
  EXPECT_STREQ("testing", value);
  ASSERT_OK(octavo_model_metadata_at(f32, 0, nullptr, nullptr));
  ASSERT_OK(octavo_model_metadata_get(f32, "purpose", &value));
  EXPECT_STREQ("testing", value);
  EXPECT_FAILS(OCTAVO_NOT_FOUND, "'nothing'", octavo_model_metadata_get(f32, "nothing", &value));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "index is 1", octavo_model_metadata_at(f32, 1, &key, &value));
}

TEST_F(ModelTest, InputShapesCanBeFixedAtLoad) {
  LoadOptions options;
  ASSERT_OK(octavo_load_options_create(&options));
  const int64_t eight[2] = {8, 4}, wrong[2] = {8, 5};
  const std::string bytes = tiny::Dense();
  ASSERT_OK(octavo_load_options_set_input_shape(options, nullptr, eight, 2));
  Model fixed, refused;
  ASSERT_OK(octavo_model_load_memory(context, bytes.data(), bytes.size(), options, &fixed));
  int64_t shape[OCTAVO_MAX_RANK];
  int32_t rank = 0;
  ASSERT_OK(octavo_model_output_shape(fixed, 0, shape, OCTAVO_MAX_RANK, &rank));
  EXPECT_EQ(8, shape[0]);
  ASSERT_OK(octavo_load_options_set_input_shape(options, "x", wrong, 2));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "[8, 5]",
               octavo_model_load_memory(context, bytes.data(), bytes.size(), options, &refused));
  LoadOptions unknown;
  ASSERT_OK(octavo_load_options_create(&unknown));
  ASSERT_OK(octavo_load_options_set_input_shape(unknown, "nobody", eight, 2));
  EXPECT_FAILS(OCTAVO_NOT_FOUND, "'nobody'",
               octavo_model_load_memory(context, bytes.data(), bytes.size(), unknown, &refused));
}

TEST_F(ModelTest, SavesToFilesAndMemoryAlike) {
  const std::string path = TempPath("saved.onnx");
  ASSERT_OK(octavo_model_save(f32, path.c_str(), nullptr));
  Model again;
  ASSERT_OK(octavo_model_load(context, path.c_str(), nullptr, &again));
  ASSERT_OK(octavo_model_save(again, path.c_str(), nullptr));  // over the file it is mapped from
  Buffer bytes, more;
  ASSERT_OK(octavo_model_save_memory(f32, nullptr, &bytes));
  ASSERT_OK(octavo_model_save_memory(again, nullptr, &more));
  EXPECT_EQ(Text(bytes), Text(more));
  EXPECT_EQ(octavo_buffer_size(bytes), std::filesystem::file_size(path));
  EXPECT_EQ('\0', static_cast<const char*>(octavo_buffer_data(bytes))[octavo_buffer_size(bytes)]);
  std::filesystem::remove(path);
  EXPECT_FAILS(OCTAVO_IO, "nowhere", octavo_model_save(f32, "/nowhere/at/all.onnx", nullptr));
  EXPECT_FAILS(OCTAVO_IO, "nothing.onnx", octavo_model_load(context, "nothing.onnx", nullptr, &again));
}

TEST_F(ModelTest, BorrowedBytesAreNotCopied) {
  const std::string bytes = tiny::Dense();
  LoadOptions options;
  ASSERT_OK(octavo_load_options_create(&options));
  ASSERT_OK(octavo_load_options_set_borrow(options, 1));
  Model model;
  ASSERT_OK(octavo_model_load_memory(context, bytes.data(), bytes.size(), options, &model));
  Session session;
  ASSERT_OK(octavo_session_create(model, nullptr, &session));
  const octavo_tensor_view x = Input();
  octavo_tensor_view y = NoView();
  ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
  EXPECT_EQ(0, std::memcmp(y.data, expected, sizeof(expected)));
}

TEST_F(ModelTest, DescribesItself) {
  Quantize();
  Buffer text;
  ASSERT_OK(octavo_model_describe_json(f32, &text));
  const json before = json::parse(Text(text));
  EXPECT_FALSE(before["quantized"]);
  EXPECT_TRUE(before["scheme"].is_null());
  EXPECT_EQ("x", before["inputs"][0]["name"]);
  EXPECT_TRUE(before["inputs"][0]["shape"][0].is_null());
  EXPECT_EQ(12, before["macs"]);  // an open dimension counts as 1
  EXPECT_EQ(before["nodes"].size(), before["int8_nodes"].get<size_t>() + before["float_nodes"].get<size_t>());
  text.Reset();
  ASSERT_OK(octavo_model_describe_json(int8, &text));
  const json after = json::parse(Text(text));
  EXPECT_TRUE(after["quantized"]);
  EXPECT_EQ("static", after["scheme"]);
  for (const json& node : after["nodes"]) {
    EXPECT_EQ(node["precision"] == "int8", node["reason"].is_null()) << node;
    EXPECT_EQ(node["reason"].is_null(), node["sentence"].is_null()) << node;
  }
  Buffer bytes;
  ASSERT_OK(octavo_model_save_memory(int8, nullptr, &bytes));
  EXPECT_EQ(octavo_buffer_size(bytes), after["bytes"].get<size_t>());
}

// ------------------------------------------------------------------------------------------------ session

using SessionTest = Fixture;

TEST_F(SessionTest, RunsIntoItsOwnMemory) {
  Session session;
  ASSERT_OK(octavo_session_create(f32, nullptr, &session));
  const octavo_tensor_view x = Input();
  octavo_tensor_view y = NoView();
  ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
  EXPECT_EQ(OCTAVO_FLOAT32, y.dtype);
  ASSERT_EQ(2, y.rank);
  EXPECT_EQ(2, y.dims[0]);
  EXPECT_EQ(3, y.dims[1]);
  EXPECT_EQ(sizeof(expected), y.bytes);
  EXPECT_EQ(0, std::memcmp(y.data, expected, sizeof(expected)));
}

// What a model passes on unchanged must not lie in the input, which the caller may free before looking at the result.
TEST_F(SessionTest, PassesInputsOnByCopy) {
  const std::string bytes =
      tiny::Model().Input({"x", 1, {-1, 4}}).Output({"y", 1, {-1, 4}}).Node("Identity", {"x"}, {"y"}).Bytes();
  Model model;
  Session run;
  ASSERT_OK(octavo_model_load_memory(context, bytes.data(), bytes.size(), nullptr, &model));
  ASSERT_OK(octavo_session_create(model, nullptr, &run));
  for (int64_t rows : {2, 1, 2}) {
    const int64_t shape[2] = {rows, 4};
    const octavo_tensor_view x = View(OCTAVO_FLOAT32, values, static_cast<size_t>(rows) * 16, shape, 2);
    octavo_tensor_view y = NoView();
    ASSERT_OK(octavo_session_run(run, &x, 1, &y, 1, nullptr));
    EXPECT_NE(x.data, y.data);
    ASSERT_EQ(x.bytes, y.bytes);
    EXPECT_EQ(0, std::memcmp(values, y.data, y.bytes));
  }
}

TEST_F(SessionTest, RunsIntoTheCallersMemory) {
  Session session;
  ASSERT_OK(octavo_session_create(f32, nullptr, &session));
  const octavo_tensor_view x = Input();
  const int64_t shape[2] = {2, 3};
  float with_shape[6] = {}, without[8] = {};
  octavo_tensor_view y = View(OCTAVO_FLOAT32, with_shape, sizeof(with_shape), shape, 2);
  ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
  EXPECT_EQ(0, std::memcmp(with_shape, expected, sizeof(expected)));
  EXPECT_EQ(with_shape, y.data);
  // Shape and type are told, where they are not given.
  y = View(0, without, sizeof(without), nullptr, 0);
  ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
  EXPECT_EQ(0, std::memcmp(without, expected, sizeof(expected)));
  EXPECT_EQ(sizeof(expected), y.bytes);
  EXPECT_EQ(2, y.rank);
}

TEST_F(SessionTest, WrongOutputsChangeNothing) {
  Session session;
  ASSERT_OK(octavo_session_create(f32, nullptr, &session));
  const octavo_tensor_view x = Input();
  const int64_t shape[2] = {2, 3}, other[2] = {3, 2};
  float memory[6] = {};
  const octavo_tensor_view views[] = {
      View(OCTAVO_FLOAT32, memory, sizeof(memory) - 4, nullptr, 0),
      View(OCTAVO_FLOAT32, memory, sizeof(memory), other, 2),
      View(OCTAVO_INT32, memory, sizeof(memory), shape, 2),
  };
  for (octavo_tensor_view y : views) {
    const octavo_tensor_view before = y;
    EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, octavo_session_run(session, &x, 1, &y, 1, nullptr));
    EXPECT_NE(nullptr, std::strstr(octavo_last_error(), "'y'")) << octavo_last_error();
    EXPECT_EQ(0, std::memcmp(&before, &y, sizeof(y)));
  }
  octavo_tensor_view y = NoView();
  EXPECT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));  // still usable
}

TEST_F(SessionTest, ShapesMayChangeFromRunToRun) {
  Session session;
  ASSERT_OK(octavo_session_create(f32, nullptr, &session));
  std::vector<float> many(7 * 4, 1.0f);
  for (int64_t n : {1, 7, 2, 0, 5}) {
    const int64_t shape[2] = {n, 4};
    const octavo_tensor_view x = View(OCTAVO_FLOAT32, many.data(), static_cast<size_t>(n) * 16, shape, 2);
    octavo_tensor_view y = NoView();
    ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
    EXPECT_EQ(n, y.dims[0]);
    int64_t told[OCTAVO_MAX_RANK];
    int32_t rank = 0;
    ASSERT_OK(octavo_session_output_shape(session, 0, told, OCTAVO_MAX_RANK, &rank));
    EXPECT_EQ(n, told[0]);
  }
}

TEST_F(SessionTest, StridedInputsAreGathered) {
  Session session;
  ASSERT_OK(octavo_session_create(f32, nullptr, &session));
  float transposed[8], reversed[8];
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 4; ++j) {
      transposed[j * 2 + i] = values[i * 4 + j];
      reversed[(1 - i) * 4 + 3 - j] = values[i * 4 + j];
    }
  }
  const int64_t swapped[2] = {1, 2}, backwards[2] = {-4, -1};
  octavo_tensor_view x = View(OCTAVO_FLOAT32, transposed, sizeof(transposed), dims, 2);
  x.strides = swapped;
  octavo_tensor_view y = NoView();
  ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
  EXPECT_EQ(0, std::memcmp(y.data, expected, sizeof(expected)));
  x = View(OCTAVO_FLOAT32, reversed + 7, sizeof(reversed), dims, 2);
  x.strides = backwards;
  ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
  EXPECT_EQ(0, std::memcmp(y.data, expected, sizeof(expected)));
  const int64_t repeat[2] = {0, 1};  // the first row twice
  x = View(OCTAVO_FLOAT32, values, sizeof(values), dims, 2);
  x.strides = repeat;
  y = NoView();
  ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
  EXPECT_EQ(0, std::memcmp(y.data, static_cast<float*>(y.data) + 3, 12));
}

TEST_F(SessionTest, AnyAlignmentWillDo) {
  Session session;
  ASSERT_OK(octavo_session_create(f32, nullptr, &session));
  std::vector<char> bytes(sizeof(values) + 1);
  std::memcpy(bytes.data() + 1, values, sizeof(values));
  const octavo_tensor_view x = View(OCTAVO_FLOAT32, bytes.data() + 1, sizeof(values), dims, 2);
  octavo_tensor_view y = NoView();
  ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
  EXPECT_EQ(0, std::memcmp(y.data, expected, sizeof(expected)));
}

TEST_F(SessionTest, PrepareTellsShapesBeforehand) {
  Session session;
  ASSERT_OK(octavo_session_create(f32, nullptr, &session));
  const int64_t shape[2] = {5, 4};
  const octavo_tensor_view x = View(OCTAVO_FLOAT32, nullptr, 0, shape, 2);
  octavo_tensor_view y = NoView();
  ASSERT_OK(octavo_session_prepare(session, &x, 1, &y, 1));
  EXPECT_EQ(OCTAVO_FLOAT32, y.dtype);
  ASSERT_EQ(2, y.rank);
  EXPECT_EQ(5, y.dims[0]);
  EXPECT_EQ(5u * 3 * 4, y.bytes);
  EXPECT_EQ(nullptr, y.data);
  const int64_t wrong[2] = {5, 3};
  const octavo_tensor_view bad = View(OCTAVO_FLOAT32, nullptr, 0, wrong, 2);
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "'x'", octavo_session_prepare(session, &bad, 1, &y, 1));
}

TEST_F(SessionTest, ShapesThatDependOnContents) {
  Session session;
  ASSERT_OK(octavo_session_create(two_in, nullptr, &session));
  const int64_t shape[2] = {2, 3};
  const float a[6] = {0, 1, 0, 2, 0, 3}, b[6] = {1, 1, 1, 1, 1, 1};
  const octavo_tensor_view inputs[2] = {View(OCTAVO_FLOAT32, a, sizeof(a), shape, 2),
                                        View(OCTAVO_FLOAT32, b, sizeof(b), shape, 2)};
  octavo_tensor_view outputs[2] = {NoView(), NoView()};
  ASSERT_OK(octavo_session_prepare(session, inputs, 2, outputs, 2));
  EXPECT_EQ(24u, outputs[0].bytes);
  EXPECT_EQ(0u, outputs[1].bytes);
  ASSERT_EQ(2, outputs[1].rank);
  EXPECT_EQ(-1, outputs[1].dims[1]);
  outputs[0] = outputs[1] = NoView();
  ASSERT_OK(octavo_session_run(session, inputs, 2, outputs, 2, nullptr));
  EXPECT_EQ(4.0f, static_cast<float*>(outputs[0].data)[5]);
  EXPECT_EQ(3, outputs[1].dims[1]);
  int64_t memory[12];
  outputs[1] = View(0, memory, sizeof(memory), nullptr, 0);
  ASSERT_OK(octavo_session_run(session, inputs, 2, outputs, 2, nullptr));
  EXPECT_EQ(48u, outputs[1].bytes);
  EXPECT_EQ(2, memory[5]);
}

TEST_F(SessionTest, AllTargetsAndThreadsGiveTheSameBytes) {
  Quantize();
  const octavo_tensor_view x = Input();
  std::set<std::string> results;
  for (size_t i = 0; i < octavo_cpu_target_count(); ++i) {
    for (int32_t threads : {1, 2, 3}) {
      SessionOptions options;
      ASSERT_OK(octavo_session_options_create(&options));
      ASSERT_OK(octavo_session_options_set_cpu_target(options, octavo_cpu_target_name(i)));
      ASSERT_OK(octavo_session_options_set_threads(options, threads));
      Session session;
      ASSERT_OK(octavo_session_create(int8, options, &session));
      octavo_tensor_view y = NoView();
      ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
      results.emplace(static_cast<const char*>(y.data), y.bytes);
    }
  }
  EXPECT_EQ(1u, results.size());
}

TEST_F(SessionTest, ProfileSaysWhatEachStepTook) {
  SessionOptions options;
  ASSERT_OK(octavo_session_options_create(&options));
  ASSERT_OK(octavo_session_options_set_profile(options, 1));
  ASSERT_OK(octavo_session_options_set_threads(options, 1));
  Session session, plain;
  ASSERT_OK(octavo_session_create(f32, options, &session));
  ASSERT_OK(octavo_session_create(f32, nullptr, &plain));
  const octavo_tensor_view x = Input();
  octavo_tensor_view y = NoView();
  for (int i = 0; i < 3; ++i) ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
  Buffer text;
  ASSERT_OK(octavo_session_profile_json(session, &text));
  const json profile = json::parse(Text(text));
  EXPECT_EQ(1, profile["threads"]);
  ASSERT_GE(profile["steps"].size(), 1u);
  EXPECT_EQ(3, profile["steps"][0]["runs"]);
  EXPECT_FALSE(profile["steps"][0]["kernel"].get<std::string>().empty());
  EXPECT_GT(profile["peak"]["int8"].get<double>(), profile["peak"]["float32"].get<double>() / 2);
  size_t multiplying = 0;
  for (const json& step : profile["steps"]) {
    EXPECT_LE(3 * step["least_seconds"].get<double>(), 1.0001 * step["seconds"].get<double>());
    EXPECT_EQ(step["macs"] == 0, step["share_of_peak"].is_null()) << step;
    if (step["macs"] == 0) continue;
    ++multiplying;
    EXPECT_NEAR(
        step["macs"].get<double>() / step["least_seconds"].get<double>() / profile["peak"]["float32"].get<double>(),
        step["share_of_peak"].get<double>(), 1e-6);
  }
  EXPECT_GT(multiplying, 0u);
  text.Reset();
  ASSERT_OK(octavo_session_profile_html(session, &text));
  const std::string page = Text(text);
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
  EXPECT_NE(std::string::npos, page.find(profile["steps"][0]["kernel"].get<std::string>()));
  EXPECT_EQ(std::string::npos, page.find("<script"));
  EXPECT_EQ(std::string::npos, page.find("http"));
  text.Reset();
  EXPECT_FAILS(OCTAVO_INVALID_STATE, "set_profile", octavo_session_profile_json(plain, &text));
  EXPECT_FAILS(OCTAVO_INVALID_STATE, "set_profile", octavo_session_profile_html(plain, &text));
}

TEST_F(SessionTest, ManySessionsAtOnce) {
  Quantize();
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      Session session;
      if (octavo_session_create(t % 2 ? int8.p : f32.p, nullptr, &session) != OCTAVO_OK) return;
      const octavo_tensor_view x = Input();
      for (int i = 0; i < 50; ++i) {
        octavo_tensor_view y = NoView();
        if (octavo_session_run(session, &x, 1, &y, 1, nullptr) != OCTAVO_OK) return;
        if (t % 2 == 0 && std::memcmp(y.data, expected, sizeof(expected)) != 0) return;
      }
      ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(8, right);
}

TEST_F(SessionTest, OutlivesEverythingElse) {
  Quantize();
  Session session;
  ASSERT_OK(octavo_session_create(int8, nullptr, &session));
  context.Reset();
  statistics.Reset();
  f32.Reset();
  int8.Reset();
  const octavo_tensor_view x = Input();
  octavo_tensor_view y = NoView();
  EXPECT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
}

TEST_F(SessionTest, CancelledBeforeItStarts) {
  Session session;
  ASSERT_OK(octavo_session_create(f32, nullptr, &session));
  Cancel cancel;
  ASSERT_OK(octavo_cancel_create(&cancel));
  octavo_cancel_request(cancel);
  const octavo_tensor_view x = Input();
  octavo_tensor_view y = NoView();
  EXPECT_EQ(OCTAVO_CANCELLED, octavo_session_run(session, &x, 1, &y, 1, cancel));
  EXPECT_EQ(nullptr, y.data);
  octavo_cancel_reset(cancel);
  EXPECT_OK(octavo_session_run(session, &x, 1, &y, 1, cancel));
}

// ------------------------------------------------------------------------------------------------ calibrate, quantize

using QuantizeTest = Fixture;

TEST_F(QuantizeTest, StatisticsSurviveFilesAndMemory) {
  Quantize();
  int64_t samples = 0;
  ASSERT_OK(octavo_statistics_samples(statistics, &samples));
  EXPECT_EQ(2, samples);
  const std::string path = TempPath("net.stats");
  ASSERT_OK(octavo_statistics_save(statistics, path.c_str()));
  Buffer bytes, again;
  ASSERT_OK(octavo_statistics_save_memory(statistics, &bytes));
  Statistics from_file, from_memory;
  ASSERT_OK(octavo_statistics_load(context, path.c_str(), &from_file));
  ASSERT_OK(octavo_statistics_load_memory(context, octavo_buffer_data(bytes), octavo_buffer_size(bytes), &from_memory));
  ASSERT_OK(octavo_statistics_save_memory(from_file, &again));
  EXPECT_EQ(Text(bytes), Text(again));
  Model same;
  ASSERT_OK(octavo_model_quantize(f32, from_memory, nullptr, &same));
  Buffer one, two;
  ASSERT_OK(octavo_model_save_memory(int8, nullptr, &one));
  ASSERT_OK(octavo_model_save_memory(same, nullptr, &two));
  EXPECT_EQ(Text(one), Text(two));
  std::string broken = Text(bytes);
  broken[broken.size() / 2] = static_cast<char>(broken[broken.size() / 2] ^ 1);
  Statistics refused;
  EXPECT_EQ(OCTAVO_INVALID_DATA, octavo_statistics_load_memory(context, broken.data(), broken.size(), &refused));
  EXPECT_EQ(nullptr, refused.p);
  std::filesystem::remove(path);
}

TEST_F(QuantizeTest, HalvesMergeToTheWhole) {
  const int64_t row[2] = {1, 4};
  Statistics halves[2], whole;
  Calibrator all;
  ASSERT_OK(octavo_calibrator_create(f32, nullptr, &all));
  for (int half = 0; half < 2; ++half) {
    Calibrator calibrator;
    ASSERT_OK(octavo_calibrator_create(f32, nullptr, &calibrator));
    const octavo_tensor_view x = View(OCTAVO_FLOAT32, values + 4 * half, 16, row, 2);
    ASSERT_OK(octavo_calibrator_collect(calibrator, &x, 1, nullptr));
    ASSERT_OK(octavo_calibrator_collect(all, &x, 1, nullptr));
    ASSERT_OK(octavo_calibrator_finish(calibrator, &halves[half]));
  }
  ASSERT_OK(octavo_calibrator_finish(all, &whole));
  ASSERT_OK(octavo_statistics_merge(halves[1], halves[0]));
  Buffer merged, expected_bytes;
  ASSERT_OK(octavo_statistics_save_memory(halves[1], &merged));
  ASSERT_OK(octavo_statistics_save_memory(whole, &expected_bytes));
  EXPECT_EQ(Text(expected_bytes), Text(merged));
  Buffer text;
  ASSERT_OK(octavo_statistics_json(whole, &text));
  const json figures = json::parse(Text(text));
  EXPECT_EQ(2, figures["samples"]);
  EXPECT_EQ(-3.0, figures["values"]["x"]["min"]);
  EXPECT_EQ(4.0, figures["values"]["x"]["max"]);
  EXPECT_EQ(1, figures["values"]["x"]["zeros"]);
}

TEST_F(QuantizeTest, ObserversOfTheCalibrator) {
  for (const char* observer : {"min_max", "moving_average", "histogram", "percentile", "entropy", "mse"}) {
    CalibratorOptions options;
    ASSERT_OK(octavo_calibrator_options_create(&options));
    ASSERT_OK(octavo_calibrator_options_set_observer(options, observer, 0));
    ASSERT_OK(octavo_calibrator_options_set_threads(options, 1));
    ASSERT_OK(octavo_calibrator_options_set_cpu_target(options, "reference"));
    Calibrator calibrator;
    ASSERT_OK(octavo_calibrator_create(f32, options, &calibrator));
    const octavo_tensor_view x = Input();
    ASSERT_OK(octavo_calibrator_collect(calibrator, &x, 1, nullptr));
    Statistics collected;
    ASSERT_OK(octavo_calibrator_finish(calibrator, &collected));
    Model quantized;
    ASSERT_OK(octavo_model_quantize(f32, collected, nullptr, &quantized));
    const char* recipe = nullptr;
    ASSERT_OK(octavo_model_metadata_get(quantized, "octavo.recipe", &recipe));
    EXPECT_NE(nullptr, std::strstr(recipe, observer)) << recipe;
  }
}

TEST_F(QuantizeTest, EverySchemeRuns) {
  Quantize();
  for (int32_t scheme : {OCTAVO_STATIC_INT8, OCTAVO_DYNAMIC_INT8, OCTAVO_WEIGHT_ONLY}) {
    Recipe recipe;
    ASSERT_OK(octavo_recipe_create(context, scheme, &recipe));
    Model quantized;
    ASSERT_OK(octavo_model_quantize(f32, scheme == OCTAVO_STATIC_INT8 ? statistics.p : nullptr, recipe, &quantized));
    int32_t is_quantized = 0;
    ASSERT_OK(octavo_model_is_quantized(quantized, &is_quantized));
    EXPECT_EQ(1, is_quantized);
    Session session;
    ASSERT_OK(octavo_session_create(quantized, nullptr, &session));
    const octavo_tensor_view x = Input();
    octavo_tensor_view y = NoView();
    ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
    for (int i = 0; i < 6; ++i) EXPECT_NEAR(expected[i], static_cast<float*>(y.data)[i], 0.15) << scheme;
  }
}

TEST_F(QuantizeTest, RecipesFromJsonAndCallByCall) {
  Recipe built, parsed;
  ASSERT_OK(octavo_recipe_create(context, OCTAVO_STATIC_INT8, &built));
  ASSERT_OK(octavo_recipe_set_observer(built, "percentile", 99.5));
  ASSERT_OK(octavo_recipe_set_per_channel(built, 0));
  ASSERT_OK(octavo_recipe_keep_float(built, "Gemm", nullptr));
  ASSERT_OK(octavo_recipe_observe(built, nullptr, "node_*", "mse", 0));
  Buffer first, second;
  ASSERT_OK(octavo_recipe_json(built, &first));
  const std::string text = Text(first);
  ASSERT_OK(octavo_recipe_parse(context, text.data(), text.size(), &parsed));
  ASSERT_OK(octavo_recipe_json(parsed, &second));
  EXPECT_EQ(text, Text(second));
  EXPECT_TRUE(json::parse(text).is_object());

  Quantize();
  Model quantized;
  ASSERT_OK(octavo_model_quantize(f32, statistics, built, &quantized));
  Buffer described;
  ASSERT_OK(octavo_model_describe_json(quantized, &described));
  const json description = json::parse(Text(described));
  bool kept = false;
  for (const json& node : description["nodes"]) {
    kept = kept || (node["op"] == "Gemm" && node["reason"] == "keep_float");
  }
  EXPECT_TRUE(kept) << Text(described);

  Recipe blocks;
  ASSERT_OK(octavo_recipe_create(context, OCTAVO_WEIGHT_ONLY, &blocks));
  ASSERT_OK(octavo_recipe_set_weight_blocks(blocks, 4, 64));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "bits", octavo_recipe_set_weight_blocks(blocks, 5, 64));
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, octavo_recipe_set_weight_blocks(blocks, 8, -1));
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, octavo_recipe_set_weight_blocks(built, 4, 64));  // not of that scheme
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "nonsense", octavo_recipe_set_observer(built, "nonsense", 0));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "percentile", octavo_recipe_set_observer(built, "percentile", 101));
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, octavo_recipe_set_observer(built, "percentile", std::nan("")));
  const char unknown[] = R"({"octavo": 1, "shceme": "static"})";
  Recipe refused;
  EXPECT_FAILS(OCTAVO_INVALID_DATA, "shceme", octavo_recipe_parse(context, unknown, sizeof(unknown) - 1, &refused));
  Recipe nobody;
  ASSERT_OK(octavo_recipe_create(context, OCTAVO_STATIC_INT8, &nobody));
  ASSERT_OK(octavo_recipe_keep_float(nobody, "Conv", nullptr));
  Model none;
  EXPECT_FAILS(OCTAVO_INVALID_DATA, "Conv", octavo_model_quantize(f32, statistics, nobody, &none));
}

TEST_F(QuantizeTest, ProgressAndCancel) {
  Quantize();
  struct Told {
    std::vector<double> fractions;
    int32_t answer = 0;
    std::thread::id thread;
  } told;
  const octavo_progress_callback callback = [](double fraction, const char* what, void* user_data) -> int32_t {
    Told& t = *static_cast<Told*>(user_data);
    EXPECT_NE(nullptr, what);
    t.fractions.push_back(fraction);
    t.thread = std::this_thread::get_id();
    return t.answer;
  };
  QuantizeOptions options;
  ASSERT_OK(octavo_quantize_options_create(&options));
  ASSERT_OK(octavo_quantize_options_set_progress(options, callback, &told));
  Model done, stopped;
  ASSERT_OK(octavo_model_quantize_with(f32, statistics, nullptr, options, &done));
  ASSERT_FALSE(told.fractions.empty());
  EXPECT_TRUE(std::is_sorted(told.fractions.begin(), told.fractions.end()));
  EXPECT_GE(told.fractions.front(), 0);
  EXPECT_LE(told.fractions.back(), 1);
  EXPECT_EQ(std::this_thread::get_id(), told.thread);
  told.answer = 1;
  EXPECT_EQ(OCTAVO_CANCELLED, octavo_model_quantize_with(f32, statistics, nullptr, options, &stopped));
  EXPECT_EQ(nullptr, stopped.p);
  Cancel cancel;
  ASSERT_OK(octavo_cancel_create(&cancel));
  octavo_cancel_request(cancel);
  ASSERT_OK(octavo_quantize_options_set_progress(options, nullptr, nullptr));
  ASSERT_OK(octavo_quantize_options_set_cancel(options, cancel));
  EXPECT_EQ(OCTAVO_CANCELLED, octavo_model_quantize_with(f32, statistics, nullptr, options, &stopped));
}

TEST_F(QuantizeTest, WhatCannotBeDoneSaysWhy) {
  Quantize();
  Model model;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "statistics", octavo_model_quantize(f32, nullptr, nullptr, &model));
  EXPECT_FAILS(OCTAVO_INVALID_STATE, "quantized already", octavo_model_quantize(int8, statistics, nullptr, &model));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "another model", octavo_model_quantize(two_in, statistics, nullptr, &model));
  Calibrator calibrator;
  EXPECT_FAILS(OCTAVO_INVALID_STATE, "quantized already", octavo_calibrator_create(int8, nullptr, &calibrator));
  ASSERT_OK(octavo_calibrator_create(f32, nullptr, &calibrator));
  Statistics none;
  EXPECT_FAILS(OCTAVO_INVALID_STATE, "no calibration batch", octavo_calibrator_finish(calibrator, &none));
  const float bad[4] = {NAN, NAN, NAN, NAN};
  const int64_t row[2] = {1, 4};
  const octavo_tensor_view x = View(OCTAVO_FLOAT32, bad, sizeof(bad), row, 2);
  ASSERT_OK(octavo_calibrator_collect(calibrator, &x, 1, nullptr));
  EXPECT_FAILS(OCTAVO_INVALID_DATA, "'", octavo_calibrator_finish(calibrator, &none));
  Calibrator other;
  ASSERT_OK(octavo_calibrator_create(two_in, nullptr, &other));
  const int64_t shape[2] = {2, 3};
  const octavo_tensor_view inputs[2] = {View(OCTAVO_FLOAT32, values, 24, shape, 2),
                                        View(OCTAVO_FLOAT32, values, 24, shape, 2)};
  ASSERT_OK(octavo_calibrator_collect(other, inputs, 2, nullptr));
  Statistics foreign;
  ASSERT_OK(octavo_calibrator_finish(other, &foreign));
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, octavo_statistics_merge(statistics, foreign));
}

TEST_F(QuantizeTest, Report) {
  Quantize();
  capi::Report report;
  ReportOptions options;
  ASSERT_OK(octavo_report_options_create(&options));
  ASSERT_OK(octavo_report_options_set_threads(options, 1));
  ASSERT_OK(octavo_report_options_set_cpu_target(options, octavo_cpu_target()));
  ASSERT_OK(octavo_report_create(f32, int8, options, &report));
  const octavo_tensor_view x = Input();
  ASSERT_OK(octavo_report_collect(report, &x, 1, nullptr));
  ASSERT_OK(octavo_report_collect(report, &x, 1, nullptr));
  Buffer text, page;
  ASSERT_OK(octavo_report_json(report, &text));
  const json figures = json::parse(Text(text));
  EXPECT_EQ(2, figures["batches"]);
  ASSERT_GE(figures["layers"].size(), 1u);
  ASSERT_EQ(1u, figures["outputs"].size());
  EXPECT_GT(figures["outputs"][0]["sqnr_db"], 20);
  EXPECT_GE(figures["outputs"][0]["top1_agreement"], 0.5);
  EXPECT_LT(figures["quantized"]["bytes"].get<int>(), 10000);
  ASSERT_OK(octavo_report_html(report, &page));
  EXPECT_EQ(0u, Text(page).find("<!DOCTYPE html>"));
  EXPECT_NE(std::string::npos, Text(page).find("<svg"));
  EXPECT_EQ(std::string::npos, Text(page).find("http"));  // self-contained
  capi::Report refused;
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, octavo_report_create(int8, f32, nullptr, &refused));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "different inputs", octavo_report_create(two_in, int8, nullptr, &refused));
}

// ------------------------------------------------------------------------------------------------ context

TEST(ContextTest, LimitsAreKept) {
  ContextOptions options;
  ASSERT_OK(octavo_context_options_create(&options));
  ASSERT_OK(octavo_context_options_set_memory_limit(options, 1 << 20));
  ASSERT_OK(octavo_context_options_set_node_limit(options, 1));
  Context small;
  ASSERT_OK(octavo_context_create(options, &small));
  const std::string bytes = tiny::Dense();
  Model model;
  EXPECT_FAILS(OCTAVO_LIMIT, "node", octavo_model_load_memory(small, bytes.data(), bytes.size(), nullptr, &model));
  EXPECT_EQ(nullptr, model.p);

  ASSERT_OK(octavo_context_options_set_node_limit(options, 100));
  Context context;
  ASSERT_OK(octavo_context_create(options, &context));
  ASSERT_OK(octavo_model_load_memory(context, bytes.data(), bytes.size(), nullptr, &model));
  Session session;
  ASSERT_OK(octavo_session_create(model, nullptr, &session));
  std::vector<float> values(4 << 20);
  const int64_t dims[2] = {1 << 20, 4};
  const octavo_tensor_view x = View(OCTAVO_FLOAT32, values.data(), values.size() * 4, dims, 2);
  octavo_tensor_view y = NoView();
  EXPECT_FAILS(OCTAVO_LIMIT, "memory", octavo_session_run(session, &x, 1, &y, 1, nullptr));
  const int64_t few[2] = {4, 4};
  const octavo_tensor_view z = View(OCTAVO_FLOAT32, values.data(), 64, few, 2);
  EXPECT_OK(octavo_session_run(session, &z, 1, &y, 1, nullptr));
  int64_t live = 0, peak = 0;
  ASSERT_OK(octavo_context_memory(context, &live, &peak));
  EXPECT_GT(live, 0);
  EXPECT_GE(peak, live);
  EXPECT_LE(peak, 1 << 20);
}

TEST(ContextTest, EverythingComesBackToTheAllocator) {
  struct Counts {
    std::atomic<int64_t> live{0}, calls{0};
  } counts;
  ContextOptions options;
  ASSERT_OK(octavo_context_options_create(&options));
  ASSERT_OK(octavo_context_options_set_allocator(
      options,
      [](size_t bytes, size_t alignment, void* user_data) -> void* {
        Counts& c = *static_cast<Counts*>(user_data);
        ++c.calls;
        ++c.live;
        return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
      },
      [](void* pointer, void* user_data) {
        --static_cast<Counts*>(user_data)->live;
        std::free(pointer);
      },
      &counts));
  {
    Context context;
    ASSERT_OK(octavo_context_create(options, &context));
    const std::string bytes = tiny::Dense();
    Model model;
    ASSERT_OK(octavo_model_load_memory(context, bytes.data(), bytes.size(), nullptr, &model));
    Session session;
    ASSERT_OK(octavo_session_create(model, nullptr, &session));
    context.Reset();
    const float values[4] = {1, 2, 3, 4};
    const int64_t dims[2] = {1, 4};
    const octavo_tensor_view x = View(OCTAVO_FLOAT32, values, sizeof(values), dims, 2);
    octavo_tensor_view y = NoView();
    ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
    EXPECT_GT(counts.live, 0);
  }
  EXPECT_GT(counts.calls, 0);
  EXPECT_EQ(0, counts.live);
}

// Fails the k-th allocation, for every k: always a status, never a leak.
TEST(ContextTest, EveryAllocationMayFail) {
  struct Failing {
    int64_t left = 0, live = 0;
  } failing;
  ContextOptions options;
  ASSERT_OK(octavo_context_options_create(&options));
  ASSERT_OK(octavo_context_options_set_threads(options, 1));
  ASSERT_OK(octavo_context_options_set_allocator(
      options,
      [](size_t bytes, size_t alignment, void* user_data) -> void* {
        Failing& f = *static_cast<Failing*>(user_data);
        if (f.left-- <= 0) return nullptr;
        ++f.live;
        return std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
      },
      [](void* pointer, void* user_data) {
        --static_cast<Failing*>(user_data)->live;
        std::free(pointer);
      },
      &failing));
  const std::string bytes = tiny::Dense();
  const float values[4] = {1, 2, 3, 4};
  const int64_t dims[2] = {1, 4};
  const octavo_tensor_view x = View(OCTAVO_FLOAT32, values, sizeof(values), dims, 2);
  const auto journey = [&]() -> octavo_status {
    Context context;
    Model model, quantized;
    Calibrator calibrator;
    Statistics statistics;
    Session session;
    octavo_tensor_view y = NoView();
    octavo_status status = octavo_context_create(options, &context);
    if (!status) status = octavo_model_load_memory(context, bytes.data(), bytes.size(), nullptr, &model);
    if (!status) status = octavo_calibrator_create(model, nullptr, &calibrator);
    if (!status) status = octavo_calibrator_collect(calibrator, &x, 1, nullptr);
    if (!status) status = octavo_calibrator_finish(calibrator, &statistics);
    if (!status) status = octavo_model_quantize(model, statistics, nullptr, &quantized);
    if (!status) status = octavo_session_create(quantized, nullptr, &session);
    if (!status) status = octavo_session_run(session, &x, 1, &y, 1, nullptr);
    return status;
  };
  int64_t k = 0;
  for (octavo_status status = OCTAVO_OUT_OF_MEMORY; status != OCTAVO_OK; ++k) {
    ASSERT_LT(k, 2000);
    failing.left = k;
    status = journey();
    EXPECT_EQ(0, failing.live) << "after allocation " << k;
    EXPECT_TRUE(status == OCTAVO_OK || status == OCTAVO_OUT_OF_MEMORY) << k << ": " << octavo_last_error();
  }
  EXPECT_GT(k, 5);
}

TEST(ContextTest, BorrowsTheHostsThreads) {
  struct Host {
    std::atomic<int> calls{0};
  } host;
  ContextOptions options;
  ASSERT_OK(octavo_context_options_create(&options));
  ASSERT_OK(octavo_context_options_set_threads(options, 4));
  ASSERT_OK(octavo_context_options_set_parallel(
      options,
      [](octavo_parallel_body body, void* body_data, size_t count, void* user_data) {
        ++static_cast<Host*>(user_data)->calls;
        for (size_t i = count; i-- > 0;) body(body_data, i);
      },
      &host));
  Context context;
  ASSERT_OK(octavo_context_create(options, &context));
  Model model;
  ASSERT_OK(octavo_model_load(context, OCTAVO_SOURCE_DIR "/examples/demo/digits.onnx", nullptr, &model));
  Session session;
  ASSERT_OK(octavo_session_create(model, nullptr, &session));
  std::vector<float> values(16 * 256, 0.5f);
  const int64_t dims[4] = {16, 1, 16, 16};
  const octavo_tensor_view x = View(OCTAVO_FLOAT32, values.data(), values.size() * 4, dims, 4);
  octavo_tensor_view y = NoView();
  ASSERT_OK(octavo_session_run(session, &x, 1, &y, 1, nullptr));
  EXPECT_GT(host.calls, 0);
}

TEST(ContextTest, TellsWhatItDoes) {
  std::vector<std::string> lines;
  ContextOptions options;
  ASSERT_OK(octavo_context_options_create(&options));
  ASSERT_OK(octavo_context_options_set_log(
      options, OCTAVO_LOG_INFO,
      [](int32_t level, const char* message, void* user_data) {
        EXPECT_LE(level, OCTAVO_LOG_INFO);
        static_cast<std::vector<std::string>*>(user_data)->push_back(message);
      },
      &lines));
  Context context;
  ASSERT_OK(octavo_context_create(options, &context));
  const std::string bytes = tiny::Dense();
  Model model;
  ASSERT_OK(octavo_model_load_memory(context, bytes.data(), bytes.size(), nullptr, &model));
  ASSERT_EQ(1u, lines.size());
  EXPECT_EQ(0u, lines[0].find("loaded"));
}

// ------------------------------------------------------------------------------------------------ single tensors

using TensorTest = Fixture;

TEST_F(TensorTest, QuantizeAndBack) {
  const float x[6] = {-1, 0, 0.5f, 1, 2, NAN};
  const int64_t six[1] = {6};
  float scale = 0, back[6];
  uint8_t zero = 0, q[6];
  octavo_tensor_view vx = View(OCTAVO_FLOAT32, x, sizeof(x), six, 1),
                     vs = View(OCTAVO_FLOAT32, &scale, sizeof(scale), nullptr, 0),
                     vz = View(OCTAVO_UINT8, &zero, 1, nullptr, 0), vq = View(OCTAVO_UINT8, q, sizeof(q), six, 1),
                     vb = View(OCTAVO_FLOAT32, back, sizeof(back), six, 1);
  ASSERT_OK(octavo_tensor_choose_scale(context, &vx, 0, 0, &vs, &vz));
  EXPECT_FLOAT_EQ(3.0f / 255, scale);
  EXPECT_EQ(85, zero);
  ASSERT_OK(octavo_tensor_quantize(context, &vx, &vs, &vz, 0, &vq));
  EXPECT_EQ(0, q[0]);
  EXPECT_EQ(85, q[1]);
  EXPECT_EQ(255, q[4]);
  EXPECT_EQ(zero, q[5]);  // NaN
  ASSERT_OK(octavo_tensor_dequantize(context, &vq, &vs, &vz, 0, &vb));
  for (int i = 0; i < 5; ++i) EXPECT_NEAR(x[i], back[i], scale / 2 + 1e-6);
  float fake[6];
  octavo_tensor_view vf = View(OCTAVO_FLOAT32, fake, sizeof(fake), six, 1);
  ASSERT_OK(octavo_tensor_fake_quantize(context, &vx, &vs, &vz, OCTAVO_UINT8, 0, &vf));
  EXPECT_EQ(0, std::memcmp(fake, back, sizeof(fake)));
}

TEST_F(TensorTest, ScalesAlongAnAxis) {
  const float x[6] = {1, -10, 100, -2, 20, -200};  // columns of 2, 20, 200
  const int64_t shape[2] = {2, 3}, three[1] = {3};
  float scale[3];
  int8_t zero[3], q[6];
  octavo_tensor_view vx = View(OCTAVO_FLOAT32, x, sizeof(x), shape, 2),
                     vs = View(OCTAVO_FLOAT32, scale, sizeof(scale), three, 1),
                     vz = View(OCTAVO_INT8, zero, sizeof(zero), three, 1),
                     vq = View(OCTAVO_INT8, q, sizeof(q), shape, 2);
  ASSERT_OK(octavo_tensor_choose_scale(context, &vx, -1, 1, &vs, &vz));
  for (int c = 0; c < 3; ++c) {
    EXPECT_EQ(0, zero[c]);
    EXPECT_FLOAT_EQ(std::fabs(x[3 + c]) / 127, scale[c]);
  }
  ASSERT_OK(octavo_tensor_quantize(context, &vx, &vs, &vz, -1, &vq));
  EXPECT_EQ(64, q[0]);  // 63.5 to even
  EXPECT_EQ(-127, q[3]);
  EXPECT_EQ(127, q[4]);
  ASSERT_OK(octavo_tensor_quantize(context, &vx, &vs, nullptr, 1, &vq));  // zero points of 0
  EXPECT_EQ(127, q[4]);
  const int64_t two[1] = {2};
  vs = View(OCTAVO_FLOAT32, scale, 8, two, 1);
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, octavo_tensor_quantize(context, &vx, &vs, nullptr, 1, &vq));
}

TEST_F(TensorTest, MatMul) {
  const uint8_t a[6] = {130, 128, 126, 0, 255, 128};  // zero point 128
  const int8_t b[6] = {1, -1, 2, 127, -127, 3};       // zero point 0
  const int64_t da[2] = {2, 3}, db[2] = {3, 2}, dy[2] = {2, 2}, two[1] = {2};
  const float a_scale = 0.5f, b_scale[2] = {0.25f, 2}, y_scale = 4;
  const uint8_t a_zero = 128;
  const int8_t y_zero = -3;
  int32_t sums[4];
  float real[4];
  int8_t q[4];
  const octavo_tensor_view va = View(OCTAVO_UINT8, a, sizeof(a), da, 2), vb = View(OCTAVO_INT8, b, sizeof(b), db, 2),
                           sa = View(OCTAVO_FLOAT32, &a_scale, 4, nullptr, 0),
                           sb = View(OCTAVO_FLOAT32, b_scale, 8, two, 1),
                           za = View(OCTAVO_UINT8, &a_zero, 1, nullptr, 0),
                           sy = View(OCTAVO_FLOAT32, &y_scale, 4, nullptr, 0),
                           zy = View(OCTAVO_INT8, &y_zero, 1, nullptr, 0);
  octavo_tensor_view y = View(OCTAVO_INT32, sums, sizeof(sums), dy, 2);
  ASSERT_OK(octavo_tensor_matmul(context, &va, nullptr, &za, &vb, nullptr, nullptr, nullptr, nullptr, &y));
  int32_t by_hand[4] = {};
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      for (int k = 0; k < 3; ++k) by_hand[i * 2 + j] += (a[i * 3 + k] - 128) * b[k * 2 + j];
    }
  }
  EXPECT_EQ(0, std::memcmp(by_hand, sums, sizeof(sums)));
  y = View(OCTAVO_FLOAT32, real, sizeof(real), dy, 2);
  ASSERT_OK(octavo_tensor_matmul(context, &va, &sa, &za, &vb, &sb, nullptr, nullptr, nullptr, &y));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(static_cast<float>(by_hand[i]) * (a_scale * b_scale[i % 2]), real[i]);
  y = View(OCTAVO_INT8, q, sizeof(q), dy, 2);
  ASSERT_OK(octavo_tensor_matmul(context, &va, &sa, &za, &vb, &sb, nullptr, &sy, &zy, &y));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(std::clamp(std::nearbyint(real[i] / y_scale) - 3, -128.0f, 127.0f), q[i]) << i;
  }
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "y_scale",
               octavo_tensor_matmul(context, &va, &sa, &za, &vb, &sb, nullptr, nullptr, nullptr, &y));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "",
               octavo_tensor_matmul(context, &va, &sa, &za, &va, &sb, nullptr, &sy, &zy, &y));
}

TEST_F(TensorTest, WrongOperandsAreNamed) {
  const float x[2] = {1, 2}, scale = 1, negative = -1;
  uint8_t q[2];
  const int64_t two[1] = {2}, one[1] = {1};
  const octavo_tensor_view vx = View(OCTAVO_FLOAT32, x, sizeof(x), two, 1),
                           vs = View(OCTAVO_FLOAT32, &scale, 4, nullptr, 0),
                           vn = View(OCTAVO_FLOAT32, &negative, 4, nullptr, 0);
  octavo_tensor_view vq = View(OCTAVO_UINT8, q, sizeof(q), two, 1), small = View(OCTAVO_UINT8, q, 1, one, 1),
                     floats = View(OCTAVO_FLOAT32, q, 2, two, 1);
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "x is NULL", octavo_tensor_quantize(context, nullptr, &vs, nullptr, 0, &vq));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "scale is NULL",
               octavo_tensor_quantize(context, &vx, nullptr, nullptr, 0, &vq));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "y is NULL", octavo_tensor_quantize(context, &vx, &vs, nullptr, 0, nullptr));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "positive", octavo_tensor_quantize(context, &vx, &vn, nullptr, 0, &vq));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "[1]", octavo_tensor_quantize(context, &vx, &vs, nullptr, 0, &small));
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, octavo_tensor_quantize(context, &vx, &vs, nullptr, 0, &floats));
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "zero_point", octavo_tensor_quantize(context, &vx, &vs, &vs, 0, &vq));
  vq.data = nullptr;
  EXPECT_FAILS(OCTAVO_INVALID_ARGUMENT, "y: data is NULL", octavo_tensor_quantize(context, &vx, &vs, nullptr, 0, &vq));
  EXPECT_EQ(OCTAVO_INVALID_ARGUMENT, octavo_tensor_fake_quantize(context, &vx, &vs, nullptr, 77, 0, &floats));
}

}  // namespace
}  // namespace capi
