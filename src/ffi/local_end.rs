//! The end of a track, and who waits for it.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::{CancelToken, LocalDataTrack, wait::unless_cancelled};
use crate::{error::WaitError, sorted::SortedMap, track::UnpublishReason};

/// What a track's waiters are told about its end.
#[derive(Default)]
pub(super) struct End {
    state: EndState,
    next_id: u64,
    waiting: SortedMap<u64, Waker>,
}

#[derive(Clone, Copy, Default)]
enum EndState {
    #[default]
    Published,
    Ended(UnpublishReason),
    /// The manager was dropped.
    Closed,
}

impl End {
    pub(super) fn is_published(&self) -> bool {
        matches!(self.state, EndState::Published)
    }

    /// Sets the reason; answers whom to wake.
    pub(super) fn set(&mut self, reason: UnpublishReason) -> Vec<Waker> {
        self.turn(EndState::Ended(reason))
    }

    /// There is no manager any more; answers whom to wake.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        self.turn(EndState::Closed)
    }

    fn turn(&mut self, state: EndState) -> Vec<Waker> {
        self.state = state;
        std::mem::take(&mut self.waiting).into_values().collect()
    }
}

impl LocalDataTrack {
    /// Waits for the end of the publication.
    pub(super) async fn ended(
        &self,
        cancel: Option<Arc<CancelToken>>,
    ) -> Result<UnpublishReason, WaitError> {
        let mut seat = EndSeat { track: self, id: None };
        let work = poll_fn(|context| seat.poll(context));
        unless_cancelled(cancel, work).await.unwrap_or(Err(WaitError::Cancelled))
    }
}

struct EndSeat<'a> {
    track: &'a LocalDataTrack,
    id: Option<u64>,
}

impl EndSeat<'_> {
    fn poll(&mut self, context: &Context<'_>) -> Poll<Result<UnpublishReason, WaitError>> {
        let waker = context.waker().clone();
        let mut about = self.track.about();
        let end = &mut about.end;
        match end.state {
            EndState::Ended(reason) => return Poll::Ready(Ok(reason)),
            EndState::Closed => return Poll::Ready(Err(WaitError::Closed)),
            EndState::Published => {}
        }
        let id = *self.id.get_or_insert_with(|| {
            end.next_id += 1;
            end.next_id
        });
        let before = end.waiting.insert(id, waker);
        drop(about);
        drop(before);
        Poll::Pending
    }
}

impl Drop for EndSeat<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let waker = self.track.about().end.waiting.remove(&id);
        drop(waker);
    }
}
