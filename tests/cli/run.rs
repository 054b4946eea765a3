//! Processes of the command line, awaited with a deadline.
#![allow(unreachable_pub, clippy::print_stderr)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

/// An embedded SFU in a process of its own, and processes in one of its rooms.
pub struct Sfu {
    pub process: Run,
    pub url: String,
}

impl Sfu {
    pub fn start() -> Self {
        let process = Run::start(&["sfu", "--listen", "127.0.0.1:0"], &KEYS);
        let line = process.stdout.recv_timeout(LIMIT).expect("the SFU says where it is");
        let url = line.strip_prefix("listening ").expect("an address").to_owned();
        Self { process, url }
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(arguments, &KEYS)
    }

    /// In no room, or in one of its own.
    pub fn outside(&self, arguments: &[&str]) -> Run {
        Run::start(&[arguments, &["--url", &self.url]].concat(), &KEYS)
    }

    pub fn secretly(&self, arguments: &[&str]) -> Run {
        let keys = [KEYS[0], KEYS[1], ("DATATRACKS_E2EE_PASSPHRASE", "secret")];
        self.run_with(arguments, &keys)
    }

    pub fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let room = ["--room", "lab", "--url", &self.url];
        Run::start(&[arguments, &room].concat(), environment)
    }
}

impl Drop for Sfu {
    fn drop(&mut self) {
        self.process.kill();
    }
}

pub struct Run {
    process: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    remarks: Vec<String>,
}

impl Run {
    pub fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::spawn(Command::new(BINARY).args(arguments), environment)
    }

    /// With so many file descriptors at most.
    pub fn start_with_descriptors(
        most: u32,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let limit = format!(r#"ulimit -n {most} && exec "$0" "$@""#);
        let mut shell = Command::new("/bin/sh");
        Self::spawn(shell.args(["-c", &limit, BINARY]).args(arguments), environment)
    }

    fn spawn(command: &mut Command, environment: &[(&str, &str)]) -> Self {
        let mut process = command
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = lines(process.stdout.take().unwrap());
        let stderr = lines(process.stderr.take().unwrap());
        Self { process, stdout, stderr, remarks: Vec::new() }
    }

    /// Waits until stderr says so.
    pub fn until(&mut self, text: &str) {
        while !self.remarks.last().is_some_and(|line| line.contains(text)) {
            let Ok(line) = self.stderr.recv_timeout(LIMIT) else {
                panic!("no {text:?}: {:?}", self.remarks);
            };
            self.remarks.push(line);
        }
    }

    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.process.stdin.as_mut().unwrap();
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    pub fn close_input(&mut self) {
        self.process.stdin = None;
    }

    /// Reads no more of its data: the next line breaks the pipe.
    pub fn close_output(&mut self) {
        (_, self.stdout) = channel();
    }

    /// The exit status, when it has ended.
    pub fn status(&mut self) -> i32 {
        while let Ok(line) = self.stderr.recv_timeout(LIMIT) {
            self.remarks.push(line);
        }
        let deadline = Instant::now() + LIMIT;
        while self.process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "still runs: {:?}", self.remarks);
            thread::sleep(Duration::from_millis(2));
        }
        let ended = self.process.wait().unwrap();
        ended.code().expect("no signal ended it")
    }

    /// The next line of data.
    pub fn line(&self) -> String {
        self.stdout.recv_timeout(LIMIT).expect("a line of data; what it said otherwise is below")
    }

    pub fn data(&self) -> Vec<String> {
        self.stdout.iter().collect()
    }

    pub fn remarks(&self) -> String {
        self.remarks.join("\n")
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn interrupt(&self) {
        self.signal("INT");
    }

    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        if thread::panicking() {
            self.remarks.extend(self.stderr.iter());
            eprintln!("process {} said:\n{}", self.id(), self.remarks());
        }
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

const BINARY: &str = env!("CARGO_BIN_EXE_datatracks");

pub const KEYS: [(&str, &str); 2] =
    [("LIVEKIT_API_KEY", "devkey"), ("LIVEKIT_API_SECRET", "secret")];

const LIMIT: Duration = Duration::from_secs(20);
