//! Joins a LiveKit-compatible room over WebSocket and WebRTC.
