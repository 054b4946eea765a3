"""Large frames in a hurry through a real livekit-server on loopback: how many arrive whole, how late, and what the server drops.

Not a test: figures depend on the machine, and on what else it does. `cargo tasks pacing` runs it and prints the table. Every publisher
sends to every reader alone, one after the other.
"""

import base64
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from conftest import Room
from processes import DEADLINE, Browser
from servers import Livekit

# Bytes a frame, frames a second, how many.
LOADS = [(300_000, 10, 50), (500_000, 10, 50), (2_000_000, 2, 40), (2_000_000, 3, 40)]
READERS = ["ours", "Python SDK"]
if os.environ.get("DATATRACKS_BROWSER") != "":  # `cargo tasks` says so where there can be no browser
    READERS.append("livekit-client")
SETTLE = 3  # seconds for readers to come, and for the last frame to arrive
NAME = "large"
HEADER = "| frame | a second | publisher | reader | arrived | median, latest | packets dropped by the server |\n|---|---|---|---|---|---|---|"
DROP = "could not send data track message"  # a line of the server's log for each packet


def main():
    folder = Path(tempfile.mkdtemp())
    server, browser = Livekit(folder), Browser(folder)
    print(HEADER, flush=True)
    try:
        for load in LOADS:
            print(row(server, browser, slowly, "Python SDK", *load), flush=True)
            for publish in (ours, python):
                for reader in READERS:
                    print(row(server, browser, publish, reader, *load), flush=True)
    finally:
        browser.kill()
        server.kill()


def row(server, browser, publish, reader, size, rate, count):
    room, before = Room(server, browser), drops(server)
    try:
        reading = read(room, reader)
        publish(room, size, rate, count)
        arrived = [line for line in lines(reading) if line.get("event", "frame") == "frame" and line["len"] == size]
        late = sorted(line["latency_ms"] for line in arrived if "latency_ms" in line)
        times = f"{statistics.median(late):.0f}, {late[-1]:.0f} ms" if late else ""
        who = {ours: "ours", slowly: "ours, 3 MB/s at most", python: "Python SDK"}[publish]
        return f"| {size // 1000} KB | {rate} | {who} | {reader} | {len(arrived)} of {count} | {times} | {drops(server) - before} |"
    finally:
        room.end()


def read(room, reader):
    if reader == "ours":
        return room.datatracks("subscribe", "--name", NAME, "--json")
    reading = room.python("reader") if reader == "Python SDK" else room.javascript("reader")
    reading.write(f"subscribe {NAME}")
    return reading


def ours(room, size, rate, count, settle=SETTLE, *more):
    """The command line, with its defaults, until it has ended."""
    load = f"size={size},rate={rate},count={count}"
    waits = ["--wait-ms", settle * 1000, "--linger-ms", settle * 1000]
    publisher = room.datatracks("publish", "--name", NAME, "--generate", load, *waits, *more)
    publisher.status(seconds=3 * DEADLINE + count / rate)
    return publisher


def slowly(room, size, rate, count):
    """For a reader that is known to be slow. Frames that would be late are not sent, so that others arrive whole."""
    ours(room, size, rate, count, SETTLE, "--max-bytes-per-second", 3_000_000, "--max-age-ms", 500)


def python(room, size, rate, count, settle=SETTLE):
    publisher = room.python("publisher")
    publisher.write(f"publish {NAME}")
    publisher.until_event("published", name=NAME)
    time.sleep(settle)
    start = time.monotonic()
    for number in range(count):
        payload = base64.b64encode(generated(size, number)).decode()
        time.sleep(max(start + number / rate - time.monotonic(), 0))
        publisher.write(f"send {NAME} {int(time.time() * 1000)} {payload}")
    time.sleep(settle)
    publisher.status()
    return publisher


def generated(size, number):
    """What the command line makes up."""
    ramp = bytes(7 * k % 256 for k in range(256)) * (size // 256 + 1)
    return ramp[:size].translate(bytes((byte + 31 * number) % 256 for byte in range(256)))


def drops(server):
    return server.log.read_text(errors="replace").count(DROP)


def lines(process):
    """What it has said until the track's end."""
    while (line := process.line(timeout=DEADLINE)) is not None and line.get("event") != "ended":
        yield line


if __name__ == "__main__":
    sys.exit(main())
