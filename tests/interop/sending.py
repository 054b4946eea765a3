"""Tracks on which something comes again and again, whatever happens to the connection."""

import base64
import itertools
import threading
import time

import datatracks as dt
from processes import DEADLINE

PAUSE = 0.05  # seconds between two frames
PATIENCE = 1  # seconds until a frame is sent again


class sending:
    """Has a foreign peer send its track's name as a frame, again and again: servers lose some."""

    def __init__(self, peer, name):
        self.line = f"send {name} - {base64.b64encode(name.encode()).decode()}"
        self.peer, self.enough = peer, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.enough.wait(PAUSE):
            self.once()

    def once(self):
        self.peer.write(self.line)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.enough.set()
        self.thread.join(DEADLINE)


class pushing(sending):
    """The same on tracks of ours."""

    def __init__(self, tracks):
        super().__init__(None, "")
        self.tracks = tracks

    def once(self):
        for name, track in self.tracks.items():
            track.try_push(dt.DataTrackFrame(payload=name.encode()))


def published(room, url=None, name="pose", linger=0.5):
    waits = ["--wait-ms", 0, "--linger-ms", int(linger * 1000)]
    process = room.datatracks("publish", "--name", name, "--framing", "length", *waits, url=url)
    process.until_remark(f'published "{name}"')
    return process


def subscribed(room, url=None):
    reader = room.datatracks("subscribe", "--name", "pose", "--json", url=url)
    reader.until_remark('subscribed to "pose"')
    return reader


def reads_on(reader):
    """Frames come that were sent from now on, in the subscription that there is."""
    begin = time.monotonic()
    while time.monotonic() < begin + 0.5:
        assert reader.line(), "the track ended"
    assert sum("subscribed to" in line for line in reader.said) == 1


def deliver(publisher, peer, name="pose", again=False):
    """Sends frames until one of them arrives; `again` at a peer that has to ask for a track once more."""
    for number in itertools.count():
        assert number < 30, f"{peer.name}: no frame"
        if again:
            peer.write(f"subscribe {name}")
        publisher.send(b"number %d" % number)
        deadline = time.monotonic() + PATIENCE
        while line := peer.line_until(deadline):
            if (line["event"], line.get("name")) == ("frame", name):
                return
