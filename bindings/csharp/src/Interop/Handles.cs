using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Octavo.Interop
{
    /// <summary>The address of an object of the C library. Destroyed once, when nobody uses it any more.</summary>
    /// <remarks>Counts who uses it, too: objects that belong to one thread at a time refuse the second, since two native
    /// calls at once would damage their memory.</remarks>
    internal abstract class ObjectHandle : SafeHandle
    {
        private const int Taken = -1;

        private int users;  // or Taken

        /// <summary>Whom the object may still call back: kept reachable as long as the object is.</summary>
        internal Context Keeps;

        protected ObjectHandle() : base(IntPtr.Zero, true) { }

        /// <summary>Makes the object this call's alone until Leave. Throws InvalidState if another call uses it.</summary>
        internal void Enter()
        {
            if (Interlocked.CompareExchange(ref users, Taken, 0) != 0) throw InUse();
        }

        internal void Leave() { Volatile.Write(ref users, 0); }

        /// <summary>Does work while no other call uses the object, and reads its memory: Dispose on another thread
        /// waits.</summary>
        internal T Alone<T>(Func<T> work)
        {
            Enter();
            try
            {
                return Hold(work);
            }
            finally
            {
                Leave();
            }
        }

        /// <summary>Does work that others may do at the same time, but not while somebody has the object alone.</summary>
        internal T Shared<T>(Func<T> work)
        {
            int seen;
            do
            {
                seen = Volatile.Read(ref users);
                if (seen == Taken) throw InUse();
            }
            while (Interlocked.CompareExchange(ref users, seen + 1, seen) != seen);
            try
            {
                return Hold(work);
            }
            finally
            {
                Interlocked.Decrement(ref users);
            }
        }

        private OctavoException InUse()
        {
            return OctavoException.State("the " + GetType().Name.Replace("Handle", "").ToLowerInvariant() +
                                         " is in use on another thread, or in a callback");
        }

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
