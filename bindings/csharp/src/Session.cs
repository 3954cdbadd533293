using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Octavo.Interop;

namespace Octavo
{
    /// <summary>How a session works.</summary>
    public sealed class SessionOptions
    {
        /// <summary>Threads, the calling one included; 0: one for each processor. Default: the context's.</summary>
        public int? Threads { get; set; }

        /// <summary>One of <see cref="Library.CpuTargets"/>. Default: <see cref="Library.CpuTarget"/>.</summary>
        public string CpuTarget { get; set; }

        /// <summary>Keep the time of every step for <see cref="Session.ProfileJson"/>.</summary>
        public bool Profile { get; set; }

        internal static SessionOptionsHandle ToNative(SessionOptions options)
        {
            SessionOptionsHandle native;
            Native.octavo_session_options_create(out native);
            return options == null ? native : native.With(made =>
            {
                if (options.Threads != null) Native.octavo_session_options_set_threads(made, options.Threads.Value);
                if (options.CpuTarget != null)
                    Native.octavo_session_options_set_cpu_target(made, Text.ToC(options.CpuTarget, "CpuTarget"));
                if (options.Profile) Native.octavo_session_options_set_profile(made, 1);
            });
        }
    }

    /// <summary>Scratch memory and threads to run one model: one session for each thread of the caller; using one from two
    /// threads at once is InvalidState. Sessions of one model share its packed weights. A session stays usable after any
    /// error.</summary>
    public sealed class Session : IDisposable
    {
        private readonly SessionHandle handle;
        private readonly int outputCount;

        internal Session(SessionHandle handle, Model model, Context context)
        {
            this.handle = handle;
            handle.Keeps = context;
            outputCount = model.Outputs.Count;
        }

        /// <summary>Runs a model that has one output. The result is the caller's: later runs do not change it.</summary>
        /// <param name="inputs">One for each input of the model, in its order. Not copied.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape of an input. InvalidState: the
        /// model has several outputs (use RunAll), or the session is running already.</exception>
        /// <exception cref="ObjectDisposedException">The session or an input was disposed.</exception>
        public Tensor Run(params Tensor[] inputs)
        {
            CheckOneOutput();
            return RunAll(inputs, CancelHandle.None)[0];
        }

        /// <summary>Runs a model that has one input and one output, until it is done or a token cancels it. The result is
        /// the caller's: later runs do not change it.</summary>
        /// <param name="input">The input. Not copied.</param>
        /// <param name="cancellation">Stops the run.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong dtype or shape. InvalidState: the model has several
        /// outputs, or the session is running already.</exception>
        /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
        /// <exception cref="ObjectDisposedException">The session or the input was disposed.</exception>
        public Tensor Run(Tensor input, CancellationToken cancellation)
        {
            CheckOneOutput();
            return RunAll(new[] { input }, cancellation)[0];
        }

        /// <summary>Runs the model. Results are the caller's: later runs do not change them.</summary>
        /// <param name="inputs">One for each input of the model, in its order. Not copied.</param>
        /// <param name="cancellation">Stops the run.</param>
        /// <returns>One tensor for each output of the model, in its order.</returns>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape of an input. InvalidState: the
        /// session is running already.</exception>
        /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
        /// <exception cref="ObjectDisposedException">The session or an input was disposed.</exception>
        public Tensor[] RunAll(IReadOnlyList<Tensor> inputs, CancellationToken cancellation = default(CancellationToken))
        {
            Tensor[] outputs = null;
            Cancel.With(cancellation, cancel => outputs = RunAll(inputs, cancel));
            return outputs;
        }

        /// <summary>Runs the model, until it is done or another thread cancels it. Results are the caller's: later runs do
        /// not change them.</summary>
        /// <param name="inputs">One for each input of the model, in its order. Not copied.</param>
        /// <param name="cancel">Stops the run.</param>
        /// <returns>One tensor for each output of the model, in its order.</returns>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape of an input. InvalidState: the
        /// session is running already.</exception>
        /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
        /// <exception cref="ObjectDisposedException">The session, an input or the flag was disposed.</exception>
        public Tensor[] RunAll(IReadOnlyList<Tensor> inputs, Cancel cancel)
        {
            return RunAll(inputs, Cancel.HandleOf(cancel));
        }

        /// <summary>Runs the model into memory of the caller. Nothing is copied.</summary>
        /// <param name="inputs">One for each input of the model, in its order.</param>
        /// <param name="outputs">One for each output of the model, in its order, with its dtype and shape:
        /// <see cref="Prepare"/> tells them.</param>
        /// <param name="cancellation">Stops the run.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape, or too little memory for an
        /// output. InvalidState: the session is running already.</exception>
        /// <exception cref="OperationCanceledException">The run was cancelled; outputs hold anything.</exception>
        /// <exception cref="ObjectDisposedException">The session or a tensor was disposed.</exception>
        public void RunInto(IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> outputs,
                            CancellationToken cancellation = default(CancellationToken))
        {
            if (cancellation.CanBeCanceled) Cancel.With(cancellation, cancel => RunInto(inputs, outputs, cancel));
            else RunInto(inputs, outputs, CancelHandle.None);
        }

        /// <summary>Runs the model into memory of the caller, until it is done or another thread cancels it. Nothing is
        /// copied.</summary>
        /// <param name="inputs">One for each input of the model, in its order.</param>
        /// <param name="outputs">One for each output of the model, in its order, with its dtype and shape:
        /// <see cref="Prepare"/> tells them.</param>
        /// <param name="cancel">Stops the run.</param>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape, or too little memory for an
        /// output. InvalidState: the session is running already.</exception>
        /// <exception cref="OperationCanceledException">The run was cancelled; outputs hold anything.</exception>
        /// <exception cref="ObjectDisposedException">The session, a tensor or the flag was disposed.</exception>
        public void RunInto(IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> outputs, Cancel cancel)
        {
            RunInto(inputs, outputs, Cancel.HandleOf(cancel));
        }

        /// <summary>Runs a model that has one input and one output, from and into memory of the caller: the way with the
        /// least work around a run. Nothing is copied.</summary>
        /// <param name="input">As many elements as the shape says.</param>
        /// <param name="shape">The shape of the input.</param>
        /// <param name="output">Room for the output, at least.</param>
        /// <exception cref="ArgumentNullException">shape is null.</exception>
        /// <exception cref="OctavoException">InvalidArgument: the model has other inputs or outputs; wrong dtype, size or
        /// shape; too little memory for the output. InvalidState: the session is running already.</exception>
        /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
        public unsafe void Run<TInput, TOutput>(ReadOnlySpan<TInput> input, long[] shape, Span<TOutput> output)
            where TInput : struct where TOutput : struct
        {
            if (shape == null) throw new ArgumentNullException("shape");
            Element<TInput>.Check();
            Element<TOutput>.Check();
            ReadOnlySpan<byte> from = MemoryMarshal.AsBytes(input);
            Span<byte> to = MemoryMarshal.AsBytes(output);
            NativeView x = NativeView.Empty, y = NativeView.Empty;
            byte nothing;
            fixed (byte* source = &MemoryMarshal.GetReference(from))
            fixed (byte* target = &MemoryMarshal.GetReference(to))
            fixed (long* dims = shape)
            {
                x.DType = (int)Element<TInput>.DType;
                x.Rank = shape.Length;
                x.Dims = dims;
                x.Data = source;
                x.Bytes = (UIntPtr)(uint)from.Length;
                y.DType = (int)Element<TOutput>.DType;
                y.Data = to.Length == 0 ? &nothing : target;
                y.Bytes = (UIntPtr)(uint)to.Length;
                handle.Enter();
                try
                {
                    Native.octavo_session_run(handle, &x, (UIntPtr)1, &y, (UIntPtr)1, CancelHandle.None);
                }
                finally
                {
                    handle.Leave();
                }
            }
        }

        /// <summary>Gets ready for inputs of these shapes without running; their elements are not looked at.</summary>
        /// <returns>The dtype and shape of each output, -1 for a dimension that depends on what the inputs
        /// contain.</returns>
        /// <exception cref="OctavoException">InvalidArgument: wrong count, dtype or shape. InvalidState: the session is
        /// running.</exception>
        /// <exception cref="ObjectDisposedException">The session or an input was disposed.</exception>
        public OutputInfo[] Prepare(params Tensor[] inputs) { return handle.Alone(() => PrepareAndCopy(inputs)); }

        private unsafe OutputInfo[] PrepareAndCopy(Tensor[] inputs)
        {
            if (inputs == null) throw new ArgumentNullException("inputs");
            byte* inputStack = stackalloc byte[Views.StackBytes], outputStack = stackalloc byte[Views.StackBytes];
            using (var x = new Views(inputs.Length, inputStack))
            using (var y = new Views(outputCount, outputStack))
            {
                for (int i = 0; i < inputs.Length; i++) x.Set(i, inputs[i], "inputs");
                Native.octavo_session_prepare(handle, x.Address, x.Count, y.Address, y.Count);
                var outputs = new OutputInfo[outputCount];
                for (int i = 0; i < outputs.Length; i++)
                    outputs[i] = new OutputInfo((DType)y.Address[i].DType, Shape(y.Address[i]));
                return outputs;
            }
        }

        /// <summary>The shape of an output as of the last run.</summary>
        /// <exception cref="OctavoException">InvalidState: no run yet. InvalidArgument: no such output.</exception>
        /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
        public unsafe long[] OutputShape(int index)
        {
            if (index < 0) throw OctavoException.Argument("index: " + index + " is negative");
            return handle.Alone(() =>
            {
                int rank;
                var shape = new long[Native.OCTAVO_MAX_RANK];
                fixed (long* dims = shape)
                    Native.octavo_session_output_shape(handle, (UIntPtr)(uint)index, dims, (UIntPtr)shape.Length, out rank);
                Array.Resize(ref shape, rank);
                return shape;
            });
        }

        /// <summary>The instruction set in use.</summary>
        /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
        public string CpuTarget
        {
            get
            {
                return handle.Hold(() =>
                {
                    IntPtr target;
                    Native.octavo_session_cpu_target(handle, out target);
                    return Text.FromC(target);
                });
            }
        }

        /// <summary>What each step took, all runs so far: {"cpu_target", "threads", "seconds", "peak", "steps": [{"name",
        /// "op", "kernel", "precision", "reason", "seconds", "runs", "macs", "share_of_peak", "bytes"}]}; octavo.h says
        /// more.</summary>
        /// <exception cref="OctavoException">InvalidState: made without <see cref="SessionOptions.Profile"/>.</exception>
        /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
        public string ProfileJson()
        {
            return handle.Alone(() =>
            {
                BufferHandle json;
                Native.octavo_session_profile_json(handle, out json);
                return Text.FromBuffer(json);
            });
        }

        /// <summary>The same as one web page with a timeline, which needs no other file.</summary>
        /// <exception cref="OctavoException">InvalidState: made without <see cref="SessionOptions.Profile"/>.</exception>
        /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
        public string ProfileHtml()
        {
            return handle.Alone(() =>
            {
                BufferHandle html;
                Native.octavo_session_profile_html(handle, out html);
                return Text.FromBuffer(html);
            });
        }

        /// <summary>Frees the session; a run on another thread ends first. May be called more than once.</summary>
        public void Dispose() { handle.Dispose(); }

        private void CheckOneOutput()
        {
            if (outputCount != 1)
                throw OctavoException.State("the model has " + outputCount + " outputs: use RunAll");
        }

        private Tensor[] RunAll(IReadOnlyList<Tensor> inputs, CancelHandle cancel)
        {
            return handle.Alone(() => RunAndCopy(inputs, cancel));
        }

        private unsafe Tensor[] RunAndCopy(IReadOnlyList<Tensor> inputs, CancelHandle cancel)
        {
            if (inputs == null) throw new ArgumentNullException("inputs");
            byte* inputStack = stackalloc byte[Views.StackBytes], outputStack = stackalloc byte[Views.StackBytes];
            using (var x = new Views(inputs.Count, inputStack))
            using (var y = new Views(outputCount, outputStack))
            {
                for (int i = 0; i < inputs.Count; i++) x.Set(i, inputs[i], "inputs");
                Native.octavo_session_run(handle, x.Address, x.Count, y.Address, y.Count, cancel);
                var outputs = new Tensor[outputCount];
                for (int i = 0; i < outputs.Length; i++) outputs[i] = Copy(y.Address[i]);
                return outputs;
            }
        }

        private unsafe void RunInto(IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> outputs, CancelHandle cancel)
        {
            if (inputs == null) throw new ArgumentNullException("inputs");
            if (outputs == null) throw new ArgumentNullException("outputs");
            byte* inputStack = stackalloc byte[Views.StackBytes], outputStack = stackalloc byte[Views.StackBytes];
            using (var x = new Views(inputs.Count, inputStack))
            using (var y = new Views(outputs.Count, outputStack))
            {
                for (int i = 0; i < inputs.Count; i++) x.Set(i, inputs[i], "inputs");
                for (int i = 0; i < outputs.Count; i++)
                {
                    y.Set(i, outputs[i], "outputs");
                    if (outputs[i].IsReadOnly || y.Address[i].Data == null)
                        throw OctavoException.Argument("outputs[" + i + "]: " + outputs[i] + " has no memory to write to");
                }
                handle.Enter();
                try
                {
                    Native.octavo_session_run(handle, x.Address, x.Count, y.Address, y.Count, cancel);
                }
                finally
                {
                    handle.Leave();
                }
            }
        }

        private static unsafe Tensor Copy(NativeView view)
        {
            ulong bytes = (ulong)view.Bytes;
            if (bytes > int.MaxValue)
                throw OctavoException.State("an output is larger than 2 GiB: use RunInto");
            var data = new byte[(int)bytes];
            new ReadOnlySpan<byte>(view.Data, data.Length).CopyTo(data);
            return Tensor.Owning(data, (DType)view.DType, Shape(view));
        }

        private static unsafe long[] Shape(NativeView view)
        {
            return new ReadOnlySpan<long>(view.Dims, view.Rank).ToArray();
        }
    }

    /// <summary>What an output of a run will be.</summary>
    public sealed class OutputInfo
    {
        internal OutputInfo(DType dtype, long[] shape)
        {
            DType = dtype;
            Shape = shape;
        }

        /// <summary>The element type.</summary>
        public DType DType { get; private set; }

        /// <summary>The dimensions, -1 for one that depends on what the inputs contain.</summary>
        public long[] Shape { get; private set; }
    }
}
