package org.octavo;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/** The remaining bytes of a direct buffer as C takes them, kept reachable until close. */
final class Native implements AutoCloseable {
  final long address;
  final long bytes;
  private final ByteBuffer memory;

  Native(ByteBuffer memory) {
    this.memory = memory;
    address = C.java_address(memory) + memory.position();
    bytes = memory.remaining();
  }

  /** The buffer itself if it is direct, else a direct copy. */
  static Native of(ByteBuffer memory) {
    if (memory.isDirect()) return new Native(memory);
    return new Native(ByteBuffer.allocateDirect(memory.remaining()).put(memory.duplicate()).flip());
  }

  @Override
  public void close() {
    Reference.reachabilityFence(memory);
  }
}
