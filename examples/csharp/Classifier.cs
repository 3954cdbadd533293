// Classifies pictures with a network that takes one grey picture at a time, from the command line:
//
//    Classifier MODEL PICTURE.pgm...
//
// Pictures are binary PGM files of the network's size; the network gets their values, 0 to 255. Prints the three best
// classes of each, with probabilities. Exit status 1: something failed, 2: wrong usage.
using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Octavo;

internal static class Classifier
{
    private static int Main(string[] args)
    {
        if (args.Length < 2)
        {
            Console.Error.WriteLine("usage: Classifier MODEL PICTURE.pgm...");
            return 2;
        }
        try
        {
            using var model = Model.Load(args[0]);
            using var session = model.CreateSession();
            long[] shape = model.Inputs[0].Shape.Select(d => Math.Max(1, d)).ToArray();
            foreach (string path in args.Skip(1))
            {
                using var x = Tensor.From(ReadPgm(path, shape[shape.Length - 1], shape[shape.Length - 2]), shape);
                using var y = session.Run(x);
                double[] p = Softmax(y.ToArray<float>());
                var best = Enumerable.Range(0, p.Length).OrderByDescending(c => p[c]).Take(3)
                    .Select(c => c + " " + p[c].ToString("P1", CultureInfo.InvariantCulture));
                Console.WriteLine(path + ": " + string.Join(", ", best));
            }
            return 0;
        }
        catch (Exception e) when (e is OctavoException || e is IOException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private static float[] ReadPgm(string path, long width, long height)
    {
        byte[] file = File.ReadAllBytes(path);
        byte[] header = System.Text.Encoding.ASCII.GetBytes($"P5\n{width} {height}\n255\n");
        if (file.Length != header.Length + width * height || !file.Take(header.Length).SequenceEqual(header))
            throw new IOException($"{path}: not a binary PGM of {width} x {height}");
        return file.Skip(header.Length).Select(b => (float)b).ToArray();
    }

    private static double[] Softmax(float[] scores)
    {
        double[] powers = scores.Select(s => Math.Exp(s - scores.Max())).ToArray();
        return powers.Select(p => p / powers.Sum()).ToArray();
    }
}
