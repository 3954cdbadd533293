/* Opened at run time, used, closed, many times: no thread, mapping, descriptor or memory of the library stays behind.
 * Not linked to it. */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include <octavo/octavo_loader.h>
#include <stdlib.h>
#include <sys/stat.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOW 1
#endif
#endif
#if defined(SLOW) || !defined(__x86_64__) /* other machines are emulated, as a rule */
enum { CYCLES = 50, WARM = 50 };          /* sanitizers keep memory of their own */
#else
enum { CYCLES = 1000, WARM = 100 };
#endif
enum { EACH = 1, SLACK = 4096 }; /* KiB that a cycle may leave, and the C library's own */

static int lines_with(const char *path, const char *text) {
  char line[1024];
  int found = 0;
  FILE *file = fopen(path, "r");
  while (file && fgets(line, sizeof(line), file)) found += strstr(line, text) != NULL;
  if (file) fclose(file);
  return found;
}

/* "Threads:", "VmRSS:", ... of /proc/self/status. */
static long status_of(const char *key) {
  char line[1024];
  long number = -1;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof(line), file)) {
    if (strncmp(line, key, strlen(key)) == 0) number = atol(line + strlen(key));
  }
  if (file) fclose(file);
  return number;
}

static int open_files(void) {
  int open = 0, fd;
  for (fd = 0; fd < 256; ++fd) {
    struct stat status;
    open += fstat(fd, &status) == 0;
  }
  return open;
}

/* An INT8 model, kept over all cycles: made in the first by quantizing. */
static void *int8;
static size_t int8_size;

static octavo_status quantize(const octavo_loader *o, octavo_context *context) {
  octavo_model *model = NULL, *quantized = NULL;
  octavo_recipe *recipe = NULL;
  octavo_buffer *bytes = NULL;
  octavo_status failed = o->model_load(context, OCTAVO_SOURCE_DIR "/examples/demo/digits.onnx", NULL, &model);
  if (!failed) failed = o->recipe_create(context, OCTAVO_DYNAMIC_INT8, &recipe);
  if (!failed) failed = o->model_quantize(model, NULL, recipe, &quantized);
  if (!failed) failed = o->model_save_memory(quantized, NULL, &bytes);
  if (!failed && (int8 = malloc(o->buffer_size(bytes))) != NULL) {
    int8_size = o->buffer_size(bytes);
    memcpy(int8, o->buffer_data(bytes), int8_size);
  }
  o->buffer_destroy(bytes);
  o->recipe_destroy(recipe);
  o->model_destroy(quantized);
  o->model_destroy(model);
  return failed;
}

/* Loads and runs it on three threads, and fails once. Returns what went wrong, or NULL. */
static const char *use(const octavo_loader *o) {
  static float image[256];
  static char message[256];
  const int64_t dims[4] = {1, 1, 16, 16};
  octavo_context *context = NULL;
  octavo_context_options *options = NULL;
  octavo_model *model = NULL, *none = NULL;
  octavo_session *session = NULL;
  octavo_tensor_view x = OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, image, sizeof(image), dims, 4);
  octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT;
  octavo_status failed = o->context_options_create(&options);
  if (!failed) failed = o->context_options_set_threads(options, 3);
  if (!failed) failed = o->context_create(options, &context);
  if (!failed && int8_size == 0) failed = quantize(o, context);
  if (!failed) failed = o->model_load_memory(context, int8, int8_size, NULL, &model);
  if (!failed) failed = o->session_create(model, NULL, &session);
  if (!failed) failed = o->session_run(session, &x, 1, &y, 1, NULL);
  snprintf(message, sizeof(message), "%s", failed ? o->last_error() : "");
  if (!failed && o->model_load(context, "/nowhere", NULL, &none) != OCTAVO_IO) {
    snprintf(message, sizeof(message), "/nowhere was loaded");
  }
  o->context_options_destroy(options);
  o->session_destroy(session);
  o->model_destroy(model);
  o->context_destroy(context);
  return message[0] ? message : NULL;
}

int main(void) {
  int cycle, files = open_files(), maps = 0;
  long size = 0;
  const long threads = status_of("Threads:"); /* an emulator has some of its own */
#ifdef __SANITIZE_THREAD__
  return 77; /* has a thread of its own and keeps it */
#endif
  if (lines_with("/proc/self/maps", "/") == 0) return 77; /* no such files here */
  for (cycle = 0; cycle < CYCLES; ++cycle) {
    octavo_loader o;
    const char *problem;
    if (octavo_loader_open(&o, OCTAVO_LIBRARY) != 0) {
      fprintf(stderr, "%s\n", o.error);
      return 1;
    }
    problem = use(&o);
    octavo_loader_close(&o);
    if (!problem && lines_with("/proc/self/maps", "liboctavo") != 0) problem = "the library is still mapped";
    if (!problem && status_of("Threads:") != threads) problem = "a thread is left";
    if (!problem && open_files() != files) problem = "a file is left open";
    if (cycle == WARM) { /* what the C library keeps for itself is there by now */
      maps = lines_with("/proc/self/maps", "");
      size = status_of("VmRSS:");
    }
    /* The C library may take an arena now and then; what a cycle leaves would be there hundreds of times. */
    if (!problem && lines_with("/proc/self/maps", "") > maps + (CYCLES - WARM) / 2 && cycle > WARM) {
      problem = "mappings are left";
    }
    if (!problem && status_of("VmRSS:") > size + (cycle - WARM) * EACH + SLACK && cycle > WARM) {
      problem = "memory is left";
    }
    if (problem) {
      fprintf(stderr, "cycle %d: %s\n", cycle, problem);
      return 1;
    }
  }
  free(int8);
  return 0;
}
