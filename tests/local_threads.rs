//! Many threads, hosts that block, callbacks that call back: nothing is lost, delayed without need, or out of order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod local_support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use datatracks::{
    DataTrackOptions, EncryptedPayload, EncryptionError, EncryptionProvider, Environment,
    LocalDataTrack, LocalDataTrackManager, Payload, PushFrameError, UnpublishReason, packet,
};
use livekit_protocol::{self as proto};
use local_support::*;

/// Pushes numbered frames from several threads; answers what was accepted.
fn push_from_threads(track: &LocalDataTrack, threads: u8, frames: u32) -> Vec<(u8, u32)> {
    let pusher = |id: u8| {
        let mut accepted = Vec::new();
        for number in 0..frames {
            let mut payload = vec![id];
            payload.extend_from_slice(&number.to_be_bytes());
            match track.try_push_bytes(&payload) {
                Ok(()) => accepted.push((id, number)),
                Err(error) => assert_eq!(error, PushFrameError::QueueFull),
            }
        }
        accepted
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|id| scope.spawn(move || pusher(id))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// What arrived, thread by thread; packet by packet in order.
fn arrived(rig: &Rig, open: impl Fn(&[u8]) -> Vec<u8>) -> BTreeMap<u8, Vec<u32>> {
    let mut by_thread: BTreeMap<u8, Vec<u32>> = BTreeMap::new();
    for (index, packet) in rig.host.packets().concat().iter().enumerate() {
        let packet = packet::decode(packet).unwrap();
        assert_eq!(packet.header.sequence, index as u16, "in order");
        let payload = open(packet.payload);
        let number = u32::from_be_bytes(payload[1..].try_into().unwrap());
        by_thread.entry(payload[0]).or_default().push(number);
    }
    by_thread
}

fn assert_all_arrived(accepted: &[(u8, u32)], arrived: &BTreeMap<u8, Vec<u32>>) {
    for (id, numbers) in arrived {
        assert!(numbers.is_sorted(), "frames of a thread stay in order");
        let own: Vec<_> = accepted.iter().filter(|(of, _)| of == id).map(|(_, n)| *n).collect();
        assert_eq!(*numbers, own);
    }
    assert_eq!(arrived.values().map(Vec::len).sum::<usize>(), accepted.len());
}

#[test]
fn p2_threads_that_push_on_one_track_lose_nothing() {
    let rig = Rig::new();
    let track = rig.track("a");
    let accepted = push_from_threads(&track, 4, 5_000);
    assert_eq!(accepted.len(), 20_000);
    assert_all_arrived(&accepted, &arrived(&rig, <[u8]>::to_vec));
    assert_eq!(track.stats().frames_sent, 20_000);
    assert_adds_up(&track);
}

#[test]
fn p2_a_refusing_track_tells_each_thread_the_truth() {
    let rig = Rig::new();
    let track = rig.published(DataTrackOptions {
        drop_policy: datatracks::DropPolicy::Refuse,
        max_waiting_bytes: 30,
        ..DataTrackOptions::new("a")
    });
    rig.host.on_every(|_| {
        thread::yield_now();
        Ok(())
    });
    let accepted = push_from_threads(&track, 4, 2_000);
    assert_all_arrived(&accepted, &arrived(&rig, <[u8]>::to_vec));
    let stats = track.stats();
    assert_eq!(stats.frames_accepted, accepted.len() as u64);
    assert_eq!(stats.frames_refused, 8_000 - stats.frames_accepted);
    assert_adds_up(&track);
}

/// Flips every bit; says so when two threads are in it at once.
#[derive(Default)]
struct Alone {
    inside: AtomicUsize,
    crowded: AtomicBool,
}

impl EncryptionProvider for Alone {
    fn encrypt(&self, payload: Payload) -> Result<EncryptedPayload, EncryptionError> {
        if self.inside.fetch_add(1, Ordering::SeqCst) > 0 {
            self.crowded.store(true, Ordering::SeqCst);
        }
        thread::yield_now();
        let flipped: Vec<u8> = payload.as_ref().iter().map(|byte| !byte).collect();
        self.inside.fetch_sub(1, Ordering::SeqCst);
        Ok(EncryptedPayload { payload: flipped.into(), iv: vec![1; 12], key_index: 0 })
    }
}

#[test]
fn p2_threads_that_push_through_a_provider_lose_nothing_and_seal_one_at_a_time() {
    let provider = Arc::new(Alone::default());
    let rig = Rig::with(Some(Arc::clone(&provider) as _), Some(ALICE));
    let track = rig.track("a");
    let accepted = push_from_threads(&track, 4, 2_000);
    assert_eq!(accepted.len(), 8_000);
    let open = |payload: &[u8]| payload.iter().map(|byte| !byte).collect();
    assert_all_arrived(&accepted, &arrived(&rig, open));
    assert!(!provider.crowded.load(Ordering::SeqCst));
    assert_adds_up(&track);
}

#[test]
fn p2_the_sum_holds_at_every_instant() {
    let rig = Rig::new();
    let track =
        rig.published(DataTrackOptions { max_waiting_bytes: 100, ..DataTrackOptions::new("a") });
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut looks = 0_u32;
            while !done.load(Ordering::SeqCst) || looks == 0 {
                assert_adds_up(&track);
                looks += 1;
            }
            looks
        });
        for round in 0..5_u64 {
            rig.manager.handle_buffered_amount(round % 2 * (1 << 20));
            push_from_threads(&track, 2, 1_000);
        }
        track.unpublish();
        done.store(true, Ordering::SeqCst);
        assert!(watcher.join().unwrap() > 0);
    });
    assert_adds_up(&track);
    assert_eq!(track.stats().frames_waiting, 0);
}

#[test]
fn p11_pushes_reports_and_ends_from_inside_callbacks_do_not_deadlock() {
    let rig = Rig::new();
    let track = rig.track("a");
    let (manager, inner) = (Arc::clone(&rig.manager), Arc::clone(&track));
    let left = AtomicUsize::new(100);
    rig.host.on_every(move |event| {
        if matches!(event, Event::Packets(_)) {
            manager.handle_buffered_amount(0);
            let more =
                left.try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            match more {
                Ok(_) => inner.try_push(frame(1)).unwrap(),
                Err(_) => inner.unpublish(),
            }
        }
        Ok(())
    });
    track.try_push(frame(1)).unwrap();
    assert_eq!(track.stats().frames_sent, 101);
    assert!(!track.is_published());
}

#[test]
fn p11_shutdown_from_inside_a_packet_callback_lets_the_delegate_go_after_it() {
    let rig = Rig::new();
    let track = rig.track("a");
    let manager = Arc::clone(&rig.manager);
    let ended = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&ended);
    rig.host.on_every(move |event| {
        match event {
            Event::Packets(_) => manager.shutdown(),
            Event::Unpublished(_, UnpublishReason::Shutdown) => noted.store(true, Ordering::SeqCst),
            _ => {}
        }
        Ok(())
    });
    track.try_push(frame(1)).unwrap();
    assert!(ended.load(Ordering::SeqCst));
    assert_eq!(track.stats().frames_sent, 1, "the callback returned well");
    rig.host.off();
    assert_eq!(Arc::strong_count(&rig.host), 1);
}

#[test]
fn p6_shutdown_while_threads_push_ends_cleanly() {
    for _ in 0..50 {
        let rig = Rig::new();
        let track = rig.track("a");
        thread::scope(|scope| {
            let push = || while track.try_push(frame(100)).is_ok() {};
            scope.spawn(push);
            scope.spawn(push);
            rig.manager.shutdown();
        });
        assert_adds_up(&track);
        assert_eq!(track.stats().frames_waiting, 0);
        assert_eq!(Arc::strong_count(&rig.host), 1);
    }
}

#[test]
fn on_the_system_clock_the_deadline_thread_spreads_large_frames() {
    let host = Arc::new(Host::default());
    let (sent, packets) = mpsc::channel();
    let manager = Arc::new(LocalDataTrackManager::with_environment(
        Environment::system(),
        Arc::clone(&host) as _,
        None,
        Some(ALICE.into()),
    ));
    let reporter = Arc::clone(&manager);
    let here = thread::current().id();
    host.on_every(move |event| {
        match event {
            Event::Packets(packets) => {
                reporter.handle_buffered_amount(0);
                let thread = thread::current();
                let name = (thread.id() != here).then(|| thread.name().unwrap().to_owned());
                sent.send((packets.len(), name)).unwrap();
            }
            Event::Request(proto::signal_request::Message::PublishDataTrackRequest(request)) => {
                let answer = bytes(published(request, "DTR_1"));
                reporter.handle_signal_response(answer).unwrap();
            }
            _ => {}
        }
        Ok(())
    });
    let (publisher, options) = (Arc::clone(&manager), DataTrackOptions::new("a"));
    let track =
        Waiting::new(async move { publisher.publish_track(options, None).await }).ready().unwrap();
    manager.handle_buffered_amount(0);
    track.try_push(frame(10 * 15_988)).unwrap();
    let callbacks: Vec<_> =
        (0..10).map(|_| packets.recv_timeout(Duration::from_secs(10)).unwrap()).collect();
    assert!(callbacks.iter().all(|(count, _)| *count == 1));
    assert_eq!(callbacks[0].1, None, "the first leaves in the push");
    let elsewhere: Vec<_> = callbacks.iter().filter_map(|(_, name)| name.as_deref()).collect();
    assert!(!elsewhere.is_empty() && elsewhere.iter().all(|name| *name == "datatracks-time"));
    host.off();
    manager.shutdown();
}
