using System;
using Octavo.Interop;

namespace Octavo
{
    /// <summary>How much a context's log tells.</summary>
    public enum LogLevel
    {
        /// <summary>What may be a mistake.</summary>
        Warning = octavo_log_level.OCTAVO_LOG_WARNING,
        /// <summary>What was done.</summary>
        Info = octavo_log_level.OCTAVO_LOG_INFO,
        /// <summary>How it was done.</summary>
        Debug = octavo_log_level.OCTAVO_LOG_DEBUG
    }

    /// <summary>What a <see cref="Context"/> is made with. What is null keeps the library's default.</summary>
    public sealed class ContextOptions
    {
        /// <summary>Threads of sessions and calibrators that do not say otherwise, the calling one included. 0, the
        /// default: one for each processor this process may use. At most 1024.</summary>
        public int? Threads { get; set; }

        /// <summary>Live bytes of all tensors, weights and scratch. Default: no limit.</summary>
        public long? MemoryLimit { get; set; }

        /// <summary>Bytes of a model file, and of each external data file. Default: 1 TiB.</summary>
        public long? FileLimit { get; set; }

        /// <summary>Bytes of all constants that simplifying one model makes. Default: 64 MiB.</summary>
        public long? FoldLimit { get; set; }

        /// <summary>Nodes of a model. Default: 1 000 000.</summary>
        public long? NodeLimit { get; set; }

        /// <summary>Bytes of a name in a model. Default: 65 536.</summary>
        public long? StringLimit { get; set; }

        /// <summary>Told what the library does: one line each. Called on the thread that called the library, possibly
        /// from several at once; must not call the library. What it throws is thrown by the call that logged, once it is
        /// done. It is called for as long as the context or anything made in it is reachable.</summary>
        public Action<LogLevel, string> Log { get; set; }

        /// <summary>The most that <see cref="Log"/> is told. Default: Warning.</summary>
        public LogLevel LogLevel { get; set; } = LogLevel.Warning;
    }

    /// <summary>What everything else is made in: threads, limits, log. One per process is usual,
    /// <see cref="Default"/>; several are independent. Immutable; safe to use from any number of threads at once.</summary>
    public sealed class Context : IDisposable
    {
        private static readonly Lazy<Context> Shared = new Lazy<Context>(() => new Context());

        private readonly ContextHandle handle;
        private readonly LogRoot log;

        /// <summary>A context of its own; with no options all is default.</summary>
        /// <exception cref="OctavoException">InvalidArgument: an option is out of range.</exception>
        public Context(ContextOptions options = null)
        {
            if (options == null) options = new ContextOptions();
            ContextOptionsHandle native;
            Native.octavo_context_options_create(out native);
            using (native)
            {
                if (options.Threads != null)
                    Native.octavo_context_options_set_threads(native, options.Threads.Value);
                if (options.MemoryLimit != null)
                    Native.octavo_context_options_set_memory_limit(native, options.MemoryLimit.Value);
                if (options.FileLimit != null)
                    Native.octavo_context_options_set_file_limit(native, options.FileLimit.Value);
                if (options.FoldLimit != null)
                    Native.octavo_context_options_set_fold_limit(native, options.FoldLimit.Value);
                if (options.NodeLimit != null)
                    Native.octavo_context_options_set_node_limit(native, options.NodeLimit.Value);
                if (options.StringLimit != null)
                    Native.octavo_context_options_set_string_limit(native, options.StringLimit.Value);
                if (options.Log != null)
                {
                    log = new LogRoot(options.Log);
                    Native.octavo_context_options_set_log(native, (int)options.LogLevel, Callbacks.Log, log.Number);
                }
                Native.octavo_context_create(native, out handle);
            }
        }

        /// <summary>The context of everything that is made without one: all defaults. Cannot be disposed.</summary>
        public static Context Default { get { return Shared.Value; } }

        /// <summary>Bytes of tensors, weights and scratch that live now.</summary>
        /// <exception cref="ObjectDisposedException">The context was disposed.</exception>
        public long LiveBytes
        {
            get
            {
                long live, peak;
                Native.octavo_context_memory(handle, out live, out peak);
                return live;
            }
        }

        /// <summary>The most of them that ever lived.</summary>
        /// <exception cref="ObjectDisposedException">The context was disposed.</exception>
        public long PeakBytes
        {
            get
            {
                long live, peak;
                Native.octavo_context_memory(handle, out live, out peak);
                return peak;
            }
        }

        /// <summary>Frees the context. Objects made in it stay usable. May be called more than once.</summary>
        public void Dispose()
        {
            if (!Shared.IsValueCreated || this != Shared.Value) handle.Dispose();
        }

        internal ContextHandle Handle { get { return handle; } }

        internal static Context OrDefault(Context context) { return context ?? Default; }

        /// <summary>Keeps the log callback registered while a context or an object made in it is reachable.</summary>
        private sealed class LogRoot
        {
            internal readonly IntPtr Number;

            internal LogRoot(Action<LogLevel, string> log) { Number = Callbacks.Add(log); }

            ~LogRoot() { Callbacks.Remove(Number); }
        }
    }
}
