package org.octavo;

import java.nio.charset.StandardCharsets;

/**
 * What every failing call of this package throws. The message is that of the C library: what, where (file, node,
 * argument), found and allowed values. {@link #code()} is its status; the subclasses are the ranges of statuses, so that
 * a code added later still falls into the right one. Unchecked, as most callers can only report it.
 *
 * <p>A closed object is {@link #INVALID_STATE}, {@code null} where something is needed {@link #INVALID_ARGUMENT}. An
 * exception thrown by a callback ends the call that called it and comes out of that call as it is.
 */
public class OctavoException extends RuntimeException {
  /** A parameter is wrong: null, dtype, shape, range. */
  public static final int INVALID_ARGUMENT = octavo_status_code.OCTAVO_INVALID_ARGUMENT;
  /** The object cannot do this now: closed, in use by another thread, quantized already. */
  public static final int INVALID_STATE = octavo_status_code.OCTAVO_INVALID_STATE;
  /** No such name, key or target. */
  public static final int NOT_FOUND = octavo_status_code.OCTAVO_NOT_FOUND;
  /** Malformed or contradictory model file. */
  public static final int INVALID_MODEL = octavo_status_code.OCTAVO_INVALID_MODEL;
  /** Well formed, but not something this library does. */
  public static final int UNSUPPORTED = octavo_status_code.OCTAVO_UNSUPPORTED;
  /** Malformed statistics or recipe. */
  public static final int INVALID_DATA = octavo_status_code.OCTAVO_INVALID_DATA;
  /** Memory ran out. */
  public static final int OUT_OF_MEMORY = octavo_status_code.OCTAVO_OUT_OF_MEMORY;
  /** A file could not be opened, read or written. */
  public static final int IO = octavo_status_code.OCTAVO_IO;
  /** A limit of the context would be exceeded. */
  public static final int LIMIT = octavo_status_code.OCTAVO_LIMIT;
  /** A bug of the library: please report it. */
  public static final int INTERNAL = octavo_status_code.OCTAVO_INTERNAL;
  /** The object was inherited through fork(). */
  public static final int FORKED = octavo_status_code.OCTAVO_FORKED;
  /** A {@link Cancel} was requested, or a callback asked to stop. */
  public static final int CANCELLED = octavo_status_code.OCTAVO_CANCELLED;

  private static final long serialVersionUID = 1;

  /** The status. */
  private final int code;

  private OctavoException(int code, String message) {
    super(message);
    this.code = code;
  }

  /**
   * The status of the C library.
   *
   * @return one of this class's constants, or a later release's number
   */
  public int code() {
    return code;
  }

  /**
   * The status by name.
   *
   * @return {@code "OCTAVO_INVALID_MODEL"} and so on; {@code "OCTAVO_UNKNOWN"} for a number that is none
   */
  public String codeName() {
    return Text.of(C.octavo_status_name(code));
  }

  /** The caller's mistake: {@link #INVALID_ARGUMENT}, {@link #INVALID_STATE}, {@link #NOT_FOUND}. Codes 1 to 63. */
  public static final class Misuse extends OctavoException {
    private static final long serialVersionUID = 1;

    Misuse(int code, String message) {
      super(code, message);
    }
  }

  /** The data's fault: {@link #INVALID_MODEL}, {@link #UNSUPPORTED}, {@link #INVALID_DATA}. Codes 64 to 127. */
  public static final class BadData extends OctavoException {
    private static final long serialVersionUID = 1;

    BadData(int code, String message) {
      super(code, message);
    }
  }

  /**
   * The machine's: {@link #OUT_OF_MEMORY}, {@link #IO}, {@link #LIMIT}, {@link #INTERNAL}, {@link #FORKED}. Codes 128 to
   * 191.
   */
  public static final class Failure extends OctavoException {
    private static final long serialVersionUID = 1;

    Failure(int code, String message) {
      super(code, message);
    }
  }

  /** The caller's own wish: {@link #CANCELLED}. Codes from 192. */
  public static final class Cancelled extends OctavoException {
    private static final long serialVersionUID = 1;

    Cancelled(int code, String message) {
      super(code, message);
    }
  }

  /** Called by the glue. */
  static OctavoException of(int code, byte[] message) {
    return of(code, new String(message, StandardCharsets.UTF_8));
  }

  static OctavoException of(int code, String message) {
    if (code < INVALID_MODEL) return new Misuse(code, message);
    if (code < OUT_OF_MEMORY) return new BadData(code, message);
    if (code < CANCELLED) return new Failure(code, message);
    return new Cancelled(code, message);
  }

  static OctavoException argument(String message) {
    return of(INVALID_ARGUMENT, message);
  }

  static OctavoException state(String message) {
    return of(INVALID_STATE, message);
  }
}
