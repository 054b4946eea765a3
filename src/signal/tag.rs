//! Field numbers of the SignalResponse oneof: which message it is (protocol §2.2).

/// JoinResponse.
pub const JOIN: u32 = 1;
/// ParticipantUpdate.
pub const UPDATE: u32 = 5;
/// SubscriptionPermissionUpdate.
pub const SUBSCRIPTION_PERMISSION_UPDATE: u32 = 15;
/// RequestResponse.
pub const REQUEST_RESPONSE: u32 = 22;
/// RoomMovedResponse.
pub const ROOM_MOVED: u32 = 24;
/// PublishDataTrackResponse.
pub const PUBLISH_RESPONSE: u32 = 27;
/// UnpublishDataTrackResponse.
pub const UNPUBLISH_RESPONSE: u32 = 28;
/// DataTrackSubscriberHandles.
pub const SUBSCRIBER_HANDLES: u32 = 29;
/// StoreDataBlobResponse.
pub const STORE_DATA_BLOB_RESPONSE: u32 = 30;
/// GetDataBlobResponse.
pub const GET_DATA_BLOB_RESPONSE: u32 = 31;
