// Overhead MODEL: microseconds of one run of MODEL as INT8 with one thread, from C#, each way there is: the least mean of
// Rounds rounds; and how many times the runs of one thread two threads make ("x").
using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using Octavo;

internal static class Overhead
{
    private const int Rounds = 20, Runs = 2000;

    private static void Main(string[] args)
    {
        using var f32 = Model.Load(args[0]);
        long[] shape = f32.Inputs[0].Shape.Select(d => Math.Max(1, d)).ToArray();
        float[] data = Enumerable.Range(0, (int)shape.Aggregate(1L, (a, d) => a * d)).Select(i => i % 17 / 17f).ToArray();
        using var x = Tensor.From(data, shape);
        using var calibrator = f32.CreateCalibrator();
        calibrator.Collect(x);
        using var statistics = calibrator.Finish();
        using var int8 = f32.Quantize(statistics);
        using var session = int8.CreateSession(new SessionOptions { Threads = 1 });
        using var y = Tensor.Create(DType.Float32, session.Prepare(x)[0].Shape);
        var result = new float[y.ByteLength / sizeof(float)];
        Tensor[] inputs = { x }, outputs = { y };

        Time("C# Run(Span)", () => session.Run<float, float>(data, shape, result));
        Time("C# RunInto(Tensor)", () => session.RunInto(inputs, outputs));
        Time("C# Run(Tensor)", () => session.Run(x).Dispose());

        double one = Together(1, int8, inputs), two = Together(2, int8, inputs);
        Print("C# two threads", two / one, "x");
    }

    /// <summary>Runs a second of threads that have a session each.</summary>
    private static double Together(int count, Model model, Tensor[] inputs)
    {
        long runs = 0;
        Thread[] threads = Enumerable.Range(0, count).Select(t => new Thread(() =>
        {
            using var session = model.CreateSession(new SessionOptions { Threads = 1 });
            using var y = Tensor.Create(DType.Float32, session.Prepare(inputs)[0].Shape);
            Tensor[] outputs = { y };
            long mine = 0;
            for (var watch = Stopwatch.StartNew(); watch.ElapsedMilliseconds < 1000; mine++) session.RunInto(inputs, outputs);
            Interlocked.Add(ref runs, mine);
        })).ToArray();
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        return runs;
    }

    private static void Time(string name, Action run)
    {
        double best = double.MaxValue;
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Runs; i++) run();
            best = Math.Min(best, (Stopwatch.GetTimestamp() - start) * 1e6 / Stopwatch.Frequency / Runs);
        }
        Print(name, best, "us");
    }

    private static void Print(string name, double number, string unit)
    {
        Console.WriteLine(string.Format(CultureInfo.InvariantCulture, "{0,-20} {1,7:F2} {2}", name, number, unit));
    }
}
