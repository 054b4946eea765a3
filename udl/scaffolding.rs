// What UniFFI makes of `datatracks.udl`, by `cargo tasks surface`. Not to be written by hand.
::uniffi::setup_scaffolding!("datatracks");
// Export info about this UDL file
// See `uniffi_bindgen::macro_metadata` for how this is used.
const UNIFFI_META_CONST_UDL_DATATRACKS: ::uniffi::MetadataBuffer = ::uniffi::MetadataBuffer::from_code(::uniffi::metadata::codes::UDL_FILE)
    .concat_str("datatracks")
    .concat_str("datatracks")
    .concat_str("datatracks");
#[doc(hidden)]
#[unsafe(no_mangle)]
pub static UNIFFI_META_UDL_DATATRACKS: [u8; UNIFFI_META_CONST_UDL_DATATRACKS.size] = UNIFFI_META_CONST_UDL_DATATRACKS.into_array();
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#BufferPolicy {
    r#DropOldest {
    },
    r#DropNewest {
    },
    r#LatestOnly {
    },
}
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#DataTrackFrameEncoding {
    r#Ros1 {
    },
    r#Cdr {
    },
    r#Protobuf {
    },
    r#Flatbuffer {
    },
    r#Cbor {
    },
    r#Msgpack {
    },
    r#Json {
    },
    r#Custom {
        r#identifier: ::std::string::String,
    },
    r#Unknown {
        r#code: i32,
    },
}
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#DataTrackSchemaEncoding {
    r#Protobuf {
    },
    r#Flatbuffer {
    },
    r#Ros1Msg {
    },
    r#Ros2Msg {
    },
    r#Ros2Idl {
    },
    r#OmgIdl {
    },
    r#JsonSchema {
    },
    r#Custom {
        r#identifier: ::std::string::String,
    },
    r#Unknown {
        r#code: i32,
    },
}
// Error definitions, corresponding to `error` in the UDL.
#[::uniffi::udl_derive(Error)]
enum r#DecryptionError {
    r#KeyMissing {
        r#key_index: u8,
    },
    r#Failed {
    },
}
// Error definitions, corresponding to `error` in the UDL.
#[::uniffi::udl_derive(Error)]
#[uniffi(flat_error)]
#[uniffi(with_try_read)]
enum r#DelegateError {
    r#Failed {
    },
}
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#DropPolicy {
    r#DropOldest {
    },
    r#Refuse {
    },
}
// Error definitions, corresponding to `error` in the UDL.
#[::uniffi::udl_derive(Error)]
enum r#EncryptionError {
    r#KeyMissing {
        r#key_index: u8,
    },
    r#Failed {
    },
}
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#EncryptionMode {
    r#Auto {
    },
    r#Required {
    },
    r#Plain {
    },
}
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#KeyDerivation {
    r#Pbkdf2 {
    },
    r#Hkdf {
    },
}
// Error definitions, corresponding to `error` in the UDL.
#[::uniffi::udl_derive(Error)]
enum r#KeyRingError {
    r#InvalidKeyIndex {
        r#key_index: u8,
        r#ring_size: u32,
    },
    r#EmptyKey {
    },
    r#KeyMissing {
        r#key_index: u8,
    },
    r#InvalidOptions {
    },
}
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#LogLevel {
    r#Error {
    },
    r#Warn {
    },
    r#Info {
    },
    r#Debug {
    },
    r#Trace {
    },
}
// Error definitions, corresponding to `error` in the UDL.
#[::uniffi::udl_derive(Error)]
enum r#PublishError {
    r#InvalidName {
        r#length: u64,
    },
    r#DuplicateName {
    },
    r#FrameEncodingMissing {
    },
    r#SchemaMissing {
    },
    r#SchemaMismatch {
    },
    r#InvalidEncoding {
        r#length: u64,
    },
    r#EncryptionUnavailable {
    },
    r#NotAllowed {
    },
    r#LimitReached {
    },
    r#Rejected {
        r#code: i32,
        r#detail: ::std::string::String,
    },
    r#UnexpectedAnswer {
    },
    r#SignalNotSent {
    },
    r#TimedOut {
    },
    r#Cancelled {
    },
    r#Closed {
    },
}
// Error definitions, corresponding to `error` in the UDL.
#[::uniffi::udl_derive(Error)]
enum r#PushFrameError {
    r#TrackUnpublished {
    },
    r#QueueFull {
    },
    r#FrameTooLarge {
        r#max: u64,
    },
    r#EncryptionFailed {
    },
    r#Cancelled {
    },
}
// Error definitions, corresponding to `error` in the UDL.
#[::uniffi::udl_derive(Error)]
enum r#SchemaError {
    r#InvalidSchema {
    },
    r#NotAllowed {
    },
    r#NotFound {
    },
    r#LimitReached {
    },
    r#Rejected {
        r#code: i32,
        r#detail: ::std::string::String,
    },
    r#SignalNotSent {
    },
    r#TimedOut {
    },
    r#Cancelled {
    },
    r#Closed {
    },
}
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#SendMode {
    r#Spread {
    },
    r#Burst {
    },
}
// Error definitions, corresponding to `error` in the UDL.
#[::uniffi::udl_derive(Error)]
enum r#SignalError {
    r#Malformed {
    },
    r#UnexpectedMessage {
        r#tag: u32,
    },
    r#Closed {
    },
}
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#SignalOutcome {
    r#Handled {
    },
    r#Ignored {
    },
}
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#StreamEndReason {
    r#Closed {
    },
    r#Unpublished {
    },
    r#Shutdown {
    },
}
// Error definitions, corresponding to `error` in the UDL.
#[::uniffi::udl_derive(Error)]
enum r#SubscribeError {
    r#Unpublished {
    },
    r#DecryptionUnavailable {
    },
    r#InvalidOptions {
    },
    r#NotPermitted {
    },
    r#SignalNotSent {
    },
    r#TimedOut {
    },
    r#Cancelled {
    },
    r#Closed {
    },
}
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#SubscriptionState {
    r#Unsubscribed {
    },
    r#Pending {
    },
    r#Active {
    },
    r#NotPermitted {
    },
}
// Enum definitions, corresponding to `enum` in UDL.
#[::uniffi::udl_derive(Enum)]
enum r#UnpublishReason {
    r#Requested {
    },
    r#Revoked {
    },
    r#RepublishRefused {
    },
    r#PublisherLeft {
    },
    r#Shutdown {
    },
}
// Error definitions, corresponding to `error` in the UDL.
#[::uniffi::udl_derive(Error)]
enum r#WaitError {
    r#TimedOut {
    },
    r#Cancelled {
    },
    r#Closed {
    },
}
// Record definitions, implemented as method-less structs, corresponding to `dictionary` objects.
#[::uniffi::udl_derive(Record)]
struct r#DataTrackFrame {
    r#payload: r#Payload,
    r#user_timestamp: ::std::option::Option<u64>,
}
#[::uniffi::udl_derive(Record)]
struct r#DataTrackInfo {
    r#sid: ::std::string::String,
    r#name: ::std::string::String,
    r#uses_e2ee: bool,
    r#schema: ::std::option::Option<r#DataTrackSchemaId>,
    r#frame_encoding: ::std::option::Option<r#DataTrackFrameEncoding>,
}
#[::uniffi::udl_derive(Record)]
struct r#DataTrackOptions {
    r#name: ::std::string::String,
    r#schema: ::std::option::Option<r#DataTrackSchemaId>,
    r#frame_encoding: ::std::option::Option<r#DataTrackFrameEncoding>,
    r#encryption: r#EncryptionMode,
    r#drop_policy: r#DropPolicy,
    r#send_mode: r#SendMode,
    r#max_waiting_bytes: u64,
    r#max_age_ms: u64,
    r#max_bytes_per_second: u64,
}
#[::uniffi::udl_derive(Record)]
struct r#DataTrackSchemaId {
    r#name: ::std::string::String,
    r#encoding: r#DataTrackSchemaEncoding,
}
#[::uniffi::udl_derive(Record)]
struct r#DataTrackSubscribeOptions {
    r#buffer_frames: u32,
    r#buffer_policy: r#BufferPolicy,
    r#reorder_window_ms: u64,
    r#max_partial_bytes: u64,
}
#[::uniffi::udl_derive(Record)]
struct r#EncryptedPayload {
    r#payload: r#Payload,
    r#iv: ::std::vec::Vec<u8>,
    r#key_index: u8,
}
#[::uniffi::udl_derive(Record)]
struct r#KeyRingOptions {
    r#derivation: r#KeyDerivation,
    r#salt: ::std::option::Option<::std::vec::Vec<u8>>,
    r#ring_size: u32,
    r#ratchet_window: u32,
}
#[::uniffi::udl_derive(Record)]
struct r#LocalManagerStats {
    r#signals_sent: u64,
    r#signals_not_sent: u64,
    r#entries_skipped: u64,
    r#delegate_errors: u64,
    r#panics: u64,
    r#tracks_published: u64,
    r#tracks_pending: u64,
}
#[::uniffi::udl_derive(Record)]
struct r#LocalTrackStats {
    r#frames_accepted: u64,
    r#frames_sent: u64,
    r#frames_waiting: u64,
    r#frames_dropped_full: u64,
    r#frames_dropped_expired: u64,
    r#frames_dropped_unpublished: u64,
    r#frames_dropped_not_sent: u64,
    r#frames_refused: u64,
    r#packets_sent: u64,
    r#bytes_sent: u64,
    r#bytes_waiting: u64,
}
#[::uniffi::udl_derive(Record)]
struct r#LogRecord {
    r#level: r#LogLevel,
    r#target: ::std::string::String,
    r#text: ::std::string::String,
    r#dropped: u64,
}
#[::uniffi::udl_derive(Record)]
struct r#RemoteManagerStats {
    r#signals_sent: u64,
    r#signals_not_sent: u64,
    r#entries_skipped: u64,
    r#packets_received: u64,
    r#packets_malformed: u64,
    r#packets_unknown_handle: u64,
    r#delegate_errors: u64,
    r#panics: u64,
    r#tracks_published: u64,
    r#subscriptions_active: u64,
    r#bytes_stashed: u64,
}
#[::uniffi::udl_derive(Record)]
struct r#RemoteTrackStats {
    r#packets_received: u64,
    r#bytes_received: u64,
    r#packets_duplicate: u64,
    r#packets_dropped: u64,
    r#frames_completed: u64,
    r#frames_dropped_incomplete: u64,
    r#frames_dropped_budget: u64,
    r#frames_dropped_undecryptable: u64,
    r#frames_dropped_replayed: u64,
    r#frames_dropped_encryption_mismatch: u64,
    r#bytes_partial: u64,
    r#streams: u64,
}
#[::uniffi::udl_derive(Record)]
struct r#StreamStats {
    r#frames_delivered: u64,
    r#frames_waiting: u64,
    r#frames_dropped_full: u64,
    r#frames_late: u64,
    r#frames_dropped_closed: u64,
}
// Top level functions, corresponding to UDL `namespace` functions.
#[::uniffi::export_for_udl]
pub fn r#set_log_sink(
    r#sink: ::std::option::Option<Box<dyn r#LogSink>>,
    r#level: r#LogLevel,
)
{
    unreachable!()
}
// Object definitions, corresponding to UDL `interface` definitions.
#[::uniffi::udl_derive(Object)]
struct r#CancelToken { }
#[::uniffi::export_for_udl]
impl r#CancelToken {
    #[uniffi::constructor]
    pub fn r#new(
    ) -> ::std::sync::Arc<r#CancelToken>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#CancelToken {
    pub fn r#cancel(
        &self,
    )
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#CancelToken {
    pub fn r#is_cancelled(
        &self,
    ) -> bool
    {
        unreachable!()
    }
}
#[::uniffi::udl_derive(Object)]
struct r#DataTrackStream { }
#[::uniffi::export_for_udl]
impl r#DataTrackStream {
    pub fn r#end_reason(
        &self,
    ) -> ::std::option::Option<r#StreamEndReason>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#DataTrackStream {
    pub async fn r#next(
        &self,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<::std::option::Option<r#DataTrackFrame>, r#WaitError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#DataTrackStream {
    pub async fn r#next_batch(
        &self,
        r#max: u32,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<std::vec::Vec<r#DataTrackFrame>, r#WaitError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#DataTrackStream {
    pub fn r#shutdown(
        &self,
    )
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#DataTrackStream {
    pub fn r#stats(
        &self,
    ) -> r#StreamStats
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl(with_foreign)]
pub trait r#DecryptionProvider {
    fn r#decrypt(
        &self,
        r#payload: r#EncryptedPayload,
        r#publisher_identity: ::std::string::String,
    ) -> ::std::result::Result::<r#Payload, r#DecryptionError>;
}
#[::uniffi::export_for_udl(with_foreign)]
pub trait r#EncryptionProvider {
    fn r#encrypt(
        &self,
        r#payload: r#Payload,
    ) -> ::std::result::Result::<r#EncryptedPayload, r#EncryptionError>;
}
#[::uniffi::udl_derive(Object)]
struct r#KeyRing { }
#[::uniffi::export_for_udl]
impl r#KeyRing {
    #[uniffi::constructor]
    pub fn r#new(
        r#options: r#KeyRingOptions,
    ) -> ::std::result::Result::<::std::sync::Arc<r#KeyRing>, r#KeyRingError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#KeyRing {
    pub fn r#decryption_provider(
        self: Arc<Self>,
    ) -> ::std::sync::Arc<dyn r#DecryptionProvider>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#KeyRing {
    pub fn r#encryption_provider(
        self: Arc<Self>,
        r#local_identity: ::std::option::Option<::std::string::String>,
    ) -> ::std::sync::Arc<dyn r#EncryptionProvider>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#KeyRing {
    pub fn r#ratchet_participant_key(
        &self,
        r#identity: ::std::string::String,
        r#key_index: u8,
    ) -> ::std::result::Result::<::std::vec::Vec<u8>, r#KeyRingError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#KeyRing {
    pub fn r#ratchet_shared_key(
        &self,
        r#key_index: u8,
    ) -> ::std::result::Result::<::std::vec::Vec<u8>, r#KeyRingError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#KeyRing {
    pub fn r#set_key_index(
        &self,
        r#key_index: u8,
    ) -> ::std::result::Result::<(), r#KeyRingError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#KeyRing {
    pub fn r#set_participant_key(
        &self,
        r#identity: ::std::string::String,
        r#material: ::std::vec::Vec<u8>,
        r#key_index: u8,
    ) -> ::std::result::Result::<(), r#KeyRingError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#KeyRing {
    pub fn r#set_shared_key(
        &self,
        r#material: ::std::vec::Vec<u8>,
        r#key_index: u8,
    ) -> ::std::result::Result::<(), r#KeyRingError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl_derive(Hash)]
#[::uniffi::export_for_udl_derive(Eq)]
#[::uniffi::udl_derive(Object)]
struct r#LocalDataTrack { }
#[::uniffi::export_for_udl]
impl r#LocalDataTrack {
    pub async fn r#flush(
        &self,
        r#timeout_ms: u64,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<(), r#WaitError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrack {
    pub fn r#info(
        &self,
    ) -> r#DataTrackInfo
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrack {
    pub fn r#is_published(
        &self,
    ) -> bool
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrack {
    pub async fn r#send(
        &self,
        r#frame: r#DataTrackFrame,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<(), r#PushFrameError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrack {
    pub fn r#stats(
        &self,
    ) -> r#LocalTrackStats
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrack {
    pub fn r#try_push(
        &self,
        r#frame: r#DataTrackFrame,
    ) -> ::std::result::Result::<(), r#PushFrameError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrack {
    pub fn r#try_push_bytes(
        &self,
        r#payload: &[u8],
    ) -> ::std::result::Result::<(), r#PushFrameError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrack {
    pub fn r#try_push_bytes_with_timestamp(
        &self,
        r#payload: &[u8],
        r#user_timestamp: u64,
    ) -> ::std::result::Result::<(), r#PushFrameError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrack {
    pub fn r#unpublish(
        &self,
    )
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrack {
    pub async fn r#wait_for_unpublish(
        &self,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<r#UnpublishReason, r#WaitError>
    {
        unreachable!()
    }
}
#[::uniffi::udl_derive(Object)]
struct r#LocalDataTrackManager { }
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    #[uniffi::constructor]
    pub fn r#new(
        r#delegate: Box<dyn r#LocalDataTrackManagerDelegate>,
        r#encryption_provider: ::std::option::Option<::std::sync::Arc<dyn r#EncryptionProvider>>,
        r#local_identity: ::std::option::Option<::std::string::String>,
    ) -> ::std::sync::Arc<r#LocalDataTrackManager>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub async fn r#define_schema(
        &self,
        r#id: r#DataTrackSchemaId,
        r#contents: ::std::vec::Vec<u8>,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<(), r#SchemaError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub async fn r#get_schema(
        &self,
        r#participant_identity: ::std::string::String,
        r#id: r#DataTrackSchemaId,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<::std::vec::Vec<u8>, r#SchemaError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub fn r#handle_buffered_amount(
        &self,
        r#bytes: u64,
    )
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub fn r#handle_sfu_participant_update(
        &self,
        r#res: ::std::vec::Vec<u8>,
    ) -> ::std::result::Result::<(), r#SignalError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub fn r#handle_sfu_publish_response(
        &self,
        r#res: ::std::vec::Vec<u8>,
    ) -> ::std::result::Result::<(), r#SignalError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub fn r#handle_sfu_request_response(
        &self,
        r#res: ::std::vec::Vec<u8>,
    ) -> ::std::result::Result::<(), r#SignalError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub fn r#handle_sfu_unpublish_response(
        &self,
        r#res: ::std::vec::Vec<u8>,
    ) -> ::std::result::Result::<(), r#SignalError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub fn r#handle_signal_response(
        &self,
        r#res: ::std::vec::Vec<u8>,
    ) -> ::std::result::Result::<r#SignalOutcome, r#SignalError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub fn r#publish_responses_for_sync_state(
        &self,
    ) -> std::vec::Vec<::std::vec::Vec<u8>>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub async fn r#publish_track(
        &self,
        r#options: r#DataTrackOptions,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<::std::sync::Arc<r#LocalDataTrack>, r#PublishError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub fn r#republish_tracks(
        &self,
    )
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub fn r#shutdown(
        &self,
    )
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub fn r#stats(
        &self,
    ) -> r#LocalManagerStats
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#LocalDataTrackManager {
    pub fn r#tracks(
        &self,
    ) -> std::vec::Vec<::std::sync::Arc<r#LocalDataTrack>>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl_derive(Hash)]
#[::uniffi::export_for_udl_derive(Eq)]
#[::uniffi::udl_derive(Object)]
struct r#RemoteDataTrack { }
#[::uniffi::export_for_udl]
impl r#RemoteDataTrack {
    pub fn r#info(
        &self,
    ) -> r#DataTrackInfo
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrack {
    pub fn r#is_published(
        &self,
    ) -> bool
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrack {
    pub fn r#publisher_identity(
        &self,
    ) -> ::std::string::String
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrack {
    pub fn r#stats(
        &self,
    ) -> r#RemoteTrackStats
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrack {
    pub async fn r#subscribe(
        &self,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<::std::sync::Arc<r#DataTrackStream>, r#SubscribeError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrack {
    pub async fn r#subscribe_with_options(
        &self,
        r#options: r#DataTrackSubscribeOptions,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<::std::sync::Arc<r#DataTrackStream>, r#SubscribeError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrack {
    pub fn r#subscription_state(
        &self,
    ) -> r#SubscriptionState
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrack {
    pub async fn r#wait_for_unpublish(
        &self,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<r#UnpublishReason, r#WaitError>
    {
        unreachable!()
    }
}
#[::uniffi::udl_derive(Object)]
struct r#RemoteDataTrackManager { }
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    #[uniffi::constructor]
    pub fn r#new(
        r#delegate: Box<dyn r#RemoteDataTrackManagerDelegate>,
        r#decryption_provider: ::std::option::Option<::std::sync::Arc<dyn r#DecryptionProvider>>,
        r#local_identity: ::std::option::Option<::std::string::String>,
    ) -> ::std::sync::Arc<r#RemoteDataTrackManager>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub fn r#handle_packet_received(
        &self,
        r#packet: &[u8],
    )
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub fn r#handle_sfu_join_response(
        &self,
        r#res: ::std::vec::Vec<u8>,
    ) -> ::std::result::Result::<(), r#SignalError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub fn r#handle_sfu_participant_update(
        &self,
        r#res: ::std::vec::Vec<u8>,
        r#local_participant_identity: ::std::string::String,
    ) -> ::std::result::Result::<(), r#SignalError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub fn r#handle_sfu_subscriber_handles(
        &self,
        r#res: ::std::vec::Vec<u8>,
    ) -> ::std::result::Result::<(), r#SignalError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub fn r#handle_signal_response(
        &self,
        r#res: ::std::vec::Vec<u8>,
    ) -> ::std::result::Result::<r#SignalOutcome, r#SignalError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub fn r#handle_subscriber_handles(
        &self,
        r#res: ::std::vec::Vec<u8>,
    ) -> ::std::result::Result::<(), r#SignalError>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub fn r#resend_subscription_updates(
        &self,
    )
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub fn r#shutdown(
        &self,
    )
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub fn r#stats(
        &self,
    ) -> r#RemoteManagerStats
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub fn r#tracks(
        &self,
    ) -> std::vec::Vec<::std::sync::Arc<r#RemoteDataTrack>>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub fn r#tracks_by_publisher(
        &self,
        r#publisher_identity: ::std::string::String,
    ) -> std::vec::Vec<::std::sync::Arc<r#RemoteDataTrack>>
    {
        unreachable!()
    }
}
#[::uniffi::export_for_udl]
impl r#RemoteDataTrackManager {
    pub async fn r#wait_for_track(
        &self,
        r#name: ::std::string::String,
        r#publisher_identity: ::std::option::Option<::std::string::String>,
        r#timeout_ms: u64,
        r#cancel: ::std::option::Option<::std::sync::Arc<r#CancelToken>>,
    ) -> ::std::result::Result::<::std::sync::Arc<r#RemoteDataTrack>, r#WaitError>
    {
        unreachable!()
    }
}
// Callback Interface definitions, corresponding to UDL `callback interface` definitions.
#[::uniffi::export_for_udl(callback_interface)]
pub trait r#LocalDataTrackManagerDelegate {
    fn r#on_signal_request(
        &self,
        r#request: ::std::vec::Vec<u8>,
    ) -> ::std::result::Result::<(), r#DelegateError>;
    fn r#on_packets_available(
        &self,
        r#packets: r#PacketBatch,
    ) -> ::std::result::Result::<(), r#DelegateError>;
    fn r#on_track_published(
        &self,
        r#track: ::std::sync::Arc<r#LocalDataTrack>,
    ) -> ::std::result::Result::<(), r#DelegateError>;
    fn r#on_track_unpublished(
        &self,
        r#track: ::std::sync::Arc<r#LocalDataTrack>,
        r#reason: r#UnpublishReason,
    ) -> ::std::result::Result::<(), r#DelegateError>;
}
#[::uniffi::export_for_udl(callback_interface)]
pub trait r#LogSink {
    fn r#log(
        &self,
        r#record: r#LogRecord,
    ) -> ::std::result::Result::<(), r#DelegateError>;
}
#[::uniffi::export_for_udl(callback_interface)]
pub trait r#RemoteDataTrackManagerDelegate {
    fn r#on_signal_request(
        &self,
        r#request: ::std::vec::Vec<u8>,
    ) -> ::std::result::Result::<(), r#DelegateError>;
    fn r#on_track_published(
        &self,
        r#track: ::std::sync::Arc<r#RemoteDataTrack>,
    ) -> ::std::result::Result::<(), r#DelegateError>;
    fn r#on_track_unpublished(
        &self,
        r#track: ::std::sync::Arc<r#RemoteDataTrack>,
        r#reason: r#UnpublishReason,
    ) -> ::std::result::Result::<(), r#DelegateError>;
    fn r#on_subscription_changed(
        &self,
        r#track: ::std::sync::Arc<r#RemoteDataTrack>,
        r#state: r#SubscriptionState,
    ) -> ::std::result::Result::<(), r#DelegateError>;
}
// Export scaffolding checksums for UDL items
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_func_set_log_sink() -> u16 {
    42872
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_canceltoken_cancel() -> u16 {
    42958
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_canceltoken_is_cancelled() -> u16 {
    55529
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_datatrackstream_end_reason() -> u16 {
    47282
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_datatrackstream_next() -> u16 {
    51695
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_datatrackstream_next_batch() -> u16 {
    50643
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_datatrackstream_shutdown() -> u16 {
    8626
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_datatrackstream_stats() -> u16 {
    7686
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_decryptionprovider_decrypt() -> u16 {
    31636
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_encryptionprovider_encrypt() -> u16 {
    15118
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_keyring_decryption_provider() -> u16 {
    10593
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_keyring_encryption_provider() -> u16 {
    47014
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_keyring_ratchet_participant_key() -> u16 {
    14061
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_keyring_ratchet_shared_key() -> u16 {
    34848
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_keyring_set_key_index() -> u16 {
    48098
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_keyring_set_participant_key() -> u16 {
    49137
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_keyring_set_shared_key() -> u16 {
    15106
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrack_flush() -> u16 {
    8693
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrack_info() -> u16 {
    26342
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrack_is_published() -> u16 {
    11734
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrack_send() -> u16 {
    24144
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrack_stats() -> u16 {
    1386
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrack_try_push() -> u16 {
    5771
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrack_try_push_bytes() -> u16 {
    44616
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrack_try_push_bytes_with_timestamp() -> u16 {
    35303
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrack_unpublish() -> u16 {
    6999
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrack_wait_for_unpublish() -> u16 {
    17563
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_define_schema() -> u16 {
    45204
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_get_schema() -> u16 {
    56457
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_handle_buffered_amount() -> u16 {
    2953
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_handle_sfu_participant_update() -> u16 {
    6918
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_handle_sfu_publish_response() -> u16 {
    25363
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_handle_sfu_request_response() -> u16 {
    48454
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_handle_sfu_unpublish_response() -> u16 {
    49580
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_handle_signal_response() -> u16 {
    63390
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_publish_responses_for_sync_state() -> u16 {
    40837
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_publish_track() -> u16 {
    8169
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_republish_tracks() -> u16 {
    40395
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_shutdown() -> u16 {
    51525
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_stats() -> u16 {
    28960
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanager_tracks() -> u16 {
    51784
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrack_info() -> u16 {
    21122
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrack_is_published() -> u16 {
    32875
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrack_publisher_identity() -> u16 {
    12166
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrack_stats() -> u16 {
    12762
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrack_subscribe() -> u16 {
    10624
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrack_subscribe_with_options() -> u16 {
    55160
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrack_subscription_state() -> u16 {
    45167
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrack_wait_for_unpublish() -> u16 {
    23270
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_handle_packet_received() -> u16 {
    19148
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_handle_sfu_join_response() -> u16 {
    3319
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_handle_sfu_participant_update() -> u16 {
    50773
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_handle_sfu_subscriber_handles() -> u16 {
    8170
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_handle_signal_response() -> u16 {
    44086
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_handle_subscriber_handles() -> u16 {
    16887
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_resend_subscription_updates() -> u16 {
    28782
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_shutdown() -> u16 {
    37537
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_stats() -> u16 {
    17025
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_tracks() -> u16 {
    395
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_tracks_by_publisher() -> u16 {
    366
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanager_wait_for_track() -> u16 {
    42023
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_constructor_canceltoken_new() -> u16 {
    42179
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_constructor_keyring_new() -> u16 {
    52408
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_constructor_localdatatrackmanager_new() -> u16 {
    28407
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_constructor_remotedatatrackmanager_new() -> u16 {
    52313
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanagerdelegate_on_signal_request() -> u16 {
    62564
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanagerdelegate_on_packets_available() -> u16 {
    59007
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanagerdelegate_on_track_published() -> u16 {
    16264
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_localdatatrackmanagerdelegate_on_track_unpublished() -> u16 {
    46314
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_logsink_log() -> u16 {
    23341
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanagerdelegate_on_signal_request() -> u16 {
    65027
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanagerdelegate_on_track_published() -> u16 {
    12022
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanagerdelegate_on_track_unpublished() -> u16 {
    18094
}
#[unsafe(no_mangle)]
#[doc(hidden)]
pub extern "C" fn r#uniffi_datatracks_checksum_method_remotedatatrackmanagerdelegate_on_subscription_changed() -> u16 {
    2215
}
