//! Ctrl-C, heard whenever it comes: who asks only later is told as well.

use std::sync::OnceLock;

use tokio::{signal::ctrl_c, sync::watch};

use crate::failure::INTERRUPTED;

static PRESSED: OnceLock<watch::Sender<bool>> = OnceLock::new();

/// Begins to listen. Who presses it twice does not want to wait until everything is left.
pub(crate) fn listen() {
    let pressed = PRESSED.get_or_init(|| watch::Sender::new(false));
    tokio::spawn(async move {
        if ctrl_c().await.is_ok() {
            pressed.send_replace(true);
            ctrl_c().await.ok();
            std::process::exit(INTERRUPTED.into());
        }
    });
}

/// Ends when Ctrl-C is pressed, or was.
pub(crate) async fn interrupted() {
    let pressed = PRESSED.get_or_init(|| watch::Sender::new(false));
    pressed.subscribe().wait_for(|pressed| *pressed).await.ok();
}
