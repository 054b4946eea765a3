//! What the framework consists of: written when it is built, expected when it is verified.

use object::macho::{PLATFORM_IOS, PLATFORM_IOSSIMULATOR, PLATFORM_MACOS, Platform};

/// A library for one platform, for all its architectures.
pub(crate) struct Slice {
    /// Its folder in the framework.
    pub(crate) identifier: &'static str,
    /// As `Info.plist` names it.
    pub(crate) platform: &'static str,
    /// As `Info.plist` names it.
    pub(crate) variant: Option<&'static str>,
    /// As load commands number it.
    pub(crate) number: Platform,
    /// In the order in which they stand in the file.
    pub(crate) architectures: &'static [Architecture],
}

/// What one architecture is built with.
pub(crate) struct Architecture {
    /// As Apple names it.
    pub(crate) name: &'static str,
    /// As Rust names it, with its platform.
    pub(crate) target: &'static str,
    /// The oldest version that it runs on: major, minor.
    pub(crate) minimum: (u32, u32),
}

impl Slice {
    /// The environment variable that gives the compiler the oldest version.
    pub(crate) fn variable(&self) -> &'static str {
        if self.platform == "macos" {
            "MACOSX_DEPLOYMENT_TARGET"
        } else {
            "IPHONEOS_DEPLOYMENT_TARGET"
        }
    }
}

/// As `platforms` in Package.swift. There was no simulator for arm64 before iOS 14.
pub(crate) const SLICES: &[Slice] = &[
    Slice {
        identifier: "ios-arm64",
        platform: "ios",
        variant: None,
        number: PLATFORM_IOS,
        architectures: &[Architecture {
            name: "arm64",
            target: "aarch64-apple-ios",
            minimum: (13, 0),
        }],
    },
    Slice {
        identifier: "ios-arm64_x86_64-simulator",
        platform: "ios",
        variant: Some("simulator"),
        number: PLATFORM_IOSSIMULATOR,
        architectures: &[
            Architecture { name: "x86_64", target: "x86_64-apple-ios", minimum: (13, 0) },
            Architecture { name: "arm64", target: "aarch64-apple-ios-sim", minimum: (14, 0) },
        ],
    },
    Slice {
        identifier: "macos-arm64_x86_64",
        platform: "macos",
        variant: None,
        number: PLATFORM_MACOS,
        architectures: &[
            Architecture { name: "x86_64", target: "x86_64-apple-darwin", minimum: (11, 0) },
            Architecture { name: "arm64", target: "aarch64-apple-darwin", minimum: (11, 0) },
        ],
    },
];
