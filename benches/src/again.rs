//! The same in processes of their own: where memory and code come to lie differs from one to the next, and with it the speed.

use std::{env, fs, process::Command};

use serde::Deserialize;

use crate::{measure::Measured, row::Row};

/// Of a row, what another process has measured.
#[derive(Deserialize)]
struct Part {
    name: String,
    ours: Measured,
    peer: Option<Measured>,
    limit: Option<Bound>,
}

#[derive(Deserialize)]
struct Bound {
    measured: Measured,
}

#[derive(Deserialize)]
struct Run {
    rows: Vec<Part>,
}

/// Adds the rounds of more processes, up to so many in all. They measure what is wanted, and these rows are of it.
pub(crate) fn add(rows: &mut [&mut Row], wanted: &[String], processes: usize) {
    for number in 2..=processes {
        println!("   the same in process {number} of {processes}");
        let mut parts = run(wanted).rows;
        for row in &mut *rows {
            let part = parts.iter().position(|part| part.name == row.name);
            parts.swap_remove(part.expect("another process measures other rows")).join(row);
        }
    }
}

/// What was below its floor may have met a moment when the machine was slow: it is judged by the rounds of three processes.
pub(crate) fn look_twice(rows: &mut [Row]) {
    let below = |row: &&mut Row| row.floor.is_some_and(|floor| !row.keeps(floor));
    let mut below: Vec<_> = rows.iter_mut().filter(below).collect();
    let names: Vec<_> = below.iter().map(|row| row.name.clone()).collect();
    if !names.is_empty() {
        println!("   below their floors: {}", names.join("; "));
        add(&mut below, &names, 3);
    }
}

fn run(wanted: &[String]) -> Run {
    let file = env::temp_dir().join(format!("datatracks-bench-{}.json", std::process::id()));
    let mut again = Command::new(env::current_exe().unwrap());
    again.arg("--once").arg("--json").arg(&file).args(wanted);
    let output = again.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let run = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    fs::remove_file(file).unwrap();
    run
}

impl Part {
    fn join(self, row: &mut Row) {
        row.ours.join(self.ours);
        if let (Some(known), Some(more)) = (&mut row.peer, self.peer) {
            known.join(more);
        }
        if let (Some(known), Some(more)) = (&mut row.limit, self.limit) {
            known.measured.join(more.measured);
        }
    }
}
