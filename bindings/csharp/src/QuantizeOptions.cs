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

    /// <summary>For quantizing that takes long.</summary>
    public sealed class QuantizeOptions
    {
        /// <summary>Told how far it has come, on the thread that quantizes (<see cref="Progress{T}"/> posts it to
        /// another). What it throws stops the work and is thrown by Quantize. null: nobody is told.</summary>
        public IProgress<QuantizeProgress> Progress { get; set; }
    }
}
