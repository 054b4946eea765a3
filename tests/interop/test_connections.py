"""Connections that break, and servers that freeze or restart, with an SDK of others in the room: what the application sees."""

import base64
import hashlib
import time

import pytest
from conftest import Room
from processes import words
from proxy import NONSENSE, SIMULATE_NODE_FAILURE, Proxy
from servers import WithoutDataTracks
from sending import PATIENCE, deliver, published, reads_on, sending, subscribed

OTHERS = pytest.mark.parametrize("other", ["python", "javascript"])
GOODBYE = 3  # seconds until it is heard; a server waits longer for who merely vanishes
RETURN = 60  # seconds until all have come back; the longest pause between two attempts is 7


@pytest.fixture
def proxy(server):
    proxy = Proxy(server.http)
    yield proxy
    proxy.close()


@pytest.fixture
def own_room(start_server, tmp_path, browser):
    """In a server of this test's own, which it may harm."""
    server = start_server(tmp_path)
    room = Room(server, browser)
    yield room
    room.end()
    server.thaw()
    server.kill()


@pytest.fixture
def room_without_data_tracks(tmp_path):
    server = WithoutDataTracks(tmp_path)
    room = Room(server, None)
    yield room
    room.end()
    server.kill()


@OTHERS
def test_a_reader_whose_websocket_is_cut_comes_back_quickly_and_reads_on(room, proxy, other):
    peer = getattr(room, other)()
    peer.write("publish pose")
    reader = subscribed(room, proxy.url)
    with sending(peer, "pose"):
        assert reader.line()["len"] == len("pose")
        proxy.cut()
        reader.until_remark("the signalling connection broke; reconnecting")
        reader.until_remark("reconnected (quick)")
        reads_on(reader)
    peer.write("unpublish pose")
    assert reader.status() == 0  # what the server says on the new connection is heard


@OTHERS
def test_a_publisher_whose_websocket_is_cut_comes_back_quickly_and_its_track_never_ends(room, proxy, other):
    peer, publisher = getattr(room, other)(), published(room, proxy.url)
    peer.write("subscribe pose")
    deliver(publisher, peer)
    proxy.cut()
    publisher.until_remark("reconnected (quick)")
    deliver(publisher, peer)
    assert publisher.status() == 0
    assert events(peer, until="ended") <= {"frame", "untrack", "ended", "gone"}


@OTHERS
def test_an_sdk_of_others_whose_websocket_is_cut_comes_back_and_its_tracks_go_on(room, proxy, other):
    peer, publisher = getattr(room, other)(url=proxy.url), published(room, name="ours")
    peer.write("publish pose")
    reader = subscribed(room)
    peer.write("subscribe ours")
    deliver(publisher, peer, "ours")
    with sending(peer, "pose"):
        assert reader.line()["len"] == len("pose")
        proxy.cut()
        peer.until_event("reconnected")
        reads_on(reader)
    deliver(publisher, peer, "ours")


@OTHERS
def test_a_reader_that_the_server_has_forgotten_reads_on(room, proxy, other):
    peer = getattr(room, other)()
    peer.write("publish pose")
    reader = subscribed(room, proxy.url)
    with sending(peer, "pose"):
        assert reader.line()["len"] == len("pose")
        proxy.ask_server(SIMULATE_NODE_FAILURE)
        reader.until_remark("reconnected (full)")
        reads_on(reader)


@OTHERS
def test_a_publisher_that_the_server_has_forgotten_publishes_its_track_again(room, proxy, other):
    peer, publisher = getattr(room, other)(), published(room, proxy.url)
    first = peer.until_event("track", name="pose")
    peer.write("subscribe pose")
    deliver(publisher, peer)
    proxy.ask_server(SIMULATE_NODE_FAILURE)
    publisher.until_remark("reconnected (full)")
    second = peer.until_event("track", name="pose")  # there a track does not outlive its SID
    assert first["sid"] != second["sid"]
    peer.write("subscribe pose")
    deliver(publisher, peer)
    assert publisher.status() == 0


def test_a_host_in_kotlin_whose_websocket_is_cut_comes_back_quickly_and_frames_flow_on(room, proxy):
    host, peer = conversing(room, proxy.url)
    proxy.cut()
    host.until_event("reconnected", quick=True)
    passes(host, peer, "ours")
    passes(peer, host, "pose")
    assert not ends(host) and not ends(peer)
    peer.write("unpublish pose")
    host.until_event("ended", name="pose")  # what the server says on the new connection is heard


@pytest.mark.parametrize("signal", NONSENSE)
def test_a_host_in_kotlin_that_is_told_nonsense_takes_the_connection_for_broken(room, proxy, signal):
    host, peer = conversing(room, proxy.url)
    proxy.tell_client(NONSENSE[signal])
    host.until_event("reconnected", quick=True)
    passes(host, peer, "ours")
    passes(peer, host, "pose")


def test_a_host_in_kotlin_that_leaves_is_gone_at_once(room):
    host, peer = conversing(room)
    host.process.stdin.close()
    host.until_event("left")
    peer.until_event("gone", seconds=GOODBYE, identity="kotlin")


def test_a_host_in_kotlin_that_the_server_has_forgotten_publishes_and_reads_again(room, proxy):
    host, peer = conversing(room, proxy.url)
    proxy.ask_server(SIMULATE_NODE_FAILURE)
    host.until_event("reconnected", quick=False)
    peer.until_event("track", name="ours")  # there a track does not outlive its SID
    peer.write("subscribe ours")
    passes(host, peer, "ours")
    passes(peer, host, "pose")
    assert not ends(host)
    assert host.status() == 0


def test_a_server_that_is_frozen_for_five_seconds_costs_frames_and_a_quick_reconnect(own_room):
    peer = own_room.python()
    peer.write("publish pose")
    reader, publisher = subscribed(own_room), published(own_room, name="ours")
    peer.write("subscribe ours")
    deliver(publisher, peer, "ours")
    with sending(peer, "pose"):
        reader.line()
        own_room.server.freeze()
        time.sleep(5)
        own_room.server.thaw()
        reader.until_remark("reconnected (quick)")
        reads_on(reader)
    deliver(publisher, peer, "ours")
    for process in (reader, publisher):
        assert sum("reconnect" in line for line in process.said) <= 2, "one interruption is mended once"
        assert not any("(full)" in line for line in process.said)


def test_a_server_that_stays_frozen_is_noticed_named_and_met_afresh_once(own_room):
    peer = own_room.python()
    peer.write("publish pose")
    reader, publisher = subscribed(own_room), published(own_room, name="ours")
    with sending(peer, "pose"):
        reader.line()
        own_room.server.freeze()
        for process in (reader, publisher):
            process.until_remark("reconnecting")
            process.until_remark("the server did not answer within 5 s; trying again")
        own_room.server.kill()
        own_room.server.start()
        for process in (reader, publisher):
            process.until_remark("reconnected (full)", seconds=RETURN)
        peer.until_event("reconnected", seconds=RETURN)
        reads_on(reader)
    peer.write("subscribe ours")
    deliver(publisher, peer, "ours")
    assert publisher.status() == 0
    for process in (reader, publisher):
        assert sum("reconnect" in line for line in process.said) == 2, "one interruption is mended once"


@pytest.mark.parametrize(("end", "quick"), [("restart", False), ("freeze for good", False), ("freeze", True)])
def test_a_host_in_kotlin_comes_back_once_from_a_server_that_goes_down(own_room, end, quick):
    host, peer = conversing(own_room)
    own_room.server.freeze() if "freeze" in end else own_room.server.kill()
    host.until_event("reconnecting")
    if end == "freeze":
        own_room.server.thaw()
    else:
        own_room.server.kill()
        own_room.server.start()
    host.until_event("reconnected", seconds=RETURN, quick=quick)
    if not quick:
        peer.until_event("reconnected", seconds=RETURN)
        peer.write("subscribe ours")
    passes(host, peer, "ours")
    passes(peer, host, "pose")
    assert sum('"reconnect' in line for line in host.said) == 2, "one interruption is mended once"


def test_a_host_in_kotlin_gives_up_a_server_that_has_no_data_tracks(room_without_data_tracks):
    room = room_without_data_tracks
    own = {"LIVEKIT_TOKEN": room.token("kotlin"), "DATATRACKS_E2EE_KEY": ""}
    host = room.start("kotlin", words("DATATRACKS_KOTLIN_ROOM"), None, None, own)
    # Before it has joined, or after: the server lets the channel open for a moment.
    host.until_event("disconnected", why="NO_DATA_TRACKS")


def test_a_server_that_restarts_gets_tracks_and_subscriptions_again(own_room):
    peer = own_room.python()
    peer.write("publish pose")
    reader, publisher = subscribed(own_room), published(own_room, name="ours")
    with sending(peer, "pose"):
        reader.line()
        own_room.server.kill()
        reader.until_remark("reconnecting")
        own_room.server.start()
        for process in (reader, publisher):
            process.until_remark("reconnected (full)", seconds=RETURN)
        peer.until_event("reconnected", seconds=RETURN)
        reads_on(reader)
    peer.write("subscribe ours")
    deliver(publisher, peer, "ours")
    assert publisher.status() == 0


def conversing(room, url=None):
    """Two who read each other: a host in Kotlin, which may be behind a proxy, and the Python SDK."""
    host, peer = room.kotlin(url=url), room.python()
    for one, other, name in ((host, peer, "ours"), (peer, host, "pose")):
        one.write(f"publish {name}")
        one.until_event("published", name=name)
        other.write(f"subscribe {name}")
        passes(one, other, name)
    return host, peer


def passes(one, other, name):
    """Sends frames until one of them arrives."""
    for number in range(30):
        payload = f"{name} {number} {time.monotonic()}".encode()
        one.write(f"send {name} - {base64.b64encode(payload).decode()}")
        deadline = time.monotonic() + PATIENCE
        while line := other.line_until(deadline):
            if line.get("sha") == hashlib.sha256(payload).hexdigest()[:16]:
                return
    pytest.fail(f"{other.name}: no frame")


def ends(process):
    """What it has said of streams and tracks that are over."""
    return [line for line in process.said if '"ended"' in line or '"untrack"' in line]


def events(peer, until):
    """Which events come, up to this one."""
    seen = set()
    while until not in seen:
        seen.add(peer.line()["event"])
    return seen
