//! What the generator writes for Python, made safe: to cancel, to interrupt and to copy.
//!
//! By itself it takes a result out of the library, and only then goes to sleep until the event loop has come round. A task that is cancelled
//! meanwhile loses the result: a frame that nobody reads, a subscription or a track that nobody knows of, and the memory of each.
//!
//! A callback that ends by a `KeyboardInterrupt`, or another exception that is no `Exception`, would count as one that has done its work. A copy
//! of an object would have the same handle as the first, and what each gives up in its turn is given up twice.

use std::fs;

use anyhow::{Result, ensure};
use camino::Utf8Path;

/// Rewrites the generated file below `folder`.
pub(crate) fn refine(folder: &Utf8Path) -> Result<()> {
    let file = folder.join("datatracks.py");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, refined(&text)?)?;
    Ok(())
}

fn refined(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for (from, to) in REPLACED {
        let found = text.matches(from).count();
        ensure!(found == 1, "there are {found} of {from:?} instead of 1");
        text = text.replace(from, to);
    }
    for (place, before, after) in [(OBJECT, COPIES, ""), (RECORD, "", OTHER_TYPES)] {
        ensure!(text.contains(place), "there is no {place:?}");
        text = text.replace(place, &format!("{before}{place}{after}"));
    }
    Ok(text)
}

/// Stands once in each class that has a handle.
const OBJECT: &str = "    def _uniffi_clone_handle(self):\n";

/// Who copies what holds an object (`dataclasses.asdict` does) means the same object.
const COPIES: &str = "    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        raise TypeError(\"cannot pickle {!r} object\".format(type(self).__name__))

";

/// Stands in each class of fields, where they are compared.
const RECORD: &str = "\n    def __eq__(self, other):\n";

/// Has no such fields.
const OTHER_TYPES: &str = "        if type(other) is not type(self):
            return NotImplemented
";

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
    (
        "        return write_return_value(make_call())
    except Exception as e:
        call_status.code = _UniffiRustCallStatus.CALL_UNEXPECTED_ERROR
        call_status.error_buf = _UniffiFfiConverterString.lower(repr(e))
",
        "        return write_return_value(make_call())
    except BaseException as e:
        call_status.code = _UniffiRustCallStatus.CALL_UNEXPECTED_ERROR
        call_status.error_buf = _UniffiFfiConverterString.lower(repr(e))
        if not isinstance(e, Exception):
            raise  # to sys.unraisablehook: nobody asked the library to keep it
",
    ),
    (
        "            call_status.error_buf = lower_error(e)
    except Exception as e:
        call_status.code = _UniffiRustCallStatus.CALL_UNEXPECTED_ERROR
        call_status.error_buf = _UniffiFfiConverterString.lower(repr(e))
",
        "            call_status.error_buf = lower_error(e)
    except BaseException as e:
        call_status.code = _UniffiRustCallStatus.CALL_UNEXPECTED_ERROR
        call_status.error_buf = _UniffiFfiConverterString.lower(repr(e))
        if not isinstance(e, Exception):
            raise  # to sys.unraisablehook: nobody asked the library to keep it
",
    ),
    (
        "    def write(value, buf):
        buf.write_i32(len(value))
        buf.write(value)
",
        "    def write(value, buf):
        if not isinstance(value, bytes):
            value = bytes(memoryview(value))
        buf.write_i32(len(value))
        buf.write(value)
",
    ),
    (
        "            raise TypeError(\"argument must be str, not {}\".format(type(value).__name__))
        return value
",
        "            raise TypeError(\"argument must be str, not {}\".format(type(value).__name__))
        value.encode(\"utf-8\")  # what cannot be is told here, before the call has taken a handle that it would not give back
        return value
",
    ),
];

#[cfg(test)]
mod tests {
    use super::{OBJECT, RECORD, REPLACED, refined};

    fn generated() -> String {
        REPLACED.iter().map(|(from, _)| *from).chain([RECORD]).collect()
    }

    #[test]
    fn a_result_is_taken_at_once() {
        let text = refined(&(generated() + OBJECT)).unwrap();
        assert!(text.contains("await asyncio.sleep(0)\n\n        # Loop and poll"));
        assert!(text.contains("    else:\n        eventloop.call_soon_threadsafe("));
    }

    #[test]
    fn each_class_with_a_handle_says_what_a_copy_is() {
        let text = refined(&(generated() + OBJECT + "        pass\n" + OBJECT)).unwrap();
        assert_eq!(text.matches("def __deepcopy__").count(), 2);
    }

    #[test]
    fn a_generator_that_writes_something_else_is_noticed() {
        assert!(refined("").is_err());
        assert!(refined(&generated()).is_err(), "no class has a handle");
    }
}
