//! Threads, limits and log: what everything else is made in.

use std::fmt;
use std::os::raw::{c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use octavo_sys as sys;

use crate::callback::guard;
use crate::error::{check, Code, Error, Result};
use crate::handle::{owned_text, Handle};

/// How much a log is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogLevel {
    /// What the user should look into.
    Warning = 1,
    /// What was done.
    Info = 2,
    /// Why.
    Debug = 3,
}

type Log = Box<dyn Fn(LogLevel, &str) + Send + Sync>;
type Parallel = Box<dyn Fn(usize, &(dyn Fn(usize) + Sync)) + Send + Sync>;

/// What a [`Context`] is made with. Everything has a default.
///
/// ```
/// let context = octavo::ContextOptions::new().threads(2).memory_limit(1 << 30).create()?;
/// let model = octavo::Model::load_with("../../../examples/demo/digits.onnx", &octavo::LoadOptions::new().context(&context))?;
/// assert!(context.memory()?.live > 0);
/// # Ok::<(), octavo::Error>(())
/// ```
#[derive(Default)]
#[must_use]
pub struct ContextOptions {
    threads: i32,
    limits: [Option<i64>; 5],
    log: Option<(LogLevel, Log)>,
    parallel: Option<Parallel>,
}

/// The setters of the limits, in the order of `ContextOptions::limits`.
type SetLimit = unsafe extern "C" fn(*mut sys::octavo_context_options, i64) -> sys::octavo_status;
const SET_LIMIT: [SetLimit; 5] = [
    sys::octavo_context_options_set_memory_limit,
    sys::octavo_context_options_set_file_limit,
    sys::octavo_context_options_set_fold_limit,
    sys::octavo_context_options_set_node_limit,
    sys::octavo_context_options_set_string_limit,
];

impl ContextOptions {
    /// All defaults.
    pub fn new() -> ContextOptions {
        ContextOptions::default()
    }

    /// Threads of sessions, calibrators and reports that do not say otherwise, the calling one included; at most 1024.
    /// 0, the default: one for each processor this process may use.
    pub fn threads(mut self, threads: usize) -> ContextOptions {
        self.threads = c_count(threads);
        self
    }

    /// Live bytes of all tensors, weights and scratch; at least 1. Default: no limit.
    pub fn memory_limit(self, bytes: u64) -> ContextOptions {
        self.limit(0, bytes)
    }

    /// Bytes of a model file, and of each external data file; at least 1. Default: 1 TiB.
    pub fn file_limit(self, bytes: u64) -> ContextOptions {
        self.limit(1, bytes)
    }

    /// Bytes of all constants that simplifying one model makes; at least 1. Default: 64 MiB.
    pub fn fold_limit(self, bytes: u64) -> ContextOptions {
        self.limit(2, bytes)
    }

    /// Nodes of a model; at least 1. Default: 1 000 000.
    pub fn node_limit(self, nodes: u64) -> ContextOptions {
        self.limit(3, nodes)
    }

    /// Bytes of a name in a model; at least 1. Default: 65 536.
    pub fn string_limit(self, bytes: u64) -> ContextOptions {
        self.limit(4, bytes)
    }

    fn limit(mut self, which: usize, value: u64) -> ContextOptions {
        self.limits[which] = Some(i64::try_from(value).unwrap_or(i64::MAX));
        self
    }

    /// Tells `log` what the library does: messages up to `level`, one line each. Called on the thread that called the
    /// library, possibly from several at once. It must not call the library. If it panics, the panic goes on where the
    /// library was called.
    ///
    /// What it holds must be safe to use from other threads:
    ///
    /// ```compile_fail,E0277
    /// let lines = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    /// octavo::ContextOptions::new()
    ///     .log(octavo::LogLevel::Info, move |_, line| lines.borrow_mut().push(line.to_owned()));
    /// ```
    pub fn log(mut self, level: LogLevel, log: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> ContextOptions {
        self.log = Some((level, Box::new(log)));
        self
    }

    /// Lends threads of the caller's: sessions then start none. `run(count, body)` calls `body(i)` once for each `i` below
    /// `count`, from any threads; [`threads`](ContextOptions::threads) says into how many pieces work is cut. Called on the
    /// thread that runs a session, possibly from several at once.
    ///
    /// What `run` leaves out is done on the calling thread when it returns, what it repeats is ignored. If it panics, the
    /// panic goes on where the library was called.
    ///
    /// ```
    /// let context = octavo::ContextOptions::new()
    ///     .threads(2)
    ///     .parallel(|count, body| {
    ///         std::thread::scope(|scope| {
    ///             for i in 0..count {
    ///                 scope.spawn(move || body(i));
    ///             }
    ///         })
    ///     })
    ///     .create()?;
    /// # Ok::<(), octavo::Error>(())
    /// ```
    pub fn parallel(mut self, run: impl Fn(usize, &(dyn Fn(usize) + Sync)) + Send + Sync + 'static) -> ContextOptions {
        self.parallel = Some(Box::new(run));
        self
    }

    /// The context.
    ///
    /// # Errors
    /// [`InvalidArgument`](Code::InvalidArgument) for an option out of range; [`InvalidState`](Code::InvalidState) if the
    /// library that was found has another ABI than the one this crate is written for.
    pub fn create(self) -> Result<Context> {
        // SAFETY: no arguments.
        let abi = unsafe { sys::octavo_abi_version() };
        if abi != sys::OCTAVO_ABI_VERSION {
            return Err(Error::new(
                Code::InvalidState,
                format!("liboctavo has ABI {abi}, this crate is written for {}", sys::OCTAVO_ABI_VERSION),
            ));
        }
        // SAFETY: `options` lives until the end; the boxed callbacks live in Inner as long as anything made in the context.
        unsafe {
            let options = Handle::make(|out| sys::octavo_context_options_create(out))?;
            check(sys::octavo_context_options_set_threads(options.get(), self.threads))?;
            for (limit, set) in self.limits.iter().zip(SET_LIMIT) {
                if let Some(limit) = limit {
                    check(set(options.get(), *limit))?;
                }
            }
            let log = self.log.map(|(level, log)| (level, Box::new(log)));
            if let Some((level, log)) = &log {
                let user_data = &**log as *const Log as *mut c_void;
                check(sys::octavo_context_options_set_log(options.get(), *level as i32, Some(tell), user_data))?;
            }
            let parallel = self.parallel.map(Box::new);
            if let Some(parallel) = &parallel {
                let user_data = &**parallel as *const Parallel as *mut c_void;
                check(sys::octavo_context_options_set_parallel(options.get(), Some(run_parallel), user_data))?;
            }
            let handle = Handle::make(|out| sys::octavo_context_create(options.get(), out))?;
            Ok(Context(Arc::new(Inner { handle, _log: log.map(|(_, log)| log), _parallel: parallel })))
        }
    }
}

impl fmt::Debug for ContextOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextOptions").field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// A count as C takes it; too large a one stays too large.
pub(crate) fn c_count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

unsafe extern "C" fn tell(level: i32, message: *const c_char, user_data: *mut c_void) {
    let log = &*(user_data as *const Log);
    let level = match level {
        1 => LogLevel::Warning,
        2 => LogLevel::Info,
        _ => LogLevel::Debug,
    };
    guard(|| log(level, &owned_text(message)));
}

unsafe extern "C" fn run_parallel(
    body: sys::octavo_parallel_body,
    body_data: *mut c_void,
    count: usize,
    user_data: *mut c_void,
) {
    let (body, data) = match body {
        Some(body) => (body, Shared(body_data)),
        None => return,
    };
    let run = &*(user_data as *const Parallel);
    // octavo.h: body may be called from any thread, once for each index.
    once_each(
        count,
        |each| {
            guard(|| run(count, each));
        },
        |i| body(data.get(), i),
    );
}

/// A pointer that octavo.h allows on any thread.
#[derive(Clone, Copy)]
struct Shared(*mut c_void);
// SAFETY: as its comment says.
unsafe impl Sync for Shared {}
// SAFETY: as its comment says.
unsafe impl Send for Shared {}

impl Shared {
    fn get(self) -> *mut c_void {
        self.0
    }
}

/// Lets `run` call `body`, and sees to it that each index is done exactly once whatever `run` does.
fn once_each(count: usize, run: impl FnOnce(&(dyn Fn(usize) + Sync)), body: impl Fn(usize) + Sync) {
    let done: Vec<AtomicBool> = (0..count).map(|_| AtomicBool::new(false)).collect();
    let each = |i: usize| {
        if i < count && !done[i].swap(true, Ordering::Relaxed) {
            body(i);
        }
    };
    run(&each);
    (0..count).for_each(each);
}

struct Inner {
    handle: Handle<sys::octavo_context>,
    _log: Option<Box<Log>>,
    _parallel: Option<Box<Parallel>>,
}

// SAFETY: octavo.h allows an octavo_context on any number of threads at once; the callbacks are Send + Sync.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

/// What everything else is made in: threads, limits, log. One per process is usual, and made by itself; several are
/// independent. Clones are the same context. Safe to use from any number of threads at once.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

/// Bytes of tensors, weights and scratch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// That live now.
    pub live: u64,
    /// The most that ever lived.
    pub peak: u64,
}

impl Context {
    /// The context of all that is made without naming one; it has all defaults and is made when first used.
    ///
    /// # Errors
    /// [`OutOfMemory`](Code::OutOfMemory); [`InvalidState`](Code::InvalidState) as in [`ContextOptions::create`].
    pub fn global() -> Result<Context> {
        static GLOBAL: Mutex<Option<Context>> = Mutex::new(None);
        let mut global = GLOBAL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = &*global {
            return Ok(context.clone());
        }
        let context = ContextOptions::new().create()?;
        *global = Some(context.clone());
        Ok(context)
    }

    /// Memory in use.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn memory(&self) -> Result<Memory> {
        let (mut live, mut peak) = (0, 0);
        // SAFETY: the context lives.
        check(unsafe { sys::octavo_context_memory(self.get(), &mut live, &mut peak) })?;
        Ok(Memory { live: live as u64, peak: peak as u64 })
    }

    pub(crate) fn get(&self) -> *mut sys::octavo_context {
        self.0.handle.get()
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn counts(run: impl FnOnce(&(dyn Fn(usize) + Sync))) -> Vec<usize> {
        let counts: Vec<AtomicUsize> = (0..5).map(|_| AtomicUsize::new(0)).collect();
        once_each(5, run, |i| {
            counts[i].fetch_add(1, Ordering::Relaxed);
        });
        counts.into_iter().map(AtomicUsize::into_inner).collect()
    }

    #[test]
    fn each_index_is_done_once_whatever_the_runner_does() {
        assert_eq!(counts(|body| (0..5).for_each(body)), [1; 5]);
        assert_eq!(counts(|_| ()), [1; 5]);
        assert_eq!(counts(|body| [3, 3, 9, usize::MAX, 0].into_iter().for_each(body)), [1; 5]);
        let threads = |body: &(dyn Fn(usize) + Sync)| {
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| (0..5).rev().for_each(body));
                }
            });
        };
        assert_eq!(counts(threads), [1; 5]);
    }
}
