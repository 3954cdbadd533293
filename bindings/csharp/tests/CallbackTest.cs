using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using NUnit.Framework;

namespace Octavo.Tests
{
    /// <summary>Native code calls C#, and C# throws back.</summary>
    [TestFixture]
    public class CallbackTest
    {
        private sealed class Heard : IProgress<QuantizeProgress>
        {
            private readonly Action<QuantizeProgress> tell;

            internal Heard(Action<QuantizeProgress> tell) { this.tell = tell; }

            public void Report(QuantizeProgress value) { tell(value); }
        }

        private sealed class Thrown : Exception { }

        [Test]
        public void ProgressRisesToOne()
        {
            var fractions = new List<double>();
            var options = new QuantizeOptions { Progress = new Heard(p => { fractions.Add(p.Fraction); Assert.IsNotNull(p.Step); }) };
            Support.Float.Quantize(Support.Counted, null, options).Dispose();
            Assert.AreEqual(1.0, fractions.Last());
            CollectionAssert.IsOrdered(fractions);
        }

        [Test]
        public void ObserverChoosesTheRanges()
        {
            var seen = new List<ObservedValue>();
            var options = new QuantizeOptions { Observer = v => { seen.Add(v); return new ValueRange(v.Min / 2, v.Max / 2); } };
            using (Model mine = Support.Float.Quantize(Support.Counted, null, options))
            {
                CollectionAssert.Contains(seen.Select(v => v.Name).ToArray(), "image");
                foreach (ObservedValue v in seen)
                {
                    Assert.AreEqual(v.Count, v.Counts.Sum());
                    Assert.LessOrEqual(v.Min, v.Max);
                    Assert.AreEqual(v.Lows.Length, v.Highs.Length);
                }
                Assert.AreNotEqual(Support.Int8.ToArray(), mine.ToArray());
            }
            Recipe custom = Recipe.StaticInt8.WithObserver("custom");
            var minMax = new QuantizeOptions { Observer = v => new ValueRange(v.Min, v.Max) };
            using (Model mine = Support.Float.Quantize(Support.Counted, custom, minMax))
            using (Model theirs = Support.Float.Quantize(Support.Counted, Recipe.StaticInt8.WithObserver("min_max")))
            using (Session a = mine.CreateSession())
            using (Session b = theirs.CreateSession())
                Assert.AreEqual(Support.Scores(b, 100), Support.Scores(a, 100));
        }

        [Test]
        public void LogIsTold()
        {
            var lines = new List<string>();
            var options = new ContextOptions { Log = (level, line) => lines.Add(level + ": " + line), LogLevel = LogLevel.Debug };
            using (var context = new Context(options))
            using (Model model = Model.Load(Support.DigitsPath, null, context))
            using (Session session = model.CreateSession())
                Support.Scores(session, 0);
            Assert.Greater(lines.Count, 0);
        }

        [Test]
        public void LogOutlivesItsContext()
        {
            int lines = 0;
            Model model = LoadWithLog(() => Interlocked.Increment(ref lines));
            for (int i = 0; i < 3; i++) { GC.Collect(); GC.WaitForPendingFinalizers(); }
            int before = lines;
            using (model) model.Quantize(null, Recipe.DynamicInt8).Dispose();
            Assert.Greater(lines, before);
        }

        private static Model LoadWithLog(Action told)
        {
            using (var context = new Context(new ContextOptions { Log = (level, line) => told(), LogLevel = LogLevel.Debug }))
                return Model.Load(Support.DigitsPath, null, context);
        }

        [Test]
        public void WhatProgressThrowsIsThrown()
        {
            var options = new QuantizeOptions { Progress = new Heard(p => { throw new Thrown(); }) };
            Support.Throws<Thrown>(() => Support.Float.Quantize(Support.Counted, null, options));
            Support.Float.Quantize(Support.Counted).Dispose();  // nothing is left of it
        }

        [Test]
        public void WhatTheObserverThrowsIsThrown()
        {
            var options = new QuantizeOptions { Observer = v => { throw new Thrown(); } };
            Support.Throws<Thrown>(() => Support.Float.Quantize(Support.Counted, null, options));
            Support.Float.Quantize(Support.Counted).Dispose();
        }

        [Test]
        public void WhatTheLogThrowsIsThrown()
        {
            var options = new ContextOptions { Log = (level, line) => { throw new Thrown(); }, LogLevel = LogLevel.Debug };
            using (var context = new Context(options))
                Support.Throws<Thrown>(() => Model.Load(Support.DigitsPath, null, context));
            Model.Load(Support.DigitsPath).Dispose();
        }

        [Test]
        public void CallbacksMayCallTheLibrary()
        {
            float[] scores = null;
            var options = new QuantizeOptions
            {
                Progress = new Heard(p =>
                {
                    using (Session session = Support.Float.CreateSession()) scores = Support.Scores(session, 0);
                    Support.Fails(StatusCode.Io, "nowhere", () => Model.Load("nowhere"));
                    GC.Collect();
                })
            };
            Support.Float.Quantize(Support.Counted, null, options).Dispose();
            Assert.AreEqual(10, scores.Length);
        }

        [Test]
        public void CancelledBeforeIsCancelledAtOnce()
        {
            using (var cancel = new Cancel())
            using (Session session = Support.Int8.CreateSession())
            using (Calibrator calibrator = Support.Float.CreateCalibrator())
            using (Report report = Support.Float.CreateReport(Support.Int8))
            {
                Tensor[] x = { Support.Batch(0, 1) }, y = { Tensor.Create(DType.Float32, 1, 10) };
                cancel.Request();
                Assert.IsTrue(cancel.IsRequested);
                Action[] works =
                {
                    () => session.RunAll(x, cancel), () => session.RunInto(x, y, cancel), () => calibrator.Collect(x, cancel),
                    () => report.Collect(x, cancel), () => Support.Float.Quantize(Support.Counted, null, null, cancel)
                };
                foreach (Action work in works)
                {
                    var e = Support.Throws<OperationCanceledException>(work);
                    Assert.AreEqual(StatusCode.Cancelled, ((OctavoException)e.InnerException).Code);
                }
                cancel.Reset();
                Assert.IsFalse(cancel.IsRequested);
                foreach (Action work in works) work();
            }
        }

        [Test]
        public void TokensCancelToo()
        {
            using (var source = new CancellationTokenSource())
            using (Session session = Support.Int8.CreateSession())
            using (Calibrator calibrator = Support.Float.CreateCalibrator())
            using (Report report = Support.Float.CreateReport(Support.Int8))
            {
                Tensor[] x = { Support.Batch(0, 1) }, y = { Tensor.Create(DType.Float32, 1, 10) };
                CancellationToken token = source.Token;
                Action[] works =
                {
                    () => session.Run(x[0], token), () => session.RunAll(x, token), () => session.RunInto(x, y, token),
                    () => calibrator.Collect(x, token), () => report.Collect(x, token), () => Support.Float.Quantize(Support.Counted, null, null, token)
                };
                foreach (Action work in works) work();
                source.Cancel();
                foreach (Action work in works)
                    Assert.AreEqual(token, Support.Throws<OperationCanceledException>(work).CancellationToken);
            }
        }

        [Test]
        public void ProgressMayCancel()
        {
            using (var source = new CancellationTokenSource())
            {
                var options = new QuantizeOptions { Progress = new Heard(p => source.Cancel()) };
                Support.Throws<OperationCanceledException>(
                    () => Support.Float.Quantize(Support.Counted, null, options, source.Token));
            }
        }

        [Test]
        public void AnotherThreadStopsARun()
        {
            using (var source = new CancellationTokenSource())
            using (Session session = Support.Float.CreateSession(new SessionOptions { CpuTarget = "reference" }))
            {
                Tensor x = Support.Batch(0, 2000);
                source.CancelAfter(50);
                DateTime limit = DateTime.UtcNow.AddSeconds(60);
                Support.Throws<OperationCanceledException>(() =>
                {
                    while (DateTime.UtcNow < limit) session.RunAll(new[] { x }, source.Token);
                });
                Assert.AreEqual(10, Support.Scores(session, 0).Length);
            }
        }
    }
}
