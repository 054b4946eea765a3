//! Where the server is, and which endpoints it has (protocol §5.1).

use std::net::IpAddr;

use thiserror::Error;
use tokio_tungstenite::tungstenite::http::{Uri, uri::Authority};

/// The address of a LiveKit-compatible server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    secure: bool,
    authority: String,
    base_path: String,
    loopback: bool,
}

/// The text is no server address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no server address; write it as ws://HOST:PORT or wss://HOST")]
pub struct InvalidAddress;

impl ServerAddress {
    /// Reads `ws://…`, `wss://…`, `http://…` or `https://…`.
    ///
    /// # Errors
    /// When the text has another scheme, no host, a port that is none, or a query.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let uri: Uri = text.trim().parse().map_err(|_| InvalidAddress)?;
        let secure = match uri.scheme_str() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            _ => return Err(InvalidAddress),
        };
        let authority = uri.authority().ok_or(InvalidAddress)?;
        let has_host = !authority.host().is_empty() && !authority.as_str().contains('@');
        if !has_host || !has_usable_port(authority) || uri.query().is_some() {
            return Err(InvalidAddress);
        }
        Ok(Self {
            secure,
            authority: authority.to_string(),
            base_path: uri.path().trim_end_matches('/').to_owned(),
            loopback: is_loopback(authority.host()),
        })
    }

    /// Host and port, for people.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// True when all traffic stays on this machine.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// The WebSocket URL of `path`, with the parameters of `query`.
    pub(super) fn endpoint(&self, path: &str, query: &str) -> String {
        let scheme = if self.secure { "wss" } else { "ws" };
        format!("{scheme}://{}{}{path}?{query}", self.authority, self.base_path)
    }
}

/// What is no port counts as none where one connects, and the scheme's own is taken.
fn has_usable_port(authority: &Authority) -> bool {
    let behind_host = authority.as_str().strip_prefix(authority.host());
    match behind_host.and_then(|text| text.strip_prefix(':')) {
        None | Some("") => true,
        Some(port) => port.parse().is_ok_and(|port: u16| port != 0),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn schemes_map_to_web_sockets() {
        for (text, endpoint) in [
            ("ws://127.0.0.1:7880", "ws://127.0.0.1:7880/rtc?a=1"),
            ("http://localhost:7880/", "ws://localhost:7880/rtc?a=1"),
            ("https://example.org", "wss://example.org/rtc?a=1"),
            ("wss://example.org/live/", "wss://example.org/live/rtc?a=1"),
        ] {
            assert_eq!(ServerAddress::parse(text).unwrap().endpoint("/rtc", "a=1"), endpoint);
        }
    }

    #[test]
    fn loopback_is_recognized() {
        for (text, loopback) in [
            ("ws://127.0.0.1:7880", true),
            ("ws://127.8.0.1", true),
            ("ws://[::1]:7880", true),
            ("ws://LocalHost", true),
            ("ws://192.168.0.1", false),
            ("wss://localhost.example.org", false),
        ] {
            assert_eq!(ServerAddress::parse(text).unwrap().is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn a_port_that_is_none_is_not_another() {
        for text in ["ws://a:99999", "ws://a:65536/x", "ws://a:x", "ws://a:0", "ws://[::1]:78800"] {
            assert_eq!(ServerAddress::parse(text), Err(InvalidAddress), "{text}");
        }
        for text in ["ws://a:1", "ws://a:65535/x", "ws://[::1]:7880", "ws://[::1]", "wss://a"] {
            assert!(ServerAddress::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "example.org", "ftp://example.org", "ws://", "ws://a:b@c", "ws://a/?token=1"]
        {
            assert_eq!(ServerAddress::parse(text), Err(InvalidAddress), "{text}");
        }
    }
}
