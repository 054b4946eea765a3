//! Frames that are pushed, whose packets leave, and when.

use std::sync::{Arc, Mutex};

use datatracks::LocalDataTrack;

use super::{Event, Rig, frame, header};

pub fn push(track: &LocalDataTrack, bytes: usize) {
    track.try_push(frame(bytes)).unwrap();
}

/// Handles of the packets that left, callback by callback.
pub fn order(rig: &Rig) -> Vec<Vec<u16>> {
    let handles =
        |call: Vec<Vec<u8>>| call.iter().map(|packet| header(packet).handle.get()).collect();
    rig.host.packets().into_iter().map(handles).collect()
}

/// Notes when each callback comes, in milliseconds since the start.
pub fn clocked(rig: &Rig) -> Arc<Mutex<Vec<(u64, usize)>>> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let (environment, start) = (Arc::clone(&rig.environment), rig.environment.now());
    let noted = Arc::clone(&log);
    rig.host.on_every(move |event| {
        if let Event::Packets(packets) = event {
            let at = (environment.now() - start).as_millis() as u64;
            noted.lock().unwrap().push((at, packets.len()));
        }
        Ok(())
    });
    log
}
