//! From one end to the other, on a runtime with a thread a core.

use std::{pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use datatracks_bench_side::{Arrivals, Kind, pushed, readable};
use livekit_datatrack::{
    api::DataTrackSubscribeOptions,
    backend::{local::OutputEvent, remote::InputEvent},
};
use tokio_stream::{Stream, StreamExt};

use crate::host::{PeerLocal, PeerRemote, many_threads};

/// The host is a task that waits for the manager's packets.
pub(crate) fn push(payloads: &[Bytes], gap: Duration) -> Vec<Duration> {
    let runtime = many_threads();
    let (mut local, mut tracks) = runtime.block_on(PeerLocal::publishing(Kind::Plain, 1));
    let track = tracks.remove(0);
    let arrivals = Arrivals::new(payloads.len());
    let notes = Arc::clone(&arrivals);
    runtime.spawn(async move {
        while let Some(event) = local.output.next().await {
            if let OutputEvent::PacketsAvailable(packets) = event {
                packets.last().into_iter().for_each(|packet| notes.note(packet));
            }
        }
    });
    pushed(&arrivals, gap, |number| {
        let _ = track.try_push(payloads[number].clone().into());
    })
}

/// The reader is any future: readable is when its waker is called.
pub(crate) fn read(packets: &[Bytes], gap: Duration) -> Vec<Duration> {
    let runtime = many_threads();
    let options = DataTrackSubscribeOptions::default();
    let (remote, mut streams) = runtime.block_on(PeerRemote::subscribed(Kind::Plain, 1, &options));
    let stream = &mut streams[0];
    readable(
        packets,
        gap,
        |packet| {
            let _ = remote.input.send(InputEvent::PacketReceived(packet.clone()));
        },
        |context| Pin::new(&mut *stream).poll_next(context).map(drop),
    )
}
