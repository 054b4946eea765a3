//! What servers do to sessions that go on: participants find themselves in another room, subscriptions under another handle.

use std::sync::atomic::Ordering::Relaxed;

use datatracks::host::sfu::{Control, SubscriptionStats};

use super::super::{
    coverage::{LOCAL_END, MOVED},
    hostile::is_hostile,
    room::Room,
};

impl Room {
    pub fn move_somewhere(&mut self, who: usize) {
        // Mostly where everybody else is.
        let room = u16::from(self.chance.one_in(3));
        // What is under way to it, or not: then it crosses the message.
        if self.chance.one_in(2) {
            self.run_network();
        }
        self.move_to(who, room);
    }

    /// The server moves it, and its host asks for everything again as after a join. What it published goes on, what it read of those
    /// who are elsewhere is over at once.
    pub fn move_to(&mut self, who: usize, room: u16) {
        let Some(seat) = self.seat(who).filter(|seat| self.sfu.room_of(*seat) != Some(room)) else {
            return;
        };
        let revoked = self.ledger.times(LOCAL_END, "Revoked");
        self.control(who, Control::Move(room));
        self.run_network();
        if self.sfu.room_of(seat) != Some(room) || self.participants[who].host.over.load(Relaxed) {
            return;
        }
        assert_eq!(self.ledger.times(LOCAL_END, "Revoked"), revoked, "a move took a track away");
        self.sees_but_its_room(who, room);
        self.participants[who].local.republish_tracks();
        self.participants[who].remote.resend_subscription_updates();
    }

    fn sees_but_its_room(&self, who: usize, room: u16) {
        for track in self.participants[who].remote.tracks() {
            let publisher = track.publisher_identity();
            let at = self.participants.iter().position(|one| one.identity() == publisher);
            let there = match at.and_then(|at| self.seat(at)) {
                Some(seat) => self.sfu.room_of(seat),
                None if is_hostile(&publisher) => Some(0),
                None => continue,
            };
            assert_eq!(there, Some(room), "{who} was moved and still sees {track:?}");
            self.ledger.visit(MOVED, "found tracks");
        }
    }

    /// A living subscription goes on under another handle. Late packets come under the old one.
    pub fn change_handle(&mut self, who: usize) {
        let subscriptions = self.subscriptions_of(who);
        if subscriptions.is_empty() {
            return;
        }
        let handle = subscriptions[self.chance.below(subscriptions.len())].handle;
        self.amid_frames(who, Control::ChangeHandle(handle));
    }

    /// Two tracks change places. Not at somebody whom a snapshot may not have reached: whose packets it keeps for a handle that it does
    /// not know, or gets under one that it believes to know, nobody could tell.
    pub fn swap_handles(&mut self, who: usize) {
        let subscriptions = self.subscriptions_of(who);
        if subscriptions.len() < 2 || self.participants[who].needs_a_session {
            return self.change_handle(who);
        }
        let one = self.chance.below(subscriptions.len());
        let other = (one + 1 + self.chance.below(subscriptions.len() - 1)) % subscriptions.len();
        let [one, other] = [one, other].map(|at| subscriptions[at].handle);
        self.amid_frames(who, Control::SwapHandles(one, other));
        self.ledger.visit(MOVED, "handles swapped");
    }

    /// Frames are on their way before and after it, and it crosses what the participant lets go of.
    fn amid_frames(&mut self, who: usize, control: Control) {
        self.push_at_everybody();
        self.carry_up();
        if self.chance.one_in(4) {
            self.participants[who].app().close_stream(&mut self.chance, true);
        }
        self.control(who, control);
        self.push_at_everybody();
    }

    fn push_at_everybody(&mut self) {
        for participant in &self.participants {
            let sizes = if self.chance.one_in(4) { 20_000..100_000 } else { 0..3_000 };
            (0..3).for_each(|_| participant.host.app.push(&mut self.chance, sizes.clone()));
        }
    }

    fn subscriptions_of(&self, who: usize) -> Vec<SubscriptionStats> {
        let identity = self.participants[who].identity();
        let all = self.sfu.subscription_stats();
        all.into_iter().filter(|one| one.subscriber == identity).collect()
    }
}
