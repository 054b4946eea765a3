//! What the generator writes for Swift, made fit for applications.
//!
//! 1. Bytes that come in are copied once. By itself the generator fills an array with zeros, copies the bytes there, and from there into
//!    the `Data` that an application gets: three passes over fresh memory, where one does.
//! 2. Bytes that are lent are never too many to be counted: what does not fit the count is cut off, and the library refuses what is left. By
//!    itself the generated code ends the process.
//! 3. Documentation names things as Swift does.

use std::{collections::HashSet, fs};

use anyhow::{Result, ensure};
use camino::Utf8Path;
use heck::ToLowerCamelCase;

/// Rewrites the generated file below `folder`.
pub(crate) fn refine(folder: &Utf8Path) -> Result<()> {
    let file = folder.join("DataTracks.swift");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, spell_documentation(&lend_what_counts(&copy_once(&text)?)?))?;
    Ok(())
}

fn copy_once(text: &str) -> Result<String> {
    let found = text.matches(COPIED_TWICE).count();
    ensure!(found == 1, "bytes are read in {found} places instead of 1");
    Ok(text.replace(COPIED_TWICE, "return try readData(&buf, count: Int(len))") + COPIED_ONCE)
}

fn lend_what_counts(text: &str) -> Result<String> {
    let found = text.matches(COUNTED).count();
    ensure!(found == 1, "lent bytes are counted in {found} places instead of 1");
    Ok(text.replace(COUNTED, "len: Int32(clamping: rawBufferPointer.count),"))
}

/// In comments, `try_push` becomes `tryPush`, if Swift has a thing of that name. Names of protobuf fields stay what they are.
fn spell_documentation(text: &str) -> String {
    let is_separator = |character: char| !character.is_alphanumeric() && character != '_';
    let mut known: HashSet<&str> = text.split(is_separator).collect();
    known.extend(WRITTEN_BY_HAND);
    let lines = text.lines().map(|line| match line.trim_start().starts_with("* ") {
        true => spell(line, &known),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Spells what stands between backticks.
fn spell(line: &str, known: &HashSet<&str>) -> String {
    let words = line.split('`').enumerate().map(|(position, word)| {
        let name = word.to_lower_camel_case();
        let is_snake = position % 2 == 1 && word.contains('_') && !word.starts_with('_');
        if is_snake && known.contains(name.as_str()) { name } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join("`")
}

/// What `uniffi.toml` leaves out and `swift-package/Sources` has.
const WRITTEN_BY_HAND: [&str; 1] = ["tryPush"];

const COUNTED: &str = "len: Int32(rawBufferPointer.count),";
const COPIED_TWICE: &str = "return Data(try readBytes(&buf, count: Int(len)))";
const COPIED_ONCE: &str = "
// Reads bytes at the current offset: a copy, since what is read from ends with the call.
fileprivate func readData(_ reader: inout (data: Data, offset: Data.Index), count: Int) throws -> Data {
    guard count >= 0, reader.data.count - reader.offset >= count else {
        throw UniffiInternalError.bufferOverflow
    }
    let range = reader.offset..<(reader.offset + count)
    reader.offset = range.upperBound
    return reader.data.subdata(in: range)
}
";

#[cfg(test)]
mod tests {
    use super::{COPIED_TWICE, COUNTED, copy_once, lend_what_counts, spell_documentation};

    #[test]
    fn bytes_are_copied_once() {
        let text = copy_once(&format!("read {{\n    {COPIED_TWICE}\n}}\n")).unwrap();
        assert!(text.contains("readData(&buf") && !text.contains("readBytes("));
    }

    #[test]
    fn lent_bytes_are_counted_as_far_as_the_count_goes() {
        let text = lend_what_counts(&format!("self.init(\n    {COUNTED}\n")).unwrap();
        assert!(text.contains("clamping") && !text.contains(COUNTED));
        assert!(lend_what_counts("").is_err());
    }

    #[test]
    fn a_generator_that_writes_something_else_is_noticed() {
        assert!(copy_once("").is_err());
        assert!(copy_once(&COPIED_TWICE.repeat(2)).is_err());
    }

    #[test]
    fn documentation_is_in_words_of_swift() {
        let generated = " * As `try_push`, up to `max_age_ms`; `request_response` on `_data_track`.
let maxAgeMs = 0 // `max_age_ms`
";
        let spelled = spell_documentation(generated);
        let (comment, code) = spelled.split_once('\n').unwrap();
        assert_eq!(
            comment,
            " * As `tryPush`, up to `maxAgeMs`; `request_response` on `_data_track`."
        );
        assert_eq!(code, "let maxAgeMs = 0 // `max_age_ms`\n");
    }
}
