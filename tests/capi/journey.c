/* The whole journey in C99, as a program linked to the shared library: load, calibrate, quantize, save, load, run. */
#include <octavo/octavo.h>
#include <octavo/octavo_dlpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 200
#define PIXELS 256

static void check(octavo_status status, int line) {
  if (status == OCTAVO_OK) return;
  fprintf(stderr, "line %d: %s: %s\n", line, octavo_status_name(status), octavo_last_error());
  exit(1);
}
#define CHECK(call) check(call, __LINE__)
#define REQUIRE(condition)                                    \
  do {                                                        \
    if (!(condition)) {                                       \
      fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
      exit(1);                                                \
    }                                                         \
  } while (0)

int main(void) {
  static float images[SAMPLES * PIXELS];
  static int labels[SAMPLES];
  const int64_t batch[4] = {50, 1, 16, 16};
  octavo_context *context = NULL;
  octavo_model *f32 = NULL, *int8 = NULL, *loaded = NULL;
  octavo_calibrator *calibrator = NULL;
  octavo_statistics *statistics = NULL;
  octavo_buffer *bytes = NULL, *again = NULL;
  octavo_session *session = NULL;
  unsigned char record[1 + PIXELS];
  size_t count = 0;
  int i, right = 0;
  FILE *file = fopen(OCTAVO_SOURCE_DIR "/examples/demo/digits.bin", "rb");
  REQUIRE(file != NULL);
  for (i = 0; i < SAMPLES; ++i) {
    int p;
    REQUIRE(fread(record, sizeof(record), 1, file) == 1);
    labels[i] = record[0];
    for (p = 0; p < PIXELS; ++p) images[i * PIXELS + p] = record[1 + p];
  }
  fclose(file);

  REQUIRE(octavo_abi_version() == OCTAVO_ABI_VERSION);
  CHECK(octavo_context_create(NULL, &context));
  CHECK(octavo_model_load(context, OCTAVO_SOURCE_DIR "/examples/demo/digits.onnx", NULL, &f32));
  CHECK(octavo_model_input_count(f32, &count));
  REQUIRE(count == 1);
  CHECK(octavo_calibrator_create(f32, NULL, &calibrator));
  for (i = 0; i < 100; i += 50) {
    octavo_tensor_view x =
        OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, images + i * PIXELS, 50 * PIXELS * sizeof(float), batch, 4);
    CHECK(octavo_calibrator_collect(calibrator, &x, 1, NULL));
  }
  CHECK(octavo_calibrator_finish(calibrator, &statistics));
  CHECK(octavo_model_quantize(f32, statistics, NULL, &int8));
  CHECK(octavo_model_save_memory(int8, NULL, &bytes));
  CHECK(octavo_model_load_memory(context, octavo_buffer_data(bytes), octavo_buffer_size(bytes), NULL, &loaded));
  CHECK(octavo_model_save_memory(loaded, NULL, &again));
  REQUIRE(octavo_buffer_size(bytes) == octavo_buffer_size(again));
  REQUIRE(memcmp(octavo_buffer_data(bytes), octavo_buffer_data(again), octavo_buffer_size(bytes)) == 0);

  CHECK(octavo_session_create(loaded, NULL, &session));
  for (i = 100; i < SAMPLES; i += 50) {
    octavo_tensor_view x =
        OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, images + i * PIXELS, 50 * PIXELS * sizeof(float), batch, 4);
    octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT;
    const float *scores;
    int row;
    CHECK(octavo_session_run(session, &x, 1, &y, 1, NULL));
    REQUIRE(y.rank == 2 && y.dims[0] == 50 && y.dims[1] == 10);
    scores = (const float *)y.data;
    for (row = 0; row < 50; ++row) {
      int best = 0, c;
      for (c = 1; c < 10; ++c) {
        if (scores[row * 10 + c] > scores[row * 10 + best]) best = c;
      }
      right += best == labels[i + row];
    }
    { /* DLPack and back */
      DLTensor tensor;
      octavo_tensor_view view;
      REQUIRE(octavo_view_to_dlpack(&y, &tensor) == 0);
      REQUIRE(octavo_view_from_dlpack(&tensor, &view) == 0);
      REQUIRE(view.data == y.data && view.bytes == y.bytes && view.dtype == y.dtype && view.rank == 2);
    }
  }
  REQUIRE(right >= 95);

  /* In any order. */
  octavo_context_destroy(context);
  octavo_model_destroy(int8);
  octavo_buffer_destroy(bytes);
  octavo_session_destroy(session);
  octavo_model_destroy(f32);
  octavo_calibrator_destroy(calibrator);
  octavo_buffer_destroy(again);
  octavo_statistics_destroy(statistics);
  octavo_model_destroy(loaded);
  printf("%d of 100 right in INT8\n", right);
  return 0;
}
