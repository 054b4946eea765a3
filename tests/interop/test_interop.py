"""Frames between `datatracks` and the Python SDK of LiveKit through a real livekit-server, byte for byte."""

import hashlib
import queue
import time

import pytest
from conftest import DEADLINE
from peer import frame

TRACK = "readings"
COUNT = 10
SIZES = pytest.mark.parametrize("size", [1000, 40_000])
PASSPHRASES = pytest.mark.parametrize("passphrase", [None, "correct horse"], ids=["plain", "encrypted"])


@SIZES
@PASSPHRASES
def test_the_python_sdk_reads_what_we_publish(room, size, passphrase):
    reader = room.python("subscribe", "--name", TRACK, passphrase=passphrase)
    reader.until_event("joined")
    publisher = published(room, passphrase)
    warm_up(publisher, reader)
    for index in range(COUNT):
        publisher.send(frame(index, size))
        assert next_frame(reader) == {"len": size, "sha": sha(frame(index, size))}
    assert publisher.status() == 0
    reader.until_event("ended")


@SIZES
@PASSPHRASES
def test_we_read_what_the_python_sdk_publishes(room, size, passphrase):
    arguments = ["--name", TRACK, "--size", size, "--count", COUNT]
    publisher = room.python("publish", *arguments, passphrase=passphrase)
    assert publisher.until_event("published")["encrypted"] == (passphrase is not None)
    reader = subscribed(room, "--count", COUNT, passphrase=passphrase)
    publisher.write()
    for index in range(COUNT):
        line = reader.line()
        assert (line["i"], line["ts"], line["len"]) == (index, 1000 + index, size)
        assert line["sha"] == sha(frame(index, size))
    assert reader.status() == 0


def test_the_python_sdk_with_another_passphrase_reads_nothing(room):
    stranger = room.python("subscribe", "--name", TRACK, identity="stranger", passphrase="wrong")
    friend = room.python("subscribe", "--name", TRACK, identity="friend", passphrase="right")
    stranger.until_event("joined")
    friend.until_event("joined")
    publisher = published(room, "right")
    warm_up(publisher, friend)
    for index in range(COUNT):
        publisher.send(frame(index, 1000))
        assert next_frame(friend)["sha"] == sha(frame(index, 1000))
    assert publisher.status() == 0
    assert stranger.line() == {"event": "ended"}


def test_with_another_passphrase_we_read_nothing_and_say_why(room):
    publisher = room.python("publish", "--name", TRACK, "--count", COUNT, passphrase="right")
    publisher.until_event("published")
    stranger = subscribed(room, "--count", 1, passphrase="wrong")
    friend = subscribed(room, "--count", COUNT, passphrase="right")
    publisher.write()
    publisher.until_event("sent")
    assert friend.status() == 0
    publisher.write()
    assert stranger.status() == 10
    assert not any(line.startswith("{") for line in stranger.said)
    assert f"{COUNT} frames could not be decrypted" in stranger.said


def test_without_a_passphrase_an_encrypted_track_is_refused(room):
    publisher = room.python("publish", "--name", TRACK, passphrase="right")
    publisher.until_event("published")
    reader = room.datatracks("subscribe", "--name", TRACK)
    assert reader.status() == 8
    assert any("DATATRACKS_E2EE_PASSPHRASE" in line for line in reader.said)


def test_the_list_shows_what_the_python_sdk_publishes(room):
    publisher = room.python("publish", "--name", TRACK, passphrase="right")
    publisher.until_event("published")
    deadline = time.monotonic() + DEADLINE
    while (line := room.datatracks("list", "--json").line()) is None:
        assert time.monotonic() < deadline, "the track is not listed"
    assert (line["publisher"], line["name"], line["encrypted"]) == ("python", TRACK, True)


def published(room, passphrase):
    publisher = room.datatracks(
        "publish", "--name", TRACK, "--framing", "length", "--wait-ms", 0, passphrase=passphrase
    )
    publisher.until_remark(f'published "{TRACK}"')
    return publisher


def subscribed(room, *arguments, passphrase):
    reader = room.datatracks("subscribe", "--name", TRACK, "--json", *arguments, passphrase=passphrase)
    reader.until_remark(f'subscribed to "{TRACK}"')
    return reader


def warm_up(publisher, reader):
    """Sends empty frames until one arrives: the Python SDK does not tell when it is subscribed."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        publisher.send(b"")
        try:
            assert reader.line(timeout=0.2)["len"] == 0
            return
        except queue.Empty:
            continue
    pytest.fail("the Python SDK gets nothing")


def next_frame(reader):
    """The next frame that is no warm-up. Its timestamp is a time near now."""
    while (line := reader.line())["len"] == 0:
        pass
    assert abs(time.time() * 1000 - line.pop("ts")) < DEADLINE * 1000
    return line


def sha(payload):
    return hashlib.sha256(payload).hexdigest()[:16]
