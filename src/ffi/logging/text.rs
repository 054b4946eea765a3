//! A record in words: the message, then its fields as `name=value`.

use std::fmt::{self, Write};

use tracing::{
    Event,
    field::{Field, Visit},
};

/// The text of a record, at most [`MAX_LEN`] bytes and an ellipsis. Values are written as `Debug` writes them: quoted and escaped.
pub(super) fn of(event: &Event<'_>) -> String {
    let mut text = Text::default();
    event.record(&mut Message(&mut text));
    event.record(&mut Fields(&mut text));
    text.written
}

/// No record of ours has such a field, and 12 KB of code to write them would be in every application.
macro_rules! no_large_numbers {
    () => {
        fn record_f64(&mut self, _: &Field, _: f64) {}
        fn record_i128(&mut self, _: &Field, _: i128) {}
        fn record_u128(&mut self, _: &Field, _: u128) {}
    };
}

struct Message<'a>(&'a mut Text);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == MESSAGE {
            let _ = write!(self.0, "{value:?}");
        }
    }

    no_large_numbers!();
}

struct Fields<'a>(&'a mut Text);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != MESSAGE {
            let space = if self.0.written.is_empty() { "" } else { " " };
            let _ = write!(self.0, "{space}{}={value:?}", field.name());
        }
    }

    no_large_numbers!();
}

/// Takes what fits, and refuses the rest so that a large value is not even written.
#[derive(Default)]
struct Text {
    written: String,
    full: bool,
}

impl Write for Text {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.full {
            return Err(fmt::Error);
        }
        let left = MAX_LEN - self.written.len();
        let fits = part.floor_char_boundary(left);
        self.written.push_str(part.get(..fits).unwrap_or_default());
        if fits < part.len() {
            self.full = true;
            self.written.push('…');
            return Err(fmt::Error);
        }
        Ok(())
    }
}

/// The field into which `tracing` puts a record's format string.
const MESSAGE: &str = "message";

/// Longer than any record of ours with two names of 256 bytes in it.
const MAX_LEN: usize = 1024;
