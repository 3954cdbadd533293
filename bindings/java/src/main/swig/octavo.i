/* octavo.h for Java, flat: each function becomes a static method of the package-private class C. Every pointer is a long,
 * every status an exception, the one result that a call delivers its value; text is UTF-8 in byte[] (with its zero byte
 * where it goes in). The classes of org.octavo see to lifetimes, threads and bounds. */
%module C

%{
#include "glue.h"
%}

%include <enumtypeunsafe.swg>
%typemap(javaclassmodifiers) enum SWIGTYPE "final class"
%apply int { int32_t };
%apply long long { int64_t }; /* as what they are: SWIG casts to the type it believes in */
%javaconst(1);

%pragma(java) moduleclassmodifiers="final class"
%pragma(java) jniclassclassmodifiers="final class"
%pragma(java) jniclasscode=%{
  static {
    Loader.load();
  }
%}

/* The struct is written by org.octavo.Views; host threads and allocators do not fit Java: see docs/languages.md. */
%ignore octavo_tensor_view;
%ignore octavo_context_options_set_allocator;
%ignore octavo_context_options_set_parallel;
/* Macros would land in a public interface. */
%ignore OCTAVO_VERSION;
%ignore OCTAVO_ABI_VERSION;
%ignore OCTAVO_MAX_RANK;
/* Every failing call delivers it as the exception's message. */
%ignore octavo_last_error;

/* Pointers */
%typemap(jni) SWIGTYPE * "jlong"
%typemap(jtype) SWIGTYPE * "long"
%typemap(jstype) SWIGTYPE * "long"
%typemap(javain) SWIGTYPE * "$javainput"
%typemap(in) SWIGTYPE * "$1 = ($1_ltype)(intptr_t)$input;"
%typemap(out) SWIGTYPE * "$result = (jlong)(intptr_t)$1;"
%typemap(javaout) SWIGTYPE * { return $jnicall; }
%apply SWIGTYPE * { const void *, const void *data };

/* Status: an exception, or else the call's result */
%typemap(jni) octavo_status "jlong"
%typemap(jtype) octavo_status "long"
%typemap(jstype) octavo_status "long"
%typemap(out) octavo_status "$result = 0; if ($1 != OCTAVO_OK) java_throw(jenv, $1);"
%typemap(javaout) octavo_status { return $jnicall; }

/* Results of one value */
%define OCTAVO_RESULT(declaration)
%typemap(in, numinputs=0) declaration ($*1_ltype value = 0) "$1 = &value;"
%typemap(argout) declaration "$result = (jlong)(intptr_t)*$1;"
%enddef
OCTAVO_RESULT(size_t *out_count)
OCTAVO_RESULT(int32_t *out)
OCTAVO_RESULT(int32_t *out_dtype)
OCTAVO_RESULT(int32_t *out_rank)
OCTAVO_RESULT(int64_t *out_samples)
OCTAVO_RESULT(const char **out_name)
OCTAVO_RESULT(const char **out_value)
OCTAVO_RESULT(const char **out_target)

/* Objects made. One made although a callback threw would have no owner. */
%define OCTAVO_OBJECT(name)
%typemap(in, numinputs=0) octavo_ ## name **out (octavo_ ## name *object = NULL) "$1 = &object;"
%typemap(argout) octavo_ ## name **out {
  if (*$1 && (*jenv)->ExceptionCheck(jenv)) {
    octavo_ ## name ## _destroy(*$1);
    *$1 = NULL;
  }
  $result = (jlong)(intptr_t)*$1;
}
%enddef
OCTAVO_OBJECT(buffer)
OCTAVO_OBJECT(cancel)
OCTAVO_OBJECT(context_options)
OCTAVO_OBJECT(context)
OCTAVO_OBJECT(load_options)
OCTAVO_OBJECT(save_options)
OCTAVO_OBJECT(model)
OCTAVO_OBJECT(calibrator_options)
OCTAVO_OBJECT(calibrator)
OCTAVO_OBJECT(statistics)
OCTAVO_OBJECT(recipe)
OCTAVO_OBJECT(quantize_options)
OCTAVO_OBJECT(convert_options)
OCTAVO_OBJECT(session_options)
OCTAVO_OBJECT(session)
OCTAVO_OBJECT(report_options)
OCTAVO_OBJECT(report)

/* Text */
%define OCTAVO_BYTES(declaration)
%typemap(jni) declaration "jbyteArray"
%typemap(jtype) declaration "byte[]"
%typemap(jstype) declaration "byte[]"
%typemap(javain) declaration "$javainput"
%typemap(freearg) declaration "if ($1) (*jenv)->ReleaseByteArrayElements(jenv, $input, (jbyte *)$1, JNI_ABORT);"
%enddef
OCTAVO_BYTES(const char *)
OCTAVO_BYTES((const char *json, size_t size))
%typemap(in) const char * {
  $1 = NULL;
  if ($input && !($1 = ($1_ltype)(*jenv)->GetByteArrayElements(jenv, $input, NULL))) return $null;
}
%typemap(out) const char * "$result = $1 ? java_bytes(jenv, $1) : NULL;"
%typemap(javaout) const char * { return $jnicall; }
%typemap(in) (const char *json, size_t size) {
  $1 = NULL;
  $2 = 0;
  if ($input) {
    if (!($1 = ($1_ltype)(*jenv)->GetByteArrayElements(jenv, $input, NULL))) return $null;
    $2 = (size_t)(*jenv)->GetArrayLength(jenv, $input);
  }
}

/* Arrays of long: a shape in, a shape of room for OCTAVO_MAX_RANK out, two results */
%define OCTAVO_LONGS(declaration)
%typemap(jni) declaration "jlongArray"
%typemap(jtype) declaration "long[]"
%typemap(jstype) declaration "long[]"
%typemap(javain) declaration "$javainput"
%enddef
OCTAVO_LONGS((const int64_t *dims, size_t rank))
%typemap(in) (const int64_t *dims, size_t rank) {
  if (!($1 = ($1_ltype)(*jenv)->GetLongArrayElements(jenv, $input, NULL))) return $null;
  $2 = (size_t)(*jenv)->GetArrayLength(jenv, $input);
}
%typemap(freearg) (const int64_t *dims, size_t rank)
    "(*jenv)->ReleaseLongArrayElements(jenv, $input, (jlong *)$1, JNI_ABORT);"
OCTAVO_LONGS((int64_t *dims, size_t capacity))
%typemap(in) (int64_t *dims, size_t capacity) (int64_t room[OCTAVO_MAX_RANK] = {0}) "$1 = room; $2 = OCTAVO_MAX_RANK;"
%typemap(argout) (int64_t *dims, size_t capacity)
    "if (result == OCTAVO_OK) (*jenv)->SetLongArrayRegion(jenv, $input, 0, OCTAVO_MAX_RANK, (const jlong *)$1);"
OCTAVO_LONGS((int64_t *out_live, int64_t *out_peak))
%typemap(in) (int64_t *out_live, int64_t *out_peak) (int64_t two[2] = {0}) "$1 = two; $2 = two + 1;"
%typemap(argout) (int64_t *out_live, int64_t *out_peak)
    "if (result == OCTAVO_OK) (*jenv)->SetLongArrayRegion(jenv, $input, 0, 2, (const jlong *)$1);"
OCTAVO_LONGS((const char **out_key, const char **out_value))
%typemap(in) (const char **out_key, const char **out_value) (const char *two[2] = {NULL, NULL}) "$1 = ($1_ltype)two; $2 = ($2_ltype)(two + 1);"
%typemap(argout) (const char **out_key, const char **out_value) {
  if (result == OCTAVO_OK) {
    const jlong addresses[2] = {(jlong)(intptr_t)two$argnum[0], (jlong)(intptr_t)two$argnum[1]};
    (*jenv)->SetLongArrayRegion(jenv, $input, 0, 2, addresses);
  }
}

/* Callbacks: the number of the listener in org.octavo.Callbacks; 0 for none */
%define OCTAVO_CALLBACK(declaration, trampoline)
%typemap(jni) declaration "jlong"
%typemap(jtype) declaration "long"
%typemap(jstype) declaration "long"
%typemap(javain) declaration "$javainput"
%typemap(in) declaration "$1 = $input ? trampoline : NULL; $2 = (void *)(intptr_t)$input;"
%enddef
OCTAVO_CALLBACK((octavo_log_callback log, void *user_data), java_log)
OCTAVO_CALLBACK((octavo_progress_callback progress, void *user_data), java_progress)
OCTAVO_CALLBACK((octavo_observer_callback observer, void *user_data), java_observe)

%typemap(in, numinputs=0) JNIEnv *env "$1 = jenv;"
%inline %{
/* What this glue was generated for, as constants of Java. */
enum java_constants { JAVA_ABI_VERSION = OCTAVO_ABI_VERSION, JAVA_MAX_RANK = OCTAVO_MAX_RANK };

/* Borrowed text at an address. */
static const char *java_text(int64_t address) { return (const char *)(intptr_t)address; }

/* Memory of the library as a direct buffer that does not own it. */
static jobject java_view(JNIEnv *env, int64_t address, int64_t bytes) {
  return (*env)->NewDirectByteBuffer(env, (void *)(intptr_t)address, bytes);
}

/* Where the first byte of a direct buffer lies, whatever its position; 0 for others. */
static int64_t java_address(JNIEnv *env, jobject buffer) {
  return (int64_t)(intptr_t)(*env)->GetDirectBufferAddress(env, buffer);
}
%}

#define OCTAVO_API
%include <octavo/octavo.h>
