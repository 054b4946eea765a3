//! The same in processes of their own: where memory and code come to lie differs from one to the next, and with it the speed.

use std::{env, fs, process::Command};

use serde::Deserialize;

use crate::{measure::Measured, row::Row};

/// Of a row, what another process has measured.
#[derive(Deserialize)]
struct Part {
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

/// Adds the rounds of so many more processes, which measure the same rows.
pub(crate) fn add(rows: &mut [Row], wanted: &[String], processes: usize) {
    for number in 2..=processes {
        println!("   the same in process {number} of {processes}");
        let parts = run(wanted).rows;
        assert_eq!(parts.len(), rows.len(), "another process measures other rows");
        rows.iter_mut().zip(parts).for_each(|(row, part)| part.join(row));
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
