package org.octavo;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;

/** The listeners that C knows by number, and what the glue calls. What they throw stays pending in the glue. */
final class Callbacks {
  private static final Map<Long, Object> LISTENERS = new ConcurrentHashMap<>();
  private static final AtomicLong NEXT = new AtomicLong(1);

  private Callbacks() {}

  /** A number for a listener; 0 for null. */
  static long add(Object listener) {
    if (listener == null) return 0;
    long id = NEXT.getAndIncrement();
    LISTENERS.put(id, listener);
    return id;
  }

  static void remove(long id) {
    LISTENERS.remove(id);
  }

  /** Called by the glue. */
  static void log(long id, int level, byte[] message) {
    @SuppressWarnings("unchecked")
    BiConsumer<LogLevel, String> listener = (BiConsumer<LogLevel, String>) LISTENERS.get(id);
    if (listener != null) listener.accept(LogLevel.of(level), Text.of(message));
  }

  /** Called by the glue: 0 goes on. */
  static int progress(long id, double fraction, byte[] what) {
    return ((ProgressListener) LISTENERS.get(id)).progress(fraction, Text.of(what)) ? 0 : 1;
  }

  /** Called by the glue: 0 goes on with range[0], range[1]. */
  static int observe(long id, byte[] value, long count, double min, double max, double[] lows, double[] highs,
      long[] counts, double[] range) {
    RangeObserver observer = (RangeObserver) LISTENERS.get(id);
    double[] chosen = observer.range(new ValueCounts(Text.of(value), count, min, max, lows, highs, counts));
    if (chosen == null) return 1;
    if (chosen.length != 2) {
      throw OctavoException.argument("value '" + Text.of(value) + "': the observer returned " + chosen.length
          + " numbers, a range is low and high");
    }
    range[0] = chosen[0];
    range[1] = chosen[1];
    return 0;
  }
}
