//! Bytes made by the library.

use std::fmt;
use std::ops::Deref;

use octavo_sys as sys;

use crate::error::Result;
use crate::handle::Handle;

/// A model or statistics as bytes, in memory of the library: a `[u8]`.
pub struct Buffer {
    _handle: Handle<sys::octavo_buffer>,
    data: *const u8,
    size: usize,
}

// SAFETY: any thread may destroy an octavo_buffer.
unsafe impl Send for Buffer {}
// SAFETY: its bytes are immutable, and no method calls the library.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Runs a C function that delivers a buffer.
    pub(crate) fn make(create: impl FnOnce(*mut *mut sys::octavo_buffer) -> sys::octavo_status) -> Result<Buffer> {
        let handle = Handle::make(create)?;
        // SAFETY: the buffer lives. Its data is never NULL: a zero byte follows the last.
        let (data, size) =
            unsafe { (sys::octavo_buffer_data(handle.get()).cast(), sys::octavo_buffer_size(handle.get())) };
        Ok(Buffer { _handle: handle, data, size })
    }

    /// The same for text, which is copied.
    pub(crate) fn text(create: impl FnOnce(*mut *mut sys::octavo_buffer) -> sys::octavo_status) -> Result<String> {
        Ok(String::from_utf8_lossy(&Buffer::make(create)?).into_owned())
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the memory lives as long as the handle and is never written to.
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.size)
    }
}
