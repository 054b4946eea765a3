//! Who may come in: routes and tokens (protocol §5.1, §5.4).

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::DeserializeOwned};
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::http::Incoming;
use crate::host::room::{ApiKey, Grants};

/// What a request gets.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// A session, new or taken up again.
    Join { grants: Grants, resume: bool },
    /// A plain answer.
    Answer(StatusCode, &'static str),
}

/// Judges a request. `now` is the time since the Unix epoch.
pub(super) fn judge(request: &Incoming, key: &ApiKey, now: Duration) -> Verdict {
    let validate = match request.path() {
        "/rtc" => false,
        "/rtc/validate" => true,
        "/" => return Verdict::Answer(StatusCode::OK, "OK"),
        // Also /rtc/v1 (single peer connection): clients fall back to /rtc.
        _ => return Verdict::Answer(StatusCode::NOT_FOUND, "no such endpoint"),
    };
    let verified = match request.token() {
        Some(token) => verify(key, token, now),
        None => Err("no token: send it as Authorization: Bearer, or as access_token"),
    };
    match verified {
        Err(fault) => Verdict::Answer(StatusCode::UNAUTHORIZED, fault),
        Ok(grants) if grants.identity.is_empty() || grants.identity.len() > MAX_NAME_BYTES => {
            Verdict::Answer(StatusCode::BAD_REQUEST, "the identity is empty or too long")
        }
        Ok(grants) if grants.room.is_empty() || grants.room.len() > MAX_NAME_BYTES => {
            Verdict::Answer(StatusCode::BAD_REQUEST, "the room name is empty or too long")
        }
        Ok(_) if validate => Verdict::Answer(StatusCode::OK, "success"),
        Ok(grants) => Verdict::Join { grants, resume: request.parameter("reconnect") == Some("1") },
    }
}

/// Reads a token, or tells what is wrong with it.
fn verify(key: &ApiKey, token: &str, now: Duration) -> Result<Grants, &'static str> {
    const MALFORMED: &str = "the token is malformed";
    let (signed, signature) = token.rsplit_once('.').ok_or(MALFORMED)?;
    let (header, claims) = signed.split_once('.').ok_or(MALFORMED)?;
    let header: Header = read_part(header).ok_or(MALFORMED)?;
    let claims: Claims = read_part(claims).ok_or(MALFORMED)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| MALFORMED)?;
    if header.alg != "HS256" {
        return Err("the token is not signed with HS256");
    }
    if !key.has_signed(&claims.iss, signed.as_bytes(), &signature) {
        return Err("the token is signed with another key or secret");
    }
    if claims.exp.saturating_add(LEEWAY_SECONDS) < now.as_secs() {
        return Err("the token has expired");
    }
    if claims.nbf.saturating_sub(LEEWAY_SECONDS) > now.as_secs() {
        return Err("the token is not valid yet");
    }
    claims.grants().ok_or("the token does not allow to join a room")
}

fn read_part<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    #[serde(default)]
    sub: String,
    #[serde(default)]
    jti: String,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    #[serde(default)]
    video: VideoGrant,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VideoGrant {
    room_join: bool,
    room: String,
    can_publish: Option<bool>,
    can_publish_data: Option<bool>,
    can_subscribe: Option<bool>,
    hidden: bool,
}

impl Claims {
    fn grants(self) -> Option<Grants> {
        let Self { sub, jti, video, .. } = self;
        video.room_join.then(|| Grants {
            identity: if sub.is_empty() { jti } else { sub },
            room: video.room,
            can_publish_data: video.can_publish_data.or(video.can_publish).unwrap_or(true),
            can_subscribe: video.can_subscribe.unwrap_or(true),
            hidden: video.hidden,
        })
    }
}

/// Clocks differ (protocol §5.4).
const LEEWAY_SECONDS: u64 = 60;

/// Of an identity or a room's name (protocol §7).
const MAX_NAME_BYTES: usize = 256;
