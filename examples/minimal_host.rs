//! The least that a host is: something that moves signals and packets, and two managers that make data tracks of them.
//!
//! Here both travel over one TCP connection, in the plain protocol of the embedded SFU. In an SDK, signals go over its
//! WebSocket and packets over its data channel `_data_track`; all else is as here.
//!
//! ```sh
//! cargo run --features host -- sfu --plain 127.0.0.1:7890
//! cargo run --example minimal_host -- 127.0.0.1:7890 read
//! cargo run --example minimal_host -- 127.0.0.1:7890 publish
//! ```

use std::{
    convert::Infallible,
    env,
    error::Error,
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    pin::pin,
    process,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use datatracks::{
    DataTrackOptions, DataTrackSubscribeOptions, LocalDataTrack, LocalDataTrackManager,
    LocalDataTrackManagerDelegate, PacketBatch, RemoteDataTrack, RemoteDataTrackManager,
    RemoteDataTrackManagerDelegate,
    error::DelegateError,
    track::{SubscriptionState, UnpublishReason},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().ok_or("give the address of `datatracks sfu --plain`")?;
    let role = arguments.next().unwrap_or_else(|| "read".into());
    let connection = TcpStream::connect(address)?;

    // What the managers want sent goes to the delegate, which two managers may share.
    let sender = Arc::new(Sender(Mutex::new(connection.try_clone()?)));
    let delegate: Arc<dyn LocalDataTrackManagerDelegate> = sender.clone();
    let local = Arc::new(LocalDataTrackManager::new(delegate, None, None));
    let delegate: Arc<dyn RemoteDataTrackManagerDelegate> = sender.clone();
    let remote = Arc::new(RemoteDataTrackManager::new(delegate, None, None));

    let hello = format!(r#"{{"identity":"{role}er","room":"example"}}"#);
    sender.send(HELLO, hello.as_bytes())?;
    let receiver = (local.clone(), remote.clone());
    thread::spawn(move || {
        let Err(error) = receive(connection, &receiver.0, &receiver.1);
        let why = match error.kind() {
            ErrorKind::UnexpectedEof => "the SFU has closed it".into(),
            _ => error.to_string(),
        };
        // An SDK comes back, with the same managers. This program has nothing more to wait for.
        writeln!(io::stderr(), "the connection has ended: {why}").ok();
        process::exit(1)
    });

    match role.as_str() {
        "publish" => block_on(publish(&local)),
        _ => block_on(read(&remote)),
    }
}

/// Whatever arrives goes to the managers: every signal to both, packets to the remote one.
fn receive(
    mut connection: TcpStream,
    local: &LocalDataTrackManager,
    remote: &RemoteDataTrackManager,
) -> io::Result<Infallible> {
    loop {
        let mut head = [0; 5];
        connection.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        let mut bytes = vec![0; u32::from_be_bytes(length) as usize];
        connection.read_exact(&mut bytes)?;
        match kind {
            SIGNAL => {
                local.handle_signal_response(bytes.clone()).map_err(io::Error::other)?;
                remote.handle_signal_response(bytes).map_err(io::Error::other)?;
            }
            PACKET => remote.handle_packet_received(&bytes),
            // Our hello is refused.
            CONTROL => return Err(io::Error::other(String::from_utf8_lossy(&bytes))),
            _ => {}
        }
    }
}

async fn publish(local: &LocalDataTrackManager) -> Result<(), Box<dyn Error>> {
    let track = local.publish_track(DataTrackOptions::new("greetings"), None).await?;
    for line in io::stdin().lines() {
        track.try_push_bytes(line?.as_bytes())?;
    }
    // Signals overtake packets: what is still on its way when the track ends does not arrive.
    thread::sleep(LINGER);
    track.unpublish();
    Ok(())
}

async fn read(remote: &RemoteDataTrackManager) -> Result<(), Box<dyn Error>> {
    let track = remote.wait_for_track("greetings".into(), None, 0, None).await?;
    // The default keeps the 16 newest frames for a reader that is busy; no line shall be missing here.
    let options = DataTrackSubscribeOptions { buffer_frames: 4096, ..Default::default() };
    let stream = track.subscribe_with_options(options, None).await?;
    while let Some(frame) = stream.next(None).await? {
        let text = String::from_utf8_lossy(frame.payload.as_ref()).into_owned();
        writeln!(io::stdout(), "{}: {text}", track.publisher_identity())?;
    }
    Ok(())
}

/// Both delegates: sends, and takes no interest in events.
struct Sender(Mutex<TcpStream>);

impl Sender {
    fn send(&self, kind: u8, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let message = [&[kind][..], &length.to_be_bytes(), bytes].concat();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&message)
    }
}

impl LocalDataTrackManagerDelegate for Sender {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.send(SIGNAL, &request).map_err(|_| DelegateError::Failed)
    }

    fn on_packets_available(&self, packets: PacketBatch) -> Result<(), DelegateError> {
        let mut packets = packets.iter();
        packets.try_for_each(|packet| self.send(PACKET, packet)).map_err(|_| DelegateError::Failed)
    }

    fn on_track_published(&self, _track: Arc<LocalDataTrack>) -> Result<(), DelegateError> {
        Ok(())
    }

    fn on_track_unpublished(
        &self,
        _track: Arc<LocalDataTrack>,
        _reason: UnpublishReason,
    ) -> Result<(), DelegateError> {
        Ok(())
    }
}

impl RemoteDataTrackManagerDelegate for Sender {
    fn on_signal_request(&self, request: Vec<u8>) -> Result<(), DelegateError> {
        self.send(SIGNAL, &request).map_err(|_| DelegateError::Failed)
    }

    fn on_track_published(&self, _track: Arc<RemoteDataTrack>) -> Result<(), DelegateError> {
        Ok(())
    }

    fn on_track_unpublished(
        &self,
        _track: Arc<RemoteDataTrack>,
        _reason: UnpublishReason,
    ) -> Result<(), DelegateError> {
        Ok(())
    }

    fn on_subscription_changed(
        &self,
        _track: Arc<RemoteDataTrack>,
        _state: SubscriptionState,
    ) -> Result<(), DelegateError> {
        Ok(())
    }
}

/// Any executor serves; this is the smallest.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

/// For the last frames to arrive.
const LINGER: Duration = Duration::from_millis(500);

/// Kinds of messages of the plain protocol.
const HELLO: u8 = 0;
const SIGNAL: u8 = 1;
const PACKET: u8 = 2;
const CONTROL: u8 = 3;
