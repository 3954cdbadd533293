using System;

namespace Octavo
{
    /// <summary>How far quantizing has come.</summary>
    public struct QuantizeProgress
    {
        internal QuantizeProgress(double fraction, string step)
        {
            Fraction = fraction;
            Step = step;
        }

        /// <summary>0 to 1.</summary>
        public double Fraction { get; private set; }

        /// <summary>The step or node.</summary>
        public string Step { get; private set; }
    }

    /// <summary>What calibration counted of one value: what an observer of the caller's chooses a range from.</summary>
    public sealed class ObservedValue
    {
        internal ObservedValue(string name, long count, double min, double max, double[] lows, double[] highs, long[] counts)
        {
            Name = name;
            Count = count;
            Min = min;
            Max = max;
            Lows = lows;
            Highs = highs;
            Counts = counts;
        }

        /// <summary>The value's name in the model.</summary>
        public string Name { get; private set; }

        /// <summary>How many finite values there were.</summary>
        public long Count { get; private set; }

        /// <summary>The least of them.</summary>
        public double Min { get; private set; }

        /// <summary>The greatest of them.</summary>
        public double Max { get; private set; }

        /// <summary>Where each bin begins. Bins ascend, do not overlap and are not empty; zeros are a bin of their own,
        /// any other is at most 1/32 of its value wide.</summary>
        public double[] Lows { get; private set; }

        /// <summary>Where each bin ends.</summary>
        public double[] Highs { get; private set; }

        /// <summary>How many values lie in each bin.</summary>
        public long[] Counts { get; private set; }
    }

    /// <summary>The range of a value that its 8 bits are to cover; it is widened to hold 0.</summary>
    public struct ValueRange
    {
        /// <summary>From low to high, both finite.</summary>
        public ValueRange(double low, double high)
        {
            Low = low;
            High = high;
        }

        /// <summary>The least value.</summary>
        public double Low { get; private set; }

        /// <summary>The greatest value.</summary>
        public double High { get; private set; }
    }

    /// <summary>For quantizing that takes long, or with an observer of the caller's.</summary>
    public sealed class QuantizeOptions
    {
        /// <summary>Told how far it has come, on the thread that quantizes (<see cref="Progress{T}"/> posts it to
        /// another). What it throws stops the work and is thrown by Quantize. null: nobody is told.</summary>
        public IProgress<QuantizeProgress> Progress { get; set; }

        /// <summary>What stands behind the observer "custom" of a recipe; without a recipe it serves all values. Called
        /// on the thread that quantizes, once for each value, in the model's order. What it throws stops the work and is
        /// thrown by Quantize; bounds that are no range are InvalidArgument. null: none.</summary>
        public Func<ObservedValue, ValueRange> Observer { get; set; }
    }
}
