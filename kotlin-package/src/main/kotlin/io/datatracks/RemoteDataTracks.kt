package io.datatracks

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.FlowCollector
import kotlinx.coroutines.flow.flow
import java.nio.ByteBuffer

/**
 * Takes one binary message of a channel `_data_track`: the bytes from position to limit, without a copy where the buffer is direct.
 * Never throws: what is malformed or unwanted is counted, and what comes after the end of the room is passed over.
 */
public fun RemoteDataTrackManager.handlePacketReceived(packet: ByteBuffer): Unit =
    packet.asDirect { unlessClosed { rawHandlePacketReceived(it) } }

/** Takes one binary message of a channel `_data_track`, as the form for buffers does. */
public fun RemoteDataTrackManager.handlePacketReceived(packet: ByteArray): Unit =
    packet.asDirect(0, packet.size) { unlessClosed { rawHandlePacketReceived(it) } }

private inline fun unlessClosed(receive: () -> Unit) {
    try {
        receive()
    } catch (_: ClosedException) {
        // The thread of a channel cannot know that the room has just ended.
    }
}

/**
 * Answers a track of that name, of any or one publisher, at once or as soon as it is published; a `timeoutMs` of 0 is no limit.
 *
 * @throws WaitException.TimedOut when there is none by then
 * @throws WaitException.Closed when the manager is shut down
 */
public suspend fun RemoteDataTrackManager.waitForTrack(
    name: String,
    publisherIdentity: String? = null,
    timeoutMs: ULong = 0u,
): RemoteDataTrack = cancellable { token -> rawWaitForTrack(name, publisherIdentity, timeoutMs, token) }

/**
 * Reads the track; returns when frames can arrive, within 10 seconds. Each call makes a stream with a buffer and policy of its own,
 * the SFU sees one subscription. Close the stream, or let [asFlow] do it. Cancelling the call undoes it.
 *
 * @throws SubscribeException when the track cannot be read
 */
public suspend fun RemoteDataTrack.subscribe(
    options: DataTrackSubscribeOptions = DataTrackSubscribeOptions(),
): DataTrackStream = cancellable(undo = { it.close() }) { token -> rawSubscribeWithOptions(options, token) }

/**
 * The frames of the track, in publishing order. Cold: each collection subscribes for itself, and gives its subscription back when
 * it ends or is cancelled. Completes when the track is unpublished.
 *
 * @throws SubscribeException when collected and the track cannot be read
 */
public fun RemoteDataTrack.frames(
    options: DataTrackSubscribeOptions = DataTrackSubscribeOptions(),
): Flow<DataTrackFrame> = flow { subscribe(options).use { emitEach(it) } }

/** Waits for the end of the publication. */
public suspend fun RemoteDataTrack.waitForUnpublish(): UnpublishReason =
    cancellable { token -> rawWaitForUnpublish(token) }

/**
 * The next frame, or null at the end of the stream, about which [DataTrackStream.endReason] tells. Cancelling it loses no frame: one
 * that has been taken already is returned.
 *
 * But `withTimeout` and `withTimeoutOrNull` throw away what their block returns once the time is up. A variable outside it keeps a frame
 * that comes at that moment: `withTimeoutOrNull(t) { frame = stream.next() }`.
 */
public suspend fun DataTrackStream.next(): DataTrackFrame? = untilCancelled { token -> rawNext(token) }

/**
 * Up to `max` frames, at least one (also for a `max` of 0 or less) unless the stream has ended: for many small frames the quicker way.
 * Cancelling it loses no frame; with a timeout do as for [next].
 */
public suspend fun DataTrackStream.nextBatch(max: Int): List<DataTrackFrame> =
    untilCancelled { token -> rawNextBatch(max.coerceAtLeast(0).toUInt(), token) }

/**
 * The frames of this stream. The stream is closed when the collection ends or is cancelled: it can be collected once. Completes at the
 * end of the stream, about which [DataTrackStream.endReason] tells, or when somebody closes it.
 */
public fun DataTrackStream.asFlow(): Flow<DataTrackFrame> = flow { use { emitEach(it) } }

// The stream ends with the collection: nothing that cancellation could lose is read by anybody.
private suspend fun FlowCollector<DataTrackFrame>.emitEach(stream: DataTrackStream) {
    var frame = stream.rawNext(null)
    while (frame != null) {
        emit(frame)
        frame = try {
            stream.rawNext(null)
        } catch (_: ClosedException) {
            null // closed while the frame before was used
        }
    }
}
