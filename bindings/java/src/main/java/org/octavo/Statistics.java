package org.octavo;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * What calibration counted: of fixed size, mergeable, savable, useful without the data. Any number of threads may read;
 * {@link #merge} needs it alone.
 */
public final class Statistics extends NativeObject {
  Statistics(long address, Object... keep) {
    super("statistics", address, C::octavo_statistics_destroy, keep);
  }

  /**
   * Reads what {@link #save} wrote.
   *
   * @param path the file
   * @return the statistics, in the shared context
   * @throws OctavoException IO, INVALID_DATA
   */
  public static Statistics load(Path path) {
    return load(Context.shared(), path);
  }

  /**
   * Reads what {@link #save} wrote.
   *
   * @param context whose limits hold
   * @param path the file
   * @return the statistics
   * @throws OctavoException IO, INVALID_DATA, LIMIT
   */
  public static Statistics load(Context context, Path path) {
    byte[] text = Text.path(path);
    try (Handle in = share(context)) {
      return new Statistics(C.octavo_statistics_load(in.address(), text), (Object) in.keep);
    }
  }

  /**
   * Reads what {@link #toBytes} made.
   *
   * @param bytes copied
   * @return the statistics, in the shared context
   * @throws OctavoException INVALID_DATA
   */
  public static Statistics load(byte[] bytes) {
    if (bytes == null) throw OctavoException.argument("bytes is null");
    try (Handle in = Context.shared().handle.share(); Native data = Native.of(ByteBuffer.wrap(bytes))) {
      return new Statistics(C.octavo_statistics_load_memory(in.address(), data.address, data.bytes), (Object) in.keep);
    }
  }

  /**
   * Writes a file, whole or not at all. The same statistics give the same bytes.
   *
   * @param path the file
   * @throws OctavoException IO
   */
  public void save(Path path) {
    byte[] text = Text.path(path);
    try (Handle self = handle.share()) {
      C.octavo_statistics_save(self.address(), text);
    }
  }

  /**
   * What {@link #save} writes.
   *
   * @return the file's bytes
   */
  public byte[] toBytes() {
    try (Handle self = handle.share()) {
      return Text.bytes(C.octavo_statistics_save_memory(self.address()));
    }
  }

  /**
   * Adds other statistics, as if one calibrator had seen both. The order does not matter but for
   * {@link Observer#MOVING_AVERAGE}.
   *
   * @param from of the same model; unchanged
   * @throws OctavoException INVALID_ARGUMENT if they are of different models or the same object
   */
  public void merge(Statistics from) {
    if (from == this) throw OctavoException.argument("from is the object merged into");
    try (Handle self = handle.alone(); Handle other = share(from)) {
      C.octavo_statistics_merge(self.address(), other.address());
    }
  }

  /**
   * How many samples were collected.
   *
   * @return the sum of the first input's first dimension
   */
  public long samples() {
    try (Handle self = handle.share()) {
      return C.octavo_statistics_samples(self.address());
    }
  }

  /**
   * A readable form.
   *
   * @return JSON: {@code {"model": digest, "digest", "samples", "values": {name: {"min", "max", "count", "zeros", "nan",
   *     "inf"}}}}
   */
  public String toJson() {
    try (Handle self = handle.share()) {
      return Text.text(C.octavo_statistics_json(self.address()));
    }
  }
}
