using System.IO;
using System.Linq;
using NUnit.Framework;

namespace Octavo.Tests
{
    /// <summary>The lines that the documentation shows, as they stand there.</summary>
    [TestFixture]
    public class SnippetTest
    {
        [Test]
        public void DocumentedLinesRun()
        {
            string here = Directory.GetCurrentDirectory();
            float[][] samples = Enumerable.Range(0, 20).Select(i => new float[3 * 32 * 32]).ToArray();
            for (int i = 0; i < samples.Length; i++)
                for (int p = 0; p < samples[i].Length; p++) samples[i][p] = (p * 7 + i) % 255 / 255f;
            using var x = Tensor.From(samples[0], 1, 3, 32, 32);
            Directory.SetCurrentDirectory(Support.Folder);
            try
            {
                File.WriteAllBytes("net.onnx", TinyModel.Convolution());
                Run(samples, x);
                Assert.Greater(new FileInfo("net.int8.onnx").Length, 0);
            }
            finally
            {
                Directory.SetCurrentDirectory(here);
            }
        }

        private static void Run(float[][] samples, Tensor x)
        {
            using var f32 = Model.Load("net.onnx");
            using var cal = f32.CreateCalibrator();
            foreach (var sample in samples) cal.Collect(Tensor.From(sample, 1, 3, 32, 32));
            using var stats = cal.Finish();
            using var int8 = f32.Quantize(stats, Recipe.StaticInt8);
            int8.Save("net.int8.onnx");
            using var session = int8.CreateSession();
            using var y = session.Run(x);  float[] scores = y.ToArray<float>();

            Assert.AreEqual(8 * 32 * 32, scores.Length);
            Assert.IsTrue(int8.IsQuantized);
        }
    }
}
