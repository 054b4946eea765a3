//! One track of the demo, from push to delivery.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use datatracks::{CancelToken, DataTrackFrame, DataTrackStream, LocalDataTrack, PushFrameError};
use tokio::time::interval;

use super::{
    ledger::{Account, Drops, Ledger},
    table::Row,
    workload::{Stamp, Workload},
};

pub(super) struct Lane {
    workload: Workload,
    start: Instant,
    local: Arc<LocalDataTrack>,
    stream: Arc<DataTrackStream>,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    ledger: Ledger,
    first: Option<Duration>,
}

impl Lane {
    pub(super) fn new(
        workload: Workload,
        start: Instant,
        local: Arc<LocalDataTrack>,
        stream: Arc<DataTrackStream>,
    ) -> Arc<Self> {
        Arc::new(Self { workload, start, local, stream, book: Mutex::default() })
    }

    pub(super) fn workload(&self) -> &Workload {
        &self.workload
    }

    /// Pushes a frame a period until it is told to stop. Where there is no room it waits: a machine that is too slow makes
    /// fewer frames and loses none. After a short delay it catches up, after a long one it does not.
    pub(super) async fn push(self: Arc<Self>, stop: Arc<CancelToken>) {
        let mut ticks = interval(self.workload.period);
        loop {
            let due = ticks.tick().await;
            if stop.is_cancelled() {
                return;
            }
            if due.elapsed() > LONGEST_CATCH_UP {
                ticks.reset();
            }
            let number = self.book().ledger.offer();
            let stamp = Stamp { number, pushed: self.start.elapsed() };
            let frame = DataTrackFrame::new(self.workload.frame(stamp));
            match self.local.send(frame, Some(Arc::clone(&stop))).await {
                Ok(()) => {}
                Err(PushFrameError::Cancelled) => self.book().ledger.take_back(number),
                Err(_) => self.book().ledger.refuse(number),
            }
        }
    }

    /// Reads frames until the stream ends.
    pub(super) async fn read(self: Arc<Self>) {
        while let Ok(Some(frame)) = self.stream.next(None).await {
            let now = self.start.elapsed();
            let stamp = self.workload.read(frame.payload.as_ref());
            let mut book = self.book();
            book.first.get_or_insert(now);
            match stamp {
                Some(stamp) => book.ledger.deliver(stamp.number, now.saturating_sub(stamp.pushed)),
                None => book.ledger.deliver_damaged(),
            }
        }
    }

    /// Waits until no frame waits at the sender.
    pub(super) async fn flush(&self, patience: Duration) {
        let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        self.local.flush(millis, None).await.ok();
    }

    /// A packet of this frame was lost on the way.
    pub(super) fn lose(&self, frame_number: u16) {
        self.book().ledger.lose(frame_number);
    }

    /// True when every frame is delivered, or it is known why not.
    pub(super) fn is_settled(&self) -> bool {
        let Drops { sender, late, reader } = self.drops();
        self.book().ledger.open() <= sender + late + reader
    }

    pub(super) fn delivered(&self) -> u64 {
        self.book().ledger.delivered()
    }

    /// From the start of the demo to the first frame.
    pub(super) fn first(&self) -> Option<Duration> {
        self.book().first
    }

    pub(super) fn account(&self) -> Account {
        let drops = self.drops();
        self.book().ledger.account(drops)
    }

    /// A line of the table.
    pub(super) fn row(&self, rate: f64) -> Row {
        let account = self.account();
        let book = self.book();
        let latencies = book.ledger.latencies();
        Row {
            name: self.workload.name,
            size: self.workload.size,
            rate,
            account,
            median: latencies.percentile(500),
            p99: latencies.percentile(990),
            longest: latencies.longest(),
        }
    }

    fn drops(&self) -> Drops {
        let sender = self.local.stats();
        let stream = self.stream.stats();
        Drops {
            sender: sender.frames_dropped_full
                + sender.frames_dropped_expired
                + sender.frames_dropped_unpublished
                + sender.frames_dropped_not_sent,
            late: stream.frames_late,
            reader: stream.frames_dropped_full,
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Longer than a machine at work is usually held up.
const LONGEST_CATCH_UP: Duration = Duration::from_millis(500);
