//! Many rooms, one a seed, on all processors; the first that fails is made short and told.

use std::{
    fs,
    ops::RangeInclusive,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    coverage::Coverage,
    run::{Failure, run},
    script::Script,
    shrink::shrink,
};

/// Plays a room of `steps` steps for each seed. Answers what was met in all of them.
pub fn rooms(seeds: RangeInclusive<u64>, steps: u64) -> Coverage {
    let last = *seeds.end();
    let total = (last + 1 - seeds.start()) * steps;
    let next = AtomicU64::new(*seeds.start());
    let failed = AtomicBool::new(false);
    let progress = Progress::new(total);
    let met = Mutex::new(Coverage::default());
    let play = || {
        while !failed.load(Relaxed) {
            let seed = next.fetch_add(1, Relaxed);
            if seed > last {
                break;
            }
            match run(&Script::drawn(seed, steps)) {
                Ok(coverage) => met.lock().unwrap().merge(coverage),
                Err(failure) if failed.swap(true, Relaxed) => drop(failure),
                Err(failure) => return Some((seed, failure)),
            }
            progress.add(steps);
        }
        None
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let failure = thread::scope(|scope| {
        let players: Vec<_> = (0..threads).map(|_| scope.spawn(play)).collect();
        players.into_iter().filter_map(|player| player.join().unwrap()).last()
    });
    if let Some((seed, failure)) = failure {
        tell(seed, steps, &failure);
        panic!("seed {seed}: {failure}");
    }
    met.into_inner().unwrap()
}

/// Makes the script short, writes it, and says how to play it.
fn tell(seed: u64, steps: u64, failure: &Failure) {
    eprintln!(
        "seed {seed} failed after {} steps: {failure}\nlooking for a short script …",
        failure.steps
    );
    let short = shrink(&Script::drawn(seed, steps), failure, |script| run(script).err());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("simulation-{seed}.txt"));
    fs::write(&file, short.to_string()).unwrap();
    eprintln!("\n{short}");
    eprintln!("the whole: cargo tasks simulate --seed {seed} --steps {steps}");
    eprintln!("in short:  cargo tasks simulate --script {}\n", file.display());
}

/// How far a long run is, on the console, now and then.
struct Progress {
    total: u64,
    begun: Instant,
    done: Mutex<(u64, Instant)>,
}

impl Progress {
    fn new(total: u64) -> Self {
        let begun = Instant::now();
        Self { total, begun, done: Mutex::new((0, begun)) }
    }

    fn add(&self, steps: u64) {
        let mut done = self.done.lock().unwrap();
        let (count, told) = &mut *done;
        *count += steps;
        if told.elapsed() < BETWEEN {
            return;
        }
        *told = Instant::now();
        let rate = *count as f64 / self.begun.elapsed().as_secs_f64();
        let left = Duration::from_secs_f64((self.total - *count) as f64 / rate);
        println!("{count} of {} steps, {rate:.0} a second, {} s left", self.total, left.as_secs());
    }
}

/// A room's steps: enough for everything to meet everything, few enough to be made short in a minute.
pub const STEPS_OF_A_ROOM: u64 = 2_000;

const BETWEEN: Duration = Duration::from_secs(10);
