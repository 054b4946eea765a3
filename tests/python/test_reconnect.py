"""Reconnects lose no intent (P8): what was published or read is so again, through the same track and the same stream."""

import asyncio

import datatracks as dt
import pytest
from conftest import Plain
from peer import connected, frame, options, until
from test_tracks import pushed_until_read


async def test_a_publisher_resumes(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    sid = track.info().sid
    alice.reconnect("quick")
    await pushed_until_read(track, stream)
    assert track.info().sid == sid and alice.local.tracks() == [track]
    assert [what for what in alice.seen() if what[0] == "local unpublished"] == []


@pytest.mark.parametrize("mode", ["full", "unnoticed"])
async def test_a_publisher_comes_back_as_a_new_participant(join, mode):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    sid, remote = track.info().sid, bob.remote.tracks()[0]
    bob.seen()
    alice.reconnect(mode)
    await until(lambda: track.info().sid != sid)
    assert track.is_published() and alice.local.tracks() == [track]
    assert [what for what in alice.seen() if what[0] == "local unpublished"] == []
    await pushed_until_read(track, stream)
    assert stream.end_reason() is None and bob.remote.tracks() == [remote]
    assert remote.info().sid == track.info().sid
    assert {what[0] for what in bob.seen()} == {"subscription"}


async def test_a_resume_that_is_refused_becomes_a_new_session(join):
    alice, bob = join("alice"), join("bob")
    track, _ = await connected(alice, bob)
    sid = track.info().sid
    alice.control("drop_session", mode="full")
    alice.connect(resume=True)
    await until(lambda: track.info().sid != sid)
    assert track.is_published()


@pytest.mark.parametrize("mode", ["quick", "full", "unnoticed"])
async def test_a_subscriber_comes_back(join, mode):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    remote = bob.remote.tracks()[0]
    bob.reconnect(mode)
    await pushed_until_read(track, stream)
    assert stream.end_reason() is None and bob.remote.tracks() == [remote]


async def test_a_publish_that_waits_for_its_answer_is_asked_again(join):
    alice, bob = join("alice"), join("bob")
    alice.control("lose_next")
    publishing = asyncio.create_task(alice.local.publish_track(options("patient")))
    await until(lambda: alice.local.stats().tracks_pending == 1)
    alice.reconnect("full")
    track = await asyncio.wait_for(publishing, 8)
    assert track.is_published()
    # The SFU had published it, and only its answer was lost: bob may have held that track, which goes on under the new SID.
    await until(lambda: [each.info().sid for each in bob.remote.tracks()] == [track.info().sid])


async def test_what_was_unpublished_stays_so(join):
    alice, bob = join("alice"), join("bob")
    track, _ = await connected(alice, bob)
    gone = asyncio.create_task(bob.remote.tracks()[0].wait_for_unpublish())
    track.unpublish()
    alice.reconnect("full")
    await gone
    last, _ = await connected(alice, bob, "last")  # comes after whatever the reconnect has published again
    assert alice.local.tracks() == [last]
    assert [track.info().name for track in bob.remote.tracks()] == ["last"]


async def test_tracks_that_ended_meanwhile_are_reported(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    remote = bob.remote.tracks()[0]
    bob.held_back = []  # what is told now does not reach bob
    track.unpublish()
    await until(lambda: bob.held_back)
    bob.held_back = None
    bob.reconnect("full")
    assert bob.expect("unpublished")[1] == remote
    assert await stream.next() is None


async def test_without_a_connection_pushes_are_accounted_for(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    alice.broken = {1, 2}
    track.try_push(frame(b"nowhere to go"))
    stats = track.stats()
    assert stats.frames_accepted == stats.frames_sent + stats.frames_waiting + stats.frames_dropped_not_sent
    alice.broken = set()
    alice.reconnect("quick")
    await pushed_until_read(track, stream)


async def test_both_come_back_at_once(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    sid = track.info().sid
    await asyncio.gather(asyncio.to_thread(alice.reconnect, "full"), asyncio.to_thread(bob.reconnect, "full"))
    await until(lambda: track.info().sid != sid)
    await until(lambda: [each.info().sid for each in bob.remote.tracks()] == [track.info().sid])
    await pushed_until_read(track, stream)


async def test_a_frame_too_large_before_is_too_large_after(join):
    alice, bob = join("alice"), join("bob")
    track, _ = await connected(alice, bob)
    with pytest.raises(dt.PushFrameError.FrameTooLarge) as before:
        track.try_push(frame(bytes(3 << 20)))
    alice.reconnect("quick")
    with pytest.raises(dt.PushFrameError.FrameTooLarge) as after:
        track.try_push(frame(bytes(3 << 20)))
    assert before.value.max == after.value.max > 1 << 20


async def test_an_sfu_that_starts_anew_gets_everything_again(join):
    first = Plain("sfu", "--plain", "127.0.0.1:0")
    alice, bob = join("alice", address=first.address), join("bob", address=first.address)
    track, stream = await connected(alice, bob)
    sid = track.info().sid
    first.stop()
    second = Plain("sfu", "--plain", "%s:%d" % first.address)
    try:
        for peer in (alice, bob):
            peer.reconnect("unnoticed")
        await until(lambda: track.info().sid != sid)
        await pushed_until_read(track, stream)
    finally:
        second.stop()
