//! Lockstep: the caller's thread does everything.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use datatracks::*;
use datatracks_bench_side::{Kind, Out, Publisher, Subscriber, Work};

use super::host::{Host, announcement, encode, info, local, poll, publishing, subscribed};

pub(crate) struct Sender {
    _local: LocalDataTrackManager,
    tracks: Vec<Arc<LocalDataTrack>>,
    transport: Arc<Transport>,
}

pub(crate) struct Reader {
    remote: RemoteDataTrackManager,
    streams: Vec<Arc<DataTrackStream>>,
}

/// A transport that costs nothing: it looks at each packet, as one that sends them must.
#[derive(Default)]
struct Transport {
    packets: AtomicU64,
    bytes: AtomicU64,
    keeps: AtomicBool,
    kept: Mutex<Vec<Bytes>>,
}

impl Sender {
    pub(crate) fn new(kind: Kind, tracks: usize) -> Self {
        let transport = Arc::new(Transport::default());
        let takes = Arc::clone(&transport);
        let host = Host::new(move |packets| takes.take(packets));
        let local = local(&host, kind);
        let tracks = publishing(&host, &local, tracks);
        Self { _local: local, tracks, transport }
    }
}

impl Publisher for Sender {
    fn push(&mut self, payload: &Bytes, frames: u64) -> Work {
        let before = self.transport.so_far();
        Work::of(|| {
            for track in self.tracks.iter().cycle().take(frames as usize) {
                track.try_push_bytes(payload).unwrap();
            }
            let after = self.transport.so_far();
            Out { pieces: after.pieces - before.pieces, bytes: after.bytes - before.bytes }
        })
    }

    fn packets_of(&mut self, payload: &Bytes) -> Vec<Bytes> {
        self.transport.keeps.store(true, Relaxed);
        self.tracks[0].try_push_bytes(payload).unwrap();
        self.transport.keeps.store(false, Relaxed);
        std::mem::take(&mut *self.transport.kept.lock().unwrap())
    }
}

impl Transport {
    fn take(&self, packets: PacketBatch) {
        if self.keeps.load(Relaxed) {
            return self.kept.lock().unwrap().extend(packets.into_packets());
        }
        let mut out = Out::default();
        packets.into_packets().for_each(|packet| out.add(packet.len()));
        // One thread at a time: no need to lock the bus.
        self.packets.store(self.packets.load(Relaxed) + out.pieces, Relaxed);
        self.bytes.store(self.bytes.load(Relaxed) + out.bytes, Relaxed);
    }

    fn so_far(&self) -> Out {
        Out { pieces: self.packets.load(Relaxed), bytes: self.bytes.load(Relaxed) }
    }
}

impl Reader {
    pub(crate) fn new(kind: Kind, tracks: usize) -> Self {
        let (remote, streams) = subscribed(kind, tracks, &DataTrackSubscribeOptions::default());
        Self { remote, streams }
    }

    /// Others come, and publish a track each.
    pub(crate) fn meet(&self, others: usize) {
        for number in 2..others as u32 + 2 {
            let tracks = vec![info(number, Kind::Plain)];
            let update = announcement(&format!("other-{number}"), tracks);
            self.remote.handle_signal_response(encode(update)).unwrap();
        }
    }

    /// More streams of the first track.
    pub(crate) fn subscribe_again(&mut self, times: usize) {
        let track = self.remote.tracks().remove(0);
        let subscribe = |_| {
            poll(pin!(track.subscribe_with_options(DataTrackSubscribeOptions::default(), None)))
        };
        let streams = (0..times).map(subscribe);
        self.streams.extend(streams.map(|stream| stream.expect("is subscribed").unwrap()));
    }

    /// Hands packets in, and reads so many frames from each stream: bytes.
    pub(crate) fn read_all(&self, packets: &[Bytes], frames: usize) -> usize {
        packets.iter().for_each(|packet| self.remote.handle_packet_received(packet));
        let read = |stream| (0..frames).map(|_| next(stream).0.len()).sum::<usize>();
        self.streams.iter().map(|stream| read(stream)).sum()
    }

    fn read(&self, packets: &[Bytes], track: usize) -> Payload {
        packets.iter().for_each(|packet| self.remote.handle_packet_received(packet));
        next(&self.streams[track])
    }
}

fn next(stream: &DataTrackStream) -> Payload {
    let frame = poll(pin!(stream.next(None))).expect("a frame is there");
    frame.unwrap().expect("the stream is open").payload
}

impl Subscriber for Reader {
    fn receive(&mut self, frames: &[Vec<Bytes>]) -> Work {
        Work::of(|| {
            let mut out = Out::default();
            for (number, packets) in frames.iter().enumerate() {
                out.add(self.read(packets, number % self.streams.len()).0.len());
            }
            out
        })
    }

    fn frame_of(&mut self, packets: &[Bytes]) -> Bytes {
        self.read(packets, 0).0
    }
}
