//! One HTTP request on a fresh connection: reads it, answers it in plain text, or makes a WebSocket of it (protocol §5.1).

use std::{io, time::Duration};

use httparse::Status;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::server::{Request, create_response, write_response},
        http::{
            self, Method, StatusCode,
            header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName},
        },
        protocol::{Role, WebSocketConfig},
    },
};

use super::site::Page;

/// The signalling connection of a participant.
pub(super) type Socket = WebSocketStream<TcpStream>;

/// A connection whose request has been read and not answered.
pub(super) struct Incoming {
    stream: TcpStream,
    request: Request,
    /// What came after the request.
    early: Vec<u8>,
}

/// Why the body of a request cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoBody {
    LengthRequired,
    TooLarge,
    Incomplete,
}

impl Incoming {
    /// Reads the request of a new connection.
    ///
    /// # Errors
    /// When it is no HTTP request, too long, or does not come in time.
    pub(super) async fn read(stream: TcpStream, limit: Duration) -> io::Result<Self> {
        match timeout(limit, read_request(stream)).await {
            Ok(read) => read,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    pub(super) fn path(&self) -> &str {
        self.request.uri().path()
    }

    /// A parameter of the query. None that matter here need percent-encoding.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.request.uri().query().unwrap_or_default().split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|pair| pair.0 == name).map(|pair| pair.1)
    }

    /// The token of the header, or of the query.
    pub(super) fn token(&self) -> Option<&str> {
        let header = self.header(AUTHORIZATION);
        header.and_then(|value| value.strip_prefix("Bearer ")).or(self.parameter("access_token"))
    }

    pub(super) fn is_post(&self) -> bool {
        self.request.method() == Method::POST
    }

    pub(super) fn content_type(&self) -> Option<&str> {
        self.header(CONTENT_TYPE)
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.request.headers().get(name).and_then(|value| value.to_str().ok())
    }

    /// The body of the request.
    ///
    /// # Errors
    /// When it is too long, of unknown length, or does not come in time.
    pub(super) async fn body(&mut self, limit: Duration) -> Result<Vec<u8>, NoBody> {
        let length = self.header(CONTENT_LENGTH).and_then(|value| value.parse::<usize>().ok());
        let length = length.ok_or(NoBody::LengthRequired)?;
        if length > MAX_BODY_BYTES {
            return Err(NoBody::TooLarge);
        }
        let mut body = std::mem::take(&mut self.early);
        body.truncate(length);
        let begun = body.len();
        body.resize(length, 0);
        let rest = body.get_mut(begun..).unwrap_or_default();
        match timeout(limit, self.stream.read_exact(rest)).await {
            Ok(Ok(_)) => Ok(body),
            Ok(Err(_)) | Err(_) => Err(NoBody::Incomplete),
        }
    }

    /// Answers a call of the API and closes the connection.
    pub(super) async fn respond(mut self, status: StatusCode, content_type: &str, body: &[u8]) {
        self.send(&format!("{status}\r\nContent-Type: {content_type}"), body).await;
        // Closed before all of a refused body has come, the connection would be reset, and the answer lost.
        let mut rest = self.stream.take(MAX_REFUSED_BYTES);
        timeout(LINGER_LIMIT, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await.ok();
    }

    /// Answers in plain text and closes the connection.
    pub(super) async fn answer(mut self, status: StatusCode, text: &str) {
        // A web page of another origin may ask why its WebSocket was refused.
        let head =
            format!("{status}\r\nContent-Type: text/plain\r\nAccess-Control-Allow-Origin: *");
        self.send(&head, text.as_bytes()).await;
    }

    /// Answers with a page, which no other origin may read, and closes the connection.
    pub(super) async fn show(mut self, page: &Page) {
        let head =
            format!("200 OK\r\nContent-Type: {}\r\nCache-Control: no-store", page.content_type);
        self.send(&head, &page.body).await;
    }

    async fn send(&mut self, head: &str, body: &[u8]) {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        let answering = async {
            self.stream.write_all(&[head.as_bytes(), body].concat()).await?;
            self.stream.shutdown().await
        };
        timeout(ANSWER_LIMIT, answering).await.ok();
    }

    /// Makes a WebSocket of the connection, or answers 404 to a request that does not ask for one, as livekit-server does.
    pub(super) async fn upgrade(mut self) -> Option<Socket> {
        let mut head = Vec::new();
        let response = create_response(&self.request).ok();
        if response.and_then(|response| write_response(&mut head, &response).ok()).is_none() {
            self.answer(StatusCode::NOT_FOUND, "not a WebSocket upgrade").await;
            return None;
        }
        self.stream.write_all(&head).await.ok()?;
        let limits = WebSocketConfig::default().max_message_size(Some(MAX_SIGNAL_BYTES));
        let Self { stream, early, .. } = self;
        Some(Socket::from_partially_read(stream, early, Role::Server, Some(limits)).await)
    }
}

async fn read_request(mut stream: TcpStream) -> io::Result<Incoming> {
    let mut head = Vec::with_capacity(2048);
    loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match parse(&head) {
            Ok(Some((length, request))) => {
                let early = head.split_off(length.min(head.len()));
                return Ok(Incoming { stream, request, early });
            }
            Ok(None) if head.len() < MAX_HEAD_BYTES => {}
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// The length of the request's head and what it says; `None` when there is more to come.
fn parse(head: &[u8]) -> io::Result<Option<(usize, Request)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let Status::Complete(length) = parsed.parse(head).map_err(io::Error::other)? else {
        return Ok(None);
    };
    let mut request = http::Request::builder()
        .method(parsed.method.unwrap_or_default())
        .uri(parsed.path.unwrap_or_default());
    for header in parsed.headers {
        request = request.header(header.name, header.value);
    }
    request.body(()).map(|request| Some((length, request))).map_err(io::Error::other)
}

/// Of a request without its body: the customary limit of web servers, and far more than a token and a query take.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// Browsers send about twenty.
const MAX_HEADERS: usize = 64;

/// Of a call of the API.
const MAX_BODY_BYTES: usize = 64 << 10;

/// Of a body that is not read, before the connection is reset.
const MAX_REFUSED_BYTES: u64 = 1 << 20;

/// For a client to close its side.
const LINGER_LIMIT: Duration = Duration::from_millis(500);

/// For a client to take an answer: the largest is a script of 600 KB.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Of one signal message (protocol §5.1).
const MAX_SIGNAL_BYTES: usize = 2 << 20;
