/* From a float network to a quantized one that runs, in C.
 *
 *    cc quickstart.c -o quickstart $(pkg-config --cflags --libs octavo)
 *    ./quickstart ../demo/digits.onnx ../demo/digits.bin digits.int8.onnx
 *
 * digits.bin: 200 records of one label byte and 16x16 pixels; the first 100 calibrate, the others are held out. */
#include <inttypes.h>
#include <octavo/octavo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALIBRATION = 100, HELD_OUT = 100, SAMPLES = CALIBRATION + HELD_OUT, PIXELS = 16 * 16, CLASSES = 10 };

static float images[SAMPLES][PIXELS];
static int labels[SAMPLES];

/* Every call returns octavo_status; octavo_last_error() has the sentence that goes with it. */
static void check(octavo_status status) {
  if (status == OCTAVO_OK) return;
  fprintf(stderr, "%s: %s\n", octavo_status_name(status), octavo_last_error());
  exit(1);
}

static void read_samples(const char *path) {
  unsigned char record[1 + PIXELS];
  FILE *file = fopen(path, "rb");
  for (int i = 0; i < SAMPLES; i++) {
    if (!file || fread(record, sizeof(record), 1, file) != 1) {
      fprintf(stderr, "%s: cannot read sample %d\n", path, i);
      exit(1);
    }
    labels[i] = record[0];
    for (int p = 0; p < PIXELS; p++) images[i][p] = record[1 + p];
  }
  fclose(file);
}

/* A view of `count` images from the first: memory stays where it is. */
static octavo_tensor_view view(int first, const int64_t dims[4]) {
  octavo_tensor_view x =
      OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, images[first], (size_t)dims[0] * sizeof(images[0]), dims, 4);
  return x;
}

static int answer(const float scores[CLASSES]) {
  int best = 0;
  for (int c = 1; c < CLASSES; c++)
    if (scores[c] > scores[best]) best = c;
  return best;
}

/* FNV-1a of all bytes, little endian: equal on every CPU, for every number of threads, from every language. */
static uint64_t digest(float scores[HELD_OUT][CLASSES]) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (int i = 0; i < HELD_OUT; i++) {
    for (int c = 0; c < CLASSES; c++) {
      uint32_t bits;
      memcpy(&bits, &scores[i][c], sizeof(bits));
      for (int byte = 0; byte < 4; byte++) hash = (hash ^ (bits >> 8 * byte & 0xff)) * 0x100000001b3u;
    }
  }
  return hash;
}

/* Runs the held-out images one at a time, writes their scores and returns how many are classified right. */
static int evaluate(const octavo_model *model, float scores[HELD_OUT][CLASSES]) {
  const int64_t one[4] = {1, 1, 16, 16};
  int right = 0;
  octavo_session *run;
  check(octavo_session_create(model, NULL, &run));
  for (int i = 0; i < HELD_OUT; i++) {
    octavo_tensor_view x = view(CALIBRATION + i, one);
    octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT;
    y.data = scores[i]; /* our memory: the result is written in place */
    y.bytes = sizeof(scores[i]);
    check(octavo_session_run(run, &x, 1, &y, 1, NULL));
    right += answer(scores[i]) == labels[CALIBRATION + i];
  }
  octavo_session_destroy(run);
  return right;
}

int main(int argc, char **argv) {
  const char *model_path = argc > 1 ? argv[1] : "examples/demo/digits.onnx";
  const char *data_path = argc > 2 ? argv[2] : "examples/demo/digits.bin";
  const char *int8_path = argc > 3 ? argv[3] : "digits.int8.onnx";
  octavo_context *ctx;
  octavo_model *f32, *int8;
  octavo_calibrator *cal;
  octavo_statistics *stats;

  read_samples(data_path);
  check(octavo_context_create(NULL, &ctx));
  check(octavo_model_load(ctx, model_path, NULL, &f32));

  /* Calibrate: in batches of 20, any size will do. */
  const int64_t twenty[4] = {20, 1, 16, 16};
  check(octavo_calibrator_create(f32, NULL, &cal));
  for (int first = 0; first < CALIBRATION; first += 20) {
    octavo_tensor_view x = view(first, twenty);
    check(octavo_calibrator_collect(cal, &x, 1, NULL));
  }
  check(octavo_calibrator_finish(cal, &stats));

  /* Quantize: no recipe is the usual one, weights and activations in 8 bits. */
  check(octavo_model_quantize(f32, stats, NULL, &int8));
  check(octavo_model_save(int8, int8_path, NULL));

  /* Compare. */
  static float before[HELD_OUT][CLASSES], after[HELD_OUT][CLASSES];
  int same = 0, right_f32 = evaluate(f32, before), right_int8 = evaluate(int8, after);
  for (int i = 0; i < HELD_OUT; i++) same += answer(before[i]) == answer(after[i]);
  printf("octavo %s on %s\n", octavo_version_string(), octavo_cpu_target());
  printf("float32 %d, INT8 %d of %d right; %d answers the same; wrote %s\n", right_f32, right_int8, HELD_OUT, same,
         int8_path);
  printf("scores of the first held-out image:");
  for (int c = 0; c < CLASSES; c++) printf(" %.4f", after[0][c]);
  printf("\ndigest of all INT8 scores: %016" PRIx64 "\n", digest(after));

  octavo_model_destroy(int8);
  octavo_statistics_destroy(stats);
  octavo_calibrator_destroy(cal);
  octavo_model_destroy(f32);
  octavo_context_destroy(ctx);
  return right_int8 + 5 >= right_f32 ? 0 : 1;
}
