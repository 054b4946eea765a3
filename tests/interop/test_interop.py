"""Frames between `datatracks` and the Python SDK of LiveKit through a real livekit-server, byte for byte.

The server drops single packets when its machine is busy, and tells nobody. So a frame that does not arrive is sent again, a
bounded number of times; every frame must arrive, and nothing may arrive that was not sent.
"""

import functools
import hashlib
import re
import time

import pytest
from conftest import DEADLINE
from peer import frame

TRACK = "readings"
COUNT = 10
ATTEMPTS = 20  # to get one frame across
PATIENCE = 1  # seconds for a frame to arrive; far more than it takes on a machine that is not busy
SIZES = pytest.mark.parametrize("size", [1000, 40_000])
PASSPHRASES = pytest.mark.parametrize("passphrase", [None, "correct horse"], ids=["plain", "encrypted"])


@SIZES
@PASSPHRASES
def test_the_python_sdk_reads_what_we_publish(room, size, passphrase):
    reader = room.python("subscribe", "--name", TRACK, passphrase=passphrase)
    reader.until_event("joined")
    publisher = published(room, passphrase)
    for index in range(COUNT):
        deliver(publisher, reader, index, size)
    assert publisher.status() == 0
    while (line := reader.line()) != {"event": "ended"}:
        assert line["sha"] in shas(size)


@SIZES
@PASSPHRASES
def test_we_read_what_the_python_sdk_publishes(room, size, passphrase):
    arguments = ["--name", TRACK, "--size", size, "--count", COUNT]
    publisher = room.python("publish", *arguments, passphrase=passphrase)
    assert publisher.until_event("published")["encrypted"] == (passphrase is not None)
    reader = subscribed(room, passphrase=passphrase)
    publisher.write()
    missing = set(range(COUNT))
    while missing:
        line = reader.line()
        assert line is not None, reader.said
        index = line["ts"] - 1000
        assert (line["len"], line["sha"]) == (size, sha(frame(index, size)))
        missing.discard(index)
    publisher.write()
    assert reader.status() == 0


def test_the_python_sdk_with_another_passphrase_reads_nothing(room):
    stranger = room.python("subscribe", "--name", TRACK, identity="stranger", passphrase="wrong")
    friend = room.python("subscribe", "--name", TRACK, identity="friend", passphrase="right")
    stranger.until_event("joined")
    friend.until_event("joined")
    publisher = published(room, "right")
    for index in range(COUNT):
        deliver(publisher, friend, index, 1000)
    assert publisher.status() == 0
    assert stranger.line() == {"event": "ended"}


def test_with_another_passphrase_we_read_nothing_and_say_why(room):
    publisher = room.python("publish", "--name", TRACK, "--count", COUNT, passphrase="right")
    publisher.until_event("published")
    stranger = subscribed(room, "--count", 1, passphrase="wrong")
    friend = subscribed(room, "--count", 2 * COUNT, passphrase="right")
    publisher.write()
    assert friend.status() == 0
    publisher.write()
    assert stranger.status() == 10
    assert not any(line.startswith("{") for line in stranger.said)
    assert any(re.fullmatch(r"[1-9]\d* frames could not be decrypted", line) for line in stranger.said)


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


def deliver(publisher, reader, index, size):
    """Sends a frame until it arrives: the Python SDK does not tell either when it is subscribed."""
    for _ in range(ATTEMPTS):
        publisher.send(frame(index, size))
        deadline = time.monotonic() + PATIENCE
        while (line := reader.line_until(deadline)) is not None:
            assert abs(time.time() * 1000 - line["ts"]) < DEADLINE * 1000
            assert (line["len"], line["sha"] in shas(size)) == (size, True)
            if line["sha"] == sha(frame(index, size)):
                return
    pytest.fail(f"frame {index} does not arrive: {reader.said}")


@functools.cache
def shas(size):
    return {sha(frame(index, size)) for index in range(COUNT)}


def sha(payload):
    return hashlib.sha256(payload).hexdigest()[:16]
