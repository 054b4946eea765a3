//! A room of a real livekit-server, joined over WebSocket alone: data-track signals need no peer connection (protocol §4.5).

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use datatracks::{
    host::plain::Permissions,
    signal::session::{self, Request, Response},
};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket};

use super::{
    claims::sign,
    livekit_server::{KEY, LivekitServer, SECRET},
    script::Room,
};

/// The connections of everybody in one room of a server.
pub struct LivekitRoom {
    server: LivekitServer,
    sockets: BTreeMap<String, WebSocket<TcpStream>>,
}

impl LivekitRoom {
    pub fn new(server: LivekitServer) -> Self {
        Self { server, sockets: BTreeMap::new() }
    }

    fn connect(&mut self, identity: &str, permissions: Permissions, query: &str) {
        let token = token(identity, permissions);
        let url = format!(
            "ws://127.0.0.1:{}/rtc?access_token={token}&protocol=16&sdk=go&auto_subscribe=0{query}",
            self.server.port()
        );
        let stream = TcpStream::connect(("127.0.0.1", self.server.port())).unwrap();
        stream.set_nodelay(true).unwrap();
        let (socket, _) = tokio_tungstenite::tungstenite::client(url, stream).expect("upgrades");
        self.sockets.insert(identity.to_owned(), socket);
    }

    /// Calls the server's room API.
    fn call(&self, method: &str, body: &Value) {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.server.port())).unwrap();
        write!(
            stream,
            "POST /twirp/livekit.RoomService/{method} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            sign(&json!({"iss": KEY, "exp": expiry(), "video": {"roomAdmin": true, "room": ROOM}}), SECRET),
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{method}: {answer}");
    }
}

impl Room for LivekitRoom {
    fn join(&mut self, identity: &str, permissions: Permissions) {
        self.connect(identity, permissions, "");
    }

    fn resume(&mut self, identity: &str) {
        self.connect(identity, Permissions::default(), "&reconnect=1");
    }

    fn permit(&mut self, identity: &str, permissions: Permissions) {
        let permission = json!({
            "can_publish": true,
            "can_publish_data": permissions.can_publish_data,
            "can_subscribe": permissions.can_subscribe,
        });
        self.call(
            "UpdateParticipant",
            &json!({"room": ROOM, "identity": identity, "permission": permission}),
        );
    }

    fn send(&mut self, identity: &str, request: Request) {
        let socket = self.sockets.get_mut(identity).expect("has joined");
        socket.send(Message::binary(session::encode_request(request))).unwrap();
    }

    fn receive(&mut self, identity: &str, wait: Duration) -> Option<Response> {
        let deadline = Instant::now() + wait;
        let socket = self.sockets.get_mut(identity)?;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            socket.get_ref().set_read_timeout(Some(left)).unwrap();
            match socket.read() {
                Ok(Message::Binary(bytes)) => {
                    if let Some(response) = session::decode_response(&bytes).unwrap() {
                        return Some(response);
                    }
                }
                Ok(_) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return None;
                }
                Err(_) => return None,
            }
        }
    }
}

fn token(identity: &str, permissions: Permissions) -> String {
    let video = json!({
        "roomJoin": true,
        "room": ROOM,
        "canPublish": true,
        "canPublishData": permissions.can_publish_data,
        "canSubscribe": permissions.can_subscribe,
    });
    sign(&json!({"iss": KEY, "sub": identity, "exp": expiry(), "video": video}), SECRET)
}

fn expiry() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 600
}

const ROOM: &str = "room";
