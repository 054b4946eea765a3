"""Large frames in a hurry through a real livekit-server on loopback: how many arrive whole, and how late.

Not a test: figures depend on the machine, and on what else it does. `cargo tasks pacing` runs it and prints the table. Each publisher, one
after the other, has two readers at once, ours and the Python SDK. The server gets no rest between publishers that it would not have anyway.
"""

import base64
import statistics
import sys
import tempfile
import time
from pathlib import Path

from conftest import Room
from processes import DEADLINE
from servers import Livekit

# Bytes a frame, frames a second, how many.
LOADS = [(500_000, 10, 50), (2_000_000, 2, 40), (2_000_000, 3, 40)]
SETTLE = 3  # seconds for the last frame to arrive
NAME = "large"
HEADER = "| frame | a second | publisher | sent | reader: ours | median, latest | reader: Python SDK |\n|---|---|---|---|---|---|---|"


def main():
    server = Livekit(Path(tempfile.mkdtemp()))
    print(HEADER, flush=True)
    try:
        for load in LOADS:
            for publish in (ours, python):
                print(row(server, publish, *load), flush=True)
    finally:
        server.kill()


def row(server, publish, size, rate, count):
    room = Room(server, None)
    try:
        foreign = room.python("reader")
        foreign.write(f"subscribe {NAME}")
        reader = room.datatracks("subscribe", "--name", NAME, "--json")
        who, sent = publish(room, reader, size, rate, count)
        arrived = [line for line in lines(reader) if line["len"] == size]
        at_python = [line for line in lines(foreign) if line["event"] == "frame" and line["len"] == size]
        late = sorted(line["latency_ms"] for line in arrived) or [float("nan")]
        times = f"{statistics.median(late):.0f}, {late[-1]:.0f} ms"
        return f"| {size // 1000} KB | {rate} | {who} | {sent} | {len(arrived)} | {times} | {len(at_python)} |"
    finally:
        room.end()


def ours(room, reader, size, rate, count):
    """The command line, with its defaults."""
    load = f"size={size},rate={rate},count={count}"
    publisher = room.datatracks("publish", "--name", NAME, "--generate", load, "--wait-ms", 3000, "--linger-ms", SETTLE * 1000)
    reader.until_remark("subscribed to")
    publisher.status(seconds=DEADLINE + count / rate)
    return "ours", count


def python(room, reader, size, rate, count):
    publisher = room.python("publisher")
    publisher.write(f"publish {NAME}")
    publisher.until_event("published", name=NAME)
    reader.until_remark("subscribed to")
    time.sleep(SETTLE)  # as much as ours waits for readers
    payload, start = base64.b64encode(bytes(size)).decode(), time.monotonic()
    for number in range(count):
        time.sleep(max(start + number / rate - time.monotonic(), 0))
        publisher.write(f"send {NAME} {int(time.time() * 1000)} {payload}")
    time.sleep(SETTLE)
    publisher.status()
    return "Python SDK", count


def lines(process):
    """What it has said until the track's end."""
    while (line := process.line(timeout=DEADLINE)) is not None and line.get("event") != "ended":
        yield line


if __name__ == "__main__":
    sys.exit(main())
