package org.octavo;

/**
 * What quantization cost, layer by layer: runs a float model and its quantized form on the same inputs and compares every
 * value both have. One thread at a time.
 */
public final class Report extends NativeObject {
  Report(long address, Object... keep) {
    super("report", address, C::octavo_report_destroy, keep);
  }

  /**
   * Runs both models once.
   *
   * @param inputs one for each input of the models, in their order
   * @throws OctavoException INVALID_ARGUMENT for a wrong count, dtype or shape
   */
  public void collect(Tensor... inputs) {
    collect(inputs, null);
  }

  /**
   * The same, to be stopped by another thread.
   *
   * @param inputs one for each input of the models, in their order
   * @param cancel may be null
   * @throws OctavoException INVALID_ARGUMENT for a wrong count, dtype or shape; CANCELLED
   */
  public void collect(Tensor[] inputs, Cancel cancel) {
    try (Handle self = handle.alone(); Handle stop = share(cancel); Views views = Views.of(inputs)) {
      C.octavo_report_collect(self.address(), views.address, views.count, stop.address());
    }
  }

  /**
   * The figures: {@code "outputs"} and {@code "layers"} with {@code "sqnr_db"}, {@code "max_error"}, {@code "clipped"},
   * seconds of both and the reason where a layer stayed float; octavo.h lists all keys.
   *
   * @return one JSON object
   */
  public String toJson() {
    try (Handle self = handle.alone()) {
      return Text.text(C.octavo_report_json(self.address()));
    }
  }

  /**
   * The same as a page to look at.
   *
   * @return HTML that needs nothing else
   */
  public String toHtml() {
    try (Handle self = handle.alone()) {
      return Text.text(C.octavo_report_html(self.address()));
    }
  }
}
