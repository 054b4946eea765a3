"""Rooms over a poor link (`network.py`), with an SDK of others in them: what arrives, and what comes back after an outage.

It takes root's rights and iproute2; without them every test fails with the reason.
"""

import collections
import random
import struct
import time

import datatracks as dt
import pytest
from conftest import Room
from host import PACKET
from network import Network
from ours import Ours, read_next, wait
from sending import deliver, published, reads_on, sending, subscribed

RETURN = 60  # seconds until all have come back; the longest pause between two attempts is 7
OUTAGE = 5  # seconds
QUICK_LIMIT = 18  # seconds until a host gives up the quick way, and joins anew
LINGER = 3  # seconds for the last packet to arrive, before the track's end overtakes it
START, FINAL = 0x10, 0x08  # in the first byte of a packet


@pytest.fixture
def network():
    try:
        network = Network()
    except RuntimeError as reason:
        pytest.fail(f"NOT RUN, there are no network namespaces: {reason}", pytrace=False)
    yield network
    network.close()


@pytest.fixture
def room(start_server, network, tmp_path):
    server = start_server(tmp_path, network.server)
    room = Room(server, None, network.people)
    yield room
    room.end()
    server.kill()


@pytest.fixture
def beside(room, network):
    """The same room where its server is: no outage is felt there."""
    beside = Room(room.server, None, network.server, room.name)
    yield beside
    beside.end()


@pytest.mark.parametrize(("size", "rate", "count"), [(1_000, 100, 300), (20_000, 5, 20)])
def test_over_a_poor_link_comes_whatever_can_be_put_together_once_in_order_and_undamaged(room, network, size, rate, count):
    frames = [struct.pack(">I", number) + random.Random(number).randbytes(size - 4) for number in range(count)]
    publisher, reader = published(room, linger=LINGER), Recording(room)
    stream = wait(reader.find("pose").subscribe_with_options(OPTIONS))
    network.worsen()
    feed(publisher, frames, rate)
    arrived = list(iter(lambda: read_next(stream), None))
    numbers = [struct.unpack(">I", frame[:4])[0] for frame in arrived]
    assert all(frame == frames[number] for frame, number in zip(arrived, numbers)), "a damaged frame"
    assert numbers == sorted(set(numbers)), "out of order, or twice"
    assert len(arrived) == len(whole(reader.packets)), f"{stream.stats()}\n{network.counts()}"
    assert 0 < len(arrived) < count and all(way["lost"] for way in network.counts()), "the link is not poor"


def feed(publisher, frames, rate):
    start = time.monotonic()
    for number, frame in enumerate(frames):
        time.sleep(max(start + number / rate - time.monotonic(), 0))
        publisher.send(frame)
    publisher.process.stdin.close()


class Recording(Ours):
    """Keeps the packets that arrive, in a namespace."""

    def __init__(self, room):
        self.place, self.packets = room.place, []
        super().__init__(room)

    def connect(self, resume):
        with self.place.entered():
            super().connect(resume)

    def handle(self, kind, data):
        if kind == PACKET:
            self.packets.append(data)
        super().handle(kind, data)


def whole(packets):
    """The frames of which every packet is there, by another way than ours: the header alone."""
    parts = collections.defaultdict(set)
    for packet in packets:
        flags, _, _, sequence, frame = struct.unpack_from(">BBHHH", packet)
        parts[frame].add((sequence, bool(flags & START), bool(flags & FINAL)))
    return [frame for frame, found in parts.items() if is_whole(found)]


def is_whole(parts):
    firsts, lasts = ([sequence for sequence, *ends in parts if ends[end]] for end in (0, 1))
    return bool(firsts and lasts) and len(parts) == (lasts[0] - firsts[0]) % 65_536 + 1


def test_after_an_outage_of_the_network_frames_flow_again_in_the_same_streams(room, network):
    peer, reader, publisher, _ = joined(room, room)
    with sending(peer, "pose"):
        assert reader.line()["len"] == len("pose")
        network.cut()
        time.sleep(OUTAGE)
        network.mend()
        skip(reader)
        reads_on(reader)
    deliver(publisher, peer, "ours")


@pytest.mark.parametrize(("seconds", "recovery"), [(0, "quick"), (QUICK_LIMIT, "full")])
def test_where_udp_alone_is_cut_the_media_path_is_made_anew_and_the_streams_go_on(room, beside, network, seconds, recovery):
    peer, reader, publisher, first = joined(room, beside)
    with sending(peer, "pose"):
        assert reader.line()["len"] == len("pose")
        network.cut("udp")
        for process in (reader, publisher):
            process.until_remark("the WebRTC connection broke; reconnecting")
        time.sleep(seconds)
        network.mend()
        for process in (reader, publisher):
            process.until_remark(f"reconnected ({recovery})", seconds=RETURN)
        skip(reader)
        reads_on(reader)
    if recovery == "full":
        assert peer.until_event("track", name="ours")["sid"] != first["sid"]
    # There a track does not outlive its SID, of which there are two when the host has joined before UDP was mended.
    deliver(publisher, peer, "ours", again=recovery == "full")


def test_who_joins_while_udp_is_cut_joins_anew_and_comes_through_when_it_is_mended(room, beside, network):
    peer = beside.python()
    peer.write("subscribe pose")
    network.cut("udp")
    publisher = room.datatracks("publish", "--name", "pose", "--framing", "length", "--wait-ms", 0)
    publisher.until_remark("the data channel does not open; reconnecting")
    network.mend()
    publisher.until_remark("reconnected (full)", seconds=RETURN)
    publisher.until_remark('published "pose"')
    deliver(publisher, peer)
    assert publisher.status() == 0


def joined(room, others):
    """A Python peer that publishes and reads, ours that read and publish, and what the peer was told of our track."""
    peer = others.python()
    peer.write("publish pose")
    reader, publisher = subscribed(room), published(room, name="ours")
    told = peer.until_event("track", name="ours")
    peer.write("subscribe ours")
    deliver(publisher, peer, "ours")
    return peer, reader, publisher, told


def skip(reader):
    """What came until now."""
    while reader.line_until(time.monotonic() + 0.01):
        pass


OPTIONS = dt.DataTrackSubscribeOptions(buffer_frames=1024, reorder_window_ms=1000)
