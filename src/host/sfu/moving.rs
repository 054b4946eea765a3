//! What the server does to sessions that go on: participants find themselves in another room, subscriptions under another handle.
//!
//! Who is moved keeps its connection, and nothing else: it has another SID, publishes nothing and reads nothing, as after a join
//! (protocol §3.7). For those whom it leaves it is gone for good.

use super::{
    Participant, ParticipantId, Sfu,
    link::Link,
    subscription::{Subscription, salt},
};
use crate::{
    signal::session::{Response, RoomMovedResponse, disconnect_reason},
    track::Handle,
};

impl Sfu {
    /// Which room the participant is in: 0, until a control moves it.
    pub fn room_of(&self, who: ParticipantId) -> Option<u16> {
        self.participants.get(&who).map(|participant| participant.room)
    }

    /// Nobody could tell one who is away.
    pub(super) fn move_to(&mut self, who: ParticipantId, room: u16) {
        let moves = |p: &&Participant| p.is_connected() && p.room != room;
        let Some(participant) = self.participants.get(&who).filter(moves) else { return };
        let left = participant.room;
        let farewell = participant.farewell(disconnect_reason::PARTICIPANT_REMOVED);
        let orphans = self.end_all_publications(who);
        let sid = self.chance.sid("PA_");
        if let Some(participant) = self.participants.get_mut(&who) {
            let subscriptions = std::mem::take(&mut participant.subscriptions);
            (participant.sid, participant.version, participant.room) = (sid, 0, room);
            participant.is_publisher = false;
            self.forget_subscriptions(who, &subscriptions);
        }
        self.broadcast(farewell, left);
        let moved = Response::RoomMoved(self.room_moved(who));
        self.signal(who, moved);
        self.announce(who);
        orphans.into_iter().for_each(|track| self.end_subscriptions(track));
    }

    fn room_moved(&self, who: ParticipantId) -> RoomMovedResponse {
        let others = self.known_to(who).filter(|(id, _)| **id != who);
        RoomMovedResponse {
            room: Some(self.room(who)),
            token: String::new(),
            participant: self.info(who),
            other_participants: others.map(|(_, participant)| participant.info()).collect(),
        }
    }

    /// Packets that are under way come under the handle that they had.
    pub(super) fn change_handle(&mut self, who: ParticipantId, handle: Handle) {
        let Some((sid, link)) = self.take_link(who, handle) else { return };
        let next = self.next_handle(who);
        self.put_link(who, &sid, next.unwrap_or(handle), link);
        self.send_snapshot(who);
    }

    /// Packets that are under way are dropped: nobody could tell whose they are.
    pub(super) fn swap_handles(&mut self, who: ParticipantId, one: Handle, other: Handle) {
        let taken = [one, other].map(|handle| (handle, self.take_link(who, handle)));
        let both = taken.iter().all(|(_, link)| link.is_some());
        for ((handle, taken), another) in taken.into_iter().zip([other, one]) {
            let Some((sid, link)) = taken else { continue };
            if both {
                self.stats.ended.add(&link.stats());
                let impairment = self.participants.get(&who).map(|p| p.impairment);
                let link = Link::new(impairment.unwrap_or_default(), salt(who, another));
                self.put_link(who, &sid, another, link);
            } else {
                self.put_link(who, &sid, handle, link);
            }
        }
        if both {
            self.send_snapshot(who);
        }
    }

    /// Takes the link of an active subscription away, for another handle.
    fn take_link(&mut self, who: ParticipantId, handle: Handle) -> Option<(String, Link)> {
        let mut wishes = self.participants.get(&who)?.subscriptions.iter();
        let (sid, _) = wishes.find(|(_, wish)| wish.handle() == Some(handle))?;
        let sid = sid.clone();
        self.busy.remove(&(who, handle));
        self.readers_of(&sid)?.remove(&(who, handle));
        Some((sid, self.links.remove(&(who, handle))?))
    }

    fn put_link(&mut self, who: ParticipantId, track_sid: &str, handle: Handle, link: Link) {
        if link.poll_timeout().is_some() {
            self.busy.insert((who, handle));
        }
        self.links.insert((who, handle), link);
        self.set_subscription(who, track_sid, Subscription::Active { handle });
        if let Some(readers) = self.readers_of(track_sid) {
            readers.insert((who, handle));
        }
    }
}
