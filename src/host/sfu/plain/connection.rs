//! One TCP connection: reads messages for the hub, and writes what the hub has for its participant.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncWriteExt, BufReader, BufWriter},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    select,
    sync::mpsc::{self, error::TrySendError},
    time::timeout,
};

use crate::host::plain::Message;

/// A connection's number; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ConnectionId(pub(super) u64);

/// What a connection tells the hub.
pub(super) enum Event {
    Message(ConnectionId, Message),
    Gone(ConnectionId),
}

/// What the hub has for a connection. When it is dropped, the signals in it are written and the connection ends.
#[derive(Debug)]
pub(super) struct Outlet {
    signals: mpsc::Sender<Message>,
    packets: mpsc::Sender<Message>,
}

/// The reader does not even take its signals.
#[derive(Debug)]
pub(super) struct Stuck;

impl Outlet {
    /// Signals, and answers to controls.
    pub(super) fn signal(&self, message: Message) -> Result<(), Stuck> {
        match self.signals.try_send(message) {
            Err(TrySendError::Full(_)) => Err(Stuck),
            Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
        }
    }

    /// Where there is no room the packet is dropped, as a real SFU does.
    pub(super) fn packet(&self, message: Message) {
        drop(self.packets.try_send(message));
    }
}

/// The two ends of a new connection: what feeds it, and what runs it.
pub(super) fn open(
    id: ConnectionId,
    stream: TcpStream,
    events: mpsc::Sender<Event>,
) -> (Outlet, impl Future<Output = ()>) {
    let (signals, signals_out) = mpsc::channel(SIGNALS);
    let (packets, packets_out) = mpsc::channel(PACKETS);
    let run = async move {
        // Without it small messages wait for each other; a failure here costs time only.
        drop(stream.set_nodelay(true));
        let (from, to) = stream.into_split();
        let ended = select! {
            ended = read(id, from, &events) => ended,
            ended = write(to, signals_out, packets_out) => ended,
        };
        tracing::debug!(connection = id.0, ?ended, "plain connection ended");
        drop(events.send(Event::Gone(id)).await);
    };
    (Outlet { signals, packets }, run)
}

async fn read(
    id: ConnectionId,
    from: OwnedReadHalf,
    events: &mpsc::Sender<Event>,
) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let mut next = timeout(HELLO_LIMIT, Message::read(&mut from)).await??;
    while let Some(message) = next {
        events.send(Event::Message(id, message)).await.map_err(io::Error::other)?;
        next = Message::read(&mut from).await?;
    }
    Ok(())
}

async fn write(
    to: OwnedWriteHalf,
    mut signals: mpsc::Receiver<Message>,
    mut packets: mpsc::Receiver<Message>,
) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    loop {
        let message = select! {
            biased;
            signal = signals.recv() => match signal {
                Some(signal) => signal,
                None => return timeout(WRITE_LIMIT, to.shutdown()).await?,
            },
            Some(packet) = packets.recv() => packet,
        };
        timeout(WRITE_LIMIT, message.write(&mut to)).await??;
        if signals.is_empty() && packets.is_empty() {
            timeout(WRITE_LIMIT, to.flush()).await??;
        }
    }
}

/// Signals that wait for a slow reader: a busy room's worth of updates.
const SIGNALS: usize = 1024;

/// Packets that wait for a slow reader: ten frames of 2 MB.
const PACKETS: usize = 1024;

/// A connection that does not say who it is is of no use.
const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// A reader that takes nothing for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
