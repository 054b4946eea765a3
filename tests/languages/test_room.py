"""One room for all languages: a Swift, a Kotlin and a Python program, each on the library that ships, all publish and read each other.

A program joins (arguments: address, room, identity, passphrase or "", identities of the others), publishes a track named after itself,
reads that of each other, and then does what the lines say that it is given, until they end:

    it says                             it is told
    ready                               send TIMESTAMP PAYLOAD    push a frame
    frame FROM TIMESTAMP PAYLOAD        tell                      say one line `track` for each other
    track FROM sealed|plain UNDECRYPTABLE
    left PANICS                         (end of input)            leave

Payloads are in base64. What should arrive where, only this file knows: no program judges itself or another.
"""

import base64
import os
import queue
import secrets
import subprocess
import sys
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/python"))

from conftest import sfu  # noqa: E402, F401
from test_bridge import bridge, livekit  # noqa: E402, F401

# The words of the command that starts a program, one a line. Where a machine cannot have Swift, `cargo tasks languages` says so.
COMMANDS = {
    language: os.environ[variable].splitlines()
    for language in ("swift", "kotlin")
    if (variable := f"DATATRACKS_{language.upper()}_PARTICIPANT") in os.environ
} | {"python": [sys.executable, str(Path(__file__).with_name("participant.py"))]}
assert "kotlin" in COMMANDS, "DATATRACKS_KOTLIN_PARTICIPANT is missing: cargo tasks languages"

PAIRS = [(reader, publisher) for reader in COMMANDS for publisher in COMMANDS if reader != publisher]
PASSPHRASE = "known to all three"
# Sizes of the frames that each program sends at once, before all have read them. Twelve wait in a stream's buffer, whatever its reader
# is at. A real room loses packets of a burst, and with a packet the frame: there they are fewer, and sent again until all have them.
BATCHES = {"sfu": [[0, 1024, 40_000, 300_000] * 3], "bridge": [[0], [1024], [40_000]] * 3}
ATTEMPTS = {"sfu": 1, "bridge": 10}
DEADLINE = 30  # seconds for anything to happen, on a busy machine


def everybody(passphrase):
    return dict.fromkeys(COMMANDS, passphrase)


ROOMS = {
    "plain": ("sfu", everybody("")),
    "sealed": ("sfu", everybody(PASSPHRASE)),
    "plain in a real room": ("bridge", everybody("")),
    "sealed in a real room": ("bridge", everybody(PASSPHRASE)),
} | {f"another key for {odd}": ("sfu", everybody(PASSPHRASE) | {odd: "of its own"}) for odd in COMMANDS}


@pytest.fixture(scope="module", params=ROOMS)
def room(request):
    """A room in which everything has been sent, and that all have left."""
    place, passphrases = ROOMS[request.param]
    room = Room(request.getfixturevalue(place).address, passphrases)
    try:
        room.gather()
        for sizes in BATCHES[place]:
            room.exchange(sizes, ATTEMPTS[place])
        room.leave()
    finally:
        room.end()
    return room


@pytest.mark.parametrize(("reader", "publisher"), PAIRS, ids=lambda language: language)
def test_each_reads_each_other(room, reader, publisher):
    heard, sent = room.programs[reader], room.programs[publisher].sent
    opens = room.passphrases[reader] == room.passphrases[publisher]
    frames, expected = room.frames(reader, publisher), sent if opens else []
    assert heard.sealed[publisher] == bool(room.passphrases[publisher])
    assert heard.undecryptable[publisher] == (0 if opens else len(sent))
    assert without_bytes(frames) == without_bytes(expected)
    assert [number for number, frame in enumerate(frames) if frame != expected[number]] == [], "frames with other bytes"


def without_bytes(frames):
    return [(timestamp, len(payload)) for timestamp, payload in frames]


class Room:
    def __init__(self, address, passphrases):
        self.passphrases, self.repeats, name = passphrases, False, f"room-{secrets.token_hex(4)}"
        self.programs = {}
        for language, command in COMMANDS.items():
            others = [other for other in COMMANDS if other != language]
            arguments = ["{}:{}".format(*address), name, language, passphrases[language], *others]
            self.programs[language] = Program([*command, *arguments], others)

    def gather(self):
        for program in self.programs.values():
            assert program.answer() == "ready"

    def exchange(self, sizes, attempts):
        """All send at once, until all have everything."""
        batch = {language: [random_frame(size) for size in sizes] for language in COMMANDS}
        for language, program in self.programs.items():
            program.sent += batch[language]
        for attempt in range(attempts):
            self.repeats = self.repeats or attempt > 0
            self.send(batch)
            if self.all_have_all(seconds=DEADLINE / attempts):
                return

    def send(self, batch):
        with ThreadPoolExecutor() as threads:
            list(threads.map(lambda language: self.programs[language].send(batch[language]), batch))

    def all_have_all(self, seconds):
        """Waits until every frame is read, or counted as one that cannot be opened."""
        deadline = time.monotonic() + seconds
        while not all(self.has_all(*pair) for pair in PAIRS):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
            for program in self.programs.values():
                program.tell()
        return True

    def has_all(self, reader, publisher):
        unopened = self.programs[reader].undecryptable[publisher]
        return len(set(self.frames(reader, publisher))) + unopened >= len(self.programs[publisher].sent)

    def frames(self, reader, publisher):
        """What has arrived; where frames were sent again, each once."""
        frames = self.programs[reader].frames[publisher]
        return list(dict.fromkeys(frames)) if self.repeats else frames.copy()

    def leave(self):
        for program in self.programs.values():
            program.tell()
        for program in self.programs.values():
            program.leave()

    def end(self):
        for program in self.programs.values():
            program.process.kill()
            program.process.wait()


def random_frame(size):
    return secrets.randbits(64), secrets.token_bytes(size)


class Program:
    """A participant, what it was told to send, and what it says of each other."""

    def __init__(self, command, others):
        self.sent, self.frames = [], {other: [] for other in others}
        self.sealed, self.undecryptable = {}, defaultdict(int)
        self.answers = queue.Queue()
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        threading.Thread(target=self.hear, daemon=True).start()

    def hear(self):
        for line in self.process.stdout:
            match line.rstrip("\n").split(" "):
                case ["frame", publisher, timestamp, payload]:
                    self.frames[publisher].append((int(timestamp), base64.b64decode(payload)))
                case ["track", publisher, sealed, undecryptable]:
                    self.sealed[publisher], self.undecryptable[publisher] = sealed == "sealed", int(undecryptable)
                    self.answers.put("track")
                case words:
                    self.answers.put(" ".join(words))
        self.answers.put("its end")

    def answer(self):
        return self.answers.get(timeout=DEADLINE)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def send(self, frames):
        for timestamp, payload in frames:
            self.say(f"send {timestamp} {base64.b64encode(payload).decode()}")

    def tell(self):
        self.say("tell")
        for _ in self.frames:
            assert self.answer() == "track"

    def leave(self):
        self.process.stdin.close()
        assert [self.answer(), self.answer()] == ["left 0", "its end"]
        assert self.process.wait(DEADLINE) == 0
