//! Ownership of C objects, and text on its way there and back.

use std::ffi::{CStr, CString};
use std::os::raw::c_char;
use std::path::Path;
use std::ptr::{self, NonNull};

use octavo_sys as sys;

use crate::error::{check, Code, Error, Result};

/// A C object that is owned and has its own destroy function.
pub(crate) trait Native: Sized {
    const DESTROY: unsafe extern "C" fn(*mut Self);
}

macro_rules! native {
    ($($kind:ident $destroy:ident)*) => {
        $(impl Native for sys::$kind {
            const DESTROY: unsafe extern "C" fn(*mut Self) = sys::$destroy;
        })*
    };
}

native! {
    octavo_buffer octavo_buffer_destroy
    octavo_cancel octavo_cancel_destroy
    octavo_context octavo_context_destroy
    octavo_context_options octavo_context_options_destroy
    octavo_model octavo_model_destroy
    octavo_load_options octavo_load_options_destroy
    octavo_save_options octavo_save_options_destroy
    octavo_calibrator octavo_calibrator_destroy
    octavo_calibrator_options octavo_calibrator_options_destroy
    octavo_statistics octavo_statistics_destroy
    octavo_recipe octavo_recipe_destroy
    octavo_quantize_options octavo_quantize_options_destroy
    octavo_convert_options octavo_convert_options_destroy
    octavo_session octavo_session_destroy
    octavo_session_options octavo_session_options_destroy
    octavo_report octavo_report_destroy
    octavo_report_options octavo_report_options_destroy
}

/// Owns one C object. Neither Send nor Sync: who holds it decides, by what octavo.h says of the object.
pub(crate) struct Handle<T: Native>(NonNull<T>);

impl<T: Native> Handle<T> {
    /// Runs a C function that delivers an object through its last parameter.
    pub(crate) fn make(create: impl FnOnce(*mut *mut T) -> sys::octavo_status) -> Result<Handle<T>> {
        let mut out = ptr::null_mut();
        let status = create(&mut out);
        let made = NonNull::new(out).map(Handle); // owned before check, which may go on with a panic
        check(status)?;
        made.ok_or_else(|| Error::new(Code::Internal, "success without a result"))
    }

    pub(crate) fn get(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T: Native> Drop for Handle<T> {
    fn drop(&mut self) {
        // SAFETY: made by the library, destroyed once.
        unsafe { T::DESTROY(self.0.as_ptr()) }
    }
}

/// Text for C. `what` names the argument in the error.
pub(crate) fn c_text(what: &str, text: impl Into<Vec<u8>>) -> Result<CString> {
    CString::new(text).map_err(|e| Error::argument(format!("{what} has a zero byte at {}", e.nul_position())))
}

/// A pointer to optional text; `None` is NULL.
pub(crate) fn c_pointer(text: &Option<CString>) -> *const c_char {
    text.as_ref().map_or(ptr::null(), |text| text.as_ptr())
}

/// A path for C: its bytes on Unix, where a path need not be UTF-8.
#[cfg(unix)]
pub(crate) fn c_path(path: &Path) -> Result<CString> {
    use std::os::unix::ffi::OsStrExt;
    c_text("path", path.as_os_str().as_bytes())
}

/// A path for C: UTF-8.
#[cfg(not(unix))]
pub(crate) fn c_path(path: &Path) -> Result<CString> {
    let text = path.to_str().ok_or_else(|| Error::argument(format!("path {} is not Unicode", path.display())))?;
    c_text("path", text)
}

/// A copy of a borrowed C string.
///
/// # Safety
/// `text` points to a zero-terminated string.
pub(crate) unsafe fn owned_text(text: *const c_char) -> String {
    CStr::from_ptr(text).to_string_lossy().into_owned()
}
