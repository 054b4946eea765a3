//! The plain protocol: signals and packets of one participant over one TCP connection, for hosts without WebRTC.
//!
//! ```text
//!  message = u8 kind · u32 length, big-endian · bytes
//!  kind      client → server                          server → client
//!  0 hello   JSON, first and once                     –
//!  1 signal  SignalRequest                            SignalResponse; first a join or reconnect response, or a leave
//!  2 packet  one DTP packet                           one DTP packet
//!  3 control JSON {"op": …}, for tests                JSON {"ok": true} or {"ok": false, "error": "…"}
//! ```
//! A refused hello is answered by a control message, and the connection closes.

pub(super) mod outlet;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// One message of either side.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Who joins.
    Hello = 0,
    /// A signal message.
    Signal = 1,
    /// A packet.
    Packet = 2,
    /// A test control, or the answer to one.
    Control = 3,
}

/// Who joins which room.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Hello {
    /// Name of the participant.
    pub identity: String,
    /// Name of the room.
    pub room: String,
    /// What the participant may do.
    #[serde(default)]
    pub permissions: Permissions,
    /// True to come back as the participant that lost its connection.
    #[serde(default)]
    pub resume: bool,
}

/// What a participant may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Permissions {
    /// May publish data tracks.
    pub can_publish_data: bool,
    /// May read tracks.
    pub can_subscribe: bool,
    /// Others do not learn of the participant, nor of its tracks.
    pub hidden: bool,
}

/// Something that only a test asks for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Control {
    /// Close this connection as a failure would.
    DropSession {
        /// Whether the participant is kept.
        mode: DropMode,
    },
    /// Refuse the next request, with this RequestResponse.Reason.
    RefuseNext {
        /// The number of the reason.
        reason: i32,
    },
    /// Do not send the next reply to this participant.
    LoseNext,
    /// Take the permission to publish away.
    Revoke,
    /// Give it back.
    Grant,
    /// Take the permission to read away.
    RevokeSubscribe,
    /// Give it back.
    GrantSubscribe,
    /// Impair the link of this participant.
    Impair {
        /// As `--impair` takes it.
        spec: String,
    },
}

/// What becomes of the participant when its connection is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DropMode {
    /// It is kept, and can come back.
    Quick,
    /// It is removed.
    Full,
}

impl Message {
    /// A signal message.
    pub fn signal(bytes: Vec<u8>) -> Self {
        Self { kind: Kind::Signal, bytes }
    }

    /// A packet.
    pub fn packet(bytes: impl Into<Vec<u8>>) -> Self {
        Self { kind: Kind::Packet, bytes: bytes.into() }
    }

    /// The answer to a control, or to a hello that is refused.
    pub fn reply(outcome: Result<(), &str>) -> Self {
        let reply = match outcome {
            Ok(()) => Reply { ok: true, error: None },
            Err(error) => Reply { ok: false, error: Some(error) },
        };
        Self { kind: Kind::Control, bytes: serde_json::to_vec(&reply).unwrap_or_default() }
    }

    /// Reads one message; `None` at the end of the connection.
    ///
    /// # Errors
    /// When the connection breaks inside a message, or the message is of no known kind or too large.
    pub async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let Some(kind) = read_kind(from).await? else { return Ok(None) };
        let length = from.read_u32().await? as usize;
        if length > MAX_LENGTH {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too large"));
        }
        let mut bytes = vec![0; length];
        from.read_exact(&mut bytes).await?;
        Ok(Some(Self { kind, bytes }))
    }

    /// Writes one message.
    ///
    /// # Errors
    /// When the connection is broken, or the message too large.
    pub async fn write(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let length = u32::try_from(self.bytes.len()).map_err(io::Error::other)?;
        let mut framed = Vec::with_capacity(self.bytes.len() + 5);
        framed.push(self.kind as u8);
        framed.extend_from_slice(&length.to_be_bytes());
        framed.extend_from_slice(&self.bytes);
        to.write_all(&framed).await
    }
}

async fn read_kind(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Kind>> {
    let mut kind = [0];
    if from.read(&mut kind).await? == 0 {
        return Ok(None);
    }
    match kind {
        [0] => Ok(Some(Kind::Hello)),
        [1] => Ok(Some(Kind::Signal)),
        [2] => Ok(Some(Kind::Packet)),
        [3] => Ok(Some(Kind::Control)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "no such kind of message")),
    }
}

impl Default for Permissions {
    fn default() -> Self {
        Self { can_publish_data: true, can_subscribe: true, hidden: false }
    }
}

impl Hello {
    /// From the first message of a connection. The error is for people.
    pub(super) fn read(first: &Message) -> Result<Self, String> {
        match first.kind {
            Kind::Hello => serde_json::from_slice(&first.bytes).map_err(|error| error.to_string()),
            Kind::Signal | Kind::Packet | Kind::Control => Err("say hello first".to_owned()),
        }
    }
}

/// What strangers can make a server of this protocol hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// For a connection to say who it is.
    pub hello: Duration,
    /// For a reader to take something.
    pub write: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: MAX_CONNECTIONS, hello: HELLO_LIMIT, write: WRITE_LIMIT }
    }
}

#[derive(Serialize)]
struct Reply<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// As much as a signal message may have (protocol §7).
const MAX_LENGTH: usize = 2 << 20;

/// Tasks and queues that strangers can make us hold.
const MAX_CONNECTIONS: usize = 1024;

/// A connection that does not say who it is is of no use.
const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// A reader that takes nothing for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn messages_survive_the_wire() {
        let messages = [
            Message::signal(vec![1, 2, 3]),
            Message::packet(vec![0; 16_000]),
            Message { kind: Kind::Hello, bytes: Vec::new() },
            Message::reply(Err("no")),
        ];
        let mut wire = Vec::new();
        for message in &messages {
            message.write(&mut wire).await.unwrap();
        }
        let mut wire = wire.as_slice();
        for message in messages {
            assert!(Message::read(&mut wire).await.unwrap().unwrap() == message);
        }
        assert!(Message::read(&mut wire).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_message_is_one_byte_of_kind_four_of_length_and_itself() {
        let mut wire = Vec::new();
        Message::packet(*b"abc").write(&mut wire).await.unwrap();
        assert_eq!(wire, *b"\x02\x00\x00\x00\x03abc");
        let reply = Message::reply(Ok(())).bytes;
        assert_eq!(reply, br#"{"ok":true}"#);
        assert_eq!(Message::reply(Err("x")).bytes, br#"{"ok":false,"error":"x"}"#);
    }

    #[tokio::test]
    async fn broken_messages_are_errors() {
        for wire in [
            &b"\x04\x00\x00\x00\x00"[..],
            b"\x01\xff\xff\xff\xff",
            b"\x01\x00",
            b"\x01\x00\x00\x00\x02a",
        ] {
            assert!(Message::read(&mut &*wire).await.is_err());
        }
    }

    #[test]
    fn hello_and_controls_are_read_as_written_in_the_protocol() {
        let hello: Hello = serde_json::from_str(r#"{"identity":"a","room":"b"}"#).unwrap();
        assert!(hello.permissions.can_publish_data && hello.permissions.can_subscribe);
        assert!(!hello.resume);
        let hello =
            r#"{"identity":"a","room":"b","permissions":{"can_subscribe":false},"resume":true}"#;
        let hello: Hello = serde_json::from_str(hello).unwrap();
        assert!(
            hello.permissions.can_publish_data && !hello.permissions.can_subscribe && hello.resume
        );
        for (text, control) in [
            (
                r#"{"op":"drop_session","mode":"quick"}"#,
                Control::DropSession { mode: DropMode::Quick },
            ),
            (
                r#"{"op":"drop_session","mode":"full"}"#,
                Control::DropSession { mode: DropMode::Full },
            ),
            (r#"{"op":"refuse_next","reason":2}"#, Control::RefuseNext { reason: 2 }),
            (r#"{"op":"lose_next"}"#, Control::LoseNext),
            (r#"{"op":"revoke"}"#, Control::Revoke),
            (r#"{"op":"grant"}"#, Control::Grant),
            (r#"{"op":"revoke_subscribe"}"#, Control::RevokeSubscribe),
            (r#"{"op":"grant_subscribe"}"#, Control::GrantSubscribe),
            (r#"{"op":"impair","spec":"loss=2%"}"#, Control::Impair { spec: "loss=2%".into() }),
        ] {
            assert_eq!(serde_json::from_str::<Control>(text).unwrap(), control);
        }
    }
}
