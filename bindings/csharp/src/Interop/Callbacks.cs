using System;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Threading;

namespace Octavo.Interop
{
    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate int ProgressCallback(double fraction, IntPtr what, IntPtr userData);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal unsafe delegate int ObserverCallback(IntPtr value, long count, double min, double max, UIntPtr bins,
                                                  double* lows, double* highs, long* counts, double* low, double* high,
                                                  IntPtr userData);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    internal delegate void LogCallback(int level, IntPtr message, IntPtr userData);

    /// <summary>What native code calls back. There is one delegate for each kind of callback, alive as long as the
    /// process; user_data is the number of what it is to call. A number that was removed calls nothing, so that the
    /// order in which objects are finalized does not matter.</summary>
    internal static unsafe class Callbacks
    {
        private static readonly ConcurrentDictionary<long, object> Targets = new ConcurrentDictionary<long, object>();
        private static readonly ProgressCallback ProgressDelegate = OnProgress;
        private static readonly ObserverCallback ObserverDelegate = OnObserve;
        private static readonly LogCallback LogDelegate = OnLog;
        private static long last;

        internal static readonly IntPtr Progress = Marshal.GetFunctionPointerForDelegate(ProgressDelegate);
        internal static readonly IntPtr Observer = Marshal.GetFunctionPointerForDelegate(ObserverDelegate);
        internal static readonly IntPtr Log = Marshal.GetFunctionPointerForDelegate(LogDelegate);

        /// <summary>A number for target, for user_data.</summary>
        internal static IntPtr Add(object target)
        {
            long number = Interlocked.Increment(ref last);
            Targets[number] = target;
            return (IntPtr)number;
        }

        internal static void Remove(IntPtr number)
        {
            object removed;
            Targets.TryRemove((long)number, out removed);
        }

        private static T Target<T>(IntPtr number) where T : class
        {
            object target;
            Targets.TryGetValue((long)number, out target);
            return (T)target;
        }

        private static int OnProgress(double fraction, IntPtr what, IntPtr userData)
        {
            try
            {
                var progress = Target<IProgress<QuantizeProgress>>(userData);
                if (progress != null) progress.Report(new QuantizeProgress(fraction, Text.FromC(what)));
                return 0;
            }
            catch (Exception thrown)
            {
                Failure.Remember(thrown);
                return 1;
            }
        }

        private static int OnObserve(IntPtr value, long count, double min, double max, UIntPtr bins, double* lows,
                                     double* highs, long* counts, double* low, double* high, IntPtr userData)
        {
            try
            {
                var observer = Target<Func<ObservedValue, ValueRange>>(userData);
                int n = checked((int)bins);
                ValueRange range = observer(new ObservedValue(Text.FromC(value), count, min, max,
                                                              new ReadOnlySpan<double>(lows, n).ToArray(),
                                                              new ReadOnlySpan<double>(highs, n).ToArray(),
                                                              new ReadOnlySpan<long>(counts, n).ToArray()));
                *low = range.Low;
                *high = range.High;
                return 0;
            }
            catch (Exception thrown)
            {
                Failure.Remember(thrown);
                return 1;
            }
        }

        private static void OnLog(int level, IntPtr message, IntPtr userData)
        {
            try
            {
                var log = Target<Action<LogLevel, string>>(userData);
                if (log != null) log((LogLevel)level, Text.FromC(message));
            }
            catch (Exception thrown)
            {
                Failure.Remember(thrown);
            }
        }
    }
}
