//! Models: load, look at, save, convert.

use std::ffi::CString;
use std::fmt;
use std::os::raw::c_char;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use octavo_sys as sys;

use crate::buffer::Buffer;
use crate::context::Context;
use crate::dtype::DType;
use crate::error::{check, Code, Result};
use crate::handle::{c_path, c_pointer, c_text, owned_text, Handle};
use crate::view::MAX_RANK;

/// How a model is loaded: the context, and shapes for inputs that the file leaves open.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LoadOptions {
    context: Option<Context>,
    shapes: Vec<(Option<String>, Vec<usize>)>,
}

impl LoadOptions {
    /// All defaults.
    pub fn new() -> LoadOptions {
        LoadOptions::default()
    }

    /// The context to make the model in. Default: [`Context::global`].
    pub fn context(mut self, context: &Context) -> LoadOptions {
        self.context = Some(context.clone());
        self
    }

    /// Makes the input `name` (`None`: the only one) of shape `dims`, where the file leaves dimensions open. The file's fixed
    /// dimensions must agree. Once for each input.
    pub fn input_shape(mut self, name: Option<&str>, dims: &[usize]) -> LoadOptions {
        self.shapes.push((name.map(str::to_owned), dims.to_vec()));
        self
    }

    fn to_c(&self, borrow: bool) -> Result<Handle<sys::octavo_load_options>> {
        // SAFETY: the options live, and the strings and dims as long as the calls that copy them.
        unsafe {
            let options = Handle::make(|out| sys::octavo_load_options_create(out))?;
            for (name, dims) in &self.shapes {
                let name = name.as_deref().map(|name| c_text("input name", name)).transpose()?;
                let dims: Vec<i64> = dims.iter().map(|&dim| i64::try_from(dim).unwrap_or(i64::MAX)).collect();
                check(sys::octavo_load_options_set_input_shape(
                    options.get(),
                    c_pointer(&name),
                    dims.as_ptr(),
                    dims.len(),
                ))?;
            }
            check(sys::octavo_load_options_set_borrow(options.get(), borrow as i32))?;
            Ok(options)
        }
    }
}

/// How a model is saved.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SaveOptions {
    external_data: bool,
}

impl SaveOptions {
    /// All defaults.
    pub fn new() -> SaveOptions {
        SaveOptions::default()
    }

    /// Puts weights of 1 KiB and more into a second file, the path with `.data` at its end. Default: only where the model
    /// would pass 2 GiB, which is all that one ONNX file can hold.
    pub fn external_data(mut self, external_data: bool) -> SaveOptions {
        self.external_data = external_data;
        self
    }

    fn to_c(&self) -> Result<Handle<sys::octavo_save_options>> {
        // SAFETY: the options live.
        unsafe {
            let options = Handle::make(|out| sys::octavo_save_options_create(out))?;
            check(sys::octavo_save_options_set_external_data(options.get(), self.external_data as i32))?;
            Ok(options)
        }
    }
}

/// The forms of a quantized model that [`Model::convert_to`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// `QuantizeLinear` and `DequantizeLinear` around float operators.
    Qdq,
    /// `QLinearConv`, `QLinearMatMul`.
    QOperator,
}

/// An input or output of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// As the model has it.
    pub name: String,
    /// Type of its elements.
    pub dtype: DType,
    /// Its dimensions, `None` for one that is open until the model runs; `None` if not even their number is known.
    pub shape: Option<Vec<Option<usize>>>,
}

/// Memory that a model's weights live in, if the caller gave it.
pub(crate) type Borrowed = Option<Arc<dyn AsRef<[u8]> + Send + Sync>>;

pub(crate) struct Inner {
    handle: Handle<sys::octavo_model>, // destroyed before what it lives in
    pub(crate) context: Context,
    pub(crate) bytes: Borrowed,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    quantized: bool,
}

// SAFETY: octavo.h allows an octavo_model on any number of threads at once; all else is Send and Sync.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

/// A network, float or INT8, checked whole when it was loaded; immutable. Clones are the same model. Safe to use from any
/// number of threads at once.
///
/// ```
/// use octavo::{Model, Recipe, Tensor};
///
/// let model = Model::load("../../../examples/demo/digits.onnx")?;
/// assert_eq!(model.inputs()[0].name, "image");
/// assert_eq!(model.outputs()[0].shape, Some(vec![None, Some(10)]));
///
/// let samples = Tensor::<f32>::zeros(&[20, 1, 16, 16])?;
/// let mut calibrator = model.calibrator()?;
/// calibrator.collect(&[samples.view()])?;
/// let int8 = model.quantize(&calibrator.finish()?, &Recipe::static_int8())?;
/// assert!(int8.is_quantized());
/// # Ok::<(), octavo::Error>(())
/// ```
#[derive(Clone)]
pub struct Model(Arc<Inner>);

impl Model {
    /// Reads an ONNX file and the external data files it names, which must lie beneath its folder. Weights are mapped, not
    /// copied: the files may be replaced (renamed over) meanwhile, but not be written to or cut short.
    ///
    /// # Errors
    /// [`Io`](Code::Io), [`InvalidModel`](Code::InvalidModel), [`Unsupported`](Code::Unsupported), [`Limit`](Code::Limit),
    /// [`OutOfMemory`](Code::OutOfMemory).
    pub fn load(path: impl AsRef<Path>) -> Result<Model> {
        Model::load_with(path, &LoadOptions::new())
    }

    /// [`load`](Model::load) with options.
    ///
    /// # Errors
    /// Also [`InvalidArgument`](Code::InvalidArgument) if a shape contradicts the file's, [`NotFound`](Code::NotFound) if the
    /// model has no such input.
    pub fn load_with(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Model> {
        let path = c_path(path.as_ref())?;
        Model::make(options, None, |context, options, out| {
            // SAFETY: all arguments live during the call.
            unsafe { sys::octavo_model_load(context, path.as_ptr(), options, out) }
        })
    }

    /// The same from memory, which is copied. External data is refused.
    ///
    /// # Errors
    /// As [`load_with`](Model::load_with), but for files.
    pub fn load_memory(bytes: &[u8], options: &LoadOptions) -> Result<Model> {
        Model::make(options, None, |context, options, out| {
            // SAFETY: all arguments live during the call.
            unsafe { sys::octavo_model_load_memory(context, bytes.as_ptr().cast(), bytes.len(), options, out) }
        })
    }

    /// The same without copying: the model and what is made from it use the weights where they are, and drop `bytes` when
    /// the last of them is gone. Suits `Arc<[u8]>`, `Vec<u8>`, `&'static [u8]` (`include_bytes!`) and mapped files.
    ///
    /// # Errors
    /// As [`load_memory`](Model::load_memory).
    pub fn load_shared<B: AsRef<[u8]> + Send + Sync + 'static>(bytes: B, options: &LoadOptions) -> Result<Model> {
        let bytes: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(bytes);
        let (data, size) = {
            let slice: &[u8] = (*bytes).as_ref();
            (slice.as_ptr(), slice.len())
        };
        Model::make(options, Some(bytes), |context, options, out| {
            // SAFETY: the bytes stay borrowed, thus unchanged, as long as the Arc lives, which everything made from the
            // model holds.
            unsafe { sys::octavo_model_load_memory(context, data.cast(), size, options, out) }
        })
    }

    fn make(
        options: &LoadOptions,
        bytes: Borrowed,
        load: impl FnOnce(
            *mut sys::octavo_context,
            *const sys::octavo_load_options,
            *mut *mut sys::octavo_model,
        ) -> sys::octavo_status,
    ) -> Result<Model> {
        let context = options.context.clone().map_or_else(Context::global, Ok)?;
        let c_options = options.to_c(bytes.is_some())?;
        let handle = Handle::make(|out| load(context.get(), c_options.get(), out))?;
        Model::own(handle, context, bytes)
    }

    /// A model made from this one.
    pub(crate) fn derive(
        &self,
        create: impl FnOnce(*mut *mut sys::octavo_model) -> sys::octavo_status,
    ) -> Result<Model> {
        Model::own(Handle::make(create)?, self.0.context.clone(), self.0.bytes.clone())
    }

    fn own(handle: Handle<sys::octavo_model>, context: Context, bytes: Borrowed) -> Result<Model> {
        let mut quantized = 0;
        // SAFETY: the model lives.
        check(unsafe { sys::octavo_model_is_quantized(handle.get(), &mut quantized) })?;
        let inputs = ports(handle.get(), &INPUTS)?;
        let outputs = ports(handle.get(), &OUTPUTS)?;
        Ok(Model(Arc::new(Inner { handle, context, bytes, inputs, outputs, quantized: quantized != 0 })))
    }

    /// What the caller gives, in the order that [`Session::run`](crate::Session::run) and
    /// [`Calibrator::collect`](crate::Calibrator::collect) take.
    pub fn inputs(&self) -> &[Port] {
        &self.0.inputs
    }

    /// What comes out, in order.
    pub fn outputs(&self) -> &[Port] {
        &self.0.outputs
    }

    /// Whether the model carries quantization of any kind: Q/DQ, QOperator, dynamic, weight-only.
    pub fn is_quantized(&self) -> bool {
        self.0.quantized
    }

    /// The context it was made in.
    pub fn context(&self) -> &Context {
        &self.0.context
    }

    /// The model's own key-value pairs (ONNX `metadata_props`), in file order.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn metadata(&self) -> Result<Vec<(String, String)>> {
        let mut count = 0;
        // SAFETY: the model lives, and the strings as long as it.
        unsafe {
            check(sys::octavo_model_metadata_count(self.get(), &mut count))?;
            (0..count)
                .map(|i| {
                    let (mut key, mut value) = (ptr::null(), ptr::null());
                    check(sys::octavo_model_metadata_at(self.get(), i, &mut key, &mut value))?;
                    Ok((owned_text(key), owned_text(value)))
                })
                .collect()
        }
    }

    /// The value of a key, if there is one. `"octavo.recipe"`, `"octavo.statistics"` (digest) and `"octavo.decisions"` (JSON)
    /// are those of [`quantize`](Model::quantize).
    ///
    /// # Errors
    /// [`InvalidArgument`](Code::InvalidArgument) if `key` has a zero byte.
    pub fn metadata_value(&self, key: &str) -> Result<Option<String>> {
        let key = c_text("key", key)?;
        let mut value = ptr::null();
        // SAFETY: model and key live during the call.
        match check(unsafe { sys::octavo_model_metadata_get(self.get(), key.as_ptr(), &mut value) }) {
            // SAFETY: the string lives as long as the model.
            Ok(()) => Ok(Some(unsafe { owned_text(value) })),
            Err(e) if e.code() == Code::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Everything worth knowing as one JSON object: sizes, operators, and for each node its precision and, if it stays float,
    /// why. `octavo_model_describe_json` in `octavo.h` lists the keys.
    ///
    /// # Errors
    /// [`OutOfMemory`](Code::OutOfMemory).
    pub fn describe_json(&self) -> Result<String> {
        // SAFETY: the model lives.
        Buffer::text(|out| unsafe { sys::octavo_model_describe_json(self.get(), out) })
    }

    /// Writes the model as ONNX. The file is replaced whole or not at all, also when the machine stops meanwhile; saving over
    /// the file the model was loaded from is fine.
    ///
    /// # Errors
    /// [`Io`](Code::Io).
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with(path, &SaveOptions::new())
    }

    /// [`save`](Model::save) with options.
    ///
    /// # Errors
    /// [`Io`](Code::Io).
    pub fn save_with(&self, path: impl AsRef<Path>, options: &SaveOptions) -> Result<()> {
        let (path, options) = (c_path(path.as_ref())?, options.to_c()?);
        // SAFETY: all arguments live during the call.
        check(unsafe { sys::octavo_model_save(self.get(), path.as_ptr(), options.get()) })
    }

    /// The ONNX file as bytes.
    ///
    /// # Errors
    /// [`Limit`](Code::Limit) if it would pass 2 GiB.
    pub fn save_memory(&self) -> Result<Buffer> {
        // SAFETY: the model lives.
        Buffer::make(|out| unsafe { sys::octavo_model_save_memory(self.get(), ptr::null(), out) })
    }

    /// A model that was quantized elsewhere (fake-quant of training, another tool's Q/DQ or QOperator form) in the form this
    /// library runs and exports.
    ///
    /// # Errors
    /// [`Unsupported`](Code::Unsupported), [`OutOfMemory`](Code::OutOfMemory).
    pub fn convert(&self) -> Result<Model> {
        self.convert_to(Form::Qdq)
    }

    /// [`convert`](Model::convert) to a form of choice.
    ///
    /// # Errors
    /// As [`convert`](Model::convert).
    pub fn convert_to(&self, form: Form) -> Result<Model> {
        let form = CString::new(match form {
            Form::Qdq => "qdq",
            Form::QOperator => "qoperator",
        })
        .expect("no zero byte");
        // SAFETY: all arguments live during the calls.
        unsafe {
            let options = Handle::make(|out| sys::octavo_convert_options_create(out))?;
            check(sys::octavo_convert_options_set_form(options.get(), form.as_ptr()))?;
            self.derive(|out| sys::octavo_model_convert(self.get(), options.get(), out))
        }
    }

    pub(crate) fn get(&self) -> *mut sys::octavo_model {
        self.0.handle.get()
    }

    /// What the caller's memory is kept alive by.
    pub(crate) fn bytes(&self) -> Borrowed {
        self.0.bytes.clone()
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("inputs", &self.0.inputs)
            .field("outputs", &self.0.outputs)
            .field("quantized", &self.0.quantized)
            .finish_non_exhaustive()
    }
}

type ModelPtr = *const sys::octavo_model;

/// The C functions that tell of inputs, or of outputs.
struct PortFunctions {
    count: unsafe extern "C" fn(ModelPtr, *mut usize) -> sys::octavo_status,
    name: unsafe extern "C" fn(ModelPtr, usize, *mut *const c_char) -> sys::octavo_status,
    dtype: unsafe extern "C" fn(ModelPtr, usize, *mut i32) -> sys::octavo_status,
    shape: unsafe extern "C" fn(ModelPtr, usize, *mut i64, usize, *mut i32) -> sys::octavo_status,
}

const INPUTS: PortFunctions = PortFunctions {
    count: sys::octavo_model_input_count,
    name: sys::octavo_model_input_name,
    dtype: sys::octavo_model_input_dtype,
    shape: sys::octavo_model_input_shape,
};

const OUTPUTS: PortFunctions = PortFunctions {
    count: sys::octavo_model_output_count,
    name: sys::octavo_model_output_name,
    dtype: sys::octavo_model_output_dtype,
    shape: sys::octavo_model_output_shape,
};

fn ports(model: ModelPtr, of: &PortFunctions) -> Result<Vec<Port>> {
    let mut count = 0;
    // SAFETY: the model lives, and the names as long as it; dims has the room it is said to have.
    unsafe {
        check((of.count)(model, &mut count))?;
        (0..count)
            .map(|i| {
                let (mut name, mut dtype, mut dims, mut rank) = (ptr::null(), 0, [0; MAX_RANK], 0);
                check((of.name)(model, i, &mut name))?;
                check((of.dtype)(model, i, &mut dtype))?;
                check((of.shape)(model, i, dims.as_mut_ptr(), dims.len(), &mut rank))?;
                Ok(Port { name: owned_text(name), dtype: DType::from_c(dtype)?, shape: open_shape(&dims, rank) })
            })
            .collect()
    }
}

/// A shape as C states it: -1 where open, rank -1 if unknown.
pub(crate) fn open_shape(dims: &[i64], rank: i32) -> Option<Vec<Option<usize>>> {
    let rank = usize::try_from(rank).ok()?;
    Some(dims[..rank].iter().map(|&dim| usize::try_from(dim).ok()).collect())
}
