//! A server on a port of its own, and a client that speaks to it over a socket.

use std::{future::pending, time::Duration};

use datatracks::{
    host::sfu::{
        RoomOptions, Rooms,
        plain::{self, Limits},
    },
    signal::{RefusalReason, session::*},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

pub(crate) fn departed(response: &Response, identity: &str) -> Option<()> {
    let Response::Update(update) = response else { return None };
    let participant = &update.participants[0];
    let gone = participant.state == participant_state::DISCONNECTED;
    (participant.identity == identity && gone).then_some(())
}

/// Starts a server on a port of its own; it ends with the test.
pub(crate) async fn serve(options: RoomOptions) -> std::net::SocketAddr {
    serve_within(Limits::default(), options).await
}

pub(crate) async fn serve_within(limits: Limits, options: RoomOptions) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(plain::serve(listener, Rooms::new(options), limits, pending()));
    address
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) seen: Vec<Response>,
}

impl Client {
    pub(crate) async fn connect(address: std::net::SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), seen: Vec::new() }
    }

    pub(crate) async fn hello(address: std::net::SocketAddr, hello: &str) -> Self {
        let mut client = Self::connect(address).await;
        client.send(HELLO, hello.as_bytes()).await;
        client
    }

    pub(crate) async fn join(address: std::net::SocketAddr, identity: &str) -> Self {
        let hello = format!(r#"{{"identity":"{identity}","room":"room"}}"#);
        let mut client = Self::hello(address, &hello).await;
        assert!(matches!(client.signal().await, Response::Join(_)));
        client
    }

    pub(crate) async fn send(&mut self, kind: u8, bytes: &[u8]) {
        self.try_send(kind, bytes).await.unwrap();
    }

    pub(crate) async fn try_send(&mut self, kind: u8, bytes: &[u8]) -> std::io::Result<()> {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        let message = [&[kind][..], &length, bytes].concat();
        self.stream.write_all(&message).await
    }

    pub(crate) async fn request(&mut self, request: Request) {
        self.send(SIGNAL, &encode_request(request)).await;
    }

    pub(crate) async fn read(&mut self) -> (u8, Vec<u8>) {
        let read = async {
            let kind = self.stream.read_u8().await.unwrap();
            let mut bytes = vec![0; self.stream.read_u32().await.unwrap() as usize];
            self.stream.read_exact(&mut bytes).await.unwrap();
            (kind, bytes)
        };
        timeout(PATIENCE, read).await.expect("something comes")
    }

    pub(crate) async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut rest)).await;
        // A reset is an end too.
        drop(read.expect("the connection ends"));
    }

    /// The next message of this kind; signals on the way are noted.
    pub(crate) async fn next(&mut self, wanted: u8) -> Vec<u8> {
        loop {
            let (kind, bytes) = self.read().await;
            if kind == SIGNAL {
                self.seen.push(decode_response(&bytes).unwrap().unwrap());
            }
            if kind == wanted {
                return bytes;
            }
        }
    }

    pub(crate) async fn signal(&mut self) -> Response {
        decode_response(&self.next(SIGNAL).await).unwrap().unwrap()
    }

    pub(crate) async fn packet(&mut self) -> Vec<u8> {
        self.next(PACKET).await
    }

    pub(crate) async fn control(&mut self, json: &str) -> Result<(), String> {
        self.send(CONTROL, json.as_bytes()).await;
        self.answer().await
    }

    pub(crate) async fn answer(&mut self) -> Result<(), String> {
        let answer: serde_json::Value = serde_json::from_slice(&self.next(CONTROL).await).unwrap();
        match answer["ok"].as_bool().unwrap() {
            true => Ok(()),
            false => Err(answer["error"].as_str().unwrap().to_owned()),
        }
    }

    pub(crate) async fn until<T>(&mut self, mut pick: impl FnMut(&Response) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(&self.signal().await) {
                return found;
            }
        }
    }

    pub(crate) async fn publish(&mut self, handle: u32, name: &str) -> String {
        self.request(publish_request(handle, name)).await;
        self.until(|response| match response {
            Response::PublishDataTrack(DataTrackResponse { info: Some(info) })
                if info.pub_handle == handle =>
            {
                Some(info.sid.clone())
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn subscribe(&mut self, sid: &str) -> u16 {
        let update = DataSubscription { track_sid: sid.to_owned(), subscribe: true };
        let request = UpdateDataSubscription { updates: vec![update] };
        self.request(Request::UpdateDataSubscription(request)).await;
        self.until(|response| match response {
            Response::DataTrackSubscriberHandles(handles) => {
                handles.sub_handles.keys().next().map(|handle| u16::try_from(*handle).unwrap())
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn refusal(&mut self) -> RefusalReason {
        self.until(|response| match response {
            Response::RequestResponse(refusal) => Some(RefusalReason::from_code(refusal.reason)),
            _ => None,
        })
        .await
    }
}

pub(crate) fn publish_request(pub_handle: u32, name: &str) -> Request {
    let name = name.to_owned();
    Request::PublishDataTrack(PublishDataTrackRequest { pub_handle, name, ..Default::default() })
}

/// A frame in one packet.
pub(crate) fn packet(handle: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x18, 0];
    packet.extend(handle.to_be_bytes());
    packet.extend([0; 8]);
    packet.extend(payload);
    packet
}

pub(crate) const HELLO: u8 = 0;

pub(crate) const SIGNAL: u8 = 1;

pub(crate) const PACKET: u8 = 2;

pub(crate) const CONTROL: u8 = 3;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
