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
    state: Option<Sending>,
}

type Sending = (PeerLocal, Vec<LocalDataTrack>);

pub(crate) struct Reader {
    runtime: Runtime,
    state: Option<Reading>,
}

type Reading = (PeerRemote, Vec<DataTrackStream>);

impl Sender {
    pub(crate) fn new(kind: Kind, tracks: usize) -> Self {
        let runtime = one_thread();
        let state = Some(runtime.block_on(PeerLocal::publishing(kind, tracks)));
        Self { runtime, state }
    }
}

impl Publisher for Sender {
    /// A frame is given as shared bytes: its owner copies nothing.
    fn push(&mut self, payload: &Bytes, frames: u64) -> Work {
        let (mut local, tracks) = self.state.take().unwrap();
        let payload = payload.clone();
        let all = async move {
            let mut out = Out::default();
            for track in tracks.iter().cycle().take(frames as usize) {
                track.try_push(payload.clone().into()).unwrap();
                packets(&mut local).await.iter().for_each(|packet| out.add(packet.len()));
            }
            (out, (local, tracks))
        };
        let (work, state) = as_a_task(&self.runtime, all);
        self.state = Some(state);
        work
    }

    fn packets_of(&mut self, payload: &Bytes) -> Vec<Bytes> {
        let (local, tracks) = self.state.as_mut().unwrap();
        tracks[0].try_push(payload.clone().into()).unwrap();
        self.runtime.block_on(packets(local))
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
        let options = DataTrackSubscribeOptions::default();
        let subscribed = PeerRemote::subscribed(kind, tracks, &options);
        let state = Some(runtime.block_on(subscribed));
        Self { runtime, state }
    }
}

impl Subscriber for Reader {
    fn receive(&mut self, frames: &[Vec<Bytes>]) -> Work {
        let (remote, mut streams) = self.state.take().unwrap();
        let frames = frames.to_vec();
        let all = async move {
            let (mut out, count) = (Out::default(), streams.len());
            for (number, packets) in frames.iter().enumerate() {
                out.add(read(&remote, &mut streams[number % count], packets).await.len());
            }
            (out, (remote, streams, frames))
        };
        let (work, (remote, streams, _)) = as_a_task(&self.runtime, all);
        self.state = Some((remote, streams));
        work
    }

    fn frame_of(&mut self, packets: &[Bytes]) -> Bytes {
        let (remote, streams) = self.state.as_mut().unwrap();
        self.runtime.block_on(read(remote, &mut streams[0], packets))
    }
}

/// The host is a task beside the actors: that is the cheapest for them, since the runtime then never looks for other events.
fn as_a_task<T: Send + 'static>(
    runtime: &Runtime,
    task: impl Future<Output = (Out, T)> + Send + 'static,
) -> (Work, T) {
    let mut left = None;
    let work = Work::of(|| {
        let (out, state) = runtime.block_on(runtime.spawn(task)).unwrap();
        left = Some(state);
        out
    });
    (work, left.unwrap())
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
