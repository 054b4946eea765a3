//! Where the frames to publish come from: files, standard input, or a pattern.

use std::{
    collections::VecDeque,
    fmt::Display,
    io,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use clap::ValueEnum;
use datatracks::packet::{Encryption, Extensions, MTU};
use tokio::{
    fs::File,
    io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader, stdin},
    time::{Interval, MissedTickBehavior, interval},
};

use crate::failure::Failure;

/// How frames follow each other in what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Framing {
    /// Everything is one frame
    Whole,
    /// Each line is a frame, without its end
    Lines,
    /// Each frame follows its length, a big-endian u32
    Length,
}

/// Frames made by a rule, so that a receiver can check them: byte k of frame i is (31·i + 7·k) mod 256.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    size: usize,
    rate: f64,
    count: u64,
}

/// Frames, one after the other.
pub(crate) enum Frames {
    Read { framing: Framing, inputs: VecDeque<Input> },
    Made { pattern: Pattern, next: u64, ticks: Interval },
}

/// What is read, and what people call it.
pub(crate) struct Input {
    name: String,
    reader: Reader,
}

type Reader = Box<dyn AsyncBufRead + Unpin + Send>;

impl Input {
    fn new(name: impl Display, reader: impl AsyncRead + Unpin + Send + 'static) -> Self {
        Self { name: name.to_string(), reader: Box::new(BufReader::new(reader)) }
    }
}

impl Frames {
    /// Reads the files one after the other, or standard input when there are none.
    pub(crate) async fn read(files: &[PathBuf], framing: Option<Framing>) -> Result<Self, Failure> {
        let mut inputs: VecDeque<Input> = VecDeque::new();
        for path in files {
            let file = open(path).await;
            let file = file.map_err(|error| unreadable(&path.display(), &error))?;
            inputs.push_back(Input::new(path.display(), file));
        }
        if inputs.is_empty() {
            inputs.push_back(Input::new("standard input", stdin()));
        }
        let default = if files.is_empty() { Framing::Lines } else { Framing::Whole };
        Ok(Self::Read { framing: framing.unwrap_or(default), inputs })
    }

    /// Makes frames at the pattern's pace, the first at once.
    pub(crate) fn made(pattern: Pattern) -> Self {
        let mut ticks = interval(Duration::from_secs_f64(1.0 / pattern.rate));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Self::Made { pattern, next: 0, ticks }
    }

    /// The next frame, when it is there.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        match self {
            Self::Made { pattern, next, .. } if *next >= pattern.count => Ok(None),
            Self::Made { pattern, next, ticks } => {
                ticks.tick().await;
                *next += 1;
                Ok(Some(pattern.frame(*next - 1)))
            }
            Self::Read { framing, inputs } => next_of(*framing, inputs).await,
        }
    }
}

/// A directory can be opened, and says only when it is read that it cannot be.
async fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path).await?;
    if file.metadata().await?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(file)
}

async fn next_of(
    framing: Framing,
    inputs: &mut VecDeque<Input>,
) -> Result<Option<Vec<u8>>, Failure> {
    while let Some(Input { name, mut reader }) = inputs.pop_front() {
        let frame = match framing {
            Framing::Whole => read_whole(&mut reader).await.map(Some),
            Framing::Lines => read_line(&mut reader).await,
            Framing::Length => read_sized(&mut reader).await,
        };
        let frame = frame.map_err(|error| unreadable(&name, &error))?;
        if frame.is_some() {
            if framing != Framing::Whole {
                inputs.push_front(Input { name, reader });
            }
            return Ok(frame);
        }
    }
    Ok(None)
}

async fn read_whole(input: &mut Reader) -> io::Result<Vec<u8>> {
    let mut frame = Vec::new();
    input.take(MAX_FRAME_BYTES + 1).read_to_end(&mut frame).await?;
    check_size(frame.len())?;
    Ok(frame)
}

async fn read_line(input: &mut Reader) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    if input.take(MAX_FRAME_BYTES + 2).read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    check_size(line.len())?;
    Ok(Some(line))
}

async fn read_sized(input: &mut Reader) -> io::Result<Option<Vec<u8>>> {
    if input.fill_buf().await?.is_empty() {
        return Ok(None);
    }
    let size = input.read_u32().await? as usize;
    check_size(size)?;
    let mut frame = vec![0; size];
    input.read_exact(&mut frame).await?;
    Ok(Some(frame))
}

fn check_size(size: usize) -> io::Result<()> {
    if size as u64 > MAX_FRAME_BYTES {
        return Err(io::Error::other(
            "a frame is longer than any track can carry; split it, or see --framing",
        ));
    }
    Ok(())
}

fn unreadable(what: &dyn Display, error: &io::Error) -> Failure {
    Failure::other(format!("cannot read {what}: {error}"))
}

impl Pattern {
    /// Frames that no track can carry are refused before anybody joins.
    pub(crate) fn check(&self, most: usize) -> Result<(), Failure> {
        if self.size > most {
            return Err(Failure::Usage(format!(
                "--generate: the size must be at most {most} bytes, not {}",
                self.size
            )));
        }
        Ok(())
    }

    fn frame(&self, index: u64) -> Vec<u8> {
        let byte = |k: u64| index.wrapping_mul(31).wrapping_add(k.wrapping_mul(7)).to_le_bytes()[0];
        (0..self.size as u64).map(byte).collect()
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut pattern = Self { size: 1000, rate: 10.0, count: u64::MAX };
        for setting in text.split(',').filter(|setting| !setting.is_empty()) {
            let (name, value) =
                setting.split_once('=').ok_or("write it as size=…,rate=…,count=…")?;
            let unusable = || format!("{name} cannot be {value}");
            match name {
                "size" => pattern.size = value.parse().map_err(|_| unusable())?,
                "rate" => pattern.rate = value.parse().map_err(|_| unusable())?,
                "count" => pattern.count = value.parse().map_err(|_| unusable())?,
                _ => return Err(format!("there is no {name}; there are size, rate and count")),
            }
        }
        if !(MIN_RATE..=MAX_RATE).contains(&pattern.rate) {
            return Err(format!("the rate must be {MIN_RATE} to {MAX_RATE} frames a second"));
        }
        Ok(pattern)
    }
}

/// Most bytes of a frame.
pub(crate) fn largest(encrypted: bool, stamped: bool) -> usize {
    let encryption = encrypted.then_some(Encryption { key_index: 0, iv: [0; 12] });
    let extensions = Extensions { encryption, user_timestamp: stamped.then_some(0) };
    let tag = if encrypted { TAG_LEN } else { 0 };
    MAX_PACKETS * (MTU - extensions.header_len()) - tag
}

/// Of a frame.
const MAX_PACKETS: usize = 128;

/// What AES-GCM adds to a payload.
const TAG_LEN: usize = 16;

/// More than a track can carry; what is longer is not even read.
const MAX_FRAME_BYTES: u64 = (MAX_PACKETS * MTU) as u64;

/// Frames a second.
const MIN_RATE: f64 = 0.001;
const MAX_RATE: f64 = 1e6;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn all(framing: Framing, text: &'static [u8]) -> Result<Vec<Vec<u8>>, Failure> {
        let input = Input::new("a test", text);
        let mut frames = Frames::Read { framing, inputs: [input].into() };
        let mut all = Vec::new();
        while let Some(frame) = frames.next().await? {
            all.push(frame);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn lines_lose_their_ends() {
        let frames = all(Framing::Lines, b"one\n\r\ntwo\r\nrest").await.unwrap();
        assert_eq!(frames, [&b"one"[..], b"", b"two", b"rest"]);
        assert!(all(Framing::Lines, b"").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn lengths_come_first() {
        let frames = all(Framing::Length, b"\0\0\0\x02ab\0\0\0\0\0\0\0\x01c").await.unwrap();
        assert_eq!(frames, [&b"ab"[..], b"", b"c"]);
        for cut in [&b"\0\0\0\x02a"[..], b"\0\0", b"\xff\xff\xff\xff"] {
            assert!(all(Framing::Length, cut).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_whole_file_is_one_frame() {
        assert_eq!(all(Framing::Whole, b"a\nb\n").await.unwrap(), [b"a\nb\n"]);
        assert_eq!(all(Framing::Whole, b"").await.unwrap(), [b""]);
    }

    #[tokio::test]
    async fn a_pattern_keeps_its_count() {
        let mut frames = Frames::made("size=3,rate=100,count=2".parse().unwrap());
        assert_eq!(frames.next().await.unwrap().unwrap(), [0, 7, 14]);
        assert_eq!(frames.next().await.unwrap().unwrap(), [31, 38, 45]);
        assert_eq!(frames.next().await.unwrap(), None);
    }

    #[test]
    fn the_largest_frame_is_what_the_header_leaves() {
        let both = [false, true];
        let all = both.map(|encrypted| both.map(|stamped| largest(encrypted, stamped)));
        assert_eq!(all, [[2_046_464, 2_044_928], [2_043_888, 2_042_864]]);
    }

    #[test]
    fn patterns_wrap_and_say_what_is_wrong() {
        let pattern: Pattern = "size=300".parse().unwrap();
        assert_eq!(pattern.frame(100).get(299), Some(&((31_u32 * 100 + 7 * 299) as u8)));
        for text in ["size", "sise=1", "rate=0", "rate=NaN", "count=-1"] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }
}
