package org.octavo;

/** Element types. */
public enum DType {
  /** 32-bit float; {@code float} in Java. */
  FLOAT32(octavo_dtype.OCTAVO_FLOAT32),
  /** 0 to 255; {@code byte} in Java: {@code b & 0xff}. */
  UINT8(octavo_dtype.OCTAVO_UINT8),
  /** {@code byte} in Java. */
  INT8(octavo_dtype.OCTAVO_INT8),
  /** {@code char} or {@code short} in Java. */
  UINT16(octavo_dtype.OCTAVO_UINT16),
  /** {@code short} in Java. */
  INT16(octavo_dtype.OCTAVO_INT16),
  /** {@code int} in Java. */
  INT32(octavo_dtype.OCTAVO_INT32),
  /** {@code long} in Java. */
  INT64(octavo_dtype.OCTAVO_INT64),
  /** One byte: 0 or 1. */
  BOOL(octavo_dtype.OCTAVO_BOOL),
  /** IEEE half precision, 16 bits. */
  FLOAT16(octavo_dtype.OCTAVO_FLOAT16),
  /** {@code double} in Java. */
  FLOAT64(octavo_dtype.OCTAVO_FLOAT64),
  /** {@code int} in Java, without its sign. */
  UINT32(octavo_dtype.OCTAVO_UINT32),
  /** {@code long} in Java, without its sign. */
  UINT64(octavo_dtype.OCTAVO_UINT64),
  /** The upper half of a 32-bit float. */
  BFLOAT16(octavo_dtype.OCTAVO_BFLOAT16),
  /** 0 to 15, two a byte, the first in the low half. */
  UINT4(octavo_dtype.OCTAVO_UINT4),
  /** -8 to 7, two a byte, the first in the low half. */
  INT4(octavo_dtype.OCTAVO_INT4);

  private static final DType[] VALUES = values();

  final int code;
  private final int bits;
  private final String label;

  DType(int code) {
    this.code = code;
    bits = (int) C.octavo_dtype_bits(code);
    label = Text.of(C.octavo_dtype_name(code));
  }

  /**
   * The size of one element.
   *
   * @return 32 for FLOAT32, 4 for INT4
   */
  public int bits() {
    return bits;
  }

  /**
   * The name as models and messages have it.
   *
   * @return {@code "float32"} and so on
   */
  @Override
  public String toString() {
    return label;
  }

  static DType of(int code) {
    for (DType dtype : VALUES) {
      if (dtype.code == code) return dtype;
    }
    throw OctavoException.of(OctavoException.UNSUPPORTED, "element type " + code + " is unknown to these classes");
  }
}
