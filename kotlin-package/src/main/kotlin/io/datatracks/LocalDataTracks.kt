package io.datatracks

import kotlinx.coroutines.flow.Flow
import java.nio.ByteBuffer

/**
 * Publishes a track; returns when the SFU has answered, within 10 seconds. Cancelling it undoes the publication, also when the SFU
 * publishes it all the same.
 *
 * @throws PublishException when the track is not published
 */
public suspend fun LocalDataTrackManager.publishTrack(options: DataTrackOptions): LocalDataTrack =
    cancellable(undo = { it.unpublish() }) { token -> rawPublishTrack(options, token) }

/**
 * Publishes a track of this name, everything else by default.
 *
 * @throws PublishException when the track is not published
 */
public suspend fun LocalDataTrackManager.publishTrack(name: String): LocalDataTrack = publishTrack(DataTrackOptions(name))

/**
 * Publishes a track for as long as [block] runs: it is unpublished on every way out. Frames that still wait are dropped then: [flush] first.
 *
 * @throws PublishException when the track is not published
 */
public suspend fun <R> LocalDataTrackManager.withDataTrack(
    options: DataTrackOptions,
    block: suspend (LocalDataTrack) -> R,
): R {
    val track = publishTrack(options)
    val own = FfiConverterTypeLocalDataTrack.lift(track.uniffiCloneHandle()) // the block may close its object
    try {
        return block(track)
    } finally {
        own.use { it.unpublish() }
    }
}

/**
 * As the other [withDataTrack], everything but the name by default.
 *
 * @throws PublishException when the track is not published
 */
public suspend fun <R> LocalDataTrackManager.withDataTrack(name: String, block: suspend (LocalDataTrack) -> R): R =
    withDataTrack(DataTrackOptions(name), block)

/**
 * Stores a schema at the SFU. Do it before publishing the track. Returns within 5 seconds. After a full reconnect
 * [LocalDataTrackManager.republishTracks] stores it again.
 *
 * @throws SchemaException when it is not stored
 */
public suspend fun LocalDataTrackManager.defineSchema(id: DataTrackSchemaId, contents: ByteArray): Unit =
    cancellable { token -> rawDefineSchema(id, contents, token) }

/**
 * Reads a schema of a participant from the SFU. Returns within 5 seconds.
 *
 * @throws SchemaException when it is not found
 */
public suspend fun LocalDataTrackManager.getSchema(participantIdentity: String, id: DataTrackSchemaId): ByteArray =
    cancellable { token -> rawGetSchema(participantIdentity, id, token) }

/**
 * Accepts a frame of `length` bytes of an array, or tells why not. The array is yours again when the call returns.
 *
 * @throws PushFrameException when the frame is not accepted
 */
public fun LocalDataTrack.tryPush(
    payload: ByteArray,
    userTimestamp: ULong? = null,
    offset: Int = 0,
    length: Int = payload.size - offset,
): Unit = payload.asDirect(offset, length) { push(it, userTimestamp) }

/**
 * Accepts a frame of the bytes from the buffer's position to its limit, or tells why not. Takes heap and direct buffers, direct
 * ones without a copy, and leaves position and limit as they are. The buffer is yours again when the call returns.
 *
 * @throws PushFrameException when the frame is not accepted
 */
public fun LocalDataTrack.tryPush(payload: ByteBuffer, userTimestamp: ULong? = null): Unit =
    payload.asDirect { push(it, userTimestamp) }

private fun LocalDataTrack.push(payload: ByteBuffer, userTimestamp: ULong?) =
    if (userTimestamp == null) rawTryPush(payload) else rawTryPushWithTimestamp(payload, userTimestamp)

/**
 * Accepts a frame as soon as there is room. Cancelled before that, it is not sent.
 *
 * @throws PushFrameException when the frame is not accepted
 */
public suspend fun LocalDataTrack.send(frame: DataTrackFrame): Unit = cancellable { token -> rawSend(frame, token) }

/**
 * Waits until no frame of this track waits any more; a `timeoutMs` of 0 is no limit.
 *
 * @throws WaitException.TimedOut when frames still wait then
 * @throws WaitException.Closed when the track ends
 */
public suspend fun LocalDataTrack.flush(timeoutMs: ULong = 0u): Unit = cancellable { token -> rawFlush(timeoutMs, token) }

/**
 * Waits for the end of the publication.
 *
 * @throws WaitException.Closed when the manager is gone
 */
public suspend fun LocalDataTrack.waitForUnpublish(): UnpublishReason =
    cancellable { token -> rawWaitForUnpublish(token) }

/**
 * Sends each frame of the flow on [track], and asks for the next when there is room for it: a slow channel slows the flow down.
 *
 * @throws PushFrameException when a frame is not accepted
 */
public suspend fun Flow<DataTrackFrame>.sendTo(track: LocalDataTrack): Unit = collect { track.send(it) }
