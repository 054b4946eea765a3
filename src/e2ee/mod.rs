//! AES-128-GCM and the ring of keys (protocol §6).
