//! `sfu` and `bridge`: what strangers cannot do to them, and their end.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::{Duration, Instant},
};

use datatracks::signal::{
    SignalOut,
    session::{Response, decode_response},
};

use crate::run::{KEYS, Run, Sfu};

#[test]
fn an_sfu_without_descriptors_serves_again_once_others_have_closed() {
    let mut sfu = Run::start_with_descriptors(64, &["-v", "sfu", "--plain", "127.0.0.1:0"], &KEYS);
    let address = plain_address(&sfu);
    crowd(&mut sfu, &address);
    assert!(matches!(Plain::join(&address, "alice").response(), Response::Join(_)));
}

#[test]
fn a_bridge_without_descriptors_serves_again_once_others_have_closed() {
    let arguments = ["-v", "bridge", "--url", "ws://127.0.0.1:1", "--plain", "127.0.0.1:0"];
    let mut bridge = Run::start_with_descriptors(64, &arguments, &KEYS);
    let address = plain_address(&bridge);
    crowd(&mut bridge, &address);
    let mut stranger = Plain::connect(&address);
    stranger.send(HELLO, b"{}");
    let (kind, reply) = stranger.read();
    let reply = String::from_utf8(reply).unwrap();
    assert!(kind == CONTROL && reply.contains("identity"), "it says what is wrong: {reply}");
}

/// More connections than there are descriptors, until one could not be accepted.
fn crowd(run: &mut Run, address: &str) {
    let _crowd: Vec<_> = (0..80).map(|_| TcpStream::connect(address).unwrap()).collect();
    run.until("could not be accepted");
}

#[test]
fn an_sfu_that_ends_says_goodbye_to_plain_participants() {
    let mut sfu = Run::start(&["sfu", "--plain", "127.0.0.1:0"], &KEYS);
    let mut alice = Plain::join(&plain_address(&sfu), "alice");
    assert!(matches!(alice.response(), Response::Join(_)));
    sfu.interrupt();
    while !matches!(alice.response(), Response::Leave(_)) {}
    assert_eq!(sfu.status(), 130);
}

#[test]
fn a_bridge_that_ends_takes_its_participants_out_of_the_room() {
    let sfu = Sfu::start();
    let mut bridge = sfu.outside(&["bridge", "--plain", "127.0.0.1:0"]);
    let address = plain_address(&bridge);
    let tracks = ["connected", "parked"].map(|name| {
        let mut host = Plain::join(&address, name);
        host.publish(name);
        host
    });
    let mut readers = ["connected", "parked"].map(|name| sfu.run(&["subscribe", "--name", name]));
    for reader in &mut readers {
        reader.until("subscribed to");
    }
    let [_connected, parked] = tracks;
    drop(parked);
    let asked = Instant::now();
    bridge.interrupt();
    assert_eq!(bridge.status(), 130);
    for mut reader in readers {
        assert_eq!(reader.status(), 0, "the track ended");
    }
    assert!(asked.elapsed() < WELL_BELOW_DEPARTURE, "{:?}", asked.elapsed());
}

#[test]
fn a_secret_is_not_empty_and_has_no_spaces_around_it() {
    let serve = |secret| {
        let environment = [("LIVEKIT_API_SECRET", secret)];
        Run::start(&["sfu", "--listen", "127.0.0.1:0"], &environment)
    };
    for empty in ["", " "] {
        assert_eq!(serve(empty).status(), 2);
    }
    let mut sfu = serve(" secret\n");
    let url = sfu.line().strip_prefix("listening ").expect("an address").to_owned();
    let list = ["list", "--room", "lab", "--url", &url];
    assert_eq!(Run::start(&list, &KEYS).status(), 0);
    sfu.kill();
}

#[test]
fn a_secret_that_everybody_knows_is_warned_of_where_others_can_reach_it() {
    let mut sfu = Run::start(&["sfu", "--listen", "0.0.0.0:0"], &[]);
    sfu.until("--api-secret");
    let mut sfu =
        Run::start(&["sfu", "--listen", "0.0.0.0:0"], &[KEYS[0], ("LIVEKIT_API_SECRET", "own")]);
    sfu.line();
    sfu.interrupt();
    assert_eq!(sfu.status(), 130);
    assert!(!sfu.remarks().contains("--api-secret"), "{}", sfu.remarks());
    let mut sfu = Sfu::start();
    sfu.process.interrupt();
    assert_eq!(sfu.process.status(), 130);
    assert!(!sfu.process.remarks().contains("--api-secret"), "nobody else can reach it");
}

#[test]
fn an_address_that_is_not_free_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = std::env::temp_dir().join(format!("datatracks-web-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("livekit-client.umd.js"), "").unwrap();
    let web = ["demo", &format!("--web={address}"), "--livekit-client", folder.to_str().unwrap()];
    for arguments in [
        &["sfu", "--listen", &address][..],
        &["sfu", "--plain", &address],
        &["bridge", "--url", "ws://127.0.0.1:1", "--plain", &address],
        &web,
    ] {
        let mut run = Run::start(arguments, &KEYS);
        assert_eq!(run.status(), 1, "{arguments:?}");
        let remarks = run.remarks();
        assert!(remarks.contains(&address) && remarks.contains("port 0"), "{remarks}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

fn plain_address(run: &Run) -> String {
    run.line().strip_prefix("plain ").expect("an address").to_owned()
}

/// The plain protocol by hand.
struct Plain(TcpStream);

impl Plain {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Self(stream)
    }

    fn join(address: &str, identity: &str) -> Self {
        let mut plain = Self::connect(address);
        plain.send(HELLO, format!(r#"{{"identity":"{identity}","room":"lab"}}"#).as_bytes());
        plain
    }

    fn publish(&mut self, name: &str) {
        let publish = SignalOut::Publish {
            handle: datatracks::track::Handle::MIN,
            name: name.into(),
            encrypted: false,
            frame_encoding: None,
            schema: None,
        };
        self.send(SIGNAL, &publish.encode());
        while !matches!(self.response(), Response::PublishDataTrack(_)) {}
    }

    fn send(&mut self, kind: u8, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        self.0.write_all(&[&[kind][..], &length, bytes].concat()).unwrap();
    }

    fn read(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 5];
        self.0.read_exact(&mut head).expect("a message");
        let [kind, length @ ..] = head;
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut bytes).unwrap();
        (kind, bytes)
    }

    /// The next response that the session's types know.
    fn response(&mut self) -> Response {
        loop {
            let (kind, bytes) = self.read();
            if kind == SIGNAL
                && let Some(response) = decode_response(&bytes).unwrap()
            {
                return response;
            }
        }
    }
}

const HELLO: u8 = 0;
const SIGNAL: u8 = 1;
const CONTROL: u8 = 3;

const LIMIT: Duration = Duration::from_secs(20);

/// A server that sees peer connections fall silent keeps their participant for 15 s.
const WELL_BELOW_DEPARTURE: Duration = Duration::from_secs(8);
