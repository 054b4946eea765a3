"""Every pair that has ours in it exchanges frames through a server, byte for byte, or is refused as it must be.

The server drops single packets when its machine is busy, and tells nobody. So a frame that does not arrive is sent again, a bounded
number of times, which the table shows; every frame must arrive, and nothing may arrive that was not sent. Ours are not sent as a burst, and
have to arrive in a few: but at the Python SDK, whose reader refuses packets when 16 wait.
"""

import random
import time
from collections import defaultdict

import pytest
from matrix import OURS, PAIRS, SECRETS
from participants import TRACKS, publisher, reader, sha

ATTEMPTS, OF_OURS = 20, 3  # to get one frame across
PATIENCE = 2  # seconds for a frame to arrive; far more than it takes on a machine that is not busy
OPEN = [secrets for secrets, (publishers, readers) in SECRETS.items() if publishers == readers]


@pytest.mark.parametrize("secrets", OPEN)
@pytest.mark.parametrize("pair", PAIRS, ids=" to ".join)
def test_every_frame_arrives(room, table, pair, secrets):
    of_publisher, of_reader = SECRETS[secrets]
    exchange = Exchange(publisher(pair[0], room, **of_publisher), reader(pair[1], room, **of_reader))
    for size in table.sizes:
        for track in TRACKS:
            attempts = exchange.deliver(track, frame(size), OF_OURS if pair[0] in OURS and pair[1] != "Python" else ATTEMPTS)
            table.note(pair, secrets, size, track, "✓" if attempts == 1 else f"✓×{attempts}")
    exchange.end()


@pytest.mark.parametrize("pair", PAIRS, ids=" to ".join)
def test_who_has_another_passphrase_reads_nothing(room, table, pair):
    of_publisher, of_stranger = SECRETS["different passphrases"]
    stranger = reader(pair[1], room, **of_stranger)
    publishing = publisher(pair[0], room, **of_publisher)
    stranger.wait_until_subscribed()
    friend = Exchange(publishing, reader("ours", room, **of_publisher))
    for size in table.sizes:
        for track in TRACKS:
            friend.deliver(track, frame(size))
    friend.end()
    for track in TRACKS:
        assert stranger.until_ended(track) == []
        assert stranger.undecryptable(track) != 0
        for size in table.sizes:
            table.note(pair, "different passphrases", size, track, "refused")


class Exchange:
    """One publisher, one reader, and what was sent."""

    def __init__(self, publisher, reader):
        self.publisher, self.reader, self.sent = publisher, reader, defaultdict(list)
        reader.wait_until_subscribed()
        for track in TRACKS:
            self.deliver(track, b"Are you there?")

    def deliver(self, track, payload, most=ATTEMPTS):
        """Sends a frame until it arrives, and answers how often."""
        for attempt in range(1, most + 1):
            self.sent[track, len(payload), sha(payload)].extend(self.publisher.send(track, payload))
            deadline = time.monotonic() + PATIENCE
            while arrived := self.reader.next(track, deadline):
                self.judge(track, arrived)
                if arrived["sha"] == sha(payload):
                    return attempt
        pytest.fail(f"a frame of {len(payload)} bytes does not arrive on {track}, sent {most} times")

    def judge(self, track, arrived):
        assert arrived["ts"] in self.sent[track, arrived["len"], arrived["sha"]], f"nobody sent {arrived}"

    def end(self):
        self.publisher.leave()
        for track in TRACKS:
            for late in self.reader.until_ended(track):
                self.judge(track, late)


def frame(size):
    return random.Random(size).randbytes(size)
