//! A real livekit-server of one's own, on loopback and free ports, gone with its handle. A test that fails shows its last words.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    dead_code,
    unreachable_pub
)]

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    ops::Range,
    path::{Path, PathBuf},
    process::{self, Child, Command},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use datatracks::host::room::{ApiKey, Grants, ServerAddress, Token};

pub struct LivekitServer {
    process: Child,
    port: u16,
    config: PathBuf,
}

impl LivekitServer {
    /// Starts the server that `DATATRACKS_LIVEKIT_SERVER` names, with the configuration of loopback sessions.
    pub fn start() -> Self {
        Self::start_with("enable_data_tracks: true")
    }

    pub fn start_with(setting: &str) -> Self {
        let (port, tcp_port, udp_port) = (free_port(), free_port(), free_port());
        let config = env::temp_dir().join(format!("datatracks-livekit-{port}.yaml"));
        let text = format!(
            "port: {port}\nbind_addresses: [\"127.0.0.1\"]\nkeys:\n  {KEY}: {SECRET}\n{setting}\n\
             enable_participant_data_blob: true\nrtc:\n  tcp_port: {tcp_port}\n  udp_port: {udp_port}\n  \
             use_external_ip: false\n  node_ip: 127.0.0.1\n  enable_loopback_candidate: true\n  \
             interfaces:\n    includes: [\"lo\"]\n"
        );
        fs::write(&config, text).unwrap();
        let process = spawn(&config);
        let server = Self { process, port, config };
        server.wait_until_up();
        server
    }

    /// Ends the server and starts it again where it was: it has forgotten everything.
    pub fn restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.process = spawn(&self.config);
        self.wait_until_up();
    }

    /// Lets the server do nothing until it is thawed.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.process.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    pub fn address(&self) -> ServerAddress {
        ServerAddress::parse(&format!("ws://127.0.0.1:{}", self.port)).unwrap()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn token(&self, identity: &str, room: &str) -> Token {
        ApiKey::new(KEY, SECRET).sign(&Grants::new(identity, room))
    }

    fn wait_until_up(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < deadline, "livekit-server does not listen");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn spawn(config: &Path) -> Child {
    let binary = env::var_os("DATATRACKS_LIVEKIT_SERVER")
        .expect("set DATATRACKS_LIVEKIT_SERVER to the path of livekit-server");
    let output = fs::File::options().create(true).append(true).open(log(config)).unwrap();
    let mut command = Command::new(binary);
    command.arg("--config").arg(config).stdout(output.try_clone().unwrap()).stderr(output);
    command.spawn().expect("livekit-server starts")
}

/// What it says, of all its lives.
fn log(config: &Path) -> PathBuf {
    config.with_extension("log")
}

impl Drop for LivekitServer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        if thread::panicking() {
            eprintln!("last words of livekit-server:\n{}", tail(&log(&self.config)));
        }
        for file in [&self.config, &log(&self.config)] {
            fs::remove_file(file).ok();
        }
    }
}

/// As much of the end as a person wants to read.
fn tail(log: &Path) -> String {
    let said = fs::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<String> = said.lines().map(|line| line.chars().take(300).collect()).collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// A port that nobody uses, no other test is given, and the system gives to nobody who connects to something meanwhile.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed) + process::id().wrapping_mul(31);
        let port = BELOW_EPHEMERAL.start + (next % BELOW_EPHEMERAL.len() as u32) as u16;
        let address = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
}

/// Linux picks ports from 32768 on by itself.
const BELOW_EPHEMERAL: Range<u16> = 20_000..32_000;

pub const KEY: &str = "testkey";
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
