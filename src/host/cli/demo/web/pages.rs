//! What the browser asks for: `examples/browser` as it was compiled in, livekit-client from a file, and a token for each page.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use datatracks::host::{
    room::{ApiKey, Grants},
    sfu::listen::{Page, Site},
};
use serde_json::json;

use crate::failure::Failure;

pub(super) struct Pages {
    livekit_client: Bytes,
    key: ApiKey,
    room: &'static str,
    visitors: AtomicU64,
}

impl Pages {
    /// With the bundle of livekit-client from this folder.
    pub(super) fn read(folder: &Path, key: ApiKey, room: &'static str) -> Result<Self, Failure> {
        let bundle = folder.join(BUNDLE);
        let livekit_client = fs::read(&bundle).map_err(|error| {
            let bundle = bundle.display();
            Failure::Usage(format!(
                "{bundle}: {error}. `cargo tasks setup`, run in the project's folder, brings livekit-client; or name the \
                 folder that has {BUNDLE} with --livekit-client"
            ))
        })?;
        Ok(Self { livekit_client: livekit_client.into(), key, room, visitors: AtomicU64::new(1) })
    }

    /// Each page is a participant of its own, which nobody sees.
    fn session(&self) -> Bytes {
        let visitor = self.visitors.fetch_add(1, Ordering::Relaxed);
        let mut grants = Grants::new(format!("page {visitor}"), self.room);
        (grants.can_publish_data, grants.hidden) = (false, true);
        json!({ "token": self.key.sign(&grants).as_str() }).to_string().into()
    }
}

impl Site for Pages {
    fn page(&self, path: &str) -> Option<Page> {
        let page = |content_type, body| Some(Page { content_type, body });
        match path {
            "/session.json" => page("application/json", self.session()),
            "/livekit-client.js" => page(JAVASCRIPT, self.livekit_client.clone()),
            _ => {
                let (_, content_type, text) = STATIC.iter().find(|(name, ..)| *name == path)?;
                page(content_type, Bytes::from_static(text.as_bytes()))
            }
        }
    }
}

macro_rules! example {
    ($name:literal) => {
        include_str!(concat!("../../../../../examples/browser/", $name))
    };
}

/// Path, type and text.
const STATIC: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", example!("index.html")),
    ("/style.css", "text/css; charset=utf-8", example!("style.css")),
    ("/room.mjs", JAVASCRIPT, example!("room.mjs")),
    ("/track.mjs", JAVASCRIPT, example!("track.mjs")),
    ("/plot.mjs", JAVASCRIPT, example!("plot.mjs")),
];

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// As npm has it.
const BUNDLE: &str = "livekit-client.umd.js";
