/* The C# glue: Octavo.Interop.Native gets one method for each function of octavo.h, under its C name. All of it is
 * internal; what users see is written by hand in src/. The typemaps follow the conventions of the header:
 *
 *    octavo_T *       a SafeHandle: the runtime counts references during a call, so neither Dispose on another thread
 *                     nor the garbage collector frees what the call uses. THandle.None stands for NULL
 *    octavo_T **out   the new object's SafeHandle
 *    octavo_status    a failure throws, with code and text as they were inside the failing call
 *    const char *     UTF-8 bytes in, an address out: SWIG's own strings go through the system's code page
 *    views, data      addresses of pinned memory
 *
 * Run with the SWIG_CSHARP_NO_* macros defined (cmake/OctavoCsharp.cmake): without SWIG's helpers for exceptions and
 * strings there are no delegates to register and to keep alive. */
%module Native
%pragma(csharp) moduleclassmodifiers="internal static unsafe class"
%pragma(csharp) imclassclassmodifiers="internal static unsafe class"
%typemap(csclassmodifiers) enum SWIGTYPE "internal enum"
%csconst(1);

%{
#include <octavo/octavo.h>
#include <string.h>

/* What failed last on this thread. The address is what a failing call returns to C#, which reads it at once. */
static _Thread_local struct {
  int32_t code;
  char text[1024];
} octavo_csharp_failure;

static void *octavo_csharp_check(octavo_status status) {
  if (status == OCTAVO_OK) return NULL;
  octavo_csharp_failure.code = status;
  strncpy(octavo_csharp_failure.text, octavo_last_error(), sizeof(octavo_csharp_failure.text) - 1);
  return &octavo_csharp_failure;
}
%}

/* Numbers. SWIG's own size_t is 32 bits wide in C#, its own int64_t another type than the header's. */
%define NUMBER(TYPE, CSTYPE)
%typemap(ctype) TYPE "TYPE"
%typemap(imtype) TYPE "CSTYPE"
%typemap(cstype) TYPE "CSTYPE"
%typemap(in) TYPE "$1 = $input;"
%typemap(out) TYPE "$result = $1;"
%typemap(csin) TYPE "$csinput"
%typemap(csout) TYPE { return $imcall; }
%enddef
NUMBER(int32_t, int)
NUMBER(int64_t, long)
NUMBER(size_t, global::System.UIntPtr)

%define OUT_NUMBER(TYPE, CSTYPE)
%typemap(ctype) TYPE "void *"
%typemap(imtype) TYPE "out CSTYPE"
%typemap(cstype) TYPE "out CSTYPE"
%typemap(in) TYPE "$1 = ($1_ltype)$input;"
%typemap(csin) TYPE "out $csinput"
%enddef
OUT_NUMBER(size_t *, global::System.UIntPtr)
OUT_NUMBER(int32_t *, int)
OUT_NUMBER(int64_t *, long)
OUT_NUMBER(const char **, global::System.IntPtr)

/* Addresses. */
%define ADDRESS(TYPE, CSTYPE)
%typemap(ctype) TYPE "void *"
%typemap(imtype) TYPE "CSTYPE"
%typemap(cstype) TYPE "CSTYPE"
%typemap(in) TYPE "$1 = ($1_ltype)$input;"
%typemap(out) TYPE "$result = (void *)$1;"
%typemap(csin) TYPE "$csinput"
%typemap(csout) TYPE { return $imcall; }
%enddef
ADDRESS(const void *, global::System.IntPtr)
ADDRESS(void *, global::System.IntPtr)
ADDRESS(const int64_t *, long*)
ADDRESS(int64_t *dims, long*)
ADDRESS(const octavo_tensor_view *, NativeView*)
ADDRESS(octavo_tensor_view *, NativeView*)
ADDRESS(octavo_allocate_callback, global::System.IntPtr)
ADDRESS(octavo_release_callback, global::System.IntPtr)
ADDRESS(octavo_parallel_callback, global::System.IntPtr)
ADDRESS(octavo_log_callback, global::System.IntPtr)
ADDRESS(octavo_progress_callback, global::System.IntPtr)
ADDRESS(octavo_observer_callback, global::System.IntPtr)
%ignore octavo_tensor_view;

/* Text. */
%typemap(ctype) const char * "char *"
%typemap(imtype, out="global::System.IntPtr") const char * "byte[]"
%typemap(cstype, out="global::System.IntPtr") const char * "byte[]"
%typemap(in) const char * "$1 = $input;"
%typemap(out) const char * "$result = (char *)$1;"
%typemap(csin) const char * "$csinput"
%typemap(csout) const char * { return $imcall; }

/* Failures. */
%typemap(ctype, out="void *") octavo_status "int32_t"
%typemap(imtype, out="global::System.IntPtr") octavo_status "int"
%typemap(cstype, out="void") octavo_status "int"
%typemap(in) octavo_status "$1 = $input;"
%typemap(out, null="NULL") octavo_status "$result = octavo_csharp_check($1);"
%typemap(csin) octavo_status "$csinput"
%typemap(csout) octavo_status { Failure.Check($imcall); }

/* Objects. The first declaration of a function is the one that SWIG keeps (warning 322): destroy functions take the
 * bare address, since a SafeHandle calls them when it is closed already. */
%define OBJECT(T, HANDLE)
%typemap(ctype) octavo_##T *, const octavo_##T *, octavo_##T **out "void *"
%typemap(imtype) octavo_##T *, const octavo_##T * "HANDLE"
%typemap(cstype) octavo_##T *, const octavo_##T * "HANDLE"
%typemap(csin) octavo_##T *, const octavo_##T * "$csinput"
%typemap(imtype) octavo_##T **out "out HANDLE"
%typemap(cstype) octavo_##T **out "out HANDLE"
%typemap(csin) octavo_##T **out "out $csinput"
%typemap(in) octavo_##T *, const octavo_##T *, octavo_##T **out "$1 = ($1_ltype)$input;"
ADDRESS(octavo_##T *closed, global::System.IntPtr)
void octavo_##T##_destroy(octavo_##T *closed);
%enddef
OBJECT(buffer, BufferHandle)
OBJECT(cancel, CancelHandle)
OBJECT(context, ContextHandle)
OBJECT(context_options, ContextOptionsHandle)
OBJECT(model, ModelHandle)
OBJECT(load_options, LoadOptionsHandle)
OBJECT(save_options, SaveOptionsHandle)
OBJECT(calibrator, CalibratorHandle)
OBJECT(calibrator_options, CalibratorOptionsHandle)
OBJECT(statistics, StatisticsHandle)
OBJECT(recipe, RecipeHandle)
OBJECT(quantize_options, QuantizeOptionsHandle)
OBJECT(convert_options, ConvertOptionsHandle)
OBJECT(session, SessionHandle)
OBJECT(session_options, SessionOptionsHandle)
OBJECT(report, ReportHandle)
OBJECT(report_options, ReportOptionsHandle)

%ignore OCTAVO_VERSION;
#define OCTAVO_API
%include <octavo/octavo.h>
