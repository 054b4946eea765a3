//! One connection: says hello, then speaks for one participant.
//!
//! ```text
//!  accepted ── hello: joins or resumes ──► seated ──► over: by the peer, the room, a newer connection, or too slow a reader
//!      └────── refused: told why ───────────────────► over
//! ```

use std::{future::pending, io};

use tokio::{
    io::{AsyncRead, BufReader},
    net::TcpStream,
    select,
    time::timeout,
};

use super::{Limits, control};
use crate::host::{
    plain::{
        Hello, Kind, Message,
        outlet::{Outlet, outlet},
    },
    sfu::{Rooms, rooms::Member, sink::Sink},
};

/// Serves one connection to its end.
pub(super) async fn run(stream: TcpStream, rooms: Rooms, limits: Limits) {
    // Without it small messages wait for each other; a failure here costs time only.
    stream.set_nodelay(true).ok();
    let (from, to) = stream.into_split();
    let (outlet, writer) = outlet();
    let ended = select! {
        ended = serve(BufReader::new(from), &rooms, outlet, limits) => ended,
        ended = writer.run(to, limits.write) => ended,
    };
    tracing::debug!(?ended, "a plain connection is over");
}

async fn serve(
    mut from: impl AsyncRead + Unpin,
    rooms: &Rooms,
    outlet: Outlet,
    limits: Limits,
) -> io::Result<()> {
    let first = timeout(limits.hello, Message::read(&mut from)).await??;
    let Some(first) = first else { return Ok(()) };
    match enter(rooms, &first, &outlet) {
        Ok(member) => {
            let seat = Seat(member);
            converse(&mut from, &seat.0, &outlet).await
        }
        Err(farewell) => {
            outlet.write(farewell);
            outlet.close();
            // Until that has been written.
            pending().await
        }
    }
}

/// Joins or resumes; else says why not.
fn enter(rooms: &Rooms, first: &Message, outlet: &Outlet) -> Result<Member, Message> {
    let refused = |error: String| Message::reply(Err(&error));
    let Hello { identity, room, permissions, resume } = Hello::read(first).map_err(refused)?;
    if !resume {
        let sink = Sink::Plain(outlet.clone());
        return rooms.join(&room, &identity, permissions, sink).map_err(refused);
    }
    let mut seat = None;
    let resumed = rooms.resume(&room, &identity, |sink, member| {
        sink.close();
        *sink = Sink::Plain(outlet.clone());
        seat = Some(member);
        true
    });
    let unknown = |leave: bytes::Bytes| Message::signal(leave.into());
    resumed.map_err(unknown).and_then(|()| seat.ok_or_else(|| refused("not resumed".to_owned())))
}

async fn converse(
    from: &mut (impl AsyncRead + Unpin),
    member: &Member,
    outlet: &Outlet,
) -> io::Result<()> {
    while let Some(message) = Message::read(from).await? {
        match message.kind {
            Kind::Signal => member.handle_signal(&message.bytes),
            Kind::Packet => member.handle_packet(&message.bytes),
            Kind::Hello => outlet.write(Message::reply(Err("hello was said before"))),
            Kind::Control => match control::read(&message.bytes, member.permissions()) {
                Ok(control) => {
                    // First the answer: what the control does may end the connection.
                    outlet.write(Message::reply(Ok(())));
                    member.control(control);
                }
                Err(error) => outlet.write(Message::reply(Err(&error))),
            },
        }
    }
    Ok(())
}

/// However the connection ends, the room learns of it.
struct Seat(Member);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.handle_disconnect();
    }
}
