//! Lists of steps that run beside each other, for suites that wait more than they work.

use std::{
    fs::{self, File},
    panic::resume_unwind,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use anyhow::{Context, Result};
use camino::Utf8PathBuf;

use crate::{output, project::Project, report::Report};

/// A list of steps, and what it is called.
pub(crate) struct Lane<'a> {
    name: &'a str,
    steps: Box<dyn FnOnce(&mut Report) + Send + 'a>,
}

impl<'a> Lane<'a> {
    pub(crate) fn new(name: &'a str, steps: impl FnOnce(&mut Report) + Send + 'a) -> Self {
        Self { name, steps: Box::new(steps) }
    }
}

/// Does `work`; answers what was said meanwhile, by whom it called as well. It can be read in `target/beside/` as it comes.
pub(crate) fn aside<T>(
    project: &Project,
    name: &str,
    work: impl FnOnce() -> T,
) -> Result<(String, T)> {
    let path = place(project, name);
    fs::create_dir_all(path.parent().context("a folder")?)?;
    let done = output::aside(File::create(&path).with_context(|| path.to_string())?, work);
    Ok((String::from_utf8_lossy(&fs::read(&path)?).trim_end().to_owned(), done))
}

fn place(project: &Project, name: &str) -> Utf8PathBuf {
    project.root.join(FOLDER).join(name)
}

/// Runs `first`, which speaks as it goes, and `others` beside it: what they say can be read in `target/beside/` meanwhile, and is shown
/// when all have ended.
pub(crate) fn run<const N: usize>(
    project: &Project,
    report: &mut Report,
    first: impl FnOnce(&mut Report),
    others: [Lane<'_>; N],
) {
    thread::scope(|scope| {
        let started = others.map(|Lane { name, steps }| {
            say!("\n== beside what follows: {name}, in {}", project.short(&place(project, name)));
            let run = || {
                let mut report = Report::default();
                steps(&mut report);
                report
            };
            (name, scope.spawn(move || aside(project, name, run)))
        });
        first(report);
        for (name, running) in started {
            match running.join().unwrap_or_else(|panic| resume_unwind(panic)) {
                Ok((said, ended)) => {
                    say!("\n== beside what came before: {name}\n{said}");
                    report.append(ended);
                }
                Err(error) => report.step(name, || Err(error)),
            }
        }
    });
}

/// Does `work` on each of `items`, on as many threads as there are cores; `then` gets what came of each, as it ends.
pub(crate) fn each<T: Send, R: Send>(
    items: Vec<T>,
    work: impl Fn(&T) -> R + Sync,
    mut then: impl FnMut(T, R) -> Result<()>,
) -> Result<()> {
    let (waiting, work) = (&Mutex::new(items.into_iter()), &work);
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let (done, ended) = mpsc::channel();
    let cores = thread::available_parallelism()?.get();
    thread::scope(|scope| {
        for _ in 0..cores {
            let done = done.clone();
            scope.spawn(move || {
                while let Some(item) = next() {
                    let result = work(&item);
                    if done.send((item, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        ended.into_iter().try_for_each(|(item, result)| then(item, result))
    })
}

/// Where it can be read what is said.
pub(crate) const FOLDER: &str = "target/beside";

#[cfg(test)]
mod tests {
    use std::{env, process};

    use super::*;
    use crate::{report::Outcome, run};
    use anyhow::bail;

    fn project(name: &str) -> Project {
        let root = Utf8PathBuf::from_path_buf(env::temp_dir()).unwrap();
        let root = root.join(format!("datatracks-{name}-{}", process::id()));
        fs::create_dir_all(&root).unwrap();
        Project { root }
    }

    #[test]
    fn what_runs_beside_speaks_into_a_file_as_do_the_programs_that_it_calls() {
        let project = project("speaks");
        let step = || {
            say!("before");
            run::run(&mut run::command(&project.root, "echo", &["from a program"]))?;
            say!("after");
            Ok(Outcome::Done)
        };
        let other = Lane::new("other", |report: &mut Report| report.step("speaks", step));
        let mut report = Report::default();
        run(&project, &mut report, |_| (), [other]);
        let said = fs::read_to_string(project.root.join("target/beside/other")).unwrap();
        let lines: Vec<_> = said.lines().map(str::trim).collect();
        let [_, "== speaks", "before", "$ echo from a program", "from a program", "after", ok] =
            lines[..]
        else {
            panic!("{lines:?}")
        };
        assert!(ok.starts_with("ok "), "{ok}");
        fs::remove_dir_all(&project.root).unwrap();
    }

    #[test]
    fn a_failure_beside_is_one_of_the_whole() {
        let project = project("fails");
        let fails = Lane::new("fails", |report: &mut Report| report.step("bad", || bail!("no")));
        let no_file = Lane::new("without a file", |_| ());
        let mut report = Report::default();
        run(&project, &mut report, |report| report.step("good", || Ok(Outcome::Done)), [fails]);
        assert!(matches!(&*report.open(), [bad] if bad.contains("bad: no")), "{:?}", report.open());
        fs::remove_dir_all(project.root.join("target")).unwrap();
        fs::write(project.root.join("target"), "in the way of the folder").unwrap();
        run(&project, &mut report, |_| (), [no_file]);
        assert_eq!(report.open().len(), 2);
        fs::remove_dir_all(&project.root).unwrap();
    }
}
