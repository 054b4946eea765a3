//! `Info.plist` of an xcframework.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::slices::Slice;

/// The whole file.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Info {
    #[serde(rename = "AvailableLibraries")]
    pub(crate) libraries: Vec<Library>,
    #[serde(rename = "CFBundlePackageType")]
    pub(crate) package_type: String,
    #[serde(rename = "XCFrameworkFormatVersion")]
    pub(crate) format_version: String,
}

/// What it says of one slice. Paths are relative to the slice's folder.
#[derive(Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Library {
    pub(crate) binary_path: String,
    pub(crate) headers_path: String,
    pub(crate) library_identifier: String,
    pub(crate) library_path: String,
    pub(crate) supported_architectures: Vec<String>,
    pub(crate) supported_platform: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) supported_platform_variant: Option<String>,
}

impl Info {
    /// Of a framework of these slices.
    pub(crate) fn of(slices: &[Slice]) -> Self {
        Self {
            libraries: slices.iter().map(Library::of).collect(),
            package_type: PACKAGE_TYPE.into(),
            format_version: FORMAT_VERSION.into(),
        }
    }

    /// The bytes of the file.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        plist::to_writer_xml(&mut bytes, self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

impl Library {
    /// What a framework says of this slice.
    pub(crate) fn of(slice: &Slice) -> Self {
        Self {
            binary_path: LIBRARY.into(),
            headers_path: HEADERS.into(),
            library_identifier: slice.identifier.into(),
            library_path: LIBRARY.into(),
            supported_architectures: slice
                .architectures
                .iter()
                .map(|one| one.name.into())
                .collect(),
            supported_platform: slice.platform.into(),
            supported_platform_variant: slice.variant.map(Into::into),
        }
    }
}

/// The static library in each slice's folder.
pub(crate) const LIBRARY: &str = "libdatatracks.a";
/// The folder of headers in each slice's folder.
pub(crate) const HEADERS: &str = "Headers";
/// What a file of this kind says of itself.
pub(crate) const PACKAGE_TYPE: &str = "XFWK";
/// The only version that there is.
pub(crate) const FORMAT_VERSION: &str = "1.0";
