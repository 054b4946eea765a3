//! The server API of the embedded SFU, called as the server SDKs do: with protobuf, or as that of JavaScript does with JSON.
#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod claims;
mod raw_participant;

use std::{
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use claims::sign;
use datatracks::{
    host::{
        room::{EndReason, Interruption},
        sfu::{
            RoomOptions, Rooms,
            listen::{Limits, Server},
        },
    },
    signal::SignalIn,
};
use raw_participant::{KEY, LIMIT, Participant, SECRET, options, start_within};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

#[tokio::test]
async fn json_does_what_protobuf_does() {
    let server = start(Limits::default()).await;
    let mut alice = Participant::join(&options(&server, "alice")).await;
    alice.publish(1, "poses").await;
    for (may_publish, permission) in [
        (false, json!({"canSubscribe": true, "canPublish": true, "canPublishData": false})),
        (true, json!({"can_subscribe": true, "can_publish_data": true, "canUpdateMetadata": true})),
    ] {
        let body =
            json!({"room": "lab", "identity": "alice", "metadata": "", "permission": permission});
        let (status, answer) = call(&server, "UpdateParticipant", &body).await;
        assert_eq!((status, &answer["identity"]), (200, &json!("alice")), "{answer}");
        assert_eq!(answer["permission"]["can_publish_data"], may_publish, "{answer}");
        assert_eq!(answer["data_tracks"], json!([]), "{answer}");
        loop {
            let SignalIn::Update(participants) = alice.next_signal().await else { continue };
            if participants[0].can_publish_data == Some(may_publish) {
                break;
            }
        }
    }
    let body = json!({"room": "lab", "identity": "alice"});
    assert_eq!(call(&server, "RemoveParticipant", &body).await, (200, json!({})));
    let removed = Interruption::Ended(EndReason::ParticipantRemoved);
    assert_eq!(alice.interruption().await, removed);
    let mut bob = Participant::join(&options(&server, "bob")).await;
    assert_eq!(call(&server, "DeleteRoom", &json!({"room": "lab"})).await, (200, json!({})));
    assert_eq!(bob.interruption().await, Interruption::Ended(EndReason::RoomDeleted));
    server.close().await;
}

#[tokio::test]
async fn what_is_no_call_is_answered_all_the_same() {
    let server = start(Limits { request: A_MOMENT, ..Limits::default() }).await;
    let json = "Content-Type: application/json\r\n";
    let large = "x".repeat(70_000);
    for (head, body, status) in [
        ("POST", format!("{json}Content-Length: 2\r\n\r\n{{}}"), 404),
        ("POST", format!("{json}Content-Length: 1\r\n\r\n{{"), 400),
        ("POST", format!("{json}Content-Length: 12\r\n\r\n{{\"room\":true}}"), 400),
        ("POST", format!("{json}Content-Length: 9\r\n\r\n{{"), 408),
        ("POST", format!("{json}Content-Length: many\r\n\r\n{{}}"), 411),
        ("POST", format!("{json}\r\n"), 411),
        ("POST", format!("{json}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"), 411),
        ("POST", format!("{json}Content-Length: 70000\r\n\r\n{large}"), 413),
        ("POST", "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}".into(), 404),
        ("POST", "Content-Length: 2\r\n\r\n{}".into(), 404),
        ("GET", format!("{json}Content-Length: 2\r\n\r\n{{}}"), 404),
    ] {
        let (answered, answer) = ask(server.address(), head, "DeleteRoom", &body).await;
        let asked = body.get(..body.len().min(100)).unwrap();
        assert_eq!(answered, status, "{head} {asked}: {answer}");
        assert!(answer["code"].is_string() && answer["msg"].is_string(), "{answer}");
    }
    server.close().await;
}

/// Makes a call as livekit-server-sdk does.
async fn call(server: &Server, method: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let length = body.len();
    let rest = format!(
        "Content-Type: application/json;charset=UTF-8\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    ask(server.address(), "POST", method, &rest).await
}

async fn ask(server: SocketAddr, verb: &str, method: &str, rest: &str) -> (u16, Value) {
    let expiry = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 600;
    let video = json!({"roomAdmin": true, "roomCreate": true, "room": "lab"});
    let token = sign(&json!({"iss": KEY, "exp": expiry, "video": video}), SECRET);
    let request = format!(
        "{verb} /twirp/livekit.RoomService/{method} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{rest}"
    );
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(LIMIT, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    assert!(head.contains("Content-Type: application/json\r\n"), "{head}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

async fn start(limits: Limits) -> Server {
    start_within(limits, Rooms::new(RoomOptions::default())).await
}

const A_MOMENT: Duration = Duration::from_millis(100);
