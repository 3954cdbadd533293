/* A program of release 0.1: compiled with the header of then, run with the library of now. It goes through everything
 * that the header fixes in the binary: status values, element types, the tensor view, every kind of callback. */
#include <octavo/octavo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(condition)                                                              \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #condition, octavo_last_error()); \
      exit(1);                                                                          \
    }                                                                                   \
  } while (0)

enum { PIXELS = 256, BATCH = 20, CLASSES = 10 };

/* What a callback counts. Plain numbers: everything runs on one thread here. */
typedef struct {
  int allocated, released, logged, parallel, progress;
} calls;

static void *allocate(size_t bytes, size_t alignment, void *user_data) {
  char *base = malloc(bytes + alignment + sizeof(void *)), *aligned;
  ((calls *)user_data)->allocated++;
  if (!base) return NULL;
  aligned = base + sizeof(void *);
  aligned += alignment - (size_t)aligned % alignment;
  memcpy(aligned - sizeof(void *), &base, sizeof(void *));
  return aligned;
}

static void release(void *pointer, void *user_data) {
  void *base;
  ((calls *)user_data)->released++;
  memcpy(&base, (char *)pointer - sizeof(void *), sizeof(void *));
  free(base);
}

static void parallel(octavo_parallel_body body, void *body_data, size_t count, void *user_data) {
  size_t i;
  ((calls *)user_data)->parallel++;
  for (i = 0; i < count; ++i) body(body_data, i);
}

static void logged(int32_t level, const char *message, void *user_data) {
  ((calls *)user_data)->logged += level >= OCTAVO_LOG_WARNING && message != NULL;
}

static int32_t progress(double fraction, const char *what, void *user_data) {
  ((calls *)user_data)->progress++;
  return fraction >= 0 && fraction <= 1 && what ? 0 : 1;
}

static int32_t stop(double fraction, const char *what, void *user_data) {
  (void)fraction, (void)what, (void)user_data;
  return 1;
}

int main(void) {
  static float images[BATCH * PIXELS], scores[BATCH * CLASSES];
  static const int64_t dims[4] = {BATCH, 1, 16, 16};
  unsigned char record[1 + PIXELS];
  int labels[BATCH], right = 0, i, p;
  calls seen = {0, 0, 0, 0, 0};
  octavo_tensor_view x = OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, images, sizeof(images), dims, 4);
  octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT;
  octavo_context_options *options = NULL;
  octavo_context *context = NULL;
  octavo_model *f32 = NULL, *int8 = NULL, *none = NULL;
  octavo_calibrator *calibrator = NULL;
  octavo_statistics *statistics = NULL;
  octavo_recipe *recipe = NULL;
  octavo_quantize_options *quantize = NULL;
  octavo_session *session = NULL;
  octavo_cancel *cancel = NULL;
  int64_t shape[OCTAVO_MAX_RANK];
  int32_t number = 0;
  FILE *file = fopen(OCTAVO_SOURCE_DIR "/examples/demo/digits.bin", "rb");
  REQUIRE(file != NULL);
  for (i = 0; i < BATCH; ++i) {
    REQUIRE(fread(record, sizeof(record), 1, file) == 1);
    labels[i] = record[0];
    for (p = 0; p < PIXELS; ++p) images[i * PIXELS + p] = record[1 + p];
  }
  fclose(file);

  if (octavo_abi_version() != OCTAVO_ABI_VERSION) return 77; /* another ABI has another file name */
  REQUIRE(strcmp(octavo_status_name(OCTAVO_INVALID_MODEL), "OCTAVO_INVALID_MODEL") == 0);
  REQUIRE(strcmp(octavo_status_name(OCTAVO_CANCELLED), "OCTAVO_CANCELLED") == 0);
  REQUIRE(strcmp(octavo_dtype_name(OCTAVO_BFLOAT16), "bfloat16") == 0 && octavo_dtype_bits(OCTAVO_INT4) == 4);

  REQUIRE(octavo_context_options_create(&options) == OCTAVO_OK);
  REQUIRE(octavo_context_options_set_allocator(options, allocate, release, &seen) == OCTAVO_OK);
  REQUIRE(octavo_context_options_set_parallel(options, parallel, &seen) == OCTAVO_OK);
  REQUIRE(octavo_context_options_set_threads(options, 2) == OCTAVO_OK);
  REQUIRE(octavo_context_options_set_log(options, OCTAVO_LOG_DEBUG, logged, &seen) == OCTAVO_OK);
  REQUIRE(octavo_context_create(options, &context) == OCTAVO_OK);
  REQUIRE(octavo_model_load(context, "/nowhere.onnx", NULL, &none) == OCTAVO_IO);
  REQUIRE(octavo_model_load_memory(context, "\xff\xff", 2, NULL, &none) == OCTAVO_INVALID_MODEL);
  REQUIRE(octavo_model_load(context, OCTAVO_SOURCE_DIR "/examples/demo/digits.onnx", NULL, &f32) == OCTAVO_OK);
  REQUIRE(octavo_model_input_dtype(f32, 0, &number) == OCTAVO_OK && number == OCTAVO_FLOAT32);
  REQUIRE(octavo_model_input_shape(f32, 0, shape, OCTAVO_MAX_RANK, &number) == OCTAVO_OK && number == 4);
  REQUIRE(shape[0] == -1 && shape[3] == 16);

  REQUIRE(octavo_calibrator_create(f32, NULL, &calibrator) == OCTAVO_OK);
  REQUIRE(octavo_calibrator_collect(calibrator, &x, 1, NULL) == OCTAVO_OK);
  REQUIRE(octavo_calibrator_finish(calibrator, &statistics) == OCTAVO_OK);
  REQUIRE(octavo_recipe_create(context, OCTAVO_STATIC_INT8, &recipe) == OCTAVO_OK);
  REQUIRE(octavo_recipe_set_observer(recipe, "percentile", 99.9) == OCTAVO_OK);
  REQUIRE(octavo_quantize_options_create(&quantize) == OCTAVO_OK);
  REQUIRE(octavo_quantize_options_set_progress(quantize, stop, NULL) == OCTAVO_OK);
  REQUIRE(octavo_model_quantize_with(f32, statistics, recipe, quantize, &none) == OCTAVO_CANCELLED && none == NULL);
  REQUIRE(octavo_quantize_options_set_progress(quantize, progress, &seen) == OCTAVO_OK);
  REQUIRE(octavo_model_quantize_with(f32, statistics, recipe, quantize, &int8) == OCTAVO_OK);

  REQUIRE(octavo_session_create(int8, NULL, &session) == OCTAVO_OK);
  REQUIRE(octavo_cancel_create(&cancel) == OCTAVO_OK);
  octavo_cancel_request(cancel);
  REQUIRE(octavo_session_run(session, &x, 1, &y, 1, cancel) == OCTAVO_CANCELLED && y.data == NULL);
  octavo_cancel_reset(cancel);
  REQUIRE(octavo_session_run(session, &x, 1, &y, 1, cancel) == OCTAVO_OK);
  REQUIRE(y.dtype == OCTAVO_FLOAT32 && y.rank == 2 && y.dims[0] == BATCH && y.dims[1] == CLASSES);
  REQUIRE(y.bytes == sizeof(scores));
  memcpy(scores, y.data, sizeof(scores));
  for (i = 0; i < BATCH; ++i) {
    int best = 0;
    for (p = 1; p < CLASSES; ++p) best = scores[i * CLASSES + p] > scores[i * CLASSES + best] ? p : best;
    right += best == labels[i];
  }
  REQUIRE(right >= BATCH - 1);
  { /* the last image first: negative strides, and memory of the caller's for the result */
    static float backwards[BATCH * CLASSES];
    const int64_t strides[4] = {-PIXELS, PIXELS, 16, 1};
    octavo_tensor_view turned =
        OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, images + (BATCH - 1) * PIXELS, sizeof(images), dims, 4);
    octavo_tensor_view mine = OCTAVO_TENSOR_VIEW_INIT;
    turned.strides = strides;
    mine.data = backwards;
    mine.bytes = sizeof(backwards);
    REQUIRE(octavo_session_run(session, &turned, 1, &mine, 1, NULL) == OCTAVO_OK);
    for (i = 0; i < BATCH; ++i) {
      REQUIRE(memcmp(backwards + i * CLASSES, scores + (BATCH - 1 - i) * CLASSES, CLASSES * sizeof(float)) == 0);
    }
  }

  octavo_cancel_destroy(cancel);
  octavo_session_destroy(session);
  octavo_quantize_options_destroy(quantize);
  octavo_recipe_destroy(recipe);
  octavo_statistics_destroy(statistics);
  octavo_calibrator_destroy(calibrator);
  octavo_model_destroy(int8);
  octavo_model_destroy(f32);
  octavo_context_destroy(context);
  octavo_context_options_destroy(options);
  REQUIRE(seen.allocated > 0 && seen.allocated == seen.released);
  REQUIRE(seen.logged > 0 && seen.parallel > 0 && seen.progress > 0);
  return 0;
}
