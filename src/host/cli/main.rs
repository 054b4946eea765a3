//! The command line: publish, subscribe and list data tracks of a room, or stand between a room and others.
//!
//! stdout is for data, stderr for people. What went wrong says what to do next, and has an exit status of its own.

mod arguments;
mod bench;
mod bridge;
mod channels;
mod connection;
mod demo;
mod encodings;
mod failure;
mod flush;
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

use std::{io, process::ExitCode};

use tokio::runtime::Runtime;

use self::{
    arguments::{Arguments, Command},
    failure::Failure,
};

fn main() -> ExitCode {
    let arguments = Arguments::read();
    output::log(arguments.verbose);
    let outcome = Runtime::new().map_err(unable).and_then(|runtime| {
        let outcome = runtime.block_on(async {
            interrupt::listen();
            run(arguments.command).await
        });
        // Dropped, it would wait for the read of standard input, which nothing can call back.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell();
            failure.exit_code()
        }
    }
}

fn unable(error: io::Error) -> Failure {
    Failure::other(format!("cannot begin: {error}"))
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
