package org.octavo;

/** How a {@link Model} is saved. */
public final class SaveOptions {
  private boolean externalData;

  /** All defaults. */
  public SaveOptions() {}

  /**
   * Whether weights of 1 KiB and more go into a file of their own, the path with {@code .data} appended.
   *
   * @param externalData default: false, only where the model would pass 2 GiB
   * @return this
   */
  public SaveOptions externalData(boolean externalData) {
    this.externalData = externalData;
    return this;
  }

  static NativeOptions open(SaveOptions options) {
    return NativeOptions.of(options, C::octavo_save_options_create, C::octavo_save_options_destroy,
        o -> C.octavo_save_options_set_external_data(o, options.externalData ? 1 : 0));
  }
}
