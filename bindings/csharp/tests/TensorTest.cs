using System;
using System.Linq;
using System.Runtime.InteropServices;
using NUnit.Framework;

namespace Octavo.Tests
{
    /// <summary>Memory of the caller goes in and out without a copy.</summary>
    [TestFixture]
    public class TensorTest
    {
        [Test]
        public void ElementTypesFollowT()
        {
            Assert.AreEqual(DType.Float32, Tensor.From(new float[1], 1).DType);
            Assert.AreEqual(DType.Float64, Tensor.From(new double[1], 1).DType);
            Assert.AreEqual(DType.UInt8, Tensor.From(new byte[1], 1).DType);
            Assert.AreEqual(DType.Int8, Tensor.From(new sbyte[1], 1).DType);
            Assert.AreEqual(DType.UInt16, Tensor.From(new ushort[1], 1).DType);
            Assert.AreEqual(DType.Int16, Tensor.From(new short[1], 1).DType);
            Assert.AreEqual(DType.UInt32, Tensor.From(new uint[1], 1).DType);
            Assert.AreEqual(DType.Int32, Tensor.From(new int[1], 1).DType);
            Assert.AreEqual(DType.UInt64, Tensor.From(new ulong[1], 1).DType);
            Assert.AreEqual(DType.Int64, Tensor.From(new long[1], 1).DType);
            Assert.AreEqual(DType.Bool, Tensor.From(new bool[1], 1).DType);
            Assert.AreEqual("float16 [2]", Tensor.FromBits<ushort>(DType.Float16, new ushort[2], 2).ToString());
        }

        [Test]
        public void TensorsSeeTheCallersArray()
        {
            var data = new[] { 1, 2, 3, 4 };
            using (Tensor tensor = Tensor.From(data, 2, 2))
            {
                data[3] = 9;
                Assert.AreEqual(9, tensor.AsSpan<int>()[3]);
                Span<int> span = tensor.AsSpan<int>();
                span[0] = 7;
                Assert.AreEqual(7, data[0]);
                Assert.AreEqual(16, tensor.ByteLength);
            }
        }

        [Test]
        public void RunsReadSlicesPointersAndStrides()
        {
            float[] padded = new float[5].Concat(Support.Pictures(100, 1)).ToArray();
            float[] twice = padded.Skip(5).SelectMany(p => new[] { p, -1 }).ToArray();
            IntPtr native = Marshal.AllocHGlobal(256 * sizeof(float) + 1) + 1;  // no alignment is asked for
            Marshal.Copy(padded, 5, native, 256);
            using (Session session = Support.Int8.CreateSession())
            {
                float[] expected = Support.Scores(session, 100);
                Tensor[] same =
                {
                    Tensor.From(new Memory<float>(padded, 5, 256), 1, 1, 16, 16),
                    Tensor.From(new ReadOnlyMemory<float>(padded, 5, 256), 1, 1, 16, 16),
                    Tensor.FromPointer(native, 1024, DType.Float32, 1, 1, 16, 16),
                    Tensor.From(twice, 1, 1, 16, 16).WithStrides(512, 512, 32, 2)
                };
                foreach (Tensor x in same) using (Tensor y = session.Run(x)) Assert.AreEqual(expected, y.ToArray<float>());
            }
            Marshal.FreeHGlobal(native - 1);
        }

        [Test]
        public void NegativeStridesReadBackwards()
        {
            using (Model model = Model.Load(TinyModel.TwoAndTwo()))
            using (Session session = model.CreateSession())
            {
                Tensor a = Tensor.From(new[] { 1, 2, 3, 4 }, 4).WithStrides(new long[] { -1 }, 3);
                Tensor ten = Tensor.From(new[] { 10 }, 4).WithStrides(0);
                Assert.AreEqual(new[] { 14, 13, 12, 11 }, session.RunAll(new[] { a, ten })[0].ToArray<int>());
            }
        }

        [Test]
        public void AllStridesReadWhatTheySayOrAreRefused()
        {
            int[] memory = Enumerable.Range(100, 24).ToArray();
            var random = new Random(7);
            int read = 0, refused = 0;
            for (int i = 0; i < 2000; i++)
            {
                int rank = random.Next(5);
                long[] shape = Enumerable.Range(0, rank).Select(d => (long)random.Next(5)).ToArray();
                long[] strides = Enumerable.Range(0, rank).Select(d => (long)random.Next(-7, 8)).ToArray();
                long first = random.Next(-1, 25);
                int[] wanted = Offsets(shape, strides, first).Select(o => o < 0 || o >= 24 ? -1 : memory[o]).ToArray();
                Tensor x = Tensor.From(memory, shape), y = Tensor.Create(DType.Float32, shape);
                if (wanted.Contains(-1))
                {
                    Support.Fails(StatusCode.InvalidArgument, "strides", () => x.WithStrides(strides, first));
                    refused++;
                    continue;
                }
                Arithmetic.Dequantize(x.WithStrides(strides, first), Tensor.From(new[] { 1f }), null, y);
                Assert.AreEqual(wanted.Select(w => (float)w).ToArray(), y.ToArray<float>());
                read++;
            }
            Assert.Greater(read, 500);
            Assert.Greater(refused, 500);
        }

        // Where each element of a tensor lies, in order.
        private static long[] Offsets(long[] shape, long[] strides, long first)
        {
            if (shape.Length == 0) return new[] { first };
            return Enumerable.Range(0, (int)shape[0])
                .SelectMany(i => Offsets(shape.Skip(1).ToArray(), strides.Skip(1).ToArray(), first + i * strides[0])).ToArray();
        }

        [Test]
        public void RunIntoWritesTheCallersMemory()
        {
            var scores = new float[25];
            using (Session session = Support.Int8.CreateSession())
            {
                session.RunInto(new[] { Support.Batch(100, 2) }, new[] { Tensor.From(new Memory<float>(scores, 4, 20), 2, 10) });
                Assert.AreEqual(Support.Scores(session, 100), scores.Skip(4).Take(10).ToArray());
                Assert.AreEqual(0, scores[3]);
                Assert.AreEqual(0, scores[24]);
                using (Tensor made = Tensor.Create(DType.Float32, 2, 10))
                {
                    session.RunInto(new[] { Support.Batch(100, 2) }, new[] { made });
                    Assert.AreEqual(scores.Skip(4).Take(20).ToArray(), made.ToArray<float>());
                }
            }
        }

        [Test]
        public void SpansGoStraightThrough()
        {
            var scores = new float[10];
            using (Session session = Support.Int8.CreateSession())
            {
                session.Run<float, float>(Support.Pictures(100, 1), new long[] { 1, 1, 16, 16 }, scores);
                Assert.AreEqual(Support.Scores(session, 100), scores);
            }
        }

        [Test]
        public void ResultsStayWhenTheSessionRunsOn()
        {
            using (Session session = Support.Int8.CreateSession())
            using (Tensor first = session.Run(Support.Batch(100, 1)))
            {
                float[] before = first.ToArray<float>();
                Support.Scores(session, 101);
                session.Dispose();
                Assert.AreEqual(before, first.ToArray<float>());
            }
        }

        [Test]
        public void EmptyBatchesAreBatches()
        {
            using (Session session = Support.Float.CreateSession())
            using (Tensor y = session.Run(Tensor.From(new float[0], 0, 1, 16, 16)))
                Assert.AreEqual(new long[] { 0, 10 }, y.Shape);
        }

        [Test]
        public void ArithmeticFollowsTheFormulas()
        {
            Tensor x = Tensor.From(new[] { -1f, 0f, 0.5f, 1.55f }, 4);
            Tensor scale = Tensor.Create(DType.Float32), zero = Tensor.Create(DType.UInt8);
            Arithmetic.ChooseScale(x, scale, zero);
            float s = scale.ToArray<float>()[0];
            Assert.AreEqual(2.55f / 255, s, 1e-7);
            Assert.AreEqual(100, zero.ToArray<byte>()[0]);

            Tensor q = Tensor.Create(DType.UInt8, 4), y = Tensor.Create(DType.Float32, 4), fake = Tensor.Create(DType.Float32, 4);
            Arithmetic.Quantize(x, scale, zero, q);
            Assert.AreEqual(x.ToArray<float>().Select(v => (byte)Math.Max(0, Math.Min(255, Math.Round(v / s) + 100))).ToArray(),
                            q.ToArray<byte>());
            Arithmetic.Dequantize(q, scale, zero, y);
            Arithmetic.FakeQuantize(x, scale, zero, DType.UInt8, fake);
            Assert.AreEqual(y.ToArray<float>(), fake.ToArray<float>());
        }

        [Test]
        public void ArithmeticTakesAnAxisAndPackedTypes()
        {
            Tensor x = Tensor.From(new[] { 1f, 2f, -10f, 20f }, 2, 2);
            Tensor scale = Tensor.Create(DType.Float32, 2), zero = Tensor.Create(DType.Int8, 2);
            Arithmetic.ChooseScale(x, scale, zero, 0, true);
            Assert.AreEqual(new sbyte[2], zero.ToArray<sbyte>());
            Assert.AreEqual(20f / 127, scale.ToArray<float>()[1], 1e-6);
            Tensor packed = Tensor.Create(DType.Int4, 3);
            Arithmetic.Quantize(Tensor.From(new[] { 1f, -1f, 7f }, 3), Tensor.From(new[] { 1f }), null, packed);
            Assert.AreEqual(new byte[] { 0xf1, 0x07 }, packed.ToArray<byte>());
        }

        [Test]
        public void MatMulSumsExactly()
        {
            Tensor a = Tensor.From(new byte[] { 1, 2, 3, 4, 5, 6 }, 2, 3);
            Tensor b = Tensor.From(new sbyte[] { 1, -1, 2, -2, 3, -3 }, 3, 2);
            Tensor sums = Tensor.Create(DType.Int32, 2, 2), scaled = Tensor.Create(DType.Float32, 2, 2);
            Tensor q = Tensor.Create(DType.Int8, 2, 2);
            Tensor half = Tensor.From(new[] { 0.5f }), one = Tensor.From(new[] { 1f });
            Arithmetic.MatMul(a, null, null, b, null, null, null, null, sums);
            Assert.AreEqual(new[] { 14, -14, 32, -32 }, sums.ToArray<int>());
            Arithmetic.MatMul(a, half, null, b, half, null, null, null, scaled);
            Assert.AreEqual(new[] { 3.5f, -3.5f, 8f, -8f }, scaled.ToArray<float>());
            Arithmetic.MatMul(a, half, null, b, half, null, one, Tensor.From(new sbyte[] { 1 }), q);
            Assert.AreEqual(new sbyte[] { 5, -3, 9, -7 }, q.ToArray<sbyte>());
        }
    }
}
