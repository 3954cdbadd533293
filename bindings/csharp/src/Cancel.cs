using System;
using System.Threading;
using Octavo.Interop;

namespace Octavo
{
    /// <summary>A flag that stops long work: the call that was given it throws <see cref="OperationCanceledException"/>
    /// soon. Works like a <see cref="CancellationToken"/>, which every such call takes as well, but can be lowered and
    /// used again and costs a call nothing. May be used from any number of threads at once.</summary>
    public sealed class Cancel : IDisposable
    {
        private readonly CancelHandle handle;

        /// <summary>A flag that is not raised.</summary>
        public Cancel() { Native.octavo_cancel_create(out handle); }

        /// <summary>Raises the flag. It stays raised until it is reset.</summary>
        public void Request() { Native.octavo_cancel_request(handle); }

        /// <summary>Lowers the flag.</summary>
        public void Reset() { Native.octavo_cancel_reset(handle); }

        /// <summary>Whether the flag is raised.</summary>
        public bool IsRequested { get { return Native.octavo_cancel_requested(handle) != 0; } }

        /// <summary>Frees the flag, once no call uses it. May be called more than once.</summary>
        public void Dispose() { handle.Dispose(); }

        internal CancelHandle Handle { get { return handle; } }

        internal static CancelHandle HandleOf(Cancel cancel)
        {
            if (cancel == null) throw new ArgumentNullException("cancel");
            return cancel.handle;
        }

        /// <summary>Runs work with a flag that the token raises.</summary>
        internal static void With(CancellationToken token, Action<CancelHandle> work)
        {
            if (!token.CanBeCanceled)
            {
                work(CancelHandle.None);
                return;
            }
            using (var cancel = new Cancel())
            using (token.Register(cancel.Request))
            {
                try
                {
                    work(cancel.handle);
                }
                catch (OperationCanceledException e) when (token.IsCancellationRequested)
                {
                    throw new OperationCanceledException(e.Message, e.InnerException, token);
                }
            }
        }
    }
}
