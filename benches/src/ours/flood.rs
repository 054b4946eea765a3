//! Flat out: the host's threads, and none of ours.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use bytes::Bytes;
use datatracks::*;
use datatracks_bench_side::{Flood, Kind};

use super::host::{Host, announcement, encode, info, local, publishing, subscribed};

/// Without a wait the transport takes packets in the callback.
pub(crate) fn push(payload: &Bytes, frames: u64, each: Duration) -> Flood {
    if each.is_zero() { push_at_once(payload, frames) } else { push_slowly(payload, frames, each) }
}

fn push_at_once(payload: &Bytes, frames: u64) -> Flood {
    let arrived = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&arrived);
    let host = Host::new(move |_: PacketBatch| {
        counts.fetch_add(1, Relaxed);
    });
    let local = local(&host, Kind::Plain);
    let track = publishing(&host, &local, 1).remove(0);
    let start = Instant::now();
    (0..frames).for_each(|_| track.try_push_bytes(payload).unwrap());
    let took = start.elapsed();
    flooded(&track, arrived.load(Relaxed), took)
}

/// The transport is a thread that takes a frame's packets, and then `each`, and tells how much it still holds.
fn push_slowly(payload: &Bytes, frames: u64, each: Duration) -> Flood {
    let (channel, packets) = mpsc::channel::<PacketBatch>();
    let held = Arc::new(AtomicU64::new(0));
    let holds = Arc::clone(&held);
    let host = Host::new(move |packets: PacketBatch| {
        holds.fetch_add(packets.byte_len() as u64, Relaxed);
        drop(channel.send(packets));
    });
    let local = local(&host, Kind::Plain);
    let track = publishing(&host, &local, 1).remove(0);
    let start = Instant::now();
    local.handle_buffered_amount(0);
    let manager = &local;
    let (arrived, took) = thread::scope(|scope| {
        let transport = scope.spawn(move || transported(manager, &packets, &held, each, start));
        for _ in 0..frames {
            track.try_push_bytes(payload).unwrap();
        }
        transport.join().unwrap()
    });
    flooded(&track, arrived, took)
}

/// The books of the track beside what the transport has seen.
fn flooded(track: &LocalDataTrack, arrived: u64, took: Duration) -> Flood {
    let stats = track.stats();
    let counted = stats.frames_accepted - stats.frames_sent - stats.frames_waiting;
    Flood { given: stats.frames_accepted, arrived, counted, took }
}

fn transported(
    local: &LocalDataTrackManager,
    packets: &mpsc::Receiver<PacketBatch>,
    held: &AtomicU64,
    each: Duration,
    start: Instant,
) -> (u64, Duration) {
    let (mut arrived, mut took) = (0, Duration::ZERO);
    while let Ok(batch) = packets.recv_timeout(QUIET) {
        arrived += 1;
        thread::sleep(each);
        let bytes = batch.byte_len() as u64;
        local.handle_buffered_amount(held.fetch_sub(bytes, Relaxed) - bytes);
        took = start.elapsed();
    }
    (arrived, took)
}

pub(crate) fn read(packets: &[Bytes], times: usize) -> Flood {
    let (remote, stream) = reading();
    let start = Instant::now();
    let arrived = AtomicU64::new(0);
    let ended = AtomicBool::new(false);
    let took = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut took = Duration::ZERO;
            while read_some(&stream, &ended, |frames| {
                arrived.fetch_add(frames.len() as u64, Relaxed);
            }) {
                took = start.elapsed();
            }
            took
        });
        for _ in 0..times {
            packets.iter().for_each(|packet| remote.handle_packet_received(packet));
        }
        ended.store(true, Relaxed);
        reader.thread().unpark();
        reader.join().unwrap()
    });
    let counted = stream.stats().frames_dropped_full;
    Flood { given: (packets.len() * times) as u64, arrived: arrived.load(Relaxed), counted, took }
}

/// Waits for frames and takes what there is; false when the others have ended and there is nothing more.
fn read_some(
    stream: &DataTrackStream,
    ended: &AtomicBool,
    take: impl FnOnce(Vec<DataTrackFrame>),
) -> bool {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut next = pin!(stream.next_batch(BATCH, None));
    loop {
        let is_last_look = ended.load(Relaxed);
        match next.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(frames) => {
                take(frames.unwrap());
                return true;
            }
            Poll::Pending if is_last_look => return take_rest(stream, take),
            Poll::Pending => thread::park(),
        }
    }
}

/// A batch may wait for more although there is something: `next` does not.
fn take_rest(stream: &DataTrackStream, take: impl FnOnce(Vec<DataTrackFrame>)) -> bool {
    let rest = super::host::poll(pin!(stream.next(None)));
    let Some(frame) = rest.and_then(|frame| frame.unwrap()) else { return false };
    take(vec![frame]);
    true
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The packets of a frame come from a thread of the transport, and that thread can read it when it has handed over the last.
pub(crate) fn bursts(frames: &[Vec<Bytes>]) -> u64 {
    let (remote, stream) = reading();
    let burst = |packets: &Vec<Bytes>| {
        packets.iter().for_each(|packet| remote.handle_packet_received(packet));
        super::host::poll(pin!(stream.next(None))).is_some()
    };
    frames.iter().filter(|packets| burst(packets)).count() as u64
}

pub(crate) fn hear_signals(signals: u32, packets: &[Bytes]) -> u64 {
    let (remote, stream) = reading();
    let ended = AtomicBool::new(false);
    let tells = |number| {
        let track = info(10_000 + number, Kind::Plain);
        let told = announcement(&format!("publisher-{number}"), vec![track]);
        remote.handle_signal_response(encode(told)).unwrap();
    };
    thread::scope(|scope| {
        let reader = scope.spawn(|| while read_some(&stream, &ended, drop) {});
        let signalling = scope.spawn(|| (0..signals).for_each(tells));
        for packet in packets.iter().cycle() {
            remote.handle_packet_received(packet);
            if signalling.is_finished() {
                break;
            }
        }
        ended.store(true, Relaxed);
        reader.thread().unpark();
    });
    remote.tracks().len() as u64 - 1
}

fn reading() -> (RemoteDataTrackManager, Arc<DataTrackStream>) {
    let options = DataTrackSubscribeOptions { buffer_frames: 1024, ..Default::default() };
    let (remote, mut streams) = subscribed(Kind::Plain, 1, &options);
    (remote, streams.remove(0))
}

/// Frames that a reader takes at once.
const BATCH: u32 = 256;

/// So long without a packet: nothing comes any more.
const QUIET: Duration = Duration::from_millis(200);
