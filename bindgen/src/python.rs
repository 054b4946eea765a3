//! What the generator writes for Python, made safe to cancel.
//!
//! By itself it takes a result out of the library, and only then goes to sleep until the event loop has come round. A task that is cancelled
//! meanwhile loses the result: a frame that nobody reads, a subscription or a track that nobody knows of, and the memory of each.

use std::fs;

use anyhow::{Result, ensure};
use camino::Utf8Path;

/// Rewrites the generated file below `folder`.
pub(crate) fn refine(folder: &Utf8Path) -> Result<()> {
    let file = folder.join("datatracks.py");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, take_at_once(&text)?)?;
    Ok(())
}

fn take_at_once(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for (from, to) in REPLACED {
        let found = text.matches(from).count();
        ensure!(found == 1, "there are {found} of {from:?} instead of 1");
        text = text.replace(from, to);
    }
    Ok(text)
}

const REPLACED: &[(&str, &str)] = &[
    (
        "    eventloop.call_soon_threadsafe(_uniffi_set_future_result, future, poll_code)\n",
        "    if poll_code == _UNIFFI_RUST_FUTURE_POLL_READY:
        # Told inside the call that polls or frees: what is there is taken before a cancellation can come between.
        _uniffi_set_future_result(future, poll_code)
    else:
        eventloop.call_soon_threadsafe(_uniffi_set_future_result, future, poll_code)
",
    ),
    (
        "        eventloop = _uniffi_get_event_loop()\n\n        # Loop and poll",
        "        eventloop = _uniffi_get_event_loop()

        # Other tasks have their turn, also beside one whose calls are all answered at once; nothing is taken yet that could be lost.
        await asyncio.sleep(0)

        # Loop and poll",
    ),
];

#[cfg(test)]
mod tests {
    use super::{REPLACED, take_at_once};

    #[test]
    fn a_result_is_taken_at_once() {
        let generated: String = REPLACED.iter().map(|(from, _)| *from).collect();
        let text = take_at_once(&generated).unwrap();
        assert!(text.contains("await asyncio.sleep(0)\n\n        # Loop and poll"));
        assert!(text.contains("    else:\n        eventloop.call_soon_threadsafe("));
    }

    #[test]
    fn a_generator_that_writes_something_else_is_noticed() {
        assert!(take_at_once("").is_err());
    }
}
