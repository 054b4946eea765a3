//! Why an aim is missed.

/// Row, and what bounds it.
pub(crate) const WHY: &[(&str, &str)] = &[
    (
        "publish/1KiB",
        "the library is compiled for size, where locks and their guards are calls, and a push takes three; compiled for speed \
it takes 55 ns less and weighs 230 KB more",
    ),
    (
        "publish/1MiB",
        "both crates make one copy, and both make it at the speed of memory: see the limit. The peer's is spread over 66 buffers, which \
costs it page faults only in a process whose heap shrinks after each frame; in this one it does not",
    ),
    (
        "subscribe/1KiB",
        "as `publish/1KiB`: locks and guards that are calls. The copy of the payload, which the peer does not make for frames of one \
packet, is 8 ns of it",
    ),
    (
        "sealed/64KiB",
        "the cipher alone works between buffers that stay in the cache. A frame is sealed on its way into packets, moved apart to make \
room for their headers, and copied once more when it is put together",
    ),
    (
        "flood/read, 1KiB",
        "handing a packet in and reading its frame is 240 ns on one thread, which would be 4 M a second. With two, each sleep \
of the reader is a wake-up by the thread that hands in, through the kernel, and both take turns at one lock. What is dropped is dropped \
by a full buffer of 1 024 frames, with a count",
    ),
];
