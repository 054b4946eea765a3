//! Frameworks of the smallest libraries that there can be: a good one is accepted, and each broken one refused for what is wrong.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use object::{
    BinaryFormat, Endianness, SymbolFlags, SymbolKind, SymbolScope,
    macho::{CPU_TYPE_ARM64, CPU_TYPE_X86_64, FAT_MAGIC},
    write::{MachOBuildVersion, Mangling, Object, StandardSection, Symbol, SymbolSection},
};

use super::*;

#[test]
fn a_framework_with_all_that_it_should_have_is_accepted() {
    assert_eq!(verdict(&framework(|_, _| {})), Ok(()));
}

#[test]
fn a_removed_slice_is_noticed() {
    let mut files = framework(|_, _| {});
    files.retain(|name, _| !name.starts_with("ios-arm64/"));
    refused(&files, "ios-arm64/libdatatracks.a is missing");
    let mut info = Info::of(SLICES);
    info.libraries.remove(0);
    files.insert("Info.plist".into(), info.to_bytes().unwrap());
    refused(&files, "Info.plist has no ios-arm64");
}

#[test]
fn a_removed_architecture_is_noticed() {
    let mut files = framework(|_, _| {});
    let library = thin(&Made::of(&SLICES[2], &SLICES[2].architectures[1]));
    files.insert("macos-arm64_x86_64/libdatatracks.a".into(), library);
    refused(&files, r#"its library is for ["arm64"]"#);
}

#[test]
fn an_architecture_that_is_not_what_it_is_called_is_noticed() {
    let mut files = framework(|_, _| {});
    let library = files.get_mut("macos-arm64_x86_64/libdatatracks.a").unwrap();
    library[8..12].copy_from_slice(&CPU_TYPE_ARM64.0.to_be_bytes());
    refused(&files, "a.o is of another architecture");
}

#[test]
fn what_info_plist_says_of_the_framework_is_read() {
    let told = |change: fn(&mut Info), reason: &str| {
        let (mut files, mut info) = (framework(|_, _| {}), Info::of(SLICES));
        change(&mut info);
        files.insert("Info.plist".into(), info.to_bytes().unwrap());
        refused(&files, reason);
    };
    told(|info| info.package_type = "FMWK".into(), "of the type FMWK");
    told(|info| info.format_version = "2.0".into(), "of the version 2.0");
    told(|info| info.libraries[0].supported_platform = "tvos".into(), "something else of");
    told(|info| info.libraries.push(info::Library::of(&SLICES[0])), "4 libraries instead of 3");
}

#[test]
fn header_and_module_map_are_those_of_the_module() {
    let told = |name: String, content: &[u8], reason: &str| {
        let mut files = framework(|_, _| {});
        files.insert(format!("ios-arm64/{name}"), content.into());
        refused(&files, reason);
    };
    told(xcframework::module_map(), b"module Another {\n}\n", "has no DataTracksFFI");
    told(xcframework::header(), b"void another(void\n);\n", "the header has no functions");
}

#[test]
fn a_missing_function_is_noticed() {
    let without = |_: &Slice, made: &mut Made| made.exported.truncate(1);
    refused(&framework(without), r#"arm64 lacks ["_uniffi_datatracks_fn_push"]"#);
}

#[test]
fn what_is_not_ours_must_not_be_exported() {
    let with = |_: &Slice, made: &mut Made| made.exported.push("_rust_eh_personality");
    refused(&framework(with), r#"exports ["_rust_eh_personality"]"#);
}

#[test]
fn what_rust_should_have_brought_is_missed() {
    let with = |_: &Slice, made: &mut Made| made.imported.push("__RNvCs_7___rustc12___rust_alloc");
    refused(&framework(with), "of Rust");
}

#[test]
fn a_wrong_minimum_is_noticed() {
    let with = |slice: &Slice, made: &mut Made| {
        if slice.variant.is_some() {
            made.minimum = (17, 5);
        }
    };
    refused(
        &framework(with),
        "x86_64 was built for iOS's simulator from 17.5 on, not for iOS's simulator from 13.0 on",
    );
}

#[test]
fn a_wrong_platform_is_noticed() {
    let with = |slice: &Slice, made: &mut Made| {
        if slice.variant.is_some() {
            made.platform = 2;
        }
    };
    refused(&framework(with), "x86_64 was built for iOS from 13.0 on");
}

#[test]
fn what_the_store_wants_a_reason_for_must_be_declared() {
    let with = |_: &Slice, made: &mut Made| made.imported.push("_mach_absolute_time");
    refused(&framework(with), "SystemBootTime not declared");
}

#[test]
fn headers_have_a_folder_of_their_own() {
    let mut files = framework(|_, _| {});
    let map = files.remove("ios-arm64/Headers/DataTracksFFI/module.modulemap").unwrap();
    files.insert("ios-arm64/Headers/module.modulemap".into(), map);
    refused(&files, "Headers/DataTracksFFI/module.modulemap is missing");
}

/// What one library is made of.
struct Made {
    architecture: &'static str,
    platform: u32,
    minimum: (u32, u32),
    exported: Vec<&'static str>,
    imported: Vec<&'static str>,
}

impl Made {
    fn of(slice: &Slice, Architecture { name, minimum, .. }: &Architecture) -> Self {
        Self {
            architecture: name,
            platform: slice.number.0,
            minimum: *minimum,
            exported: vec!["_ffi_datatracks_version", "_uniffi_datatracks_fn_push"],
            imported: vec!["_malloc", "_fstat"],
        }
    }
}

/// A framework of which `change` may change each library.
fn framework(change: impl Fn(&Slice, &mut Made)) -> Entries {
    let mut files = Entries::from([("Info.plist".into(), Info::of(SLICES).to_bytes().unwrap())]);
    for slice in SLICES {
        let mut add = |name: &str, content: &[u8]| {
            files.insert(format!("{}/{name}", slice.identifier), content.into());
        };
        let made = slice.architectures.iter().map(|architecture| {
            let mut made = Made::of(slice, architecture);
            change(slice, &mut made);
            made
        });
        add(info::LIBRARY, &fat(&made.collect::<Vec<_>>()));
        add(&xcframework::header(), HEADER.as_bytes());
        add(&xcframework::module_map(), b"module DataTracksFFI {\n}\n");
        add(xcframework::PRIVACY, PRIVACY);
    }
    files
}

fn refused(files: &Entries, reason: &str) {
    let error = verdict(files).unwrap_err();
    assert!(error.contains(reason), "{error}");
}

fn verdict(files: &Entries) -> Result<(), String> {
    let all = || {
        contents(files)?;
        CHECKS.iter().try_for_each(|(_, check)| each_slice(files, *check).map(drop))
    };
    all().map_err(|error: anyhow::Error| format!("{error:#}"))
}

fn fat(libraries: &[Made]) -> Vec<u8> {
    let mut at = 8 + 20 * libraries.len();
    let (mut header, mut content) = (Vec::new(), Vec::new());
    header.extend([FAT_MAGIC, libraries.len() as u32]);
    for made in libraries {
        let library = thin(made);
        let (cpu, subtype) = match made.architecture {
            "arm64" => (CPU_TYPE_ARM64, 0),
            _ => (CPU_TYPE_X86_64, 3),
        };
        header.extend([cpu.0, subtype, at as u32, library.len() as u32, 0]);
        at += library.len();
        content.extend(library);
    }
    [header.into_iter().flat_map(u32::to_be_bytes).collect(), content].concat()
}

/// An archive of one object.
fn thin(made: &Made) -> Vec<u8> {
    let object = object(made);
    let header =
        format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "a.o/", 0, 0, 0, 644, object.len());
    [b"!<arch>\n", header.as_bytes(), &object].concat()
}

fn object(made: &Made) -> Vec<u8> {
    let architecture = match made.architecture {
        "arm64" => object::Architecture::Aarch64,
        _ => object::Architecture::X86_64,
    };
    let mut object = Object::new(BinaryFormat::MachO, architecture, Endianness::Little);
    object.set_mangling(Mangling::None);
    let mut version = MachOBuildVersion::default();
    version.platform.0 = made.platform;
    version.minos.0 = made.minimum.0 << 16 | made.minimum.1 << 8;
    object.set_macho_build_version(version);
    let text = SymbolSection::Section(object.section_id(StandardSection::Text));
    let exported = made.exported.iter().map(|name| (name, text));
    let imported = made.imported.iter().map(|name| (name, SymbolSection::Undefined));
    for (name, section) in exported.chain(imported) {
        object.add_symbol(Symbol {
            name: name.as_bytes().into(),
            value: 0,
            size: 0,
            kind: SymbolKind::Text,
            scope: SymbolScope::Dynamic,
            weak: false,
            section,
            flags: SymbolFlags::None,
        });
    }
    object.write().unwrap()
}

const PRIVACY: &[u8] =
    include_bytes!("../../../swift-package/Sources/DataTracks/PrivacyInfo.xcprivacy");
const HEADER: &str = "\
typedef void (*UniffiCallback)(uint64_t);
RustBuffer ffi_datatracks_version(void
);
void uniffi_datatracks_fn_push(uint64_t handle, RustCallStatus *_Nonnull out_status
);
";
