"""Frames over a poor link (`network.py`) between a real livekit-server and its participants: how many arrive, how late, and who says what
of the others.

Not a test: figures depend on the machine. `cargo tasks pacing --poor` runs it and prints the table. Every publisher sends to every reader
alone, one after the other; each packet crosses the link twice, to the server and on to the reader.
"""

import hashlib
import sys
import tempfile
from pathlib import Path

from conftest import Room
from network import Link, Network
from pacing import drops, generated, lines, ours, python, read
from servers import Livekit

# Bytes a frame, frames a second, how many.
LOADS = [(1_000, 100, 2_000), (262_144, 5, 20)]
LINKS = {"2 % lost": Link(), "none lost": Link(loss=0)}
SETTLE = 6  # seconds for readers to come, and for the last frame to arrive
HEADER = "| link | frame | a second | publisher | reader | arrived | p50, p99 | damaged | lost |\n|---|---|---|---|---|---|---|---|---|"


def main():
    print(HEADER, flush=True)
    for name, link in LINKS.items():
        network = Network(link)
        try:
            measure(name, network)
        finally:
            network.close()


def measure(link, network):
    server = Livekit(Path(tempfile.mkdtemp()), network.server)
    try:
        for load in LOADS:
            for publish in (ours, python):
                for reader in ("ours", "Python SDK"):
                    print(f"| {link} | {row(server, network, publish, reader, *load)}", flush=True)
    finally:
        server.kill()


def row(server, network, publish, reader, size, rate, count):
    room, before = Room(server, None, network.people), drops(server)
    try:
        reading = read(room, reader)
        publisher = publish(room, size, rate, count, SETTLE)
        frames = [line for line in lines(reading) if line.get("event", "frame") == "frame"]
        sent = {hashlib.sha256(generated(size, number)).hexdigest()[:16] for number in range(min(count, 256))}
        damaged = sum(line["sha"] not in sent for line in frames)
        reasons = [*told(publisher), *told(reading), f"{drops(server) - before} packets dropped by the server"]
        who = "ours" if publish is ours else "Python SDK"
        return f"{size} B | {rate} | {who} | {reader} | {len(frames)} of {count} | {late(frames)} | {damaged} | {'; '.join(reasons)} |"
    finally:
        room.end()


def told(process):
    """What it says of frames that it lost."""
    return [line for line in process.said if " frames " in line or '"not sent"' in line]


def late(frames):
    times = sorted(line["latency_ms"] for line in frames)
    return f"{times[len(times) // 2]}, {times[len(times) * 99 // 100]} ms" if times else ""


if __name__ == "__main__":
    sys.exit(main())
