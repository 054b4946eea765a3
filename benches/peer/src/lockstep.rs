//! Lockstep: all actors and the host share one thread, so that nothing waits and nothing is lost.

use bytes::Bytes;
use datatracks_bench_side::{Kind, Out, Publisher, Subscriber, Work};
use livekit_datatrack::{
    api::{DataTrackStream, DataTrackSubscribeOptions, LocalDataTrack},
    backend::{local::OutputEvent, remote::InputEvent},
};
use tokio::runtime::Runtime;
use tokio_stream::StreamExt;

use crate::host::{PeerLocal, PeerRemote, one_thread};

pub(crate) struct Sender {
    runtime: Runtime,
    local: PeerLocal,
    tracks: Vec<LocalDataTrack>,
}

pub(crate) struct Reader {
    runtime: Runtime,
    remote: PeerRemote,
    streams: Vec<DataTrackStream>,
}

impl Sender {
    pub(crate) fn new(kind: Kind, tracks: usize) -> Self {
        let runtime = one_thread();
        let (local, tracks) = runtime.block_on(PeerLocal::publishing(kind, tracks));
        Self { runtime, local, tracks }
    }
}

impl Publisher for Sender {
    /// A frame is given as shared bytes: its owner copies nothing.
    fn push(&mut self, payload: &Bytes, frames: u64) -> Work {
        let Self { runtime, local, tracks } = self;
        let all = async {
            let mut out = Out::default();
            for track in tracks.iter().cycle().take(frames as usize) {
                track.try_push(payload.clone().into()).unwrap();
                packets(local).await.iter().for_each(|packet| out.add(packet.len()));
            }
            out
        };
        Work::of(|| runtime.block_on(all))
    }

    fn packets_of(&mut self, payload: &Bytes) -> Vec<Bytes> {
        self.tracks[0].try_push(payload.clone().into()).unwrap();
        self.runtime.block_on(packets(&mut self.local))
    }
}

async fn packets(local: &mut PeerLocal) -> Vec<Bytes> {
    loop {
        if let Some(OutputEvent::PacketsAvailable(packets)) = local.output.next().await {
            return packets;
        }
    }
}

impl Reader {
    pub(crate) fn new(kind: Kind, tracks: usize) -> Self {
        let runtime = one_thread();
        let options = DataTrackSubscribeOptions::default().with_buffer_size(BUFFER);
        let (remote, streams) = runtime.block_on(PeerRemote::subscribed(kind, tracks, &options));
        Self { runtime, remote, streams }
    }
}

impl Subscriber for Reader {
    fn receive(&mut self, frames: &[Vec<Bytes>]) -> Work {
        let Self { runtime, remote, streams } = self;
        let count = streams.len();
        let all = async {
            let mut out = Out::default();
            for (number, packets) in frames.iter().enumerate() {
                out.add(read(remote, &mut streams[number % count], packets).await.len());
            }
            out
        };
        Work::of(|| runtime.block_on(all))
    }

    fn frame_of(&mut self, packets: &[Bytes]) -> Bytes {
        self.runtime.block_on(read(&self.remote, &mut self.streams[0], packets))
    }
}

/// Hands packets in no faster than the track's queue of 16 takes them.
async fn read(remote: &PeerRemote, stream: &mut DataTrackStream, packets: &[Bytes]) -> Bytes {
    for some in packets.chunks(AT_ONCE) {
        for packet in some {
            remote.input.send(InputEvent::PacketReceived(packet.clone())).unwrap();
        }
        if some.len() == AT_ONCE {
            tokio::task::yield_now().await;
        }
    }
    stream.next().await.expect("the stream is open").payload()
}

/// Packets that are handed in before the actors get their turn.
const AT_ONCE: usize = 8;

/// Frames that a stream keeps: the memory is taken at once, a slot of 64 bytes a frame.
const BUFFER: usize = 16;
