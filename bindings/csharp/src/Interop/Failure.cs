using System;
using System.Runtime.ExceptionServices;

namespace Octavo.Interop
{
    /// <summary>Turns what a native call came to into an exception.</summary>
    internal static unsafe class Failure
    {
        [ThreadStatic]
        private static ExceptionDispatchInfo thrownInCallback;

        /// <summary>Called by callbacks, which must not throw through native frames: keeps the exception until the
        /// native call that called back has returned.</summary>
        internal static void Remember(Exception thrown)
        {
            if (thrownInCallback == null) thrownInCallback = ExceptionDispatchInfo.Capture(thrown);
        }

        /// <summary>Looks at the result of a native call: 0, or the address of the failure's code and text, which
        /// belong to this thread until its next failing call.</summary>
        internal static void Check(IntPtr failure)
        {
            ExceptionDispatchInfo thrown = thrownInCallback;
            if (thrown != null)
            {
                thrownInCallback = null;
                thrown.Throw();
            }
            if (failure == IntPtr.Zero) return;
            int code = *(int*)failure;
            var error = new OctavoException((StatusCode)code, Text.FromC(failure + sizeof(int)));
            if (code == (int)StatusCode.Cancelled) throw new OperationCanceledException(error.Message, error);
            throw error;
        }
    }
}
