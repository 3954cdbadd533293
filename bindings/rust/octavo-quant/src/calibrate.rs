//! Calibration: what the values of a float model look like.

use std::fmt;
use std::path::Path;

use octavo_sys as sys;

use crate::buffer::Buffer;
use crate::cancel::{c_cancel, Cancel};
use crate::context::{c_count, Context};
use crate::error::{check, Result};
use crate::handle::{c_path, c_text, Handle};
use crate::model::{Borrowed, Model};
use crate::recipe::Observer;
use crate::view::{CViews, TensorView};

/// How a model is calibrated.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CalibratorOptions {
    threads: Option<usize>,
    cpu_target: Option<String>,
    observer: Option<Observer>,
}

impl CalibratorOptions {
    /// All defaults.
    pub fn new() -> CalibratorOptions {
        CalibratorOptions::default()
    }

    /// Threads, the calling one included, at most 1024; 0: one for each processor. Default: the context's.
    pub fn threads(mut self, threads: usize) -> CalibratorOptions {
        self.threads = Some(threads);
        self
    }

    /// The instruction set, one of [`cpu_targets`](crate::cpu_targets). Default: the first of them.
    pub fn cpu_target(mut self, target: &str) -> CalibratorOptions {
        self.cpu_target = Some(target.to_owned());
        self
    }

    /// The observer that quantizing uses where it is given no recipe. The statistics serve every observer but
    /// [`MovingAverage`](Observer::MovingAverage), which depends on the order of batches and must be asked for here.
    pub fn observer(mut self, observer: Observer) -> CalibratorOptions {
        self.observer = Some(observer);
        self
    }

    fn to_c(&self) -> Result<Handle<sys::octavo_calibrator_options>> {
        // SAFETY: the options live, and the strings as long as the calls that copy them.
        unsafe {
            let options = Handle::make(|out| sys::octavo_calibrator_options_create(out))?;
            if let Some(threads) = self.threads {
                check(sys::octavo_calibrator_options_set_threads(options.get(), c_count(threads)))?;
            }
            if let Some(target) = &self.cpu_target {
                let target = c_text("cpu target", target.as_str())?;
                check(sys::octavo_calibrator_options_set_cpu_target(options.get(), target.as_ptr()))?;
            }
            if let Some(observer) = self.observer {
                let (name, percentile) = observer.to_c();
                check(sys::octavo_calibrator_options_set_observer(options.get(), name.as_ptr(), percentile))?;
            }
            Ok(options)
        }
    }
}

/// Runs a float model on representative inputs and counts.
///
/// It may move to another thread, but not be used from two:
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>() {}
/// shared::<octavo::Calibrator>();
/// ```
pub struct Calibrator {
    handle: Handle<sys::octavo_calibrator>, // destroyed before what it lives in
    model: Model,
    cancel: Option<Cancel>,
    inputs: CViews,
}

// SAFETY: octavo.h allows an octavo_calibrator on one thread at a time, whichever. Not Sync.
unsafe impl Send for Calibrator {}

impl Model {
    /// A calibrator with all defaults.
    ///
    /// # Errors
    /// As [`calibrator_with`](Model::calibrator_with).
    pub fn calibrator(&self) -> Result<Calibrator> {
        self.calibrator_with(&CalibratorOptions::new())
    }

    /// A calibrator.
    ///
    /// # Errors
    /// [`InvalidState`](crate::Code::InvalidState) if the model is quantized already; otherwise as
    /// [`session_with`](Model::session_with).
    pub fn calibrator_with(&self, options: &CalibratorOptions) -> Result<Calibrator> {
        let options = options.to_c()?;
        // SAFETY: model and options live during the call.
        let handle = Handle::make(|out| unsafe { sys::octavo_calibrator_create(self.get(), options.get(), out) })?;
        Ok(Calibrator { handle, model: self.clone(), cancel: None, inputs: CViews::default() })
    }
}

impl Calibrator {
    /// Runs the model once: one tensor for each of its inputs, in its order. Batches of any size; open dimensions may differ
    /// from call to call. A hundred to a few hundred samples are usual. On any error nothing of this call is counted.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) for a wrong count, dtype or shape (names which),
    /// [`Cancelled`](crate::Code::Cancelled).
    pub fn collect(&mut self, inputs: &[TensorView<'_>]) -> Result<()> {
        let inputs = self.inputs.inputs(inputs);
        // SAFETY: the views are good during the call.
        check(unsafe {
            sys::octavo_calibrator_collect(
                self.handle.get(),
                inputs.as_ptr(),
                inputs.len(),
                c_cancel(self.cancel.as_ref()),
            )
        })
    }

    /// From now on, `cancel` stops a [`collect`](Calibrator::collect) that is under way; `None`: nothing does.
    pub fn set_cancel(&mut self, cancel: Option<Cancel>) {
        self.cancel = cancel;
    }

    /// What was counted so far; the calibrator may go on afterwards.
    ///
    /// # Errors
    /// [`InvalidState`](crate::Code::InvalidState) if nothing was collected,
    /// [`InvalidData`](crate::Code::InvalidData) if a value was never finite (names it).
    pub fn finish(&self) -> Result<Statistics> {
        // SAFETY: the calibrator lives.
        let handle = Handle::make(|out| unsafe { sys::octavo_calibrator_finish(self.handle.get(), out) })?;
        Ok(Statistics { handle, _bytes: self.model.bytes() })
    }
}

impl fmt::Debug for Calibrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calibrator").field("model", &self.model).finish_non_exhaustive()
    }
}

/// What was counted: of fixed size, mergeable, savable, useful without the data. It serves every observer but
/// [`MovingAverage`](Observer::MovingAverage), so one calibration is enough to try them all.
///
/// ```
/// # let model = octavo::Model::load("../../../examples/demo/digits.onnx")?;
/// # let samples = octavo::Tensor::<f32>::zeros(&[20, 1, 16, 16])?;
/// let mut halves = Vec::new();
/// for _ in 0..2 {
///     let mut calibrator = model.calibrator()?;
///     calibrator.collect(&[samples.view()])?;
///     halves.push(calibrator.finish()?);
/// }
/// let mut whole = octavo::Statistics::load_memory(&halves[0].save_memory()?)?;
/// whole.merge(&halves[1])?;
/// assert_eq!(whole.samples()?, 40);
/// # Ok::<(), octavo::Error>(())
/// ```
pub struct Statistics {
    handle: Handle<sys::octavo_statistics>,
    _bytes: Borrowed,
}

// SAFETY: octavo.h allows octavo_statistics on one thread at a time, and to be read from several at once; what changes them
// takes &mut self.
unsafe impl Send for Statistics {}
// SAFETY: as above.
unsafe impl Sync for Statistics {}

impl Statistics {
    /// Reads what [`save`](Statistics::save) wrote.
    ///
    /// # Errors
    /// [`Io`](crate::Code::Io), [`InvalidData`](crate::Code::InvalidData).
    pub fn load(path: impl AsRef<Path>) -> Result<Statistics> {
        Statistics::load_in(&Context::global()?, path)
    }

    /// The same within the limits of a context.
    ///
    /// # Errors
    /// Also [`Limit`](crate::Code::Limit).
    pub fn load_in(context: &Context, path: impl AsRef<Path>) -> Result<Statistics> {
        let path = c_path(path.as_ref())?;
        // SAFETY: all arguments live during the call.
        let handle = Handle::make(|out| unsafe { sys::octavo_statistics_load(context.get(), path.as_ptr(), out) })?;
        Ok(Statistics { handle, _bytes: None })
    }

    /// The same from memory, which is copied.
    ///
    /// # Errors
    /// [`InvalidData`](crate::Code::InvalidData).
    pub fn load_memory(bytes: &[u8]) -> Result<Statistics> {
        let context = Context::global()?;
        // SAFETY: all arguments live during the call.
        let handle = Handle::make(|out| unsafe {
            sys::octavo_statistics_load_memory(context.get(), bytes.as_ptr().cast(), bytes.len(), out)
        })?;
        Ok(Statistics { handle, _bytes: None })
    }

    /// Writes them to a file, which is replaced whole or not at all. The same statistics give the same bytes.
    ///
    /// # Errors
    /// [`Io`](crate::Code::Io).
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path.as_ref())?;
        // SAFETY: all arguments live during the call.
        check(unsafe { sys::octavo_statistics_save(self.get(), path.as_ptr()) })
    }

    /// The file as bytes.
    ///
    /// # Errors
    /// [`OutOfMemory`](crate::Code::OutOfMemory).
    pub fn save_memory(&self) -> Result<Buffer> {
        // SAFETY: the statistics live.
        Buffer::make(|out| unsafe { sys::octavo_statistics_save_memory(self.get(), out) })
    }

    /// Adds `from`, as if one calibrator had seen both: data can be split over machines. The order does not matter (but for
    /// [`MovingAverage`](Observer::MovingAverage)).
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if they are of different models.
    pub fn merge(&mut self, from: &Statistics) -> Result<()> {
        // SAFETY: both live.
        check(unsafe { sys::octavo_statistics_merge(self.get(), from.get()) })
    }

    /// How many samples were collected: the sum of the first input's first dimension.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn samples(&self) -> Result<u64> {
        let mut samples = 0;
        // SAFETY: the statistics live.
        check(unsafe { sys::octavo_statistics_samples(self.get(), &mut samples) })?;
        Ok(samples as u64)
    }

    /// A readable form: `model` and `digest`, `samples`, and for each of `values` its `min`, `max`, `count`, `zeros`, `nan`,
    /// `inf`.
    ///
    /// # Errors
    /// [`OutOfMemory`](crate::Code::OutOfMemory).
    pub fn to_json(&self) -> Result<String> {
        // SAFETY: the statistics live.
        Buffer::text(|out| unsafe { sys::octavo_statistics_json(self.get(), out) })
    }

    pub(crate) fn get(&self) -> *mut sys::octavo_statistics {
        self.handle.get()
    }
}

impl fmt::Debug for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Statistics({} samples)", self.samples().unwrap_or(0))
    }
}
