package org.octavo;

/** Told how far long work has come, on the thread that does it. */
@FunctionalInterface
public interface ProgressListener {
  /**
   * Called now and then.
   *
   * @param fraction done so far, 0 to 1
   * @param what the step or node
   * @return true to go on; false to stop, which makes the call throw {@link OctavoException.Cancelled}
   */
  boolean progress(double fraction, String what);
}
