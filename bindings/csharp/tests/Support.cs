using System;
using System.IO;
using NUnit.Framework;

namespace Octavo.Tests
{
    /// <summary>The digits network that ships with the repository, its data, and what the tests say often.</summary>
    internal static class Support
    {
        internal const int Pixels = 16 * 16, Samples = 200;

        // build/csharp/lib, where the tests are, is three folders below.
        internal static readonly string Root =
            Environment.GetEnvironmentVariable("OCTAVO_ROOT") ??
            Path.GetFullPath(Path.Combine(Path.GetDirectoryName(new Uri(typeof(Support).Assembly.CodeBase).LocalPath), "../../.."));

        internal static readonly string DigitsPath = Path.Combine(Root, "examples/demo/digits.onnx");
        private static readonly byte[] Data = File.ReadAllBytes(Path.Combine(Root, "examples/demo/digits.bin"));

        internal static readonly Model Float = Model.Load(DigitsPath);
        internal static readonly Statistics Counted = Calibrate(Float, 0, 100);
        internal static readonly Model Int8 = Float.Quantize(Counted);

        internal static float[] Pictures(int first, int count)
        {
            var pixels = new float[count * Pixels];
            for (int i = 0; i < pixels.Length; i++)
                pixels[i] = Data[(first + i / Pixels) % Samples * (1 + Pixels) + 1 + i % Pixels];
            return pixels;
        }

        internal static Tensor Batch(int first, int count) { return Tensor.From(Pictures(first, count), count, 1, 16, 16); }

        internal static Statistics Calibrate(Model model, int first, int count)
        {
            using (var calibrator = model.CreateCalibrator())
            {
                for (int i = 0; i < count; i += 20) calibrator.Collect(Batch(first + i, 20));
                return calibrator.Finish();
            }
        }

        internal static float[] Scores(Session session, int first, int count = 1)
        {
            using (Tensor y = session.Run(Batch(first, count))) return y.ToArray<float>();
        }

        /// <summary>A folder that exists while the process lives, with a name that is not ASCII.</summary>
        internal static readonly string Folder = MakeFolder();

        private static string MakeFolder()
        {
            string folder = Path.Combine(Path.GetTempPath(), "octavo-\u00e4\u6f22\U0001F600-" + Guid.NewGuid().ToString("N"));
            Directory.CreateDirectory(folder);
            AppDomain.CurrentDomain.ProcessExit += (sender, e) => Delete(folder);
            AppDomain.CurrentDomain.DomainUnload += (sender, e) => Delete(folder);
            return folder;
        }

        private static void Delete(string folder)
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, true);
        }

        /// <summary>Checks that work fails with a code and a message that has a part.</summary>
        internal static OctavoException Fails(StatusCode code, string part, Action work)
        {
            var error = Throws<OctavoException>(work);
            Assert.AreEqual(code, error.Code, error.Message);
            StringAssert.Contains(part, error.Message);
            StringAssert.StartsWith("OCTAVO_", error.CodeName);
            return error;
        }

        /// <summary>Checks that work throws exactly this kind.</summary>
        internal static T Throws<T>(Action work) where T : Exception
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                Assert.AreEqual(typeof(T), e.GetType(), e.ToString());
                return (T)e;
            }
            throw new AssertionException("nothing was thrown where " + typeof(T).Name + " should be");
        }
    }
}
