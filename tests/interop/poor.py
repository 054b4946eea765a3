"""Frames over a poor link (`network.py`) between a real livekit-server and its participants: how many arrive, how late, and who says what
of the others.

Not a test: figures depend on the machine. `cargo tasks pacing --poor` runs it and prints the table. Every publisher sends to every reader
alone, one after the other; each packet crosses the link twice, to the server and on to the reader.
"""

import hashlib
import sys
import tempfile
import threading
from pathlib import Path

from conftest import Room
from network import Link, Network
from pacing import drops, generated, lines, ours, python, read
from servers import Livekit

# What is lost, then bytes a frame, frames a second, how many.
LOADS = [("2 %", 1_000, 20, 200), ("2 %", 1_000, 100, 1_000), ("2 %", 262_144, 5, 20), ("none", 1_000, 100, 1_000), ("none", 262_144, 5, 20)]
LOADS += [("none, in order", 1_000, 100, 1_000), ("none, in order", 262_144, 2, 20), ("2 %, 5 s cut", 1_000, 100, 1_500)]
LINKS = {"2 %": Link(), "none": Link(loss=0), "none, in order": Link(loss=0, reorder=0), "2 %, 5 s cut": Link()}
OUTAGE = 5  # seconds, after a third of the frames
MAX_AGE = 100  # milliseconds that frames of ours wait at most, where they do not wait as long as it takes
SETTLE = 4  # seconds for readers to come, and for the last frame to arrive
HEADER = "| loss | frame | a second | publisher | reader | arrived | p50, p99 | damaged | lost |\n|---|---|---|---|---|---|---|---|---|"


def main():
    print(HEADER, flush=True)
    for loss, *load in LOADS:
        network = Network(LINKS[loss])
        try:
            measure(network, loss, load)
        finally:
            network.close()


def measure(network, loss, load):
    server = Livekit(Path(tempfile.mkdtemp()), network.server)
    try:
        for publisher in PUBLISHERS:
            for reader in ("ours", "Python SDK"):
                print(f"| {loss} | {row(server, network, loss, publisher, reader, *load)}", flush=True)
    finally:
        server.kill()


def row(server, network, loss, publisher, reader, size, rate, count):
    room, before, passed = Room(server, None, network.people), drops(server), on_the_way(network)
    network.calm()
    try:
        reading = read(room, reader)
        threading.Timer(SETTLE * 3 / 4, network.worsen).start()  # all have joined, and no frame is sent yet
        if "cut" in loss:
            cut = SETTLE + count / rate / 3
            threading.Timer(cut, network.cut).start()
            threading.Timer(cut + OUTAGE, network.mend).start()
        publishing = PUBLISHERS[publisher](room, size, rate, count, SETTLE)
        frames = [line for line in lines(reading) if line.get("event", "frame") == "frame"]
        sent = {hashlib.sha256(generated(size, number)).hexdigest()[:16] for number in range(min(count, 256))}
        damaged = sum(line["sha"] not in sent for line in frames)
        lost = [f"{now - then} UDP packets {what}" for what, then, now in zip(("lost", "cut"), passed, on_the_way(network)) if now > then]
        reasons = [*told(publishing), *told(reading), f"{drops(server) - before} packets dropped by the server", *lost]
        return f"{size} B | {rate} | {publisher} | {reader} | {len(frames)} of {count} | {late(frames)} | {damaged} | {'; '.join(reasons)} |"
    finally:
        room.end()


def on_the_way(network):
    """What the link has lost, and what was cut, in both directions."""
    return [sum(way[what] for way in network.counts()) for what in ("lost", "cut")]


def fresh(*load):
    return ours(*load, "--max-age-ms", MAX_AGE)


PUBLISHERS = {"ours": ours, "ours, 100 ms": fresh, "Python SDK": python}


def told(process):
    """What it says of frames that it lost."""
    return [line for line in process.said if " frames " in line or '"not sent"' in line]


def late(frames):
    times = sorted(line["latency_ms"] for line in frames)
    return f"{times[len(times) // 2]}, {times[len(times) * 99 // 100]} ms" if times else ""


if __name__ == "__main__":
    sys.exit(main())
