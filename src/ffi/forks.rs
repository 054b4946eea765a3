//! Which fork of a process this is. Whoever holds what must not be used twice, or by another process, asks before each use, so it
//! costs a load: asking the system for the process's number is a call of the system, a third of what a small sealed frame costs.

use std::sync::{
    Once,
    atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
};

/// How many forks lie between this process and the one that asked first. Of two processes with the same memory, one has another number.
pub(crate) fn generation() -> u32 {
    HEEDING.call_once(heed);
    if DEAF.load(Relaxed) { born() } else { GENERATION.load(Relaxed) }
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn heed() {
    extern "C" fn in_the_child() {
        born();
    }
    // SAFETY: the handler touches one atomic number, which a child may do even where its parent had threads.
    let status = unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) };
    DEAF.store(status != 0, Relaxed);
}

/// Nothing forks here.
#[cfg(not(unix))]
fn heed() {}

fn born() -> u32 {
    GENERATION.fetch_add(1, Relaxed)
}

static HEEDING: Once = Once::new();
static GENERATION: AtomicU32 = AtomicU32::new(0);
/// The system had no memory to tell us of forks: each look sees a new one.
static DEAF: AtomicBool = AtomicBool::new(false);
