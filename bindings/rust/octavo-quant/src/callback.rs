//! Panics of callbacks: they must not unwind through C, so they wait here until the call is over.

use std::any::Any;
use std::cell::Cell;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

thread_local! {
    static PENDING: Cell<Option<Box<dyn Any + Send>>> = const { Cell::new(None) };
}

/// Runs a callback. `None` if it panicked, now or earlier during the same call: [`resume`] goes on with the panic.
pub(crate) fn guard<R>(callback: impl FnOnce() -> R) -> Option<R> {
    let earlier = PENDING.with(Cell::take);
    if earlier.is_some() {
        PENDING.with(|pending| pending.set(earlier));
        return None;
    }
    match catch_unwind(AssertUnwindSafe(callback)) {
        Ok(result) => Some(result),
        Err(panic) => {
            PENDING.with(|pending| pending.set(Some(panic)));
            None
        }
    }
}

/// After each C call: goes on with the panic of a callback that ran inside it.
pub(crate) fn resume() {
    if let Some(panic) = PENDING.with(Cell::take) {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_panic_is_resumed_and_later_callbacks_do_not_run() {
        assert_eq!(guard(|| 1), Some(1));
        assert_eq!(guard(|| -> i32 { panic!("first") }), None);
        assert_eq!(guard(|| 2), None);
        let panic = catch_unwind(resume).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"first"));
        assert_eq!(guard(|| 3), Some(3));
        resume();
    }
}
