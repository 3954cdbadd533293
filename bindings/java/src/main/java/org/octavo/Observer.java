package org.octavo;

/** How the range of a value is chosen from what calibration counted. docs/recipes.md compares them. */
public final class Observer {
  /** Everything that was seen. */
  public static final Observer MIN_MAX = new Observer("min_max", 0);
  /** A moving average of each batch's bounds; must be asked for when calibrating, as it depends on the order. */
  public static final Observer MOVING_AVERAGE = new Observer("moving_average", 0);
  /** The one factor on both bounds that makes the expected squared error least: the default. */
  public static final Observer HISTOGRAM = new Observer("histogram", 0);
  /** The threshold of least Kullback-Leibler divergence. */
  public static final Observer ENTROPY = new Observer("entropy", 0);
  /** The least squared error with each bound moved by itself. */
  public static final Observer MSE = new Observer("mse", 0);
  /** What {@link QuantizeOptions#observer} chooses. */
  public static final Observer CUSTOM = new Observer("custom", 0);

  final String name;
  final double percentile;

  private Observer(String name, double percentile) {
    this.name = name;
    this.percentile = percentile;
  }

  /**
   * The quantiles 1 - p/100 and p/100.
   *
   * @param percentile in (50, 100]; 0 means 99.99
   * @return the observer; the number is checked where it is used
   */
  public static Observer percentile(double percentile) {
    return new Observer("percentile", percentile);
  }

  /** For C; null where none was given, which C names. */
  static byte[] name(Observer observer) {
    return observer == null ? null : Text.utf8(observer.name, "observer");
  }

  static double percentile(Observer observer) {
    return observer == null ? 0 : observer.percentile;
  }

  @Override
  public String toString() {
    return percentile == 0 ? name : name + " " + percentile;
  }
}
