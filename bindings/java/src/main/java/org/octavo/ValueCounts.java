package org.octavo;

/**
 * What calibration counted of one value: counts in bins that ascend, do not overlap and are not empty. Zeros are a bin of
 * their own with both ends 0; any other bin (of magnitudes from 2^-40 to 2^40) is at most 1/32 of its value wide.
 */
public final class ValueCounts {
  private final String name;
  private final long count;
  private final double min;
  private final double max;
  private final double[] lows;
  private final double[] highs;
  private final long[] counts;

  ValueCounts(String name, long count, double min, double max, double[] lows, double[] highs, long[] counts) {
    this.name = name;
    this.count = count;
    this.min = min;
    this.max = max;
    this.lows = lows;
    this.highs = highs;
    this.counts = counts;
  }

  /**
   * The value's name in the model.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * How many finite elements were seen.
   *
   * @return the sum over all bins
   */
  public long count() {
    return count;
  }

  /**
   * The least finite element.
   *
   * @return exact, not a bin's end
   */
  public double min() {
    return min;
  }

  /**
   * The greatest finite element.
   *
   * @return exact, not a bin's end
   */
  public double max() {
    return max;
  }

  /**
   * How many bins there are.
   *
   * @return at least 1
   */
  public int bins() {
    return counts.length;
  }

  /**
   * The lower end of a bin.
   *
   * @param bin 0 to {@link #bins()} - 1
   * @return its least possible element
   */
  public double low(int bin) {
    return lows[bin];
  }

  /**
   * The upper end of a bin.
   *
   * @param bin 0 to {@link #bins()} - 1
   * @return its greatest possible element
   */
  public double high(int bin) {
    return highs[bin];
  }

  /**
   * The elements in a bin.
   *
   * @param bin 0 to {@link #bins()} - 1
   * @return how many, at least 1
   */
  public long count(int bin) {
    return counts[bin];
  }
}
