"""Who publishes what: discovery, identity (P9), names, permissions, schemas."""

import asyncio
import copy
import dataclasses
import gc
import pickle
import weakref
from types import SimpleNamespace

import datatracks as dt
import pytest
from host import Sending
from peer import connected, frame, options, participant_update, subscribed, until


async def test_tracks_published_before_the_join_are_there_after_it(join):
    alice = join("alice")
    schema = dt.DataTrackSchemaId(name="Pose", encoding=dt.DataTrackSchemaEncoding.PROTOBUF())
    encoding = dt.DataTrackFrameEncoding.PROTOBUF()
    await alice.local.publish_track(options("pose", schema=schema, frame_encoding=encoding))
    await alice.local.publish_track(options("plain"))
    bob = join("bob")
    await until(lambda: len(bob.remote.tracks()) == 2)
    pose, plain = bob.remote.tracks_by_publisher("alice")
    assert (pose.info().name, pose.info().schema, pose.info().frame_encoding) == ("pose", schema, encoding)
    assert (plain.info().name, plain.info().schema, plain.info().frame_encoding) == ("plain", None, None)
    assert pose.info().sid.startswith("DTR_") and not pose.info().uses_e2ee
    assert bob.remote.tracks_by_publisher("carol") == []
    assert [bob.expect("published")[1] for _ in range(2)] == [pose, plain]


async def test_a_participant_that_leaves_takes_its_tracks_along(join):
    alice, bob = join("alice"), join("bob")
    _, stream = await connected(alice, bob)
    remote = bob.remote.tracks()[0]
    alice.control("drop_session", mode="full")
    assert await remote.wait_for_unpublish() in (dt.UnpublishReason.PUBLISHER_LEFT, dt.UnpublishReason.REQUESTED)
    assert await stream.next() is None
    assert bob.expect("unpublished")[1] == remote
    await until(lambda: bob.remote.tracks() == [])


async def test_a_copy_of_what_holds_a_track_holds_the_same_track(join):
    @dataclasses.dataclass
    class Held:
        track: dt.LocalDataTrack

    track, stream = await connected(join("alice"), join("bob"))
    for _ in range(1_000):
        assert dataclasses.asdict(Held(track))["track"] is copy.copy(track) is track
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(track)
    track.try_push(frame(b"still there"))
    assert (await stream.next()).payload == b"still there"


def test_a_call_with_a_text_that_is_none_keeps_nothing():
    delegate = Sending(SimpleNamespace())
    manager, gone = dt.RemoteDataTrackManager(delegate, None, "alice"), weakref.ref(delegate)
    with pytest.raises(UnicodeEncodeError):
        manager.tracks_by_publisher("\ud800")
    del manager, delegate
    gc.collect()
    assert gone() is None


async def test_equality_is_that_of_the_track_and_not_of_the_object(join):
    alice, bob = join("alice"), join("bob")
    one = await alice.local.publish_track(options("one"))
    two = await alice.local.publish_track(options("two"))
    listed = alice.local.tracks()
    assert listed == [one, two] and one != two
    assert len({one, two, *listed}) == 2
    seen = await bob.remote.wait_for_track("one", None, 10_000)
    again = await bob.remote.wait_for_track("one", None, 10_000)
    other = await bob.remote.wait_for_track("two", None, 10_000)
    assert seen == again and hash(seen) == hash(again) and seen != other
    one.unpublish()
    await seen.wait_for_unpublish()
    await alice.local.publish_track(options("one"))
    assert await bob.remote.wait_for_track("one", None, 10_000) != seen


async def test_a_name_is_free_again_after_the_end_of_its_track(join):
    alice = join("alice")
    first = await alice.local.publish_track(options("name"))
    with pytest.raises(dt.PublishError.DuplicateName):
        await alice.local.publish_track(options("name"))
    first.unpublish()
    second = await alice.local.publish_track(options("name"))
    assert second.is_published() and not first.is_published()


async def test_a_publish_before_the_join_fails_at_once_and_can_be_repeated(join):
    def unable(kind, data):
        raise OSError("there is no connection yet")

    transport = Sending(SimpleNamespace(send=unable, event=lambda *what: None))
    local = dt.LocalDataTrackManager(transport, None, "alice")
    with pytest.raises(dt.PublishError.SignalNotSent):
        await local.publish_track(options("track"))
    alice = join("alice")
    alice.local, transport.host = local, alice
    assert (await local.publish_track(options("track"))).is_published()


async def test_a_thousand_tracks_are_there_for_who_joins_and_can_all_be_read(join):
    alice = join("alice")
    names = [f"track-{number}" for number in range(1_000)]
    tracks = [await alice.local.publish_track(options(name)) for name in names]
    bob = join("bob")
    await until(lambda: len(bob.remote.tracks()) == 1_000)
    assert [track.info().name for track in bob.remote.tracks_by_publisher("alice")] == names
    streams = [await track.subscribe() for track in bob.remote.tracks()]
    for name, track in zip(names, tracks):
        track.try_push(frame(name.encode()))
    assert [(await stream.next()).payload.decode() for stream in streams] == names
    for stream in streams:
        stream.shutdown()


async def test_a_revoked_permission_ends_the_publications(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    alice.control("revoke")
    assert await track.wait_for_unpublish() == dt.UnpublishReason.REVOKED
    assert alice.expect("local unpublished")[2] == dt.UnpublishReason.REVOKED
    assert await stream.next() is None
    with pytest.raises(dt.PublishError.NotAllowed):
        await alice.local.publish_track(options("another"))
    alice.control("grant")
    assert (await alice.local.publish_track(options("another"))).is_published()


async def test_callbacks_tell_each_thing_once(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    await subscribed(bob, "samples")
    track.unpublish()
    assert await stream.next() is None
    await connected(alice, bob, "last")
    assert alice.told_before("last") == ["local published", "local unpublished"]
    told = bob.told_before("last")
    assert (told.count("published"), told.count("unpublished")) == (1, 1)


async def test_schemas_are_stored_and_found(join):
    alice, bob = join("alice"), join("bob")
    pose = dt.DataTrackSchemaId(name="Pose", encoding=dt.DataTrackSchemaEncoding.JSON_SCHEMA())
    await alice.local.define_schema(pose, b'{"type": "object"}')
    assert await bob.local.get_schema("alice", pose) == b'{"type": "object"}'


async def test_a_track_keeps_its_identity_when_its_sid_changes(join):
    alice, bob = join("alice"), join("bob")
    _, stream = await connected(alice, bob)
    remote = bob.remote.tracks()[0]
    bob.held_back = []  # the SFU of this test is ourselves from here on
    for sid in ("DTR_second", "DTR_third"):
        moved = participant_update("alice", "PA_new", [(1, sid, "samples")])
        assert bob.remote.handle_signal_response(moved) == dt.SignalOutcome.HANDLED
        assert bob.remote.tracks() == [remote] and remote.info().sid == sid
        await until(lambda: sid.encode() in bob.sent_signals[-1])  # the subscription follows
    assert remote.is_published() and stream.end_reason() is None
    renamed = participant_update("alice", "PA_new", [(1, "DTR_fourth", "another")])
    bob.remote.handle_signal_response(renamed)
    assert not remote.is_published() and bob.remote.tracks() != [remote]
    assert await stream.next() is None


async def pushed_until_read(track, stream):
    """Pushes until a frame comes through: the SFU needs a moment to switch over."""
    reading = asyncio.create_task(stream.next())
    for _ in range(200):
        try:
            track.try_push(frame(b"again"))
        except dt.PushFrameError.QueueFull:
            pass
        done, _ = await asyncio.wait([reading], timeout=0.05)
        if done:
            break
    assert (await asyncio.wait_for(reading, 1)).payload == b"again"
