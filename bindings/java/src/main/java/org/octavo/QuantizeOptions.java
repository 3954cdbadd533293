package org.octavo;

/** What {@link Model#quantize(Statistics, Recipe, QuantizeOptions)} calls meanwhile. */
public final class QuantizeOptions {
  ProgressListener progress;
  RangeObserver observer;
  Cancel cancel;

  /** Nothing. */
  public QuantizeOptions() {}

  /**
   * Told how far the work has come.
   *
   * @param progress default: null, nobody
   * @return this
   */
  public QuantizeOptions progress(ProgressListener progress) {
    this.progress = progress;
    return this;
  }

  /**
   * Chooses the ranges of values whose recipe says {@link Observer#CUSTOM}; without a recipe, of all.
   *
   * @param observer default: null, none
   * @return this
   */
  public QuantizeOptions observer(RangeObserver observer) {
    this.observer = observer;
    return this;
  }

  /**
   * Stops the work when requested, from any thread.
   *
   * @param cancel default: null, nothing stops it
   * @return this
   */
  public QuantizeOptions cancel(Cancel cancel) {
    this.cancel = cancel;
    return this;
  }

  static NativeOptions open(QuantizeOptions options, long progressId, long observerId, long cancel) {
    return NativeOptions.of(options, C::octavo_quantize_options_create, C::octavo_quantize_options_destroy, o -> {
      C.octavo_quantize_options_set_progress(o, progressId);
      C.octavo_quantize_options_set_observer(o, observerId);
      C.octavo_quantize_options_set_cancel(o, cancel);
    });
  }
}
