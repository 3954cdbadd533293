using System;
using Octavo.Interop;

namespace Octavo
{
    /// <summary>What <see cref="Model.Quantize(Statistics, Recipe, QuantizeOptions, System.Threading.CancellationToken)"/>
    /// does to which node. Immutable: the methods return a changed copy. Safe to use from any number of threads at once;
    /// needs no Dispose.</summary>
    public sealed class Recipe
    {
        private readonly RecipeHandle handle;

        private Recipe(RecipeHandle handle) { this.handle = handle; }

        /// <summary>Weights and activations in 8 bits, scales fixed by statistics.</summary>
        public static Recipe StaticInt8 { get; } = Create(octavo_scheme.OCTAVO_STATIC_INT8);

        /// <summary>Weights in 8 bits now, scales of activations found at run time: needs no statistics.</summary>
        public static Recipe DynamicInt8 { get; } = Create(octavo_scheme.OCTAVO_DYNAMIC_INT8);

        /// <summary>Weights in blocks of 8 or 4 bits, arithmetic in float: needs no statistics.</summary>
        public static Recipe WeightOnly { get; } = Create(octavo_scheme.OCTAVO_WEIGHT_ONLY);

        /// <summary>A recipe from JSON; docs/recipes.md describes the form.</summary>
        /// <exception cref="OctavoException">InvalidData: an unknown key, a wrong type or a value out of range; the message
        /// names it and lists what is allowed.</exception>
        public static unsafe Recipe Parse(string json)
        {
            if (json == null) throw new ArgumentNullException("json");
            byte[] bytes = Text.ToBytes(json, "json");
            RecipeHandle recipe;
            Native.octavo_recipe_parse(Context.Default.Handle, bytes, (UIntPtr)(uint)bytes.Length, out recipe);
            return new Recipe(recipe);
        }

        /// <summary>With another observer of activations: "min_max", "moving_average", "histogram", "percentile",
        /// "entropy" or "mse".</summary>
        /// <param name="observer">Its name.</param>
        /// <param name="percentile">For "percentile", in (50, 100]; 0: 99.99.</param>
        /// <exception cref="OctavoException">InvalidArgument, NotFound: no such observer, or out of range.</exception>
        public Recipe WithObserver(string observer, double percentile = 0)
        {
            byte[] name = Text.Required(observer, "observer");
            return Changed(copy => Native.octavo_recipe_set_observer(copy, name, percentile));
        }

        /// <summary>Weights with a scale for each output channel (true, the default) or one for the tensor.</summary>
        public Recipe WithPerChannel(bool perChannel)
        {
            return Changed(copy => Native.octavo_recipe_set_per_channel(copy, perChannel ? 1 : 0));
        }

        /// <summary>For <see cref="WeightOnly"/>: 8 (the default) or 4 bits, one scale for blockSize weights (default
        /// 32).</summary>
        /// <exception cref="OctavoException">InvalidArgument: out of range.</exception>
        public Recipe WithWeightBlocks(int bits, long blockSize = 32)
        {
            return Changed(copy => Native.octavo_recipe_set_weight_blocks(copy, bits, blockSize));
        }

        /// <summary>With a rule: nodes whose operator and name match keep float arithmetic. Patterns may hold * and ?;
        /// null matches all. A pattern that matches no node is an error of Quantize. Later rules win.</summary>
        public Recipe KeepFloat(string op = null, string name = null)
        {
            byte[] ops = Text.ToC(op, "op"), names = Text.ToC(name, "name");
            return Changed(copy => Native.octavo_recipe_keep_float(copy, ops, names));
        }

        /// <summary>With a rule: nodes whose operator and name match have an observer of their own. Patterns as in
        /// <see cref="KeepFloat"/>, observers as in <see cref="WithObserver"/>.</summary>
        /// <exception cref="OctavoException">InvalidArgument, NotFound: no such observer, or out of range.</exception>
        public Recipe Observe(string op, string name, string observer, double percentile = 0)
        {
            byte[] ops = Text.ToC(op, "op"), names = Text.ToC(name, "name"), how = Text.Required(observer, "observer");
            return Changed(copy => Native.octavo_recipe_observe(copy, ops, names, how, percentile));
        }

        /// <summary>Everything the recipe says, defaults included, as canonical JSON.</summary>
        public string ToJson()
        {
            BufferHandle json;
            Native.octavo_recipe_json(handle, out json);
            return Text.FromBuffer(json);
        }

        internal RecipeHandle Handle { get { return handle; } }

        private static Recipe Create(octavo_scheme scheme)
        {
            RecipeHandle recipe;
            Native.octavo_recipe_create(Context.Default.Handle, (int)scheme, out recipe);
            return new Recipe(recipe);
        }

        private Recipe Changed(Action<RecipeHandle> change)
        {
            Recipe copy = Parse(ToJson());
            change(copy.handle);
            return copy;
        }
    }
}
