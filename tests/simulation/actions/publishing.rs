//! What applications do to publish.

use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use datatracks::*;

use super::super::{
    app::{App, Ended, Published},
    chance::Chance,
    message::SMALLEST,
};

impl App {
    pub fn publish(&self, chance: &mut Chance) {
        let mut tracks = self.tracks.lock().unwrap().clone();
        tracks.retain(|published| published.track().is_published());
        if tracks.len() > MOST_TRACKS {
            return;
        }
        let mut options = DataTrackOptions::new(format!("track {}", chance.below(NAMES)));
        options.drop_policy =
            if chance.one_in(2) { DropPolicy::Refuse } else { DropPolicy::DropOldest };
        options.send_mode = if chance.one_in(2) { SendMode::Burst } else { SendMode::Spread };
        options.max_waiting_bytes = [2_000, 100_000, 4 << 20][chance.below(3)];
        options.max_age_ms = [0, 0, 50][chance.below(3)];
        options.max_bytes_per_second = [0, 0, 100_000][chance.below(3)];
        if chance.one_in(6) {
            options.encryption = EncryptionMode::Plain;
        }
        if chance.one_in(6) {
            spoil(&mut options, chance);
        }
        self.publish_with(options);
    }

    pub fn publish_with(&self, options: DataTrackOptions) {
        let Some(manager) = self.local() else { return };
        let publication = self.ledger.register(&self.identity, &options.name);
        self.begin("publish", 10_100, |cancel| async move {
            Ended::Publish(manager.publish_track(options, Some(cancel)).await, publication)
        });
    }

    pub fn unpublish(&self, chance: &mut Chance) {
        if let Some(published) = self.any_track(chance) {
            published.track().unpublish();
        }
    }

    pub fn push(&self, chance: &mut Chance, lengths: Range<usize>) {
        let len = lengths.start + chance.below(lengths.len());
        let borrowed = chance.one_in(2);
        let Some(published) = self.idle_track(chance) else { return };
        let message = published.next_message();
        let payload = message.payload(len);
        let track = published.track();
        let pushed = if borrowed {
            track.try_push_bytes_with_timestamp(&payload, message.number)
        } else {
            let user_timestamp = Some(message.number);
            track.try_push(DataTrackFrame { payload: payload.into(), user_timestamp })
        };
        published.count(&pushed, &self.ledger);
    }

    pub fn push_too_large(&self, chance: &mut Chance) {
        let Some(published) = self.any_track(chance) else { return };
        let pushed = published.track().try_push(DataTrackFrame::new(vec![0; 3_000_000]));
        assert!(
            matches!(
                pushed,
                Err(PushFrameError::FrameTooLarge { .. } | PushFrameError::TrackUnpublished)
            ),
            "{pushed:?}"
        );
        published.count(&pushed, &self.ledger);
    }

    pub fn send(&self, chance: &mut Chance) {
        let Some(published) = self.idle_track(chance) else { return };
        let message = published.next_message();
        let frame = DataTrackFrame {
            payload: message.payload(SMALLEST + 500).into(),
            user_timestamp: Some(message.number),
        };
        published.sending.fetch_add(1, Relaxed);
        let track = published.track();
        self.begin("send", u64::MAX, |cancel| async move {
            Ended::Send(track.send(frame, Some(cancel)).await, published)
        });
    }

    /// Sends into tracks that have no room until one waits, and gives up one that does.
    pub fn cancel_send(&self, chance: &mut Chance) {
        self.local().iter().for_each(|manager| manager.handle_buffered_amount(1 << 20));
        (0..12).for_each(|_| self.send(chance));
        self.cancel(chance, "send");
    }

    pub fn flush(&self, chance: &mut Chance) {
        let Some(published) = self.any_track(chance) else { return };
        let track = published.track();
        self.begin("flush", 300, |cancel| async move {
            Ended::Wait(track.flush(250, Some(cancel)).await)
        });
    }

    pub fn wait_for_own_end(&self, chance: &mut Chance) {
        let Some(published) = self.any_track(chance) else { return };
        let track = published.track();
        self.begin("wait for the end of an own track", u64::MAX, |cancel| async move {
            Ended::Wait(track.wait_for_unpublish(Some(cancel)).await.map(drop))
        });
    }

    /// A dropped track handle stays published, and the manager answers an equal one.
    pub fn refetch_handles(&self) {
        let listed = self.local().map(|manager| manager.tracks()).unwrap_or_default();
        for published in self.tracks.lock().unwrap().iter() {
            if let Some(same) = listed.iter().find(|track| ***track == *published.track()) {
                published.replace(same);
            }
        }
    }

    pub fn report_room(&self, chance: &mut Chance) {
        let amount = [0, 10_000, 65_536, 1 << 20][chance.below(4)];
        self.local().iter().for_each(|manager| manager.handle_buffered_amount(amount));
    }

    pub fn define_schema(&self, chance: &mut Chance) {
        let Some(manager) = self.local() else { return };
        let id = schema(if chance.one_in(8) { "" } else { "pose" });
        let contents = vec![b'x'; [10, 10, 40_000, 63_000][chance.below(4)]];
        self.begin("schema to be stored", 5_100, |cancel| async move {
            Ended::Schema(manager.define_schema(id, contents, Some(cancel)).await)
        });
    }

    fn any_track(&self, chance: &mut Chance) -> Option<Arc<Published>> {
        let tracks = self.tracks.lock().unwrap();
        let at = chance.below(tracks.len());
        tracks.get(at).map(Arc::clone)
    }

    /// One that no call of `send` has for itself; seldom one that is over.
    fn idle_track(&self, chance: &mut Chance) -> Option<Arc<Published>> {
        let mut tracks = self.tracks.lock().unwrap().clone();
        tracks.retain(|published| published.sending.load(Relaxed) == 0);
        if !chance.one_in(20) {
            tracks.retain(|published| published.track().is_published());
        }
        let at = chance.below(tracks.len());
        (at < tracks.len()).then(|| tracks.swap_remove(at))
    }
}

/// Makes options that are refused, here or by the SFU, or that ask for what may not be there.
fn spoil(options: &mut DataTrackOptions, chance: &mut Chance) {
    let frames = &mut options.frame_encoding;
    match chance.below(7) {
        0 => options.name = String::new(),
        1 => options.encryption = EncryptionMode::Required,
        2 => options.schema = Some(schema("pose")),
        3 => *frames = Some(DataTrackFrameEncoding::Protobuf),
        4 => *frames = Some(DataTrackFrameEncoding::Custom { identifier: "x".repeat(33) }),
        5 => *frames = Some(DataTrackFrameEncoding::Cbor),
        _ => {
            *frames = Some(DataTrackFrameEncoding::Cbor);
            options.schema = Some(schema("pose"));
        }
    }
}

pub fn schema(name: &str) -> DataTrackSchemaId {
    DataTrackSchemaId { name: name.to_owned(), encoding: DataTrackSchemaEncoding::Protobuf }
}

/// Of tracks, so that some are taken.
pub const NAMES: usize = 8;

/// Published at a time.
const MOST_TRACKS: usize = 6;
