using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using NUnit.Framework;

namespace Octavo.Tests
{
    /// <summary>Mistakes: each is an exception with the C library's code and sentence, none the end of the process.</summary>
    [TestFixture]
    public class MisuseTest
    {
        private static readonly long[] One = { 1, 1, 16, 16 };

        private sealed class Case
        {
            internal StatusCode Code;
            internal string Part;
            internal Action Work;
        }

        private static Tensor Picture { get { return Support.Batch(0, 1); } }

        private static void With(Action<Session> work)
        {
            using (Session session = Support.Int8.CreateSession()) work(session);
        }

        private static void Run(params Tensor[] inputs) { With(s => s.RunAll(inputs)); }

        private static void Collect(params Tensor[] inputs)
        {
            using (Calibrator calibrator = Support.Float.CreateCalibrator()) calibrator.Collect(inputs);
        }

        private static Tensor F(params float[] values) { return Tensor.From(values, values.Length); }

        private static Tensor Result(DType dtype, params long[] shape) { return Tensor.Create(dtype, shape); }

        private static string At(string name, string text)
        {
            string path = Path.Combine(Support.Folder, name);
            File.WriteAllText(path, text);
            return path;
        }

        private static readonly Dictionary<string, Case> Cases = new Dictionary<string, Case>();

        private static void Add(string name, StatusCode code, string part, Action work)
        {
            Cases.Add(name, new Case { Code = code, Part = part, Work = work });
        }

        static MisuseTest()
        {
            const StatusCode Argument = StatusCode.InvalidArgument, State = StatusCode.InvalidState;

            Add("input of another dtype", Argument, "float32", () => Run(Tensor.From(new double[256], One)));
            Add("input of another integer dtype", Argument, "float32", () => Run(Tensor.From(new byte[256], One)));
            Add("input of an unknown dtype", Argument, "dtype",
                () => Run(Tensor.FromBits<byte>((DType)99, new byte[256], One)));
            Add("input of undefined dtype", Argument, "dtype",
                () => Run(Tensor.FromBits<byte>(DType.Undefined, new byte[256], One)));
            Add("input of another shape", Argument, "16", () => Run(Tensor.From(new float[225], 1, 1, 15, 15)));
            Add("input of another rank", Argument, "[256]", () => Run(Tensor.From(new float[256], 256)));
            Add("scalar input", Argument, "[]", () => Run(Tensor.From(new float[1])));
            Add("input with too few elements", Argument, "bytes", () => Run(Tensor.From(new float[255], One)));
            Add("input with too many elements", Argument, "bytes", () => Run(Tensor.From(new float[257], One)));
            Add("input without elements", Argument, "bytes", () => Run(Tensor.From(new float[0], One)));
            Add("empty memory as input", Argument, "", () => Run(Tensor.From(Memory<float>.Empty, One)));
            Add("negative dimension", Argument, "-1", () => Run(Tensor.From(new float[256], -1, 1, 16, 16)));
            Add("dimensions that overflow", Argument, "",
                () => Run(Tensor.From(new float[256], long.MaxValue, 2, 16, 16)));
            Add("dimensions whose product wraps to 0", Argument, "",
                () => Run(Tensor.From(new float[0], 1L << 32, 1L << 32, 16, 16)));
            Add("strides out of memory", Argument, "256 elements", () => Run(Picture.WithStrides(256, 256, 16, 2)));
            Add("negative strides out of memory", Argument, "256 elements",
                () => Run(Picture.WithStrides(256, 256, 16, -1)));
            Add("strides that overflow", Argument, "",
                () => Run(Picture.WithStrides(1, 1, long.MaxValue, long.MinValue)));
            Add("strides from an element that is none", Argument, "element 1",
                () => Run(Picture.WithStrides(new long[] { 256, 256, 16, 1 }, 1)));
            Add("strides of half bytes", Argument, "int4", () => Tensor.Create(DType.Int4, 4).WithStrides(1));
            Add("too few strides", Argument, "strides", () => Run(Picture.WithStrides(1)));
            Add("too few inputs", Argument, "0", () => Run());
            Add("too many inputs", Argument, "2", () => Run(Picture, Picture));
            Add("very many inputs", Argument, "100", () => Run(Enumerable.Repeat(Picture, 100).ToArray()));
            Add("nine dimensions", Argument, "9", () => Tensor.From(new float[1], 1, 1, 1, 1, 1, 1, 1, 1, 1));
            Add("an element type that is none", Argument, "Decimal", () => Tensor.From(new decimal[1], 1));
            Add("chars", Argument, "Char", () => Tensor.From(new char[1], 1));
            Add("pointer with a negative size", Argument, "-5",
                () => Tensor.FromPointer((IntPtr)64, -5, DType.Float32, 1));
            Add("result of undefined dtype", Argument, "dtype", () => Tensor.Create(DType.Undefined, 1));
            Add("result of negative size", Argument, "-1", () => Tensor.Create(DType.Float32, -1));
            Add("result a little too large", Argument, "more bytes", () => Tensor.Create(DType.Float64, 1L << 31, 1L << 31, 2));
            Add("result too large", Argument, "more bytes", () => Tensor.Create(DType.Float32, 1L << 40, 1L << 40));
            Add("reading as another type", Argument, "Double", () => Picture.ToArray<double>());
            Add("a span of another type", Argument, "Int16", () => Picture.AsSpan<short>());
            Add("reading with strides", State, "strides", () => Picture.WithStrides(256, 256, 16, 1).ToArray<float>());
            Add("a span of read-only memory", State, "read-only",
                () => Tensor.From(new ReadOnlyMemory<float>(new float[1]), 1).AsSpan<float>());

            Add("output of another dtype", Argument, "float32",
                () => With(s => s.RunInto(new[] { Picture }, new[] { Result(DType.Int8, 1, 10) })));
            Add("output of another shape", Argument, "10",
                () => With(s => s.RunInto(new[] { Picture }, new[] { Result(DType.Float32, 1, 11) })));
            Add("output too small", Argument, "bytes",
                () => With(s => s.RunInto(new[] { Picture }, new[] { Tensor.From(new float[9], 1, 10) })));
            Add("read-only output", Argument, "no memory",
                () => With(s => s.RunInto(new[] { Picture }, new[] { Tensor.From(new ReadOnlyMemory<float>(new float[10]), 1, 10) })));
            Add("output with strides", Argument, "no memory",
                () => With(s => s.RunInto(new[] { Picture }, new[] { Result(DType.Float32, 1, 10).WithStrides(10, 1) })));
            Add("output without memory", Argument, "no memory",
                () => With(s => s.RunInto(new[] { Picture }, new[] { Tensor.From(Memory<float>.Empty, 1, 10) })));
            Add("too many outputs", Argument, "2",
                () => With(s => s.RunInto(new[] { Picture }, new[] { Result(DType.Float32, 1, 10), Result(DType.Float32, 1, 10) })));
            Add("span output too small", Argument, "bytes",
                () => With(s => s.Run<float, float>(new float[256], One, new float[9])));
            Add("empty span output", Argument, "bytes",
                () => With(s => s.Run<float, float>(new float[256], One, Span<float>.Empty)));
            Add("span input too small", Argument, "bytes",
                () => With(s => s.Run<float, float>(new float[255], One, new float[10])));
            Add("span of another dtype", Argument, "float32",
                () => With(s => s.Run<int, float>(new int[256], One, new float[10])));
            Add("span with nine dimensions", Argument, "rank",
                () => With(s => s.Run<float, float>(new float[256], new long[9], new float[10])));
            Add("span of chars", Argument, "Char",
                () => With(s => s.Run<char, float>(new char[256], One, new float[10])));
            Add("Run of a model with two outputs", State, "2 outputs", () =>
            {
                using (Model model = Model.Load(TinyModel.TwoAndTwo()))
                using (Session session = model.CreateSession())
                    session.Run(Tensor.From(new int[4], 4), Tensor.From(new int[4], 4));
            });
            Add("shape of an output before a run", State, "", () => With(s => s.OutputShape(0)));
            Add("shape of an output that is none", Argument, "",
                () => With(s => { s.Run(Picture); s.OutputShape(7); }));
            Add("shape of output -1", Argument, "-1", () => With(s => s.OutputShape(-1)));
            Add("prepare with another shape", Argument, "", () => With(s => s.Prepare(F(1, 2))));
            Add("profile that was not asked for", State, "profile", () => With(s => s.ProfileJson()));
            Add("negative threads", Argument, "threads",
                () => Support.Int8.CreateSession(new SessionOptions { Threads = -1 }));
            Add("too many threads", Argument, "1024", () => new Context(new ContextOptions { Threads = 100000 }));
            Add("unknown instruction set", StatusCode.NotFound, "z80",
                () => Support.Int8.CreateSession(new SessionOptions { CpuTarget = "z80" }));
            Add("limit of 0", Argument, "", () => new Context(new ContextOptions { MemoryLimit = 0 }));
            Add("negative limit", Argument, "", () => new Context(new ContextOptions { NodeLimit = -3 }));

            Add("no such file", StatusCode.Io, "No such file", () => Model.Load("/nowhere/net.onnx"));
            Add("a folder as file", StatusCode.Io, "", () => Model.Load(Support.Folder));
            Add("empty path", Argument, "path", () => Model.Load(""));
            Add("path of another script", StatusCode.Io, "", () => Model.Load("/\u043d\u0435\u0442/\U0001F600.onnx"));
            Add("path with a zero", Argument, "zero", () => Model.Load("net.onnx\0.txt"));
            Add("path with half a surrogate pair", Argument, "surrogate", () => Model.Load("net\ud800.onnx"));
            Add("very long path", StatusCode.Io, "", () => Model.Load(new string('x', 100000)));
            Add("text as model", StatusCode.InvalidModel, "", () => Model.Load(At("text.onnx", "not a model")));
            Add("no bytes as model", StatusCode.InvalidModel, "", () => Model.Load(new byte[0]));
            Add("borrowed from nowhere", Argument, "", () => Model.LoadBorrowed(IntPtr.Zero, 10));
            Add("borrowed with a negative size", Argument, "-1", () => Model.LoadBorrowed((IntPtr)64, -1));
            Add("truncated model", StatusCode.InvalidModel, "",
                () => Model.Load(File.ReadAllBytes(Support.DigitsPath).Take(1000).ToArray()));
            Add("file over the limit", StatusCode.Limit, "",
                () => Model.Load(Support.DigitsPath, null, new Context(new ContextOptions { FileLimit = 10 })));
            Add("memory over the limit", StatusCode.Limit, "", () =>
            {
                using (var context = new Context(new ContextOptions { MemoryLimit = 1 << 20 }))
                using (Model model = Model.Load(Support.DigitsPath, null, context))
                using (Session session = model.CreateSession())
                    session.Run(Support.Batch(0, 10000));
            });
            Add("shape for an input that is none", StatusCode.NotFound, "nobody", () => Model.Load(Support.DigitsPath,
                new LoadOptions { InputShapes = { { "nobody", new long[] { 1 } } } }));
            Add("shape that the file contradicts", Argument, "", () => Model.Load(Support.DigitsPath,
                new LoadOptions { InputShapes = { { "image", new long[] { 1, 3, 16, 16 } } } }));
            Add("saving to nowhere", StatusCode.Io, "", () => Support.Int8.Save("/nowhere/out.onnx"));
            Add("metadata that is not there", StatusCode.NotFound, "nobody", () => Support.Int8.GetMetadata("nobody"));
            Add("unknown form", Argument, "qdq", () => Support.Int8.Convert("zip"));

            Add("calibrating an INT8 model", State, "", () => Support.Int8.CreateCalibrator());
            Add("quantizing an INT8 model", State, "", () => Support.Int8.Quantize(Support.Counted));
            Add("quantizing without statistics", Argument, "statistics", () => Support.Float.Quantize());
            Add("statistics of another model", Argument, "", () =>
            {
                using (Model other = Model.Load(TinyModel.Convolution())) other.Quantize(Support.Counted);
            });
            Add("merging statistics of another model", Argument, "", () =>
            {
                using (Model other = Model.Load(TinyModel.Convolution()))
                using (Calibrator calibrator = other.CreateCalibrator())
                {
                    calibrator.Collect(Tensor.From(new float[3072], 1, 3, 32, 32));
                    Support.Calibrate(Support.Float, 0, 20).Merge(calibrator.Finish());
                }
            });
            Add("merging statistics into themselves", Argument, "themselves", () => Support.Counted.Merge(Support.Counted));
            Add("finishing before collecting", State, "", () => Support.Float.CreateCalibrator().Finish());
            Add("collecting another shape", Argument, "", () => Collect(F(1, 2, 3)));
            Add("collecting nothing", Argument, "", () => Collect());
            Add("unknown observer", Argument, "histogram",
                () => Support.Float.CreateCalibrator(new CalibratorOptions { Observer = "guess" }));
            Add("percentile out of range", Argument, "", () => Recipe.StaticInt8.WithObserver("percentile", 20));
            Add("percentile that is no number", Argument, "",
                () => Recipe.StaticInt8.WithObserver("percentile", double.NaN));
            Add("unknown observer in a recipe", Argument, "guess", () => Recipe.StaticInt8.WithObserver("guess"));
            Add("three bits", Argument, "", () => Recipe.WeightOnly.WithWeightBlocks(3));
            Add("recipe that is no JSON", StatusCode.InvalidData, "", () => Recipe.Parse("{"));
            Add("recipe with an unknown key", StatusCode.InvalidData, "colour",
                () => Recipe.Parse("{\"octavo\": 1, \"colour\": 1}"));
            Add("recipe with half a surrogate pair", Argument, "surrogate", () => Recipe.Parse("{\"\udc00\": 1}"));
            Add("rule that matches nothing", StatusCode.InvalidData, "nobody*",
                () => Support.Float.Quantize(Support.Counted, Recipe.StaticInt8.KeepFloat(null, "nobody*")));
            Add("custom without an observer", Argument, "custom",
                () => Support.Float.Quantize(Support.Counted, Recipe.StaticInt8.WithObserver("custom")));
            Add("observer that the recipe does not ask for", Argument, "custom", () => Support.Float.Quantize(
                Support.Counted, Recipe.StaticInt8, new QuantizeOptions { Observer = v => new ValueRange(0, 1) }));
            Add("range upside down", Argument, "image", () => Support.Float.Quantize(
                Support.Counted, null, new QuantizeOptions { Observer = v => new ValueRange(1, -1) }));
            Add("range without end", Argument, "image", () => Support.Float.Quantize(
                Support.Counted, null, new QuantizeOptions { Observer = v => new ValueRange(0, double.PositiveInfinity) }));
            Add("statistics from text", StatusCode.InvalidData, "",
                () => Statistics.Load(At("text.stats", "no statistics")));
            Add("statistics from nowhere", StatusCode.Io, "", () => Statistics.Load("/nowhere/net.stats"));
            Add("statistics from no bytes", StatusCode.InvalidData, "", () => Statistics.Load(new byte[0]));
            Add("saving statistics to nowhere", StatusCode.Io, "", () => Support.Counted.Save("/nowhere/net.stats"));
            Add("report on models that do not fit", Argument, "", () =>
            {
                using (Model other = Model.Load(TinyModel.Convolution())) Support.Float.CreateReport(other);
            });

            Add("quantizing integers", Argument, "float32",
                () => Arithmetic.Quantize(Tensor.From(new int[2], 2), F(1), null, Result(DType.Int8, 2)));
            Add("quantizing to float", Argument, "",
                () => Arithmetic.Quantize(F(1, 2), F(1), null, Result(DType.Float32, 2)));
            Add("quantizing without scale", Argument, "scale",
                () => Arithmetic.Quantize(F(1, 2), null, null, Result(DType.Int8, 2)));
            Add("scale of another length", Argument, "scale",
                () => Arithmetic.Quantize(F(1, 2), F(1, 2, 3), null, Result(DType.Int8, 2)));
            Add("axis out of range", Argument, "axis",
                () => Arithmetic.Quantize(F(1, 2), F(1, 2), null, Result(DType.Int8, 2), 5));
            Add("zero point of another dtype", Argument, "",
                () => Arithmetic.Quantize(F(1, 2), F(1), Tensor.From(new byte[1], 1), Result(DType.Int8, 2)));
            Add("read-only result", Argument, "read-only",
                () => Arithmetic.Quantize(F(1), F(1), null, Tensor.From(new ReadOnlyMemory<sbyte>(new sbyte[1]), 1)));
            Add("matrices that do not fit", Argument, "", () => Arithmetic.MatMul(
                Result(DType.Int8, 2, 3), null, null, Result(DType.Int8, 2, 3), null, null, null, null, Result(DType.Int32, 2, 3)));
        }

        private static IEnumerable<string> Names { get { return Cases.Keys; } }

        [TestCaseSource("Names")]
        public void FailsWithCodeAndSentence(string name)
        {
            Case one = Cases[name];
            OctavoException e = Support.Fails(one.Code, one.Part, one.Work);
            Assert.Greater(e.Message.Length, 10);
            With(s => Assert.AreEqual(10, s.Run(Picture).ToArray<float>().Length));  // all goes on
        }

        /// <summary>A list that has one element more each time it is counted.</summary>
        private sealed class Growing : IReadOnlyList<Tensor>
        {
            private int count;

            public int Count { get { return ++count; } }
            public Tensor this[int index] { get { return Picture; } }
            public IEnumerator<Tensor> GetEnumerator() { throw new NotSupportedException(); }
            System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() { throw new NotSupportedException(); }
        }

        [Test]
        public void ListsThatGrowAreRefused()
        {
            Support.Throws<ArgumentException>(() => With(s => s.RunAll(new Growing())));
        }

        [Test]
        public void NullIsAnArgumentNullException()
        {
            Action[] works =
            {
                () => Model.Load((string)null), () => Model.Load((byte[])null), () => Tensor.From((float[])null, 1),
                () => Tensor.From(new float[1], null), () => Tensor.FromPointer(IntPtr.Zero, 4, DType.Float32, 1),
                () => Picture.WithStrides(null), () => Tensor.Create(DType.Int8, null), () => Collect(null), () => Collect((Tensor)null),
                () => Run(null), () => Run((Tensor)null), () => With(s => s.RunInto(null, new Tensor[1])),
                () => With(s => s.RunInto(new[] { Picture }, null)), () => With(s => s.RunInto(new[] { Picture }, new Tensor[1])),
                () => With(s => s.Run<float, float>(new float[256], null, new float[10])), () => With(s => s.Prepare(null)),
                () => With(s => s.RunAll(new[] { Picture }, null)), () => Support.Float.CreateReport(null),
                () => Support.Counted.Merge(null), () => Support.Counted.Save(null), () => Support.Int8.Save(null),
                () => Statistics.Load((string)null), () => Statistics.Load((byte[])null), () => Support.Int8.GetMetadata(null),
                () => Support.Int8.Convert(null), () => Recipe.Parse(null), () => Recipe.StaticInt8.WithObserver(null),
                () => Recipe.StaticInt8.Observe("Conv", null, null),
                () => Model.Load(Support.DigitsPath, new LoadOptions { InputShapes = { { "image", null } } })
            };
            foreach (Action work in works) Support.Throws<ArgumentNullException>(work);
        }

        [Test]
        public void ClosedObjectsSaySo()
        {
            Model model = Model.Load(Support.DigitsPath);
            Statistics statistics = Support.Calibrate(model, 0, 20);
            Session session = model.CreateSession();
            Calibrator calibrator = model.CreateCalibrator();
            Report report = Support.Float.CreateReport(Support.Int8);
            var context = new Context();
            var cancel = new Cancel();
            Tensor tensor = Picture;
            foreach (IDisposable one in new IDisposable[] { model, statistics, session, calibrator, report, context, cancel, tensor })
            {
                one.Dispose();
                one.Dispose();
            }
            Action[] works =
            {
                () => model.CreateSession(), () => model.CreateCalibrator(), () => model.Save("x"), () => model.ToArray(),
                () => model.DescribeJson(), () => model.GetMetadata("k"), () => model.Quantize(statistics), () => model.Convert(),
                () => { var m = model.Metadata; }, () => { var q = model.IsQuantized; }, () => model.CreateReport(Support.Int8),
                () => Support.Float.CreateReport(model), () => Support.Float.Quantize(statistics),
                () => statistics.ToJson(), () => statistics.ToArray(), () => statistics.Save("x"), () => statistics.Merge(Support.Counted),
                () => Support.Calibrate(Support.Float, 0, 20).Merge(statistics), () => { var n = statistics.Samples; },
                () => session.Run(Picture), () => session.RunInto(new[] { Picture }, new[] { Result(DType.Float32, 1, 10) }),
                () => session.Run<float, float>(new float[256], One, new float[10]), () => session.Prepare(Picture),
                () => session.ProfileJson(), () => session.OutputShape(0), () => { var t = session.CpuTarget; },
                () => calibrator.Collect(Picture), () => calibrator.Finish(), () => report.Collect(Picture), () => report.ToJson(),
                () => report.ToHtml(), () => Model.Load(Support.DigitsPath, null, context), () => { var b = context.LiveBytes; },
                () => Statistics.Load(new byte[1], context), () => cancel.Request(), () => cancel.Reset(),
                () => { var r = cancel.IsRequested; }, () => Support.Float.Quantize(Support.Counted, null, null, cancel),
                () => With(s => s.RunAll(new[] { Picture }, cancel)), () => Run(tensor), () => Collect(tensor),
                () => tensor.ToArray<float>(), () => tensor.AsSpan<float>(), () => tensor.WithStrides(1, 1, 1, 1),
                () => { var l = tensor.ByteLength; }, () => Arithmetic.Quantize(tensor, F(1), null, Result(DType.Int8, 1))
            };
            foreach (Action work in works) Support.Throws<ObjectDisposedException>(work);
        }
    }
}
