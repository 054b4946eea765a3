//! The DTP packet (protocol §1).
