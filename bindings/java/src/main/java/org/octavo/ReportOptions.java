package org.octavo;

/** How a {@link Report} runs its models. Values are checked where the options are used. */
public final class ReportOptions {
  private Integer threads;
  private String cpuTarget;

  /** All defaults. */
  public ReportOptions() {}

  /**
   * Threads, the calling one included.
   *
   * @param threads 0: one for each processor; default: the context's
   * @return this
   */
  public ReportOptions threads(int threads) {
    this.threads = threads;
    return this;
  }

  /**
   * The instruction set.
   *
   * @param cpuTarget one of {@link Octavo#cpuTargets()}; default: the best
   * @return this
   */
  public ReportOptions cpuTarget(String cpuTarget) {
    this.cpuTarget = cpuTarget;
    return this;
  }

  static NativeOptions open(ReportOptions options) {
    return NativeOptions.of(options, C::octavo_report_options_create, C::octavo_report_options_destroy, o -> {
      if (options.threads != null) C.octavo_report_options_set_threads(o, options.threads);
      if (options.cpuTarget != null) C.octavo_report_options_set_cpu_target(o, Text.utf8(options.cpuTarget, "cpuTarget"));
    });
  }
}
