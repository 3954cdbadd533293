/* Octavo: ONNX in, INT8 out, the same bytes on every CPU, from any language.
 *
 * This header is the whole library. Sections go from what everyone needs to what experts need:
 *
 *    1  Status and errors              8  Recipe: what to do to which node
 *    2  Version and machine            9  Quantize and convert
 *    3  Element types and views       10  Session: run a model
 *    4  Buffer, cancel                11  Report: what quantization cost
 *    5  Context                       12  Single tensors
 *    6  Model
 *    7  Calibrator and statistics
 *
 * The shortest use, errors left out:
 *
 *    octavo_context_create(NULL, &ctx);
 *    octavo_model_load(ctx, "net.onnx", NULL, &f32);
 *    octavo_calibrator_create(f32, NULL, &cal);
 *    for (each sample) octavo_calibrator_collect(cal, inputs, 1, NULL);
 *    octavo_calibrator_finish(cal, &stats);
 *    octavo_model_quantize(f32, stats, NULL, &int8);
 *    octavo_model_save(int8, "net.int8.onnx", NULL);
 *    octavo_session_create(int8, NULL, &run);
 *    octavo_session_run(run, inputs, 1, outputs, 1, NULL);
 *
 * Rules that hold for every function unless its comment says otherwise
 *
 *  - Success and failure. Functions that can fail return octavo_status, 0 for success. On failure no output parameter
 *    is touched, nothing needs cleaning up, and octavo_last_error() tells why. The library never prints, aborts, exits,
 *    reads the environment, installs signal handlers or lets an exception out.
 *  - Ownership. What a function delivers through its last parameter `T **out` is the caller's, who hands it back to
 *    octavo_T_destroy. Every destroy function accepts NULL. Objects keep alive what they are made from: destroy them in
 *    any order. A `const char **` or `const void *` result is borrowed: it lives as long as the object it came from.
 *  - Memory that the caller passes in is read or written during the call and not afterwards.
 *  - Text is UTF-8 and ends with a zero byte. Sizes are bytes (size_t), dimensions int64_t, indices from 0.
 *    Flags and choices are int32_t: the named enumerators below are the values, functions never take or return an enum.
 *  - Options. `const octavo_T_options *` may be NULL: defaults. Options are copied by the function that takes them.
 *  - Threads. octavo_model and octavo_context are safe to use from any number of threads at once. Everything else
 *    belongs to one thread at a time; different objects are independent. Any thread may destroy any object, once no
 *    other thread uses it. Callbacks are called on the calling thread only, unless their comment says otherwise.
 *  - Arguments. NULL where a pointer is needed, an object of another kind, an index out of range, a negative size:
 *    OCTAVO_INVALID_ARGUMENT with a message that names it. A destroyed object must not be used.
 *  - Determinism. The same model, statistics and recipe give the same bytes on every machine. Integer results of
 *    running a model are the same bytes on every instruction set and for every number of threads.
 *
 * Stability. Within one value of octavo_abi_version(): no function is removed, no signature changes, no status value
 * changes or is reused, no field of octavo_tensor_view moves. Functions and enumerators are only added; `Since` tells
 * when. Files are versioned apart: models are ONNX, statistics written by any release stay readable.
 *
 * Each function's comment ends with the release it appeared in.
 */
#ifndef OCTAVO_H_
#define OCTAVO_H_

#include <stddef.h>
#include <stdint.h>

/* Define OCTAVO_STATIC when linking the static library. Tools that parse this header may define OCTAVO_API empty. */
#ifndef OCTAVO_API
#if defined(OCTAVO_STATIC)
#define OCTAVO_API
#elif defined(_WIN32) && defined(OCTAVO_BUILDING)
#define OCTAVO_API __declspec(dllexport)
#elif defined(_WIN32)
#define OCTAVO_API __declspec(dllimport)
#elif defined(__GNUC__)
#define OCTAVO_API __attribute__((visibility("default")))
#else
#define OCTAVO_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The release this header belongs to; octavo_version_string() is the one that runs. */
#define OCTAVO_VERSION "0.1.0"
/* The binary interface this header belongs to; octavo_abi_version() is the one that runs. */
#define OCTAVO_ABI_VERSION 0

/* ================================================================================================================
 * 1  Status and errors
 * ================================================================================================================ */

/* What a call came to: 0 or one of octavo_status_code. The type is used for nothing else. */
typedef int32_t octavo_status;

/* 1..63 the caller's mistake, 64..127 the data's, 128..191 the machine's, 192..255 the caller's own wish. New values
 * may appear in these ranges: treat an unknown one by its range. */
enum octavo_status_code {
  OCTAVO_OK = 0,
  OCTAVO_INVALID_ARGUMENT = 1, /* a parameter is wrong: null, dtype, shape, range */
  OCTAVO_INVALID_STATE = 2,    /* the object cannot do this now */
  OCTAVO_NOT_FOUND = 3,        /* no such name, key or target */
  OCTAVO_INVALID_MODEL = 64,   /* malformed or contradictory model file */
  OCTAVO_UNSUPPORTED = 65,     /* well formed, but not something this library does */
  OCTAVO_INVALID_DATA = 66,    /* malformed statistics or recipe */
  OCTAVO_OUT_OF_MEMORY = 128,
  OCTAVO_IO = 129,       /* a file could not be opened, read or written */
  OCTAVO_LIMIT = 130,    /* a limit of the context would be exceeded */
  OCTAVO_INTERNAL = 131, /* a bug of this library: please report it */
  OCTAVO_FORKED = 132,   /* the object was inherited through fork() */
  OCTAVO_CANCELLED = 192 /* an octavo_cancel was requested, or a callback asked to stop */
};

/* Why the last failing call of this thread failed, in one line of at most 1023 bytes: what, where (file, node,
 * argument), found and allowed values. "" if none failed yet. Successful calls leave it alone. The memory belongs to
 * the thread and is overwritten by its next failing call: copy it. Call it right after the failing call, on the same
 * thread. Since 0.1. */
OCTAVO_API const char *octavo_last_error(void);

/* "OCTAVO_INVALID_MODEL" and so on; "OCTAVO_UNKNOWN" for values this library does not know. Static. Since 0.1. */
OCTAVO_API const char *octavo_status_name(octavo_status status);

/* ================================================================================================================
 * 2  Version and machine
 * ================================================================================================================ */

/* "0.1.0". Static. Since 0.1. */
OCTAVO_API const char *octavo_version_string(void);

/* The number in the shared library's name (liboctavo.so.N). A program works with the library it finds if this equals
 * the OCTAVO_ABI_VERSION it was compiled with. Since 0.1. */
OCTAVO_API int32_t octavo_abi_version(void);

/* The instruction set that sessions use by default here: "avx3_dl", "avx2", "neon", ... Static. Since 0.1. */
OCTAVO_API const char *octavo_cpu_target(void);

/* How many instruction sets sessions can be asked for on this machine, at least 1. Since 0.1. */
OCTAVO_API size_t octavo_cpu_target_count(void);

/* Their names, best first; the last one is always "reference": the scalar definition of the arithmetic, slow and the
 * same bytes. NULL if index is out of range. Static. Since 0.1. */
OCTAVO_API const char *octavo_cpu_target_name(size_t index);

/* ================================================================================================================
 * 3  Element types and views
 * ================================================================================================================ */

/* Element types; the numbers are those of ONNX's TensorProto.DataType. */
enum octavo_dtype {
  OCTAVO_UNDEFINED = 0,
  OCTAVO_FLOAT32 = 1,
  OCTAVO_UINT8 = 2,
  OCTAVO_INT8 = 3,
  OCTAVO_UINT16 = 4,
  OCTAVO_INT16 = 5,
  OCTAVO_INT32 = 6,
  OCTAVO_INT64 = 7,
  OCTAVO_BOOL = 9, /* one byte: 0 or 1 */
  OCTAVO_FLOAT16 = 10,
  OCTAVO_FLOAT64 = 11,
  OCTAVO_UINT32 = 12,
  OCTAVO_UINT64 = 13,
  OCTAVO_BFLOAT16 = 16,
  OCTAVO_UINT4 = 21, /* two a byte, the first in the low half */
  OCTAVO_INT4 = 22
};

/* "float32", "uint8", ...; "undefined" for anything else. Static. Since 0.1. */
OCTAVO_API const char *octavo_dtype_name(int32_t dtype);

/* Bits of one element: 32 for OCTAVO_FLOAT32, 4 for OCTAVO_INT4; 0 for anything unknown. Since 0.1. */
OCTAVO_API size_t octavo_dtype_bits(int32_t dtype);

/* No tensor has more dimensions. */
#define OCTAVO_MAX_RANK 8

/* A tensor in somebody's memory: how data crosses this interface. The one public struct; later releases may add fields
 * at its end, which is what struct_size is for: set it to sizeof(octavo_tensor_view), in every element of an array.
 * Zero the rest before filling it.
 *
 * As an input: all fields are read, nothing is written. data may be NULL only if bytes is 0. Any alignment will do.
 *
 * As an output: data NULL asks for memory of the library (each function tells how long it lives); data not NULL is the
 * caller's memory of `bytes` bytes, which receives the result. Then dtype must be that of the result or 0; dims, if not
 * NULL, must be the shape of the result; strides must be NULL. On return dtype, rank, dims, data and bytes describe the
 * result; dims then points to memory that lives as long as data asked from the library would. */
typedef struct octavo_tensor_view {
  uint32_t struct_size;   /* sizeof(octavo_tensor_view) */
  int32_t dtype;          /* enum octavo_dtype */
  int32_t rank;           /* 0..OCTAVO_MAX_RANK; 0 is a scalar */
  uint32_t flags;         /* 0 */
  void *data;             /* first element */
  size_t bytes;           /* of the memory at data; for an input without strides exactly what dims and dtype need */
  const int64_t *dims;    /* [rank]; may be NULL if rank is 0 */
  const int64_t *strides; /* [rank], in elements, may be negative; NULL: dense, last dimension adjacent */
} octavo_tensor_view;

/* octavo_tensor_view x = OCTAVO_TENSOR_VIEW(OCTAVO_FLOAT32, image, sizeof(image), dims, 4); */
#define OCTAVO_TENSOR_VIEW(dtype, data, bytes, dims, rank) \
  { (uint32_t)sizeof(octavo_tensor_view), (dtype), (rank), 0, (data), (bytes), (dims), NULL }
/* octavo_tensor_view y = OCTAVO_TENSOR_VIEW_INIT; */
#define OCTAVO_TENSOR_VIEW_INIT \
  { (uint32_t)sizeof(octavo_tensor_view), 0, 0, 0, NULL, 0, NULL, NULL }

/* ================================================================================================================
 * 4  Buffer, cancel
 * ================================================================================================================ */

/* Bytes made by the library: a model, statistics, JSON, HTML. Immutable. */
typedef struct octavo_buffer octavo_buffer;

/* The bytes; one zero byte follows the last, so that text can be used as a C string. NULL for NULL. Since 0.1. */
OCTAVO_API const void *octavo_buffer_data(const octavo_buffer *buffer);

/* How many, without the zero byte. 0 for NULL. Since 0.1. */
OCTAVO_API size_t octavo_buffer_size(const octavo_buffer *buffer);

/* Since 0.1. */
OCTAVO_API void octavo_buffer_destroy(octavo_buffer *buffer);

/* A flag that stops long work: the call that was given it returns OCTAVO_CANCELLED soon. May be used from any number of
 * threads at once, and from a signal handler. Must outlive the calls it was given to. */
typedef struct octavo_cancel octavo_cancel;

/* Since 0.1. */
OCTAVO_API octavo_status octavo_cancel_create(octavo_cancel **out);

/* Raises the flag. It stays raised until it is reset. NULL: nothing happens. Since 0.1. */
OCTAVO_API void octavo_cancel_request(octavo_cancel *cancel);

/* Lowers the flag, so that the object can be used again. NULL: nothing happens. Since 0.1. */
OCTAVO_API void octavo_cancel_reset(octavo_cancel *cancel);

/* 1 if the flag is raised, else 0. 0 for NULL. Since 0.1. */
OCTAVO_API int32_t octavo_cancel_requested(const octavo_cancel *cancel);

/* Since 0.1. */
OCTAVO_API void octavo_cancel_destroy(octavo_cancel *cancel);

/* ================================================================================================================
 * 5  Context: threads, allocator, limits, log
 * ================================================================================================================ */

/* What everything else is made in. One per process is usual; several are independent. Immutable after creation. */
typedef struct octavo_context octavo_context;
/* What a context is made with. */
typedef struct octavo_context_options octavo_context_options;

/* All defaults. Since 0.1. */
OCTAVO_API octavo_status octavo_context_options_create(octavo_context_options **out);

/* Since 0.1. */
OCTAVO_API void octavo_context_options_destroy(octavo_context_options *options);

/* Threads of sessions and calibrators that do not say otherwise, the calling one included. 0, the default: one for each
 * processor this process may use. At most 1024. Since 0.1. */
OCTAVO_API octavo_status octavo_context_options_set_threads(octavo_context_options *options, int32_t threads);

/* Limits: what a model file or an input may make the library do. Exceeding one is OCTAVO_LIMIT with a message that
 * names it. Each is at least 1. */

/* Live bytes of all tensors, weights and scratch of the context. Default: none. Since 0.1. */
OCTAVO_API octavo_status octavo_context_options_set_memory_limit(octavo_context_options *options, int64_t bytes);

/* Bytes of a model file, and of each external data file. Default: 1 TiB. Since 0.1. */
OCTAVO_API octavo_status octavo_context_options_set_file_limit(octavo_context_options *options, int64_t bytes);

/* Bytes of all constants that simplifying one model makes. Default: 64 MiB. Since 0.1. */
OCTAVO_API octavo_status octavo_context_options_set_fold_limit(octavo_context_options *options, int64_t bytes);

/* Nodes of a model. Default: 1 000 000. Since 0.1. */
OCTAVO_API octavo_status octavo_context_options_set_node_limit(octavo_context_options *options, int64_t nodes);

/* Bytes of a name in a model. Default: 65 536. Since 0.1. */
OCTAVO_API octavo_status octavo_context_options_set_string_limit(octavo_context_options *options, int64_t bytes);

/* Returns `bytes` bytes (more than 0) aligned to `alignment`, a power of two, or NULL. May be called from any thread.
 */
typedef void *(*octavo_allocate_callback)(size_t bytes, size_t alignment, void *user_data);
/* Takes back what the other returned. May be called from any thread. */
typedef void (*octavo_release_callback)(void *pointer, void *user_data);

/* Where tensors, weights and scratch come from; names and lists come from the C++ heap all the same. Both NULL, the
 * default: the C library. The callbacks must live as long as any object of the context. Since 0.1. */
OCTAVO_API octavo_status octavo_context_options_set_allocator(octavo_context_options *options,
                                                              octavo_allocate_callback allocate,
                                                              octavo_release_callback release, void *user_data);

/* One piece of parallel work, for octavo_parallel_callback to call. */
typedef void (*octavo_parallel_body)(void *body_data, size_t index);
/* Calls body(body_data, i) once for each i in [0, count), from any threads, and returns when all have returned. */
typedef void (*octavo_parallel_callback)(octavo_parallel_body body, void *body_data, size_t count, void *user_data);

/* Lends the host's own threads: sessions then start none. `threads` still says into how many pieces work is cut. NULL,
 * the default: own threads. Called on the thread that runs a session; several sessions may call it at once. Since 0.1.
 */
OCTAVO_API octavo_status octavo_context_options_set_parallel(octavo_context_options *options,
                                                             octavo_parallel_callback parallel, void *user_data);

/* What a message is worth. */
enum octavo_log_level { OCTAVO_LOG_WARNING = 1, OCTAVO_LOG_INFO = 2, OCTAVO_LOG_DEBUG = 3 };

/* `message` is one line without a line end, valid during the call. Called on the thread that called the library,
 * possibly from several at once. Must not call the library. */
typedef void (*octavo_log_callback)(int32_t level, const char *message, void *user_data);

/* Tells what the library does: messages up to `level`. NULL, the default: nobody is told. Since 0.1. */
OCTAVO_API octavo_status octavo_context_options_set_log(octavo_context_options *options, int32_t level,
                                                        octavo_log_callback log, void *user_data);

/* Since 0.1. */
OCTAVO_API octavo_status octavo_context_create(const octavo_context_options *options, octavo_context **out);

/* Objects made in the context stay usable. Since 0.1. */
OCTAVO_API void octavo_context_destroy(octavo_context *context);

/* Bytes of tensors, weights and scratch that live now, and the most that ever lived. Either may be NULL. Since 0.1. */
OCTAVO_API octavo_status octavo_context_memory(const octavo_context *context, int64_t *out_live, int64_t *out_peak);

/* ================================================================================================================
 * 6  Model: immutable, float or INT8
 * ================================================================================================================ */

/* A network, checked whole when it was loaded. May be used by any number of threads at once. */
typedef struct octavo_model octavo_model;
/* How octavo_model_load reads. */
typedef struct octavo_load_options octavo_load_options;
/* How octavo_model_save writes. */
typedef struct octavo_save_options octavo_save_options;

/* Since 0.1. */
OCTAVO_API octavo_status octavo_load_options_create(octavo_load_options **out);

/* Since 0.1. */
OCTAVO_API void octavo_load_options_destroy(octavo_load_options *options);

/* Makes the input `name` (NULL: the only one) of shape dims[rank], all 0 or more, where the file leaves dimensions
 * open. The file's fixed dimensions must agree. May be called once for each input. Since 0.1. */
OCTAVO_API octavo_status octavo_load_options_set_input_shape(octavo_load_options *options, const char *name,
                                                             const int64_t *dims, size_t rank);

/* 1: octavo_model_load_memory does not copy; the bytes must stay unchanged until the model and everything made from it
 * are destroyed. 0, the default: weights are copied. Since 0.1. */
OCTAVO_API octavo_status octavo_load_options_set_borrow(octavo_load_options *options, int32_t borrow);

/* Reads an ONNX file and the external data files it names, which must lie beneath its folder. Weights are mapped, not
 * copied: the files may be replaced (renamed over) meanwhile, but not be written to or cut short.
 * Errors: OCTAVO_IO, OCTAVO_INVALID_MODEL, OCTAVO_UNSUPPORTED, OCTAVO_LIMIT. Since 0.1. */
OCTAVO_API octavo_status octavo_model_load(octavo_context *context, const char *path,
                                           const octavo_load_options *options, octavo_model **out);

/* The same from memory. External data is refused. Since 0.1. */
OCTAVO_API octavo_status octavo_model_load_memory(octavo_context *context, const void *data, size_t size,
                                                  const octavo_load_options *options, octavo_model **out);

/* Since 0.1. */
OCTAVO_API void octavo_model_destroy(octavo_model *model);

/* Since 0.1. */
OCTAVO_API octavo_status octavo_save_options_create(octavo_save_options **out);

/* Since 0.1. */
OCTAVO_API void octavo_save_options_destroy(octavo_save_options *options);

/* 1: octavo_model_save puts weights of 1 KiB and more into `path` + ".data". 0, the default: only where the model would
 * pass 2 GiB, which is all that one ONNX file can hold. Since 0.1. */
OCTAVO_API octavo_status octavo_save_options_set_external_data(octavo_save_options *options, int32_t external_data);

/* Writes the model as ONNX. The file is replaced whole or not at all, also when the machine stops meanwhile; saving
 * over the file the model was loaded from is fine. Errors: OCTAVO_IO. Since 0.1. */
OCTAVO_API octavo_status octavo_model_save(const octavo_model *model, const char *path,
                                           const octavo_save_options *options);

/* The same to memory. Errors: OCTAVO_LIMIT if it would pass 2 GiB. Since 0.1. */
OCTAVO_API octavo_status octavo_model_save_memory(const octavo_model *model, const octavo_save_options *options,
                                                  octavo_buffer **out);

/* Inputs the caller gives, in the order octavo_session_run and octavo_calibrator_collect take them. Since 0.1. */
OCTAVO_API octavo_status octavo_model_input_count(const octavo_model *model, size_t *out_count);

/* Borrowed from the model. Since 0.1. */
OCTAVO_API octavo_status octavo_model_input_name(const octavo_model *model, size_t index, const char **out_name);

/* enum octavo_dtype. Since 0.1. */
OCTAVO_API octavo_status octavo_model_input_dtype(const octavo_model *model, size_t index, int32_t *out_dtype);

/* Writes the dimensions to dims[0..rank), -1 for one that is open until the model runs, and rank to *out_rank; rank -1
 * says that not even the rank is known. capacity is the room at dims: OCTAVO_MAX_RANK is always enough; 0 asks for the
 * rank alone. Since 0.1. */
OCTAVO_API octavo_status octavo_model_input_shape(const octavo_model *model, size_t index, int64_t *dims,
                                                  size_t capacity, int32_t *out_rank);

/* The same of outputs. Since 0.1. */
OCTAVO_API octavo_status octavo_model_output_count(const octavo_model *model, size_t *out_count);

/* Since 0.1. */
OCTAVO_API octavo_status octavo_model_output_name(const octavo_model *model, size_t index, const char **out_name);

/* Since 0.1. */
OCTAVO_API octavo_status octavo_model_output_dtype(const octavo_model *model, size_t index, int32_t *out_dtype);

/* Since 0.1. */
OCTAVO_API octavo_status octavo_model_output_shape(const octavo_model *model, size_t index, int64_t *dims,
                                                   size_t capacity, int32_t *out_rank);

/* *out is 1 if the model carries quantization of any kind: Q/DQ, QOperator, dynamic, weight-only; else 0. Since
 * 0.1. */
OCTAVO_API octavo_status octavo_model_is_quantized(const octavo_model *model, int32_t *out);

/* The model's own key-value pairs (ONNX metadata_props), in file order. Since 0.1. */
OCTAVO_API octavo_status octavo_model_metadata_count(const octavo_model *model, size_t *out_count);

/* Both borrowed from the model; either may be NULL. Since 0.1. */
OCTAVO_API octavo_status octavo_model_metadata_at(const octavo_model *model, size_t index, const char **out_key,
                                                  const char **out_value);

/* The value of a key, borrowed; OCTAVO_NOT_FOUND if there is none. "octavo.recipe", "octavo.statistics" (digest) and
 * "octavo.decisions" (JSON) are those of octavo_model_quantize. Since 0.1. */
OCTAVO_API octavo_status octavo_model_metadata_get(const octavo_model *model, const char *key, const char **out_value);

/* Everything worth knowing, as one JSON object:
 *   "name", "producer", "ir_version", "opset", "quantized" (bool), "scheme" (or null), "digest", "bytes" (of the model
 * as ONNX file), "parameters" (elements of weights), "parameter_bytes", "macs" (open dimensions counted as 1),
 *   "inputs", "outputs": [{"name", "dtype", "shape" (null if unknown; [..] with null where open)}],
 *   "operators": {op: count}, "int8_nodes", "float_nodes",
 *   "nodes": [{"name", "op", "precision", "reason", "sentence", "macs", "shape"}], "metadata": {..}
 * precision is "int8", "float32", ...; for a float model it is what a static recipe would make of the node. reason is
 * null for "int8", else a code with the sentence that explains it. Since 0.1. */
OCTAVO_API octavo_status octavo_model_describe_json(const octavo_model *model, octavo_buffer **out);

/* ================================================================================================================
 * 7  Calibrator and statistics: what the values of a float model look like
 * ================================================================================================================ */

/* Runs a float model on representative inputs and counts. One thread at a time. */
typedef struct octavo_calibrator octavo_calibrator;
/* How a calibrator runs. */
typedef struct octavo_calibrator_options octavo_calibrator_options;
/* What was counted: of fixed size, mergeable, savable, useful without the data. It serves every observer but
 * "moving_average", so one calibration is enough to try them all. One thread at a time; reading from several at once is
 * fine. */
typedef struct octavo_statistics octavo_statistics;

/* Since 0.1. */
OCTAVO_API octavo_status octavo_calibrator_options_create(octavo_calibrator_options **out);

/* Since 0.1. */
OCTAVO_API void octavo_calibrator_options_destroy(octavo_calibrator_options *options);

/* Default: the context's. Since 0.1. */
OCTAVO_API octavo_status octavo_calibrator_options_set_threads(octavo_calibrator_options *options, int32_t threads);

/* Default: octavo_cpu_target(). OCTAVO_NOT_FOUND if this machine has no such target. Since 0.1. */
OCTAVO_API octavo_status octavo_calibrator_options_set_cpu_target(octavo_calibrator_options *options,
                                                                  const char *target);

/* The observer that octavo_model_quantize uses when it gets these statistics and no recipe: "min_max",
 * "moving_average", "histogram" (the default), "percentile", "entropy" or "mse". percentile counts for "percentile"
 * only, in (50, 100]; 0 means 99.99. The statistics serve every observer but "moving_average", which depends on the
 * order of batches and must be asked for here. The choice itself is not saved with them: recipes are where observers
 * are chosen for good. Since 0.1. */
OCTAVO_API octavo_status octavo_calibrator_options_set_observer(octavo_calibrator_options *options,
                                                                const char *observer, double percentile);

/* `model` must be a float model. Errors: OCTAVO_INVALID_STATE if it is quantized already. Since 0.1. */
OCTAVO_API octavo_status octavo_calibrator_create(const octavo_model *model, const octavo_calibrator_options *options,
                                                  octavo_calibrator **out);

/* Runs the model once. inputs[count]: one view for each input of the model, in its order. Batches of any size; open
 * dimensions may differ from call to call. On any error nothing of this call is counted. cancel may be NULL. Since 0.1.
 */
OCTAVO_API octavo_status octavo_calibrator_collect(octavo_calibrator *calibrator, const octavo_tensor_view *inputs,
                                                   size_t count, const octavo_cancel *cancel);

/* What was counted so far; the calibrator may go on afterwards. Errors: OCTAVO_INVALID_STATE if nothing was collected,
 * OCTAVO_INVALID_DATA if a value was never finite (names it). Since 0.1. */
OCTAVO_API octavo_status octavo_calibrator_finish(const octavo_calibrator *calibrator, octavo_statistics **out);

/* Since 0.1. */
OCTAVO_API void octavo_calibrator_destroy(octavo_calibrator *calibrator);

/* Reads what octavo_statistics_save wrote. Errors: OCTAVO_IO, OCTAVO_INVALID_DATA. Since 0.1. */
OCTAVO_API octavo_status octavo_statistics_load(octavo_context *context, const char *path, octavo_statistics **out);

/* The same from memory; copies. Since 0.1. */
OCTAVO_API octavo_status octavo_statistics_load_memory(octavo_context *context, const void *data, size_t size,
                                                       octavo_statistics **out);

/* Replaces the file whole or not at all. The same statistics give the same bytes. Since 0.1. */
OCTAVO_API octavo_status octavo_statistics_save(const octavo_statistics *statistics, const char *path);

/* Since 0.1. */
OCTAVO_API octavo_status octavo_statistics_save_memory(const octavo_statistics *statistics, octavo_buffer **out);

/* Adds `from` to `into`, as if one calibrator had seen both: data can be split over machines. The order does not matter
 * (but for the observer "moving_average"). Errors: OCTAVO_INVALID_ARGUMENT if they are of different models. Since 0.1.
 */
OCTAVO_API octavo_status octavo_statistics_merge(octavo_statistics *into, const octavo_statistics *from);

/* How many samples were collected: the sum of the first input's first dimension. Since 0.1. */
OCTAVO_API octavo_status octavo_statistics_samples(const octavo_statistics *statistics, int64_t *out_samples);

/* A readable form: {"model": digest, "digest", "samples", "values": {name: {"min", "max", "count", "zeros", "nan",
 * "inf"}}}. Since 0.1. */
OCTAVO_API octavo_status octavo_statistics_json(const octavo_statistics *statistics, octavo_buffer **out);

/* Since 0.1. */
OCTAVO_API void octavo_statistics_destroy(octavo_statistics *statistics);

/* ================================================================================================================
 * 8  Recipe: what to do to which node
 * ================================================================================================================ */

/* See docs/recipes.md for the JSON form. Built by one thread; reading from several at once is fine. */
typedef struct octavo_recipe octavo_recipe;

/* What is quantized, and when. */
enum octavo_scheme {
  OCTAVO_STATIC_INT8 = 0,  /* weights and activations, scales fixed by statistics */
  OCTAVO_DYNAMIC_INT8 = 1, /* weights now, scales of activations found at run time */
  OCTAVO_WEIGHT_ONLY = 2   /* weights in blocks, arithmetic in float */
};

/* The defaults of a scheme. Since 0.1. */
OCTAVO_API octavo_status octavo_recipe_create(octavo_context *context, int32_t scheme, octavo_recipe **out);

/* From JSON text of `size` bytes; it need not end with a zero byte. An unknown key, a wrong type or a value out of
 * range is OCTAVO_INVALID_DATA; the message names it and lists what is allowed. Since 0.1. */
OCTAVO_API octavo_status octavo_recipe_parse(octavo_context *context, const char *json, size_t size,
                                             octavo_recipe **out);

/* Everything the recipe says, defaults included, as canonical JSON. Since 0.1. */
OCTAVO_API octavo_status octavo_recipe_json(const octavo_recipe *recipe, octavo_buffer **out);

/* The observer of activations, as in octavo_calibrator_options_set_observer, or "custom": that of
 * octavo_quantize_options_set_observer. Since 0.1. */
OCTAVO_API octavo_status octavo_recipe_set_observer(octavo_recipe *recipe, const char *observer, double percentile);

/* Weights: 1, the default, a scale for each output channel; 0 one for the tensor. Since 0.1. */
OCTAVO_API octavo_status octavo_recipe_set_per_channel(octavo_recipe *recipe, int32_t per_channel);

/* For OCTAVO_WEIGHT_ONLY: 8 (the default) or 4 bits, one scale for block_size weights (default 32). Since 0.1. */
OCTAVO_API octavo_status octavo_recipe_set_weight_blocks(octavo_recipe *recipe, int32_t bits, int64_t block_size);

/* Nodes whose operator and name match keep float arithmetic. Patterns may hold `*` and `?`; NULL matches all. A pattern
 * that matches no node is an error of octavo_model_quantize. Later rules win. Since 0.1. */
OCTAVO_API octavo_status octavo_recipe_keep_float(octavo_recipe *recipe, const char *op, const char *name);

/* The same with an observer of their own. Since 0.1. */
OCTAVO_API octavo_status octavo_recipe_observe(octavo_recipe *recipe, const char *op, const char *name,
                                               const char *observer, double percentile);

/* Since 0.1. */
OCTAVO_API void octavo_recipe_destroy(octavo_recipe *recipe);

/* ================================================================================================================
 * 9  Quantize and convert
 * ================================================================================================================ */

/* float model + statistics + recipe -> INT8 model in ONNX's own operators, which other runtimes run, too. recipe NULL:
 * OCTAVO_STATIC_INT8. statistics may be NULL unless the scheme is static. Nothing is skipped silently: each node that
 * stays float has its reason in octavo_model_describe_json. The float model is not changed.
 * Errors: OCTAVO_INVALID_ARGUMENT if the statistics are of another model or missing; OCTAVO_INVALID_STATE if the model
 * is quantized already; OCTAVO_INVALID_DATA if a rule of the recipe matches nothing. Since 0.1. */
OCTAVO_API octavo_status octavo_model_quantize(const octavo_model *model, const octavo_statistics *statistics,
                                               const octavo_recipe *recipe, octavo_model **out);

/* How octavo_model_quantize_with goes about it. */
typedef struct octavo_quantize_options octavo_quantize_options;

/* fraction: 0 to 1. what: the step or node, valid during the call. Anything but 0 stops the work, which then returns
 * OCTAVO_CANCELLED. Called on the thread that called the library. */
typedef int32_t (*octavo_progress_callback)(double fraction, const char *what, void *user_data);

/* Since 0.1. */
OCTAVO_API octavo_status octavo_quantize_options_create(octavo_quantize_options **out);

/* Since 0.1. */
OCTAVO_API void octavo_quantize_options_destroy(octavo_quantize_options *options);

/* NULL, the default: nobody is told. Since 0.1. */
OCTAVO_API octavo_status octavo_quantize_options_set_progress(octavo_quantize_options *options,
                                                              octavo_progress_callback progress, void *user_data);

/* Borrowed: must live while the options are used. NULL, the default: nothing cancels. Since 0.1. */
OCTAVO_API octavo_status octavo_quantize_options_set_cancel(octavo_quantize_options *options,
                                                            const octavo_cancel *cancel);

/* An observer of the caller's: chooses the range [*low, *high] of one value from what calibration counted. The least
 * finite value is min, the greatest max. lows, highs, counts [bins]: counts[i] of the `count` finite values lie in
 * [lows[i], highs[i]]; bins ascend, do not overlap and are not empty; zeros are a bin of their own with both ends 0,
 * any other bin (of magnitudes from 2^-40 to 2^40) is at most 1/32 of its value wide. *low and *high come in as min and
 * max and must go out finite with low <= high; the range is then widened to hold 0, and values that share a scale get
 * the union of their ranges. `value` is its name, valid during the call like all else. Anything but 0 stops the work,
 * which then returns OCTAVO_CANCELLED. Called on the thread that called the library, once for each value, in the
 * model's order. */
typedef int32_t (*octavo_observer_callback)(const char *value, int64_t count, double min, double max, size_t bins,
                                            const double *lows, const double *highs, const int64_t *counts, double *low,
                                            double *high, void *user_data);

/* What stands behind the observer "custom" of a recipe; with recipe NULL it serves all values. Which values it served
 * is in the recipe that the model keeps; what it chose is in the scales. The same choices give the same bytes. The
 * errors of octavo_model_quantize_with are: OCTAVO_INVALID_ARGUMENT for bounds that are no range (names the value), for
 * a callback where the recipe does not name "custom", and for "custom" where there is none. NULL, the default: none.
 * Since 0.1. */
OCTAVO_API octavo_status octavo_quantize_options_set_observer(octavo_quantize_options *options,
                                                              octavo_observer_callback observer, void *user_data);

/* octavo_model_quantize for work that takes long, or with an observer of the caller's. Since 0.1. */
OCTAVO_API octavo_status octavo_model_quantize_with(const octavo_model *model, const octavo_statistics *statistics,
                                                    const octavo_recipe *recipe, const octavo_quantize_options *options,
                                                    octavo_model **out);

/* What octavo_model_convert makes. */
typedef struct octavo_convert_options octavo_convert_options;

/* Since 0.1. */
OCTAVO_API octavo_status octavo_convert_options_create(octavo_convert_options **out);

/* Since 0.1. */
OCTAVO_API void octavo_convert_options_destroy(octavo_convert_options *options);

/* "qdq", the default: QuantizeLinear and DequantizeLinear around float operators. "qoperator": QLinearConv,
 * QLinearMatMul. Since 0.1. */
OCTAVO_API octavo_status octavo_convert_options_set_form(octavo_convert_options *options, const char *form);

/* A model that was quantized elsewhere (fake-quant of training, another tool's Q/DQ or QOperator form) -> the form this
 * library runs and exports. The source is not changed. Since 0.1. */
OCTAVO_API octavo_status octavo_model_convert(const octavo_model *model, const octavo_convert_options *options,
                                              octavo_model **out);

/* ================================================================================================================
 * 10  Session: run a model
 * ================================================================================================================ */

/* Scratch memory and threads to run one model: one session for each thread of the caller. Sessions of one model share
 * its packed weights. Using one session from two threads at once is OCTAVO_INVALID_STATE; using one that was inherited
 * through fork() is OCTAVO_FORKED: make a new one in the child. */
typedef struct octavo_session octavo_session;
/* How a session runs. */
typedef struct octavo_session_options octavo_session_options;

/* Since 0.1. */
OCTAVO_API octavo_status octavo_session_options_create(octavo_session_options **out);

/* Since 0.1. */
OCTAVO_API void octavo_session_options_destroy(octavo_session_options *options);

/* The calling thread counts; 0: one for each processor. Default: the context's. More than there are processors cut the
 * work into more pieces and start no more threads. Since 0.1. */
OCTAVO_API octavo_status octavo_session_options_set_threads(octavo_session_options *options, int32_t threads);

/* Default: octavo_cpu_target(). OCTAVO_NOT_FOUND if this machine has no such target. Since 0.1. */
OCTAVO_API octavo_status octavo_session_options_set_cpu_target(octavo_session_options *options, const char *target);

/* 1: keep the time of every step for octavo_session_profile_json. Default 0. Since 0.1. */
OCTAVO_API octavo_status octavo_session_options_set_profile(octavo_session_options *options, int32_t profile);

/* Since 0.1. */
OCTAVO_API octavo_status octavo_session_create(const octavo_model *model, const octavo_session_options *options,
                                               octavo_session **out);

/* Since 0.1. */
OCTAVO_API void octavo_session_destroy(octavo_session *session);

/* Runs the model. inputs[input_count] and outputs[output_count]: one view for each input and output of the model, in
 * its order. Shapes of inputs may differ from call to call where the model leaves them open. An output's memory is the
 * caller's or, with data NULL, the session's: valid until the next call with this session. cancel may be NULL.
 * When shapes are those of the call before, nothing is allocated and no system call made but for waking threads.
 * Errors: OCTAVO_INVALID_ARGUMENT for a wrong count, dtype or shape, or too little memory for an output (names which);
 * the session stays usable after any error. Since 0.1. */
OCTAVO_API octavo_status octavo_session_run(octavo_session *session, const octavo_tensor_view *inputs,
                                            size_t input_count, octavo_tensor_view *outputs, size_t output_count,
                                            const octavo_cancel *cancel);

/* Gets ready for inputs of these shapes without running: data and bytes of the views are not looked at. Fills dtype,
 * rank and dims (and bytes, what the output needs) of the outputs, so that memory for them can be made; a dimension
 * that depends on what the inputs contain is -1, and bytes is then 0. dims are valid until the next call with this
 * session. Since 0.1. */
OCTAVO_API octavo_status octavo_session_prepare(octavo_session *session, const octavo_tensor_view *inputs,
                                                size_t input_count, octavo_tensor_view *outputs, size_t output_count);

/* The shape of an output as of the last octavo_session_run; as octavo_model_output_shape otherwise. Errors:
 * OCTAVO_INVALID_STATE before the first run. Since 0.1. */
OCTAVO_API octavo_status octavo_session_output_shape(const octavo_session *session, size_t index, int64_t *dims,
                                                     size_t capacity, int32_t *out_rank);

/* The instruction set in use. Borrowed. Since 0.1. */
OCTAVO_API octavo_status octavo_session_cpu_target(const octavo_session *session, const char **out_target);

/* What each step took, all runs so far: {"cpu_target", "threads", "seconds" (sum over steps), "peak": {"int8",
 * "float32"}, "steps": [{"name", "op", "kernel", "precision", "reason" (null or a code), "sentence" (null or the same
 * in words), "seconds", "least_seconds", "runs", "macs", "share_of_peak" (null where macs is 0), "bytes"}]}; seconds
 * are sums over runs, least_seconds those of the shortest, macs (multiply-accumulates) and bytes (read and written) of
 * one. "peak" is what the session's threads can multiply at most, in multiply-accumulates a second, measured by this
 * call (10 ms) with registers only, whatever the session's instruction set; "share_of_peak" is what the shortest run
 * reached of the peak for the step's precision. Without octavo_session_options_set_profile, or while the session runs:
 * OCTAVO_INVALID_STATE. Since 0.1. */
OCTAVO_API octavo_status octavo_session_profile_json(const octavo_session *session, octavo_buffer **out);

/* The same as one web page with a timeline: no scripts and nothing to load. Since 0.1. */
OCTAVO_API octavo_status octavo_session_profile_html(const octavo_session *session, octavo_buffer **out);

/* ================================================================================================================
 * 11  Report: what quantization cost, layer by layer
 * ================================================================================================================ */

/* Runs a float model and its quantized form on the same inputs and compares every value both have. One thread at a
 * time. */
typedef struct octavo_report octavo_report;
/* How a report runs its models. */
typedef struct octavo_report_options octavo_report_options;

/* Since 0.1. */
OCTAVO_API octavo_status octavo_report_options_create(octavo_report_options **out);

/* Since 0.1. */
OCTAVO_API void octavo_report_options_destroy(octavo_report_options *options);

/* Default: the context's. Since 0.1. */
OCTAVO_API octavo_status octavo_report_options_set_threads(octavo_report_options *options, int32_t threads);

/* Default: octavo_cpu_target(). Since 0.1. */
OCTAVO_API octavo_status octavo_report_options_set_cpu_target(octavo_report_options *options, const char *target);

/* The models need the same inputs and outputs. Since 0.1. */
OCTAVO_API octavo_status octavo_report_create(const octavo_model *float_model, const octavo_model *quantized_model,
                                              const octavo_report_options *options, octavo_report **out);

/* Runs both once; as octavo_calibrator_collect. Since 0.1. */
OCTAVO_API octavo_status octavo_report_collect(octavo_report *report, const octavo_tensor_view *inputs, size_t count,
                                               const octavo_cancel *cancel);

/* {"model", "batches", "float": {"bytes", "seconds"}, "quantized": {..}, "outputs": [{"name", "sqnr_db", "max_error",
 * "mean_error", "top1_agreement"}], "layers": [{"name" (of the node), "op", "value" (its output), "precision",
 * "reason", "sentence", "sqnr_db", "max_error", "mean_error", "float_min", "float_max", "clipped" (share of float
 * values outside the quantized range), "float_seconds", "quantized_seconds", "macs"}]}, layers in order of the network.
 *
 * Seconds are the least of all runs on inputs shaped like the first batch. Errors of a layer are null where the
 * quantized program does not show its value; sqnr_db is null, too, where there is no error at all. top1_agreement is
 * the share of rows (of the last dimension) whose greatest element is the same. Since 0.1. */
OCTAVO_API octavo_status octavo_report_json(const octavo_report *report, octavo_buffer **out);

/* The same as one HTML page that needs nothing else. Since 0.1. */
OCTAVO_API octavo_status octavo_report_html(const octavo_report *report, octavo_buffer **out);

/* Since 0.1. */
OCTAVO_API void octavo_report_destroy(octavo_report *report);

/* ================================================================================================================
 * 12  Single tensors: the arithmetic of the operators, without a model
 * ================================================================================================================
 *
 * The formulas are those of ONNX's QuantizeLinear and DequantizeLinear (docs/numerics.md):
 *
 *    q = saturate(round_half_even(x / scale) + zero_point)         x = (q - zero_point) * scale
 *
 * scale (float32) and zero_point (dtype of the quantized tensor; NULL: 0) have one element, or one for each index of
 * dimension `axis` of the tensor; axis may be negative, counting from the end, and is not looked at in the first case.
 * Results go to the caller's memory: data must not be NULL. The result must not overlap an operand. All may be called
 * from any number of threads at once. */

/* Chooses scale and zero_point for x (float32) by its least and greatest value, zero included, NaN and infinity passed
 * over. zero_point's dtype says for which type: OCTAVO_UINT8 or OCTAVO_INT8; symmetric 1: zero_point is 0 (128 for
 * uint8) and -128 is not used. scale and zero_point have one element, or as many as dimension `axis` of x. Since 0.1.
 */
OCTAVO_API octavo_status octavo_tensor_choose_scale(octavo_context *context, const octavo_tensor_view *x, int32_t axis,
                                                    int32_t symmetric, octavo_tensor_view *scale,
                                                    octavo_tensor_view *zero_point);

/* float32 x -> y of x's shape; y's dtype is OCTAVO_UINT8, OCTAVO_INT8, OCTAVO_UINT16, OCTAVO_INT16, OCTAVO_UINT4 or
 * OCTAVO_INT4. NaN gives zero_point. Since 0.1. */
OCTAVO_API octavo_status octavo_tensor_quantize(octavo_context *context, const octavo_tensor_view *x,
                                                const octavo_tensor_view *scale, const octavo_tensor_view *zero_point,
                                                int32_t axis, octavo_tensor_view *y);

/* Quantized x (the types above, or OCTAVO_INT32 without zero_point) -> float32 y of x's shape. Since 0.1. */
OCTAVO_API octavo_status octavo_tensor_dequantize(octavo_context *context, const octavo_tensor_view *x,
                                                  const octavo_tensor_view *scale, const octavo_tensor_view *zero_point,
                                                  int32_t axis, octavo_tensor_view *y);

/* Quantizes and dequantizes in one go: what training with quantization in mind sees. x and y are float32 of one shape;
 * dtype is the type in between and must be that of zero_point, if given. Since 0.1. */
OCTAVO_API octavo_status octavo_tensor_fake_quantize(octavo_context *context, const octavo_tensor_view *x,
                                                     const octavo_tensor_view *scale,
                                                     const octavo_tensor_view *zero_point, int32_t dtype, int32_t axis,
                                                     octavo_tensor_view *y);

/* Product of quantized matrices with exact integer sums; operands as in ONNX's QLinearMatMul. a is [..., m, k] (uint8
 * or int8) with one scale, b is [..., k, n] (uint8 or int8) with one scale, or one for each of its n columns; zero
 * points as above; leading dimensions are broadcast. y's dtype decides what is delivered:
 *
 *    OCTAVO_INT32:                the sums; scales are not looked at and may be NULL
 *
 *    OCTAVO_FLOAT32:              the sums times a_scale * b_scale
 *
 *    OCTAVO_UINT8, OCTAVO_INT8:   that, quantized with y_scale and y_zero_point, which the others do not look at
 *
 * Since 0.1. */
OCTAVO_API octavo_status octavo_tensor_matmul(octavo_context *context, const octavo_tensor_view *a,
                                              const octavo_tensor_view *a_scale, const octavo_tensor_view *a_zero_point,
                                              const octavo_tensor_view *b, const octavo_tensor_view *b_scale,
                                              const octavo_tensor_view *b_zero_point, const octavo_tensor_view *y_scale,
                                              const octavo_tensor_view *y_zero_point, octavo_tensor_view *y);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* OCTAVO_H_ */
