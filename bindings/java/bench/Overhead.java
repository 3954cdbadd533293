import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.octavo.Calibrator;
import org.octavo.DType;
import org.octavo.Model;
import org.octavo.Session;
import org.octavo.SessionOptions;
import org.octavo.Statistics;
import org.octavo.Tensor;

/**
 * Microseconds of one run of MODEL as INT8 with one thread, the least mean of many rounds, as tests/bench/overhead.c has it
 * for C; and how many times the runs of one thread two make of ic_resnet8 beside it.
 */
public final class Overhead {
  private static final int ROUNDS = 40; // the first ones compile
  private static final int RUNS = 2000;

  private static Tensor input(Model model) {
    long[] shape = model.inputs().get(0).shape();
    for (int d = 0; d < shape.length; d++) shape[d] = Math.max(1, shape[d]);
    float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < values.length; i++) values[i] = i % 17 / 17f;
    return Tensor.of(values, shape);
  }

  private static Model quantized(Path path) {
    try (Model f32 = Model.load(path); Calibrator calibrator = f32.calibrator()) {
      calibrator.collect(input(f32));
      try (Statistics statistics = calibrator.finish()) {
        return f32.quantize(statistics);
      }
    }
  }

  private static double leastMean(Runnable run) {
    double best = Double.POSITIVE_INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < RUNS; i++) run.run();
      best = Math.min(best, (System.nanoTime() - start) / 1e3 / RUNS);
    }
    return best;
  }

  /** Runs that so many threads make in a second, each with a session of its own. */
  private static long runs(Model model, Tensor x, int count) throws InterruptedException {
    AtomicLong finished = new AtomicLong();
    long end = System.nanoTime() + 1_000_000_000;
    Thread[] threads = new Thread[count];
    for (int t = 0; t < count; t++) {
      threads[t] = new Thread(() -> {
        try (Session session = model.session(new SessionOptions().threads(1))) {
          while (System.nanoTime() < end) {
            session.run(x).close();
            finished.getAndIncrement();
          }
        }
      });
      threads[t].start();
    }
    for (Thread thread : threads) thread.join();
    return finished.get();
  }

  public static void main(String[] args) throws InterruptedException {
    Path path = Path.of(args[0]);
    try (Model model = quantized(path); Session session = model.session(new SessionOptions().threads(1))) {
      Tensor[] x = {input(model)};
      Tensor[] y = {Tensor.allocate(DType.FLOAT32, session.outputShapes(x)[0])};
      System.out.printf(Locale.ROOT, "Java, session.run(x) %.2f us%n", leastMean(() -> session.run(x[0]).close()));
      System.out.printf(Locale.ROOT, "Java, session.run(x, y, null) %.2f us%n", leastMean(() -> session.run(x, y, null)));
    }
    try (Model model = quantized(path.resolveSibling("ic_resnet8.onnx"))) {
      Tensor x = input(model);
      runs(model, x, 1);
      System.out.printf(Locale.ROOT, "Java, ic_resnet8, runs of two threads over one %.2f x%n",
          (double) runs(model, x, 2) / runs(model, x, 1));
    }
  }
}
