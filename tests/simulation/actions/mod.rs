//! Everything that can happen in a step, and how often it does.

mod faults;
mod moves;
mod publishing;
mod reading;

use std::{sync::Arc, time::Duration};

use self::reading::SUBSCRIBE;
use super::{chance::Chance, coverage::ACTION, hostile::Deed, room::Room, script::Step};

macro_rules! actions {
    ($($name:ident $weight:literal),* $(,)?) => {
        /// One kind of step.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Action { $($name),* }

        impl Action {
            pub const ALL: &[Self] = &[$(Self::$name),*];
            pub const NAMES: &[&'static str] = &[$(stringify!($name)),*];
            const WEIGHTS: &[usize] = &[$($weight),*];
        }
    };
}

actions! {
    Publish 9, PublishTwice 2, CancelPublish 2, Unpublish 2, Push 40, PushLarge 6, PushTooLarge 2, Send 3, CancelSend 2, Flush 2,
    RefetchHandles 2, ReportRoom 5, WaitForOwnEnd 2, DefineSchema 2,
    Subscribe 14, CancelSubscribe 2, CloseStream 2, DropStream 2, Resubscribe 2, WaitForTrack 3, WaitForEnd 2, CancelAny 3, GetSchema 2,
    Wait 20, WaitLong 2, WaitADay 1,
    DropQuick 2, DropFull 2, SendAway 2, RestartServer 1, Restart 1,
    Replay 3, LoseReply 2, RefuseNext 2, Deceive 2, Impair 2, Revoke 2, PermitOthers 2, PermitAll 2, Offer 2,
    Move 2, ChangeHandle 2, SwapHandles 2,
    HostThrows 2, Reenter 8, Garbage 3, Resend 2,
    HostilePublish 3, HostileSubscribe 2, HostilePackets 10,
}

impl Action {
    pub fn drawn(chance: &mut Chance) -> Self {
        let mut at = chance.below(Self::WEIGHTS.iter().sum());
        for (action, weight) in Self::ALL.iter().zip(Self::WEIGHTS) {
            if at < *weight {
                return *action;
            }
            at -= weight;
        }
        Self::Wait
    }
}

impl Room {
    /// Does something, lets the network run, and looks after everybody's calls.
    pub fn step(&mut self, Step { action, who, luck }: Step) {
        let who = who % self.participants.len();
        self.chance = Chance::new(luck.into());
        self.ledger.visit(ACTION, format!("{action:?}"));
        self.tell(|| format!("{who} {action:?}"));
        self.act(action, who);
        if !self.chance.one_in(4) {
            self.run_network();
        }
        self.poll_calls();
        if !self.chance.one_in(3) {
            self.read_streams();
        }
        self.restart_those_that_are_over();
    }

    fn act(&mut self, action: Action, who: usize) {
        let host = Arc::clone(&self.participants[who].host);
        let (app, chance) = (&host.app, &mut self.chance);
        match action {
            Action::Publish => app.publish(chance),
            Action::PublishTwice => self.publish_twice(who),
            Action::CancelPublish => app.cancel(chance, "publish"),
            Action::Unpublish => app.unpublish(chance),
            Action::Push => (0..=chance.below(8)).for_each(|_| app.push(chance, 0..3000)),
            Action::PushLarge => app.push(chance, 20_000..400_000),
            Action::PushTooLarge => app.push_too_large(chance),
            Action::Send => app.send(chance),
            Action::CancelSend => app.cancel_send(chance),
            Action::Flush => app.flush(chance),
            Action::RefetchHandles => app.refetch_handles(),
            Action::ReportRoom => app.report_room(chance),
            Action::WaitForOwnEnd => app.wait_for_own_end(chance),
            Action::DefineSchema => app.define_schema(chance),
            Action::Subscribe => app.subscribe(chance),
            Action::CancelSubscribe => app.cancel(chance, SUBSCRIBE),
            Action::CloseStream => app.close_stream(chance, true),
            Action::DropStream => app.close_stream(chance, false),
            Action::Resubscribe => app.resubscribe(chance),
            Action::WaitForTrack => app.wait_for_track(chance),
            Action::WaitForEnd => app.wait_for_end(chance),
            Action::CancelAny => app.cancel_any(chance),
            Action::GetSchema => {
                let of = chance.below(self.participants.len());
                app.get_schema(chance, self.participants[of].identity());
            }
            Action::Wait => self.wait_up_to(Duration::from_millis(40)),
            Action::WaitLong => self.wait_up_to(Duration::from_secs(15)),
            Action::WaitADay => self.advance(Duration::from_hours(24)),
            Action::DropQuick => self.drop_session(who, false),
            Action::DropFull => self.drop_session(who, true),
            Action::SendAway => self.send_away(who),
            Action::RestartServer => self.restart_server(),
            Action::Restart => self.restart(who),
            Action::Replay => self.replay(who),
            Action::LoseReply => self.lose_next_reply(who),
            Action::RefuseNext => self.refuse_next(who),
            Action::Deceive => self.participants[who].deceived = true,
            Action::Impair => self.impair(who),
            Action::Revoke => self.revoke_or_grant(who),
            Action::PermitOthers => self.permit_readers(who, false),
            Action::PermitAll => self.permit_readers(who, true),
            Action::Offer => self.offer(who),
            Action::Move => self.move_somewhere(who),
            Action::ChangeHandle => self.change_handle(who),
            Action::SwapHandles => self.swap_handles(who),
            Action::HostThrows => self.host_throws(who),
            Action::Reenter => self.arm(who),
            Action::Garbage => self.garbage(who),
            Action::Resend => app.resend(),
            Action::HostilePublish => self.be_hostile(who, Deed::Publish),
            Action::HostileSubscribe => self.be_hostile(who, Deed::Subscribe),
            Action::HostilePackets => self.be_hostile(who, Deed::Attack),
        }
    }

    fn wait_up_to(&mut self, most: Duration) {
        let by = self.chance.below(most.as_millis() as usize) as u64 + 1;
        self.advance(Duration::from_millis(by));
    }
}
