/* Opened at run time, used, closed, many times: nothing of the library stays behind. Not linked to it. */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include <octavo/octavo_loader.h>
#include <stdlib.h>

static int lines_with(const char *path, const char *text) {
  char line[1024];
  int found = 0;
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof(line), file)) found += strstr(line, text) != NULL;
  if (file) fclose(file);
  return found;
}

static int threads_now(void) {
  char line[1024];
  int threads = -1;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof(line), file)) {
    if (strncmp(line, "Threads:", 8) == 0) threads = atoi(line + 8);
  }
  if (file) fclose(file);
  return threads;
}

int main(void) {
  int cycle;
  if (lines_with("/proc/self/maps", "/") == 0) return 77; /* no such files here */
  for (cycle = 0; cycle < 20; ++cycle) {
    static float image[256];
    const int64_t dims[4] = {1, 1, 16, 16};
    octavo_loader o;
    octavo_context *context = NULL;
    octavo_context_options *options = NULL;
    octavo_model *model = NULL;
    octavo_session *session = NULL;
    octavo_tensor_view x = OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, image, sizeof(image), dims, 4);
    octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT;
    int failed = 0;
    if (octavo_loader_open(&o, OCTAVO_LIBRARY) != 0) {
      fprintf(stderr, "%s\n", o.error);
      return 1;
    }
    failed |= o.context_options_create(&options);
    failed |= o.context_options_set_threads(options, 3);
    failed |= o.context_create(options, &context);
    failed |= o.model_load(context, OCTAVO_SOURCE_DIR "/examples/demo/digits.onnx", NULL, &model);
    failed |= o.session_create(model, NULL, &session);
    failed |= o.session_run(session, &x, 1, &y, 1, NULL);
    if (!failed) failed |= o.model_load(context, "/nowhere", NULL, &model) != OCTAVO_IO;
    if (failed) {
      fprintf(stderr, "cycle %d: %s\n", cycle, o.last_error());
      return 1;
    }
    o.context_options_destroy(options);
    o.session_destroy(session);
    o.model_destroy(model);
    o.context_destroy(context);
    octavo_loader_close(&o);
    if (lines_with("/proc/self/maps", "liboctavo") != 0) {
      fprintf(stderr, "cycle %d: the library is still mapped\n", cycle);
      return 1;
    }
    if (threads_now() != 1) {
      fprintf(stderr, "cycle %d: %d threads\n", cycle, threads_now());
      return 1;
    }
  }
  return 0;
}
