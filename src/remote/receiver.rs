//! The receiving end of one track: packets → frames → the buffers of its streams.
//!
//! Never opens a sealed frame itself, since that may be foreign code: it hands sealed frames out, in order and to one thread
//! at a time, and takes them back opened. What comes while one is out waits in a bounded queue.
//!
//! ```text
//!  receive ─► reassembly ─┬─ plain ───────────────────────────────────────────────► streams
//!                         ├─ sealed ─► (queue while one is out) ─► opened ─► opened()┘ (a replay: refused)
//!                         └─ plain on an encrypted track, sealed on a plain one: refused (P4)
//! ```

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    budget::{Budget, Budgets},
    memory::Memory,
    opening::{Begun, Opening, Sealed, Ticket},
    ordering::Placed,
    reassembly::{MAX_AGE, Reassembly, Whole},
    replay::{Mark, Opened},
    stream::{Next, Stream, StreamOptions},
};
use crate::{
    frame::{DataTrackFrame, Payload},
    packet::Packet,
    stats::{RemoteTrackStats, StreamStats},
    track::StreamEndReason,
};

/// Names one reader of a manager's tracks: a call of `subscribe`, then the stream that it made.
pub(crate) type ReaderId = u64;

/// In order of readers. Not a `SortedMap`: that grows by several entries at once, and mostly there is one stream.
type Streams = Vec<(ReaderId, Stream)>;

/// The receiving end of one track.
pub(crate) struct Receiver {
    encrypted: bool,
    reassembly: Reassembly,
    opening: Opening,
    lately: Opened,
    /// Counts restarts: a sealed frame that was out during one has lost its place.
    epoch: u32,
    waiting: Arc<Budget>,
    memory: Memory,
    open: Streams,
    ended: Streams,
    /// How long a frame is waited for whose packets do not come: [`MAX_AGE`], or the longest reorder window of the open streams.
    patience: Duration,
    /// Without `bytes_partial` and `streams`.
    stats: RemoteTrackStats,
}

impl Receiver {
    pub(crate) fn new(encrypted: bool, budgets: &Budgets) -> Self {
        Self {
            encrypted,
            reassembly: Reassembly::new(Arc::clone(&budgets.partial)),
            opening: Opening::new(Arc::clone(&budgets.waiting)),
            lately: Opened::default(),
            epoch: 0,
            waiting: Arc::clone(&budgets.waiting),
            memory: Memory::new(Arc::clone(&budgets.waiting)),
            open: Vec::new(),
            ended: Vec::new(),
            patience: MAX_AGE,
            stats: RemoteTrackStats::default(),
        }
    }

    pub(crate) fn stats(&self) -> RemoteTrackStats {
        RemoteTrackStats {
            bytes_partial: self.reassembly.bytes_partial() as u64,
            streams: self.open.len() as u64,
            ..self.stats
        }
    }

    /// Takes a packet in, out of a message of so many bytes. A sealed frame that it completes comes out when nobody is opening
    /// another one.
    pub(crate) fn receive<'p>(
        &mut self,
        packet: &Packet<'p>,
        message_len: usize,
        now: Instant,
    ) -> Option<Sealed<'p>> {
        self.stats.packets_received += 1;
        self.stats.bytes_received += message_len as u64;
        if self.open.is_empty() {
            self.stats.packets_dropped += 1;
            return None;
        }
        if self.reassembly.has_moved_on(packet, now, self.patience) {
            self.restart();
        }
        self.reassembly.expire(now, self.patience, &mut self.stats);
        let whole = self.reassembly.take(packet, now, &mut self.stats)?;
        self.stats.frames_completed += 1;
        let ticket = whole.ticket(self.epoch);
        match (self.encrypted, whole.extensions.encryption) {
            (false, None) => {
                let payload = self.payload(whole.bytes);
                self.deliver(ticket.place(Some(payload)), now);
            }
            (true, Some(encryption)) => {
                let sealed = Sealed { encryption, bytes: whole.bytes, ticket };
                return self.hand_out(sealed, now);
            }
            (true, None) | (false, Some(_)) => {
                self.stats.frames_dropped_encryption_mismatch += 1;
                self.deliver(ticket.place(None), now);
            }
        }
        None
    }

    /// Takes a sealed frame back, opened, or `None` when it could not be. Answers the next one to open.
    pub(crate) fn opened(
        &mut self,
        mark: Mark,
        ticket: Ticket,
        payload: Option<Payload>,
        now: Instant,
    ) -> Option<Sealed<'static>> {
        self.stats.frames_dropped_undecryptable += u64::from(payload.is_none());
        let is_replay = payload.is_some() && !self.lately.note(mark);
        self.stats.frames_dropped_replayed += u64::from(is_replay);
        let payload = payload.filter(|_| !is_replay);
        if ticket.epoch == self.epoch {
            self.deliver(ticket.place(payload), now);
        } else if payload.is_some() {
            self.open.iter_mut().for_each(|(_, stream)| stream.count_late());
        }
        self.opening.next()
    }

    /// Packets that come next belong to another subscription: frame numbers and sequence numbers begin anew.
    pub(crate) fn restart(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.reassembly.restart(&mut self.stats);
        self.open.iter_mut().for_each(|(_, stream)| stream.restart());
    }

    /// Lets a stream have the frames from now on.
    pub(crate) fn attach(&mut self, id: ReaderId, options: &StreamOptions) {
        // Mostly there is one: no room for more.
        self.open.reserve_exact(1);
        put(&mut self.open, (id, Stream::new(options, Arc::clone(&self.waiting))));
        self.adjust();
    }

    /// Ends one stream; what it holds is dropped.
    pub(crate) fn close(&mut self, id: ReaderId) {
        if let Ok(at) = place(&self.open, id) {
            let mut stream = self.open.remove(at);
            stream.1.close();
            put(&mut self.ended, stream);
            self.adjust();
        } else if let Some(stream) = self.stream_mut(id) {
            stream.close();
        }
    }

    /// Forgets a stream that nobody can ask about any more.
    pub(crate) fn forget(&mut self, id: ReaderId) {
        self.close(id);
        if let Ok(at) = place(&self.ended, id) {
            self.ended.remove(at);
        }
    }

    /// Ends all streams; what they hold is still read.
    pub(crate) fn end(&mut self, reason: StreamEndReason) {
        self.open.iter_mut().for_each(|(_, stream)| stream.end(reason));
        self.open.drain(..).for_each(|stream| put(&mut self.ended, stream));
        self.adjust();
    }

    pub(crate) fn next(&mut self, id: ReaderId) -> Next {
        let Some(stream) = self.stream_mut(id) else { return Next::Ended };
        let next = stream.pop();
        if stream.is_behind() {
            self.share_memory();
        } else if matches!(next, Next::Empty { was_behind: false }) {
            self.memory.rest();
        }
        next
    }

    /// True when a reader of batches had better let some more frames come.
    pub(crate) fn is_worth_a_rest(&self, id: ReaderId) -> bool {
        self.stream(id).is_some_and(Stream::is_worth_a_rest)
    }

    /// Adds frames that are there to `frames`, until it holds `max`.
    pub(crate) fn take(&mut self, id: ReaderId, max: usize, frames: &mut Vec<DataTrackFrame>) {
        if let Some(stream) = self.stream_mut(id) {
            stream.take(max, frames);
        }
    }

    /// True when `next` would not wait.
    pub(crate) fn is_readable(&self, id: ReaderId) -> bool {
        self.stream(id).is_none_or(Stream::is_readable)
    }

    pub(crate) fn end_reason(&self, id: ReaderId) -> Option<StreamEndReason> {
        self.stream(id).and_then(Stream::ended)
    }

    pub(crate) fn stream_stats(&self, id: ReaderId) -> StreamStats {
        self.stream(id).map_or_else(StreamStats::default, Stream::stats)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called, or earlier than need be.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let mut first = self.reassembly.expiry();
        for due in self.open.iter().filter_map(|(_, stream)| stream.due()) {
            first = Some(first.map_or(due, |first| first.min(due)));
        }
        first
    }

    /// Gives up incomplete frames that are too old, and hands out frames that waited long enough.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.reassembly.expire(now, self.patience, &mut self.stats);
        self.open.iter_mut().for_each(|(_, stream)| stream.release(now));
    }

    /// One frame that is kept keeps the memory of all that shared it.
    fn share_memory(&mut self) {
        match self.open.iter().any(|(_, stream)| stream.keeps_oldest()) {
            true => self.memory.rest(),
            false => self.memory.begin(),
        }
    }

    fn stream(&self, id: ReaderId) -> Option<&Stream> {
        let known = match place(&self.open, id) {
            Ok(at) => self.open.get(at),
            Err(_) => place(&self.ended, id).ok().and_then(|at| self.ended.get(at)),
        };
        known.map(|(_, stream)| stream)
    }

    fn stream_mut(&mut self, id: ReaderId) -> Option<&mut Stream> {
        let known = match place(&self.open, id) {
            Ok(at) => self.open.get_mut(at),
            Err(_) => place(&self.ended, id).ok().and_then(|at| self.ended.get_mut(at)),
        };
        known.map(|(_, stream)| stream)
    }

    /// After a change of the open streams.
    fn adjust(&mut self) {
        let streams = || self.open.iter().map(|(_, stream)| stream);
        self.patience = streams().map(Stream::window).fold(MAX_AGE, Duration::max);
        let limit = streams().map(Stream::max_partial_bytes).max().unwrap_or_default();
        self.reassembly.set_limit(limit);
        if self.open.is_empty() {
            self.reassembly.restart(&mut self.stats);
            self.memory.rest();
        }
    }

    fn hand_out<'p>(&mut self, sealed: Sealed<'p>, now: Instant) -> Option<Sealed<'p>> {
        let ticket = sealed.ticket;
        match self.opening.begin(sealed) {
            Begun::Out(sealed) => Some(sealed),
            Begun::Queued => None,
            Begun::NoRoom => {
                self.stats.frames_dropped_budget += 1;
                self.deliver(ticket.place(None), now);
                None
            }
        }
    }

    /// The one copy of a frame of one packet; a frame of several was copied into place and is not copied again, unless its
    /// buffer is much too large.
    fn payload(&mut self, bytes: Cow<'_, [u8]>) -> Payload {
        Payload(match bytes {
            Cow::Borrowed(bytes) => self.memory.copy(bytes),
            Cow::Owned(mut bytes) => {
                if bytes.capacity() - bytes.len() > bytes.len() / SLACK {
                    bytes.shrink_to_fit();
                }
                Bytes::from(bytes)
            }
        })
    }

    fn deliver(&mut self, placed: Placed, now: Instant) {
        let Some(((_, last), others)) = self.open.split_last_mut() else { return };
        others.iter_mut().for_each(|(_, stream)| stream.push(placed.clone(), now));
        last.push(placed, now);
    }
}

/// Where a reader's stream is, or belongs.
fn place(streams: &Streams, id: ReaderId) -> Result<usize, usize> {
    streams.binary_search_by_key(&id, |(known, _)| *known)
}

fn put(streams: &mut Streams, stream: (ReaderId, Stream)) {
    if let Err(at) = place(streams, stream.0) {
        streams.insert(at, stream);
    }
}

impl Whole<'_> {
    fn ticket(&self, epoch: u32) -> Ticket {
        Ticket {
            number: self.number,
            first: self.first,
            last: self.last,
            user_timestamp: self.extensions.user_timestamp,
            epoch,
        }
    }
}

impl Ticket {
    fn place(self, payload: Option<Payload>) -> Placed {
        let user_timestamp = self.user_timestamp;
        Placed {
            number: self.number,
            first: self.first,
            last: self.last,
            frame: payload.map(|payload| DataTrackFrame { payload, user_timestamp }),
        }
    }
}

/// A frame may keep a buffer that is larger by this part.
const SLACK: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        packet::{Extensions, Header, Marker},
        track::Handle,
    };

    #[test]
    fn a_packet_that_overtakes_the_end_of_the_last_stream_is_dropped() {
        let mut receiver = Receiver::new(false, &Budgets::default());
        let header = Header {
            marker: Marker::Single,
            handle: Handle::MIN,
            sequence: 0,
            frame_number: 0,
            timestamp: 0,
            extensions: Extensions::default(),
        };
        receiver.receive(&Packet { header, payload: b"late" }, 16, Instant::now());
        let stats = receiver.stats();
        assert_eq!((stats.packets_dropped, stats.frames_completed), (1, 0));
    }
}
