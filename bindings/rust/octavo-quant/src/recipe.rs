//! Recipes: what to do to which node.

use std::ffi::CString;
use std::fmt;
use std::str::FromStr;

use octavo_sys as sys;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::{check, Error, Result};
use crate::handle::{c_pointer, c_text, Handle};

/// How a range is chosen from what was counted.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Observer {
    /// Least and greatest value.
    MinMax,
    /// Averages of the batches' least and greatest values. Needs [`CalibratorOptions::observer`](crate::CalibratorOptions).
    MovingAverage,
    /// One factor for both bounds that makes the expected squared error least: the default.
    Histogram,
    /// That share of the values, in per cent: above 50, at most 100.
    Percentile(f64),
    /// The least loss of information (Kullback-Leibler divergence).
    Entropy,
    /// Each bound by itself, for the least expected squared error.
    Mse,
    /// The function given to [`QuantizeOptions::observer`](crate::QuantizeOptions::observer).
    Custom,
}

impl Observer {
    /// Name and percentile as C takes them.
    pub(crate) fn to_c(self) -> (CString, f64) {
        let (name, percentile) = match self {
            Observer::MinMax => ("min_max", 0.0),
            Observer::MovingAverage => ("moving_average", 0.0),
            Observer::Histogram => ("histogram", 0.0),
            // C takes 0 for its default, which is none of ours.
            Observer::Percentile(percentile) => ("percentile", if percentile == 0.0 { -1.0 } else { percentile }),
            Observer::Entropy => ("entropy", 0.0),
            Observer::Mse => ("mse", 0.0),
            Observer::Custom => ("custom", 0.0),
        };
        (CString::new(name).expect("no zero byte"), percentile)
    }
}

/// What to do to which node; `docs/recipes.md` describes the JSON form. Later rules win.
///
/// ```
/// use octavo::{Observer, Recipe};
///
/// let mut recipe = Recipe::static_int8();
/// recipe.keep_float(Some("Gemm"), Some("head*"))?;
/// recipe.observe(Some("Conv"), None, Observer::Percentile(99.99))?;
/// let same: Recipe = recipe.to_json()?.parse()?;
/// # Ok::<(), octavo::Error>(())
/// ```
pub struct Recipe(Handle<sys::octavo_recipe>);

// SAFETY: octavo.h: built by one thread, read from several at once; what changes it takes &mut self.
unsafe impl Send for Recipe {}
// SAFETY: as above.
unsafe impl Sync for Recipe {}

impl Recipe {
    /// Weights and activations in 8 bits, scales fixed by statistics.
    ///
    /// # Panics
    /// When memory runs out, or [`Context::global`] fails.
    pub fn static_int8() -> Recipe {
        Recipe::of(sys::OCTAVO_STATIC_INT8)
    }

    /// Weights in 8 bits now, scales of activations found at run time. Needs no statistics.
    ///
    /// # Panics
    /// As [`static_int8`](Recipe::static_int8).
    pub fn dynamic_int8() -> Recipe {
        Recipe::of(sys::OCTAVO_DYNAMIC_INT8)
    }

    /// Weights in blocks, arithmetic in float. Needs no statistics.
    ///
    /// # Panics
    /// As [`static_int8`](Recipe::static_int8).
    pub fn weight_only() -> Recipe {
        Recipe::of(sys::OCTAVO_WEIGHT_ONLY)
    }

    fn of(scheme: sys::octavo_scheme) -> Recipe {
        let made = Context::global().and_then(|context| {
            // SAFETY: the context lives during the call.
            Handle::make(|out| unsafe { sys::octavo_recipe_create(context.get(), scheme as i32, out) })
        });
        Recipe(made.unwrap_or_else(|e| panic!("{e}")))
    }

    /// From JSON.
    ///
    /// # Errors
    /// [`InvalidData`](crate::Code::InvalidData) for an unknown key, a wrong type or a value out of range; the message names
    /// it and lists what is allowed.
    pub fn parse(json: &str) -> Result<Recipe> {
        let context = Context::global()?;
        // SAFETY: all arguments live during the call.
        let made = Handle::make(|out| unsafe {
            sys::octavo_recipe_parse(context.get(), json.as_ptr().cast(), json.len(), out)
        });
        made.map(Recipe)
    }

    /// Everything the recipe says, defaults included, as canonical JSON.
    ///
    /// # Errors
    /// [`OutOfMemory`](crate::Code::OutOfMemory).
    pub fn to_json(&self) -> Result<String> {
        // SAFETY: the recipe lives.
        Buffer::text(|out| unsafe { sys::octavo_recipe_json(self.get(), out) })
    }

    /// The observer of activations.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) for a percentile out of range.
    pub fn set_observer(&mut self, observer: Observer) -> Result<()> {
        let (name, percentile) = observer.to_c();
        // SAFETY: recipe and name live during the call.
        check(unsafe { sys::octavo_recipe_set_observer(self.get(), name.as_ptr(), percentile) })
    }

    /// Weights: a scale for each output channel (the default), or one for the tensor.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn set_per_channel(&mut self, per_channel: bool) -> Result<()> {
        // SAFETY: the recipe lives.
        check(unsafe { sys::octavo_recipe_set_per_channel(self.get(), per_channel as i32) })
    }

    /// For [`weight_only`](Recipe::weight_only): 8 (the default) or 4 bits, one scale for `block_size` weights: a
    /// multiple of 16 (default 32), or 0 for whole channels.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) for other values.
    pub fn set_weight_blocks(&mut self, bits: u32, block_size: usize) -> Result<()> {
        let bits = i32::try_from(bits).unwrap_or(i32::MAX);
        let block_size = i64::try_from(block_size).unwrap_or(i64::MAX);
        // SAFETY: the recipe lives.
        check(unsafe { sys::octavo_recipe_set_weight_blocks(self.get(), bits, block_size) })
    }

    /// Nodes whose operator and name match keep float arithmetic. Patterns may hold `*` and `?`; `None` matches all. A pattern
    /// that matches no node is an error of [`Model::quantize`](crate::Model::quantize).
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) for a pattern with a zero byte.
    pub fn keep_float(&mut self, op: Option<&str>, name: Option<&str>) -> Result<()> {
        let (op, name) = patterns(op, name)?;
        // SAFETY: recipe and strings live during the call.
        check(unsafe { sys::octavo_recipe_keep_float(self.get(), c_pointer(&op), c_pointer(&name)) })
    }

    /// The same with an observer of their own.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) for a pattern with a zero byte or a percentile out of range.
    pub fn observe(&mut self, op: Option<&str>, name: Option<&str>, observer: Observer) -> Result<()> {
        let (op, name) = patterns(op, name)?;
        let (observer, percentile) = observer.to_c();
        // SAFETY: recipe and strings live during the call.
        check(unsafe {
            sys::octavo_recipe_observe(self.get(), c_pointer(&op), c_pointer(&name), observer.as_ptr(), percentile)
        })
    }

    pub(crate) fn get(&self) -> *mut sys::octavo_recipe {
        self.0.get()
    }
}

fn patterns(op: Option<&str>, name: Option<&str>) -> Result<(Option<CString>, Option<CString>)> {
    let op = op.map(|op| c_text("the operator's pattern", op)).transpose()?;
    let name = name.map(|name| c_text("the name's pattern", name)).transpose()?;
    Ok((op, name))
}

impl FromStr for Recipe {
    type Err = Error;

    fn from_str(json: &str) -> Result<Recipe> {
        Recipe::parse(json)
    }
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipe({})", self.to_json().unwrap_or_default())
    }
}
