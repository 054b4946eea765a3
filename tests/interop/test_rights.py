"""Rights that are missing, taken away and given back, in a real room with an SDK of others in it: what the application sees."""

import datatracks as dt
import pytest
from ours import Ours, read_next, wait
from sending import pushing, sending

OTHERS = pytest.mark.parametrize("other", ["python", "javascript"])


@OTHERS
def test_without_the_right_to_publish_data_a_track_is_refused(room, other):
    ours, peer = Ours(room, can_publish_data=False), getattr(room, other)(can_publish_data=False)
    with pytest.raises(dt.PublishError.NotAllowed):
        ours.publish("pose")
    assert ours.local.stats().tracks_pending == 0
    peer.write("publish pose")
    peer.until_event("refused")
    token = room.token("command", can_publish_data=False)
    assert room.datatracks("publish", "--name", "pose", token=token).status() == 8


@OTHERS
def test_a_right_that_is_taken_away_ends_the_track_and_given_back_lets_it_be_published_again(room, other):
    ours, peer = Ours(room), getattr(room, other)()
    peer.write("subscribe pose")
    track = ours.publish("pose")
    with pushing({"pose": track}):
        peer.until_event("frame")
        room.permit("ours", can_publish_data=False)
        assert ours.expect("local unpublished", dt.UnpublishReason.REVOKED) == track
        peer.until_event("ended", name="pose")
    assert not track.is_published() and wait(track.wait_for_unpublish()) == dt.UnpublishReason.REVOKED
    with pytest.raises(dt.PushFrameError.TrackUnpublished):
        track.try_push(dt.DataTrackFrame(payload=b"too late"))
    with pytest.raises(dt.PublishError.NotAllowed):
        ours.publish("pose")
    room.permit("ours")
    again = published_again(ours)
    assert again != track
    peer.write("subscribe pose")
    with pushing({"pose": again}):
        peer.until_event("frame")


def published_again(ours):
    """The server takes a moment to let it happen."""
    for _ in range(50):
        try:
            return ours.publish("pose")
        except dt.PublishError.NotAllowed:
            continue
    pytest.fail("the right was given back, and publishing is still refused")


@OTHERS
def test_a_publisher_that_loses_the_right_ends_our_stream(room, other):
    ours, peer = Ours(room), getattr(room, other)()
    peer.write("publish pose")
    stream = ours.read("pose")
    with sending(peer, "pose"):
        assert read_next(stream) == b"pose"
    track = ours.expect("published")
    room.permit(other, can_publish_data=False)
    assert ours.expect("unpublished") == track
    while read_next(stream):
        pass
    assert stream.end_reason() == dt.StreamEndReason.UNPUBLISHED


def test_without_the_right_to_subscribe_no_handle_comes_and_with_it_the_same_track_can_be_read(room):
    ours, peer = Ours(room, can_subscribe=False), room.python()
    peer.write("publish pose")
    track = ours.find("pose")
    with pytest.raises(dt.SubscribeError.TimedOut):
        wait(track.subscribe())
    room.permit("ours")
    stream = wait(track.subscribe())
    with sending(peer, "pose"):
        assert read_next(stream) == b"pose"


def test_what_is_subscribed_when_the_right_is_taken_away_goes_on_and_nothing_else_can_be_read(room):
    """Servers before 1.13.11 go on sending, and tell nobody."""
    ours, peer = Ours(room), room.python()
    peer.write("publish pose")
    stream = ours.read("pose")
    with sending(peer, "pose"):
        assert read_next(stream) == b"pose"
        room.permit("ours", can_subscribe=False)
        peer.write("publish another")
        with pytest.raises(dt.SubscribeError.TimedOut):
            ours.read("another")
        for _ in range(100):
            assert read_next(stream) == b"pose"
    assert stream.end_reason() is None


@OTHERS
def test_who_is_removed_is_told_and_the_others_see_its_tracks_end(room, other):
    peer = getattr(room, other)()
    command = room.datatracks("publish", "--name", "pose", "--framing", "length", identity="command")
    peer.until_event("track", name="pose")
    room.remove("command")
    peer.until_event("untrack", name="pose")
    command.until_remark("removed from the room")
    assert command.status() == 9


def test_a_removed_publisher_ends_our_stream(room):
    ours, peer = Ours(room), room.python()
    peer.write("publish pose")
    stream = ours.read("pose")
    track = ours.expect("published")
    room.remove("python")
    assert ours.expect("unpublished", dt.UnpublishReason.PUBLISHER_LEFT) == track
    assert read_next(stream) is None
    peer.until_event("disconnected")


def test_a_room_that_is_deleted_ends_for_all(room):
    ours, peer = Ours(room), room.python()
    publisher = room.datatracks("publish", "--name", "pose", "--framing", "length")
    peer.until_event("track", name="pose")
    reader = room.datatracks("subscribe", "--name", "pose")
    reader.until_remark("subscribed to")
    room.delete()
    publisher.until_remark("the room was deleted")
    assert publisher.status() == 9
    assert reader.status() in (0, 9)  # it may hear of the end of the track before that of the room
    ours.expect("leave")
    peer.until_event("disconnected")


def test_a_token_that_has_expired_is_refused(room):
    token = room.token("late", seconds=-120)  # servers allow for clocks that are a minute late
    assert room.datatracks("list", token=token).status() == 4
    room.python()  # the server is well
