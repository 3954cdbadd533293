//! What can go wrong, and how it comes out of a C call.

use std::ffi::CStr;
use std::fmt;

use octavo_sys as sys;

/// Why a call failed: one of the status codes of `octavo.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// An argument is wrong: dtype, shape, range, text with a zero byte.
    InvalidArgument,
    /// The object cannot do this now.
    InvalidState,
    /// No such name, key or instruction set.
    NotFound,
    /// Malformed or contradictory model file.
    InvalidModel,
    /// Well formed, but not something this library does.
    Unsupported,
    /// Malformed statistics or recipe.
    InvalidData,
    /// Memory ran out.
    OutOfMemory,
    /// A file could not be opened, read or written.
    Io,
    /// A limit of the context would be exceeded.
    Limit,
    /// A bug of the library: please report it.
    Internal,
    /// The object was inherited through `fork()`.
    Forked,
    /// A [`Cancel`](crate::Cancel) was requested, or a callback asked to stop.
    Cancelled,
    /// A code that this crate does not know yet: 1 to 63 the caller's mistake, 64 to 127 the data's, 128 to 191 the
    /// machine's, 192 to 255 the caller's own wish.
    Other(i32),
}

/// Each code with its number and its name in C; `Other` is not among them.
const CODES: [(Code, u32); 12] = [
    (Code::InvalidArgument, sys::OCTAVO_INVALID_ARGUMENT),
    (Code::InvalidState, sys::OCTAVO_INVALID_STATE),
    (Code::NotFound, sys::OCTAVO_NOT_FOUND),
    (Code::InvalidModel, sys::OCTAVO_INVALID_MODEL),
    (Code::Unsupported, sys::OCTAVO_UNSUPPORTED),
    (Code::InvalidData, sys::OCTAVO_INVALID_DATA),
    (Code::OutOfMemory, sys::OCTAVO_OUT_OF_MEMORY),
    (Code::Io, sys::OCTAVO_IO),
    (Code::Limit, sys::OCTAVO_LIMIT),
    (Code::Internal, sys::OCTAVO_INTERNAL),
    (Code::Forked, sys::OCTAVO_FORKED),
    (Code::Cancelled, sys::OCTAVO_CANCELLED),
];

impl Code {
    pub(crate) fn from_status(status: sys::octavo_status) -> Code {
        CODES.iter().find(|(_, value)| *value as i32 == status).map_or(Code::Other(status), |(code, _)| *code)
    }

    /// The number of the code in C: 1 for `InvalidArgument`.
    pub fn value(self) -> i32 {
        match self {
            Code::Other(value) => value,
            known => CODES.iter().find(|(code, _)| *code == known).map_or(0, |(_, value)| *value as i32),
        }
    }

    /// The name of the code in C: `"OCTAVO_INVALID_ARGUMENT"`; `"OCTAVO_UNKNOWN"` for what the library does not know.
    pub fn name(self) -> &'static str {
        // SAFETY: the result is static.
        unsafe { static_text(sys::octavo_status_name(self.value())) }
    }
}

/// A failed call: a code and one line that names what, where, found and allowed values.
///
/// ```
/// let error = octavo::Model::load("missing.onnx").unwrap_err();
/// assert_eq!(error.code(), octavo::Code::Io);
/// assert!(error.to_string().contains("missing.onnx"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    message: Box<str>,
}

/// Results of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Error {
        Error { code, message: message.into().into_boxed_str() }
    }

    pub(crate) fn argument(message: impl Into<String>) -> Error {
        Error::new(Code::InvalidArgument, message)
    }

    /// What kind of failure it is.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The sentence, of at most 1023 bytes where it comes from the library.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> std::io::Error {
        use std::io::ErrorKind;
        let kind = match error.code {
            Code::InvalidArgument => ErrorKind::InvalidInput,
            Code::InvalidModel | Code::InvalidData => ErrorKind::InvalidData,
            Code::OutOfMemory => ErrorKind::OutOfMemory,
            Code::Unsupported => ErrorKind::Unsupported,
            Code::Cancelled => ErrorKind::Interrupted,
            _ => ErrorKind::Other,
        };
        std::io::Error::new(kind, error)
    }
}

/// The outcome of a C call on this thread. Resumes the panic of a callback that ran inside the call.
pub(crate) fn check(status: sys::octavo_status) -> Result<()> {
    crate::callback::resume();
    if status == sys::OCTAVO_OK as i32 {
        return Ok(());
    }
    // SAFETY: the text is this thread's, and stays until its next failing call.
    let message = unsafe { CStr::from_ptr(sys::octavo_last_error()) };
    Err(Error::new(Code::from_status(status), message.to_string_lossy()))
}

/// # Safety
/// `text` points to a zero-terminated string that is never freed.
pub(crate) unsafe fn static_text(text: *const std::os::raw::c_char) -> &'static str {
    CStr::from_ptr(text).to_str().unwrap_or("?")
}
