//! What no participant asks for: permissions changed, somebody sent away or moved; and for tests sessions dropped, replies refused
//! or lost, handles changed, a bad network.

use std::time::Instant;

use super::{Impairment, Output, Participant, ParticipantId, Permissions, Sfu, subscription::salt};
use crate::{
    host::plain::DropMode,
    signal::session::{ParticipantInfo, Scenario, leave_action},
    track::Handle,
};

/// Something to go wrong for one participant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    /// Its connection is closed without a word.
    DropSession(DropMode),
    /// It is sent away, with this DisconnectReason.
    End(i32),
    /// Its next request about a track or a blob is refused, with this RequestResponse.Reason.
    RefuseNext(i32),
    /// The next answer to it is not sent.
    LoseNext,
    /// It may or may not publish and subscribe from now on.
    Permit(Permissions),
    /// Faults of its downlink from now on.
    Impair(Impairment),
    /// It is moved to the room of this number, unless it has no connection: its tracks and subscriptions end, and it is told who is
    /// there (`RoomMoved`). 0 is the room that it joined.
    Move(u16),
    /// The subscription under this handle goes on under the next one that is free.
    ChangeHandle(Handle),
    /// Two subscriptions exchange their handles.
    SwapHandles(Handle, Handle),
}

impl Sfu {
    /// Does what a test asks for.
    pub fn control(&mut self, now: Instant, who: ParticipantId, control: Control) {
        let Some(participant) = self.participants.get_mut(&who) else { return };
        match control {
            Control::RefuseNext(reason) => participant.faults.refuse_next = Some(reason),
            Control::LoseNext => participant.faults.lose_next = true,
            Control::End(reason) => self.end(who, reason, leave_action::DISCONNECT),
            Control::Permit(permissions) => self.permit(who, permissions),
            Control::Impair(impairment) => self.impair(who, impairment),
            Control::Move(room) => self.move_to(who, room),
            Control::ChangeHandle(handle) => self.change_handle(who, handle),
            Control::SwapHandles(one, other) => self.swap_handles(who, one, other),
            Control::DropSession(mode) => {
                self.outputs.push_back(Output::Close { to: who });
                match mode {
                    DropMode::Quick => self.handle_disconnect(now, who),
                    DropMode::Full => self.depart(who),
                }
            }
        }
        self.tell_news();
    }

    /// Does what a client asks for to try its own recovery, as far as livekit-server does it without a word.
    pub(super) fn simulate(
        &mut self,
        now: Instant,
        who: ParticipantId,
        scenario: Option<Scenario>,
    ) {
        if let Some(Scenario::NodeFailure(_) | Scenario::Migration(_)) = scenario {
            self.control(now, who, Control::DropSession(DropMode::Full));
        }
    }

    /// What the participant may do now.
    pub fn permissions(&self, who: ParticipantId) -> Option<Permissions> {
        self.participants.get(&who).map(|participant| participant.permissions)
    }

    /// The participant as others see it.
    pub(super) fn info(&self, who: ParticipantId) -> Option<ParticipantInfo> {
        self.participants.get(&who).map(Participant::info)
    }

    /// Without permission to publish its tracks end, and no answer says so: only its own entry does (protocol §3.6).
    /// Without permission to subscribe its subscriptions end (as of 1.13.11: protocol §0).
    fn permit(&mut self, who: ParticipantId, permissions: Permissions) {
        let Some(participant) = self.participants.get_mut(&who) else { return };
        participant.permissions = permissions;
        let mut ended = Vec::new();
        if !permissions.can_publish_data {
            participant.is_publisher = false;
            ended = self.end_all_publications(who);
        }
        self.announce(who);
        ended.into_iter().for_each(|track| self.end_subscriptions(track));
        self.settle_subscriber(who);
    }

    fn impair(&mut self, who: ParticipantId, impairment: Impairment) {
        if let Some(participant) = self.participants.get_mut(&who) {
            participant.impairment = impairment;
        }
        for ((to, handle), link) in &mut self.links {
            if *to == who {
                link.impair(impairment, salt(who, *handle));
            }
        }
    }
}
