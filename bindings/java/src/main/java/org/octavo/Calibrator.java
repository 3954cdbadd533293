package org.octavo;

/** Runs a float model on representative inputs and counts what its values look like. One thread at a time. */
public final class Calibrator extends NativeObject {
  Calibrator(long address, Object... keep) {
    super("calibrator", address, C::octavo_calibrator_destroy, keep);
  }

  /**
   * Runs the model once and counts. Batches of any size; open dimensions may differ from call to call. On any error
   * nothing of this call is counted.
   *
   * @param inputs one for each input of the model, in its order
   * @throws OctavoException INVALID_ARGUMENT for a wrong count, dtype or shape
   */
  public void collect(Tensor... inputs) {
    collect(inputs, null);
  }

  /**
   * The same, to be stopped by another thread.
   *
   * @param inputs one for each input of the model, in its order
   * @param cancel may be null
   * @throws OctavoException INVALID_ARGUMENT for a wrong count, dtype or shape; CANCELLED
   */
  public void collect(Tensor[] inputs, Cancel cancel) {
    try (Handle self = handle.alone(); Handle stop = share(cancel); Views views = Views.of(inputs)) {
      C.octavo_calibrator_collect(self.address(), views.address, views.count, stop.address());
    }
  }

  /**
   * What was counted so far; the calibrator may go on afterwards.
   *
   * @return statistics of their own
   * @throws OctavoException INVALID_STATE if nothing was collected, INVALID_DATA if a value was never finite (names it)
   */
  public Statistics finish() {
    try (Handle self = handle.alone()) {
      return new Statistics(C.octavo_calibrator_finish(self.address()), (Object) self.keep);
    }
  }
}
