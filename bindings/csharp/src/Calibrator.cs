using System;
using System.Collections.Generic;
using System.Threading;
using Octavo.Interop;

namespace Octavo
{
    /// <summary>How a calibrator works.</summary>
    public sealed class CalibratorOptions
    {
        /// <summary>Threads; 0: one for each processor. Default: the context's.</summary>
        public int? Threads { get; set; }

        /// <summary>One of <see cref="Library.CpuTargets"/>. Default: <see cref="Library.CpuTarget"/>.</summary>
        public string CpuTarget { get; set; }

        /// <summary>The observer that is used with these statistics and no recipe: "min_max", "moving_average",
        /// "histogram" (the default), "percentile", "entropy" or "mse". Only "moving_average" has to be chosen here, all
        /// others can be in a recipe.</summary>
        public string Observer { get; set; }

        /// <summary>For "percentile", in (50, 100]; 0, the default: 99.99.</summary>
        public double Percentile { get; set; }

        internal static CalibratorOptionsHandle ToNative(CalibratorOptions options)
        {
            CalibratorOptionsHandle native;
            Native.octavo_calibrator_options_create(out native);
            return options == null ? native : native.With(made =>
            {
                if (options.Threads != null) Native.octavo_calibrator_options_set_threads(made, options.Threads.Value);
                if (options.CpuTarget != null)
                    Native.octavo_calibrator_options_set_cpu_target(made, Text.ToC(options.CpuTarget, "CpuTarget"));
                if (options.Observer != null)
                    Native.octavo_calibrator_options_set_observer(made, Text.ToC(options.Observer, "Observer"),
                                                                  options.Percentile);
            });
        }
    }

    /// <summary>Runs a float model on representative inputs and counts. One thread at a time: using one from two at once is
    /// InvalidState.</summary>
    public sealed class Calibrator : IDisposable
    {
        private readonly CalibratorHandle handle;
        private readonly Context context;

        internal Calibrator(CalibratorHandle handle, Context context)
        {
            this.handle = handle;
            this.context = context;
        }

        /// <summary>Runs the model once. On any error nothing of this call is counted.</summary>
        /// <param name="inputs">One for each input of the model, in its order. Batches of any size; open dimensions may
        /// differ from call to call.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape.</exception>
        /// <exception cref="ObjectDisposedException">The calibrator or an input was disposed.</exception>
        public void Collect(params Tensor[] inputs) { Collect(inputs, CancelHandle.None); }

        /// <summary>Runs the model once and counts, until it is done or a token cancels it.</summary>
        /// <param name="inputs">One for each input of the model, in its order. Not copied.</param>
        /// <param name="cancellation">Stops the work.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape.</exception>
        /// <exception cref="OperationCanceledException">The work was cancelled; nothing was counted.</exception>
        /// <exception cref="ObjectDisposedException">The calibrator or an input was disposed.</exception>
        public void Collect(IReadOnlyList<Tensor> inputs, CancellationToken cancellation)
        {
            Cancel.With(cancellation, cancel => Collect(inputs, cancel));
        }

        /// <summary>Runs the model once and counts, until it is done or another thread cancels it.</summary>
        /// <param name="inputs">One for each input of the model, in its order. Not copied.</param>
        /// <param name="cancel">Stops the work.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape.</exception>
        /// <exception cref="OperationCanceledException">The work was cancelled; nothing was counted.</exception>
        /// <exception cref="ObjectDisposedException">The calibrator, an input or the flag was disposed.</exception>
        public void Collect(IReadOnlyList<Tensor> inputs, Cancel cancel) { Collect(inputs, Cancel.HandleOf(cancel)); }

        private unsafe void Collect(IReadOnlyList<Tensor> inputs, CancelHandle cancel)
        {
            handle.Enter();
            try
            {
                Views.Collect(inputs, cancel,
                              (views, count, flag) => Native.octavo_calibrator_collect(handle, views, count, flag));
            }
            finally
            {
                handle.Leave();
            }
        }

        /// <summary>What was counted so far; the calibrator may go on afterwards.</summary>
        /// <exception cref="OctavoException">InvalidState: nothing was collected; InvalidData: a value was never
        /// finite.</exception>
        /// <exception cref="ObjectDisposedException">The calibrator was disposed.</exception>
        public Statistics Finish()
        {
            return handle.Alone(() =>
            {
                StatisticsHandle statistics;
                Native.octavo_calibrator_finish(handle, out statistics);
                return new Statistics(statistics, context);
            });
        }

        /// <summary>Frees the calibrator, once no call uses it. May be called more than once.</summary>
        public void Dispose() { handle.Dispose(); }
    }
}
