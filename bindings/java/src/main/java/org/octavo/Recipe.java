package org.octavo;


/**
 * What quantizing does to which node; docs/recipes.md has all of it. Built by one thread, then read by any number. Its
 * methods return it, so that calls can be chained.
 */
public final class Recipe extends NativeObject {
  private Recipe(Context context, long address) {
    super("recipe", address, C::octavo_recipe_destroy, (Object) context.handle.keep);
  }

  private static Recipe create(int scheme) {
    Context context = Context.shared();
    try (Handle in = context.handle.share()) {
      return new Recipe(context, C.octavo_recipe_create(in.address(), scheme));
    }
  }

  /**
   * Weights and activations in 8 bits, scales fixed by statistics.
   *
   * @return the defaults of the scheme
   */
  public static Recipe staticInt8() {
    return create(octavo_scheme.OCTAVO_STATIC_INT8);
  }

  /**
   * Weights in 8 bits now, scales of activations found at run time.
   *
   * @return the defaults of the scheme
   */
  public static Recipe dynamicInt8() {
    return create(octavo_scheme.OCTAVO_DYNAMIC_INT8);
  }

  /**
   * Weights in blocks, arithmetic in float.
   *
   * @return the defaults of the scheme
   */
  public static Recipe weightOnly() {
    return create(octavo_scheme.OCTAVO_WEIGHT_ONLY);
  }

  /**
   * Reads a recipe's JSON.
   *
   * @param json an object, see docs/recipes.md
   * @return the recipe
   * @throws OctavoException INVALID_DATA for an unknown key, a wrong type or a value out of range; names it and lists what
   *     is allowed
   */
  public static Recipe parse(String json) {
    Context context = Context.shared();
    byte[] text = json == null ? null : Text.encode(json, "json");
    try (Handle in = context.handle.share()) {
      return new Recipe(context, C.octavo_recipe_parse(in.address(), text));
    }
  }

  /**
   * The observer of activations.
   *
   * @param observer how ranges are chosen
   * @return this
   * @throws OctavoException INVALID_ARGUMENT for a percentile out of range
   */
  public Recipe observer(Observer observer) {
    try (Handle self = handle.alone()) {
      C.octavo_recipe_set_observer(self.address(), Observer.name(observer), Observer.percentile(observer));
    }
    return this;
  }

  /**
   * Whether weights get a scale for each output channel.
   *
   * @param perChannel default: true; false: one for the tensor
   * @return this
   */
  public Recipe perChannel(boolean perChannel) {
    try (Handle self = handle.alone()) {
      C.octavo_recipe_set_per_channel(self.address(), perChannel ? 1 : 0);
    }
    return this;
  }

  /**
   * How {@link #weightOnly} stores weights.
   *
   * @param bits 8, the default, or 4
   * @param blockSize weights that share one scale; default: 32
   * @return this
   * @throws OctavoException INVALID_ARGUMENT for other values
   */
  public Recipe weightBlocks(int bits, long blockSize) {
    try (Handle self = handle.alone()) {
      C.octavo_recipe_set_weight_blocks(self.address(), bits, blockSize);
    }
    return this;
  }

  /**
   * Nodes that keep float arithmetic. Later rules win. A pattern that matches no node is an error when quantizing.
   *
   * @param op operator, with {@code *} and {@code ?}; null: all
   * @param name node, likewise
   * @return this
   */
  public Recipe keepFloat(String op, String name) {
    try (Handle self = handle.alone()) {
      C.octavo_recipe_keep_float(self.address(), Text.utf8(op, "op"), Text.utf8(name, "name"));
    }
    return this;
  }

  /**
   * Nodes with an observer of their own. Later rules win. A pattern that matches no node is an error when quantizing.
   *
   * @param op operator, with {@code *} and {@code ?}; null: all
   * @param name node, likewise
   * @param observer how the ranges of their outputs are chosen
   * @return this
   */
  public Recipe observe(String op, String name, Observer observer) {
    try (Handle self = handle.alone()) {
      C.octavo_recipe_observe(self.address(), Text.utf8(op, "op"), Text.utf8(name, "name"), Observer.name(observer),
          Observer.percentile(observer));
    }
    return this;
  }

  /**
   * Everything the recipe says, defaults included.
   *
   * @return canonical JSON, which {@link #parse} reads
   */
  public String toJson() {
    try (Handle self = handle.share()) {
      return Text.text(C.octavo_recipe_json(self.address()));
    }
  }
}
