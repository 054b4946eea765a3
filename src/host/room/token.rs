//! Access tokens: what the server lets a participant do, signed with the API secret (protocol §5.4).

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;
use zeroize::Zeroizing;

/// A signed token, wiped from memory when dropped.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

/// API key and secret of a server; the secret is wiped from memory when dropped.
#[derive(Clone)]
pub struct ApiKey {
    key: String,
    secret: Zeroizing<String>,
}

/// What a token allows, to whom, in which room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    /// Name of the participant, stable and unique in the room.
    pub identity: String,
    /// Name of the room.
    pub room: String,
    /// May publish data tracks.
    pub can_publish_data: bool,
    /// May read tracks.
    pub can_subscribe: bool,
    /// Not shown to other participants; its tracks are not announced.
    pub hidden: bool,
}

impl Token {
    /// A token that somebody else made.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// What goes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl ApiKey {
    /// The pair as configured in the server.
    pub fn new(key: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { key: key.into(), secret: Zeroizing::new(secret.into()) }
    }

    /// Signs a token that is good for [`TOKEN_LIFETIME`] from now on.
    pub fn sign(&self, grants: &Grants) -> Token {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.sign_at(grants, now)
    }

    fn sign_at(&self, grants: &Grants, now: Duration) -> Token {
        let claims = Claims {
            iss: &self.key,
            sub: &grants.identity,
            nbf: now.as_secs(),
            exp: (now + TOKEN_LIFETIME).as_secs(),
            video: VideoGrant {
                room_join: true,
                room: &grants.room,
                can_publish: grants.can_publish_data,
                can_publish_data: grants.can_publish_data,
                can_subscribe: grants.can_subscribe,
                hidden: grants.hidden,
            },
        };
        let mut token = Zeroizing::new(String::new());
        URL_SAFE_NO_PAD.encode_string(HEADER, &mut token);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(&claims).unwrap_or_default(), &mut token);
        let signature = self.signature(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Token(token)
    }

    /// Whether `issuer` is this key and `signature` that of its secret under `signed`.
    pub(in crate::host) fn has_signed(
        &self,
        issuer: &str,
        signed: &[u8],
        signature: &[u8],
    ) -> bool {
        let mut mac = self.mac();
        mac.update(signed);
        issuer == self.key && mac.verify_slice(signature).is_ok()
    }

    fn signature(&self, signed: &[u8]) -> impl AsRef<[u8]> + use<> {
        let mut mac = self.mac();
        mac.update(signed);
        mac.finalize().into_bytes()
    }

    fn mac(&self) -> HmacSha256 {
        HmacSha256::new_from_slice(self.secret.as_bytes())
            .unwrap_or_else(|_| HmacSha256::new(&Default::default()))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Grants {
    /// May publish and read, visibly.
    pub fn new(identity: impl Into<String>, room: impl Into<String>) -> Self {
        Self {
            identity: identity.into(),
            room: room.into(),
            can_publish_data: true,
            can_subscribe: true,
            hidden: false,
        }
    }
}

type HmacSha256 = Hmac<Sha256>;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    nbf: u64,
    exp: u64,
    video: VideoGrant<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VideoGrant<'a> {
    room_join: bool,
    room: &'a str,
    can_publish: bool,
    can_publish_data: bool,
    can_subscribe: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
}

/// The only algorithm that servers take.
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

/// Long enough for a working day; servers hand out fresh tokens to those who stay longer.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 3600);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    /// Made with PyJWT 2.15 from the same claims.
    const REFERENCE: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ0ZXN0a2V5Iiwic3ViIjoiYWxpY2UiLCJuYmYiOjE3MDAwMDAwMDAsImV4cCI6MTcwMDA0MzIwMCwidmlkZW8iOnsicm9vbUpvaW4iOnRydWUsInJvb20iOiJsYWIiLCJjYW5QdWJsaXNoIjp0cnVlLCJjYW5QdWJsaXNoRGF0YSI6dHJ1ZSwiY2FuU3Vic2NyaWJlIjp0cnVlfX0.5Jq-XYX40kp5y2MwJrHy0m0AF1I7whmeQywLSOSSbHg";

    fn key() -> ApiKey {
        ApiKey::new("testkey", "0123456789abcdef0123456789abcdef")
    }

    #[test]
    fn signs_as_other_implementations_do() {
        let token = key().sign_at(&Grants::new("alice", "lab"), Duration::from_secs(1_700_000_000));
        assert_eq!(token.as_str(), REFERENCE);
    }

    #[test]
    fn grants_travel_in_the_claims() {
        let mut grants = Grants::new("eve", "lab");
        grants.can_publish_data = false;
        grants.hidden = true;
        let token = key().sign(&grants);
        let claims = URL_SAFE_NO_PAD.decode(token.as_str().split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["sub"], "eve");
        assert_eq!(claims["video"]["room"], "lab");
        assert_eq!(claims["video"]["canPublishData"], false);
        assert_eq!(claims["video"]["canSubscribe"], true);
        assert_eq!(claims["video"]["hidden"], true);
    }

    #[test]
    fn secrets_do_not_show() {
        let shown = format!("{:?} {:?}", key(), key().sign(&Grants::new("alice", "lab")));
        assert!(!shown.contains("0123456789abcdef") && !shown.contains("eyJ"), "{shown}");
    }
}
