package org.octavo;

/** What {@link Model#convert(ConvertOptions)} makes. */
public final class ConvertOptions {
  private String form;

  /** All defaults. */
  public ConvertOptions() {}

  /**
   * The operators to use.
   *
   * @param form {@code "qdq"}, the default: QuantizeLinear and DequantizeLinear around float operators; {@code
   *     "qoperator"}: QLinearConv, QLinearMatMul
   * @return this
   */
  public ConvertOptions form(String form) {
    this.form = form;
    return this;
  }

  static NativeOptions open(ConvertOptions options) {
    return NativeOptions.of(options, C::octavo_convert_options_create, C::octavo_convert_options_destroy, o -> {
      if (options.form != null) C.octavo_convert_options_set_form(o, Text.utf8(options.form, "form"));
    });
  }
}
