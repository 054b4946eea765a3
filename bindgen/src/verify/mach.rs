//! Static libraries of Apple's systems, read back: architectures, the system that each was built for, symbols.

use std::{collections::BTreeSet, fmt};

use anyhow::{Context, Result, bail, ensure};
use object::{
    Endianness, Object, ObjectSymbol, SymbolScope,
    macho::{
        CPU_TYPE_ARM64, CPU_TYPE_X86_64, CpuType, FAT_MAGIC, MachHeader64, PLATFORM_IOS,
        PLATFORM_IOSSIMULATOR, PLATFORM_MACOS, Platform,
    },
    read::{
        archive::ArchiveFile,
        macho::{FatArch, MachHeader, MachOFatFile32, MachOFile},
    },
};

/// A library for one architecture.
#[derive(Debug)]
pub(crate) struct Library {
    /// As Apple names it.
    pub(crate) architecture: &'static str,
    /// What each member was built for.
    pub(crate) built_for: BTreeSet<System>,
    /// Symbols that other files can link to.
    pub(crate) exported: BTreeSet<String>,
    /// Symbols that other files must have.
    pub(crate) imported: BTreeSet<String>,
    pub(crate) size: usize,
}

/// A platform by its number in load commands, and the oldest version of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct System {
    pub(crate) platform: u32,
    pub(crate) minimum: (u32, u32),
}

impl fmt::Display for System {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Platform(self.platform) {
            PLATFORM_IOS => write!(to, "iOS")?,
            PLATFORM_IOSSIMULATOR => write!(to, "iOS's simulator")?,
            PLATFORM_MACOS => write!(to, "macOS")?,
            Platform(other) => write!(to, "platform {other}")?,
        }
        write!(to, " from {}.{} on", self.minimum.0, self.minimum.1)
    }
}

/// Reads a static library, of one architecture or several.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Library>> {
    if bytes.starts_with(&FAT_MAGIC.to_be_bytes()) {
        let file = MachOFatFile32::parse(bytes)?;
        file.arches().iter().map(|one| library(one.cputype(), one.data(bytes)?)).collect()
    } else {
        let cpu = members(bytes)?.first().map(|(_, object)| cpu(object)).transpose()?;
        Ok(vec![library(cpu.context("nothing is in it")?, bytes)?])
    }
}

/// The object of a library of one architecture that has all of `symbols`.
pub(crate) fn member_that_exports<'a>(
    bytes: &'a [u8],
    symbols: &BTreeSet<String>,
) -> Result<&'a [u8]> {
    for member in ArchiveFile::parse(bytes)?.members() {
        let data = member?.data(bytes)?;
        let object = MachOFile::<MachHeader64<Endianness>>::parse(data)?;
        let names = object.symbols().filter(|symbol| symbol.is_global() && symbol.is_definition());
        let names: BTreeSet<_> = names.filter_map(|symbol| symbol.name().ok()).collect();
        if symbols.iter().all(|symbol| names.contains(symbol.as_str())) {
            return Ok(data);
        }
    }
    bail!("no object has all functions of the header");
}

fn library(expected: CpuType, bytes: &[u8]) -> Result<Library> {
    let architecture = name(expected)?;
    let (mut built_for, mut defined, mut missing) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for (member, object) in members(bytes)? {
        ensure!(cpu(&object)? == expected, "{member} is of another architecture");
        built_for.insert(system(&object).with_context(|| member.clone())?);
        for symbol in object.symbols() {
            let name = symbol.name()?.to_owned();
            match symbol.scope() {
                SymbolScope::Linkage | SymbolScope::Dynamic => drop(defined.insert(name)),
                SymbolScope::Unknown if symbol.is_undefined() => missing.push(name),
                SymbolScope::Unknown | SymbolScope::Compilation => {}
            }
        }
    }
    let imported = missing.into_iter().filter(|name| !defined.contains(name)).collect();
    Ok(Library { architecture, built_for, exported: defined, imported, size: bytes.len() })
}

type Objects<'a> = Vec<(String, MachOFile<'a, MachHeader64<Endianness>>)>;

fn members(bytes: &[u8]) -> Result<Objects<'_>> {
    let archive = ArchiveFile::parse(bytes)?;
    let mut objects = Vec::new();
    for member in archive.members() {
        let member = member?;
        let name = String::from_utf8_lossy(member.name()).into_owned();
        let object = MachOFile::parse(member.data(bytes)?).with_context(|| name.clone())?;
        objects.push((name, object));
    }
    Ok(objects)
}

fn cpu(object: &MachOFile<'_, MachHeader64<Endianness>>) -> Result<CpuType> {
    Ok(object.macho_header().cputype(object.endian()))
}

fn name(cpu: CpuType) -> Result<&'static str> {
    match cpu {
        CPU_TYPE_ARM64 => Ok("arm64"),
        CPU_TYPE_X86_64 => Ok("x86_64"),
        other => bail!("an unknown architecture: {other:?}"),
    }
}

fn system(object: &MachOFile<'_, MachHeader64<Endianness>>) -> Result<System> {
    let endian = object.endian();
    let mut commands = object.macho_load_commands()?;
    while let Some(command) = commands.next()? {
        if let Some((version, _)) = command.build_version(endian)? {
            // xxxx.yy.zz in nibbles
            let minimum = version.minos.get(endian).0;
            let minimum = (minimum >> 16, (minimum >> 8) & 0xff);
            return Ok(System { platform: version.platform.get(endian).0, minimum });
        }
    }
    bail!("it does not say what it was built for")
}
