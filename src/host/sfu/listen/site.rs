//! Web pages on the server's own port, for browsers that join its rooms.

use bytes::Bytes;

/// Pages by their path. What it does not have is answered as without it.
pub trait Site: Send + Sync {
    /// The page at a path such as `/` or `/plot.mjs`.
    fn page(&self, path: &str) -> Option<Page>;
}

/// What a browser gets.
pub struct Page {
    /// Its MIME type.
    pub content_type: &'static str,
    /// Its text.
    pub body: Bytes,
}
