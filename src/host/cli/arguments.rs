//! The commands, and what all of them share.

use std::env;

use clap::{
    Arg, ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, builder::Resettable,
};

use crate::{
    bench::Bench, bridge::Bridge, demo::Demo, list::List, publish::Publish, record::Record,
    replay::Replay, sfu::Sfu, subscribe::Subscribe,
};

/// Named streams of data between the participants of a LiveKit room.
#[derive(Parser)]
#[command(name = "datatracks", version, propagate_version = true, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Tell more on stderr; twice: much more.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// From the command line and the environment. What makes no sense is told, and ends the process.
    pub(crate) fn read() -> Self {
        let mut command =
            Self::command().mut_subcommands(|command| command.mut_args(without_empty_variable));
        let mut matches = command.get_matches_mut();
        Self::from_arg_matches_mut(&mut matches)
            .unwrap_or_else(|error| error.format(&mut command).exit())
    }
}

/// A variable that is empty gives nothing: scripts and containers leave those so that they do not need.
fn without_empty_variable(argument: Arg) -> Arg {
    let variable = argument.get_env().and_then(env::var_os);
    if variable.is_some_and(|value| value.is_empty()) {
        argument.env(Resettable::Reset)
    } else {
        argument
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Publish(Publish),
    Subscribe(Subscribe),
    List(List),
    Record(Record),
    Replay(Replay),
    Bench(Bench),
    Bridge(Bridge),
    Sfu(Sfu),
    Demo(Demo),
}

const AFTER_HELP: &str = "\
Examples:
  datatracks demo
  datatracks sfu --listen 127.0.0.1:7880 &
  export LIVEKIT_URL=ws://127.0.0.1:7880 LIVEKIT_API_KEY=devkey LIVEKIT_API_SECRET=secret
  datatracks list --room lab
  datatracks subscribe --room lab --name pose
  echo '{\"x\":1}' | datatracks publish --room lab --name pose
  datatracks record --room lab --out lab.mcap

Environment:
  LIVEKIT_URL, LIVEKIT_TOKEN, LIVEKIT_API_KEY, LIVEKIT_API_SECRET   in place of the options
  DATATRACKS_E2EE_PASSPHRASE   encrypts what is published and decrypts what is read
  The secrets among them (token, API secret, passphrase) also as files: the name with _FILE behind it names one

Exit status:
  0  done
  1  anything not listed here
  2  the command line makes no sense
  3  no such host, or nobody listens there
  4  the server refused key and secret, or the token
  5  the server has no data tracks
  6  the track did not appear in time
  7  timed out
  8  not allowed: by the token, by the publisher, or for want of the passphrase
  9  the room or the connection to it was lost
  10 the track ended before all frames had come
  130 interrupted by Ctrl-C
  141 nobody reads stdout any more
  143 terminated by SIGTERM";
