package org.octavo;

import java.lang.ref.Reference;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * An array of octavo_tensor_view in native memory, filled from tensors. Room for dims and strides lies behind the array.
 * Until {@link #close} it keeps the tensors' memory reachable, whatever happens to the tensors; it can be filled again then.
 */
final class Views implements AutoCloseable {
  // glue.h asserts this layout.
  private static final int SIZE = 48;
  private static final int DTYPE = 4;
  private static final int RANK = 8;
  private static final int FLAGS = 12;
  private static final int DATA = 16;
  private static final int BYTES = 24;
  private static final int DIMS = 32;
  private static final int STRIDES = 40;
  private static final int NUMBERS = 8 * java_constants.JAVA_MAX_RANK;

  final int count;
  final long address;
  private final ByteBuffer memory;
  private final Buffer[] data;

  Views(int count) {
    this.count = count;
    memory = ByteBuffer.allocateDirect(Math.max(1, count) * (SIZE + 2 * NUMBERS)).order(ByteOrder.nativeOrder());
    address = C.java_address(memory);
    data = new Buffer[count];
  }

  /** Inputs for one call. */
  static Views of(Tensor... tensors) {
    if (tensors == null) throw OctavoException.argument("inputs is null");
    Views views = new Views(tensors.length);
    views.setAll(tensors, "inputs");
    return views;
  }

  void setAll(Tensor[] tensors, String argument) {
    for (int i = 0; i < count; i++) {
      if (tensors[i] == null) throw OctavoException.argument(argument + "[" + i + "] is null");
      set(i, tensors[i]);
    }
  }

  void set(int i, Tensor tensor) {
    data[i] = tensor.memory();
    int view = i * SIZE;
    int dims = count * SIZE + i * 2 * NUMBERS;
    memory.putInt(view, SIZE);
    memory.putInt(view + DTYPE, tensor.dtype.code);
    memory.putInt(view + RANK, tensor.shape.length);
    memory.putInt(view + FLAGS, 0);
    memory.putLong(view + DATA, tensor.address);
    memory.putLong(view + BYTES, tensor.bytes);
    memory.putLong(view + DIMS, address + dims);
    for (int d = 0; d < tensor.shape.length; d++) memory.putLong(dims + 8 * d, tensor.shape[d]);
    memory.putLong(view + STRIDES, tensor.strides == null ? 0 : address + dims + NUMBERS);
    if (tensor.strides != null) {
      for (int d = 0; d < tensor.strides.length; d++) memory.putLong(dims + NUMBERS + 8 * d, tensor.strides[d]);
    }
  }

  /** Asks for memory of the library. */
  void ask(int i) {
    int view = i * SIZE;
    for (int field = 0; field < SIZE; field += 8) memory.putLong(view + field, 0);
    memory.putInt(view, SIZE);
  }

  @Override
  public void close() {
    for (int i = 0; i < count; i++) {
      Reference.reachabilityFence(data[i]);
      data[i] = null;
    }
    Reference.reachabilityFence(memory);
  }

  long viewAddress(int i) {
    return address + i * SIZE;
  }

  DType dtype(int i) {
    return DType.of(memory.getInt(i * SIZE + DTYPE));
  }

  long bytes(int i) {
    return memory.getLong(i * SIZE + BYTES);
  }

  /** The shape that C stated, in its own memory. */
  long[] shape(int i) {
    long[] shape = new long[memory.getInt(i * SIZE + RANK)];
    if (shape.length > 0) at(memory.getLong(i * SIZE + DIMS), 8L * shape.length).asLongBuffer().get(shape);
    return shape;
  }

  /** What C put into its own memory, copied. */
  Tensor copy(int i) {
    Tensor copy = Tensor.allocate(dtype(i), shape(i));
    if (copy.bytes > 0) copy.buffer().put(at(memory.getLong(i * SIZE + DATA), copy.bytes));
    return copy;
  }

  private static ByteBuffer at(long address, long bytes) {
    return ((ByteBuffer) C.java_view(address, bytes)).order(ByteOrder.nativeOrder());
  }
}
