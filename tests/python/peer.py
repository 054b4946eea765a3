"""What tests add to a host: faults on demand, what it saw, and the SFU's test controls."""

import json
import queue
import socket
import threading
import time

import datatracks as dt
from host import PACKET, SIGNAL, Host, length_delimited, varint

CONTROL = 3
STORE_DATA_BLOB = 22  # a field of SignalRequest


class Peer(Host):
    """A host whose sends fail while `broken` names their kind, and whose callbacks throw while `throws` is true."""

    def __init__(self, address, hello, **providers):
        self.events, self.answers = queue.Queue(), queue.Queue()
        self.broken, self.throws, self.held_back = set(), False, None
        self.sent_signals, self.sent_packets, self.received_packets = [], [], []
        self.reconnected = threading.Event()
        super().__init__(address, hello, **providers)
        assert self.joined.wait(10), "no JoinResponse within 10 s"

    @property
    def identity(self):
        return self.hello["identity"]

    def send(self, kind, data):
        if kind in self.broken:
            raise OSError("the transport is broken")
        if kind in (SIGNAL, PACKET):
            (self.sent_signals if kind == SIGNAL else self.sent_packets).append(bytes(data))
        super().send(kind, data)

    def handle(self, kind, data):
        if kind == CONTROL:
            self.answers.put(json.loads(data))
            return
        if kind == PACKET:
            self.received_packets.append(bytes(data))
        if self.held_back is not None and kind == SIGNAL:
            self.held_back.append(data)
            return
        super().handle(kind, data)

    def after_reconnect(self, message):
        super().after_reconnect(message)
        self.reconnected.set()

    def lost(self, error):
        """The test says when it comes back."""

    def event(self, *what):
        self.events.put(what)
        if self.throws:
            raise RuntimeError("the application threw")

    def control(self, op, **fields):
        """One test control of the SFU; answers when it has taken effect."""
        self.send(CONTROL, json.dumps({"op": op, **fields}).encode())
        if op == "drop_session":
            until_closed(self.socket)
            return
        answer = self.answers.get(timeout=10)
        assert answer["ok"], answer

    def reconnect(self, mode):
        """Loses the connection as a phone does, and comes back: "quick" and "full" when the SFU has noticed the loss and has
        kept or removed the participant; "unnoticed": as a new session, while the SFU still has the old one."""
        self.reconnected.clear()
        if mode == "unnoticed":
            self.connect(resume=False)
        else:
            self.control("drop_session", mode=mode)
            self.connect(resume=mode == "quick")
        assert self.reconnected.wait(10), "no answer to the reconnect within 10 s"

    def expect(self, *kind, seconds=10):
        """The next event of this kind; what comes before it is passed over."""
        deadline = time.monotonic() + seconds
        while True:
            what = self.events.get(timeout=max(0.001, deadline - time.monotonic()))
            if what[: len(kind)] == kind:
                return what

    def told_before(self, name):
        """The kinds of all events that came before the first one of the track of this name."""
        found = []
        while (what := self.events.get(timeout=10))[1].info().name != name:
            found.append(what[0])
        return found

    def seen(self):
        """The events that have come so far."""
        found = []
        while not self.events.empty():
            found.append(self.events.get())
        return found


def until_closed(connection):
    """Waits until the reader thread has seen the end of the connection."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"":
                return
        except BlockingIOError:
            pass
        except OSError:
            return
        time.sleep(0.005)
    raise AssertionError("the SFU did not close the connection")


async def until(condition, seconds=10):
    """Waits until `condition()` holds."""
    import asyncio

    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition does not come true"
        await asyncio.sleep(0.005)


def options(name, **more):
    return dt.DataTrackOptions(name=name, **more)


def frame(payload, user_timestamp=None):
    return dt.DataTrackFrame(payload=payload, user_timestamp=user_timestamp)


async def subscribed(subscriber, name, **more):
    """A stream of the track of that name, as soon as there is one."""
    track = await subscriber.remote.wait_for_track(name, None, 10_000)
    return await track.subscribe_with_options(dt.DataTrackSubscribeOptions(**more))


async def connected(publisher, subscriber, name="samples", stream=None, **more):
    """A published track and an open stream of it."""
    track = await publisher.local.publish_track(options(name, **more))
    return track, await subscribed(subscriber, name, **(stream or {}))


# Signal messages of an SFU, by hand (LiveKit protocol, livekit_rtc.proto).


def publish_response(handle, sid, name, encrypted):
    encryption = varint(4 << 3) + varint(1) if encrypted else b""
    info = varint(1 << 3) + varint(handle) + length_delimited(2, sid.encode())
    info += length_delimited(3, name.encode()) + encryption
    return length_delimited(27, length_delimited(1, info))


def participant_update(identity, sid, tracks):
    """One active participant with all its tracks: (handle, SID, name) each."""
    infos = b"".join(
        length_delimited(19, varint(1 << 3) + varint(handle) + length_delimited(2, track.encode()) + length_delimited(3, name.encode()))
        for handle, track, name in tracks
    )
    participant = length_delimited(1, sid.encode()) + length_delimited(2, identity.encode()) + varint(3 << 3) + b"\x02"
    return length_delimited(5, length_delimited(1, participant + infos))


def subscription_permission(track_sid, allowed):
    update = length_delimited(2, track_sid.encode()) + (varint(3 << 3) + b"\x01" if allowed else b"")
    return length_delimited(15, update)


def request_response(request_id, reason, words):
    answer = varint(1 << 3) + varint(request_id) + varint(2 << 3) + varint(reason)
    return length_delimited(22, answer + length_delimited(3, words.encode()))


def request_id(request):
    """The first field of the request."""
    assert request[3] == 1 << 3, request[:8]
    number = shift = 0
    for byte in request[4:]:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number
