package org.octavo;

/** An observer of your own: chooses the range of one value. It stands behind {@link Observer#CUSTOM}. */
@FunctionalInterface
public interface RangeObserver {
  /**
   * Called once for each value of the model, in its order, on the thread that quantizes. The range is then widened to hold
   * 0; values that share a scale get the union of their ranges. The same answers give the same model, byte for byte.
   *
   * @param counts what calibration counted of this value
   * @return {low, high}, finite, low &lt;= high; null to stop, which makes the call throw
   *     {@link OctavoException.Cancelled}
   */
  double[] range(ValueCounts counts);
}
