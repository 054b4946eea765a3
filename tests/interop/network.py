"""Two network namespaces, and between them a link that is as poor as it is told to be.

    server ── TUN, tbf ──► relay ──► TUN ── participants         and the same the other way
                          (delay, loss, another order; cuts)

`Network` is what tests hold. The relay is this file as a program: it makes namespaces and devices, and takes them away when its input
ends, so that they are gone however the test has ended. It knows packets of IP, and nothing of what is in them.
"""

import contextlib
import ctypes
import fcntl
import heapq
import json
import math
import os
import random
import secrets
import select
import signal
import struct
import subprocess
import sys
import time
from dataclasses import asdict, dataclass


@dataclass
class Link:
    """What becomes of a packet, in either direction. Delays swing in a wave, which keeps the order; who leaves the row has a delay by lot."""

    delay: float = 0.05  # seconds
    swing: float = 0.02  # seconds more or less
    loss: float = 0.02  # of all packets
    reorder: float = 0.05  # of all packets
    rate: str = "20mbit"
    seed: int = 1


@dataclass
class Place:
    """Where a process runs: on the machine itself, or in a namespace."""

    address: str
    device: str
    namespace: str | None = None

    def command(self, words):
        return [*(["ip", "netns", "exec", self.namespace] if self.namespace else []), *words]

    @contextlib.contextmanager
    def entered(self):
        """Sockets that this thread opens in here are the namespace's, and stay so."""
        if not self.namespace:
            yield
            return
        with open("/proc/thread-self/ns/net") as outside, open(f"/run/netns/{self.namespace}") as inside:
            enter(inside)
            try:
                yield
            finally:
                enter(outside)


def enter(namespace):
    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0):
        raise OSError(ctypes.get_errno(), "setns")


HERE = Place("127.0.0.1", "lo")


class Network:
    """Raises `RuntimeError` with the reason where there can be none."""

    name = "relay"

    def __init__(self, link=None):
        mark, pipe = secrets.token_hex(3), subprocess.PIPE
        self.server, self.people = (Place(f"10.77.0.{n}", f"dt{mark}{n}", f"datatracks-{mark}-{n}") for n in (1, 2))
        orders = json.dumps({"places": [asdict(self.server), asdict(self.people)], "link": asdict(link or Link())})
        # In a session of its own: an interrupt of the terminal is the test's, which then ends it.
        self.relay = subprocess.Popen(
            [sys.executable, __file__, orders], stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
        if self.relay.stdout.readline() != "ready\n":
            raise RuntimeError(self.relay.communicate()[1].strip())

    def worsen(self):
        """From now on packets are lost, as many as the link says. Until then none is: a join can fail of it (ICE done, DTLS never)."""
        self.tell("worsen")

    def calm(self):
        """As at first."""
        self.tell("calm")

    def cut(self, what="all"):
        """Nothing passes any more; or no "udp", while TCP does."""
        self.tell(f"cut {what}")

    def mend(self):
        self.tell("cut nothing")

    def counts(self):
        """Of packets, towards the server and towards the participants."""
        return self.tell("count")

    def tell(self, order):
        self.relay.stdin.write(f"{order}\n")
        self.relay.stdin.flush()
        return json.loads(self.relay.stdout.readline())

    def close(self):
        self.relay.communicate()


def main(orders):
    """The relay."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    orders = json.loads(orders)
    link, places = Link(**orders["link"]), [Place(**place) for place in orders["places"]]
    try:
        ends = [make(place, link) for place in places]
        for place, other in zip(places, reversed(places)):
            run("ip", "-n", place.namespace, "route", "add", other.address, "dev", place.device)
        print("ready", flush=True)
        relay(Way(ends[1], ends[0], link, 0), Way(ends[0], ends[1], link, 1))
    finally:
        for place in places:
            subprocess.run(["ip", "netns", "delete", place.namespace], stderr=subprocess.DEVNULL, check=False)


def make(place, link):
    """A namespace whose only way out is a device; answers the device's other end."""
    name, device = place.namespace, place.device
    run("ip", "netns", "add", name)
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI))
    run("ip", "link", "set", device, "netns", name)
    run("ip", "-n", name, "link", "set", device, "addrgenmode", "none")  # no IPv6 of its own accord
    run("ip", "-n", name, "address", "add", place.address, "dev", device)
    for up in ("lo", device):
        run("ip", "-n", name, "link", "set", up, "up")
    run("tc", "-n", name, "qdisc", "add", "dev", device, "root", "tbf", "rate", link.rate, *BUCKET)
    return end


def run(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.exit(f"there is no {command[0]}: apt install iproute2")
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")


class Way:
    """One direction."""

    def __init__(self, source, sink, link, number):
        self.source, self.sink, self.link, self.chance = source, sink, link, random.Random(link.seed * 2 + number)
        self.queue, self.cut, self.is_lossy = [], "nothing", False
        self.counts = {"came": 0, "lost": 0, "cut": 0, "passed": 0}

    def take(self, now):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.consider(os.read(self.source, LARGEST), now)

    def consider(self, packet, now):
        self.counts["came"] += 1
        is_lost, due = self.chance.random() < self.link.loss, now + self.delay(now)  # drawn for each, so that a seed is a sequence
        if self.cut == "all" or (self.cut == "udp" and packet[PROTOCOL] == UDP):
            self.counts["cut"] += 1
        elif is_lost and self.is_lossy:
            self.counts["lost"] += 1
        else:
            heapq.heappush(self.queue, (due, self.counts["came"], packet))

    def delay(self, now):
        by_lot = self.chance.uniform(-1, 1)
        is_out_of_order = self.chance.random() < self.link.reorder
        return self.link.delay + self.link.swing * (by_lot if is_out_of_order else math.sin(2 * math.pi * now / WAVE))

    def give(self, now):
        while self.queue and self.queue[0][0] <= now:
            with contextlib.suppress(BlockingIOError, OSError):  # the device is full, or not up any more
                os.write(self.sink, heapq.heappop(self.queue)[2])
                self.counts["passed"] += 1


def relay(*ways):
    """Until the input ends."""
    sources = {way.source: way for way in ways}
    while True:
        due = [way.queue[0][0] for way in ways if way.queue]
        wait = max(min(due) - time.monotonic(), 0) if due else None
        ready = select.select([*sources, sys.stdin], [], [], wait)[0]
        now = time.monotonic()
        for way in ways:
            way.take(now) if way.source in ready else None
            way.give(now)
        if sys.stdin in ready and not obey(sys.stdin.readline().split(), ways):
            return


def obey(order, ways):
    match order:
        case ["cut", what]:
            for way in ways:
                way.cut = what
        case ["worsen" | "calm" as what]:
            for way in ways:
                way.is_lossy = what == "worsen"
        case ["count"]:
            pass
        case _:
            return False
    print(json.dumps([way.counts for way in ways]), flush=True)
    return True


# Of linux/if_tun.h.
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
# Of the header of IPv4: where the protocol stands, and which is UDP.
PROTOCOL, UDP = 9, 17
LARGEST = 1 << 16  # bytes of a packet
WAVE = 1  # seconds from one longest delay to the next: slow enough that nobody overtakes
BUCKET = ["burst", "32k", "latency", "100ms"]  # what tbf lets through at once, and holds before it drops

if __name__ == "__main__":
    main(*sys.argv[1:])
