//! Waiting until what was pushed has left: as long as some of it still leaves.

use datatracks::{LocalDataTrack, error::WaitError, packet::MTU};

use crate::{failure::Failure, output::tell};

/// Waits until all frames have left, and tells how many. The track may send only so many bytes in a second; 0: any.
pub(crate) async fn flush(
    track: &LocalDataTrack,
    max_bytes_per_second: u64,
) -> Result<(), Failure> {
    let one_packet_ms = (MTU as u64 * 1000).checked_div(max_bytes_per_second).unwrap_or(0);
    let limit_ms = STALLED_MS + one_packet_ms;
    let flushed = while_some_leave(
        async || track.flush(limit_ms, None).await,
        || {
            let stats = track.stats();
            (stats.packets_sent, stats.bytes_waiting)
        },
    );
    flushed.await.map_err(not_flushed)?;
    let stats = track.stats();
    let name = track.info().name;
    tell(&format!("sent {} frames, {} bytes of \"{name}\"", stats.frames_sent, stats.bytes_sent));
    match stats.frames_accepted - stats.frames_sent {
        0 => Ok(()),
        dropped => Err(Failure::other(format!("{dropped} frames of \"{name}\" could not be sent"))),
    }
}

/// Flushes again when it takes too long, unless nothing at all has left in that time.
async fn while_some_leave<Left: PartialEq>(
    flush: impl AsyncFn() -> Result<(), WaitError>,
    left: impl Fn() -> Left,
) -> Result<(), WaitError> {
    let mut before = left();
    loop {
        let flushed = flush().await;
        let now = left();
        if flushed != Err(WaitError::TimedOut) || now == before {
            return flushed;
        }
        before = now;
    }
}

fn not_flushed(_: WaitError) -> Failure {
    Failure::TimedOut("the last frames could not be sent in time".into())
}

/// A connection that has broken is mended or given up by then.
const STALLED_MS: u64 = 30_000;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// What waits, after flushes in each of which one packet leaves until so many wait.
    async fn flush(packets: u32, kept: u32) -> (Result<(), WaitError>, u32) {
        let waiting = Cell::new(packets);
        let flushed = while_some_leave(
            async || {
                waiting.set(kept.max(waiting.get() - 1));
                if waiting.get() == 0 { Ok(()) } else { Err(WaitError::TimedOut) }
            },
            || waiting.get(),
        );
        (flushed.await, waiting.get())
    }

    #[tokio::test]
    async fn what_leaves_slowly_is_waited_for_and_what_does_not_is_given_up() {
        assert_eq!(flush(100, 0).await, (Ok(()), 0));
        assert_eq!(flush(100, 7).await, (Err(WaitError::TimedOut), 7));
    }
}
