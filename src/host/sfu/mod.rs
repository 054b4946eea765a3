//! The embedded SFU.
