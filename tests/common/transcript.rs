//! What everybody in a room was told, in words that do not depend on the room: SIDs, handles and times are replaced.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use datatracks::signal::session::*;

/// Who was told what. Topics have an order of their own: between them there is none in a server of many threads.
#[derive(Default, PartialEq, Eq)]
pub struct Transcript {
    told: BTreeMap<(String, String), Vec<String>>,
    names: Names,
}

#[derive(Default, PartialEq, Eq)]
struct Names {
    by_sid: BTreeMap<String, String>,
    sid_of_track: BTreeMap<String, String>,
}

impl Transcript {
    /// The newest SID of the track of this name.
    pub fn sid(&self, track: &str) -> String {
        self.names.sid_of_track.get(track).expect("has been published").clone()
    }

    /// Notes a message down. A repetition says nothing new and is left out.
    pub fn record(&mut self, identity: &str, response: &Response) {
        for (topic, line) in self.names.lines(response) {
            let lines = self.told.entry((identity.to_owned(), topic)).or_default();
            if lines.last() != Some(&line) {
                lines.push(line);
            }
        }
    }

    /// Where two transcripts differ, in words.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let topics: BTreeSet<_> = self.told.keys().chain(other.told.keys()).collect();
        let differing =
            topics.into_iter().filter(|topic| self.told.get(topic) != other.told.get(topic));
        differing
            .map(|topic| {
                let (one, two) = (self.told.get(topic), other.told.get(topic));
                format!("{} about {}:\n  {one:#?}\n  {two:#?}", topic.0, topic.1)
            })
            .collect()
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((identity, topic), lines) in &self.told {
            writeln!(f, "{identity} about {topic}:")?;
            for line in lines {
                writeln!(f, "    {line}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Names {
    fn lines(&mut self, response: &Response) -> Vec<(String, String)> {
        let one = |topic: &str, line: String| vec![(topic.to_owned(), line)];
        match response {
            Response::Join(join) => {
                let everybody = join.participant.iter().chain(&join.other_participants);
                let mut lines: Vec<_> = everybody.map(|p| self.participant(p)).collect();
                lines.push(("session".into(), format!("join {:?}", others(join))));
                lines
            }
            Response::Reconnect(_) => one("session", "reconnect".into()),
            Response::Leave(leave) => {
                one("session", format!("leave, reason {}, action {}", leave.reason, leave.action))
            }
            Response::Update(update) => update
                .participants
                .iter()
                .map(|participant| self.participant(participant))
                .collect(),
            Response::PublishDataTrack(DataTrackResponse { info }) => {
                let track = info.as_ref().map(|info| self.published(info));
                one("answers", format!("published {track:?}"))
            }
            Response::UnpublishDataTrack(DataTrackResponse { info }) => {
                let track = info.as_ref().map(|info| self.track(info));
                one("answers", format!("unpublished {track:?}"))
            }
            Response::RequestResponse(refusal) => one("answers", format!("{refusal:?}")),
            Response::StoreDataBlob(stored) => one("answers", format!("{stored:?}")),
            Response::GetDataBlob(found) => one("answers", format!("{found:?}")),
            Response::Pong(_) => one("answers", "old pong".into()),
            Response::PongResp(pong) => {
                one("answers", format!("pong {}", pong.last_ping_timestamp))
            }
            Response::DataTrackSubscriberHandles(handles) => {
                let tracks: BTreeSet<_> = handles
                    .sub_handles
                    .values()
                    .map(|track| {
                        let of = |sid: &str| self.by_sid.get(sid).cloned();
                        (&track.publisher_identity, of(&track.publisher_sid), of(&track.track_sid))
                    })
                    .collect();
                one("handles", format!("{tracks:?}"))
            }
            Response::SubscriptionPermissionUpdate(update) => {
                let name = self.by_sid.get(&update.track_sid);
                one("permissions", format!("{name:?} allowed: {}", update.allowed))
            }
            // Media and transport: the embedded SFU's pure core has neither.
            Response::Answer(_)
            | Response::Offer(_)
            | Response::Trickle(_)
            | Response::RoomUpdate(_)
            | Response::RefreshToken(_)
            | Response::MediaSectionsRequirement(_) => vec![],
            Response::RoomMoved(_) => panic!("nothing moves this room"),
        }
    }

    fn participant(&mut self, participant: &ParticipantInfo) -> (String, String) {
        let sid = self.name(&participant.sid, &participant.identity);
        let mut tracks: Vec<_> = participant.data_tracks.iter().map(|t| self.track(t)).collect();
        tracks.sort();
        let permission = participant.permission.unwrap_or_default();
        let there =
            if participant.state == participant_state::DISCONNECTED { "gone" } else { "there" };
        let line = format!(
            "{sid} {there}, reason {}, publishes: {}, subscribes: {}, tracks {tracks:?}",
            participant.disconnect_reason, permission.can_publish_data, permission.can_subscribe
        );
        (participant.identity.clone(), line)
    }

    fn published(&mut self, info: &DataTrackInfo) -> String {
        self.sid_of_track.insert(info.name.clone(), info.sid.clone());
        self.track(info)
    }

    fn track(&mut self, info: &DataTrackInfo) -> String {
        let info = DataTrackInfo { sid: self.name(&info.sid, &info.name), ..info.clone() };
        format!("{info:?}")
    }

    /// The first SID of `whose` is `whose#1`, the next `whose#2`.
    fn name(&mut self, sid: &str, whose: &str) -> String {
        if let Some(name) = self.by_sid.get(sid) {
            return name.clone();
        }
        let prefix = sid.split('_').next().unwrap_or_default();
        let like = format!("{prefix} {whose}#");
        let before = self.by_sid.values().filter(|name| name.starts_with(&like)).count();
        let name = format!("{like}{}", before + 1);
        self.by_sid.insert(sid.to_owned(), name.clone());
        name
    }
}

fn others(join: &JoinResponse) -> BTreeSet<&str> {
    join.other_participants.iter().map(|participant| participant.identity.as_str()).collect()
}
