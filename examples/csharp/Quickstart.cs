// From a float network to a quantized one that runs, in C#.
//
//    Quickstart [MODEL [DATA [OUT]]]
//
// DATA: 200 records of one label byte and 16x16 pixels; the first 100 calibrate, the others are held out.
using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Octavo;

internal static class Quickstart
{
    private const int Calibration = 100, HeldOut = 100, Pixels = 16 * 16;

    private static int Main(string[] args)
    {
        string modelPath = args.Length > 0 ? args[0] : "examples/demo/digits.onnx";
        string dataPath = args.Length > 1 ? args[1] : "examples/demo/digits.bin";
        string int8Path = args.Length > 2 ? args[2] : "digits.int8.onnx";
        byte[] data = File.ReadAllBytes(dataPath);
        int[] labels = Enumerable.Range(0, Calibration + HeldOut).Select(i => (int)data[i * (1 + Pixels)]).ToArray();

        // Calibrate: in batches of 20, any size will do.
        using var f32 = Model.Load(modelPath);
        using var cal = f32.CreateCalibrator();
        for (int first = 0; first < Calibration; first += 20)
            cal.Collect(Tensor.From(Images(data, first, 20), 20, 1, 16, 16));
        using var stats = cal.Finish();

        // Quantize: weights and activations in 8 bits.
        using var int8 = f32.Quantize(stats, Recipe.StaticInt8);
        int8.Save(int8Path);

        // Compare.
        float[][] before = Evaluate(f32, data), after = Evaluate(int8, data);
        int right = Right(before, labels), right8 = Right(after, labels);
        int same = Enumerable.Range(0, HeldOut).Count(i => Answer(before[i]) == Answer(after[i]));
        Console.WriteLine($"octavo {Library.Version} on {Library.CpuTarget}");
        Console.WriteLine($"float32 {right}, INT8 {right8} of {HeldOut} right; {same} answers the same; wrote {int8Path}");
        Console.WriteLine("scores of the first held-out image: " +
                          string.Join(" ", after[0].Select(s => ((double)s).ToString("F4", CultureInfo.InvariantCulture))));
        Console.WriteLine($"digest of all INT8 scores: {Digest(after):x16}");
        return right8 + 5 >= right ? 0 : 1;
    }

    /// <summary>The scores of each held-out image, run one at a time.</summary>
    private static float[][] Evaluate(Model model, byte[] data)
    {
        using var session = model.CreateSession();
        var scores = new float[HeldOut][];
        for (int i = 0; i < HeldOut; i++)
        {
            using var x = Tensor.From(Images(data, Calibration + i, 1), 1, 1, 16, 16);
            using var y = session.Run(x);
            scores[i] = y.ToArray<float>();
        }
        return scores;
    }

    /// <summary>The pixels of `count` images as the network takes them: 0 to 255.</summary>
    private static float[] Images(byte[] data, int first, int count)
    {
        var pixels = new float[count * Pixels];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = data[(first + i / Pixels) * (1 + Pixels) + 1 + i % Pixels];
        return pixels;
    }

    private static int Answer(float[] scores) { return Array.IndexOf(scores, scores.Max()); }

    private static int Right(float[][] scores, int[] labels)
    {
        return Enumerable.Range(0, HeldOut).Count(i => Answer(scores[i]) == labels[Calibration + i]);
    }

    /// <summary>FNV-1a of the scores, little endian, in order: equal digests, equal bytes.</summary>
    private static ulong Digest(float[][] scores)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (float score in scores.SelectMany(s => s))
        {
            byte[] bytes = BitConverter.GetBytes(score);
            if (!BitConverter.IsLittleEndian) Array.Reverse(bytes);
            foreach (byte b in bytes) hash = unchecked((hash ^ b) * 0x100000001b3);
        }
        return hash;
    }
}
