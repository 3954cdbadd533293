using System;
using System.Collections.Generic;
using System.Threading;
using Octavo.Interop;

namespace Octavo
{
    /// <summary>How a model is loaded.</summary>
    public sealed class LoadOptions
    {
        /// <summary>Shapes for inputs whose dimensions the file leaves open, all 0 or more, by the input's name; the
        /// empty name is the only input. The file's fixed dimensions must agree.</summary>
        public IDictionary<string, long[]> InputShapes { get; } = new Dictionary<string, long[]>();

        internal unsafe LoadOptionsHandle ToNative(bool borrow)
        {
            LoadOptionsHandle native;
            Native.octavo_load_options_create(out native);
            return native.With(made =>
            {
                foreach (KeyValuePair<string, long[]> input in InputShapes)
                {
                    if (input.Value == null) throw new ArgumentNullException("InputShapes[\"" + input.Key + "\"]");
                    byte[] name = input.Key == "" ? null : Text.ToC(input.Key, "InputShapes");
                    fixed (long* dims = input.Value)
                        Native.octavo_load_options_set_input_shape(made, name, dims, (UIntPtr)(uint)input.Value.Length);
                }
                if (borrow) Native.octavo_load_options_set_borrow(made, 1);
            });
        }
    }

    /// <summary>How a model is saved.</summary>
    public sealed class SaveOptions
    {
        /// <summary>true: <see cref="Model.Save"/> puts weights of 1 KiB and more into the path + ".data". false, the
        /// default: only where the model would pass 2 GiB, which is all that one ONNX file can hold.</summary>
        public bool ExternalData { get; set; }

        internal static SaveOptionsHandle ToNative(SaveOptions options)
        {
            SaveOptionsHandle native;
            Native.octavo_save_options_create(out native);
            if (options != null && options.ExternalData) Native.octavo_save_options_set_external_data(native, 1);
            return native;
        }
    }

    /// <summary>An input or output of a model.</summary>
    public sealed class ValueInfo
    {
        internal ValueInfo(string name, DType dtype, long[] shape)
        {
            Name = name;
            DType = dtype;
            Shape = shape;
        }

        /// <summary>Its name in the file.</summary>
        public string Name { get; private set; }

        /// <summary>Its element type.</summary>
        public DType DType { get; private set; }

        /// <summary>Its dimensions, -1 for one that is open until the model runs; null if not even their number is
        /// known.</summary>
        public IReadOnlyList<long> Shape { get; private set; }

        /// <summary>"x: float32 [?, 1, 16, 16]".</summary>
        public override string ToString()
        {
            if (Shape == null) return Name + ": " + DType.Name();
            var dims = new List<string>();
            foreach (long d in Shape) dims.Add(d < 0 ? "?" : d.ToString());
            return Name + ": " + DType.Name() + " [" + string.Join(", ", dims) + "]";
        }
    }

    /// <summary>A network, float or INT8, checked whole when it was loaded. Immutable; may be used by any number of
    /// threads at once.</summary>
    public sealed class Model : IDisposable
    {
        private readonly ModelHandle handle;
        private readonly Context context;

        internal Model(ModelHandle handle, Context context)
        {
            this.handle = handle;
            this.context = context;
            Inputs = Values(true);
            Outputs = Values(false);
        }

        /// <summary>Reads an ONNX file and the external data files it names, which must lie beneath its folder. Weights
        /// are mapped, not copied: the files may be replaced meanwhile, but not be written to or cut short.</summary>
        /// <param name="path">The file.</param>
        /// <param name="options">Shapes of open inputs; null: none.</param>
        /// <param name="context">Where the model lives; null: <see cref="Context.Default"/>.</param>
        /// <exception cref="OctavoException">Io, InvalidModel, Unsupported, Limit; InvalidArgument for an option that
        /// does not fit the model.</exception>
        public static Model Load(string path, LoadOptions options = null, Context context = null)
        {
            byte[] name = Text.Required(path, "path");
            context = Context.OrDefault(context);
            ModelHandle model;
            using (LoadOptionsHandle native = (options ?? new LoadOptions()).ToNative(false))
                Native.octavo_model_load(context.Handle, name, native, out model);
            return new Model(model, context);
        }

        /// <summary>Reads an ONNX model from memory; copies what it needs. External data is refused.</summary>
        /// <param name="onnx">The bytes of the file.</param>
        /// <param name="options">Shapes of open inputs; null: none.</param>
        /// <param name="context">Where the model lives; null: <see cref="Context.Default"/>.</param>
        /// <exception cref="OctavoException">InvalidModel, Unsupported, Limit, InvalidArgument.</exception>
        public static unsafe Model Load(ReadOnlyMemory<byte> onnx, LoadOptions options = null, Context context = null)
        {
            using (var pin = onnx.Pin())
                return Load((IntPtr)pin.Pointer, onnx.Length, false, options, context);
        }

        /// <summary>Reads an ONNX model from an array; copies what it needs. External data is refused.</summary>
        /// <param name="onnx">The bytes of the file.</param>
        /// <param name="options">Shapes of open inputs; null: none.</param>
        /// <param name="context">Where the model lives; null: <see cref="Context.Default"/>.</param>
        /// <exception cref="ArgumentNullException">onnx is null.</exception>
        /// <exception cref="OctavoException">InvalidModel, Unsupported, Limit, InvalidArgument.</exception>
        public static Model Load(byte[] onnx, LoadOptions options = null, Context context = null)
        {
            if (onnx == null) throw new ArgumentNullException("onnx");
            return Load(new ReadOnlyMemory<byte>(onnx), options, context);
        }

        /// <summary>Reads an ONNX model from memory at an address without copying its weights: the bytes must stay
        /// unchanged until the model and everything made from it are disposed.</summary>
        /// <param name="onnx">The bytes of the file, in memory that does not move.</param>
        /// <param name="bytes">How many.</param>
        /// <param name="options">Shapes of open inputs; null: none.</param>
        /// <param name="context">Where the model lives; null: <see cref="Context.Default"/>.</param>
        /// <exception cref="OctavoException">InvalidModel, Unsupported, Limit, InvalidArgument.</exception>
        public static Model LoadBorrowed(IntPtr onnx, long bytes, LoadOptions options = null, Context context = null)
        {
            if (bytes < 0) throw OctavoException.Argument("bytes: " + bytes + " is negative");
            return Load(onnx, bytes, true, options, context);
        }

        private static Model Load(IntPtr onnx, long bytes, bool borrow, LoadOptions options, Context context)
        {
            context = Context.OrDefault(context);
            ModelHandle model;
            using (LoadOptionsHandle native = (options ?? new LoadOptions()).ToNative(borrow))
                Native.octavo_model_load_memory(context.Handle, onnx, (UIntPtr)(ulong)bytes, native, out model);
            return new Model(model, context);
        }

        /// <summary>The inputs the caller gives, in the order that runs and calibrations take them.</summary>
        public IReadOnlyList<ValueInfo> Inputs { get; private set; }

        /// <summary>The outputs, in the order that runs deliver them.</summary>
        public IReadOnlyList<ValueInfo> Outputs { get; private set; }

        /// <summary>Whether the model carries quantization of any kind: Q/DQ, QOperator, dynamic, weight-only.</summary>
        /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
        public bool IsQuantized
        {
            get
            {
                int quantized;
                Native.octavo_model_is_quantized(handle, out quantized);
                return quantized != 0;
            }
        }

        /// <summary>The model's own key-value pairs (ONNX metadata_props), in file order.</summary>
        /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
        public IReadOnlyList<KeyValuePair<string, string>> Metadata
        {
            get
            {
                return handle.Hold(() =>
                {
                    UIntPtr count;
                    Native.octavo_model_metadata_count(handle, out count);
                    var pairs = new KeyValuePair<string, string>[(int)count];
                    for (int i = 0; i < pairs.Length; i++)
                    {
                        IntPtr key, value;
                        Native.octavo_model_metadata_at(handle, (UIntPtr)(uint)i, out key, out value);
                        pairs[i] = new KeyValuePair<string, string>(Text.FromC(key), Text.FromC(value));
                    }
                    return pairs;
                });
            }
        }

        /// <summary>The value of a key. "octavo.recipe", "octavo.statistics" (digest) and "octavo.decisions" (JSON) are
        /// those of <see cref="Quantize(Statistics, Recipe, QuantizeOptions, CancellationToken)"/>.</summary>
        /// <exception cref="OctavoException">NotFound: there is no such key.</exception>
        /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
        public string GetMetadata(string key)
        {
            byte[] name = Text.Required(key, "key");
            return handle.Hold(() =>
            {
                IntPtr value;
                Native.octavo_model_metadata_get(handle, name, out value);
                return Text.FromC(value);
            });
        }

        /// <summary>Everything worth knowing as one JSON object: name, opset, size, inputs, outputs, operators, and for
        /// each node its precision and the reason why it is not INT8 (octavo.h lists the keys).</summary>
        /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
        public string DescribeJson()
        {
            BufferHandle json;
            Native.octavo_model_describe_json(handle, out json);
            return Text.FromBuffer(json);
        }

        /// <summary>Writes the model as ONNX. The file is replaced whole or not at all; saving over the file the model was
        /// loaded from is fine.</summary>
        /// <exception cref="OctavoException">Io.</exception>
        /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
        public void Save(string path, SaveOptions options = null)
        {
            byte[] name = Text.Required(path, "path");
            using (SaveOptionsHandle native = SaveOptions.ToNative(options))
                Native.octavo_model_save(handle, name, native);
        }

        /// <summary>The bytes of the model as ONNX file.</summary>
        /// <exception cref="OctavoException">Limit: they would pass 2 GiB.</exception>
        /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
        public byte[] ToArray()
        {
            BufferHandle onnx;
            using (SaveOptionsHandle native = SaveOptions.ToNative(null))
                Native.octavo_model_save_memory(handle, native, out onnx);
            return Text.BytesFromBuffer(onnx);
        }

        /// <summary>Something to show this float model its data.</summary>
        /// <exception cref="OctavoException">InvalidState: the model is quantized already.</exception>
        /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
        public Calibrator CreateCalibrator(CalibratorOptions options = null)
        {
            CalibratorHandle calibrator;
            using (CalibratorOptionsHandle native = CalibratorOptions.ToNative(options))
                Native.octavo_calibrator_create(handle, native, out calibrator);
            return new Calibrator(calibrator, context);
        }

        /// <summary>This float model as INT8 model, in ONNX's own operators. This model is not changed. Each node that
        /// stays float has its reason in <see cref="DescribeJson"/>.</summary>
        /// <param name="statistics">Of this model; may be null unless the scheme is static.</param>
        /// <param name="recipe">What to do to which node; null: <see cref="Recipe.StaticInt8"/>.</param>
        /// <param name="options">Who is told of progress; null: nobody.</param>
        /// <param name="cancellation">Stops the work.</param>
        /// <exception cref="OctavoException">InvalidArgument: the statistics are of another model or missing;
        /// InvalidState: the model is quantized already; InvalidData: a rule of the recipe matches nothing.</exception>
        /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
        /// <exception cref="ObjectDisposedException">The model or the statistics were disposed.</exception>
        public Model Quantize(Statistics statistics = null, Recipe recipe = null, QuantizeOptions options = null,
                              CancellationToken cancellation = default(CancellationToken))
        {
            Model quantized = null;
            Cancel.With(cancellation, cancel => quantized = Quantize(statistics, recipe, options, cancel));
            return quantized;
        }

        /// <summary>This float model as INT8 model, unless another thread cancels the work.</summary>
        /// <param name="statistics">Of this model; may be null unless the scheme is static.</param>
        /// <param name="recipe">What to do to which node; null: <see cref="Recipe.StaticInt8"/>.</param>
        /// <param name="options">Who is told of progress; null: nobody.</param>
        /// <param name="cancel">Stops the work.</param>
        /// <exception cref="OctavoException">InvalidArgument: the statistics are of another model or missing;
        /// InvalidState: the model is quantized already; InvalidData: a rule of the recipe matches nothing.</exception>
        /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
        /// <exception cref="ObjectDisposedException">The model, the statistics or the flag were disposed.</exception>
        public Model Quantize(Statistics statistics, Recipe recipe, QuantizeOptions options, Cancel cancel)
        {
            return Quantize(statistics, recipe, options, Cancel.HandleOf(cancel));
        }

        private Model Quantize(Statistics statistics, Recipe recipe, QuantizeOptions options, CancelHandle cancel)
        {
            StatisticsHandle counted = statistics == null ? StatisticsHandle.None : statistics.Handle;
            return counted.Shared(() => Quantize(counted, recipe, options ?? new QuantizeOptions(), cancel));
        }

        private Model Quantize(StatisticsHandle counted, Recipe recipe, QuantizeOptions options, CancelHandle cancel)
        {
            RecipeHandle rules = recipe == null ? RecipeHandle.None : recipe.Handle;
            IntPtr progress = Callbacks.Add(options.Progress), observer = Callbacks.Add(options.Observer);
            bool held = false;
            try
            {
                cancel.DangerousAddRef(ref held);  // the options borrow it
                ModelHandle quantized;
                QuantizeOptionsHandle native;
                Native.octavo_quantize_options_create(out native);
                using (native)
                {
                    if (options.Progress != null)
                        Native.octavo_quantize_options_set_progress(native, Callbacks.Progress, progress);
                    if (options.Observer != null)
                        Native.octavo_quantize_options_set_observer(native, Callbacks.Observer, observer);
                    if (!cancel.IsInvalid) Native.octavo_quantize_options_set_cancel(native, cancel);
                    Native.octavo_model_quantize_with(handle, counted, rules, native, out quantized);
                }
                return new Model(quantized, context);
            }
            finally
            {
                Callbacks.Remove(progress);
                Callbacks.Remove(observer);
                if (held) cancel.DangerousRelease();
            }
        }

        /// <summary>A model that was quantized elsewhere (fake-quant of training, another tool's Q/DQ or QOperator form)
        /// in the form this library runs and exports. This model is not changed.</summary>
        /// <param name="form">"qdq": QuantizeLinear and DequantizeLinear around float operators. "qoperator":
        /// QLinearConv, QLinearMatMul.</param>
        /// <exception cref="OctavoException">InvalidArgument: no such form; InvalidState, Unsupported.</exception>
        /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
        public Model Convert(string form = "qdq")
        {
            ModelHandle converted;
            ConvertOptionsHandle native;
            Native.octavo_convert_options_create(out native);
            using (native)
            {
                Native.octavo_convert_options_set_form(native, Text.Required(form, "form"));
                Native.octavo_model_convert(handle, native, out converted);
            }
            return new Model(converted, context);
        }

        /// <summary>Scratch memory and threads to run this model; one for each thread of the caller.</summary>
        /// <exception cref="OctavoException">InvalidArgument, NotFound: an option is out of range.</exception>
        /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
        public Session CreateSession(SessionOptions options = null)
        {
            SessionHandle session;
            using (SessionOptionsHandle native = SessionOptions.ToNative(options))
                Native.octavo_session_create(handle, native, out session);
            return new Session(session, this, context);
        }

        /// <summary>A report on what quantizing this float model cost.</summary>
        /// <param name="quantized">Its quantized form: the same inputs and outputs.</param>
        /// <param name="options">Threads and instruction set; null: the defaults.</param>
        /// <exception cref="OctavoException">InvalidArgument: the models do not fit each other.</exception>
        /// <exception cref="ObjectDisposedException">A model was disposed.</exception>
        public Report CreateReport(Model quantized, ReportOptions options = null)
        {
            if (quantized == null) throw new ArgumentNullException("quantized");
            ReportHandle report;
            using (ReportOptionsHandle native = ReportOptions.ToNative(options))
                Native.octavo_report_create(handle, quantized.handle, native, out report);
            return new Report(report, context);
        }

        /// <summary>"x: float32 [?, 1, 16, 16] -> y: float32 [?, 10]".</summary>
        public override string ToString()
        {
            return string.Join(", ", Inputs) + " -> " + string.Join(", ", Outputs);
        }

        /// <summary>Frees the model, once no call uses it. Objects made from it stay usable. May be called more than
        /// once.</summary>
        public void Dispose() { handle.Dispose(); }

        private unsafe ValueInfo[] Values(bool inputs)
        {
            UIntPtr count;
            if (inputs) Native.octavo_model_input_count(handle, out count);
            else Native.octavo_model_output_count(handle, out count);
            var values = new ValueInfo[(int)count];
            long* dims = stackalloc long[Native.OCTAVO_MAX_RANK];
            for (int i = 0; i < values.Length; i++)
            {
                var index = (UIntPtr)(uint)i;
                IntPtr name;
                int dtype, rank;
                if (inputs)
                {
                    Native.octavo_model_input_name(handle, index, out name);
                    Native.octavo_model_input_dtype(handle, index, out dtype);
                    Native.octavo_model_input_shape(handle, index, dims, (UIntPtr)Native.OCTAVO_MAX_RANK, out rank);
                }
                else
                {
                    Native.octavo_model_output_name(handle, index, out name);
                    Native.octavo_model_output_dtype(handle, index, out dtype);
                    Native.octavo_model_output_shape(handle, index, dims, (UIntPtr)Native.OCTAVO_MAX_RANK, out rank);
                }
                long[] shape = rank < 0 ? null : new ReadOnlySpan<long>(dims, rank).ToArray();
                values[i] = new ValueInfo(Text.FromC(name), (DType)dtype, shape);
            }
            return values;
        }
    }
}
