/* The smallest program around the library that scripts can compare machines with: everything comes in and goes out as
 * files, so that the same run can be made natively and under an emulator.
 *
 *    run_model targets
 *    run_model quantize SCHEME FLOAT.onnx INPUT.bin OUT.onnx DIM...
 *    run_model run MODEL.onnx INPUT.bin OUTPUT.bin TARGET THREADS DIM...
 *
 * SCHEME: static (calibrates with INPUT, one sample at a time) or dynamic. INPUT: float32 of shape DIM...
 */
#include <octavo/octavo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(octavo_status status) {
  if (status == OCTAVO_OK) return;
  fprintf(stderr, "%s: %s\n", octavo_status_name(status), octavo_last_error());
  exit(1);
}

static void fail(const char *what, const char *path) {
  fprintf(stderr, "%s %s\n", what, path);
  exit(1);
}

/* The rest of the command line is the shape; the file has to have just that many floats. */
static octavo_tensor_view read_input(const char *path, char **dims_text, int rank, int64_t *dims) {
  octavo_tensor_view x = OCTAVO_TENSOR_VIEW_INIT;
  size_t bytes = sizeof(float);
  if (rank < 1 || rank > OCTAVO_MAX_RANK) fail("no shape for", path);
  for (int i = 0; i < rank; i++) {
    dims[i] = strtoll(dims_text[i], NULL, 10);
    bytes *= (size_t)dims[i];
  }
  FILE *file = fopen(path, "rb");
  x.data = malloc(bytes);
  if (!file || !x.data || fread(x.data, 1, bytes, file) != bytes || fgetc(file) != EOF)
    fail("wrong size or missing:", path);
  fclose(file);
  x.dtype = OCTAVO_FLOAT32;
  x.rank = rank;
  x.bytes = bytes;
  x.dims = dims;
  return x;
}

static void quantize(octavo_context *ctx, char **arg, int count) {
  int64_t dims[OCTAVO_MAX_RANK];
  octavo_model *f32, *int8;
  octavo_recipe *recipe;
  octavo_statistics *stats = NULL;
  octavo_calibrator *cal = NULL;
  const int dynamic = strcmp(arg[0], "dynamic") == 0;
  check(octavo_model_load(ctx, arg[1], NULL, &f32));
  octavo_tensor_view x = read_input(arg[2], arg + 4, count - 4, dims);
  if (!dynamic) {
    const int64_t samples = dims[0];
    octavo_tensor_view one = x;
    check(octavo_calibrator_create(f32, NULL, &cal));
    dims[0] = 1;
    one.bytes = x.bytes / (size_t)samples;
    for (int64_t i = 0; i < samples; i++) {
      one.data = (char *)x.data + (size_t)i * one.bytes;
      check(octavo_calibrator_collect(cal, &one, 1, NULL));
    }
    check(octavo_calibrator_finish(cal, &stats));
  }
  check(octavo_recipe_create(ctx, dynamic ? OCTAVO_DYNAMIC_INT8 : OCTAVO_STATIC_INT8, &recipe));
  check(octavo_model_quantize(f32, stats, recipe, &int8));
  check(octavo_model_save(int8, arg[3], NULL));
  free(x.data);
  octavo_recipe_destroy(recipe);
  octavo_statistics_destroy(stats);
  octavo_calibrator_destroy(cal);
  octavo_model_destroy(int8);
  octavo_model_destroy(f32);
}

static void run(octavo_context *ctx, char **arg, int count) {
  int64_t dims[OCTAVO_MAX_RANK];
  octavo_model *model;
  octavo_session_options *options;
  octavo_session *session;
  octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT;
  check(octavo_model_load(ctx, arg[0], NULL, &model));
  octavo_tensor_view x = read_input(arg[1], arg + 5, count - 5, dims);
  check(octavo_session_options_create(&options));
  check(octavo_session_options_set_cpu_target(options, arg[3]));
  check(octavo_session_options_set_threads(options, atoi(arg[4])));
  check(octavo_session_create(model, options, &session));
  check(octavo_session_run(session, &x, 1, &y, 1, NULL));
  FILE *file = fopen(arg[2], "wb");
  if (!file || fwrite(y.data, 1, y.bytes, file) != y.bytes || fclose(file) != 0) fail("cannot write", arg[2]);
  free(x.data);
  octavo_session_destroy(session);
  octavo_session_options_destroy(options);
  octavo_model_destroy(model);
}

int main(int argc, char **argv) {
  octavo_context *ctx;
  const char *verb = argc > 1 ? argv[1] : "";
  check(octavo_context_create(NULL, &ctx));
  if (strcmp(verb, "targets") == 0) {
    for (size_t i = 0; i < octavo_cpu_target_count(); i++) puts(octavo_cpu_target_name(i));
  } else if (strcmp(verb, "quantize") == 0 && argc > 6) {
    quantize(ctx, argv + 2, argc - 2);
  } else if (strcmp(verb, "run") == 0 && argc > 7) {
    run(ctx, argv + 2, argc - 2);
  } else {
    fprintf(stderr, "usage: run_model targets | quantize ... | run ...; see the first lines of its source\n");
    return 2;
  }
  octavo_context_destroy(ctx);
  return 0;
}
