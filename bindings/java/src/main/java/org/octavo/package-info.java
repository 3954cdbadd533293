/**
 * Octavo: ONNX in, INT8 out, the same bytes on every CPU.
 *
 * <pre>{@code
 * try (Model f32 = Model.load(Path.of("net.onnx")); Calibrator cal = f32.calibrator()) {
 *   for (float[] sample : samples) cal.collect(Tensor.of(sample, 1, 3, 32, 32));
 *   try (Statistics stats = cal.finish(); Model int8 = f32.quantize(stats, Recipe.staticInt8())) {
 *     int8.save(Path.of("net.int8.onnx"));
 *     try (Session run = int8.session(); Tensor y = run.run(x)) {
 *       float[] scores = y.toFloatArray();
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p>Objects that own native memory are {@link java.lang.AutoCloseable}. Closing is idempotent, may come from any thread and
 * in any order, and waits for nobody: a call that still uses an object is let finish first. What is never closed is freed
 * some time after it became unreachable. Every failure is an {@link org.octavo.OctavoException}.
 *
 * <p>The native library is the file that the system property {@code octavo.library} names, else {@code octavo_jni} on {@code
 * java.library.path}, else the copy in the jar with this platform's classifier ({@code linux-x86_64}), unpacked into the
 * folder that {@code octavo.tmpdir} names, else into {@code java.io.tmpdir}. From Java 24 on, {@code
 * --enable-native-access=ALL-UNNAMED} avoids a warning.
 */
package org.octavo;
