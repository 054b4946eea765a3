//! Who may come in: routes and tokens (protocol §5.1, §5.4).

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::DeserializeOwned};
use tokio_tungstenite::tungstenite::http::StatusCode;

use super::{
    api::{Rights, method},
    http::Incoming,
};
use crate::host::room::{ApiKey, Grants};

/// What a request gets.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// A session, new or taken up again.
    Join { grants: Grants, resume: bool },
    /// A call of the server API.
    Manage(Rights),
    /// A plain answer.
    Answer(StatusCode, &'static str),
}

/// Judges a request. `now` is the time since the Unix epoch.
pub(super) fn judge(request: &Incoming, key: &ApiKey, now: Duration) -> Verdict {
    let validate = match request.path() {
        "/rtc" => false,
        "/rtc/validate" => true,
        path if method(path).is_some() => return manage(request, key, now),
        "/" => return Verdict::Answer(StatusCode::OK, "OK"),
        // Also /rtc/v1 (single peer connection): clients fall back to /rtc.
        _ => return Verdict::Answer(StatusCode::NOT_FOUND, "no such endpoint"),
    };
    let verified = match request.token() {
        Some(token) => verify(key, token, now).and_then(Claims::grants),
        None => Err(NO_TOKEN),
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

fn manage(request: &Incoming, key: &ApiKey, now: Duration) -> Verdict {
    match request.token().ok_or(NO_TOKEN).and_then(|token| verify(key, token, now)) {
        Ok(claims) => Verdict::Manage(claims.rights()),
        Err(fault) => Verdict::Answer(StatusCode::UNAUTHORIZED, fault),
    }
}

/// Reads a token, or tells what is wrong with it.
fn verify(key: &ApiKey, token: &str, now: Duration) -> Result<Claims, &'static str> {
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
    Ok(claims)
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
    room_admin: bool,
    room_create: bool,
    room: String,
    can_publish: Option<bool>,
    can_publish_data: Option<bool>,
    can_subscribe: Option<bool>,
    hidden: bool,
}

impl Claims {
    fn grants(self) -> Result<Grants, &'static str> {
        let Self { sub, jti, video, .. } = self;
        let grants = video.room_join.then(|| Grants {
            identity: if sub.is_empty() { jti } else { sub },
            room: video.room,
            can_publish_data: video.can_publish_data.or(video.can_publish).unwrap_or(true),
            can_subscribe: video.can_subscribe.unwrap_or(true),
            hidden: video.hidden,
        });
        grants.ok_or("the token does not allow to join a room")
    }

    fn rights(self) -> Rights {
        let VideoGrant { room, room_admin, room_create, .. } = self.video;
        Rights { admin_of: room_admin.then_some(room), room_create }
    }
}

const NO_TOKEN: &str = "no token: send it as Authorization: Bearer, or as access_token";

/// Clocks differ (protocol §5.4).
const LEEWAY_SECONDS: u64 = 60;

/// Of an identity or a room's name (protocol §7).
const MAX_NAME_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    fn key() -> ApiKey {
        ApiKey::new("devkey", "secret")
    }

    /// Signs whatever it is given, with an implementation of its own.
    fn token(header: &str, claims: &str) -> String {
        use hmac::{Hmac, KeyInit, Mac};
        let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"secret").unwrap();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    fn claims(claims: &str) -> Result<Grants, &'static str> {
        verify(&key(), &token(r#"{"alg":"HS256","typ":"JWT"}"#, claims), NOW)?.grants()
    }

    #[test]
    fn grants_are_as_the_token_says() {
        let all = claims(
            r#"{"iss":"devkey","sub":"alice","exp":1700000001,"video":{"roomJoin":true,"room":"lab"}}"#,
        );
        assert_eq!(all, Ok(Grants::new("alice", "lab")));
        let few = claims(
            r#"{"iss":"devkey","jti":"eve","exp":1700000001,"name":"?","video":{"roomJoin":true,"room":"lab",
                "canPublish":false,"canSubscribe":false,"hidden":true}}"#,
        );
        let grants = Grants {
            can_publish_data: false,
            can_subscribe: false,
            hidden: true,
            ..Grants::new("eve", "lab")
        };
        assert_eq!(few, Ok(grants));
        let data = claims(
            r#"{"iss":"devkey","sub":"a","exp":1700000001,
                "video":{"roomJoin":true,"canPublish":false,"canPublishData":true}}"#,
        );
        assert!(data.unwrap().can_publish_data);
    }

    #[test]
    fn times_have_a_minute_of_leeway() {
        for (times, good) in [
            (r#""exp":1699999940"#, true),
            (r#""exp":1699999939"#, false),
            (r#""exp":1700000001,"nbf":1700000060"#, true),
            (r#""exp":1700000001,"nbf":1700000061"#, false),
            (r#""nbf":0"#, false),
        ] {
            let verdict = claims(&format!(
                r#"{{"iss":"devkey","sub":"a",{times},"video":{{"roomJoin":true}}}}"#
            ));
            assert_eq!(verdict.is_ok(), good, "{times}: {verdict:?}");
        }
    }

    #[test]
    fn what_is_not_signed_as_it_must_be_is_refused() {
        const CLAIMS: &str =
            r#"{"iss":"devkey","sub":"a","exp":1700000001,"video":{"roomJoin":true}}"#;
        let good = token(r#"{"alg":"HS256"}"#, CLAIMS);
        assert!(verify(&key(), &good, NOW).is_ok());
        let (signed, _) = good.rsplit_once('.').unwrap();
        let other_key = CLAIMS.replace("devkey", "other");
        for bad in [
            token(r#"{"alg":"none"}"#, CLAIMS),
            token(r#"{"alg":"HS512"}"#, CLAIMS),
            token(r#"{"alg":"HS256"}"#, &other_key),
            format!("{signed}."),
            format!("{signed}.AAAA"),
            format!("{good}x"),
            signed.to_owned(),
            String::new(),
            "..".into(),
        ] {
            assert!(verify(&key(), &bad, NOW).is_err(), "{bad}");
        }
        assert!(claims(r#"{"iss":"devkey","sub":"a","exp":1700000001}"#).is_err());
    }
}
