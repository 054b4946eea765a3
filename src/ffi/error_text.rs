//! The texts of errors, for languages where an error shows nothing but its fields by itself. `bindgen` makes them what
//! Swift's `localizedDescription`, Kotlin's `message` and Python's `str` answer.

use crate::error::{
    DecryptionError, EncryptionError, KeyRingError, PublishError, PushFrameError, SchemaError,
    SignalError, SubscribeError, WaitError,
};

macro_rules! export_texts {
    ($($error:ident),*) => {
        $(#[uniffi::export]
        impl $error {
            /// What went wrong, in words, with the fields.
            pub fn text(&self) -> String {
                self.to_string()
            }
        })*
    };
}

export_texts!(
    DecryptionError,
    EncryptionError,
    KeyRingError,
    PublishError,
    PushFrameError,
    SchemaError,
    SignalError,
    SubscribeError,
    WaitError
);
