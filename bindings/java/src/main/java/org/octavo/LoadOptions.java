package org.octavo;

import java.util.ArrayList;
import java.util.List;

/** How a {@link Model} is loaded. Values are checked where the options are used. */
public final class LoadOptions {
  private static final class InputShape {
    final String name;
    final long[] shape;

    InputShape(String name, long[] shape) {
      this.name = name;
      this.shape = shape;
    }
  }

  private final List<InputShape> inputShapes = new ArrayList<>();
  boolean borrow;
  Context context = Context.shared();

  /** All defaults. */
  public LoadOptions() {}

  /**
   * The context to load into.
   *
   * @param context default: {@link Context#shared()}
   * @return this
   */
  public LoadOptions context(Context context) {
    if (context == null) throw OctavoException.argument("context is null");
    this.context = context;
    return this;
  }

  /**
   * Makes an input of this shape where the file leaves dimensions open; the file's fixed ones must agree.
   *
   * @param name null: the only input
   * @param shape all 0 or more
   * @return this
   */
  public LoadOptions inputShape(String name, long... shape) {
    inputShapes.add(new InputShape(name, shape.clone()));
    return this;
  }

  /**
   * Whether {@link Model#load(java.nio.ByteBuffer, LoadOptions)} uses the weights where they lie instead of copying them. The
   * bytes must stay unchanged until the model and everything made from it are closed; the buffer is kept reachable.
   *
   * @param borrow default: false; true needs a direct buffer
   * @return this
   */
  public LoadOptions borrow(boolean borrow) {
    this.borrow = borrow;
    return this;
  }

  static NativeOptions open(LoadOptions options) {
    return NativeOptions.of(options, C::octavo_load_options_create, C::octavo_load_options_destroy, o -> {
      for (InputShape input : options.inputShapes) {
        C.octavo_load_options_set_input_shape(o, Text.utf8(input.name, "name"), input.shape);
      }
      C.octavo_load_options_set_borrow(o, options.borrow ? 1 : 0);
    });
  }
}
