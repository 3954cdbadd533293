using System;
using System.Buffers;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Octavo.Interop
{
    /// <summary>octavo_tensor_view.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct NativeView
    {
        internal uint StructSize;
        internal int DType;
        internal int Rank;
        internal uint Flags;
        internal void* Data;
        internal UIntPtr Bytes;
        internal long* Dims;
        internal long* Strides;

        /// <summary>As an output, one that asks for memory of the library.</summary>
        internal static NativeView Empty { get { return new NativeView { StructSize = (uint)sizeof(NativeView) }; } }
    }

    /// <summary>Views of tensors for one native call, their memory pinned until Dispose. Belongs to one call, never to
    /// an object: two threads that wrongly share a session must not share views.</summary>
    internal unsafe struct Views : IDisposable
    {
        private const int LongsPerTensor = 2 * Native.OCTAVO_MAX_RANK;
        private const int BytesPerTensor = 56 + LongsPerTensor * sizeof(long);  // 56: a view where addresses have 64 bits

        /// <summary>Bytes for the caller's stackalloc: enough for this many tensors.</summary>
        internal const int StackBytes = 4 * BytesPerTensor;

        internal readonly NativeView* Address;
        private readonly long* shapes;
        private readonly MemoryHandle[] pins;
        private readonly IntPtr heap;

        /// <summary>Room for count views: in StackBytes bytes at stack or, if those are too few, on the heap.</summary>
        internal Views(int count, byte* stack)
        {
            heap = IntPtr.Zero;
            if (count > StackBytes / BytesPerTensor)
            {
                heap = Marshal.AllocHGlobal((IntPtr)((long)count * BytesPerTensor));
                stack = (byte*)heap;
            }
            Address = (NativeView*)stack;
            shapes = (long*)(stack + (long)count * sizeof(NativeView));
            pins = new MemoryHandle[count];
            for (int i = 0; i < count; i++) Address[i] = NativeView.Empty;
        }

        internal delegate void Collector(NativeView* inputs, UIntPtr count, CancelHandle cancel);

        /// <summary>Calls a native function that takes one view of each input.</summary>
        internal static void Collect(IReadOnlyList<Tensor> inputs, CancelHandle cancel, Collector collect)
        {
            if (inputs == null) throw new ArgumentNullException("inputs");
            byte* stack = stackalloc byte[StackBytes];
            using (var views = new Views(inputs.Count, stack))
            {
                for (int i = 0; i < inputs.Count; i++) views.Set(i, inputs[i], "inputs");
                collect(views.Address, views.Count, cancel);
            }
        }

        internal UIntPtr Count { get { return (UIntPtr)(uint)pins.Length; } }

        /// <summary>Pins a tensor and makes view i one of it.</summary>
        internal void Set(int i, Tensor tensor, string argument)
        {
            if (tensor == null) throw new ArgumentNullException(argument);
            if (i >= pins.Length) throw new ArgumentException("the list grew", argument);  // before memory is written
            pins[i] = tensor.Fill(ref Address[i], shapes + i * LongsPerTensor);
        }

        /// <summary>Unpins.</summary>
        public void Dispose()
        {
            for (int i = 0; i < pins.Length; i++) pins[i].Dispose();
            if (heap != IntPtr.Zero) Marshal.FreeHGlobal(heap);
        }
    }
}
