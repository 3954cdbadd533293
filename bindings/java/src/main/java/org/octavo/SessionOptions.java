package org.octavo;

/** How a {@link Session} runs. Values are checked where the options are used. */
public final class SessionOptions {
  private Integer threads;
  private String cpuTarget;
  private boolean profile;

  /** All defaults. */
  public SessionOptions() {}

  /**
   * Threads, the calling one included.
   *
   * @param threads 0: one for each processor; default: the context's
   * @return this
   */
  public SessionOptions threads(int threads) {
    this.threads = threads;
    return this;
  }

  /**
   * The instruction set.
   *
   * @param cpuTarget one of {@link Octavo#cpuTargets()}; default: the best
   * @return this
   */
  public SessionOptions cpuTarget(String cpuTarget) {
    this.cpuTarget = cpuTarget;
    return this;
  }

  /**
   * Whether the time of every step is kept for {@link Session#profileJson()}.
   *
   * @param profile default: false
   * @return this
   */
  public SessionOptions profile(boolean profile) {
    this.profile = profile;
    return this;
  }

  static NativeOptions open(SessionOptions options) {
    return NativeOptions.of(options, C::octavo_session_options_create, C::octavo_session_options_destroy, o -> {
      if (options.threads != null) C.octavo_session_options_set_threads(o, options.threads);
      if (options.cpuTarget != null) C.octavo_session_options_set_cpu_target(o, Text.utf8(options.cpuTarget, "cpuTarget"));
      C.octavo_session_options_set_profile(o, options.profile ? 1 : 0);
    });
  }
}
