//! Tokio for the `webrtc` crate, with sockets that hold what arrives while nobody reads them. One task reads, decrypts and hands on; the
//! kernel's default holds some hundred datagrams, the packets of a frame of 1 MiB are nine hundred, and one lost loses the frame.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use socket2::SockRef;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
    TokioRuntime,
};

type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What it does not do itself, Tokio's own does.
#[derive(Debug)]
pub(super) struct RoomyTokio;

impl Runtime for RoomyTokio {
    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        make_roomy(&socket);
        TokioRuntime.wrap_udp_socket(socket)
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn(future)
    }

    fn spawn_reactor(
        &self,
        reactor_pool_size: usize,
        future: Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn_reactor(reactor_pool_size, future)
    }

    fn wrap_tcp_listener(&self, listener: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(&'a self, to: SocketAddr) -> Task<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        TokioRuntime.connect_tcp(to)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Task<'a, io::Result<Vec<SocketAddr>>> {
        TokioRuntime.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Task<'static, ()> {
        TokioRuntime.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }

    fn name(&self) -> &'static str {
        TokioRuntime.name()
    }
}

fn make_roomy(socket: &UdpSocket) {
    if let Err(error) = SockRef::from(socket).set_recv_buffer_size(RECEIVE_BUFFER) {
        tracing::debug!(%error, "a socket keeps its receive buffer");
    }
}

/// Two of the largest frames, as the kernel counts: with twice their bytes. It grants no more than `net.core.rmem_max`.
const RECEIVE_BUFFER: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_holds_more_than_by_default() {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let size = || SockRef::from(&socket).recv_buffer_size().unwrap();
        let default = size();
        RoomyTokio.wrap_udp_socket(socket.try_clone().unwrap()).unwrap();
        assert!(size() > default, "{} instead of {default}", size());
    }
}
