package org.octavo;

/** How a {@link Calibrator} works. Values are checked where the options are used. */
public final class CalibratorOptions {
  private Integer threads;
  private String cpuTarget;
  private Observer observer;

  /** All defaults. */
  public CalibratorOptions() {}

  /**
   * Threads, the calling one included.
   *
   * @param threads 0: one for each processor; default: the context's
   * @return this
   */
  public CalibratorOptions threads(int threads) {
    this.threads = threads;
    return this;
  }

  /**
   * The instruction set.
   *
   * @param cpuTarget one of {@link Octavo#cpuTargets()}; default: the best
   * @return this
   */
  public CalibratorOptions cpuTarget(String cpuTarget) {
    this.cpuTarget = cpuTarget;
    return this;
  }

  /**
   * The observer that quantizing with these statistics uses where no recipe says otherwise. One calibration serves all
   * but {@link Observer#MOVING_AVERAGE}, which must be asked for here.
   *
   * @param observer default: {@link Observer#HISTOGRAM}
   * @return this
   */
  public CalibratorOptions observer(Observer observer) {
    this.observer = observer;
    return this;
  }

  static NativeOptions open(CalibratorOptions options) {
    return NativeOptions.of(options, C::octavo_calibrator_options_create, C::octavo_calibrator_options_destroy, o -> {
      if (options.threads != null) C.octavo_calibrator_options_set_threads(o, options.threads);
      if (options.cpuTarget != null) {
        C.octavo_calibrator_options_set_cpu_target(o, Text.utf8(options.cpuTarget, "cpuTarget"));
      }
      if (options.observer != null) {
        C.octavo_calibrator_options_set_observer(o, Observer.name(options.observer),
            Observer.percentile(options.observer));
      }
    });
  }
}
