//! Flat out: the peer's actors on a runtime with a thread a core, the host's threads beside it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use datatracks_bench_side::{Flood, Kind};
use livekit_datatrack::{
    api::{DataTrackStream, DataTrackSubscribeOptions},
    backend::{
        local::OutputEvent,
        remote::{InputEvent, OutputEvent as RemoteOutput},
    },
};
use tokio_stream::StreamExt;

use crate::host::{PeerLocal, PeerRemote, announcement, info, many_threads};

/// The transport is a task that takes what the manager has, and then `each`.
pub(crate) fn push(payload: &Bytes, frames: u64, each: Duration) -> Flood {
    let runtime = many_threads();
    let (mut local, mut tracks) = runtime.block_on(PeerLocal::publishing(Kind::Plain, 1));
    let track = tracks.remove(0);
    let arrived = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&arrived);
    runtime.spawn(async move {
        while let Some(event) = local.output.next().await {
            if let OutputEvent::PacketsAvailable(_) = event {
                counts.fetch_add(1, Relaxed);
                if !each.is_zero() {
                    thread::sleep(each);
                }
            }
        }
    });
    let start = Instant::now();
    for _ in 0..frames {
        while track.try_push(payload.clone().into()).is_err() {
            thread::yield_now();
        }
    }
    let took = settled(start, &arrived);
    Flood { given: frames, arrived: arrived.load(Relaxed), counted: 0, took }
}

/// The reader is a task.
pub(crate) fn read(packets: &[Bytes], times: usize) -> Flood {
    let runtime = many_threads();
    let (remote, stream) = runtime.block_on(subscribed());
    let arrived = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&arrived);
    runtime.spawn(each_frame(stream, move |_| {
        counts.fetch_add(1, Relaxed);
    }));
    let start = Instant::now();
    let given = packets.len() * times;
    for packet in packets.iter().cycle().take(given) {
        // A transport cannot wait: what is refused is lost.
        let _ = remote.input.send(InputEvent::PacketReceived(packet.clone()));
    }
    let took = settled(start, &arrived);
    let arrived = arrived.load(Relaxed);
    Flood { given: given as u64, arrived, counted: 0, took }
}

/// The packets of a frame come from a thread of the transport.
pub(crate) fn bursts(frames: &[Vec<Bytes>]) -> u64 {
    let runtime = many_threads();
    let (remote, stream) = runtime.block_on(subscribed());
    let (sender, read) = mpsc::channel();
    runtime.spawn(each_frame(stream, move |frame| {
        let _ = sender.send(frame.len());
    }));
    let burst = |packets: &Vec<Bytes>| {
        for packet in packets {
            let _ = remote.input.send(InputEvent::PacketReceived(packet.clone()));
        }
        read.recv_timeout(PATIENCE).is_ok()
    };
    frames.iter().filter(|packets| burst(packets)).count() as u64
}

pub(crate) fn hear_signals(signals: u32, packets: &[Bytes]) -> u64 {
    let runtime = many_threads();
    let (mut remote, stream) = runtime.block_on(subscribed());
    let (input, heard) = (remote.input.clone(), Arc::new(AtomicU64::new(0)));
    let counts = Arc::clone(&heard);
    runtime.spawn(each_frame(stream, |_| {}));
    runtime.spawn(async move {
        while let Some(event) = remote.output.next().await {
            if let RemoteOutput::TrackPublished(_) = event {
                counts.fetch_add(1, Relaxed);
            }
        }
    });
    let tells = |number| {
        let track = info(10_000 + number, "heard", false);
        let _ = input.send(announcement(&format!("publisher-{number}"), vec![track]).into());
    };
    thread::scope(|scope| {
        let signalling = scope.spawn(|| (0..signals).for_each(tells));
        for packet in packets.iter().cycle() {
            let _ = input.send(InputEvent::PacketReceived(packet.clone()));
            if signalling.is_finished() {
                break;
            }
        }
    });
    settled(Instant::now(), &heard);
    heard.load(Relaxed)
}

async fn subscribed() -> (PeerRemote, DataTrackStream) {
    let options = DataTrackSubscribeOptions::default().with_buffer_size(1024);
    let (remote, mut streams) = PeerRemote::subscribed(Kind::Plain, 1, &options).await;
    (remote, streams.remove(0))
}

async fn each_frame(mut stream: DataTrackStream, take: impl Fn(Bytes)) {
    while let Some(frame) = stream.next().await {
        take(frame.payload());
    }
}

/// Waits until nothing arrives any more. Answers how long the last arrival took.
fn settled(start: Instant, arrived: &AtomicU64) -> Duration {
    let mut last = (arrived.load(Relaxed), Instant::now());
    while last.1.elapsed() < QUIET {
        thread::sleep(Duration::from_millis(1));
        let now = arrived.load(Relaxed);
        if now > last.0 {
            last = (now, Instant::now());
        }
    }
    last.1 - start
}

/// Longest wait for a frame whose packets are all handed in.
const PATIENCE: Duration = Duration::from_millis(20);

/// So long without an arrival: nothing comes any more.
const QUIET: Duration = Duration::from_millis(100);
