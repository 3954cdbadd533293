using System;
using System.Collections.Concurrent;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using NUnit.Framework;

namespace Octavo.Tests
{
    /// <summary>Threads, and the garbage collector as one of them.</summary>
    [TestFixture]
    public class ThreadTest
    {
        private static void Together(int count, Action<int> work)
        {
            var errors = new ConcurrentQueue<Exception>();
            Thread[] threads = Enumerable.Range(0, count).Select(i => new Thread(() =>
            {
                try { work(i); } catch (Exception e) { errors.Enqueue(e); }
            })).ToArray();
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
            if (!errors.IsEmpty) throw new AggregateException(errors);
        }

        [Test]
        public void EightThreadsGiveTheBytesOfOne()
        {
            var options = new SessionOptions { Threads = 1 };
            var expected = new float[100][];
            using (Session session = Support.Int8.CreateSession(options))
                for (int i = 0; i < 100; i++) expected[i] = Support.Scores(session, 100 + i);
            Together(8, t =>
            {
                using (Session session = Support.Int8.CreateSession(options))
                {
                    for (int i = t; i < t + 100; i++)
                        Assert.AreEqual(expected[i % 100], Support.Scores(session, 100 + i % 100));
                }
            });
        }

        [Test]
        public void CollectingGarbageDuringRunsChangesNothing()
        {
            bool done = false;
            var collector = new Thread(() => { while (!Volatile.Read(ref done)) { GC.Collect(); Thread.Sleep(1); } });
            collector.Start();
            try
            {
                using (Session session = Support.Int8.CreateSession())
                {
                    float[] expected = Support.Scores(session, 100);
                    for (int i = 0; i < 200; i++) Assert.AreEqual(expected, Support.Scores(session, 100));
                }
                for (int i = 0; i < 20; i++) Assert.AreEqual(10, LonelySession().Length);
            }
            finally
            {
                Volatile.Write(ref done, true);
                collector.Join();
            }
        }

        // The session has no other reference while it runs.
        private static float[] LonelySession()
        {
            return Support.Float.CreateSession().Run(Support.Batch(0, 20)).ToArray<float>().Take(10).ToArray();
        }

        [Test]
        public void AbandonedObjectsAreFreed()
        {
            using (var context = new Context())
            {
                using (Model model = Model.Load(Support.DigitsPath, null, context))
                {
                    long before = context.LiveBytes;
                    var thread = new Thread(() => { for (int i = 0; i < 20; i++) Abandon(model); });
                    thread.Start();
                    thread.Join();
                    for (int i = 0; i < 100 && context.LiveBytes > before; i++)
                    {
                        GC.Collect();
                        GC.WaitForPendingFinalizers();
                        Thread.Sleep(10);
                    }
                    // Mono scans stacks conservatively: one of the twenty may look alive.
                    Assert.Less(context.LiveBytes, before + (context.PeakBytes - before) / 4);
                }
            }
        }

        [Test]
        public void DisposedObjectsLeaveNothing()
        {
            using (var context = new Context())
            {
                for (int i = 0; i < 200; i++)
                {
                    using (Model model = Model.Load(Support.DigitsPath, null, context))
                    using (Session session = model.CreateSession(new SessionOptions { Threads = 1 }))
                        Support.Scores(session, i);
                    Assert.AreEqual(0, context.LiveBytes);
                }
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Abandon(Model model)
        {
            model.CreateSession(new SessionOptions { Threads = 1 }).Run(Support.Batch(0, 4));
        }

        [Test]
        public void DisposingDuringARunWaitsForItsEnd()
        {
            for (int round = 0; round < 10; round++)
            {
                Session session = Support.Float.CreateSession();
                Tensor x = Support.Batch(0, 100);
                int runs = 0;
                var runner = new Thread(() =>
                {
                    try { while (true) { session.Run(x).Dispose(); Interlocked.Increment(ref runs); } }
                    catch (ObjectDisposedException) { }
                });
                runner.Start();
                while (Volatile.Read(ref runs) == 0) Thread.Sleep(1);
                session.Dispose();
                Assert.IsTrue(runner.Join(30000));
            }
        }

        [Test]
        public void OneSessionInTwoThreadsIsRefusedOrRight()
        {
            using (Session session = Support.Int8.CreateSession(new SessionOptions { Threads = 1 }))
            {
                float[] expected = Support.Scores(session, 100, 20);
                int refused = 0, right = 0;
                Together(4, t =>
                {
                    for (int i = 0; i < 50; i++)
                    {
                        try
                        {
                            using (Tensor y = session.Run(Support.Batch(100, 20))) Assert.AreEqual(DType.Float32, y.DType);
                            Interlocked.Increment(ref right);
                        }
                        catch (OctavoException e) when (e.Code == StatusCode.InvalidState)
                        {
                            Interlocked.Increment(ref refused);
                        }
                    }
                });
                Assert.AreEqual(200, refused + right);
                Assert.AreEqual(expected, Support.Scores(session, 100, 20));
            }
        }

        [Test]
        public void WhatBelongsToOneThreadRefusesTheSecond()
        {
            using (Calibrator calibrator = Support.Float.CreateCalibrator(new CalibratorOptions { Threads = 1 }))
            using (Report report = Support.Float.CreateReport(Support.Int8, new ReportOptions { Threads = 1 }))
            using (Statistics into = Support.Calibrate(Support.Float, 0, 20))
            {
                long added = 0, collected = 0;
                int compared = 0, tries = 0;
                Action<Action> attempt = work =>
                {
                    Interlocked.Increment(ref tries);
                    try { work(); } catch (OctavoException e) when (e.Code == StatusCode.InvalidState) { }
                };
                Together(4, t =>
                {
                    for (int i = 0; i < 25; i++)
                    {
                        attempt(() => { calibrator.Collect(Support.Batch(i, 4)); Interlocked.Add(ref collected, 4); });
                        attempt(() => { report.Collect(Support.Batch(i, 4)); Interlocked.Increment(ref compared); });
                        attempt(() => { into.Merge(Support.Counted); Interlocked.Add(ref added, 100); });
                        attempt(() => into.ToJson());
                        attempt(() => report.ToJson());
                    }
                });
                Assert.AreEqual(500, tries);
                Assert.AreEqual(20 + added, into.Samples);
                using (Statistics statistics = calibrator.Finish()) Assert.AreEqual(collected, statistics.Samples);
                StringAssert.Contains("\"batches\":" + compared + ",", report.ToJson().Replace("\": ", "\":"));
            }
        }

        [Test]
        public void FailuresKeepTheirThreadsMessage()
        {
            Together(8, t =>
            {
                for (int i = 0; i < 50; i++) Support.Fails(StatusCode.Io, "no-" + t, () => Model.Load("/no-" + t));
            });
        }
    }
}
