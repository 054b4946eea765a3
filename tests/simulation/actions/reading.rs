//! What applications do to read.

use std::sync::Arc;

use datatracks::*;

use super::{
    super::{
        app::{App, Ended, Reading},
        chance::Chance,
        coverage::STREAM_DROP,
        kinds,
    },
    publishing::{NAMES, schema},
};

impl App {
    pub fn subscribe(&self, chance: &mut Chance) {
        let Some(track) = self.any_remote_track(chance) else { return };
        let open = |reading: &&Arc<Reading>| reading.is_open();
        if self.streams.lock().unwrap().iter().filter(open).count() > MOST_STREAMS {
            return;
        }
        let options = DataTrackSubscribeOptions {
            buffer_frames: [1, 4, 64][chance.below(3)],
            buffer_policy: [
                BufferPolicy::DropOldest,
                BufferPolicy::DropNewest,
                BufferPolicy::LatestOnly,
            ][chance.below(3)],
            reorder_window_ms: if chance.one_in(12) {
                20_000
            } else {
                [0, 20, 200][chance.below(3)]
            },
            max_partial_bytes: [100_000, 8 << 20][chance.below(2)],
        };
        self.subscribe_to(track, options);
    }

    fn subscribe_to(&self, track: Arc<RemoteDataTrack>, options: DataTrackSubscribeOptions) {
        let wanted = Arc::clone(&track);
        self.begin(SUBSCRIBE, 10_100, |cancel| async move {
            Ended::Subscribe(wanted.subscribe_with_options(options, Some(cancel)).await, track)
        });
    }

    pub fn close_stream(&self, chance: &mut Chance, properly: bool) {
        let reading = {
            let mut streams = self.streams.lock().unwrap();
            if streams.is_empty() {
                return;
            }
            let at = chance.below(streams.len());
            streams.swap_remove(at)
        };
        let stream = &reading.stream;
        if properly {
            stream.shutdown();
            assert_eq!(stream.stats().frames_waiting, 0, "a closed stream holds frames");
            assert!(stream.end_reason().is_some());
            reading.read(&self.ledger);
        }
        self.ledger.add_all(STREAM_DROP, kinds::stream_drops(&stream.stats()));
    }

    /// Closes a stream and opens another one of the same track before anybody has heard of it.
    pub fn resubscribe(&self, chance: &mut Chance) {
        let reading = {
            let mut streams = self.streams.lock().unwrap();
            let at = chance.below(streams.len());
            (at < streams.len()).then(|| streams.swap_remove(at))
        };
        let Some(reading) = reading else { return };
        reading.stream.shutdown();
        self.subscribe_to(Arc::clone(&reading.track), DataTrackSubscribeOptions::default());
    }

    pub fn wait_for_track(&self, chance: &mut Chance) {
        let Some(manager) = self.remote() else { return };
        let name = format!("track {}", chance.below(NAMES));
        self.begin("wait for a track", 3_000, |cancel| async move {
            let found = manager.wait_for_track(name, None, 2_900, Some(cancel)).await;
            Ended::Wait(found.map(drop))
        });
    }

    pub fn wait_for_end(&self, chance: &mut Chance) {
        let Some(track) = self.any_remote_track(chance) else { return };
        self.begin("wait for the end of a track", u64::MAX, |cancel| async move {
            Ended::Wait(track.wait_for_unpublish(Some(cancel)).await.map(drop))
        });
    }

    pub fn get_schema(&self, chance: &mut Chance, of: &str) {
        let Some(manager) = self.local() else { return };
        let id = schema(if chance.one_in(8) { "" } else { "pose" });
        let of = of.to_owned();
        self.begin("schema to be read", 5_100, |cancel| async move {
            Ended::Schema(manager.get_schema(of, id, Some(cancel)).await.map(drop))
        });
    }

    /// Cancels a call, of one kind if so wanted, or stops waiting for it.
    pub fn cancel(&self, chance: &mut Chance, what: &str) {
        let mut calls = self.calls.lock().unwrap();
        let ours: Vec<_> = (0..calls.len()).filter(|at| calls[*at].what == what).collect();
        let Some(at) = ours.get(chance.below(ours.len())) else { return };
        let cancelled = if chance.one_in(2) && what != "send" {
            Some(calls.remove(*at))
        } else {
            let token = Arc::clone(&calls[*at].cancel);
            drop(calls);
            return token.cancel();
        };
        drop(calls);
        drop(cancelled);
    }

    pub fn cancel_any(&self, chance: &mut Chance) {
        let token = {
            let calls = self.calls.lock().unwrap();
            let at = chance.below(calls.len());
            calls.get(at).map(|call| Arc::clone(&call.cancel))
        };
        token.iter().for_each(|token| token.cancel());
    }

    pub fn resend(&self) {
        self.remote().iter().for_each(|manager| manager.resend_subscription_updates());
        self.local().iter().for_each(|manager| drop(manager.publish_responses_for_sync_state()));
    }

    /// Looks at everything there is to look at.
    pub fn look(&self) {
        if let Some(manager) = self.local() {
            let _ = (manager.stats(), format!("{manager:?}"));
            for track in manager.tracks() {
                let _ = (track.info(), track.stats(), track.is_published(), format!("{track:?}"));
            }
        }
        if let Some(manager) = self.remote() {
            let _ = (manager.stats(), format!("{manager:?}"));
            for track in manager.tracks() {
                let _ = (track.info(), track.stats(), track.is_published(), format!("{track:?}"));
            }
        }
    }

    fn any_remote_track(&self, chance: &mut Chance) -> Option<Arc<RemoteDataTrack>> {
        let tracks = self.remote()?.tracks();
        let at = chance.below(tracks.len());
        tracks.get(at).map(Arc::clone)
    }
}

pub const SUBSCRIBE: &str = "subscribe";

const MOST_STREAMS: usize = 12;
