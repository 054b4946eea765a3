//! Why an aim is missed.

/// Row, what bounds it, and what would lift it.
pub(crate) const WHY: &[(&str, &str)] = &[
    (
        "publish/1KiB",
        "a push reads the clock, takes three locks and calls the host under a guard, and in a library that is compiled for size each \
lock is three calls",
    ),
    (
        "publish/1MiB",
        "both crates make one copy, and both make it at the speed of memory: see the limit. The peer's is spread over 66 buffers, which \
costs it page faults only in a process whose heap shrinks after each frame; in this one it does not. Less than a copy would \
take hosts that accept headers and payload apart, which no data channel's API does",
    ),
    (
        "subscribe/1KiB",
        "as `publish/1KiB`: a clock, and locks that are calls. The \
copy of the payload, which the peer does not make for frames of one packet, is 8 ns",
    ),
    (
        "sealed/64KiB",
        "the cipher alone works between buffers that stay in the cache. A frame is copied twice beside that: into its packets, and \
when it is put together. Sealing right into the packets, around their headers, would save the first copy; the crate that seals takes no \
buffer in parts",
    ),
    (
        "latency/packet to frame, p50",
        "0.36 µs on an Intel Xeon, where it is met. On an AMD EPYC it grows with the time in which no frame comes: 0.4 to 1.0 after 10 µs, 0.8 to 1.5 after \
100 µs, as here, and 2 after 1 ms, whether the thread yields meanwhile or spins (the peer: 11, 15, 45). What fits is that code and data have left the \
caches, not the clock of a core that rests. What touches less of both for a frame would lift it",
    ),
    (
        "flood/read, 1KiB",
        "handing a packet in takes some 200 ns on a thread that nobody disturbs, which would be 5 M a second. With a reader on another core \
memory moves between the two: the lock, the buffer, and what a frame is counted in; and 72 MB of packets come from main memory. The kernel has no \
part in it: a reader who has caught up rests for 10 µs before it sleeps, in which some dozen frames come, and frames of a flood share memory that no \
other thread frees. What is dropped is dropped by a full buffer of 1 024 frames, with a count. A ring of its own for each reader, whose ends two threads touch \
without a lock, would lift it",
    ),
];
