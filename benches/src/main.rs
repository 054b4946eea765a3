//! datatracks beside livekit-datatrack: the same work, in one process, in turns. `cargo tasks bench` builds and runs it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

mod again;
mod measure;
mod ours;
mod peer;
mod report;
mod row;
mod rows;
mod sides;
mod wire;

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Parser;
use datatracks_bench_side::counting::Counting;

use crate::{
    report::{Paper, chart, table},
    row::Row,
    rows::{Bench, GROUPS, hopes},
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Parser)]
struct Arguments {
    /// Rows to measure, by the beginning of their names; without: all
    rows: Vec<String>,
    /// Fewer and shorter rounds; fails where a row is below its floor
    #[arg(long)]
    quick: bool,
    /// In this process alone; otherwise in five, one after the other
    #[arg(long)]
    once: bool,
    /// Where to write all rounds
    #[arg(long)]
    json: Option<PathBuf>,
    /// Where to write benchmarks.md, benchmarks.svg and benchmarks.json
    #[arg(long)]
    docs: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (rounds, divisor) = if arguments.quick { (5, 16) } else { (3, 2) };
    let bench = Bench { ours: &ours::Ours, peer: peer::load(), rounds, divisor };
    let mut rows = measured(&bench, &arguments.rows);
    hopes::tell(&mut rows);
    if arguments.quick {
        again::look_twice(&mut rows);
    } else if !arguments.once {
        again::add(&mut rows.iter_mut().collect::<Vec<_>>(), &arguments.rows, PROCESSES);
    }
    if arguments.rows.is_empty() {
        assert_eq!(hopes::unheard(&rows), [""; 0], "hoped for, and not measured");
    }
    let paper = Paper::new(rows);
    println!("{}\n", paper.machine);
    print!("{}", table::text(&paper.rows));
    write(&paper, &arguments);
    if arguments.quick { judged(&paper.rows) } else { ExitCode::SUCCESS }
}

fn measured(bench: &Bench, wanted: &[String]) -> Vec<Row> {
    let is_wanted = |name: &str| {
        wanted.is_empty() || wanted.iter().any(|wanted| name.starts_with(wanted.as_str()))
    };
    let may_hold =
        |group: &str| is_wanted(group) || wanted.iter().any(|wanted| wanted.starts_with(group));
    let groups = GROUPS.iter().filter(|group| may_hold(group.name));
    let rows = groups.flat_map(|group| {
        println!("   measuring {}", group.name);
        (group.measure)(bench)
    });
    rows.filter(|row| is_wanted(&row.name)).collect()
}

fn write(paper: &Paper, arguments: &Arguments) {
    let json = paper.json();
    if let Some(file) = &arguments.json {
        fs::write(file, &json).unwrap();
    }
    if let Some(folder) = &arguments.docs {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("benchmarks.json"), &json).unwrap();
        fs::write(folder.join("benchmarks.svg"), chart::svg(&paper.rows)).unwrap();
        fs::write(folder.join("benchmarks.md"), table::page(paper)).unwrap();
    }
}

/// Each row that has a floor is a check: the last line counts them as a test runner does.
fn judged(rows: &[Row]) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    for row in rows {
        let Some(floor) = row.floor else { continue };
        if row.keeps(floor) {
            passed += 1;
        } else {
            failed += 1;
            println!("{} is below its floor: {}", row.name, table::aim(floor));
        }
    }
    println!("floors: {passed} passed; {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// As many as let the spread show what depends on where things lie in memory.
const PROCESSES: usize = 5;
