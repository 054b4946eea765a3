//! The libraries of the archive: `jni/ABI/libdatatracks.so`.

use std::{env, fs};

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::{
    cross, files, library,
    project::Project,
    report::Outcome,
    run::{self, command},
};

/// Builds for devices where there is an NDK, and a proof that it links where there is none.
pub(super) fn build(project: &Project) -> Result<Outcome> {
    if folder(project).exists() {
        fs::remove_dir_all(folder(project))?;
    }
    match ndk() {
        Some(ndk) => build_for_devices(project, &ndk),
        None => check_link(project),
    }
}

/// Whether [`build`] makes libraries for devices.
pub(crate) fn has_ndk() -> bool {
    ndk().is_some()
}

/// Where the libraries are, in the archive's own layout.
pub(super) fn folder(project: &Project) -> Utf8PathBuf {
    project.root.join("target/android")
}

fn ndk() -> Option<Utf8PathBuf> {
    env::var(NDK).ok().filter(|path| !path.is_empty()).map(Utf8PathBuf::from)
}

fn build_for_devices(project: &Project, ndk: &Utf8Path) -> Result<Outcome> {
    let tools = ndk.join(format!("toolchains/llvm/prebuilt/{}-x86_64/bin", env::consts::OS));
    let strip = tools.join("llvm-strip");
    for (abi, target, clang) in ABIS {
        let linker = tools.join(format!("{clang}{MIN_SDK}-clang"));
        let variable = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
        let arguments = ["rustc", "--release", "--package", library::SHIPPED, "--lib", "--target"];
        let build = &mut library::cargo(project, &arguments)?;
        build.args([target, "--crate-type", "cdylib", "--", "-C", PAGES, "-C", SONAME]);
        let made = project.root.join(library::TARGET);
        run::run(build.env(variable, &linker))
            .with_context(|| format!("is there a `rustup target add {target}`?"))?;
        let library = made.join(target).join(format!("release/{}.so", library::MADE));
        let stripped = place(project, abi)?;
        let words = ["--strip-all", "-o", stripped.as_str(), library.as_str()];
        run::run(&mut command(&project.root, strip.as_str(), &words))?;
        files::made(project, &stripped)?;
    }
    Ok(Outcome::Done)
}

/// For one ABI, against stand-ins for the system's libraries that have what Android 24 is known to have: anything else fails to link.
fn check_link(project: &Project) -> Result<Outcome> {
    say!("   no NDK ({NDK} is not set): a library that shows that it links, and has never run");
    if let Outcome::NotRun(obstacle) | Outcome::OutOfReach(obstacle) = cross::prepare(project)? {
        bail!("{obstacle}");
    }
    let (abi, target, _) = ABIS.first().context("no ABI")?;
    let folder = project.root.join("target/cross/android");
    write_stand_ins(project, &folder)?;
    let hidden = folder.join("hidden.map");
    fs::write(&hidden, format!("{{ local: {}; }};\n", UNWINDER.join("; ")))?;
    let linker = [CLANG_TARGET, "-fuse-ld=lld", "-nostdlib", "-Wl,-z,defs", "-Wl,--no-warnings"];
    let mut options: Vec<String> = linker.map(|option| format!("link-arg={option}")).into();
    options.push(format!("link-arg=-L{folder}"));
    options.push(format!("link-arg=-Wl,--version-script={hidden}"));
    options.extend(["linker=clang", PAGES, SONAME].map(str::to_owned));
    let mut arguments = vec!["--package", library::SHIPPED, "--features", "unwinder", "--lib"];
    arguments.extend(["--crate-type", "cdylib", "--"]);
    arguments.extend(options.iter().flat_map(|option| ["-C", option]));
    let made = cross::rustc(project, target, &[], &arguments)?;
    let library = made.join(format!("{}.so", library::MADE));
    let stripped = place(project, abi)?;
    let strip = ["llvm-strip-22", "--strip-all", "-o", stripped.as_str(), library.as_str()];
    cross::tool(project, &strip)?;
    files::made(project, &stripped)?;
    Ok(Outcome::Done)
}

/// A library each that defines what `bionic.txt` lists, and does nothing.
fn write_stand_ins(project: &Project, folder: &Utf8Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let listed = fs::read_to_string(project.root.join(BIONIC)).context(BIONIC)?;
    for line in listed.lines().filter(|line| !line.starts_with('#')) {
        let (library, symbols) = line.split_once(':').with_context(|| line.to_owned())?;
        let define = |symbol: &str| format!(".globl {symbol}\n{symbol}:\n");
        let source = folder.join(format!("{library}.s"));
        fs::write(&source, symbols.split_whitespace().map(define).collect::<String>())?;
        let (file, soname) = (folder.join(library), format!("-Wl,-soname,{library}"));
        let mut words = vec!["clang", CLANG_TARGET, "-fuse-ld=lld", "-shared", "-nostdlib"];
        words.extend([soname.as_str(), "-o", file.as_str(), source.as_str()]);
        cross::tool(project, &words)?;
    }
    Ok(())
}

/// Where the library of an ABI goes.
fn place(project: &Project, abi: &str) -> Result<Utf8PathBuf> {
    let folder = folder(project).join("jni").join(abi);
    fs::create_dir_all(&folder)?;
    Ok(folder.join("libdatatracks.so"))
}

/// What names the NDK's folder, as Android's own tools have it.
const NDK: &str = "ANDROID_NDK_HOME";
/// As in the manifest.
const MIN_SDK: u32 = 24;
/// Android's name, Rust's name, and how the NDK's compiler for it begins.
const ABIS: &[(&str, &str, &str)] = &[
    ("arm64-v8a", "aarch64-linux-android", "aarch64-linux-android"),
    ("armeabi-v7a", "armv7-linux-androideabi", "armv7a-linux-androideabi"),
    ("x86_64", "x86_64-linux-android", "x86_64-linux-android"),
];
/// Devices with pages of 16 KB load nothing that is aligned to less.
const PAGES: &str = "link-arg=-Wl,-z,max-page-size=16384";
const SONAME: &str = "link-arg=-Wl,-soname,libdatatracks.so";
const CLANG_TARGET: &str = "--target=aarch64-linux-android24";
/// The library, and an unwinder in place of the NDK's.
const BIONIC: &str = "kotlin-package/android/bionic.txt";
/// What that unwinder would export.
const UNWINDER: &[&str] = &[
    "_Unwind_Backtrace",
    "_Unwind_DeleteException",
    "_Unwind_FindEnclosingFunction",
    "_Unwind_ForcedUnwind",
    "_Unwind_GetCFA",
    "_Unwind_GetDataRelBase",
    "_Unwind_GetGR",
    "_Unwind_GetIP",
    "_Unwind_GetIPInfo",
    "_Unwind_GetLanguageSpecificData",
    "_Unwind_GetRegionStart",
    "_Unwind_GetTextRelBase",
    "_Unwind_RaiseException",
    "_Unwind_Resume",
    "_Unwind_Resume_or_Rethrow",
    "_Unwind_SetGR",
    "_Unwind_SetIP",
];
