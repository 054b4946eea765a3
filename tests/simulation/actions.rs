//! What applications, networks and servers do to the library.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use datatracks::*;

use super::{
    message::{Message, SMALLEST},
    participant::{Participant, Pending, Published, Reading},
    room::Room,
};

macro_rules! actions {
    ($($name:ident $weight:literal),* $(,)?) => {
        /// One kind of step.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Action { $($name),* }

        impl Action {
            pub const ALL: &[Self] = &[$(Self::$name),*];
            const WEIGHTS: &[usize] = &[$($weight),*];
        }
    };
}

actions! {
    Publish 8, CancelPublish 2, Unpublish 2, Push 40, PushLarge 6, PushTooLarge 2, Send 3, CancelSend 2, Flush 2,
    Subscribe 14, CancelSubscribe 2, CloseStream 2, DropStream 2, WaitForTrack 2, DropLocalHandle 2,
    ReportRoom 5, Wait 20, WaitLong 2, DropQuick 2, DropFull 2, Restart 2, LoseReply 2, RefuseNext 2,
    Impair 2, Revoke 2, HostThrows 2, Garbage 3, Report 2,
}

impl Room {
    /// Does something, lets the network run, and looks after everybody's calls.
    pub fn step(&mut self) -> Action {
        let action = self.pick();
        let who = self.chance.below(self.participants.len());
        self.tell(|| format!("{who} {action:?}"));
        self.act(action, who);
        if !self.chance.one_in(4) {
            self.run_network();
        }
        self.poll_calls();
        if !self.chance.one_in(3) {
            self.participants.iter_mut().for_each(Participant::read_streams);
        }
        action
    }

    fn pick(&mut self) -> Action {
        let mut at = self.chance.below(Action::WEIGHTS.iter().sum());
        for (action, weight) in Action::ALL.iter().zip(Action::WEIGHTS) {
            if at < *weight {
                return *action;
            }
            at -= weight;
        }
        Action::Wait
    }

    fn act(&mut self, action: Action, who: usize) {
        match action {
            Action::Publish => self.publish(who),
            Action::CancelPublish => self.cancel_publish(who),
            Action::Unpublish => self.unpublish(who),
            Action::Push => (0..1 + self.chance.below(8)).for_each(|_| self.push(who, 0..3000)),
            Action::PushLarge => self.push(who, 20_000..400_000),
            Action::PushTooLarge => self.push_too_large(who),
            Action::Send => self.send(who),
            Action::CancelSend => self.cancel_send(who),
            Action::Flush => self.flush(who),
            Action::Subscribe => self.subscribe(who),
            Action::CancelSubscribe => self.cancel_subscribe(who),
            Action::CloseStream => self.close_stream(who, true),
            Action::DropStream => self.close_stream(who, false),
            Action::WaitForTrack => self.wait_for_track(who),
            Action::DropLocalHandle => self.refetch_handles(who),
            Action::ReportRoom => self.report_room(who),
            Action::Wait => self.wait_up_to(40),
            Action::WaitLong => self.wait_up_to(15_000),
            Action::DropQuick => self.drop_session(who, false),
            Action::DropFull => self.drop_session(who, true),
            Action::Restart => self.restart(who),
            Action::LoseReply => self.lose_next_reply(who),
            Action::RefuseNext => self.refuse_next(who),
            Action::Impair => self.impair(),
            Action::Revoke => self.revoke_or_grant(who),
            Action::HostThrows => self.host_throws(who),
            Action::Garbage => self.garbage(who),
            Action::Report => self.resend(who),
        }
    }

    fn publish(&mut self, who: usize) {
        if self.participants[who].tracks.len() > 6 {
            return;
        }
        let mut options = DataTrackOptions::new(format!("track {}", self.chance.below(8)));
        if self.chance.one_in(10) {
            options.name = String::new();
        }
        options.drop_policy =
            if self.chance.one_in(2) { DropPolicy::Refuse } else { DropPolicy::DropOldest };
        options.send_mode = if self.chance.one_in(2) { SendMode::Burst } else { SendMode::Spread };
        options.max_waiting_bytes = [2_000, 100_000, 4 << 20][self.chance.below(3)];
        options.max_age_ms = [0, 0, 50][self.chance.below(3)];
        self.next_publication += 1;
        let publication = self.next_publication;
        let deadline = self.now_ms() + 10_100;
        let participant = &mut self.participants[who];
        let cancel = Arc::new(CancelToken::new());
        let (manager, token) = (Arc::clone(&participant.local), Arc::clone(&cancel));
        let future = Box::pin(async move { manager.publish_track(options, Some(token)).await });
        participant.publishes.push((Pending { future, cancel, deadline }, publication));
    }

    fn cancel_publish(&mut self, who: usize) {
        let count = self.participants[who].publishes.len();
        let at = self.chance.below(count);
        let abandon = self.chance.one_in(2);
        let publishes = &mut self.participants[who].publishes;
        match publishes.get(at) {
            Some(_) if abandon => drop(publishes.remove(at)),
            Some((pending, _)) => pending.cancel.cancel(),
            None => {}
        }
    }

    fn unpublish(&mut self, who: usize) {
        if let Some(published) = self.any_track(who) {
            published.unpublished_by_us = true;
            published.track.unpublish();
        }
    }

    fn push(&mut self, who: usize, lengths: std::ops::Range<usize>) {
        let len = lengths.start + self.chance.below(lengths.len());
        let borrowed = self.chance.one_in(2);
        let Some(published) = self.any_track(who).filter(|published| published.sends.is_empty())
        else {
            return;
        };
        let message = Message { publication: published.publication, number: published.next_number };
        published.next_number += 1;
        let payload = message.payload(len);
        let pushed = if borrowed {
            published.track.try_push_bytes_with_timestamp(&payload, message.number)
        } else {
            let frame =
                DataTrackFrame { payload: payload.into(), user_timestamp: Some(message.number) };
            published.track.try_push(frame)
        };
        published.count(&pushed);
    }

    fn push_too_large(&mut self, who: usize) {
        let Some(published) = self.any_track(who) else { return };
        let pushed = published.track.try_push(DataTrackFrame::new(vec![0; 3_000_000]));
        assert!(
            matches!(
                pushed,
                Err(PushFrameError::FrameTooLarge { .. } | PushFrameError::TrackUnpublished)
            ),
            "{pushed:?}"
        );
        published.count(&pushed);
    }

    fn send(&mut self, who: usize) {
        let deadline = u64::MAX;
        let Some(published) = self.any_track(who).filter(|published| published.sends.is_empty())
        else {
            return;
        };
        let message = Message { publication: published.publication, number: published.next_number };
        published.next_number += 1;
        let frame = DataTrackFrame {
            payload: message.payload(SMALLEST + 500).into(),
            user_timestamp: Some(message.number),
        };
        let cancel = Arc::new(CancelToken::new());
        let (track, token) = (Arc::clone(&published.track), Arc::clone(&cancel));
        let future = Box::pin(async move { track.send(frame, Some(token)).await });
        let mut pending = Pending { future, cancel, deadline };
        // Numbers must leave in order: a send that waits takes the track for itself until it ends.
        match pending.poll() {
            Some(sent) => published.count(&sent),
            None => published.sends.push((pending, message.number)),
        }
    }

    fn cancel_send(&mut self, who: usize) {
        if let Some(published) = self.any_track(who) {
            published.sends.iter().for_each(|(pending, _)| pending.cancel.cancel());
        }
    }

    fn flush(&mut self, who: usize) {
        let deadline = self.now_ms() + 300;
        let Some(published) = self.any_track(who) else { return };
        let cancel = Arc::new(CancelToken::new());
        let (track, token) = (Arc::clone(&published.track), Arc::clone(&cancel));
        let future =
            Box::pin(async move { format!("flush: {:?}", track.flush(250, Some(token)).await) });
        self.participants[who].waits.push(Pending { future, cancel, deadline });
    }

    fn subscribe(&mut self, who: usize) {
        let participant = &self.participants[who];
        let tracks = participant.remote.tracks();
        if tracks.is_empty() || participant.streams.len() + participant.subscribes.len() > 12 {
            return;
        }
        let track = Arc::clone(&tracks[self.chance.below(tracks.len())]);
        let options = DataTrackSubscribeOptions {
            buffer_frames: [1, 4, 64][self.chance.below(3)],
            buffer_policy: [
                BufferPolicy::DropOldest,
                BufferPolicy::DropNewest,
                BufferPolicy::LatestOnly,
            ][self.chance.below(3)],
            reorder_window_ms: [0, 20, 200][self.chance.below(3)],
            ..DataTrackSubscribeOptions::default()
        };
        let cancel = Arc::new(CancelToken::new());
        let (wanted, token) = (Arc::clone(&track), Arc::clone(&cancel));
        let future =
            Box::pin(async move { wanted.subscribe_with_options(options, Some(token)).await });
        let deadline = self.now_ms() + 10_100;
        self.participants[who].subscribes.push((Pending { future, cancel, deadline }, track));
    }

    fn cancel_subscribe(&mut self, who: usize) {
        let count = self.participants[who].subscribes.len();
        let at = self.chance.below(count);
        let abandon = self.chance.one_in(2);
        let subscribes = &mut self.participants[who].subscribes;
        match subscribes.get(at) {
            Some(_) if abandon => drop(subscribes.remove(at)),
            Some((pending, _)) => pending.cancel.cancel(),
            None => {}
        }
    }

    fn close_stream(&mut self, who: usize, properly: bool) {
        let count = self.participants[who].streams.len();
        if count == 0 {
            return;
        }
        let at = self.chance.below(count);
        let Reading { stream, .. } = self.participants[who].streams.swap_remove(at);
        if properly {
            stream.shutdown();
            assert_eq!(stream.stats().frames_waiting, 0, "a closed stream holds frames");
            assert!(stream.end_reason().is_some());
        }
    }

    fn wait_for_track(&mut self, who: usize) {
        let name = format!("track {}", self.chance.below(8));
        let deadline = self.now_ms() + 3_000;
        let cancel = Arc::new(CancelToken::new());
        let (manager, token) = (Arc::clone(&self.participants[who].remote), Arc::clone(&cancel));
        let future = Box::pin(async move {
            let found = manager.wait_for_track(name, None, 2_900, Some(token)).await;
            format!("wait for track: {:?}", found.map(|track| track.info().name))
        });
        self.participants[who].waits.push(Pending { future, cancel, deadline });
    }

    /// A dropped track handle stays published, and the manager answers an equal one.
    fn refetch_handles(&mut self, who: usize) {
        let participant = &mut self.participants[who];
        let listed = participant.local.tracks();
        for published in &mut participant.tracks {
            if let Some(same) = listed.iter().find(|track| ***track == *published.track) {
                published.track = Arc::clone(same);
            }
        }
    }

    fn report_room(&mut self, who: usize) {
        let amount = [0, 10_000, 65_536, 1 << 20][self.chance.below(4)];
        self.participants[who].local.handle_buffered_amount(amount);
    }

    fn wait_up_to(&mut self, most_ms: usize) {
        let by = Duration::from_millis(self.chance.below(most_ms) as u64 + 1);
        self.advance(by);
    }

    fn host_throws(&mut self, who: usize) {
        let every = [0, 0, 2, 7][self.chance.below(4)];
        self.participants[who].host.throws.store(every, Relaxed);
    }

    fn garbage(&mut self, who: usize) {
        let mut bytes = vec![0; self.chance.below(200)];
        datatracks::random::Random::fill(&mut self.chance, &mut bytes);
        if let Some(first) = bytes.first_mut() {
            *first &= 0x1f;
        }
        let participant = &self.participants[who];
        // Random bytes must neither be taken for a handles message nor do harm: a typed error, or ignored.
        let _ = participant.local.handle_sfu_publish_response(bytes.clone());
        participant.remote.handle_packet_received(&bytes);
    }

    fn resend(&mut self, who: usize) {
        self.participants[who].remote.resend_subscription_updates();
        self.participants[who].local.publish_responses_for_sync_state();
    }

    fn any_track(&mut self, who: usize) -> Option<&mut Published> {
        let count = self.participants[who].tracks.len();
        let at = self.chance.below(count);
        self.participants[who].tracks.get_mut(at)
    }

    /// Polls every call; each must end once, and in time.
    pub fn poll_calls(&mut self) {
        let now = self.now_ms();
        for participant in &mut self.participants {
            let mut published = Vec::new();
            participant.publishes.retain_mut(|(pending, publication)| match pending.poll() {
                Some(result) => {
                    published.extend(result.ok().map(|track| (track, *publication)));
                    false
                }
                None => pending.in_time(now, "publish"),
            });
            participant.tracks.extend(
                published
                    .into_iter()
                    .map(|(track, publication)| Published::new(track, publication)),
            );
            let mut streams = Vec::new();
            participant.subscribes.retain_mut(|(pending, track)| match pending.poll() {
                Some(result) => {
                    streams.extend(result.ok().map(|stream| Reading::new(track, stream)));
                    false
                }
                None => pending.in_time(now, "subscribe"),
            });
            participant.streams.extend(streams);
            participant
                .waits
                .retain_mut(|pending| pending.poll().is_none() && pending.in_time(now, "wait"));
            participant.tracks.iter_mut().for_each(Published::poll_sends);
        }
    }
}

impl<T> Pending<T> {
    fn in_time(&self, now: u64, what: &str) -> bool {
        assert!(
            now <= self.deadline,
            "a {what} did not end: now {now}, deadline {}",
            self.deadline
        );
        true
    }
}

impl Published {
    fn new(track: Arc<LocalDataTrack>, publication: u64) -> Self {
        Self {
            track,
            publication,
            next_number: 0,
            accepted: 0,
            refused: 0,
            unpublished_by_us: false,
            sends: Vec::new(),
        }
    }

    fn count(&mut self, pushed: &Result<(), PushFrameError>) {
        match pushed {
            Ok(()) => self.accepted += 1,
            Err(PushFrameError::Cancelled) => {}
            Err(_) => self.refused += 1,
        }
    }

    fn poll_sends(&mut self) {
        let sends = std::mem::take(&mut self.sends);
        for (mut pending, number) in sends {
            match pending.poll() {
                Some(sent) => self.count(&sent),
                None => self.sends.push((pending, number)),
            }
        }
    }
}

impl Reading {
    fn new(track: &Arc<RemoteDataTrack>, stream: Arc<DataTrackStream>) -> Self {
        Self {
            track: Arc::clone(track),
            stream,
            newest: Default::default(),
            taken: 0,
            ended: false,
        }
    }
}
