//! From one end to the other: within the call.

use std::{pin::Pin, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use datatracks::*;
use datatracks_bench_side::{Arrivals, Kind, pushed, readable};

use super::host::{Host, local, publishing, subscribed};

pub(crate) fn push(payloads: &[Bytes], gap: Duration) -> Vec<Duration> {
    let arrivals = Arrivals::new(payloads.len());
    let notes = Arc::clone(&arrivals);
    let host = Host::new(move |packets: PacketBatch| {
        packets.iter().last().into_iter().for_each(|packet| notes.note(packet));
    });
    let local = local(&host, Kind::Plain);
    let track = publishing(&host, &local, 1).remove(0);
    pushed(&arrivals, gap, |number| track.try_push_bytes(&payloads[number]).unwrap())
}

/// The reader is any future: readable is when its waker is called.
pub(crate) fn read(packets: &[Bytes], gap: Duration) -> Vec<Duration> {
    let options = DataTrackSubscribeOptions::default();
    let (remote, mut streams) = subscribed(Kind::Plain, 1, &options);
    let stream = streams.remove(0);
    let next = || {
        let stream = Arc::clone(&stream);
        Box::pin(async move { stream.next(None).await.unwrap().expect("the stream is open") })
    };
    let mut waiting: Pin<Box<dyn Future<Output = DataTrackFrame>>> = next();
    readable(
        packets,
        gap,
        |packet| remote.handle_packet_received(packet),
        |context| match waiting.as_mut().poll(context) {
            Poll::Ready(_) => {
                waiting = next();
                Poll::Ready(())
            }
            Poll::Pending => Poll::Pending,
        },
    )
}
