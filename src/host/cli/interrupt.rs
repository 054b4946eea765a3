//! Ctrl-C, heard whenever it comes: who asks only later is told as well.

use std::sync::LazyLock;

use tokio::{signal::ctrl_c, sync::watch};

use crate::failure::INTERRUPTED;

static PRESSED: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Begins to listen. Who presses it twice does not want to wait until everything is left.
pub(crate) fn listen() {
    tokio::spawn(async {
        if ctrl_c().await.is_ok() {
            PRESSED.send_replace(true);
            ctrl_c().await.ok();
            std::process::exit(INTERRUPTED.into());
        }
    });
}

/// Ends when Ctrl-C is pressed, or was.
pub(crate) async fn interrupted() {
    PRESSED.subscribe().wait_for(|pressed| *pressed).await.ok();
}
