//! The messages of a whole session, both directions, for hosts and the embedded SFU: join, offers, trickle, keep-alive, leave.
//!
//! Plain structs with public fields, named as in LiveKit's protocol files and cut down to what is used here (protocol §2).
//! Unlike [`super::decode`] these decode strictly: what a host cannot read it should not act on. Members of the envelopes that
//! are not listed decode as `None`.

mod join;
mod request;
mod response;
mod service;
mod transport;

use prost::Message;

pub use self::{join::*, request::*, response::*, service::*, transport::*};
pub use super::wire::*;
use crate::error::SignalError;

/// The bytes of a SignalRequest.
pub fn encode_request(request: Request) -> Vec<u8> {
    SignalRequest { message: Some(request) }.encode_to_vec()
}

/// Reads a SignalRequest: `None` for one that is not listed in [`Request`].
///
/// # Errors
/// [`SignalError::Malformed`] when the bytes are no SignalRequest, or too large.
pub fn decode_request(bytes: &[u8]) -> Result<Option<Request>, SignalError> {
    read::<SignalRequest>(bytes).map(|request| request.message)
}

/// The bytes of a SignalResponse.
pub fn encode_response(response: Response) -> Vec<u8> {
    SignalResponse { message: Some(response) }.encode_to_vec()
}

/// Reads a SignalResponse: `None` for one that is not listed in [`Response`].
///
/// # Errors
/// [`SignalError::Malformed`] when the bytes are no SignalResponse, or too large.
pub fn decode_response(bytes: &[u8]) -> Result<Option<Response>, SignalError> {
    read_up_to::<SignalResponse>(super::MAX_RESPONSE_BYTES, bytes).map(|response| response.message)
}

/// Reads a bare PublishDataTrackResponse, as the local manager lists them for SyncState.
///
/// # Errors
/// [`SignalError::Malformed`] when the bytes are something else.
pub fn decode_publish_response(bytes: &[u8]) -> Result<DataTrackResponse, SignalError> {
    read(bytes)
}

/// The bytes for the `join_request` parameter of /rtc/v1, before base64url (protocol §5.3).
pub fn encode_join_request(request: &JoinRequest) -> Vec<u8> {
    WrappedJoinRequest { compression: 0, join_request: request.encode_to_vec() }.encode_to_vec()
}

/// Reads what [`encode_join_request`] writes.
///
/// # Errors
/// [`SignalError::Malformed`] when the bytes are something else, too large, or compressed.
pub fn decode_join_request(bytes: &[u8]) -> Result<JoinRequest, SignalError> {
    let wrapped: WrappedJoinRequest = read(bytes)?;
    if wrapped.compression != 0 {
        return Err(SignalError::Malformed);
    }
    read(&wrapped.join_request)
}

/// Largest request that an SFU takes (protocol §7).
const MAX_REQUEST_BYTES: usize = 2 << 20;

fn read<M: Message + Default>(bytes: &[u8]) -> Result<M, SignalError> {
    read_up_to(MAX_REQUEST_BYTES, bytes)
}

fn read_up_to<M: Message + Default>(most: usize, bytes: &[u8]) -> Result<M, SignalError> {
    if bytes.len() > most {
        return Err(SignalError::Malformed);
    }
    M::decode(bytes).map_err(|_| SignalError::Malformed)
}
