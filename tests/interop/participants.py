"""Who publishes and reads in the interop matrix, each with the same few methods.

Everybody publishes two tracks, or reads both. Ours is the command line, one process a track. Ours in Python is a host on the bindings
behind `datatracks bridge`, and its frames are sealed and opened by providers of its own; it is also what ours is with a key from outside.
Kotlin and Swift are ours too, but speak the lines of the SDKs of others.
"""

import asyncio
import base64
import hashlib
import itertools
import queue
import threading
import time

import datatracks as dt
from ours import Ours
from processes import DEADLINE

TRACKS = ["stamped", "unstamped"]


def publisher(kind, room, **secret):
    if is_host(kind, secret):
        return HostPublishing(room, **secret)
    if kind == "ours":
        return CommandsPublishing(room, **secret)
    return PeerPublishing(peer(kind, room, "publisher", **secret), sealed=bool(secret))


def reader(kind, room, **secret):
    if is_host(kind, secret):
        return HostReading(room, **secret)
    if kind == "ours":
        return CommandsReading(room, **secret)
    return PeerReading(peer(kind, room, "reader", **secret))


def is_host(kind, secret):
    return kind == "ours in Python" or (kind == "ours" and "key" in secret)


def peer(kind, room, identity, **secret):
    joins = {"Kotlin": room.kotlin, "Swift": room.swift, "Python": room.python, "JS": room.javascript}
    return joins[kind](identity, **secret)


class CommandsPublishing:
    FLAGS = {"stamped": [], "unstamped": ["--no-timestamp"]}

    def __init__(self, room, passphrase=None):
        arguments = ["--framing", "length", "--wait-ms", 0]
        self.processes = {
            name: room.datatracks("publish", "--name", name, *arguments, *self.FLAGS[name], passphrase=passphrase)
            for name in TRACKS
        }
        for name, process in self.processes.items():
            process.until_remark(f'published "{name}"')

    def send(self, name, payload):
        """Answers which timestamps the frame may have."""
        self.processes[name].send(payload)
        now = int(time.time() * 1000)
        return range(now - 1000, now + DEADLINE * 1000) if name == "stamped" else [None]

    def leave(self):
        assert [process.status() for process in self.processes.values()] == [0, 0]


class CommandsReading:
    def __init__(self, room, passphrase=None):
        self.processes = {
            name: room.datatracks("subscribe", "--name", name, "--json", passphrase=passphrase) for name in TRACKS
        }

    def wait_until_subscribed(self):
        for name, process in self.processes.items():
            process.until_remark(f'subscribed to "{name}"')

    def next(self, name, deadline):
        return self.processes[name].line_until(deadline)

    def until_ended(self, name):
        """What still comes of this track, until its end."""
        frames = list(iter(self.processes[name].line, None))
        assert self.processes[name].status() == 0
        return frames

    def undecryptable(self, name):
        """What it has counted of this track, whose end it has seen."""
        return int(self.processes[name].until_remark("could not be decrypted").split()[0])


class PeerPublishing:
    """A process that is told by lines."""

    def __init__(self, peer, sealed):
        self.peer, self.clock = peer, itertools.count(1000)
        for name in TRACKS:
            peer.write(f"publish {name}")
            assert peer.until_event("published", name=name)["encrypted"] == sealed

    def send(self, name, payload):
        timestamp = next(self.clock) if name == "stamped" else None
        self.peer.write(f"send {name} {timestamp or '-'} {base64.b64encode(payload).decode()}")
        return [timestamp]

    def leave(self):
        assert self.peer.status() == 0


class PeerReading:
    def __init__(self, peer):
        self.peer, self.ended, self.late = peer, {}, {name: [] for name in TRACKS}
        for name in TRACKS:
            peer.write(f"subscribe {name}")

    def wait_until_subscribed(self):
        """They do not tell: the first frame does."""

    def next(self, name, deadline):
        while line := self.peer.line_until(deadline):
            assert line["event"] != "ended", line
            if line["event"] == "frame" and line["name"] == name:
                return arrived(line)
        return None

    def until_ended(self, name):
        while name not in self.ended:
            line = self.peer.line()
            if line["event"] == "ended":
                self.ended[line["name"]] = line
            elif line["event"] == "frame":
                self.late[line["name"]].append(arrived(line))
        return self.late[name]

    def undecryptable(self, name):
        """Foreign SDKs do not count."""
        return self.ended[name].get("undecryptable")


def arrived(line):
    """As most say it; those that have no SHA-256 give the payload."""
    return line | {"sha": sha(base64.b64decode(line["payload"]))} if "payload" in line else line


def sha(payload):
    return hashlib.sha256(payload).hexdigest()[:16]


def keyed(room, identity, key=None, passphrase=None):
    """A host that brings its own providers, if it has a secret."""
    if not (key or passphrase):
        return Ours(room, identity)
    derivation = dt.KeyDerivation.HKDF if key else dt.KeyDerivation.PBKDF2
    ring = dt.KeyRing(dt.KeyRingOptions(derivation=derivation))
    ring.set_shared_key(base64.b64decode(key) if key else passphrase.encode(), 0)
    return Ours(room, identity, Sealing(ring.encryption_provider(None)), Opening(ring.decryption_provider()))


class Sealing(dt.EncryptionProvider):
    def __init__(self, inner):
        self.inner = inner

    def encrypt(self, payload):
        return self.inner.encrypt(payload)


class Opening(dt.DecryptionProvider):
    def __init__(self, inner):
        self.inner = inner

    def decrypt(self, payload, publisher_identity):
        return self.inner.decrypt(payload, publisher_identity)


class HostPublishing:
    def __init__(self, room, **secret):
        self.host, self.clock = keyed(room, "publisher", **secret), itertools.count(1000)
        required = {"encryption": dt.EncryptionMode.REQUIRED} if secret else {}
        self.tracks = {name: self.host.publish(name, **required) for name in TRACKS}

    def send(self, name, payload):
        timestamp = next(self.clock) if name == "stamped" else None
        self.tracks[name].try_push(dt.DataTrackFrame(payload=payload, user_timestamp=timestamp))
        return [timestamp]

    def leave(self):
        for track in self.tracks.values():
            track.unpublish()
        self.host.close()


class HostReading:
    def __init__(self, room, **secret):
        self.host, self.frames = keyed(room, "reader", **secret), {name: queue.Queue() for name in TRACKS}
        self.tracks = {}
        self.subscribed = {name: threading.Event() for name in TRACKS}

    def wait_until_subscribed(self):
        for name, subscribed in self.subscribed.items():
            threading.Thread(target=lambda name=name: asyncio.run(self.read(name)), daemon=True).start()
            assert subscribed.wait(DEADLINE), f"not subscribed to {name}"

    async def read(self, name):
        self.tracks[name] = await self.host.remote.wait_for_track(name, None, DEADLINE * 1000)
        stream = await self.tracks[name].subscribe()
        self.subscribed[name].set()
        while frame := await stream.next():
            self.frames[name].put({"len": len(frame.payload), "sha": sha(frame.payload), "ts": frame.user_timestamp})
        self.frames[name].put(None)

    def next(self, name, deadline):
        try:
            return self.frames[name].get(timeout=max(deadline - time.monotonic(), 0.001))
        except queue.Empty:
            return None

    def until_ended(self, name):
        return list(iter(lambda: self.frames[name].get(timeout=DEADLINE), None))

    def undecryptable(self, name):
        return self.tracks[name].stats().frames_dropped_undecryptable
