using System;
using System.Runtime.InteropServices;

namespace Octavo.Interop
{
    /// <summary>The address of an object of the C library. Destroyed once, when nobody uses it any more.</summary>
    internal abstract class ObjectHandle : SafeHandle
    {
        /// <summary>Whom the object may still call back: kept reachable as long as the object is.</summary>
        internal Context Keeps;

        protected ObjectHandle() : base(IntPtr.Zero, true) { }

        /// <summary>Does work that reads memory of the object: Dispose on another thread waits.</summary>
        internal T Hold<T>(Func<T> work)
        {
            bool held = false;
            try
            {
                DangerousAddRef(ref held);
                return work();
            }
            finally
            {
                if (held) DangerousRelease();
            }
        }

        public override bool IsInvalid { get { return handle == IntPtr.Zero; } }
    }

    internal static class Filling
    {
        /// <summary>Fills an object that was just made; destroys it if that fails.</summary>
        internal static T With<T>(this T made, Action<T> fill) where T : ObjectHandle
        {
            try
            {
                fill(made);
                return made;
            }
            catch
            {
                made.Dispose();
                throw;
            }
        }
    }

    internal sealed class BufferHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_buffer_destroy(handle); return true; }
    }

    internal sealed class CancelHandle : ObjectHandle
    {
        internal static readonly CancelHandle None = new CancelHandle();

        protected override bool ReleaseHandle() { Native.octavo_cancel_destroy(handle); return true; }
    }

    internal sealed class ContextHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_context_destroy(handle); return true; }
    }

    internal sealed class ContextOptionsHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_context_options_destroy(handle); return true; }
    }

    internal sealed class ModelHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_model_destroy(handle); return true; }
    }

    internal sealed class LoadOptionsHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_load_options_destroy(handle); return true; }
    }

    internal sealed class SaveOptionsHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_save_options_destroy(handle); return true; }
    }

    internal sealed class CalibratorHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_calibrator_destroy(handle); return true; }
    }

    internal sealed class CalibratorOptionsHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_calibrator_options_destroy(handle); return true; }
    }

    internal sealed class StatisticsHandle : ObjectHandle
    {
        internal static readonly StatisticsHandle None = new StatisticsHandle();

        protected override bool ReleaseHandle() { Native.octavo_statistics_destroy(handle); return true; }
    }

    internal sealed class RecipeHandle : ObjectHandle
    {
        internal static readonly RecipeHandle None = new RecipeHandle();

        protected override bool ReleaseHandle() { Native.octavo_recipe_destroy(handle); return true; }
    }

    internal sealed class QuantizeOptionsHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_quantize_options_destroy(handle); return true; }
    }

    internal sealed class ConvertOptionsHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_convert_options_destroy(handle); return true; }
    }

    internal sealed class SessionHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_session_destroy(handle); return true; }
    }

    internal sealed class SessionOptionsHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_session_options_destroy(handle); return true; }
    }

    internal sealed class ReportHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_report_destroy(handle); return true; }
    }

    internal sealed class ReportOptionsHandle : ObjectHandle
    {
        protected override bool ReleaseHandle() { Native.octavo_report_options_destroy(handle); return true; }
    }
}
