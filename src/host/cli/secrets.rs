//! Secrets as they come: by an option, an environment variable, or a file that only its owner can read.

use std::{env, fs, sync::Arc};

use datatracks::{KeyRing, KeyRingOptions};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The value of an option.
pub(crate) fn secret(text: &str) -> Result<Zeroizing<String>, String> {
    match text.trim() {
        "" => Err("it is empty".into()),
        text => Ok(Zeroizing::new(text.into())),
    }
}

/// The value of an option that names a file.
pub(crate) fn secret_in_file(path: &str) -> Result<Zeroizing<String>, String> {
    let text = fs::read_to_string(path).map(Zeroizing::new);
    secret(&text.map_err(|error| error.to_string())?)
}

/// Whether there is a passphrase.
pub(crate) fn encrypts() -> bool {
    [PASSPHRASE, PASSPHRASE_FILE].into_iter().any(|variable| env::var_os(variable).is_some())
}

/// Of the passphrase, where there is one. No option takes it: an argument would show in every list of processes.
pub(crate) fn key_ring() -> Result<Option<Arc<KeyRing>>, Failure> {
    // One that is empty is no passphrase, and no wish to send in the clear either: a script may have failed to fill it.
    let (source, mut passphrase) = match (env::var_os(PASSPHRASE), env::var_os(PASSPHRASE_FILE)) {
        (None, None) => return Ok(None),
        (Some(passphrase), None) => (PASSPHRASE, Zeroizing::new(passphrase.into_encoded_bytes())),
        (None, Some(path)) => {
            let unreadable = |error| Failure::Usage(format!("{PASSPHRASE_FILE}: {error}"));
            let mut bytes = fs::read(path).map(Zeroizing::new).map_err(unreadable)?;
            let length = without_line_end(&bytes).len();
            bytes.truncate(length);
            (PASSPHRASE_FILE, bytes)
        }
        (Some(_), Some(_)) => {
            return Err(Failure::Usage(format!(
                "give {PASSPHRASE} or {PASSPHRASE_FILE}, not both"
            )));
        }
    };
    let unusable = |error| Failure::Usage(format!("{source}: {error}"));
    let ring = KeyRing::new(KeyRingOptions::default()).map_err(unusable)?;
    ring.set_shared_key(std::mem::take(&mut *passphrase), 0).map_err(unusable)?;
    Ok(Some(Arc::new(ring)))
}

/// Editors and `echo` put one there.
fn without_line_end(bytes: &[u8]) -> &[u8] {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    line.strip_suffix(b"\r").unwrap_or(line)
}

const PASSPHRASE: &str = "DATATRACKS_E2EE_PASSPHRASE";

const PASSPHRASE_FILE: &str = "DATATRACKS_E2EE_PASSPHRASE_FILE";
