/* Octavo for programs that load the library at run time: no link dependency, one file.
 *
 * Generated from octavo.h and capi/symbols.txt by tests/tools/gen_symbols.py; do not edit.
 *
 *   octavo_loader o;
 *   if (octavo_loader_open(&o, NULL) != 0) { puts(o.error); return 1; }
 *   puts(o.version_string());           every octavo_f() of octavo.h is o.f()
 *   octavo_loader_close(&o);
 */
#ifndef OCTAVO_LOADER_H
#define OCTAVO_LOADER_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include "octavo.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the address of a function by its full name, or NULL. */
typedef void *(*octavo_loader_resolver)(void *user_data, const char *name);

typedef struct octavo_loader {
  void *library;   /* what octavo_loader_open opened; NULL with a resolver of the caller's */
  char error[256]; /* why the last open or load failed, else empty */
  const char *(*last_error)(void);
  const char *(*status_name)(octavo_status status);
  const char *(*version_string)(void);
  int32_t (*abi_version)(void);
  const char *(*cpu_target)(void);
  size_t (*cpu_target_count)(void);
  const char *(*cpu_target_name)(size_t index);
  const char *(*dtype_name)(int32_t dtype);
  size_t (*dtype_bits)(int32_t dtype);
  const void *(*buffer_data)(const octavo_buffer *buffer);
  size_t (*buffer_size)(const octavo_buffer *buffer);
  void (*buffer_destroy)(octavo_buffer *buffer);
  octavo_status (*cancel_create)(octavo_cancel **out);
  void (*cancel_request)(octavo_cancel *cancel);
  void (*cancel_reset)(octavo_cancel *cancel);
  int32_t (*cancel_requested)(const octavo_cancel *cancel);
  void (*cancel_destroy)(octavo_cancel *cancel);
  octavo_status (*context_options_create)(octavo_context_options **out);
  void (*context_options_destroy)(octavo_context_options *options);
  octavo_status (*context_options_set_threads)(octavo_context_options *options, int32_t threads);
  octavo_status (*context_options_set_memory_limit)(octavo_context_options *options, int64_t bytes);
  octavo_status (*context_options_set_file_limit)(octavo_context_options *options, int64_t bytes);
  octavo_status (*context_options_set_fold_limit)(octavo_context_options *options, int64_t bytes);
  octavo_status (*context_options_set_node_limit)(octavo_context_options *options, int64_t nodes);
  octavo_status (*context_options_set_string_limit)(octavo_context_options *options, int64_t bytes);
  octavo_status (*context_options_set_allocator)(
      octavo_context_options *options, octavo_allocate_callback allocate, octavo_release_callback release,
      void *user_data);
  octavo_status (*context_options_set_parallel)(
      octavo_context_options *options, octavo_parallel_callback parallel, void *user_data);
  octavo_status (*context_options_set_log)(
      octavo_context_options *options, int32_t level, octavo_log_callback log, void *user_data);
  octavo_status (*context_create)(const octavo_context_options *options, octavo_context **out);
  void (*context_destroy)(octavo_context *context);
  octavo_status (*context_memory)(const octavo_context *context, int64_t *out_live, int64_t *out_peak);
  octavo_status (*load_options_create)(octavo_load_options **out);
  void (*load_options_destroy)(octavo_load_options *options);
  octavo_status (*load_options_set_input_shape)(
      octavo_load_options *options, const char *name, const int64_t *dims, size_t rank);
  octavo_status (*load_options_set_borrow)(octavo_load_options *options, int32_t borrow);
  octavo_status (*model_load)(
      octavo_context *context, const char *path, const octavo_load_options *options, octavo_model **out);
  octavo_status (*model_load_memory)(
      octavo_context *context, const void *data, size_t size, const octavo_load_options *options, octavo_model **out);
  void (*model_destroy)(octavo_model *model);
  octavo_status (*save_options_create)(octavo_save_options **out);
  void (*save_options_destroy)(octavo_save_options *options);
  octavo_status (*save_options_set_external_data)(octavo_save_options *options, int32_t external_data);
  octavo_status (*model_save)(const octavo_model *model, const char *path, const octavo_save_options *options);
  octavo_status (*model_save_memory)(
      const octavo_model *model, const octavo_save_options *options, octavo_buffer **out);
  octavo_status (*model_input_count)(const octavo_model *model, size_t *out_count);
  octavo_status (*model_input_name)(const octavo_model *model, size_t index, const char **out_name);
  octavo_status (*model_input_dtype)(const octavo_model *model, size_t index, int32_t *out_dtype);
  octavo_status (*model_input_shape)(
      const octavo_model *model, size_t index, int64_t *dims, size_t capacity, int32_t *out_rank);
  octavo_status (*model_output_count)(const octavo_model *model, size_t *out_count);
  octavo_status (*model_output_name)(const octavo_model *model, size_t index, const char **out_name);
  octavo_status (*model_output_dtype)(const octavo_model *model, size_t index, int32_t *out_dtype);
  octavo_status (*model_output_shape)(
      const octavo_model *model, size_t index, int64_t *dims, size_t capacity, int32_t *out_rank);
  octavo_status (*model_is_quantized)(const octavo_model *model, int32_t *out);
  octavo_status (*model_metadata_count)(const octavo_model *model, size_t *out_count);
  octavo_status (*model_metadata_at)(
      const octavo_model *model, size_t index, const char **out_key, const char **out_value);
  octavo_status (*model_metadata_get)(const octavo_model *model, const char *key, const char **out_value);
  octavo_status (*model_describe_json)(const octavo_model *model, octavo_buffer **out);
  octavo_status (*calibrator_options_create)(octavo_calibrator_options **out);
  void (*calibrator_options_destroy)(octavo_calibrator_options *options);
  octavo_status (*calibrator_options_set_threads)(octavo_calibrator_options *options, int32_t threads);
  octavo_status (*calibrator_options_set_cpu_target)(octavo_calibrator_options *options, const char *target);
  octavo_status (*calibrator_options_set_observer)(
      octavo_calibrator_options *options, const char *observer, double percentile);
  octavo_status (*calibrator_create)(
      const octavo_model *model, const octavo_calibrator_options *options, octavo_calibrator **out);
  octavo_status (*calibrator_collect)(
      octavo_calibrator *calibrator, const octavo_tensor_view *inputs, size_t count, const octavo_cancel *cancel);
  octavo_status (*calibrator_finish)(const octavo_calibrator *calibrator, octavo_statistics **out);
  void (*calibrator_destroy)(octavo_calibrator *calibrator);
  octavo_status (*statistics_load)(octavo_context *context, const char *path, octavo_statistics **out);
  octavo_status (*statistics_load_memory)(
      octavo_context *context, const void *data, size_t size, octavo_statistics **out);
  octavo_status (*statistics_save)(const octavo_statistics *statistics, const char *path);
  octavo_status (*statistics_save_memory)(const octavo_statistics *statistics, octavo_buffer **out);
  octavo_status (*statistics_merge)(octavo_statistics *into, const octavo_statistics *from);
  octavo_status (*statistics_samples)(const octavo_statistics *statistics, int64_t *out_samples);
  octavo_status (*statistics_json)(const octavo_statistics *statistics, octavo_buffer **out);
  void (*statistics_destroy)(octavo_statistics *statistics);
  octavo_status (*recipe_create)(octavo_context *context, int32_t scheme, octavo_recipe **out);
  octavo_status (*recipe_parse)(octavo_context *context, const char *json, size_t size, octavo_recipe **out);
  octavo_status (*recipe_json)(const octavo_recipe *recipe, octavo_buffer **out);
  octavo_status (*recipe_set_observer)(octavo_recipe *recipe, const char *observer, double percentile);
  octavo_status (*recipe_set_per_channel)(octavo_recipe *recipe, int32_t per_channel);
  octavo_status (*recipe_set_weight_blocks)(octavo_recipe *recipe, int32_t bits, int64_t block_size);
  octavo_status (*recipe_keep_float)(octavo_recipe *recipe, const char *op, const char *name);
  octavo_status (*recipe_observe)(
      octavo_recipe *recipe, const char *op, const char *name, const char *observer, double percentile);
  void (*recipe_destroy)(octavo_recipe *recipe);
  octavo_status (*model_quantize)(
      const octavo_model *model, const octavo_statistics *statistics, const octavo_recipe *recipe, octavo_model **out);
  octavo_status (*quantize_options_create)(octavo_quantize_options **out);
  void (*quantize_options_destroy)(octavo_quantize_options *options);
  octavo_status (*quantize_options_set_progress)(
      octavo_quantize_options *options, octavo_progress_callback progress, void *user_data);
  octavo_status (*quantize_options_set_cancel)(octavo_quantize_options *options, const octavo_cancel *cancel);
  octavo_status (*quantize_options_set_observer)(
      octavo_quantize_options *options, octavo_observer_callback observer, void *user_data);
  octavo_status (*model_quantize_with)(
      const octavo_model *model, const octavo_statistics *statistics, const octavo_recipe *recipe,
      const octavo_quantize_options *options, octavo_model **out);
  octavo_status (*convert_options_create)(octavo_convert_options **out);
  void (*convert_options_destroy)(octavo_convert_options *options);
  octavo_status (*convert_options_set_form)(octavo_convert_options *options, const char *form);
  octavo_status (*model_convert)(const octavo_model *model, const octavo_convert_options *options, octavo_model **out);
  octavo_status (*session_options_create)(octavo_session_options **out);
  void (*session_options_destroy)(octavo_session_options *options);
  octavo_status (*session_options_set_threads)(octavo_session_options *options, int32_t threads);
  octavo_status (*session_options_set_cpu_target)(octavo_session_options *options, const char *target);
  octavo_status (*session_options_set_profile)(octavo_session_options *options, int32_t profile);
  octavo_status (*session_create)(
      const octavo_model *model, const octavo_session_options *options, octavo_session **out);
  void (*session_destroy)(octavo_session *session);
  octavo_status (*session_run)(
      octavo_session *session, const octavo_tensor_view *inputs, size_t input_count, octavo_tensor_view *outputs,
      size_t output_count, const octavo_cancel *cancel);
  octavo_status (*session_prepare)(
      octavo_session *session, const octavo_tensor_view *inputs, size_t input_count, octavo_tensor_view *outputs,
      size_t output_count);
  octavo_status (*session_output_shape)(
      const octavo_session *session, size_t index, int64_t *dims, size_t capacity, int32_t *out_rank);
  octavo_status (*session_cpu_target)(const octavo_session *session, const char **out_target);
  octavo_status (*session_profile_html)(const octavo_session *session, octavo_buffer **out);
  octavo_status (*session_profile_json)(const octavo_session *session, octavo_buffer **out);
  octavo_status (*report_options_create)(octavo_report_options **out);
  void (*report_options_destroy)(octavo_report_options *options);
  octavo_status (*report_options_set_threads)(octavo_report_options *options, int32_t threads);
  octavo_status (*report_options_set_cpu_target)(octavo_report_options *options, const char *target);
  octavo_status (*report_create)(
      const octavo_model *float_model, const octavo_model *quantized_model, const octavo_report_options *options,
      octavo_report **out);
  octavo_status (*report_collect)(
      octavo_report *report, const octavo_tensor_view *inputs, size_t count, const octavo_cancel *cancel);
  octavo_status (*report_json)(const octavo_report *report, octavo_buffer **out);
  octavo_status (*report_html)(const octavo_report *report, octavo_buffer **out);
  void (*report_destroy)(octavo_report *report);
  octavo_status (*tensor_choose_scale)(
      octavo_context *context, const octavo_tensor_view *x, int32_t axis, int32_t symmetric, octavo_tensor_view *scale,
      octavo_tensor_view *zero_point);
  octavo_status (*tensor_quantize)(
      octavo_context *context, const octavo_tensor_view *x, const octavo_tensor_view *scale,
      const octavo_tensor_view *zero_point, int32_t axis, octavo_tensor_view *y);
  octavo_status (*tensor_dequantize)(
      octavo_context *context, const octavo_tensor_view *x, const octavo_tensor_view *scale,
      const octavo_tensor_view *zero_point, int32_t axis, octavo_tensor_view *y);
  octavo_status (*tensor_fake_quantize)(
      octavo_context *context, const octavo_tensor_view *x, const octavo_tensor_view *scale,
      const octavo_tensor_view *zero_point, int32_t dtype, int32_t axis, octavo_tensor_view *y);
  octavo_status (*tensor_matmul)(
      octavo_context *context, const octavo_tensor_view *a, const octavo_tensor_view *a_scale,
      const octavo_tensor_view *a_zero_point, const octavo_tensor_view *b, const octavo_tensor_view *b_scale,
      const octavo_tensor_view *b_zero_point, const octavo_tensor_view *y_scale, const octavo_tensor_view *y_zero_point,
      octavo_tensor_view *y);
} octavo_loader;

/* Fills the table from resolve. 0: done. Else the number of functions that are missing; loader->error names the first. */
static inline int octavo_loader_load(octavo_loader *loader, octavo_loader_resolver resolve, void *user_data) {
  int missing = 0;
  void *address;
  loader->error[0] = '\0';
#define OCTAVO_LOADER_GET(member)                                                                     \
  address = resolve(user_data, "octavo_" #member);                                                    \
  memcpy((void *)&loader->member, (void *)&address, sizeof(address));                                 \
  if (!address && missing++ == 0) snprintf(loader->error, sizeof(loader->error), "octavo_%s is missing", #member)
  OCTAVO_LOADER_GET(last_error);
  OCTAVO_LOADER_GET(status_name);
  OCTAVO_LOADER_GET(version_string);
  OCTAVO_LOADER_GET(abi_version);
  OCTAVO_LOADER_GET(cpu_target);
  OCTAVO_LOADER_GET(cpu_target_count);
  OCTAVO_LOADER_GET(cpu_target_name);
  OCTAVO_LOADER_GET(dtype_name);
  OCTAVO_LOADER_GET(dtype_bits);
  OCTAVO_LOADER_GET(buffer_data);
  OCTAVO_LOADER_GET(buffer_size);
  OCTAVO_LOADER_GET(buffer_destroy);
  OCTAVO_LOADER_GET(cancel_create);
  OCTAVO_LOADER_GET(cancel_request);
  OCTAVO_LOADER_GET(cancel_reset);
  OCTAVO_LOADER_GET(cancel_requested);
  OCTAVO_LOADER_GET(cancel_destroy);
  OCTAVO_LOADER_GET(context_options_create);
  OCTAVO_LOADER_GET(context_options_destroy);
  OCTAVO_LOADER_GET(context_options_set_threads);
  OCTAVO_LOADER_GET(context_options_set_memory_limit);
  OCTAVO_LOADER_GET(context_options_set_file_limit);
  OCTAVO_LOADER_GET(context_options_set_fold_limit);
  OCTAVO_LOADER_GET(context_options_set_node_limit);
  OCTAVO_LOADER_GET(context_options_set_string_limit);
  OCTAVO_LOADER_GET(context_options_set_allocator);
  OCTAVO_LOADER_GET(context_options_set_parallel);
  OCTAVO_LOADER_GET(context_options_set_log);
  OCTAVO_LOADER_GET(context_create);
  OCTAVO_LOADER_GET(context_destroy);
  OCTAVO_LOADER_GET(context_memory);
  OCTAVO_LOADER_GET(load_options_create);
  OCTAVO_LOADER_GET(load_options_destroy);
  OCTAVO_LOADER_GET(load_options_set_input_shape);
  OCTAVO_LOADER_GET(load_options_set_borrow);
  OCTAVO_LOADER_GET(model_load);
  OCTAVO_LOADER_GET(model_load_memory);
  OCTAVO_LOADER_GET(model_destroy);
  OCTAVO_LOADER_GET(save_options_create);
  OCTAVO_LOADER_GET(save_options_destroy);
  OCTAVO_LOADER_GET(save_options_set_external_data);
  OCTAVO_LOADER_GET(model_save);
  OCTAVO_LOADER_GET(model_save_memory);
  OCTAVO_LOADER_GET(model_input_count);
  OCTAVO_LOADER_GET(model_input_name);
  OCTAVO_LOADER_GET(model_input_dtype);
  OCTAVO_LOADER_GET(model_input_shape);
  OCTAVO_LOADER_GET(model_output_count);
  OCTAVO_LOADER_GET(model_output_name);
  OCTAVO_LOADER_GET(model_output_dtype);
  OCTAVO_LOADER_GET(model_output_shape);
  OCTAVO_LOADER_GET(model_is_quantized);
  OCTAVO_LOADER_GET(model_metadata_count);
  OCTAVO_LOADER_GET(model_metadata_at);
  OCTAVO_LOADER_GET(model_metadata_get);
  OCTAVO_LOADER_GET(model_describe_json);
  OCTAVO_LOADER_GET(calibrator_options_create);
  OCTAVO_LOADER_GET(calibrator_options_destroy);
  OCTAVO_LOADER_GET(calibrator_options_set_threads);
  OCTAVO_LOADER_GET(calibrator_options_set_cpu_target);
  OCTAVO_LOADER_GET(calibrator_options_set_observer);
  OCTAVO_LOADER_GET(calibrator_create);
  OCTAVO_LOADER_GET(calibrator_collect);
  OCTAVO_LOADER_GET(calibrator_finish);
  OCTAVO_LOADER_GET(calibrator_destroy);
  OCTAVO_LOADER_GET(statistics_load);
  OCTAVO_LOADER_GET(statistics_load_memory);
  OCTAVO_LOADER_GET(statistics_save);
  OCTAVO_LOADER_GET(statistics_save_memory);
  OCTAVO_LOADER_GET(statistics_merge);
  OCTAVO_LOADER_GET(statistics_samples);
  OCTAVO_LOADER_GET(statistics_json);
  OCTAVO_LOADER_GET(statistics_destroy);
  OCTAVO_LOADER_GET(recipe_create);
  OCTAVO_LOADER_GET(recipe_parse);
  OCTAVO_LOADER_GET(recipe_json);
  OCTAVO_LOADER_GET(recipe_set_observer);
  OCTAVO_LOADER_GET(recipe_set_per_channel);
  OCTAVO_LOADER_GET(recipe_set_weight_blocks);
  OCTAVO_LOADER_GET(recipe_keep_float);
  OCTAVO_LOADER_GET(recipe_observe);
  OCTAVO_LOADER_GET(recipe_destroy);
  OCTAVO_LOADER_GET(model_quantize);
  OCTAVO_LOADER_GET(quantize_options_create);
  OCTAVO_LOADER_GET(quantize_options_destroy);
  OCTAVO_LOADER_GET(quantize_options_set_progress);
  OCTAVO_LOADER_GET(quantize_options_set_cancel);
  OCTAVO_LOADER_GET(quantize_options_set_observer);
  OCTAVO_LOADER_GET(model_quantize_with);
  OCTAVO_LOADER_GET(convert_options_create);
  OCTAVO_LOADER_GET(convert_options_destroy);
  OCTAVO_LOADER_GET(convert_options_set_form);
  OCTAVO_LOADER_GET(model_convert);
  OCTAVO_LOADER_GET(session_options_create);
  OCTAVO_LOADER_GET(session_options_destroy);
  OCTAVO_LOADER_GET(session_options_set_threads);
  OCTAVO_LOADER_GET(session_options_set_cpu_target);
  OCTAVO_LOADER_GET(session_options_set_profile);
  OCTAVO_LOADER_GET(session_create);
  OCTAVO_LOADER_GET(session_destroy);
  OCTAVO_LOADER_GET(session_run);
  OCTAVO_LOADER_GET(session_prepare);
  OCTAVO_LOADER_GET(session_output_shape);
  OCTAVO_LOADER_GET(session_cpu_target);
  OCTAVO_LOADER_GET(session_profile_html);
  OCTAVO_LOADER_GET(session_profile_json);
  OCTAVO_LOADER_GET(report_options_create);
  OCTAVO_LOADER_GET(report_options_destroy);
  OCTAVO_LOADER_GET(report_options_set_threads);
  OCTAVO_LOADER_GET(report_options_set_cpu_target);
  OCTAVO_LOADER_GET(report_create);
  OCTAVO_LOADER_GET(report_collect);
  OCTAVO_LOADER_GET(report_json);
  OCTAVO_LOADER_GET(report_html);
  OCTAVO_LOADER_GET(report_destroy);
  OCTAVO_LOADER_GET(tensor_choose_scale);
  OCTAVO_LOADER_GET(tensor_quantize);
  OCTAVO_LOADER_GET(tensor_dequantize);
  OCTAVO_LOADER_GET(tensor_fake_quantize);
  OCTAVO_LOADER_GET(tensor_matmul);
#undef OCTAVO_LOADER_GET
  return missing;
}

static inline void *octavo_loader_symbol(void *library, const char *name) {
#ifdef _WIN32
  FARPROC found = GetProcAddress((HMODULE)library, name);
  void *address;
  memcpy((void *)&address, (void *)&found, sizeof(address));
  return address;
#else
  return dlsym(library, name);
#endif
}

static inline void octavo_loader_close(octavo_loader *loader) {
#ifdef _WIN32
  if (loader->library) FreeLibrary((HMODULE)loader->library);
#else
  if (loader->library) dlclose(loader->library);
#endif
  memset(loader, 0, sizeof(*loader));
}

/* Opens the library (path NULL: by its usual names, the one of this ABI first) and fills the table. 0: done. */
static inline int octavo_loader_open(octavo_loader *loader, const char *path) {
  memset(loader, 0, sizeof(*loader));
#ifdef _WIN32
  loader->library = (void *)LoadLibraryA(path ? path : "octavo.dll");
#elif defined(__APPLE__)
  loader->library = dlopen(path ? path : "liboctavo.0.dylib", RTLD_NOW | RTLD_LOCAL);
  if (!loader->library && !path) loader->library = dlopen("liboctavo.dylib", RTLD_NOW | RTLD_LOCAL);
#else
  loader->library = dlopen(path ? path : "liboctavo.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!loader->library && !path) loader->library = dlopen("liboctavo.so", RTLD_NOW | RTLD_LOCAL);
#endif
  if (!loader->library) {
#ifdef _WIN32
    snprintf(loader->error, sizeof(loader->error), "%s: not found", path ? path : "octavo.dll");
#else
    const char *why = dlerror();
    snprintf(loader->error, sizeof(loader->error), "%s", why ? why : "the library was not found");
#endif
    return -1;
  }
  if (octavo_loader_load(loader, octavo_loader_symbol, loader->library) != 0) {
    char error[sizeof(loader->error)];
    memcpy(error, loader->error, sizeof(error));
    octavo_loader_close(loader);
    memcpy(loader->error, error, sizeof(error));
    return -2;
  }
  return 0;
}

#ifdef __cplusplus
}
#endif

#endif /* OCTAVO_LOADER_H */
