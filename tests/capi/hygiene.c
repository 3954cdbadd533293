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
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

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

static int journey(octavo_model **keep_model, octavo_session **keep_session) {
  static float image[256];
  const int64_t dims[4] = {1, 1, 16, 16};
  octavo_context *context = NULL;
  octavo_model *model = NULL, *int8 = NULL, *none = NULL;
  octavo_calibrator *calibrator = NULL;
  octavo_statistics *statistics = NULL;
  octavo_session *session = NULL;
  octavo_buffer *text = NULL;
  octavo_tensor_view x = OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, image, sizeof(image), dims, 4);
  octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT;
  int i;
  for (i = 0; i < 256; ++i) image[i] = (float)(i % 17) * 1e-39f + (float)(i % 5); /* denormals among them */
  REQUIRE(octavo_context_create(NULL, &context) == OCTAVO_OK);
  REQUIRE(octavo_model_load(context, OCTAVO_SOURCE_DIR "/examples/demo/digits.onnx", NULL, &model) == OCTAVO_OK);
  REQUIRE(octavo_model_load(context, "/nowhere", NULL, &none) == OCTAVO_IO);
  REQUIRE(octavo_calibrator_create(model, NULL, &calibrator) == OCTAVO_OK);
  REQUIRE(octavo_calibrator_collect(calibrator, &x, 1, NULL) == OCTAVO_OK);
  REQUIRE(octavo_calibrator_finish(calibrator, &statistics) == OCTAVO_OK);
  REQUIRE(octavo_model_quantize(model, statistics, NULL, &int8) == OCTAVO_OK);
  REQUIRE(octavo_model_describe_json(int8, &text) == OCTAVO_OK);
  REQUIRE(octavo_session_create(int8, NULL, &session) == OCTAVO_OK);
  REQUIRE(octavo_session_run(session, &x, 1, &y, 1, NULL) == OCTAVO_OK);
  octavo_buffer_destroy(text);
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

int main(void) {
  static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGINT, SIGTERM, SIGPIPE, SIGCHLD};
  struct sigaction before[sizeof(signals) / sizeof(signals[0])], now;
  char folder[4096], folder_now[4096], locale[256];
  const mode_t mask = umask(022);
  const char *comma;
  static octavo_model *model;
  static octavo_session *session;
  int files, status, rounding;
  size_t i;
  pid_t child;

  umask(mask);
  comma = setlocale(LC_ALL, "de_DE.UTF-8"); /* a decimal comma, where the machine has one */
  snprintf(locale, sizeof(locale), "%s", setlocale(LC_ALL, NULL));
  for (i = 0; i < sizeof(signals) / sizeof(signals[0]); ++i) sigaction(signals[i], NULL, &before[i]);
  REQUIRE(getcwd(folder, sizeof(folder)) != NULL);
  files = open_files();
  rounding = fegetround();

  REQUIRE(journey(NULL, NULL) == 0);

  REQUIRE(fegetround() == rounding);
  {
    volatile float least = 1e-38f;
    least /= 10; /* denormals are still there */
    REQUIRE(least != 0);
  }
  REQUIRE(strcmp(locale, setlocale(LC_ALL, NULL)) == 0);
  for (i = 0; i < sizeof(signals) / sizeof(signals[0]); ++i) {
    sigaction(signals[i], NULL, &now);
    REQUIRE(memcmp(&now.sa_handler, &before[i].sa_handler, sizeof(now.sa_handler)) == 0);
  }
  REQUIRE(getcwd(folder_now, sizeof(folder_now)) != NULL && strcmp(folder, folder_now) == 0);
  REQUIRE(umask(mask) == mask);
  REQUIRE(open_files() == files);

  /* fork() with a live pool: the child neither hangs nor crashes, whatever it does with what it inherited. */
  REQUIRE(journey(&model, &session) == 0);
  child = fork();
  if (child == 0) {
    static float image[256];
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
  (void)comma;
  return 0; /* with a live session: exit must neither hang nor crash */
}
