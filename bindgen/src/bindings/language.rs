//! The languages that there are bindings for.

use clap::ValueEnum;
use uniffi_bindgen::bindings::TargetLanguage;

/// A language of the bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Python,
    Swift,
    Kotlin,
    All,
}

impl Language {
    /// The languages that this stands for.
    pub(crate) fn each(&self) -> &[Self] {
        match self {
            Self::All => &[Self::Python, Self::Swift, Self::Kotlin],
            one => std::slice::from_ref(one),
        }
    }

    /// As in folder names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Swift => "swift",
            Self::Kotlin => "kotlin",
            Self::All => "all",
        }
    }

    /// The generated source that an application calls.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::Python => "datatracks.py",
            Self::Swift => "DataTracks.swift",
            Self::Kotlin | Self::All => "io/datatracks/datatracks.kt",
        }
    }

    pub(super) fn targets(self) -> Vec<TargetLanguage> {
        let target = |language: &Self| match language {
            Self::Python => TargetLanguage::Python,
            Self::Swift => TargetLanguage::Swift,
            Self::Kotlin | Self::All => TargetLanguage::Kotlin,
        };
        self.each().iter().map(target).collect()
    }
}
