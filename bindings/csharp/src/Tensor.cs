using System;
using System.Buffers;
using System.Runtime.InteropServices;
using Octavo.Interop;

namespace Octavo
{
    /// <summary>Numbers of one element type in a shape: what goes into a model and what comes out. A tensor made from the
    /// caller's array, memory or pointer does not copy it: calls of the library read and write it where it is, pinned for
    /// the time of the call.</summary>
    /// <remarks>Dispose lets go of the memory; a tensor that was only collected by the garbage collector loses nothing.
    /// Tensors may be read by several threads at once.</remarks>
    public sealed class Tensor : IDisposable
    {
        private readonly long[] shape;
        private readonly long[] strides;
        private readonly bool readOnly;
        private long first;  // byte
        private Storage storage;

        private Tensor(Storage storage, DType dtype, long[] shape, long[] strides, bool readOnly)
        {
            if (shape == null) throw new ArgumentNullException("shape");
            if (shape.Length > Native.OCTAVO_MAX_RANK)
                throw OctavoException.Argument("shape: " + shape.Length + " dimensions, allowed are 0 to " +
                                               Native.OCTAVO_MAX_RANK);
            this.storage = storage;
            this.shape = (long[])shape.Clone();
            this.strides = strides;
            this.readOnly = readOnly;
            DType = dtype;
        }

        /// <summary>A tensor over an array, dense, last dimension adjacent. Not copied.</summary>
        /// <typeparam name="T">float, double, bool or an integer from sbyte and byte to long and ulong.</typeparam>
        /// <param name="data">As many elements as the shape says; calls check it.</param>
        /// <param name="shape">At most 8 dimensions; none makes a scalar.</param>
        /// <exception cref="ArgumentNullException">data or shape is null.</exception>
        /// <exception cref="OctavoException">InvalidArgument: T is no element type, or too many dimensions.</exception>
        public static Tensor From<T>(T[] data, params long[] shape) where T : struct
        {
            if (data == null) throw new ArgumentNullException("data");
            return From(new Memory<T>(data), shape);
        }

        /// <summary>A tensor over memory: part of an array, native memory, a pool's buffer. Not copied.</summary>
        /// <typeparam name="T">float, double, bool or an integer from sbyte and byte to long and ulong.</typeparam>
        /// <param name="data">As many elements as the shape says; calls check it.</param>
        /// <param name="shape">At most 8 dimensions; none makes a scalar.</param>
        /// <exception cref="ArgumentNullException">shape is null.</exception>
        /// <exception cref="OctavoException">InvalidArgument: T is no element type, or too many dimensions.</exception>
        public static Tensor From<T>(Memory<T> data, params long[] shape) where T : struct
        {
            return new Tensor(new MemoryStorage<T>(data), Element<T>.DType, shape, null, false);
        }

        /// <summary>A tensor over memory that is only read: an input, never an output. Not copied.</summary>
        /// <typeparam name="T">float, double, bool or an integer from sbyte and byte to long and ulong.</typeparam>
        /// <param name="data">As many elements as the shape says; calls check it.</param>
        /// <param name="shape">At most 8 dimensions; none makes a scalar.</param>
        /// <exception cref="ArgumentNullException">shape is null.</exception>
        /// <exception cref="OctavoException">InvalidArgument: T is no element type, or too many dimensions.</exception>
        public static Tensor From<T>(ReadOnlyMemory<T> data, params long[] shape) where T : struct
        {
            return new Tensor(new MemoryStorage<T>(data), Element<T>.DType, shape, null, true);
        }

        /// <summary>A tensor of an element type that C# has no type for: Float16 and BFloat16 as ushort, Int4 and UInt4
        /// two in a byte. Not copied.</summary>
        /// <typeparam name="T">The type whose bits are used.</typeparam>
        /// <param name="dtype">What the bits mean.</param>
        /// <param name="data">As many bytes as dtype and shape need; calls check it.</param>
        /// <param name="shape">At most 8 dimensions; none makes a scalar.</param>
        /// <exception cref="ArgumentNullException">shape is null.</exception>
        /// <exception cref="OctavoException">InvalidArgument: T is no element type, or too many dimensions.</exception>
        public static Tensor FromBits<T>(DType dtype, Memory<T> data, params long[] shape) where T : struct
        {
            return new Tensor(new MemoryStorage<T>(data), dtype, shape, null, false);
        }

        /// <summary>A tensor over memory at an address. Not copied: it must stay there and live as long as the tensor is
        /// used.</summary>
        /// <param name="data">The first element; any alignment.</param>
        /// <param name="bytes">Bytes at data.</param>
        /// <param name="dtype">The element type.</param>
        /// <param name="shape">At most 8 dimensions; none makes a scalar.</param>
        /// <exception cref="ArgumentNullException">shape is null, or data is 0 and bytes is not.</exception>
        /// <exception cref="OctavoException">InvalidArgument: bytes is negative, or too many dimensions.</exception>
        public static Tensor FromPointer(IntPtr data, long bytes, DType dtype, params long[] shape)
        {
            if (bytes < 0) throw OctavoException.Argument("bytes: " + bytes + " is negative");
            if (data == IntPtr.Zero && bytes > 0) throw new ArgumentNullException("data");
            return new Tensor(new PointerStorage(data, bytes), dtype, shape, null, false);
        }

        /// <summary>A tensor of zeros in memory of its own, for results.</summary>
        /// <param name="dtype">The element type.</param>
        /// <param name="shape">At most 8 dimensions of 0 or more; none makes a scalar.</param>
        /// <exception cref="ArgumentNullException">shape is null.</exception>
        /// <exception cref="OctavoException">InvalidArgument: no such element type, a negative dimension, or more
        /// bytes than an array holds (2 GiB).</exception>
        public static Tensor Create(DType dtype, params long[] shape)
        {
            if (shape == null) throw new ArgumentNullException("shape");
            return Owning(new byte[BytesOf(dtype, shape)], dtype, shape);
        }

        /// <summary>The same memory, read with steps: element [i, j, ...] is the one at i * strides[0] + j * strides[1]
        /// + ... An input only. Not copied.</summary>
        /// <param name="strides">One for each dimension, in elements; may be 0.</param>
        /// <exception cref="ArgumentNullException">strides is null.</exception>
        /// <exception cref="ObjectDisposedException">The tensor was disposed.</exception>
        /// <exception cref="OctavoException">InvalidArgument: not one stride for each dimension, elements outside the
        /// tensor's memory, or elements of less than a byte.</exception>
        public Tensor WithStrides(params long[] strides) { return WithStrides(strides, 0); }

        /// <summary>The same memory, read with steps from another first element on, so that strides may be negative. An
        /// input only. Not copied.</summary>
        /// <param name="strides">One for each dimension, in elements; may be 0 or negative.</param>
        /// <param name="first">Which element of the memory is [0, 0, ...].</param>
        /// <exception cref="ArgumentNullException">strides is null.</exception>
        /// <exception cref="ObjectDisposedException">The tensor was disposed.</exception>
        /// <exception cref="OctavoException">InvalidArgument: not one stride for each dimension, elements outside the
        /// tensor's memory, or elements of less than a byte.</exception>
        public Tensor WithStrides(long[] strides, long first)
        {
            if (strides == null) throw new ArgumentNullException("strides");
            if (strides.Length != shape.Length)
                throw OctavoException.Argument("strides: " + strides.Length + " for " + shape.Length + " dimensions");
            int bits = DType.Bits();
            if (bits < 8)
                throw OctavoException.Argument("strides: not for elements of " + DType.Name());
            long elements = Memory.Bytes / (bits / 8);
            if (!Within(elements, shape, strides, first))
                throw OctavoException.Argument("strides: [" + string.Join(", ", strides) + "] from element " + first +
                                               " on lead out of the tensor's " + elements + " elements");
            return new Tensor(Memory, DType, shape, (long[])strides.Clone(), true) { first = first * (bits / 8) };
        }

        // The C library cannot know how far the memory of a view with strides reaches: it is checked here.
        private static bool Within(long elements, long[] shape, long[] strides, long first)
        {
            if (Array.IndexOf(shape, 0) >= 0) return true;
            try
            {
                checked
                {
                    long least = first, greatest = first;
                    for (int d = 0; d < shape.Length; d++)
                    {
                        long reach = (shape[d] - 1) * strides[d];
                        if (reach < 0) least += reach;
                        else greatest += reach;
                    }
                    return least >= 0 && greatest < elements;
                }
            }
            catch (OverflowException)
            {
                return false;
            }
        }

        /// <summary>The element type.</summary>
        public DType DType { get; private set; }

        /// <summary>The dimensions; a copy.</summary>
        public long[] Shape { get { return (long[])shape.Clone(); } }

        /// <summary>Bytes of the tensor's memory.</summary>
        /// <exception cref="ObjectDisposedException">The tensor was disposed.</exception>
        public long ByteLength { get { return Memory.Bytes; } }

        /// <summary>The elements where they are, in order. T's size must be that of the element type; packed types are
        /// seen as bytes.</summary>
        /// <exception cref="ObjectDisposedException">The tensor was disposed.</exception>
        /// <exception cref="OctavoException">InvalidArgument: T does not fit the element type. InvalidState: the tensor
        /// has strides, is read-only, or is larger than 2 GiB.</exception>
        public Span<T> AsSpan<T>() where T : struct
        {
            if (readOnly) throw OctavoException.State("the tensor is read-only: use ToArray");
            CheckType<T>();
            return MemoryMarshal.Cast<byte, T>(Memory.Span);
        }

        /// <summary>A copy of the elements, in order. T as for <see cref="AsSpan{T}"/>.</summary>
        /// <exception cref="ObjectDisposedException">The tensor was disposed.</exception>
        /// <exception cref="OctavoException">InvalidArgument: T does not fit the element type. InvalidState: the tensor
        /// has strides or is larger than 2 GiB.</exception>
        public T[] ToArray<T>() where T : struct
        {
            CheckType<T>();
            return MemoryMarshal.Cast<byte, T>(Memory.Span).ToArray();
        }

        /// <summary>"float32 [1, 10]".</summary>
        public override string ToString()
        {
            return DType.Name() + " [" + string.Join(", ", shape) + "]";
        }

        /// <summary>Lets go of the memory. May be called more than once. Calls that use the tensor at this moment go
        /// on.</summary>
        public void Dispose() { storage = null; }

        internal bool IsReadOnly { get { return readOnly; } }

        internal static Tensor Owning(byte[] data, DType dtype, long[] shape)
        {
            return new Tensor(new MemoryStorage<byte>(data), dtype, shape, null, false);
        }

        /// <summary>Makes view one of this tensor, with its shape and strides copied to numbers, which has room for two
        /// times the greatest rank. The memory stays pinned until the result is disposed.</summary>
        internal unsafe MemoryHandle Fill(ref NativeView view, long* numbers)
        {
            Storage memory = Memory;
            for (int d = 0; d < shape.Length; d++) numbers[d] = shape[d];
            view.Dims = numbers;
            long bytes = memory.Bytes;
            if (strides != null)
            {
                // What a dense tensor of this shape has, as the library asks for where the strides are those of one. It
                // refuses shapes whose product overflows by itself.
                bytes = DType.Bits() / 8;
                foreach (long d in shape) bytes = unchecked(bytes * d);
                view.Strides = numbers + shape.Length;
                for (int d = 0; d < strides.Length; d++) view.Strides[d] = strides[d];
            }
            view.DType = (int)DType;
            view.Rank = shape.Length;
            view.Bytes = (UIntPtr)(ulong)bytes;
            MemoryHandle pin = memory.Pin();
            view.Data = (byte*)pin.Pointer + first;
            return pin;
        }

        internal static long BytesOf(DType dtype, long[] shape)
        {
            int bits = dtype.Bits();
            if (bits == 0) throw OctavoException.Argument("dtype: " + (int)dtype + " is no element type");
            const long Most = 0x7FFFFFC7;
            long total = bits;
            bool empty = false, tooMany = false;
            foreach (long d in shape)
            {
                if (d < 0) throw OctavoException.Argument("shape: dimension " + d + " is negative");
                empty |= d == 0;
                tooMany |= d > 0 && total > Most * 8 / d;
                if (!empty && !tooMany) total *= d;
            }
            if (empty) return 0;
            if (tooMany)
                throw OctavoException.Argument("shape: [" + string.Join(", ", shape) +
                                               "] needs more bytes than an array holds");
            return (total + 7) / 8;
        }

        private Storage Memory
        {
            get
            {
                Storage memory = storage;
                if (memory == null) throw new ObjectDisposedException("Tensor");
                return memory;
            }
        }

        private void CheckType<T>() where T : struct
        {
            Element<T>.Check();
            int bits = Math.Max(8, DType.Bits());
            if (Element<T>.Size * 8 != bits)
                throw OctavoException.Argument("T: " + typeof(T) + " does not fit the tensor's " + DType.Name());
            if (strides != null) throw OctavoException.State("the tensor has strides");
            if (Memory.Bytes > int.MaxValue)
                throw OctavoException.State("the tensor is larger than 2 GiB: use its own memory");
        }

        private abstract class Storage
        {
            internal abstract long Bytes { get; }
            internal abstract Span<byte> Span { get; }
            internal abstract MemoryHandle Pin();
        }

        private sealed class MemoryStorage<T> : Storage where T : struct
        {
            private readonly Memory<T> memory;

            internal MemoryStorage(ReadOnlyMemory<T> memory)
            {
                Element<T>.Check();
                this.memory = MemoryMarshal.AsMemory(memory);
            }

            internal override long Bytes { get { return (long)memory.Length * Element<T>.Size; } }
            internal override Span<byte> Span { get { return MemoryMarshal.AsBytes(memory.Span); } }
            internal override MemoryHandle Pin() { return memory.Pin(); }
        }

        private sealed unsafe class PointerStorage : Storage
        {
            private readonly IntPtr data;
            private readonly long bytes;

            internal PointerStorage(IntPtr data, long bytes)
            {
                this.data = data;
                this.bytes = bytes;
            }

            internal override long Bytes { get { return bytes; } }
            internal override Span<byte> Span { get { return new Span<byte>((void*)data, (int)bytes); } }
            internal override MemoryHandle Pin() { return new MemoryHandle((void*)data); }
        }
    }
}
