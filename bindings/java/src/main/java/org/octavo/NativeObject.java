package org.octavo;

import java.lang.ref.Cleaner;
import java.util.function.LongConsumer;

/** An object of the C library: freed by close, or some time after it became unreachable. */
abstract class NativeObject implements AutoCloseable {
  static final Cleaner CLEANER = Cleaner.create();

  final Handle handle;
  private final Cleaner.Cleanable cleanable;

  NativeObject(String name, long address, LongConsumer destroy, Object... keep) {
    handle = new Handle(name, address, destroy, keep);
    cleanable = CLEANER.register(this, handle);
  }

  /** Begins a use of an argument, which may be null: C says what it thinks of that. */
  static Handle share(NativeObject object) {
    return object == null ? Handle.NULL.share() : object.handle.share();
  }

  /**
   * Frees the object; a second time does nothing. From any thread: a call that still uses it is let finish first, later
   * ones throw {@link OctavoException} with {@link OctavoException#INVALID_STATE}. What was made from it stays usable.
   */
  @Override
  public void close() {
    cleanable.clean();
  }
}
