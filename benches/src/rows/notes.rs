//! Why an aim is missed.

/// Row, and what bounds it.
pub(crate) const WHY: &[(&str, &str)] = &[
    (
        "publish/1KiB",
        "a push reads the clock, takes three locks and calls the host under a guard, and in a library that is compiled for size each \
lock is three calls",
    ),
    (
        "publish/1MiB",
        "both crates make one copy, and both make it at the speed of memory: see the limit. The peer's is spread over 66 buffers, which \
costs it page faults only in a process whose heap shrinks after each frame; in this one it does not",
    ),
    (
        "subscribe/1KiB",
        "as `publish/1KiB`: a clock, and locks that are calls. `bytes` is compiled for size as well, which is 18 ns of it and saves 1.6 KB; the \
copy of the payload, which the peer does not make for frames of one packet, is 8 ns",
    ),
    (
        "sealed/64KiB",
        "the cipher alone works between buffers that stay in the cache. A frame is copied twice beside that: into its packets, and \
when it is put together",
    ),
    (
        "flood/read, 1KiB",
        "handing a packet in and reading its frame is some 200 ns on one thread, which would be 5 M a second. With two, memory moves \
from core to core: the lock, the buffer, and what a frame is counted in; and 72 MB of packets come from main memory. The kernel has no part in it \
any more: a reader who has caught up lets some turns pass before it sleeps, and frames of a flood share memory that no other thread frees. \
What is dropped is dropped by a full buffer of 1 024 frames, with a count",
    ),
];
