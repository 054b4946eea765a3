//! Sequences of calls to a publisher and a subscriber, with an SFU between them that answers late, wrongly, or not at all.
#![no_main]

use std::{collections::BTreeMap, sync::Arc, sync::atomic::Ordering::SeqCst, time::Duration};

use arbitrary::Arbitrary;
use datatracks::*;
use datatracks_fuzz::{
    kit::{
        subscriber::{Subscriber, encode, handles, participant, update},
        task::poll_once,
    },
    publisher::{self, Event, Rig, Waiting, assert_adds_up},
};
use libfuzzer_sys::fuzz_target;
use livekit_protocol::{
    self as livekit, request_response::Reason, signal_request::Message as Asked,
};

#[derive(Arbitrary, Debug)]
enum Call {
    Publish { name: u8, refuse: bool, burst: bool, room: u16, age: u8 },
    CancelPublish { which: u8 },
    Answer { how: u8 },
    Push { which: u8, length: u32 },
    Send { which: u8, length: u16 },
    Flush { which: u8, timeout: u8 },
    Abandon { which: u8 },
    Unpublish { which: u8 },
    Forget { which: u8 },
    Report { bytes: u32 },
    Advance { ms: u16 },
    Throw { signals: bool, packets: bool },
    Republish,
    SyncState,
    Forbid,
    Tell,
    Deliver { at_most: u8, backwards: bool },
    Subscribe { which: u8 },
    Read,
    CloseStream,
    Resend,
    Shutdown,
}

type Publish = Waiting<Result<Arc<LocalDataTrack>, PublishError>>;

struct Room {
    rig: Rig,
    subscriber: Subscriber,
    publishes: Vec<(Arc<CancelToken>, Publish)>,
    tracks: Vec<Arc<LocalDataTrack>>,
    waits: Vec<Waiting<()>>,
    streams: Vec<Arc<DataTrackStream>>,
    /// Requests that are not answered yet, and packets under way.
    asked: Vec<Asked>,
    packets: Vec<Vec<u8>>,
    /// What the SFU holds, by handle.
    published: BTreeMap<u32, livekit::DataTrackInfo>,
    sessions: u32,
}

fuzz_target!(|calls: Vec<Call>| {
    let mut room = Room {
        rig: Rig::new(),
        subscriber: Subscriber::new(),
        publishes: Vec::new(),
        tracks: Vec::new(),
        waits: Vec::new(),
        streams: Vec::new(),
        asked: Vec::new(),
        packets: Vec::new(),
        published: BTreeMap::new(),
        sessions: 0,
    };
    for call in calls {
        room.call(call);
        room.look();
    }
    room.end();
});

impl Room {
    fn call(&mut self, call: Call) {
        let manager = Arc::clone(&self.rig.manager);
        match call {
            Call::Publish { name, refuse, burst, room, age } => {
                let token = Arc::new(CancelToken::new());
                let mut options = DataTrackOptions::new((name % 8).to_string());
                options.drop_policy =
                    if refuse { DropPolicy::Refuse } else { DropPolicy::DropOldest };
                options.send_mode = if burst { SendMode::Burst } else { SendMode::Spread };
                options.max_waiting_bytes = room.into();
                options.max_age_ms = age.into();
                let publish = self.rig.publishing_with(options, Some(Arc::clone(&token)));
                self.publishes.push((token, publish));
            }
            Call::CancelPublish { which } => {
                if let Some((token, _)) = pick(&self.publishes, which) {
                    token.cancel();
                }
            }
            Call::Answer { how } => self.answer(how),
            Call::Push { which, length } => {
                if let Some(track) = pick(&self.tracks, which) {
                    let _ = track.try_push_bytes(&vec![1; length as usize % (3 << 20)]);
                }
            }
            Call::Send { which, length } => self.wait(which, |track| async move {
                let payload = vec![2; usize::from(length)].into();
                drop(track.send(DataTrackFrame { payload, user_timestamp: Some(1) }, None).await);
            }),
            Call::Flush { which, timeout } => {
                self.wait(
                    which,
                    |track| async move { drop(track.flush(timeout.into(), None).await) },
                );
            }
            Call::Abandon { which } if !self.waits.is_empty() => {
                self.waits.remove(usize::from(which) % self.waits.len());
            }
            Call::Unpublish { which } => {
                pick(&self.tracks, which).into_iter().for_each(|track| track.unpublish())
            }
            Call::Forget { which } if !self.tracks.is_empty() => {
                self.tracks.remove(usize::from(which) % self.tracks.len());
            }
            Call::Report { bytes } => manager.handle_buffered_amount(bytes.into()),
            Call::Advance { ms } => {
                let by = Duration::from_millis(ms.into());
                self.rig.environment.advance(by);
                self.subscriber.clock.advance(by);
            }
            Call::Throw { signals, packets } => {
                self.rig.host.refuses_signals.store(signals, SeqCst);
                self.rig.host.refuses_packets.store(packets, SeqCst);
            }
            Call::Republish => {
                self.published.clear();
                self.asked.clear();
                self.sessions += 1;
                manager.republish_tracks();
            }
            Call::SyncState => {
                assert!(manager.publish_responses_for_sync_state().len() <= manager.tracks().len());
            }
            Call::Forbid => {
                let alice =
                    publisher::forbidden(publisher::participant(publisher::ALICE, "PA_1", vec![]));
                self.tell_publisher(publisher::update(vec![alice]));
                self.published.clear();
            }
            Call::Tell => {
                let alice = participant("bob", self.published.values().cloned().collect());
                let sid = format!("PA_bob_{}", self.sessions);
                let told = encode(update(vec![livekit::ParticipantInfo { sid, ..alice }]));
                let _ = self.subscriber.manager.handle_signal_response(told);
                let known: Vec<_> =
                    self.published.iter().map(|(handle, info)| (*handle, &*info.sid)).collect();
                let _ = self.subscriber.manager.handle_signal_response(encode(handles(&known)));
            }
            Call::Deliver { at_most, backwards } => {
                let end = self.packets.len().min(at_most.into());
                let mut packets: Vec<_> = self.packets.drain(..end).collect();
                if backwards {
                    packets.reverse();
                }
                self.subscriber.feed(packets);
            }
            Call::Subscribe { which } => {
                if let Some(track) = pick(&self.subscriber.manager.tracks(), which)
                    && let Some(Ok(stream)) = poll_once(track.subscribe(None))
                {
                    self.streams.push(stream);
                }
            }
            Call::Read => {
                for stream in &self.streams {
                    while let Some(Ok(Some(_))) = poll_once(stream.next(None)) {}
                }
            }
            Call::CloseStream => {
                self.streams.pop().into_iter().for_each(|stream| stream.shutdown())
            }
            Call::Resend => self.subscriber.manager.resend_subscription_updates(),
            Call::Shutdown => manager.shutdown(),
            Call::Abandon { .. } | Call::Forget { .. } => {}
        }
    }

    fn wait<F: Future<Output = ()> + 'static>(
        &mut self,
        which: u8,
        begin: impl FnOnce(Arc<LocalDataTrack>) -> F,
    ) {
        if let Some(track) = pick(&self.tracks, which) {
            self.waits.push(Waiting::new(begin(Arc::clone(track))));
        }
    }

    /// Answers the oldest request: as asked, with another encryption, with a refusal, or not at all.
    fn answer(&mut self, how: u8) {
        if self.asked.is_empty() {
            return;
        }
        match self.asked.remove(0) {
            Asked::PublishDataTrackRequest(request) => {
                let sid = format!("DTR_{}_{}", request.pub_handle, self.sessions);
                let mut info = publisher::info(&request, &sid);
                match how % 8 {
                    0 => return,
                    1 => {
                        return self
                            .tell_publisher(publisher::refused(&request, Reason::LimitExceeded));
                    }
                    2 => info.encryption = 1,
                    _ => {}
                }
                self.published.insert(info.pub_handle, info.clone());
                let info = Some(info);
                self.tell_publisher(publisher_answer(livekit::PublishDataTrackResponse { info }));
            }
            Asked::UnpublishDataTrackRequest(request) if how % 8 > 0 => {
                if let Some(info) = self.published.remove(&request.pub_handle) {
                    self.tell_publisher(publisher::unpublished(info));
                }
            }
            _ => {}
        }
    }

    fn tell_publisher(&self, answer: livekit::signal_response::Message) {
        let _ = self.rig.manager.handle_signal_response(publisher::bytes(answer));
    }

    /// Takes what came of the last call, and checks what is always true.
    fn look(&mut self) {
        for event in self.rig.host.take() {
            match event {
                Event::Request(request) => self.asked.push(request),
                Event::Packets(packets) => self.packets.extend(packets),
                Event::Published(_) | Event::Unpublished(..) => {}
            }
        }
        self.packets.truncate(MOST_UNDER_WAY);
        self.publishes.retain_mut(|(_, publish)| {
            let done = publish.look();
            self.tracks.extend(done.then(|| publish.ready().ok()).flatten());
            !done
        });
        self.waits.retain_mut(Waiting::is_pending);
        self.tracks.iter().for_each(|track| assert_adds_up(track));
        assert_eq!(self.rig.manager.stats().panics, 0);
        let remote = self.subscriber.manager.stats();
        assert_eq!((remote.panics, remote.delegate_errors), (0, 0));
    }

    fn end(mut self) {
        self.rig.manager.shutdown();
        self.subscriber.manager.shutdown();
        self.look();
        assert!(self.publishes.is_empty() && self.waits.is_empty(), "a wait outlives its manager");
        for track in &self.tracks {
            assert!(!track.is_published() && track.stats().frames_waiting == 0);
        }
        for stream in &self.streams {
            while let Some(Ok(Some(_))) = poll_once(stream.next(None)) {}
            assert_eq!(poll_once(stream.next(None)), Some(Ok(None)), "a stream goes on");
        }
        assert!(
            self.rig.manager.tracks().is_empty() && self.subscriber.manager.tracks().is_empty()
        );
        let clock = Arc::clone(&self.rig.environment);
        drop(self);
        // What dropped managers leave to the deadline thread.
        clock.advance(Duration::ZERO);
    }
}

fn publisher_answer(
    answer: livekit::PublishDataTrackResponse,
) -> livekit::signal_response::Message {
    livekit::signal_response::Message::PublishDataTrackResponse(answer)
}

fn pick<T>(all: &[T], which: u8) -> Option<&T> {
    all.get(usize::from(which).checked_rem(all.len())?)
}

/// Packets that the network holds; the rest is lost.
const MOST_UNDER_WAY: usize = 512;
