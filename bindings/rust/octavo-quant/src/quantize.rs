//! Quantizing a model.

use std::fmt;
use std::ops::ControlFlow;
use std::os::raw::{c_char, c_void};
use std::ptr;

use octavo_sys as sys;

use crate::calibrate::Statistics;
use crate::callback::guard;
use crate::cancel::{c_cancel, Cancel};
use crate::error::{check, Result};
use crate::handle::{owned_text, Handle};
use crate::model::Model;
use crate::recipe::Recipe;

type Progress<'a> = Box<dyn FnMut(f64, &str) -> ControlFlow<()> + 'a>;
type Observe<'a> = Box<dyn FnMut(&Distribution<'_>) -> ControlFlow<(), (f64, f64)> + 'a>;

/// What an observer of the caller's is told of one value: what calibration counted.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Distribution<'a> {
    /// The value's name in the model.
    pub value: &'a str,
    /// How many finite values were seen.
    pub count: u64,
    /// The least of them.
    pub min: f64,
    /// The greatest of them.
    pub max: f64,
    /// The lower ends of the bins. Bins ascend, do not overlap and are not empty; zeros are a bin of their own with both ends
    /// 0, any other bin (of magnitudes from 2^-40 to 2^40) is at most 1/32 of its value wide.
    pub lows: &'a [f64],
    /// The upper ends of the bins.
    pub highs: &'a [f64],
    /// How many values lie in each bin; their sum is `count`.
    pub counts: &'a [i64],
}

/// What a model is quantized by, and who is told meanwhile.
///
/// ```
/// use std::ops::ControlFlow;
/// use octavo::{Model, QuantizeOptions, Recipe};
///
/// let model = Model::load("../../../examples/demo/digits.onnx")?;
/// let recipe = Recipe::dynamic_int8(); // needs no statistics
/// let options = QuantizeOptions::new().recipe(&recipe).progress(|fraction, what| {
///     println!("{:3.0} % {what}", 100.0 * fraction);
///     ControlFlow::Continue(())
/// });
/// let int8 = model.quantize_with(options)?;
/// # Ok::<(), octavo::Error>(())
/// ```
#[derive(Default)]
#[must_use]
pub struct QuantizeOptions<'a> {
    statistics: Option<&'a Statistics>,
    recipe: Option<&'a Recipe>,
    progress: Option<Progress<'a>>,
    observer: Option<Observe<'a>>,
    cancel: Option<&'a Cancel>,
}

impl<'a> QuantizeOptions<'a> {
    /// All defaults: without statistics, by the recipe [`Recipe::static_int8`].
    pub fn new() -> QuantizeOptions<'a> {
        QuantizeOptions::default()
    }

    /// Needed by the static scheme.
    pub fn statistics(mut self, statistics: &'a Statistics) -> QuantizeOptions<'a> {
        self.statistics = Some(statistics);
        self
    }

    /// Default: [`Recipe::static_int8`] with the observer asked for when calibrating.
    pub fn recipe(mut self, recipe: &'a Recipe) -> QuantizeOptions<'a> {
        self.recipe = Some(recipe);
        self
    }

    /// Tells `progress` how far the work is, from 0 to 1, and the step or node. `Break` stops it: the call then fails with
    /// [`Cancelled`](crate::Code::Cancelled). Called on the calling thread. If it panics, the panic goes on where the library
    /// was called.
    pub fn progress(mut self, progress: impl FnMut(f64, &str) -> ControlFlow<()> + 'a) -> QuantizeOptions<'a> {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Chooses ranges: stands behind [`Observer::Custom`](crate::Observer::Custom) of a recipe; without a recipe it serves all
    /// values. `Continue((low, high))` is the range, finite and `low <= high`, which is then widened to hold 0; `Break` stops
    /// the work: the call then fails with [`Cancelled`](crate::Code::Cancelled). Called on the calling thread, once for each
    /// value. If it panics, the panic goes on where the library was called.
    ///
    /// ```
    /// # use std::ops::ControlFlow;
    /// # let model = octavo::Model::load("../../../examples/demo/digits.onnx")?;
    /// # let samples = octavo::Tensor::<f32>::zeros(&[20, 1, 16, 16])?;
    /// # let mut calibrator = model.calibrator()?;
    /// # calibrator.collect(&[samples.view()])?;
    /// # let statistics = calibrator.finish()?;
    /// let options = octavo::QuantizeOptions::new()
    ///     .statistics(&statistics)
    ///     .observer(|seen| ControlFlow::Continue((0.9 * seen.min, 0.9 * seen.max)));
    /// let int8 = model.quantize_with(options)?;
    /// # Ok::<(), octavo::Error>(())
    /// ```
    pub fn observer(
        mut self,
        observer: impl FnMut(&Distribution<'_>) -> ControlFlow<(), (f64, f64)> + 'a,
    ) -> QuantizeOptions<'a> {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Stops the work when it is requested.
    pub fn cancel(mut self, cancel: &'a Cancel) -> QuantizeOptions<'a> {
        self.cancel = Some(cancel);
        self
    }
}

impl fmt::Debug for QuantizeOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuantizeOptions")
            .field("statistics", &self.statistics)
            .field("recipe", &self.recipe)
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}

unsafe extern "C" fn tell(fraction: f64, what: *const c_char, user_data: *mut c_void) -> i32 {
    let progress = &mut *(user_data as *mut Progress<'_>);
    match guard(|| progress(fraction, &owned_text(what))) {
        Some(ControlFlow::Continue(())) => 0,
        _ => 1,
    }
}

// The parameters are octavo.h's.
#[allow(clippy::too_many_arguments)]
unsafe extern "C" fn observe(
    value: *const c_char,
    count: i64,
    min: f64,
    max: f64,
    bins: usize,
    lows: *const f64,
    highs: *const f64,
    counts: *const i64,
    low: *mut f64,
    high: *mut f64,
    user_data: *mut c_void,
) -> i32 {
    let observer = &mut *(user_data as *mut Observe<'_>);
    let chosen = guard(|| {
        observer(&Distribution {
            value: &owned_text(value),
            count: count as u64,
            min,
            max,
            lows: slice(lows, bins),
            highs: slice(highs, bins),
            counts: slice(counts, bins),
        })
    });
    match chosen {
        Some(ControlFlow::Continue(range)) => {
            (*low, *high) = range;
            0
        }
        _ => 1,
    }
}

/// # Safety
/// `data` points to `count` elements that stay as they are for as long as `'a`, or `count` is 0.
unsafe fn slice<'a, T>(data: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(data, count)
    }
}

impl Model {
    /// The INT8 form of a float model, in ONNX's own operators, which other runtimes run, too. Nothing is skipped silently:
    /// each node that stays float has its reason in [`describe_json`](Model::describe_json). This model is not changed.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if the statistics are of another model;
    /// [`InvalidState`](crate::Code::InvalidState) if the model is quantized already;
    /// [`InvalidData`](crate::Code::InvalidData) if a rule of the recipe matches nothing.
    pub fn quantize(&self, statistics: &Statistics, recipe: &Recipe) -> Result<Model> {
        // SAFETY: all arguments live during the call.
        self.derive(|out| unsafe { sys::octavo_model_quantize(self.get(), statistics.get(), recipe.get(), out) })
    }

    /// [`quantize`](Model::quantize) without statistics or recipe, for work that takes long, or with an observer of the
    /// caller's.
    ///
    /// # Errors
    /// Also [`InvalidArgument`](crate::Code::InvalidArgument) if a static recipe comes without statistics, if an observer chose
    /// no range, or if the recipe names [`Observer::Custom`](crate::Observer::Custom) and none is given or the other way round;
    /// [`Cancelled`](crate::Code::Cancelled).
    pub fn quantize_with(&self, mut options: QuantizeOptions<'_>) -> Result<Model> {
        let statistics = options.statistics.map_or(ptr::null(), |statistics| statistics.get());
        let recipe = options.recipe.map_or(ptr::null(), |recipe| recipe.get());
        // SAFETY: all arguments live during the calls, the closure and the flag as long as the options that borrow them.
        unsafe {
            let c_options = Handle::make(|out| sys::octavo_quantize_options_create(out))?;
            if let Some(progress) = &mut options.progress {
                let user_data = progress as *mut Progress<'_> as *mut c_void;
                check(sys::octavo_quantize_options_set_progress(c_options.get(), Some(tell), user_data))?;
            }
            if let Some(observer) = &mut options.observer {
                let user_data = observer as *mut Observe<'_> as *mut c_void;
                check(sys::octavo_quantize_options_set_observer(c_options.get(), Some(observe), user_data))?;
            }
            check(sys::octavo_quantize_options_set_cancel(c_options.get(), c_cancel(options.cancel)))?;
            self.derive(|out| sys::octavo_model_quantize_with(self.get(), statistics, recipe, c_options.get(), out))
        }
    }
}
