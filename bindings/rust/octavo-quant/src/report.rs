//! Reports: what quantization cost, layer by layer.

use std::fmt;

use octavo_sys as sys;

use crate::buffer::Buffer;
use crate::cancel::{c_cancel, Cancel};
use crate::context::c_count;
use crate::error::{check, Result};
use crate::handle::{c_text, Handle};
use crate::model::Model;
use crate::view::{CViews, TensorView};

/// How a report runs its models.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ReportOptions {
    threads: Option<usize>,
    cpu_target: Option<String>,
}

impl ReportOptions {
    /// All defaults.
    pub fn new() -> ReportOptions {
        ReportOptions::default()
    }

    /// Threads, the calling one included, at most 1024; 0: one for each processor. Default: the context's.
    pub fn threads(mut self, threads: usize) -> ReportOptions {
        self.threads = Some(threads);
        self
    }

    /// The instruction set, one of [`cpu_targets`](crate::cpu_targets). Default: the first of them.
    pub fn cpu_target(mut self, target: &str) -> ReportOptions {
        self.cpu_target = Some(target.to_owned());
        self
    }

    fn to_c(&self) -> Result<Handle<sys::octavo_report_options>> {
        // SAFETY: the options live, and the string as long as the call that copies it.
        unsafe {
            let options = Handle::make(|out| sys::octavo_report_options_create(out))?;
            if let Some(threads) = self.threads {
                check(sys::octavo_report_options_set_threads(options.get(), c_count(threads)))?;
            }
            if let Some(target) = &self.cpu_target {
                let target = c_text("cpu target", target.as_str())?;
                check(sys::octavo_report_options_set_cpu_target(options.get(), target.as_ptr()))?;
            }
            Ok(options)
        }
    }
}

/// Runs a float model and its quantized form on the same inputs and compares every value both have.
///
/// ```
/// # use octavo::{Model, QuantizeOptions, Recipe, Report, Tensor};
/// # let model = Model::load("../../../examples/demo/digits.onnx")?;
/// # let int8 = model.quantize_with(QuantizeOptions::new().recipe(&Recipe::dynamic_int8()))?;
/// let samples = Tensor::<f32>::zeros(&[4, 1, 16, 16])?;
/// let mut report = Report::new(&model, &int8)?;
/// report.collect(&[samples.view()])?;
/// assert!(report.to_json()?.contains("\"layers\""));
/// # Ok::<(), octavo::Error>(())
/// ```
///
/// It may move to another thread, but not be used from two:
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>() {}
/// shared::<octavo::Report>();
/// ```
pub struct Report {
    handle: Handle<sys::octavo_report>, // destroyed before what it lives in
    _models: [Model; 2],
    cancel: Option<Cancel>,
    inputs: CViews,
}

// SAFETY: octavo.h allows an octavo_report on one thread at a time, whichever. Not Sync.
unsafe impl Send for Report {}

impl Report {
    /// A report with all defaults.
    ///
    /// # Errors
    /// As [`with`](Report::with).
    pub fn new(float_model: &Model, quantized_model: &Model) -> Result<Report> {
        Report::with(float_model, quantized_model, &ReportOptions::new())
    }

    /// A report on two models with the same inputs and outputs.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if inputs or outputs differ or the first is quantized; otherwise as
    /// [`Model::session_with`].
    pub fn with(float_model: &Model, quantized_model: &Model, options: &ReportOptions) -> Result<Report> {
        let options = options.to_c()?;
        // SAFETY: all arguments live during the call.
        let handle = Handle::make(|out| unsafe {
            sys::octavo_report_create(float_model.get(), quantized_model.get(), options.get(), out)
        })?;
        let _models = [float_model.clone(), quantized_model.clone()];
        Ok(Report { handle, _models, cancel: None, inputs: CViews::default() })
    }

    /// Runs both models once; arguments and errors as for [`Calibrator::collect`](crate::Calibrator::collect).
    pub fn collect(&mut self, inputs: &[TensorView<'_>]) -> Result<()> {
        let inputs = self.inputs.inputs(inputs);
        // SAFETY: the views are good during the call.
        check(unsafe {
            sys::octavo_report_collect(self.handle.get(), inputs.as_ptr(), inputs.len(), c_cancel(self.cancel.as_ref()))
        })
    }

    /// From now on, `cancel` stops a [`collect`](Report::collect) that is under way; `None`: nothing does.
    pub fn set_cancel(&mut self, cancel: Option<Cancel>) {
        self.cancel = cancel;
    }

    /// The figures of outputs and layers as JSON; `octavo_report_json` in `octavo.h` lists the keys.
    ///
    /// # Errors
    /// [`OutOfMemory`](crate::Code::OutOfMemory).
    pub fn to_json(&self) -> Result<String> {
        // SAFETY: the report lives.
        Buffer::text(|out| unsafe { sys::octavo_report_json(self.handle.get(), out) })
    }

    /// The same as one HTML page that needs nothing else.
    ///
    /// # Errors
    /// As [`to_json`](Report::to_json).
    pub fn to_html(&self) -> Result<String> {
        // SAFETY: the report lives.
        Buffer::text(|out| unsafe { sys::octavo_report_html(self.handle.get(), out) })
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}
