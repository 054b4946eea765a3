//! How it is measured, in words.

/// Opens the page.
pub(crate) const TEXT: &str = "\
`cargo tasks bench` makes this page; `cargo tasks bench --quick` is the short form that `cargo tasks test` ends with. All rounds are in
[benchmarks.json](benchmarks.json).

Both crates do the same work in one process, in turns, on the same bytes; a figure is the median of nine rounds with the least and the most
beside it, a ratio is one of medians, above 1 where datatracks is better. What comes out is counted in every round, and hashed.

- **datatracks** is built as it ships: its flags, its profile. **livekit-datatrack** is a shared library of its own, built with cargo's defaults and
  full optimization, since our flags (for size) would slow it down.
- **Lockstep** (`publish`, `subscribe`, `sealed`): one frame at a time on one thread, the peer's actors on a current-thread tokio runtime, so nothing waits
  and nothing is lost. The figure is CPU time of that thread. The peer is given frames and packets as shared `Bytes`, which it need not copy;
  datatracks borrows them.
- `sealed` pushes a frame and reads it. The peer has no cipher of its own: it gets the least that a provider can be, over the same `aes-gcm`.
- **limit**: a bare copy into memory that is there, or `aes-gcm` alone into such memory. The percentage is how much of its speed datatracks reaches.";
