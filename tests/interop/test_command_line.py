"""What the command line says of tracks of the Python SDK that it lists, or cannot read."""

import base64
import re
import time

from processes import DEADLINE

TRACK = "readings"
PATIENCE = 1  # seconds for a frame to arrive


def test_with_another_passphrase_we_read_nothing_and_say_why(room):
    publisher = published(room, passphrase="right")
    stranger = room.datatracks("subscribe", "--name", TRACK, "--json", "--count", 1, passphrase="wrong")
    friend = room.datatracks("subscribe", "--name", TRACK, "--json", passphrase="right")
    for reader in (stranger, friend):
        reader.until_remark(f'subscribed to "{TRACK}"')
    deadline = time.monotonic() + DEADLINE
    arrived = None
    while arrived is None:
        assert time.monotonic() < deadline, "no frame arrives at the friend"
        publisher.write(f"send {TRACK} - {base64.b64encode(b'secret').decode()}")
        arrived = friend.line_until(time.monotonic() + PATIENCE)
    assert publisher.status() == 0
    assert stranger.status() == 10
    assert not any(line.startswith("{") for line in stranger.said)
    assert any(re.fullmatch(r"[1-9]\d* frames could not be decrypted", line) for line in stranger.said)


def test_without_a_passphrase_an_encrypted_track_is_refused(room):
    published(room, passphrase="right")
    reader = room.datatracks("subscribe", "--name", TRACK)
    assert reader.status() == 8
    assert any("DATATRACKS_E2EE_PASSPHRASE" in line for line in reader.said)


def test_the_list_shows_what_the_python_sdk_publishes(room):
    published(room, passphrase="right")
    deadline = time.monotonic() + DEADLINE
    while (line := room.datatracks("list", "--json").line()) is None:
        assert time.monotonic() < deadline, "the track is not listed"
    assert (line["publisher"], line["name"], line["encrypted"]) == ("python", TRACK, True)


def published(room, passphrase):
    publisher = room.python(passphrase=passphrase)
    publisher.write(f"publish {TRACK}")
    assert publisher.until_event("published")["encrypted"]
    return publisher
