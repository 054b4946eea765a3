//! Servers that end a session in ways that are easily missed, by a server of the tests' own that says nothing unless told to.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use datatracks::{
    host::room::{EndReason, Interruption, Mode, transport::JoinOptions},
    signal::session::{
        JoinResponse, LeaveRequest, Response, disconnect_reason, encode_response, leave_action,
    },
};
use socket2::SockRef;
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

use super::{
    kit::options,
    raw_participant::{Participant, publish_request},
};

#[tokio::test]
async fn a_farewell_is_heard_although_nothing_can_be_sent_any_more() {
    let (server, ended) = Silent::serve();
    let mut alice = Participant::begin(&single(server.address)).await;
    server.end.send(()).unwrap();
    // Blocks the session as well: it finds something to send before it has read anything.
    ended.recv_timeout(Duration::from_secs(10)).expect("the server ends the connection");
    alice.signal(&publish_request(1, "poses"));
    let deleted = Interruption::Ended(EndReason::RoomDeleted);
    assert_eq!(alice.interruption().await, deleted);
}

#[tokio::test]
async fn a_connection_that_breaks_without_a_word_is_one_that_broke() {
    let (server, ended) = Silent::serve();
    let mut alice = Participant::begin(&single(server.address)).await;
    drop(server.end);
    ended.recv_timeout(Duration::from_secs(10)).expect("the server ends the connection");
    alice.signal(&publish_request(1, "poses"));
    assert_eq!(alice.interruption().await, Interruption::Signal);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_named() {
    let (server, _ended) = Silent::serve();
    let mut alice = Participant::begin(&single(server.address)).await;
    assert_eq!(alice.interruption().await, Interruption::Silence);
}

fn single(server: SocketAddr) -> JoinOptions {
    JoinOptions { mode: Some(Mode::Single), ..options(server, "alice") }
}

/// Lets one participant in, and says nothing more. Its end is the last of the program, or comes when `end` is told or dropped: then it
/// says that the room was deleted, or nothing.
struct Silent {
    address: SocketAddr,
    end: Sender<()>,
}

impl Silent {
    /// Also says when it has ended the connection.
    fn serve() -> (Self, Receiver<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ((end, told), (ended, has_ended)) = (channel(), channel());
        thread::spawn(move || {
            let mut socket = accept(listener.accept().unwrap().0).unwrap();
            say(
                &mut socket,
                Response::Join(JoinResponse { ping_timeout: 1, ..Default::default() }),
            );
            if told.recv().is_ok() {
                say(&mut socket, Response::Leave(DELETED));
            }
            // At the end of the connection the client is told at once that nobody listens.
            SockRef::from(socket.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
            drop(socket);
            ended.send(()).ok();
        });
        (Self { address, end }, has_ended)
    }
}

fn say(socket: &mut WebSocket<TcpStream>, response: Response) {
    socket.send(Message::Binary(encode_response(response).into())).unwrap();
}

const DELETED: LeaveRequest = LeaveRequest {
    can_reconnect: false,
    reason: disconnect_reason::ROOM_DELETED,
    action: leave_action::DISCONNECT,
};
