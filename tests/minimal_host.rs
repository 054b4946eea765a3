//! `examples/minimal_host.rs` ends, and says why, when it is refused or the SFU is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

#[test]
fn who_is_refused_says_why() {
    let (host, mut connection) = start("read");
    let reply = br#"{"ok":false,"error":"not you"}"#;
    connection.write_all(&[3, 0, 0, 0, u8::try_from(reply.len()).unwrap()]).unwrap();
    connection.write_all(reply).unwrap();
    assert!(host.words_of_failure().contains("not you"));
}

#[test]
fn it_ends_with_the_sfu() {
    for role in ["read", "publish"] {
        let (host, connection) = start(role);
        drop(connection);
        let words = host.words_of_failure();
        assert!(words.starts_with("the connection has ended: "), "{words}");
    }
}

/// The program, killed when dropped. It has an input that says nothing.
struct Host(Child);

/// Starts the program, and answers its connection once it has said hello.
fn start(role: &str) -> (Host, TcpStream) {
    // Cargo puts examples beside the folder of its tests.
    let tests = env::current_exe().unwrap();
    let program = tests.parent().unwrap().with_file_name("examples").join("minimal_host");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = Command::new(program);
    command.args([&listener.local_addr().unwrap().to_string(), role]);
    let piped = command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let host = Host(piped.spawn().expect("cargo build --example minimal_host"));
    let (mut connection, _) = listener.accept().unwrap();
    let mut head = [0; 5];
    connection.read_exact(&mut head).unwrap();
    let [_, length @ ..] = head;
    connection.read_exact(&mut vec![0; u32::from_be_bytes(length) as usize]).unwrap();
    (host, connection)
}

impl Host {
    /// What it says when it ends by itself, and not well. `wait` closes its input: only after that.
    fn words_of_failure(mut self) -> String {
        let mut errors = self.0.stderr.take().unwrap();
        let (said, end) = mpsc::channel();
        thread::spawn(move || {
            let mut words = String::new();
            errors.read_to_string(&mut words).unwrap();
            said.send(words).ok();
        });
        let words = end.recv_timeout(Duration::from_secs(5)).expect("it does not end");
        assert_eq!(self.0.wait().unwrap().code(), Some(1), "{words}");
        words
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
