//! A request whose connection breaks under it.

use std::{
    net::{SocketAddr, TcpListener},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use datatracks::host::room::{Mode, transport::JoinOptions};
use socket2::SockRef;
use tokio::{
    io::copy_bidirectional,
    net::TcpStream,
    runtime::Builder,
    select,
    sync::oneshot::{self, Sender},
};

use super::kit::{join, options, publish, serve};

#[tokio::test]
async fn a_request_that_could_not_be_written_is_sent_on_the_next_connection() {
    let server = serve().await;
    let relay = Relay::start(server.address());
    let options = options(relay.address, "alice");
    let (room, _events) = join(JoinOptions { mode: Some(Mode::Dual), ..options }).await;
    relay.reset.send(()).unwrap();
    // Blocks the session as well: it finds a request to send before it has read that the connection is gone.
    relay.is_reset.recv_timeout(Duration::from_secs(10)).expect("the connection is reset");
    publish(&room, "poses").await;
    room.leave().await;
}

/// Passes on what comes; resets the first connection when told to, and says when it has.
struct Relay {
    address: SocketAddr,
    reset: Sender<()>,
    is_reset: Receiver<()>,
}

impl Relay {
    fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ((reset, told), (done, is_reset)) = (oneshot::channel(), channel());
        let accept = move || {
            let (client, _) = listener.accept().unwrap();
            client.set_nonblocking(true).unwrap();
            TcpStream::from_std(client).unwrap()
        };
        let relay = async move {
            let mut client = accept();
            let mut upstream = TcpStream::connect(server).await.unwrap();
            select! {
                _ = copy_bidirectional(&mut client, &mut upstream) => {}
                _ = told => {}
            }
            SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
            drop((client, upstream));
            done.send(()).unwrap();
            let mut client = accept();
            let mut upstream = TcpStream::connect(server).await.unwrap();
            copy_bidirectional(&mut client, &mut upstream).await.ok();
        };
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        thread::spawn(move || runtime.block_on(relay));
        Self { address, reset, is_reset }
    }
}
