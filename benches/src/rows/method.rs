//! How it is measured, in words.

/// Opens the page.
pub(crate) const TEXT: &str = "\
`cargo tasks bench` makes this page; `cargo tasks bench --quick` is the short form that `cargo tasks test` ends with. All rounds are in
[benchmarks.json](benchmarks.json).

Both crates do the same work in one process, in turns, on the same bytes; a figure is the median of fifteen rounds, three in each of five
processes, with the least and the most beside it. A ratio is one of medians, above 1 where datatracks is better; beside it the least and the most of single rounds. What comes out is counted in
every round, and compared by a hash before the first; in `order` each frame is.

- **datatracks** is built as it ships: its flags, its profile. **livekit-datatrack** is a shared library of its own, built with cargo's defaults and
  full optimization, since our flags (for size) would slow it down.
- **Lockstep** (`publish`, `subscribe`, `sealed`): one frame at a time on one thread, the peer's actors on a current-thread tokio runtime, so nothing waits
  and nothing is lost. The figure is CPU time of that thread. The peer is given frames and packets as shared `Bytes`, which it need not copy;
  datatracks borrows them.
- `sealed` pushes a frame and reads it. The peer has no cipher of its own: it gets the least that a provider can be, over the same `aes-gcm`. As
  many frames as make 64 KiB are between two looks at the clock, and what the looks cost is taken off.
- **limit**: a bare copy into memory that is there, or `aes-gcm` alone into such memory. The percentage is how much of its speed datatracks reaches.
- `tracks`: `publish` and `subscribe` of 1 KiB on one track after the other. 10 000 of them take 16 MB, so each comes from farther away than one that
  has just been used: that is what a frame costs more.
- `participants`, `streams`, `in flight`: does a frame cost more where more publishers are known, where its track has more streams (the figure is of one
  frame in one stream), where more frames of a track are incomplete at once? Of datatracks alone: what is looked for is whether the cost grows. 16 incomplete
  frames are 1 MiB, which the caches nearest to the processor do not hold.
- `flood`, `burst`, `signals`, `latency`: the peer's actors on tokio's default runtime, a thread a core, and the host's threads beside it. A side
  that loses frames shows how many beside its speed: *lost*, nobody knows of it; *dropped and counted*, a full buffer of 1 024 frames (or a full waiting room)
  made room, and the stats say so. The slow transport needs 100 µs a frame. A latency is at 10 000 frames of 1 KiB a second.
- `order`: frames of 64 KiB, each packet up to k places late, one packet in a hundred twice. *Peer tuned*: it may hold 64 incomplete frames instead of one.
- `idle`: 1 000 published and 1 000 subscribed tracks, live bytes of the allocator. `at once`: 1 000 calls to publish before the first answer.";
