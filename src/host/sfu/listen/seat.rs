//! However a participant's task ends, by a panic too, the room learns of it: nobody else would end who has no task any more.

use super::super::rooms::Member;

/// Held by the task that serves a participant's peer connections.
pub(super) struct Seat(pub(super) Member);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.handle_peers_lost();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::queues::queues, *};
    use crate::host::sfu::{Permissions, RoomOptions, Rooms, sink::Sink};

    fn join(rooms: &Rooms) -> Member {
        let sink = Sink::WebRtc(queues().0);
        rooms.join("lab", "alice", Permissions::default(), sink).map_err(drop).unwrap()
    }

    #[tokio::test]
    async fn a_task_takes_its_participant_along() {
        let rooms = Rooms::new(RoomOptions::default());
        drop(Seat(join(&rooms)));
        assert!(rooms.member("lab", "alice").is_none());
    }

    #[tokio::test]
    async fn who_has_joined_anew_stays() {
        let rooms = Rooms::new(RoomOptions::default());
        let first = Seat(join(&rooms));
        join(&rooms);
        drop(first);
        assert!(rooms.member("lab", "alice").is_some());
    }
}
