using System;
using System.Collections.Generic;
using System.Threading;
using Octavo.Interop;

namespace Octavo
{
    /// <summary>How a report runs the models.</summary>
    public sealed class ReportOptions
    {
        /// <summary>Threads; 0: one for each processor. Default: the context's.</summary>
        public int? Threads { get; set; }

        /// <summary>One of <see cref="Library.CpuTargets"/>. Default: <see cref="Library.CpuTarget"/>.</summary>
        public string CpuTarget { get; set; }

        internal static ReportOptionsHandle ToNative(ReportOptions options)
        {
            ReportOptionsHandle native;
            Native.octavo_report_options_create(out native);
            return options == null ? native : native.With(made =>
            {
                if (options.Threads != null) Native.octavo_report_options_set_threads(made, options.Threads.Value);
                if (options.CpuTarget != null)
                    Native.octavo_report_options_set_cpu_target(made, Text.ToC(options.CpuTarget, "CpuTarget"));
            });
        }
    }

    /// <summary>Runs a float model and its quantized form on the same inputs and compares every value both have. One thread
    /// at a time: using one from two at once is InvalidState.</summary>
    public sealed class Report : IDisposable
    {
        private readonly ReportHandle handle;

        internal Report(ReportHandle handle, Context context)
        {
            this.handle = handle;
            handle.Keeps = context;
        }

        /// <summary>Runs both models once.</summary>
        /// <param name="inputs">One for each input of the models, in their order.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape.</exception>
        /// <exception cref="ObjectDisposedException">The report or an input was disposed.</exception>
        public void Collect(params Tensor[] inputs) { Collect(inputs, CancelHandle.None); }

        /// <summary>Runs both models once and compares, until it is done or a token cancels it.</summary>
        /// <param name="inputs">One for each input of the models, in their order. Not copied.</param>
        /// <param name="cancellation">Stops the work.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape.</exception>
        /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
        /// <exception cref="ObjectDisposedException">The report or an input was disposed.</exception>
        public void Collect(IReadOnlyList<Tensor> inputs, CancellationToken cancellation)
        {
            Cancel.With(cancellation, cancel => Collect(inputs, cancel));
        }

        /// <summary>Runs both models once and compares, until it is done or another thread cancels it.</summary>
        /// <param name="inputs">One for each input of the models, in their order. Not copied.</param>
        /// <param name="cancel">Stops the work.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape.</exception>
        /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
        /// <exception cref="ObjectDisposedException">The report, an input or the flag was disposed.</exception>
        public void Collect(IReadOnlyList<Tensor> inputs, Cancel cancel) { Collect(inputs, Cancel.HandleOf(cancel)); }

        private unsafe void Collect(IReadOnlyList<Tensor> inputs, CancelHandle cancel)
        {
            handle.Enter();
            try
            {
                Views.Collect(inputs, cancel,
                              (views, count, flag) => Native.octavo_report_collect(handle, views, count, flag));
            }
            finally
            {
                handle.Leave();
            }
        }

        /// <summary>What quantization cost, layer by layer: {"model", "batches", "float", "quantized", "outputs": [..],
        /// "layers": [..]} (octavo.h lists the keys).</summary>
        /// <exception cref="ObjectDisposedException">The report was disposed.</exception>
        public string ToJson()
        {
            return handle.Alone(() =>
            {
                BufferHandle json;
                Native.octavo_report_json(handle, out json);
                return Text.FromBuffer(json);
            });
        }

        /// <summary>What <see cref="ToJson"/> says as one HTML page that needs nothing else.</summary>
        /// <exception cref="ObjectDisposedException">The report was disposed.</exception>
        public string ToHtml()
        {
            return handle.Alone(() =>
            {
                BufferHandle html;
                Native.octavo_report_html(handle, out html);
                return Text.FromBuffer(html);
            });
        }

        /// <summary>Frees the report, once no call uses it. May be called more than once.</summary>
        public void Dispose() { handle.Dispose(); }
    }
}
