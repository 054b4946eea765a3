//! A livekit-server of one's own, on loopback and free ports.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    ops::Range,
    process,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use camino::Utf8PathBuf;

use super::{Running, STARTING_TIME};
use crate::{project::Project, run::command, setup};

/// Serves until it is dropped.
pub(super) struct Livekit {
    _process: Running,
    port: u16,
    log: Utf8PathBuf,
}

impl Livekit {
    pub(super) fn start(project: &Project) -> Result<Self> {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = project.root.join("target").join(setup::SFU).join(number.to_string());
        fs::create_dir_all(&folder)?;
        let mut ports = free_ports(number);
        let mut port = || ports.next().context("no port is free");
        let (port, tcp, udp) = (port()?, port()?, port()?);
        let (config, log) = (folder.join("livekit.yaml"), folder.join("livekit.log"));
        fs::write(&config, configuration(port, tcp, udp))?;
        setup::install_sfu(project)?;
        let server = project.tool(setup::SFU);
        let serve = &mut command(&folder, server.as_str(), &["--config", config.as_str()]);
        let output = File::create(&log)?;
        let mut process = Running::start(serve.stdout(output.try_clone()?).stderr(output))?;
        let deadline = Instant::now() + STARTING_TIME;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let may_come = Instant::now() < deadline && !process.has_ended()?;
            ensure!(may_come, "livekit-server does not listen:\n{}", tail(&log));
            thread::sleep(POLL);
        }
        Ok(Self { _process: process, port, log })
    }

    pub(super) fn last_words(&self) -> String {
        tail(&self.log)
    }

    /// As clients name it.
    pub(super) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }
}

fn configuration(port: u16, tcp_port: u16, udp_port: u16) -> String {
    format!(
        r#"port: {port}
bind_addresses: ["127.0.0.1"]
keys: {{{KEY}: "{SECRET}"}}
enable_data_tracks: true
enable_participant_data_blob: true
rtc:
  tcp_port: {tcp_port}
  udp_port: {udp_port}
  use_external_ip: false
  node_ip: 127.0.0.1
  enable_loopback_candidate: true
  interfaces: {{includes: ["lo"]}}
"#
    )
}

/// As much of the end as a person wants to read.
fn tail(log: &Utf8PathBuf) -> String {
    let said = fs::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    let last = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default();
    let cut = last.iter().map(|line| line.chars().take(WIDTH).collect());
    cut.collect::<Vec<String>>().join("\n")
}

/// Ports that nobody uses, and that the system gives to nobody who connects to something meanwhile. Others who look for some at the
/// same time begin elsewhere: other processes, and the other servers of this one.
fn free_ports(number: usize) -> impl Iterator<Item = u16> {
    let length = BELOW_EPHEMERAL.len();
    let start = (process::id() as usize).wrapping_add(number).wrapping_mul(31) % length;
    let is_free = |port: &u16| {
        let address = (Ipv4Addr::LOCALHOST, *port);
        TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
    };
    BELOW_EPHEMERAL.cycle().skip(start).take(length).filter(is_free)
}

/// Servers of this process, so far.
static STARTED: AtomicUsize = AtomicUsize::new(0);

pub(super) const KEY: &str = "testkey";
pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef";
/// Lines of a log that are shown, and characters of a line.
const TAIL: usize = 30;
const WIDTH: usize = 300;
/// Linux picks ports from 32768 on by itself.
const BELOW_EPHEMERAL: Range<u16> = 20_000..32_000;
/// How often a server that is starting is looked at.
const POLL: Duration = Duration::from_millis(20);
