//! Participants without managers, who send what nobody should: malformed packets, replays, packets of others under handles of their
//! own, wrong IVs, plain frames on encrypted tracks and ciphertext on plain ones, frames without end; tracks that change their kind
//! under the same handle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use datatracks::{
    host::sfu::{ParticipantId, Permissions, Sfu},
    packet::{Encryption, Extensions},
    random::Random,
    signal::{
        self, SignalIn,
        session::{
            DataSubscription, PublishDataTrackRequest, Request, UnpublishDataTrackRequest,
            UpdateDataSubscription, encode_request,
        },
    },
};

use super::{chance::Chance, coverage::ATTACK, message::Message, room::Room, subscriber::Packets};

/// See the module.
pub struct Stranger {
    identity: String,
    pub seat: ParticipantId,
    /// What it sends with, by handle.
    tracks: BTreeMap<u16, Packets>,
    /// Tracks of the others.
    sids: BTreeSet<String>,
    /// Packets that it got.
    known: VecDeque<Vec<u8>>,
}

impl Stranger {
    pub fn join(sfu: &mut Sfu, number: usize) -> Self {
        let identity = format!("{HOSTILE} {number}");
        let seat = sfu.join(&identity, Permissions::default()).unwrap();
        let (tracks, sids) = Default::default();
        Self { identity, seat, tracks, sids, known: VecDeque::new() }
    }

    /// It has another session, in which it publishes nothing.
    pub fn rejoin(&mut self, sfu: &mut Sfu) {
        self.tracks.clear();
        self.sids.clear();
        self.seat = sfu.join(&self.identity, Permissions::default()).unwrap();
    }

    pub fn receive_signal(&mut self, bytes: &[u8]) {
        let decoded = signal::decode(bytes, |_| true).unwrap();
        let others = match decoded.message {
            Some(SignalIn::Join { others, .. } | SignalIn::Update(others)) => others,
            _ => return,
        };
        let others = others.iter().filter(|other| other.identity != self.identity);
        self.sids
            .extend(others.flat_map(|other| &other.tracks).map(|track| track.info.sid.clone()));
    }

    pub fn receive_packet(&mut self, bytes: Vec<u8>) {
        self.known.push_back(bytes);
        if self.known.len() > KNOWN {
            self.known.pop_front();
        }
    }

    /// Requests to publish a track, perhaps where there was another one just now.
    fn publish(&mut self, chance: &mut Chance) -> Vec<Request> {
        let handle = 1 + chance.below(4) as u16;
        let before = self.tracks.insert(handle, packets(handle, chance));
        let unpublish = UnpublishDataTrackRequest { pub_handle: handle.into() };
        let publish = PublishDataTrackRequest {
            pub_handle: handle.into(),
            name: format!("track {}", chance.below(8)),
            encryption: [0, 0, 1, 1, 2, 99][chance.below(6)],
            ..PublishDataTrackRequest::default()
        };
        let unpublish = before.map(|_| Request::UnpublishDataTrack(unpublish));
        unpublish.into_iter().chain([Request::PublishDataTrack(publish)]).collect()
    }

    fn subscribe(&mut self) -> Vec<Request> {
        let wish = |track_sid| DataSubscription { track_sid, subscribe: true };
        let updates = std::mem::take(&mut self.sids).into_iter().map(wish).collect();
        vec![Request::UpdateDataSubscription(UpdateDataSubscription { updates })]
    }

    fn attack(&mut self, attack: Attack, chance: &mut Chance) -> Vec<Vec<u8>> {
        let (at, known) = (chance.below(self.tracks.len()), chance.below(self.known.len().max(1)));
        let Some(track) = self.tracks.values_mut().nth(at) else { return vec![] };
        let known = self.known.get(known).cloned();
        let payload = vec![FILLING; chance.below(3_000)];
        let mut sent = match attack {
            Attack::Plain => track.frame(&payload),
            Attack::Ciphertext => {
                let mut sealed = payload;
                chance.fill(&mut sealed);
                track.sealed(&sealed, Encryption { key_index: chance.next() as u8, iv: [7; 12] })
            }
            Attack::Rehomed => {
                known.into_iter().map(|packet| under(track.handle, packet)).collect()
            }
            Attack::Renumbered => {
                let thrice = known.iter().cycle().take(3 * known.iter().len());
                thrice
                    .map(|packet| renumbered(under(track.handle, packet.clone()), track))
                    .collect()
            }
            Attack::OtherIv => {
                let change =
                    |packet| with_iv_of(chance.below(256) as u8, under(track.handle, packet));
                known.map(change).into_iter().collect()
            }
            Attack::Unfinished => (0..20).map(|_| first_of(track, chance)).collect(),
            Attack::Endless => (0..200).map(|at| middle(track, at)).collect(),
            Attack::Truncated => {
                let mut packet = under(track.handle, known.unwrap_or_default());
                packet.truncate(chance.below(60));
                vec![packet]
            }
            Attack::Noise => {
                let mut header = [0; 40];
                chance.fill(&mut header);
                vec![under(track.handle, [&header[..], &payload].concat())]
            }
            Attack::UnknownHandle => {
                track.frame(&payload).into_iter().map(|packet| under(9_999, packet)).collect()
            }
        };
        if chance.one_in(4) {
            sent.extend(sent.clone());
        }
        sent
    }
}

impl Room {
    pub fn be_hostile(&mut self, who: usize, deed: Deed) {
        if self.strangers.is_empty() {
            return;
        }
        let at = who % self.strangers.len();
        let (now, chance) = (self.now(), &mut self.chance);
        let Self { strangers, sfu, ledger, .. } = self;
        let stranger = &mut strangers[at];
        let before = sfu.stats();
        match deed {
            Deed::Publish | Deed::Subscribe => {
                let requests = match deed {
                    Deed::Publish => stranger.publish(chance),
                    Deed::Subscribe | Deed::Attack => stranger.subscribe(),
                };
                requests
                    .into_iter()
                    .for_each(|one| sfu.handle_signal(now, stranger.seat, &encode_request(one)));
                let mut noise = vec![0; chance.below(40)];
                chance.fill(&mut noise);
                sfu.handle_signal(now, stranger.seat, &noise);
            }
            Deed::Attack => {
                let attack = Attack::ALL[chance.below(Attack::ALL.len())];
                ledger.visit(ATTACK, format!("{attack:?}"));
                for packet in stranger.attack(attack, chance) {
                    sfu.handle_packet(now, stranger.seat, &packet);
                }
            }
        }
        let after = sfu.stats();
        self.malformed_by_strangers += after.malformed_packets - before.malformed_packets;
        self.malformed_by_strangers += after.malformed_signals - before.malformed_signals;
    }
}

/// What a stranger does.
#[derive(Clone, Copy)]
pub enum Deed {
    Publish,
    Subscribe,
    Attack,
}

macro_rules! attacks {
    ($($name:ident)*) => {
        #[derive(Clone, Copy, Debug)]
        enum Attack { $($name),* }

        impl Attack {
            const ALL: &[Self] = &[$(Self::$name),*];
        }

        pub const ATTACKS: &[&'static str] = &[$(stringify!($name)),*];
    };
}

attacks! {
    Plain Ciphertext Rehomed Renumbered OtherIv Unfinished Endless Truncated Noise UnknownHandle
}

pub fn is_hostile(identity: &str) -> bool {
    identity.starts_with(HOSTILE)
}

/// What may be read on the tracks of a stranger: on a plain one whatever it sent in plain, its own or a frame of another; on an
/// encrypted one a frame of somebody who has the key, moved there whole (the threat model says so). Never ciphertext.
pub fn check(payload: &[u8], encrypted: bool) {
    let read = Message::read(payload);
    let own = payload.len() < 64 || payload.ends_with(&[FILLING]);
    assert!(
        read.is_ok() || own && !encrypted,
        "a stranger's frame of {} bytes: {read:?}",
        payload.len()
    );
}

fn packets(handle: u16, chance: &mut Chance) -> Packets {
    let (sequence, number) = (chance.next() as u16, chance.next() as u16);
    Packets { handle, sequence, number, ..Packets::default() }
}

fn under(handle: u16, mut packet: Vec<u8>) -> Vec<u8> {
    if let Some(bytes) = packet.get_mut(2..4) {
        bytes.copy_from_slice(&handle.to_be_bytes());
    }
    packet
}

/// As a new frame of one packet.
fn renumbered(mut packet: Vec<u8>, track: &mut Packets) -> Vec<u8> {
    if let Some(bytes) = packet.get_mut(4..8) {
        bytes[..2].copy_from_slice(&track.sequence.to_be_bytes());
        bytes[2..].copy_from_slice(&track.number.to_be_bytes());
        track.sequence = track.sequence.wrapping_add(1);
        track.number = track.number.wrapping_add(1);
    }
    packet
}

/// Tag and length of the encryption extension stand behind the base header and the number of words. A shorter one says nothing
/// (protocol §1.4): on a plain track what follows is the stranger's own, in plain.
fn with_iv_of(length: u8, mut packet: Vec<u8>) -> Vec<u8> {
    if packet.get(14..16) == Some(&[1, 13]) {
        packet[15] = length;
        if length < 13
            && let Some(last) = packet.last_mut()
        {
            *last = FILLING;
        }
    }
    packet
}

/// The first packet of a frame whose others never come.
fn first_of(track: &mut Packets, chance: &mut Chance) -> Vec<u8> {
    let frame = track.frame(&vec![FILLING; 2_000 + chance.below(40_000)]);
    frame.into_iter().next().unwrap_or_default()
}

/// A packet of a frame that has neither beginning nor end.
fn middle(track: &Packets, at: u16) -> Vec<u8> {
    let sequence = track.sequence.wrapping_add(1 + at);
    let mut endless = Packets { sequence, ..track.clone() };
    let extensions = Extensions::default();
    let mut packet = endless.frame_with(&[FILLING; 1_000], extensions).remove(0);
    packet[0] &= !0x18;
    packet
}

const HOSTILE: &str = "hostile";

/// What a stranger makes up in plain ends so.
const FILLING: u8 = b'h';

/// Packets that a stranger remembers.
const KNOWN: usize = 64;
