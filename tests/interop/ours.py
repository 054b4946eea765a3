"""A host of ours on the Python bindings, in the test's own process: it keeps the events that an application would get."""

import asyncio
import queue
import time

import datatracks as dt
from host import LEAVE, PACKET, SIGNAL, Host, field_number
from processes import DEADLINE


class Ours(Host):
    """Joins a room of the real server, through `datatracks bridge`."""

    def __init__(self, room, identity="ours", encryption=None, decryption=None, **permissions):
        self.events, self.name = queue.Queue(), identity
        hello = {"identity": identity, "room": room.name}
        if permissions:
            hello["permissions"] = {"can_publish_data": True, "can_subscribe": True, **permissions}
        super().__init__(room.bridge(), hello, encryption, decryption)
        room.started.append(self)
        assert self.joined.wait(DEADLINE), "no JoinResponse"

    def send(self, kind, data):
        super().send(kind, data)
        if kind == PACKET:
            self.local.handle_buffered_amount(0)  # what the bridge holds back, TCP does: this switches pacing on

    def handle(self, kind, data):
        if kind == SIGNAL and field_number(data) == LEAVE:
            self.event("leave")
        super().handle(kind, data)

    def event(self, *what):
        self.events.put(what)

    def expect(self, kind, *more, seconds=DEADLINE):
        """The next event of this kind; what comes before it is passed over."""
        deadline, before = time.monotonic() + seconds, []
        while True:
            try:
                what = self.events.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                raise AssertionError(f"{self.name}: no {kind} {more} within {seconds} s, but {before}") from None
            if what[0] == kind and (not more or what[2:] == more):
                return what[1] if len(what) > 1 else None
            before.append(what)

    def seen(self):
        """The kinds of the events that have come so far."""
        kinds = []
        while not self.events.empty():
            kinds.append(self.events.get()[0])
        return kinds

    def publish(self, name, **options):
        return wait(self.local.publish_track(dt.DataTrackOptions(name=name, **options)))

    def find(self, name):
        return wait(self.remote.wait_for_track(name, None, DEADLINE * 1000))

    def read(self, name):
        return wait(self.find(name).subscribe())

    def kill(self):
        self.close()

    def tail(self):
        return f"{self.local.stats()}\n{self.remote.stats()}"


def wait(call):
    """What an asynchronous call answers."""
    return asyncio.run(bounded(call))


async def bounded(call):
    return await asyncio.wait_for(call, DEADLINE)


def read_next(stream):
    """The next payload of a stream; None at its end."""
    frame = wait(stream.next())
    return frame and frame.payload
