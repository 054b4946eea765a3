//! The embedded SFU in virtual time, without a shell.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use datatracks::{
    host::{
        plain::Permissions,
        sfu::{Config, Control, Output, ParticipantId, Sfu},
    },
    signal::session::*,
};

use super::script::Room;

/// A room, its participants by identity, and what has been sent to them.
pub struct SimulatedRoom {
    pub sfu: Sfu,
    pub now: Instant,
    ids: BTreeMap<String, ParticipantId>,
    pub signals: BTreeMap<ParticipantId, VecDeque<Response>>,
    pub packets: BTreeMap<ParticipantId, VecDeque<Vec<u8>>>,
    pub closed: Vec<ParticipantId>,
    /// Answers to those who may not resume.
    strangers: BTreeMap<String, VecDeque<Response>>,
}

impl SimulatedRoom {
    pub fn new() -> Self {
        Self::with_config(Config::new("room"))
    }

    /// Of alice and bob, who have read what they are told at first.
    pub fn of_two() -> Self {
        let mut room = Self::new();
        for identity in ["alice", "bob"] {
            room.join(identity, Permissions::default());
        }
        for identity in ["alice", "bob"] {
            room.read_all(identity);
        }
        room
    }

    pub fn with_config(config: Config) -> Self {
        let now = Instant::now();
        Self {
            sfu: Sfu::new(config, now, 7),
            now,
            ids: BTreeMap::new(),
            signals: BTreeMap::new(),
            packets: BTreeMap::new(),
            closed: Vec::new(),
            strangers: BTreeMap::new(),
        }
    }

    pub fn id(&self, identity: &str) -> ParticipantId {
        self.ids[identity]
    }

    pub fn control(&mut self, identity: &str, control: Control) {
        self.sfu.control(self.now, self.id(identity), control);
        self.drain();
    }

    pub fn send_packet(&mut self, identity: &str, packet: &[u8]) {
        self.sfu.handle_packet(self.now, self.id(identity), packet);
        self.drain();
    }

    pub fn disconnect(&mut self, identity: &str) {
        self.sfu.handle_disconnect(self.now, self.id(identity));
        self.drain();
    }

    /// Lets time pass, and everything happen that is due in it.
    pub fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        while let Some(due) = self.sfu.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.sfu.handle_timeout(self.now);
            self.drain();
            let next = self.sfu.poll_timeout();
            assert!(next.is_none_or(|next| next > due), "handle_timeout did what was due");
        }
        self.now = end;
    }

    /// Everything that has been sent to this participant and not been read.
    pub fn read_all(&mut self, identity: &str) -> Vec<Response> {
        let id = self.id(identity);
        self.signals.entry(id).or_default().drain(..).collect()
    }

    /// Publishes a track and returns its SID.
    pub fn publish(&mut self, identity: &str, handle: u16, name: &str) -> String {
        let request = PublishDataTrackRequest {
            pub_handle: handle.into(),
            name: name.into(),
            ..PublishDataTrackRequest::default()
        };
        self.send(identity, Request::PublishDataTrack(request));
        self.read_all(identity)
            .into_iter()
            .find_map(|response| match response {
                Response::PublishDataTrack(published) => Some(published.info.unwrap().sid),
                _ => None,
            })
            .expect("published")
    }

    pub fn unpublish(&mut self, identity: &str, handle: u16) {
        let request = UnpublishDataTrackRequest { pub_handle: handle.into() };
        self.send(identity, Request::UnpublishDataTrack(request));
    }

    /// Subscribes and returns the handle.
    pub fn subscribe(&mut self, identity: &str, sid: &str) -> u16 {
        self.want(identity, sid, true);
        let handles = self.handles(identity).expect("a snapshot");
        let handle = handles.iter().find(|(_, track)| *track == sid).expect("subscribed").0;
        *handle
    }

    pub fn want(&mut self, identity: &str, sid: &str, subscribe: bool) {
        let update = DataSubscription { track_sid: sid.to_owned(), subscribe };
        let request = UpdateDataSubscription { updates: vec![update] };
        self.send(identity, Request::UpdateDataSubscription(request));
    }

    /// The last snapshot that has not been read: SIDs by handle. Reads everything.
    pub fn handles(&mut self, identity: &str) -> Option<BTreeMap<u16, String>> {
        self.read_all(identity).into_iter().rev().find_map(|response| match response {
            Response::DataTrackSubscriberHandles(snapshot) => Some(
                snapshot
                    .sub_handles
                    .into_iter()
                    .map(|(handle, track)| (u16::try_from(handle).unwrap(), track.track_sid))
                    .collect(),
            ),
            _ => None,
        })
    }

    fn drain(&mut self) {
        while let Some(output) = self.sfu.poll_output() {
            match output {
                Output::Signal { to, bytes } => {
                    let response = decode_response(&bytes).unwrap().unwrap();
                    self.signals.entry(to).or_default().push_back(response);
                }
                Output::Packet { to, bytes } => {
                    self.packets.entry(to).or_default().push_back(bytes.to_vec());
                }
                Output::Close { to } => self.closed.push(to),
            }
        }
    }
}

impl Room for SimulatedRoom {
    fn join(&mut self, identity: &str, permissions: Permissions) {
        let id = self.sfu.join(identity, permissions).unwrap();
        self.ids.insert(identity.to_owned(), id);
        self.strangers.remove(identity);
        self.drain();
    }

    fn resume(&mut self, identity: &str) {
        match self.sfu.resume(identity) {
            Ok(id) => assert_eq!(id, self.id(identity)),
            Err(bytes) => {
                let refusal = decode_response(&bytes).unwrap().unwrap();
                self.strangers.entry(identity.to_owned()).or_default().push_back(refusal);
            }
        }
        self.drain();
    }

    fn permit(&mut self, identity: &str, permissions: Permissions) {
        self.control(identity, Control::Permit(permissions));
    }

    fn send(&mut self, identity: &str, request: Request) {
        self.sfu.handle_signal(self.now, self.id(identity), &encode_request(request));
        self.drain();
    }

    fn receive(&mut self, identity: &str, wait: Duration) -> Option<Response> {
        let id = self.id(identity);
        let next = |room: &mut Self| {
            let stranger = room.strangers.get_mut(identity).and_then(VecDeque::pop_front);
            stranger.or_else(|| room.signals.get_mut(&id)?.pop_front())
        };
        next(self).or_else(|| {
            self.advance(wait);
            next(self)
        })
    }
}

/// A frame without a payload, in one packet.
pub fn packet(handle: u16) -> Vec<u8> {
    let [high, low] = handle.to_be_bytes();
    [0x18, 0, high, low, 0, 0, 0, 0, 0, 0, 0, 0].to_vec()
}
