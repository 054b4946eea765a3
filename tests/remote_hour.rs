//! A reader that is left running: after an hour of traffic with losses, reconnects and tracks that come and go it holds what it held
//! after ten minutes (P10). Time is simulated, bytes are counted at the allocator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

mod kit;

use std::{sync::Arc, time::Duration};

use datatracks::{packet::Encryption, *};
use kit::chance::Chance;
use kit::counting::live_bytes;
use kit::subscriber::*;
use livekit_protocol as livekit;

#[global_allocator]
static COUNTING: kit::counting::Counting = kit::counting::Counting;

/// Between two frames of the fastest track.
const TICK_MS: u64 = 20;
const MINUTE_MS: u64 = 60_000;
/// What is kept of each session of a publisher, of each guest or of each thousandth frame is more after an hour: 40 sessions, 360
/// guests, 200 000 frames.
const BOUND: i64 = 4 << 10;

#[test]
fn p10_an_hour_of_reading_leaves_memory_as_it_was_after_ten_minutes() {
    let mut reader = Reader::new();
    let held: Vec<i64> = (0..6).map(|_| reader.ten_minutes()).collect();
    println!("live bytes after each ten minutes: {held:?}");
    let grown: Vec<i64> = held.iter().map(|bytes| bytes - held[0]).collect();
    assert!(grown.iter().all(|bytes| bytes.abs() < BOUND), "{grown:?} bytes more than at first");
    reader.has_seen_everything();
}

/// A track of "bob", and its stream.
struct Lane {
    name: &'static str,
    every_ms: u64,
    payload: Vec<u8>,
    sealed: bool,
    packets: Packets,
    /// Overtaken by the packets of the next frame.
    late: Vec<Vec<u8>>,
    stream: Option<Arc<DataTrackStream>>,
    read: u64,
}

impl Lane {
    fn new(name: &'static str, every_ms: u64, bytes: usize, sealed: bool) -> Self {
        let (payload, packets) = (vec![7; bytes], Packets::default());
        Self { name, every_ms, payload, sealed, packets, late: Vec::new(), stream: None, read: 0 }
    }

    fn frame(&mut self) -> Vec<Vec<u8>> {
        if !self.sealed {
            return self.packets.frame(&self.payload);
        }
        let mut iv = [0; 12];
        iv[..2].copy_from_slice(&self.packets.number.to_be_bytes());
        iv[2..4].copy_from_slice(&self.packets.sequence.to_be_bytes());
        self.packets.sealed(&self.payload, Encryption { key_index: 0, iv })
    }

    /// The frame's packets as a poor network delivers them.
    fn delivered(&mut self, chance: &mut Chance) -> Vec<Vec<u8>> {
        let mut overtaken = std::mem::take(&mut self.late);
        let mut delivered = Vec::new();
        for packet in self.frame() {
            match chance.below(1000) {
                0..10 => {}
                10..30 => self.late.push(packet),
                30..35 => delivered.extend([packet.clone(), packet]),
                _ => delivered.push(packet),
            }
        }
        delivered.append(&mut overtaken);
        delivered
    }

    fn read(&mut self) {
        self.read += self.stream.as_ref().map_or(0, |stream| read_all(stream).len() as u64);
    }
}

/// Everything opens: what is counted is what is held, not what is secret.
struct Opens;

impl DecryptionProvider for Opens {
    fn decrypt(&self, payload: EncryptedPayload, _: String) -> Result<Payload, DecryptionError> {
        Ok(payload.payload)
    }
}

struct Reader {
    subscriber: Subscriber,
    lanes: Vec<Lane>,
    chance: Chance,
    now_ms: u64,
    /// Of bob: another with each session that it loses.
    session: u32,
    handle: u16,
    guests: u64,
}

impl Reader {
    fn new() -> Self {
        let subscriber = Subscriber::with(Some(Arc::new(Opens)), Some("me"));
        let lanes = vec![
            Lane::new("pose", TICK_MS, 1_000, false),
            Lane::new("map", 200, 40_000, true),
            Lane::new("cloud", 1_000, 256 << 10, false),
        ];
        let chance = Chance::new(1);
        let mut reader =
            Self { subscriber, lanes, chance, now_ms: 0, session: 0, handle: 0, guests: 0 };
        reader.subscriber.join(vec![reader.bob()]);
        let subscribing: Vec<_> = reader
            .lanes
            .iter()
            .map(|lane| reader.subscriber.subscribe(lane.name, Default::default()))
            .collect();
        reader.give_handles(None);
        for (lane, call) in reader.lanes.iter_mut().zip(subscribing) {
            lane.stream = Some(call.finish().unwrap());
        }
        reader
    }

    /// Answers the bytes that are live then, when nothing is on the way.
    fn ten_minutes(&mut self) -> i64 {
        let end = self.now_ms + 10 * MINUTE_MS;
        while self.now_ms < end {
            self.tick();
            let now_ms = self.now_ms;
            for (every_ms, incident) in INCIDENTS {
                if now_ms.is_multiple_of(*every_ms) {
                    incident(self);
                }
            }
            self.subscriber.host.take();
        }
        for lane in &mut self.lanes {
            self.subscriber.feed(std::mem::take(&mut lane.late));
        }
        self.pass(3_000);
        live_bytes()
    }

    fn tick(&mut self) {
        self.pass(TICK_MS);
        for lane in &mut self.lanes {
            if self.now_ms.is_multiple_of(lane.every_ms) {
                self.subscriber.feed(lane.delivered(&mut self.chance));
                lane.read();
            }
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms - ms % TICK_MS;
        self.subscriber.clock.advance(Duration::from_millis(ms));
        self.lanes.iter_mut().for_each(Lane::read);
    }

    fn bob(&self) -> livekit::ParticipantInfo {
        let tracks = (1..).zip(&self.lanes).map(|(handle, lane)| livekit::DataTrackInfo {
            encryption: i32::from(lane.sealed),
            ..track(handle, &self.sid(lane.name), lane.name)
        });
        returned("bob", self.session, tracks.collect())
    }

    fn sid(&self, name: &str) -> String {
        format!("DTR_{name}_{}", self.session)
    }

    /// Every subscription gets a handle that it did not have.
    fn give_handles(&mut self, guest: Option<&str>) {
        self.handle = self.handle % 60_000 + 10;
        let mut all: Vec<(u32, String)> =
            guest.iter().map(|sid| (self.handle.into(), sid.to_string())).collect();
        for (handle, lane) in (self.handle + 1..).zip(&mut self.lanes) {
            lane.packets.handle = handle;
        }
        all.extend(self.lanes.iter().map(|lane| (lane.packets.handle.into(), self.sid(lane.name))));
        let all: Vec<_> = all.iter().map(|(handle, sid)| (*handle, sid.as_str())).collect();
        self.subscriber.handles(&all);
    }

    fn quick_reconnect(&mut self) {
        self.subscriber.manager.resend_subscription_updates();
    }

    fn full_reconnect(&mut self) {
        self.subscriber.join(vec![self.bob()]);
        self.subscriber.manager.resend_subscription_updates();
        self.pass(1_000);
        self.give_handles(None);
    }

    fn bob_loses_its_session_and_returns(&mut self) {
        self.subscriber.update(vec![livekit::ParticipantInfo {
            sid: format!("PA_bob_{}", self.session),
            ..lost("bob")
        }]);
        self.pass(2_000);
        self.session += 1;
        self.subscriber.update(vec![self.bob()]);
        self.give_handles(None);
    }

    /// Somebody comes with a track, is read, and goes.
    fn guest(&mut self) {
        self.guests += 1;
        let (identity, sid) = (format!("guest {}", self.guests), format!("DTR_G{}", self.guests));
        self.subscriber.update(vec![participant(&identity, vec![track(1, &sid, "scan")])]);
        let subscribing = self.subscriber.subscribe("scan", Default::default());
        self.give_handles(Some(&sid));
        let stream = subscribing.finish().unwrap();
        let mut packets = Packets { handle: self.handle, ..Default::default() };
        for _ in 0..20 {
            self.subscriber.feed(packets.frame(&[7; 20_000]));
            self.tick();
        }
        assert_eq!(read_all(&stream).len(), 16, "as many as a stream keeps by default");
        self.subscriber.update(vec![left(&identity)]);
        self.give_handles(None);
        assert_eq!(stream.end_reason(), Some(StreamEndReason::Unpublished));
    }

    /// Or else the hour would prove nothing.
    fn has_seen_everything(&self) {
        assert!(self.session >= 38 && self.guests >= 350, "{} {}", self.session, self.guests);
        assert_eq!(self.subscriber.manager.tracks().len(), self.lanes.len());
        for lane in &self.lanes {
            let stats = self.subscriber.track(lane.name).stats();
            let sent = self.now_ms / lane.every_ms;
            assert!(
                lane.read > sent / 2 && lane.read < sent,
                "{}: {} of {sent}",
                lane.name,
                lane.read
            );
            assert!(stats.packets_duplicate > 0 && stats.streams == 1, "{}: {stats:?}", lane.name);
        }
        assert!(self.subscriber.track("cloud").stats().frames_dropped_incomplete > 100);
    }
}

type Incident = fn(&mut Reader);

/// How often in milliseconds, and what.
const INCIDENTS: &[(u64, Incident)] = &[
    (10_000, Reader::guest),
    (MINUTE_MS, Reader::quick_reconnect),
    (2 * MINUTE_MS, Reader::full_reconnect),
    (90_000, Reader::bob_loses_its_session_and_returns),
];
