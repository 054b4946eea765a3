//! Hexadecimal text, as the vectors of the protocol are written.
#![allow(clippy::expect_used)]

/// The bytes of `text`.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let byte = |digits: &[u8]| u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok();
    text.as_bytes().chunks(2).map(|digits| byte(digits).expect("hexadecimal digits")).collect()
}

/// `bytes` as text.
#[allow(dead_code, reason = "not every test writes")]
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
