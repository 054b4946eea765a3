//! What the generator writes for Swift, made cheaper where bytes come in.
//!
//! By itself it fills an array with zeros, copies the bytes there, and from there into the `Data` that an application gets: three passes
//! over fresh memory, where one does.

use std::fs;

use anyhow::{Result, ensure};
use camino::Utf8Path;

/// Rewrites the generated file below `folder`.
pub(crate) fn refine(folder: &Utf8Path) -> Result<()> {
    let file = folder.join("DataTracks.swift");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, copy_once(&text)?)?;
    Ok(())
}

fn copy_once(text: &str) -> Result<String> {
    let found = text.matches(COPIED_TWICE).count();
    ensure!(found == 1, "bytes are read in {found} places instead of 1");
    Ok(text.replace(COPIED_TWICE, "return try readData(&buf, count: Int(len))") + COPIED_ONCE)
}

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
    use super::{COPIED_TWICE, copy_once};

    #[test]
    fn bytes_are_copied_once() {
        let text = copy_once(&format!("read {{\n    {COPIED_TWICE}\n}}\n")).unwrap();
        assert!(text.contains("readData(&buf") && !text.contains("readBytes("));
    }

    #[test]
    fn a_generator_that_writes_something_else_is_noticed() {
        assert!(copy_once("").is_err());
        assert!(copy_once(&COPIED_TWICE.repeat(2)).is_err());
    }
}
