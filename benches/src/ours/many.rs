//! Many tracks, and packets out of order.

use std::pin::pin;

use bytes::Bytes;
use datatracks::*;
use datatracks_bench_side::{Idle, Kind, counting::live_bytes, hash, threads};

use super::host::{Host, accepted, encode, local, poll, publishing, subscribed};

/// Tracks of both sides are alive when threads are counted. There are no tasks to count.
pub(crate) fn idle(count: usize) -> Idle {
    let before = threads();
    let start = live_bytes();
    let host = Host::new(|_: PacketBatch| {});
    let local = local(&host, Kind::Plain);
    let published = publishing(&host, &local, count);
    let middle = live_bytes();
    let subscribed = subscribed(Kind::Plain, count, &DataTrackSubscribeOptions::default());
    let idle = Idle {
        published_bytes: middle - start,
        subscribed_bytes: live_bytes() - middle,
        tasks: 0,
        threads: threads() - before,
    };
    drop((published, subscribed));
    idle
}

pub(crate) fn publish_at_once(count: usize) -> u64 {
    let host = Host::new(|_: PacketBatch| {});
    let local = local(&host, Kind::Plain);
    let options = |number| DataTrackOptions::new(format!("track-{number}"));
    let mut calls: Vec<_> =
        (0..count).map(|number| Box::pin(local.publish_track(options(number), None))).collect();
    calls.iter_mut().for_each(|call| assert!(poll(call.as_mut()).is_none()));
    for request in host.publish_requests() {
        local.handle_signal_response(encode(accepted(request))).unwrap();
    }
    let is_published = |call: &mut _| matches!(poll(std::pin::Pin::as_mut(call)), Some(Ok(_)));
    calls.iter_mut().map(is_published).filter(|is_published| !is_published).count() as u64
}

pub(crate) fn jumbled(packets: &[Bytes]) -> Vec<u64> {
    let options = DataTrackSubscribeOptions { reorder_window_ms: PATIENCE, ..Default::default() };
    let (remote, streams) = subscribed(Kind::Plain, 1, &options);
    let mut read = Vec::new();
    let mut take = || {
        while let Some(frame) = poll(pin!(streams[0].next(None))) {
            read.push(hash(&frame.unwrap().expect("the stream is open").payload.0));
        }
    };
    for packet in packets {
        remote.handle_packet_received(packet);
        take();
    }
    read
}

/// A busy machine, which stops this thread for longer than the usual 20 ms, makes no packet late.
const PATIENCE: u64 = 1000;
