/* overhead MODEL: microseconds of one run of MODEL as INT8 with one thread, from C: the least mean of ROUNDS rounds. */
#define _POSIX_C_SOURCE 199309L
#include <octavo/octavo.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 20, RUNS = 2000, LARGEST = 1 << 16 };

static void check(octavo_status status) {
  if (status == OCTAVO_OK) return;
  fprintf(stderr, "%s\n", octavo_last_error());
  exit(1);
}

static double microseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  static float input[LARGEST], result[LARGEST];
  int64_t dims[OCTAVO_MAX_RANK], elements = 1;
  int32_t rank;
  octavo_context *context;
  octavo_model *f32, *int8;
  octavo_calibrator *calibrator;
  octavo_statistics *statistics;
  octavo_session_options *options;
  octavo_session *session;
  if (argc != 2) return 2;

  check(octavo_context_create(NULL, &context));
  check(octavo_model_load(context, argv[1], NULL, &f32));
  check(octavo_model_input_shape(f32, 0, dims, OCTAVO_MAX_RANK, &rank));
  for (int d = 0; d < rank; d++) elements *= dims[d] = dims[d] < 1 ? 1 : dims[d];
  if (elements > LARGEST) return 2;
  for (int i = 0; i < elements; i++) input[i] = (float)(i % 17) / 17;
  const octavo_tensor_view x = OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, input, (size_t)elements * sizeof(float), dims, rank);
  check(octavo_calibrator_create(f32, NULL, &calibrator));
  check(octavo_calibrator_collect(calibrator, &x, 1, NULL));
  check(octavo_calibrator_finish(calibrator, &statistics));
  check(octavo_model_quantize(f32, statistics, NULL, &int8));
  check(octavo_session_options_create(&options));
  check(octavo_session_options_set_threads(options, 1));
  check(octavo_session_create(int8, options, &session));

  double best = 1e30;
  for (int round = 0; round < ROUNDS; round++) {
    const double start = microseconds();
    for (int i = 0; i < RUNS; i++) {
      octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT;
      y.data = result;
      y.bytes = sizeof(result);
      check(octavo_session_run(session, &x, 1, &y, 1, NULL));
    }
    const double mean = (microseconds() - start) / RUNS;
    if (mean < best) best = mean;
  }
  printf("C %.2f us\n", best);

  octavo_session_destroy(session);
  octavo_session_options_destroy(options);
  octavo_model_destroy(int8);
  octavo_statistics_destroy(statistics);
  octavo_calibrator_destroy(calibrator);
  octavo_model_destroy(f32);
  octavo_context_destroy(context);
  return 0;
}
