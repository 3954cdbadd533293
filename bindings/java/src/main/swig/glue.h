/* What the generated marshalling calls: strings, exceptions, native memory as buffers, and the trampolines of
 * callbacks. */
#ifndef OCTAVO_JAVA_GLUE_H_
#define OCTAVO_JAVA_GLUE_H_

#include <jni.h>
#include <octavo/octavo.h>
#include <stddef.h>
#include <string.h>

/* org.octavo.Views writes octavo_tensor_view field by field. */
_Static_assert(sizeof(octavo_tensor_view) == 48 && offsetof(octavo_tensor_view, dtype) == 4 &&
                   offsetof(octavo_tensor_view, rank) == 8 && offsetof(octavo_tensor_view, data) == 16 &&
                   offsetof(octavo_tensor_view, bytes) == 24 && offsetof(octavo_tensor_view, dims) == 32 &&
                   offsetof(octavo_tensor_view, strides) == 40,
               "org.octavo.Views has another layout of octavo_tensor_view");

static JavaVM *java_vm;
static jclass exception_class, callbacks_class;
static jmethodID exception_of, callbacks_log, callbacks_progress, callbacks_observe;

static jclass java_class(JNIEnv *env, const char *name) {
  jclass local = (*env)->FindClass(env, name);
  return local ? (jclass)(*env)->NewGlobalRef(env, local) : NULL;
}

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved) {
  JNIEnv *env;
  (void)reserved;
  java_vm = vm;
  if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_1_8) != JNI_OK) return JNI_ERR;
  if (!(exception_class = java_class(env, "org/octavo/OctavoException")) ||
      !(callbacks_class = java_class(env, "org/octavo/Callbacks")) ||
      !(exception_of = (*env)->GetStaticMethodID(env, exception_class, "of", "(I[B)Lorg/octavo/OctavoException;")) ||
      !(callbacks_log = (*env)->GetStaticMethodID(env, callbacks_class, "log", "(JI[B)V")) ||
      !(callbacks_progress = (*env)->GetStaticMethodID(env, callbacks_class, "progress", "(JD[B)I")) ||
      !(callbacks_observe = (*env)->GetStaticMethodID(env, callbacks_class, "observe", "(J[BJDD[D[D[J[D)I"))) {
    return JNI_ERR;
  }
  return JNI_VERSION_1_8;
}

/* UTF-8 crosses as bytes: JNI's own strings are another encoding. NULL with an exception if memory lacks. */
static jbyteArray java_bytes(JNIEnv *env, const char *text) {
  jsize size = (jsize)strlen(text);
  jbyteArray bytes = (*env)->NewByteArray(env, size);
  if (bytes) (*env)->SetByteArrayRegion(env, bytes, 0, size, (const jbyte *)text);
  return bytes;
}

/* Throws what the failed call left, in the call itself: a virtual thread may go on another carrier before the next one.
 * An exception that a callback threw is pending already and says more. */
static void java_throw(JNIEnv *env, octavo_status status) {
  jbyteArray text;
  jthrowable error;
  if ((*env)->ExceptionCheck(env) || !(text = java_bytes(env, octavo_last_error()))) return;
  error = (jthrowable)(*env)->CallStaticObjectMethod(env, exception_class, exception_of, (jint)status, text);
  if (!(*env)->ExceptionCheck(env)) (*env)->Throw(env, error);
}

/* Callbacks come on the thread that called the library, so it has an environment. One whose exception waits to be
 * thrown takes no further call: NULL. */
static JNIEnv *callback_env(void) {
  JNIEnv *env;
  if ((*java_vm)->GetEnv(java_vm, (void **)&env, JNI_VERSION_1_8) != JNI_OK || (*env)->ExceptionCheck(env)) return NULL;
  return env;
}

/* user_data of all is the number that org.octavo.Callbacks gave the listener. An exception stays pending; the library
 * is asked to stop. */
static void java_log(int32_t level, const char *message, void *user_data) {
  JNIEnv *env = callback_env();
  jbyteArray text = env ? java_bytes(env, message) : NULL;
  if (!text) return;
  (*env)->CallStaticVoidMethod(env, callbacks_class, callbacks_log, (jlong)(intptr_t)user_data, (jint)level, text);
  (void)(*env)->ExceptionCheck(env);
  (*env)->DeleteLocalRef(env, text);
}

static int32_t java_progress(double fraction, const char *what, void *user_data) {
  JNIEnv *env = callback_env();
  jbyteArray text = env ? java_bytes(env, what) : NULL;
  jint stop;
  if (!text) return 1;
  stop =
      (*env)->CallStaticIntMethod(env, callbacks_class, callbacks_progress, (jlong)(intptr_t)user_data, fraction, text);
  if ((*env)->ExceptionCheck(env)) stop = 1;
  (*env)->DeleteLocalRef(env, text);
  return stop;
}

static int32_t java_observe(const char *value, int64_t count, double min, double max, size_t bins, const double *lows,
                            const double *highs, const int64_t *counts, double *low, double *high, void *user_data) {
  JNIEnv *env = callback_env();
  const jsize size = (jsize)bins;
  jdouble range[2] = {min, max};
  jint stop = 1;
  jbyteArray name;
  jdoubleArray java_lows, java_highs, java_range;
  jlongArray java_counts;
  if (!env || (*env)->PushLocalFrame(env, 8) != 0) return 1;
  if ((name = java_bytes(env, value)) && (java_lows = (*env)->NewDoubleArray(env, size)) &&
      (java_highs = (*env)->NewDoubleArray(env, size)) && (java_counts = (*env)->NewLongArray(env, size)) &&
      (java_range = (*env)->NewDoubleArray(env, 2))) {
    (*env)->SetDoubleArrayRegion(env, java_lows, 0, size, lows);
    (*env)->SetDoubleArrayRegion(env, java_highs, 0, size, highs);
    (*env)->SetLongArrayRegion(env, java_counts, 0, size, (const jlong *)counts);
    stop = (*env)->CallStaticIntMethod(env, callbacks_class, callbacks_observe, (jlong)(intptr_t)user_data, name,
                                       (jlong)count, min, max, java_lows, java_highs, java_counts, java_range);
    if ((*env)->ExceptionCheck(env)) {
      stop = 1;
    } else {
      (*env)->GetDoubleArrayRegion(env, java_range, 0, 2, range);
      *low = range[0];
      *high = range[1];
    }
  }
  (*env)->PopLocalFrame(env, NULL);
  return stop;
}

#endif /* OCTAVO_JAVA_GLUE_H_ */
