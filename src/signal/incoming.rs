//! SignalResponse bytes → [`SignalIn`].

use prost::{Message, Oneof};

use super::{
    Decoded, MAX_ENTRIES, MAX_RESPONSE_BYTES, Participant, Refusal, RefusalReason, RefusedRequest,
    SignalIn, SubscribedTrack, TrackDescription,
    encoding::{decode_frame_encoding, decode_schema_id},
    peek, tag, wire,
};
use crate::{
    error::SignalError,
    track::{DataTrackInfo, Handle, MAX_NAME_BYTES},
};

/// Decodes a SignalResponse if data tracks are concerned with it and its field number is `wanted`.
///
/// # Errors
/// [`SignalError::Malformed`] when the bytes are no SignalResponse, or more than 16 MiB.
pub fn decode(bytes: &[u8], wanted: impl Fn(u32) -> bool) -> Result<Decoded, SignalError> {
    if bytes.len() > MAX_RESPONSE_BYTES {
        return Err(SignalError::Malformed);
    }
    let outer = last_field(bytes)?;
    if !is_ours(outer.number) || !wanted(outer.number) {
        return Ok(Decoded { tag: outer.number, message: None, skipped: 0 });
    }
    let inner = outer.bytes.filter(|inner| peek::is_sound(inner)).ok_or(SignalError::Malformed)?;
    let mut skipped = Skipped { count: 0, room: MAX_ENTRIES };
    let message = message(outer.number, inner, &mut skipped)?;
    Ok(Decoded { tag: outer.number, message, skipped: skipped.count })
}

/// Of a oneof's members the last counts; what is none of those that are known today may be a field beside it. Number 0 for a
/// message without fields.
fn last_field(bytes: &[u8]) -> Result<peek::Field<'_>, SignalError> {
    let none = peek::Field { number: 0, bytes: None };
    peek::fields(bytes).try_fold(none, |last, field| {
        let field = field.map_err(|_| SignalError::Malformed)?;
        let known = |number| (1..=tag::GET_DATA_BLOB_RESPONSE).contains(&number);
        Ok(if known(last.number) && !known(field.number) { last } else { field })
    })
}

fn is_ours(number: u32) -> bool {
    matches!(
        number,
        tag::JOIN
            | tag::UPDATE
            | tag::SUBSCRIPTION_PERMISSION_UPDATE
            | tag::REQUEST_RESPONSE
            | tag::ROOM_MOVED
            | tag::PUBLISH_RESPONSE..=tag::GET_DATA_BLOB_RESPONSE
    )
}

/// Counts entries that are bad, or too many.
struct Skipped {
    count: u32,
    room: u32,
}

impl Skipped {
    fn keep<T>(&mut self, entry: Option<T>) -> Option<T> {
        let kept = entry.filter(|_| self.room > 0);
        match kept {
            Some(_) => self.room -= 1,
            None => self.count = self.count.saturating_add(1),
        }
        kept
    }
}

fn message(
    number: u32,
    bytes: &[u8],
    skipped: &mut Skipped,
) -> Result<Option<SignalIn>, SignalError> {
    Ok(match number {
        tag::JOIN => Some(SignalIn::Join {
            local: local_participant(bytes, JOIN_PARTICIPANT, skipped),
            others: participants(bytes, JOIN_OTHERS, skipped),
        }),
        tag::ROOM_MOVED => Some(SignalIn::RoomMoved {
            local: local_participant(bytes, ROOM_MOVED_PARTICIPANT, skipped),
            others: participants(bytes, ROOM_MOVED_OTHERS, skipped),
        }),
        tag::UPDATE => Some(SignalIn::Update(participants(bytes, UPDATE_PARTICIPANTS, skipped))),
        tag::PUBLISH_RESPONSE => publish_response(bytes, skipped),
        tag::UNPUBLISH_RESPONSE => answered_track(bytes, skipped).map(SignalIn::UnpublishResponse),
        tag::SUBSCRIBER_HANDLES => {
            Some(SignalIn::SubscriberHandles(subscribed_tracks(bytes, skipped)))
        }
        tag::REQUEST_RESPONSE => Some(SignalIn::Refused(refusal(read(bytes)?))),
        tag::SUBSCRIPTION_PERMISSION_UPDATE => subscription_permission(read(bytes)?),
        tag::STORE_DATA_BLOB_RESPONSE => {
            Some(SignalIn::DataBlobStored { request_id: read::<BlobStored>(bytes)?.request_id })
        }
        tag::GET_DATA_BLOB_RESPONSE => Some(data_blob(read(bytes)?)),
        _ => None,
    })
}

fn read<M: Message + Default>(bytes: &[u8]) -> Result<M, SignalError> {
    M::decode(bytes).map_err(|_| SignalError::Malformed)
}

fn local_participant(bytes: &[u8], field: u32, skipped: &mut Skipped) -> Option<Participant> {
    let entry = peek::entry(bytes, field)?;
    let participant = participant(entry, skipped);
    skipped.keep(participant)
}

fn participants(bytes: &[u8], field: u32, skipped: &mut Skipped) -> Vec<Participant> {
    let mut participants = Vec::new();
    for entry in peek::entries(bytes, field) {
        let participant = participant(entry, skipped);
        participants.extend(skipped.keep(participant));
    }
    participants
}

fn participant(bytes: &[u8], skipped: &mut Skipped) -> Option<Participant> {
    let head = ParticipantHead::decode(bytes).ok()?;
    let is_named = (1..=MAX_NAME_BYTES).contains(&head.identity.len());
    if !is_named || head.sid.len() > MAX_NAME_BYTES {
        return None;
    }
    let tracks = peek::entries(bytes, PARTICIPANT_DATA_TRACKS);
    Some(Participant {
        identity: head.identity,
        sid: head.sid,
        joined_at_ms: head.joined_at_ms,
        connected: head.state != STATE_DISCONNECTED,
        may_return: LOST_CONNECTION.contains(&head.disconnect_reason),
        can_publish_data: head.permission.map(|permission| permission.can_publish_data),
        tracks: tracks.filter_map(|entry| skipped.keep(track_description(entry))).collect(),
    })
}

/// Whoever waits for it must hear of an answer that is of no use, too.
fn publish_response(bytes: &[u8], skipped: &mut Skipped) -> Option<SignalIn> {
    answered_track(bytes, skipped).map(SignalIn::PublishResponse).or_else(|| {
        let info = wire::DataTrackInfo::decode(peek::entry(bytes, RESPONSE_INFO)?).ok()?;
        decode_handle(info.pub_handle).map(SignalIn::UnusablePublishResponse)
    })
}

fn answered_track(bytes: &[u8], skipped: &mut Skipped) -> Option<TrackDescription> {
    skipped.keep(peek::entry(bytes, RESPONSE_INFO).and_then(track_description))
}

fn track_description(bytes: &[u8]) -> Option<TrackDescription> {
    let track = wire::DataTrackInfo::decode(bytes).ok()?;
    let schema = track.schema.as_ref();
    let usable = is_track_sid(&track.sid)
        && (1..=MAX_NAME_BYTES).contains(&track.name.len())
        && is_short(track.frame_encoding.as_ref())
        && schema
            .is_none_or(|id| id.name.len() <= MAX_NAME_BYTES && is_short(id.encoding.as_ref()));
    let uses_e2ee = match track.encryption {
        wire::encryption::NONE => false,
        wire::encryption::GCM => true,
        _ => return None,
    };
    let info = DataTrackInfo {
        sid: track.sid,
        name: track.name,
        uses_e2ee,
        schema: track.schema.map(decode_schema_id),
        frame_encoding: decode_frame_encoding(track.frame_encoding),
    };
    let handle = decode_handle(track.pub_handle)?;
    usable.then_some(TrackDescription { handle, info })
}

/// SFUs do not look: a name of a megabyte would be kept as long as its track.
fn is_short(encoding: Option<&wire::Encoding>) -> bool {
    match encoding.and_then(|encoding| encoding.value.as_ref()) {
        Some(wire::EncodingValue::Custom(identifier)) => identifier.len() <= MAX_NAME_BYTES,
        Some(wire::EncodingValue::WellKnown(_)) | None => true,
    }
}

fn subscribed_tracks(bytes: &[u8], skipped: &mut Skipped) -> Vec<SubscribedTrack> {
    peek::entries(bytes, HANDLES_ENTRY)
        .filter_map(|entry| skipped.keep(subscribed_track(entry)))
        .collect()
}

fn subscribed_track(bytes: &[u8]) -> Option<SubscribedTrack> {
    let entry = HandlesEntry::decode(bytes).ok()?;
    let handle = decode_handle(entry.key)?;
    let track = entry.value.filter(|track| is_track_sid(&track.track_sid))?;
    Some(SubscribedTrack {
        handle,
        track_sid: track.track_sid,
        publisher_identity: track.publisher_identity,
        publisher_sid: track.publisher_sid,
    })
}

/// Media tracks have permissions too; those are none of ours.
fn subscription_permission(update: wire::SubscriptionPermissionUpdate) -> Option<SignalIn> {
    let wire::SubscriptionPermissionUpdate { track_sid, allowed, .. } = update;
    is_track_sid(&track_sid).then_some(SignalIn::SubscriptionPermission { track_sid, allowed })
}

fn refusal(response: RequestResponse) -> Refusal {
    Refusal {
        request_id: response.request_id,
        reason: RefusalReason::from_code(response.reason),
        detail: String::from_utf8_lossy(&response.message).into_owned(),
        request: match response.request {
            Some(EchoedRequest::Publish(echo)) => RefusedRequest::Publish(echo.pub_handle),
            Some(EchoedRequest::Unpublish(echo)) => RefusedRequest::Unpublish(echo.pub_handle),
            None => RefusedRequest::Other,
        },
    }
}

fn data_blob(response: BlobFound) -> SignalIn {
    SignalIn::DataBlob {
        request_id: response.request_id,
        contents: response.blob.map(|blob| blob.contents).unwrap_or_default(),
    }
}

fn decode_handle(number: u32) -> Option<Handle> {
    u16::try_from(number).ok().and_then(Handle::new)
}

fn is_track_sid(sid: &str) -> bool {
    sid.len() <= MAX_SID_BYTES && sid.starts_with("DTR_")
}

// What is read here of messages that hold more: the rest is walked over, so that it can be neither bad nor large.

#[derive(Message)]
struct ParticipantHead {
    #[prost(string, tag = "1")]
    sid: String,
    #[prost(string, tag = "2")]
    identity: String,
    #[prost(int32, tag = "3")]
    state: i32,
    #[prost(message, optional, tag = "11")]
    permission: Option<Permission>,
    #[prost(int32, tag = "16")]
    disconnect_reason: i32,
    #[prost(int64, tag = "17")]
    joined_at_ms: i64,
}

#[derive(Message)]
struct Permission {
    #[prost(bool, tag = "3")]
    can_publish_data: bool,
}

#[derive(Message)]
struct HandlesEntry {
    #[prost(uint32, tag = "1")]
    key: u32,
    #[prost(message, optional, tag = "2")]
    value: Option<wire::PublishedDataTrack>,
}

#[derive(Message)]
struct RequestResponse {
    #[prost(uint32, tag = "1")]
    request_id: u32,
    #[prost(int32, tag = "2")]
    reason: i32,
    /// Bytes, so that a text that is no UTF-8 does not hide the refusal.
    #[prost(bytes = "vec", tag = "3")]
    message: Vec<u8>,
    #[prost(oneof = "EchoedRequest", tags = "10, 11")]
    request: Option<EchoedRequest>,
}

#[derive(Oneof)]
enum EchoedRequest {
    #[prost(message, tag = "10")]
    Publish(wire::UnpublishDataTrackRequest),
    #[prost(message, tag = "11")]
    Unpublish(wire::UnpublishDataTrackRequest),
}

#[derive(Message)]
struct BlobStored {
    #[prost(uint32, tag = "1")]
    request_id: u32,
}

#[derive(Message)]
struct BlobFound {
    #[prost(uint32, tag = "1")]
    request_id: u32,
    #[prost(message, optional, tag = "2")]
    blob: Option<BlobContents>,
}

#[derive(Message)]
struct BlobContents {
    #[prost(bytes = "vec", tag = "2")]
    contents: Vec<u8>,
}

/// Far above the 16 bytes of a real SID; keeps what is remembered per track small.
const MAX_SID_BYTES: usize = 256;

// Field numbers of what is taken apart by walking (protocol §2.3, §2.4).
const JOIN_PARTICIPANT: u32 = 2;
const JOIN_OTHERS: u32 = 3;
const ROOM_MOVED_PARTICIPANT: u32 = 3;
const ROOM_MOVED_OTHERS: u32 = 4;
const UPDATE_PARTICIPANTS: u32 = 1;
const PARTICIPANT_DATA_TRACKS: u32 = 19;
const RESPONSE_INFO: u32 = 1;
const HANDLES_ENTRY: u32 = 1;

/// ParticipantInfo.State DISCONNECTED.
const STATE_DISCONNECTED: i32 = 3;

/// Every DisconnectReason that is nobody's decision, so that its client joins anew: DUPLICATE_IDENTITY (by a session of its own),
/// SERVER_SHUTDOWN, STATE_MISMATCH, MIGRATION, SIGNAL_CLOSE, CONNECTION_TIMEOUT, MEDIA_FAILURE.
const LOST_CONNECTION: [i32; 7] = [2, 3, 6, 8, 9, 14, 15];
