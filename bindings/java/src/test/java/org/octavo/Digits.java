package org.octavo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** The network and data that ship with the repository, and what tests make of them. */
final class Digits {
  static final Path ROOT = Path.of(System.getProperty("octavo.root", "../.."));
  static final Path MODEL = ROOT.resolve("examples/demo/digits.onnx");
  static final int PIXELS = 256;
  static final int SAMPLES = 200;
  private static final float[] IMAGES = read();

  private Digits() {}

  private static float[] read() {
    try {
      byte[] records = Files.readAllBytes(ROOT.resolve("examples/demo/digits.bin"));
      float[] images = new float[SAMPLES * PIXELS];
      for (int i = 0; i < images.length; i++) images[i] = records[i / PIXELS * (PIXELS + 1) + 1 + i % PIXELS] & 0xff;
      return images;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static float[] pixels(int first, int count) {
    return Arrays.copyOfRange(IMAGES, first * PIXELS, (first + count) * PIXELS);
  }

  /** float32 [count, 1, 16, 16] */
  static Tensor images(int first, int count) {
    return Tensor.of(pixels(first, count), count, 1, 16, 16);
  }

  static Model load() {
    return Model.load(MODEL);
  }

  static Statistics calibrate(Model model, int first, int count) {
    try (Calibrator calibrator = model.calibrator()) {
      calibrator.collect(images(first, count));
      return calibrator.finish();
    }
  }

  static Model int8() {
    try (Model model = load(); Statistics statistics = calibrate(model, 0, 100)) {
      return model.quantize(statistics, Recipe.staticInt8());
    }
  }

  /** Scores of images [first, first + count), one run each. */
  static float[] scores(Session session, int first, int count) {
    float[] scores = new float[10 * count];
    for (int i = 0; i < count; i++) {
      try (Tensor y = session.run(images(first + i, 1))) {
        System.arraycopy(y.toFloatArray(), 0, scores, 10 * i, 10);
      }
    }
    return scores;
  }
}
