//! Who takes part by the plain protocol, for tests of what serves it.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, unreachable_pub)]

use std::{net::SocketAddr, time::Duration};

use datatracks::{
    host::plain::{Hello, Kind, Message, Permissions},
    signal::session::*,
};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};

/// A participant by the plain protocol, behind a bridge or in an SFU.
pub struct Plain(pub TcpStream);

impl Plain {
    pub async fn connect(server: SocketAddr) -> Self {
        Self(TcpStream::connect(server).await.unwrap())
    }

    pub async fn hello(server: SocketAddr, identity: &str) -> Self {
        let mut plain = Self::connect(server).await;
        let (identity, room) = (identity.to_owned(), "lab".to_owned());
        let hello = Hello { identity, room, permissions: Permissions::default(), resume: false };
        let bytes = serde_json::to_vec(&hello).unwrap();
        Message { kind: Kind::Hello, bytes }.write(&mut plain.0).await.unwrap();
        plain
    }

    pub async fn join(server: SocketAddr, identity: &str) -> Self {
        let mut plain = Self::hello(server, identity).await;
        assert!(matches!(plain.response().await, Response::Join(_)));
        plain
    }

    /// Publishes a track of a long name. Answers how many bytes everybody is told of it.
    pub async fn publish(&mut self, handle: u16) -> usize {
        let pub_handle = u32::from(handle);
        let name = format!("{handle:0>250}");
        let request = PublishDataTrackRequest { pub_handle, name, ..Default::default() };
        let request = encode_request(Request::PublishDataTrack(request));
        Message::signal(request).write(&mut self.0).await.unwrap();
        let (mut announced, mut published) = (0, false);
        while announced == 0 || !published {
            let message = self.message().await;
            match decode_response(&message.bytes) {
                Ok(Some(Response::Update(update))) => {
                    let tracks = update.participants.first().map_or(0, |one| one.data_tracks.len());
                    if tracks == usize::from(handle) {
                        announced = message.bytes.len();
                    }
                }
                Ok(Some(Response::PublishDataTrack(_))) => published = true,
                _ => {}
            }
        }
        announced
    }

    /// The next response that the session's types know.
    pub async fn response(&mut self) -> Response {
        loop {
            if let Ok(Some(response)) = decode_response(&self.message().await.bytes) {
                return response;
            }
        }
    }

    pub async fn message(&mut self) -> Message {
        timeout(LIMIT, Message::read(&mut self.0)).await.expect("in time").unwrap().expect("more")
    }

    /// How many bytes come before the end. A reset is an end too.
    pub async fn rest(&mut self) -> usize {
        let mut rest = Vec::new();
        timeout(LIMIT, self.0.read_to_end(&mut rest)).await.expect("the connection ends").ok();
        rest.len()
    }
}

pub const LIMIT: Duration = Duration::from_secs(30);
