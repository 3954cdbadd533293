//! Stopping long work from another thread.

use std::fmt;
use std::sync::Arc;

use octavo_sys as sys;

use crate::error::Result;
use crate::handle::Handle;

/// A flag that stops long work: the call that was given it fails with [`Cancelled`](crate::Code::Cancelled) soon. Clones
/// are the same flag. May be used from any number of threads at once.
///
/// ```
/// let cancel = octavo::Cancel::new()?;
/// let other = cancel.clone();
/// std::thread::spawn(move || other.request()).join().unwrap();
/// assert!(cancel.is_requested());
/// # Ok::<(), octavo::Error>(())
/// ```
#[derive(Clone)]
pub struct Cancel(Arc<Flag>);

struct Flag(Handle<sys::octavo_cancel>);

// SAFETY: octavo.h allows an octavo_cancel on any number of threads at once.
unsafe impl Send for Flag {}
// SAFETY: as above.
unsafe impl Sync for Flag {}

impl Cancel {
    /// A flag that is down.
    ///
    /// # Errors
    /// [`OutOfMemory`](crate::Code::OutOfMemory).
    pub fn new() -> Result<Cancel> {
        // SAFETY: `out` is the function's to fill.
        Handle::make(|out| unsafe { sys::octavo_cancel_create(out) }).map(|handle| Cancel(Arc::new(Flag(handle))))
    }

    /// Raises the flag. It stays raised until it is reset.
    pub fn request(&self) {
        // SAFETY: the object lives, any thread may do this.
        unsafe { sys::octavo_cancel_request(self.get()) }
    }

    /// Lowers the flag, so that it can be used again.
    pub fn reset(&self) {
        // SAFETY: as above.
        unsafe { sys::octavo_cancel_reset(self.get()) }
    }

    /// Whether the flag is raised.
    pub fn is_requested(&self) -> bool {
        // SAFETY: as above.
        unsafe { sys::octavo_cancel_requested(self.get()) != 0 }
    }

    pub(crate) fn get(&self) -> *mut sys::octavo_cancel {
        self.0 .0.get()
    }
}

/// NULL for `None`.
pub(crate) fn c_cancel(cancel: Option<&Cancel>) -> *const sys::octavo_cancel {
    cancel.map_or(std::ptr::null(), |cancel| cancel.get())
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancel(requested: {})", self.is_requested())
    }
}
