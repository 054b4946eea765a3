//! Where this tool speaks, and what it calls: on its standard output, or, where lists of steps run beside each other, into a
//! file for each list but the first.

use std::{cell::RefCell, fmt, fs::File, io::Write as _, process::Command};

use anyhow::Result;

/// As `println!`, wherever this thread speaks.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::say(format_args!($($text)*)) };
}

thread_local! {
    static ASIDE: RefCell<Option<File>> = const { RefCell::new(None) };
}

/// Runs `work`; what is said meanwhile by this thread, and by what it calls, goes into `file`.
pub(crate) fn aside<T>(file: File, work: impl FnOnce() -> T) -> T {
    let before = ASIDE.replace(Some(file));
    let done = work();
    ASIDE.set(before);
    done
}

/// Lets a program speak where this thread does.
pub(crate) fn lend(command: &mut Command) -> Result<&mut Command> {
    ASIDE.with_borrow(|aside| {
        if let Some(file) = aside {
            command.stdout(file.try_clone()?).stderr(file.try_clone()?);
        }
        Ok(command)
    })
}

/// One line.
pub(crate) fn say(text: fmt::Arguments<'_>) {
    ASIDE.with_borrow_mut(|aside| match aside {
        // The words of a step; whether it is good does not hang on them.
        Some(file) => drop(writeln!(file, "{text}")),
        None => standard(text),
    });
}

#[expect(clippy::print_stdout, reason = "the only place that does")]
fn standard(text: fmt::Arguments<'_>) {
    println!("{text}");
}
