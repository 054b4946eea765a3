//! One thread, one frame at a time: what a frame costs on either side. `cargo bench -p datatracks-mobile`.
//!
//! Each figure is the median of several rounds, with the smallest and the largest beside it. Words after `--` choose rows:
//! `cargo bench -p datatracks-mobile -- publish plain 1024`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub
)]

#[path = "../../tests/kit/counting.rs"]
mod counting;
#[path = "../../tests/kit/pair.rs"]
mod pair;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use counting::{Counting, allocations};
use pair::{Pair, Replay};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    println!(
        "{:<10} {:<6} {:>8}  {:>10} {:>21}  {:>8} {:>7}",
        "", "", "bytes", "ns/frame", "min – max", "MB/s", "allocs"
    );
    for size in [64, 1 << 10, 64 << 10, 1 << 20] {
        let payload = vec![7; size];
        row("copy", "", size, &mut || drop(black_box(black_box(&payload[..]).to_vec())));
        for encrypted in [false, true] {
            let kind = if encrypted { "e2ee" } else { "plain" };
            let pair = Pair::new(encrypted);
            row("publish", kind, size, &mut || {
                pair.track.try_push_bytes(black_box(&payload), None).unwrap()
            });
            let pair = Pair::new(encrypted);
            let mut replay = Replay::new(&pair.packets_of(&payload));
            row("subscribe", kind, size, &mut || {
                replay.feed(&pair.remote);
                assert_eq!(black_box(pair.read()).payload.as_ref().len(), size);
            });
        }
    }
}

fn row(what: &str, kind: &str, size: usize, frame: &mut dyn FnMut()) {
    let named = [what, kind, &size.to_string()];
    let mut wanted = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    if !wanted.all(|word| named.contains(&word.as_str())) {
        return;
    }
    let frames = calibrate(frame);
    let before = allocations();
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(frames, frame)).collect();
    let per_frame = (allocations() - before) as f64 / (frames * ROUNDS as u64) as f64;
    rounds.sort_by(f64::total_cmp);
    let (least, median, most) = (rounds[0], rounds[ROUNDS / 2], rounds[ROUNDS - 1]);
    let rate = size as f64 * 1e3 / median;
    println!(
        "{what:<10} {kind:<6} {size:>8}  {median:>10.0} {:>21}  {rate:>8.0} {per_frame:>7.2}",
        format!("{least:.0} – {most:.0}")
    );
}

/// How many frames make a round, after a warm-up.
fn calibrate(frame: &mut dyn FnMut()) -> u64 {
    let start = Instant::now();
    let mut frames = 0;
    while start.elapsed() < WARM_UP {
        frame();
        frames += 1;
    }
    frames
}

fn round(frames: u64, frame: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    (0..frames).for_each(|_| frame());
    start.elapsed().as_secs_f64() * 1e9 / frames as f64
}

/// Odd, so that there is a median.
const ROUNDS: usize = 7;

const WARM_UP: Duration = Duration::from_millis(100);
