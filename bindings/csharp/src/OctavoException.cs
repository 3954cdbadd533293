using System;
using Octavo.Interop;

namespace Octavo
{
    /// <summary>A call failed. <see cref="Exception.Message"/> is the C library's sentence: what, where (file, node,
    /// argument), found and allowed values.</summary>
    /// <remarks>What calls of this library throw:
    /// <list type="bullet">
    /// <item><description>OctavoException with its <see cref="Code"/> for everything that failed, the caller's mistakes
    /// included;</description></item>
    /// <item><description><see cref="OperationCanceledException"/>, with an OctavoException inside, for work that was
    /// cancelled;</description></item>
    /// <item><description><see cref="ArgumentNullException"/> for null and <see cref="ObjectDisposedException"/> for an
    /// object that was disposed;</description></item>
    /// <item><description>whatever a callback of the caller threw.</description></item>
    /// </list></remarks>
    public sealed class OctavoException : Exception
    {
        /// <summary>A failure with its code and sentence.</summary>
        public OctavoException(StatusCode code, string message) : base(message)
        {
            Code = code;
        }

        internal static OctavoException Argument(string message)
        {
            return new OctavoException(StatusCode.InvalidArgument, message);
        }

        internal static OctavoException State(string message)
        {
            return new OctavoException(StatusCode.InvalidState, message);
        }

        /// <summary>Why. May be a value that this release does not know yet: see <see cref="StatusCode"/>.</summary>
        public StatusCode Code { get; private set; }

        /// <summary>The code's name in C: "OCTAVO_INVALID_MODEL" and so on.</summary>
        public string CodeName { get { return Text.FromC(Native.octavo_status_name((int)Code)); } }
    }
}
