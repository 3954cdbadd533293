using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using NUnit.Framework;

namespace Octavo.Tests
{
    /// <summary>What users do, from loading to reports.</summary>
    [TestFixture]
    public class JourneyTest
    {
        private static string At(string name) { return Path.Combine(Support.Folder, name); }

        [Test]
        public void LibraryTellsVersionAndTargets()
        {
            Assert.AreEqual(File.ReadAllText(Path.Combine(Support.Root, "VERSION")).Trim(), Library.Version);
            StringAssert.Contains("#define OCTAVO_ABI_VERSION " + Library.AbiVersion + "\n",
                                  File.ReadAllText(Path.Combine(Support.Root, "capi/include/octavo/octavo.h")));
            Assert.Contains(Library.CpuTarget, Library.CpuTargets);
            Assert.AreEqual("reference", Library.CpuTargets.Last());
            Assert.AreEqual("int4", DType.Int4.Name());
            Assert.AreEqual(4, DType.Int4.Bits());
        }

        [Test]
        public void ModelTellsItsInputsAndOutputs()
        {
            Assert.AreEqual("image: float32 [?, 1, 16, 16] -> scores: float32 [?, 10]", Support.Float.ToString());
            Assert.AreEqual(new long[] { -1, 1, 16, 16 }, Support.Float.Inputs[0].Shape);
            Assert.AreEqual(DType.Float32, Support.Float.Outputs[0].DType);
            Assert.IsFalse(Support.Float.IsQuantized);
            Assert.IsTrue(Support.Int8.IsQuantized);
        }

        [Test]
        public void QuantizedModelIsSavedLoadedAndStaysRight()
        {
            Support.Int8.Save(At("digits.int8.onnx"));
            using (Model again = Model.Load(At("digits.int8.onnx")))
            using (Model fromMemory = Model.Load(Support.Int8.ToArray()))
            using (Session a = Support.Int8.CreateSession())
            using (Session b = again.CreateSession())
            using (Session c = fromMemory.CreateSession())
            {
                float[] scores = Support.Scores(a, 100);
                Assert.AreEqual(scores, Support.Scores(b, 100));
                Assert.AreEqual(scores, Support.Scores(c, 100));
            }
            Assert.Less(new FileInfo(At("digits.int8.onnx")).Length, new FileInfo(Support.DigitsPath).Length);
        }

        [Test]
        public void EveryTargetAndThreadCountGivesTheSameBytes()
        {
            float[] expected = null;
            foreach (string target in Library.CpuTargets)
            {
                using (Session session = Support.Int8.CreateSession(new SessionOptions { CpuTarget = target, Threads = 2 }))
                {
                    Assert.AreEqual(target, session.CpuTarget);
                    float[] scores = Support.Scores(session, 100);
                    Assert.AreEqual(expected = expected ?? scores, scores, target);
                }
            }
        }

        [Test]
        public void ExternalDataIsWrittenBesideTheModel()
        {
            Support.Float.Save(At("external.onnx"), new SaveOptions { ExternalData = true });
            Assert.IsTrue(File.Exists(At("external.onnx.data")));
            using (Model model = Model.Load(At("external.onnx")))
            using (Session a = Support.Float.CreateSession())
            using (Session b = model.CreateSession())
                Assert.AreEqual(Support.Scores(a, 7), Support.Scores(b, 7));
        }

        [Test]
        public void OpenInputsCanBeFixed()
        {
            var options = new LoadOptions { InputShapes = { { "image", new long[] { 3, 1, 16, 16 } } } };
            using (Model model = Model.Load(Support.DigitsPath, options))
                Assert.AreEqual(new long[] { 3, 1, 16, 16 }, model.Inputs[0].Shape);
            var only = new LoadOptions { InputShapes = { { "", new long[] { 2, 1, 16, 16 } } } };
            using (Model model = Model.Load(File.ReadAllBytes(Support.DigitsPath), only))
                Assert.AreEqual(new long[] { 2, 10 }, model.Outputs[0].Shape);
        }

        [Test]
        public void BorrowedModelReadsTheCallersMemory()
        {
            byte[] bytes = File.ReadAllBytes(Support.DigitsPath);
            IntPtr memory = Marshal.AllocHGlobal(bytes.Length);
            Marshal.Copy(bytes, 0, memory, bytes.Length);
            using (Model model = Model.LoadBorrowed(memory, bytes.Length))
            using (Session a = Support.Float.CreateSession())
            using (Session b = model.CreateSession())
                Assert.AreEqual(Support.Scores(a, 3), Support.Scores(b, 3));
            Marshal.FreeHGlobal(memory);
        }

        [Test]
        public void StatisticsSaveLoadAndMergeToTheWhole()
        {
            using (Statistics first = Support.Calibrate(Support.Float, 0, 40))
            using (Statistics rest = Support.Calibrate(Support.Float, 40, 60))
            {
                first.Save(At("first.stats"));
                using (Statistics loaded = Statistics.Load(At("first.stats")))
                using (Statistics copy = Statistics.Load(rest.ToArray()))
                {
                    loaded.Merge(copy);
                    Assert.AreEqual(100, loaded.Samples);
                    Assert.AreEqual(Support.Counted.ToArray(), loaded.ToArray());
                    StringAssert.Contains("\"samples\"", loaded.ToJson());
                }
            }
        }

        [Test]
        public void CalibratorOptionsReachTheCalibrator()
        {
            var options = new CalibratorOptions { Threads = 1, CpuTarget = "reference", Observer = "percentile", Percentile = 90 };
            using (Calibrator calibrator = Support.Float.CreateCalibrator(options))
            {
                calibrator.Collect(Support.Batch(0, 20));
                using (Statistics statistics = calibrator.Finish())
                using (Model model = Support.Float.Quantize(statistics))
                    StringAssert.Contains("percentile", model.GetMetadata("octavo.recipe"));
            }
        }

        [Test]
        public void RecipesAreValuesThatChangeByCopy()
        {
            Recipe changed = Recipe.StaticInt8.WithObserver("percentile", 99).WithPerChannel(false).KeepFloat("Gemm")
                .Observe("Conv", null, "mse");
            StringAssert.Contains("histogram", Recipe.StaticInt8.ToJson());
            StringAssert.Contains("percentile", changed.ToJson());
            StringAssert.Contains("keep_float", changed.ToJson());
            Assert.AreEqual(changed.ToJson(), Recipe.Parse(changed.ToJson()).ToJson());
            using (Model model = Support.Float.Quantize(Support.Counted, changed))
                Assert.AreEqual(changed.ToJson(), model.GetMetadata("octavo.recipe"));
        }

        [Test]
        public void OtherSchemesNeedNoStatistics()
        {
            using (Model dynamic = Support.Float.Quantize(null, Recipe.DynamicInt8))
            using (Model blocks = Support.Float.Quantize(null, Recipe.WeightOnly.WithWeightBlocks(4, 16)))
            using (Session session = dynamic.CreateSession())
            {
                Assert.IsTrue(blocks.IsQuantized);
                Assert.AreEqual(10, Support.Scores(session, 0).Length);
            }
        }

        [Test]
        public void ConvertGivesEitherForm()
        {
            using (Model qoperator = Support.Int8.Convert("qoperator"))
            using (Model back = qoperator.Convert())
            using (Session a = Support.Int8.CreateSession())
            using (Session b = back.CreateSession())
            {
                StringAssert.Contains("QLinearConv", qoperator.DescribeJson());
                Assert.AreEqual(Support.Scores(a, 5).Length, Support.Scores(b, 5).Length);
            }
        }

        [Test]
        public void DescriptionAndMetadataTellTheDecisions()
        {
            StringAssert.Contains("\"int8_nodes\"", Support.Int8.DescribeJson());
            Assert.AreEqual(Support.Int8.GetMetadata("octavo.recipe"),
                            Support.Int8.Metadata.Single(p => p.Key == "octavo.recipe").Value);
            StringAssert.Contains("reason", Support.Int8.GetMetadata("octavo.decisions"));
        }

        [Test]
        public void NamesOfAllLanguagesArrive()
        {
            const string Name = "\u00fc\u6f22\U0001F600";
            using (Model model = Model.Load(TinyModel.Convolution(Name, "k\u00e9y", "v\u00e4lue" + Name)))
            {
                Assert.AreEqual("v\u00e4lue" + Name, model.GetMetadata("k\u00e9y"));
                StringAssert.Contains(Name, model.DescribeJson());
                model.Save(At(Name + ".onnx"));
            }
            Assert.IsTrue(File.Exists(At(Name + ".onnx")));
            using (Model again = Model.Load(At(Name + ".onnx"))) Assert.AreEqual("k\u00e9y", again.Metadata[0].Key);
        }

        [Test]
        public void SessionPreparesAndTellsShapes()
        {
            using (Session session = Support.Int8.CreateSession())
            {
                OutputInfo[] outputs = session.Prepare(Support.Batch(0, 3));
                Assert.AreEqual(DType.Float32, outputs[0].DType);
                Assert.AreEqual(new long[] { 3, 10 }, outputs[0].Shape);
                Support.Scores(session, 0, 2);
                Assert.AreEqual(new long[] { 2, 10 }, session.OutputShape(0));
            }
        }

        [Test]
        public void ProfileNamesEveryStep()
        {
            using (Session session = Support.Int8.CreateSession(new SessionOptions { Profile = true }))
            {
                Support.Scores(session, 0);
                StringAssert.Contains("\"steps\"", session.ProfileJson());
                StringAssert.Contains("Conv", session.ProfileJson());
                StringAssert.StartsWith("<!DOCTYPE html>", session.ProfileHtml());
            }
        }

        [Test]
        public void SeveralInputsAndOutputsKeepTheirOrder()
        {
            using (Model model = Model.Load(TinyModel.TwoAndTwo()))
            using (Session session = model.CreateSession())
            {
                Tensor a = Tensor.From(new[] { 5, 6, 7, 8 }, 4), b = Tensor.From(new[] { 1, 2, 3, 4 }, 4);
                Tensor[] outputs = session.RunAll(new[] { a, b });
                Assert.AreEqual(new[] { 6, 8, 10, 12 }, outputs[0].ToArray<int>());
                Assert.AreEqual(new[] { 4, 4, 4, 4 }, outputs[1].ToArray<int>());
            }
        }

        [Test]
        public void BoolsAreBytes()
        {
            using (Model model = Model.Load(TinyModel.Not()))
            using (Session session = model.CreateSession())
            using (Tensor y = session.Run(Tensor.From(new[] { true, false, true }, 3)))
                Assert.AreEqual(new[] { false, true, false }, y.ToArray<bool>());
        }

        [Test]
        public void ReportComparesLayerByLayer()
        {
            var options = new ReportOptions { Threads = 1, CpuTarget = "reference" };
            using (Report report = Support.Float.CreateReport(Support.Int8, options))
            {
                report.Collect(Support.Batch(0, 10));
                using (var cancel = new Cancel()) report.Collect(new[] { Support.Batch(10, 10) }, cancel);
                StringAssert.Contains("\"batches\": 2", report.ToJson().Replace("\"batches\":2", "\"batches\": 2"));
                StringAssert.Contains("top1_agreement", report.ToJson());
                StringAssert.Contains("</html>", report.ToHtml());
            }
        }

        [Test]
        public void ContextCountsMemoryAndKeepsItsObjects()
        {
            Model model;
            var options = new ContextOptions
            {
                Threads = 1, MemoryLimit = 1 << 26, FileLimit = 1 << 26, FoldLimit = 1 << 20, NodeLimit = 1000, StringLimit = 1000
            };
            using (var context = new Context(options))
            {
                model = Model.Load(Support.DigitsPath, null, context);
                using (Session session = model.CreateSession()) Support.Scores(session, 0);
                Assert.Greater(context.PeakBytes, 0);
                Assert.GreaterOrEqual(context.PeakBytes, context.LiveBytes);
            }
            using (model)
            using (Session session = model.CreateSession())
                Assert.AreEqual(10, Support.Scores(session, 0).Length);
        }

        [Test]
        public void DefaultContextIsNeverDisposed()
        {
            Context.Default.Dispose();
            using (Model model = Model.Load(Support.DigitsPath)) Assert.AreEqual(1, model.Inputs.Count);
        }

        [Test]
        public void ObjectsMayBeDisposedInAnyOrder()
        {
            Model model = Model.Load(Support.DigitsPath);
            Session session = model.CreateSession();
            Calibrator calibrator = model.CreateCalibrator();
            model.Dispose();
            Assert.AreEqual(10, Support.Scores(session, 0).Length);
            calibrator.Collect(Support.Batch(0, 1));
            session.Dispose();
            calibrator.Finish().Dispose();
            calibrator.Dispose();
        }
    }
}
