"""Tracks on which something comes again and again."""

import base64
import threading

import datatracks as dt
from processes import DEADLINE

PAUSE = 0.05  # seconds between two frames


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
