//! Octavo: ONNX in, INT8 out, the same bytes on every CPU.
//!
//! Takes a trained float32 ONNX network, calibrates it on some of your data, quantizes it to INT8 and runs it on CPUs. The
//! result is an ONNX file again, about a quarter the size, that runs here and in other runtimes.
//!
//! ```no_run
//! use octavo::{Recipe, TensorView};
//! # use octavo::Tensor;
//! # fn main() -> octavo::Result<()> {
//! # let samples = vec![vec![0f32; 3 * 32 * 32]; 100];
//! # let x = Tensor::<f32>::zeros(&[1, 3, 32, 32])?;
//!
//! let model = octavo::Model::load("net.onnx")?;
//! let mut cal = model.calibrator()?;
//! for s in &samples { cal.collect(&[TensorView::new(s, &[1, 3, 32, 32])?])?; }
//! let int8 = model.quantize(&cal.finish()?, &Recipe::static_int8())?;
//! int8.save("net.int8.onnx")?;
//! let mut session = int8.session()?;
//! let y = session.run(&[x.view()])?;
//! # Ok(())
//! # }
//! ```
//!
//! # Threads
//!
//! | | |
//! |---|---|
//! | [`Model`], [`Context`], [`Cancel`] | shared by any number of threads at once; clones are the same object |
//! | [`Statistics`], [`Recipe`], [`Buffer`] | read from several threads at once, changed through `&mut` |
//! | [`Session`], [`Calibrator`], [`Report`] | may move to another thread; one session for each thread that runs |
//!
//! What a program may not do with them does not compile. Results are the same bytes for every number of threads.
//!
//! # Memory
//!
//! [`TensorView`] and [`TensorViewMut`] lend memory of the caller's; nothing is copied but inputs with strides. A run's
//! [`Outputs`] lie in the session until it runs again, which the borrow checker sees to. Every object keeps alive what it was
//! made from.
//!
//! # Errors and panics
//!
//! A failed call is an [`Error`] with the [`Code`] and the sentence of the C library. A panic in a callback (progress, observer,
//! log, lent threads) stops the work and goes on where the library was called.
//!
//! # Features
//!
//! * `ndarray`: arrays as inputs and outputs.
//! * `vendored`: build the bundled C++ sources even where an installed library is found; see [`octavo_sys`].
#![deny(missing_docs)]
#![warn(clippy::undocumented_unsafe_blocks)]

pub mod arithmetic;
#[cfg(feature = "ndarray")]
mod array;
mod buffer;
mod calibrate;
mod callback;
mod cancel;
mod context;
mod dtype;
mod error;
mod handle;
mod model;
mod quantize;
mod recipe;
mod report;
mod session;
mod tensor;
mod view;

pub use buffer::Buffer;
pub use calibrate::{Calibrator, CalibratorOptions, Statistics};
pub use cancel::Cancel;
pub use context::{Context, ContextOptions, LogLevel, Memory};
pub use dtype::{DType, Element};
pub use error::{Code, Error, Result};
pub use model::{Form, LoadOptions, Model, Port, SaveOptions};
pub use quantize::{Distribution, QuantizeOptions};
pub use recipe::{Observer, Recipe};
pub use report::{Report, ReportOptions};
pub use session::{OutputInfo, Outputs, Session, SessionOptions};
pub use tensor::Tensor;
pub use view::{TensorView, TensorViewMut, MAX_RANK};

use error::static_text;
use octavo_sys as sys;

/// The release of the library that runs: `"0.1.0"`.
pub fn version() -> &'static str {
    // SAFETY: the result is static.
    unsafe { static_text(sys::octavo_version_string()) }
}

/// The instruction set that sessions use by default here: `"avx3_dl"`, `"avx2"`, `"neon"`, ...
pub fn cpu_target() -> &'static str {
    // SAFETY: the result is static.
    unsafe { static_text(sys::octavo_cpu_target()) }
}

/// The instruction sets that sessions can be asked for on this machine, best first. The last is `"reference"`: the scalar
/// definition of the arithmetic, slow and the same bytes.
pub fn cpu_targets() -> Vec<&'static str> {
    // SAFETY: indices are in range, the results static.
    unsafe { (0..sys::octavo_cpu_target_count()).map(|i| static_text(sys::octavo_cpu_target_name(i))).collect() }
}
