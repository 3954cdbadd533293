package org.octavo;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * A tensor: an element type, a shape and memory outside the Java heap. Dense, last dimension adjacent, unless made by
 * {@link #strided}.
 *
 * <p>Factories named {@code of} copy what they are given; those named {@code wrap} and {@code strided} use a direct buffer
 * as it is, without a copy: what is written to it later is seen, and results of {@link Session#run(Tensor[], Tensor[],
 * Cancel)} land in it. {@link #allocate} makes zeroed memory. All throw {@link OctavoException} with {@link
 * OctavoException#INVALID_ARGUMENT} if the shape does not fit the memory, holds a negative dimension, has more than 8, or
 * is larger than a Java buffer (2147483647 bytes).
 *
 * <p>Threads may read one tensor together. Closing lets go of the memory, which the garbage collector then takes back;
 * buffers that {@link #buffer} handed out stay usable.
 */
public final class Tensor implements AutoCloseable {
  final DType dtype;
  final long[] shape;
  final long[] strides; // null: dense
  final long address;
  final long bytes;
  /** The memory: a ByteBuffer or FloatBuffer from position 0 on; null once closed. */
  private volatile Buffer memory;

  private Tensor(DType dtype, long[] shape, long[] strides, Buffer memory, long offset, long bytes) {
    this.dtype = dtype;
    this.shape = shape;
    this.strides = strides;
    this.memory = memory;
    this.address = C.java_address(memory) + offset;
    this.bytes = bytes;
  }

  /**
   * Zeroed memory for a tensor.
   *
   * @param dtype element type
   * @param shape dimensions; none for a scalar
   * @return a dense tensor
   */
  public static Tensor allocate(DType dtype, long... shape) {
    return over(dtype, shape.clone(), null);
  }

  /**
   * A copy of floats.
   *
   * @param values as many as the shape has elements, last dimension adjacent
   * @param shape dimensions
   * @return a FLOAT32 tensor
   */
  public static Tensor of(float[] values, long... shape) {
    Tensor made = room(DType.FLOAT32, values == null ? -1 : values.length, shape);
    made.buffer().asFloatBuffer().put(values);
    return made;
  }

  /**
   * A copy of doubles.
   *
   * @param values as many as the shape has elements
   * @param shape dimensions
   * @return a FLOAT64 tensor
   */
  public static Tensor of(double[] values, long... shape) {
    Tensor made = room(DType.FLOAT64, values == null ? -1 : values.length, shape);
    made.buffer().asDoubleBuffer().put(values);
    return made;
  }

  /**
   * A copy of ints.
   *
   * @param values as many as the shape has elements
   * @param shape dimensions
   * @return an INT32 tensor
   */
  public static Tensor of(int[] values, long... shape) {
    Tensor made = room(DType.INT32, values == null ? -1 : values.length, shape);
    made.buffer().asIntBuffer().put(values);
    return made;
  }

  /**
   * A copy of longs.
   *
   * @param values as many as the shape has elements
   * @param shape dimensions
   * @return an INT64 tensor
   */
  public static Tensor of(long[] values, long... shape) {
    Tensor made = room(DType.INT64, values == null ? -1 : values.length, shape);
    made.buffer().asLongBuffer().put(values);
    return made;
  }

  /**
   * A copy of the elements' bytes, whatever the type, in the machine's byte order.
   *
   * @param dtype element type
   * @param values the bytes: for 8-bit types one an element
   * @param shape dimensions
   * @return a dense tensor
   */
  public static Tensor of(DType dtype, byte[] values, long... shape) {
    Tensor made = allocate(dtype, shape);
    if (values == null) throw OctavoException.argument("values is null");
    if (values.length != made.bytes) throw made.misfit(values.length);
    made.buffer().put(values);
    return made;
  }

  /**
   * A tensor in the caller's memory, from the buffer's position on.
   *
   * @param memory direct, with exactly the bytes of the shape remaining; its byte order is not looked at: elements are in
   *     the machine's
   * @param dtype element type
   * @param shape dimensions
   * @return a dense tensor, not writable if the buffer is read-only
   */
  public static Tensor wrap(ByteBuffer memory, DType dtype, long... shape) {
    if (memory == null) throw OctavoException.argument("memory is null");
    return over(dtype, shape.clone(), bytes(memory));
  }

  /**
   * A FLOAT32 tensor in the caller's memory, from the buffer's position on.
   *
   * @param memory direct, in native byte order, with exactly the elements of the shape remaining
   * @param shape dimensions
   * @return a dense tensor, not writable if the buffer is read-only
   */
  public static Tensor wrap(FloatBuffer memory, long... shape) {
    if (memory == null) throw OctavoException.argument("memory is null");
    direct(memory);
    if (memory.order() != ByteOrder.nativeOrder()) {
      throw OctavoException.argument("memory is in " + memory.order() + " order, the machine in " + ByteOrder.nativeOrder()
          + ": use ByteBuffer.order(ByteOrder.nativeOrder()) before asFloatBuffer()");
    }
    return over(DType.FLOAT32, shape.clone(), memory.slice());
  }

  /**
   * A tensor that is not dense, in the caller's memory: a transposed, cropped or reversed view. An input only.
   *
   * @param memory direct; element 0 lies {@code offset} elements after its position
   * @param dtype element type of at least 8 bits
   * @param shape dimensions
   * @param strides from one index to the next of each dimension, in elements; may be negative or 0
   * @param offset where element [0, 0, ..] lies, in elements
   * @return the tensor; every element lies inside the buffer's remaining bytes
   */
  public static Tensor strided(ByteBuffer memory, DType dtype, long[] shape, long[] strides, long offset) {
    if (memory == null) throw OctavoException.argument("memory is null");
    if (dtype == null) throw OctavoException.argument("dtype is null");
    if (strides == null || strides.length != shape.length) {
      throw OctavoException.argument("strides: one for each of the " + shape.length + " dimensions");
    }
    if (dtype.bits() < 8) throw OctavoException.argument("strides: " + dtype + " elements cannot have them");
    long[] dims = shape.clone();
    int size = dtype.bits() / 8;
    long elements = elements(dtype, dims);
    ByteBuffer slice = bytes(memory);
    try {
      long first = offset;
      long last = offset;
      for (int d = 0; d < dims.length; d++) {
        long reach = Math.multiplyExact(Math.max(dims[d] - 1, 0), strides[d]);
        if (reach < 0) first = Math.addExact(first, reach);
        else last = Math.addExact(last, reach);
      }
      if (elements > 0 && (first < 0 || last >= slice.remaining() / size)) {
        throw OctavoException.argument("strides " + Arrays.toString(strides) + " reach from element " + first + " to " + last
            + ", the memory has 0 to " + (slice.remaining() / size - 1));
      }
    } catch (ArithmeticException e) {
      throw OctavoException.argument("strides " + Arrays.toString(strides) + " are out of range");
    }
    long from = elements > 0 ? offset * size : 0;
    return new Tensor(dtype, dims, strides.clone(), slice, from, elements > 0 ? elements * size : 0);
  }

  /**
   * The element type.
   *
   * @return never null
   */
  public DType dtype() {
    return dtype;
  }

  /**
   * The dimensions.
   *
   * @return a copy; empty for a scalar
   */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * How many elements there are.
   *
   * @return the product of the dimensions
   */
  public long elements() {
    return elements(dtype, shape);
  }

  /**
   * The memory itself, no copy: direct, native byte order, position 0; read-only where what was wrapped is. Views such as
   * {@code asIntBuffer()} see the same elements.
   *
   * @return a buffer of its own position and limit
   * @throws OctavoException INVALID_STATE if the tensor is closed or wraps a FloatBuffer
   */
  public ByteBuffer buffer() {
    Buffer open = memory();
    if (!(open instanceof ByteBuffer)) throw OctavoException.state("tensor wraps a FloatBuffer: use floatBuffer()");
    ByteBuffer view = ((ByteBuffer) open).duplicate().order(ByteOrder.nativeOrder());
    if (strides == null) view.limit((int) bytes);
    return view;
  }

  /**
   * The memory itself as floats, no copy: direct, position 0; read-only where what was wrapped is.
   *
   * @return a buffer of its own position and limit
   * @throws OctavoException INVALID_ARGUMENT if the tensor is not FLOAT32 or not dense; INVALID_STATE if it is closed
   */
  public FloatBuffer floatBuffer() {
    count(DType.FLOAT32);
    Buffer open = memory();
    return open instanceof FloatBuffer ? ((FloatBuffer) open).duplicate() : buffer().asFloatBuffer();
  }

  /**
   * A copy of the elements.
   *
   * @return one float an element
   * @throws OctavoException INVALID_ARGUMENT if the tensor is not FLOAT32 or not dense; INVALID_STATE if it is closed
   */
  public float[] toFloatArray() {
    float[] values = new float[count(DType.FLOAT32)];
    floatBuffer().get(values);
    return values;
  }

  /**
   * A copy of the elements.
   *
   * @return one double an element
   * @throws OctavoException INVALID_ARGUMENT if the tensor is not FLOAT64 or not dense; INVALID_STATE if it is closed
   */
  public double[] toDoubleArray() {
    double[] values = new double[count(DType.FLOAT64)];
    buffer().asDoubleBuffer().get(values);
    return values;
  }

  /**
   * A copy of the elements.
   *
   * @return one int an element
   * @throws OctavoException INVALID_ARGUMENT if the tensor is not INT32 or not dense; INVALID_STATE if it is closed
   */
  public int[] toIntArray() {
    int[] values = new int[count(DType.INT32)];
    buffer().asIntBuffer().get(values);
    return values;
  }

  /**
   * A copy of the elements.
   *
   * @return one long an element
   * @throws OctavoException INVALID_ARGUMENT if the tensor is not INT64 or not dense; INVALID_STATE if it is closed
   */
  public long[] toLongArray() {
    long[] values = new long[count(DType.INT64)];
    buffer().asLongBuffer().get(values);
    return values;
  }

  /**
   * A copy of the elements' bytes, whatever their type.
   *
   * @return in the machine's byte order
   * @throws OctavoException INVALID_ARGUMENT if the tensor is not dense; INVALID_STATE if it is closed
   */
  public byte[] toByteArray() {
    count(dtype);
    byte[] values = new byte[(int) bytes];
    Buffer open = memory();
    if (open instanceof FloatBuffer) {
      ByteBuffer.wrap(values).order(ByteOrder.nativeOrder()).asFloatBuffer().put(((FloatBuffer) open).duplicate());
    } else {
      buffer().get(values);
    }
    return values;
  }

  /** Lets go of the memory; a second time does nothing. A call that uses the tensor now is not disturbed. */
  @Override
  public void close() {
    memory = null;
  }

  @Override
  public String toString() {
    return dtype + Arrays.toString(shape);
  }

  /** The memory, for who keeps it alive during a call. */
  Buffer memory() {
    Buffer open = memory;
    if (open == null) throw OctavoException.state("tensor is closed");
    return open;
  }

  /** As the copying factories need it. */
  private static Tensor room(DType dtype, int values, long[] shape) {
    if (values < 0) throw OctavoException.argument("values is null");
    Tensor made = allocate(dtype, shape);
    if (values != made.elements()) throw made.misfit((long) values * dtype.bits() / 8);
    return made;
  }

  /** A dense tensor in memory, which must be of its size, or in new memory if that is null. */
  static Tensor over(DType dtype, long[] shape, Buffer memory) {
    if (dtype == null) throw OctavoException.argument("dtype is null");
    long bytes = (elements(dtype, shape) * dtype.bits() + 7) / 8;
    if (memory != null) {
      Tensor made = new Tensor(dtype, shape, null, memory, 0, bytes);
      long found = (long) memory.remaining() * (memory instanceof FloatBuffer ? 4 : 1);
      if (found != bytes) throw made.misfit(found);
      return made;
    }
    try {
      // At least one byte: no address would ask the library for memory.
      return new Tensor(dtype, shape, null, ByteBuffer.allocateDirect((int) Math.max(bytes, 1)), 0, bytes);
    } catch (OutOfMemoryError e) {
      throw OctavoException.of(OctavoException.OUT_OF_MEMORY, bytes + " bytes for " + dtype + Arrays.toString(shape) + ": "
          + e.getMessage());
    }
  }

  /** C cannot see that memory is not to be written to. */
  void checkWritable(String argument) {
    if (memory().isReadOnly()) throw OctavoException.argument(argument + " wraps a read-only buffer");
  }

  private OctavoException misfit(long found) {
    return OctavoException.argument("shape " + Arrays.toString(shape) + " of " + dtype + " is " + bytes + " bytes, " + found
        + " were given");
  }

  private static ByteBuffer bytes(ByteBuffer memory) {
    direct(memory);
    return memory.slice();
  }

  private static void direct(Buffer memory) {
    if (!memory.isDirect()) {
      throw OctavoException.argument("memory is on the Java heap: use a direct buffer, or Tensor.of, which copies");
    }
  }

  /** How many elements of this type a Java array is to hold. */
  private int count(DType wanted) {
    if (dtype != wanted) throw OctavoException.argument("tensor is " + dtype + ", not " + wanted);
    if (strides != null) throw OctavoException.argument("tensor has strides: only dense tensors can be read out");
    memory();
    return (int) elements();
  }

  /** The product of the dimensions, of which a Java buffer can hold so many. */
  private static long elements(DType dtype, long[] shape) {
    if (shape.length > java_constants.JAVA_MAX_RANK) {
      throw OctavoException.argument(shape.length + " dimensions, at most " + java_constants.JAVA_MAX_RANK + " are allowed");
    }
    long elements = 1;
    boolean empty = false;
    for (long dimension : shape) {
      if (dimension < 0) throw OctavoException.argument("dimension " + dimension + " of shape " + Arrays.toString(shape));
      empty |= dimension == 0;
    }
    for (long dimension : shape) {
      if (empty) return 0;
      if (dimension > Integer.MAX_VALUE * 2L || elements * dimension > Integer.MAX_VALUE * 8L / dtype.bits()) {
        throw OctavoException.argument(dtype + Arrays.toString(shape) + " is more than a Java buffer holds, "
            + Integer.MAX_VALUE + " bytes");
      }
      elements *= dimension;
    }
    return elements;
  }
}
