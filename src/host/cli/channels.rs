//! Tracks that are published as the channels of an MCAP file say.

use std::{fmt::Display, sync::Arc};

use datatracks::{
    DataTrackOptions, LocalDataTrack, error::PublishError, host::room::Room,
    track::DataTrackSchemaId,
};
use mcap::Channel;

use crate::{
    encodings::{frame_encoding, frame_encoding_name, schema_encoding},
    failure::Failure,
    output::tell,
    recorded::encoding_of,
};

/// A track is worth more than what is said of it: of encoding and schema, what no track can have is left out.
pub(crate) async fn publish(
    room: &Room,
    name: &str,
    channel: &Channel<'_>,
) -> Result<Arc<LocalDataTrack>, Failure> {
    let mut options = DataTrackOptions::new(name);
    options.frame_encoding = encoding_of(channel).and_then(frame_encoding);
    if options.frame_encoding.is_some() {
        options.schema = define_schema(room, channel).await;
    }
    let track = loop {
        match room.local().publish_track(options.clone(), None).await {
            Err(error @ PublishError::SchemaMismatch) if options.schema.is_some() => {
                leave_out_schema(&mut options, &error);
            }
            Err(error @ PublishError::SchemaMissing) if options.frame_encoding.is_some() => {
                leave_out_encoding(&mut options, &error);
            }
            published => break published,
        }
    };
    let track = track.map_err(|error| Failure::publishing(error, name, room.participant()))?;
    tell(&format!("published \"{name}\" ({})", track.info().sid));
    Ok(track)
}

async fn define_schema(room: &Room, channel: &Channel<'_>) -> Option<DataTrackSchemaId> {
    let schema = channel.schema.as_ref()?;
    let id = DataTrackSchemaId {
        name: schema.name.clone(),
        encoding: schema_encoding(&schema.encoding)?,
    };
    let defined = room.local().define_schema(id.clone(), schema.data.to_vec(), None).await;
    defined.map_err(|error| tell_left_out("schema", &id.name, &error)).ok().map(|()| id)
}

fn leave_out_schema(options: &mut DataTrackOptions, error: &PublishError) {
    if let Some(schema) = options.schema.take() {
        tell_left_out("schema", &schema.name, error);
    }
}

fn leave_out_encoding(options: &mut DataTrackOptions, error: &PublishError) {
    if let Some(encoding) = options.frame_encoding.take() {
        tell_left_out("encoding", &frame_encoding_name(&encoding), error);
    }
}

fn tell_left_out(what: &str, name: &str, error: &dyn Display) {
    tell(&format!("the {what} \"{name}\" is left out: {error}"));
}
