//! Counters that wrap after 65 535 (sequence and frame numbers), compared as RFC 1982 compares serial numbers.

/// How far `to` is ahead of `from`; negative when it is behind.
///
/// Numbers exactly half the circle apart have no order (RFC 1982 §3.2): both directions answer `i16::MIN`.
pub const fn distance(from: u16, to: u16) -> i16 {
    to.wrapping_sub(from).cast_signed()
}

/// True when `a` comes after `b`. Never true both ways.
pub const fn is_newer(a: u16, b: u16) -> bool {
    distance(b, a) > 0
}
