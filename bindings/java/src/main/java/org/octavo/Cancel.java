package org.octavo;

/**
 * A flag that stops long work: the call that was given it throws {@link OctavoException.Cancelled} soon. May be used from
 * any number of threads at once.
 */
public final class Cancel extends NativeObject {
  /** A flag that is not raised. */
  public Cancel() {
    super("cancel", C.octavo_cancel_create(), C::octavo_cancel_destroy);
  }

  /** Raises the flag. It stays raised until it is reset. */
  public void request() {
    try (Handle self = handle.share()) {
      C.octavo_cancel_request(self.address());
    }
  }

  /** Lowers the flag, so that the object can be used again. */
  public void reset() {
    try (Handle self = handle.share()) {
      C.octavo_cancel_reset(self.address());
    }
  }

  /**
   * Whether the flag is raised.
   *
   * @return true after {@link #request}
   */
  public boolean requested() {
    try (Handle self = handle.share()) {
      return C.octavo_cancel_requested(self.address()) != 0;
    }
  }
}
