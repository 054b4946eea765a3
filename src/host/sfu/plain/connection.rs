//! One TCP connection: reads its messages for the rooms.
//!
//! ```text
//!  Stranger ── hello ──► Seated ──► gone: closed by either side, replaced, or stuck
//!     └── refused ──► gone
//! ```

use std::{future::pending, io, time::Duration};

use tokio::{
    io::BufReader,
    net::{TcpStream, tcp::OwnedReadHalf},
    select,
    time::timeout,
};

use super::{
    control,
    outlet::{Answers, Outlet, WeakAnswers, outlet},
};
use crate::host::{
    plain::{Hello, Kind, Message},
    sfu::{Rooms, rooms::Member, sink::Sink},
};

/// Serves a connection to its end.
pub(super) async fn serve(stream: TcpStream, rooms: Rooms) {
    // Without it small messages wait for each other; a failure here costs time only.
    drop(stream.set_nodelay(true));
    let (from, to) = stream.into_split();
    let (outlet, answers, writer) = outlet();
    let ended = select! {
        ended = read(from, &rooms, outlet, answers) => ended,
        ended = writer.run(to) => ended,
    };
    tracing::debug!(?ended, "plain connection ended");
}

async fn read(
    from: OwnedReadHalf,
    rooms: &Rooms,
    outlet: Outlet,
    answers: Answers,
) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let Some(first) = timeout(HELLO_LIMIT, Message::read(&mut from)).await?? else {
        return Ok(());
    };
    let seated = match admit(rooms, &first, outlet) {
        Ok(member) => Seated { member, answers: answers.downgrade() },
        Err(refusal) => {
            answers.send(refusal);
            drop(answers);
            // The writer ends the connection, once it has said why.
            return pending().await;
        }
    };
    while let Some(message) = Message::read(&mut from).await? {
        seated.handle(&message);
    }
    Ok(())
}

/// Lets a participant in, or tells what to answer.
fn admit(rooms: &Rooms, first: &Message, outlet: Outlet) -> Result<Member, Message> {
    let refused = |error: String| Message::reply(Err(&error));
    if first.kind != Kind::Hello {
        return Err(refused("say hello first".to_owned()));
    }
    let hello: Hello =
        serde_json::from_slice(&first.bytes).map_err(|error| refused(error.to_string()))?;
    let Hello { identity, room, permissions, resume } = &hello;
    if !resume {
        return rooms.join(room, identity, *permissions, Sink::Plain(outlet)).map_err(refused);
    }
    let mut resumed = None;
    let take_over = |sink: &mut Sink, member| {
        *sink = Sink::Plain(outlet);
        resumed = Some(member);
        true
    };
    let answer = rooms.resume(room, identity, take_over).err().unwrap_or_default();
    resumed.ok_or_else(|| Message::signal(answer.to_vec()))
}

/// A participant for as long as this connection speaks for it.
struct Seated {
    member: Member,
    answers: WeakAnswers,
}

impl Seated {
    fn handle(&self, message: &Message) {
        match message.kind {
            Kind::Signal => self.member.handle_signal(&message.bytes),
            Kind::Packet => self.member.handle_packet(&message.bytes),
            Kind::Hello => self.answers.send(Message::reply(Err("hello was said before"))),
            Kind::Control => match control::read(&message.bytes, self.member.permissions()) {
                // What the control does leaves later, so that the answer comes first.
                Ok(control) => {
                    self.answers.send(Message::reply(Ok(())));
                    self.member.control(control);
                }
                Err(error) => self.answers.send(Message::reply(Err(&error))),
            },
        }
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.member.handle_disconnect();
    }
}

/// A connection that does not say who it is is of no use.
const HELLO_LIMIT: Duration = Duration::from_secs(10);
