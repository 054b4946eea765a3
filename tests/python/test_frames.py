"""What is pushed arrives: every size, every timestamp, in order; and the counts tell the truth (P2, P3)."""

import array
import asyncio

import datatracks as dt
import pytest
from peer import connected, frame, options, subscribed, until
from test_waits import LARGE

SIZES = [0, 1, 15_988, 15_989, 65_536, 1 << 20]


@pytest.mark.parametrize("size", SIZES)
async def test_a_frame_of_any_size_arrives_whole(join, size):
    track, stream = await connected(join("alice"), join("bob"))
    payload = bytes(i % 251 for i in range(size))
    track.try_push(frame(payload))
    assert await stream.next() == frame(payload)


BYTES_LIKE = [bytearray(b"abcd"), memoryview(b"abcd"), memoryview(b"a-b-c-d")[::2], array.array("I", b"abcd")]


@pytest.mark.parametrize("payload", BYTES_LIKE)
async def test_a_payload_may_be_any_bytes_like_object(join, payload):
    track, stream = await connected(join("alice"), join("bob"))
    track.try_push(frame(payload))
    await track.send(frame(payload))
    assert [(await stream.next()).payload for _ in range(2)] == [b"abcd"] * 2


async def test_a_frame_pushed_without_copy_arrives_with_its_timestamp(join):
    track, stream = await connected(join("alice"), join("bob"))
    track.try_push_bytes_with_timestamp(b"borrowed", 7)
    assert await stream.next() == frame(b"borrowed", 7)


def test_a_frame_equals_frames_only():
    assert frame(b"same", 1) == frame(b"same", 1) != frame(b"same", 2)
    assert frame(b"") != None and frame(b"a") != b"a" and options("a") != "a"  # noqa: E711


@pytest.mark.parametrize("timestamp", [None, 0, 1, 1_700_000_000_000, 2**64 - 1])
async def test_a_timestamp_arrives_as_given(join, timestamp):
    track, stream = await connected(join("alice"), join("bob"))
    track.try_push(frame(b"x", timestamp))
    assert (await stream.next()).user_timestamp == timestamp


async def test_frames_arrive_in_publishing_order(join):
    track, stream = await connected(join("alice"), join("bob"), stream={"buffer_frames": 500})
    sizes = [1, 40_000, 0, 17_000] * 50
    for number, size in enumerate(sizes):
        track.try_push(frame(bytes(size), number))
    arrived = [await stream.next() for _ in sizes]
    assert [each.user_timestamp for each in arrived] == list(range(len(sizes)))
    assert [len(each.payload) for each in arrived] == sizes


async def test_a_batch_has_what_waits_and_at_least_one(join):
    track, stream = await connected(join("alice"), join("bob"))
    first = asyncio.create_task(stream.next_batch(10))
    track.try_push(frame(b"0"))
    assert [each.payload for each in await first] == [b"0"]
    for number in range(5):
        track.try_push(frame(b"%d" % number))
    await until(lambda: stream.stats().frames_waiting == 5)
    assert [each.payload for each in await stream.next_batch(3)] == [b"0", b"1", b"2"]
    assert [each.payload for each in await stream.next_batch(3)] == [b"3", b"4"]


async def test_each_subscriber_has_a_stream_of_its_own(join):
    alice, bob, carol = join("alice"), join("bob"), join("carol")
    track, first = await connected(alice, bob)
    second, other = await subscribed(bob, "samples"), await subscribed(carol, "samples")
    track.try_push(frame(b"to all"))
    for stream in (first, second, other):
        assert (await stream.next()).payload == b"to all"
    first.shutdown()
    track.try_push(frame(b"to two"))
    for stream in (second, other):
        assert (await stream.next()).payload == b"to two"
    assert await first.next() is None


async def test_two_streams_of_one_track_have_buffers_and_policies_of_their_own(join):
    alice, bob = join("alice"), join("bob")
    reading = {"buffer_frames": 2, "buffer_policy": dt.BufferPolicy.DROP_NEWEST}
    track, oldest = await connected(alice, bob, stream=reading)
    latest = await subscribed(bob, "samples", buffer_policy=dt.BufferPolicy.LATEST_ONLY)
    for number in range(5):
        track.try_push(frame(b"%d" % number))
    await until(lambda: (oldest.stats().frames_dropped_full, latest.stats().frames_dropped_full) == (3, 4))
    assert [frame.payload for frame in await oldest.next_batch(9)] == [b"0", b"1"]
    assert [frame.payload for frame in await latest.next_batch(9)] == [b"4"]


async def test_sixty_four_tracks_do_not_mix(join):
    alice, bob = join("alice"), join("bob")
    names = [f"track-{number}" for number in range(64)]
    tracks = await asyncio.gather(*(alice.local.publish_track(options(name)) for name in names))
    streams = await asyncio.gather(*(subscribed(bob, name) for name in names))
    for _ in range(3):
        for name, track in zip(names, tracks):
            track.try_push(frame(name.encode() * 2_000))
    for name, stream in zip(names, streams):
        arrived = [(await stream.next()).payload for _ in range(3)]
        assert arrived == [name.encode() * 2_000] * 3
    assert {track.info().name for track in alice.local.tracks()} == set(names)


async def test_send_and_flush_wait_for_room(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob, max_waiting_bytes=20_000, drop_policy=dt.DropPolicy.REFUSE)
    alice.local.handle_buffered_amount(1 << 30)
    track.try_push(LARGE)
    sending = asyncio.create_task(track.send(frame(bytes(15_001))))
    await asyncio.sleep(0.05)
    assert not sending.done()
    flushing = asyncio.create_task(track.flush(10_000))
    while not (sending.done() and flushing.done()):
        alice.local.handle_buffered_amount(0)
        await asyncio.sleep(0.001)
    await sending, await flushing
    assert track.stats().frames_waiting == 0
    assert [len((await stream.next()).payload) for _ in range(2)] == [1 << 20, 15_001]


async def test_the_newest_wins_where_there_is_no_room_and_the_counts_say_so(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob, max_waiting_bytes=50_000)
    alice.local.handle_buffered_amount(1 << 30)
    for number in range(10):
        track.try_push(frame(bytes(15_000), number))
    stats = track.stats()
    assert stats.frames_accepted == 10
    assert stats.frames_dropped_full > 0
    assert accounted(stats) == stats.frames_accepted
    alice.local.handle_buffered_amount(0)
    await track.flush(5_000)
    stats = track.stats()
    assert (stats.frames_waiting, stats.bytes_waiting) == (0, 0)
    assert accounted(stats) == stats.frames_accepted
    arrived = [(await stream.next()).user_timestamp for _ in range(stats.frames_sent)]
    assert arrived == list(range(10))[-len(arrived) :]


async def test_stats_add_up_on_both_sides(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob, stream={"buffer_frames": 2})
    for number in range(5):
        track.try_push(frame(bytes(20_000), number))
    await until(lambda: stream.stats().frames_waiting + stream.stats().frames_dropped_full == 5)
    assert [(await stream.next()).user_timestamp for _ in range(2)] == [3, 4]

    sent, received, read = track.stats(), bob.remote.tracks()[0].stats(), stream.stats()
    assert (sent.frames_accepted, sent.frames_sent, sent.packets_sent) == (5, 5, 10)
    assert sent.bytes_sent == sum(map(len, alice.sent_packets))
    assert (received.packets_received, received.frames_completed, received.bytes_partial) == (10, 5, 0)
    assert received.bytes_received == sum(map(len, bob.received_packets))
    assert (read.frames_delivered, read.frames_dropped_full, read.frames_waiting) == (2, 3, 0)
    manager = alice.local.stats()
    assert (manager.tracks_published, manager.tracks_pending, manager.delegate_errors) == (1, 0, 0)
    assert bob.remote.stats().subscriptions_active == 1


async def test_loss_reorder_and_duplicates_spoil_no_frame_that_can_be_completed(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob, stream={"buffer_frames": 500, "reorder_window_ms": 500})
    bob.control("impair", spec="reorder=8,duplicate=5%,seed=7")
    for number in range(100):
        track.try_push(frame(bytes([number]) * 40_000, number))
    arrived = [await asyncio.wait_for(stream.next(), 10) for _ in range(90)]
    assert [each.user_timestamp for each in arrived] == list(range(90))
    assert all(each.payload == bytes([each.user_timestamp]) * 40_000 for each in arrived)
    assert bob.remote.tracks()[0].stats().packets_duplicate > 0


def accounted(stats):
    dropped = [
        stats.frames_dropped_full,
        stats.frames_dropped_expired,
        stats.frames_dropped_unpublished,
        stats.frames_dropped_not_sent,
    ]
    return stats.frames_sent + stats.frames_waiting + sum(dropped)
