import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import org.octavo.Calibrator;
import org.octavo.Model;
import org.octavo.Octavo;
import org.octavo.Recipe;
import org.octavo.Session;
import org.octavo.Statistics;
import org.octavo.Tensor;

/**
 * From a float network to a quantized one that runs, in Java.
 *
 * <pre>
 * java -cp octavo-0.1.0.jar:octavo-0.1.0-linux-x86_64.jar Quickstart.java digits.onnx digits.bin digits.int8.onnx
 * </pre>
 *
 * digits.bin: 200 records of one label byte and 16x16 pixels; the first 100 calibrate, the others are held out.
 */
public final class Quickstart {
  private static final int CALIBRATION = 100;
  private static final int SAMPLES = 200;
  private static final int PIXELS = 16 * 16;

  public static void main(String[] args) throws IOException {
    Path model = Path.of(args.length > 0 ? args[0] : "examples/demo/digits.onnx");
    Path data = Path.of(args.length > 1 ? args[1] : "examples/demo/digits.bin");
    Path out = Path.of(args.length > 2 ? args[2] : "digits.int8.onnx");

    byte[] records = Files.readAllBytes(data);
    int[] labels = new int[SAMPLES];
    float[] images = new float[SAMPLES * PIXELS];
    for (int i = 0; i < SAMPLES; i++) {
      int record = i * (1 + PIXELS);
      labels[i] = records[record];
      for (int p = 0; p < PIXELS; p++) images[i * PIXELS + p] = records[record + 1 + p] & 0xff;
    }

    float[][] before;
    float[][] after;
    try (Model f32 = Model.load(model); Calibrator cal = f32.calibrator()) {
      // Calibrate: in batches of 20, any size will do.
      for (int first = 0; first < CALIBRATION; first += 20) {
        cal.collect(Tensor.of(Arrays.copyOfRange(images, first * PIXELS, (first + 20) * PIXELS), 20, 1, 16, 16));
      }
      // Quantize: weights and activations in 8 bits.
      try (Statistics stats = cal.finish(); Model int8 = f32.quantize(stats, Recipe.staticInt8())) {
        int8.save(out);
        before = scores(f32, images);
        after = scores(int8, images);
      }
    }

    int right = 0;
    int rightInt8 = 0;
    int same = 0;
    for (int i = CALIBRATION; i < SAMPLES; i++) {
      int answer = best(before[i - CALIBRATION]);
      int answerInt8 = best(after[i - CALIBRATION]);
      if (answer == labels[i]) right++;
      if (answerInt8 == labels[i]) rightInt8++;
      if (answer == answerInt8) same++;
    }
    System.out.printf("octavo %s on %s%n", Octavo.versionString(), Octavo.cpuTarget());
    System.out.printf("float32 %d, INT8 %d of %d right; %d answers the same; wrote %s%n", right, rightInt8,
        SAMPLES - CALIBRATION, same, out);
    System.out.print("scores of the first held-out image:");
    for (float score : after[0]) System.out.printf(Locale.ROOT, " %.4f", score);
    System.out.printf("%ndigest of all INT8 scores: %016x%n", digest(after));
    System.exit(rightInt8 + 5 >= right ? 0 : 1);
  }

  /** The scores of the held-out images, which the model is given one at a time. */
  private static float[][] scores(Model model, float[] images) {
    float[][] scores = new float[SAMPLES - CALIBRATION][];
    try (Session run = model.session()) {
      for (int i = CALIBRATION; i < SAMPLES; i++) {
        Tensor x = Tensor.of(Arrays.copyOfRange(images, i * PIXELS, (i + 1) * PIXELS), 1, 1, 16, 16);
        try (Tensor y = run.run(x)) {
          scores[i - CALIBRATION] = y.toFloatArray();
        }
      }
    }
    return scores;
  }

  private static int best(float[] scores) {
    int best = 0;
    for (int c = 1; c < scores.length; c++) {
      if (scores[c] > scores[best]) best = c;
    }
    return best;
  }

  /** FNV-1a over the scores' bytes, little endian: what tells two languages' results apart. */
  private static long digest(float[][] scores) {
    long hash = 0xcbf29ce484222325L;
    for (float[] row : scores) {
      for (float score : row) {
        int bits = Float.floatToRawIntBits(score);
        for (int shift = 0; shift < 32; shift += 8) hash = (hash ^ (bits >>> shift & 0xff)) * 0x100000001b3L;
      }
    }
    return hash;
  }
}
