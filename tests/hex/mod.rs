//! Hexadecimal text, as the vectors of the protocol are written.

/// The bytes of `text`.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let digit =
        |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("two hexadecimal digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// `bytes` as text.
#[allow(dead_code, reason = "not every test writes")]
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
