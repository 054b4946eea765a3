//! An archive for Android: what its build, its loader and its shrinker will want of it.

use std::{collections::BTreeSet, io::Cursor, str};

use anyhow::{Context, Result, ensure};
use camino::Utf8Path;

use super::{FUNCTIONS, elf::Library, shrink};
use crate::{
    archive::{self, Entries},
    kotlin::android::tools,
    project::Project,
    report::{Outcome, Report, kilobytes},
    runners,
};

/// Everything that is known to go wrong with such an archive, each a step.
pub(crate) fn all(project: &Project, report: &mut Report, file: &Utf8Path) {
    let mut entries = Entries::new();
    let is_read = report.gate("archive", || {
        entries = archive::read(file)?;
        Ok(Outcome::Done)
    });
    if !is_read {
        return;
    }
    report.step("contents", || contents(&entries));
    report.step("native libraries", || native(&entries));
    report.step("tools", || tools::install(project));
    report.step("API of Android 24", || shrink::check_api(project, &classes(&entries)?));
    report.step("reference host", || runners::reference_host(project));
    report.step("consumer rules", || shrink::prove_rules(project, &entries));
}

/// What Android's build wants to find, with what it wants to read there.
fn contents(entries: &Entries) -> Result<Outcome> {
    for (name, contained) in MANDATORY {
        let content = entries.get(*name).with_context(|| format!("{name} is missing"))?;
        let text = String::from_utf8_lossy(content);
        for phrase in *contained {
            ensure!(text.contains(phrase), "{name} does not say {phrase}");
        }
    }
    let classes = classes(entries)?;
    for (name, class) in classes.iter().filter(|(name, _)| name.ends_with(".class")) {
        let version = class.get(6..8).map(|bytes| bytes.to_vec());
        ensure!(version == Some(JAVA_8.into()), "{name} is not for Java 8: {version:?}");
    }
    say!("   {} classes of Java 8", classes.len());
    Ok(Outcome::Done)
}

fn native(entries: &Entries) -> Result<Outcome> {
    let functions = functions(&classes(entries)?);
    ensure!(!functions.is_empty(), "the classes call no native function");
    let libraries = entries.iter().filter_map(|(name, content)| {
        Some((name, name.strip_prefix("jni/")?.strip_suffix("/libdatatracks.so")?, content))
    });
    let mut count = 0;
    for (name, abi, content) in libraries {
        judge(abi, content, &functions).with_context(|| name.clone())?;
        count += 1;
    }
    ensure!(count > 0, "there is no native library");
    let others = entries.keys().filter(|name| name.ends_with(".so")).count() - count;
    ensure!(others == 0, "{others} libraries are not ours");
    Ok(Outcome::Done)
}

fn judge(abi: &str, content: &[u8], functions: &BTreeSet<String>) -> Result<()> {
    let library = Library::read(content)?;
    library.is_for(abi)?;
    library.is_aligned()?;
    library.needs_the_system_only()?;
    library.exports(functions)?;
    say!("   {:>8}  {abi}: {}", kilobytes(content.len() as u64), library.summary());
    Ok(())
}

/// The files of the archive's own jar.
pub(super) fn classes(entries: &Entries) -> Result<Entries> {
    let jar = entries.get("classes.jar").context("classes.jar is missing")?;
    archive::unpack(Cursor::new(jar)).context("classes.jar")
}

/// The native functions that the classes know by name: texts of their constant pools, each behind its length.
fn functions(classes: &Entries) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for class in classes.values() {
        for prefix in FUNCTIONS {
            let starts = class.windows(prefix.len()).enumerate();
            let starts =
                starts.filter(|(_, window)| *window == prefix.as_bytes()).map(|(start, _)| start);
            found.extend(starts.filter_map(|start| constant(class, start)));
        }
    }
    found
}

fn constant(class: &[u8], start: usize) -> Option<String> {
    let length = class.get(start.checked_sub(2)?..start)?;
    let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
    let text = str::from_utf8(class.get(start..start.checked_add(length)?)?).ok()?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.chars().all(is_name).then(|| text.to_owned())
}

/// Without these the archive is refused, or not used as it is meant.
const MANDATORY: &[(&str, &[&str])] = &[
    ("AndroidManifest.xml", &["package=\"io.datatracks\"", "android:minSdkVersion=\"24\""]),
    (
        "META-INF/com/android/build/gradle/aar-metadata.properties",
        &["aarFormatVersion=1.0", "aarMetadataVersion=1.0", "minCompileSdk="],
    ),
    ("R.txt", &[]),
    ("classes.jar", &[]),
    ("proguard.txt", &["-keep"]),
];
/// The version of a class file, as it stands there: what every Android's own compiler takes.
const JAVA_8: [u8; 2] = [0, 52];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// An archive as it should be, with one class that calls one function.
    fn archive() -> Entries {
        let name = b"uniffi_datatracks_fn_push";
        let class = [&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 1, 0, 25][..], name, &[1, 0]].concat();
        let classes: Entries = [("io/datatracks/A.class".to_owned(), class)].into();
        let files = MANDATORY.iter().map(|(name, said)| (name.to_string(), said.concat().into()));
        let mut entries: Entries = files.collect();
        entries.insert("classes.jar".into(), archive::bytes(&classes).unwrap());
        entries
    }

    #[test]
    fn each_mandatory_file_is_asked_for() {
        assert!(contents(&archive()).is_ok());
        for (name, _) in MANDATORY {
            let mut broken = archive();
            broken.remove(*name);
            let refused = contents(&broken).err().unwrap().to_string();
            assert!(refused.contains(name), "{refused}");
        }
    }

    #[test]
    fn another_minimum_and_newer_bytecode_are_refused() {
        let mut broken = archive();
        broken.insert("AndroidManifest.xml".into(), b"package=\"io.datatracks\"".to_vec());
        assert!(contents(&broken).err().unwrap().to_string().contains("minSdkVersion"));
        let newer: Entries =
            [("A.class".to_owned(), vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61])].into();
        let mut broken = archive();
        broken.insert("classes.jar".into(), archive::bytes(&newer).unwrap());
        assert!(contents(&broken).err().unwrap().to_string().contains("Java 8"));
    }

    #[test]
    fn functions_are_found_by_their_names_in_classes() {
        let found = functions(&classes(&archive()).unwrap());
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["uniffi_datatracks_fn_push"]);
    }

    #[test]
    fn an_archive_without_libraries_is_refused() {
        assert!(native(&archive()).err().unwrap().to_string().contains("no native library"));
        let mut broken = archive();
        broken.insert("jni/arm64-v8a/libdatatracks.so".into(), b"\x7fELF".to_vec());
        assert!(native(&broken).is_err());
    }
}
