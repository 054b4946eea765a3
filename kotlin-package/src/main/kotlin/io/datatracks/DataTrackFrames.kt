package io.datatracks

/** A frame that carries the time of now, in milliseconds since the Unix epoch: its receiver knows its [latencyMs]. */
public fun DataTrackFrame.Companion.now(payload: ByteArray): DataTrackFrame =
    DataTrackFrame(payload, System.currentTimeMillis().toULong())

/**
 * How long ago the frame was pushed, in milliseconds; null without a timestamp. Means something where the publisher used
 * [now] and both clocks agree.
 */
public val DataTrackFrame.latencyMs: Long?
    get() = userTimestamp?.let { System.currentTimeMillis() - it.toLong() }
