"""The same hosts in a real room: `datatracks bridge --plain` in front of livekit-server, on loopback."""

import asyncio
import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

import datatracks as dt
import pytest
from conftest import LOGS, ROOT, Plain
from peer import Peer, connected, frame, options
from test_encryption import SECRET, ring, sealed_by
from test_tracks import pushed_until_read

KEY, SECRET_OF_KEY = "testkey", "0123456789abcdef0123456789abcdef"


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def livekit(tmp_path_factory):
    """A livekit-server of our own: its WebSocket address."""
    server = Path(os.environ.get("DATATRACKS_LIVEKIT_SERVER", ROOT / ".tools/bin/livekit-server"))
    assert server.exists(), f"{server} is missing: cargo tasks setup, or set DATATRACKS_LIVEKIT_SERVER"
    port, tcp_port, udp_port = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    config = tmp_path_factory.mktemp("livekit") / "livekit.yaml"
    config.write_text(
        f"""
port: {port}
bind_addresses: ["127.0.0.1"]
keys: {{{KEY}: "{SECRET_OF_KEY}"}}
enable_data_tracks: true
enable_participant_data_blob: true
rtc:
  tcp_port: {tcp_port}
  udp_port: {udp_port}
  use_external_ip: false
  node_ip: 127.0.0.1
  enable_loopback_candidate: true
  interfaces: {{includes: ["lo"]}}
"""
    )
    LOGS.append(config.with_suffix(".log"))
    with open(LOGS[-1], "w") as log:
        process = subprocess.Popen([server, "--config", config], stdout=log, stderr=log)
    deadline = time.monotonic() + 20
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert time.monotonic() < deadline and process.poll() is None, "livekit-server does not listen"
        time.sleep(0.05)
    yield f"ws://127.0.0.1:{port}"
    process.kill()  # a polite end would wait for rooms to empty
    process.wait(20)


@pytest.fixture(scope="module")
def bridge(livekit):
    process = Plain("bridge", "--url", livekit, "--api-key", KEY, "--api-secret", SECRET_OF_KEY, "--plain", "127.0.0.1:0")
    yield process
    process.stop()


@pytest.fixture
def join(bridge):
    """Joins a real room of this test's own."""
    room, peers = f"room-{secrets.token_hex(4)}", []

    def join(identity, **providers):
        peers.append(Peer(bridge.address, {"identity": identity, "room": room}, **providers))
        return peers[-1]

    yield join
    for peer in peers:
        assert peer.local.stats().panics == peer.remote.stats().panics == 0
        peer.close()


async def test_frames_cross_a_real_room(join):
    track, stream = await connected(join("alice"), join("bob"))
    await pushed_until_read(track, stream)
    for size in (0, 1, 15_988, 50_000):
        track.try_push(frame(bytes(size), size))
        arrived = await asyncio.wait_for(stream.next(), 10)
        while arrived.payload == b"again":
            arrived = await asyncio.wait_for(stream.next(), 10)
        assert (len(arrived.payload), arrived.user_timestamp) == (size, size)


async def test_sealed_frames_cross_a_real_room(join):
    keys = ring()
    alice, bob = join("alice", **sealed_by(keys)), join("bob", **sealed_by(keys))
    track, stream = await connected(alice, bob)
    await pushed_until_read(track, stream)
    track.try_push(frame(SECRET))
    while (await asyncio.wait_for(stream.next(), 10)).payload != SECRET:
        pass
    assert all(SECRET not in packet for packet in bob.received_packets)


async def test_names_and_ends_in_a_real_room(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    with pytest.raises(dt.PublishError.DuplicateName):
        await alice.local.publish_track(options("samples"))
    track.unpublish()
    assert await asyncio.wait_for(stream.next(), 10) is None
    assert stream.end_reason() == dt.StreamEndReason.UNPUBLISHED
