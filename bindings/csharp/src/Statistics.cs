using System;
using Octavo.Interop;

namespace Octavo
{
    /// <summary>What the values of a float model look like: of fixed size, mergeable, savable, useful without the data.
    /// Serves every observer but "moving_average". May be read by several threads at once; merging into it while another
    /// call uses it is InvalidState.</summary>
    public sealed class Statistics : IDisposable
    {
        private readonly StatisticsHandle handle;

        internal Statistics(StatisticsHandle handle, Context context)
        {
            this.handle = handle;
            handle.Keeps = context;
        }

        /// <summary>Reads what <see cref="Save"/> wrote.</summary>
        /// <param name="path">The file.</param>
        /// <param name="context">Where the statistics live; null: <see cref="Context.Default"/>.</param>
        /// <exception cref="OctavoException">Io, InvalidData.</exception>
        public static Statistics Load(string path, Context context = null)
        {
            byte[] name = Text.Required(path, "path");
            context = Context.OrDefault(context);
            StatisticsHandle statistics;
            Native.octavo_statistics_load(context.Handle, name, out statistics);
            return new Statistics(statistics, context);
        }

        /// <summary>Reads from memory what <see cref="Save"/> or <see cref="ToArray"/> wrote; copies.</summary>
        /// <param name="data">What <see cref="ToArray"/> returned, or the bytes of a file.</param>
        /// <param name="context">Where the statistics live; null: <see cref="Context.Default"/>.</param>
        /// <exception cref="OctavoException">InvalidData.</exception>
        public static unsafe Statistics Load(byte[] data, Context context = null)
        {
            if (data == null) throw new ArgumentNullException("data");
            context = Context.OrDefault(context);
            StatisticsHandle statistics;
            using (var pin = new ReadOnlyMemory<byte>(data).Pin())
                Native.octavo_statistics_load_memory(context.Handle, (IntPtr)pin.Pointer, (UIntPtr)(uint)data.Length,
                                                     out statistics);
            return new Statistics(statistics, context);
        }

        /// <summary>Writes them to a file, which is replaced whole or not at all. The same statistics give the same
        /// bytes.</summary>
        /// <exception cref="OctavoException">Io.</exception>
        /// <exception cref="ObjectDisposedException">The statistics were disposed.</exception>
        public void Save(string path)
        {
            byte[] name = Text.Required(path, "path");
            handle.Shared(() => { Native.octavo_statistics_save(handle, name); return true; });
        }

        /// <summary>The bytes that <see cref="Save"/> writes.</summary>
        /// <exception cref="ObjectDisposedException">The statistics were disposed.</exception>
        public byte[] ToArray()
        {
            return handle.Shared(() =>
            {
                BufferHandle bytes;
                Native.octavo_statistics_save_memory(handle, out bytes);
                return Text.BytesFromBuffer(bytes);
            });
        }

        /// <summary>Adds others, as if one calibrator had seen both: data can be split over machines. The order does not
        /// matter (but for the observer "moving_average").</summary>
        /// <exception cref="OctavoException">InvalidArgument: they are of different models.</exception>
        /// <exception cref="ObjectDisposedException">One of them was disposed.</exception>
        public void Merge(Statistics from)
        {
            if (from == null) throw new ArgumentNullException("from");
            if (from == this) throw OctavoException.Argument("from: statistics cannot be merged into themselves");
            from.handle.Shared(() => handle.Alone(() =>
            {
                Native.octavo_statistics_merge(handle, from.handle);
                return true;
            }));
        }

        /// <summary>How many samples were collected: the sum of the first input's first dimension.</summary>
        /// <exception cref="ObjectDisposedException">The statistics were disposed.</exception>
        public long Samples
        {
            get
            {
                return handle.Shared(() =>
                {
                    long samples;
                    Native.octavo_statistics_samples(handle, out samples);
                    return samples;
                });
            }
        }

        /// <summary>A readable form: {"model": digest, "digest", "samples", "values": {name: {"min", "max", "count",
        /// "zeros", "nan", "inf"}}}.</summary>
        /// <exception cref="ObjectDisposedException">The statistics were disposed.</exception>
        public string ToJson()
        {
            return handle.Shared(() =>
            {
                BufferHandle json;
                Native.octavo_statistics_json(handle, out json);
                return Text.FromBuffer(json);
            });
        }

        /// <summary>Frees the statistics, once no call uses them. May be called more than once.</summary>
        public void Dispose() { handle.Dispose(); }

        internal StatisticsHandle Handle { get { return handle; } }
    }
}
