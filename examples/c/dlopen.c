/* The library as a plugin: found at run time, so that a program starts, and says so, where it is missing.
 *
 *    cc dlopen.c -o dlopen -ldl          (headers only; nothing of Octavo is linked)
 *    ./dlopen ../demo/digits.onnx ../demo/digits.bin [/path/to/liboctavo.so]
 *
 * octavo_loader.h is generated from octavo.h: every octavo_f() is a member o.f(). */
#include <octavo/octavo_loader.h>
#include <stdio.h>

enum { PIXELS = 16 * 16, CLASSES = 10 };

/* What a host keeps for one network. All NULL at first: unload takes whatever is there. */
typedef struct {
  octavo_context *ctx;
  octavo_model *f32, *int8;
  octavo_recipe *recipe;
  octavo_session *run;
} network;

static octavo_status load(const octavo_loader *o, const char *path, network *net) {
  octavo_status status = o->context_create(NULL, &net->ctx);
  if (!status) status = o->model_load(net->ctx, path, NULL, &net->f32);
  /* Dynamic: scales of activations are found while running, so there is nothing to calibrate. */
  if (!status) status = o->recipe_create(net->ctx, OCTAVO_DYNAMIC_INT8, &net->recipe);
  if (!status) status = o->model_quantize(net->f32, NULL, net->recipe, &net->int8);
  if (!status) status = o->session_create(net->int8, NULL, &net->run);
  return status;
}

static void unload(const octavo_loader *o, network *net) {
  o->session_destroy(net->run);
  o->recipe_destroy(net->recipe);
  o->model_destroy(net->int8);
  o->model_destroy(net->f32);
  o->context_destroy(net->ctx);
}

static octavo_status classify(const octavo_loader *o, network *net, float pixels[PIXELS], int *answer) {
  const int64_t dims[4] = {1, 1, 16, 16};
  float scores[CLASSES];
  octavo_tensor_view x = OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, pixels, PIXELS * sizeof(float), dims, 4);
  octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT;
  y.data = scores; /* our memory: the result is written in place */
  y.bytes = sizeof(scores);
  octavo_status status = o->session_run(net->run, &x, 1, &y, 1, NULL);
  if (status) return status;
  *answer = 0;
  for (int c = 1; c < CLASSES; c++)
    if (scores[c] > scores[*answer]) *answer = c;
  return OCTAVO_OK;
}

int main(int argc, char **argv) {
  const char *model_path = argc > 1 ? argv[1] : "examples/demo/digits.onnx";
  const char *data_path = argc > 2 ? argv[2] : "examples/demo/digits.bin";
  octavo_loader o;
  if (octavo_loader_open(&o, argc > 3 ? argv[3] : NULL) != 0) {
    fprintf(stderr, "no INT8 here: %s\n", o.error);
    return 1;
  }
  if (o.abi_version() != OCTAVO_ABI_VERSION) {
    fprintf(stderr, "this program knows ABI %d, the library is %d\n", OCTAVO_ABI_VERSION, (int)o.abi_version());
    octavo_loader_close(&o);
    return 1;
  }
  printf("octavo %s on", o.version_string());
  for (size_t i = 0; i < o.cpu_target_count(); i++) printf(" %s", o.cpu_target_name(i));
  printf("\n");

  FILE *file = fopen(data_path, "rb");
  if (!file) {
    fprintf(stderr, "%s: cannot be read\n", data_path);
    octavo_loader_close(&o);
    return 1;
  }
  network net = {NULL, NULL, NULL, NULL, NULL};
  octavo_status status = load(&o, model_path, &net);
  unsigned char record[1 + PIXELS]; /* label, pixels */
  int samples = 0, right = 0;
  while (!status && fread(record, sizeof(record), 1, file) == 1) {
    float pixels[PIXELS];
    int answer = -1;
    for (int p = 0; p < PIXELS; p++) pixels[p] = record[1 + p];
    status = classify(&o, &net, pixels, &answer);
    samples++;
    right += answer == record[0];
  }
  fclose(file);
  if (status) {
    fprintf(stderr, "%s: %s\n", o.status_name(status), o.last_error());
  } else {
    printf("dynamic INT8: %d of %d right\n", right, samples);
  }
  unload(&o, &net);
  octavo_loader_close(&o);
  return !status && samples > 0 && right * 100 >= samples * 95 ? 0 : 1;
}
