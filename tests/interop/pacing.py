"""Large frames in a hurry through a real livekit-server on loopback: how many arrive whole, how late, and what the server drops.

Figures depend on the machine, and on what else it does. `cargo tasks pacing` runs it and prints the table. Every publisher sends to every
reader alone, one after the other. It fails when one of our frames does not arrive at our own reader.
"""

import base64
import statistics
import sys
import tempfile
import time
from pathlib import Path

from conftest import Room
from matrix import OTHERS
from processes import DEADLINE, Browser
from servers import Livekit

# Bytes a frame, frames a second, how many.
LOADS = [(300_000, 10, 50), (500_000, 10, 50), (2_000_000, 2, 40), (2_000_000, 3, 40)]
READERS = ["ours", "Python SDK", *(["livekit-client"] if "JS" in OTHERS else [])]
SETTLE = 3  # seconds for readers to come, and for the last frame to arrive
NAME = "large"
HEADER = "| frame | a second | publisher | reader | arrived | median, latest | packets dropped by the server |\n|---|---|---|---|---|---|---|"
DROP = "could not send data track message"  # a line of the server's log for each packet


def main():
    folder = Path(tempfile.mkdtemp())
    server, browser = Livekit(folder), Browser(folder)
    rows = [(ours, reader) for reader in READERS] + [(slowly, "Python SDK")] + [(python, reader) for reader in READERS]
    missing = 0
    print(HEADER, flush=True)
    try:
        for load in LOADS:
            for publish, reader in rows:
                line, arrived = row(server, browser, publish, reader, *load)
                print(line, flush=True)
                missing += load[2] - arrived if (publish, reader) == (ours, "ours") else 0
    finally:
        browser.kill()
        server.kill()
    return f"{missing} of our frames did not arrive at our own reader" if missing else None


def row(server, browser, publish, reader, size, rate, count):
    room, before = Room(server, browser), drops(server)
    try:
        reading = read(room, reader)
        publish(room, size, rate, count)
        arrived = [line for line in lines(reading) if line.get("event", "frame") == "frame" and line["len"] == size]
        late = sorted(line["latency_ms"] for line in arrived if "latency_ms" in line)
        times = f"{statistics.median(late):.0f}, {late[-1]:.0f} ms" if late else ""
        who = {ours: "ours", slowly: "ours, 3 MB/s at most", python: "Python SDK"}[publish]
        line = f"| {size // 1000} KB | {rate} | {who} | {reader} | {len(arrived)} of {count} | {times} | {drops(server) - before} |"
        return line, len(arrived)
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
