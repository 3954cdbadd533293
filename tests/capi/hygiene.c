/* A library is a guest: after any call the process is as it was. */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif
#include <fenv.h>
#include <locale.h>
#include <octavo/octavo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define REQUIRE(condition)                                                              \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #condition, octavo_last_error()); \
      return 1;                                                                         \
    }                                                                                   \
  } while (0)

static int open_files(void) {
  int open = 0, fd;
  for (fd = 0; fd < 256; ++fd) {
    struct stat status;
    open += fstat(fd, &status) == 0;
  }
  return open;
}

static float image[256];

static const char decimals[] = "{\"activations\": {\"observer\": {\"name\": \"percentile\", \"percentile\": 99.75}}}";

static size_t sum(const void *data, size_t size) {
  const unsigned char *bytes = (const unsigned char *)data;
  size_t hash = 0, i;
  for (i = 0; i < size; ++i) hash = hash * 31 + bytes[i];
  return hash;
}

/* From a file to INT8 results, errors included. *hash: of the INT8 model and its scores. */
static int journey(octavo_model **keep_model, octavo_session **keep_session, size_t *hash) {
  const int64_t dims[4] = {1, 1, 16, 16};
  octavo_context *context = NULL;
  octavo_model *model = NULL, *int8 = NULL, *none = NULL;
  octavo_calibrator *calibrator = NULL;
  octavo_statistics *statistics = NULL;
  octavo_session *session = NULL;
  octavo_recipe *recipe = NULL;
  octavo_buffer *text = NULL, *bytes = NULL;
  octavo_tensor_view x = OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, image, sizeof(image), dims, 4);
  octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT;
  REQUIRE(octavo_context_create(NULL, &context) == OCTAVO_OK);
  REQUIRE(octavo_model_load(context, OCTAVO_SOURCE_DIR "/examples/demo/digits.onnx", NULL, &model) == OCTAVO_OK);
  REQUIRE(octavo_model_load(context, "/nowhere", NULL, &none) == OCTAVO_IO);
  REQUIRE(octavo_calibrator_create(model, NULL, &calibrator) == OCTAVO_OK);
  REQUIRE(octavo_calibrator_collect(calibrator, &x, 1, NULL) == OCTAVO_OK);
  REQUIRE(octavo_calibrator_finish(calibrator, &statistics) == OCTAVO_OK);
  REQUIRE(octavo_recipe_parse(context, decimals, sizeof(decimals) - 1, &recipe) == OCTAVO_OK);
  REQUIRE(octavo_model_quantize(model, statistics, recipe, &int8) == OCTAVO_OK);
  REQUIRE(octavo_model_describe_json(int8, &text) == OCTAVO_OK);
  REQUIRE(octavo_model_save_memory(int8, NULL, &bytes) == OCTAVO_OK);
  REQUIRE(octavo_session_create(int8, NULL, &session) == OCTAVO_OK);
  REQUIRE(octavo_session_run(session, &x, 1, &y, 1, NULL) == OCTAVO_OK);
  *hash = sum(octavo_buffer_data(bytes), octavo_buffer_size(bytes)) * 31 + sum(y.data, y.bytes);
  octavo_buffer_destroy(bytes);
  octavo_buffer_destroy(text);
  octavo_recipe_destroy(recipe);
  octavo_statistics_destroy(statistics);
  octavo_calibrator_destroy(calibrator);
  octavo_model_destroy(model);
  octavo_context_destroy(context);
  if (keep_model) {
    *keep_model = int8;
    *keep_session = session;
  } else {
    octavo_session_destroy(session);
    octavo_model_destroy(int8);
  }
  return 0;
}

enum { SIGNALS = 65 }; /* one more than the greatest */

/* The state of the process that a library could disturb. */
typedef struct {
  char locale[256], folder[4096];
  mode_t mask;
  sigset_t blocked;
  void (*handlers[SIGNALS])(int);
  size_t environment; /* a sum over all names and values */
  int rounding, exceptions, files, priority;
  long output; /* bytes on stdout and stderr so far */
} state;

static long written(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? (long)status.st_size : -1;
}

static int look(state *now) {
  char **variable;
  int i;
  memset(now, 0, sizeof(*now));
  snprintf(now->locale, sizeof(now->locale), "%s", setlocale(LC_ALL, NULL));
  REQUIRE(getcwd(now->folder, sizeof(now->folder)) != NULL);
  now->mask = umask(022);
  umask(now->mask);
  REQUIRE(sigprocmask(SIG_SETMASK, NULL, &now->blocked) == 0);
  for (i = 1; i < SIGNALS; ++i) {
    struct sigaction action;
    now->handlers[i] = sigaction(i, NULL, &action) == 0 ? action.sa_handler : SIG_ERR;
  }
  for (variable = environ; *variable; ++variable) {
    now->environment = now->environment * 31 + sum(*variable, strlen(*variable));
  }
  now->rounding = fegetround();
  now->exceptions = fetestexcept(FE_ALL_EXCEPT);
  now->files = open_files();
  now->priority = getpriority(PRIO_PROCESS, 0);
  fflush(NULL);
  now->output = written(STDOUT_FILENO) + written(STDERR_FILENO);
  return 0;
}

/* Denormals are neither flushed nor taken as zero, and exceptions do not trap. */
static int floats_are_whole(void) {
  volatile float least = 1e-38f, zero = 0;
  least /= 10;
  REQUIRE(least != 0);
  least *= 10;
  REQUIRE(least > 0.9e-38f);
  REQUIRE(least / zero > 1e38f);
  return 0;
}

int main(void) {
  static state before, after;
  static octavo_model *model;
  static octavo_session *session;
  const int output = dup(STDERR_FILENO);
  int status, quiet;
  size_t usual, hash, i;
  FILE *captured = tmpfile();
  pid_t child;

  for (i = 0; i < 256; ++i) image[i] = (float)(i % 17) * 1e-39f + (float)(i % 5); /* denormals among them */
  REQUIRE(journey(NULL, NULL, &usual) == 0);
  setlocale(LC_ALL, "de_DE.UTF-8"); /* a decimal comma, where the machine has one */
  fesetround(FE_UPWARD);            /* and a rounding mode nobody expects */
  feclearexcept(FE_ALL_EXCEPT);
  REQUIRE(captured != NULL && output >= 0);
  REQUIRE(dup2(fileno(captured), STDOUT_FILENO) >= 0 && dup2(fileno(captured), STDERR_FILENO) >= 0);
  REQUIRE(look(&before) == 0);
  status = journey(NULL, NULL, &hash);
  quiet = look(&after);
  dup2(output, STDERR_FILENO);
  REQUIRE(status == 0 && quiet == 0);
  REQUIRE(hash == usual); /* neither the locale nor the rounding mode reached a result */

  REQUIRE(memcmp(&before, &after, sizeof(before)) == 0);
  REQUIRE(after.output == 0);
  REQUIRE(floats_are_whole() == 0);
  fesetround(FE_TONEAREST);

  REQUIRE(journey(&model, &session, &hash) == 0);
#ifdef __SANITIZE_THREAD__ /* knows no threads of a forked child */
  return 0;
#endif
  /* fork() with a live pool: the child neither hangs nor crashes, whatever it does with what it inherited. */
  child = fork();
  if (child == 0) {
    const int64_t dims[4] = {1, 1, 16, 16};
    octavo_tensor_view x = OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, image, sizeof(image), dims, 4);
    octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT;
    octavo_status inherited;
    octavo_session *own = NULL;
    alarm(60);
    inherited = octavo_session_run(session, &x, 1, &y, 1, NULL);
    if (inherited != OCTAVO_OK && inherited != OCTAVO_FORKED) _exit(2);
    if (octavo_session_create(model, NULL, &own) != OCTAVO_OK) _exit(3);
    if (octavo_session_run(own, &x, 1, &y, 1, NULL) != OCTAVO_OK) _exit(4);
    octavo_session_destroy(own);
    octavo_session_destroy(session);
    octavo_model_destroy(model);
    _exit(0);
  }
  REQUIRE(child > 0);
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return 0; /* with a live session: exit must neither hang nor crash */
}
