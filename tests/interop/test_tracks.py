"""The life of tracks in a real room with an SDK of others in it: who sees what, when participants and tracks come and go."""

import datatracks as dt
import pytest
from ours import Ours, read_next, wait
from sending import pushing, sending

OTHERS = pytest.mark.parametrize("other", ["python", "javascript"])


@OTHERS
def test_who_joins_late_finds_the_tracks_that_are_there(room, other):
    peer = getattr(room, other)()
    for name in ("one", "two"):
        peer.write(f"publish {name}")
        peer.until_event("published", name=name)
    ours = Ours(room)
    found = [ours.expect("published"), ours.expect("published")]
    assert sorted(track.info().name for track in found) == ["one", "two"]
    assert {track.publisher_identity() for track in found} == {other}
    ours.publish("three")
    late = getattr(room, other)("late")
    late.until_event("track", name="three", publisher="ours")


def test_a_publisher_that_leaves_ends_its_track_and_another_begins_when_it_returns(room):
    ours, peer = Ours(room), room.python()
    peer.write("publish pose")
    stream = ours.read("pose")
    first = ours.expect("published")
    assert peer.status() == 0
    assert read_next(stream) is None
    assert stream.end_reason() == dt.StreamEndReason.UNPUBLISHED
    assert ours.expect("unpublished", dt.UnpublishReason.PUBLISHER_LEFT) == first
    assert not first.is_published()
    peer = room.python()
    peer.write("publish pose")
    stream = ours.read("pose")
    assert ours.expect("published") != first
    with sending(peer, "pose"):
        assert read_next(stream) == b"pose"


def test_a_publisher_that_lost_its_connection_and_returns_goes_on_in_the_same_stream(room):
    ours, peer = Ours(room), room.python()
    peer.write("publish pose")
    stream, track = ours.read("pose"), ours.expect("published")
    sid = track.info().sid
    peer.kill()
    peer = room.python()
    peer.write("publish pose")
    with sending(peer, "pose"):
        assert read_next(stream) == b"pose"
    assert track.is_published() and track.info().sid != sid
    assert not {"published", "unpublished"} & set(ours.seen())


@OTHERS
def test_a_second_track_of_the_same_name_is_refused(room, other):
    ours, peer = Ours(room), getattr(room, other)()
    ours.publish("pose")
    with pytest.raises(dt.PublishError.DuplicateName):
        ours.publish("pose")
    peer.until_event("track", name="pose")
    peer.write("publish pose")
    peer.until_event("published", name="pose")  # a name belongs to a publisher
    peer.write("publish pose")
    assert "already taken" in peer.until_event("refused", name="pose")["error"]


@OTHERS
def test_a_name_of_64_kilobytes_is_refused(room, other):
    ours, peer, name = Ours(room), getattr(room, other)(), "n" * (64 << 10)
    with pytest.raises(dt.PublishError.InvalidName) as refused:
        ours.publish(name)
    assert refused.value.length == len(name)
    assert room.datatracks("publish", "--name", name).status() == 2
    peer.write(f"publish {name}")
    peer.until_event("refused")
    ours.publish("n" * 256)
    peer.until_event("track", name="n" * 256)


@OTHERS
def test_a_hundred_tracks_arrive_both_ways(room, other):
    ours, peer, names = Ours(room), getattr(room, other)(), {f"track-{number}" for number in range(100)}
    tracks = {name: ours.publish(name) for name in sorted(names)}
    assert {peer.until_event("track")["name"] for _ in names} == names
    for name in names:
        peer.write(f"subscribe {name}")
    missing = set(names)
    with pushing(tracks):
        while missing:
            missing.discard(peer.until_event("frame")["name"])
    for name in names:
        peer.write(f"publish {name}")
        peer.until_event("published", name=name)
    assert {ours.expect("published").info().name for _ in names} == names
    for name, stream in {name: ours.read(name) for name in names}.items():
        with sending(peer, name):
            assert read_next(stream) == name.encode()


def test_fifty_times_read_and_not_beside_another_reader(room):
    """Servers up to 1.13.5 freeze a participant that unsubscribes at the wrong moment (livekit issue 4842)."""
    ours, publisher, beside = Ours(room), room.python("publisher"), room.python("beside")
    publisher.write("publish pose")
    beside.write("subscribe pose")
    track = ours.find("pose")
    with sending(publisher, "pose"):
        for _ in range(50):
            stream = wait(track.subscribe())
            assert read_next(stream) == b"pose"
            stream.shutdown()
            beside.until_event("frame")
    ours.publish("still alive")
    beside.until_event("track", name="still alive")
