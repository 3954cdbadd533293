package org.octavo;

import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/** An options object of C that lives for one call. */
final class NativeOptions implements AutoCloseable {
  final long address;
  private final LongConsumer destroy;

  private NativeOptions(long address, LongConsumer destroy) {
    this.address = address;
    this.destroy = destroy;
  }

  /** Made and filled; address 0, the defaults, if options is null. */
  static NativeOptions of(Object options, LongSupplier create, LongConsumer destroy, LongConsumer fill) {
    if (options == null) return new NativeOptions(0, destroy);
    NativeOptions made = new NativeOptions(create.getAsLong(), destroy);
    try {
      fill.accept(made.address);
    } catch (Throwable e) {
      made.close();
      throw e;
    }
    return made;
  }

  @Override
  public void close() {
    destroy.accept(address);
  }
}
