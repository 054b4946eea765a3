//! A shared library as Android's loader will see it.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use object::{
    Endianness,
    elf::{DT_NEEDED, EM_386, EM_AARCH64, EM_ARM, EM_X86_64, Machine, PT_LOAD},
    read::{
        Object, ObjectSymbol,
        elf::{ElfFile, ElfFile32, ElfFile64, FileHeader, ProgramHeader},
    },
};

/// What matters of a library.
#[derive(Debug)]
pub(super) struct Library {
    machine: Machine,
    /// Of each part that is loaded: offset in the file, address, alignment.
    parts: Vec<(u64, u64, u64)>,
    needed: BTreeSet<String>,
    exported: BTreeSet<String>,
}

impl Library {
    /// Reads a library of either width.
    pub(super) fn read(file: &[u8]) -> Result<Self> {
        match file.get(CLASS) {
            Some(1) => Self::of(&ElfFile32::parse(file)?),
            Some(2) => Self::of(&ElfFile64::parse(file)?),
            _ => bail!("this is no ELF file"),
        }
    }

    fn of<Elf: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, Elf>) -> Result<Self> {
        let endian = file.endian();
        let loaded = |header: &&Elf::ProgramHeader| header.p_type(endian) == PT_LOAD;
        let parts = file.elf_program_headers().iter().filter(loaded).map(|header| {
            let (offset, address) = (header.p_offset(endian), header.p_vaddr(endian));
            (offset.into(), address.into(), header.p_align(endian).into())
        });
        let dynamic = file.elf_dynamic_table()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let needed = dynamic.iter().filter(|entry| entry.tag == DT_NEEDED);
        let symbols = file.dynamic_symbols().filter(|symbol| symbol.is_definition());
        Ok(Self {
            machine: file.elf_header().e_machine(endian),
            parts: parts.collect(),
            needed: needed.map(|entry| Ok(text(dynamic.string(entry)?))).collect::<Result<_>>()?,
            exported: symbols.map(|symbol| Ok(symbol.name()?.to_owned())).collect::<Result<_>>()?,
        })
    }

    /// Fails unless it is for the processors of this ABI.
    pub(super) fn is_for(&self, abi: &str) -> Result<()> {
        let (_, machine) = MACHINES.iter().find(|(name, _)| *name == abi).context("unknown ABI")?;
        ensure!(self.machine == *machine, "the library is for another processor");
        Ok(())
    }

    /// Fails unless it can be loaded on devices whose pages have 16 KB.
    pub(super) fn is_aligned(&self) -> Result<()> {
        ensure!(!self.parts.is_empty(), "nothing is loaded");
        for (offset, address, alignment) in &self.parts {
            ensure!(
                *alignment >= PAGE && alignment.is_power_of_two(),
                "aligned to {alignment} bytes, and not to {PAGE}: link with -z max-page-size={PAGE}"
            );
            ensure!(
                address % PAGE == offset % PAGE,
                "what is at {offset:#x} in the file cannot be at {address:#x} in memory"
            );
        }
        Ok(())
    }

    /// Fails when it needs a library that is not part of every Android.
    pub(super) fn needs_the_system_only(&self) -> Result<()> {
        let foreign: Vec<_> =
            self.needed.iter().filter(|name| !SYSTEM.contains(&name.as_str())).collect();
        ensure!(foreign.is_empty(), "needs {foreign:?}");
        ensure!(!self.needed.is_empty(), "needs nothing, not even {}", SYSTEM.concat());
        Ok(())
    }

    /// Fails unless it exports every function of `wanted`, and nothing that could meet another library's.
    pub(super) fn exports(&self, wanted: &BTreeSet<String>) -> Result<()> {
        let missing: Vec<_> = wanted.difference(&self.exported).collect();
        ensure!(missing.is_empty(), "does not export {missing:?}");
        let ours = |name: &String| OURS.iter().any(|prefix| name.starts_with(prefix));
        let foreign: Vec<_> = self.exported.iter().filter(|name| !ours(name)).collect();
        ensure!(foreign.is_empty(), "exports {foreign:?} as well");
        Ok(())
    }

    /// For people.
    pub(super) fn summary(&self) -> String {
        let Self { needed, exported, .. } = self;
        let needed = needed.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        format!("16 KB pages, needs {needed}, exports {} functions of ours only", exported.len())
    }
}

/// Where an ELF file says how wide it is.
const CLASS: usize = 4;
/// What newer devices have; a library for these runs on those with pages of 4 KB, too.
const PAGE: u64 = 16 * 1024;
/// Android's names of processors.
const MACHINES: &[(&str, Machine)] =
    &[("arm64-v8a", EM_AARCH64), ("armeabi-v7a", EM_ARM), ("x86", EM_386), ("x86_64", EM_X86_64)];
/// What a native library may always use.
const SYSTEM: &[&str] = &["libc.so", "libdl.so", "liblog.so", "libm.so"];
/// How the names begin that belong to this library: UniFFI's, with its name in them, and Java's own.
const OURS: &[&str] = &[
    "ffi_datatracks_",
    "uniffi_datatracks_",
    "UNIFFI_META_",
    "JNI_OnLoad",
    "JNI_OnUnload",
    "Java_",
];

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::{env, fs, process::Command};

    use super::*;

    /// A library with these functions, linked with this option: real, by the machine's own compiler.
    fn linked(name: &str, functions: &[&str], option: &str) -> Library {
        let folder = env::temp_dir().join(format!("datatracks-elf-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (source, library) = (folder.join("library.c"), folder.join("library.so"));
        let define = |function: &&str| format!("void {function}(void) {{}}\n");
        fs::write(&source, functions.iter().map(define).collect::<String>()).unwrap();
        let mut link = Command::new("cc");
        link.args(["-shared", "-nostdlib", "-fPIC", option, "-o"]).arg(&library).arg(&source);
        assert!(link.status().expect("a C compiler, as the README asks for").success());
        let file = fs::read(&library).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        Library::read(&file).unwrap()
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    const PUSH: &str = "uniffi_datatracks_fn_push";

    #[test]
    fn pages_of_16_kb_are_asked_for() {
        linked("16", &[PUSH], "-Wl,-z,max-page-size=16384").is_aligned().unwrap();
        let refused = linked("4", &[PUSH], "-Wl,-z,max-page-size=4096").is_aligned().unwrap_err();
        assert!(refused.to_string().contains("aligned to 4096 bytes"), "{refused}");
    }

    #[test]
    fn every_function_of_the_bindings_is_asked_for_and_no_other() {
        let library = linked("exports", &[PUSH], "-Wl,-z,max-page-size=16384");
        library.exports(&names(&[PUSH])).unwrap();
        let missing = library.exports(&names(&[PUSH, "ffi_datatracks_gone"])).unwrap_err();
        assert!(missing.to_string().contains("ffi_datatracks_gone"), "{missing}");
        let foreign = linked("foreign", &[PUSH, "of_another"], "-Wl,-z,max-page-size=16384");
        let foreign = foreign.exports(&names(&[PUSH])).unwrap_err();
        assert!(foreign.to_string().contains("of_another"), "{foreign}");
    }

    #[test]
    fn what_a_library_needs_is_part_of_the_system() {
        let library = |needed: &str| Library {
            machine: EM_AARCH64,
            parts: Vec::new(),
            needed: names(&[needed]),
            exported: BTreeSet::new(),
        };
        library("libc.so").needs_the_system_only().unwrap();
        assert!(library("libgcc_s.so.1").needs_the_system_only().is_err());
        library("libc.so").is_for("arm64-v8a").unwrap();
        assert!(library("libc.so").is_for("x86_64").is_err());
    }

    #[test]
    fn what_is_no_library_is_refused() {
        assert!(Library::read(b"").is_err());
        assert!(Library::read(b"\x7fELF\x02\x01\x01").is_err());
        assert!(Library::read(&[0x7f; 100]).is_err());
    }
}
