//! The command line: publish, subscribe and list data tracks of a room, or stand between a room and others.
//!
//! stdout is for data, stderr for people. What went wrong says what to do next, and has an exit status of its own.

mod arguments;
mod bench;
mod bridge;
mod connection;
mod demo;
mod encodings;
mod failure;
mod frames;
mod interrupt;
mod latency;
mod list;
mod output;
mod publish;
mod record;
mod recorded;
mod recording;
mod replay;
mod secrets;
mod sfu;
mod subscribe;

use std::process::ExitCode;

use clap::Parser;

use self::{
    arguments::{Arguments, Command},
    failure::Failure,
};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    output::log(arguments.verbose);
    interrupt::listen();
    match run(arguments.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::tell(&format!("datatracks: {failure}"));
            failure.exit_code()
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Publish(publish) => publish.run().await,
        Command::Subscribe(subscribe) => subscribe.run().await,
        Command::List(list) => list.run().await,
        Command::Record(record) => record.run().await,
        Command::Replay(replay) => replay.run().await,
        Command::Bench(bench) => bench.run().await,
        Command::Bridge(bridge) => bridge.run().await,
        Command::Sfu(sfu) => sfu.run().await,
        Command::Demo(demo) => demo.run().await,
    }
}
