//! Running models.

use std::fmt;
use std::ops::Deref;
use std::ptr;

use octavo_sys as sys;

use crate::buffer::Buffer;
use crate::cancel::{c_cancel, Cancel};
use crate::context::c_count;
use crate::dtype::DType;
use crate::error::{check, Error, Result};
use crate::handle::{c_text, owned_text, Handle};
use crate::model::{open_shape, Model};
use crate::view::{CViews, Shape, TensorView, TensorViewMut, MAX_RANK};

/// How a session runs.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SessionOptions {
    threads: Option<usize>,
    cpu_target: Option<String>,
    profile: bool,
}

impl SessionOptions {
    /// All defaults.
    pub fn new() -> SessionOptions {
        SessionOptions::default()
    }

    /// Threads, the calling one included, at most 1024; 0: one for each processor. Default: the context's.
    pub fn threads(mut self, threads: usize) -> SessionOptions {
        self.threads = Some(threads);
        self
    }

    /// The instruction set, one of [`cpu_targets`](crate::cpu_targets). Default: the first of them.
    pub fn cpu_target(mut self, target: &str) -> SessionOptions {
        self.cpu_target = Some(target.to_owned());
        self
    }

    /// Keeps the time of every step for [`Session::profile_json`].
    pub fn profile(mut self, profile: bool) -> SessionOptions {
        self.profile = profile;
        self
    }

    fn to_c(&self) -> Result<Handle<sys::octavo_session_options>> {
        // SAFETY: the options live, and the string as long as the call that copies it.
        unsafe {
            let options = Handle::make(|out| sys::octavo_session_options_create(out))?;
            if let Some(threads) = self.threads {
                check(sys::octavo_session_options_set_threads(options.get(), c_count(threads)))?;
            }
            if let Some(target) = &self.cpu_target {
                let target = c_text("cpu target", target.as_str())?;
                check(sys::octavo_session_options_set_cpu_target(options.get(), target.as_ptr()))?;
            }
            check(sys::octavo_session_options_set_profile(options.get(), self.profile as i32))?;
            Ok(options)
        }
    }
}

/// What [`Session::prepare`] tells of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputInfo {
    /// Type of its elements.
    pub dtype: DType,
    /// Its dimensions, `None` for one that depends on what the inputs contain; `None` if not even their number is known.
    pub shape: Option<Vec<Option<usize>>>,
    /// The memory it needs; 0 while a dimension is open.
    pub bytes: usize,
}

/// Scratch memory and threads to run one model: one session for each thread. Sessions of one model share its packed weights.
///
/// ```
/// use octavo::{Model, Tensor};
///
/// let model = Model::load("../../../examples/demo/digits.onnx")?;
/// let image = Tensor::<f32>::zeros(&[1, 1, 16, 16])?;
/// let mut session = model.session()?;
/// let y = session.run(&[image.view()])?;
/// assert_eq!(y[0].shape(), [1, 10]);
/// let scores: &[f32] = y[0].as_slice()?; // in place, until the session runs again
/// # Ok::<(), octavo::Error>(())
/// ```
///
/// A session may move to another thread, but not be used from two:
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>() {}
/// shared::<octavo::Session>();
/// ```
///
/// Once it is closed or handed on, there is nothing left to call:
///
/// ```compile_fail,E0382
/// # let model = octavo::Model::load("net.onnx").unwrap();
/// let mut session = model.session().unwrap();
/// drop(session);
/// session.run(&[]).unwrap();
/// ```
///
/// What a run returned cannot be looked at after the next:
///
/// ```compile_fail,E0499
/// # let model = octavo::Model::load("net.onnx").unwrap();
/// let mut session = model.session().unwrap();
/// let first = session.run(&[]).unwrap();
/// let second = session.run(&[]).unwrap();
/// println!("{first:?}");
/// ```
pub struct Session {
    handle: Handle<sys::octavo_session>, // destroyed before what it lives in
    model: Model,
    cancel: Option<Cancel>,
    inputs: CViews,
    outputs: CViews,
}

// SAFETY: octavo.h allows an octavo_session on one thread at a time, whichever. The raw pointers in CViews are only good
// during a call. Not Sync.
unsafe impl Send for Session {}

/// The outputs of a run, in the model's order, in memory of the session. Dereferences to a slice of [`TensorView`].
#[derive(Debug)]
pub struct Outputs<'s>(Vec<TensorView<'s>>);

impl<'s> Deref for Outputs<'s> {
    type Target = [TensorView<'s>];

    fn deref(&self) -> &[TensorView<'s>] {
        &self.0
    }
}

impl<'s> IntoIterator for Outputs<'s> {
    type Item = TensorView<'s>;
    type IntoIter = std::vec::IntoIter<TensorView<'s>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Model {
    /// A session with all defaults.
    ///
    /// # Errors
    /// As [`session_with`](Model::session_with).
    pub fn session(&self) -> Result<Session> {
        self.session_with(&SessionOptions::new())
    }

    /// A session.
    ///
    /// # Errors
    /// [`NotFound`](crate::Code::NotFound) if this machine has no such instruction set;
    /// [`Unsupported`](crate::Code::Unsupported), [`OutOfMemory`](crate::Code::OutOfMemory), [`Limit`](crate::Code::Limit).
    pub fn session_with(&self, options: &SessionOptions) -> Result<Session> {
        let options = options.to_c()?;
        // SAFETY: model and options live during the call.
        let handle = Handle::make(|out| unsafe { sys::octavo_session_create(self.get(), options.get(), out) })?;
        Ok(Session { handle, model: self.clone(), cancel: None, inputs: CViews::default(), outputs: CViews::default() })
    }
}

impl Session {
    /// Runs the model: one tensor for each of its inputs, in its order. Shapes may differ from call to call where the model
    /// leaves them open. When they are those of the call before, the library allocates nothing.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) for a wrong count, dtype or shape (names which),
    /// [`Cancelled`](crate::Code::Cancelled). The session stays usable after any error.
    pub fn run(&mut self, inputs: &[TensorView<'_>]) -> Result<Outputs<'_>> {
        let count = self.model.outputs().len();
        let inputs = self.inputs.inputs(inputs);
        let outputs = self.outputs.empty(count);
        // SAFETY: the views are good during the call.
        check(unsafe {
            sys::octavo_session_run(
                self.handle.get(),
                inputs.as_ptr(),
                inputs.len(),
                outputs.as_mut_ptr(),
                count,
                c_cancel(self.cancel.as_ref()),
            )
        })?;
        // SAFETY: the session's memory stays until its next call, which needs the borrow that the result holds.
        let views = self.outputs.views().iter().map(|view| unsafe { TensorView::from_c(view) });
        views.collect::<Result<_>>().map(Outputs)
    }

    /// Runs the model into memory of the caller's, one for each output, without a copy where its shape was given.
    ///
    /// ```
    /// use octavo::{Model, Tensor, TensorViewMut};
    ///
    /// let mut session = Model::load("../../../examples/demo/digits.onnx")?.session()?;
    /// let image = Tensor::<f32>::zeros(&[1, 1, 16, 16])?;
    /// let mut scores = [0f32; 10];
    /// session.run_into(&[image.view()], &mut [TensorViewMut::new(&mut scores, &[1, 10])?])?;
    /// # Ok::<(), octavo::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Session::run); [`InvalidArgument`](crate::Code::InvalidArgument) also for an output of another dtype or
    /// shape, or with too little memory. What the memory then holds is not said.
    pub fn run_into(&mut self, inputs: &[TensorView<'_>], outputs: &mut [TensorViewMut<'_>]) -> Result<()> {
        let inputs = self.inputs.inputs(inputs);
        let views = self.outputs.outputs(outputs);
        // SAFETY: the views are good during the call.
        check(unsafe {
            sys::octavo_session_run(
                self.handle.get(),
                inputs.as_ptr(),
                inputs.len(),
                views.as_mut_ptr(),
                views.len(),
                c_cancel(self.cancel.as_ref()),
            )
        })?;
        outputs.iter_mut().zip(self.outputs.views()).try_for_each(|(output, view)| output.set_shape_from_c(view))
    }

    /// Gets ready for inputs of these shapes without running, and tells what the outputs will be.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) for a wrong count or shape.
    pub fn prepare(&mut self, shapes: &[&[usize]]) -> Result<Vec<OutputInfo>> {
        let ports = self.model.inputs();
        if ports.len() != shapes.len() {
            return Err(Error::argument(format!(
                "{} shapes were given, the model takes {}",
                shapes.len(),
                ports.len()
            )));
        }
        let typed: Result<Vec<_>> =
            ports.iter().zip(shapes).map(|(port, dims)| Ok((port.dtype, Shape::new(dims)?))).collect();
        let inputs = self.inputs.shapes(&typed?);
        let outputs = self.outputs.empty(self.model.outputs().len());
        // SAFETY: the views are good during the call.
        check(unsafe {
            sys::octavo_session_prepare(
                self.handle.get(),
                inputs.as_ptr(),
                inputs.len(),
                outputs.as_mut_ptr(),
                outputs.len(),
            )
        })?;
        let info = |view: &sys::octavo_tensor_view| {
            let mut dims = [0; MAX_RANK];
            for (d, dim) in dims.iter_mut().enumerate().take(usize::try_from(view.rank).unwrap_or(0)) {
                // SAFETY: C filled dims[rank], good until the session's next call.
                *dim = unsafe { *view.dims.add(d) };
            }
            Ok(OutputInfo { dtype: DType::from_c(view.dtype)?, shape: open_shape(&dims, view.rank), bytes: view.bytes })
        };
        self.outputs.views().iter().map(info).collect()
    }

    /// From now on, `cancel` stops a run that is under way; `None`: nothing does.
    pub fn set_cancel(&mut self, cancel: Option<Cancel>) {
        self.cancel = cancel;
    }

    /// The shape of output `index` as of the last run.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if there is no such output,
    /// [`InvalidState`](crate::Code::InvalidState) before the first run.
    pub fn output_shape(&self, index: usize) -> Result<Vec<usize>> {
        let (mut dims, mut rank) = ([0; MAX_RANK], 0);
        // SAFETY: the session lives; dims has the room it is said to have.
        check(unsafe {
            sys::octavo_session_output_shape(self.handle.get(), index, dims.as_mut_ptr(), dims.len(), &mut rank)
        })?;
        Ok(dims[..rank as usize].iter().map(|&dim| dim as usize).collect())
    }

    /// The instruction set in use.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn cpu_target(&self) -> Result<String> {
        let mut target = ptr::null();
        // SAFETY: the session lives, and the string as long as it.
        unsafe {
            check(sys::octavo_session_cpu_target(self.handle.get(), &mut target))?;
            Ok(owned_text(target))
        }
    }

    /// What each step took, all runs so far, as JSON: `cpu_target`, `threads`, `seconds`, `peak`, `steps` with `name`, `op`,
    /// `kernel`, `precision`, `reason`, `seconds`, `runs`, `macs`, `share_of_peak`, `bytes`.
    ///
    /// # Errors
    /// [`InvalidState`](crate::Code::InvalidState) without [`SessionOptions::profile`].
    pub fn profile_json(&self) -> Result<String> {
        // SAFETY: the session lives.
        Buffer::text(|out| unsafe { sys::octavo_session_profile_json(self.handle.get(), out) })
    }

    /// The same as one web page with a timeline, which needs no other file.
    ///
    /// # Errors
    /// [`InvalidState`](crate::Code::InvalidState) without [`SessionOptions::profile`].
    pub fn profile_html(&self) -> Result<String> {
        // SAFETY: the session lives.
        Buffer::text(|out| unsafe { sys::octavo_session_profile_html(self.handle.get(), out) })
    }

    /// The model it runs.
    pub fn model(&self) -> &Model {
        &self.model
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("model", &self.model).finish_non_exhaustive()
    }
}
