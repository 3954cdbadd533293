// Owners and checks that the tests of the C interface share.
#ifndef OCTAVO_TESTS_CAPI_SUPPORT_H_
#define OCTAVO_TESTS_CAPI_SUPPORT_H_

#include <gtest/gtest.h>
#include <octavo/octavo.h>

#include <filesystem>
#include <string>

#include "tests/capi/tiny_model.h"

#define EXPECT_OK(call) EXPECT_EQ(OCTAVO_OK, (call)) << octavo_last_error()
#define ASSERT_OK(call) ASSERT_EQ(OCTAVO_OK, (call)) << octavo_last_error()

// The call fails with this status, and its text has this in it.
#define EXPECT_FAILS(status, text, call)                                                              \
  do {                                                                                                \
    EXPECT_EQ(status, (call));                                                                        \
    EXPECT_NE(std::string(octavo_last_error()).find(text), std::string::npos) << octavo_last_error(); \
  } while (false)

namespace capi {

inline std::string TempPath(const char* name) {
  return (std::filesystem::path(::testing::TempDir()) / (std::string("octavo_capi_") + name)).string();
}

template <typename T, void (*Destroy)(T*)>
class Owner {
 public:
  Owner() = default;
  Owner(const Owner&) = delete;
  ~Owner() { Destroy(p); }
  operator T*() const { return p; }  // NOLINT
  T** operator&() { return &p; }     // NOLINT
  void Reset() {
    Destroy(p);
    p = nullptr;
  }
  T* p = nullptr;
};

using Context = Owner<octavo_context, octavo_context_destroy>;
using ContextOptions = Owner<octavo_context_options, octavo_context_options_destroy>;
using Model = Owner<octavo_model, octavo_model_destroy>;
using LoadOptions = Owner<octavo_load_options, octavo_load_options_destroy>;
using SaveOptions = Owner<octavo_save_options, octavo_save_options_destroy>;
using Calibrator = Owner<octavo_calibrator, octavo_calibrator_destroy>;
using CalibratorOptions = Owner<octavo_calibrator_options, octavo_calibrator_options_destroy>;
using Statistics = Owner<octavo_statistics, octavo_statistics_destroy>;
using Recipe = Owner<octavo_recipe, octavo_recipe_destroy>;
using QuantizeOptions = Owner<octavo_quantize_options, octavo_quantize_options_destroy>;
using ConvertOptions = Owner<octavo_convert_options, octavo_convert_options_destroy>;
using Session = Owner<octavo_session, octavo_session_destroy>;
using SessionOptions = Owner<octavo_session_options, octavo_session_options_destroy>;
using Report = Owner<octavo_report, octavo_report_destroy>;
using ReportOptions = Owner<octavo_report_options, octavo_report_options_destroy>;
using Buffer = Owner<octavo_buffer, octavo_buffer_destroy>;
using Cancel = Owner<octavo_cancel, octavo_cancel_destroy>;

inline std::string Text(const octavo_buffer* buffer) {
  return std::string(static_cast<const char*>(octavo_buffer_data(buffer)), octavo_buffer_size(buffer));
}

inline octavo_tensor_view View(int32_t dtype, const void* data, size_t bytes, const int64_t* dims, int32_t rank) {
  octavo_tensor_view view = OCTAVO_TENSOR_VIEW_INIT;
  view.dtype = dtype;
  view.data = const_cast<void*>(data);
  view.bytes = bytes;
  view.dims = dims;
  view.rank = rank;
  return view;
}

inline octavo_tensor_view NoView() {
  octavo_tensor_view view = OCTAVO_TENSOR_VIEW_INIT;
  return view;
}

// A context and the small models, ready.
class Fixture : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK(octavo_context_create(nullptr, &context));
    const std::string dense = tiny::Dense(), two = tiny::TwoInTwoOut();
    ASSERT_OK(octavo_model_load_memory(context, dense.data(), dense.size(), nullptr, &f32));
    ASSERT_OK(octavo_model_load_memory(context, two.data(), two.size(), nullptr, &two_in));
  }

  // The dense model's statistics over one batch, and its INT8 form.
  void Quantize() {
    Calibrator calibrator;
    ASSERT_OK(octavo_calibrator_create(f32, nullptr, &calibrator));
    const octavo_tensor_view x = Input();
    ASSERT_OK(octavo_calibrator_collect(calibrator, &x, 1, nullptr));
    ASSERT_OK(octavo_calibrator_finish(calibrator, &statistics));
    ASSERT_OK(octavo_model_quantize(f32, statistics, nullptr, &int8));
  }

  octavo_tensor_view Input() const { return View(OCTAVO_FLOAT32, values, sizeof(values), dims, 2); }

  const float values[8] = {1, 2, -3, 0.5f, -1, 0, 0.25f, 4};
  const int64_t dims[2] = {2, 4};
  // relu(x * w + b), by hand.
  const float expected[6] = {9.0625f, 0, 0, 0.0f, 1.25f, 1.1875f};
  Context context;
  Model f32, int8, two_in;
  Statistics statistics;
};

}  // namespace capi

#endif  // OCTAVO_TESTS_CAPI_SUPPORT_H_
