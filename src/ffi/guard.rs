//! Faults stay where they belong: what the host throws is counted and answered as an error, a panic of ours never leaves.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::error::DelegateError;

/// Faults of one manager, its host's and our own.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    delegate_errors: AtomicU64,
    panics: AtomicU64,
}

impl Faults {
    /// Calls the host. Whatever it throws, panics of hosts written in Rust included, is counted and becomes one error.
    /// Never call it under a lock.
    pub(crate) fn call_out<T, E>(
        &self,
        callback: &'static str,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, DelegateError> {
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => {
                self.delegate_errors.fetch_add(1, Relaxed);
                tracing::warn!(callback, "the host threw");
                Err(DelegateError::Failed)
            }
        }
    }

    /// Runs an exported method that cannot throw. A panic of ours is counted, and the answer is `safe`.
    pub(crate) fn guarded<T>(
        &self,
        method: &'static str,
        safe: impl FnOnce() -> T,
        work: impl FnOnce() -> T,
    ) -> T {
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            self.panics.fetch_add(1, Relaxed);
            tracing::error!(method, "a fault of this library; please report it");
            safe()
        })
    }

    /// Exceptions that the host threw.
    pub(crate) fn delegate_errors(&self) -> u64 {
        self.delegate_errors.load(Relaxed)
    }

    /// Panics of ours that were caught.
    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_throws_is_counted_and_becomes_an_error() {
        let faults = Faults::default();
        assert_eq!(faults.call_out("fine", || Ok::<_, DelegateError>(7)), Ok(7));
        assert_eq!(faults.delegate_errors(), 0);
        let thrown = faults.call_out("throws", || Err::<(), _>("whatever"));
        assert_eq!(thrown, Err(DelegateError::Failed));
        #[allow(clippy::panic)]
        let panicked =
            faults.call_out("panics", || -> Result<(), DelegateError> { panic!("host") });
        assert_eq!(panicked, Err(DelegateError::Failed));
        assert_eq!((faults.delegate_errors(), faults.panics()), (2, 0));
    }

    #[test]
    fn a_panic_of_ours_is_counted_and_becomes_the_safe_answer() {
        let faults = Faults::default();
        assert_eq!(faults.guarded("fine", || 0, || 7), 7);
        #[allow(clippy::panic)]
        let safe = faults.guarded("broken", || 3, || panic!("ours"));
        assert_eq!((safe, faults.panics()), (3, 1));
    }
}
