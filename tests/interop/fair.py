"""A small fast track alone, and beside one that floods the same link (`network.py`): does it keep its rate, and how late is it?

Not a test: figures depend on the machine. `cargo tasks pacing --fair` runs it and prints the table. One participant publishes both tracks
through a real livekit-server; two others behind the same link read one each.
"""

import sys
import tempfile
import time
from pathlib import Path

from conftest import Room
from network import Link, Network
from poor import late
from servers import Livekit

RATE = "20mbit"
LINKS = {
    "no delay": Link(delay=0, swing=0, loss=0, reorder=0, rate=RATE),
    "50 ± 20 ms": Link(loss=0, reorder=0, rate=RATE),
    "50 ± 20 ms, 2 % lost": Link(rate=RATE, reorder=0),
}
POSE = ("pose", 100, 100, 1_000)  # name, bytes a frame, frames a second, how many
FLOOD = ("flood", 1 << 20, 10, 1_000)  # four times what the link carries
SETTLE = 4  # seconds for readers to come
LAST = 5  # seconds for the last frame to arrive
HEADER = "| link | publisher | track | arrived | p50 | p99 | 1 MiB frames beside it |\n|---|---|---|---|---|---|---|"


def main():
    print(HEADER, flush=True)
    for name, link in LINKS.items():
        network = Network(link)
        server = Livekit(Path(tempfile.mkdtemp()), network.server)
        try:
            for publisher, publish in PUBLISHERS.items():
                for tracks in ([POSE], [POSE, FLOOD]):
                    print(f"| {name} | {publisher} | {row(server, network, publish, tracks)}", flush=True)
        finally:
            server.kill()
            network.close()


def row(server, network, publish, tracks):
    room = Room(server, None, network.people)
    network.calm()
    try:
        readers = [room.datatracks("subscribe", "--json", "--name", name) for name, *_ in tracks]
        publish(room, tracks, network.worsen)
        deadline = time.monotonic() + POSE[3] / POSE[2] + LAST
        poses, *floods = [list(iter(lambda: reader.line_until(deadline), None)) for reader in readers]
        beside = f"{len(floods[0])}" if floods else "–"
        p50, p99 = late(poses).removesuffix(" ms").split(", ") if poses else ("", "")
        which = "beside a flood" if floods else "alone"
        return f"{which} | {len(poses)} of {POSE[3]} | {p50} ms | {p99} ms | {beside} |"
    finally:
        room.end()


def ours(room, tracks, worsen):
    loads = [["--name", name, "--generate", f"size={size},rate={rate},count={count}"] for name, size, rate, count in tracks]
    publisher = room.datatracks("publish", "--wait-ms", SETTLE * 1000, *sum(loads, []))
    for name, *_ in tracks:
        publisher.until_remark("published")
    time.sleep(SETTLE * 3 / 4)
    worsen()
    time.sleep(SETTLE / 4)


def python(room, tracks, worsen):
    publisher = room.python("publisher")
    for name, *_ in tracks:
        publisher.write(f"publish {name}")
        publisher.until_event("published", name=name)
    time.sleep(SETTLE)
    worsen()
    for load in tracks:
        publisher.write("generate " + " ".join(map(str, load)))


PUBLISHERS = {"ours": ours, "Python SDK": python}


if __name__ == "__main__":
    sys.exit(main())
