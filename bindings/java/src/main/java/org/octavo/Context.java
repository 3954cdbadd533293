package org.octavo;

/**
 * What models are made in: default number of threads, limits, log. Immutable, for any number of threads. Most programs
 * need no other than {@link #shared()}, which is used wherever none is named. What was made in a context stays usable when
 * it is closed.
 */
public final class Context extends NativeObject {
  /** Stands for the listener as long as anything that may call it lives: kept by every handle of the context. */
  private static final class Log {
    private final long id;

    Log(long id) {
      this.id = id;
    }
  }

  private static final class Shared {
    static final Context CONTEXT = new Context();
  }

  /** A context with all defaults. */
  public Context() {
    this(null);
  }

  /**
   * A context of its own.
   *
   * @param options null: defaults
   * @throws OctavoException INVALID_ARGUMENT if a value is out of range
   */
  public Context(ContextOptions options) {
    this(options, new Log(options == null ? 0 : Callbacks.add(options.log)));
  }

  private Context(ContextOptions options, Log log) {
    super("context", create(options, log.id), C::octavo_context_destroy, log);
    long id = log.id;
    if (id != 0) CLEANER.register(log, () -> Callbacks.remove(id));
  }

  private static long create(ContextOptions options, long logId) {
    try (NativeOptions o = ContextOptions.open(options, logId)) {
      return C.octavo_context_create(o.address);
    } catch (Throwable e) {
      Callbacks.remove(logId);
      throw e;
    }
  }

  /**
   * The context of everything that names none, with all defaults.
   *
   * @return always the same; closing it does nothing
   */
  public static Context shared() {
    return Shared.CONTEXT;
  }

  /**
   * Bytes of tensors, weights and scratch that live now, outside the Java heap.
   *
   * @return 0 or more
   */
  public long liveMemory() {
    return memory()[0];
  }

  /**
   * The most bytes that ever lived at once.
   *
   * @return at least {@link #liveMemory}
   */
  public long peakMemory() {
    return memory()[1];
  }

  private long[] memory() {
    long[] liveAndPeak = new long[2];
    try (Handle self = handle.share()) {
      C.octavo_context_memory(self.address(), liveAndPeak);
    }
    return liveAndPeak;
  }

  @Override
  public void close() {
    if (this != Shared.CONTEXT) super.close();
  }
}
