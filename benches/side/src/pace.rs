//! Frames at a given pace, and when each arrives.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;

/// When each numbered frame came out. Its number is the end of its last packet.
pub struct Arrivals {
    start: Instant,
    at: Vec<AtomicU64>,
}

impl Arrivals {
    pub fn new(frames: usize) -> Arc<Self> {
        let at = (0..frames).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { start: Instant::now(), at })
    }

    /// Notes the frame of this packet.
    pub fn note(&self, packet: &[u8]) {
        let now = self.start.elapsed();
        let number = packet.last_chunk().map_or(0, |number| u64::from_be_bytes(*number));
        if let Some(at) = self.at.get(number as usize) {
            at.store(now.as_nanos() as u64, Relaxed);
        }
    }
}

/// Pushes so many frames, one each `gap`, and answers the delays of those that arrived.
pub fn pushed(arrivals: &Arrivals, gap: Duration, mut push: impl FnMut(usize)) -> Vec<Duration> {
    let begin = Instant::now();
    let mut at = Vec::with_capacity(arrivals.at.len());
    for number in 0..arrivals.at.len() {
        wait_until(begin + gap * number as u32);
        at.push(arrivals.start.elapsed());
        push(number);
    }
    thread::sleep(SETTLE);
    let arrived = arrivals.at.iter().map(|at| Duration::from_nanos(at.load(Relaxed)));
    arrived.zip(at).filter_map(|(arrived, pushed)| arrived.checked_sub(pushed)).collect()
}

/// Hands packets in, one each `gap`, and answers when a reader that waits for each frame was woken. `read` polls for a frame.
pub fn readable(
    packets: &[Bytes],
    gap: Duration,
    mut feed: impl FnMut(&Bytes),
    mut read: impl FnMut(&mut Context<'_>) -> Poll<()>,
) -> Vec<Duration> {
    let stamp = Arc::new(Stamp::new());
    let waker = Waker::from(Arc::clone(&stamp));
    let mut context = Context::from_waker(&waker);
    let begin = Instant::now();
    let mut delays = Vec::with_capacity(packets.len());
    for (packet, number) in packets.iter().zip(0_u32..) {
        while read(&mut context).is_ready() {}
        wait_until(begin + gap * number);
        stamp.clear();
        let fed = stamp.start.elapsed();
        feed(packet);
        while stamp.at().is_none() && stamp.start.elapsed() < fed + PATIENCE {
            thread::yield_now();
        }
        delays.extend(stamp.at().and_then(|at| at.checked_sub(fed)));
    }
    delays
}

/// A waker that notes when it is woken first.
struct Stamp {
    start: Instant,
    at: AtomicU64,
}

impl Stamp {
    fn new() -> Self {
        Self { start: Instant::now(), at: AtomicU64::new(0) }
    }

    fn clear(&self) {
        self.at.store(0, Relaxed);
    }

    fn at(&self) -> Option<Duration> {
        let at = self.at.load(Relaxed);
        (at > 0).then(|| Duration::from_nanos(at))
    }
}

impl Wake for Stamp {
    fn wake(self: Arc<Self>) {
        let now = self.start.elapsed().as_nanos() as u64;
        let _ = self.at.compare_exchange(0, now, Relaxed, Relaxed);
    }
}

/// How many threads this process has, when those that are about to end have ended.
pub fn threads() -> u64 {
    thread::sleep(SETTLE);
    fs::read_dir("/proc/self/task").map_or(0, |tasks| tasks.count() as u64)
}

fn wait_until(at: Instant) {
    while Instant::now() < at {
        thread::yield_now();
    }
}

/// Time for what is under way to arrive.
const SETTLE: Duration = Duration::from_millis(50);

/// A frame that is not there by then is lost.
const PATIENCE: Duration = Duration::from_millis(20);
