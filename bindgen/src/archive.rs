//! Zip archives, written so that the same content gives the same bytes: entries in order of their names, all of one moment, without
//! anything of the machine that packs them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Cursor, Read, Seek, Write},
};

use anyhow::{Context, Result};
use camino::Utf8Path;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::files;

/// Files by their path in the archive.
pub(crate) type Entries = BTreeMap<String, Vec<u8>>;

/// Adds all files below `folder`, under their paths from there.
pub(crate) fn add_folder(entries: &mut Entries, folder: &Utf8Path) -> Result<()> {
    for file in files::below(folder)? {
        let content = fs::read(&file).with_context(|| file.to_string())?;
        entries.insert(file.strip_prefix(folder)?.to_string(), content);
    }
    Ok(())
}

/// Writes an archive file.
pub(crate) fn write(file: &Utf8Path, entries: &Entries) -> Result<()> {
    fs::create_dir_all(file.parent().context("a folder")?)?;
    pack(File::create(file).with_context(|| file.to_string())?, entries)
}

/// The bytes of an archive.
pub(crate) fn bytes(entries: &Entries) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pack(Cursor::new(&mut bytes), entries)?;
    Ok(bytes)
}

/// All files of an archive.
pub(crate) fn read(file: &Utf8Path) -> Result<Entries> {
    unpack(File::open(file).with_context(|| file.to_string())?).with_context(|| file.to_string())
}

/// All files of an archive.
pub(crate) fn unpack(archive: impl Read + Seek) -> Result<Entries> {
    let mut archive = ZipArchive::new(archive)?;
    let mut entries = Entries::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        if !entry.is_dir() {
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            entries.insert(entry.name()?.into_owned(), content);
        }
    }
    Ok(entries)
}

fn pack(to: impl Write + Seek, entries: &Entries) -> Result<()> {
    let mut archive = ZipWriter::new(to);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::from_date_and_time(2026, 1, 1, 0, 0, 0)?)
        .unix_permissions(0o644);
    for (name, content) in entries {
        archive.start_file(name, options)?;
        archive.write_all(content)?;
    }
    archive.finish()?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_gives_the_same_archive() {
        let entries: Entries =
            [("b/c".into(), vec![7; 1000]), ("a".into(), Vec::new())].into_iter().collect();
        let packed = bytes(&entries).unwrap();
        assert_eq!(packed, bytes(&entries).unwrap());
        assert_eq!(unpack(Cursor::new(packed)).unwrap(), entries);
    }
}
