//! The protobuf messages of data tracks, as far as this crate needs them (protocol §2.3).
//!
//! Enums are plain `int32` fields: an unknown number is a value like any other, and is judged where it is used.
#![allow(missing_docs, unreachable_pub)] // public through `session`, with feature `host`

use prost::{Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub struct DataTrackInfo {
    #[prost(uint32, tag = "1")]
    pub pub_handle: u32,
    #[prost(string, tag = "2")]
    pub sid: String,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(int32, tag = "4")]
    pub encryption: i32,
    #[prost(message, optional, tag = "5")]
    pub frame_encoding: Option<Encoding>,
    #[prost(message, optional, tag = "6")]
    pub schema: Option<DataTrackSchemaId>,
}

#[derive(Clone, PartialEq, Message)]
pub struct DataTrackSchemaId {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub encoding: Option<Encoding>,
}

/// DataTrackFrameEncoding and DataTrackSchemaEncoding: the same fields, other numbers in `well_known`.
#[derive(Clone, PartialEq, Message)]
pub struct Encoding {
    #[prost(oneof = "EncodingValue", tags = "1, 2")]
    pub value: Option<EncodingValue>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum EncodingValue {
    #[prost(int32, tag = "1")]
    WellKnown(i32),
    #[prost(string, tag = "2")]
    Custom(String),
}

#[derive(Clone, PartialEq, Message)]
pub struct PublishDataTrackRequest {
    #[prost(uint32, tag = "1")]
    pub pub_handle: u32,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(int32, tag = "3")]
    pub encryption: i32,
    #[prost(message, optional, tag = "4")]
    pub frame_encoding: Option<Encoding>,
    #[prost(message, optional, tag = "5")]
    pub schema: Option<DataTrackSchemaId>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct UnpublishDataTrackRequest {
    #[prost(uint32, tag = "1")]
    pub pub_handle: u32,
}

/// PublishDataTrackResponse and UnpublishDataTrackResponse.
#[derive(Clone, PartialEq, Message)]
pub struct DataTrackResponse {
    #[prost(message, optional, tag = "1")]
    pub info: Option<DataTrackInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PublishedDataTrack {
    #[prost(string, tag = "1")]
    pub publisher_identity: String,
    #[prost(string, tag = "2")]
    pub publisher_sid: String,
    #[prost(string, tag = "3")]
    pub track_sid: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct UpdateDataSubscription {
    #[prost(message, repeated, tag = "1")]
    pub updates: Vec<DataSubscription>,
}

/// UpdateDataSubscription.Update. Its options are left out: the SFU does not act on them (protocol §2.3).
#[derive(Clone, PartialEq, Message)]
pub struct DataSubscription {
    #[prost(string, tag = "1")]
    pub track_sid: String,
    #[prost(bool, tag = "2")]
    pub subscribe: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct SubscriptionPermissionUpdate {
    #[prost(string, tag = "1")]
    pub participant_sid: String,
    #[prost(string, tag = "2")]
    pub track_sid: String,
    #[prost(bool, tag = "3")]
    pub allowed: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct StoreDataBlobRequest {
    #[prost(uint32, tag = "1")]
    pub request_id: u32,
    #[prost(message, optional, tag = "2")]
    pub blob: Option<DataBlob>,
}

#[derive(Clone, PartialEq, Message)]
pub struct GetDataBlobRequest {
    #[prost(uint32, tag = "1")]
    pub request_id: u32,
    #[prost(string, tag = "2")]
    pub participant_identity: String,
    #[prost(message, optional, tag = "3")]
    pub key: Option<DataBlobKey>,
}

#[derive(Clone, PartialEq, Message)]
pub struct DataBlob {
    #[prost(message, optional, tag = "1")]
    pub key: Option<DataBlobKey>,
    #[prost(bytes = "vec", tag = "2")]
    pub contents: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub struct DataBlobKey {
    #[prost(oneof = "BlobKey", tags = "1, 2")]
    pub key: Option<BlobKey>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum BlobKey {
    #[prost(string, tag = "1")]
    Generic(String),
    #[prost(message, tag = "2")]
    SchemaId(DataTrackSchemaId),
}

/// Encryption.Type.
pub mod encryption {
    pub const NONE: i32 = 0;
    pub const GCM: i32 = 1;
}
