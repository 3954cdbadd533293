package org.octavo;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

/**
 * One object of the C library and how many calls use it now. {@link #share} and {@link #alone} begin a use, for
 * {@code try}-with-resources; {@link #close} ends it; {@link #run}, called by the owner's close or by its Cleaner, destroys
 * the object once no use is left. So an object closed by another thread, or collected while its last call still runs,
 * lives until that call is through.
 */
final class Handle implements Runnable, AutoCloseable {
  /** For arguments that are null. */
  static final Handle NULL = new Handle("null", 0, address -> {});

  private static final int CLOSED = Integer.MIN_VALUE;
  private static final int ALONE = 1 << 30;

  private final AtomicInteger users = new AtomicInteger();
  private final String name;
  private final long address;
  private final LongConsumer destroy;
  /** What must not be collected before the object is destroyed: memory it borrows, listeners it calls. */
  final Object[] keep;

  Handle(String name, long address, LongConsumer destroy, Object... keep) {
    this.name = name;
    this.address = address;
    this.destroy = destroy;
    this.keep = keep;
  }

  long address() {
    return address;
  }

  /** Begins a use beside others. */
  Handle share() {
    if (this == NULL) return this;
    for (;;) {
      int now = users.get();
      if (now < 0 || now >= ALONE) throw refuse(now);
      if (users.compareAndSet(now, now + 1)) return this;
    }
  }

  /** Begins the only use. */
  Handle alone() {
    if (!users.compareAndSet(0, ALONE)) throw refuse(users.get());
    return this;
  }

  private OctavoException refuse(int now) {
    return OctavoException.state(now < 0 ? name + " is closed" : name + " is in use by another thread or a callback's caller");
  }

  @Override
  public void close() {
    if (this == NULL) return;
    for (;;) {
      int now = users.get();
      int next = (now & ALONE) != 0 ? now - ALONE : now - 1;
      if (users.compareAndSet(now, next)) {
        if (next == CLOSED) destroy.accept(address);
        return;
      }
    }
  }

  @Override
  public void run() {
    if (users.getAndUpdate(now -> now | CLOSED) == 0) destroy.accept(address);
  }
}
